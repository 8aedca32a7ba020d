"""Many at once, restarts, signals, and who gets in: the listener as a whole fleet meets it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import pytest
from listening import within
from ocpp.v16 import call
from websockets.exceptions import InvalidStatus

from compliance.programs import ACCEPTED, ANY, SAME_GROUP, TAGS, Installation, Said

if TYPE_CHECKING:
    from pathlib import Path

    from compliance.charge_point import ChargePoint
    from compliance.programs import Listener

MUST_END_WITHIN_S = 5.0


async def connect_all(stack: AsyncExitStack, listener: Listener, identities: list[str]) -> list[ChargePoint]:
    """All at the same time."""
    points = [listener.charge_point(identity) for identity in identities]
    return list(await asyncio.gather(*(stack.enter_async_context(point) for point in points)))


# --------------------------------------------------------------------------------------------------------- many at once


@within(60)
async def test_a_hundred_chargers_at_once(installation: Installation) -> None:
    """They connect, boot and charge together: every transaction has a number of its own, every kWh its owner."""
    with installation.listener() as listener:
        async with AsyncExitStack() as stack:
            fleet = await connect_all(stack, listener, [f"cp{number:03}" for number in range(100)])
            welcomes = await asyncio.gather(*(cp.boot() for cp in fleet))
            assert {welcome.status for welcome in welcomes} == {"Accepted"}
            began = await asyncio.gather(*(cp.begin(ACCEPTED) for cp in fleet))
            numbers = [number for number, _ in began]
            assert len(set(numbers)) == 100
            await asyncio.gather(*(cp.finish(number) for cp, number in zip(fleet, numbers, strict=True)))
        assert {tuple(installation.booked(cp.id)) for cp in fleet} == {((ACCEPTED, 2500, "measured", "Local"),)}
        assert listener.end()[0] == 0
        assert "Traceback" not in listener.log


@within(60)
async def test_two_hundred_reconnects(installation: Installation) -> None:
    """Ten chargers, each with a new connection twenty times, without ending the one before; the last one counts."""
    with installation.listener() as listener:
        async with AsyncExitStack() as stack:
            names = [f"cp{number}" for number in range(10)]
            before: list[ChargePoint] = []
            for _ in range(20):
                fleet = await connect_all(stack, listener, names)
                assert set(await asyncio.gather(*(cp.closed() for cp in before))) <= {1000}
                await asyncio.gather(*(cp.ask(call.Heartbeat()) for cp in fleet))
                before = fleet
            assert await fleet[3].commanded("ClearCache") == (0, {"status": "Accepted"})
            assert len(list(installation.runtime.glob("*.sock"))) == len(names)
        assert "Traceback" not in listener.log


@within(60)
async def test_one_charger_with_twenty_connections_at_once(installation: Installation) -> None:
    """Whichever comes last has it, and exactly one has it."""
    with installation.listener() as listener:
        async with AsyncExitStack() as stack:
            rivals = await connect_all(stack, listener, ["rival"] * 20)
            over = [asyncio.create_task(cp.closed()) for cp in rivals]
            while sum(task.done() for task in over) < 19:
                await asyncio.wait([task for task in over if not task.done()], return_when=asyncio.FIRST_COMPLETED)
            (winner,) = (cp for cp, task in zip(rivals, over, strict=True) if not task.done())
            await winner.ask(call.Heartbeat())
            assert await winner.commanded("ClearCache") == (0, {"status": "Accepted"})


# ---------------------------------------------------------------------------------------------------- ends and restarts


@within(60)
async def test_a_restart_with_chargers_connected(installation: Installation) -> None:
    """They were in the middle of a charge, come back without a BootNotification, and go on as if nothing had been."""
    with installation.listener() as first:
        port = str(first.ports["ws"])
        async with AsyncExitStack() as stack:
            fleet = await connect_all(stack, first, [f"cp{number}" for number in range(20)])
            numbers = [await cp.charge(ACCEPTED) for cp in fleet]
            code, took_s = await asyncio.to_thread(first.end)
            assert (code, took_s < MUST_END_WITHIN_S) == (0, True)
            assert {await cp.closed() for cp in fleet} == {1001}
    assert not list(installation.runtime.glob("*.sock"))
    with installation.listener("--host", "127.0.0.1", "--port", port) as second:
        async with AsyncExitStack() as stack:
            fleet = await connect_all(stack, second, [cp.id for cp in fleet])
            await asyncio.gather(*(cp.finish(number) for cp, number in zip(fleet, numbers, strict=True)))
        assert {tuple(installation.booked(cp.id)) for cp in fleet} == {((ACCEPTED, 2500, "measured", "Local"),)}


@within(60)
async def test_after_a_kill(installation: Installation) -> None:
    """What it left behind in the runtime directory keeps nobody from being commanded."""
    with installation.listener() as first:
        async with first.charge_point("garage") as cp:
            number = await cp.charge(ACCEPTED)
            first.end(signal.SIGKILL)
            assert await cp.closed() == 1006
    assert (installation.runtime / "garage.sock").exists()
    assert (await installation.command("garage", "ClearCache")).code == 69
    with installation.listener() as second:
        async with second.charge_point("garage") as cp:
            assert await cp.commanded("RemoteStopTransaction", transactionId=number) == (0, {"status": "Accepted"})
            await cp.finish(number, "Remote")
    assert installation.booked("garage") == [(ACCEPTED, 2500, "measured", "Remote")]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@within(60)
async def test_it_ends_in_time_whatever_hangs(installation: Installation, number: signal.Signals) -> None:
    """A charger that does not answer a call, one that does not answer the goodbye, and a connection half made."""
    with installation.listener() as listener:
        _, writer = await asyncio.open_connection("127.0.0.1", listener.ports["ws"])
        writer.write(b"GET /half HTTP/1.1\r\n")
        async with listener.plain("garage") as silent:
            waiting = asyncio.create_task(installation.command("garage", "ClearCache"))
            await silent.next_call()
            silent.socket.transport.pause_reading()  # the goodbye is not even read
            code, took_s = await asyncio.to_thread(listener.end, number)
            assert (code, took_s < MUST_END_WITHIN_S) == (0, True)
            assert (await waiting).code == 69
        writer.close()
        assert "Traceback" not in listener.log


@within(60)
async def test_a_signal_before_anybody_has_come(installation: Installation) -> None:
    with installation.listener() as listener:
        code, took_s = await asyncio.to_thread(listener.end)
        assert (code, took_s < MUST_END_WITHIN_S) == (0, True)


# --------------------------------------------------------------------------------------------------------------- SIGHUP


@within(60)
async def test_sighup_takes_tags_and_settings_into_force(installation: Installation) -> None:
    """For the connection that is there too."""
    with installation.listener() as listener:
        async with listener.charge_point("garage") as cp:
            assert (await cp.authorize("GUEST"))["status"] == "Invalid"
            (installation.folder / "guests.toml").write_text('[[tag]]\nid = "GUEST"\n')
            installation.file.write_text(f'{ANY}\n[paths]\nruntime = "run"\ntags = "guests.toml"\n')
            listener.reload()
            await listener.logged("event=reloaded")
            assert (await cp.authorize("GUEST"))["status"] == "Accepted"
            assert (await cp.authorize(ACCEPTED))["status"] == "Invalid"


@within(60)
async def test_a_new_tag_needs_no_signal(installation: Installation) -> None:
    with installation.listener() as listener:
        async with listener.charge_point("garage") as cp:
            assert (await cp.authorize("GUEST"))["status"] == "Invalid"
            assert (await installation.tinyocpp("tag", "add", "GUEST", "--name", "Guest")).code == 0
            assert (await cp.authorize("GUEST"))["status"] == "Accepted"
            assert (await cp.authorize(ACCEPTED))["status"] == "Accepted"


@within(60)
async def test_what_is_broken_does_not_come_into_force(installation: Installation) -> None:
    with installation.listener() as listener:
        async with listener.charge_point("garage") as cp:
            good = installation.file.read_text()
            installation.file.write_text(good + "[nonsense]\n")
            listener.reload()
            assert "nonsense" in await listener.logged("event=not_reloaded")
            installation.tags.write_text(f'{TAGS}\n[[tag]]\nid = "GUEST"\nid = \n')
            assert (await cp.authorize(ACCEPTED))["status"] == "Accepted"
            assert "tags.toml" in await listener.logged("last good")
            assert (await cp.authorize("GUEST"))["status"] == "Invalid"
            installation.tags.write_text(f'{TAGS}\n[[tag]]\nid = "GUEST"\n')
            assert (await cp.authorize("GUEST"))["status"] == "Accepted"
            assert (await cp.authorize(SAME_GROUP))["status"] == "Accepted"


# ---------------------------------------------------------------------------------------------------------- who gets in


@within(60)
async def test_the_first_is_adopted_and_the_second_admitted_by_its_owner(tmp_path: Path) -> None:
    site = Installation(tmp_path, text="")
    with site.listener() as listener:
        async with listener.charge_point("Garage") as first:
            assert (await first.boot()).status == "Accepted"
            for _ in range(3):
                with pytest.raises(InvalidStatus) as refused:
                    await listener.charge_point("carport").__aenter__()
                assert refused.value.response.status_code == 404
            assert "tinyocpp charger admit carport" in await listener.logged("event=refused")
            knocked = {row["charger_id"]: row for row in json.loads((await listed(site)).out)}
            assert knocked["carport"]["refused_from"] == "127.0.0.1"
            assert knocked["carport"]["admitted_at"] is None
            assert (await site.tinyocpp("charger", "admit", "carport")).code == 0
            async with listener.charge_point("CARPORT") as second:
                assert (await second.boot()).status == "Accepted"
                both = {row["charger_id"]: row["connected"] for row in json.loads((await listed(site)).out)}
                assert both == {"Garage": True, "carport": True}
            await first.ask(call.Heartbeat())
        assert listener.log.count("event=refused") == 1  # a minute, however often it knocks


async def listed(site: Installation) -> Said:
    return await site.tinyocpp("charger", "list", "--json")


@within(60)
async def test_no_identity_touches_a_path(tmp_path: Path) -> None:
    site = Installation(tmp_path)
    with site.listener() as listener:
        async with listener.charge_point("garage"):
            before = files_below(tmp_path.parent)
            for identity in ("%2e%2e", "..%2f..%2fx", "%00", "x" * 300, "%F0%9F%94%8C", ".hidden", "a%2Fb", "a%5Cb"):
                with pytest.raises(InvalidStatus) as refused:
                    await listener.charge_point(identity).__aenter__()
                assert refused.value.response.status_code == 404
            assert files_below(tmp_path.parent) == before
            assert (await listed(site)).out.count("charger_id") == 1


def files_below(folder: Path) -> set[str]:
    return {os.path.join(place, name) for place, _, names in os.walk(folder) for name in names}
