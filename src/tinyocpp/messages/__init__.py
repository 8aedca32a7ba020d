"""What OCPP 1.6-J and its security extension say: frames, actions and payloads as types. Imports msgspec only.

`ACTIONS` is the whole of it: the wire name of each action, the types of request and answer, and who may ask.
One file per feature profile holds the types; `frames` holds what is around them, `payload` what is common to them.
A profile is imported when one of its types is first asked for: most chargers speak nothing but Core, and the sixty
types of the others would be a tenth of a backend's start.
"""

from __future__ import annotations

from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from tinyocpp.messages.payload import Payload


class Action:
    """One row of the table: the types are `name` and `nameResult` in the profile's file."""

    def __init__(self, profile: str, name: str, *, from_charger: bool = False, from_central: bool = False) -> None:
        self.profile = profile
        self.name = name
        self.from_charger = from_charger
        self.from_central = from_central

    @cached_property
    def request(self) -> type[Payload]:
        return self._type(self.name)

    @cached_property
    def result(self) -> type[Payload]:
        return self._type(f"{self.name}Result")

    def _type(self, name: str) -> type[Payload]:
        return cast("type[Payload]", getattr(import_module(f"{__name__}.{self.profile}"), name))


def _from_charger(profile: str, name: str) -> Action:
    return Action(profile, name, from_charger=True)


def _from_central(profile: str, name: str) -> Action:
    return Action(profile, name, from_central=True)


ACTIONS: dict[str, Action] = {
    action.name: action
    for action in (
        # Core
        _from_charger("core", "Authorize"),
        _from_charger("core_boot", "BootNotification"),
        _from_central("core_central", "ChangeAvailability"),
        _from_central("core_central", "ChangeConfiguration"),
        _from_central("core_central", "ClearCache"),
        Action("core", "DataTransfer", from_charger=True, from_central=True),
        _from_central("core_central", "GetConfiguration"),
        _from_charger("core_boot", "Heartbeat"),
        _from_charger("core", "MeterValues"),
        _from_central("core_central", "RemoteStartTransaction"),
        _from_central("core_central", "RemoteStopTransaction"),
        _from_central("core_central", "Reset"),
        _from_charger("core", "StartTransaction"),
        _from_charger("core", "StatusNotification"),
        _from_charger("core", "StopTransaction"),
        _from_central("core_central", "UnlockConnector"),
        # FirmwareManagement
        _from_charger("firmware", "DiagnosticsStatusNotification"),
        _from_charger("firmware", "FirmwareStatusNotification"),
        _from_central("firmware", "GetDiagnostics"),
        _from_central("firmware", "UpdateFirmware"),
        # LocalAuthListManagement
        _from_central("local_list", "GetLocalListVersion"),
        _from_central("local_list", "SendLocalList"),
        # Reservation
        _from_central("reservation", "CancelReservation"),
        _from_central("reservation", "ReserveNow"),
        # SmartCharging
        _from_central("smart_charging", "ClearChargingProfile"),
        _from_central("smart_charging", "GetCompositeSchedule"),
        _from_central("smart_charging", "SetChargingProfile"),
        # RemoteTrigger
        _from_central("remote_trigger", "TriggerMessage"),
        # Security extension
        _from_central("security", "CertificateSigned"),
        _from_central("security", "DeleteCertificate"),
        _from_central("security", "ExtendedTriggerMessage"),
        _from_central("security", "GetInstalledCertificateIds"),
        _from_central("security", "GetLog"),
        _from_central("security", "InstallCertificate"),
        _from_charger("security", "LogStatusNotification"),
        _from_charger("security", "SecurityEventNotification"),
        _from_charger("security", "SignCertificate"),
        _from_charger("security", "SignedFirmwareStatusNotification"),
        _from_central("security", "SignedUpdateFirmware"),
    )
}
