"""What a Reset sets off. The restart itself is the charge point's own: it is the same after a power cut."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from tinyocpp.messages.core import Reason
from tinyocpp.simulator import charging

if TYPE_CHECKING:
    from datetime import datetime

    from tinyocpp.simulator.charge_point import ChargePoint

GRACE_S = 10.0  # how long a soft reset waits for its stops to be answered
POLL_S = 0.5


def reset(station: ChargePoint, now: datetime, *, hard: bool) -> None:
    """Soft: transactions end and are told of first. Hard: at once, their stops come after the restart (errata 3.36)."""
    if hard:
        station.power_cycle(now)
        return
    for connector in station.connectors:
        charging.stop(station, connector, Reason.SOFT_RESET, now)
    _restart_when_told(station, now, now + timedelta(seconds=GRACE_S))


def _restart_when_told(station: ChargePoint, now: datetime, until: datetime) -> None:
    if now >= until or not station.outbox.unacknowledged:
        station.power_cycle(now)
    else:
        station.later(POLL_S, lambda then: _restart_when_told(station, then, until))
