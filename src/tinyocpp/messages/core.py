"""The Core profile, what a charger asks (section 4 of the standard), and DataTransfer, which goes both ways.

What we ask is in core_central, how a charger says that it is there in core_boot: a connection begins with that alone.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from msgspec import Meta

from tinyocpp.messages.payload import (
    CiString50,
    CiString255,
    IdToken,
    Int,
    Payload,
    Timestamp,
)
from tinyocpp.messages.samples import MeterValue
from tinyocpp.messages.types import IdTagInfo


class Authorize(Payload):
    """Charger: may this tag start, or stop, charging (section 4.1)?"""

    id_tag: IdToken


class AuthorizeResult(Payload):
    """Us: what we know of the tag (section 4.1)."""

    id_tag_info: IdTagInfo


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


class MeterValues(Payload):
    """Charger: samples of a connector's meter, 0 being the main meter (section 4.7)."""

    connector_id: Int
    transaction_id: Int | None = None
    meter_value: Annotated[tuple[MeterValue, ...], Meta(min_length=1)]


class MeterValuesResult(Payload):
    """Us: committed (section 4.7)."""


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
