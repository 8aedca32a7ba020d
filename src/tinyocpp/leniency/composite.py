"""What a charger says it means to give: the answer to GetCompositeSchedule, of which chargers leave out what they like.

Some name no unit, some no period (quirk S22); messages/smart_charging.py has it as the standard wants it.
"""

from __future__ import annotations

from datetime import datetime

import msgspec


class Period(msgspec.Struct, frozen=True, rename="camel"):
    start_period: int = 0
    limit: float | None = None
    number_phases: int | None = None


class Schedule(msgspec.Struct, frozen=True, rename="camel"):
    charging_rate_unit: str = ""
    charging_schedule_period: tuple[Period, ...] = ()


class Composite(msgspec.Struct, frozen=True, rename="camel"):
    schedule_start: datetime | None = None
    charging_schedule: Schedule | None = None
