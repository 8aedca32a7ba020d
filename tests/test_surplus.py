"""What the house has to spare: batteries that come first or last, and samples that are not used.

The order of priority is evcc's, with its 100 W that are left to the grid while the battery comes first.
"""

from __future__ import annotations

from math import inf, nan

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sunny_house import House, changes

from tinyocpp.modes import Mode, SolarConfig
from tinyocpp.solar import Outlet
from tinyocpp.surplus import Sample, Seen, noticed

FOREVER_S = 3600
FIRST = SolarConfig(battery_first_soc=80)


def takes(most_w: float) -> House:
    """A house whose battery takes what the car leaves, up to that, and gives it back at night."""
    house = House(FIRST)
    house.battery = lambda left_w: min(max(left_w, -most_w), most_w)
    house.battery_soc = 40
    return house


@pytest.mark.parametrize(
    ("battery_w", "soc", "current_a"),
    [
        (1150, 40, 9.5),  # it charges, and comes first: 100 W more than it wants are left
        (1150, 90, 15),  # it is full enough: the car comes first
        (1150, 80, 15),
        (1150, None, 9.5),  # nobody knows how full it is
        (-690, 90, 10),  # what it gives is no sun
        (-690, 40, 9.5),
    ],
)
def test_battery_first_until_it_is_full_enough(battery_w: float, soc: float | None, current_a: float) -> None:
    house = House(FIRST)
    house.battery, house.battery_soc = (lambda left_w: battery_w), soc
    assert house.last(2300 + max(battery_w, 0), FOREVER_S).current_a == pytest.approx(current_a, abs=0.11)


def test_without_an_order_of_priority_the_car_comes_first() -> None:
    house = House()
    house.battery, house.battery_soc = (lambda left_w: 1150), 10
    assert house.last(3450, FOREVER_S).current_a == 15


def test_the_car_has_what_the_battery_cannot_take() -> None:
    house = takes(3000)
    assert house.last(2900, FOREVER_S).words == "waiting for enough sun: 0 of 1,380 W"
    assert house.last(5400, FOREVER_S).words == "10 A on one phase: 2,300 W of sun"
    assert changes(house.steps) == [1]


def test_a_car_that_charges_gives_way_when_the_battery_comes_first_again() -> None:
    """What it takes from the battery's share shows at no meter of the grid."""
    house = takes(5000)
    house.battery_soc = 85
    house.last(3000, FOREVER_S)
    assert house.steps[-1].current_a == 13
    house.battery_soc = 79
    assert house.last(3000, 180).phases == 0


def test_a_battery_seen_to_take_too_little_is_offered_more() -> None:
    """The sun came faster than the battery followed: for one sample it looked as if it had enough."""
    house = takes(1500)
    house.last(5000, FOREVER_S)
    assert house.steps[-1].current_a > 14
    house.battery = lambda left_w: min(max(left_w, -3000), 3000)
    house.last(5000, FOREVER_S)
    assert house.steps[-1].power_w == pytest.approx(1900, abs=50)


def test_the_reserve_counts_among_what_is_left_to_the_grid() -> None:
    house = takes(3000)
    house.config = SolarConfig(battery_first_soc=80, reserve_w=400)
    assert house.last(5700, FOREVER_S).words == "10 A on one phase: 2,300 W of sun"


@pytest.mark.parametrize("soc", [40.0, None])
def test_no_battery_no_priority(soc: float | None) -> None:
    house = House(FIRST)
    house.battery_soc = soc
    assert house.last(2300, FOREVER_S).current_a == 10


FIGURE = st.one_of(st.floats(-200_000, 200_000), st.sampled_from([nan, inf, -inf, 0.0]))


@given(grid_w=FIGURE, car_w=FIGURE, battery_w=st.none() | FIGURE, soc=st.none() | FIGURE, delay_s=FIGURE, read_s=FIGURE)
def test_whatever_is_noticed_is_a_number(
    grid_w: float, car_w: float, battery_w: float | None, soc: float | None, delay_s: float, read_s: float
) -> None:
    sample = Sample(read_s=read_s, delay_s=delay_s, grid_w=grid_w, car_w=car_w, battery_w=battery_w, battery_soc=soc)
    first = noticed(Seen(), FIRST, Sample(read_s=0, grid_w=-500), 0.0, 0.0)
    seen = noticed(first, FIRST, sample, car_w, 1000.0)
    assert abs(seen.surplus_w) <= 300_000
    assert seen is first or 0 < read_s <= 1000


def test_the_last_sample_that_was_believed_is_remembered() -> None:
    sample = Sample(read_s=10, grid_w=-500)
    seen = noticed(Seen(), FIRST, sample, 0.0, 10.0)
    assert (seen.sample, seen.surplus_w) == (sample, 500)
    again = msgspec.structs.replace(sample, read_s=20)
    assert noticed(seen, FIRST, again, 1000.0, 20.0) == msgspec.structs.replace(seen, hangs=True)
    assert Seen().surplus_w == -inf


def test_a_meter_that_shows_nearly_the_same_whatever_the_car_does_is_not_believed() -> None:
    """One that has lost its clamp and makes up the last digits."""
    seen, car_w = Seen(), 0.0
    for number in range(30):
        grid_w = -9000.0 + number % 5
        seen = noticed(seen, SolarConfig(), Sample(read_s=10.0 * number, grid_w=grid_w), car_w, 10.0 * number)
        car_w = min(seen.surplus_w, 11_040.0)
    assert seen.hangs
    assert seen.surplus_w < 9100
    told = noticed(seen, SolarConfig(), Sample(read_s=400.0, grid_w=100.0), car_w, 400.0)
    assert not told.hangs
    assert told.surplus_w == car_w - 100


def test_a_meter_that_a_good_law_keeps_near_nothing_is_believed() -> None:
    seen = Seen()
    for number in range(60):
        sample = Sample(read_s=10.0 * number, grid_w=3.0 + number % 4)
        seen = noticed(seen, SolarConfig(), sample, 180.0 * number, 10.0 * number)
    assert not seen.hangs
    assert seen.surplus_w == 180 * 59 - 6


def turned(sample: Sample) -> Sample:
    return msgspec.structs.replace(sample, grid_w=-sample.grid_w)


@pytest.mark.parametrize("mode", ["solar", "min+solar"])
def test_a_meter_with_its_sign_turned_is_found_out_by_what_the_car_does(mode: Mode) -> None:
    """At night, 3 kW are drawn: it looks like the sun, and the more of it the more the car draws."""
    house = House(mode=mode)
    house.meter = turned
    steps = house.live([-3000.0] * 300)
    assert max(step.power_w for step in steps[:18]) == 3680  # until the phases are changed for yet more of that sun
    found_out = steps[18:]
    assert {step.power_w for step in found_out} == {0.0 if mode == "solar" else 4140.0}
    assert "is its sign turned?" in found_out[-1].words


def test_one_that_is_put_right_is_believed_again() -> None:
    house = House()
    house.meter = turned
    house.last(-3000, 600)
    house.meter = lambda sample: sample
    assert house.last(6900, 4500).power_w == 6900


def test_clouds_that_come_when_the_car_changes_are_no_turned_sign() -> None:
    house = House(outlet=Outlet(phases=(3,)))
    for _ in range(20):
        house.live([9000.0, 9000.0, 9000.0, 4500.0, 9000.0, 4500.0])
    assert not house.state.seen.turned(house.now_s)
    assert house.last(9000, 300).power_w == pytest.approx(9000, abs=150)
