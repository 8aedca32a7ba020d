"""The compliance tool's cases about certificates on the charger: renewed, installed, listed, deleted, refused.

The words are `tinyocpp charger certificate`; what they send is held against what the `cryptography` package makes of
the same certificates.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.ocsp import OCSPRequestBuilder
from cryptography.x509.oid import NameOID
from listening import within
from ocpp.v16 import call, call_result

from compliance.certificates import Authority
from compliance.charge_point import now
from compliance.secure import ORGANISATION, over_tls

if TYPE_CHECKING:
    from pathlib import Path

    from compliance.charge_point import ChargePoint
    from compliance.programs import Listener
    from compliance.secure import SecureSite

RENEW = "ExtendedTriggerMessage", {"requestedMessage": "SignChargePointCertificate"}
CPO_NAME = call_result.GetConfiguration([{"key": "CpoName", "readonly": False, "value": ""}])


# ---------------------------------------------------------------------------------------------- the charger's own (A02)


@within(60)
async def test_tc_074_a_new_client_certificate(secure: SecureSite, secure_listener: Listener) -> None:
    """In one word: the charger is asked, its request signed, the certificate brought; the old one counts too."""
    before = secure.forge("before", f"/O={ORGANISATION}/CN=TC_074")
    async with over_tls(secure_listener, "TC_074", before) as cp:
        await cp.boot()
        cp.will(CPO_NAME)
        renewing = asyncio.create_task(cp.typed("certificate", "renew"))
        assert await cp.called("ChangeConfiguration") == {"key": "CpoName", "value": ORGANISATION}
        assert await cp.called(RENEW[0]) == RENEW[1]
        request = secure.keys.request("after", f"/O={ORGANISATION}/CN=TC_074")
        assert (await cp.ask(call.SignCertificate(request))).status == "Accepted"
        chain = (await cp.called("CertificateSigned"))["certificateChain"]
        said = await renewing
        assert (said.code, "new certificate" in said.out) == (0, True), said
    assert faults_of_a_client_certificate(chain, request, "TC_074") == []
    secure.keys.keep("after", chain)
    for shown in (secure.trust("after"), before):
        async with over_tls(secure_listener, "TC_074", shown) as cp:
            await cp.ask(call.Heartbeat())


def faults_of_a_client_certificate(chain: str, csr: str, common_name: str) -> list[str]:
    """What the tool looks at, and that the chain is the leaf alone, or the leaf first and never the root (5.7)."""
    certificates = x509.load_pem_x509_certificates(chain.encode())
    leaf, request = certificates[0], x509.load_pem_x509_csr(csr.encode())
    key = leaf.public_key()
    names = leaf.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    organisations = leaf.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    good = {
        "key": key == request.public_key(),
        "key length": isinstance(key, ec.EllipticCurvePublicKey) and key.key_size >= 224,
        "algorithm": isinstance(leaf.signature_hash_algorithm, hashes.SHA256),
        "common name": [name.value for name in names] == [common_name],
        "organisation": [name.value for name in organisations] == [ORGANISATION],
        "serial number": leaf.serial_number > 0,
        "chain": len(chain) <= 10_000 and all(one.subject != one.issuer for one in certificates),
    }
    return [what for what, fits in good.items() if not fits]


@within(30)
async def test_a_charger_asks_by_itself(secure: SecureSite, secure_listener: Listener) -> None:
    """A03: a month before its certificate ends, unasked. The answer comes first, then the certificate."""
    before = secure.forge("asks before", f"/O={ORGANISATION}/CN=asks")
    async with over_tls(secure_listener, "asks", before) as cp:
        await cp.boot()
        request = secure.keys.request("asks", f"/O={ORGANISATION}/CN=asks")
        assert (await cp.ask(call.SignCertificate(request))).status == "Accepted"
        chain = (await cp.called("CertificateSigned"))["certificateChain"]
        assert faults_of_a_client_certificate(chain, request, "asks") == []


@pytest.mark.parametrize(
    ("subject", "kind"),
    [
        pytest.param(f"/O={ORGANISATION}/CN=another", ("-newkey", "rsa:2048"), id="another charger's name"),
        pytest.param("/O=Somebody/CN=wrong", ("-newkey", "rsa:2048"), id="another organisation"),
        pytest.param(f"/O={ORGANISATION}/CN=wrong", ("-newkey", "rsa:1024"), id="a short key"),
        pytest.param("", (), id="no request at all"),
    ],
)
@within(30)
async def test_a_request_that_nobody_signs(
    secure: SecureSite, secure_listener: Listener, subject: str, kind: tuple[str, ...]
) -> None:
    """Rejected at once, the charger gets nothing, and its owner can see why."""
    async with secure_listener.charge_point("wrong") as cp:
        await cp.boot()
        request = secure.keys.request("wrong", subject, kind) if subject else "no request"
        assert (await cp.ask(call.SignCertificate(request))).status == "Rejected"
        await cp.ask(call.Heartbeat())
        assert cp.calls == []


@within(30)
async def test_tc_077_the_charger_does_not_take_it(secure: SecureSite, secure_listener: Listener) -> None:
    before = secure.forge("stays", f"/O={ORGANISATION}/CN=TC_077")
    async with over_tls(secure_listener, "TC_077", before) as cp:
        await cp.boot()
        cp.will(call_result.CertificateSigned("Rejected"))
        renewing = asyncio.create_task(cp.typed("certificate", "renew"))
        await cp.called(RENEW[0])
        request = secure.keys.request("refused", f"/O={ORGANISATION}/CN=TC_077")
        assert (await cp.ask(call.SignCertificate(request))).status == "Accepted"
        await cp.called("CertificateSigned")
        await cp.ask(call.SecurityEventNotification("InvalidChargePointCertificate", now(), None))
        said = await renewing
        assert (said.code, "stays in use" in said.err) == (1, True), said
    async with over_tls(secure_listener, "TC_077", before) as cp:
        await cp.ask(call.Heartbeat())


# ------------------------------------------------------------------------------------------ whom it trusts (M03 to M05)


def hash_data(certificate: Path, algorithm: str) -> dict[str, Any]:
    """As RFC 6960 has it, of a root; computed by somebody else."""
    root = x509.load_pem_x509_certificate(certificate.read_bytes())
    request = OCSPRequestBuilder().add_certificate(root, root, getattr(hashes, algorithm)()).build()
    return {
        "hashAlgorithm": algorithm,
        "issuerNameHash": request.issuer_name_hash.hex(),
        "issuerKeyHash": request.issuer_key_hash.hex(),
        "serialNumber": f"{root.serial_number:X}",
    }


def has(cp: ChargePoint, kind: str, *installed: dict[str, Any]) -> None:
    """It has these roots of this kind, and none of the other."""
    found = call_result.GetInstalledCertificateIds("Accepted", list(installed))
    none = call_result.GetInstalledCertificateIds("NotFound")
    cp.answers["GetInstalledCertificateIds"] = lambda certificate_type: found if certificate_type == kind else none


@pytest.mark.parametrize(
    ("kind", "typed"),
    [
        pytest.param("ManufacturerRootCertificate", "manufacturer", id="TC_075_1"),
        pytest.param("CentralSystemRootCertificate", "csms", id="TC_075_2"),
    ],
)
@within(30)
async def test_installing_a_root(
    request: pytest.FixtureRequest, secure: SecureSite, secure_listener: Listener, kind: str, typed: str
) -> None:
    """The configured one, as PEM; then it is on the list."""
    maker = Authority(secure.folder / "maker").root
    file = secure.root if typed == "csms" else maker
    async with secure_listener.charge_point(request.node.callspec.id) as cp:
        await cp.boot()
        words = () if typed == "csms" else (str(maker), "--type", "manufacturer")
        assert (await cp.typed("certificate", "install", *words)).code == 0
        asked = cp.calls[-1][1]
        assert asked["certificateType"] == kind
        assert fingerprint(asked["certificate"].encode()) == fingerprint(file.read_bytes())
        has(cp, kind, hash_data(file, "SHA256"))
        said = await cp.typed("certificate", "list", "--json")
        assert ("GetInstalledCertificateIds", {"certificateType": kind}) in cp.calls
        (row,) = (row for row in json.loads(said.out) if row["use"] == typed)
        assert row["serial_number"] == hash_data(file, "SHA256")["serialNumber"]
        assert row["in_use"] == (typed == "csms")


def fingerprint(pem: bytes) -> bytes:
    return x509.load_pem_x509_certificate(pem).fingerprint(hashes.SHA256())


@pytest.mark.parametrize("algorithm", ["SHA256", "SHA384", "SHA512"])
@pytest.mark.parametrize(("status", "code"), [("Accepted", 0), ("Failed", 1), ("NotFound", 1)])
@within(30)
async def test_tc_076_deleting_a_root(
    secure: SecureSite, secure_listener: Listener, algorithm: str, status: str, code: int
) -> None:
    """Named by the very hashes the charger has told, in its algorithm. The one it knows us by is never deleted so."""
    former = hash_data(Authority(secure.folder / "former").root, algorithm)
    async with secure_listener.charge_point("TC_076") as cp:
        await cp.boot()
        has(cp, "CentralSystemRootCertificate", hash_data(secure.root, algorithm), former)
        cp.will(call_result.DeleteCertificate(status))
        ours = await cp.typed("certificate", "delete", hash_data(secure.root, algorithm)["serialNumber"])
        assert (ours.code, "knows us by" in ours.err) == (64, True), ours
        assert "DeleteCertificate" not in dict(cp.calls)
        assert (await cp.typed("certificate", "delete", former["serialNumber"])).code == code
        assert cp.calls[-1] == ("DeleteCertificate", {"certificateHashData": former})


@within(30)
async def test_tc_078_the_charger_does_not_take_a_root(secure: SecureSite, secure_listener: Listener) -> None:
    async with secure_listener.charge_point("TC_078") as cp:
        await cp.boot()
        cp.will(call_result.InstallCertificate("Rejected"))
        said = await cp.typed("certificate", "install")
        assert (said.code, bool(said.err)) == (1, True)
        await cp.ask(call.SecurityEventNotification("InvalidCentralSystemCertificate", now(), None))


@pytest.mark.parametrize("content", ["nonsense", "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----", None])
@within(30)
async def test_what_is_no_certificate_is_not_sent(
    secure: SecureSite, secure_listener: Listener, tmp_path: Path, content: str | None
) -> None:
    if content is not None:
        (tmp_path / "root.pem").write_text(content)
    async with secure_listener.charge_point("unsent") as cp:
        await cp.boot()
        said = await cp.typed("certificate", "install", str(tmp_path / "root.pem"))
        assert (said.code, len(said.err.splitlines())) == (64, 1), said
        assert cp.calls == []
