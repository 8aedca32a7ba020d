"""Keys, requests and certificates for the TLS cases, made by the real openssl in a folder of the test's own.

`Keyring` is what a charger has; `Authority` can sign as well, as a root of its own or with one that is there.
"""

from __future__ import annotations

import ssl
import subprocess
from pathlib import Path

RSA = ("-newkey", "rsa:2048")
ELLIPTIC = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")


class Keyring:
    """What it makes lies in the folder as NAME.key, NAME.csr and NAME.pem."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)

    def request(self, name: str, subject: str, kind: tuple[str, ...] = ELLIPTIC) -> str:
        """What a charger sends in SignCertificate: a new key pair's request, PEM."""
        self._openssl("req", *kind, "-nodes", "-subj", subject, "-keyout", f"{name}.key", "-out", f"{name}.csr")
        return (self.folder / f"{name}.csr").read_text()

    def keep(self, name: str, pem: str) -> None:
        """The certificate for that request."""
        (self.folder / f"{name}.pem").write_text(pem)

    def trusting(self, root: Path, shown: str = "") -> ssl.SSLContext:
        """A charger's side of TLS: trusts this root, and shows that certificate."""
        context = ssl.create_default_context(cafile=str(root))
        if shown:
            context.load_cert_chain(self.folder / f"{shown}.pem", self.folder / f"{shown}.key")
        return context

    def _openssl(self, *words: str) -> None:
        subprocess.run(["openssl", *words], cwd=self.folder, check=True, capture_output=True, timeout=30)


class Authority(Keyring):
    """Its root is NAME.pem and NAME.key in that folder, and is made where there is none."""

    def __init__(self, folder: Path, name: str = "ca") -> None:
        super().__init__(folder)
        self.root = folder / f"{name}.pem"
        self._signing = ("-CA", str(self.root), "-CAkey", str(folder / f"{name}.key"))
        if not self.root.exists():
            self._make(name, ELLIPTIC, f"/CN={name}")

    def issue(self, name: str, subject: str, kind: tuple[str, ...] = ELLIPTIC) -> Path:
        self._make(name, kind, subject, *self._signing)
        return self.folder / f"{name}.pem"

    def _make(self, name: str, kind: tuple[str, ...], subject: str, *more: str) -> None:
        files = ("-keyout", f"{name}.key", "-out", f"{name}.pem")
        self._openssl("req", "-x509", *kind, "-nodes", "-days", "2", "-subj", subject, *files, *more)
