"""What the charge point knows of certificates: whom it trusts, its own key and certificate (security paper A02, M03).

Survives a reset. Needs the `cryptography` package, and is imported when the first certificate is spoken of; where that
is missing these calls are NotSupported, as with many real charge points.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import ocsp
from cryptography.x509.oid import NameOID

from tinyocpp.messages.security import (
    CertificateHashData,
    CertificateUse,
    DeleteCertificateStatus,
    HashAlgorithm,
    InstallCertificateStatus,
)
from tinyocpp.simulator.configuration import MAX_ROOTS

if TYPE_CHECKING:
    from datetime import datetime

ALGORITHMS: dict[HashAlgorithm, hashes.SHA256 | hashes.SHA384 | hashes.SHA512] = {
    HashAlgorithm.SHA256: hashes.SHA256(),
    HashAlgorithm.SHA384: hashes.SHA384(),
    HashAlgorithm.SHA512: hashes.SHA512(),
}


class Keychain:
    """Roots by what they vouch for; `own` is the certificate shown, with its key."""

    def __init__(self) -> None:
        self.own: tuple[str, str] | None = None  # chain and key, PEM
        self._roots: dict[CertificateUse, list[x509.Certificate]] = {use: [] for use in CertificateUse}
        self._asked_for: ec.EllipticCurvePrivateKey | None = None  # the key of the request under way

    # whom it trusts

    def trusted(self, use: CertificateUse = CertificateUse.CENTRAL_SYSTEM_ROOT_CERTIFICATE) -> list[str]:
        """PEM."""
        return [root.public_bytes(serialization.Encoding.PEM).decode() for root in self._roots[use]]

    def install(self, use: CertificateUse, pem: str, now: datetime) -> InstallCertificateStatus:
        """The same one again changes nothing."""
        root = _read(pem)
        if root is None or not root.not_valid_before_utc <= now <= root.not_valid_after_utc or not _signs_others(root):
            return InstallCertificateStatus.REJECTED
        if root not in self._roots[use]:
            if len(self._roots[use]) == MAX_ROOTS:
                return InstallCertificateStatus.REJECTED
            self._roots[use].append(root)
        return InstallCertificateStatus.ACCEPTED

    def installed(self, use: CertificateUse) -> tuple[CertificateHashData, ...]:
        return tuple(_named(root, HashAlgorithm.SHA256) for root in self._roots[use])

    def delete(self, named: CertificateHashData) -> DeleteCertificateStatus:
        """Failed for the last one that it could know the central system by (M04.FR.06)."""
        for use, roots in self._roots.items():
            for root in roots:
                if _same(_named(root, named.hash_algorithm), named):
                    if use is CertificateUse.CENTRAL_SYSTEM_ROOT_CERTIFICATE and len(roots) == 1:
                        return DeleteCertificateStatus.FAILED
                    roots.remove(root)
                    return DeleteCertificateStatus.ACCEPTED
        return DeleteCertificateStatus.NOT_FOUND

    # its own

    def request(self, common_name: str, organisation: str) -> str:
        """A new key, and the request for its certificate (PKCS #10, PEM)."""
        self._asked_for = ec.generate_private_key(ec.SECP256R1())
        parts = [(NameOID.ORGANIZATION_NAME, organisation), (NameOID.COMMON_NAME, common_name)]
        subject = x509.Name([x509.NameAttribute(oid, text) for oid, text in parts if text])
        made = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(self._asked_for, hashes.SHA256())
        return made.public_bytes(serialization.Encoding.PEM).decode()

    def take(self, chain: str, now: datetime) -> str:
        """Use this certificate from now on; why not, if it does not."""
        certificate = _read(chain)
        if certificate is None:
            return "it cannot be read"
        if self._asked_for is None or certificate.public_key() != self._asked_for.public_key():
            return "it is for another key"
        if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
            return "it is not valid now"
        roots = self._roots[CertificateUse.CENTRAL_SYSTEM_ROOT_CERTIFICATE]
        if roots and not any(_has_signed(root, certificate) for root in roots):
            return "nobody it trusts has signed it"
        key = self._asked_for.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        self.own, self._asked_for = (chain, key.decode()), None
        return ""


def _read(pem: str) -> x509.Certificate | None:
    """The first one."""
    try:
        return x509.load_pem_x509_certificate(pem.encode())
    except ValueError:
        return None


def _signs_others(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (x509.ExtensionNotFound, ValueError):
        return False


def _has_signed(root: x509.Certificate, certificate: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(root)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _named(root: x509.Certificate, algorithm: HashAlgorithm) -> CertificateHashData:
    named = ocsp.OCSPRequestBuilder().add_certificate(root, root, ALGORITHMS[algorithm]).build()
    return CertificateHashData(
        hash_algorithm=algorithm,
        issuer_name_hash=named.issuer_name_hash.hex(),
        issuer_key_hash=named.issuer_key_hash.hex(),
        serial_number=f"{root.serial_number:X}",
    )


def _same(one: CertificateHashData, other: CertificateHashData) -> bool:
    """Without regard to case: they are CiStrings."""

    def folded(named: CertificateHashData) -> tuple[str, str, str]:
        serial = named.serial_number.lstrip("0").lower()
        return named.issuer_name_hash.lower(), named.issuer_key_hash.lower(), serial

    return folded(one) == folded(other)
