"""The SmartCharging profile: limits over time.

The charging profile itself is in types: RemoteStartTransaction carries one too.
"""

from __future__ import annotations

from enum import StrEnum

from tinyocpp.messages.payload import Int, Payload, Timestamp
from tinyocpp.messages.types import (
    ChargingProfile,
    ChargingProfilePurposeType,
    ChargingRateUnitType,
    ChargingSchedule,
)


class ClearChargingProfile(Payload):
    """Us: drop the profile of this id, else all that match what is given (section 5.5)."""

    id: Int | None = None
    connector_id: Int | None = None
    charging_profile_purpose: ChargingProfilePurposeType | None = None
    stack_level: Int | None = None


class ClearChargingProfileStatus(StrEnum):
    """Unknown: nothing matched."""

    ACCEPTED = "Accepted"
    UNKNOWN = "Unknown"


class ClearChargingProfileResult(Payload):
    """Charger: whether there was one (section 5.5)."""

    status: ClearChargingProfileStatus


class GetCompositeSchedule(Payload):
    """Us: what will the limit be for the next seconds, all profiles together (section 5.7)?"""

    connector_id: Int
    duration: Int  # s
    charging_rate_unit: ChargingRateUnitType | None = None


class GetCompositeScheduleStatus(StrEnum):
    """Can it tell?"""

    ACCEPTED = "Accepted"
    REJECTED = "Rejected"


class GetCompositeScheduleResult(Payload):
    """Charger: what it expects, without promise (section 5.7)."""

    status: GetCompositeScheduleStatus
    connector_id: Int | None = None
    schedule_start: Timestamp | None = None
    charging_schedule: ChargingSchedule | None = None


class SetChargingProfile(Payload):
    """Us: obey this profile (section 5.16)."""

    connector_id: Int
    cs_charging_profiles: ChargingProfile  # one, despite the plural


class ChargingProfileStatus(StrEnum):
    """Accepted does not promise that the car follows."""

    ACCEPTED = "Accepted"
    REJECTED = "Rejected"
    NOT_SUPPORTED = "NotSupported"


class SetChargingProfileResult(Payload):
    """Charger: whether it took the profile (section 5.16)."""

    status: ChargingProfileStatus
