"""The owner's certificate authority: its folder, what it signs and what not. openssl is the one that judges."""

from __future__ import annotations

import base64
import contextlib
import os
import stat
import subprocess
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from hypothesis import example, given
from hypothesis import strategies as st
from signing_requests import key, request

from tinyocpp.certificates import read_certificates
from tinyocpp.errors import CertificateRefused, Malformed, OperatorError, Refused, StorageError
from tinyocpp.storage import signing
from tinyocpp.storage.authority import FileAuthority

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NOW = datetime.now(UTC).replace(microsecond=0)
YEAR = timedelta(days=365)
HOSTS = ["csms.test", "192.0.2.1", "2001:db8::1"]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> FileAuthority:
    made = FileAuthority(str(tmp_path_factory.mktemp("house") / "ca"))
    made.create("Our root", "Home", HOSTS, NOW, 20)
    return made


def openssl(*arguments: str) -> str:
    return subprocess.run(["openssl", *arguments], check=True, capture_output=True, text=True, timeout=30).stdout


# --- the folder


def test_keys_are_for_their_owner_only(authority: FileAuthority) -> None:
    modes = {entry.name: stat.S_IMODE(entry.stat().st_mode) for entry in os.scandir(authority.folder)}
    assert modes == {f"{name}.key": 0o600 for name in ("root", "rsa", "ecdsa")} | {
        f"{name}.pem": 0o644 for name in ("root", "rsa", "ecdsa")
    }
    assert stat.S_IMODE(os.stat(authority.folder).st_mode) == 0o700


def test_it_belongs_to_whom_the_folder_above_belongs(tmp_path: Path) -> None:
    """Made with sudo, the service must be able to read it."""
    if os.geteuid() == 0:
        os.chown(tmp_path, 12345, 12345)
    made = FileAuthority(str(tmp_path / "ca"))
    made.create("Root", "Home", HOSTS, NOW, 20)
    made.renew([], NOW)
    owners = {os.stat(path).st_uid for path in (made.folder, made.path("root", "key"), made.path("rsa"))}
    assert owners == {os.stat(tmp_path).st_uid}


def test_an_authority_is_never_overwritten(authority: FileAuthority) -> None:
    before = authority.certificate("root")
    with pytest.raises(Refused, match="never overwritten; see: tinyocpp ca show"):
        authority.create("Another", "Home", HOSTS, NOW, 20)
    assert authority.certificate("root") == before
    assert sorted(os.listdir(os.path.dirname(authority.folder))) == ["ca"]


def test_something_else_in_the_folder_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "ca").mkdir()
    (tmp_path / "ca" / "photo.jpg").write_text("x")
    with pytest.raises(StorageError, match="not empty"):
        FileAuthority(str(tmp_path / "ca")).create("Root", "Home", HOSTS, NOW, 20)
    assert os.listdir(tmp_path / "ca") == ["photo.jpg"]


def test_what_is_not_there_is_said_with_the_remedy(tmp_path: Path) -> None:
    nowhere = FileAuthority(str(tmp_path / "ca"))
    for refused in (
        lambda: nowhere.certificate("root"),
        lambda: nowhere.renew([], NOW),
        lambda: nowhere.issue("x", NOW),
    ):
        with pytest.raises(Refused, match=r"there is no authority in .*; make one with: tinyocpp ca init"):
            refused()
    with pytest.raises(CertificateRefused, match="tinyocpp ca init"):
        nowhere.sign("garage", "", request("garage"), NOW)


# --- the server's certificates (TC_086)


@pytest.mark.parametrize(("kind", "algorithm"), [("rsa", "rsaEncryption"), ("ecdsa", "id-ecPublicKey")])
def test_the_servers_certificates(authority: FileAuthority, kind: str, algorithm: str) -> None:
    path = authority.path(kind)
    assert "OK" in openssl(
        *("verify", "-x509_strict", "-purpose", "sslserver", "-verify_hostname", "csms.test"),
        *("-CAfile", authority.path("root"), path),
    )
    text = openssl("x509", "-in", path, "-noout", "-text")
    for said in (
        algorithm,
        "Subject: O = Home, CN = csms.test",
        "DNS:csms.test, IP Address:192.0.2.1, IP Address:2001:DB8:0:0:0:0:0:1",
        "sha256WithRSAEncryption",
    ):
        assert said in text


def test_certificates_are_renewed_with_the_keys_they_have(tmp_path: Path) -> None:
    made = FileAuthority(str(tmp_path / "ca"))
    made.create("Root", "Home", HOSTS, NOW, 20)
    before = [made.certificate(kind) for kind in ("rsa", "ecdsa")]
    assert made.renew([], NOW + YEAR) == HOSTS
    after = [made.certificate(kind) for kind in ("rsa", "ecdsa")]
    assert [one.key for one in after] == [one.key for one in before]
    assert {one.not_after for one in after} == {NOW + 6 * YEAR}
    assert made.renew(["other.test"], NOW) == ["other.test"]
    assert made.certificate("rsa").common_name == "other.test"


def test_nothing_outlives_its_root(tmp_path: Path) -> None:
    made = FileAuthority(str(tmp_path / "ca"))
    made.create("Root", "Home", HOSTS, NOW, 1)
    assert made.certificate("rsa").not_after == made.certificate("root").not_after == NOW + YEAR
    with pytest.raises(Refused, match=r"root.pem ran out 1 day ago; move .* away and make another"):
        made.renew([], NOW + YEAR + timedelta(days=1))


def test_nothing_is_signed_while_the_clock_is_behind(authority: FileAuthority) -> None:
    """A Raspberry Pi has no clock of its own: after a power cut it may be any year until it has asked the network."""
    with pytest.raises(CertificateRefused, match="this machine's clock is behind"):
        authority.sign("garage", "", request("garage"), NOW - timedelta(days=2))


@pytest.mark.parametrize(
    ("host", "said"), [("a" * 65, "1 to 64 characters"), ("", "1 to 64 characters"), ("a..b", "neither a host's name")]
)
def test_what_cannot_be_a_host_is_refused(tmp_path: Path, host: str, said: str) -> None:
    with pytest.raises(Malformed, match=said):
        FileAuthority(str(tmp_path / "ca")).create("Root", "Home", [host], NOW, 20)


# --- chargers' certificates


@pytest.mark.parametrize("kind", ["P-256", "RSA-2048"])
def test_a_request_becomes_a_certificate(authority: FileAuthority, tmp_path: Path, kind: str) -> None:
    """TC_074: the request's key, its CN, our O, and only good for a client."""
    signed = authority.sign("Garage", "", request("garage", kind=kind), NOW)
    (tmp_path / "garage.pem").write_text(signed.chain_pem)
    assert "OK" in openssl(
        *("verify", "-x509_strict", "-purpose", "sslclient"),
        *("-CAfile", authority.path("root"), str(tmp_path / "garage.pem")),
    )
    (made,) = read_certificates(signed.chain_pem.encode())
    public = x509.load_pem_x509_certificate(signed.chain_pem.encode()).public_key()
    assert public == key(kind).public_key()
    assert (made.common_name, made.organisation, made.is_authority) == ("garage", "Home", False)
    assert (made.serial, made.not_after) == (signed.serial, signed.expires_at) == (made.serial, NOW + 2 * YEAR)


@pytest.mark.parametrize(
    "spelled",
    [
        lambda csr: csr.replace("\n", "\r\n"),
        lambda csr: csr.replace("\n", "\\n"),
        lambda csr: csr.replace("CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST"),
        lambda csr: "".join(csr.splitlines()[1:-1]),
    ],
    ids=["CR LF", "line ends escaped twice", "an old name", "base64 alone"],
)
def test_requests_as_chargers_write_them(authority: FileAuthority, spelled: Callable[[str], str]) -> None:
    assert authority.sign("garage", "", spelled(request("garage")), NOW).serial


def test_the_serial_number_may_be_the_name(authority: FileAuthority) -> None:
    """A00.FR.405"""
    signed = authority.sign("garage", "SN-4711", request("sn-4711", "Home"), NOW)
    assert read_certificates(signed.chain_pem.encode())[0].common_name == "sn-4711"


@pytest.mark.parametrize(
    ("csr", "why"),
    [
        pytest.param("", "cannot be read", id="nothing"),
        pytest.param("-----BEGIN CERTIFICATE REQUEST-----\nhello\n", "cannot be read", id="no request"),
        pytest.param("ü" * 100, "cannot be read", id="no PEM"),
        pytest.param(request("carport"), "for CN 'carport', which is not garage or SN-1", id="another's name"),
        pytest.param(request("", "Home"), "for CN ''", id="no name"),
        pytest.param(request("garage", "Maker"), "for O 'Maker', not 'Home': set .* CpoName", id="another O"),
        pytest.param(request("garage", ca=True), "wants to sign others", id="an authority"),
        pytest.param(request("garage", names=("garage", "csms.test")), "other names too: csms.test", id="a server's"),
        pytest.param(request("garage", kind="RSA-1024"), "weaker than RSA of 2048", id="short RSA"),
        pytest.param(request("garage", kind="P-192"), "weaker than", id="short curve"),
        pytest.param(request("garage", kind="Ed25519"), "another kind", id="a kind the paper does not have"),
    ],
)
def test_a_bad_request_is_refused_with_the_reason(authority: FileAuthority, csr: str, why: str) -> None:
    with pytest.raises(CertificateRefused, match=why):
        authority.sign("garage", "SN-1", csr, NOW)


def test_a_request_must_prove_its_key(authority: FileAuthority) -> None:
    der = x509.load_pem_x509_csr(request("carport").encode()).public_bytes(serialization.Encoding.DER)
    forged = base64.encodebytes(der.replace(b"carport", b"garage1")).decode()
    pem = f"-----BEGIN CERTIFICATE REQUEST-----\n{forged}-----END CERTIFICATE REQUEST-----\n"
    with pytest.raises(CertificateRefused, match="not signed with its own key"):
        authority.sign("garage1", "", pem, NOW)


DER = x509.load_pem_x509_csr(request("garage", names=("garage",)).encode()).public_bytes(serialization.Encoding.DER)


@given(st.lists(st.tuples(st.integers(0, len(DER) - 1), st.integers(0, 255)), min_size=1, max_size=4))
@example([(DER.index(b"\x02\x01\x00") + 2, 9)])  # a version that does not exist
@example([(DER.index(b"\x0c\x06garage"), 3)])  # a name of bits
def test_a_damaged_request_is_refused_and_nothing_else(
    authority: FileAuthority, changes: list[tuple[int, int]]
) -> None:
    damaged = bytearray(DER)
    for at, value in changes:
        damaged[at] = value
    with contextlib.suppress(CertificateRefused):
        assert authority.sign("garage", "", base64.b64encode(damaged).decode(), NOW).serial


def test_the_configured_organisation_counts(authority: FileAuthority) -> None:
    strict = FileAuthority(authority.folder, "My chargers")
    signed = strict.sign("garage", "", request("garage", "My chargers"), NOW)
    assert read_certificates(signed.chain_pem.encode())[0].organisation == "My chargers"
    with pytest.raises(CertificateRefused, match="for O 'Home', not 'My chargers'"):
        strict.sign("garage", "", request("garage", "Home"), NOW)


def test_a_key_and_a_certificate_for_a_charger_that_cannot_ask(authority: FileAuthority) -> None:
    signed, pem = authority.issue("garage", NOW)
    made = x509.load_pem_x509_certificate(signed.chain_pem.encode())
    assert signing.read_key(pem).public_key() == made.public_key()
    assert read_certificates(signed.chain_pem.encode())[0].common_name == "garage"


@pytest.mark.parametrize(
    ("name", "text", "error", "said"),
    [
        ("root.key", "", Malformed, "root.key: "),
        ("root.pem", "", Malformed, "root.pem: there is no certificate in it"),
        ("root.key", None, Malformed, "there is no file .*root.key"),
    ],
)
def test_a_folder_that_is_damaged(
    tmp_path: Path, name: str, text: str | None, error: type[OperatorError], said: str
) -> None:
    made = FileAuthority(str(tmp_path / "ca"))
    made.create("Root", "Home", HOSTS, NOW, 20)
    (tmp_path / "ca" / name).unlink()
    if text is not None:
        (tmp_path / "ca" / name).write_text(text)
    with pytest.raises(error, match=said):
        made.issue("garage", NOW)
    with pytest.raises(CertificateRefused, match=said):
        made.sign("garage", "", request("garage"), NOW)


def test_a_servers_key_that_is_damaged(tmp_path: Path) -> None:
    made = FileAuthority(str(tmp_path / "ca"))
    made.create("Root", "Home", HOSTS, NOW, 20)
    for name, text in (("rsa.key", "x"), ("rsa.pem", "x")):
        (tmp_path / "ca" / name).write_text(text)
        with pytest.raises(Malformed, match=f"{name}: "):
            made.renew([], NOW)
        (tmp_path / "ca" / name).unlink()
        with pytest.raises(Malformed, match=f"there is no file .*{name}"):
            made.renew([], NOW)


def test_a_key_of_another_root_is_refused(tmp_path: Path, authority: FileAuthority) -> None:
    made = FileAuthority(str(tmp_path / "ca"))
    made.create("Root", "Home", HOSTS, NOW, 20)
    os.replace(made.path("rsa", "key"), made.path("root", "key"))
    with pytest.raises(Malformed, match="do not belong together"):
        made.issue("garage", NOW)
