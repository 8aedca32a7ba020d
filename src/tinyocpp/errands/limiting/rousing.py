"""A charge that does not go on after a pause: some chargers want to be told again, some cars sleep (quirks C11, C24).

It is told again a few times, some seconds later each. Where the charger, not the car, holds back even then, its charge
is ended and started anew, and so it is paused from now on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from tinyocpp.errands.limiting.asking import sample
from tinyocpp.errands.limiting.desk import IDLE_S
from tinyocpp.errands.limiting.stopping import stop
from tinyocpp.obedience import ACTIVE_A, Verdict, ignores_phases, verdict

if TYPE_CHECKING:
    from datetime import datetime

    from tinyocpp.dealings import Target
    from tinyocpp.errands.limiting.desk import Desk, Duty

AGAIN_S = (10.0, 40.0, 70.0)
"""After the end of the pause: go-e takes the second profile, and 30 s are what a car needs to wake up (evcc)."""
ANEW_S = 100.0
SAMPLE_S = 3.0  # for the sample that was asked for to come


def rouse(desk: Desk, wanted: Target | None) -> Duty:
    """Look whether a current flows again, and do what is next if none does."""
    connector = desk.connector
    if connector.resumed_at is None or desk.transaction is None or (wanted is not None and wanted.pause):
        return IDLE_S
    seen = desk.seen(connector.resumed_at)
    if seen is None or (seen.drawn_a(connector.wired) or 0.0) <= ACTIVE_A:
        return (yield from _nudge(desk, connector.resumed_at))
    if wanted is None or verdict(wanted, seen, connector.wired) is not Verdict.EXCEEDS:
        connector.resumed_at = None
        if connector.ran_over and connector.nudges:
            desk.learn(replace(desk.manner, unbound=True))
        connector.ran_over = False
        return IDLE_S
    connector.ran_over = True
    if ignores_phases(wanted, seen):  # to tell it once more would switch under load
        desk.learn(replace(desk.manner, unbound=True))
        return (yield from _anew(desk))
    return (yield from _nudge(desk, connector.resumed_at))


def _nudge(desk: Desk, resumed_at: datetime) -> Duty:
    """Look at a fresh sample, then tell it once more."""
    connector = desk.connector
    if connector.nudged_at is not None and (left_s := desk.after(connector.nudged_at, SAMPLE_S)) <= 0:
        connector.nudged_at = None
        connector.nudges += 1
        connector.told.clear()
        return 0.0
    if connector.nudged_at is not None:
        return left_s
    if connector.nudges < len(AGAIN_S):
        left_s = desk.after(resumed_at, AGAIN_S[connector.nudges])
        if left_s > 0:
            return left_s
        connector.nudged_at = desk.now
        yield from sample(desk)
        return SAMPLE_S
    left_s = desk.after(resumed_at, ANEW_S)
    if left_s > 0:
        return left_s
    if not connector.held_back:
        connector.resumed_at = None
        return IDLE_S  # the car has had enough, or sleeps soundly
    return (yield from _anew(desk))


def _anew(desk: Desk) -> Duty:
    """It bears no pause, as it seems; or it was told its phases in watts, and does not choose them itself."""
    desk.connector.resumed_at = None
    manner = desk.manner
    if desk.reduced and desk.switches_by == "watts" and desk.connector.held_back:
        desk.learn(replace(manner, phases="fixed"))
        desk.keep(phases=None)
        return 0.0
    if not manner.unbound:
        desk.learn(replace(manner, pause="stop"))
    return (yield from stop(desk))
