"""What a charger is asked to see whether it follows: its composite schedule, and a sample."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

import msgspec

from tinyocpp.commands import Ask, answer_to
from tinyocpp.connectors import Telling
from tinyocpp.dealings import LimitState
from tinyocpp.features import RATE_UNITS
from tinyocpp.leniency.composite import Composite
from tinyocpp.mains import NOMINAL_V
from tinyocpp.obedience import OFFERED_OVER_A

if TYPE_CHECKING:
    from tinyocpp.commands import Steps
    from tinyocpp.dealings import Target, Told
    from tinyocpp.errands.limiting.desk import Desk

AHEAD_S = 60
UNSEEN_S = 3600.0  # so long a charger that shows no schedule is believed to keep what it was told
ANSWER_S = 30.0


def composite_a(desk: Desk) -> Steps[float | None]:
    """A per phase that it means to give in the next minute, of all its profiles together (section 5.7). None: it does
    not say, or what no limit can be."""
    unit = "W" if "A" not in desk.facts.units else "A"
    asked = {"connectorId": desk.connector.connector_id, "duration": AHEAD_S, "chargingRateUnit": unit}
    answer = yield from answer_to(Ask("GetCompositeSchedule", msgspec.json.encode(asked), timeout_s=ANSWER_S))
    if not answer.agreed:
        return None
    try:
        schedule = msgspec.json.decode(answer.payload, type=Composite, strict=False).charging_schedule
    except msgspec.MsgspecError:
        return None
    if schedule is None:
        return None
    watts = (RATE_UNITS.get(schedule.charging_rate_unit.lower()) or unit) == "W"
    said = [
        period.limit / (NOMINAL_V * (period.number_phases or desk.manner.watts_of)) if watts else period.limit
        for period in schedule.charging_schedule_period
        if period.limit is not None
    ]
    return max(said) if said and all(0 <= limit_a < inf for limit_a in said) else None


def still_there(desk: Desk, wanted: Target) -> Steps[bool]:
    """Does it keep what it was told over another connection, or before it booted? Then it is not written again: some
    reconnect all day, and each write wears its memory (quirks C19, C20). If it has forgotten, nobody knows on how many
    phases it is."""
    connector, before = desk.connector, desk.before
    shape, unsure = desk.manner.standing, connector.unsure
    connector.unsure = False
    if not unsure or before is None:
        return False
    forgets = desk.charger.booted
    kept = False
    if shape is not None and _told_before(desk, before, wanted):
        shown_a = yield from composite_a(desk)
        if shown_a is None:
            kept = not forgets and desk.after(before.at, UNSEEN_S) > 0
        else:
            kept = shown_a <= wanted.current_a + OFFERED_OVER_A
            forgets = not kept
    if kept:
        now = desk.charger.clock.now()
        connector.told["standing"] = Telling(wanted, shape, now, before.state)
        connector.paused_at = now if wanted.pause else None
    elif forgets:
        desk.forget_phases()
    return kept


def _told_before(desk: Desk, before: Told, wanted: Target) -> bool:
    """The same, for the same wish, and it took it; and that has not ended with a charge."""
    took = desk.answered and before.state in (LimitState.ACCEPTED, LimitState.VERIFIED)
    ended = before.told_for is not None and (desk.transaction is None or desk.transaction.id != before.told_for)
    same_a = (inf if before.current_a is None else before.current_a) == wanted.current_a
    return took and not ended and same_a and wanted.phases in (None, before.phases)


def sample(desk: Desk) -> Steps[None]:
    """It comes as a MeterValues of its own, if it comes."""
    asked = {"requestedMessage": "MeterValues", "connectorId": desk.connector.connector_id}
    yield Ask("TriggerMessage", msgspec.json.encode(asked), timeout_s=ANSWER_S)
