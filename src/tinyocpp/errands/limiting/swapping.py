"""Between one and three phases: never under load, and not too often.

Contactors that open under load burn, and cars exist that are damaged by phases that come and go (quirk C24). So a
charge is first told nothing, and only when no current flows any more, the other number. Two changes are some minutes
apart.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from tinyocpp.commands import Ask, answer_to
from tinyocpp.dealings import Target
from tinyocpp.limits import by_itself
from tinyocpp.mains import LEAST_A
from tinyocpp.obedience import ACTIVE_A

if TYPE_CHECKING:
    from tinyocpp.commands import Steps
    from tinyocpp.errands.limiting.desk import Desk

DEADENED_S = 5.0  # a sample so long after the 0 A is one of after it


def through_gap(desk: Desk, wanted: Target) -> tuple[Target, float]:
    """What may be told now on the way to what is wanted, and after how many seconds to look again."""
    before, was = desk.before, desk.phases
    if desk.transaction is None or not wanted.phases or wanted.phases == was or wanted.pause:
        return (replace(wanted, phases=None) if wanted.pause else wanted), inf
    swapped_at = None if before is None else before.swapped_at
    dwell_s = desk.left_s(swapped_at, desk.charger.pace.dwell_s)
    on_the_way = desk.connector.paused_at is not None and dwell_s <= desk.charger.pace.pause_s
    if dwell_s and not on_the_way:
        return _as_it_is(desk, wanted, was), dwell_s
    wait_s = max(_current_left_s(desk), dwell_s)
    if wait_s <= 0:
        return wanted, inf
    return Target(0.0), wait_s


def _as_it_is(desk: Desk, wanted: Target, was: int) -> Target:
    """The same power on the phases there are, or nothing."""
    assert wanted.phases is not None
    current_a = wanted.current_a * min(wanted.phases / was, 1.0)
    if current_a < LEAST_A:
        return Target(0.0)
    same = Target(current_a, was)
    return by_itself(same) if desk.switches_by == "watts" else same


def _current_left_s(desk: Desk) -> float:
    """How long yet until it is sure that none flows. One that goes on although it was told nothing is waited for."""
    paused_at, pace = desk.connector.paused_at, desk.charger.pace
    if paused_at is None:
        return pace.pause_s
    settled_s = desk.after(paused_at, min(DEADENED_S, pace.pause_s))
    if settled_s > 0:
        return settled_s
    over_s, seen, sampled_at = desk.after(paused_at, pace.pause_s), desk.seen(paused_at), desk.connector.sampled_at
    drawn_a = None if seen is None else seen.drawn_a(1)
    if drawn_a is None or drawn_a <= ACTIVE_A or sampled_at is None or desk.after(sampled_at, pace.pause_s) <= 0:
        return over_s
    return max(over_s, pace.settle_s)


def switch_by_key(desk: Desk, wanted: Target) -> Steps[bool]:
    """Set the maker's own key first, where that is how it is told. False: it does not take it now."""
    if not wanted.phases or wanted.phases == desk.phases or desk.switches_by != "key":
        return True
    quirks = desk.charger.quirks
    value = quirks.phase_values[0 if wanted.phases == 1 else 1]
    change = msgspec.json.encode({"key": quirks.phase_key, "value": value})
    answer = yield from answer_to(Ask("ChangeConfiguration", change))
    if answer.refused:
        desk.learn(replace(desk.manner, phases="fixed"))
    return answer.agreed
