"""GET, and nothing else of HTTP, in a way that ends: the standard library's client on a socket that is never waited for
beyond one deadline for the whole answer, nor once we are stopped. A server that hangs, trickles or floods costs no more
than that. Redirects are not followed: a meter that answers with one is not the meter.
"""

from __future__ import annotations

import io
import socket
import time
from http.client import HTTPConnection, HTTPException
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tinyocpp.meters import MeterTrouble
from tinyocpp.meters.digest import authorization

if TYPE_CHECKING:
    from collections.abc import Mapping
    from http.client import HTTPResponse
    from urllib.parse import SplitResult

    from tinyocpp.meters.stopping import Stop

MOST_BYTES = 1048576


class Fetcher:
    """One server's answers. `user` and `password` are shown where it asks for them, in whichever way it asks."""

    def __init__(
        self,
        timeout_s: float,
        headers: Mapping[str, str] | None = None,
        user: str = "",
        password: str = "",
        verify: bool = True,
    ) -> None:
        self._timeout_s = timeout_s
        self._headers = {"Accept": "application/json, text/plain;q=0.9, */*;q=0.1", "Connection": "close"}
        self._headers |= headers or {}
        self._user = user
        self._password = password
        self._verify = verify

    def get(self, url: str, stop: Stop) -> bytes:
        """The body of a 200. MeterTrouble: anything else."""
        found = self.find(url, stop)
        if found is None:
            raise MeterTrouble(f"{url} answered 404 Not Found")
        return found

    def find(self, url: str, stop: Stop) -> bytes | None:
        """The same, but None where the server knows no such page."""
        deadline_s = time.monotonic() + self._timeout_s
        try:
            answer = self._ask(url, self._headers, deadline_s, stop)
            if answer.status == 401 and self._user:
                challenges = answer.headers.get_all("WWW-Authenticate", [])
                proof = authorization(challenges, self._user, self._password, _target(urlsplit(url)))
                answer = self._ask(url, self._headers | {"Authorization": proof}, deadline_s, stop)
        except TimeoutError:
            raise MeterTrouble(f"{url} has not answered within {self._timeout_s:g} s") from None
        except (OSError, HTTPException, ValueError) as error:
            raise MeterTrouble(f"{url}: {_words(error)}") from None
        if answer.status == 404:
            return None
        if answer.status != 200:
            raise MeterTrouble(f"{url} answered {answer.status} {answer.reason}{self._remedy(answer)}")
        return answer.body

    def _remedy(self, answer: Answer) -> str:
        if answer.status in (401, 403):
            return "; user and password are wrong" if self._user else "; write user and password"
        where = answer.headers.get("Location")
        return f", to {where}; write that url" if where else ""

    def _ask(self, url: str, headers: Mapping[str, str], deadline_s: float, stop: Stop) -> Answer:
        parts = urlsplit(url)
        line = _connect(parts, deadline_s, stop)
        try:
            if parts.scheme == "https":
                line = self._secured(line, parts.hostname or "", deadline_s)
            connection = HTTPConnection(parts.hostname or "", parts.port)
            connection.sock = _Line(line, deadline_s, stop)
            connection.request("GET", _target(parts), headers=dict(headers))
            return Answer(connection.getresponse())
        finally:
            line.close()

    def _secured(self, line: socket.socket, host: str, deadline_s: float) -> socket.socket:
        import ssl

        context = ssl.create_default_context()
        if not self._verify:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        line.settimeout(max(deadline_s - time.monotonic(), 0.001))
        return context.wrap_socket(line, server_hostname=host)


class Answer:
    """All of it, read."""

    def __init__(self, response: HTTPResponse) -> None:
        self.status = response.status
        self.reason = response.reason
        self.headers = response.headers
        self.body = response.read(MOST_BYTES + 1)
        if len(self.body) > MOST_BYTES:
            raise ValueError(f"more than {MOST_BYTES // 1024} kB")
        if response.length:  # of what was announced; half a number is a number too
            raise ValueError("the answer breaks off")


def _target(parts: SplitResult) -> str:
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def _words(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return f"{type(error).__name__} {error}".strip() if isinstance(error, HTTPException) else str(error)


def _connect(parts: SplitResult, deadline_s: float, stop: Stop) -> socket.socket:
    port = parts.port or (443 if parts.scheme == "https" else 80)
    failure: OSError = OSError(f"no address of {parts.hostname}")
    for family, kind, protocol, _, address in socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM):
        line = socket.socket(family, kind, protocol)
        try:
            stop.connect(line, address, deadline_s - time.monotonic())
            return line
        except OSError as error:
            line.close()
            failure = error
    raise failure


class _Line:
    """A socket as http.client uses one. It is closed by who has opened it."""

    def __init__(self, line: socket.socket, deadline_s: float, stop: Stop) -> None:
        self._line = line
        self._deadline_s = deadline_s
        self._stop = stop

    def sendall(self, data: bytes) -> None:
        self._line.settimeout(max(self._deadline_s - time.monotonic(), 0.001))
        self._line.sendall(data)

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Reading(self._line, self._deadline_s, self._stop))

    def close(self) -> None:
        """Not yet: what it has said is still to be read."""


class _Reading(io.RawIOBase):
    def __init__(self, line: socket.socket, deadline_s: float, stop: Stop) -> None:
        self._line = line
        self._deadline_s = deadline_s
        self._stop = stop

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        left_s = self._deadline_s - time.monotonic()
        waiting = getattr(self._line, "pending", int)()  # TLS has bytes of its own that no descriptor tells of
        if left_s <= 0 or (not waiting and not self._stop.ready([self._line], left_s)):
            raise TimeoutError
        self._line.settimeout(left_s)
        return self._line.recv_into(buffer)
