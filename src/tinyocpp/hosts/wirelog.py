"""The wire log: every frame both ways with its time, as JSON lines.

Kind to SD cards: a ring of bounded size in the runtime directory, which is memory, unless `[log] wire` names a file;
one write for a whole batch. Passwords are masked before a frame is kept. A log that cannot be written is said once a
minute and stops nobody from charging.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import msgspec

from tinyocpp.hosts.log import Throttle, log
from tinyocpp.hosts.runtimedir import WIRE_LOG
from tinyocpp.identity import fold_identity
from tinyocpp.masking import masked

if TYPE_CHECKING:
    from datetime import datetime

FROM_CHARGER = "cp->cs"
TO_CHARGER = "cs->cp"


class Line(msgspec.Struct):
    """One frame, under the names it has in the file; `dir` is FROM_CHARGER or TO_CHARGER."""

    at: datetime
    charger: str
    dir: str
    raw: str


class WireLog:
    """`bound` is for the file and its predecessor `.1` together."""

    def __init__(self, path: str, bound: int, mode: int = 0o600, group_id: int | None = None) -> None:
        self.path = path
        self._half = bound // 2
        self._mode = mode
        self._group_id = group_id
        self._pending: list[Line] = []
        self._file: int | None = None
        self._size = 0
        self._complaints = Throttle()
        self._encoder = msgspec.json.Encoder()

    def note(self, at: datetime, charger_id: str, direction: str, text: str) -> None:
        """Keep a frame until `flush`."""
        self._pending.append(Line(at, charger_id, direction, masked(text)))

    def flush(self) -> None:
        """Write what was noted, in one piece."""
        if not self._pending:
            return
        data = self._encoder.encode_lines(self._pending)
        self._pending.clear()
        try:
            if self._file is None or self._size + len(data) > self._half:
                self._turn()
            assert self._file is not None
            self._size += os.write(self._file, data)
        except OSError as error:
            self._give_up(error)

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _turn(self) -> None:
        """Open the file; one that is full becomes the predecessor."""
        full = self._file is not None
        self.close()
        if not full:
            full = os.path.exists(self.path) and os.path.getsize(self.path) >= self._half
        if full:
            os.replace(self.path, self.path + ".1")
        self._file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, self._mode)
        if self._group_id is not None and os.fstat(self._file).st_gid != self._group_id:
            os.fchmod(self._file, self._mode)  # the umask may have taken the group's part
            os.fchown(self._file, -1, self._group_id)
        self._size = os.fstat(self._file).st_size

    def _give_up(self, error: OSError) -> None:
        if self._complaints.due("wire", time.monotonic()) is not None:
            log("no_wire_log", path=self.path, why=error.strerror)
        self.close()


def wire_log_path(wire: str, runtime: str, charger_id: str = "") -> str:
    """Where the log is: the file `[log] wire` names, or the ring of the listener, or that of one backend."""
    return wire or os.path.join(runtime, f"{fold_identity(charger_id)}.{WIRE_LOG}" if charger_id else WIRE_LOG)
