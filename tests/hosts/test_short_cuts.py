"""The way of a frame past the library's parser and serializer: the same bytes and the same texts, whatever comes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from listening import Site, masked_frame, raw_request, within
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.server import ServerProtocol

from tinyocpp.hosts.websocket import text_frame, waits_in, whole_text

if TYPE_CHECKING:
    from pathlib import Path

REQUEST = (
    b"GET /x HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
LENGTHS = [0, 1, 125, 126, 127, 133, 65535, 65536]


def heartbeat(message_id: str) -> bytes:
    return f'[2,"{message_id}","Heartbeat",{{}}]'.encode()


@pytest.mark.parametrize("length", LENGTHS)
def test_what_is_sent_is_what_the_library_would_send(length: int) -> None:
    text = "é" * (length // 2) + "x" * (length % 2)
    assert text_frame(text) == Frame(Opcode.TEXT, text.encode()).serialize(mask=False)


@pytest.mark.parametrize("length", LENGTHS)
def test_a_whole_frame_and_nothing_less_or_more_is_a_text(length: int) -> None:
    text = "é" * (length // 2) + "x" * (length % 2)
    frame = Frame(Opcode.TEXT, text.encode()).serialize(mask=True)
    assert whole_text(frame) == (text if length < 65536 else None)
    assert [whole_text(frame[:end]) for end in range(min(len(frame), 20))] == [None] * min(len(frame), 20)
    assert whole_text(frame[:-1]) is None
    assert whole_text(frame + b"\x81") is None


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param(masked_frame(b"xx", opcode=2), id="binary"),
        pytest.param(masked_frame(b"xx", opcode=9), id="ping"),
        pytest.param(masked_frame(b"xx", opcode=8), id="close"),
        pytest.param(masked_frame(b"xx", final=False), id="the beginning of a message"),
        pytest.param(masked_frame(b"xx", 0), id="the end of a message"),
        pytest.param(Frame(Opcode.TEXT, b"xxxxxx").serialize(mask=False), id="not masked"),
        pytest.param(b"\xc1" + masked_frame(b"xx")[1:], id="a reserved bit"),
        pytest.param(b"\x81\xff" + bytes(7) + b"\x01" + bytes(4) + b"x", id="a long length"),
    ],
)
def test_everything_else_is_the_librarys(frame: bytes) -> None:
    assert whole_text(frame) is None


def test_the_parser_says_when_it_is_between_two_frames() -> None:
    protocol = ServerProtocol()
    protocol.receive_data(REQUEST)
    (request,) = protocol.events_received()
    assert isinstance(request, Request)
    protocol.send_response(protocol.accept(request))
    frame, waited = masked_frame(b"x" * 200), []
    for end in range(len(frame)):
        waited.append(waits_in(protocol.parser))
        protocol.receive_data(frame[end : end + 1])
    assert (waited[0], set(waited[1:]), waits_in(protocol.parser)) == ("at_eof", {"read_exact"}, "at_eof")


@within(20)
async def test_what_looks_like_a_frame_inside_a_frame_is_no_frame(tmp_path: Path) -> None:
    """Chargers write a frame's header and its payload one after the other, so a read may begin anywhere."""
    inner = masked_frame(heartbeat("inner"))
    text = b'[2,"outer","DataTransfer",{"vendorId":"v","data":"' + b"x" * 300 + b'"}]'
    async with Site(tmp_path, '[chargers]\nadmit = "any"').listening() as listener:
        _, _, reader, writer = await raw_request(listener, "/garage")
        header = b"\x81\xfe" + (len(text)).to_bytes(2, "big") + bytes(4)  # a mask of zeros: what follows is as it is
        for cut in (1, 2, 3, 4, 6, 8, 20):
            for part in (header + text)[:cut], (header + text)[cut:], masked_frame(heartbeat("next")):
                writer.write(part)
                await settled(writer)
            assert [await answer(reader), await answer(reader)] == [b"outer", b"next"]
        lone = b"\x81\xfe" + len(inner).to_bytes(2, "big") + b"mask"  # what follows is nonsense, as it is masked
        for part in lone, inner, masked_frame(heartbeat("last")):
            writer.write(part)
            await settled(writer)
        assert await answer(reader) == b"last"
        writer.close()


async def settled(writer: asyncio.StreamWriter) -> None:
    """The listener, in this very event loop, has read what was written before more is."""
    await writer.drain()
    for _ in range(10):
        await asyncio.sleep(0)


async def answer(reader: asyncio.StreamReader) -> bytes:
    """The message id of the next answer."""
    head = await reader.readexactly(2)
    length = int.from_bytes(await reader.readexactly(2), "big") if head[1] == 126 else head[1]
    return (await reader.readexactly(length)).split(b'"')[1]
