"""What a car draws and what the meter makes of it."""

from __future__ import annotations

import pytest

from tinyocpp.simulator.car import Car, Meter, Offer, charging_time_s, read_meter


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
