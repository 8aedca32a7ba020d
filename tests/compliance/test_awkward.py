"""Clients that do WebSocket badly, by hand: bytes on a TCP connection, with nothing in between.

What the listener's engine does with each is tried beside it (tests/hosts); here the whole program has the defaults an
owner has, and what one client does must not be felt by another, nor leave more than a line in the log.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import random
import socket
import struct
from typing import TYPE_CHECKING, Any

import pytest
from listening import within
from websockets.exceptions import ConnectionClosed

from compliance.programs import Installation, Said

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

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
MESSAGE_LIMIT = 2**20


@pytest.fixture(scope="module")
def listener(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Listener]:
    """On every address, as an owner runs it."""
    with Installation(tmp_path_factory.mktemp("awkward")).listener("--port", "0") as listener:
        yield listener
        assert "Traceback" not in listener.log


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


def spelled(how: Callable[[str], str]) -> list[str]:
    """The usual headers all in lower or upper case, but for the key, which is what it is."""
    return [how(line).replace(how(KEY), KEY) for line in USUAL]


SOAP = with_header("Sec-WebSocket-Protocol", "Sec-WebSocket-Protocol: ocpp1.5")

# ----------------------------------------------------------------------------------------------------------- handshakes


@pytest.mark.parametrize(
    ("headers", "chosen"),
    [
        pytest.param(spelled(str.lower), "ocpp1.6", id="lower case"),
        pytest.param(spelled(str.upper), "OCPP1.6", id="upper case, also the subprotocol (H2)"),
        pytest.param(with_header("Connection"), "ocpp1.6", id="no Connection (H4)"),
        pytest.param(with_header("Connection", "Connection: keep-alive, Upgrade"), "ocpp1.6", id="keep-alive, Upgrade"),
        pytest.param(with_header("Upgrade", "Upgrade: WebSocket"), "ocpp1.6", id="WebSocket"),
        pytest.param(with_header("Host"), "ocpp1.6", id="no Host"),
        pytest.param(with_header("Sec-WebSocket-Protocol"), "", id="no subprotocol (H1)"),
        pytest.param(with_header("Sec-WebSocket-Protocol", "Sec-WebSocket-Protocol:"), "", id="an empty one"),
        pytest.param(
            with_header("Sec-WebSocket-Protocol", "Sec-WebSocket-Protocol: ocpp1.5", "Sec-WebSocket-Protocol: ocpp1.6"),
            "ocpp1.6",
            id="a line for each subprotocol",
        ),
        pytest.param((*USUAL, "Sec-WebSocket-Extensions: permessage-deflate"), "ocpp1.6", id="compression offered"),
        pytest.param((*USUAL, *(f"X-{number}: {'x' * 200}" for number in range(100))), "ocpp1.6", id="a hundred more"),
        pytest.param((*USUAL, "Cookie:", "Origin: null", "Content-Length: 0"), "ocpp1.6", id="headers of a browser"),
    ],
)
@within(20)
async def test_handshakes_that_pass(listener: Listener, headers: list[str], chosen: str) -> None:
    async with Wire(listener) as wire:
        wire.request("handshake", *headers)
        status, answered = await wire.response()
        assert (status, answered["sec-websocket-accept"]) == (101, ACCEPT)
        assert "sec-websocket-extensions" not in answered
        assert answered.get("sec-websocket-protocol", "") == chosen
        assert await wire.lives()


@pytest.mark.parametrize(
    ("first", "headers", "status"),
    [
        pytest.param("GET {} HTTP/1.1", with_header("Upgrade"), 426, id="a browser"),
        pytest.param("GET {} HTTP/1.1", with_header("Sec-WebSocket-Key"), 400, id="no key"),
        pytest.param(
            "GET {} HTTP/1.1", with_header("Sec-WebSocket-Protocol", "Sec-WebSocket-Protocol: soap"), 400, id="soap"
        ),
        pytest.param("POST {} HTTP/1.1", USUAL, 405, id="POST"),
    ],
)
@within(20)
async def test_handshakes_that_do_not(listener: Listener, first: str, headers: tuple[str, ...], status: int) -> None:
    async with Wire(listener) as wire:
        wire.request("handshake", *headers, first=first)
        assert (await wire.response())[0] == status
        assert await wire.ended()


@pytest.mark.parametrize(
    ("target", "socket_name"),
    [
        ("Case%20Of%20Spaces", "case of spaces"),
        ("ocpp//16///Slashes//", "slashes"),
        ("ocpp/Query?token=/%2F&a=b", "query"),
        ("%41%2b%7C", "a+|"),
        ("one/%2574wice", None),  # decoded once: %74wice, and % is in no identity
        ("..%2f..%2fetc", None),
        ("stra%C3%9Fe", None),
        ("a%00b", None),
    ],
)
@within(20)
async def test_identities_in_the_target(listener: Listener, target: str, socket_name: str | None) -> None:
    async with Wire(listener) as wire:
        wire.request(target)
        assert (await wire.response())[0] == (101 if socket_name else 404)
        if socket_name:
            assert await wire.lives()
            assert (listener.site.runtime / f"{socket_name}.sock").is_socket()


@within(20)
async def test_a_handshake_that_drips(listener: Listener) -> None:
    async with Wire(listener) as wire:
        request = "\r\n".join(("GET /drip HTTP/1.1", *USUAL, "", "")).encode()
        for byte in request:
            wire.writer.write(bytes([byte]))
            await wire.writer.drain()
        assert (await wire.response())[0] == 101
        for byte in frame(heartbeat("1")):
            wire.writer.write(bytes([byte]))
            await wire.writer.drain()
        assert (await wire.answer())[1] == "1"


@within(20)
async def test_both_kinds_of_address(listener: Listener) -> None:
    async with Wire(listener, "::1") as six, Wire(listener, "127.0.0.1") as four:
        await six.upgraded("six")
        await four.upgraded("four")
        assert await six.lives()
        assert await four.lives()


# --------------------------------------------------------------------------------------------------------------- frames


@within(20)
async def test_odd_frames_that_are_answered(listener: Listener) -> None:
    text = heartbeat("1").encode()
    async with Wire(listener) as wire:
        await wire.upgraded("frames")
        for sent in (
            frame(text, BINARY),
            frame(text[:4], final=False) + frame(b"", 0, final=False) + frame(b"x", PING) + frame(text[4:], 0),
            frame(text + b"\r\n\0"),
            frame(b"\xef\xbb\xbf" + text),
        ):
            wire.writer.write(sent)
            heard = await wire.frame()
            if heard == (PONG, b"x"):  # a ping between the parts of a message
                heard = await wire.frame()
            assert (heard[0], json.loads(heard[1])[:2]) == (TEXT, [3, "1"])


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        pytest.param(b"\x81\x02hi", 1002, id="without a mask"),
        pytest.param(frame("compressed", reserved=4), 1002, id="compressed though it was declined (H15)"),
        pytest.param(frame("x", 3), 1002, id="a reserved opcode"),
        pytest.param(frame("x", 0), 1002, id="the rest of nothing"),
        pytest.param(frame("x" * (MESSAGE_LIMIT + 1)), 1009, id="more than 1 MiB"),
        pytest.param(frame("x" * MESSAGE_LIMIT, final=False) + frame("x", 0), 1009, id="more than 1 MiB in two parts"),
        pytest.param(frame(b"\x03\xe8bye", CLOSE), 1000, id="a goodbye"),
    ],
)
@within(20)
async def test_what_ends_a_connection_ends_no_other(listener: Listener, sent: bytes, code: int) -> None:
    async with Wire(listener) as bad, Wire(listener) as good:
        await bad.upgraded("bad")
        await good.upgraded("good")
        bad.writer.write(sent)
        assert await bad.close_code() == code
        assert await good.lives()
    async with Wire(listener) as again:
        await again.upgraded("bad")
        assert await again.lives()


@within(20)
async def test_a_message_of_just_1_mib(listener: Listener) -> None:
    start, end = '[2,"big","DataTransfer",{"vendorId":"x","data":"', '"}]'
    text = start + "y" * (MESSAGE_LIMIT - len(start) - len(end)) + end
    async with Wire(listener) as wire:
        await wire.upgraded("large")
        wire.writer.write(frame(text))
        assert await wire.answer() == [3, "big", {"status": "UnknownVendorId"}]


@within(20)
async def test_ten_thousand_bad_frames(listener: Listener) -> None:
    """No number of them closes a connection, and none of them is answered (design, promise 4)."""
    async with Wire(listener) as wire:
        await wire.upgraded("noise")
        wire.writer.write(
            b"".join(map(frame, ("", "[", "null", "[5]", "\0", '{"a":1}', "[" * 999, "[2]", "]", "x"))) * 1000
        )
        assert await wire.lives()


@within(20)
async def test_a_thousand_pings(listener: Listener) -> None:
    async with Wire(listener) as wire:
        await wire.upgraded("pinging")
        wire.writer.write(b"".join(frame(str(number), PING) for number in range(1000)))
        assert [await wire.frame() for _ in range(1000)] == [(PONG, str(number).encode()) for number in range(1000)]
        assert await wire.lives()


# ----------------------------------------------------------------------------------------- no WebSocket at all, or half


@within(20)
async def test_garbage_and_half_open_connections(listener: Listener) -> None:
    """They wait for their end while a charger comes and goes."""
    garbage = (b"", b"GET /half HTTP/1.1\r\nHost: x\r\n", b"\x16\x03\x01\x02\x00\x01\x00", b"\0" * 5000, b"\r\n" * 9)
    wires = [await Wire(listener).__aenter__() for _ in garbage]
    for wire, sent in zip(wires, garbage, strict=True):
        wire.writer.write(sent)
        await wire.writer.drain()
    async with Wire(listener) as good:
        await good.upgraded("good")
        assert await good.lives()
        for wire in wires:
            wire.writer.write_eof()
            assert await wire.ended()
            await wire.__aexit__()
        assert await good.lives()
    assert listener.log.count("no_handshake") <= 1


@pytest.mark.parametrize("headers", [USUAL, SOAP, with_header("Upgrade")], ids=["ours", "SOAP", "a browser"])
@pytest.mark.parametrize("identity", ["behind", "a%2Fb"])
@within(20)
async def test_what_comes_behind_the_request_is_no_frame(
    listener: Listener, identity: str, headers: tuple[str, ...]
) -> None:
    """In the same segment, so that it is there before the request has been answered."""
    async with Wire(listener) as wire:
        wire.request(identity, *headers)
        wire.writer.write(b"and no frame at all")
        assert await wire.ended()
    async with Wire(listener) as wire:
        await wire.upgraded("behind")
        assert await wire.lives()
    assert "Traceback" not in listener.log


@within(30)
async def test_bytes_mangled_on_their_way(listener: Listener) -> None:
    """Requests and frames with bytes changed, lost, put in and repeated; always the same ones."""
    chance = random.Random(16)
    async with Wire(listener) as good:
        await good.upgraded("unmangled")
        for _ in range(300):
            request = "\r\n".join(("GET /mangled HTTP/1.1", *USUAL, "", "")).encode()
            opcodes = chance.choices((TEXT, TEXT, BINARY, 0, CLOSE, PING, PONG), k=4)
            frames = b"".join(frame(heartbeat("1"), opcode, final=chance.random() < 0.8) for opcode in opcodes)
            async with Wire(listener) as wire:
                wire.writer.write(request if chance.random() < 0.6 else mangled(request, chance))
                if chance.random() < 0.5:
                    await wire.writer.drain()
                wire.writer.write(mangled(frames, chance))
                if chance.random() < 0.5:
                    wire.reset()
        assert await good.lives()
    assert "Traceback" not in listener.log


def mangled(data: bytes, chance: random.Random) -> bytes:
    for _ in range(chance.randrange(1, 4)):
        at, length = chance.randrange(len(data)), chance.randrange(1, 20)
        instead = chance.choice((b"", data[at : at + length] * 2, chance.randbytes(length)))
        data = data[:at] + instead + data[at + length :]
    return data


@within(20)
async def test_connections_that_vanish(listener: Listener) -> None:
    """In the handshake, after it, and with a frame half sent; each identity is free for who comes next."""
    for said in (b"GET /gone HTTP/1.1\r\n", None, frame(heartbeat("1"))[:9]):
        async with Wire(listener) as wire:
            if said is None or said.startswith(b"\x81"):
                await wire.upgraded("gone")
            wire.writer.write(said or b"")
            await wire.writer.drain()
            wire.reset()
        async with Wire(listener) as again:
            await again.upgraded("gone")
            assert await again.lives()


# --------------------------------------------------------------------------------------- two connections of one charger


@within(30)
async def test_the_newest_connection_wins(listener: Listener) -> None:
    """What was on its way to the older one is lost, and its late end, and what it still says, harm nobody."""
    async with Wire(listener) as older, Wire(listener) as newer:
        await older.upgraded("Twice")
        lost = asyncio.create_task(listener.site.command("twice", "ClearCache"))
        _, message_id, action, _ = await older.answer()
        assert action == "ClearCache"
        await newer.upgraded("TWICE")
        assert await older.close_code() == 1000
        said = await lost
        assert (said.code, said.out) == (69, ""), said
        older.writer.write(frame(json.dumps([3, message_id, {"status": "Accepted"}])) + frame(heartbeat("late")))
        older.writer.write(frame(b"\x03\xe8", CLOSE))
        assert await older.ended()
        commanded = asyncio.create_task(listener.site.command("twice", "ClearCache"))
        _, message_id, _, _ = await newer.answer()
        newer.writer.write(frame(json.dumps([3, message_id, {"status": "Accepted"}])))
        assert await commanded == Said(0, '{"status":"Accepted"}\n', "")


@within(20)
async def test_a_charger_that_never_answers_pings(tmp_path: Any) -> None:
    """Pings are sent every second here, and it is silent for longer than anybody who used to answer may be."""
    site = Installation(tmp_path, '[chargers]\nadmit = "any"\n[listener]\nping_interval_s = 1')
    with site.listener() as listener:
        async with Wire(listener) as wire:
            await wire.upgraded("deaf")
            assert [await wire.frame() for _ in range(4)] == [(PING, b"")] * 4
            assert await wire.lives()


@within(20)
async def test_one_that_does_not_read_is_dropped_and_nobody_else_waits(listener: Listener) -> None:
    """Ten thousand answers that nobody takes: more than is kept for one connection."""
    slow = socket.create_connection(("127.0.0.1", listener.ports["ws"]))
    slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    slow.setblocking(False)
    loop = asyncio.get_running_loop()
    with slow:
        await loop.sock_sendall(slow, "\r\n".join(("GET /slow HTTP/1.1", *USUAL, "", "")).encode())
        flooding = asyncio.create_task(loop.sock_sendall(slow, frame(heartbeat("x" * 60)) * 100_000))
        async with listener.plain("good") as good:
            while not flooding.done():
                assert "currentTime" in await good.ask("Heartbeat", {})
        with pytest.raises((ConnectionError, ConnectionClosed)):
            await flooding
