"""Every call of ours with everything a charger may answer: what tinyocpp-command ends with, as scripts rely on it."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ocpp.v16
import pytest
from listening import within
from ocpp.v16 import call

from compliance.charge_point import ANSWERS
from compliance.programs import ACCEPTED

if TYPE_CHECKING:
    from collections.abc import Callable

    from compliance.charge_point import ChargePoint
    from compliance.programs import Listener

    Case = Callable[..., ChargePoint]

CALLERRORS = (
    *("NotImplemented", "NotSupported", "InternalError", "ProtocolError", "SecurityError", "FormationViolation"),
    *("FormatViolation", "PropertyConstraintViolation", "OccurenceConstraintViolation", "TypeConstraintViolation"),
    *("GenericError", "VendorError"),
)
SCHEMAS = Path(ocpp.v16.__file__).parent / "schemas"
AGREED = {"Accepted", "AcceptedCanceled", "Scheduled", "RebootRequired", "Unlocked"}
PEM = "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----"
URL = "http://192.0.2.7/files"
PROFILE: dict[str, Any] = {
    "chargingProfileId": 1,
    "stackLevel": 0,
    "chargingProfilePurpose": "TxDefaultProfile",
    "chargingProfileKind": "Relative",
    "chargingSchedule": {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 6.0}]},
}
HASHES = {"hashAlgorithm": "SHA256", "issuerNameHash": "a" * 64, "issuerKeyHash": "b" * 64, "serialNumber": "FFF"}
FIRMWARE = {"location": URL, "retrieveDateTime": "2026-06-01T12:00:00Z", "signingCertificate": PEM, "signature": "MA=="}
CALLS: dict[str, dict[str, Any]] = {
    "CancelReservation": {"reservationId": 1},
    "CertificateSigned": {"certificateChain": PEM},
    "ChangeAvailability": {"connectorId": 0, "type": "Inoperative"},
    "ChangeConfiguration": {"key": "HeartbeatInterval", "value": "300"},
    "ClearCache": {},
    "ClearChargingProfile": {},
    "DataTransfer": {"vendorId": "com.example"},
    "DeleteCertificate": {"certificateHashData": HASHES},
    "ExtendedTriggerMessage": {"requestedMessage": "LogStatusNotification"},
    "GetCompositeSchedule": {"connectorId": 0, "duration": 60},
    "GetConfiguration": {},
    "GetDiagnostics": {"location": URL},
    "GetInstalledCertificateIds": {"certificateType": "CentralSystemRootCertificate"},
    "GetLocalListVersion": {},
    "GetLog": {"logType": "DiagnosticsLog", "requestId": 1, "log": {"remoteLocation": URL}},
    "InstallCertificate": {"certificateType": "ManufacturerRootCertificate", "certificate": PEM},
    "RemoteStartTransaction": {"idTag": ACCEPTED},
    "RemoteStopTransaction": {"transactionId": 2**31 - 1},
    "ReserveNow": {"connectorId": 1, "expiryDate": "2036-06-01T12:00:00Z", "idTag": ACCEPTED, "reservationId": 1},
    "Reset": {"type": "Soft"},
    "SendLocalList": {"listVersion": 1, "updateType": "Full"},
    "SetChargingProfile": {"connectorId": 1, "csChargingProfiles": PROFILE},
    "SignedUpdateFirmware": {"requestId": 1, "firmware": FIRMWARE},
    "TriggerMessage": {"requestedMessage": "Heartbeat"},
    "UnlockConnector": {"connectorId": 1},
    "UpdateFirmware": {"location": URL, "retrieveDate": "2026-06-01T12:00:00Z"},
}


def statuses_of(action: str) -> list[str | None]:
    """As the published schema of the answer has them; None: it has none, which is a yes."""
    schema = json.loads((SCHEMAS / f"{action}Response.json").read_text(encoding="utf-8-sig"))
    status = schema["properties"].get("status", {"enum": [None]})
    if "$ref" in status:
        status = schema["definitions"][status["$ref"].rpartition("/")[2]]
    found: list[str | None] = status["enum"]
    return found


@pytest.mark.parametrize("action", CALLS)
@within(30)
async def test_every_call_with_every_status(case: Case, action: str) -> None:
    default = next(answer for answer in ANSWERS if type(answer).__name__ == action)
    async with case(f"every-{action}") as cp:
        await cp.boot()
        for status in statuses_of(action):
            cp.will(dataclasses.replace(default, status=status) if status else default)
            code, answer = await cp.commanded(action, **CALLS[action])
            assert (code, answer.get("status")) == (0 if status is None or status in AGREED else 1, status)
        await cp.ask(call.Heartbeat())


def test_there_is_one_of_every_call() -> None:
    assert set(CALLS) == {type(answer).__name__ for answer in ANSWERS}


@within(30)
async def test_every_callerror_ends_the_command_with_76(case: Case, shared_listener: Listener) -> None:
    site = shared_listener.site
    async with shared_listener.plain("callerrors") as charger:
        await charger.boot()
        for code in CALLERRORS:
            ended = asyncio.create_task(site.command("callerrors", "ClearCache"))
            message_id, _, _ = await charger.next_call()
            await charger.socket.send(json.dumps([4, message_id, code, "not today", {}]))
            said = await ended
            assert (said.code, said.out) == (76, "")
            assert code in said.err
            assert "not today" in said.err
