"""One event per line on stderr: `charger=garage event=refused why="no such charger"`.

What comes from outside is escaped, so that nobody can forge a line or paint a terminal. Nothing here decides what is
worth saying, only how; Throttle keeps what a stranger can cause from filling a disk with it.
"""

from __future__ import annotations

import re
import sys

# Patterns by their text: `re` compiles and keeps them at the first line, which most backends never write.
PLAIN = r"[!-~]+"
UNQUOTED = r"[^\s\"'=\\]+"


def log(event: str, *, charger: str = "", **fields: object) -> None:
    """Write one line. A stderr that is gone stops nobody from charging."""
    pairs = {"charger": charger, "event": event, **fields} if charger else {"event": event, **fields}
    line = " ".join(f"{name}={_value(value)}" for name, value in pairs.items())
    try:  # noqa: SIM105 (no contextlib on the stdio path)
        print(line, file=sys.stderr, flush=True)
    except OSError:
        pass


def _value(value: object) -> str:
    text = str(value)
    if re.fullmatch(PLAIN, text) and re.fullmatch(UNQUOTED, text):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(char if " " <= char <= "~" else ascii(char)[1:-1] for char in escaped) + '"'


class Throttle:
    """At most one of a kind in `every_s` seconds, for a bounded number of kinds."""

    BOUND = 1000

    def __init__(self, every_s: float = 60.0) -> None:
        self._every_s = every_s
        self._last: dict[str, float] = {}
        self._held_back: dict[str, int] = {}

    def due(self, kind: str, now: float) -> int | None:
        """None: not now. Else how many of this kind were held back since the last."""
        last = self._last.get(kind)
        if last is not None and now - last < self._every_s:
            self._held_back[kind] = self._held_back.get(kind, 0) + 1
            return None
        if len(self._last) >= self.BOUND:
            self._last.clear()
            self._held_back.clear()
        self._last[kind] = now
        return self._held_back.pop(kind, 0)
