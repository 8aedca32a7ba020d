"""Rule: what the house has to spare, told from what its meters said.

A sample is used or it is not: one that is no number, absurd, older than the last, or from a meter that hangs or has its
sign turned, is not.
What the car draws counts as surplus, and of a house battery what the owner's order of priority leaves. Which amperes
come of it, solar.py decides.
"""

from __future__ import annotations

from math import inf, nan
from typing import TYPE_CHECKING, NamedTuple

import msgspec
from msgspec.structs import replace

from tinyocpp.forecast import Forecast

if TYPE_CHECKING:
    from tinyocpp.modes import SolarConfig

BEYOND_ANY_HOUSE_W = 100_000.0
FROZEN_W = 100.0  # a car that changed by more shows at the grid, unless the meter hangs
STILL_W, LOUD_W = 25.0, 1000.0  # so little does no house move by when a car changes by so much
TURNED_TIMES = 2  # once, a cloud may have made it look so
DOUBTED_S = 3600.0  # then it may have been put right, or it was clouds after all
SPARED_W = 100.0  # goes to the grid while the battery comes first: half of it shows that the battery wants no more


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """What the house's meters said, all at one moment. Drawn is positive: from the grid, by the car, by the battery."""

    read_s: float  # when it came to us
    delay_s: float = 0.0  # how old it was then
    grid_w: float
    car_w: float | None = None  # None: what was offered to it is believed
    battery_w: float | None = None
    battery_soc: float | None = None  # percent

    @property
    def taken_s(self) -> float:
        return self.read_s - self.delay_s


class Shown(NamedTuple):
    """What the grid's meter shows, and what the car drew when it first did."""

    grid_w: float = nan
    car_w: float = 0.0


class Seen(msgspec.Struct, frozen=True):
    """What is remembered of the house; begin with Seen()."""

    sample: Sample | None = None  # the last one that was believed
    forecast: Forecast = Forecast()
    shown: Shown = Shown()
    steady: Shown = Shown()  # the same for figures that are nearly it
    hangs: bool = False  # it shows that still, whatever the car does: not believed until it shows something else
    against: int = 0  # how often in a row it moved by what the car did, but the other way
    against_s: float = -inf  # the last time
    battery_takes_w: float = inf  # if it may

    @property
    def surplus_w(self) -> float:
        """When the last sample was taken."""
        return self.forecast.past[-1][1] if self.sample else -inf

    def turned(self, now_s: float) -> bool:
        """Does the grid's meter seem to have its sign turned?"""
        return self.against >= TURNED_TIMES and now_s - self.against_s < DOUBTED_S


def noticed(seen: Seen, config: SolarConfig, sample: Sample, drawn_w: float, now_s: float) -> Seen:
    """With the sample, if it is new, of this world, and not from a meter that hangs. `drawn_w`: by the car, then."""
    figures = (sample.grid_w, drawn_w, sample.battery_w or 0.0)
    possible = all(abs(figure) <= BEYOND_ANY_HOUSE_W for figure in figures)  # one that is no number is not
    if not possible or not (0 <= sample.delay_s < inf and -inf < sample.read_s <= now_s):
        return seen
    last = seen.sample
    if last is not None and (sample.read_s <= last.read_s or sample.taken_s <= last.taken_s):
        return seen
    seen = _shown(_moved(seen, sample, now_s), sample.grid_w, drawn_w)
    if seen.hangs or seen.turned(now_s):
        return seen
    takes_w, surplus_w = _spared(seen, config, sample, drawn_w)
    forecast = seen.forecast.learnt(sample.taken_s, surplus_w, now_s - sample.taken_s)
    return replace(seen, sample=sample, forecast=forecast, battery_takes_w=takes_w)


def _moved(seen: Seen, sample: Sample, now_s: float) -> Seen:
    """With whether the grid's meter moved as much as the car did, and which way; where the car is measured."""
    if sample.car_w is None:
        return seen
    car_by_w, grid_by_w = sample.car_w - seen.shown.car_w, sample.grid_w - seen.shown.grid_w
    near_w = abs(car_by_w) / 2 if abs(car_by_w) > LOUD_W else 0.0
    if abs(grid_by_w + car_by_w) < near_w / 4:  # a car that follows a cloud looks nearly so
        return replace(seen, against=seen.against + 1, against_s=now_s)
    return replace(seen, against=0) if abs(grid_by_w - car_by_w) < near_w else seen


def _shown(seen: Seen, grid_w: float, drawn_w: float) -> Seen:
    """With what the grid's meter shows, and whether it hangs. One that shows nearly the same whatever the car does is
    believed near zero, where a car that follows the sun keeps it."""
    same, near = grid_w == seen.shown.grid_w, abs(grid_w - seen.steady.grid_w) <= STILL_W
    shown = seen.shown if same else Shown(grid_w, drawn_w)
    steady = seen.steady if near else Shown(grid_w, drawn_w)
    stuck = same and grid_w and abs(drawn_w - shown.car_w) > FROZEN_W
    lies = near and abs(grid_w) > LOUD_W and abs(drawn_w - steady.car_w) > LOUD_W
    hangs = bool(stuck or lies or (seen.hangs and (same or (near and abs(grid_w) > LOUD_W))))
    return replace(seen, shown=shown, steady=steady, hangs=hangs)


def _spared(seen: Seen, config: SolarConfig, sample: Sample, drawn_w: float) -> tuple[float, float]:
    """What the battery takes if it may, and what is left for the car.

    A battery that comes first takes what the car leaves, and nothing of that shows at the grid: so what the car draws
    is its own only beyond what the battery was seen to take when it had enough. Power from a battery is no surplus.
    """
    battery_w, to_grid_w = sample.battery_w, -sample.grid_w
    car_first = not config.battery_first_soc or (sample.battery_soc or 0.0) >= config.battery_first_soc
    if battery_w is None or car_first:
        return seen.battery_takes_w, drawn_w + to_grid_w + (battery_w or 0.0)
    charging_w = max(battery_w, 0.0)
    takes_w = charging_w if to_grid_w >= SPARED_W / 2 else max(seen.battery_takes_w, charging_w)
    kept_w = max(SPARED_W - config.reserve_w, 0.0)
    return takes_w, max(drawn_w + charging_w - takes_w, 0.0) + to_grid_w + battery_w - charging_w - kept_w
