"""Files over the network, for the charge point: firmware it fetches, diagnostics and logs it brings.

Beside client.py the only place that knows a network. Each file has a thread of its own, so that a server that dawdles
keeps nothing waiting. HTTP, HTTPS and FTP; what is fetched is counted and hashed, and kept nowhere.
"""

from __future__ import annotations

import contextlib
import ftplib
import hashlib
import queue
import threading
from collections.abc import Callable
from datetime import datetime
from http.client import HTTPException
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, quote, unquote, urlsplit
from urllib.request import ProxyHandler, Request, build_opener

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable

STALLED_S = 20.0
MOST_BYTES = 1 << 30
PIECE_BYTES = 65_536


class Carried(msgspec.Struct, frozen=True):
    """How it went. `problem` is empty when it went well."""

    size: int = 0
    sha256: bytes = b""
    problem: str = ""


class Parcel(msgspec.Struct, frozen=True):
    """Fetch what is at `url`; or, with `content`, bring that into the directory `url`, under `name`."""

    url: str
    done: Callable[[Carried, datetime], None]
    name: str = ""
    content: bytes | None = None


class Carrier:
    """Call `go` with what is to be done, `done` now and then."""

    def __init__(self) -> None:
        self._finished: queue.SimpleQueue[tuple[Parcel, Carried]] = queue.SimpleQueue()
        self.under_way = 0

    def go(self, parcels: Iterable[Parcel]) -> None:
        for parcel in parcels:
            self.under_way += 1
            threading.Thread(target=self._run, args=(parcel,), daemon=True).start()

    def done(self, now: datetime) -> None:
        """Tell the charge point of what is finished."""
        with contextlib.suppress(queue.Empty):
            while True:
                parcel, carried = self._finished.get_nowait()
                self.under_way -= 1
                parcel.done(carried, now)

    def _run(self, parcel: Parcel) -> None:
        self._finished.put((parcel, carry(parcel)))


def carry(parcel: Parcel) -> Carried:
    """Never raises: a URL may be anything, and so may what is there."""
    try:
        parts = urlsplit(parcel.url)
        if parts.scheme not in ("http", "https", "ftp"):
            return Carried(problem=f"{parts.scheme or parcel.url}: no way to fetch that")
        if parcel.content is None:
            return _fetch(parcel.url)
        bring = _bring_by_ftp if parts.scheme == "ftp" else _bring_by_http
        bring(parts, parcel.name, parcel.content)
    except (OSError, ValueError, HTTPException, ftplib.Error, EOFError) as error:
        return Carried(problem=str(error) or type(error).__name__)
    return Carried(size=len(parcel.content))


def _fetch(url: str) -> Carried:
    hashed, size = hashlib.sha256(), 0
    with build_opener(ProxyHandler({})).open(url, timeout=STALLED_S) as answer:
        while piece := answer.read(PIECE_BYTES):
            hashed.update(piece)
            size += len(piece)
            if size > MOST_BYTES:
                return Carried(problem="too large")
        expected = answer.headers.get("Content-Length")
    if expected is not None and int(expected) != size:
        return Carried(problem=f"{size} of {expected} bytes came")
    return Carried(size, hashed.digest())


def _bring_by_http(parts: SplitResult, name: str, content: bytes) -> None:
    url = parts._replace(path=f"{parts.path.rstrip('/')}/{quote(name)}").geturl()
    with build_opener(ProxyHandler({})).open(Request(url, content, method="PUT"), timeout=STALLED_S):
        pass


def _bring_by_ftp(parts: SplitResult, name: str, content: bytes) -> None:
    import io

    with ftplib.FTP(timeout=STALLED_S) as client:
        client.connect(parts.hostname or "", parts.port or ftplib.FTP_PORT)
        client.login(unquote(parts.username or ""), unquote(parts.password or ""))
        client.storbinary(f"STOR {unquote(parts.path).rstrip('/')}/{name}", io.BytesIO(content))
