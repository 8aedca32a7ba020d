"""What a charger makes when it asks for a certificate: keys and signing requests, right and wrong ones."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import NameOID

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


def key(kind: str = "P-256") -> Key:
    """One of each is enough."""
    return _made(kind)


@cache
def _made(kind: str) -> Key:
    makers: dict[str, Callable[[], Key]] = {
        "P-256": lambda: ec.generate_private_key(ec.SECP256R1()),
        "P-192": lambda: ec.generate_private_key(ec.SECP192R1()),
        "RSA-2048": lambda: rsa.generate_private_key(65537, 2048),
        "RSA-1024": lambda: rsa.generate_private_key(65537, 1024),
        "Ed25519": ed25519.Ed25519PrivateKey.generate,
    }
    return makers[kind]()


def request(
    common_name: str, organisation: str = "", *, kind: str = "P-256", names: tuple[str, ...] = (), ca: bool = False
) -> str:
    """PKCS #10, PEM."""
    parts = [(NameOID.COMMON_NAME, common_name), (NameOID.ORGANIZATION_NAME, organisation)]
    subject = x509.Name([x509.NameAttribute(oid, text) for oid, text in parts if text])
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(one) for one in names]), False)
    if ca:
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
    made = key(kind)
    signed = builder.sign(made, None if isinstance(made, ed25519.Ed25519PrivateKey) else hashes.SHA256())
    return signed.public_bytes(serialization.Encoding.PEM).decode()
