"""What the listener relies on in the `websockets` library and in asyncio, beyond their documentation.

When a new version fails here, read its asyncio/connection.py and asyncio/server.py again before changing the pin.
"""

from __future__ import annotations

import asyncio
import inspect
import ssl
from asyncio.sslproto import SSLProtocol
from typing import TYPE_CHECKING, Any

import pytest
from listening import masked_frame, within
from websockets.asyncio.connection import Connection
from websockets.asyncio.server import ServerConnection, serve
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import State
from websockets.server import ServerProtocol
from websockets.version import version

from tinyocpp.hosts.websocket import text_frame

if TYPE_CHECKING:
    from websockets.protocol import Event

REQUEST = (
    b"GET /x HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


def test_the_version_is_one_we_know() -> None:
    assert version.split(".")[0] == "17"


def test_the_seams_we_hold_on_to() -> None:
    assert list(inspect.signature(ServerConnection.process_event).parameters) == ["self", "event"]
    assert list(inspect.signature(Connection.send_data).parameters) == ["self"]
    assert list(inspect.signature(ServerProtocol.process_request).parameters) == ["self", "request"]
    assert "create_connection" in inspect.signature(serve).parameters


@within(10)
async def test_each_frame_comes_to_process_event_once_and_in_order() -> None:
    seen: list[tuple[State, Any]] = []

    class Watching(ServerConnection):
        def process_event(self, event: Event) -> None:
            seen.append((self.protocol.state, event))
            if isinstance(event, Request):
                super().process_event(event)

    async def converse(connection: ServerConnection) -> None:
        await connection.wait_closed()

    options: dict[str, Any] = {"create_connection": Watching, "compression": None, "ping_interval": None}
    async with serve(converse, "127.0.0.1", 0, **options) as server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(REQUEST)
        await reader.readuntil(b"\r\n\r\n")
        writer.write(masked_frame("a" * 200) + masked_frame(b"b", 2) + masked_frame("c", final=False))
        writer.write(masked_frame("d", 0) + masked_frame(b"ping", 9) + masked_frame(b"", 10) + masked_frame(b"", 8))
        assert await reader.read() == b"\x8a\x04ping\x88\x00"  # it answers pings and closing by itself
        writer.close()

    assert isinstance(seen[0][1], Request)
    assert seen[0][0] is State.CONNECTING
    frames = [event for _, event in seen[1:]]
    assert all(isinstance(frame, Frame) for frame in frames)
    assert [(frame.opcode, bytes(frame.data), frame.fin) for frame in frames] == [
        (Opcode.TEXT, b"a" * 200, True),
        (Opcode.BINARY, b"b", True),
        (Opcode.TEXT, b"c", False),
        (Opcode.CONT, b"d", True),
        (Opcode.PING, b"ping", True),
        (Opcode.PONG, b"", True),
        (Opcode.CLOSE, b"", True),
    ]


@within(10)
async def test_what_is_written_without_waiting_is_sent() -> None:
    async def converse(connection: ServerConnection) -> None:
        assert connection.paused is False
        connection.protocol.send_text(b"one")
        connection.protocol.send_text(b"two")
        connection.send_data()
        await connection.wait_closed()

    async with serve(converse, "127.0.0.1", 0, compression=None) as server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(REQUEST)
        await reader.readuntil(b"\r\n\r\n")
        assert await reader.readexactly(10) == b"\x81\x03one\x81\x03two"
        writer.close()


@within(10)
async def test_asyncio_reads_no_more_at_a_time_than_we_say() -> None:
    made = asyncio.get_running_loop().create_future()

    class Anything(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            transport.max_size = 10  # type: ignore[attr-defined]

        def data_received(self, data: bytes) -> None:
            if not made.done():
                made.set_result(len(data))

    server = await asyncio.get_running_loop().create_server(Anything, "127.0.0.1", 0)
    _, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    writer.write(b"x" * 1000)
    assert await made == 10
    writer.close()
    server.close()


def test_the_size_of_a_tls_buffer_is_the_classs() -> None:
    assert isinstance(SSLProtocol.max_size, int)
    made = SSLProtocol(None, asyncio.Protocol(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), None, server_side=True)
    assert len(made.get_buffer(-1)) == SSLProtocol.max_size


@pytest.mark.parametrize("length", [0, 1, 125, 126, 2**16 - 1, 2**16, 2**20])
def test_our_text_frame_is_the_library_s(length: int) -> None:
    text = "ä" * (length // 2) + "a" * (length % 2)
    assert text_frame(text) == Frame(Opcode.TEXT, text.encode()).serialize(mask=False)
