"""Days that were made up, for trying the solar law where no recorded trace is at hand: skies of one kind, and houses.

Everything comes from a seed, so a figure can be had again. They are harsher than most days: clouds that come every
three minutes all day long, heat pumps that start and stop from morning to night.
"""

from __future__ import annotations

import random
from math import exp, pi, sin
from typing import NamedTuple

from tinyocpp.trials import Trace

STEP_S = 10
DAY = 86400 // STEP_S


class Sky(NamedTuple):
    """Of one kind all day: how much light comes through while it is dull and while it is bright, and for how long."""

    dull: tuple[float, float]
    dull_s: float
    bright: tuple[float, float]
    bright_s: float
    edge_s: float  # how long a cloud's edge takes


CLEAR = Sky((1, 1), 3600, (1, 1), 3600, 60)
BROKEN = Sky((0.15, 0.5), 150, (0.9, 1.15), 200, 15)  # small cumulus, brighter than clear beside the cloud
SLOW = Sky((0.1, 0.6), 1500, (0.4, 1), 1500, 120)
OVERCAST = Sky((0.12, 0.35), 900, (0.15, 0.35), 900, 200)
FAIR = Sky((0.3, 0.7), 240, (0.95, 1.1), 900, 30)  # small cumulus, far apart
HAZE = Sky((0.6, 0.9), 600, (0.8, 1), 900, 120)
SHOWERS = Sky((0.05, 0.3), 600, (0.8, 1.15), 700, 30)
KINDS = (CLEAR, BROKEN, SLOW, OVERCAST, FAIR, HAZE, SHOWERS)

SEASONS = ((5, 20, 1), (6, 18.5, 0.85), (7, 18, 0.7), (8, 16.5, 0.5))  # sunrise, sunset, and how strong the sun is


def made_up() -> dict[str, Trace]:
    """Two days of each, by name."""
    return {
        "clear, 8.5 kW": day(CLEAR, 8500, seed=1),
        "clear, 5 kW, heat pump": day(CLEAR, 5000, seed=2, heat_pump=True),
        "slow clouds, 9 kW": day(SLOW, 9000, seed=3),
        "overcast, 9.5 kW": day(OVERCAST, 9500, seed=4),
        "broken clouds all day, 9 kW": day(BROKEN, 9000, seed=5),
        "broken clouds all day, 5 kW": day(BROKEN, 5000, seed=6),
        "winter, 6 kW, heat pump": day(SLOW, 6000, seed=7, sunrise_h=8, sunset_h=16.5, heat_pump=True),
    }


def drawn(seed: int) -> Trace:
    """A day by lot: season, roof of 3 to 15 kW, house, and every few hours another sky."""
    chance = random.Random(seed)
    sunrise_h, sunset_h, strength = chance.choice(SEASONS)
    peak_w = chance.uniform(3000, 15000) * strength
    load_w = house(chance, heat_pump=chance.random() < 0.25)
    through = list[float]()
    while len(through) < DAY:
        through += light(chance.choice(KINDS), chance, round(chance.uniform(1, 6) * 3600 / STEP_S))
    surplus_w = [peak_w * sun(step, sunrise_h, sunset_h) * through[step] - load_w[step] for step in range(DAY)]
    return Trace([float(step * STEP_S) for step in range(DAY)], surplus_w)


def sun(step: int, sunrise_h: float, sunset_h: float) -> float:
    """What part of its peak a roof gives under a clear sky."""
    high = (step * STEP_S / 3600 - sunrise_h) / (sunset_h - sunrise_h)
    return sin(pi * high) ** 1.5 if 0 < high < 1 else 0.0


def day(
    sky: Sky,
    peak_w: float,
    seed: int,
    days: int = 2,
    sunrise_h: float = 5,
    sunset_h: float = 20,
    heat_pump: bool = False,
) -> Trace:
    chance = random.Random(seed)
    through = light(sky, chance, days * DAY)
    surplus_w = []
    for one in range(days):
        load_w = house(chance, heat_pump)
        for step in range(DAY):
            sun_w = peak_w * sun(step, sunrise_h, sunset_h)
            surplus_w.append(sun_w * through[one * DAY + step] - load_w[step])
    return Trace([float(step * STEP_S) for step in range(days * DAY)], surplus_w)


def light(sky: Sky, chance: random.Random, steps: int) -> list[float]:
    """What part of the sun comes through, step by step."""
    through, now, until, bright = list[float](), 1.0, 0.0, True
    wanted = 1.0
    for step in range(steps):
        if step * STEP_S >= until:
            bright = not bright
            wanted = chance.uniform(*(sky.bright if bright else sky.dull))
            until = step * STEP_S + chance.expovariate(1 / (sky.bright_s if bright else sky.dull_s))
        now += (wanted - now) * (1 - exp(-STEP_S / sky.edge_s))
        through.append(max(0.0, now * (1 + chance.gauss(0, 0.004))))
    return through


def house(chance: random.Random, heat_pump: bool) -> list[float]:
    """A day's load: fridge, kettle, oven, washing machine, dishes; and a pump that comes and goes."""
    load_w = [200.0] * DAY

    def add(at_h: float, seconds: float, watts: float, on_s: float = 1, of_s: float = 1) -> None:
        first = round(at_h * 3600 / STEP_S)
        for step in range(min(round(seconds / STEP_S), DAY - first)):
            load_w[first + step] += watts if step * STEP_S % of_s < on_s else 0

    for quarter in range(28):
        add(quarter * 0.85, 900, 90)
    for _ in range(6):
        add(chance.uniform(6, 21), chance.uniform(90, 240), 2200)
    for noon_h in (chance.uniform(11, 12.5), chance.uniform(17, 19)):
        add(noon_h, 600, 2500)
        add(noon_h + 1 / 6, 2400, 2500, on_s=30, of_s=90)
    for wash_h in (chance.uniform(8, 14), chance.uniform(12, 15)):
        add(wash_h, 4500, 150)
        add(wash_h, 1000, 2050)
    at_h = chance.uniform(0, 1)
    while heat_pump and at_h < 24:
        run_s = chance.uniform(900, 1800)
        add(at_h, run_s, chance.uniform(1800, 2600))
        at_h += run_s / 3600 + chance.uniform(0.4, 1.2)
    return load_w
