"""The Core profile: what every charger speaks (sections 4 and 5 of the standard)."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from msgspec import Meta

from tinyocpp.messages.payload import (
    CiString20,
    CiString25,
    CiString50,
    CiString255,
    CiString500,
    IdToken,
    Int,
    Payload,
    Timestamp,
)
from tinyocpp.messages.types import ChargingProfile, IdTagInfo, MeterValue


class Authorize(Payload):
    """Charger: may this tag start, or stop, charging (section 4.1)?"""

    id_tag: IdToken


class AuthorizeResult(Payload):
    """Us: what we know of the tag (section 4.1)."""

    id_tag_info: IdTagInfo


class BootNotification(Payload):
    """Charger: I have started, and this is what I am (section 4.2)."""

    charge_point_vendor: CiString20
    charge_point_model: CiString20
    charge_point_serial_number: CiString25 | None = None
    charge_box_serial_number: CiString25 | None = None  # deprecated
    firmware_version: CiString50 | None = None
    iccid: CiString20 | None = None
    imsi: CiString20 | None = None
    meter_type: CiString25 | None = None
    meter_serial_number: CiString25 | None = None


class RegistrationStatus(StrEnum):
    """May this charger work with us?"""

    ACCEPTED = "Accepted"
    PENDING = "Pending"
    REJECTED = "Rejected"


class BootNotificationResult(Payload):
    """Us: welcome, and the time (section 4.2)."""

    status: RegistrationStatus
    current_time: Timestamp
    interval: Int  # s; of the heartbeat if accepted, else until the next BootNotification


class AvailabilityType(StrEnum):
    """What a connector is to become."""

    INOPERATIVE = "Inoperative"
    OPERATIVE = "Operative"


class ChangeAvailability(Payload):
    """Us: take a connector, or all of them as 0, out of service or back (section 5.2)."""

    connector_id: Int
    type: AvailabilityType


class AvailabilityStatus(StrEnum):
    """Now, never, or when the transaction has ended."""

    ACCEPTED = "Accepted"
    REJECTED = "Rejected"
    SCHEDULED = "Scheduled"


class ChangeAvailabilityResult(Payload):
    """Charger: whether it does (section 5.2)."""

    status: AvailabilityStatus


class ChangeConfiguration(Payload):
    """Us: set a configuration key; the value is always text (section 5.3)."""

    key: CiString50
    value: CiString500


class ConfigurationStatus(StrEnum):
    """What became of a value."""

    ACCEPTED = "Accepted"
    REJECTED = "Rejected"
    REBOOT_REQUIRED = "RebootRequired"  # stored; in force after a Reset
    NOT_SUPPORTED = "NotSupported"  # no such key


class ChangeConfigurationResult(Payload):
    """Charger: whether the value was taken (section 5.3)."""

    status: ConfigurationStatus


class ClearCache(Payload):
    """Us: forget every tag you have cached (section 5.4)."""


class ClearCacheStatus(StrEnum):
    """Rejected also by chargers without a cache."""

    ACCEPTED = "Accepted"
    REJECTED = "Rejected"


class ClearCacheResult(Payload):
    """Charger: whether the cache is empty now (section 5.4)."""

    status: ClearCacheStatus


class DataTransfer(Payload):
    """Either: something of a vendor's own, as text (sections 4.3 and 5.6)."""

    vendor_id: CiString255
    message_id: CiString50 | None = None
    data: str | None = None


class DataTransferStatus(StrEnum):
    """Was it understood?"""

    ACCEPTED = "Accepted"
    REJECTED = "Rejected"
    UNKNOWN_MESSAGE_ID = "UnknownMessageId"
    UNKNOWN_VENDOR_ID = "UnknownVendorId"


class DataTransferResult(Payload):
    """Either: whether it was understood (sections 4.3 and 5.6)."""

    status: DataTransferStatus
    data: str | None = None


class GetConfiguration(Payload):
    """Us: tell these configuration keys, or all of them (section 5.8)."""

    key: tuple[CiString50, ...] | None = None


class KeyValue(Payload):
    """One configuration key; a known key may have no value."""

    key: CiString50
    readonly: bool
    value: CiString500 | None = None


class GetConfigurationResult(Payload):
    """Charger: the keys it knows, and those it does not (section 5.8)."""

    configuration_key: tuple[KeyValue, ...] | None = None
    unknown_key: tuple[CiString50, ...] | None = None


class Heartbeat(Payload):
    """Charger: I am alive (section 4.6)."""


class HeartbeatResult(Payload):
    """Us: the time (section 4.6)."""

    current_time: Timestamp


class MeterValues(Payload):
    """Charger: samples of a connector's meter, 0 being the main meter (section 4.7)."""

    connector_id: Int
    transaction_id: Int | None = None
    meter_value: Annotated[tuple[MeterValue, ...], Meta(min_length=1)]


class MeterValuesResult(Payload):
    """Us: committed (section 4.7)."""


class RemoteStartTransaction(Payload):
    """Us: start charging for this tag, on this connector or one of your choice (section 5.11)."""

    connector_id: Int | None = None
    id_tag: IdToken
    charging_profile: ChargingProfile | None = None


class RemoteStartStopStatus(StrEnum):
    """Accepted means it will be tried."""

    ACCEPTED = "Accepted"
    REJECTED = "Rejected"


class RemoteStartTransactionResult(Payload):
    """Charger: whether it will try; StartTransaction tells whether it did (section 5.11)."""

    status: RemoteStartStopStatus


class RemoteStopTransaction(Payload):
    """Us: end this transaction (section 5.12)."""

    transaction_id: Int


class RemoteStopTransactionResult(Payload):
    """Charger: whether it knows the transaction and will end it (section 5.12)."""

    status: RemoteStartStopStatus


class ResetType(StrEnum):
    """Soft ends transactions first."""

    HARD = "Hard"
    SOFT = "Soft"


class Reset(Payload):
    """Us: restart (section 5.14)."""

    type: ResetType


class ResetStatus(StrEnum):
    """Will it restart?"""

    ACCEPTED = "Accepted"
    REJECTED = "Rejected"


class ResetResult(Payload):
    """Charger: whether it will restart (section 5.14)."""

    status: ResetStatus


class StartTransaction(Payload):
    """Charger: energy has begun to flow on this connector (section 4.8)."""

    connector_id: Int
    id_tag: IdToken
    meter_start: Int  # Wh; the register may have any value after a meter swap
    reservation_id: Int | None = None
    timestamp: Timestamp


class StartTransactionResult(Payload):
    """Us: the transaction's id, also when the tag is refused (section 4.8)."""

    id_tag_info: IdTagInfo
    transaction_id: Int


class ChargePointErrorCode(StrEnum):
    """What is wrong with a connector."""

    CONNECTOR_LOCK_FAILURE = "ConnectorLockFailure"
    EV_COMMUNICATION_ERROR = "EVCommunicationError"
    GROUND_FAILURE = "GroundFailure"
    HIGH_TEMPERATURE = "HighTemperature"
    INTERNAL_ERROR = "InternalError"
    LOCAL_LIST_CONFLICT = "LocalListConflict"
    NO_ERROR = "NoError"
    OTHER_ERROR = "OtherError"
    OVER_CURRENT_FAILURE = "OverCurrentFailure"
    POWER_METER_FAILURE = "PowerMeterFailure"
    POWER_SWITCH_FAILURE = "PowerSwitchFailure"
    READER_FAILURE = "ReaderFailure"
    RESET_FAILURE = "ResetFailure"
    UNDER_VOLTAGE = "UnderVoltage"
    OVER_VOLTAGE = "OverVoltage"
    WEAK_SIGNAL = "WeakSignal"


class ChargePointStatus(StrEnum):
    """What a connector is doing; the charger itself, connector 0, is Available, Unavailable or Faulted."""

    AVAILABLE = "Available"
    PREPARING = "Preparing"
    CHARGING = "Charging"
    SUSPENDED_EVSE = "SuspendedEVSE"
    SUSPENDED_EV = "SuspendedEV"
    FINISHING = "Finishing"
    RESERVED = "Reserved"
    UNAVAILABLE = "Unavailable"
    FAULTED = "Faulted"


class StatusNotification(Payload):
    """Charger: a connector's state or error has changed (section 4.9)."""

    connector_id: Int
    error_code: ChargePointErrorCode
    info: CiString50 | None = None
    status: ChargePointStatus
    timestamp: Timestamp | None = None
    vendor_id: CiString255 | None = None
    vendor_error_code: CiString50 | None = None


class StatusNotificationResult(Payload):
    """Us: noted (section 4.9)."""


class Reason(StrEnum):
    """Why a transaction ended; Local when not said."""

    EMERGENCY_STOP = "EmergencyStop"
    EV_DISCONNECTED = "EVDisconnected"
    HARD_RESET = "HardReset"
    LOCAL = "Local"
    OTHER = "Other"
    POWER_LOSS = "PowerLoss"
    REBOOT = "Reboot"
    REMOTE = "Remote"
    SOFT_RESET = "SoftReset"
    UNLOCK_COMMAND = "UnlockCommand"
    DE_AUTHORIZED = "DeAuthorized"


class StopTransaction(Payload):
    """Charger: a transaction has ended (section 4.10)."""

    id_tag: IdToken | None = None
    meter_stop: Int  # Wh
    timestamp: Timestamp
    transaction_id: Int
    reason: Reason | None = None
    transaction_data: tuple[MeterValue, ...] | None = None


class StopTransactionResult(Payload):
    """Us: committed, and what we know of the tag that stopped it (section 4.10)."""

    id_tag_info: IdTagInfo | None = None


class UnlockConnector(Payload):
    """Us: let go of the plug (section 5.18)."""

    connector_id: Int


class UnlockStatus(StrEnum):
    """NotSupported also for a fixed cable or an unknown connector."""

    UNLOCKED = "Unlocked"
    UNLOCK_FAILED = "UnlockFailed"
    NOT_SUPPORTED = "NotSupported"


class UnlockConnectorResult(Payload):
    """Charger: whether the plug is free (section 5.18)."""

    status: UnlockStatus
