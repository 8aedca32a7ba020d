"""Three ways to knock: the listener's own engine, websocketd, and a backend as a CGI-like server would start it.

A guest gets in when its heartbeat is answered; `as_` is then who the installation takes it for, by its command socket.
Whoever is refused hears nothing: HTTP says so (builtin), the connection ends (websocketd), or the exit code is 77.
"""

from __future__ import annotations

import base64
import contextlib
import os
import re
import select
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from programs import BACKEND, LISTENER, PIPE, TINYOCPP, environment, run, start, urls

PATIENCE_S = 20.0
HEARTBEAT = b'[2,"1","Heartbeat",{}]'
ANSWER = b'[3,"1",{"currentTime":'
REFUSED = 77
HEADERS = (
    b"Host: 192.0.2.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Protocol: ocpp1.6\r\nSec-WebSocket-Key: " + base64.b64encode(bytes(16)) + b"\r\n"
)


class House:
    """The files of one installation."""

    def __init__(self, folder: Path, settings: str = "") -> None:
        self.folder = folder
        self.file = folder / "tinyocpp.toml"
        self.runtime = folder / "run"
        self.log = folder / "stderr"
        self.log.touch()
        self.file.write_text(f'{settings}\n[paths]\nruntime = "run"\n')

    def word(self, *words: str, stdin: str = "") -> str:
        """`tinyocpp WORD ...`"""
        ended = run(TINYOCPP, "--config", self.file, *words, said=stdin, env=environment())
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    def connected(self) -> set[str]:
        return {path.name.removesuffix(".sock") for path in self.runtime.glob("*.sock")}

    def check_log(self) -> None:
        text = self.log.read_text(errors="replace")
        assert "Traceback" not in text, text[-3000:]
        assert "Error" not in text.replace("HTTPError", ""), text[-3000:]


class Guest(Protocol):
    """Somebody who has knocked."""

    status: int  # HTTP status, or exit code; 101 or 0 for who is in

    def answered(self) -> bool:
        """Is its heartbeat answered? Waits for the answer or the end."""
        ...

    def close(self) -> None: ...


class Entrance(Protocol):
    house: House

    def knock(self, target: bytes, authorization: bytes | None = None) -> Guest: ...
    def close(self) -> None: ...


@contextlib.contextmanager
def knocking(entrance: Entrance, target: bytes, authorization: bytes | None = None) -> Iterator[Guest]:
    guest = entrance.knock(target, authorization)
    try:
        yield guest
    finally:
        guest.close()


# --- the listener -----------------------------------------------------------------------------------------------------


class Listener:
    """One engine of tinyocpp-listener."""

    def __init__(self, house: House, engine: str) -> None:
        self.house = house
        self.engine = engine
        self._ending = ExitStack()
        errors = self._ending.enter_context(house.log.open("ab"))
        words = ["--host", "127.0.0.1", "--port", str(0 if engine == "builtin" else free_port()), "--engine", engine]
        self._process = start(LISTENER, "--config", house.file, *words, stdout=PIPE, stderr=errors, env=environment())
        self.port = int(re.findall(r":(\d+)", urls(self._process)[0])[0])
        self.pid = self._process.pid

    def knock(self, target: bytes, authorization: bytes | None = None) -> Guest:
        header = b"" if authorization is None else b"Authorization: " + authorization + b"\r\n"
        return WebSocketGuest(self.port, b"GET " + target + b" HTTP/1.1\r\n" + HEADERS + header + b"\r\n")

    def close(self) -> None:
        with self._ending, self._process:
            self._process.terminate()
            assert self._process.wait(PATIENCE_S) == 0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class WebSocketGuest:
    """Speaks as much WebSocket as a heartbeat needs, so that nothing on this side mends what is sent."""

    def __init__(self, port: int, request: bytes) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
        self._heard = b""
        with contextlib.suppress(OSError):
            self._socket.sendall(request)
        head = self._until(b"\r\n\r\n")
        self.status = int(head.split()[1]) if head.startswith(b"HTTP/1.1 ") else 0
        self._heard = head.partition(b"\r\n\r\n")[2]

    def answered(self) -> bool:
        if self.status != 101:
            return False
        with contextlib.suppress(OSError):
            self._socket.sendall(bytes([0x81, 0x80 | len(HEARTBEAT)]) + bytes(4) + HEARTBEAT)
        found = ANSWER in self._until(ANSWER)
        self._heard = b""
        return found

    def _until(self, wanted: bytes) -> bytes:
        """What has been heard with this in it, or until the end."""
        with contextlib.suppress(ConnectionError):
            while wanted not in self._heard and (data := self._socket.recv(65536)):
                self._heard += data
        return self._heard

    def close(self) -> None:
        self._socket.close()


# --- the backend ------------------------------------------------------------------------------------------------------


@dataclass
class Backend:
    """What a server hands over: the target as it came, and the header, in the environment."""

    house: House

    def knock(self, target: bytes, authorization: bytes | None = None) -> Guest:
        return BackendGuest(self.house, target, authorization)

    def close(self) -> None:
        pass


class BackendGuest:
    def __init__(self, house: House, target: bytes, authorization: bytes | None) -> None:
        environ: dict[bytes, bytes] = {name.encode(): value.encode() for name, value in environment().items()}
        environ |= {b"REQUEST_URI": target, b"REMOTE_ADDR": b"127.0.0.1"}
        if authorization is not None:
            environ[b"HTTP_AUTHORIZATION"] = authorization
        self._errors = house.log.open("ab")
        pipes = {"stdin": PIPE, "stdout": PIPE, "stderr": self._errors}
        self._process = start(BACKEND, "--config", house.file, env=environ, **pipes)
        self.status = 0 if self.answered() else self._process.wait(PATIENCE_S)

    def answered(self) -> bool:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(HEARTBEAT + b"\n")
            self._process.stdin.flush()
        heard, deadline = b"", time.monotonic() + PATIENCE_S
        while b"\n" not in heard:
            ready, _, _ = select.select([self._process.stdout], [], [], max(0.0, deadline - time.monotonic()))
            assert ready, "heard nothing"
            data = os.read(self._process.stdout.fileno(), 65536)
            if not data:
                return False
            heard += data
        return heard.startswith(ANSWER)

    def close(self) -> None:
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            with contextlib.suppress(BrokenPipeError):
                pipe.close()
        self._process.wait(PATIENCE_S)
        self._errors.close()


ENTRANCES = {
    "builtin": lambda house: Listener(house, "builtin"),
    "websocketd": lambda house: Listener(house, "websocketd"),
    "backend": Backend,
}
