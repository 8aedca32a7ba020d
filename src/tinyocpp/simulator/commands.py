"""What the central system may ask of the charge point: one function per call, and the table of them.

A function gets the charge point, the request and the instant, and returns the answer. What follows from the call goes
into the outbox or the agenda and so leaves after the answer. A known action that is not in the table is NotSupported.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from tinyocpp.errors import ProtocolFault
from tinyocpp.messages import core, core_central, firmware, local_list, reservation, security
from tinyocpp.messages.core import ChargePointStatus
from tinyocpp.messages.core_central import RemoteStartStopStatus
from tinyocpp.messages.frames import ErrorCode
from tinyocpp.messages.payload import Payload
from tinyocpp.messages.smart_charging import ChargingProfilePurposeType
from tinyocpp.simulator import charging, person, restarts, smart_charging, triggers, trust
from tinyocpp.simulator.configuration import MAX_KEYS_ASKED, Access
from tinyocpp.simulator.connector import Reservation, connector_of
from tinyocpp.simulator.firmware import Update, event, order_of, readable
from tinyocpp.simulator.uploads import LOG, upload_diagnostics, upload_log

if TYPE_CHECKING:
    from tinyocpp.simulator.charge_point import ChargePoint

ECHO_VENDOR = "tinyocpp"


# Core.


def change_availability(
    station: ChargePoint, call: core_central.ChangeAvailability, now: datetime
) -> core_central.ChangeAvailabilityResult:
    """0 is the charge point and all its connectors. A running transaction is waited for (section 5.2)."""
    connector = connector_of(station, call.connector_id, whole=True)
    operative = call.type is core_central.AvailabilityType.OPERATIVE
    scheduled = False
    for one in station.connectors if connector.connector_id == 0 else [connector]:
        if not operative and one.transaction:
            one.going_inoperative = scheduled = True
            continue
        one.operative, one.going_inoperative = operative, False
        if not operative:
            station.set_status(one, ChargePointStatus.UNAVAILABLE, now)
        elif one.status is ChargePointStatus.UNAVAILABLE:
            back = ChargePointStatus.PREPARING if one.car else ChargePointStatus.AVAILABLE
            station.set_status(one, back, now)
    status = core_central.AvailabilityStatus.SCHEDULED if scheduled else core_central.AvailabilityStatus.ACCEPTED
    return core_central.ChangeAvailabilityResult(status=status)


def change_configuration(
    station: ChargePoint, call: core_central.ChangeConfiguration, now: datetime
) -> core_central.ChangeConfigurationResult:
    """A new AuthorizationKey is used at once: the line is closed and opened anew with it (security paper, A01)."""
    if call.key.lower() == trust.PROFILE.lower():
        return core_central.ChangeConfigurationResult(status=trust.change_profile(station, call.value))
    status = station.configuration.set(call.key, call.value)
    if status is core_central.ConfigurationStatus.ACCEPTED and call.key.lower() == trust.KEY.lower():
        station.later(0, lambda _then: station.reconnect())
    return core_central.ChangeConfigurationResult(status=status)


def get_configuration(
    station: ChargePoint, call: core_central.GetConfiguration, now: datetime
) -> core_central.GetConfigurationResult:
    if call.key and len(call.key) > MAX_KEYS_ASKED:
        raise ProtocolFault(ErrorCode.OCCURENCE_CONSTRAINT_VIOLATION, f"more than {MAX_KEYS_ASKED} keys")
    rows = [station.configuration.find(name) for name in call.key] if call.key else station.configuration.everything()
    known = tuple(
        core_central.KeyValue(key=key.name, readonly=key.access is Access.READ, value=value)
        for key, value in (row for row in rows if row)
    )
    unknown = tuple(name for name in call.key or () if station.configuration.find(name) is None)
    return core_central.GetConfigurationResult(configuration_key=known or None, unknown_key=unknown or None)


def clear_cache(station: ChargePoint, call: core_central.ClearCache, now: datetime) -> core_central.ClearCacheResult:
    if not station.configuration.flag("AuthorizationCacheEnabled"):
        return core_central.ClearCacheResult(status=core_central.ClearCacheStatus.REJECTED)
    station.tags.clear_cache()
    return core_central.ClearCacheResult(status=core_central.ClearCacheStatus.ACCEPTED)


def data_transfer(station: ChargePoint, call: core.DataTransfer, now: datetime) -> core.DataTransferResult:
    """One message of our own, to try the way with: Echo."""
    if call.vendor_id != ECHO_VENDOR:
        return core.DataTransferResult(status=core.DataTransferStatus.UNKNOWN_VENDOR_ID)
    if call.message_id != "Echo":
        return core.DataTransferResult(status=core.DataTransferStatus.UNKNOWN_MESSAGE_ID)
    return core.DataTransferResult(status=core.DataTransferStatus.ACCEPTED, data=call.data)


def remote_start(
    station: ChargePoint, call: core_central.RemoteStartTransaction, now: datetime
) -> core_central.RemoteStartTransactionResult:
    """Without a connector: one with a car before one without. Not before we were accepted (section 4.2)."""
    if call.connector_id is None:
        candidates = sorted(station.connectors[1:], key=lambda one: one.car is None)
    else:
        candidates = [connector_of(station, call.connector_id)]
    free = [one for one in candidates if person.cannot_start(one, call.id_tag, None) is None]
    profile = call.charging_profile
    wrong_profile = profile and (
        profile.charging_profile_purpose is not ChargingProfilePurposeType.TX_PROFILE
        or profile.transaction_id is not None
    )
    if not free or wrong_profile or not station.accepted:
        return core_central.RemoteStartTransactionResult(status=RemoteStartStopStatus.REJECTED)
    station.later(0, lambda then: person.remote_start(station, free[0], call.id_tag, profile, then))
    return core_central.RemoteStartTransactionResult(status=RemoteStartStopStatus.ACCEPTED)


def remote_stop(
    station: ChargePoint, call: core_central.RemoteStopTransaction, now: datetime
) -> core_central.RemoteStopTransactionResult:
    running = [one for one in station.connectors if one.running and one.running.transaction_id == call.transaction_id]
    if not running or not station.accepted:
        return core_central.RemoteStopTransactionResult(status=RemoteStartStopStatus.REJECTED)
    station.later(0, lambda then: charging.stop(station, running[0], core.Reason.REMOTE, then))
    return core_central.RemoteStopTransactionResult(status=RemoteStartStopStatus.ACCEPTED)


def reset(station: ChargePoint, call: core_central.Reset, now: datetime) -> core_central.ResetResult:
    station.later(0, lambda then: restarts.reset(station, then, hard=call.type is core_central.ResetType.HARD))
    return core_central.ResetResult(status=core_central.ResetStatus.ACCEPTED)


def unlock_connector(
    station: ChargePoint, call: core_central.UnlockConnector, now: datetime
) -> core_central.UnlockConnectorResult:
    """A running transaction ends first; an unknown connector is NotSupported, not an error (errata 3.87)."""
    if not 1 <= call.connector_id < len(station.connectors):
        return core_central.UnlockConnectorResult(status=core_central.UnlockStatus.NOT_SUPPORTED)
    charging.stop(station, station.connectors[call.connector_id], core.Reason.UNLOCK_COMMAND, now)
    return core_central.UnlockConnectorResult(status=core_central.UnlockStatus.UNLOCKED)


# Firmware and logs.


def get_diagnostics(
    station: ChargePoint, call: firmware.GetDiagnostics, now: datetime
) -> firmware.GetDiagnosticsResult:
    return firmware.GetDiagnosticsResult(file_name=upload_diagnostics(station, call, now))


def update_firmware(
    station: ChargePoint, call: firmware.UpdateFirmware, now: datetime
) -> firmware.UpdateFirmwareResult:
    Update(station, order_of(call)).begin(max(0.0, (call.retrieve_date - now).total_seconds()))
    return firmware.UpdateFirmwareResult()


def signed_update_firmware(
    station: ChargePoint, call: security.SignedUpdateFirmware, now: datetime
) -> security.SignedUpdateFirmwareResult:
    """A second request takes the place of the first (L01)."""
    status = security.UpdateFirmwareStatus
    if not readable(call.firmware.signing_certificate):
        station.say(event("InvalidFirmwareSigningCertificate", now))
        return security.SignedUpdateFirmwareResult(status=status.INVALID_CERTIFICATE)
    answer = status.ACCEPTED if station.update is None else status.ACCEPTED_CANCELED
    delay_s = (call.firmware.retrieve_date_time - now).total_seconds()
    Update(station, order_of(call)).begin(max(0.0, delay_s))
    return security.SignedUpdateFirmwareResult(status=answer)


def get_log(station: ChargePoint, call: security.GetLog, now: datetime) -> security.GetLogResult:
    """A second request takes the place of the first (N01)."""
    status = security.LogStatus.ACCEPTED_CANCELED if LOG in station.uploads else security.LogStatus.ACCEPTED
    return security.GetLogResult(status=status, filename=upload_log(station, call, now))


# Local list and reservation.


def get_local_list_version(
    station: ChargePoint, call: local_list.GetLocalListVersion, now: datetime
) -> local_list.GetLocalListVersionResult:
    return local_list.GetLocalListVersionResult(list_version=station.tags.list_version)


def send_local_list(
    station: ChargePoint, call: local_list.SendLocalList, now: datetime
) -> local_list.SendLocalListResult:
    return local_list.SendLocalListResult(status=station.tags.update(call))


def reserve_now(station: ChargePoint, call: reservation.ReserveNow, now: datetime) -> reservation.ReserveNowResult:
    """The same id replaces; connector 0 is not offered (ReserveConnectorZeroSupported)."""
    connector = connector_of(station, call.connector_id, whole=True)
    replaces = connector.reservation and connector.reservation.reservation_id == call.reservation_id
    if connector.connector_id == 0 or call.expiry_date <= now:
        status = reservation.ReservationStatus.REJECTED
    elif connector.status is ChargePointStatus.UNAVAILABLE:
        status = reservation.ReservationStatus.UNAVAILABLE
    elif connector.status is not ChargePointStatus.AVAILABLE and not replaces:
        status = reservation.ReservationStatus.OCCUPIED
    else:
        connector.reservation = Reservation(call.reservation_id, call.id_tag, call.expiry_date, call.parent_id_tag)
        station.set_status(connector, ChargePointStatus.RESERVED, now)
        status = reservation.ReservationStatus.ACCEPTED
    return reservation.ReserveNowResult(status=status)


def cancel_reservation(
    station: ChargePoint, call: reservation.CancelReservation, now: datetime
) -> reservation.CancelReservationResult:
    for one in station.connectors:
        if one.reservation and one.reservation.reservation_id == call.reservation_id:
            charging.free_reservation(station, one, now)
            return reservation.CancelReservationResult(status=reservation.CancelReservationStatus.ACCEPTED)
    return reservation.CancelReservationResult(status=reservation.CancelReservationStatus.REJECTED)


Command = Callable[["ChargePoint", Any, datetime], Payload]  # Any: each takes the request its row of ACTIONS names

COMMANDS: dict[str, Command] = {
    "CancelReservation": cancel_reservation,
    "CertificateSigned": trust.certificate_signed,
    "ChangeAvailability": change_availability,
    "ChangeConfiguration": change_configuration,
    "ClearCache": clear_cache,
    "ClearChargingProfile": smart_charging.clear_charging_profile,
    "DataTransfer": data_transfer,
    "DeleteCertificate": trust.delete_certificate,
    "ExtendedTriggerMessage": triggers.extended_trigger,
    "GetCompositeSchedule": smart_charging.get_composite_schedule,
    "GetConfiguration": get_configuration,
    "GetDiagnostics": get_diagnostics,
    "GetInstalledCertificateIds": trust.installed_certificates,
    "GetLocalListVersion": get_local_list_version,
    "GetLog": get_log,
    "InstallCertificate": trust.install_certificate,
    "RemoteStartTransaction": remote_start,
    "RemoteStopTransaction": remote_stop,
    "ReserveNow": reserve_now,
    "Reset": reset,
    "SendLocalList": send_local_list,
    "SetChargingProfile": smart_charging.set_charging_profile,
    "SignedUpdateFirmware": signed_update_firmware,
    "TriggerMessage": triggers.trigger,
    "UnlockConnector": unlock_connector,
    "UpdateFirmware": update_firmware,
}
