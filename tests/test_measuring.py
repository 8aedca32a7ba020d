"""measuring.py: which figures are used, and what is said of those that are not."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinyocpp.measuring import FIGURES, Known, Measured, Patience, Reading, measured, noticed, why_not

PATIENCE = Patience(stale_after_s=30, frozen_after_s=300)


def after(*readings: tuple[float, dict[str, float]], patience: Patience = PATIENCE) -> Known:
    """What is known when these have come, each at its second."""
    known = Known()
    for read_s, figures in readings:
        known = noticed(known, Reading(figures), read_s, patience)
    return known


def every(step_s: float, until_s: float, **figures: float) -> list[tuple[float, dict[str, float]]]:
    """The same again and again."""
    return [(n * step_s, figures) for n in range(int(until_s / step_s) + 1)]


def test_all_there_is() -> None:
    figures = {"grid_w": 100, "pv_w": 3000, "battery_w": -200, "battery_soc": 55, "l1_a": 1, "l2_a": -2, "l3_a": 3}
    assert measured(after((10, figures)), 12) == Measured(
        read_s=10, grid_w=100, pv_w=3000, battery_w=-200, battery_soc=55, currents_a=(1, -2, 3)
    )


def test_what_comes_in_pieces_is_put_together() -> None:
    known = after((10, {"pv_w": 500}), (11, {"grid_w": 1}), (12, {"l1_a": 1, "l2_a": 2}))
    assert measured(known, 12) == Measured(read_s=11, grid_w=1, pv_w=500)  # two currents are none


def test_a_delay_makes_it_older() -> None:
    known = noticed(Known(), Reading({"grid_w": 5}, delay_s=20), 100, PATIENCE)
    found = measured(known, 110)
    assert found == Measured(read_s=100, delay_s=20, grid_w=5)
    assert found.taken_s == 80
    assert why_not(known, "grid_w", 111) == "is 31 s old, of at most 30 s"


@pytest.mark.parametrize("delay_s", [-1.0, math.nan, math.inf, 1e9])
def test_a_delay_that_cannot_be_is_a_day(delay_s: float) -> None:
    known = noticed(Known(), Reading({"grid_w": 5}, delay_s), 100, PATIENCE)
    assert why_not(known, "grid_w", 100) == "is 86400 s old, of at most 30 s"


NONSENSE = {
    "NaN": ("grid_w", math.nan, "is not a number"),
    "endless": ("pv_w", -math.inf, "is not a number"),
    "a power station": ("grid_w", 100_001, "100,001 W is absurd: beyond -100,000 to 100,000 W"),
    "a factory": ("l2_a", -201, "-201 A is absurd: beyond -200 to 200 A"),
    "fuller than full": ("battery_soc", 255, "255 % is absurd: beyond 0 to 100 %"),
}


@pytest.mark.parametrize(("name", "value", "words"), NONSENSE.values(), ids=NONSENSE)
def test_nonsense_is_not_taken(name: str, value: float, words: str) -> None:
    assert why_not(after((0, {name: value})), name, 0) == words


def test_nonsense_takes_no_other_figure_with_it_and_the_last_good_one_stays() -> None:
    known = after((0, {"grid_w": 7}), (5, {"grid_w": math.nan, "pv_w": 800}))
    assert measured(known, 6) == Measured(read_s=0, grid_w=7, pv_w=800)
    assert why_not(known, "grid_w", 31) == "is 31 s old, of at most 30 s; what came since is not a number"
    assert why_not(noticed(known, Reading({"grid_w": 8}), 32, PATIENCE), "grid_w", 32) == ""


def test_nothing_yet() -> None:
    assert measured(Known(), 0) is None
    assert why_not(Known(), "grid_w", 0) == "nothing has come yet"


def test_what_is_too_old_is_left_out() -> None:
    known = noticed(after((0, {"pv_w": 10})), Reading({"grid_w": 1}), 100, PATIENCE)
    assert measured(known, 100) == Measured(read_s=100, grid_w=1)
    slow = after((0, {"pv_w": 10}), patience=Patience(stale_after_s=200))
    assert measured(noticed(slow, Reading({"grid_w": 1}), 100, PATIENCE), 100) == Measured(
        read_s=100, grid_w=1, pv_w=10
    )


def test_a_house_that_stands_still_is_a_meter_that_hangs() -> None:
    known = after(*every(5, 300, grid_w=312.4))
    assert why_not(known, "grid_w", 300) == ""
    known = noticed(known, Reading({"grid_w": 312.4}), 305, PATIENCE)
    assert why_not(known, "grid_w", 305) == "has been the same to the last digit for 305 s, 62 times"
    assert measured(known, 305) is None
    assert why_not(noticed(known, Reading({"grid_w": 312.5}), 310, PATIENCE), "grid_w", 310) == ""


def test_one_that_is_asked_rarely_may_say_the_same_a_few_times() -> None:
    slow = Patience(stale_after_s=300, frozen_after_s=300)
    assert why_not(after(*every(60, 480, grid_w=312), patience=slow), "grid_w", 480) == ""
    assert why_not(after(*every(60, 540, grid_w=312), patience=slow), "grid_w", 540) != ""


def test_nothing_may_be_drawn_for_hours_unless_the_rest_of_the_house_moves() -> None:
    night = after(*every(20, 36_000, grid_w=0, pv_w=0))
    assert why_not(night, "grid_w", 36_000) == ""
    day = after(*((second, figures | {"pv_w": second}) for second, figures in every(20, 3620, grid_w=0)))
    assert why_not(day, "grid_w", 3620) == "has been the same to the last digit for 3620 s, 182 times"


def test_a_battery_and_the_sun_may_stand_still() -> None:
    full = {"pv_w": 5000.0, "battery_w": 3000.0, "battery_soc": 100.0}
    known = after(*((second, full | {"grid_w": second}) for second, _ in every(20, 4000)))
    assert measured(known, 4000) == Measured(read_s=4000, grid_w=4000, pv_w=5000, battery_w=3000, battery_soc=100)


def test_currents_that_hang_are_left_out() -> None:
    same = {"l1_a": 1.5, "l2_a": 0.0, "l3_a": 2.5}
    known = after(*((second, same | {"grid_w": second}) for second, _ in every(20, 320)))
    assert measured(known, 320) == Measured(read_s=320, grid_w=320)


figure = st.one_of(st.floats(), st.sampled_from([0.0, 1.0, 312.4]))
readings = st.lists(st.tuples(st.floats(0, 60), st.dictionaries(st.sampled_from([*FIGURES]), figure)), max_size=40)


@given(readings, st.floats(0, 1000))
def test_whatever_comes_what_is_used_can_be_meant_and_is_fresh(
    came: list[tuple[float, dict[str, float]]], wait_s: float
) -> None:
    known, now_s = Known(), 0.0
    for passed_s, figures in came:
        now_s += passed_s
        known = noticed(known, Reading(figures), now_s, PATIENCE)
    found = measured(known, now_s + wait_s)
    assert (found is None) == bool(why_not(known, "grid_w", now_s + wait_s))
    if found:
        assert now_s + wait_s - found.taken_s <= PATIENCE.stale_after_s
        assert abs(found.grid_w) <= 100_000
        assert all(abs(current_a) <= 200 for current_a in found.currents_a or ())
        assert found.battery_soc is None or 0 <= found.battery_soc <= 100


def test_more_sold_than_there_is_to_sell_is_a_sign_that_is_turned() -> None:
    night = after((10, {"grid_w": -3000, "pv_w": 0}))
    assert measured(night, 12) is None
    assert why_not(night, "grid_w", 12) == (
        "sells 3,000 W, more than sun and battery give (0 W): is a sign turned? See scale"
    )
    assert measured(after((10, {"grid_w": -3000, "pv_w": 2600})), 12).grid_w == -3000  # at nearly one moment
    assert measured(after((10, {"grid_w": -3000, "pv_w": 0, "battery_w": -3000})), 12).grid_w == -3000
    assert measured(after((10, {"grid_w": -3000, "pv_w": 5000, "battery_w": 4000})), 12) is None


def test_what_the_sun_gave_long_ago_tells_nothing() -> None:
    known = after((10, {"grid_w": -3000, "pv_w": 0}), (60, {"grid_w": -3000.5}))
    assert measured(known, 61) == Measured(read_s=60, grid_w=-3000.5)
