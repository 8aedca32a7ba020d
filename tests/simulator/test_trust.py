"""Certificates and security profiles of the charge point, with `cryptography` as the central system's authority."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import ocsp
from cryptography.x509.oid import NameOID

from simulator.bench import T0, Bench
from tinyocpp.errors import Malformed
from tinyocpp.simulator import trust
from tinyocpp.simulator.client import Address, Client
from tinyocpp.simulator.tls import context

ALGORITHMS = {"SHA256": hashes.SHA256(), "SHA384": hashes.SHA384(), "SHA512": hashes.SHA512()}
US, MAKER = "CentralSystemRootCertificate", "ManufacturerRootCertificate"
DAY = timedelta(days=1)


def certificate(name, key, issuer=None, *, ca=False, begins=T0 - DAY, ends=T0 + 100 * DAY):
    """(certificate, its PEM); signed by itself without an issuer."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    by, signing = issuer or (subject, key)
    builder = x509.CertificateBuilder(by, subject, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(begins).not_valid_after(ends)
    builder = builder.add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    made = builder.sign(signing, hashes.SHA256())
    return made, pem(made)


def pem(certificate):
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def new_key():
    return ec.generate_private_key(ec.SECP256R1())


KEY = new_key()
ROOT, ROOT_PEM = certificate("root", KEY, ca=True)
ISSUER = (ROOT.subject, KEY)


def named(certificate, algorithm="SHA256"):
    """As OCSP names it."""
    request = ocsp.OCSPRequestBuilder().add_certificate(certificate, certificate, ALGORITHMS[algorithm]).build()
    return {
        "hashAlgorithm": algorithm,
        "issuerNameHash": request.issuer_name_hash.hex(),
        "issuerKeyHash": request.issuer_key_hash.hex(),
        "serialNumber": f"{certificate.serial_number:X}",
    }


def install(bench, text=ROOT_PEM, use=US):
    return bench.ask("InstallCertificate", certificateType=use, certificate=text)["status"]


def listed(bench, use=US):
    return bench.ask("GetInstalledCertificateIds", certificateType=use)


# Whom it trusts.


def test_a_root_is_installed_and_listed(bench):
    assert listed(bench) == {"status": "NotFound"}
    assert install(bench) == install(bench) == "Accepted"
    assert listed(bench) == {"status": "Accepted", "certificateHashData": [named(ROOT)]}
    assert listed(bench, MAKER) == {"status": "NotFound"}


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("hello", id="no certificate"),
        pytest.param(certificate("leaf", new_key())[1], id="no authority"),
        pytest.param(certificate("old", new_key(), ca=True, begins=T0 - 9 * DAY, ends=T0 - DAY)[1], id="over"),
        pytest.param(certificate("early", new_key(), ca=True, begins=T0 + DAY)[1], id="not yet"),
    ],
)
def test_a_root_that_is_none_is_rejected_and_told_of(bench, text):
    """TC_078"""
    assert install(bench, text) == "Rejected"
    ((_, event),) = bench.take("SecurityEventNotification")
    assert event["type"] == "InvalidCentralSystemCertificate"


def test_the_store_is_full(bench):
    roots = [certificate(f"root {n}", new_key(), ca=True)[1] for n in range(5)]
    assert [install(bench, root) for root in roots] == ["Accepted"] * 4 + ["Rejected"]
    assert install(bench, roots[4], MAKER) == "Accepted"


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_root_is_deleted_by_any_hash_but_not_the_last(bench, algorithm):
    """TC_076, M04.FR.06"""
    other, text = certificate("other", new_key(), ca=True)
    install(bench)
    install(bench, text)
    wanted = {key: value.lower() for key, value in named(other, algorithm).items()} | {"hashAlgorithm": algorithm}

    def delete(what):
        return bench.ask("DeleteCertificate", certificateHashData=what)["status"]

    assert delete(wanted) == "Accepted"
    assert delete(wanted) == "NotFound"
    assert delete(named(ROOT, algorithm)) == "Failed"


# Its own certificate (TC_074, TC_077).


def asked(bench):
    """The request that follows when one is wanted."""
    wanted = bench.ask("ExtendedTriggerMessage", requestedMessage="SignChargePointCertificate")
    assert wanted == {"status": "Accepted"}
    ((_, said),) = bench.take("SignCertificate")
    return x509.load_pem_x509_csr(said["csr"].encode())


def bring(bench, text):
    return bench.ask("CertificateSigned", certificateChain=text)["status"]


def test_a_certificate_is_asked_for_and_taken(bench):
    bench.ask("ChangeConfiguration", key="CpoName", value="Zuhause")
    request = asked(bench)
    assert request.is_signature_valid
    assert request.subject.rfc4514_string() == "CN=CP-1,O=Zuhause"
    install(bench)
    made = pem(certificate("CP-1", request, ISSUER)[0])
    assert bring(bench, made) == "Accepted"
    chain, key = bench.station.keychain.own
    assert chain == made
    assert serialization.load_pem_private_key(key.encode(), None).public_key() == request.public_key()
    assert not bench.station.closing


@pytest.mark.parametrize(
    ("make", "why"),
    [
        pytest.param(lambda request: "hello", "cannot be read", id="no certificate"),
        pytest.param(lambda request: certificate("CP-1", new_key(), ISSUER)[1], "another key", id="another key"),
        pytest.param(
            lambda request: certificate("CP-1", request, (ROOT.subject, new_key()))[1], "nobody it trusts", id="forged"
        ),
        pytest.param(
            lambda request: certificate("CP-1", request, ISSUER, ends=T0 - timedelta(hours=1))[1],
            "not valid now",
            id="over",
        ),
    ],
)
def test_a_certificate_that_does_not_fit_is_rejected_and_told_of(bench, make, why):
    install(bench)
    assert bring(bench, make(asked(bench))) == "Rejected"
    ((_, event),) = bench.take("SecurityEventNotification")
    assert event["type"] == "InvalidChargePointCertificate"
    assert why in event["techInfo"]
    assert bench.station.keychain.own is None


def test_a_request_that_is_rejected_is_noted(bench):
    bench.answers["SignCertificate"] = {"status": "Rejected"}
    asked(bench)
    assert bench.station.notices[-1].text == "its request for a certificate was rejected"


WITHOUT = """
import sys
sys.modules["cryptography"] = None
sys.path[:0] = {paths!r}
from simulator.bench import Bench
bench = Bench().connect()
print(bench.ask("GetInstalledCertificateIds", certificateType="CentralSystemRootCertificate"))
print(bench.ask("ExtendedTriggerMessage", requestedMessage="SignChargePointCertificate"))
bench.station.given = frozenset({{"password"}})
print(bench.ask("ChangeConfiguration", key="SecurityProfile", value="2"))
"""


def test_without_the_package_it_has_no_certificates():
    ran = subprocess.run(
        [sys.executable, "-c", WITHOUT.format(paths=sys.path)], capture_output=True, text=True, timeout=30, check=True
    )
    assert ran.stdout.splitlines() == ["NotSupported", "{'status': 'NotImplemented'}", "{'status': 'Rejected'}"]


# Security profiles (TC_083, A05).


def rise(bench, profile):
    return bench.ask("ChangeConfiguration", key="SecurityProfile", value=profile)["status"]


@pytest.mark.parametrize(
    ("given", "profile", "status"),
    [
        ((), "1", "Rejected"),
        (("password",), "1", "Accepted"),
        (("password",), "2", "Rejected"),
        (("password", "root"), "2", "Accepted"),
        (("root",), "3", "Rejected"),
        (("root", "certificate"), "3", "Accepted"),
        (("password",), "0", "Rejected"),
        (("password",), "high", "Rejected"),
        (("password", "root", "certificate"), "4", "Rejected"),
    ],
)
def test_a_profile_needs_what_it_is_made_of(bench, given, profile, status):
    bench.station.given = frozenset(given)
    assert rise(bench, profile) == status
    assert bench.station.closing is (status == "Accepted")


def test_what_is_installed_counts_and_a_profile_only_rises(bench):
    bench.ask("ChangeConfiguration", key="AuthorizationKey", value="00" * 20)
    bench.connect()
    install(bench)
    assert rise(bench, "2") == "Accepted"
    bench.connect()
    assert rise(bench, "1") == rise(bench, "2") == "Rejected"
    assert bring(bench, certificate("CP-1", asked(bench), ISSUER)[1]) == "Accepted"
    assert rise(bench, "3") == "Accepted"
    bench.connect()
    assert bring(bench, certificate("CP-1", asked(bench), ISSUER)[1]) == "Accepted"
    assert bench.station.closing  # to show it


def test_a_profile_that_leads_nowhere_is_given_up(bench):
    bench.station.given = frozenset({"password", "root"})
    rise(bench, "2")
    for _ in range(2):
        trust.fall_back(bench.station, bench.now)
        assert bench.station.configuration.text("SecurityProfile") == "0"


def test_where_to_depends_on_the_profile():
    address = Address(url="ws://h:1/", secure_url="wss://h:2/", identity="CP 1")
    assert [address.full_url(profile) for profile in range(4)] == ["ws://h:1/CP%201"] * 2 + ["wss://h:2/CP%201"] * 2
    assert Address(url="wss://h/", identity="a").full_url(3) == "wss://h/a"


class Twice:
    """Done when the line was refused so often."""

    next_deadline = None

    def __init__(self, station):
        self.station = station

    def advance(self, now):
        pass

    @property
    def finished(self):
        return "security profile 0 again" in [notice.text for notice in self.station.notices]


def test_the_client_falls_back_by_itself():
    station = Bench().station
    station.given = frozenset({"password", "root"})
    trust.change_profile(station, "2")
    nobody = Address(url="ws://127.0.0.1:9/", identity="CP-1")
    client = Client(station, Twice(station), nobody, persistent=True, first_wait_s=0.01)
    asyncio.run(asyncio.wait_for(client.run(), 20))
    assert station.configuration.text("SecurityProfile") == "0"


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"ca": "nowhere.pem"}, "nowhere.pem"),
        ({"certificate": "nowhere.pem"}, "nowhere.pem"),
        ({"ca": __file__}, "NO_CERT"),
    ],
)
def test_files_that_cannot_be_used_are_named(files, said):
    with pytest.raises(Malformed, match=f"(?i){said}"):
        context([], None, **({"ca": "", "certificate": "", "key": ""} | files))
