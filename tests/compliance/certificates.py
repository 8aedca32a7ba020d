"""Certificates for the TLS cases, made by the real openssl in a folder of the test's own."""

from __future__ import annotations

import ssl
import subprocess
from pathlib import Path

SERVER_NAME = "csms.example.com"
ORGANISATION = "The Owner"
RSA = ("-newkey", "rsa:2048")
ELLIPTIC = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")


class Authority:
    """A root of its own; what it issues lies beside it as NAME.pem and NAME.key."""

    def __init__(self, folder: Path, name: str = "ca") -> None:
        self.folder = folder
        self.root = folder / f"{name}.pem"
        self._signing = ("-CA", str(self.root), "-CAkey", str(folder / f"{name}.key"))
        self._make(name, ELLIPTIC, f"/CN={name}")

    def issue(self, name: str, subject: str, kind: tuple[str, ...] = ELLIPTIC, names: str = "") -> Path:
        extension = ("-addext", f"subjectAltName={names}") if names else ()
        self._make(name, kind, subject, *self._signing, *extension)
        return self.folder / f"{name}.pem"

    def request(self, name: str, subject: str) -> str:
        """What a charger sends in SignCertificate: a new key pair's request, PEM."""
        keys = ("-keyout", f"{name}.key", "-out", f"{name}.csr")
        self._openssl("req", *ELLIPTIC, "-nodes", "-subj", subject, *keys)
        return (self.folder / f"{name}.csr").read_text()

    def sign(self, name: str) -> str:
        """The certificate for that request, PEM, also in NAME.pem."""
        self._openssl("x509", "-req", "-in", f"{name}.csr", "-days", "2", *self._signing, "-out", f"{name}.pem")
        return (self.folder / f"{name}.pem").read_text()

    def trust(self, shown: str = "") -> ssl.SSLContext:
        """A charger's side of TLS: trusts this root, and shows that certificate."""
        context = ssl.create_default_context(cafile=str(self.root))
        if shown:
            context.load_cert_chain(self.folder / f"{shown}.pem", self.folder / f"{shown}.key")
        return context

    def _make(self, name: str, kind: tuple[str, ...], subject: str, *more: str) -> None:
        files = ("-keyout", f"{name}.key", "-out", f"{name}.pem")
        self._openssl("req", "-x509", *kind, "-nodes", "-days", "2", "-subj", subject, *files, *more)

    def _openssl(self, *words: str) -> None:
        subprocess.run(["openssl", *words], cwd=self.folder, check=True, capture_output=True, timeout=30)
