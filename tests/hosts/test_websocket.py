"""The listener's built-in engine, tried with the library's own client and with bytes of our own."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import resource
import socket
import sqlite3
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from listening import BOOT, Charger, Site, basic, charger, masked_frame, raw_request, status_of, within
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tinyocpp.cli.portholder import Holder, holder
from tinyocpp.errors import CallRefused, ConfigError, Unavailable
from tinyocpp.hosts.link import Link
from tinyocpp.passwords import hash_password

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tinyocpp.hosts.websocket import Listener

ANY = '[chargers]\nadmit = "any"'


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path, ANY)


def heartbeat(message_id: str) -> str:
    return json.dumps([2, message_id, "Heartbeat", {}])


# ------------------------------------------------------------------------------------------------ URL and subprotocol


@pytest.mark.parametrize(
    ("target", "identity"),
    [
        ("/garage", "garage"),
        ("/ocpp/1.6/Garage", "garage"),
        ("/garage/", "garage"),
        ("//a//garage//", "garage"),
        ("/ocpp/garage?token=/x#y", "garage"),
        ("/RDAM%20123", "rdam 123"),
        ("/martin.1", "martin.1"),
        ("/ws://192.0.2.1:9000/CP_1/SERIAL_1234", "serial_1234"),
        ("http://192.0.2.1:9016/CP_1", "cp_1"),
        ("/a|b*c%3D%23@-", "a|b*c=#@-"),
    ],
)
@within(10)
async def test_the_last_segment_is_the_identity(site: Site, target: str, identity: str) -> None:
    async with site.listening() as listener:
        status, _, _, writer = await raw_request(listener, target)
        assert (status, list(listener.links)) == (101, [identity])
        writer.close()


@pytest.mark.parametrize(
    "target",
    [
        *("/", "", "/..", "/%2e%2e", "/..%2F..%2Fx", "/a%2Fb", "/%00", "/.hidden", "/%ff", "/%25", "/a%0Ab"),
        *("/" + "x" * 49, "/" + "x" * 300, "/%F0%9F%94%8C", "/?garage", "/a%22b", "/a\\b", "/a<b>"),
    ],
)
@within(10)
async def test_what_is_no_identity_touches_nothing(site: Site, target: str) -> None:
    async with site.listening() as listener:
        assert await status_of(listener, target or "/") == 404
        assert listener.links == {}
        assert not list(site.runtime.glob("*.sock"))
        assert listener.store.register.everyone() == []


@pytest.mark.parametrize(
    ("offered", "status", "chosen"),
    [
        ("ocpp1.6", 101, "ocpp1.6"),
        ("OCPP1.6", 101, "OCPP1.6"),
        ("ocpp2.0.1, ocpp1.6", 101, "ocpp1.6"),
        ("ocpp0.1,ocpp1.6", 101, "ocpp1.6"),
        ("ocpp1.6,ocpp1.5", 101, "ocpp1.6"),
        (None, 101, None),
        ("", 101, None),
        ("ocpp2.0.1", 400, None),
        ("ocpp1.6J", 400, None),
    ],
)
@within(10)
async def test_subprotocols(site: Site, offered: str | None, status: int, chosen: str | None) -> None:
    async with site.listening() as listener:
        answered, headers, _, writer = await raw_request(listener, "/garage", {"Sec-WebSocket-Protocol": offered})
        assert (answered, headers.get("Sec-WebSocket-Protocol")) == (status, chosen)
        writer.close()


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({"Connection": None}, 101, id="Autel leaves Connection out (H4)"),
        pytest.param({"Origin": "file:///android_asset"}, 101, id="any Origin will do (H5)"),
        pytest.param({"Upgrade": None}, 426, id="a browser"),
        pytest.param({"Sec-WebSocket-Key": "short"}, 400, id="a bad key"),
        pytest.param({"Sec-WebSocket-Version": "8"}, 400, id="an old WebSocket"),
    ],
)
@within(10)
async def test_handshakes(site: Site, headers: dict[str, str | None], status: int) -> None:
    async with site.listening() as listener:
        assert await status_of(listener, "/garage", headers) == status


@within(10)
async def test_a_request_that_is_no_handshake_takes_nobodys_place(site: Site) -> None:
    async with site.listening() as listener, charger(listener) as garage:
        assert await status_of(listener, "/garage", {"Sec-WebSocket-Key": "short"}) == 400
        assert "currentTime" in await garage.ask("Heartbeat", {})


@within(10)
async def test_our_own_doctor_is_answered_and_not_logged(site: Site, capsys: Any) -> None:
    async with site.listening() as listener:
        port = listener.ports["ws"]
        assert await asyncio.to_thread(holder, "127.0.0.1", port) is Holder.US
        assert await status_of(listener, "/garage", {"Upgrade": None, "Connection": None}) == 426
    lines = [line for line in capsys.readouterr().err.splitlines() if "no_handshake" in line]
    assert len(lines) == 1, "only of the other one"
    assert "more=0" in lines[0]


@within(10)
async def test_compression_is_declined(site: Site) -> None:
    async with site.listening() as listener, charger(listener, compression="deflate") as garage:
        assert garage.socket.response is not None
        assert "Sec-WebSocket-Extensions" not in garage.socket.response.headers


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]"])
@within(10)
async def test_both_kinds_of_address(site: Site, host: str) -> None:
    async with site.listening() as listener, charger(listener, host=host) as garage:
        assert await garage.boot()
        found = listener.store.register.find("garage")
        assert found is not None
        assert found.connected_at is not None


# ------------------------------------------------------------------------------------------------------------- frames


@within(10)
async def test_binary_fragmented_and_broken_text_is_answered(site: Site) -> None:
    async with site.listening() as listener:
        _, _, reader, writer = await raw_request(listener, "/garage")
        frame = heartbeat("1").encode()
        writer.write(masked_frame(frame, opcode=2))
        writer.write(masked_frame(frame[:5], final=False) + masked_frame(b"", 0, final=False))
        writer.write(masked_frame(frame[5:], 0))
        writer.write(masked_frame(b'[2,"\xff","Heartbeat",{}]'))
        for expected in (b'[3,"1",', b'[3,"1",', '[3,"\ufffd",'.encode()):
            head = await reader.readexactly(2)
            assert (await reader.readexactly(head[1])).startswith(expected)
        writer.close()


@within(20)
async def test_a_flood_is_answered_in_order(site: Site) -> None:
    async with site.listening() as listener, charger(listener) as garage:
        for number in range(3000):
            await garage.socket.send(heartbeat(str(number)))
        assert [json.loads(await garage.socket.recv())[1] for _ in range(3000)] == [str(n) for n in range(3000)]


@within(10)
async def test_only_a_message_above_the_limit_closes_the_connection(site: Site) -> None:
    config = site.config(max_message_bytes=2000)
    async with site.listening(config) as listener, charger(listener) as garage:
        for nonsense in ("", "[", "x" * 1900, "[" * 1900, "[5]", '{"a":1}', "[2,1]", "null"):
            await garage.socket.send(nonsense)
        assert "currentTime" in await garage.ask("Heartbeat", {})
        await garage.socket.send("x" * 2001)
        assert await garage.closed() == 1009


@within(10)
async def test_frames_sent_before_the_handshake_is_over_are_nobodys(site: Site) -> None:
    async with site.listening() as listener:
        early = masked_frame(heartbeat("early"))
        status, _, reader, writer = await raw_request(listener, "/garage", rest=early)
        writer.write(masked_frame(heartbeat("1")))
        head = await reader.readexactly(2)
        assert (status, (await reader.readexactly(head[1]))[:7]) == (101, b'[3,"1",')
        writer.close()


# ---------------------------------------------------------------------------------------------------------- who is in


@within(10)
async def test_the_first_that_boots_is_adopted_and_the_second_refused(tmp_path: Path, capsys: Any) -> None:
    site = Site(tmp_path)
    async with site.listening() as listener:
        async with charger(listener, "garage") as first:
            assert (await first.ask("Heartbeat", {}))[2] == "SecurityError"
            assert (await first.boot())["status"] == "Accepted"
            with pytest.raises(InvalidStatus) as refused:
                async with charger(listener, "carport"):
                    pass
            assert refused.value.response.status_code == 404
            assert b"tinyocpp charger admit carport" in refused.value.response.body
            assert "currentTime" in await first.ask("Heartbeat", {})
        known = listener.store.register.find("carport")
        assert known is not None
        assert (known.admitted_at, known.refused_from, known.refusals) == (None, "127.0.0.1", 1)
        assert "tinyocpp charger admit carport" in capsys.readouterr().err
        store = listener.store
        store.begin()
        store.register.admit("carport", listener.clock.now())
        store.commit()
        async with charger(listener, "Carport") as second:
            assert (await second.boot())["status"] == "Accepted"


@within(10)
async def test_the_simulator_gets_in_over_loopback_and_is_never_the_first(tmp_path: Path) -> None:
    async with Site(tmp_path).listening() as listener:
        async with charger(listener, "simulator") as simulator:
            assert (await simulator.boot())["status"] == "Accepted"
        assert not listener.store.register.anyone_admitted()
        for said in ("X-Forwarded-For", "X-Real-IP", "Forwarded", "Via"):
            assert await status_of(listener, "/simulator", {said: "203.0.113.9"}) == 404


def set_password(listener: Listener, identity: str, password: str) -> None:
    store = listener.store
    store.begin()
    store.register.admit(identity, listener.clock.now())
    store.register.set_password(identity, hash_password(password))
    store.commit()


KEY = bytes.fromhex("00112233445566778899aabbccddeeff01020304")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param(basic("garage", KEY), 101, id="the bytes"),
        pytest.param(basic("GARAGE", KEY.hex().upper().encode()), 101, id="hex, and the name in capitals"),
        pytest.param(basic("", KEY), 101, id="no user name"),
        pytest.param(basic("carport", KEY), 401, id="another's name"),
        pytest.param(basic("garage", KEY[:-1]), 401, id="wrong"),
        pytest.param({"Authorization": "Basic !"}, 401, id="nonsense"),
        pytest.param({}, 401, id="none"),
    ],
)
@within(10)
async def test_passwords(site: Site, headers: dict[str, str | None], status: int) -> None:
    async with site.listening() as listener:
        set_password(listener, "garage", KEY.hex())
        answered, given, _, writer = await raw_request(listener, "/garage", headers)
        assert (answered, "WWW-Authenticate" in given) == (status, status == 401)
        writer.close()


@within(10)
async def test_a_wrong_password_ends_nobodys_connection(site: Site) -> None:
    async with site.listening() as listener:
        set_password(listener, "garage", KEY.hex())
        async with charger(listener, additional_headers=basic("garage", KEY)) as garage:
            assert await status_of(listener, "/garage", basic("garage", b"wrong")) == 401
            assert "currentTime" in await garage.ask("Heartbeat", {})


@within(10)
async def test_a_profile_that_wants_tls_or_a_password_is_enforced(tmp_path: Path) -> None:
    site = Site(tmp_path, f"{ANY}\n[charger.garage]\nsecurity_profile = 1")
    async with site.listening() as listener:
        assert await status_of(listener, "/garage") == 401
        set_password(listener, "garage", "correct horse")
        assert await status_of(listener, "/garage", basic("garage", b"correct horse")) == 101


# ------------------------------------------------------------------------------------------------ one for one charger


@within(10)
async def test_the_newest_connection_wins(site: Site) -> None:
    async with site.listening() as listener, charger(listener) as older:
        await older.boot()
        with site.command_client("garage") as client:
            pending = asyncio.create_task(asyncio.to_thread(client.call, "ClearCache", b"{}", timeout_s=5))
            await older.next_call()
            async with charger(listener, "Garage") as newer:
                assert await older.closed() == 1000
                with pytest.raises(Unavailable):
                    await pending
                assert "currentTime" in await newer.ask("Heartbeat", {})
                assert len(listener.links) == 1
                assert (site.runtime / "garage.sock").exists()
                known = listener.store.register.find("garage")
                assert known is not None
                assert known.disconnected_at is None


@within(10)
async def test_an_older_connection_that_does_not_close_does_not_disturb(site: Site) -> None:
    """It keeps its end open, and sends: none of it counts any more."""
    async with site.listening() as listener:
        _, _, reader, writer = await raw_request(listener, "/garage")
        async with charger(listener) as newer:
            writer.write(masked_frame(heartbeat("1")))
            rest = await reader.read()
            assert rest == b"\x88\x02\x03\xe8"
            assert "currentTime" in await newer.ask("Heartbeat", {})
            writer.close()


# --------------------------------------------------------------------------------------------------------- still alive


async def read_pings(reader: asyncio.StreamReader, number: int) -> None:
    for _ in range(number):
        assert await reader.readexactly(2) == b"\x89\x00"


@within(10)
async def test_a_charger_that_never_answers_pings_lives(site: Site) -> None:
    async with site.listening(site.config(ping_interval_s=0.02)) as listener:
        _, _, reader, writer = await raw_request(listener, "/garage")
        await read_pings(reader, 20)
        assert list(listener.links) == ["garage"]
        writer.close()


@within(10)
async def test_one_that_answered_and_fell_silent_is_given_up(site: Site, capsys: Any) -> None:
    async with site.listening(site.config(ping_interval_s=0.02)) as listener:
        _, _, reader, writer = await raw_request(listener, "/garage")
        writer.write(masked_frame(b"", opcode=10))
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await read_pings(reader, 100)
        await listener.rounds.finish()
        assert listener.links == {}
        assert "event=silent" in capsys.readouterr().err
        writer.close()


# ----------------------------------------------------------------------------------------------------- the disk, others


@within(20)
async def test_another_writer_only_delays_the_answer(site: Site) -> None:
    async with site.listening() as listener, charger(listener) as garage:
        other = sqlite3.connect(site.folder / "accounting.sqlite3", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        asked = asyncio.create_task(garage.boot())
        await asyncio.wait([asked], timeout=0.3)
        assert not asked.done()
        assert await status_of_soon(listener, other)
        assert (await asked)["status"] == "Accepted"


async def status_of_soon(listener: Listener, other: sqlite3.Connection) -> bool:
    """The event loop goes on while the ledger is locked: a new connection is accepted, and answered after."""
    asked = asyncio.create_task(status_of(listener, "/carport"))
    await asyncio.wait([asked], timeout=0.1)
    other.execute("ROLLBACK")
    other.close()
    return await asked == 101


@within(20)
async def test_a_full_disk_acknowledges_nothing_and_recovers(site: Site, capsys: Any) -> None:
    async with site.listening() as listener:
        async with charger(listener) as garage:
            await garage.boot()
            connection = listener.store._db.connection  # type: ignore[attr-defined]
            (pages,) = connection.execute("PRAGMA page_count").fetchone()
            connection.execute(f"PRAGMA max_page_count = {pages}")
            await garage.socket.send(json.dumps([2, "1", "DataTransfer", {"vendorId": "x", "data": "y" * 50000}]))
            with pytest.raises(ConnectionClosed):
                await garage.socket.recv()
            assert garage.socket.close_code == 1011
        assert "full" in capsys.readouterr().err
        connection.execute("PRAGMA max_page_count = 1000000")
        async with charger(listener) as garage:
            assert await garage.ask("DataTransfer", {"vendorId": "x", "data": "y" * 5000})


@within(20)
async def test_a_ledger_that_is_gone_turns_chargers_away_until_it_is_back(site: Site, capsys: Any) -> None:
    async with site.listening() as listener, charger(listener) as garage:
        await garage.boot()
        database = listener.store._db  # type: ignore[attr-defined]
        whole, read_only = database.connection, sqlite3.connect(f"file:{database.path}?mode=ro", uri=True)
        database.connection = read_only
        assert "currentTime" in await garage.ask("Heartbeat", {})  # nothing to store
        await garage.socket.send(json.dumps([2, "1", "DataTransfer", {"vendorId": "x"}]))
        assert await garage.closed() == 1011
        assert await status_of(listener, "/garage") == 503
        assert capsys.readouterr().err.count("event=not_stored") == 1
        database.connection = whole
        read_only.close()
        async with charger(listener) as again:
            assert "currentTime" in await again.ask("Heartbeat", {})


@within(10)
async def test_a_round_that_goes_wrong_is_lost_and_no_more(site: Site, capsys: Any, monkeypatch: Any) -> None:
    async with site.listening() as listener:
        async with charger(listener) as garage:
            with monkeypatch.context() as broken:
                broken.setattr(listener.tags, "reload_if_changed", fail_anyhow)
                await garage.socket.send(heartbeat("1"))
                assert await garage.closed() == 1011
        async with charger(listener) as garage:
            assert "currentTime" in await garage.ask("Heartbeat", {})
        assert "Bug" in capsys.readouterr().err


def fail_anyhow() -> None:
    raise Bug


class Bug(Exception):
    """Ours."""


@within(10)
async def test_our_own_fault_costs_one_connection(site: Site, capsys: Any, monkeypatch: Any) -> None:
    """Broken on purpose: nothing a charger sends is known to."""

    def faulty(self: Link, text: str) -> None:
        if "boom" in text:
            monkeypatch.setattr(self.session, "receive_text", fail)

    def fail(text: str, now: float) -> None:
        raise Bug(text)

    monkeypatch.setattr(Link, "heard", faulty)
    async with site.listening() as listener, charger(listener) as garage, charger(listener, "carport") as carport:
        asked = asyncio.create_task(carport.ask("Heartbeat", {}))
        await garage.socket.send('["boom"]')
        assert "currentTime" in await asked
        assert await garage.closed() == 1011
        assert "currentTime" in await carport.ask("Heartbeat", {})
        assert "Bug" in capsys.readouterr().err


@within(10)
async def test_garbage_on_the_port_costs_one_line(site: Site, capsys: Any) -> None:
    async with site.listening() as listener:
        for garbage in (b"\x16\x03\x01\x02\x00", b"GET\r\n\r\n", os.urandom(2000), b"SSH-2.0-x\r\n", b"", b"\r\n" * 50):
            reader, writer = await asyncio.open_connection("127.0.0.1", listener.ports["ws"])
            writer.write(garbage)
            writer.write_eof()
            await reader.read()
            writer.close()
        async with charger(listener) as garage:
            assert await garage.boot()
        lines = [line for line in capsys.readouterr().err.splitlines() if "no_handshake" in line]
        assert len(lines) == 1


# ----------------------------------------------------------------------------------------------------- starting, ending


@asynccontextmanager
async def somebody_for_whom_there_is_no_descriptor(listener: Listener) -> AsyncIterator[socket.socket]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    async with charger(listener) as served:
        with socket.socket() as waiting:
            waiting.setblocking(False)
            resource.setrlimit(resource.RLIMIT_NOFILE, (waiting.fileno() + 1, hard))
            try:
                await listener.loop.sock_connect(waiting, ("127.0.0.1", listener.ports["ws"]))
                for _ in range(3):
                    await served.boot()
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            yield waiting


@within(10)
async def test_no_descriptor_for_another_connection_costs_one_line(site: Site, capsys: Any, caplog: Any) -> None:
    """asyncio has a traceback for each of a hundred attempts a second."""
    async with site.listening() as listener, somebody_for_whom_there_is_no_descriptor(listener) as waiting:
        await listener.loop.sock_sendall(waiting, b"GET / HTTP/1.1\r\n\r\n")
        assert (await listener.loop.sock_recv(waiting, 100)).startswith(b"HTTP/1.1 ")
    assert capsys.readouterr().err.count("event=no_descriptors") == 1
    assert caplog.records == []


@within(10)
async def test_an_end_without_descriptors_is_as_quiet_as_any(site: Site, caplog: Any) -> None:
    """asyncio's next attempts are due a second later, each on a socket that is closed by then."""
    async with site.listening() as listener, somebody_for_whom_there_is_no_descriptor(listener):
        pass
    await asyncio.sleep(asyncio.constants.ACCEPT_RETRY_DELAY + 0.2)
    assert caplog.records == []


@within(10)
async def test_a_port_in_use_and_a_foreign_address_are_said_in_one_line(site: Site) -> None:
    async with site.listening() as listener:
        with pytest.raises(Unavailable, match=f"port {listener.ports['ws']} is in use"):
            async with site.listening(port=listener.ports["ws"]):
                pass
    with pytest.raises(ConfigError, match="no address of this machine"):
        async with site.listening(host="192.0.2.77"):
            pass
    with pytest.raises(ConfigError, match="no address of this machine"):
        async with site.listening(host="nobody.invalid"):
            pass


@within(10)
async def test_stopping_says_goodbye_and_keeps_what_was_acknowledged(site: Site) -> None:
    async with site.listening() as listener:
        connected = charger(listener)
        garage: Charger = await connected.__aenter__()
        await garage.boot()
    assert await garage.closed() == 1001
    assert not list(site.runtime.glob("*.sock"))
    async with site.listening() as listener:
        known = listener.store.register.find("garage")
        assert known is not None
        assert (known.vendor, known.disconnected_at is not None) == (BOOT["chargePointVendor"], True)


@within(20)
async def test_a_password_that_the_charger_says_back_is_kept_nowhere(site: Site) -> None:
    """Some name the value they did not like."""
    key = "00112233445566778899AABBCCDDEEFF01020304"
    site.write('[chargers]\nadmit = "any"\n[log]\nwire = "wire.jsonl"\n')
    async with site.listening() as listener, charger(listener) as garage:
        await garage.boot()
        payload = json.dumps({"key": "AuthorizationKey", "value": key}).encode()

        def bring() -> bytes:
            with site.command_client("garage") as client, contextlib.suppress(CallRefused):
                return client.call("ChangeConfiguration", payload, timeout_s=10)
            return b""

        brought = asyncio.ensure_future(asyncio.to_thread(bring))
        message_id = (await garage.next_call())[0]
        said = f"{key.lower()} is too long"
        await garage.socket.send(json.dumps([4, message_id, "PropertyConstraintViolation", said, {}]))
        await brought
        await garage.socket.send(f'[3,"{message_id}",{{"status":"{key}"')
        await garage.ask("Heartbeat", {})
    kept = b"".join(file.read_bytes() for file in site.folder.iterdir() if file.is_file()).lower()
    assert b"*** is too long" in kept
    assert key.lower().encode() not in kept
