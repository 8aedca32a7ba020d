"""`tinyocpp start` and `stop`, typed while a real listener has a charger that does as it is told, or not."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from listening import ACCEPTED, Charger, Site, charger, within

from tinyocpp.cli import main

if TYPE_CHECKING:
    from pathlib import Path

ANNA = '[[tag]]\nid = "04A2B3C4"\nname = "Anna"\n'
BEN = '[[tag]]\nid = "04FFFFFF"\nname = "Ben"\nblocked = true\n'


@pytest.fixture
def site(tmp_path: Path) -> Site:
    (tmp_path / "tags.toml").write_text(ANNA)
    return Site(tmp_path, '[chargers]\nadmit = "any"')


async def typed(site: Site, *words: str) -> int:
    def run() -> int:
        try:
            return main(["--config", str(site.file), *words])
        except SystemExit as stop:
            return int(stop.code or 0)

    return await asyncio.to_thread(run)


async def status(garage: Charger, text: str, connector_id: int = 1) -> None:
    payload = {"connectorId": connector_id, "errorCode": "NoError", "status": text}
    await garage.ask("StatusNotification", payload)


async def begin(garage: Charger, id_tag: str, connector_id: int = 1) -> int:
    payload = {"connectorId": connector_id, "idTag": id_tag, "meterStart": 1000, "timestamp": now()}
    return int((await garage.ask("StartTransaction", payload))["transactionId"])


async def end(garage: Charger, transaction_id: int) -> None:
    payload = {"transactionId": transaction_id, "meterStop": 8500, "timestamp": now(), "reason": "Remote"}
    await garage.ask("StopTransaction", payload)


def now() -> str:
    from datetime import UTC, datetime

    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@within(20)
async def test_start_and_stop(site: Site, capsys: Any) -> None:
    async with site.listening() as listener, charger(listener) as garage:
        await garage.boot()
        starting = asyncio.create_task(typed(site, "start"))
        message_id, action, payload = await garage.next_call()
        assert (action, payload) == ("RemoteStartTransaction", {"connectorId": 1, "idTag": "04A2B3C4"})
        await garage.answer(message_id, ACCEPTED)
        await status(garage, "Preparing")
        transaction_id = await begin(garage, "04A2B3C4")
        assert await starting == 0
        out, err = capsys.readouterr()
        assert out == f"transaction {transaction_id} has begun on garage, connector 1\n"
        assert err == "tinyocpp: connector 1: Preparing\n"

        stopping = asyncio.create_task(typed(site, "stop"))
        message_id, action, payload = await garage.next_call()
        assert (action, payload) == ("RemoteStopTransaction", {"transactionId": transaction_id})
        await garage.answer(message_id, ACCEPTED)
        await end(garage, transaction_id)
        assert await stopping == 0
        assert capsys.readouterr().out == f"transaction {transaction_id} has ended: 7.500 kWh\n"
        assert await typed(site, "stop") == 1
        assert "no charge is running on garage" in capsys.readouterr().err


@within(20)
async def test_a_charger_that_drops_its_connection_in_the_middle(site: Site, capsys: Any) -> None:
    """Free2move eProWallbox does, after most StartTransactions (quirk H21)."""
    async with site.listening() as listener:
        async with charger(listener) as garage:
            await garage.boot()
            starting = asyncio.create_task(typed(site, "start"))
            message_id, _, _ = await garage.next_call()
            await garage.answer(message_id, ACCEPTED)
            await garage.ask("Heartbeat", {})
        async with charger(listener) as garage:
            transaction_id = await begin(garage, "04A2B3C4")
            assert await starting == 0
            out, err = capsys.readouterr()
            assert out == f"transaction {transaction_id} has begun on garage, connector 1\n"
            assert "waiting for it to come back" in err
            stopping = asyncio.create_task(typed(site, "stop"))
            message_id, _, _ = await garage.next_call()
            await garage.socket.send(json.dumps([3, message_id, ACCEPTED]))
            await garage.ask("Heartbeat", {})
        async with charger(listener) as garage:
            await end(garage, transaction_id)
            assert await stopping == 0
            assert "has ended: 7.500 kWh" in capsys.readouterr().out


@within(20)
async def test_a_refusal_says_what_the_connector_is_doing(site: Site, capsys: Any) -> None:
    async with site.listening() as listener, charger(listener) as garage:
        await garage.boot()
        await status(garage, "Finishing")
        starting = asyncio.create_task(typed(site, "start", "--tag", "anna"))
        message_id, _, payload = await garage.next_call()
        assert payload["idTag"] == "04A2B3C4"
        await garage.answer(message_id, {"status": "Rejected"})
        assert await starting == 1
        said = capsys.readouterr().err
        assert said == "tinyocpp: garage answered Rejected: connector 1 is Finishing; unplug and plug in again\n"


@within(20)
async def test_a_charge_that_does_not_begin_in_time(site: Site, capsys: Any) -> None:
    async with site.listening() as listener, charger(listener) as garage:
        starting = asyncio.create_task(typed(site, "start", "--timeout", "0.5"))
        message_id, _, _ = await garage.next_call()
        await garage.answer(message_id, ACCEPTED)
        assert await starting == 75
        assert "is the cable plugged in" in capsys.readouterr().err


@within(20)
async def test_a_tag_that_is_refused_is_told(site: Site, capsys: Any) -> None:
    (site.folder / "tags.toml").write_text(ANNA + BEN)
    async with site.listening() as listener, charger(listener) as garage:
        await garage.boot()
        starting = asyncio.create_task(typed(site, "start", "--tag", "Ben"))
        message_id, _, _ = await garage.next_call()
        await garage.answer(message_id, ACCEPTED)
        await begin(garage, "04FFFFFF")
        assert await starting == 1
        assert "the tag 04FFFFFF is Blocked" in capsys.readouterr().err


@within(20)
async def test_several_connectors(site: Site, capsys: Any) -> None:
    async with site.listening() as listener, charger(listener) as garage:
        await garage.boot()
        for connector_id in (0, 1, 2):
            await status(garage, "Available", connector_id)
        assert await typed(site, "start") == 64
        assert "--connector (1, 2)" in capsys.readouterr().err
        await status(garage, "Preparing", 2)
        starting = asyncio.create_task(typed(site, "start"))
        message_id, _, payload = await garage.next_call()
        assert payload["connectorId"] == 2
        await garage.answer(message_id, ACCEPTED)
        await begin(garage, "04A2B3C4", 1)
        second = await begin(garage, "04A2B3C4", 2)
        assert await starting == 0
        assert await typed(site, "stop") == 64
        assert "--connector (1, 2)" in capsys.readouterr().err
        stopping = asyncio.create_task(typed(site, "stop", "--connector", "2"))
        message_id, _, payload = await garage.next_call()
        assert payload == {"transactionId": second}
        await garage.answer(message_id, {"status": "Rejected"})
        assert await stopping == 1


@pytest.mark.parametrize("tags", ["", ANNA + BEN])
@within(20)
async def test_whose_charge_must_be_clear(site: Site, capsys: Any, tags: str) -> None:
    (site.folder / "tags.toml").write_text(tags)
    assert await typed(site, "start") == 64
    assert "--tag" in capsys.readouterr().err


@within(20)
async def test_nobody_connected(site: Site) -> None:
    assert await typed(site, "start") == 69
    assert await typed(site, "stop") == 69
