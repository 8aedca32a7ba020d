"""What the solar law never does, whatever sky, meter, car and owner do."""

from __future__ import annotations

from itertools import pairwise
from math import inf, nan
from typing import NamedTuple

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from sunny_house import House, Step, changes

from tinyocpp.modes import Mode, SolarConfig
from tinyocpp.solar import Decision, Outlet, Sample, State, decide

PAUSE_S, DWELL_S = SolarConfig().pause_s, SolarConfig().dwell_s

SKY = st.lists(st.tuples(st.floats(-3000, 14000), st.integers(1, 40)), min_size=1, max_size=25)
OUTLETS = st.builds(
    Outlet,
    phases=st.sampled_from([(1, 3), (1,), (3,), (1, 2), (2,), (1, 2, 3)]),
    min_current_a=st.sampled_from([6.0, 6.3, 8.0]),
    max_current_a=st.sampled_from([7.0, 10.5, 13.0, 16.0, 32.0]),
    step_a=st.sampled_from([0.1, 0.5, 1.0]),
    voltage_v=st.sampled_from([230.0, 215.0, 243.0]),
)
MODES: st.SearchStrategy[Mode] = st.sampled_from(["solar", "min+solar", "solar"])


def sky(pieces: list[tuple[float, int]]) -> list[float]:
    return [surplus_w for surplus_w, steps in pieces for _ in range(steps)]


class Told(NamedTuple):
    """A decision, when it was made, and for which outlet."""

    now_s: float
    decision: Decision
    outlet: Outlet


def check_ranges(told: list[Told]) -> None:
    """Nothing, or a current the car can take on phases there are, within the limit of that moment."""
    for _, decision, outlet in told:
        if decision.current_a:
            assert outlet.min_current_a <= decision.current_a <= outlet.max_current_a
            assert decision.phases in outlet.phases
            assert round(decision.current_a / outlet.step_a, 6) % 1 == 0


def check_swaps(told: list[Told]) -> None:
    """Without current for the pause, and no sooner than the dwell after the one before."""
    loaded_on, off_s = 0, inf
    for now_s, decision, _ in told:
        if not decision.current_a:
            off_s = min(off_s, now_s)
        else:
            assert decision.phases == loaded_on or not loaded_on or now_s - off_s >= PAUSE_S
            loaded_on, off_s = decision.phases, inf  # until it is off again
    used = [(now_s, decision.phases) for now_s, decision, _ in told if decision.phases]
    swapped_s = [after[0] for before, after in pairwise(used) if before[1] != after[1]]
    assert all(later_s - earlier_s >= DWELL_S for earlier_s, later_s in pairwise(swapped_s))


@settings(max_examples=100, deadline=None)
@given(pieces=SKY, outlet=OUTLETS, mode=MODES, interval_s=st.sampled_from([1, 5, 10, 60]), lag=st.integers(0, 3))
def test_out_of_range_or_swapped_under_load(
    pieces: list[tuple[float, int]], outlet: Outlet, mode: Mode, interval_s: int, lag: int
) -> None:
    house = House(mode=mode, outlet=outlet, interval_s=interval_s, lag=lag)
    told = [Told(step.now_s, step.decision, outlet) for step in house.live(sky(pieces))]
    check_ranges(told)
    check_swaps(told)


ASKED = st.lists(
    st.tuples(
        st.sampled_from([0.0, 0.3, 1.0, 7.0, 10.0, 31.0, 61.0, 400.0, 90_000.0]),  # since the last time
        st.sampled_from([None, None, "off", "fast", "solar", "min+solar"]),  # the owner's word
        st.none() | st.none() | OUTLETS,  # a limit, another car, another charger's answer
        st.sampled_from(["old", "new", "new", "new", "none"]),  # sample
        st.floats(-14000, 14000) | st.sampled_from([nan, inf]),  # what the grid's meter says
        st.sampled_from([0.0, 0.0, 10.0, 60.0, -1.0]),  # how late
    ),
    max_size=80,
)


@settings(max_examples=150, deadline=None)
@given(asked=ASKED)
def test_out_of_range_whatever_the_owner_the_limit_and_the_meter_do(
    asked: list[tuple[float, Mode | None, Outlet | None, str, float, float]],
) -> None:
    state, mode, outlet, now_s, sample = State(), "solar", Outlet(), 1e9, None
    told: list[Told] = []
    for passed_s, word, other, kind, grid_w, delay_s in asked:
        now_s += passed_s
        mode, outlet = word or mode, other or outlet
        if kind == "new":
            sample = Sample(read_s=now_s, delay_s=delay_s, grid_w=grid_w)
        given_sample = None if kind == "none" else sample
        state, decision = decide(state, SolarConfig(), mode, outlet, given_sample, now_s)
        told.append(Told(now_s, decision, outlet))
        assert mode != "off" or (decision.phases, decision.current_a) == (0, 0)
    check_ranges(told)
    check_swaps(told)


@settings(max_examples=30, deadline=None)
@given(
    pieces=SKY,
    surplus_w=st.floats(-3000, 14000),
    lag=st.integers(0, 3),
    interval_s=st.sampled_from([10, 60]),
    outlet=OUTLETS,
)
def test_hunting_at_constant_surplus(
    pieces: list[tuple[float, int]], surplus_w: float, lag: int, interval_s: int, outlet: Outlet
) -> None:
    """However it began: once the sun is steady, there are two changes at most, and then the same for ever."""
    house = House(lag=lag, interval_s=interval_s, outlet=outlet)
    house.live(sky(pieces))
    assert len(changes(house.live([surplus_w] * 1000))) <= 3
    assert len({(step.phases, step.current_a) for step in house.live([surplus_w] * 100)}) == 1


@settings(max_examples=100, deadline=None)
@given(
    pieces=SKY,
    later=SKY,
    mode=MODES,
    wrong=st.sampled_from([None, nan, inf, -1e9]),
    tells_car=st.booleans(),
)
def test_more_power_from_a_meter_that_fails(
    pieces: list[tuple[float, int]], later: list[tuple[float, int]], mode: Mode, wrong: float | None, tells_car: bool
) -> None:
    house = House(mode=mode, tells_car=tells_car)
    house.live(sky(pieces))
    before_w = house.steps[-1].power_w
    house.meter = lambda sample: None if wrong is None else msgspec.structs.replace(sample, grid_w=wrong)
    steps = house.live(sky(later))
    least_w = 1380 * max(step.phases for step in steps) if mode == "min+solar" else 0
    assert all(step.power_w <= max(before_w, least_w) for step in steps)
    assert all(step.power_w <= step.phases * 1380 for step in steps[5:])


@settings(max_examples=40, deadline=None)
@given(pieces=SKY, later=SKY)
def test_more_power_from_the_last_sample_again_and_again(
    pieces: list[tuple[float, int]], later: list[tuple[float, int]]
) -> None:
    house = House()
    house.live(sky(pieces))
    kept: list[Sample] = []

    def hanging(sample: Sample) -> Sample:
        kept.append(sample)
        return kept[0]

    house.meter = hanging
    first: Step = house.live([9000])[0]
    assert all(step.power_w <= max(first.power_w, 0) for step in house.live(sky(later)))


@settings(max_examples=60, deadline=None)
@given(pieces=SKY, shown_w=st.floats(-9000, -100), surplus_w=st.floats(-3000, 9000))
def test_more_power_from_a_meter_that_hangs_than_it_once_showed(
    pieces: list[tuple[float, int]], shown_w: float, surplus_w: float
) -> None:
    house = House()
    house.live(sky(pieces))
    drawn_w = house.steps[-1].power_w
    house.meter = lambda sample: msgspec.structs.replace(sample, grid_w=shown_w)
    steps = house.live([surplus_w] * 100)
    assert all(step.power_w <= max(drawn_w, drawn_w - shown_w + 200, step.phases * 1380) for step in steps)
