"""The compliance tool's cases about calls to the charger, each typed as the owner types it.

The table holds a case a line: what is typed, what the charger answers, and with what tinyocpp-command ends. Where the
case goes on after the answer, a test below tells the rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from listening import within
from ocpp.v16 import call, call_result

from compliance.charge_point import now
from compliance.programs import ACCEPTED
from tinyocpp.messages import ACTIONS

if TYPE_CHECKING:
    from collections.abc import Callable

    from compliance.charge_point import ChargePoint

    Case = Callable[..., ChargePoint]

LISTED = [
    {"idTag": ACCEPTED, "idTagInfo": {"status": "Accepted"}},
    {"idTag": "OLD", "idTagInfo": {"status": "Blocked"}},
]
SCHEDULE: dict[str, Any] = {
    "duration": 3600,
    "startSchedule": "2026-06-01T12:00:00Z",
    "chargingRateUnit": "A",
    "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 8.1}, {"startPeriod": 600, "limit": 16.0}],
}
PROFILE: dict[str, Any] = {
    "chargingProfileId": 12,
    "stackLevel": 0,
    "chargingProfilePurpose": "TxDefaultProfile",
    "chargingProfileKind": "Absolute",
    "validFrom": "2026-06-01T00:00:00Z",
    "validTo": "2036-06-01T00:00:00Z",
    "chargingSchedule": SCHEDULE,
}
RELATIVE = {"duration": 3600, "chargingRateUnit": "W", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 6900.0}]}
TX_PROFILE = PROFILE | {"chargingProfilePurpose": "TxProfile"}
RESERVATION: dict[str, Any] = {"connectorId": 1, "expiryDate": "2036-06-01T12:00:00Z", "idTag": ACCEPTED}


def keys(**values: str) -> Any:
    return call_result.GetConfiguration(
        [{"key": key, "readonly": False, "value": value} for key, value in values.items()]
    )


CALLS: list[tuple[str, str, dict[str, Any], Any, int]] = [
    ("TC_017_1", "UnlockConnector", {"connectorId": 1}, call_result.UnlockConnector("Unlocked"), 0),
    ("TC_017_2", "UnlockConnector", {"connectorId": 1}, call_result.UnlockConnector("NotSupported"), 1),
    ("TC_019_1", "GetConfiguration", {"key": []}, keys(HeartbeatInterval="300", NumberOfConnectors="1"), 0),
    ("TC_019_1", "GetConfiguration", {}, keys(HeartbeatInterval="300", NumberOfConnectors="1"), 0),
    (
        "TC_019_2",
        "GetConfiguration",
        {"key": ["SupportedFeatureProfiles"]},
        keys(SupportedFeatureProfiles="Core,SmartCharging"),
        0,
    ),
    (
        "TC_021",
        "ChangeConfiguration",
        {"key": "MeterValueSampleInterval", "value": "60"},
        call_result.ChangeConfiguration("Accepted"),
        0,
    ),
    ("TC_030", "UnlockConnector", {"connectorId": 1}, call_result.UnlockConnector("UnlockFailed"), 1),
    ("TC_031", "UnlockConnector", {"connectorId": 9}, call_result.UnlockConnector("NotSupported"), 1),
    (
        "TC_040_1",
        "ChangeConfiguration",
        {"key": "MeterValueSampleInterval", "value": "60"},
        call_result.ChangeConfiguration("NotSupported"),
        1,
    ),
    (
        "TC_040_2",
        "ChangeConfiguration",
        {"key": "MeterValueSampleInterval", "value": "-1"},
        call_result.ChangeConfiguration("Rejected"),
        1,
    ),
    ("TC_042_1", "GetLocalListVersion", {}, call_result.GetLocalListVersion(-1), 0),
    ("TC_042_2", "GetLocalListVersion", {}, call_result.GetLocalListVersion(0), 0),
    *(
        (
            case,
            "SendLocalList",
            {"listVersion": 1, "updateType": "Full", "localAuthorizationList": LISTED},
            call_result.SendLocalList(status),
            code,
        )
        for case, status, code in (
            ("TC_043_1", "NotSupported", 1),
            ("TC_043_3", "Failed", 1),
            ("TC_043_4", "Accepted", 0),
        )
    ),
    (
        "TC_043_5",
        "SendLocalList",
        {"listVersion": 2, "updateType": "Differential", "localAuthorizationList": LISTED[:1]},
        call_result.SendLocalList("Accepted"),
        0,
    ),
    *(
        (case, "ReserveNow", RESERVATION | {"reservationId": 3}, call_result.ReserveNow(status), 1)
        for case, status in (("TC_048_1", "Faulted"), ("TC_048_2", "Occupied"), ("TC_048_4", "Rejected"))
    ),
    (
        "TC_049",
        "ReserveNow",
        RESERVATION | {"connectorId": 0, "reservationId": 3},
        call_result.ReserveNow("Accepted"),
        0,
    ),
    (
        "TC_055",
        "TriggerMessage",
        {"requestedMessage": "MeterValues", "connectorId": 1},
        call_result.TriggerMessage("Rejected"),
        1,
    ),
    (
        "TC_056",
        "SetChargingProfile",
        {"connectorId": 1, "csChargingProfiles": PROFILE},
        call_result.SetChargingProfile("Accepted"),
        0,
    ),
    ("TC_061", "ClearCache", {}, call_result.ClearCache("Accepted"), 0),
    (
        "TC_066",
        "GetCompositeSchedule",
        {"connectorId": 1, "duration": 300, "chargingRateUnit": "A"},
        call_result.GetCompositeSchedule("Accepted", 1, "2026-06-01T12:00:00Z", SCHEDULE),
        0,
    ),
    ("TC_067", "ClearChargingProfile", {"id": 12}, call_result.ClearChargingProfile("Accepted"), 0),
    (
        "TC_067",
        "ClearChargingProfile",
        {"connectorId": 1, "chargingProfilePurpose": "TxDefaultProfile", "stackLevel": 0},
        call_result.ClearChargingProfile("Unknown"),
        1,
    ),
    ("TC_067", "ClearChargingProfile", {}, call_result.ClearChargingProfile("Accepted"), 0),
]


@pytest.mark.parametrize(
    ("action", "payload", "answer", "code"),
    [pytest.param(*row[1:], id=f"{row[0]} {row[1]} {getattr(row[3], 'status', '')}") for row in CALLS],
)
@within(30)
async def test_calls(case: Case, action: str, payload: dict[str, Any], answer: Any, code: int) -> None:
    async with case() as cp:
        await cp.boot()
        cp.will(answer)
        ended, printed = await cp.commanded(action, **payload)
        status = getattr(answer, "status", None)
        assert (ended, printed.get("status")) == (code, status)


@within(30)
async def test_tc_047_a_reservation_expires(case: Case) -> None:
    async with case() as cp:
        await cp.boot()
        reservation = RESERVATION | {"expiryDate": now(2), "reservationId": 3}
        assert await cp.commanded("ReserveNow", **reservation) == (0, {"status": "Accepted"})
        for status in ("Reserved", "Available"):
            await cp.status(status)
        assert cp.site.connector(cp.id).status == "Available"


@within(30)
async def test_tc_048_3_reserving_what_is_unavailable(case: Case) -> None:
    async with case() as cp:
        await cp.boot()
        assert await cp.commanded("ChangeAvailability", connectorId=1, type="Inoperative") == (
            0,
            {"status": "Accepted"},
        )
        await cp.status("Unavailable")
        cp.will(call_result.ReserveNow("Unavailable"))
        assert await cp.commanded("ReserveNow", **RESERVATION, reservationId=3) == (1, {"status": "Unavailable"})
        assert cp.site.connector(cp.id).status == "Unavailable"


@pytest.mark.parametrize(
    ("status", "code"), [pytest.param("Accepted", 0, id="TC_051"), pytest.param("Rejected", 1, id="TC_052")]
)
@within(30)
async def test_cancelling_a_reservation(case: Case, status: str, code: int) -> None:
    async with case() as cp:
        await cp.boot()
        await cp.commanded("ReserveNow", **RESERVATION, reservationId=3)
        cp.will(call_result.CancelReservation(status))
        assert await cp.commanded("CancelReservation", reservationId=3) == (code, {"status": status})


TRIGGERED: dict[str, tuple[dict[str, Any], Any]] = {
    "MeterValues": (
        {"connectorId": 1},
        call.MeterValues(1, [{"timestamp": now(), "sampledValue": [{"value": "5", "context": "Trigger"}]}]),
    ),
    "Heartbeat": ({}, call.Heartbeat()),
    "StatusNotification": ({"connectorId": 1}, call.StatusNotification(1, "NoError", "Available", now())),
    "DiagnosticsStatusNotification": ({}, call.DiagnosticsStatusNotification("Idle")),
    "FirmwareStatusNotification": ({}, call.FirmwareStatusNotification("Idle")),
}


@within(30)
async def test_tc_054_triggered_messages(case: Case) -> None:
    async with case() as cp:
        await cp.boot()
        for wanted, (where, message) in TRIGGERED.items():
            assert (await cp.commanded("TriggerMessage", requestedMessage=wanted, **where))[0] == 0
            await cp.ask(message)


@pytest.mark.parametrize("kind", ["Absolute", "Relative"])
@within(30)
async def test_tc_057_a_profile_for_a_running_transaction(case: Case, kind: str) -> None:
    async with case() as cp:
        await cp.boot()
        transaction_id = await cp.charge(ACCEPTED)
        schedule = SCHEDULE if kind == "Absolute" else RELATIVE
        profile = TX_PROFILE | {"chargingProfileKind": kind, "chargingSchedule": schedule}
        answered = await cp.commanded(
            "SetChargingProfile", connectorId=1, csChargingProfiles=profile | {"transactionId": transaction_id}
        )
        assert answered == (0, {"status": "Accepted"})
        await cp.finish(transaction_id)


@pytest.mark.parametrize("kind", ["Absolute", "Relative"])
@within(30)
async def test_tc_059_remote_start_with_a_profile(case: Case, kind: str) -> None:
    """There is no transaction yet whose number it could have (errata 3.41)."""
    schedule = SCHEDULE if kind == "Absolute" else RELATIVE
    profile = TX_PROFILE | {"chargingProfileKind": kind, "chargingSchedule": schedule}
    async with case() as cp:
        await cp.boot()
        answered = await cp.commanded("RemoteStartTransaction", connectorId=1, idTag=ACCEPTED, chargingProfile=profile)
        assert answered == (0, {"status": "Accepted"})
        await cp.finish(await cp.charge(ACCEPTED))


def test_the_charge_point_answers_every_call_a_central_system_may_send() -> None:
    from compliance.charge_point import ANSWERS

    assert {type(answer).__name__ for answer in ANSWERS} == {
        name for name, known in ACTIONS.items() if known.from_central
    }
