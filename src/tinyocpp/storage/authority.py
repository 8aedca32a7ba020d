"""The owner's certificate authority: a folder with a root, its key, and our server's certificates (`[paths] ca`).

    root.pem  root.key      the authority: what chargers install, and what [listener.tls] client_ca names
    rsa.pem   rsa.key       what the listener shows, once for each kind of key a charger may insist on
    ecdsa.pem ecdsa.key

Implements charger.Authority for listener and backend, and does what `tinyocpp ca` is told. Keys are for their owner's
eyes only and are never overwritten. What makes certificates, signing.py, is imported when one is made.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from datetime import timedelta
from shutil import rmtree
from typing import TYPE_CHECKING

from tinyocpp.certificates import Certificate, NotACertificate, expiry, read_certificates
from tinyocpp.charger import Signed
from tinyocpp.errors import CertificateRefused, Malformed, NotPermitted, OperatorError, Refused, StorageError
from tinyocpp.storage.files import read_whole, sync, write_whole

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from tinyocpp.config import Config
    from tinyocpp.storage import signing

ROOT = "root"
SERVER = ("rsa", "ecdsa")  # signing.KeyKind
YEAR = timedelta(days=365)
ROOT_YEARS, SERVER_YEARS, CHARGER_YEARS = 20, 5, 2
FOLDER_MODE, KEY_MODE, CERTIFICATE_MODE = 0o700, 0o600, 0o644


class FileAuthority:
    """`organisation` is what must stand in chargers' certificates; empty: the root's own."""

    def __init__(self, folder: str, organisation: str = "") -> None:
        self.folder = folder
        self._organisation = organisation

    # charger.Authority

    def sign(self, charger_id: str, serial_number: str, csr: str, now: datetime) -> Signed:
        try:
            from tinyocpp.storage import signing

            self.check(now)
            request = signing.Request(csr)
            request.check([name for name in (charger_id, serial_number) if name], self.organisation)
            return self._client(request.name, request.key, now)
        except OperatorError as error:
            raise CertificateRefused(str(error)) from None

    # `tinyocpp ca`: everything below raises OperatorError

    @property
    def exists(self) -> bool:
        return any(os.path.lexists(self.path(ROOT, ending)) for ending in ("pem", "key"))

    @property
    def organisation(self) -> str:
        return self._organisation or self.certificate(ROOT).organisation

    def path(self, name: str, ending: str = "pem") -> str:
        return os.path.join(self.folder, f"{name}.{ending}")

    def certificate(self, name: str) -> Certificate:
        """One of the folder's own."""
        if not self.exists:
            raise Refused(f"there is no authority in {self.folder}; make one with: tinyocpp ca init")
        return read_certificate(self.path(name))

    def create(self, name: str, organisation: str, hosts: list[str], now: datetime, years: int) -> None:
        """Root and server's certificates; the folder is there with all of it, or not at all."""
        if self.exists:
            raise Refused(f"there is an authority in {self.folder}, and it is never overwritten; see: tinyocpp ca show")
        from tinyocpp.storage import signing

        root = signing.make_root(name, organisation, now, now + years * YEAR)
        files = _pair(ROOT, root.certificate, root.key)
        for kind in SERVER:
            key = signing.make_key(kind)
            made = signing.issue_server(root, hosts, key, now, now + SERVER_YEARS * YEAR)
            files |= _pair(kind, made, key)
        with _disk_errors(self.folder):
            _make_folder(self.folder, files)

    def renew(self, hosts: list[str], now: datetime) -> list[str]:
        """The server's certificates anew, with the keys they had, for these hosts or for those they name now (none
        given); returns whom they name."""
        from tinyocpp.storage import signing

        self.check(now)
        issuer = self._issuer()
        for kind in SERVER:
            shown, key_file = self.path(kind), self.path(kind, "key")
            with _unreadable(shown):
                hosts = hosts or signing.hosts_of(read_file(shown))
            with _unreadable(key_file):
                key = signing.read_key(read_file(key_file))
            made = signing.issue_server(issuer, hosts, key, now, now + SERVER_YEARS * YEAR)
            with _disk_errors(shown):
                write_whole(shown, signing.certificate_pem(made), mode=CERTIFICATE_MODE)
        return hosts

    def issue(self, charger_id: str, now: datetime) -> tuple[Signed, bytes]:
        """Certificate and key for a charger that cannot make a request; the key is kept nowhere here."""
        from tinyocpp.storage import signing

        self.check(now)
        key = signing.make_key("ecdsa")
        return self._client(charger_id, key.public_key(), now), signing.key_pem(key)

    def _client(self, name: str, key: signing.PublicKey, now: datetime) -> Signed:
        from tinyocpp.storage import signing

        ends = now + CHARGER_YEARS * YEAR
        made = signing.issue_client(self._issuer(), name, self.organisation, key, now, ends)
        return Signed(
            serial=f"{made.serial_number:X}",
            chain_pem=signing.certificate_pem(made).decode(),
            expires_at=made.not_valid_after_utc,
        )

    def check(self, now: datetime) -> None:
        """Could it sign something now? Raises OperatorError."""
        root = self.certificate(ROOT)
        if root.not_after <= now:
            raise Refused(f"{self.path(ROOT)} {expiry(root.not_after, now)}; move {self.folder} away and make another")
        if now < root.not_before:  # what is signed now would run out too early: no clock since the last power cut
            raise Refused(f"{self.path(ROOT)} is from {root.not_before:%Y-%m-%d}, so this machine's clock is behind")

    def _issuer(self) -> signing.Issuer:
        """Read anew each time: the key is in memory only while it signs."""
        from tinyocpp.storage import signing

        certificate, key_file = read_file(self.path(ROOT)), self.path(ROOT, "key")
        with _unreadable(key_file):
            return signing.read_issuer(certificate, read_file(key_file))


def open_authority(config: Config) -> FileAuthority:
    """The one of this configuration, whether or not there is anything in its folder."""
    tls = config.listener.tls
    return FileAuthority(config.paths.ca, tls.client_organisation if tls else "")


def read_certificate(path: str) -> Certificate:
    """The first in a file. Raises OperatorError, naming the file."""
    try:
        return read_certificates(read_file(path))[0]
    except NotACertificate as error:
        raise NotACertificate(f"{path}: {error}") from None


def read_file(path: str) -> bytes:
    """A small file of the owner's. Raises OperatorError, naming it."""
    with _disk_errors(path):
        return read_whole(path)


@contextmanager
def _disk_errors(path: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise Malformed(f"there is no file {path}") from None
    except PermissionError as error:
        raise NotPermitted(f"{path}: {error.strerror}; ask its owner, or use sudo") from None
    except OSError as error:
        raise StorageError(f"{path}: {error.strerror}") from None


@contextmanager
def _unreadable(path: str) -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        raise Malformed(f"{path}: {error}") from None


def _pair(name: str, certificate: signing.Made, key: signing.Key) -> dict[str, bytes]:
    """Names and contents of two files."""
    from tinyocpp.storage import signing

    return {f"{name}.pem": signing.certificate_pem(certificate), f"{name}.key": signing.key_pem(key)}


def _make_folder(folder: str, files: dict[str, bytes]) -> None:
    """In one step that a power cut cannot halve. Raises OSError, also where there is something in it already."""
    making = f"{folder}.{os.getpid()}.new"
    try:
        os.makedirs(making, mode=FOLDER_MODE)
        for name, data in files.items():
            write_whole(os.path.join(making, name), data, mode=KEY_MODE if name.endswith("key") else CERTIFICATE_MODE)
        _give_to_owner_above(making)
        os.rename(making, folder)
        sync(os.path.dirname(folder))
    except BaseException:
        rmtree(making, ignore_errors=True)
        raise


def _give_to_owner_above(folder: str) -> None:
    """What root makes in a service's folder is the service's, which has to read the keys. It could put a link in the
    place of ours meanwhile, so files are given away through the folder that was opened, and the folder last."""
    if os.geteuid() == 0:
        above = os.stat(os.path.dirname(folder))
        opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            for name in os.listdir(opened):
                os.chown(name, above.st_uid, above.st_gid, dir_fd=opened, follow_symlinks=False)
            os.fchown(opened, above.st_uid, above.st_gid)
        finally:
            os.close(opened)
