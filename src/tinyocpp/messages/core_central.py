"""The Core profile, what we ask of a charger (section 5 of the standard)."""

from __future__ import annotations

from enum import StrEnum

from tinyocpp.messages.payload import CiString50, CiString500, IdToken, Int, Payload
from tinyocpp.messages.smart_charging import ChargingProfile


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
