"""What a charger is asked to see whether it follows: its composite schedule, and a sample."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING

import msgspec

from tinyocpp.commands import Answer, Ask, Outcome, Pause
from tinyocpp.features import RATE_UNITS
from tinyocpp.limits import NOMINAL_V

if TYPE_CHECKING:
    from tinyocpp.errands.limiting.desk import Desk

AHEAD_S = 60
ANSWER_S = 30.0


class _Period(msgspec.Struct, rename="camel"):
    limit: float | None = None
    number_phases: int | None = None


class _Schedule(msgspec.Struct, rename="camel"):
    charging_rate_unit: str = ""  # some chargers leave it out (quirk S22)
    charging_schedule_period: list[_Period] = []


class _Composite(msgspec.Struct, rename="camel"):
    charging_schedule: _Schedule | None = None


def composite_a(desk: Desk) -> Generator[Ask | Pause, Answer | None, float | None]:
    """A per phase that it means to give in the next minute, of all its profiles together (section 5.7). None: it does
    not say."""
    unit = "W" if "A" not in desk.facts.units else "A"
    asked = {"connectorId": desk.connector.connector_id, "duration": AHEAD_S, "chargingRateUnit": unit}
    answer = yield Ask("GetCompositeSchedule", msgspec.json.encode(asked), timeout_s=ANSWER_S)
    if answer is None or answer.outcome is not Outcome.RESULT or not answer.agreed:
        return None
    try:
        schedule = msgspec.json.decode(answer.payload, type=_Composite, strict=False).charging_schedule
    except msgspec.MsgspecError:
        return None
    if schedule is None:
        return None
    watts = (RATE_UNITS.get(schedule.charging_rate_unit.lower()) or unit) == "W"
    said = [
        period.limit / (NOMINAL_V * (period.number_phases or desk.connector.wired)) if watts else period.limit
        for period in schedule.charging_schedule_period
        if period.limit is not None
    ]
    return max(said, default=None)


def sample(desk: Desk) -> Generator[Ask | Pause, Answer | None, None]:
    """It comes as a MeterValues of its own, if it comes."""
    asked = {"requestedMessage": "MeterValues", "connectorId": desk.connector.connector_id}
    yield Ask("TriggerMessage", msgspec.json.encode(asked), timeout_s=ANSWER_S)
