"""The solar law under a given clock: what it decides, hour by hour, and what it never does, whatever comes."""

from __future__ import annotations

from itertools import pairwise
from math import inf, nan

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sunny_house import House, Step

from tinyocpp.modes import Mode, SolarConfig
from tinyocpp.solar import Outlet, Sample, State, decide

FOREVER_S = 3600


def changes(steps: list[Step]) -> list[int]:
    """The numbers of phases, one after the other."""
    return [after.phases for before, after in pairwise(steps) if before.phases != after.phases]


# ------------------------------------------------------------------------------------------------------- sun and cloud


@pytest.mark.parametrize(
    ("surplus_w", "phases", "current_a"),
    [
        (-500, 0, 0),
        (700, 0, 0),
        (1200, 1, 6),  # a little is bought: 1,200 Wh of sun are worth 180 from the grid
        (2300, 1, 10),
        (3680, 1, 16),
        (3900, 1, 16),  # three phases would buy more than they gain
        (6900, 3, 10),
        (11040, 3, 16),
        (20000, 3, 16),
    ],
)
def test_a_constant_surplus(surplus_w: float, phases: int, current_a: float) -> None:
    step = House().last(surplus_w, FOREVER_S)
    assert (step.phases, step.current_a) == (phases, current_a)


def test_a_cloud_stops_nothing_and_an_evening_does() -> None:
    house = House()
    house.last(2300, FOREVER_S)
    assert changes(house.live([2300] * 6 + [1000] * 60 + [2300] * 6)) == []
    assert house.live([1000])[-1].words == "6 A on one phase: 380 W from the grid"
    assert changes(house.live([2300] * 6 + [300] * 6)) == [0]


def test_strong_sun_starts_sooner_than_weak() -> None:
    waited_s = {}
    for surplus_w in (900, 1120, 3000):
        house = House(SolarConfig(start_cost_wh=10), interval_s=1)
        house.last(0, 600)
        waited_s[surplus_w] = next(n for n, step in enumerate(house.live([surplus_w] * 600)) if step.phases)
    assert waited_s == {900: 199, 1120: 49, 3000: 12}


def test_a_swap_has_a_pause_without_current_and_then_its_dwell() -> None:
    house = House()
    house.last(3000, FOREVER_S)
    steps = house.live([8000] * 20)
    paused = [step for step in steps if step.phases == 3 and not step.current_a]
    assert paused[-1].now_s - paused[0].now_s == 50
    assert paused[0].words == "three phases in 60 s, without current until then"
    assert steps[-1].words == "11.6 A on three phases: 8,000 W of sun"
    after = [step for step in house.live([1500] * 60) if step.phases == 1]
    assert after[0].now_s - paused[0].now_s >= 300


def test_swapping_while_off_waits_only_for_what_is_left_of_the_pause() -> None:
    house = House(SolarConfig(min_off_s=0))
    house.last(8000, FOREVER_S)
    stopped = next(step for step in house.live([-500] * 30) if not step.phases)
    house.steps.clear()
    began = house.live([2500] * 200)
    assert next(step for step in began if step.current_a).now_s - stopped.now_s >= 60
    assert changes(began)[0] == 1


def test_changes_lately_made_make_the_next_one_dearer() -> None:
    house = House()
    clouds = ([6500] * 24 + [2500] * 24) * 8
    hours = [changes(house.live(clouds)) for _ in range(2)]
    assert len(hours[1]) < len(hours[0])


def test_the_reserve_is_left_to_the_grid() -> None:
    assert House(SolarConfig(reserve_w=500)).last(2800, FOREVER_S).current_a == 10


def test_whole_amperes_are_rounded_so_that_less_is_bought() -> None:
    house = House(outlet=Outlet(step_a=1))
    assert house.last(230 * 10.55, FOREVER_S).current_a == 10
    assert house.last(230 * 10.65, FOREVER_S).current_a == 11


@pytest.mark.parametrize("tells_car", [True, False])
def test_the_cars_own_power_is_surplus_too(tells_car: bool) -> None:
    house = House(tells_car=tells_car, lag=3)
    assert house.last(6900, FOREVER_S).current_a == 10
    assert house.last(2300, FOREVER_S).current_a == 10


# -------------------------------------------------------------------------------------------------- modes and batteries


def test_min_and_solar_charges_at_night_and_more_by_day() -> None:
    house = House(mode="min+solar")
    assert house.live([-300])[0].decision == msgspec.structs.replace(house.steps[0].decision, phases=1, current_a=6)
    assert house.last(8050, FOREVER_S).words == "11.7 A on three phases: 8,050 W of sun"
    assert house.last(-300, FOREVER_S).words == "6 A on one phase: 1,380 W from the grid"


def test_fast_needs_no_meter() -> None:
    house = House(mode="fast")
    house.meter = lambda sample: None
    assert house.last(0, 10).words == "16 A on three phases"


def test_the_owners_word_holds_at_once() -> None:
    house = House(mode="fast", outlet=Outlet(phases=(1,)))
    house.last(0, 60)
    house.mode = "off"
    assert house.live([0])[0].words == "off"
    house.mode, house.outlet = "fast", Outlet()
    assert (house.live([0])[0].current_a, house.last(0, 60).power_w) == (0, 11040)  # other phases: after the pause


def test_a_limit_holds_at_once_also_without_a_new_sample() -> None:
    house = House()
    house.last(9000, FOREVER_S)
    house.meter = lambda sample: None
    house.outlet = Outlet(max_current_a=8.5, step_a=1)
    assert house.live([9000])[0].current_a == 8
    house.outlet = Outlet(min_current_a=10)
    assert house.live([9000])[0].current_a == 0  # what is held is too little now, and more is not known to be there
    house.outlet = Outlet(max_current_a=5)
    assert house.live([9000])[0].words == "off: the limit leaves less than a car can take"


def test_a_phase_taken_away_is_left_even_within_the_dwell() -> None:
    house = House()
    house.last(3000, FOREVER_S)
    swapped = next(step for step in house.live([9000] * 60) if step.phases == 3)
    assert house.now_s - swapped.now_s > 60
    house.steps.clear()
    house.state = msgspec.structs.replace(house.state, swapped_s=house.now_s - 100)
    house.outlet = Outlet(phases=(1,))
    steps = house.live([9000] * 40)
    assert (steps[0].phases, changes(steps)) == (0, [1])


def test_fast_too_waits_for_the_dwell() -> None:
    house = House(mode="fast", outlet=Outlet(phases=(1,)))
    house.state = State(wired=3, swapped_s=house.now_s - 100)
    assert house.last(0, 200).words == "off: phases were changed a moment ago"
    assert house.last(0, 10).words == "16 A on one phase"


def test_no_phases_no_charge() -> None:
    house = House(outlet=Outlet(phases=()))
    assert house.last(9000, FOREVER_S).words == "off: the limit leaves less than a car can take"


@pytest.mark.parametrize(
    ("battery", "current_a"),
    [
        ({"battery_w": 1150, "battery_soc": 40}, 10),  # it charges, and comes first
        ({"battery_w": 1150, "battery_soc": 90}, 15),  # it is full enough: the car comes first
        ({"battery_w": 1150}, 10),  # nobody knows how full it is
        ({"battery_w": -690, "battery_soc": 90}, 10),  # what it gives is no sun
        ({"battery_w": -690, "battery_soc": 40}, 10),
    ],
)
def test_battery_first_until_it_is_full_enough(battery: dict[str, float], current_a: float) -> None:
    house = House(SolarConfig(battery_first_soc=80))
    house.battery = battery
    before_the_battery_w = 2300 + max(battery["battery_w"], 0)
    assert house.last(before_the_battery_w, FOREVER_S).current_a == current_a


# ---------------------------------------------------------------------------------------------------- meters that fail


def test_a_silent_meter_brings_the_power_down_within_a_minute_and_ends_it_after_five() -> None:
    house = House()
    house.last(9000, FOREVER_S)
    house.meter = lambda sample: None
    steps = house.live([9000] * 40)
    assert all(after.power_w <= before.power_w for before, after in pairwise(steps))
    at = {round((step.now_s - steps[0].now_s) + 10): (step.phases, step.current_a) for step in steps}
    assert (at[60], at[300], at[310]) == ((3, 6), (3, 6), (0, 0))
    assert steps[6].words == "6 A on three phases until the meter is back: no figure to believe for 70 s"
    house.meter = lambda sample: sample
    assert house.last(9000, 120).power_w > 8900


def test_a_meter_that_comes_less_often_may_be_waited_for() -> None:
    house = House(SolarConfig(stale_after_s=150))
    house.meter = lambda sample: sample if sample.read_s % 120 < 10 else None
    house.last(9000, FOREVER_S)
    assert {step.words for step in house.live([9000] * 60)} == {"13 A on three phases: 9,000 W of sun"}


def test_min_and_solar_keeps_the_minimum_without_a_meter() -> None:
    house = House(mode="min+solar")
    house.meter = lambda sample: None
    assert house.last(9000, 10).words == "6 A on one phase until the meter is back: no figure yet"
    assert house.last(9000, FOREVER_S).power_w == 1380


@pytest.mark.parametrize("wrong", [nan, inf, -inf, -150_000.0, 1e300], ids=str)
@pytest.mark.parametrize("which", ["grid_w", "car_w", "battery_w"])
def test_what_is_no_number_or_absurd_is_not_used(wrong: float, which: str) -> None:
    house = House()
    house.last(2300, FOREVER_S)
    house.meter = lambda sample: msgspec.structs.replace(sample, **{which: wrong})
    assert {step.current_a for step in house.live([9000] * 12)} == {10.0, 6.0}


@pytest.mark.parametrize("wrong", [{"read_s": inf}, {"read_s": nan}, {"delay_s": nan}, {"delay_s": -5.0}], ids=str)
def test_a_sample_of_no_time_is_not_used(wrong: dict[str, float]) -> None:
    house = House()
    house.meter = lambda sample: msgspec.structs.replace(sample, **wrong)
    assert house.last(9000, FOREVER_S).words == "off until the meter is back: no figure yet"


def test_a_figure_older_than_the_last_is_not_used() -> None:
    house = House()
    house.last(2300, FOREVER_S)
    house.meter = lambda sample: msgspec.structs.replace(sample, grid_w=-9000.0, delay_s=60.0)
    assert house.live([2300] * 3)[-1].current_a == 10


def test_a_meter_that_hangs_is_found_out() -> None:
    """It shows the same export however much the car takes; believed, the car would take ever more."""
    house = House()
    house.last(2300, FOREVER_S)
    house.meter = lambda sample: msgspec.structs.replace(sample, grid_w=-2000.0)
    steps = house.live([2300] * 60)
    assert max(step.power_w for step in steps) <= 4300  # what the first such figure said
    assert steps[-1].phases == 0
    house.meter = lambda sample: sample
    assert house.last(2300, FOREVER_S).current_a == 10


def test_a_meter_slower_than_we_ask_is_no_meter_that_hangs() -> None:
    house = House(interval_s=5)
    kept: list[Sample] = []

    def slow(sample: Sample) -> Sample:
        if not kept or sample.read_s - kept[-1].read_s >= 30:
            kept.append(sample)
        return msgspec.structs.replace(sample, grid_w=kept[-1].grid_w)

    house.meter = slow
    assert house.last(2300, FOREVER_S).current_a == pytest.approx(10, abs=0.2)
    assert changes(house.steps) == []


def test_the_same_sample_again_is_no_news() -> None:
    sample = Sample(read_s=0, grid_w=-3000, car_w=0)
    state, config, outlet = State(), SolarConfig(start_cost_wh=1000), Outlet()
    for now_s in range(40):
        state, _ = decide(state, config, "solar", outlet, sample, now_s)
    assert state.regret_wh[1] == pytest.approx(3000 / 60)  # of one minute


# --------------------------------------------------------------------------------------------------------------- words


def test_what_an_owner_is_told_while_waiting() -> None:
    house = House(SolarConfig(start_cost_wh=12))
    house.last(-300, 600)
    assert house.live([600])[0].words == "waiting for enough sun: 600 of 1,380 W"
    assert house.live([1120])[0].words == "waiting 49 s for enough sun: 1,120 of 1,380 W"
    assert house.live([1120])[0].words == "waiting 39 s for enough sun: 1,120 of 1,380 W"


def test_waiting_for_the_dwell_is_told_too() -> None:
    state = State(wired=3, swapped_s=900, since_s=990, weighed_s=1000)
    outlet = Outlet(phases=(1,))
    _, decision = decide(state, SolarConfig(), "solar", outlet, Sample(read_s=1000, grid_w=-2000), 1000)
    assert decision.words == "waiting 200 s for enough sun: 2,000 of 1,380 W"


# ------------------------------------------------------------------------------------------------- whatever may come

SKY = st.lists(st.tuples(st.floats(-3000, 14000), st.integers(1, 40)), min_size=1, max_size=25)
OUTLETS = st.builds(
    Outlet,
    phases=st.sampled_from([(1, 3), (1,), (3,), (1, 2)]),
    min_current_a=st.sampled_from([6.0, 6.3, 8.0]),
    max_current_a=st.sampled_from([7.0, 10.5, 13.0, 16.0, 32.0]),
    step_a=st.sampled_from([0.1, 0.5, 1.0]),
)
MODES: st.SearchStrategy[Mode] = st.sampled_from(["solar", "min+solar", "solar"])


def sky(pieces: list[tuple[float, int]]) -> list[float]:
    return [surplus_w for surplus_w, steps in pieces for _ in range(steps)]


@settings(max_examples=150, deadline=None)
@given(pieces=SKY, outlet=OUTLETS, mode=MODES, interval_s=st.sampled_from([1, 5, 10, 60]), lag=st.integers(0, 3))
def test_never_out_of_range_nor_swapped_under_load(
    pieces: list[tuple[float, int]], outlet: Outlet, mode: Mode, interval_s: int, lag: int
) -> None:
    house = House(mode=mode, outlet=outlet, interval_s=interval_s, lag=lag)
    steps = house.live(sky(pieces))
    for step in steps:
        assert step.current_a == 0 or outlet.min_current_a <= step.current_a <= outlet.max_current_a
        assert step.current_a == 0 or step.phases in outlet.phases
        assert round(step.current_a / outlet.step_a, 6) % 1 == 0
    loaded = [step for step in steps if step.current_a]
    for before, after in pairwise(loaded):
        assert before.phases == after.phases or after.now_s - before.now_s >= 60 + interval_s
    running = [step for step in steps if step.phases]
    swapped_s = [after.now_s for before, after in pairwise(running) if before.phases != after.phases]
    assert all(later_s - earlier_s >= 300 for earlier_s, later_s in pairwise(swapped_s))


@settings(max_examples=60, deadline=None)
@given(pieces=SKY, surplus_w=st.floats(-3000, 14000), lag=st.integers(0, 3), step_a=st.sampled_from([0.1, 1.0]))
def test_no_hunting_at_constant_surplus(
    pieces: list[tuple[float, int]], surplus_w: float, lag: int, step_a: float
) -> None:
    """However it began: once the sun is steady, there are two changes at most, and then the same for ever."""
    house = House(lag=lag, outlet=Outlet(step_a=step_a))
    house.live(sky(pieces))
    house.live([surplus_w] * 1000)
    assert len(changes(house.steps[-1000:])) <= 3
    assert len({(step.phases, step.current_a) for step in house.live([surplus_w] * 300)}) == 1


@settings(max_examples=100, deadline=None)
@given(
    pieces=SKY,
    later=SKY,
    mode=MODES,
    wrong=st.sampled_from([None, nan, inf, -1e9]),
    tells_car=st.booleans(),
)
def test_never_more_power_from_a_meter_that_fails(
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


@settings(max_examples=60, deadline=None)
@given(pieces=SKY, shown_w=st.floats(-9000, -100), surplus_w=st.floats(-3000, 9000))
def test_a_meter_that_hangs_gives_no_more_than_it_once_showed(
    pieces: list[tuple[float, int]], shown_w: float, surplus_w: float
) -> None:
    house = House()
    house.live(sky(pieces))
    drawn_w = house.steps[-1].power_w
    house.meter = lambda sample: msgspec.structs.replace(sample, grid_w=shown_w)
    steps = house.live([surplus_w] * 100)
    assert all(step.power_w <= max(drawn_w, drawn_w - shown_w + 200, step.phases * 1380) for step in steps)
