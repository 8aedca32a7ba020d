"""The house: its trace, its battery, what its meter shows, and how the chargers are wired to it."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from simulator.bench import T0, Bench
from tinyocpp.errors import Malformed
from tinyocpp.simulator import person
from tinyocpp.simulator.car import Car
from tinyocpp.simulator.gridmeter import write
from tinyocpp.simulator.house import Battery, Figures, House, read_trace
from tinyocpp.simulator.household import Household

CLOUDS = "time_s,pv_w,load_w\n100,0,300\n200,4000,300\n300,1000,900\n"
NO_CARS = (0.0, 0.0, 0.0)


def trace(text=CLOUDS):
    return read_trace(text.splitlines(), "day.csv")


@pytest.mark.parametrize(
    ("elapsed_s", "figures"),
    [(0, (0, 300)), (50, (2000, 300)), (100, (4000, 300)), (150, (2500, 600)), (200, (0, 300)), (450, (2000, 300))],
    ids=["first", "between", "row", "falling", "anew", "the third time"],
)
def test_a_trace_at_a_moment(elapsed_s, figures):
    assert trace().at(elapsed_s) == pytest.approx(figures)


def test_columns_in_any_order_and_more_of_them():
    assert trace("load_w,note,time_s,pv_w\n7,x,0,1\n7,y,2,3\n").at(1) == pytest.approx((2, 7))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "day.csv: no column time_s"),
        ("time_s,load_w\n0,1\n", "day.csv: no column pv_w"),
        ("time_s,pv_w,load_w\n0,1,2\n", "day.csv: a trace has two rows"),
        ("time_s,pv_w,load_w\n0,1,2\n5,nan,2\n", "day.csv:3: "),
        ("time_s,pv_w,load_w\n0,1\n5,1,2\n", "day.csv:2: "),
        ("time_s,pv_w,load_w\n0,1,2\n5,much,2\n", "day.csv:3: "),
        ("time_s,pv_w,load_w\n5,1,2\n5,1,2\n", "day.csv:3: "),
    ],
    ids=["nothing", "a column", "one row", "no number", "short", "a word", "time stands"],
)
def test_a_trace_that_is_none(text, words):
    with pytest.raises(Malformed) as refused:
        trace(text)
    assert str(refused.value).startswith(words)


def test_the_meter_shows_load_minus_roof_plus_cars():
    house = House(trace(), split=(0.5, 0.3, 0.2))
    assert house.live(100, (2300, 0.0, 0.0)) == Figures(300 - 4000 + 2300, 4.86, -5.41, -5.54, 4000)


def test_a_battery_takes_what_is_left_and_gives_what_is_missing():
    battery = Battery(10_000, 3_000, 5_000)
    assert battery.live(2_000, 3600) == 2_000
    assert battery.live(9_000, 3600) == 3_000
    assert battery.live(9_000, 3600) == pytest.approx(0)
    assert battery.soc_percent == 100
    assert battery.live(-2_500, 3600) == -2_500
    assert battery.live(-9_000, 3600) == -3_000
    assert [battery.live(-9_000, 3600) for _ in range(3)] == pytest.approx([-3_000, -1_500, 0])


def test_a_house_with_a_battery_buys_nothing_while_it_lasts():
    house = House(trace("time_s,pv_w,load_w\n0,0,900\n3600,0,900\n"), battery=Battery.of(3_000))
    assert house.live(1800, NO_CARS) == Figures(0, 0, 0, 0, 0, -900, 35)
    assert house.live(1800, (460, 460, 460)) == Figures(780, 1.13, 1.13, 1.13, 0, -1500, 10)


def charging_bench(rotation=None, car=None):
    bench = Bench().connect()
    if rotation:
        bench.ask("ChangeConfiguration", key="ConnectorPhaseRotation", value=rotation)
    person.plug_in(bench.station, bench.connector(), car or Car(50_000, phases=1, power_w=2_300), bench.now)
    person.present_tag(bench.station, bench.connector(), "04A2B3C4", bench.now)
    bench.pump()
    return bench


@pytest.mark.parametrize(
    ("rotation", "currents_a"),
    [
        (None, (11, 1, 1)),
        ("1.RST", (11, 1, 1)),
        ("0.RST,1.STR", (1, 11, 1)),
        ("1.TRS", (1, 1, 11)),
        ("1.Unknown", (11, 1, 1)),
        ("0.RST", (11, 1, 1)),
    ],
)
def test_a_charger_is_wired_as_its_rotation_says(rotation, currents_a):
    bench = charging_bench(rotation)
    household = Household(House(trace("time_s,pv_w,load_w\n0,0,690\n9,0,690\n")), [bench.station], T0, 1.0)
    shown = household.advance(T0 + timedelta(seconds=60))
    assert (shown.l1_a, shown.l2_a, shown.l3_a) == pytest.approx(currents_a, abs=0.01)


def test_all_chargers_of_a_house_are_on_its_meter():
    benches = [charging_bench(rotation) for rotation in ("1.RST", "1.STR", "1.STR")]
    house = House(trace("time_s,pv_w,load_w\n0,0,690\n9,0,690\n"))
    household = Household(house, [bench.station for bench in benches], T0, 60.0)
    shown = household.advance(T0 + timedelta(seconds=60))
    assert (shown.l1_a, shown.l2_a, shown.l3_a) == pytest.approx((11, 21, 1), abs=0.01)
    assert house.elapsed_s == 3600
    assert household.advance(T0) == shown  # a clock that goes back changes nothing


def test_the_meters_file_is_replaced_as_a_whole(tmp_path):
    file = tmp_path / "meter.json"
    for grid_w in (1.0, 2.0):
        write(file, Figures(grid_w, 0.1, 0.2, 0.3, 5.0))
    assert json.loads(file.read_text()) == {"grid_w": 2.0, "l1_a": 0.1, "l2_a": 0.2, "l3_a": 0.3, "pv_w": 5.0}
    assert list(tmp_path.iterdir()) == [file]


def test_a_meters_file_that_cannot_be_written(tmp_path):
    with pytest.raises(Malformed, match="No such file"):
        write(tmp_path / "missing" / "meter.json", Figures(0, 0, 0, 0, 0))
