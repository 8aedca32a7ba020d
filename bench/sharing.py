"""A day of three cars behind one connection: `.venv-test/bin/python bench/sharing.py [--write]`.

The house is made up and switches all day: a stove with thermostats, an oven, kettles, a boiler, a heat pump, each on
its phases. Chargers and cars are the ones of the tests (tests/shared_house.py): they hear late and ramp. With --write
the table replaces the one in docs/sharing.md.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from typing import NamedTuple

from measure import SOURCE, TOP
from page import show

sys.path.insert(0, str(SOURCE))
sys.path.insert(0, str(TOP / "tests"))

from shared_house import Car, Connection, Second

from tinyocpp.modes import SharingConfig
from tinyocpp.parties import Currents

PAGE = TOP / "docs/sharing.md"
LIMIT_A = 25.0
DAY_S = 86400
NOISE_A = 0.5  # no meter says it more exactly


class Device(NamedTuple):
    """Something that is used for a while now and then, and meanwhile switches on and off by itself."""

    phases: tuple[int, ...]
    current_a: float
    times: int
    used_s: int
    on_s: int
    off_s: int


HOUSE = (
    Device((0, 1, 2), 1.2, 1, DAY_S, DAY_S, 0),  # what is always on
    Device((0,), 0.8, 1, DAY_S, 900, 1800),  # refrigerator
    Device((1,), 9.5, 8, 180, 180, 0),  # kettle
    Device((0,), 8.5, 3, 2400, 14, 22),  # a plate of the stove
    Device((1,), 8.0, 3, 2400, 25, 15),
    Device((2,), 11.0, 2, 4000, 120, 90),  # oven
    Device((1,), 9.0, 2, 5400, 900, 2400),  # washing machine
    Device((0, 1, 2), 4.5, 8, 4800, 1500, 600),  # heat pump
    Device((0, 1, 2), 8.7, 3, 1800, 1800, 0),  # boiler
)


def house(seed: int, seconds: int) -> list[Currents]:
    """What it takes, second by second."""
    chance = random.Random(seed)
    load = [[0.0] * seconds for _ in range(3)]
    for device in HOUSE:
        for _ in range(device.times):
            begun_s = 0 if device.used_s == DAY_S else chance.randrange(seconds)
            for at_s in range(begun_s, min(begun_s + device.used_s, seconds)):
                if (at_s - begun_s) % (device.on_s + device.off_s) < device.on_s:
                    for phase in device.phases:
                        load[phase][at_s] += device.current_a
    return [(one, two, three) for one, two, three in zip(*load, strict=True)]


def cars(measured_every_s: int) -> list[Car]:
    return [
        Car("garage", priority=1, deaf_s=3, measured_every_s=measured_every_s),
        Car("carport", can_swap=True, deaf_s=8, ramp_a_s=1.5, wakes_s=45, measured_every_s=measured_every_s),
        Car("yard", phases=1, rotation="STR", max_a=32, takes_a=32, deaf_s=5, measured_every_s=measured_every_s),
    ]


class Figures(NamedTuple):
    over_s: int  # while cars charged on the phase
    longest_s: int
    largest_a: float
    changes_h: float  # of what one charger is told
    used: float  # of what house and limit left to them

    def __str__(self) -> str:
        over = f"{self.over_s} s | {self.longest_s} s | {self.largest_a:.1f} A"
        return f"{over} | {self.changes_h:.1f} | {self.used:.0%}"


def figures(connection: Connection, seconds: list[Second]) -> Figures:
    over_s, longest_s, largest_a, running = 0, 0, 0.0, [0, 0, 0]
    drawn, left = 0.0, 0.0
    for second in seconds:
        excess = [
            total - LIMIT_A if total > load + 0.01 else 0.0
            for total, load in zip(second.total, second.load, strict=True)
        ]
        running = [before + 1 if one > NOISE_A else 0 for before, one in zip(running, excess, strict=True)]
        over_s, longest_s = over_s + any(running), max(longest_s, *running)
        largest_a = max(largest_a, *excess)
        drawn += sum(second.total) - sum(second.load)
        left += sum(max(LIMIT_A - load, 0.0) for load in second.load)
    changes = sum(len(car.told) - 1 for car in connection.cars)
    hours = len(seconds) / 3600
    return Figures(over_s, longest_s, largest_a, changes / hours / len(connection.cars), drawn / left)


WAYS = ((5, 1, 0, 10), (5, 5, 2, 10), (10, 10, 5, 60))  # asked, meter's interval and delay, chargers' samples


def table() -> Iterator[str]:
    """In Markdown, each row as soon as it is known."""
    yield "| asked / meter / its delay / samples | over the limit | longest | by at most | changes an hour | used |"
    yield "|---|---:|---:|---:|---:|---:|"
    for interval_s, meter_s, delay_s, samples_s in WAYS:
        connection = Connection(cars(samples_s), SharingConfig(limit_a=LIMIT_A), interval_s, meter_s, delay_s)
        row = figures(connection, connection.live(house(1, DAY_S)))
        yield f"| {interval_s} s / {meter_s} s / {delay_s} s / {samples_s} s | {row} |"


def main(words: list[str]) -> None:
    show(table(), PAGE, write="--write" in words)


if __name__ == "__main__":
    main(sys.argv[1:])
