"""Rule: what the surplus is now, told from samples that are a little old.

A meter's figure is of some seconds ago. Whether its last change went on since then depends on the sky and on the
meter, so it is learnt: three forecasts compete (none, half or all of the change goes on), and the one that was nearest
over the last ten minutes is believed. On a smooth day that is the whole trend, behind a kettle it is none.
"""

from __future__ import annotations

from bisect import bisect_right
from math import exp, inf

import msgspec

SHARES = (0.0, 0.5, 1.0)
"""How much of the last change may be believed to go on."""

MEMORY_S = 600.0  # clouds of one kind last about that long


class Forecast(msgspec.Struct, frozen=True):
    """What is remembered of the surplus: the last samples, and how far off each share has been lately."""

    past: tuple[tuple[float, float], ...] = ()  # taken at, W; oldest first
    off_w: tuple[float, ...] = (0.0, 0.0, 0.0)

    def learnt(self, taken_s: float, surplus_w: float, ahead_s: float) -> Forecast:
        """With one more sample. `ahead_s` is how old samples are when they are used."""
        earlier = self.at(taken_s - ahead_s) if ahead_s > 0 else None
        off_w = self.off_w if earlier is None else self._judged(taken_s, surplus_w, earlier)
        first = max(bisect_right(self.past, (taken_s - 2 * ahead_s, inf)) - 1, 0)
        return Forecast((*self.past[first:], (taken_s, surplus_w)), off_w)

    def surplus_w(self, now_s: float) -> float:
        """What it is by now. IndexError while there is no sample."""
        taken_s, surplus_w = self.past[-1]
        share = SHARES[self.off_w.index(min(self.off_w))]
        return surplus_w + share * self._change_w(len(self.past) - 1, now_s - taken_s)

    def at(self, time_s: float) -> int | None:
        """Which sample was the last one then."""
        index = bisect_right(self.past, (time_s, inf)) - 1
        return index if index >= 0 else None

    def _judged(self, taken_s: float, surplus_w: float, earlier: int) -> tuple[float, ...]:
        then_s, then_w = self.past[earlier]
        change_w = self._change_w(earlier, taken_s - then_s)
        fresh = 1 - exp((self.past[-1][0] - taken_s) / MEMORY_S)
        errors = (abs(surplus_w - then_w - share * change_w) for share in SHARES)
        return tuple(off + fresh * (error - off) for off, error in zip(self.off_w, errors, strict=True))

    def _change_w(self, index: int, ahead_s: float) -> float:
        """How far it goes in that time at the pace it had when that sample was taken."""
        taken_s, surplus_w = self.past[index]
        before = self.at(taken_s - ahead_s)
        if before is None or before >= index or ahead_s <= 0:
            return 0.0
        then_s, then_w = self.past[before]
        return (surplus_w - then_w) / (taken_s - then_s) * ahead_s
