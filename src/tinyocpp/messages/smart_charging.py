"""The SmartCharging profile: limits over time.

RemoteStartTransaction carries a charging profile too.
"""

from __future__ import annotations

from enum import StrEnum

from tinyocpp.messages.payload import Int, Payload, Timestamp, at_most_one_decimal


class ChargingProfilePurposeType(StrEnum):
    """What a profile limits (section 3.13.1)."""

    CHARGE_POINT_MAX_PROFILE = "ChargePointMaxProfile"
    TX_DEFAULT_PROFILE = "TxDefaultProfile"
    TX_PROFILE = "TxProfile"


class ChargingProfileKindType(StrEnum):
    """What the periods of a schedule count from."""

    ABSOLUTE = "Absolute"
    RECURRING = "Recurring"
    RELATIVE = "Relative"


class RecurrencyKindType(StrEnum):
    """How often a Recurring schedule starts over."""

    DAILY = "Daily"
    WEEKLY = "Weekly"


class ChargingRateUnitType(StrEnum):
    """Amperes per phase or watts in all."""

    A = "A"
    W = "W"


class ChargingSchedulePeriod(Payload):
    """A limit, in force until the next period starts."""

    start_period: Int  # s
    limit: float
    number_phases: Int | None = None  # 3 when not said

    def __post_init__(self) -> None:
        at_most_one_decimal("limit", self.limit)


class ChargingSchedule(Payload):
    """Limits over time."""

    duration: Int | None = None  # s
    start_schedule: Timestamp | None = None
    charging_rate_unit: ChargingRateUnitType
    charging_schedule_period: tuple[ChargingSchedulePeriod, ...]
    min_charging_rate: float | None = None

    def __post_init__(self) -> None:
        at_most_one_decimal("minChargingRate", self.min_charging_rate)


class ChargingProfile(Payload):
    """A schedule, and when and for what it holds."""

    charging_profile_id: Int
    transaction_id: Int | None = None
    stack_level: Int
    charging_profile_purpose: ChargingProfilePurposeType
    charging_profile_kind: ChargingProfileKindType
    recurrency_kind: RecurrencyKindType | None = None
    valid_from: Timestamp | None = None
    valid_to: Timestamp | None = None
    charging_schedule: ChargingSchedule


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
