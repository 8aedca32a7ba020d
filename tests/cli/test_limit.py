"""`tinyocpp limit`: kept in the ledger, brought to the charger whichever host has it, and what it made of it told."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from tempfile import gettempdir
from typing import TYPE_CHECKING, Any

import pytest
from listening import ACCEPTED, Charger, Site, charger, within
from test_simulate import Listening
from test_start_stop import status, typed
from waiting import until

from tinyocpp.dealings import Wish
from tinyocpp.storage import open_reader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conftest import House, Plugged

    Simulated = Callable[..., House]

NOT_VERIFIED = "accepted, not yet verified\ntinyocpp status says whether it follows, once a car charges\n"
TAG = '[[tag]]\nid = "04A2B3C4"\nname = "Anna"\n'
SMART = {"SetChargingProfile": ACCEPTED, "ClearChargingProfile": ACCEPTED, "GetConfiguration": {"configurationKey": []}}


def wishes(house: House, charger_id: str = "garage") -> dict[int, Wish]:
    with closing(open_reader(house.config())) as reader:
        return {one.connector_id: one.wish for one in reader.wishes(charger_id)}


def rows(house: House) -> list[dict[str, Any]]:
    code, out, err = house.type("limit", "--json")
    assert (code, err) == (0, "")
    return list(json.loads(out))


# ------------------------------------------------------------------------------------------ a real listener, a real car


@pytest.fixture
def simulated(house: House) -> Iterator[Simulated]:
    """A simulated charger with such vices at a real listener, a car plugged in."""
    house.tags.write_text(TAG)
    house.configuration.write_text(house.configuration.read_text() + "\n[control]\nsettle_s = 1\n")
    with ExitStack() as until_the_end:

        def start(*vices: str, options: tuple[str, ...] = ()) -> House:
            listening = Listening(house)
            listening.start(*options)
            until_the_end.callback(listening.kill)
            named = [word for vice in vices for word in ("--vice", vice)]
            until_the_end.enter_context(listening.simulating("--idle", "--charger", "garage", "--speed", "60", *named))
            until(lambda: [one["connectors"] for one in statuses(house)] not in ([], [[]]))
            return house

        yield start


def statuses(house: House) -> list[dict[str, Any]]:
    return list(json.loads(house.type("status", "--json")[1]))


def test_a_limit_is_accepted_then_verified_and_taken_back(simulated: Simulated) -> None:
    house = simulated()
    assert house.type("limit", "10A") == (0, f"garage, connector 1: 10 A: {NOT_VERIFIED}", "")
    assert house.type("start", "--timeout", "20")[0] == 0
    until(lambda: statuses(house)[0]["connectors"][0]["limit_state"] == "verified")
    assert "garage, connector 1: 10 A: verified, it follows" in house.type("status")[1].splitlines()
    until(lambda: statuses(house)[0]["connectors"][0]["limit_a"] == 10.0)
    assert house.type("limit", "10A") == (0, "garage, connector 1: 10 A: verified, it follows\n", "")
    assert house.type("limit", "pause")[:2] == (0, f"garage, connector 1: pause: {NOT_VERIFIED}")
    until(lambda: statuses(house)[0]["connectors"][0]["power_w"] in (0, None))
    assert house.type("limit", "none") == (0, "garage has no limit any more\n", "")
    assert (wishes(house), rows(house)[0]["limit_state"]) == ({}, None)
    assert house.type("limit", "none") == (0, "garage has no limit\n", "")


VICES: dict[str, tuple[tuple[str, ...], str, int, str]] = {
    "in watts": (("watts-only",), "10A", 0, f"10 A: {NOT_VERIFIED}"),
    "by fallbacks": (("stack-0-only", "relative-only"), "4.2kW", 0, f"4,200 W: {NOT_VERIFIED}"),
    "a pause it refuses": (
        ("zero-refused",),
        "pause",
        0,
        "pause: it refuses 0 A, so it is told 6 A, and a charge that begins is ended\ntinyocpp status says whether it",
    ),
    "no phases": (
        ("refuses-phases",),
        "10A --phases 1",
        0,
        "garage does not change its number of phases: the limit is for those it has",
    ),
    "nothing but phases": (
        ("ignores-phases",),
        "none --phases 1",
        1,
        "does not change its number of phases; nothing is",
    ),
    "never": (("refuses-all",), "10A", 1, "the limit is kept, and told again after its next start"),
    "no smart charging": (("no-smart-charging",), "10A", 1, "it has no smart charging; see whether it has a key"),
}


@pytest.mark.parametrize(("vices", "words", "code", "said"), VICES.values(), ids=VICES)
def test_what_the_charger_makes_of_it(
    simulated: Simulated, vices: tuple[str, ...], words: str, code: int, said: str
) -> None:
    house = simulated(*vices)
    ended, out, err = house.type("limit", *words.split())
    assert (ended, said in out + err) == (code, True), out + err
    assert (wishes(house) == {}) == ("nothing is kept" in err)


@pytest.mark.skipif(shutil.which("websocketd") is None and "CI" not in os.environ, reason="websocketd is not installed")
def test_behind_websocketd(simulated: Simulated) -> None:
    house = simulated(options=("--engine", "websocketd"))
    assert house.type("limit", "8A", "--phases", "1")[:2] == (
        0,
        f"garage, connector 1: 8 A on one phase: {NOT_VERIFIED}",
    )


# ------------------------------------------------------------------------------------------------------- a bare backend


def limits(plugged: Plugged) -> list[float]:
    """What the charger was told, first to last."""
    told = [payload for action, payload in plugged.asked if action == "SetChargingProfile"]
    profiles: list[Any] = [payload["csChargingProfiles"] for payload in told if isinstance(payload, dict)]
    return [profile["chargingSchedule"]["chargingSchedulePeriod"][0]["limit"] for profile in profiles]


def test_with_a_bare_backend(house: House, plug: Callable[..., Plugged]) -> None:
    plugged = plug("garage", **SMART)
    assert house.type("limit", "10A") == (0, f"garage, connector 1: 10 A: {NOT_VERIFIED}", "")
    assert (limits(plugged), wishes(house)) == ([10.0], {0: Wish(current_a=10.0)})
    assert house.type("limit", "none") == (0, "garage has no limit any more\n", "")
    assert ("ClearChargingProfile", {"id": 11}) in plugged.asked
    assert wishes(house) == {}


def test_what_no_car_can_be_offered_is_not_kept(house: House, plug: Callable[..., Plugged]) -> None:
    plugged = plug("garage", **SMART)
    code, out, err = house.type("limit", "3A")
    assert (code, out, "write 6A or more, or pause" in err) == (64, "", True)
    assert (wishes(house), plugged.asked) == ({}, [])


def test_one_that_gives_no_answer(house: House, plug: Callable[..., Plugged]) -> None:
    plug("garage", **SMART | {"SetChargingProfile": ...})
    code, out, err = house.type("limit", "10A", "--timeout", "0.5")
    assert (code, out, err) == (
        75,
        "",
        "tinyocpp: garage: no answer yet; the limit is kept and brought to it as soon as it can be:"
        " see tinyocpp status\n",
    )
    assert wishes(house) == {0: Wish(current_a=10.0)}


def test_one_that_gives_no_answer_still_has_its_limit(house: House, plug: Callable[..., Plugged]) -> None:
    plug("garage", **SMART | {"ClearChargingProfile": ...})
    assert house.type("limit", "10A")[0] == 0
    code, out, err = house.type("limit", "none", "--timeout", "0.5")
    assert (code, out, err) == (
        75,
        "",
        "tinyocpp: garage: no answer yet; the limit is taken back as soon as it can be: see tinyocpp status\n",
    )
    assert wishes(house) == {0: Wish()}
    assert [row["limit_words"] for row in rows(house)] == ["10 A: being taken back"]


def test_one_that_refuses_to_take_its_limit_back(house: House, plug: Callable[..., Plugged]) -> None:
    plugged = plug("garage", **SMART | {"ClearChargingProfile": {"status": "NotSupported"}})
    assert house.type("limit", "10A")[0] == 0
    plugged.answers["SetChargingProfile"] = {"status": "Rejected"}
    code, out, err = house.type("limit", "none")
    words = "no limit: refused (NotSupported, Rejected); 10 A is still in it"
    again = "it is taken back again after its next start, with the next charge, and after an hour"
    assert (code, out, err) == (1, "", f"tinyocpp: garage, connector 1: {words}; {again}\n")
    assert (wishes(house), rows(house)[0]["limit_words"]) == ({0: Wish()}, words)
    assert f"! garage: connector 1 limit {words}" in house.type("status")[1]
    plugged.answers["SetChargingProfile"] = ACCEPTED
    assert house.type("limit", "none") == (0, "garage has no limit any more\n", "")


def test_one_on_hold_is_told_when_it_is_accepted(house: House, plug: Callable[..., Plugged]) -> None:
    plugged = plug("garage", **SMART)
    assert house.type("charger", "hold", "garage")[0] == 0
    code, out, _ = house.type("limit", "10A")
    assert (code, out) == (
        0,
        "garage is on hold: 10 A is kept, and applies after: tinyocpp charger accept garage\n",
    )
    assert (limits(plugged), wishes(house)) == ([], {0: Wish(current_a=10.0)})


def test_for_one_that_is_away(house: House, plug: Callable[..., Plugged]) -> None:
    """It applies when it connects; and so does the end of it."""
    first = plug("garage", **SMART)
    assert house.type("limit", "12A")[0] == 0
    first.unplug()
    house.type("limit")
    assert house.type("limit", "10A", "--phases", "1") == (
        0,
        "garage is not connected: 10 A on one phase is kept, and applies when it connects\n",
        "",
    )
    assert [row["limit_words"] for row in rows(house)] == ["10 A on one phase: applies when it connects"]
    second = plug("garage", **SMART)
    until(lambda: limits(second) == [10.0])
    second.unplug()
    assert house.type("limit", "none")[1] == ("garage is not connected: the limit is taken back when it connects\n")
    third = plug("garage", **SMART)
    until(lambda: wishes(house) == {})
    assert [action for action, _ in third.asked if "Profile" in action] == ["ClearChargingProfile"]


def test_whose_limit_it_is(house: House, plug: Callable[..., Plugged]) -> None:
    assert house.type("limit", "10A")[::2] == (
        69,
        "tinyocpp: no charger has connected yet; tinyocpp doctor says what to do\n",
    )
    for identity in ("garage", "carport"):
        assert house.type("charger", "admit", identity)[0] == 0
    code, _, err = house.type("limit", "10A")
    assert (code, "several are known: name one with --charger (carport, garage)" in err) == (69, True)
    code, out, _ = house.type("limit", "10A", "--charger", "GARAGE")
    assert (code, out) == (0, "garage is not connected: 10 A is kept, and applies when it connects\n")
    code, _, err = house.type("limit", "10A", "--charger", "barn")
    assert (code, "barn is unknown (known: carport, garage); connect it first" in err) == (69, True)
    plugged = plug("carport", **SMART)
    assert house.type("limit", "8A")[0] == 0, "the only one that is connected"
    assert limits(plugged) == [8.0]
    plug("garage", **SMART)
    code, _, err = house.type("limit", "10A")
    assert (code, "several chargers are connected: name one with --charger (carport, garage)" in err) == (69, True)


def test_one_that_was_only_refused(house: House) -> None:
    books = house.books()
    with books.batch():
        books.store.register.refuse("carport", "192.0.2.9", "not admitted", datetime.now(UTC))
    books.close()
    code, _, err = house.type("limit", "10A", "--charger", "carport")
    assert (code, "let it in first: tinyocpp charger admit carport" in err) == (69, True)
    assert wishes(house, "carport") == {}


MISTAKES = {
    "below what is": ["10A", "--connector", "0"],
    "one it does not have": ["10A", "--connector", "3"],
    "no limit said": ["--phases", "1"],
    "a limit, and shown": ["10A", "--json"],
    "no unit": ["10"],
    "no such phases": ["10A", "--phases", "2"],
}


@pytest.mark.parametrize("words", MISTAKES.values(), ids=MISTAKES)
def test_what_cannot_be_meant(house: House, plug: Callable[..., Plugged], words: list[str]) -> None:
    plugged = plug("garage", **SMART)
    for number in (1, 2):
        plugged.say("StatusNotification", connectorId=number, errorCode="NoError", status="Available")
    assert house.type("limit", *words)[0] == 64
    assert (wishes(house), plugged.asked) == ({}, [])


def test_the_charger_says_how_many_connectors_it_has(house: House, plug: Callable[..., Plugged]) -> None:
    keys = {"configurationKey": [{"key": "NumberOfConnectors", "readonly": True, "value": "2"}], "unknownKey": []}
    plug("garage", **SMART | {"GetConfiguration": keys})
    assert house.type("charger", "get")[0] == 0
    assert house.type("limit", "10A", "--connector", "2")[:2] == (0, f"garage, connector 2: 10 A: {NOT_VERIFIED}")
    code, _, err = house.type("limit", "10A", "--connector", "3")
    assert (code, err) == (64, "tinyocpp: --connector 3: garage has 1, 2\n")


def test_two_connectors(house: House, plug: Callable[..., Plugged]) -> None:
    """A word for all takes the place of those for one; a word for one stands beside that for all."""
    plugged = plug("garage", **SMART)
    for number in (1, 2):
        plugged.say("StatusNotification", connectorId=number, errorCode="NoError", status="Available")
    assert house.type("limit", "6A", "--connector", "2")[0] == 0
    code, out, _ = house.type("limit", "10A")
    assert (code, out) == (
        0,
        "garage, connector 2: 6 A of its own counts no more\n"
        f"garage, connector 1: 10 A: accepted, not yet verified\ngarage, connector 2: 10 A: {NOT_VERIFIED}",
    )
    assert wishes(house) == {0: Wish(current_a=10.0)}
    code, _, err = house.type("limit", "none", "--connector", "2")
    assert (code, "10 A is for all connectors of garage: take that back with tinyocpp limit none" in err) == (1, True)
    assert house.type("limit", "8A", "--connector", "2")[1] == f"garage, connector 2: 8 A: {NOT_VERIFIED}"
    assert wishes(house) == {0: Wish(current_a=10.0), 2: Wish(current_a=8.0)}
    assert [(row["connector_id"], row["told_a"]) for row in rows(house)] == [(1, 10.0), (2, 8.0)]
    assert house.type("limit", "none", "--connector", "2")[1] == f"garage, connector 2: 10 A: {NOT_VERIFIED}"
    assert house.type("limit", "none")[1] == "garage has no limit any more\n"
    assert [row["wish"] for row in rows(house)] == [None, None]


def test_shown(house: House, plug: Callable[..., Plugged]) -> None:
    assert house.type("limit")[1] == "no charger has connected yet; tinyocpp doctor says what to do\n"
    plug("garage", **SMART)
    assert house.type("limit", "4.2kW", "--phases", "1")[0] == 0
    [row] = rows(house)
    assert row.pop("told_at").endswith("Z")
    assert row == {
        "charger_id": "garage",
        "connector_id": 1,
        "wish": {"current_a": None, "power_w": 4200.0, "phases": 1},
        "limit_state": "accepted",
        "limit_words": "4,200 W on one phase: accepted, not yet verified",
        "told_a": 18.2,
        "told_phases": 1,
    }
    heading, line = house.type("limit", "--charger", "garage", "--connector", "1")[1].splitlines()
    assert heading.split() == ["charger", "connector", "limit", "since"]
    assert line.startswith("garage           1  4,200 W on one phase: accepted, not yet verified  ")
    assert house.type("limit", "--charger", "barn")[0] == 69


NOBODY = 65534
WITHOUT_RIGHTS = """
import grp, os, pwd, stat, sys
from argparse import Namespace
from tinyocpp.cli import limit
from tinyocpp.cli.program import run_program
from tinyocpp.config import load
typed = Namespace(limit="10A", phases=None, charger={charger!r}, connector=None, timeout=5.0, format="table")
config = load({config!r}, {{}})
os.setgroups([]), os.setgid({user}), os.setuid({user})
sys.exit(run_program("tinyocpp", lambda: limit.run(typed, config)))
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can try as somebody else")
@pytest.mark.parametrize("charger_id", [None, "garage"])
def test_whoever_may_not_use_the_socket(house: House, plug: Callable[..., Plugged], charger_id: str | None) -> None:
    plugged = plug("garage", **SMART)
    for folder in [house.folder, *house.folder.parents]:
        if str(folder) == gettempdir():
            break
        folder.chmod(0o755)  # pytest closes its folders to others
    script = WITHOUT_RIGHTS.format(user=NOBODY, config=str(house.configuration), charger=charger_id)
    ended = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
        env={"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert (ended.returncode, "only root may command chargers" in ended.stderr) == (77, True), ended.stderr
    assert (wishes(house), plugged.asked) == ({}, [])


# ------------------------------------------------------------------------------------------------ while the word waits


async def told(garage: Charger) -> tuple[str, float]:
    """The next profile it is sent, having been asked for its keys and its samples: message id, limit."""
    while True:
        message_id, action, payload = await garage.next_call()
        if action == "SetChargingProfile":
            period = payload["csChargingProfiles"]["chargingSchedule"]["chargingSchedulePeriod"][0]
            return message_id, period["limit"]
        await garage.answer(message_id, {"configurationKey": []} if action == "GetConfiguration" else ACCEPTED)


@within(20)
async def test_one_that_drops_its_connection_in_the_middle(tmp_path: Any, capsys: Any) -> None:
    site = Site(tmp_path, '[chargers]\nadmit = "any"')
    async with site.listening() as listener:
        async with charger(listener) as garage:
            await garage.boot()
            limiting = asyncio.create_task(typed(site, "limit", "10A"))
            assert (await told(garage))[1] == 10.0
        async with charger(listener) as garage:
            await garage.ask("Heartbeat", {})  # with its first frame it is asked
            message_id, limit_a = await told(garage)
            assert limit_a == 10.0
            await garage.answer(message_id, ACCEPTED)
            assert await limiting == 0
    out, err = capsys.readouterr()
    assert (out, "waiting for it to come back" in err) == (f"garage, connector 1: 10 A: {NOT_VERIFIED}", True)


@within(20)
async def test_another_word_meanwhile(tmp_path: Any, capsys: Any) -> None:
    """It counts; whoever typed the first learns that."""
    site = Site(tmp_path, '[chargers]\nadmit = "any"')
    async with site.listening() as listener, charger(listener) as garage:
        await garage.boot()
        await status(garage, "Available")
        first = asyncio.create_task(typed(site, "limit", "10A"))
        await told(garage)
        assert await typed(site, "limit", "8A", "--timeout", "0.5") == 75
        await garage.ask("Heartbeat", {})
        assert await first == 1
    assert "another limit has been typed meanwhile, and counts" in capsys.readouterr().err
