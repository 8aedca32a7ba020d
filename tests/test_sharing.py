"""Sharing under a given clock: who gets what, hour by hour. What never is: test_sharing_never.py."""

from __future__ import annotations

from itertools import pairwise
from math import inf, nan
from random import Random

import msgspec
import pytest
from shared_house import Car, Connection, Second, changes, told

from tinyocpp.headroom import Reading
from tinyocpp.modes import SharingConfig
from tinyocpp.parties import Currents, Party
from tinyocpp.sharing import State, share

SETTLED_S = 400
EVEN: Currents = (5.0, 5.0, 5.0)


def amperes(seconds: list[Second], key: str = "garage") -> list[float]:
    """One after the other, as it was told."""
    all_of_them = [second.shares[key].current_a for second in seconds]
    return [all_of_them[0], *(after for before, after in pairwise(all_of_them) if before != after)]


# -------------------------------------------------------------------------------------------------------------- one car


@pytest.mark.parametrize(
    ("car", "load", "expected"),
    [
        (Car(), (5, 5, 5), (16, 3)),
        (Car(), (5, 17, 5), (8, 3)),
        (Car(), (5, 19.5, 5), (0, 3)),
        (Car(can_swap=True), (5, 19.5, 5), (16, 1)),
        (Car(can_swap=True), (19.5, 5, 5), (0, 3)),
        (Car(can_swap=True, rotation="STR"), (19.5, 5, 5), (16, 1)),
        (Car(phases=1), (5, 24, 24), (16, 1)),
        (Car(phases=1), (15, 5, 5), (10, 1)),
        (Car(phases=1, rotation="TRS"), (5, 5, 15), (10, 1)),
        (Car(phases=2, rotation="RTS"), (5, 24, 15), (10, 2)),
        (Car(step_a=1), (5, 5, 15.4), (9, 3)),
        (Car(min_a=6.3, step_a=1), (5, 5, 18.5), (0, 3)),  # 7 A is the least it can be told
        (Car(max_a=5), (0, 0, 0), (0, 3)),
        (Car(), (-20, 5, 5), (16, 3)),
        (Car(max_a=32, takes_a=32), (-20, -20, -20), (25, 3)),  # what the sun gives is not counted on
    ],
)
def test_a_constant_house(car: Car, load: Currents, expected: tuple[float, int]) -> None:
    connection = Connection([car])
    assert told(connection.last(load, SETTLED_S)) == {"garage": expected}


def test_a_load_is_made_way_for_at_once_and_comes_back_in_steps() -> None:
    connection = Connection([Car()])
    connection.last(EVEN, SETTLED_S)
    oven = connection.live([(17.0, 5.0, 5.0)] * 120)
    assert oven[0].shares["garage"].current_a == 8
    over = [second for second in oven if second.total[0] > 25]
    assert len(over) <= 9  # until charger and car have heard
    after = connection.live([EVEN] * 130)
    at = {second.now_s - after[0].now_s: second.shares["garage"].current_a for second in after}
    assert (at[59], at[60], at[119], at[120]) == (8, 14, 14, 16)


def test_a_thermostat_is_not_followed() -> None:
    connection = Connection([Car()])
    plate = ([(15.0, 5.0, 5.0)] * 12 + [EVEN] * 18) * 20
    connection.live(plate)
    assert set(amperes(connection.live(plate))) == {10}


def test_one_phase_and_back_after_the_dwell() -> None:
    connection = Connection([Car(can_swap=True)])
    connection.last(EVEN, SETTLED_S)
    short = connection.live([(5.0, 20.0, 5.0)] * 60)
    assert told(short[0]) == {"garage": (16, 1)}
    assert short[0].shares["garage"].words == "16 A on one phase: the house takes 20 A of 25 A on L2"
    back = connection.live([EVEN] * 400)
    three = next(second for second in back if second.shares["garage"].phases == 3)
    assert three.now_s - short[0].now_s == 300
    assert told(back[-1]) == {"garage": (16, 3)}


def test_a_pause_has_an_end_but_not_too_soon() -> None:
    connection = Connection([Car()])
    connection.last(EVEN, SETTLED_S)
    paused = connection.live([(5.0, 20.0, 5.0)] * 10)
    assert paused[-1].shares["garage"].words == "paused: the house takes 20 A of 25 A on L2"
    waiting = connection.live([EVEN] * 150)
    started = next(second for second in waiting if second.shares["garage"].current_a)
    assert started.now_s - paused[0].now_s == 121  # the second it was told is not known as paused yet
    assert waiting[70].shares["garage"].words == "paused: starts in 41 s"


def test_the_reserve_is_left() -> None:
    connection = Connection([Car()], SharingConfig(limit_a=25, reserve_a=5))
    assert told(connection.last((5, 10, 5), SETTLED_S)) == {"garage": (10, 3)}


def test_one_that_may_not_have_what_a_car_needs_is_paused() -> None:
    second = Connection([Car(max_a=5)]).last((0, 0, 0), 10)
    assert told(second) == {"garage": (0, 3)}
    assert second.shares["garage"].words == "paused: it is allowed less than a car can take"


def test_nothing_is_shared_without_a_limit() -> None:
    connection = Connection([Car(max_a=32), Car("carport")], SharingConfig())
    second = connection.last((90, 90, 90), 100)
    assert told(second) == {"garage": (32, 3), "carport": (16, 3)}
    assert {share.words for share in second.shares.values()} == {"32 A", "16 A"}


def test_a_car_that_sleeps_has_its_current_kept_and_may_wake() -> None:
    """Granted is as good as drawn: the second car has what the first would leave if it woke."""
    connection = Connection([Car(wakes_s=1500), Car("carport")], interval_s=5)
    asleep = connection.live([(9.0, 9.0, 9.0)] * 1490)
    assert told(asleep[-1]) == {"garage": (8, 3), "carport": (8, 3)}
    awake = connection.live([(9.0, 9.0, 9.0)] * 600)
    assert changes(awake) == 0
    assert max(second.total[0] for second in awake) <= 25


@pytest.mark.parametrize("standby_a", [0.0, 0.4])
def test_a_car_that_wakes_late_into_the_last_of_it_is_not_taken_for_the_house(standby_a: float) -> None:
    connection = Connection([Car(wakes_s=90, measured_every_s=60, standby_a=standby_a)])
    seconds = connection.live([(19.0, 19.0, 19.0)] * 900)
    assert amperes(seconds) == [6]
    assert seconds[-1].total[0] == 25


def test_a_car_that_is_measured_while_it_wakes_is_not_done_yet() -> None:
    cars = [Car(phases=1, min_a=8, step_a=1, wakes_s=40, measured_every_s=5, ramp_a_s=0.7)]
    connection = Connection([*cars, Car("carport", phases=1, max_a=8, measured_every_s=30)], interval_s=5)
    seconds = connection.live([(9.0, 9.0, 9.0)] * 600)
    assert amperes(seconds[10:]) == [8]


@pytest.mark.parametrize("inexact", [0.95, 1.05])
def test_a_car_that_is_inexact_is_not_hunted(inexact: float) -> None:
    connection = Connection([Car(inexact=inexact), Car("carport", priority=1, inexact=inexact)], interval_s=5)
    connection.last((9, 9, 9), SETTLED_S)
    seconds = connection.live([(9.0, 9.0, 9.0)] * 1000)
    assert changes(seconds) == 0
    assert max(second.total[0] for second in seconds) <= 25.5


def test_a_house_that_flickers_is_not_followed() -> None:
    connection = Connection([Car(), Car("carport")], interval_s=5, meter_s=5)
    flicker = Random(4)
    load = [(9 + flicker.uniform(-0.3, 0.3), 9.0, 9.0) for _ in range(2 * 3600)]
    seconds = connection.live(load)
    assert changes(seconds[600:]) <= 8
    assert max(second.total[0] for second in seconds) <= 25.7


# -------------------------------------------------------------------------------------------------------------- several


def shares_of(cars: list[Car], limit_a: float) -> dict[str, tuple[float, int]]:
    """Without a meter, after a while."""
    connection = Connection(cars, SharingConfig(limit_a=limit_a, dwell_s=30), interval_s=5, metered=False)
    return told(connection.last((0, 0, 0), 120))


@pytest.mark.parametrize(
    ("limit_a", "garage", "carport", "yard"),
    [
        (48, (16, 3), (16, 3), (16, 3)),
        (42, (16, 3), (16, 3), (10, 3)),
        (38, (16, 3), (16, 3), (6, 3)),  # the lowest to its minimum
        (33, (16, 3), (11, 3), (6, 3)),
        (20, (8, 3), (6, 3), (6, 3)),
        (17, (11, 3), (6, 3), (0, 3)),  # then it pauses
        (11, (11, 3), (0, 3), (0, 3)),
        (5, (0, 3), (0, 3), (0, 3)),
    ],
)
def test_in_the_order_of_priority(limit_a: float, garage: object, carport: object, yard: object) -> None:
    cars = [Car("yard", priority=-1), Car("carport"), Car("garage", priority=1)]
    assert shares_of(cars, limit_a) == {"garage": garage, "carport": carport, "yard": yard}


@pytest.mark.parametrize(
    ("limit_a", "garage", "yard"),
    [
        (20, (14, 3), (6, 3)),
        (11.5, (11.5, 3), (0, 3)),
    ],
)
def test_one_phase_helps_only_where_another_is_short(limit_a: float, garage: object, yard: object) -> None:
    cars = [Car("yard", can_swap=True), Car("garage", priority=1)]
    assert shares_of(cars, limit_a) == {"garage": garage, "yard": yard}


def test_the_lower_falls_to_one_phase_first() -> None:
    connection = Connection([Car("yard", can_swap=True), Car("garage", priority=1, can_swap=True)])
    assert told(connection.last((5, 14, 5), SETTLED_S)) == {"garage": (11, 3), "yard": (9, 1)}


@pytest.mark.parametrize(
    ("cars", "limit_a", "expected"),
    [
        ([Car("a"), Car("b")], 25, [(12.5, 3), (12.5, 3)]),
        ([Car("a", step_a=1), Car("b", step_a=1)], 25, [(12, 3), (12, 3)]),
        ([Car("a", max_a=8), Car("b"), Car("c")], 32, [(8, 3), (12, 3), (12, 3)]),
        ([Car("a", phases=1), Car("b", phases=1, rotation="STR")], 16, [(16, 1), (16, 1)]),
        ([Car("a", phases=1), Car("b"), Car("c", phases=1, rotation="STR")], 24, [(12, 1), (12, 3), (12, 1)]),
        ([Car("a", min_a=8), Car("b")], 15, [(8, 3), (7, 3)]),
        # both on one phase each are better than one that waits
        ([Car("a", can_swap=True), Car("b", can_swap=True, rotation="STR")], 10, [(10, 1), (10, 1)]),
        # and who need not fall does not
        (
            [Car("a", can_swap=True), Car("b", can_swap=True, rotation="STR"), Car("c", phases=1)],
            13,
            [(6.5, 3), (6.5, 1), (6.5, 1)],
        ),
    ],
    ids=range(8),
)
def test_equals_have_the_same(cars: list[Car], limit_a: float, expected: list[tuple[float, int]]) -> None:
    assert list(shares_of(cars, limit_a).values()) == expected


def test_what_one_gives_up_another_has_only_when_it_surely_is_free() -> None:
    connection = Connection([Car(), Car("carport", wants=False)])
    connection.last(EVEN, SETTLED_S)
    connection.cars[1].wants = True
    coming = connection.live([EVEN] * 100)
    assert told(coming[0]) == {"garage": (10, 3), "carport": (0, 3)}
    assert coming[0].shares["carport"].words == "starts as soon as there surely is enough"
    assert told(coming[24]) == {"garage": (10, 3), "carport": (0, 3)}
    assert told(coming[25]) == {"garage": (10, 3), "carport": (10, 3)}
    assert max(second.total[0] for second in coming) <= 25
    connection.cars[1].wants = False
    leaving = connection.live([EVEN] * 30)
    assert [told(leaving[at])["garage"][0] for at in (0, 24, 25)] == [10, 10, 16]
    assert leaving[0].shares["carport"].words == "no car wants current"


def test_equals_take_turns_where_there_is_not_enough() -> None:
    cars = [Car(key) for key in ("garage", "carport", "yard")]
    connection = Connection(cars, SharingConfig(limit_a=17), interval_s=30, metered=False)
    day = connection.live([(0.0, 0.0, 0.0)] * 6 * 3600)
    hours = {car.key: sum(bool(told(second)[car.key][0]) for second in day) / 3600 for car in cars}
    assert all(3.5 < charging < 4.5 for charging in hours.values())  # two of three at a time
    assert changes(day) / 6 < 20  # an hour
    waiting = [second.shares["garage"].words for second in day if not told(second)["garage"][0]]
    assert {"paused: its turn comes in 13 min", "paused: its turn comes in 1 min"} <= set(waiting)


def test_nobody_takes_turns_with_whom_goes_before() -> None:
    connection = Connection([Car(), Car("carport", priority=1)], SharingConfig(limit_a=10), 10, metered=False)
    seconds = connection.live([(0.0, 0.0, 0.0)] * 4000)
    assert {second.shares["garage"].words for second in seconds} == {"paused: priority goes to carport"}
    assert seconds[-1].shares["carport"].words == "shared: 10 A of 16 A, all chargers together have 10 A"


# ------------------------------------------------------------------------------- those who do not listen or cannot hear


def test_one_that_ignores_its_limit_is_counted_with_what_it_draws() -> None:
    connection = Connection([Car(), Car("carport", obeys=False)])
    second = connection.last(EVEN, SETTLED_S)
    assert second.total[0] <= 25
    assert second.shares["carport"].words == "takes 16 A whatever it is told: the others have what it leaves"
    assert second.shares["garage"].words == "paused: the house takes 5 A of 25 A on L1"
    assert told(second)["carport"] == (10, 3)  # what it would have if it listened
    connection.cars[1].obeys = True
    assert told(connection.last(EVEN, SETTLED_S)) == {"garage": (10, 3), "carport": (10, 3)}


def test_one_that_is_lost_may_take_its_fallback() -> None:
    connection = Connection([Car(), Car("carport")])
    connection.last((9, 9, 9), SETTLED_S)
    connection.cars[1].away = True
    second = connection.last((9, 9, 9), SETTLED_S)
    assert told(second) == {"garage": (10, 3), "carport": (6, 3)}
    assert second.shares["carport"].words == "not connected: may take 6 A"
    assert second.total[0] == 25
    connection.cars[1].away = False
    assert told(connection.last((9, 9, 9), SETTLED_S)) == {"garage": (8, 3), "carport": (8, 3)}


def test_one_that_is_gone_for_good_is_forgotten() -> None:
    connection = Connection([Car(), Car("carport")])
    connection.last((9, 9, 9), SETTLED_S)
    connection.cars.pop()
    assert told(connection.last((9, 9, 9), SETTLED_S)) == {"garage": (16, 3)}


def test_unmeasured_cars_are_taken_to_draw_what_they_may() -> None:
    connection = Connection([Car(measured_every_s=0), Car("carport", measured_every_s=0)])
    seconds = connection.live([(9.0, 9.0, 9.0)] * SETTLED_S + [(13.0, 9.0, 9.0)] * SETTLED_S)
    assert told(seconds[SETTLED_S - 1]) == {"garage": (8, 3), "carport": (8, 3)}
    assert told(seconds[-1]) == {"garage": (6, 3), "carport": (6, 3)}
    assert changes(seconds) <= 3


# ----------------------------------------------------------------------------------------------------- meters that fail


def test_a_silent_meter_leaves_the_safe_share() -> None:
    connection = Connection([Car(), Car("carport", priority=1)])
    connection.last(EVEN, SETTLED_S)
    connection.meter = lambda reading: None
    seconds = connection.live([EVEN] * 200)
    at = {second.now_s - seconds[0].now_s: told(second) for second in seconds}
    assert at[29] == {"garage": (6, 3), "carport": (14, 3)}
    assert at[30] == at[199] == {"garage": (0, 3), "carport": (6, 3)}
    assert seconds[40].shares["carport"].words == (
        "shared: 6 A of 16 A, all chargers together have 6 A, until the meter is back: no figure to believe for 41 s"
    )
    connection.meter = lambda reading: reading
    assert told(connection.last(EVEN, 60)) == {"garage": (6, 3), "carport": (14, 3)}


def test_the_safe_share_may_be_nothing() -> None:
    connection = Connection([Car()], SharingConfig(limit_a=25, safe_a=0))
    connection.last(EVEN, SETTLED_S)
    connection.meter = lambda reading: None
    assert told(connection.last(EVEN, 31)) == {"garage": (0, 3)}


def test_before_the_first_figure_what_was_told_stays() -> None:
    """So that a start of tinyocpp stops nobody; and a meter that never comes stops nobody for ever."""
    party = Party(key="garage", name="garage", allowed_a=16)
    state = State()
    for now_s, expected_a in ((0, 16), (30, 16), (31, 6)):
        state, shares = share(state, SharingConfig(limit_a=25), [party], None, now_s)
        assert shares["garage"].current_a == expected_a
    connection = Connection([Car()])
    connection.meter = lambda reading: None
    assert told(connection.last(EVEN, 30)) == {"garage": (0, 3)}
    assert told(connection.last(EVEN, 30)) == {"garage": (6, 3)}


@pytest.mark.parametrize("wrong", [nan, inf, -inf, 501.0, 1e300], ids=str)
def test_what_is_no_number_or_absurd_is_not_used(wrong: float) -> None:
    connection = Connection([Car()])
    connection.last(EVEN, SETTLED_S)
    connection.meter = lambda reading: msgspec.structs.replace(reading, currents_a=(5.0, wrong, 5.0))
    assert amperes(connection.live([EVEN] * 40)) == [16, 6]


@pytest.mark.parametrize(
    "wrong", [{"read_s": inf}, {"read_s": nan}, {"delay_s": nan}, {"delay_s": -5.0}, {"delay_s": 90.0}], ids=str
)
def test_a_reading_of_no_time_or_of_long_ago_is_not_used(wrong: dict[str, float]) -> None:
    connection = Connection([Car()])
    connection.last(EVEN, SETTLED_S)
    connection.meter = lambda reading: msgspec.structs.replace(reading, **wrong)
    assert amperes(connection.live([EVEN] * 40)) == [16, 6]


def test_a_meter_that_hangs_is_found_out() -> None:
    """It shows the same whatever the cars take; believed, what they let go of would be the house's and the reverse."""
    connection = Connection([Car(), Car("carport", wants=False)])
    connection.last(EVEN, SETTLED_S)
    hung = Reading(currents_a=(21.0, 21.0, 21.0), read_s=0)
    connection.meter = lambda reading: msgspec.structs.replace(hung, read_s=reading.read_s)
    connection.cars[1].wants = True
    seconds = connection.live([EVEN] * 300)
    assert sum(current_a for current_a, _ in told(seconds[-1]).values()) == 6
    connection.meter = lambda reading: reading
    assert told(connection.last(EVEN, SETTLED_S)) == {"garage": (10, 3), "carport": (10, 3)}


def test_a_quiet_night_is_no_meter_that_hangs() -> None:
    connection = Connection([Car(measured_every_s=60)], interval_s=5, meter_s=5, delay_s=3)
    assert amperes(connection.live([(0.0, 0.0, 0.0)] * 3600))[-1] == 16
    assert not connection.state.house.hangs
