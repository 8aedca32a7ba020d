"""What a charging profile may be (sections 3.13 and 5.16, with their errata), said before a charger would say it.

A charger answers a bad profile with a bare Rejected, or obeys it in its own way. `mistake` is what the standard
forbids, `warnings` is what it allows and a car or this charger may not do.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from tinyocpp.features import rate_units, whole_number
from tinyocpp.mains import LEAST_A, NOMINAL_V
from tinyocpp.messages.smart_charging import (
    ChargingProfileKindType,
    ChargingProfilePurposeType,
    ChargingRateUnitType,
    SetChargingProfile,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from tinyocpp.messages.smart_charging import ChargingProfile

    Told = Callable[[str], str | None]  # what the charger says of one of its keys

LEAST_W = LEAST_A * NOMINAL_V

MAX = ChargingProfilePurposeType.CHARGE_POINT_MAX_PROFILE
TX = ChargingProfilePurposeType.TX_PROFILE
RECURRING = ChargingProfileKindType.RECURRING
RELATIVE = ChargingProfileKindType.RELATIVE


def mistake(call: SetChargingProfile, now: datetime, told: Told) -> str:
    """The first thing the standard, or the charger's own limits, forbid, and the remedy; "" where there is none."""
    return next(_mistakes(call, now, told), "")


def _mistakes(call: SetChargingProfile, now: datetime, told: Told) -> Iterator[str]:
    profile, connector_id = call.cs_charging_profiles, call.connector_id
    purpose = profile.charging_profile_purpose
    if connector_id < 0:
        yield f"connectors are counted from 1, not {connector_id}"
    if purpose is MAX and connector_id != 0:
        yield "a ChargePointMaxProfile is for the charger as a whole; leave --connector out"
    if purpose is TX and connector_id == 0:
        yield "a TxProfile is for one connector; name it with --connector"
    if purpose is not TX and profile.transaction_id is not None:
        yield "only a TxProfile has a transactionId; leave it out"
    if profile.valid_to and profile.valid_to <= now:
        yield "it is over already (validTo); write a time to come"
    if profile.valid_from and profile.valid_to and profile.valid_from >= profile.valid_to:
        yield "it ends before it begins (validFrom, validTo); exchange them"
    highest = whole_number(told("ChargeProfileMaxStackLevel"))
    if profile.stack_level < 0 or (highest is not None and profile.stack_level > highest):
        yield f"stack level {profile.stack_level}: this charger has 0 to {'any' if highest is None else highest}"
    yield from _wrong_kind(profile)
    yield from _wrong_schedule(profile, told)


def _wrong_kind(profile: ChargingProfile) -> Iterator[str]:
    kind, start = profile.charging_profile_kind, profile.charging_schedule.start_schedule
    if (kind is RECURRING) != (profile.recurrency_kind is not None):
        yield "recurrencyKind (Daily or Weekly) goes with Recurring, and only with it"
    if kind is RELATIVE and start is not None:
        yield "a Relative schedule counts from the start of the charge; leave startSchedule out"
    if kind is RELATIVE and profile.charging_profile_purpose is MAX:
        yield "a ChargePointMaxProfile cannot be Relative, as it belongs to no charge; make it Absolute"
    if kind is not RELATIVE and start is None:
        yield f"a schedule that is {kind} needs a startSchedule"


def _wrong_schedule(profile: ChargingProfile, told: Told) -> Iterator[str]:
    schedule = profile.charging_schedule
    starts = [period.start_period for period in schedule.charging_schedule_period]
    most = whole_number(told("ChargingScheduleMaxPeriods"))
    if not starts or starts[0] != 0:
        yield "the first period must have startPeriod 0"
    if any(later <= earlier for earlier, later in pairwise(starts)):
        yield "the periods must follow each other in time (startPeriod)"
    if most is not None and len(starts) > most:
        yield f"it has {len(starts)} periods; this charger has room for {most}"
    if schedule.duration is not None and schedule.duration <= 0:
        yield "its duration is nothing; write seconds, or leave it out"
    if any(period.limit < 0 for period in schedule.charging_schedule_period):
        yield "a limit cannot be less than 0"


def warnings(call: SetChargingProfile, told: Told) -> Iterator[str]:
    """What will be obeyed otherwise than it reads, if at all."""
    schedule = call.cs_charging_profiles.charging_schedule
    unit = schedule.charging_rate_unit
    least = LEAST_A if unit is ChargingRateUnitType.A else LEAST_W
    low = [period.limit for period in schedule.charging_schedule_period if 0 < period.limit < least]
    if low:
        yield f"{low[0]:g} {unit} is below the {LEAST_A:g} A a car can be offered: most chargers will pause"
    known = told("ChargingScheduleAllowedChargingRateUnit")
    if known is not None and unit not in rate_units(known):
        yield f"this charger says that it takes limits in {' or '.join(rate_units(known))}, not in {unit}"
