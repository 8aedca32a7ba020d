"""Rule: what there is on three phases, divided among those that claim some of it.

First everybody's minimum, in the order given: with all phases, else with fewer, else not at all. Then what is left, the
highest priority first, equals alike: nobody gets more while an equal on the same short phase has less. It knows no time
and no meter; sharing.py gives it order and room.
"""

from __future__ import annotations

from itertools import groupby
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from tinyocpp.parties import Currents, Wires, added, less, spread

NEGLIGIBLE_A = 1e-6


class Way(NamedTuple):
    """To charge, and the most there is that way."""

    wires: Wires  # of the house
    most_a: float


class Claim(msgspec.Struct, frozen=True):
    """What one would have."""

    key: str
    priority: int
    ways: tuple[Way, ...]  # the best first
    least_a: float


class Grant(msgspec.Struct, frozen=True):
    """What one gets."""

    way: Way
    current_a: float

    @property
    def wires(self) -> Wires:
        return self.way.wires

    def currents(self) -> Currents:
        return spread(self.current_a, self.wires)


Grants = dict[str, Grant]


class Division(NamedTuple):
    """Who is not in `grants` gets nothing."""

    grants: Grants
    room: Currents  # before anything was granted

    @property
    def left(self) -> Currents:
        return remaining(self.room, self.grants)


def allot(claims: list[Claim], room: Currents) -> Division:
    """`claims` by priority, the highest first, equals by whose turn it is."""
    classes = [list(group) for _, group in groupby(claims, key=lambda claim: claim.priority)]
    granted: Grants = {}
    for equals in classes:
        granted |= _admitted(equals, remaining(room, granted))
    for equals in classes:
        granted |= _filled([claim for claim in equals if claim.key in granted], granted, room)
    return Division(granted, room)


def remaining(room: Currents, granted: Grants) -> Currents:
    return less(room, added(grant.currents() for grant in granted.values()))


def _admitted(equals: list[Claim], room: Currents) -> Grants:
    """Those whose minimum fits. More of them on fewer phases each are better than fewer on all."""
    eager = _in_turn(equals, room)
    modest = _in_turn([replace(claim, ways=claim.ways[-1:]) for claim in equals], room)
    if len(eager) >= len(modest):
        return eager
    for claim in (claim for claim in equals if claim.key in modest):
        others = {key: grant for key, grant in modest.items() if key != claim.key}
        modest |= _in_turn([claim], remaining(room, others))
    return modest


def _in_turn(claims: list[Claim], room: Currents) -> Grants:
    granted: Grants = {}
    for claim in claims:
        left = remaining(room, granted)
        fitting = [
            way
            for way in claim.ways
            if claim.least_a <= way.most_a and all(left[wire] >= claim.least_a - NEGLIGIBLE_A for wire in way.wires)
        ]
        if fitting:
            granted[claim.key] = Grant(fitting[0], claim.least_a)
    return granted


def _filled(equals: list[Claim], granted: Grants, room: Currents) -> Grants:
    """The lowest of them rise together, until a phase is full or they have all they may."""
    filled = {claim.key: granted[claim.key] for claim in equals}
    rising = set(filled)
    while True:
        left = remaining(room, granted | filled)
        rising = {
            key
            for key in rising
            if filled[key].current_a < filled[key].way.most_a - NEGLIGIBLE_A
            and all(left[wire] > NEGLIGIBLE_A for wire in filled[key].wires)
        }
        if not rising:
            return filled
        filled |= _risen(rising, filled, left)


def _risen(rising: set[str], filled: Grants, left: Currents) -> Grants:
    """The lowest, as far as the next one's level, its own end, or its part of what is left."""
    level_a = min(filled[key].current_a for key in rising)
    lowest = [key for key in rising if filled[key].current_a <= level_a + NEGLIGIBLE_A]
    above_a = [filled[key].current_a for key in rising if key not in lowest]
    sharers = [sum(wire in filled[key].wires for key in lowest) for wire in range(3)]
    ends_a = above_a + [filled[key].way.most_a for key in lowest]
    ends_a += [level_a + left[wire] / sharers[wire] for wire in range(3) if sharers[wire]]
    return {key: replace(filled[key], current_a=min(ends_a)) for key in lowest}
