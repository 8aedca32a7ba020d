"""A Unix socket without the standard library's `socket`, for a backend opens one with every connection of a charger.

`socket` makes an enum of every constant the system has, which is a tenth of a backend's start. Under it is `_socket`,
in C: all of a socket but `accept` and `with`. Nobody but this module imports that, and only the command socket uses it;
whoever has loaded asyncio, and so `socket`, needs none of this.
"""

from __future__ import annotations

import _socket
import os

UnixSocket = _socket.socket
PEER = getattr(_socket, "SO_PEERCRED", None)  # Linux


def unix_socket() -> UnixSocket:
    """A stream that never waits, not connected to anything yet."""
    made = UnixSocket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    made.setblocking(False)
    return made


def pair() -> tuple[UnixSocket, UnixSocket]:
    """Two, connected to one another."""
    return _socket.socketpair()


def accept(listener: UnixSocket) -> UnixSocket:
    """The next that has connected, and never waits either. Raises OSError where there is none."""
    descriptor, _ = listener._accept()  # type: ignore[attr-defined]  # typeshed leaves it out
    accepted = UnixSocket(fileno=descriptor)
    accepted.setblocking(False)
    return accepted


def peer(connected: UnixSocket) -> tuple[int, int]:
    """User and group id of the other end; our own where the system does not say."""
    if PEER is None:
        return os.geteuid(), os.getegid()
    _, user_id, group_id = memoryview(connected.getsockopt(_socket.SOL_SOCKET, PEER, 12)).cast("i")
    return user_id, group_id
