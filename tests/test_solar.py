"""The solar law under a given clock: what it decides, hour by hour. What it never does is in test_solar_never.py."""

from __future__ import annotations

from itertools import pairwise
from math import inf, nan

import msgspec
import pytest
from sunny_house import House, changes

from tinyocpp.modes import SolarConfig
from tinyocpp.solar import Outlet, Sample, State, decide

FOREVER_S = 3600


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


# ------------------------------------------------------------------------------------------------------ cars and plugs


@pytest.mark.parametrize(
    ("outlet", "surplus_w", "phases", "current_a"),
    [
        (Outlet(phases=(1, 2)), 2300, 1, 10),
        (Outlet(phases=(1, 2)), 3900, 2, 8.5),
        (Outlet(phases=(1, 2)), 20000, 2, 16),
        (Outlet(phases=(2,)), 2300, 2, 6),  # 460 W are bought for 2,300 of sun
        (Outlet(phases=(2,)), 1500, 0, 0),
        (Outlet(phases=(1, 2, 3)), 5060, 2, 11),
        (Outlet(phases=(1,)), 9000, 1, 16),
        (Outlet(phases=(3,)), 3000, 3, 6),
        (Outlet(phases=(3,)), 2400, 0, 0),
        (Outlet(min_current_a=8), 1500, 1, 8),  # a Zoe hums below
        (Outlet(min_current_a=8), 1000, 0, 0),
        (Outlet(min_current_a=8), 4600, 1, 16),  # three phases begin at 5,520 W
        (Outlet(min_current_a=6.3, step_a=0.5), 1380, 1, 6.5),
        (Outlet(phases=(1,), max_current_a=32), 7000, 1, 30.4),
        (Outlet(max_current_a=32), 9000, 3, 13),
        (Outlet(max_current_a=10), 20000, 3, 10),
        (Outlet(max_power_w=6000), 20000, 3, 8.6),
        (Outlet(max_power_w=4200, phases=(3,)), 20000, 3, 6),
        (Outlet(max_power_w=4100), 20000, 1, 16),  # too little for three
        (Outlet(max_power_w=4100, phases=(3,)), 20000, 0, 0),
        (Outlet(max_power_w=3000), 20000, 1, 13),
        (Outlet(max_power_w=4100), 500, 0, 0),
        (Outlet(min_current_a=16, max_current_a=16), 5000, 1, 16),
    ],
    ids=str,
)
def test_other_cars_and_other_plugs(outlet: Outlet, surplus_w: float, phases: int, current_a: float) -> None:
    step = House(outlet=outlet).last(surplus_w, FOREVER_S)
    assert (step.phases, step.current_a) == (phases, current_a)


def test_a_second_phase_comes_after_the_pause_and_is_called_so() -> None:
    house = House(outlet=Outlet(phases=(1, 2)))
    house.last(2300, FOREVER_S)
    steps = house.live([6440] * 30)
    assert changes(steps) == [2]
    assert {step.words for step in steps} >= {
        "two phases in 60 s, without current until then",
        "14 A on two phases: 6,440 W of sun",
    }


# ---------------------------------------------------------------------------------------------------------------- modes


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
    assert decision.words == "waiting 200 s to charge again: 2,000 W of sun"
