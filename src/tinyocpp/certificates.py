"""Rule: what a certificate says, how OCPP names it, and when its end is worth a word.

A certificate is read here with forty lines of DER (X.690, RFC 5280) and nothing imported, so the listener can warn of
one that runs out, and `tinyocpp charger certificate` can name one, without the package that makes them. Nothing is
verified here: signatures are the TLS library's business at the door, and signing.py's where we sign.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from tinyocpp.errors import Malformed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tinyocpp.messages.security import CertificateHashData, HashAlgorithm

SOON = timedelta(days=30)  # security paper A03: a charger asks for its next certificate about then
URGENT = timedelta(days=7)
LONGEST_PEM = 5500  # what InstallCertificate holds
LONGEST_CHAIN = 10_000  # what CertificateSigned holds

PEM = re.compile(rb"-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----([A-Za-z0-9+/=\s]*)-----END ")
INTEGER, BITS, OCTETS, OID, SEQUENCE, SET = 0x02, 0x03, 0x04, 0x06, 0x30, 0x31
UTC_TIME, GENERAL_TIME, VERSION, EXTENSIONS = 0x17, 0x18, 0xA0, 0xA3
COMMON_NAME, ORGANISATION, BASIC_CONSTRAINTS = b"\x55\x04\x03", b"\x55\x04\x0a", b"\x55\x1d\x13"
ENCODINGS = {0x0C: "utf-8", 0x13: "ascii", 0x14: "latin-1", 0x16: "ascii", 0x1E: "utf-16-be"}


class Certificate(msgspec.Struct, frozen=True, kw_only=True):
    """What one says. Names are kept as their DER too, which is what is compared and hashed."""

    serial: str  # hex, upper case, no leading zeros
    common_name: str = ""
    organisation: str = ""
    not_before: datetime
    not_after: datetime
    is_authority: bool = False  # may sign others
    subject: bytes
    issuer: bytes
    key: bytes  # the public key as OCSP hashes it
    pem: str

    @property
    def is_root(self) -> bool:
        """Says that it has signed itself."""
        return self.subject == self.issuer

    def issued(self, other: Certificate) -> bool:
        """Is this the name that has signed the other?"""
        return self.subject == other.issuer


class NotACertificate(Malformed):
    """The text holds none, or one that cannot be read."""


def read_certificates(data: bytes) -> list[Certificate]:
    """All in a file, in order: PEM, with whatever stands between, or one in DER. Raises NotACertificate."""
    import base64
    import binascii

    found = PEM.findall(data)
    try:
        ders = [base64.b64decode(body) for body in found] if found else [data]
        return [_read(der) for der in ders]
    except (IndexError, ValueError, OverflowError, binascii.Error):
        what = "a certificate in it cannot be read" if found else "there is no certificate in it"
        raise NotACertificate(what) from None


def hash_data(certificate: Certificate, issuer: Certificate, algorithm: HashAlgorithm) -> CertificateHashData:
    """How OCPP names a certificate: as OCSP does (RFC 6960, 4.1.1). A root is its own issuer."""
    from tinyocpp.messages.security import CertificateHashData

    return CertificateHashData(
        hash_algorithm=algorithm,
        issuer_name_hash=digest(issuer.subject, algorithm),
        issuer_key_hash=digest(issuer.key, algorithm),
        serial_number=certificate.serial,
    )


def digest(data: bytes, algorithm: HashAlgorithm) -> str:
    import hashlib

    return hashlib.new(algorithm.lower(), data).hexdigest()


def named_by(named: CertificateHashData, known: Iterable[Certificate]) -> Certificate | None:
    """The one of these that the charger means; None: it is none of them."""
    known = list(known)
    for certificate in known:
        for issuer in known:
            if issuer.issued(certificate) and _same(hash_data(certificate, issuer, named.hash_algorithm), named):
                return certificate
    return None


def same_serial(one: str, other: str) -> bool:
    """Chargers write serial numbers in either case, with leading zeros, and in pairs with colons."""
    return plain_serial(one) == plain_serial(other)


def plain_serial(text: str) -> str:
    return text.replace(":", "").strip().upper().removeprefix("0X").lstrip("0")


def expiry(not_after: datetime, now: datetime) -> str:
    """What to say of a certificate that ends then; "" while there is nothing to say."""
    left = not_after - now
    if left > SOON:
        return ""
    days = abs(left) // timedelta(days=1)
    in_days = "today" if days == 0 else "1 day" if days == 1 else f"{days} days"
    if left <= timedelta(0):
        return "ran out today" if days == 0 else f"ran out {in_days} ago"
    return "runs out today" if days == 0 else f"runs out in {in_days}"


def urgent(not_after: datetime, now: datetime) -> bool:
    return not_after - now <= URGENT


def _same(one: CertificateHashData, other: CertificateHashData) -> bool:
    return same_serial(one.serial_number, other.serial_number) and (
        one.issuer_key_hash.lower() == other.issuer_key_hash.lower()
        and one.issuer_name_hash.lower() == other.issuer_name_hash.lower()
    )


# --- DER: a tag, a length, and so many bytes


class _Der:
    """The elements of a constructed value, one after the other. IndexError or ValueError where it is not as it must."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def __bool__(self) -> bool:
        return self._at < len(self._data)

    @property
    def tag(self) -> int:
        return self._data[self._at] if self else -1

    def whole(self) -> bytes:
        """The next element with its tag and length."""
        start = self._at
        self.take(self.tag)
        return self._data[start : self._at]

    def take(self, *tags: int) -> bytes:
        """The content of the next element, which has one of these tags."""
        tag, length, at = self._data[self._at], self._data[self._at + 1], self._at + 2
        if tag not in tags:
            raise ValueError(f"tag {tag:#x}")
        if length >= 0x80:
            size = length - 0x80
            length = int.from_bytes(self._data[at : at + size], "big")
            at += size
        self._at = at + length
        if self._at > len(self._data):
            raise IndexError
        return self._data[at : self._at]

    def inner(self, tag: int) -> _Der:
        return _Der(self.take(tag))


def _read(der: bytes) -> Certificate:
    """RFC 5280, 4.1: Certificate, TBSCertificate."""
    import base64

    body = _Der(der).inner(SEQUENCE).inner(SEQUENCE)
    if body.tag == VERSION:
        body.take(VERSION)
    serial = int.from_bytes(body.take(INTEGER), "big")
    body.take(SEQUENCE)  # the signature's algorithm
    issuer = body.whole()
    validity = body.inner(SEQUENCE)
    not_before, not_after = _time(validity), _time(validity)
    subject = body.whole()
    key_info = body.inner(SEQUENCE)
    key_info.take(SEQUENCE)  # the key's algorithm
    names = dict(_names(subject))
    encoded = base64.encodebytes(der).replace(b"\n", b"").decode()
    lines = "\n".join(encoded[at : at + 64] for at in range(0, len(encoded), 64))
    return Certificate(
        serial=f"{serial:X}",
        common_name=names.get(COMMON_NAME, ""),
        organisation=names.get(ORGANISATION, ""),
        not_before=not_before,
        not_after=not_after,
        is_authority=_is_authority(body),
        subject=subject,
        issuer=issuer,
        key=key_info.take(BITS)[1:],  # without the count of unused bits
        pem=f"-----BEGIN CERTIFICATE-----\n{lines}\n-----END CERTIFICATE-----\n",
    )


def _names(name: bytes) -> Iterable[tuple[bytes, str]]:
    parts = _Der(name).inner(SEQUENCE)
    while parts:
        pair = parts.inner(SET).inner(SEQUENCE)
        kind = pair.take(OID)
        encoding = ENCODINGS.get(pair.tag, "latin-1")
        yield kind, pair.take(pair.tag).decode(encoding, "replace")


def _time(validity: _Der) -> datetime:
    """UTCTime has two digits for the year: below 50 it is of this century."""
    short = validity.tag == UTC_TIME
    text = validity.take(UTC_TIME, GENERAL_TIME).decode("ascii")
    if short:
        text = ("20" if text < "50" else "19") + text
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)


def _is_authority(rest: _Der) -> bool:
    while rest and rest.tag != EXTENSIONS:
        rest.take(rest.tag)
    extensions = rest.inner(EXTENSIONS).inner(SEQUENCE) if rest else _Der(b"")
    while extensions:
        extension = extensions.inner(SEQUENCE)
        if extension.take(OID) == BASIC_CONSTRAINTS:
            while extension.tag != OCTETS:
                extension.take(extension.tag)  # "critical"
            constraints = extension.inner(OCTETS).inner(SEQUENCE)
            return constraints.tag == 0x01 and constraints.take(0x01) != b"\0"
    return False
