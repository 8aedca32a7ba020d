"""What OCPP 1.6-J and its security extension say: frames, actions and payloads as types. Imports msgspec only.

`ACTIONS` is the whole of it: the wire name of each action, the types of request and answer, and who may ask.
One file per feature profile holds the types; `frames` holds what is around them, `payload` what is common to them.
"""

from __future__ import annotations

import msgspec

from tinyocpp.messages import (
    core,
    firmware,
    local_list,
    remote_trigger,
    reservation,
    security,
    smart_charging,
)
from tinyocpp.messages.payload import Payload


class Action(msgspec.Struct, frozen=True):
    """One row of the table."""

    name: str
    request: type[Payload]
    result: type[Payload]
    from_charger: bool = False
    from_central: bool = False


def _from_charger(request: type[Payload], result: type[Payload]) -> Action:
    return Action(request.__name__, request, result, from_charger=True)


def _from_central(request: type[Payload], result: type[Payload]) -> Action:
    return Action(request.__name__, request, result, from_central=True)


ACTIONS: dict[str, Action] = {
    action.name: action
    for action in (
        # Core
        _from_charger(core.Authorize, core.AuthorizeResult),
        _from_charger(core.BootNotification, core.BootNotificationResult),
        _from_central(core.ChangeAvailability, core.ChangeAvailabilityResult),
        _from_central(core.ChangeConfiguration, core.ChangeConfigurationResult),
        _from_central(core.ClearCache, core.ClearCacheResult),
        Action("DataTransfer", core.DataTransfer, core.DataTransferResult, from_charger=True, from_central=True),
        _from_central(core.GetConfiguration, core.GetConfigurationResult),
        _from_charger(core.Heartbeat, core.HeartbeatResult),
        _from_charger(core.MeterValues, core.MeterValuesResult),
        _from_central(core.RemoteStartTransaction, core.RemoteStartTransactionResult),
        _from_central(core.RemoteStopTransaction, core.RemoteStopTransactionResult),
        _from_central(core.Reset, core.ResetResult),
        _from_charger(core.StartTransaction, core.StartTransactionResult),
        _from_charger(core.StatusNotification, core.StatusNotificationResult),
        _from_charger(core.StopTransaction, core.StopTransactionResult),
        _from_central(core.UnlockConnector, core.UnlockConnectorResult),
        # FirmwareManagement
        _from_charger(firmware.DiagnosticsStatusNotification, firmware.DiagnosticsStatusNotificationResult),
        _from_charger(firmware.FirmwareStatusNotification, firmware.FirmwareStatusNotificationResult),
        _from_central(firmware.GetDiagnostics, firmware.GetDiagnosticsResult),
        _from_central(firmware.UpdateFirmware, firmware.UpdateFirmwareResult),
        # LocalAuthListManagement
        _from_central(local_list.GetLocalListVersion, local_list.GetLocalListVersionResult),
        _from_central(local_list.SendLocalList, local_list.SendLocalListResult),
        # Reservation
        _from_central(reservation.CancelReservation, reservation.CancelReservationResult),
        _from_central(reservation.ReserveNow, reservation.ReserveNowResult),
        # SmartCharging
        _from_central(smart_charging.ClearChargingProfile, smart_charging.ClearChargingProfileResult),
        _from_central(smart_charging.GetCompositeSchedule, smart_charging.GetCompositeScheduleResult),
        _from_central(smart_charging.SetChargingProfile, smart_charging.SetChargingProfileResult),
        # RemoteTrigger
        _from_central(remote_trigger.TriggerMessage, remote_trigger.TriggerMessageResult),
        # Security extension
        _from_central(security.CertificateSigned, security.CertificateSignedResult),
        _from_central(security.DeleteCertificate, security.DeleteCertificateResult),
        _from_central(security.ExtendedTriggerMessage, security.ExtendedTriggerMessageResult),
        _from_central(security.GetInstalledCertificateIds, security.GetInstalledCertificateIdsResult),
        _from_central(security.GetLog, security.GetLogResult),
        _from_central(security.InstallCertificate, security.InstallCertificateResult),
        _from_charger(security.LogStatusNotification, security.LogStatusNotificationResult),
        _from_charger(security.SecurityEventNotification, security.SecurityEventNotificationResult),
        _from_charger(security.SignCertificate, security.SignCertificateResult),
        _from_charger(security.SignedFirmwareStatusNotification, security.SignedFirmwareStatusNotificationResult),
        _from_central(security.SignedUpdateFirmware, security.SignedUpdateFirmwareResult),
    )
}
