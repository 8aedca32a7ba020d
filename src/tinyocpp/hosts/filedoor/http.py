"""The HTTP door: the standard library's server, and an end to everything that takes too long.

Here is who may come in, how many and for how long. What a connection may do then is in visit.py.
"""

from __future__ import annotations

import contextlib
import socket
import sys
import threading
import time
from secrets import token_hex
from socketserver import TCPServer, ThreadingMixIn
from typing import TYPE_CHECKING

from tinyocpp.hosts.filedoor import AT_ONCE, KNOCKING_S, SECRET_BYTES
from tinyocpp.hosts.filedoor.goods import Offer
from tinyocpp.hosts.filedoor.visit import Visit

if TYPE_CHECKING:
    from tinyocpp.hosts.filedoor import Goods, Tell

LOOK_AROUND_S = 0.1  # how often the server looks for connections that are over
MOST_LOST = 8


class HttpDoor:
    """Implements FileDoor."""

    def __init__(self, goods: Goods, host: str, listening: socket.socket, tell: Tell) -> None:
        secret = token_hex(SECRET_BYTES)
        name = goods.name if isinstance(goods, Offer) else ""
        self.url = f"http://{host}:{listening.getsockname()[1]}/{secret}/{name}"
        self._server = Server(listening, goods, secret, tell)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(LOOK_AROUND_S,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._server.hang_up()
        self._thread.join()


class Server(ThreadingMixIn, TCPServer):
    """A thread for each connection. Who has not shown the secret yet has little time and few places; the oldest of
    them makes room for the next, so that strangers cannot keep a charger out."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, listening: socket.socket, goods: Goods, secret: str, tell: Tell) -> None:
        self.address_family = listening.family
        super().__init__(listening.getsockname(), Visit, bind_and_activate=False)
        self.socket.close()
        self.socket = listening
        self.goods = goods
        self.secret = secret
        self.tell = tell
        self._lock = threading.Lock()
        self._strangers: dict[socket.socket, float] = {}  # until when, the oldest first
        self._known: set[socket.socket] = set()
        self._lost: set[str] = set()

    def verify_request(self, request: object, client_address: object) -> bool:
        assert isinstance(request, socket.socket)
        with self._lock:
            if len(self._strangers) >= AT_ONCE:
                oldest = next(iter(self._strangers))
                del self._strangers[oldest]
                _hang_up(oldest)
            self._strangers[request] = time.monotonic() + KNOCKING_S
        return True

    def let_in(self, connection: socket.socket) -> bool:
        """It has shown the secret. False: there are too many at once."""
        with self._lock:
            self._strangers.pop(connection, None)
            if len(self._known - {connection}) >= AT_ONCE:
                return False
            self._known.add(connection)
        return True

    def lost(self, address: str) -> None:
        """Somebody asks for something else: a charger may have made another URL of ours. Said once of each address."""
        if address not in self._lost and len(self._lost) < MOST_LOST:
            self._lost.add(address)
            self.tell(f"{address} asks for what is not in the URL")

    def service_actions(self) -> None:
        now = time.monotonic()
        with self._lock:
            for connection, until in self._strangers.items():
                if now >= until:
                    _hang_up(connection)

    def shutdown_request(self, request: object) -> None:
        assert isinstance(request, socket.socket)
        with self._lock:
            self._strangers.pop(request, None)
            self._known.discard(request)
        super().shutdown_request(request)

    def hang_up(self) -> None:
        with self._lock:
            for connection in (*self._strangers, *self._known):
                _hang_up(connection)

    def handle_error(self, request: object, client_address: object) -> None:
        """A connection that ended in the middle is nothing to report; anything else is our own fault."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


def _hang_up(connection: socket.socket) -> None:
    """From another thread: whoever reads or writes there finds it ended."""
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
