"""WebSocket by hand: a TCP connection, requests and frames as bytes, and nothing of a library in between."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import socket
import struct
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from compliance.programs import Listener

KEY = base64.b64encode(b"sixteen bytes it").decode()
ACCEPT = base64.b64encode(hashlib.sha1(f"{KEY}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()).digest()).decode()
USUAL = (
    "Host: 192.0.2.1",
    "Upgrade: websocket",
    "Connection: Upgrade",
    f"Sec-WebSocket-Key: {KEY}",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Protocol: ocpp1.6",
)
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


class Wire:
    """A TCP connection, connected while it is entered."""

    def __init__(self, listener: Listener, host: str = "127.0.0.1") -> None:
        self._address = host, listener.ports["ws"]

    async def __aenter__(self) -> Wire:
        self._reader, self.writer = await asyncio.open_connection(*self._address)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.writer.close()

    def request(self, identity: str, *headers: str, first: str = "GET {} HTTP/1.1") -> None:
        lines = (first.format(f"/{identity}"), *(headers or USUAL), "", "")
        self.writer.write("\r\n".join(lines).encode())

    async def response(self) -> tuple[int, dict[str, str]]:
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        pairs = (line.partition(": ") for line in head[1:] if line)
        return int(head[0].split()[1]), {name.lower(): value for name, _, value in pairs}

    async def upgraded(self, identity: str) -> Wire:
        self.request(identity)
        status, headers = await self.response()
        assert (status, headers["sec-websocket-accept"]) == (101, ACCEPT)
        return self

    async def frame(self) -> tuple[int, bytes]:
        """Opcode and content of the next frame."""
        opcode, size = await self._reader.readexactly(2)
        if size == 126:
            size = int.from_bytes(await self._reader.readexactly(2))
        return opcode & 0x0F, await self._reader.readexactly(size)

    async def answer(self) -> Any:
        """The next message; pings between are not answered."""
        opcode, content = await self.frame()
        while opcode == PING:
            opcode, content = await self.frame()
        assert opcode == TEXT, content
        return json.loads(content)

    async def lives(self) -> bool:
        """It still gets an answer to a heartbeat."""
        self.writer.write(frame(heartbeat("alive")))
        return (await self.answer())[:2] == [3, "alive"]

    async def close_code(self) -> int:
        opcode, content = await self.frame()
        assert opcode == CLOSE, content
        return int.from_bytes(content[:2])

    async def ended(self) -> bool:
        """The other end closes the connection; what it still says is of no interest."""
        try:
            await self._reader.read()
        except ConnectionError:
            return True
        return self._reader.at_eof()

    def reset(self) -> None:
        """Vanish without a goodbye, as a router does that forgets a connection."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


def frame(content: str | bytes, opcode: int = TEXT, *, final: bool = True, reserved: int = 0) -> bytes:
    """As a client sends it, with a mask that changes nothing."""
    data = content.encode() if isinstance(content, str) else content
    head = bytes([final << 7 | reserved << 4 | opcode])
    if len(data) < 126:
        return head + bytes([0x80 | len(data)]) + bytes(4) + data
    if len(data) < 2**16:
        return head + b"\xfe" + len(data).to_bytes(2) + bytes(4) + data
    return head + b"\xff" + len(data).to_bytes(8) + bytes(4) + data


def heartbeat(message_id: str) -> str:
    return f'[2,"{message_id}","Heartbeat",{{}}]'


def with_header(name: str, *lines: str) -> tuple[str, ...]:
    """The usual request with this header written so instead, or left out."""
    return (*(line for line in USUAL if not line.startswith(f"{name}:")), *lines)
