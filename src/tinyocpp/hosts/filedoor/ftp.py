"""The FTP door, for chargers that know nothing else (quirk B14): the same goods, by pyftpdlib (the extra [ftp]).

The secret is the password in the URL. The library sees no file system: there is one folder, made up here, which holds
the Offer, or into which an Inbox can be filled. Files pass as they are, whatever TYPE a charger forgets to set.
"""

from __future__ import annotations

import logging
import os
import stat
import sys
import threading
from hmac import compare_digest
from secrets import token_hex
from typing import TYPE_CHECKING, Any

from tinyocpp.errors import Unavailable
from tinyocpp.hosts.filedoor import AT_ONCE, KNOCKING_S, SECRET_BYTES, STALLED_S
from tinyocpp.hosts.filedoor.goods import Inbox, Offer
from tinyocpp.places import install_command

try:
    from pyftpdlib.authorizers import DummyAuthorizer
    from pyftpdlib.exceptions import AuthenticationFailed
    from pyftpdlib.filesystems import AbstractedFS
    from pyftpdlib.handlers import DTPHandler, FTPHandler
    from pyftpdlib.ioloop import IOLoop
    from pyftpdlib.servers import FTPServer
except ImportError:
    raise Unavailable(f"FTP is served with the package `pyftpdlib`: {install_command('pyftpdlib')}") from None

if TYPE_CHECKING:
    import socket

    from tinyocpp.hosts.filedoor import Goods, Tell
    from tinyocpp.hosts.filedoor.goods import Upload

USER = "charger"
LOOK_AROUND_S = 0.1
SOCKETS = 4 * AT_ONCE  # control, waiting and data connections together
PASSIVE_PORTS = 10  # above ours, for the data: whoever has a firewall can open them
EVERY_ADDRESS = ("0.0.0.0", "::")  # listened on where the URL's host is somebody's forwarding


class FtpDoor:
    """Implements FileDoor."""

    def __init__(self, goods: Goods, host: str, listening: socket.socket, tell: Tell) -> None:
        secret = token_hex(SECRET_BYTES)
        name = goods.name if isinstance(goods, Offer) else ""
        reached, port = listening.getsockname()[:2]
        self.url = f"ftp://{USER}:{secret}@{host}:{port}/{name}"
        _silence()
        visit = _visit(goods, secret, tell)
        visit.passive_ports = range(port + 1, min(port + PASSIVE_PORTS, 65_535) + 1) or None
        if reached in EVERY_ADDRESS and "." in host:
            visit.masquerade_address = host
        self._server = FTPServer(listening, visit, ioloop=IOLoop())
        self._server.max_cons = SOCKETS
        self._server.max_cons_per_ip = AT_ONCE
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._closing.set()
        self._thread.join()

    def _serve(self) -> None:
        while not self._closing.is_set():
            self._server.serve_forever(timeout=LOOK_AROUND_S, blocking=False, handle_exit=False)
        self._server.close_all()


def _silence() -> None:
    """What matters is told by `tell`. Without a handler the library would install one that writes all it does."""
    log = logging.getLogger("pyftpdlib")
    log.setLevel(logging.CRITICAL)
    if not log.handlers:
        log.addHandler(logging.NullHandler())


def _visit(goods: Goods, secret: str, tell: Tell) -> type[FTPHandler]:
    """The library's settings are attributes of the class of its connections."""

    class Visit(_Visit):
        authorizer = _Keeper(secret, "elr" if isinstance(goods, Offer) else "elw")

    Visit.goods, Visit.tell = goods, staticmethod(tell)
    return Visit


class _Keeper(DummyAuthorizer):  # type: ignore[misc]
    """One user."""

    def __init__(self, secret: str, may: str) -> None:
        super().__init__()
        self._secret = secret
        self.add_user(USER, "", "/", perm=may)

    def validate_authentication(self, username: str, password: str, handler: object) -> None:
        if username != USER or not compare_digest(password.encode(), self._secret.encode()):
            raise AuthenticationFailed("Authentication failed.")


class _Room(AbstractedFS):  # type: ignore[misc]
    """The one folder. Only the last part of a path counts, and for an upload not even that decides where it goes."""

    cmd_channel: _Visit

    def ftp2fs(self, ftppath: str) -> str:
        return str(self.ftpnorm(ftppath))

    def fs2ftp(self, fspath: str) -> str:
        return fspath

    def validpath(self, path: str) -> bool:
        return True

    def realpath(self, path: str) -> str:
        return path

    def chdir(self, path: str) -> None:
        if not self.isdir(path):
            raise FileNotFoundError(2, "No such file or directory")
        self.cwd = path

    def isdir(self, path: str) -> bool:
        return path == "/"

    def isfile(self, path: str) -> bool:
        return path.rpartition("/")[2] in self.listdir("/")

    lexists = isfile

    def islink(self, path: str) -> bool:
        return False

    def listdir(self, path: str) -> list[str]:
        goods = self.cmd_channel.goods
        return [goods.name] if isinstance(goods, Offer) else []

    def stat(self, path: str) -> os.stat_result:
        goods = self.cmd_channel.goods
        if isinstance(goods, Offer) and self.isfile(path):
            return goods.status
        if self.isdir(path):
            return os.stat_result((stat.S_IFDIR | 0o700, 0, 0, 2, 0, 0, 0, 0, 0, 0))
        raise FileNotFoundError(2, "No such file or directory")

    lstat = stat

    def getsize(self, path: str) -> int:
        return self.stat(path).st_size

    def getmtime(self, path: str) -> float:
        return self.stat(path).st_mtime

    def open(self, filename: str, mode: str) -> _Reading | Upload:
        goods = self.cmd_channel.goods
        if isinstance(goods, Offer) and mode == "rb" and self.isfile(filename):
            self.cmd_channel.say(f"fetches {goods.name}")
            return _Reading(goods)
        if isinstance(goods, Inbox) and mode == "wb":
            return self._upload(goods, filename)
        raise PermissionError(1, "Operation not permitted")  # such as going on with an upload that broke off

    def mkstemp(self, suffix: str = "", prefix: str = "", dir: str | None = None, mode: str = "wb") -> Upload:
        """STOU: store it under a name of your own."""
        goods = self.cmd_channel.goods
        if not isinstance(goods, Inbox):
            raise PermissionError(1, "Operation not permitted")
        return self._upload(goods, prefix)

    def _upload(self, inbox: Inbox, name: str) -> Upload:
        try:
            upload = inbox.begin(name)
        except OSError as error:
            self.cmd_channel.say(f"brings {name}: {error.strerror}")
            raise
        self.cmd_channel.say(f"brings {upload.name}")
        return upload


class _Reading:
    """An Offer as the library wants a file."""

    def __init__(self, offer: Offer) -> None:
        self.name = offer.name
        self.closed = False
        self._offer = offer
        self._at = 0
        offer.visits += 1

    def seek(self, at: int) -> None:
        self._at = at

    def read(self, most: int) -> bytes:
        data = self._offer.read(self._at, most)
        self._at += len(data)
        self._offer.sent(self._at)
        return data

    def close(self) -> None:
        self.closed = True


class _Carrying(DTPHandler):  # type: ignore[misc]
    """A data connection."""

    transfer_finished: bool
    timeout = STALLED_S

    def handle_error(self) -> None:
        """The library would not say what is wrong with our disk."""
        cause = getattr(sys.exception(), "__cause__", None)
        if not isinstance(cause, OSError) or self.file_obj is None:
            super().handle_error()
            return
        self.cmd_channel.say(f"brings {self.file_obj.name}: {cause.strerror}")
        self._resp = (f"426 {cause.strerror}; transfer aborted.", logging.debug)
        self.close()

    def close(self) -> None:
        """An upload is kept before the charger is told that it is."""
        if not self._closed and self.receive and self.transfer_finished and self.file_obj is not None:
            try:
                self.file_obj.keep()
            except OSError as error:
                self.transfer_finished = False
                self._resp = (f"451 {error.strerror}.", logging.debug)
        super().close()


class _Visit(FTPHandler):  # type: ignore[misc]
    """A control connection. Who has not shown the secret yet has little time."""

    goods: Goods
    tell: Tell
    abstracted_fs = _Room
    dtp_handler = _Carrying
    banner = "tinyocpp"
    timeout = STALLED_S
    use_sendfile = False  # it would not tell how far it has got

    def on_connect(self) -> None:
        self._knocking: Any = self.ioloop.call_later(KNOCKING_S, self.close)

    def on_login(self, username: str) -> None:
        self._knocking.cancel()
        self._current_type = "i"

    def on_disconnect(self) -> None:
        if not self._knocking.cancelled:
            self._knocking.cancel()

    def on_login_failed(self, username: str, password: str) -> None:
        self.say("gives a wrong password")

    def ftp_TYPE(self, line: str) -> None:
        self.respond("200 Type set to: Binary.")

    def say(self, what: str) -> None:
        self.tell(f"{self.remote_ip.removeprefix('::ffff:')} {what}")
