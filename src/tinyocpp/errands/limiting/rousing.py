"""A charge that does not go on after a pause: some chargers want to be told again, some cars sleep (quirks C11, C24).

It is told again a few times, some seconds later each. Where the charger, not the car, holds back even then, its charge
is ended and started anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyocpp.errands.limiting.asking import sample
from tinyocpp.errands.limiting.desk import IDLE_S
from tinyocpp.errands.limiting.stopping import stop
from tinyocpp.limits import ACTIVE_A, Verdict, verdict

if TYPE_CHECKING:
    from tinyocpp.errands.limiting.desk import Desk, Duty
    from tinyocpp.limits import Target

AGAIN_S = (10.0, 40.0, 70.0)
"""After the end of the pause: go-e takes the second profile, and 30 s are what a car needs to wake up (evcc)."""
ANEW_S = 120.0
HELD_BACK = "SuspendedEVSE"


def rouse(desk: Desk, wanted: Target | None) -> Duty:
    """Look whether a current flows again, and do what is next if none does."""
    connector = desk.connector
    if connector.resumed_at is None or desk.transaction is None or (wanted is not None and wanted.pause):
        return IDLE_S
    if _goes_on(desk, wanted):
        connector.resumed_at = None
        return IDLE_S
    if connector.nudges < len(AGAIN_S):
        left_s = desk.after(connector.resumed_at, AGAIN_S[connector.nudges])
        if left_s > 0:
            return left_s
        connector.nudges += 1
        yield from sample(desk)
        connector.told.clear()
        return 0.0
    left_s = desk.after(connector.resumed_at, ANEW_S)
    if left_s > 0:
        return left_s
    connector.resumed_at = None
    if connector.status != HELD_BACK:
        return IDLE_S  # the car has had enough, or sleeps soundly
    return (yield from stop(desk))


def _goes_on(desk: Desk, wanted: Target | None) -> bool:
    """A current flows, and no more than it was told: one that goes on without a limit is told again as well."""
    seen, wired = desk.seen(desk.connector.resumed_at), desk.connector.wired
    if seen is None or (seen.drawn_a(wired) or 0.0) <= ACTIVE_A:
        return False
    return wanted is None or verdict(wanted, seen, wired) is not Verdict.EXCEEDS
