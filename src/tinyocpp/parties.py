"""Rule: who shares the house connection, on which of its phases each one's current flows, and what is remembered of it.

What a charger calls L1 may be wired to any phase of the house (the standard's ConnectorPhaseRotation); from here on
currents are by the house's phases. A car does late what it is told, and its measured current comes later still, so what
it drew at a moment is known as a range.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from tinyocpp.mains import LEAST_A, NOMINAL_V
from tinyocpp.modes import Rotation

if TYPE_CHECKING:
    from collections.abc import Iterable

Currents = tuple[float, float, float]  # A on L1, L2, L3 of the house
Wires = tuple[int, ...]  # which of them are used; the charger's first one first
History = tuple[tuple[float, Currents], ...]  # since or at which second; the newest last

NOTHING: Currents = (0.0, 0.0, 0.0)
WIRED: dict[Rotation, Wires] = {
    "RST": (0, 1, 2),
    "RTS": (0, 2, 1),
    "SRT": (1, 0, 2),
    "STR": (1, 2, 0),
    "TRS": (2, 0, 1),
    "TSR": (2, 1, 0),
}
MEASURED_FOR_S = 120.0  # an older figure tells nothing of now; most chargers send one every minute or sooner
DISOBEYS_A = 1.0  # a current so much above what was told is no inaccuracy
STEADY_A = 1.0  # one that changed by more from sample to sample is on its way
ASLEEP_A = 2.0  # no car charges with less for long; it may wake


class Party(msgspec.Struct, frozen=True, kw_only=True):
    """One connector that takes current, may want some, or is not connected and may still take some."""

    key: str
    name: str  # the owner's, for words
    priority: int = 0  # higher first
    wants: bool = True  # a car charges, waits or is paused by us
    phases: int = 3  # that it uses when it is free to: 1, 2 or 3
    rotation: Rotation = "RST"
    can_swap: bool = False  # may be told to use its first phase only
    min_a: float = LEAST_A
    max_a: float = 16.0  # of charger, car, the owner's limit and the sun, whichever is least
    max_w: float = inf  # in all, of a limit in watts
    step_a: float = 0.1
    allowed_a: float = 0.0  # what it was told last; max_a if nobody knows
    drawn_a: Currents | None = None  # measured, by the charger's own phases
    drawn_s: float = -inf  # when, by our clock
    fallback_a: float | None = None  # not connected: what it may draw all the same
    fallback_phases: int = 3  # and on how many phases

    def wires(self, fallen: bool = False) -> Wires:
        return WIRED[self.rotation][: 1 if fallen else self.phases]

    def most_a(self, fallen: bool = False) -> float:
        return self.in_steps(min(self.max_a, self.max_w / (NOMINAL_V * len(self.wires(fallen)))))

    def lowest_a(self) -> float:
        return -self.in_steps(-self.min_a)

    def in_steps(self, current_a: float) -> float:
        """No more than that, and what the charger resolves."""
        return round((current_a / self.step_a + 1e-9) // 1 * self.step_a, 3)

    def drawn(self) -> Currents:
        """As measured, by the house's phases."""
        own = dict(zip(WIRED[self.rotation], self.drawn_a or NOTHING, strict=True))
        return (own[0], own[1], own[2])


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """What is remembered of a party."""

    told: History = ()
    seen: History = ()
    fallen: bool = False  # to one phase
    charging: bool | None = None  # or waiting; None: it wants nothing
    since_s: float = -inf  # that
    began_s: float = -inf  # when it wanted something the last time after nothing
    stopped_s: float = -inf
    swapped_s: float = -inf

    def turned(self, party: Party, now_s: float) -> Line:
        """With whether it charges, waits or wants nothing, and since when."""
        charging = party.allowed_a > 0 if party.wants else None
        if charging is self.charging:
            return self
        stopped_s = now_s if self.charging and charging is False else self.stopped_s
        began_s = now_s if self.charging is None else self.began_s
        return replace(self, charging=charging, since_s=now_s, began_s=began_s, stopped_s=stopped_s)

    def unknown(self, at_s: float, lag_s: float) -> bool:
        """A charge that began, or was there before us, was not measured by then since it had the time to do what it is
        told: it may have drawn anything."""
        measured = any(self.began_s + lag_s <= seen_s <= at_s for seen_s, _ in self.seen)
        return self.charging is not None and not measured and at_s - self.began_s < MEASURED_FOR_S

    def heard(self, party: Party, now_s: float, lag_s: float) -> Line:
        """With what it was told meanwhile and what it was measured to draw."""
        current_a = party.allowed_a if party.fallback_a is None else party.fallback_a
        line = self.was_told(spread(current_a, party.wires(self.fallen)), now_s if self.told else -inf, lag_s)
        newer = party.drawn_a is not None and party.drawn_s > (line.seen[-1][0] if line.seen else -inf)
        seen = (*line.seen, (party.drawn_s, party.drawn())) if newer else line.seen
        return replace(line, seen=tuple(one for one in seen if one[0] >= now_s - MEASURED_FOR_S))

    def was_told(self, currents: Currents, now_s: float, lag_s: float) -> Line:
        """What it is told from now on. What held no longer when the oldest figure was measured is forgotten."""
        if self.told and self.told[-1][1] == currents:
            return self
        told = (*self.told, (now_s, currents))
        needed_s = now_s - MEASURED_FOR_S - lag_s
        return replace(self, told=told[max(sum(since_s <= needed_s for since_s, _ in told) - 1, 0) :])

    def in_force(self, from_s: float, to_s: float) -> list[Currents]:
        """What it was told at any moment between."""
        ends = [since_s for since_s, _ in self.told[1:]] + [inf]
        held = [
            what for (since_s, what), end_s in zip(self.told, ends, strict=True) if since_s <= to_s and end_s > from_s
        ]
        return held or [self.told[0][1]]

    def disobeys(self, lag_s: float) -> bool:
        """It was measured to draw more than it was told, and had the time."""
        if not self.seen:
            return False
        at_s, drawn = self.seen[-1]
        held = most(self.in_force(at_s - lag_s, at_s))
        return any(own > told + DISOBEYS_A for own, told in zip(drawn, held, strict=True))

    def may_draw(self, now_s: float, lag_s: float) -> Currents:
        """At most, now: what it was told within the lag, or what it draws whatever it is told."""
        told = most(self.in_force(now_s - lag_s, now_s))
        return most([told, self.seen[-1][1]]) if self.disobeys(lag_s) else told

    def took(self, at_s: float, lag_s: float) -> Currents:
        """At that moment, as last measured before; what is above what it was told, and no disobedience, is not its."""
        may_draw = self.may_draw(at_s, lag_s)
        earlier = [drawn for seen_s, drawn in self.seen if seen_s <= at_s][-1:]
        return least([may_draw, *earlier])

    def drew(self, at_s: float, lag_s: float) -> tuple[Currents, Currents]:
        """At least and at most, at that moment."""
        may_draw = self.may_draw(at_s, lag_s)
        earlier = [drawn for seen_s, drawn in self.seen if seen_s <= at_s][-1:]
        later = [drawn for seen_s, drawn in self.seen if seen_s >= at_s][:1]
        if later or (earlier and self._settled(at_s, lag_s)):
            return least([may_draw, *earlier, *later]), least([may_draw, most(earlier + later)])
        if not earlier:
            return NOTHING, may_draw
        return least(earlier + self.in_force(self.seen[-1][0], at_s)), may_draw

    def _settled(self, at_s: float, lag_s: float) -> bool:
        """It has had the time to do what it was told, and takes what it took; one that takes nothing may yet wake."""
        (_, before), (seen_s, drawn) = ((-inf, NOTHING), *self.seen)[-2:]
        steady = all(abs(now - then) <= STEADY_A for now, then in zip(drawn, before, strict=True))
        return steady and max(drawn) > ASLEEP_A and len(self.in_force(seen_s - lag_s, at_s)) == 1


def spread(current_a: float, wires: Wires) -> Currents:
    return (current_a * (0 in wires), current_a * (1 in wires), current_a * (2 in wires))


def added(many: Iterable[Currents]) -> Currents:
    ones, twos, threes = zip(NOTHING, *many, strict=True)
    return (sum(ones), sum(twos), sum(threes))


def less(first: Currents, second: Currents) -> Currents:
    return (first[0] - second[0], first[1] - second[1], first[2] - second[2])


def most(many: Iterable[Currents]) -> Currents:
    ones, twos, threes = zip(*many, strict=True)
    return (max(ones), max(twos), max(threes))


def least(many: Iterable[Currents]) -> Currents:
    ones, twos, threes = zip(*many, strict=True)
    return (min(ones), min(twos), min(threes))
