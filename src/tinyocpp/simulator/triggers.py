"""Messages on request: what TriggerMessage and ExtendedTriggerMessage can ask for (section 5.17)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from tinyocpp.messages.core import MeterValues
from tinyocpp.messages.core_boot import RegistrationStatus
from tinyocpp.messages.firmware import (
    DiagnosticsStatus,
    DiagnosticsStatusNotification,
    FirmwareStatus,
    FirmwareStatusNotification,
)
from tinyocpp.messages.remote_trigger import MessageTrigger, TriggerMessage, TriggerMessageResult, TriggerMessageStatus
from tinyocpp.messages.samples import ReadingContext
from tinyocpp.messages.security import (
    ExtendedMessageTrigger,
    ExtendedTriggerMessage,
    ExtendedTriggerMessageResult,
    LogStatusNotification,
    UploadLogStatus,
)
from tinyocpp.simulator import charging, trust
from tinyocpp.simulator.uploads import DIAGNOSTICS, LOG

if TYPE_CHECKING:
    from tinyocpp.simulator.charge_point import ChargePoint
    from tinyocpp.simulator.connector import Connector

Chosen = list["Connector"]  # the connectors a trigger is about


def _boot(station: ChargePoint, _connectors: Chosen) -> None:
    station.boot()


def _heartbeat(station: ChargePoint, _connectors: Chosen) -> None:
    station.heartbeat(early=True)


def _statuses(station: ChargePoint, connectors: Chosen) -> None:
    for connector in connectors:
        station.report_status(connector, early=True)


def _meter_values(station: ChargePoint, connectors: Chosen) -> None:
    for connector in connectors:
        value = charging.sample(station, connector, "MeterValuesSampledData", ReadingContext.TRIGGER, station.now)
        if connector.connector_id and value:
            transaction_id = connector.transaction.wire_id if connector.transaction else None
            call = MeterValues(connector_id=connector.connector_id, transaction_id=transaction_id, meter_value=(value,))
            station.say(call, early=True)


def _firmware_status(station: ChargePoint, _connectors: Chosen) -> None:
    if station.update is not None:
        station.update.report(early=True)
    else:
        station.say(FirmwareStatusNotification(status=FirmwareStatus.IDLE), early=True)


def _diagnostics_status(station: ChargePoint, _connectors: Chosen) -> None:
    if (upload := station.uploads.get(DIAGNOSTICS)) is not None:
        upload.tell("Uploading")
    else:
        station.say(DiagnosticsStatusNotification(status=DiagnosticsStatus.IDLE), early=True)


def _log_status(station: ChargePoint, _connectors: Chosen) -> None:
    if (upload := station.uploads.get(LOG)) is not None:
        upload.tell("Uploading")
    else:
        station.say(LogStatusNotification(status=UploadLogStatus.IDLE), early=True)


def _certificate_request(station: ChargePoint, _connectors: Chosen) -> None:
    trust.ask_for_certificate(station)


Trigger = Callable[["ChargePoint", Chosen], None]

TRIGGERS: dict[str, Trigger] = {
    MessageTrigger.BOOT_NOTIFICATION: _boot,
    MessageTrigger.DIAGNOSTICS_STATUS_NOTIFICATION: _diagnostics_status,
    MessageTrigger.FIRMWARE_STATUS_NOTIFICATION: _firmware_status,
    MessageTrigger.HEARTBEAT: _heartbeat,
    MessageTrigger.METER_VALUES: _meter_values,
    MessageTrigger.STATUS_NOTIFICATION: _statuses,
    ExtendedMessageTrigger.LOG_STATUS_NOTIFICATION: _log_status,
    ExtendedMessageTrigger.SIGN_CHARGE_POINT_CERTIFICATE: _certificate_request,
}


def trigger(station: ChargePoint, call: TriggerMessage, now: datetime) -> TriggerMessageResult:
    return TriggerMessageResult(status=_trigger(station, call.requested_message, call.connector_id))


def extended_trigger(station: ChargePoint, call: ExtendedTriggerMessage, now: datetime) -> ExtendedTriggerMessageResult:
    return ExtendedTriggerMessageResult(status=_trigger(station, call.requested_message, call.connector_id))


def _trigger(station: ChargePoint, message: str, connector_id: int | None) -> TriggerMessageStatus:
    """The message follows the answer. No connector means all; no boot once accepted (errata 3.35, 3.40)."""
    unable = message == ExtendedMessageTrigger.SIGN_CHARGE_POINT_CERTIFICATE and not trust.able(station)
    if message not in TRIGGERS or unable:
        return TriggerMessageStatus.NOT_IMPLEMENTED
    booted = message == MessageTrigger.BOOT_NOTIFICATION and station.registration is RegistrationStatus.ACCEPTED
    if booted or (connector_id is not None and not 0 <= connector_id < len(station.connectors)):
        return TriggerMessageStatus.REJECTED
    chosen = station.connectors if connector_id is None else [station.connectors[connector_id]]
    station.later(0, lambda _then: TRIGGERS[message](station, chosen))
    return TriggerMessageStatus.ACCEPTED
