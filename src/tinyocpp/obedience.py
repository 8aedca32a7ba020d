"""Rule: does a charger do what it was told? Accepted proves nothing (quirks C4, C14); what it shows does.

What flows counts most, then what is offered, then what the charger says it will do. A charger that shows nothing is
neither believed nor doubted.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

import msgspec

from tinyocpp.mains import LEAST_A, NOMINAL_V

if TYPE_CHECKING:
    from tinyocpp.dealings import Target

ACTIVE_A = 1.0  # below it a phase is not in use: measuring noise, and what an onboard charger takes asleep
PHASES = (1, 2, 3)
LIKE_PHASES = 0.15  # so near a whole number power over current has to come to tell a number of phases


class Verdict(Enum):
    FOLLOWS = "follows"
    EXCEEDS = "exceeds"
    UNKNOWN = "unknown"


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What a charger shows of one connector. None: it does not say."""

    power_w: float | None = None
    offered_a: float | None = None
    currents_a: tuple[float | None, ...] = ()
    composite_a: float | None = None

    def phases_offered(self, most_a: float) -> int:
        """On how many what is offered flows, where that is more than it may be; 0: nobody knows."""
        offered_a = self.offered_a or 0.0
        return self._phases_at(offered_a) if offered_a > most_a + OFFERED_OVER_A else 0

    @property
    def too_little_for_three(self) -> bool:
        """Is the power, all that it tells, less than a car draws on three phases?"""
        told = any(current is not None for current in self.currents_a)
        return not told and self.power_w is not None and self.power_w < len(PHASES) * LEAST_A * NOMINAL_V

    @property
    def phases(self) -> int:
        """On how many a current flows. 0: on none, or nobody knows: one figure may stand for all (quirk M8), unless
        the power tells."""
        told = [current for current in self.currents_a if current is not None]
        if len(told) == len(PHASES):
            return sum(current > ACTIVE_A for current in told)
        return self._phases_at(max(told)) if told else 0

    def phases_for(self, limit_a: float) -> int:
        """The same; where no current is told, taking it that the limit is drawn."""
        told = any(current is not None for current in self.currents_a)
        return self.phases if told else self._phases_at(limit_a)

    def _phases_at(self, current_a: float) -> int:
        if self.power_w is None or current_a <= ACTIVE_A:
            return 0
        ratio = self.power_w / (NOMINAL_V * current_a)
        return next((phases for phases in PHASES if abs(ratio - phases) <= LIKE_PHASES * phases), 0)

    def drawn_a(self, phases: int) -> float | None:
        """On the phase that has most; by the power, on so many phases, where no current is told."""
        measured = [current for current in self.currents_a if current is not None]
        if measured:
            return max(measured)
        return None if self.power_w is None else self.power_w / (NOMINAL_V * phases)


OVER_A, OVER_SHARE = 1.0, 0.1
"""What is measured above a limit and passes: meters and mains voltage differ (evcc warns from 1 A on)."""
NEAR_A = 1.5  # so close below the limit a car is held by it
OFFERED_OVER_A = 0.6  # what is offered is said exactly, or rounded to whole amperes


def verdict(wanted: Target, seen: Seen, wired: int) -> Verdict:
    """What flows counts most; then what is offered, and what the charger says it will do."""
    if wanted.unlimited:
        return Verdict.FOLLOWS
    limit_a, drawn_a = wanted.current_a, seen.drawn_a(wanted.phases or wired)
    if drawn_a is not None and _over(drawn_a, limit_a):
        return Verdict.EXCEEDS
    if drawn_a is not None and (wanted.pause or drawn_a >= limit_a - NEAR_A):
        return Verdict.FOLLOWS
    for said_a in (seen.offered_a, seen.composite_a):
        if said_a is not None and said_a <= limit_a + OFFERED_OVER_A:
            return Verdict.FOLLOWS
    return Verdict.UNKNOWN if seen.composite_a is None else Verdict.EXCEEDS


def ignores_phases(wanted: Target, seen: Seen) -> bool:
    """A current flows on more phases than it was told. Fewer may be the car's."""
    return wanted.phases is not None and seen.phases_for(wanted.current_a) > wanted.phases


def meant_for_more(wanted: Target, seen: Seen, phases: int, of: int) -> bool:
    """Was it told watts for so many phases, and draws more on each of fewer than is wanted, but not more in all?"""
    drawn_a, wanted_a = seen.drawn_a(phases), wanted.current_a
    if phases >= of or drawn_a is None or not _over(drawn_a, wanted_a):
        return False
    return drawn_a * phases <= wanted_a * of * (1 + LIKE_PHASES)


def _over(drawn_a: float, limit_a: float) -> bool:
    return drawn_a > limit_a + max(OVER_A, OVER_SHARE * limit_a)
