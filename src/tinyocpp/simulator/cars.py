"""Cars as they differ: the table behind `tinyocpp simulate --car`. Numbers only; what they do is in car.py.

They are kinds of cars, drawn from what owners tell of theirs, and no measurements of a model: what matters for a
central system is that it meets each way once.
"""

from __future__ import annotations

from typing import TypedDict

import msgspec

from tinyocpp.simulator.car import Car


class Traits(TypedDict, total=False):
    """What of a Car is not as usual."""

    power_w: float
    phases: int
    capacity_wh: float
    minimum_a: float
    maximum_a: float
    rise_a_s: float
    delay_s: float
    sleeps_after_s: float
    wakes_at_offer: int


class Kind(msgspec.Struct, frozen=True):
    does: str
    traits: Traits


CARS = {
    "simple": Kind("follows every offer at once, as --power-w and --phases say", {}),
    "usual": Kind(
        "11 kW on three phases; begins after 8 s, then rises by 2 A a second",
        {"power_w": 11_040, "phases": 3, "maximum_a": 16, "capacity_wh": 60_000, "delay_s": 8, "rise_a_s": 2},
    ),
    "hybrid": Kind(
        "3.7 kW on one phase, a small battery",
        {"power_w": 3_680, "phases": 1, "maximum_a": 16, "capacity_wh": 12_000, "delay_s": 5, "rise_a_s": 4},
    ),
    "two-phase": Kind(
        "7.4 kW on two phases",
        {"power_w": 7_360, "phases": 2, "maximum_a": 16, "capacity_wh": 36_000, "delay_s": 5, "rise_a_s": 4},
    ),
    "zoe": Kind(
        "22 kW on three phases, takes nothing below 8 A, and is slow to begin",
        {"power_w": 22_000, "phases": 3, "minimum_a": 8, "capacity_wh": 41_000, "delay_s": 30, "rise_a_s": 1},
    ),
    "modest": Kind(
        "set to 10 A, takes no more of any offer",
        {"power_w": 6_900, "phases": 3, "maximum_a": 10, "capacity_wh": 60_000, "delay_s": 5},
    ),
    "sleeper": Kind(
        "falls asleep after five minutes' pause and wakes at the second offer",
        {"power_w": 11_040, "phases": 3, "maximum_a": 16, "delay_s": 8, "sleeps_after_s": 300, "wakes_at_offer": 2},
    ),
}


def car_of(kind: str, wanted_wh: float, power_w: float | None = None, phases: int | None = None) -> Car:
    """Of this kind; `power_w` and `phases` where they are to differ from it."""
    given: Traits = {}
    if power_w is not None:
        given["power_w"] = power_w
    if phases is not None:
        given["phases"] = phases
    return Car(wanted_wh, **(CARS[kind].traits | given))
