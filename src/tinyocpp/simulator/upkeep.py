"""What a charge point does for its keeper: messages on request, restarts, firmware, diagnostics, logs.

Nothing is really fetched or uploaded: the statuses come as they would, a few seconds apart.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from tinyocpp.messages.core import MeterValues, Reason, RegistrationStatus
from tinyocpp.messages.firmware import (
    DiagnosticsStatus,
    DiagnosticsStatusNotification,
    FirmwareStatus,
    FirmwareStatusNotification,
)
from tinyocpp.messages.remote_trigger import MessageTrigger, TriggerMessage, TriggerMessageResult, TriggerMessageStatus
from tinyocpp.messages.security import (
    ExtendedMessageTrigger,
    ExtendedTriggerMessage,
    ExtendedTriggerMessageResult,
    LogStatusNotification,
    UploadLogStatus,
)
from tinyocpp.messages.types import ReadingContext
from tinyocpp.simulator import charging

if TYPE_CHECKING:
    from tinyocpp.simulator.charge_point import ChargePoint
    from tinyocpp.simulator.connector import Connector

STEP_S = 2.0  # between two statuses of an update or an upload
GRACE_S = 10.0  # how long a soft reset waits for its stops to be answered
POLL_S = 0.5

Chosen = list["Connector"]  # the connectors a trigger is about


# Messages on request.


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
    station.say(FirmwareStatusNotification(status=station.firmware_status or FirmwareStatus.IDLE), early=True)


def _diagnostics_status(station: ChargePoint, _connectors: Chosen) -> None:
    status = DiagnosticsStatus.UPLOADING if station.uploading else DiagnosticsStatus.IDLE
    station.say(DiagnosticsStatusNotification(status=status), early=True)


def _log_status(station: ChargePoint, _connectors: Chosen) -> None:
    status = UploadLogStatus.IDLE if station.log_request is None else UploadLogStatus.UPLOADING
    station.say(LogStatusNotification(status=status, request_id=station.log_request), early=True)


Trigger = Callable[["ChargePoint", Chosen], None]

TRIGGERS: dict[str, Trigger] = {
    MessageTrigger.BOOT_NOTIFICATION: _boot,
    MessageTrigger.DIAGNOSTICS_STATUS_NOTIFICATION: _diagnostics_status,
    MessageTrigger.FIRMWARE_STATUS_NOTIFICATION: _firmware_status,
    MessageTrigger.HEARTBEAT: _heartbeat,
    MessageTrigger.METER_VALUES: _meter_values,
    MessageTrigger.STATUS_NOTIFICATION: _statuses,
    ExtendedMessageTrigger.LOG_STATUS_NOTIFICATION: _log_status,
}


def trigger(station: ChargePoint, call: TriggerMessage, now: datetime) -> TriggerMessageResult:
    return TriggerMessageResult(status=_trigger(station, call.requested_message, call.connector_id))


def extended_trigger(station: ChargePoint, call: ExtendedTriggerMessage, now: datetime) -> ExtendedTriggerMessageResult:
    return ExtendedTriggerMessageResult(status=_trigger(station, call.requested_message, call.connector_id))


def _trigger(station: ChargePoint, message: str, connector_id: int | None) -> TriggerMessageStatus:
    """The message follows the answer. No connector means all; no boot once accepted (errata 3.35, 3.40)."""
    if message not in TRIGGERS:
        return TriggerMessageStatus.NOT_IMPLEMENTED
    booted = message == MessageTrigger.BOOT_NOTIFICATION and station.registration is RegistrationStatus.ACCEPTED
    if booted or (connector_id is not None and not 0 <= connector_id < len(station.connectors)):
        return TriggerMessageStatus.REJECTED
    chosen = station.connectors if connector_id is None else [station.connectors[connector_id]]
    station.later(0, lambda _then: TRIGGERS[message](station, chosen))
    return TriggerMessageStatus.ACCEPTED


# Restarts, updates, uploads.


def reset(station: ChargePoint, now: datetime, *, hard: bool) -> None:
    """Soft: transactions end and are told of first. Hard: at once, their stops come after the restart (errata 3.36)."""
    if hard:
        station.power_cycle(now)
        return
    for connector in station.connectors:
        charging.stop(station, connector, Reason.SOFT_RESET, now)
    _restart_when_told(station, now, now + timedelta(seconds=GRACE_S))


def _restart_when_told(station: ChargePoint, now: datetime, until: datetime) -> None:
    if now >= until or not station.outbox.unacknowledged:
        station.power_cycle(now)
    else:
        station.later(POLL_S, lambda then: _restart_when_told(station, then, until))


def update_firmware(station: ChargePoint, delay_s: float) -> None:
    """Downloading, Downloaded, Installing, a restart when no transaction runs any more, Installed (TC_044_1)."""

    def report(status: FirmwareStatus) -> Callable[[datetime], None]:
        def act(_now: datetime) -> None:
            station.firmware_status = status
            station.say(FirmwareStatusNotification(status=status))

        return act

    def install(now: datetime) -> None:
        if any(connector.transaction for connector in station.connectors):
            station.later(STEP_S, install)
            return
        station.firmware_status = None
        station.firmware += "+1"
        station.after_boot.append(FirmwareStatusNotification(status=FirmwareStatus.INSTALLED))
        station.power_cycle(now)

    station.later(delay_s, report(FirmwareStatus.DOWNLOADING))
    station.later(delay_s + STEP_S, report(FirmwareStatus.DOWNLOADED))
    station.later(delay_s + 2 * STEP_S, report(FirmwareStatus.INSTALLING))
    station.later(delay_s + 3 * STEP_S, install)


def upload_diagnostics(station: ChargePoint) -> None:
    def begin(_now: datetime) -> None:
        station.uploading = True
        station.say(DiagnosticsStatusNotification(status=DiagnosticsStatus.UPLOADING))

    def end(_now: datetime) -> None:
        station.uploading = False
        station.say(DiagnosticsStatusNotification(status=DiagnosticsStatus.UPLOADED))

    station.later(0, begin)
    station.later(STEP_S, end)


def upload_log(station: ChargePoint, request_id: int) -> None:
    def end(_now: datetime) -> None:
        if station.log_request == request_id:  # else a later request has taken its place
            station.log_request = None
            station.say(LogStatusNotification(status=UploadLogStatus.UPLOADED, request_id=request_id))

    station.log_request = request_id
    station.say(LogStatusNotification(status=UploadLogStatus.UPLOADING, request_id=request_id))
    station.later(STEP_S, end)
