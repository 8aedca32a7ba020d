"""Frames out of a stream of lines, for the host on a pipe.

One frame per line is the rule. Some chargers send newlines inside a frame, which a line protocol splits in two, so
lines are joined until the JSON closes. A frame that never closes must not swallow the ones after it: a line that begins
like a frame begins one, and a host gives up waiting after a while (`flush`). Bytes in, text out.
"""

from __future__ import annotations

import re

BEGIN = rb"\s*\[\s*[234]\s*,"
STRUCTURE = re.compile(rb'[\[\]{}"\\]')


class TooLong(Exception):
    """A frame above the limit: the one thing that ends a connection."""


class LineJoiner:
    """A stream of bytes in pieces of any size, out of which come frames. After TooLong it is of no more use."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._rest = bytearray()  # the line that has not ended yet
        self._open: list[bytes] = []  # lines of a frame that has not closed yet
        self._size = 0
        self._depth = 0
        self._in_string = False

    @property
    def waiting(self) -> bool:
        """Is there a frame that has begun and not closed?"""
        return bool(self._open)

    def feed(self, data: bytes) -> list[str]:
        """The frames that are complete now. Raises TooLong."""
        self._rest += data
        *lines, rest = bytes(self._rest).split(b"\n") if b"\n" in data else (bytes(self._rest),)
        if len(rest) + self._size > self._max_bytes:
            raise TooLong
        if lines:
            self._rest = bytearray(rest)
        return [frame for line in lines for frame in self._take(line)]

    def flush(self) -> list[str]:
        """What was waiting, as it is."""
        return self._close()

    def end(self) -> list[str]:
        """The end of input: a last line needs no newline."""
        last = self._take(bytes(self._rest))
        return [*last, *self.flush()]

    def _take(self, line: bytes) -> list[str]:
        frames = self._close() if self._open and re.match(BEGIN, line) else []
        self._scan(line)
        self._open.append(line)
        self._size += len(line) + 1
        if self._size > self._max_bytes:
            raise TooLong
        return frames if self._depth > 0 else [*frames, *self._close()]

    def _scan(self, line: bytes) -> None:
        """Follow brackets and strings; a broken escape is leniency's to read."""
        escaped_at = -1
        for match in STRUCTURE.finditer(line):
            character, at = match[0], match.start()
            if at == escaped_at:
                continue
            if character == b'"':
                self._in_string = not self._in_string
            elif self._in_string:
                escaped_at = at + 1 if character == b"\\" else -1
            elif character in b"[{":
                self._depth += 1
            elif character in b"]}":
                self._depth -= 1

    def _close(self) -> list[str]:
        text = b"\n".join(self._open).decode("utf-8", "replace").strip("\r\n")
        self._open.clear()
        self._size = self._depth = 0
        self._in_string = False
        return [text] if text.strip() else []
