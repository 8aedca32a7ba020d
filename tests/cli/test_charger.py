"""`tinyocpp charger`: the door, and passwords."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from booked import utc

if TYPE_CHECKING:
    from conftest import House

NOON = utc("2026-06-01T12:00:00")


@pytest.fixture
def knocked_house(house: House) -> House:
    books = house.books()
    books.boot("Garage", NOON)
    with books.batch():
        books.store.register.refuse("carport", "192.0.2.9", "not admitted", NOON)
    books.close()
    return house


def registered(house: House) -> dict[str, dict[str, object]]:
    code, out, _ = house.type("charger", "list", "--json")
    assert code == 0
    return {row["charger_id"]: row for row in json.loads(out)}


def test_list(knocked_house: House) -> None:
    rows = registered(knocked_house)
    assert (
        rows["Garage"]
        | {
            "connected": False,
            "admitted_at": "2026-06-01T12:00:00Z",
            "password": False,
            "vendor": "Wallbe",
            "refusals": 0,
        }
        == rows["Garage"]
    )
    assert rows["carport"]["refused_from"] == "192.0.2.9"
    assert not {"password_hash", "password_next"} & set(rows["carport"])
    heading, carport, garage = knocked_house.type("charger", "list")[1].splitlines()
    assert heading.split()[:4] == ["charger", "connected", "admitted", "password"]
    assert carport.split() == ["carport", "1", "not", "admitted"]
    assert "2026-06-01 14:00:00" in garage


def test_nobody_yet(house: House) -> None:
    assert house.type("charger", "list")[1].startswith("no charger has connected yet")
    assert house.type("charger", "list", "--json")[1] == "[]\n"
    assert not house.ledger.exists()


def test_admit_and_forget(knocked_house: House) -> None:
    code, out, _ = knocked_house.type("charger", "admit", "carport")
    assert code == 0
    assert out.startswith("carport may connect from now on")
    assert registered(knocked_house)["carport"]["admitted_at"] is not None
    assert registered(knocked_house)["carport"]["refusals"] == 0
    assert knocked_house.type("charger", "forget", "CARPORT")[0] == 0
    assert set(registered(knocked_house)) == {"Garage"}
    code, _, err = knocked_house.type("charger", "forget", "carport")
    assert (code, err) == (1, "tinyocpp: there is no charger carport; see: tinyocpp charger list\n")


@pytest.mark.parametrize("identity", ["../../x", "", "a" * 49, ".hidden", "\N{ELECTRIC PLUG}", "a/b", "a\x00b"])
@pytest.mark.parametrize("word", ["admit", "password"])
def test_what_cannot_be_an_identity_is_not_written_down(house: House, word: str, identity: str) -> None:
    code, out, err = house.type("charger", word, identity)
    assert (code, out) == (64, "")
    assert "not an identity" in err
    assert err.count("\n") == 1
