"""The configuration keys of the simulated charge point: one table, and the rules to read and set them.

Values are strings, as on the wire; `flag`, `number` and `items` read them for the rest of the simulator. A key whose
meaning the simulator does not have takes only the value that says so: better Rejected than ignored.
"""

from __future__ import annotations

from enum import Enum
from string import hexdigits
from typing import TYPE_CHECKING

import msgspec

from tinyocpp.messages.core_central import ConfigurationStatus

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

MEASURANDS = (
    "Energy.Active.Import.Register",
    "Power.Active.Import",
    "Current.Import",
    "Current.Offered",
    "Voltage",
    "SoC",
)
ROTATIONS = ("NotApplicable", "Unknown", "RST", "RTS", "SRT", "STR", "TRS", "TSR")
PROFILES = ("Core", "FirmwareManagement", "LocalAuthListManagement", "Reservation", "SmartCharging", "RemoteTrigger")

MAX_LIST_ENTRIES = 100
MAX_LIST_CHUNK = 20
MAX_STACK_LEVEL = 10
MAX_SCHEDULE_PERIODS = 24
MAX_PROFILES = 20
MAX_KEYS_ASKED = 50
MAX_ROOTS = 4  # certificates of each use
MAX_INTERVAL_S = 86_400  # also of the intervals a central system gives in other ways


class Kind(Enum):
    BOOLEAN = "boolean"
    INTEGER = "integer"
    LIST = "comma-separated list"
    HEX = "hexadecimal text"
    TEXT = "text"


class Access(Enum):
    READ = "R"
    READ_WRITE = "RW"
    WRITE = "W"


class Key(msgspec.Struct, frozen=True):
    """One row. `choices` are what a list may hold; the bounds are those of an integer."""

    name: str
    kind: Kind
    access: Access
    value: str
    choices: tuple[str, ...] = ()
    minimum: int = 0
    maximum: int = 2_147_483_647

    def allows(self, value: str) -> bool:
        match self.kind:
            case Kind.BOOLEAN:
                return value.lower() in ("true", "false")
            case Kind.INTEGER:
                digits = value.removeprefix("-")
                return digits.isascii() and digits.isdigit() and self.minimum <= int(value) <= self.maximum
            case Kind.LIST:
                return all(item in self.choices for item in split_list(value))
            case Kind.TEXT:
                return len(value) <= self.maximum
            case Kind.HEX:
                return 32 <= len(value) <= 40 and len(value) % 2 == 0 and set(value) <= set(hexdigits)


def split_list(value: str) -> list[str]:
    return [item.strip() for item in value.split(",") if item.strip()]


_R, _RW, _W = Access.READ, Access.READ_WRITE, Access.WRITE
_BOOLEAN, _INTEGER, _LIST = Kind.BOOLEAN, Kind.INTEGER, Kind.LIST


def keys_for(connectors: int) -> tuple[Key, ...]:
    """Core keys of OCPP 1.6 section 9.1 in its order, then those of the other profiles and of the security paper."""
    rotations = tuple(f"{connector}.{rotation}" for connector in range(connectors + 1) for rotation in ROTATIONS)
    sampled = "Energy.Active.Import.Register,Power.Active.Import,Current.Import,Current.Offered,Voltage,SoC"
    return (
        Key("AllowOfflineTxForUnknownId", _BOOLEAN, _RW, "true"),
        Key("AuthorizationCacheEnabled", _BOOLEAN, _RW, "true"),
        Key("AuthorizeRemoteTxRequests", _BOOLEAN, _RW, "true"),
        Key("BlinkRepeat", _INTEGER, _RW, "3", maximum=100),
        Key("ClockAlignedDataInterval", _INTEGER, _RW, "0", maximum=MAX_INTERVAL_S),
        Key("ConnectionTimeOut", _INTEGER, _RW, "60", minimum=1, maximum=MAX_INTERVAL_S),
        Key("ConnectorPhaseRotation", _LIST, _RW, ",".join(f"{n}.RST" for n in range(connectors + 1)), rotations),
        Key("ConnectorPhaseRotationMaxLength", _INTEGER, _R, str(connectors + 1)),
        Key("GetConfigurationMaxKeys", _INTEGER, _R, str(MAX_KEYS_ASKED)),
        Key("HeartbeatInterval", _INTEGER, _RW, "300", minimum=1, maximum=MAX_INTERVAL_S),
        Key("LightIntensity", _INTEGER, _RW, "50", maximum=100),
        Key("LocalAuthorizeOffline", _BOOLEAN, _RW, "true"),
        Key("LocalPreAuthorize", _BOOLEAN, _RW, "false"),
        Key("MaxEnergyOnInvalidId", _INTEGER, _RW, "0", maximum=0),
        Key("MessageTimeout", _INTEGER, _RW, "30", minimum=1, maximum=MAX_INTERVAL_S),
        Key("MeterValuesAlignedData", _LIST, _RW, "Energy.Active.Import.Register", MEASURANDS),
        Key("MeterValuesAlignedDataMaxLength", _INTEGER, _R, str(len(MEASURANDS))),
        Key("MeterValuesSampledData", _LIST, _RW, sampled, MEASURANDS),
        Key("MeterValuesSampledDataMaxLength", _INTEGER, _R, str(len(MEASURANDS))),
        Key("MeterValueSampleInterval", _INTEGER, _RW, "60", maximum=MAX_INTERVAL_S),
        Key("MinimumStatusDuration", _INTEGER, _RW, "0", maximum=0),
        Key("NumberOfConnectors", _INTEGER, _R, str(connectors)),
        Key("ResetRetries", _INTEGER, _RW, "3", maximum=100),
        Key("StopTransactionMaxMeterValues", _INTEGER, _R, "2"),
        Key("StopTransactionOnEVSideDisconnect", _BOOLEAN, _RW, "true"),
        Key("StopTransactionOnInvalidId", _BOOLEAN, _RW, "true"),
        Key("StopTxnAlignedData", _LIST, _RW, ""),
        Key("StopTxnAlignedDataMaxLength", _INTEGER, _R, "0"),
        Key("StopTxnSampledData", _LIST, _RW, "", MEASURANDS),
        Key("StopTxnSampledDataMaxLength", _INTEGER, _R, str(len(MEASURANDS))),
        Key("SupportedFeatureProfiles", _LIST, _R, ",".join(PROFILES), PROFILES),
        Key("SupportedFeatureProfilesMaxLength", _INTEGER, _R, str(len(PROFILES))),
        Key("TransactionMessageAttempts", _INTEGER, _RW, "5", minimum=1, maximum=1000),
        Key("TransactionMessageRetryInterval", _INTEGER, _RW, "10", maximum=MAX_INTERVAL_S),
        Key("UnlockConnectorOnEVSideDisconnect", _BOOLEAN, _RW, "true"),
        Key("WebSocketPingInterval", _INTEGER, _RW, "30", maximum=MAX_INTERVAL_S),
        Key("LocalAuthListEnabled", _BOOLEAN, _RW, "true"),
        Key("LocalAuthListMaxLength", _INTEGER, _R, str(MAX_LIST_ENTRIES)),
        Key("SendLocalListMaxLength", _INTEGER, _R, str(MAX_LIST_CHUNK)),
        Key("ReserveConnectorZeroSupported", _BOOLEAN, _R, "false"),
        Key("ChargeProfileMaxStackLevel", _INTEGER, _R, str(MAX_STACK_LEVEL)),
        Key("ChargingScheduleAllowedChargingRateUnit", _LIST, _R, "Current,Power", ("Current", "Power")),
        Key("ChargingScheduleMaxPeriods", _INTEGER, _R, str(MAX_SCHEDULE_PERIODS)),
        Key("ConnectorSwitch3to1PhaseSupported", _BOOLEAN, _R, "true"),
        Key("MaxChargingProfilesInstalled", _INTEGER, _R, str(MAX_PROFILES)),
        Key("SupportedFileTransferProtocols", _LIST, _R, "HTTP,HTTPS,FTP", ("HTTP", "HTTPS", "FTP")),
        Key("AdditionalRootCertificateCheck", _BOOLEAN, _R, "false"),
        Key("AuthorizationKey", Kind.HEX, _W, ""),
        Key("CertificateSignedMaxChainSize", _INTEGER, _R, "10000"),
        Key("CertificateStoreMaxLength", _INTEGER, _R, str(MAX_ROOTS)),
        Key("CpoName", Kind.TEXT, _RW, "", maximum=64),
        Key("SecurityProfile", _INTEGER, _RW, "0", maximum=3),
    )


def _without(key: Key, hidden: Collection[str]) -> Key:
    """Measurands that are not there are neither chosen nor to be chosen."""
    if key.choices is not MEASURANDS:
        return key
    kept = [name for name in split_list(key.value) if name not in hidden]
    choices = tuple(name for name in MEASURANDS if name not in hidden)
    return msgspec.structs.replace(key, value=",".join(kept), choices=choices)


class Configuration:
    """The keys and what they are set to. Survives a reset, as flash memory does. Names are compared without case."""

    def __init__(
        self, connectors: int, differing: Mapping[str, str] | None = None, hidden: Collection[str] = ()
    ) -> None:
        """`differing`: values of this charge point's own; `hidden`: measurands it does not have."""
        own = {key.name: _without(key, hidden) for key in keys_for(connectors)}
        own |= {name: msgspec.structs.replace(own[name], value=value) for name, value in (differing or {}).items()}
        self._keys = {name.lower(): key for name, key in own.items()}
        self._values = {name: key.value for name, key in self._keys.items()}

    def set(self, name: str, value: str) -> ConfigurationStatus:
        """As ChangeConfiguration does: nothing is changed unless the whole value is allowed."""
        key = self._keys.get(name.lower())
        if key is None:
            return ConfigurationStatus.NOT_SUPPORTED
        if key.access is Access.READ or not key.allows(value):
            return ConfigurationStatus.REJECTED
        self._values[name.lower()] = value
        return ConfigurationStatus.ACCEPTED

    def find(self, name: str) -> tuple[Key, str] | None:
        """The key and its value; None for a key that is unknown, or that may only be written."""
        key = self._keys.get(name.lower())
        return (key, self._values[name.lower()]) if key and key.access is not Access.WRITE else None

    def everything(self) -> Iterable[tuple[Key, str]]:
        return (row for name in self._keys if (row := self.find(name)))

    def flag(self, name: str) -> bool:
        return self._values[name.lower()].lower() == "true"

    def number(self, name: str) -> int:
        return int(self._values[name.lower()])

    def items(self, name: str) -> list[str]:
        return split_list(self._values[name.lower()])

    def text(self, name: str) -> str:
        return self._values[name.lower()]
