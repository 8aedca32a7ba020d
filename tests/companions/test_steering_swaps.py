"""The sun's phases taken to a charger: what steering decides, told by the errand to a simulated charge point."""

from __future__ import annotations

from itertools import pairwise

import pytest
from pair import charging

from tinyocpp.companions.steering import Drawn, Live, Steering
from tinyocpp.config import Config
from tinyocpp.connectors import Offer
from tinyocpp.measuring import Measured
from tinyocpp.simulator.charging import reading

ROUND_S, PAUSE_S = 5, 60
FOLLOWS_S = 30  # offer, telling, ramp


class Roof:
    """One charger beneath it, steered round by round under the charger's clock."""

    def __init__(self, *vices: str) -> None:
        self.pair = charging(*vices)
        self.steering = Steering(Config())
        self.drawn: list[Drawn] = []
        self.wrong_s = self.idle_s = 0  # in a row: on other phases than was decided, and without current
        self.most_wrong_s = self.most_idle_s = 0

    def live(self, seconds: int, pv_w: float) -> None:
        for _ in range(seconds // ROUND_S):
            self._round(pv_w)
            for _ in range(ROUND_S):
                self.pair.go(1)
                self._look()

    def _round(self, pv_w: float) -> None:
        now_s = self.pair.talk.clock.seconds
        power_w = reading(self.pair.station, self.pair.station.connectors[1]).power_w
        self.drawn.append(Drawn(now_s, power_w))
        live = self._live()
        measured = Measured(read_s=now_s, grid_w=power_w - pv_w + now_s % 7)
        given = self.steering.decide([live], measured, now_s)[live.key]
        self.decided = given
        phases = {0: None, 1: 1}.get(given.phases, 3)
        self.pair.session.heed_offer(Offer(connector_id=1, current_a=given.current_a, phases=phases), now_s)

    def _live(self) -> Live:
        told, clock = self.pair.told(), self.pair.talk.clock
        swapped_at = None if told is None else told.swapped_at
        ago_s = float("inf") if swapped_at is None else (clock.at - swapped_at).total_seconds()
        return Live(
            charger_id="garage",
            connector_id=1,
            transaction_id=1,
            mode="min+solar",
            can_swap=True,
            drawn=tuple(self.drawn[-10:]),
            swapped_s=clock.seconds - ago_s,
        )

    def _look(self) -> None:
        shown = reading(self.pair.station, self.pair.station.connectors[1])
        wrong = shown.current_a > 0 and self.decided.current_a > 0 and shown.phases != self.decided.phases
        self.wrong_s = self.wrong_s + 1 if wrong else 0
        self.idle_s = self.idle_s + 1 if not shown.current_a else 0
        self.most_wrong_s = max(self.most_wrong_s, self.wrong_s)
        self.most_idle_s = max(self.most_idle_s, self.idle_s)


@pytest.mark.parametrize("each_s", [170, 240, 300, 350])
@pytest.mark.parametrize("vices", [(), ("watts-only",)], ids=["amperes", "watts"])
def test_a_swap_as_soon_as_it_may_be_takes_a_pause_and_no_more(vices: tuple[str, ...], each_s: int) -> None:
    """The first too: a charger that has said nothing of its phases has three."""
    roof = Roof(*vices)
    for _ in range(4):
        roof.live(each_s, pv_w=2500.0)
        roof.live(each_s, pv_w=9000.0)
    swaps = roof.pair.station.tally.swaps
    assert len(swaps) >= 4
    assert all((later.at - sooner.at).total_seconds() >= 298 for sooner, later in pairwise(swaps))
    assert roof.pair.station.tally.damage == []
    assert roof.most_wrong_s <= FOLLOWS_S
    assert roof.most_idle_s <= PAUSE_S + FOLLOWS_S
