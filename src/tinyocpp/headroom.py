"""Rule: what the rest of the house takes on each phase, from a meter that is late and shows the chargers' currents too.

When all chargers were last measured the rest is known. Since then what the meter shows may be explained by what cars do
late, and only what cannot be is taken for the house's; but once the limit is exceeded, all that no car was measured to
draw. The rest is reckoned with at once when it rises and slowly when it falls, so that a thermostat is not followed up
and down. A meter that is silent, absurd or hangs is not believed.
"""

from __future__ import annotations

from math import inf, isfinite
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from tinyocpp.parties import MEASURED_FOR_S, NOTHING, Currents, History, Line, added, least, less, most

if TYPE_CHECKING:
    from collections.abc import Collection

    from tinyocpp.modes import SharingConfig

BEYOND_ANY_HOUSE_A = 500.0
FROZEN_A = 2.0  # chargers that changed by more show at the meter, unless it hangs
ALIGNED_S = 5.0  # two clocks and two ways of averaging do not agree better
CALM_A = 0.5  # the house is not followed down for less


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """What the meter at the grid connection said: import positive, the chargers included."""

    currents_a: Currents
    read_s: float  # when it came to us
    delay_s: float = 0.0  # how old it was then

    @property
    def taken_s(self) -> float:
        return self.read_s - self.delay_s


class House(msgspec.Struct, frozen=True, kw_only=True):
    """What is remembered of the meter; begin with House()."""

    began_s: float = inf  # when it was first asked for
    believed: Reading | None = None
    shown: Reading | None = None  # the first with the figures it shows
    drew: tuple[Currents, Currents] = (NOTHING, NOTHING)  # the chargers then, at least and at most
    hangs: bool = False
    readings: History = ()  # when taken
    rest: Currents = (-inf, -inf, -inf)  # as it seems
    lately: History = ()  # rests, as long as they are waited for
    reckoned: Currents = (-inf, -inf, -inf)  # as it is to be counted
    fell_s: float = -inf  # when that was less the last time
    again: Currents | None = None  # with the next reading it is reckoned as if it had been this

    def silent_s(self, now_s: float) -> float:
        """Since a figure to believe was taken, or one was first waited for."""
        return now_s - (self.believed.taken_s if self.believed else self.began_s)


def forgotten(house: House, before: House) -> House:
    """Others may have been taken for the house since it was as before."""
    return replace(house, rest=before.rest, lately=before.lately, fell_s=before.fell_s, again=before.reckoned)


def noticed(house: House, config: SharingConfig, reading: Reading, lines: Collection[Line], now_s: float) -> House:
    """With the reading, if it is new and to be believed."""
    possible = all(abs(figure) <= BEYOND_ANY_HOUSE_A for figure in reading.currents_a)  # one that is no number is not
    in_time = isfinite(reading.read_s) and reading.read_s <= now_s and 0 <= reading.delay_s < inf
    if not possible or not in_time:
        return house
    last = house.believed
    if last is not None and (reading.read_s <= last.read_s or reading.taken_s <= last.taken_s):
        return house
    house = _looked_at(house, reading, lines, config.lag_s)
    return house if house.hangs else _reckoned(house, config, reading, lines, now_s)


def _looked_at(house: House, reading: Reading, lines: Collection[Line], lag_s: float) -> House:
    """Does it still show the same to the last digit, though the chargers were measured to draw more or less?"""
    shown = house.shown
    if shown is None or reading.currents_a != shown.currents_a:
        return replace(house, shown=reading, drew=_drew(lines, reading.taken_s, lag_s), hangs=False)
    if reading.taken_s - shown.taken_s < MEASURED_FOR_S:  # what they drew then may have been measured since
        house = replace(house, drew=_drew(lines, shown.taken_s, lag_s))
    known_s = _known_s(lines, reading.taken_s)
    (low_then, high_then), (low, high) = house.drew, _drew(lines, max(known_s, shown.taken_s), lag_s)
    grown = any(now > then + FROZEN_A for now, then in zip(low, high_then, strict=True))
    shrunk = any(now < then - FROZEN_A for now, then in zip(high, low_then, strict=True))
    return replace(house, hangs=house.hangs or grown or shrunk)


def _reckoned(house: House, config: SharingConfig, reading: Reading, lines: Collection[Line], now_s: float) -> House:
    needed_s = _known_s(lines, reading.taken_s) - ALIGNED_S
    kept = house.readings[max(sum(at_s < needed_s for at_s, _ in house.readings) - 1, 0) :]
    readings = (*kept, (reading.taken_s, reading.currents_a))
    rest = _rest(house.rest, readings, lines, config)
    fresh = house.believed is None or house.silent_s(now_s) > config.stale_after_s
    since_s = inf if fresh else now_s - config.raise_after_s
    lately = tuple(
        one for one in house.lately if one[0] >= since_s and most([one[1], rest]) != rest
    )  # or it tells no more
    reckoned = house.again or house.reckoned
    house = replace(house, believed=reading, readings=readings, rest=rest, lately=(*lately, (now_s, rest)))
    house = replace(house, reckoned=reckoned, again=None)
    return replace(house, reckoned=rest, fell_s=now_s) if fresh else _followed(house, config, now_s)


def _followed(house: House, config: SharingConfig, now_s: float) -> House:
    """Up at once, down a step at a time, to what was not exceeded for long enough."""
    before, highest = house.reckoned, most(what for _, what in house.lately)
    may_fall = now_s - house.fell_s >= config.raise_after_s
    calm = less(before, (CALM_A, CALM_A, CALM_A))
    stepped = most([highest, less(before, (config.raise_a, config.raise_a, config.raise_a))])
    after = tuple(
        step if may_fall and high < floor else max(high, then)
        for high, floor, step, then in zip(highest, calm, stepped, before, strict=True)
    )
    fell = any(now < then for now, then in zip(after, before, strict=True))
    return replace(house, reckoned=(after[0], after[1], after[2]), fell_s=now_s if fell else house.fell_s)


def _rest(before: Currents, readings: History, lines: Collection[Line], config: SharingConfig) -> Currents:
    """As it seemed, as far as that can still be so. What the sun gives is not counted on: a cloud takes it at once."""
    taken_s, newest = readings[-1]
    common_s = _known_s(lines, taken_s)
    nearest_s = min(abs(at_s - common_s) for at_s, _ in readings)
    near = [what for at_s, what in readings if abs(at_s - common_s) <= max(ALIGNED_S, nearest_s)]
    low, high = _drew(lines, common_s, config.lag_s)
    then = _between(before, less(least(near), high), less(most(near), low))
    low, high = _drew(lines, taken_s, config.lag_s)
    seems = _between(then, less(newest, high), less(newest, low))
    unexplained = less(newest, added(line.took(taken_s, config.lag_s) for line in lines))
    exceeded = [shown > config.limit_a + CALM_A for shown in newest]
    ones = [max(0.0, one, other * over) for one, other, over in zip(seems, unexplained, exceeded, strict=True)]
    return (ones[0], ones[1], ones[2])


def _known_s(lines: Collection[Line], taken_s: float) -> float:
    """When all that are measured were so last, if that is before."""
    return min([line.seen[-1][0] for line in lines if line.seen] + [taken_s])


def _drew(lines: Collection[Line], at_s: float, lag_s: float) -> tuple[Currents, Currents]:
    """All together, at least and at most."""
    ranges = [line.drew(at_s, lag_s) for line in lines]
    return added(low for low, _ in ranges), added(high for _, high in ranges)


def _between(value: Currents, low: Currents, high: Currents) -> Currents:
    return least([most([value, low]), most([low, high])])
