"""A charge that does not go on after a pause: some chargers want to be told again, some cars sleep (quirks C11, C24).

It is told again a few times, some seconds later each. Where the charger, not the car, holds back even then, its charge
is ended and started anew, and so it is paused from now on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from tinyocpp.errands.limiting.asking import sample
from tinyocpp.errands.limiting.desk import IDLE_S, NOW_S
from tinyocpp.errands.limiting.stopping import stop
from tinyocpp.obedience import ACTIVE_A, Verdict, ignores_phases, verdict

if TYPE_CHECKING:
    from tinyocpp.connectors import Rousing
    from tinyocpp.dealings import Target
    from tinyocpp.errands.limiting.desk import Desk, Duty

NUDGES_S = (10.0, 40.0, 70.0)
"""After the end of the pause: go-e takes the second profile, and 30 s are what a car needs to wake up (evcc)."""
ANEW_S = 100.0
SAMPLE_S = 3.0  # for the sample that was asked for to come


def rouse(desk: Desk, wanted: Target | None) -> Duty:
    """Look whether a current flows again, and do what is next if none does."""
    connector = desk.connector
    rousing = connector.rousing
    if rousing is None or desk.transaction is None or (wanted is not None and wanted.pause):
        return IDLE_S
    seen = desk.seen(rousing.since)
    if seen is None or (seen.drawn_a(connector.wired) or 0.0) <= ACTIVE_A:
        return (yield from _nudge(desk, rousing))
    if wanted is None or verdict(wanted, seen, connector.wired) is not Verdict.EXCEEDS:
        if connector.ran_over and rousing.nudges:
            desk.learn(replace(desk.manner, unbound=True))
        connector.rousing, connector.ran_over = None, False
        return IDLE_S
    connector.ran_over = True
    if ignores_phases(wanted, seen):  # to tell it once more would switch under load
        desk.learn(replace(desk.manner, unbound=True))
        return (yield from _anew(desk))
    return (yield from _nudge(desk, rousing))


def _nudge(desk: Desk, rousing: Rousing) -> Duty:
    """Look at a fresh sample, then tell it once more."""
    connector = desk.connector
    if rousing.nudged_at is not None:
        if left_s := desk.left_s(rousing.nudged_at, SAMPLE_S):
            return left_s
        rousing.nudged_at = None
        rousing.nudges += 1
        connector.told.clear()
        return NOW_S
    if rousing.nudges < len(NUDGES_S):
        if left_s := desk.left_s(rousing.since, NUDGES_S[rousing.nudges]):
            return left_s
        rousing.nudged_at = desk.now
        yield from sample(desk)
        return SAMPLE_S
    if left_s := desk.left_s(rousing.since, ANEW_S):
        return left_s
    if not connector.held_back:
        connector.rousing = None
        return IDLE_S  # the car has had enough, or sleeps soundly
    return (yield from _anew(desk))


def _anew(desk: Desk) -> Duty:
    """It bears no pause, as it seems; or it was told its phases in watts, and does not choose them itself."""
    desk.connector.rousing = None
    manner = desk.manner
    if desk.reduced and desk.switches_by == "watts" and desk.connector.held_back:
        desk.learn(replace(manner, phases="fixed"))
        desk.keep(phases=None)
        return NOW_S
    if not manner.unbound:
        desk.learn(replace(manner, pause="stop"))
    return (yield from stop(desk))
