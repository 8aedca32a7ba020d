"""The command socket from both ends: a real charger behind a real listener, real Unix sockets, our client and plain
ones. docs/command-socket.md is the contract."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import stat
from typing import TYPE_CHECKING, Any

import pytest
from listening import ACCEPTED, Site, charger, within

from tinyocpp.companions.commandclient import connected_chargers
from tinyocpp.errors import CallRefused, ConfigError, Malformed, NoAnswer, OperatorError, Unavailable
from tinyocpp.hosts.runtimedir import prepare_runtime

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

ANY = '[chargers]\nadmit = "any"'


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path, ANY)


class Line:
    """A plain program on the socket: what it writes and reads is text."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def to(cls, path: Path) -> Line:
        return cls(*await asyncio.open_unix_connection(path))

    def say(self, *requests: object) -> None:
        for request in requests:
            text = request if isinstance(request, str) else json.dumps(request)
            self.writer.write(text.encode("latin-1") + b"\n")

    async def hear(self) -> Any:
        return json.loads(await self.reader.readline())

    async def end(self) -> bytes:
        """Everything until the other end closes."""
        return await self.reader.read()


async def in_thread(site: Site, action: str, payload: bytes, **options: Any) -> bytes | OperatorError:
    """tinyocpp's own client, which blocks."""

    def call() -> bytes | OperatorError:
        try:
            with site.command_client("garage") as client:
                return client.call(action, payload, **({"timeout_s": 5} | options))
        except OperatorError as error:
            return error

    return await asyncio.to_thread(call)


# -------------------------------------------------------------------------------------------------------------- calls


@within(10)
async def test_a_call_goes_out_as_typed_and_its_answer_comes_back(site: Site) -> None:
    async with site.listening() as listener, charger(listener, "Garage") as garage:
        asked = asyncio.create_task(in_thread(site, "DataTransfer", b'{"messageId":"a", "vendorId":"v","data":"1.5"}'))
        frame = json.loads(await garage.socket.recv())
        assert frame[2:] == ["DataTransfer", {"messageId": "a", "vendorId": "v", "data": "1.5"}]
        assert list(frame[3]) == ["messageId", "vendorId", "data"]
        await garage.answer(frame[1], {"status": "Accepted", "data": "x"})
        assert await asked == b'{"status":"Accepted","data":"x"}'


@within(10)
async def test_a_callerror_is_told_with_its_code(site: Site) -> None:
    async with site.listening() as listener, charger(listener) as garage:
        asked = asyncio.create_task(in_thread(site, "ClearCache", b"{}"))
        message_id, _, _ = await garage.next_call()
        await garage.socket.send(json.dumps([4, message_id, "NotSupported", "no cache", {}]))
        answer = await asked
        assert isinstance(answer, CallRefused)
        assert "NotSupported: no cache" in str(answer)


@within(10)
async def test_no_answer_in_time(site: Site) -> None:
    async with site.listening() as listener, charger(listener) as garage:
        answer = await in_thread(site, "ClearCache", b"{}", timeout_s=0.05)
        assert isinstance(answer, NoAnswer)
        assert "within 0.05 s" in str(answer)
        await garage.next_call()


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        ("nonsense", "JSON"),
        ("[]", "object"),
        ('{"call":"Reset","payload":{"type":"Sofft"}}', "type"),
        ('{"call":"Reset","payload":[]}', "not a JSON object"),
        ('{"call":"Levitate"}', "no such action"),
        ('{"call":"ClearCache","timeout_s":0}', "timeout_s"),
        ('{"call":"ClearCache","timeout_s":"1"}', "timeout_s"),
        ('{"cal":"ClearCache"}', "cal"),
        ('{"call":"Levitate","raw":true,"payload":{"a":' + "[" * 99_999 + "]" * 99_999 + "}}", "recursion"),
        ('{"call":"Levi\xfftate","raw":true}', "utf-8"),
        ("{}", "no such action"),
    ],
)
@within(10)
async def test_what_is_malformed_is_not_sent(site: Site, request_: str, said: str) -> None:
    async with site.listening() as listener, charger(listener) as garage:
        line = await Line.to(site.runtime / "garage.sock")
        line.say(request_, {"call": "ClearCache"})
        error = (await line.hear())["error"]
        assert (error["kind"], said in error["description"]) == ("malformed", True)
        assert (await garage.next_call())[1] == "ClearCache"
        line.writer.close()


@within(10)
async def test_raw_sends_what_the_standard_does_not_know(site: Site) -> None:
    async with site.listening() as listener, charger(listener) as garage:
        assert isinstance(await in_thread(site, "Levitate", b"{}"), Malformed)
        asked = asyncio.create_task(in_thread(site, "Levitate", b'{"height":1.0}', raw=True))
        message_id, action, payload = await garage.next_call()
        assert (action, payload) == ("Levitate", {"height": 1.0})
        await garage.answer(message_id, {})
        assert await asked == b"{}"


@within(10)
async def test_calls_of_several_clients_go_out_one_after_the_other(site: Site) -> None:
    async with site.listening() as listener, charger(listener) as garage:
        lines = [await Line.to(site.runtime / "garage.sock") for _ in range(3)]
        for line in lines:
            line.say({"call": "ClearCache"}, {"call": "Reset", "payload": {"type": "Soft"}})
        for _ in range(6):
            message_id, action, _ = await garage.next_call()
            assert "currentTime" in await garage.ask("Heartbeat", {})
            assert garage.calls == []  # not before the one before is answered
            await garage.answer(message_id, {"status": action})
        for line in lines:
            assert await line.hear() == {"result": {"status": "ClearCache"}}
            assert await line.hear() == {"result": {"status": "Reset"}}
            line.writer.close()


@within(10)
async def test_a_client_that_goes_away_cancels_what_it_queued(site: Site) -> None:
    async with site.listening() as listener, charger(listener) as garage:
        first, second, third = [await Line.to(site.runtime / "garage.sock") for _ in range(3)]
        first.say({"call": "ClearCache"})
        message_id, _, _ = await garage.next_call()
        second.say({"call": "Reset", "payload": {"type": "Hard"}}, {"follow": True})
        await garage.ask("Heartbeat", {})  # a round, in which the second was queued
        second.writer.close()
        await second.writer.wait_closed()
        third.say({"call": "GetConfiguration"})
        await garage.ask("Heartbeat", {})
        await garage.answer(message_id, ACCEPTED)
        assert (await garage.next_call())[1] == "GetConfiguration"
        for line in (first, third):
            line.writer.close()


@within(10)
async def test_a_shell_that_closes_its_end_after_asking_still_gets_its_answer(site: Site) -> None:
    """echo '{"call":...}' | nc -U garage.sock"""
    async with site.listening() as listener, charger(listener) as garage:
        line = await Line.to(site.runtime / "garage.sock")
        line.say({"call": "ClearCache"})
        line.writer.write_eof()
        message_id, _, _ = await garage.next_call()
        await garage.answer(message_id, ACCEPTED)
        assert await line.end() == b'{"result":{"status":"Accepted"}}\n'
        line.writer.close()


@within(10)
async def test_a_large_answer_arrives_whole(site: Site) -> None:
    async with site.listening() as listener, charger(listener) as garage:
        keys = [{"key": f"k{number}", "readonly": False, "value": "x" * 500} for number in range(1800)]
        asked = asyncio.create_task(in_thread(site, "GetConfiguration", b"{}"))
        message_id, _, _ = await garage.next_call()
        await garage.answer(message_id, {"configurationKey": keys})
        answer = await asked
        assert isinstance(answer, bytes)
        assert json.loads(answer) == {"configurationKey": keys}


@within(10)
async def test_a_call_under_way_is_lost_with_the_connection(site: Site) -> None:
    async with site.listening() as listener:
        async with charger(listener) as garage:
            line = await Line.to(site.runtime / "garage.sock")
            line.say({"follow": True}, {"call": "ClearCache"})
            await garage.next_call()
        said = [json.loads(text) for text in (await line.end()).splitlines()]
        told = [one.get("event") or one["error"]["kind"] for one in said]
        assert told == ["connected", "command", "lost", "disconnected"]
        line.writer.close()


# ------------------------------------------------------------------------------------------------------------- events


@within(10)
async def test_followers_see_what_happens(site: Site) -> None:
    async with site.listening() as listener, charger(listener, "Garage") as garage:
        line = await Line.to(site.runtime / "garage.sock")
        line.say({"follow": True})
        first = await line.hear()
        assert (first["event"], first["charger_id"]) == ("connected", "Garage")
        assert first["at"].endswith("Z")
        await garage.boot()
        await garage.ask("StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Preparing"})
        events = {(await line.hear())["event"] for _ in range(2)}
        assert events == {"boot", "status"}
        line.writer.close()


@within(60)
async def test_a_follower_that_does_not_read_is_dropped(site: Site, capsys: Any) -> None:
    async with site.listening() as listener, charger(listener) as garage:
        line = await Line.to(site.runtime / "garage.sock")
        line.say({"follow": True})
        await line.hear()
        line.writer.transport.pause_reading()  # type: ignore[attr-defined]
        oddity = json.dumps([2, "1", "StatusNotification", {"connectorId": 1, "status": "x" * 2000, "errorCode": "y"}])
        dropped = ""
        while "client_dropped" not in dropped:
            for _ in range(200):
                await garage.socket.send(oddity)
            for _ in range(200):
                await garage.socket.recv()
            dropped += capsys.readouterr().err
        assert "currentTime" in await garage.ask("Heartbeat", {})
        line.writer.close()


@within(10)
async def test_a_line_without_end_is_not_read_for_ever(site: Site) -> None:
    async with site.listening() as listener, charger(listener) as garage:
        line = await Line.to(site.runtime / "garage.sock")
        line.writer.write(b"x" * 10_000_000)
        with pytest.raises(ConnectionError):
            await line.writer.drain()
        assert "currentTime" in await garage.ask("Heartbeat", {})
        line.writer.close()


# ---------------------------------------------------------------------------------------------------- sockets and files


@within(10)
async def test_only_we_may_enter(site: Site) -> None:
    async with site.listening() as listener, charger(listener):
        assert stat.S_IMODE(site.runtime.stat().st_mode) == 0o700
        assert stat.S_IMODE((site.runtime / "garage.sock").stat().st_mode) == 0o600


@within(10)
async def test_a_group_may_be_let_in(tmp_path: Path) -> None:
    site = Site(tmp_path, ANY)
    site.file.write_text(f'{ANY}\n[paths]\nruntime = "run"\ngroup = "daemon"\n')
    async with site.listening() as listener, charger(listener):
        found, sock = site.runtime.stat(), (site.runtime / "garage.sock").stat()
        assert (stat.S_IMODE(found.st_mode), stat.S_IMODE(sock.st_mode)) == (0o750, 0o660)
        assert found.st_gid == sock.st_gid != os.getegid()


def test_a_directory_with_other_things_in_it_is_not_taken(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").touch()
    tmp_path.chmod(0o755)
    with pytest.raises(ConfigError, match=r"letter\.txt"):
        prepare_runtime(str(tmp_path), "")
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755


def test_a_directory_that_cannot_be_made_and_a_group_that_is_not(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match=r"paths\.runtime"):
        prepare_runtime(str(tmp_path / "file" / "run"), "")
    with pytest.raises(ConfigError, match="groupadd nosuchgroup"):
        prepare_runtime(str(tmp_path / "run"), "nosuchgroup")


@within(10)
async def test_a_stale_socket_is_recognised_and_replaced(site: Site) -> None:
    site.runtime.mkdir()
    with socket.socket(socket.AF_UNIX) as killed:
        killed.bind(str(site.runtime / "garage.sock"))
    with pytest.raises(Unavailable, match=r"not connected \(connected: none\)"):
        site.command_client("garage")
    async with site.listening() as listener, charger(listener) as garage:
        asked = asyncio.create_task(in_thread(site, "ClearCache", b"{}"))
        message_id, _, _ = await garage.next_call()
        await garage.answer(message_id, ACCEPTED)
        assert await asked == b'{"status":"Accepted"}'
    assert not (site.runtime / "garage.sock").exists()


@within(10)
async def test_a_session_in_another_process_takes_over(site: Site) -> None:
    """Two listeners on one installation: the charger has reconnected to the second, the first does not know yet."""
    both = site.listening(), site.listening()
    async with both[0] as first, both[1] as second, charger(first) as older, charger(second) as newer:
        assert await older.closed() == 1000
        while first.links:
            await asyncio.sleep(0)
        asked = asyncio.create_task(in_thread(site, "ClearCache", b"{}"))
        message_id, _, _ = await newer.next_call()
        await newer.answer(message_id, ACCEPTED)
        assert await asked == b'{"status":"Accepted"}'
        known = second.store.register.find("garage")
        assert known is not None
        assert known.disconnected_at is None


@within(10)
async def test_a_path_too_long_is_said_and_stops_nobody_from_charging(tmp_path: Path, capsys: Any) -> None:
    site = Site(tmp_path / ("x" * 90), ANY) if not (tmp_path / ("x" * 90)).mkdir() else None
    assert site is not None
    async with site.listening() as listener, charger(listener) as garage:
        assert await garage.boot()
        assert "shorten paths.runtime" in capsys.readouterr().err


@within(10)
async def test_which_chargers_are_connected(site: Site) -> None:
    directories = [str(site.runtime), str(site.folder / "nowhere")]
    async with site.listening() as listener:
        with pytest.raises(Unavailable, match="no charger is connected"):
            site.command_client()
        async with charger(listener, "b"), charger(listener, "A"):
            assert await asyncio.to_thread(connected_chargers, directories) == ["a", "b"]
            with pytest.raises(Unavailable, match=r"name one with --charger \(a, b\)"):
                site.command_client()
        with pytest.raises(Unavailable, match="not an identity"):
            site.command_client("../x")


async def crowd(path: Path, number: int) -> AsyncIterator[Line]:
    for _ in range(number):
        yield await Line.to(path)


@within(10)
async def test_a_crowd_of_clients_is_bounded(site: Site) -> None:
    async with site.listening() as listener, charger(listener) as garage:
        lines = [line async for line in crowd(site.runtime / "garage.sock", 80)]
        await garage.ask("Heartbeat", {})
        for line in lines[:64]:
            line.say({"follow": True})
        answered = [await line.reader.readline() != b"" for line in lines[:64]]
        turned_away = [await line.end() == b"" for line in lines[64:]]
        assert answered == [True] * 64
        assert turned_away == [True] * 16
        for line in lines:
            line.writer.close()
