"""`tinyocpp status` of power: the limit, the mode, what the control program does, and what is wrong with them."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from tinyocpp.companions import controlnotes
from tinyocpp.companions.controlnotes import ConnectorNote, MeterNote, Notes
from tinyocpp.dealings import LimitState, Told, Wish, Wished
from tinyocpp.hosts.runtimedir import prepare_runtime
from tinyocpp.messages.core import StatusNotification

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import House, Plugged

NOW = datetime.now(UTC).replace(microsecond=0)
TEN = Wished(charger_id="garage", connector_id=0, wish=Wish(current_a=10.0), at=NOW)
WAITING = "waiting 40 s for enough sun: 1,120 of 1,380 W"


@pytest.fixture
def known(house: House) -> House:
    books = house.books()
    books.boot("garage", NOW)
    books.status("garage", "Preparing", NOW)
    books.close()
    return house


def told(house: House, state: LimitState, words: str, wished: Wished = TEN) -> None:
    """What was wished, and what has come of it."""
    books = house.books()
    with books.batch():
        books.store.ledger.keep_wish(wished)
        books.store.ledger.keep_told(
            Told(
                charger_id="garage",
                connector_id=1,
                wished_at=wished.at,
                current_a=wished.wish.current_a,
                state=state,
                words=words,
                at=NOW,
            )
        )
    books.close()


def control(house: House, meter: MeterNote | None = None) -> None:
    waiting = ConnectorNote(charger_id="garage", connector_id=1, mode="solar", current_a=0.0, phases=1, words=WAITING)
    notes = Notes(at=datetime.now(UTC), pid=os.getpid(), meter=meter, connectors=(waiting,))
    controlnotes.write(prepare_runtime(str(house.runtime), ""), notes)


def connector(house: House) -> dict[str, Any]:
    [charger] = json.loads(house.type("status", "--json")[1])
    [row] = charger["connectors"]
    return {name: row[name] for name in ("wish", "limit_state", "limit_words", "mode", "control")}


def test_nothing_wished_and_nobody_controls(known: House) -> None:
    assert connector(known) == {
        "wish": None,
        "limit_state": None,
        "limit_words": None,
        "mode": "fast",
        "control": None,
    }


def test_for_programs(known: House) -> None:
    told(known, LimitState.VERIFIED, "10 A: verified, it follows")
    control(known)
    assert connector(known) == {
        "wish": {"current_a": 10.0, "power_w": None, "phases": None},
        "limit_state": "verified",
        "limit_words": "10 A: verified, it follows",
        "mode": "solar",
        "control": WAITING,
    }


def test_for_people(known: House, plug: Callable[..., Plugged]) -> None:
    plug("garage")
    told(known, LimitState.ACCEPTED, "10 A: accepted, not yet verified")
    control(known)
    assert known.type("status")[1].splitlines()[2:] == [
        f"garage, connector 1: solar, {WAITING}; 10 A: accepted, not yet verified"
    ]


@pytest.mark.parametrize(("here", "words"), [(True, "not told yet"), (False, "applies when it connects")])
def test_a_wish_that_has_not_arrived(known: House, plug: Callable[..., Plugged], here: bool, words: str) -> None:
    if here:
        plug("garage")
    books = known.books()
    with books.batch():
        books.store.ledger.keep_wish(TEN)
    books.close()
    found = connector(known)
    assert (found["limit_state"], found["limit_words"]) == ("asked", f"10 A: {words}")


def test_what_is_left_with_one_that_is_steered(known: House) -> None:
    """It charges with what the sun gives; what stays in the charger is for when nobody says anything any more."""
    books = known.books()
    left = Told(charger_id="garage", connector_id=1, current_a=6.0, state=LimitState.ACCEPTED, at=NOW, leftover=True)
    with books.batch():
        books.store.ledger.keep_told(msgspec.structs.replace(left, words="6 A: accepted, not yet verified"))
    books.close()
    assert connector(known)["limit_words"] == "should nothing steer it any more, 6 A: accepted, not yet verified"
    books = known.books()
    with books.batch():
        books.store.ledger.keep_wish(TEN)
        books.store.ledger.keep_told(msgspec.structs.replace(left, words="6 A: verified, it follows", wished_at=NOW))
    books.close()
    assert connector(known)["limit_words"] == ("10 A; should nothing steer it any more, 6 A: verified, it follows")


def test_a_charger_that_follows_what_moves_keeps_the_owners_limit(known: House) -> None:
    left = Told(charger_id="garage", connector_id=1, current_a=0.0, state=LimitState.ACCEPTED, at=NOW, leftover=True)
    books = known.books()
    with books.batch():
        books.store.ledger.keep_wish(TEN)
        followed = {"words": "pause: accepted", "wished_at": NOW, "steered": LimitState.VERIFIED}
        books.store.ledger.keep_told(msgspec.structs.replace(left, **followed))
    books.close()
    found = connector(known)
    words = "10 A: verified, it follows; should nothing steer it any more, pause: accepted"
    assert (found["limit_state"], found["limit_words"]) == ("verified", words)
    books = known.books()
    with books.batch():
        books.store.ledger.keep_told(msgspec.structs.replace(left, **followed, current_a=10.0))
    books.close()
    assert connector(known)["limit_words"] == "10 A: verified, it follows"


def test_what_is_said_for_the_charger_as_a_whole_counts_at_its_other_connectors(known: House) -> None:
    books = known.books()
    eight = Told(charger_id="garage", connector_id=1, current_a=8.0, state=LimitState.VERIFIED, at=NOW, whole=True)
    with books.batch():
        ledger = books.store.ledger
        ledger.keep_told(msgspec.structs.replace(eight, words="8 A: verified, it follows"))
        third = StatusNotification(connector_id=3, error_code="NoError", status="Charging")
        ledger.status("garage", third, NOW)
        ledger.keep_told(msgspec.structs.replace(eight, connector_id=2, current_a=0.0, words="pause: verified"))
    books.close()
    least = "pause, said for connector 2, is for the charger as a whole"
    found = [one["limit_words"] for one in json.loads(known.type("limit", "--json")[1])]
    assert found == [f"8 A: verified, it follows; {least}", "pause: verified", least]


FAULTS = {
    LimitState.REFUSED: (
        "10 A: refused in 9 ways (Rejected)",
        "; it is told again after its next start: tinyocpp charger reset --charger garage",
    ),
    LimitState.IGNORED: (
        "10 A: accepted, but it draws 16.0 A, and knows no other way",
        "; set it at the charger itself, or see what docs/limits.md says",
    ),
}


@pytest.mark.parametrize(("state", "words"), FAULTS.items(), ids=FAULTS)
def test_a_limit_that_does_not_hold_is_wrong(known: House, state: LimitState, words: tuple[str, str]) -> None:
    said, remedy = words
    told(known, state, said)
    line = f"! garage: connector 1 limit {said}{remedy}"
    assert line in known.type("status")[1].splitlines()
    assert f"connector 1 limit {said}" in known.type("doctor")[1]


def test_a_charger_that_cannot_be_steered_is_wrong_while_something_steers(known: House) -> None:
    books = known.books()
    left = Told(charger_id="garage", connector_id=1, current_a=6.0, state=LimitState.VERIFIED, at=NOW, leftover=True)
    with books.batch():
        books.store.ledger.keep_told(msgspec.structs.replace(left, unsteered="refused in 13 ways (Rejected)"))
    books.close()
    assert "! garage: connector 1 cannot be steered: refused in 13 ways (Rejected)" in known.type("status")[1]
    books = known.books()
    with books.batch():
        books.store.ledger.keep_told(msgspec.structs.replace(left, unsteered="refused", leftover=False))
    books.close()
    assert "cannot be steered" not in known.type("status")[1]


def test_a_mode_that_nobody_sees_to(known: House, plug: Callable[..., Plugged]) -> None:
    plug("garage")
    books = known.books()
    with books.batch():
        books.store.register.set_mode("garage", "off", NOW)
    books.close()
    assert (
        "- garage: its mode is off, but no control program says anything, so it charges fast;"
        " restart the listener, which starts one; beside a bare backend: tinyocpp control"
    ) in known.type("status")[1].splitlines()
    control(known)
    assert "no control program" not in known.type("status")[1]


def test_a_connection_that_nobody_shares(known: House, plug: Callable[..., Plugged]) -> None:
    with known.configuration.open("a") as file:
        file.write("[sharing]\nlimit_a = 25\n")
    assert "no control program" not in known.type("status")[1]  # nobody is there to share it
    plug("garage")
    assert (
        "! the connection is shared, but no control program says how: each charger has what was left with it;"
        " restart the listener, which starts one; beside a bare backend: tinyocpp control"
    ) in known.type("status")[1].splitlines()
    control(known)
    assert "no control program" not in known.type("status")[1]


def test_a_meter_that_is_not_used(known: House) -> None:
    control(known, MeterNote(words="no figure for 50 s"))
    assert "! the meter is not used: no figure for 50 s; see what it says: tinyocpp meter" in known.type("status")[1]
    control(known, MeterNote(grid_w=120.0))
    assert "the meter is not used" not in known.type("status")[1]


def test_what_is_wished_of_a_connector_of_its_own(known: House) -> None:
    told(known, LimitState.VERIFIED, "10 A: verified, it follows")
    pause = Wished(charger_id="garage", connector_id=1, wish=Wish(current_a=0.0, phases=1), at=NOW)
    told(known, LimitState.VERIFIED, "pause: verified, it follows", pause)
    assert connector(known)["wish"] == {"current_a": 0.0, "power_w": None, "phases": 1}
