"""Does it follow? If not it is told in another way, and the owner hears (errands/limiting/checking.py)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pair import Pair, charging

from tinyocpp.dealings import LimitState, Manner, Shape
from tinyocpp.limits import first_shape, walk
from tinyocpp.makers import Quirks
from tinyocpp.manners import Facts

ACCEPTED, VERIFIED, IGNORED = LimitState.ACCEPTED, LimitState.VERIFIED, LimitState.IGNORED


def test_C14_accepted_and_not_applied() -> None:
    """Within a minute it is told in another way, and the owner hears; in the end that it knows no other."""
    pair = charging("accepts-and-ignores")
    pair.wish(current_a=10.0)
    pair.go(60)
    said = [str(event["words"]) for event in pair.limit_events()]
    assert said[1] == "10 A: accepted, but it draws 16.0 A; telling it in another way"
    assert pair.words() == "10 A: accepted, not yet verified; it did not follow in 2 other ways"
    pair.go(400)
    assert pair.state() is IGNORED
    assert pair.words() == "10 A: accepted, but it draws 16.0 A, and knows no other way; see docs/chargers.md"
    assert len(pair.profiles()) == 13
    pair.go(1200)
    assert len(pair.profiles()) == 13  # and it is left at that


def test_C14_what_was_not_followed_is_taken_back() -> None:
    pair = charging("stores-and-ignores")
    pair.wish(current_a=10.0)
    pair.go(500)
    pair.wish()
    pair.go(10)
    assert len(pair.station.profiles) == 0


def test_C14_a_pause_that_is_not_followed_ends_the_charge() -> None:
    pair = charging("accepts-and-ignores")
    pair.wish(current_a=0.0)
    pair.go(120)
    assert pair.drawn_a() == 0.0
    assert pair.words() == "pause: no charge runs, and one that begins is ended, as it bears no other pause"


def test_C8_the_unit_that_is_ignored() -> None:
    """One that does not say so by its key."""
    pair = Pair(vices=["ignores-amperes"])
    pair.station.configuration.set("ChargingScheduleAllowedChargingRateUnit", "Current,Power")
    pair.talk.store.ledger.learn_configuration("garage", {"ChargeProfileMaxStackLevel": "10"})
    pair.plug_in()
    pair.wish(current_a=10.0)
    pair.go(320)
    assert (pair.state(), pair.drawn_a()) == (VERIFIED, 10.0)
    assert pair.profiles()[-1]["unit"] == "W"


def test_C16_a_lower_cap_of_the_installers() -> None:
    pair = charging("installer-cap")
    pair.wish(current_a=16.0)
    pair.go(60)
    assert (pair.state(), pair.drawn_a()) == (VERIFIED, 10.0)


def test_with_nothing_charging_nothing_is_looked_at() -> None:
    pair = Pair()
    pair.wish(current_a=10.0)
    pair.go(600)
    assert pair.state() is ACCEPTED
    assert pair.called("TriggerMessage") == pair.called("GetCompositeSchedule") == []


@pytest.mark.parametrize("vice", ["energy-only", "measures-nothing"])
def test_the_composite_schedule_where_nothing_is_measured(vice: str) -> None:
    pair = charging(vice)
    pair.wish(current_a=10.0)
    pair.go(60)
    assert pair.state() is VERIFIED
    assert len(pair.called("GetCompositeSchedule")) == 1


def test_the_composite_schedule_says_otherwise() -> None:
    pair = charging("measures-nothing", "accepts-and-ignores")
    pair.wish(current_a=10.0)
    pair.go(60)
    assert any("but it means to give 32 A" in str(event["words"]) for event in pair.limit_events())


@pytest.mark.parametrize(
    "answer",
    [
        '3 {"status":"Rejected"}',
        '3 {"status":"Accepted"}',
        '3 {"status":"Accepted","chargingSchedule":[]}',
        '3 {"status":"Accepted","chargingSchedule":{"chargingSchedulePeriod":[]}}',
        '3 {"status":"Accepted","chargingSchedule":{"chargingSchedulePeriod":[{"startPeriod":0,"limit":NaN}]}}',
        '3 {"status":"Accepted","chargingSchedule":{"chargingSchedulePeriod":[{"startPeriod":0,"limit":1e999}]}}',
        '3 {"status":"Accepted","chargingSchedule":{"chargingSchedulePeriod":[{"startPeriod":0,"limit":-1}]}}',
        '4 "NotSupported","",{}',
    ],
)
def test_a_charger_that_shows_nothing_is_neither_believed_nor_doubted(answer: str) -> None:
    pair = charging("measures-nothing")
    pair.instead["GetCompositeSchedule"] = answer
    pair.wish(current_a=10.0)
    pair.go(100)
    assert (pair.state(), pair.words()) == (ACCEPTED, "10 A: accepted; nothing it shows tells whether it follows")
    assert len(pair.profiles()) == 1
    pair.go(600)
    assert len(pair.called("GetCompositeSchedule")) == 1


@pytest.mark.parametrize(
    ("schedule", "state"),
    [
        ('{"chargingRateUnit":"W","chargingSchedulePeriod":[{"startPeriod":0,"limit":6900}]}', VERIFIED),
        (
            '{"chargingRateUnit":"W","chargingSchedulePeriod":[{"limit":2300,"numberPhases":1}]}',
            VERIFIED,
        ),
        ('{"chargingSchedulePeriod":[{"startPeriod":0,"limit":"10.0"},{"startPeriod":9}]}', VERIFIED),
        ('{"chargingRateUnit":"amps","chargingSchedulePeriod":[{"startPeriod":0,"limit":10}]}', VERIFIED),
        ('{"chargingSchedulePeriod":[{"startPeriod":0,"limit":10},{"startPeriod":30,"limit":32}]}', ACCEPTED),
    ],
)
def test_how_composite_schedules_are_written(schedule: str, state: LimitState) -> None:
    """S22: the unit is missing with some; and all of the next minute counts."""
    pair = charging("measures-nothing")
    pair.instead["GetCompositeSchedule"] = f'3 {{"status":"Accepted","chargingSchedule":{schedule}}}'
    pair.wish(current_a=10.0)
    pair.go(45)
    assert pair.state() is state


def test_a_limit_that_was_followed_and_is_not_any_more_is_told_again() -> None:
    pair = charging()
    pair.wish(current_a=10.0)
    pair.go(60)
    pair.station.profiles.clear(pair.everything())
    pair.go(120)
    assert (pair.drawn_a(), pair.state()) == (10.0, VERIFIED)
    assert len(pair.profiles()) == 2
    assert pair.talk.store.ledger.manner("garage").ignored == ()


def test_a_shape_that_is_followed_after_all_is_not_held_against_it() -> None:
    """Its owner has switched load management on (C15), so the first shape does, which had not."""
    pair = charging()
    known = Facts(highest_level=10, quirks=Quirks())
    shapes = walk(first_shape(known, "standing", Manner()), "standing", known, running=True)
    pair.talk.store.ledger.keep_manner("garage", Manner(firmware=pair.station.firmware, ignored=tuple(shapes)))
    pair.wish(current_a=8.0)
    pair.go(60)
    assert (pair.state(), pair.drawn_a()) == (VERIFIED, 8.0)
    assert pair.talk.store.ledger.manner("garage").ignored == tuple(shapes[1:])


def test_a_small_car_shows_by_what_it_is_offered() -> None:
    pair = charging(power_w=3000.0)
    pair.wish(current_a=10.0)
    pair.go(60)
    assert pair.state() is VERIFIED


def test_the_purpose_that_is_ignored_comes_last() -> None:
    """C4: a ChargePointMaxProfile; before it everything else is tried."""
    pair = charging("ignores-max-profile", "default-profile-only")
    pair.wish(current_a=10.0)
    pair.go(60)
    assert pair.talk.store.ledger.manner("garage").standing == Shape(stack_level=10)


@pytest.mark.parametrize("ahead", [timedelta(hours=1), timedelta(hours=-1), timedelta(hours=13)], ids=str)
def test_C6_a_clock_that_is_wrong_hides_nothing(ahead: timedelta) -> None:
    """Local time with a Z: its charge begins in an hour, as it says. What it draws is looked at all the same."""
    pair = charging("accepts-and-ignores", ahead=ahead)
    pair.wish(current_a=10.0)
    pair.go(500)
    assert pair.state() is IGNORED
