"""An owner's evening with a charger of every vice, and with many pairs of them.

10 A, a pause, 8 A, one phase, three, one again, no limit. Whatever the charger makes of it: what flows follows, or the
owner is told; nothing between 0 and 6 A is ever said; no contactor moves under load; the charge goes on; and in the end
nothing of ours is left.
"""

from __future__ import annotations

from itertools import combinations
from random import Random
from typing import Any

import pytest
from pair import Pair

from tinyocpp.dealings import LimitState
from tinyocpp.simulator.charging import reading
from tinyocpp.simulator.vices import VICES

PATIENCE_S = 400
PAIRS = Random(6).sample(list(combinations(VICES, 2)), 24)
CHOSEN = [
    ("stack-0-only", "watts-only", "zero-ends-transaction"),
    ("relative-only", "zero-refused", "no-currents"),
    ("unlimited-after-zero", "no-composite-schedule", "no-offered"),
    ("stuck-after-zero", "keeps-level-0", "stack-0-only"),
    ("connector-0-only", "amperes-only", "forgets-at-reboot"),
    ("default-profile-only", "no-phase-currents", "whole-amperes"),
    ("ignores-max-profile", "coarse-steps", "slow-answers"),
]
NOBODY_CAN_TELL = frozenset({"energy-only", "measures-nothing", "no-currents", "no-phase-currents"})
"""Of the phases, where they are the charger's own choice."""
OWNS_UP = ("did not follow", "accepted, but", "does not change its number of phases", "knows no pause")


class Evening:
    def __init__(self, vices: tuple[str, ...]) -> None:
        self.pair = Pair(vices=vices)
        self.pair.plug_in()
        self.pair.go(20)

    @property
    def phases(self) -> int:
        return reading(self.pair.station, self.pair.station.connectors[1]).phases

    @property
    def owned_up(self) -> bool:
        """Has the owner been told that it does not follow?"""
        state, words = self.pair.state(), self.pair.words()
        return state in (LimitState.REFUSED, LimitState.IGNORED) or any(word in words for word in OWNS_UP)

    def wish(self, wish: dict[str, Any], *, at_least_a: float, phases: int = 3, seconds: float = 60) -> None:
        """What is wished flows soon, not more, and not much less; or the owner is told."""
        self.pair.wish(**wish)
        self.pair.go(seconds)
        for _ in range(PATIENCE_S // 10):
            drawn_a, most_a = self.pair.drawn_a(), wish["current_a"]
            if at_least_a <= drawn_a <= most_a + 0.1 and (self.phases <= phases or not drawn_a):
                return
            if self.owned_up:
                return
            self.pair.go(10)
        pytest.fail(f"{wish}: {self.pair.drawn_a()} A on {self.phases} phases; {self.pair.words()!r}")

    def end(self) -> None:
        self.pair.wish()
        self.pair.go(PATIENCE_S + 60)
        pair, station = self.pair, self.pair.station
        assert pair.drawn_a() >= 10.0
        assert (pair.told(), len(station.profiles), pair.talk.charger.limiting) == (None, 0, False)
        assert station.tally.too_small_a == []
        assert len(pair.limit_events()) < 100
        assert len(pair.heard) < 250


@pytest.mark.parametrize("vices", [(), *((vice,) for vice in VICES), *PAIRS, *CHOSEN], ids="+".join)
def test_an_evening(vices: tuple[str, ...]) -> None:
    evening = Evening(vices)
    evening.wish({"current_a": 10.0}, at_least_a=10.0)
    evening.wish({"current_a": 0.0}, at_least_a=0.0)
    evening.wish({"current_a": 8.0}, at_least_a=6.0)
    one = 3 if "phases-by-watts" in vices and NOBODY_CAN_TELL & set(vices) else 1
    for phases, seen in ((1, one), (3, 3), (1, one)):
        evening.wish({"current_a": 8.0, "phases": phases}, at_least_a=6.0, phases=seen, seconds=400)
    evening.end()
    assert evening.pair.station.tally.damage == []
