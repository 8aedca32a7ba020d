"""Connections nobody has let in: bounded in number, time and size, and no way to keep a charger out."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from listening import Site, basic, charger, raw_request, status_of, within

from tinyocpp.hosts import websocket as websocket_module
from tinyocpp.hosts.hallway import GUESTS, PATIENCE_S, Hallway
from tinyocpp.passwords import hash_password

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tinyocpp.hosts.websocket import Listener

ANY = '[chargers]\nadmit = "any"'
PARTIAL = b"GET /garage HTTP/1.1\r\nHost: x\r\nUpgrade: web"


class Visitor:
    def __init__(self, name: str) -> None:
        self.name = name
        self.is_admitted = False
        self.told = ""

    def admitted(self) -> bool:
        return self.is_admitted

    def dismiss(self, why: str) -> None:
        self.told = why


def visitors(hallway: Hallway, *addresses: str) -> list[Visitor]:
    """One after the other, a second between them."""
    found = [Visitor(f"{number} from {address}") for number, address in enumerate(addresses)]
    for second, (visitor, address) in enumerate(zip(found, addresses, strict=True)):
        hallway.enter(visitor, address, second)
    return found


@pytest.mark.parametrize(
    ("addresses", "dismissed"),
    [
        pytest.param("a a a a", [0], id="its own oldest"),
        pytest.param("b a a a a", [1, 2], id="not the charger's, though that is older"),
        pytest.param("a a b b b", [0, 2], id="of the address that has the most, again and again"),
        pytest.param("a b c d", [0], id="from everywhere: the oldest of all"),
        pytest.param("2001:db8::1 b 2001:db8::2 b 2001:db8::3", [0, 2], id="an IPv6 household is one address"),
    ],
)
def test_who_goes_when_there_are_too_many(addresses: str, dismissed: list[int]) -> None:
    hallway = Hallway(most=3)
    found = visitors(hallway, *addresses.split())
    assert {number for number, one in enumerate(found) if one.told} == set(dismissed)
    assert len(hallway) == 3


def test_who_was_let_in_or_is_gone_counts_no_more() -> None:
    hallway = Hallway(most=3)
    first, second, third = visitors(hallway, "a", "a", "a")
    hallway.leave(first)
    hallway.leave(first)
    second.is_admitted = True
    visitors(hallway, "a", "a", "a")
    assert [one.told for one in (first, second)] == ["", ""]
    assert third.told == "too many wait to be let in"
    assert len(hallway) == 3


def test_entering_twice_is_entering_once() -> None:
    hallway = Hallway(most=1)
    (one,) = visitors(hallway, "a")
    hallway.enter(one, "a", 5)
    assert (len(hallway), one.told) == (1, "")


def test_nobody_waits_for_ever() -> None:
    hallway = Hallway()
    first, second, third = visitors(hallway, "a", "b", "c")
    second.is_admitted = True
    hallway.tidy(PATIENCE_S + 1.5)
    assert [bool(one.told) for one in (first, second, third)] == [True, False, False]
    assert len(hallway) == 1


@asynccontextmanager
async def crowd(listener: Listener, number: int, said: bytes = b"", scheme: str = "ws") -> AsyncIterator[list[Any]]:
    """So many connections from this machine that say this much and no more."""
    lines = []
    try:
        for _ in range(number):
            line = socket.socket()
            line.setblocking(False)
            lines.append(line)
            await listener.loop.sock_connect(line, ("127.0.0.1", listener.ports[scheme]))
            if said:
                with contextlib.suppress(ConnectionError):  # it was dismissed already
                    await listener.loop.sock_sendall(line, said)
        yield lines
    finally:
        for line in lines:
            line.close()


@pytest.mark.parametrize("said", [b"", PARTIAL], ids=["silent", "slow"])
@within(30)
async def test_a_crowd_keeps_no_charger_out(tmp_path: Path, capsys: Any, said: bytes) -> None:
    site = Site(tmp_path, ANY)
    async with site.listening() as listener, charger(listener) as garage, crowd(listener, 500, said):
        for _ in range(3):
            async with asyncio.timeout(2), charger(listener, "carport") as carport:
                assert (await carport.boot())["status"] == "Accepted"
        assert (await garage.boot())["status"] == "Accepted", "and nobody who is in goes for it"
        assert len(listener.hallway) <= GUESTS
    lines = [line for line in capsys.readouterr().err.splitlines() if "no_handshake" in line]
    assert len(lines) == 1, "one line a minute for each address"


@within(30)
async def test_a_crowd_that_goes_on_coming_keeps_no_charger_out(tmp_path: Path) -> None:
    """As fast as one process can connect, while the charger does."""
    async with Site(tmp_path, ANY).listening() as listener:
        lines: list[socket.socket] = []

        async def flood() -> None:
            while len(lines) < 3 * GUESTS:
                lines.append(socket.socket())
                lines[-1].setblocking(False)
                await listener.loop.sock_connect(lines[-1], ("127.0.0.1", listener.ports["ws"]))

        flooding = asyncio.create_task(flood())
        while not flooding.done():
            async with asyncio.timeout(2), charger(listener) as garage:
                assert (await garage.boot())["status"] == "Accepted"
        await flooding
        for line in lines:
            line.close()


@within(30)
async def test_a_crowd_at_tls_keeps_no_charger_out(site_with_tls: Site, capsys: Any) -> None:
    async with site_with_tls.listening() as listener, crowd(listener, 500, scheme="wss"):
        for scheme in ("ws", "wss"):
            options = {"ssl": trusting_anybody()} if scheme == "wss" else {}
            async with asyncio.timeout(5), charger(listener, **options) as garage:
                assert (await garage.boot())["status"] == "Accepted"
        assert len(listener.hallway) <= GUESTS
    assert capsys.readouterr().err.count("event=no_handshake") == 1


@within(30)
async def test_guessers_behind_the_same_address_keep_no_charger_out(tmp_path: Path) -> None:
    """A proven charger comes in at its first try, as often as it comes, while everybody else at its address guesses."""
    async with Site(tmp_path, ANY).listening() as listener:
        listener.store.begin()
        listener.store.register.set_password("garage", hash_password("correct horse"))
        listener.store.commit()
        right = basic("garage", b"correct horse")
        async with charger(listener, additional_headers=right):
            pass
        answers: list[int] = []

        async def guess() -> None:
            for number in range(100):
                answers.append(await status_of(listener, "/garage", basic("garage", b"%d" % number)))

        guessing = asyncio.gather(*(guess() for _ in range(8)))
        tries = 0
        while not guessing.done():
            async with charger(listener, additional_headers=right) as garage:
                tries += "currentTime" in await garage.ask("Heartbeat", {})
        await guessing
        assert answers == [401] * 800
        assert tries > 5


@pytest.mark.parametrize("scheme", ["ws", "wss"])
@within(30)
async def test_a_handshake_has_an_end(site_with_tls: Site, scheme: str, monkeypatch: Any) -> None:
    monkeypatch.setattr(websocket_module, "OPEN_TIMEOUT_S", 0.2)
    async with site_with_tls.listening() as listener, crowd(listener, 3, scheme=scheme) as lines:
        for line in lines:
            assert await listener.loop.sock_recv(line, 1) == b""
        assert len(listener.hallway) == 0


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param(
            b"GET /garage HTTP/1.1\r\n" + b"".join(b"X-%d: %s\r\n" % (n, b"x" * 4000) for n in range(9)), id="many"
        ),
        pytest.param(b"GET /" + b"x" * 20000 + b" HTTP/1.1\r\n\r\n", id="one line"),
    ],
)
@within(10)
async def test_a_request_has_a_size(tmp_path: Path, capsys: Any, request_: bytes) -> None:
    async with Site(tmp_path, ANY).listening() as listener:
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.ports["ws"])
        writer.write(request_)
        with contextlib.suppress(ConnectionError):
            assert (await reader.readline()).split()[1] in (b"431", b"400", b"414")
            await reader.read()
        writer.close()
        while listener.hallway:
            await asyncio.sleep(0)
    assert "event=no_handshake" in capsys.readouterr().err


@within(10)
async def test_the_headers_a_proxy_adds_are_few_enough(tmp_path: Path) -> None:
    async with Site(tmp_path, ANY).listening() as listener:
        status, _, _, writer = await raw_request(listener, "/garage", {f"X-{n}": "x" * 200 for n in range(50)})
        assert status == 101
        writer.close()


@within(20)
async def test_those_who_might_be_the_first_are_guests_until_one_is(tmp_path: Path) -> None:
    """With admit = "first" anybody is let in to boot; until it has, it is one of the crowd."""
    async with Site(tmp_path).listening() as listener:
        listener.hallway = Hallway(most=5)
        opened = [await raw_request(listener, f"/stranger{number}") for number in range(20)]
        assert len(listener.hallway) == 5
        async with charger(listener, "garage") as garage:
            assert (await garage.boot())["status"] == "Accepted"
            listener.hallway.tidy(listener.loop.time() + PATIENCE_S + 1)
            assert (await garage.boot())["status"] == "Accepted", "the first is no guest any more"
        for _, _, _, writer in opened:
            writer.close()


def trusting_anybody() -> Any:
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


@pytest.fixture
def site_with_tls(tmp_path: Path) -> Site:
    import subprocess

    command = ["openssl", "req", "-x509", "-nodes", "-days", "2", "-subj", "/CN=csms.test", "-newkey", "ec"]
    files = ["-pkeyopt", "ec_paramgen_curve:prime256v1", "-keyout", f"{tmp_path}/ec.key", "-out", f"{tmp_path}/ec.pem"]
    subprocess.run([*command, *files], check=True, capture_output=True, timeout=60)
    return Site(tmp_path, f'{ANY}\n[listener.tls]\ncertificate = ["ec.pem"]\nkey = ["ec.key"]\n')
