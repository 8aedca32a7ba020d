"""`tinyocpp status` before a real ledger and a real backend."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import House, Plugged, Running

NOW = datetime.now(UTC).replace(microsecond=0)
TAGS = '[[tag]]\nid = "ANNA"\nname = "Anna"\n'


@pytest.fixture
def charging_house(house: House) -> House:
    house.tags.write_text(TAGS)
    books, now = house.books(), datetime.now(UTC)
    books.boot("garage", now)
    books.status("garage", "Charging", now)
    number = books.start("garage", "anna", now - timedelta(minutes=30), meter_wh=1000)
    books.sample("garage", number, now, wh=4210, power_w=7360)
    books.close()
    return house


def test_json_has_the_names_of_the_design(charging_house: House, plug: Callable[..., Plugged]) -> None:
    plug("garage")
    code, out, err = charging_house.type("status", "--json")
    assert (code, err) == (0, "")
    [charger] = json.loads(out)
    [connector] = charger["connectors"]
    assert {name: charger[name] for name in ("charger_id", "connected", "vendor", "model", "firmware")} == {
        "charger_id": "garage",
        "connected": True,
        "vendor": "Wallbe",
        "model": "Pro",
        "firmware": "1.2",
    }
    assert charger["last_seen_at"].endswith("Z")
    assert (
        connector
        | {
            "connector_id": 1,
            "status": "Charging",
            "error_code": "NoError",
            "power_w": 7360,
            "energy_wh": 3210,
            "transaction_id": 1,
            "id_tag": "anna",
            "name": "Anna",
            "limit_a": None,
        }
        == connector
    )


def test_for_people(charging_house: House, plug: Callable[..., Plugged]) -> None:
    out = charging_house.type("status")[1]
    assert "Charging (not connected)" in out
    assert "7.36" not in out, "nobody knows what it draws by now"
    assert "! garage: not connected, last seen" in out
    plug("garage")
    lines = charging_house.type("status")[1].splitlines()
    assert len(lines) == 2
    assert lines[0].split() == ["charger", "connector", "status", "kW", "kWh", "tag", "limit", "last", "seen"]
    assert lines[1].split()[:7] == ["garage", "1", "Charging", "7.36", "3.210", "Anna", "anna"]


def test_who_knocked_and_which_card_was_shown(charging_house: House, plug: Callable[..., Plugged]) -> None:
    books = charging_house.books()
    with books.batch():
        books.store.register.refuse("carport", "192.0.2.9", "not admitted", NOW)
    books.close()
    plugged = plug("garage")
    plugged.say("Authorize", idTag="BERT")
    plugged.say("Authorize", idTag="CARA")
    charging_house.tags.write_text(TAGS + '[[tag]]\nid = "CARA"\n')
    out = charging_house.type("status")[1]
    assert "- carport: refused once" in out
    assert "tinyocpp charger admit carport" in out
    assert "tinyocpp tag add BERT" in out
    assert "CARA" not in out, "it has been added since"
    assert [row["charger_id"] for row in json.loads(charging_house.type("status", "--json")[1])] == ["garage"]


def test_of_a_broken_tags_file_the_last_good_names_show(charging_house: House, plug: Callable[..., Plugged]) -> None:
    plug("garage")  # its backend has read the file, and keeps what was good
    charging_house.tags.write_text("[[tag]]\nidd = 5\n")
    out = charging_house.type("status")[1]
    assert "Anna anna" in " ".join(out.split())
    assert "the last good list of 1 tag is in force" in out
    assert "the last good list of 1 tag is in force" in charging_house.type("doctor")[1]


def test_nothing_yet(house: House) -> None:
    assert house.type("status") == (0, "no charger has connected yet; tinyocpp doctor says what to do\n", "")
    assert house.type("status", "--json") == (0, "[]\n", "")
    house.tags.write_text("[[tag]]\n")
    assert "! " in house.type("status")[1]


def test_a_charger_that_has_said_nothing_of_its_connectors(house: House, plug: Callable[..., Plugged]) -> None:
    plug("garage")
    assert house.type("status")[1].splitlines()[1].startswith("garage")
    assert json.loads(house.type("status", "--json")[1])[0]["connectors"] == []


def test_watch_and_json_do_not_go_together(house: House) -> None:
    assert house.type("status", "--watch", "--json")[0] == 64


def test_watch_draws_anew_when_something_happens(plug: Callable[..., Plugged], running: Callable[..., Running]) -> None:
    plugged = plug("garage")
    watching = running("status", "--watch")
    watching.until("garage")
    plugged.say("StatusNotification", connectorId=1, errorCode="NoError", status="Preparing")
    watching.until("Preparing")
    plugged.say("StatusNotification", connectorId=1, errorCode="NoError", status="SuspendedEV")
    watching.until("SuspendedEV")
