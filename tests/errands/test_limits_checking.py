"""Does it follow? If not it is told in another way, and the owner hears (errands/limiting/checking.py)."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

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


TEN_ON_ONE_W = 2300.0


@pytest.mark.parametrize("more", [(), ("no-phase-currents",), ("no-composite-schedule",)], ids=" ".join)
@pytest.mark.parametrize("maximum_a", [16.0, 20.0, 32.0])
def test_C18_watts_of_one_phase_are_told_before_another_way_is(maximum_a: float, more: tuple[str, ...]) -> None:
    """Its car draws more than it may, though less than the watts it was told: they were meant for three."""
    pair = charging("watts-only", "watts-of-one-phase", *more, maximum_a=maximum_a)
    pair.wish(current_a=10.0)
    pair.go(60)
    assert [one["limit"] for one in pair.profiles()] == [6900.0, TEN_ON_ONE_W]
    assert (pair.state(), pair.drawn_a()) == (VERIFIED, 10.0)
    assert pair.talk.store.ledger.manner("garage").ignored == ()


def test_C18_watts_of_one_phase_by_what_is_offered() -> None:
    """No current is told, but more is offered than it may draw, and the power is what that makes on one phase."""
    pair = charging("watts-only", "watts-of-one-phase", "no-import-currents", "no-composite-schedule")
    pair.wish(current_a=10.0)
    pair.go(60)
    assert [one["limit"] for one in pair.profiles()] == [6900.0, TEN_ON_ONE_W]
    assert (pair.state(), pair.drawn_a()) == (VERIFIED, 10.0)


def test_C18_watts_of_one_phase_by_the_power_alone() -> None:
    """No car draws so little on three."""
    pair = charging("watts-only", "watts-of-one-phase", "no-currents", "no-composite-schedule", maximum_a=16.0)
    pair.wish(current_a=10.0)
    pair.go(60)
    assert [one["limit"] for one in pair.profiles()] == [6900.0, TEN_ON_ONE_W]
    assert (pair.state(), pair.drawn_a()) == (VERIFIED, 10.0)


def test_C18_little_power_may_be_the_cars_and_then_it_charges_on() -> None:
    """A small car on three phases: told the watts of one, it is offered too little, and that is tried once."""
    pair = charging("watts-only", "no-currents", power_w=3600.0)
    pair.wish(current_a=10.0)
    pair.go(600)
    assert [one["limit"] for one in pair.profiles()] == [6900.0, TEN_ON_ONE_W, 6900.0]
    assert pair.drawn_a() == 5.2


def test_C18_a_car_that_is_nearly_full_is_left_alone() -> None:
    pair = charging("watts-only", "no-currents")
    pair.wish(current_a=10.0)
    pair.go(60)
    pair.station.connectors[1].car.power_w = 3600.0
    pair.go(300)
    assert [one["limit"] for one in pair.profiles()] == [6900.0]


def swings(pair: Pair) -> int:
    """How often what it is told has changed."""
    limits = [one["limit"] for one in pair.profiles()]
    return sum(sooner != later for sooner, later in pairwise(limits))


def test_M8_one_current_that_is_of_all_phases_together() -> None:
    """It looks like all of the watts on one phase. Told those of one it holds back, which tells; and that is tried once
    in a charge."""
    pair = charging("watts-only", "adds-currents-up")
    pair.wish(current_a=10.0)
    pair.go(1800)
    assert swings(pair) == 2
    assert (pair.state(), pair.drawn_a()) == (VERIFIED, 10.0)
    assert pair.words() == "10 A: verified, it follows; the one current it tells is of all phases together"
    pair = pair.again()
    pair.go(600)
    assert (pair.drawn_a(), swings(pair)) == (10.0, 0)


def test_M8_one_current_of_all_phases_together_where_amperes_are_taken() -> None:
    """It looks like three times as much as it was told; in the end it charges, and is left at that."""
    pair = charging("adds-currents-up")
    pair.wish(current_a=10.0)
    pair.go(600)
    told = len(pair.profiles())
    assert pair.drawn_a() == 10.0
    pair.go(1800)
    assert len(pair.profiles()) == told


def test_what_was_not_followed_in_one_unit_and_refused_in_the_other_was_not_refused() -> None:
    pair = charging("watts-only", "accepts-and-ignores")
    pair.wish(current_a=10.0)
    pair.go(600)
    assert pair.state() is IGNORED
    assert pair.words() == (
        "10 A: accepted in 12 ways and followed in none, refused in all others (Rejected); see docs/chargers.md"
    )


def test_a_pause_that_is_kept_tells_nothing_of_what_watts_are_of() -> None:
    pair = charging("watts-only")
    pair.talk.store.ledger.keep_manner("garage", Manner(firmware=pair.station.firmware, watts_of=1))
    pair.wish(current_a=0.0)
    pair.go(90)
    assert (pair.state(), pair.drawn_a()) == (LimitState.VERIFIED, 0.0)
    assert pair.talk.store.ledger.manner("garage").watts_of == 1
