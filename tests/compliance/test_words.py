"""The compliance tool's cases about calls to the charger once more, with the words an owner types: `tinyocpp charger`.

tests/cli tries the words themselves; here they meet the independent charger, which holds what they send against the
published schemas. A word says what the answer means, and what to do about a no.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from listening import within
from ocpp.v16 import call, call_result

from compliance.charge_point import now
from compliance.programs import ACCEPTED, GROUP, SAME_GROUP

if TYPE_CHECKING:
    from collections.abc import Callable

    from compliance.charge_point import ChargePoint

    Case = Callable[..., ChargePoint]

INTERVAL = {"key": "MeterValueSampleInterval", "value": "60"}
SCHEDULE = {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 8.1}]}
WORDS: list[tuple[str, str, dict[str, Any], Any, int]] = [
    ("TC_017_1", "unlock", {"connectorId": 1}, call_result.UnlockConnector("Unlocked"), 0),
    ("TC_017_2", "unlock", {"connectorId": 1}, call_result.UnlockConnector("NotSupported"), 1),
    ("TC_019_1", "get", {}, call_result.GetConfiguration([], []), 0),
    (
        "TC_019_2",
        "get SupportedFeatureProfiles",
        {"key": ["SupportedFeatureProfiles"]},
        call_result.GetConfiguration(),
        0,
    ),
    ("TC_021", "set MeterValueSampleInterval 60", INTERVAL, call_result.ChangeConfiguration("Accepted"), 0),
    ("TC_030", "unlock --connector 1", {"connectorId": 1}, call_result.UnlockConnector("UnlockFailed"), 1),
    ("TC_031", "unlock --connector 9", {"connectorId": 9}, call_result.UnlockConnector("NotSupported"), 1),
    ("TC_040_1", "set MeterValueSampleInterval 60", INTERVAL, call_result.ChangeConfiguration("NotSupported"), 1),
    ("TC_040_2", "set MeterValueSampleInterval 60", INTERVAL, call_result.ChangeConfiguration("Rejected"), 1),
    ("TC_061", "clear-cache", {}, call_result.ClearCache("Accepted"), 0),
    (
        "TC_066",
        "profile composite --connector 1 --duration 300 --unit A",
        {"connectorId": 1, "duration": 300, "chargingRateUnit": "A"},
        call_result.GetCompositeSchedule("Accepted", 1, "2026-06-01T12:00:00Z", SCHEDULE),
        0,
    ),
    ("TC_067", "profile clear --id 12", {"id": 12}, call_result.ClearChargingProfile("Accepted"), 0),
    (
        "TC_067",
        "profile clear --connector 1 --purpose default --stack 0",
        {"connectorId": 1, "chargingProfilePurpose": "TxDefaultProfile", "stackLevel": 0},
        call_result.ClearChargingProfile("Unknown"),
        1,
    ),
    ("TC_067", "profile clear --all", {}, call_result.ClearChargingProfile("Accepted"), 0),
]


@pytest.mark.parametrize(
    ("typed", "asked", "answer", "code"),
    [pytest.param(*row[1:], id=f"{row[0]} {row[1]} {getattr(row[3], 'status', '')}") for row in WORDS],
)
@within(30)
async def test_words(case: Case, typed: str, asked: dict[str, Any], answer: Any, code: int) -> None:
    async with case() as cp:
        await cp.boot()
        cp.will(answer)
        said = await cp.typed(*typed.split())
        assert (said.code, bool(said.err)) == (code, code != 0), said
        assert cp.calls[-1] == (type(answer).__name__, asked)


@pytest.mark.parametrize("kind", [pytest.param("hard", id="TC_013"), pytest.param("soft", id="TC_014")])
@within(30)
async def test_a_reset_that_is_waited_for(case: Case, kind: str) -> None:
    async with case() as cp:
        await cp.boot()
        resetting = asyncio.create_task(cp.typed("reset", kind, "--wait"))
        assert await cp.called("Reset") == {"type": kind.title()}
    async with case() as cp:
        await cp.boot()
        assert (await resetting).code == 0


@within(30)
async def test_tc_018_1_unlocking_while_charging_is_meant(case: Case) -> None:
    async with case() as cp:
        await cp.boot()
        transaction_id = await cp.charge(ACCEPTED)
        assert (await cp.typed("unlock")).code == 1
        assert cp.calls == []
        assert (await cp.typed("unlock", "--anyway")).code == 0
        assert cp.calls == [("UnlockConnector", {"connectorId": 1})]
        await cp.finish(transaction_id, "UnlockCommand")


async def states(cp: ChargePoint) -> list[str]:
    """What has become of each of its reservations."""
    said = await cp.typed("reservations", "--all", "--json")
    return [row["state"] for row in json.loads(said.out)]


@pytest.mark.parametrize(
    ("status", "code", "state"),
    [
        pytest.param("Accepted", 0, "used", id="TC_046"),
        pytest.param("Faulted", 1, "refused", id="TC_048_1"),
        pytest.param("Occupied", 1, "refused", id="TC_048_2"),
        pytest.param("Rejected", 1, "refused", id="TC_048_4"),
    ],
)
@within(30)
async def test_reserving(case: Case, status: str, code: int, state: str) -> None:
    """The group goes along by itself, from the tags file."""
    async with case() as cp:
        await cp.boot()
        cp.will(call_result.ReserveNow(status))
        assert (await cp.typed("reserve", ACCEPTED, "--connector", "1", "--for", "1h")).code == code
        asked = await cp.called("ReserveNow")
        assert now(3500) < asked.pop("expiryDate") < now(3700)
        number = asked.pop("reservationId")
        assert asked == {"connectorId": 1, "idTag": ACCEPTED, "parentIdTag": GROUP}
        if code == 0:
            await cp.finish(await cp.charge(ACCEPTED, reservation_id=number))
        assert await states(cp) == [state]


@within(30)
async def test_tc_047_a_reservation_is_over_by_itself(case: Case) -> None:
    """Whether or not the charger says so."""
    async with case() as cp:
        await cp.boot()
        assert (await cp.typed("reserve", ACCEPTED, "--for", "2s")).code == 0
        await cp.status("Reserved")
        while await states(cp) == ["active"]:
            assert (await cp.typed("reservations")).code == 0
        await cp.status("Available")
        assert await states(cp) == ["over"]


@within(30)
async def test_tc_048_3_out_of_service(case: Case) -> None:
    async with case() as cp:
        await cp.boot()
        assert (await cp.typed("availability", "inoperative", "--connector", "1")).code == 0
        assert cp.calls == [("ChangeAvailability", {"connectorId": 1, "type": "Inoperative"})]
        await cp.status("Unavailable")
        cp.will(call_result.ReserveNow("Unavailable"))
        said = await cp.typed("reserve", ACCEPTED, "--for", "1h")
        assert (said.code, "tinyocpp charger availability operative" in said.err) == (1, True), said


@within(30)
async def test_tc_049_any_connector(case: Case) -> None:
    """Asked of a charger only that has said it can do that."""
    async with case() as cp:
        await cp.boot()
        assert (await cp.typed("reserve", ACCEPTED, "--connector", "0", "--for", "1h")).code == 64
        assert cp.calls == []
        cp.will(keys(ReserveConnectorZeroSupported="true"))
        await cp.typed("get")
        assert (await cp.typed("reserve", ACCEPTED, "--connector", "0", "--for", "1h")).code == 0
        assert cp.calls[-1][1]["connectorId"] == 0


def keys(**values: str) -> Any:
    return call_result.GetConfiguration(
        [{"key": key, "readonly": True, "value": value} for key, value in values.items()]
    )


@pytest.mark.parametrize(
    ("status", "code", "state"),
    [pytest.param("Accepted", 0, "cancelled", id="TC_051"), pytest.param("Rejected", 1, "cancelled", id="TC_052")],
)
@within(30)
async def test_cancelling(case: Case, status: str, code: int, state: str) -> None:
    """Rejected: the charger knows no such reservation, so it keeps nothing (reference: section 5.2)."""
    async with case() as cp:
        await cp.boot()
        await cp.typed("reserve", ACCEPTED, "--for", "1h")
        number = (await cp.called("ReserveNow"))["reservationId"]
        cp.will(call_result.CancelReservation(status))
        assert (await cp.typed("cancel-reservation")).code == code
        assert cp.calls[-1] == ("CancelReservation", {"reservationId": number})
        assert await states(cp) == [state]


@within(30)
async def test_tc_053_another_of_the_group(case: Case) -> None:
    async with case() as cp:
        await cp.boot()
        await cp.typed("reserve", ACCEPTED, "--connector", "1", "--for", "1h")
        asked = await cp.called("ReserveNow")
        assert asked["parentIdTag"] == (await cp.authorize(SAME_GROUP))["parent_id_tag"]
        transaction_id, status = await cp.begin(SAME_GROUP, reservation_id=asked["reservationId"])
        assert status == "Accepted"
        await cp.finish(transaction_id)
        assert await states(cp) == ["used"]


@within(30)
async def test_tc_054_triggered_and_waited_for(case: Case) -> None:
    async with case() as cp:
        await cp.boot()
        for wanted, (options, payload, message) in TRIGGERED.items():
            triggering = asyncio.create_task(cp.typed("trigger", wanted, *options))
            await cp.called("TriggerMessage")
            assert cp.calls.pop() == ("TriggerMessage", {"requestedMessage": wanted} | payload)
            await cp.ask(message)
            said = await triggering
            assert (said.code, f"{wanted} has come" in said.out) == (0, True), said


SAMPLE = [{"timestamp": now(), "sampledValue": [{"value": "5", "context": "Trigger"}]}]
TRIGGERED: dict[str, tuple[tuple[str, ...], dict[str, Any], Any]] = {
    "MeterValues": (("--connector", "1"), {"connectorId": 1}, call.MeterValues(1, SAMPLE)),
    "Heartbeat": ((), {}, call.Heartbeat()),
    "StatusNotification": (
        ("--connector", "1"),
        {"connectorId": 1},
        call.StatusNotification(1, "NoError", "Available", now()),
    ),
    "DiagnosticsStatusNotification": ((), {}, call.DiagnosticsStatusNotification("Idle")),
    "FirmwareStatusNotification": ((), {}, call.FirmwareStatusNotification("Idle")),
}


@within(30)
async def test_tc_055_a_trigger_rejected(case: Case) -> None:
    """Where there is one connector it is asked both ways, as some chargers want it named and some do not (B7)."""
    async with case() as cp:
        await cp.boot()
        cp.will(call_result.TriggerMessage("Rejected"))
        assert (await cp.typed("trigger", "MeterValues", "--connector", "1")).code == 1
        named, unnamed = ({"requestedMessage": "MeterValues", "connectorId": 1}, {"requestedMessage": "MeterValues"})
        assert cp.calls == [("TriggerMessage", named), ("TriggerMessage", unnamed)]


@pytest.mark.parametrize("purpose", [pytest.param("default", id="TC_056"), pytest.param("tx", id="TC_057")])
@within(30)
async def test_setting_a_limit(case: Case, purpose: str) -> None:
    """Absolute, with all four times; a transaction's number where there is one and nowhere else."""
    async with case() as cp:
        await cp.boot()
        transaction_id = await cp.charge(ACCEPTED) if purpose == "tx" else None
        begin, end = now(), now(3600)
        times = ("--from", begin, "--to", end)
        said = await cp.typed("profile", "set", "--purpose", purpose, "--connector", "1", "--limit", "8.1A", *times)
        assert said.code == 0, said
        asked = await cp.called("SetChargingProfile")
        profile = asked["csChargingProfiles"]
        assert profile.pop("chargingProfileId") > 0
        assert asked == {"connectorId": 1, "csChargingProfiles": profile}
        assert profile == {
            **({"transactionId": transaction_id} if transaction_id else {}),
            "stackLevel": 0,
            "chargingProfilePurpose": "TxProfile" if transaction_id else "TxDefaultProfile",
            "chargingProfileKind": "Absolute",
            "validFrom": begin,
            "validTo": end,
            "chargingSchedule": {"duration": 3600, "startSchedule": begin, **SCHEDULE},
        }
        if transaction_id:
            await cp.finish(transaction_id)


@within(30)
async def test_tc_057_no_limit_for_a_charge_that_is_not_there(case: Case) -> None:
    async with case() as cp:
        await cp.boot()
        assert (await cp.typed("profile", "set", "--purpose", "tx", "--limit", "10A")).code == 1
        assert cp.calls == []
