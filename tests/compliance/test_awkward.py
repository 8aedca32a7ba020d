"""Clients that do WebSocket badly, by hand: bytes on a TCP connection, with nothing in between.

What the listener's engine does with each is tried beside it (tests/hosts); here the whole program has the defaults an
owner has, and what one client does must not be felt by another, nor leave more than a line in the log.
"""

from __future__ import annotations

import asyncio
import json
import random
import socket
from typing import TYPE_CHECKING, Any

import pytest
from listening import within
from websockets.exceptions import ConnectionClosed

from compliance.programs import Installation, Said
from compliance.wire import ACCEPT, BINARY, CLOSE, KEY, PING, PONG, TEXT, USUAL, Wire, frame, heartbeat, with_header

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from compliance.programs import Listener

MESSAGE_LIMIT = 2**20


@pytest.fixture(scope="module")
def listener(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Listener]:
    """On every address, as an owner runs it."""
    with Installation(tmp_path_factory.mktemp("awkward")).listener("--port", "0") as listener:
        yield listener
        assert "Traceback" not in listener.log


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
        pytest.param((*USUAL, *(f"X-{number}: {'x' * 200}" for number in range(50))), "ocpp1.6", id="fifty more"),
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
