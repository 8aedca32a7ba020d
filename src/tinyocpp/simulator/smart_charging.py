"""What the central system may ask about charging profiles; commands.py has the table. What comes of a profile is in
offers.py.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from tinyocpp.errors import ProtocolFault
from tinyocpp.messages import smart_charging
from tinyocpp.messages.frames import ErrorCode
from tinyocpp.messages.payload import whole_seconds
from tinyocpp.messages.smart_charging import ChargingProfileStatus, ChargingRateUnitType
from tinyocpp.simulator.connector import connector_of
from tinyocpp.simulator.offers import by_its_clock, clear_profiles, clock, take_profile

if TYPE_CHECKING:
    from tinyocpp.simulator.charge_point import ChargePoint


def set_charging_profile(
    station: ChargePoint, call: smart_charging.SetChargingProfile, now: datetime
) -> smart_charging.SetChargingProfileResult:
    connector, profile = connector_of(station, call.connector_id, whole=True), call.cs_charging_profiles
    if (refusal := take_profile(station, connector, profile, now)) is None:
        return smart_charging.SetChargingProfileResult(status=ChargingProfileStatus.ACCEPTED)
    if isinstance(refusal.answer, ErrorCode):
        raise ProtocolFault(refusal.answer, refusal.why)
    station.note(f"profile {profile.charging_profile_id} rejected: {refusal.why}", now)
    return smart_charging.SetChargingProfileResult(status=refusal.answer)


def clear_charging_profile(
    station: ChargePoint, call: smart_charging.ClearChargingProfile, now: datetime
) -> smart_charging.ClearChargingProfileResult:
    found = clear_profiles(station, call, now)
    statuses = smart_charging.ClearChargingProfileStatus
    return smart_charging.ClearChargingProfileResult(status=statuses.ACCEPTED if found else statuses.UNKNOWN)


def get_composite_schedule(
    station: ChargePoint, call: smart_charging.GetCompositeSchedule, now: datetime
) -> smart_charging.GetCompositeScheduleResult:
    """An unknown connector is Rejected, not an error (section 5.7)."""
    if not 0 <= call.connector_id < len(station.connectors):
        return smart_charging.GetCompositeScheduleResult(status=smart_charging.GetCompositeScheduleStatus.REJECTED)
    start = whole_seconds(now)
    schedule = station.profiles.composite(
        call.connector_id,
        by_its_clock(station, station.connectors[call.connector_id].running),
        clock(station, start),
        call.duration,
        call.charging_rate_unit or ChargingRateUnitType.A,
        sharing=len(station.connectors) - 1,
    )
    return smart_charging.GetCompositeScheduleResult(
        status=smart_charging.GetCompositeScheduleStatus.ACCEPTED,
        connector_id=call.connector_id,
        schedule_start=start,
        charging_schedule=schedule,
    )
