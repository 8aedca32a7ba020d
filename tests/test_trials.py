"""Recorded days charged again, and what perfect foresight would have made of them."""

from __future__ import annotations

import random
from collections import Counter
from itertools import accumulate, pairwise, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinyocpp.errors import Malformed
from tinyocpp.foresight import foreseen
from tinyocpp.modes import SolarConfig
from tinyocpp.solar import Outlet
from tinyocpp.trials import Run, Totals, Trace, charge, read_trace, steps, totals

OUTLET = Outlet()


def trace(surplus_w: list[float], every_s: float = 60) -> Trace:
    return Trace([number * every_s for number in range(len(surplus_w))], surplus_w)


def law(days: Trace, interval_s: float = 10, lag_s: float = 10, outlet: Outlet = OUTLET) -> Run:
    return charge(days, SolarConfig(), "solar", outlet, interval_s, lag_s)


def clouds(seed: int, rows: int) -> list[float]:
    chance = random.Random(seed)
    level, surplus_w = 0.0, []
    for _ in range(rows):
        level = chance.uniform(-1000, 12000) if chance.random() < 0.15 else level + chance.gauss(0, 150)
        surplus_w.append(level)
    return surplus_w


# --------------------------------------------------------------------------------------------------------------- traces


def test_a_trace_is_read_whatever_else_is_in_it() -> None:
    lines = ["load_w, time_s,note,pv_w\r\n", "100,0,,900\n", "\n", "200,60,cloud, 500,more\n"]
    assert read_trace(lines, "t.csv") == Trace([0.0, 60.0], [800.0, 300.0])


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "t.csv: no column time_s; the first line must name time_s,pv_w,load_w"),
        ("time_s,pv_w\n0,1\n", "t.csv: no column load_w; the first line must name time_s,pv_w,load_w"),
        ("time_s,pv_w,load_w\n0,1,2\n", "t.csv: a trace has two rows at least"),
        ("time_s,pv_w,load_w\n0,1,2\n60,1\n", "t.csv:3: three numbers are needed: time_s,pv_w,load_w"),
        ("time_s,pv_w,load_w\n0,1,x\n", "t.csv:2: three numbers are needed: time_s,pv_w,load_w"),
        ("time_s,pv_w,load_w\n0,1,nan\n", "t.csv:2: numbers must be finite, and each time later than the one before"),
        (
            "time_s,pv_w,load_w\n0,1,2\n60,-inf,2\n",
            "t.csv:3: numbers must be finite, and each time later than the one before",
        ),
        ("time_s;pv_w;load_w\n0;1;2\n", "t.csv: no column time_s; the first line must name time_s,pv_w,load_w"),
        (
            'time_s,pv_w,load_w\n0,"1,2\n' + 20000 * "60,1,2\n",
            "t.csv:2: this is no CSV: field larger than field limit (131072)",
        ),
        (
            "time_s,pv_w,load_w\n0,1,2\n0,1,2\n",
            "t.csv:3: numbers must be finite, and each time later than the one before",
        ),
    ],
    ids=["empty", "no load", "one row", "short row", "no number", "nan", "inf", "semicolons", "open quote", "twice"],
)
def test_a_trace_that_is_wrong_is_refused(text: str, problem: str) -> None:
    with pytest.raises(Malformed) as refused:
        read_trace(text.splitlines(keepends=True), "t.csv")
    assert str(refused.value) == problem


def test_between_two_rows_on_the_line_that_joins_them() -> None:
    days = Trace([0, 60, 90], [0, 600, 0])
    assert [days.at(time_s) for time_s in (0, 15, 60, 75, 90)] == [0, 150, 600, 300, 0]
    assert steps(days, 40) == [0, 40, 80]


def test_too_many_steps_are_refused() -> None:
    with pytest.raises(Malformed, match="write a longer --interval"):
        steps(Trace([0, 1e9], [0, 0]), 0.1)


def test_the_roof_may_take_and_the_house_may_give() -> None:
    """An inverter draws at night; what a second roof gives may be counted in the load."""
    assert read_trace(["time_s,pv_w,load_w\n", "0,-8,200\n", "60,5,-900\n"], "t.csv").surplus_w == [-208.0, 905.0]


# -------------------------------------------------------------------------------------------------------- the law's run


def test_a_run_is_added_up() -> None:
    run = Run(1800, [0, 1800, 3600, 5400], [2000, 1000, -500, 5000], [2000, 1380, 0, 4140], [1, 1, 0, 3])
    assert totals(run) == Totals(days=1 / 12, solar_wh=3570, grid_wh=190, starts=2, swaps=1)
    assert totals(run).grid_share == pytest.approx(190 / 3760)


UNEVEN = st.lists(st.sampled_from([1.0, 7.0, 60.0, 300.0]), min_size=40, max_size=40)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 1000),
    lag_s=st.sampled_from([0, 7, 10, 60]),
    interval_s=st.sampled_from([5, 10, 45, 60]),
    differs=st.integers(1, 39),
    apart_s=st.just([60.0] * 40) | UNEVEN,
)
def test_the_law_sees_nothing_of_what_is_still_to_come(
    seed: int, lag_s: int, interval_s: int, differs: int, apart_s: list[float]
) -> None:
    """Two traces that differ only after a moment give the same run until then plus the lag."""
    time_s = list(accumulate(apart_s))
    one, other = clouds(seed, 40), clouds(seed, 40)
    other[differs:] = clouds(seed + 1, 40)[differs:]
    until_s = time_s[differs - 1] + lag_s
    runs = [law(Trace(time_s, surplus_w), interval_s, lag_s) for surplus_w in (one, other)]
    for now_s, *pair in zip(runs[0].time_s, *(zip(run.power_w, run.phases, strict=True) for run in runs), strict=True):
        assert now_s > until_s or pair[0] == pair[1]


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 1000),
    begins_s=st.sampled_from([-86_400.0, 1_464_739_200.0, 1e11]),
    interval_s=st.sampled_from([5, 7, 60]),
    lag_s=st.sampled_from([0, 10]),
)
def test_when_it_was_does_not_matter(seed: int, begins_s: float, interval_s: int, lag_s: int) -> None:
    days = trace(clouds(seed, 60))
    later = Trace([begins_s + time_s for time_s in days.time_s], days.surplus_w)
    one, other = law(days, interval_s, lag_s), law(later, interval_s, lag_s)
    assert (one.power_w, one.phases) == (other.power_w, other.phases)
    assert other.time_s[0] == begins_s


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 1000), interval_s=st.sampled_from([5, 10, 45]))
def test_rows_on_the_lines_between_rows_do_not_matter(seed: int, interval_s: int) -> None:
    """A row every second, or a gap of a minute: what lies between is the same."""
    days = trace([64.0 * round(surplus_w / 64) for surplus_w in clouds(seed, 30)])
    every_s = [float(second) for second in range(29 * 60 + 1)]
    one, other = law(days, interval_s), law(Trace(every_s, [days.at(time_s) for time_s in every_s]), interval_s)
    assert one.surplus_w == pytest.approx(other.surplus_w)
    assert one.power_w == pytest.approx(other.power_w, abs=69.1)  # a tenth of an ampere, where it is a near thing
    assert one.phases == other.phases


@pytest.mark.parametrize(
    ("days", "interval_s", "count"),
    [
        (trace([3000.0] * 5, every_s=3600), 10, 4 * 360 + 1),  # a row an hour
        (Trace([0, 60, 90_000, 90_060], [3000.0] * 4), 60, 1502),  # a day is missing
        (trace([3000.0] * 61, every_s=1), 7, 9),  # the last step is at 56 s
        (trace([3000.0, 3000.0], every_s=5), 60, 1),
    ],
    ids=["hours", "gap", "sevens", "one"],
)
def test_traces_of_any_shape(days: Trace, interval_s: int, count: int) -> None:
    run = law(days, interval_s, 0)
    assert (len(run.time_s), len(run.power_w), len(run.phases)) == (count, count, count)
    assert run.power_w[1:] == pytest.approx([2990.0] * (count - 1))
    assert totals(foreseen(run, OUTLET)).net_wh == pytest.approx(3000 * count * interval_s / 3600)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 1000), step_a=st.sampled_from([0.1, 1.0]), lag_s=st.sampled_from([0, 10, 60]))
def test_what_a_run_never_does(seed: int, step_a: float, lag_s: int) -> None:
    run = law(trace(clouds(seed, 120)), 10, lag_s, Outlet(step_a=step_a))
    for power_w, phases in zip(run.power_w, run.phases, strict=True):
        assert power_w == 0 or 1380 * phases <= power_w <= 3680 * phases
        assert power_w == 0 or round(power_w / (230 * phases * step_a), 6) % 1 == 0
    swaps = [n for n, (before, after) in enumerate(pairwise(run.phases), 1) if before and after and before != after]
    for swap in swaps:
        assert run.power_w[swap : swap + 6] == [0] * 6
    assert all(later - earlier >= 30 for earlier, later in pairwise(swaps))


# ------------------------------------------------------------------------------------------------------------ foresight


def test_foresight_on_a_plain_day() -> None:
    run = law(trace([0.0] * 30 + [2300.0] * 30 + [6900.0] * 60 + [0.0] * 30), 60, 60)
    best = foreseen(run, OUTLET)
    told = Counter(zip(best.phases, best.power_w, strict=True))
    assert told == {(0, 0.0): 60, (1, 2300.0): 29, (3, 0.0): 1, (3, 6900.0): 60}  # the pause where it costs least


def brute_force(surplus_w: list[float], dwell: int, pause: int) -> float:
    """Every path there is, by its definition; a minute a step."""

    def net(phases: int, surplus: float) -> float:
        power = min(max(surplus, 1380.0 * phases), 3680.0 * phases)
        return 2 * min(power, max(surplus, 0.0)) - power

    best = 0.0
    for path in product((0, 1, 3), repeat=len(surplus_w)):
        worth, mode, kept, without = 0.0, 0, dwell, 0
        for phases, surplus in zip(path, surplus_w, strict=True):
            if phases != mode:
                if kept < dwell:
                    break
                without = pause if phases and mode else 0
                mode, kept = phases, 0
            kept += 1
            worth += 0 if without else net(phases, surplus)
            without = max(without - 1, 0)
        else:
            best = max(best, worth)
    return best / 60


@settings(max_examples=12, deadline=None)
@given(st.lists(st.sampled_from([-500.0, 500.0, 1000.0, 2500.0, 4000.0, 6000.0, 11000.0]), min_size=8, max_size=8))
def test_foresight_is_the_best_of_all_paths(surplus_w: list[float]) -> None:
    run = Run(60, [60.0 * n for n in range(8)], surplus_w, [], [])
    best = foreseen(run, OUTLET)
    assert totals(best).net_wh == pytest.approx(brute_force(surplus_w, 5, 1))


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 1000), interval_s=st.sampled_from([10, 60]))
def test_nobody_beats_foresight(seed: int, interval_s: int) -> None:
    run = law(trace(clouds(seed, 240)), interval_s, 0)
    assert totals(run).net_wh <= totals(foreseen(run, OUTLET)).net_wh * 1.02 + 50  # the law may stop before its dwell
