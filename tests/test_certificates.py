"""Reading certificates and naming them, against the `cryptography` package as the one that knows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509 import ocsp
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st
from signing_requests import key

from tinyocpp.certificates import NotACertificate, expiry, hash_data, named_by, plain_serial, read_certificates, urgent
from tinyocpp.messages.security import CertificateHashData, HashAlgorithm
from tinyocpp.storage import signing

if TYPE_CHECKING:
    from collections.abc import Callable

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
ALGORITHMS = {
    HashAlgorithm.SHA256: hashes.SHA256(),
    HashAlgorithm.SHA384: hashes.SHA384(),
    HashAlgorithm.SHA512: hashes.SHA512(),
}

ROOT = signing.make_root("tinyocpp", "Zuhause über'm Fluß", NOON, NOON + timedelta(days=40 * 365))  # past 2050
SERVER = signing.issue_server(ROOT, ["csms.test", "192.0.2.1", "::1"], signing.make_key("rsa"), NOON, NOON)
CLIENT = signing.issue_client(ROOT, "garage", "Home", key().public_key(), NOON, NOON + timedelta(days=1))  # type: ignore[arg-type]


def bare() -> x509.Certificate:
    """No extensions, no O, names in another encoding, a small serial number."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Ärger", x509.name._ASN1Type.BMPString)])
    builder = x509.CertificateBuilder(name, name, key().public_key(), 0xFFF)  # type: ignore[arg-type]
    builder = builder.not_valid_before(datetime(1999, 1, 1)).not_valid_after(datetime(2049, 1, 1))  # noqa: DTZ001
    return builder.sign(key(), hashes.SHA256())  # type: ignore[arg-type]


MADE = {"a root": ROOT.certificate, "a server's": SERVER, "a charger's": CLIENT, "a bare one": bare()}


def first(oid: x509.ObjectIdentifier, name: x509.Name) -> object:
    return next((part.value for part in name.get_attributes_for_oid(oid)), "")


@pytest.mark.parametrize("made", MADE.values(), ids=MADE.keys())
@pytest.mark.parametrize("encoding", [serialization.Encoding.PEM, serialization.Encoding.DER], ids=["PEM", "DER"])
def test_what_a_certificate_says(made: x509.Certificate, encoding: serialization.Encoding) -> None:
    (read,) = read_certificates(made.public_bytes(encoding))
    assert read.pem.encode() == made.public_bytes(serialization.Encoding.PEM)
    assert read.serial == f"{made.serial_number:X}"
    assert (read.not_before, read.not_after) == (made.not_valid_before_utc, made.not_valid_after_utc)
    assert read.common_name == first(NameOID.COMMON_NAME, made.subject)
    assert read.organisation == first(NameOID.ORGANIZATION_NAME, made.subject)
    assert (read.subject, read.issuer) == (made.subject.public_bytes(), made.issuer.public_bytes())
    assert read.is_authority is (made is ROOT.certificate)
    assert read.is_root is (made.subject == made.issuer)


def test_one_of_the_first_version_does_not_say_so() -> None:
    """As `openssl x509 -req` made them for years (RFC 5280, 4.1.2.1: the field is left out)."""
    der = ROOT.certificate.public_bytes(serialization.Encoding.DER)
    assert (der[0], der[1], der[4], der[5], der[8:13].hex()) == (0x30, 0x82, 0x30, 0x82, "a003020102")
    outer, inner = (int.from_bytes(der[at : at + 2], "big") - 5 for at in (2, 6))
    first_version = b"\x30\x82" + outer.to_bytes(2, "big") + b"\x30\x82" + inner.to_bytes(2, "big") + der[13:]

    (read,) = read_certificates(first_version)

    assert (read.serial, read.common_name) == (f"{ROOT.certificate.serial_number:X}", "tinyocpp")


def test_a_file_may_hold_several_and_words_between() -> None:
    pem = [signing.certificate_pem(one) for one in (CLIENT, ROOT.certificate)]
    read = read_certificates(b"Bag Attributes\n" + pem[0] + b"subject=...\n" + pem[1].replace(b"\n", b"\r\n"))
    assert [one.common_name for one in read] == ["garage", "tinyocpp"]
    assert read[1].issued(read[0])
    assert not read[0].issued(read[1])


def with_unique_identifier(made: x509.Certificate) -> bytes:
    """Of the issuer, before the extensions: nobody has one any more, but the standard has (RFC 5280, 4.1.2.8)."""
    der = made.public_bytes(serialization.Encoding.DER)
    key = made.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    at, more = der.index(key) + len(key), b"\x81\x02\x00\x2a"
    whole, signed = ((int.from_bytes(der[at : at + 2]) + len(more)).to_bytes(2) for at in (2, 6))
    return der[:2] + whole + der[4:6] + signed + der[8:at] + more + der[at:]


@pytest.mark.parametrize("made", [ROOT.certificate, CLIENT], ids=["a root", "a charger's"])
def test_what_stands_before_the_extensions_is_passed_over(made: x509.Certificate) -> None:
    der = with_unique_identifier(made)
    (read,) = read_certificates(der)
    assert x509.load_der_x509_certificate(der).serial_number == made.serial_number
    assert read.serial == f"{made.serial_number:X}"
    assert read.is_authority is (made is ROOT.certificate)


DER = CLIENT.public_bytes(serialization.Encoding.DER)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        pytest.param(b"", "there is no certificate in it", id="nothing"),
        pytest.param(b"hello", "there is no certificate in it", id="words"),
        pytest.param(signing.key_pem(ROOT.key), "there is no certificate in it", id="a key"),
        pytest.param(b"-----BEGIN CERTIFICATE-----\nAA\n-----END ", "cannot be read", id="too little"),
        pytest.param(signing.certificate_pem(CLIENT)[:300] + b"\n-----END ", "cannot be read", id="cut off"),
        pytest.param(DER[:100], "there is no certificate in it", id="DER cut off"),
    ],
)
def test_what_is_none_is_refused(data: bytes, said: str) -> None:
    with pytest.raises(NotACertificate, match=said):
        read_certificates(data)


@given(st.integers(0, len(DER) - 1), st.binary(max_size=5), st.integers(0, 5))
def test_a_damaged_one_is_read_or_refused(at: int, instead: bytes, cut: int) -> None:
    try:
        (read,) = read_certificates(DER[:at] + instead + DER[at + cut :])
    except NotACertificate:
        return
    assert read.pem


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("made", MADE.values(), ids=MADE.keys())
def test_a_certificate_is_named_as_ocsp_does(made: x509.Certificate, algorithm: HashAlgorithm) -> None:
    issuer = made if made.subject == made.issuer else ROOT.certificate
    request = ocsp.OCSPRequestBuilder().add_certificate(made, issuer, ALGORITHMS[algorithm]).build()
    read, read_issuer = (read_certificates(signing.certificate_pem(one))[0] for one in (made, issuer))
    assert hash_data(read, read_issuer, algorithm) == CertificateHashData(
        hash_algorithm=algorithm,
        issuer_name_hash=request.issuer_name_hash.hex(),
        issuer_key_hash=request.issuer_key_hash.hex(),
        serial_number=f"{made.serial_number:X}",
    )


SPELLINGS: dict[str, Callable[[CertificateHashData], CertificateHashData]] = {
    "as we write it": lambda named: named,
    "in lower case, with zeros before": lambda named: CertificateHashData(
        hash_algorithm=named.hash_algorithm,
        issuer_name_hash=named.issuer_name_hash.upper(),
        issuer_key_hash=named.issuer_key_hash.upper(),
        serial_number=f"00{named.serial_number.lower()}",
    ),
}


@pytest.mark.parametrize("spelled", SPELLINGS.values(), ids=SPELLINGS.keys())
def test_the_one_a_charger_means(spelled: Callable[[CertificateHashData], CertificateHashData]) -> None:
    root, server, other = (read_certificates(signing.certificate_pem(one))[0] for one in list(MADE.values())[:3])
    known = [root, server]
    assert named_by(spelled(hash_data(root, root, HashAlgorithm.SHA512)), known) == root
    assert named_by(spelled(hash_data(server, root, HashAlgorithm.SHA384)), known) == server
    assert named_by(spelled(hash_data(other, root, HashAlgorithm.SHA256)), known) is None


@pytest.mark.parametrize("text", ["0FFF", "fff", "0f:ff", "0xFFF", " FFF\n"])
def test_a_serial_number_in_any_spelling(text: str) -> None:
    assert plain_serial(text) == "FFF"


@pytest.mark.parametrize(
    ("left", "said", "loud"),
    [
        (timedelta(days=31), "", False),
        (timedelta(days=30), "runs out in 30 days", False),
        (timedelta(days=8), "runs out in 8 days", False),
        (timedelta(days=7), "runs out in 7 days", True),
        (timedelta(days=1, hours=3), "runs out in 1 day", True),
        (timedelta(hours=3), "runs out today", True),
        (timedelta(0), "ran out today", True),
        (timedelta(days=-2), "ran out 2 days ago", True),
    ],
)
def test_the_end_is_told_ahead(left: timedelta, said: str, loud: bool) -> None:
    assert expiry(NOON + left, NOON) == said
    assert urgent(NOON + left, NOON) is loud
