"""The maker's signature of a firmware file, looked at before a charger is asked to (security paper, A00.FR.706).

The paper signs the whole file with RSA-PSS or ECSchnorr and SHA-256; PKCS #1 v1.5 and ECDSA are what many makers use.
Everything here is an operator's mistake, told before anything is sent.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import ssl
from typing import TYPE_CHECKING

import msgspec

from tinyocpp.errors import Malformed
from tinyocpp.places import install_command
from tinyocpp.storage.files import read_whole

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_SIGNATURE, MOST_CERTIFICATE = 800, 5500
ANYWAY = "send it all the same with --anyway"


class Signed(msgspec.Struct, frozen=True):
    """As they go out: PEM, and base64."""

    certificate: str
    signature: str


def read_signed(signature_file: str, certificate_file: str, *, anyway: bool) -> Signed:
    """Raises Malformed unless both are what they should be; `anyway`: unless they cannot be sent at all."""
    signature = _signature(signature_file, _read(signature_file, "--signature"), anyway=anyway)
    certificate = _read(certificate_file, "--certificate").decode("ascii", "replace").strip() + "\n"
    if len(signature) > MOST_SIGNATURE:
        raise Malformed(f"--signature {signature_file}: longer than the {MOST_SIGNATURE} characters of the standard")
    if len(certificate) > MOST_CERTIFICATE:
        raise Malformed(
            f"--certificate {certificate_file}: longer than the {MOST_CERTIFICATE} characters of the standard;"
            " give the signing certificate alone, without its chain"
        )
    if not anyway:
        _parse(certificate_file, certificate)
    return Signed(certificate, signature)


def verify(signed: Signed, firmware_file: str) -> str | None:
    """Raises Malformed when the signature is not that of the file. What could not be checked is returned in words."""
    try:
        from cryptography.x509 import load_pem_x509_certificate
    except ImportError:
        remedy = install_command("cryptography")
        return f"the signature is not checked here: that needs the package `cryptography`: {remedy}"
    with open(firmware_file, "rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").digest()
    key = load_pem_x509_certificate(signed.certificate.encode()).public_key()
    if any(_holds(one) for one in _ways(key, base64.b64decode(signed.signature), sha256)):
        return None
    raise Malformed(
        f"{firmware_file}: the signature is not of this file, or not by this certificate"
        f" (RSA and ECDSA are known here, ECSchnorr is not); {ANYWAY}"
    )


def _ways(key: object, proof: bytes, sha256: bytes) -> list[Callable[[], None]]:
    from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
    from cryptography.hazmat.primitives.hashes import SHA256

    hashed = utils.Prehashed(SHA256())
    if isinstance(key, rsa.RSAPublicKey):
        pss = padding.PSS(padding.MGF1(SHA256()), padding.PSS.AUTO)
        return [
            lambda: key.verify(proof, sha256, pss, hashed),
            lambda: key.verify(proof, sha256, padding.PKCS1v15(), hashed),
        ]
    if isinstance(key, ec.EllipticCurvePublicKey):
        return [lambda: key.verify(proof, sha256, ec.ECDSA(hashed))]
    return []


def _holds(way: Callable[[], None]) -> bool:
    from cryptography.exceptions import InvalidSignature

    try:
        way()
    except InvalidSignature:
        return False
    return True


def _signature(file: str, content: bytes, *, anyway: bool) -> str:
    """Base64, as most tools write it, or the bytes themselves."""
    try:
        text = "".join(content.decode("ascii").split())
    except UnicodeDecodeError:
        return base64.b64encode(content).decode()
    try:
        base64.b64decode(text, validate=True)
    except binascii.Error as error:
        if not anyway:
            raise Malformed(f"--signature {file}: is not base64 ({error}); {ANYWAY}") from None
    if not text:
        raise Malformed(f"--signature {file}: is empty")
    return text


def _parse(file: str, certificate: str) -> None:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=certificate)
    except (ssl.SSLError, ValueError):
        raise Malformed(f"--certificate {file}: no certificate in PEM; {ANYWAY}") from None


def _read(file: str, option: str) -> bytes:
    try:
        return read_whole(file)
    except OSError as error:
        raise Malformed(f"{option} {file}: {error.strerror}") from None
