"""A charger that loses its line at a shape instead of an answer: after twice in a row it is told in the next.

Kept in the ledger, for the connection in which it is noticed is over; and counted for a day, for a line may also be
lost by chance. Where many shapes are lost so, it is told ever more seldom, as each costs it a connection.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from msgspec.structs import replace

from tinyocpp.dealings import Dropped

if TYPE_CHECKING:
    from tinyocpp.charger import Charger
    from tinyocpp.dealings import Manner, Shape
    from tinyocpp.errands.limiting.desk import Desk

AT_ONCE_S = 10.0  # later than that it is the line that is dead
TWICE = 2
COUNTS = timedelta(days=1)
FREELY = 8  # losses before it is waited with the next
WAITS_S, WAITS_MOST_S = 60.0, 3600.0


def learn_loss(charger: Charger) -> None:
    """The line is lost: at which shape, if at any?"""
    now = charger.clock.now()
    for connector in charger.connectors.values():
        if connector.asking is not None:
            shape, since = connector.asking
            if (now - since).total_seconds() <= AT_ONCE_S:
                manner = charger.ledger.manner(charger.id).for_firmware(charger.firmware)
                times = next((one.times for one in manner.dropped if one.shape == shape), 0)
                lost = (*_without(manner, shape), Dropped(shape, times + 1, now))
                charger.ledger.keep_manner(charger.id, replace(manner, dropped=lost))


def learn_answer(desk: Desk, shape: Shape) -> None:
    """It has answered to this one: that the line was lost before was chance."""
    manner = desk.manner
    desk.learn(replace(manner, dropped=_without(manner, shape)))


def lost_at(desk: Desk) -> set[Shape]:
    """In which shapes it is not told for now."""
    return {one.shape for one in _counted(desk) if one.times >= TWICE}


def patience_s(desk: Desk) -> float:
    """How long to wait before it is told in any."""
    lost = _counted(desk)
    more = sum(one.times for one in lost) - FREELY
    if more < 0:
        return 0.0
    return desk.left_s(max(one.at for one in lost), min(WAITS_S * 2 ** min(more, 10), WAITS_MOST_S))


def _counted(desk: Desk) -> list[Dropped]:
    return [one for one in desk.manner.dropped if desk.now - one.at < COUNTS]


def _without(manner: Manner, shape: Shape) -> tuple[Dropped, ...]:
    return tuple(one for one in manner.dropped if one.shape != shape)
