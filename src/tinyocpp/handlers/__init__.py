"""What we do with each request a charger may send: one plain function per action, and the table that names them.

A handler is given the decoded call and its Charger, and returns the answer. It runs inside the host's batch: the answer
leaves when what the handler wrote is durable. It must not send calls of its own (quirk B17), sleep, or look at a clock
other than the charger's. `LESSONS` is the other direction: what a charger's answers to our own calls teach us.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tinyocpp.charger import Charger
from tinyocpp.dealings import UpkeepKind
from tinyocpp.handlers import answers, authorization, certificates, notices, registration, transactions
from tinyocpp.messages.payload import Payload

# Any: every function takes its own request type, which the session has just decoded by ACTIONS.
Handler = Callable[[Any, Charger], Payload]

HANDLERS: dict[str, Handler] = {
    "Authorize": authorization.authorize,
    "BootNotification": registration.boot_notification,
    "DataTransfer": notices.data_transfer,
    "DiagnosticsStatusNotification": notices.upkeep,
    "FirmwareStatusNotification": notices.upkeep,
    "Heartbeat": registration.heartbeat,
    "LogStatusNotification": notices.upkeep,
    "MeterValues": transactions.meter_values,
    "SecurityEventNotification": notices.notice,
    "SignCertificate": certificates.sign_certificate,
    "SignedFirmwareStatusNotification": notices.upkeep,
    "StartTransaction": transactions.start_transaction,
    "StatusNotification": registration.status_notification,
    "StopTransaction": transactions.stop_transaction,
}

LESSONS: dict[str, answers.Lesson] = {
    "CancelReservation": answers.reservation_cancelled,
    "CertificateSigned": certificates.certificate_answered,
    "ChangeConfiguration": answers.configuration_changed,
    "ExtendedTriggerMessage": certificates.certificate_asked,
    "GetConfiguration": answers.configuration_got,
    "GetDiagnostics": answers.upkeep(UpkeepKind.DIAGNOSTICS),
    "GetLog": answers.upkeep(UpkeepKind.LOG),
    "RemoteStartTransaction": answers.remote_start,
    "ReserveNow": answers.reservation,
    "SignedUpdateFirmware": answers.upkeep(UpkeepKind.FIRMWARE),
    "UpdateFirmware": answers.upkeep(UpkeepKind.FIRMWARE),
}
