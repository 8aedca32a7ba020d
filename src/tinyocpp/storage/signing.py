"""Certificates made and requests checked: the one module that needs the `cryptography` package, so it is imported late.

Functions of their arguments: no file is touched here, that is authority.py's. What is issued keeps to the security
paper (A00.FR.501 to 512): X.509 in PEM, SHA-256, RSA of 2048 bits or more, curves of 224 or more, O and CN present.
"""

from __future__ import annotations

import ipaddress
import re
from datetime import timedelta
from typing import TYPE_CHECKING

from tinyocpp.errors import CertificateRefused, Malformed, Unavailable
from tinyocpp.identity import fold_identity
from tinyocpp.places import install_command

try:
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec, rsa
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
except ImportError:
    raise Unavailable(
        f"certificates are made with the package `cryptography`: {install_command('cryptography')}"
    ) from None

if TYPE_CHECKING:
    from datetime import datetime

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
Made = x509.Certificate
PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey

UNREADABLE = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    InvalidSignature,
    x509.InvalidVersion,
    x509.DuplicateExtension,
)
ROOT_BITS, RSA_BITS = 3072, 2048
LEAST_RSA_BITS, LEAST_EC_BITS = 2048, 224  # A00.FR.502, 503
CLOCKS_DIFFER = timedelta(days=1)  # a charger that has been without power may be behind
LONGEST_NAME = 64  # of a CN (RFC 5280, ub-common-name)


class Issuer:
    """A root with its key."""

    def __init__(self, certificate: Made, key: Key) -> None:
        self.certificate = certificate
        self.key = key

    @property
    def organisation(self) -> str:
        return _first(self.certificate.subject, NameOID.ORGANIZATION_NAME)


def make_key(kind: str, bits: int = RSA_BITS) -> Key:
    """`kind`: "rsa" or "ecdsa"; the four suites of A00.FR.317 want a certificate of each."""
    if kind == "rsa":
        return rsa.generate_private_key(public_exponent=65537, key_size=bits)
    return ec.generate_private_key(ec.SECP256R1())


def key_pem(key: Key) -> bytes:
    """Without a password: the listener must be able to start by itself."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def certificate_pem(certificate: Made) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def read_key(pem: bytes) -> Key:
    """Raises ValueError for what cannot be read. That an RSA key's numbers are primes is not proved anew each time: it
    takes 200 ms, in which no charger gets an answer, and the file is our own."""
    try:
        key = serialization.load_pem_private_key(pem, None, unsafe_skip_rsa_key_validation=True)
    except (TypeError, UnsupportedAlgorithm) as error:  # TypeError: it has a password
        raise ValueError(str(error)) from None
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise ValueError("the key is neither RSA nor elliptic")
    return key


def read_issuer(certificate: bytes, key: bytes) -> Issuer:
    """Raises ValueError for what cannot be read, or does not belong together."""
    root, private = x509.load_pem_x509_certificate(certificate), read_key(key)
    if private.public_key() != root.public_key():
        raise ValueError("key and certificate do not belong together")
    return Issuer(root, private)


def hosts_of(certificate: bytes) -> list[str]:
    """Whom a server's certificate names, its CN first. Raises ValueError."""
    read = x509.load_pem_x509_certificate(certificate)
    try:
        names = read.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        names = x509.SubjectAlternativeName([])
    found = [_first(read.subject, NameOID.COMMON_NAME), *(str(name.value) for name in names)]
    return list(dict.fromkeys(found))


def make_root(name: str, organisation: str, now: datetime, ends: datetime) -> Issuer:
    """A new authority that vouches for itself."""
    key = make_key("rsa", ROOT_BITS)
    subject = _name(name, organisation)
    builder = (
        _builder(subject, subject, key.public_key(), now, ends)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
    )
    return Issuer(builder.sign(key, hashes.SHA256()), key)


def issue_server(issuer: Issuer, hosts: list[str], key: Key, now: datetime, ends: datetime) -> Made:
    """For us: the first host is the CN, all are SANs, for modern clients look there only (A00.FR.510, 511)."""
    builder = (
        _leaf(issuer, _name(hosts[0], issuer.organisation), key.public_key(), now, ends)
        .add_extension(x509.SubjectAlternativeName([_general_name(host) for host in hosts]), critical=False)
        .add_extension(_usage(signs_certificates=False, enciphers=isinstance(key, rsa.RSAPrivateKey)), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    )
    return builder.sign(issuer.key, hashes.SHA256())


def issue_client(issuer: Issuer, name: str, organisation: str, key: PublicKey, now: datetime, ends: datetime) -> Made:
    """For a charger, to show at the door (A00.FR.404, 405)."""
    builder = (
        _leaf(issuer, _name(name, organisation), key, now, ends)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
    )
    return builder.sign(issuer.key, hashes.SHA256())


class Request:
    """A signing request (PKCS #10) that can be read and proves that whoever made it has the key. Some firmware escapes
    its line ends twice, or leaves the lines around the base64 away. Raises CertificateRefused."""

    def __init__(self, csr: str) -> None:
        text = csr.replace("\\n", "\n").replace("\\r", "").strip()
        if not text.startswith("-----"):
            text = f"-----BEGIN CERTIFICATE REQUEST-----\n{text}\n-----END CERTIFICATE REQUEST-----"
        try:
            read = x509.load_pem_x509_csr(text.encode())
            proven = read.is_signature_valid
            self.key = _acceptable_key(read.public_key())
            self.name = _first(read.subject, NameOID.COMMON_NAME)
            self.organisation = _first(read.subject, NameOID.ORGANIZATION_NAME)
            self._extensions = {extension.oid: extension.value for extension in read.extensions}
        except UNREADABLE as error:
            raise CertificateRefused(f"the request cannot be read: {error}") from None
        if not proven:
            raise CertificateRefused("the request is not signed with its own key")
        self._check_extensions()

    def check(self, names: list[str], organisation: str) -> None:
        """Is it for one of these names, and for this organisation (any, where it names none)? Raises."""
        allowed = {fold_identity(name) for name in names}
        if fold_identity(self.name) not in allowed:
            raise CertificateRefused(f"the request is for CN {self.name!r}, which is not {' or '.join(names)}")
        if self.organisation and organisation and self.organisation != organisation:
            raise CertificateRefused(
                f"the request is for O {self.organisation!r}, not {organisation!r}: set the charger's CpoName"
            )
        wanted = self._extensions.get(x509.SubjectAlternativeName.oid)
        others = [str(one.value) for one in wanted or () if fold_identity(str(one.value)) not in allowed]
        if others:
            raise CertificateRefused(f"the request wants other names too: {', '.join(others)}")

    def _check_extensions(self) -> None:
        constraints = self._extensions.get(x509.BasicConstraints.oid)
        if isinstance(constraints, x509.BasicConstraints) and constraints.ca:
            raise CertificateRefused("the request wants to sign others")


def _acceptable_key(key: object) -> PublicKey:
    if isinstance(key, rsa.RSAPublicKey) and key.key_size >= LEAST_RSA_BITS:
        return key
    if isinstance(key, ec.EllipticCurvePublicKey) and key.key_size >= LEAST_EC_BITS:
        return key
    least = f"RSA of {LEAST_RSA_BITS} bits or an elliptic curve of {LEAST_EC_BITS}"
    raise CertificateRefused(f"its key is weaker than {least}, or of another kind")


def _first(name: x509.Name, oid: x509.ObjectIdentifier) -> str:
    return next((str(part.value) for part in name.get_attributes_for_oid(oid)), "")


def _name(common_name: str, organisation: str) -> x509.Name:
    for what, text in (("name", common_name), ("organisation", organisation)):
        if not 1 <= len(text) <= LONGEST_NAME:
            raise Malformed(f"the {what} {text!r} in a certificate has 1 to {LONGEST_NAME} characters")
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        pass
    try:
        name = host.encode("idna").decode()
    except UnicodeError:  # a label that is empty or too long
        name = ""
    if not re.fullmatch(r"[A-Za-z0-9_.-]+", name):
        raise Malformed(f"{host!r} is neither a host's name nor an address")
    return x509.DNSName(name)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: PublicKey, now: datetime, ends: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCKS_DIFFER)
        .not_valid_after(ends)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _leaf(issuer: Issuer, subject: x509.Name, key: PublicKey, now: datetime, ends: datetime) -> x509.CertificateBuilder:
    """None outlives its root."""
    root = issuer.certificate
    known = root.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return (
        _builder(subject, root.subject, key, now, min(ends, root.not_valid_after_utc))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(known), critical=False)
    )


def _usage(*, signs_certificates: bool, enciphers: bool = False) -> x509.KeyUsage:
    """`enciphers`: the suites with a static RSA key send the secret that way."""
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        key_encipherment=enciphers,
        content_commitment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
