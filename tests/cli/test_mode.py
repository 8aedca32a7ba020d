"""`tinyocpp mode`: what is kept, what is said to it, and what it takes."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from waiting import until

from tinyocpp.companions import controlnotes
from tinyocpp.companions.controlnotes import Notes
from tinyocpp.hosts.runtimedir import prepare_runtime

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import House, Plugged, Running

NOW = datetime.now(UTC)
METER = '\n[meter]\nkind = "file"\npath = "meter.txt"\n'
NOBODY_CONTROLS = (
    "No control program runs now: this counts as soon as the listener, or tinyocpp control, is (re)started.\n"
)


@pytest.fixture
def sunny(house: House) -> House:
    """A house with a meter, and a charger that has been here."""
    house.configuration.write_text(house.configuration.read_text() + METER)
    books = house.books()
    books.boot("garage", NOW - timedelta(hours=1))
    books.close()
    return house


def control(house: House) -> None:
    """A control program runs, for as long as this test does."""
    controlnotes.write(prepare_runtime(str(house.runtime), ""), Notes(at=datetime.now(UTC), pid=os.getpid()))


def modes(house: House) -> list[dict[str, Any]]:
    code, out, err = house.type("mode", "--json")
    assert (code, err) == (0, "")
    return list(json.loads(out))


SAID = {
    "off": "garage: off: no current flows\n",
    "fast": "garage: fast: as fast as its limit lets it\n",
    "solar": "garage: solar: from the sun only, and not at all while there is too little\n",
    "min+solar": "garage: min+solar: never less than the least a car takes, and more when the sun gives it\n",
}


@pytest.mark.parametrize("mode", SAID)
def test_a_mode_is_kept(sunny: House, mode: str) -> None:
    control(sunny)
    assert sunny.type("mode", mode) == (0, SAID[mode], "")
    [row] = modes(sunny)
    assert (row["charger_id"], row["mode"], row["from"]) == ("garage", mode, "owner")


def test_while_it_is_steered(sunny: House, plug: Callable[..., Plugged], running: Callable[..., Running]) -> None:
    """Changed while the control program runs, and said by status in its words."""
    sunny.configuration.write_text(sunny.configuration.read_text() + "[control]\ninterval_s = 0.2\n")
    (sunny.folder / "meter.txt").write_text("grid_w 1200\n")
    plugged = plug("garage", SetChargingProfile={"status": "Accepted"}, GetConfiguration={"configurationKey": []})
    plugged.say("StatusNotification", connectorId=1, errorCode="NoError", status="Preparing")
    running("control")
    until(lambda: controlnotes.read([str(sunny.runtime)], datetime.now(UTC)) is not None)
    for mode in ("solar", "off"):
        assert sunny.type("mode", mode)[:2] == (0, SAID[mode])
        until(lambda mode=mode: connector(sunny)["mode"] == mode and connector(sunny)["control"] is not None)
    assert "garage, connector 1: off" in sunny.type("status")[1]


def connector(house: House) -> dict[str, Any]:
    [charger] = json.loads(house.type("status", "--json")[1])
    return dict(charger["connectors"][0])


def test_as_configured(sunny: House) -> None:
    sunny.configuration.write_text(sunny.configuration.read_text() + '[charger.Garage]\nmode = "min+solar"\n')
    assert [(row["mode"], row["from"]) for row in modes(sunny)] == [("min+solar", "configuration")]
    assert sunny.type("mode", "fast")[0] == 0
    assert [(row["mode"], row["from"]) for row in modes(sunny)] == [("fast", "owner")]
    code, out, _ = sunny.type("mode", "default", "--charger", "GARAGE")
    assert (code, out) == (
        0,
        "garage: min+solar, as configured: never less than the least a car takes, and more when the sun gives it\n"
        + NOBODY_CONTROLS,
    )
    assert [(row["mode"], row["from"]) for row in modes(sunny)] == [("min+solar", "configuration")]


IMPOSSIBLE = {
    "solar": "how much sun is left is not known without a meter; write a [meter] table, see docs/meters.md",
    "min+solar": "how much sun is left is not known without a meter; write a [meter] table, see docs/meters.md",
    "off": "nothing is steered without a [meter], a [sharing] limit_a or a [solar] mode; try: tinyocpp limit pause",
}


@pytest.mark.parametrize(("mode", "why"), IMPOSSIBLE.items(), ids=IMPOSSIBLE)
def test_what_nobody_would_see_to_is_not_kept(house: House, mode: str, why: str) -> None:
    books = house.books()
    books.boot("garage", NOW)
    books.close()
    code, out, err = house.type("mode", mode)
    assert (code, out, err) == (78, "", f"tinyocpp: {house.configuration}: {mode}: {why}\n")
    assert [row["from"] for row in modes(house)] == ["configuration"]
    assert house.type("mode", "fast")[:2] == (0, SAID["fast"]), "which needs nobody"


def test_a_guest_who_charges_now(sunny: House) -> None:
    sunny.tags.write_text('[[tag]]\nid = "0500"\nname = "Guest"\nmode = "fast"\n')
    books = sunny.books()
    books.status("garage", "Charging", NOW)
    books.start("garage", "0500", NOW)
    books.close()
    control(sunny)
    assert sunny.type("mode", "solar")[1] == SAID["solar"] + "The charge on connector 1 goes by its tag, Guest: fast\n"
    assert sunny.type("mode", "fast")[1] == SAID["fast"]
    [charger] = json.loads(sunny.type("status", "--json")[1])
    assert charger["connectors"][0]["mode"] == "fast"


def test_whose_mode_it_is(sunny: House) -> None:
    assert sunny.type("charger", "admit", "carport")[0] == 0
    code, _, err = sunny.type("mode", "fast")
    assert (code, "name one with --charger (carport, garage)" in err) == (69, True)
    code, _, err = sunny.type("mode", "fast", "--charger", "barn")
    assert (code, "barn is unknown (known: carport, garage)" in err) == (69, True)
    assert sunny.type("mode", "fast", "--charger", "carport")[0] == 0
    assert [(row["charger_id"], row["from"]) for row in modes(sunny)] == [
        ("carport", "owner"),
        ("garage", "configuration"),
    ]


def test_for_people(sunny: House) -> None:
    heading, line = sunny.type("mode", "--charger", "garage")[1].splitlines()
    assert heading.split() == ["charger", "mode", "said", "by", "that", "is"]
    assert line == "garage   fast  configuration  as fast as its limit lets it"
    assert sunny.type("mode", "--charger", "barn")[0] == 69


@pytest.mark.parametrize("typed", [["sun"], ["solar", "--json"]], ids=" ".join)
def test_what_cannot_be_meant(sunny: House, typed: list[str]) -> None:
    assert sunny.type("mode", *typed)[0] == 64
    assert [row["from"] for row in modes(sunny)] == ["configuration"]


def test_nobody_yet(house: House) -> None:
    assert house.type("mode") == (0, "no charger has connected yet; tinyocpp doctor says what to do\n", "")
    assert house.type("mode", "fast")[0] == 69
