"""At the HTTP door: GET and HEAD of an Offer, whole or in ranges; PUT and POST into an Inbox, raw or as a form.

Borne is what chargers do that is in no book: a file name behind the URL, glued to it or missing (quirk B14), a body in
chunks, a download that is resumed.
"""

from __future__ import annotations

import contextlib
import errno
import re
import socket
import time
from hmac import compare_digest
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from tinyocpp.hosts.filedoor import STALLED_S
from tinyocpp.hosts.filedoor.goods import Inbox, Offer
from tinyocpp.hosts.filedoor.multipart import BrokenForm, Form

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tinyocpp.hosts.filedoor.goods import Upload
    from tinyocpp.hosts.filedoor.http import Server

PIECE_BYTES = 65_536
LAST_WORDS_S = 2.0  # how long a refused upload may go on before it is cut off, so that the refusal is read
STATUS_OF = {
    errno.EFBIG: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    errno.EMFILE: HTTPStatus.TOO_MANY_REQUESTS,
    errno.ENOSPC: HTTPStatus.INSUFFICIENT_STORAGE,
    errno.EDQUOT: HTTPStatus.INSUFFICIENT_STORAGE,
}


class Visit(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server_version, sys_version = "tinyocpp", ""
    timeout = STALLED_S
    server: Server

    def do_HEAD(self) -> None:
        self._hand_out(body=False)

    def do_GET(self) -> None:
        self._hand_out(body=True)

    def do_PUT(self) -> None:
        self._take_in(HTTPStatus.CREATED)

    def do_POST(self) -> None:
        self._take_in(HTTPStatus.OK)

    def log_message(self, format: str, *args: object) -> None:
        """What matters is told by `tell`."""

    def _name(self) -> str | None:
        """What stands behind the secret; None after a refusal. A charger may glue its file name to the URL without a
        slash, put one too many, or ask for the whole URL as a proxy is asked."""
        try:
            path = unquote(urlsplit(self.path).path, errors="replace")
        except ValueError:
            path = ""
        first, *rest = path.lstrip("/").split("/")
        secret = self.server.secret
        if not compare_digest(first[: len(secret)].encode(), secret.encode()):
            self.server.lost(self.client_address[0])
            self._refuse(HTTPStatus.NOT_FOUND)
            return None
        if not self.server.let_in(self.connection):
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE)
            return None
        return "/".join([first[len(secret) :], *rest])

    def _refuse(self, status: HTTPStatus) -> None:
        """And close: what else the other end is sending is not read. It may go on a little, or it would lose our words
        to a reset."""
        self.close_connection = True
        self.send_error(status)
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_WR)
            self.connection.settimeout(LAST_WORDS_S)
            until = time.monotonic() + LAST_WORDS_S
            while time.monotonic() < until and self.rfile.read1(PIECE_BYTES):
                pass

    # Out.

    def _hand_out(self, *, body: bool) -> None:
        if (name := self._name()) is None:
            return
        offer = self.server.goods
        if not isinstance(offer, Offer):
            self._not_this_way("PUT, POST")
        elif name.strip("/") not in ("", offer.name):
            self._refuse(HTTPStatus.NOT_FOUND)
        elif (span := self._span(offer)) is None:
            self.send_response(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE)
            self.send_header("Content-Range", f"bytes */{offer.size}")
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            self._hand_out_span(offer, *span, body=body)

    def _span(self, offer: Offer) -> tuple[int, int] | None:
        """Which bytes, half open; None: there are no such bytes. Several ranges at once, or a range of another file,
        get the whole (RFC 9110, 14.2)."""
        found = re.fullmatch(r"bytes=(\d{0,18})-(\d{0,18})", self.headers.get("Range", "").replace(" ", ""))
        if not found or found[0] == "bytes=-" or self.headers.get("If-Range", offer.mark).strip('"') != offer.mark:
            return 0, offer.size
        first, last = found.groups()
        begin = int(first) if first else max(0, offer.size - int(last))
        end = min(int(last) + 1, offer.size) if first and last else offer.size
        return (begin, end) if begin < end else None

    def _hand_out_span(self, offer: Offer, begin: int, end: int, *, body: bool) -> None:
        part = (begin, end) != (0, offer.size)
        self.send_response(HTTPStatus.PARTIAL_CONTENT if part else HTTPStatus.OK)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Length", str(end - begin))
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("ETag", f'"{offer.mark}"')
        if part:
            self.send_header("Content-Range", f"bytes {begin}-{end - 1}/{offer.size}")
        self.end_headers()
        if body:
            offer.visits += 1
            if begin == 0 or offer.visits == 1:
                self.server.tell(f"{self.client_address[0]} fetches {offer.name}")
            self._pour(offer, begin, end)

    def _pour(self, offer: Offer, at: int, end: int) -> None:
        while at < end:
            piece = offer.read(at, min(PIECE_BYTES, end - at))
            if not piece:  # the file has been cut meanwhile: better a broken download than a wrong one
                self.close_connection = True
                return
            self.wfile.write(piece)
            at += len(piece)
            offer.sent(at)

    # In.

    def _take_in(self, status: HTTPStatus) -> None:
        if (name := self._name()) is None:
            return
        inbox = self.server.goods
        if not isinstance(inbox, Inbox):
            self._not_this_way("GET, HEAD")
            return
        try:
            self._store(inbox, name)
        except _NoLength:
            self._refuse(HTTPStatus.LENGTH_REQUIRED)
        except BrokenForm:
            self._refuse(HTTPStatus.BAD_REQUEST)
        except _Ended:
            self.close_connection = True
        except OSError as error:
            if error.errno not in STATUS_OF:
                raise
            self.server.tell(f"{self.client_address[0]} brings {name or 'a file'}: {error.strerror}")
            self._refuse(STATUS_OF[error.errno])
        else:
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

    def _store(self, inbox: Inbox, name: str) -> None:
        if "Content-Range" in self.headers:
            raise BrokenForm("a part of a file (RFC 9110, 14.5)")
        length = self._length()
        body, boundary = self._body(length), self.headers.get_boundary()
        if self.headers.get_content_maintype() != "multipart" or not boundary:
            self._keep(inbox.begin(name, length), body)
            return
        form = Form(body, boundary)
        self._keep(inbox.begin(form.next_file() or name, length), form.content())
        for _ in body:  # what follows the file
            pass

    def _keep(self, upload: Upload, pieces: Iterator[bytes]) -> None:
        self.server.tell(f"{self.client_address[0]} brings {upload.name}")
        with contextlib.closing(upload):
            for piece in pieces:
                upload.write(piece)
            upload.keep()

    def _length(self) -> int | None:
        """None: it comes in chunks."""
        if self.headers.get("Transfer-Encoding", "").strip().lower() == "chunked":
            return None
        given = self.headers.get("Content-Length", "")
        if not re.fullmatch(r"\d{1,18}", given.strip()):
            raise _NoLength
        return int(given)

    def _body(self, length: int | None) -> Iterator[bytes]:
        if length is not None:
            yield from self._exactly(length)
            return
        while size := self._chunk_size():
            yield from self._exactly(size)
            self._line()
        while self._line().strip():  # trailers
            pass

    def _chunk_size(self) -> int:
        digits = self._line().partition(b";")[0].strip()
        if not re.fullmatch(rb"[0-9A-Fa-f]{1,15}", digits):
            raise BrokenForm("a chunk without its size")
        return int(digits, 16)

    def _exactly(self, size: int) -> Iterator[bytes]:
        while size > 0:
            piece = self.rfile.read1(min(size, PIECE_BYTES))
            if not piece:
                raise _Ended
            size -= len(piece)
            yield piece

    def _line(self) -> bytes:
        line = self.rfile.readline(1024)
        if not line.endswith(b"\n"):
            raise _Ended
        return line

    def _not_this_way(self, allowed: str) -> None:
        self.server.tell(f"{self.client_address[0]} tries {self.command}: only {allowed} here")
        self._refuse(HTTPStatus.METHOD_NOT_ALLOWED)


class _NoLength(Exception):
    """A body without a size cannot be told from one that was cut off."""


class _Ended(Exception):
    """The other end has gone in the middle of its body."""
