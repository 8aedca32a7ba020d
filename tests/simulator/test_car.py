"""What a car draws and what the meter makes of it."""

from __future__ import annotations

import pytest

from tinyocpp.simulator.car import Car, Meter, Offer, charging_time_s, read_meter
from tinyocpp.simulator.cars import CARS, car_of


@pytest.mark.parametrize(
    ("car", "offer", "power_w"),
    [
        (Car(10_000, charging_s=60), Offer(), 11_000),
        (Car(10_000, charging_s=60), Offer(10.0, 3), 6_900),
        (Car(10_000, charging_s=60), Offer(10.0, 1), 2_300),
        (Car(10_000, power_w=3_700, phases=1, charging_s=60), Offer(), 3_700),
        (Car(10_000, charging_s=60), Offer(5.9, 3), 0),
        (Car(10_000, charging_s=60), Offer(0.0, 3), 0),
        (Car(10_000), Offer(), 1_100),
        (Car(10_000, charging_s=5), Offer(), 6_050),
        (Car(10_000, taken_wh=9_000, charging_s=60), Offer(), 5_500),
        (Car(10_000, taken_wh=9_990, charging_s=60), Offer(), 2_750),
        (Car(10_000, taken_wh=10_000, charging_s=60), Offer(), 0),
        (Car(0), Offer(), 0),
        (Car(10_000, minimum_a=8, charging_s=60), Offer(7.9, 1), 0),
        (Car(10_000, minimum_a=8, charging_s=60), Offer(8.0, 1), 1_840),
        (Car(10_000, maximum_a=10, charging_s=60), Offer(16.0, 3), 6_900),
        (Car(10_000, phases=2, charging_s=60), Offer(10.0, 3), 4_600),
        (Car(10_000, phases=2, charging_s=60), Offer(10.0, 1), 2_300),
        (Car(10_000, delay_s=5, charging_s=60), Offer(), 0),
    ],
    ids=[
        "plateau",
        "limit",
        "one phase",
        "small",
        "under 6 A",
        "none",
        "start",
        "ramp",
        "taper",
        "floor",
        "full",
        "no wish",
        "under its own minimum",
        "its own minimum",
        "takes less",
        "two phases",
        "two phases of one",
        "not yet",
    ],
)
def test_power(car, offer, power_w):
    assert car.power_on(offer) == pytest.approx(power_w)


def test_charging_stops_at_what_was_wanted():
    car = Car(500)
    taken_wh = sum(car.charge(Offer(), 60) for _ in range(10))
    assert taken_wh == pytest.approx(500)
    assert (car.full, car.soc_percent) == (True, 80)


def test_energy_is_power_times_time():
    car = Car(50_000, charging_s=60)
    assert car.charge(Offer(16.0, 3), 3600) == pytest.approx(11_000)


def test_a_suspended_car_takes_no_time():
    car = Car(1000)
    assert car.charge(Offer(0.0), 3600) == 0
    assert car.charging_s == 0


def test_charging_time_of_a_small_charge():
    car = Car(2000)
    assert 600 < charging_time_s(car) < 1200
    assert car.taken_wh == 0


def test_the_register_shows_whole_watt_hours():
    assert Meter(1234.9).register_wh == 1234
    assert Meter(999.9999999).register_wh == 1000


def test_a_reading_without_car():
    reading = read_meter(Meter(7), None, Offer(), flowing=False)
    assert (reading.register_wh, reading.power_w, reading.current_a, reading.soc_percent) == (7, 0, 0, None)


def test_a_car_that_wants_nothing_is_full():
    assert (Car(0).full, Car(0).soc_percent) == (True, 80)


def test_the_voltage_sags_under_load():
    idle = read_meter(Meter(), Car(1000), Offer(), flowing=False)
    loaded = read_meter(Meter(), Car(1000, charging_s=60), Offer(), flowing=True)
    assert idle.voltage_v > loaded.voltage_v > 225


# What cars differ in.


def power_over(car, *steps):
    """W at the end of each (A offered on three phases, seconds)."""
    shown = []
    for current_a, seconds in steps:
        for _ in range(round(seconds)):
            car.charge(Offer(float(current_a)), 1.0)
        shown.append(car.power_on(Offer(float(current_a))))
    return shown


def test_it_begins_after_a_delay_and_ramps_anew_after_each_pause():
    car = Car(50_000, delay_s=8)
    assert power_over(car, (16, 8), (16, 5), (16, 5)) == pytest.approx([1_100, 6_050, 11_000])
    assert power_over(car, (0, 1), (16, 7), (16, 1), (16, 10)) == pytest.approx([0, 0, 1_100, 11_000])


def test_the_delay_is_no_energy_but_time():
    car = Car(50_000, delay_s=8, charging_s=60)
    assert car.charge(Offer(10.0), 8) == 0
    assert car.charge(Offer(10.0), 3600) == pytest.approx(6_900)


def test_it_follows_a_rising_offer_slowly_and_a_falling_one_at_once():
    car = Car(50_000, rise_a_s=1, charging_s=60, risen_a=6)
    assert power_over(car, (6, 1), (10, 2), (10, 2), (8, 1)) == pytest.approx([4_140, 5_520, 6_900, 5_520])


def test_it_falls_asleep_in_a_long_pause_and_wakes_at_an_offer():
    car = Car(50_000, sleeps_after_s=300, delay_s=2)
    car.charge(Offer(), 60)
    for pause_s, asleep in ((299, False), (301, True)):
        car.charge(Offer(0.0), pause_s)
        assert car.asleep is asleep
        assert power_over(car, (16, 13)) == pytest.approx([11_000])


def test_some_need_a_second_offer():
    car = Car(50_000, sleeps_after_s=300, wakes_at_offer=2)
    car.charge(Offer(0.0), 300)
    assert power_over(car, (16, 600), (0, 10), (16, 10)) == pytest.approx([0, 0, 11_000])
    car.charge(Offer(0.0), 299)
    assert power_over(car, (16, 10)) == pytest.approx([11_000])


def test_state_of_charge_of_a_battery():
    car = Car(30_000, capacity_wh=60_000, arrived_percent=40)
    assert car.soc_percent == 40
    car.taken_wh = 15_000
    assert car.soc_percent == 65
    car.taken_wh = 90_000
    assert car.soc_percent == 90


def test_charging_time_with_a_delay():
    assert charging_time_s(Car(2000, delay_s=100)) == charging_time_s(Car(2000)) + 100


@pytest.mark.parametrize("kind", CARS)
def test_every_kind_of_car_fills_up(kind):
    car = car_of(kind, 1_000)
    assert charging_time_s(car) < 3600
    car.charge(Offer(), 3600)
    assert car.full


def test_what_was_said_of_a_car_goes_before_its_kind():
    assert car_of("simple", 500) == Car(500)
    assert car_of("zoe", 500, 3_680, 1) == Car(500, 3_680, 1, minimum_a=8, capacity_wh=41_000, delay_s=30, rise_a_s=1)


def test_currents_are_those_of_the_phases_in_use():
    reading = read_meter(Meter(), Car(9_000, phases=2, charging_s=60), Offer(10.0), flowing=True)
    assert reading.currents_a == pytest.approx((10, 10, 0), abs=0.2)
