"""The file in a form's body (multipart/form-data, RFC 7578), as it comes: an upload need not fit into memory."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MOST_HEADER_BYTES = 16_384


class BrokenForm(Exception):
    """A body that is not what it says it is: no file in it, or its end is missing."""


class Form:
    """`next_file` goes to the first part with a file name; `content` is what is in it."""

    def __init__(self, body: Iterable[bytes], boundary: str) -> None:
        self._body = iter(body)
        self._mark = b"\r\n--" + boundary.encode()
        self._unread = b"\r\n"  # the first mark may stand at the very beginning

    def next_file(self) -> str:
        """Its name as the sender has it; what is before it, fields or an empty part, is left out."""
        for _ in self.content():
            pass
        while True:
            if self._until(b"\r\n", MOST_HEADER_BYTES).startswith(b"--"):
                raise BrokenForm("no file in the form")
            headers = self._until(b"\r\n\r\n", MOST_HEADER_BYTES).decode(errors="replace")
            found = re.search(r'filename="?([^"\r\n]*)', headers, re.IGNORECASE)
            if found:
                return found[1]
            for _ in self.content():
                pass

    def content(self) -> Iterator[bytes]:
        """Up to the next mark."""
        keep = len(self._mark) - 1
        while self._mark not in self._unread:
            if len(self._unread) > keep:
                yield self._unread[:-keep]
                self._unread = self._unread[-keep:]
            self._more()
        last, _, self._unread = self._unread.partition(self._mark)
        yield last

    def _until(self, end: bytes, most: int) -> bytes:
        while end not in self._unread:
            if len(self._unread) > most:
                raise BrokenForm("a part's headers are too long")
            self._more()
        found, _, self._unread = self._unread.partition(end)
        return found

    def _more(self) -> None:
        chunk = next(self._body, b"")
        if not chunk:
            raise BrokenForm("the form has no end")
        self._unread += chunk
