"""What we do with each request a charger may send: one plain function per action, and the table that names them.

A handler is given the decoded call and its Charger, and returns the answer. It runs inside the host's batch: the answer
leaves when what the handler wrote is durable. It must not send calls of its own (quirk B17), sleep, or look at a clock
other than the charger's. `LESSONS` is the other direction: what a charger's answers to our own calls teach us.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tinyocpp.charger import Charger
from tinyocpp.late import Late
from tinyocpp.messages.payload import Payload

if TYPE_CHECKING:
    from tinyocpp.handlers.answers import Lesson

# Any: every function takes its own request type, which the session has just decoded by ACTIONS.
Handler = Callable[[Any, Charger], Payload]


def _in(module: str, name: str) -> Late:
    return Late(f"{__name__}.{module}", name)


HANDLERS: dict[str, Handler] = {
    "Authorize": _in("authorization", "authorize"),
    "BootNotification": _in("registration", "boot_notification"),
    "DataTransfer": _in("notices", "data_transfer"),
    "DiagnosticsStatusNotification": _in("notices", "upkeep"),
    "FirmwareStatusNotification": _in("notices", "upkeep"),
    "Heartbeat": _in("registration", "heartbeat"),
    "LogStatusNotification": _in("notices", "upkeep"),
    "MeterValues": _in("transactions", "meter_values"),
    "SecurityEventNotification": _in("notices", "notice"),
    "SignCertificate": _in("certificates", "sign_certificate"),
    "SignedFirmwareStatusNotification": _in("notices", "upkeep"),
    "StartTransaction": _in("transactions", "start_transaction"),
    "StatusNotification": _in("status", "status_notification"),
    "StopTransaction": _in("transactions", "stop_transaction"),
}

LESSONS: dict[str, Lesson] = {
    "CancelReservation": _in("answers", "reservation_cancelled"),
    "CertificateSigned": _in("certificates", "certificate_answered"),
    "ChangeConfiguration": _in("answers", "configuration_changed"),
    "ExtendedTriggerMessage": _in("certificates", "certificate_asked"),
    "GetConfiguration": _in("answers", "configuration_got"),
    "GetDiagnostics": _in("answers", "diagnostics"),
    "GetLog": _in("answers", "log"),
    "RemoteStartTransaction": _in("answers", "remote_start"),
    "ReserveNow": _in("answers", "reservation"),
    "SignedUpdateFirmware": _in("answers", "firmware"),
    "UpdateFirmware": _in("answers", "firmware"),
}
