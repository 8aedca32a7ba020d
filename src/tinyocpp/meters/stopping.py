"""How a meter's thread is ended from outside, also while it waits for a descriptor.

Every wait of a member is one of these two, so that it ends in time, and at once when it is stopped.
"""

from __future__ import annotations

import os
import select
import threading
from typing import TYPE_CHECKING

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

    def close(self) -> None:
        with self._lock:
            if not self._closed:
                os.close(self._reader)
                os.close(self._writer)
            self._closed = True
