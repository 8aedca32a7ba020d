"""How a meter's thread is ended from outside, also while it waits for a descriptor.

Every wait of a member is one of these three, so that it ends in time, and at once when it is stopped.
"""

from __future__ import annotations

import errno
import os
import select
import socket
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from _typeshed import HasFileno


class Stop:
    """Set by one thread, waited for by another, which closes it when it has ended."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._reader, self._writer = os.pipe()
        self._closed = False
        self._set = False

    @property
    def is_set(self) -> bool:
        return self._set

    def fileno(self) -> int:
        """Readable for ever once it is set."""
        return self._reader

    def set(self) -> None:
        with self._lock:
            if not self._set and not self._closed:
                os.write(self._writer, b"\0")
            self._set = True

    def wait(self, seconds: float) -> bool:
        """True: it is set. False: the time is over."""
        self.ready((), seconds)
        return self._set

    def ready(self, files: Sequence[HasFileno], seconds: float) -> list[HasFileno]:
        """Those that can be read; none when it is set or the time is over."""
        poll = select.poll()  # knows no highest descriptor, as select does
        for file in (*files, self):
            poll.register(file.fileno(), select.POLLIN)
        readable = {descriptor for descriptor, _ in poll.poll(max(seconds, 0) * 1000)}
        return [] if self._set else [file for file in files if file.fileno() in readable]

    def connect(self, line: socket.socket, address: Any, seconds: float) -> None:
        """Raises OSError; TimeoutError when it is set or the time is over."""
        line.setblocking(False)
        failure = line.connect_ex(address)
        if failure == errno.EINPROGRESS:
            poll = select.poll()
            poll.register(line, select.POLLOUT)
            poll.register(self, select.POLLIN)
            if line.fileno() not in {descriptor for descriptor, _ in poll.poll(max(seconds, 0) * 1000)}:
                raise TimeoutError
            failure = line.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if failure:
            raise OSError(failure, os.strerror(failure))

    def close(self) -> None:
        with self._lock:
            if not self._closed:
                os.close(self._reader)
                os.close(self._writer)
            self._closed = True
