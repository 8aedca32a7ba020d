"""`tinyocpp charger history`: what a charger has told, oldest first, whoever it told."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import House, Plugged

STATUS = {"connectorId": 1, "errorCode": "NoError", "status": "Preparing", "info": "hello"}
EVENT = {"type": "TamperDetectionActivated", "timestamp": "2025-06-01T12:00:00Z"}


def tell(plug: Callable[..., Plugged]) -> None:
    charger = plug("garage")
    charger.say("StatusNotification", **STATUS)
    charger.say("SecurityEventNotification", **EVENT)


def test_everything_told_in_order(house: House, plug: Callable[..., Plugged]) -> None:
    tell(plug)

    code, out, _ = house.type("charger", "history", "--json")

    assert code == 0
    rows = json.loads(out)
    assert [row["action"] for row in rows] == ["BootNotification", "StatusNotification", "SecurityEventNotification"]
    assert [row["said"] for row in rows[1:]] == [STATUS, EVENT]
    assert rows[0]["said"]["chargePointVendor"] == "Wallbe"
    assert {row["charger_id"] for row in rows} == {"garage"}


def test_for_people(house: House, plug: Callable[..., Plugged]) -> None:
    tell(plug)

    _, out, _ = house.type("charger", "history", "--charger", "GARAGE", "--limit", "2")
    assert len(house.type("charger", "history", "--limit", "99999999999999999999")[1].splitlines()) == 4

    lines = out.splitlines()
    assert len(lines) == 3
    assert lines[1].endswith("connectorId 1, status Preparing, errorCode NoError, info hello")
    assert "TamperDetectionActivated" in lines[2]


@pytest.mark.parametrize("words", [(), ("--charger", "carport"), ("--since", "2099-01-01")])
def test_nothing_told(house: House, plug: Callable[..., Plugged], words: tuple[str, ...]) -> None:
    if words:
        tell(plug)

    assert house.type("charger", "history", *words)[:2] == (0, "no charger has told anything since then\n")


@pytest.mark.parametrize("words", [("--limit", "0"), ("--since", "yesterday")])
def test_what_cannot_be_meant(house: House, words: tuple[str, ...]) -> None:
    assert house.type("charger", "history", *words)[0] == 64
