"""The compliance tool's cases about sessions: booting, charging, being started and stopped from afar, and offline.

Each is played by the independent charge point; each answer has been checked against the published schemas. Beyond what
the tool asks, each says what must have been booked.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from listening import within
from ocpp.v16 import call, call_result

from compliance.charge_point import now
from compliance.programs import ACCEPTED, ANY, BLOCKED, EXPIRED, GROUP, INVALID, SAME_GROUP, Installation

if TYPE_CHECKING:
    from collections.abc import Callable

    from compliance.charge_point import ChargePoint

    Case = Callable[..., ChargePoint]

SAMPLE = [{"timestamp": "2026-06-01T12:00:00Z", "sampledValue": [{"value": "2100", "unit": "Wh"}]}]


def measured(id_tag: str = ACCEPTED, reason: str = "Local") -> tuple[str, int, str, str]:
    return id_tag, 2500, "measured", reason


@within(30)
async def test_tc_001_cold_boot(case: Case) -> None:
    async with case() as cp:
        welcome = await cp.boot()
        assert (welcome.status, welcome.interval) == ("Accepted", 300)
        assert (await cp.ask(call.Heartbeat())).current_time.endswith("Z")


@within(30)
async def test_tc_003_regular_session_plug_in_first(case: Case) -> None:
    async with case() as cp:
        await cp.boot()
        transaction_id = await cp.charge(ACCEPTED)
        assert transaction_id > 0
        await cp.ask(call.MeterValues(1, SAMPLE, transaction_id))
        stopped = await cp.finish(transaction_id, id_tag=ACCEPTED)
        assert stopped.id_tag_info == {"status": "Accepted", "parent_id_tag": GROUP}
        await cp.leave()
        assert cp.site.booked(cp.id) == [measured()]


@within(30)
async def test_tc_004_1_identification_first(case: Case) -> None:
    async with case() as cp:
        await cp.boot()
        assert await cp.authorize(ACCEPTED) == {"status": "Accepted", "parent_id_tag": GROUP}
        await cp.status("Preparing")
        transaction_id, status = await cp.begin(ACCEPTED)
        assert status == "Accepted"
        await cp.status("Charging")
        await cp.finish(transaction_id, id_tag=SAME_GROUP)  # another of the group stops it: booked to who started
        await cp.leave()
        assert cp.site.booked(cp.id) == [measured()]


@within(30)
async def test_tc_004_2_identified_and_never_plugged_in(case: Case) -> None:
    async with case() as cp:
        await cp.boot()
        await cp.authorize(ACCEPTED)
        await cp.status("Preparing")
        await cp.status("Available")  # ConnectionTimeOut
        assert cp.site.booked(cp.id) == []


@within(30)
async def test_tc_005_1_unplugged_at_the_car(case: Case) -> None:
    async with case() as cp:
        await cp.boot()
        transaction_id = await cp.charge(ACCEPTED)
        await cp.status("SuspendedEV")
        await cp.finish(transaction_id, "EVDisconnected")
        await cp.leave()
        assert cp.site.booked(cp.id) == [measured(reason="EVDisconnected")]


@within(30)
async def test_tc_007_a_cached_tag_without_authorize(case: Case) -> None:
    async with case() as cp:
        await cp.boot()
        await cp.status("Preparing")
        transaction_id, status = await cp.begin(ACCEPTED)
        assert status == "Accepted"
        await cp.finish(transaction_id)


@pytest.mark.parametrize("cable_first", [pytest.param(True, id="TC_010"), pytest.param(False, id="TC_011_1")])
@within(30)
async def test_remote_start(case: Case, cable_first: bool) -> None:
    async with case() as cp:
        await cp.boot()
        if cable_first:
            await cp.status("Preparing")
        code, answer = await cp.commanded("RemoteStartTransaction", idTag=ACCEPTED, connectorId=1)
        assert (code, answer) == (0, {"status": "Accepted"})
        transaction_id = await cp.charge(ACCEPTED)
        await cp.finish(transaction_id)
        assert cp.site.booked(cp.id) == [measured()]


@within(30)
async def test_tc_011_2_remote_start_and_no_cable(case: Case) -> None:
    async with case() as cp:
        await cp.boot()
        assert (await cp.commanded("RemoteStartTransaction", idTag=ACCEPTED, connectorId=1))[0] == 0
        await cp.authorize(ACCEPTED)
        await cp.status("Preparing")
        await cp.status("Available")
        assert cp.site.booked(cp.id) == []


@within(30)
async def test_tc_012_remote_stop(case: Case) -> None:
    async with case() as cp:
        await cp.boot()
        transaction_id = await cp.charge(ACCEPTED)
        code, answer = await cp.commanded("RemoteStopTransaction", transactionId=transaction_id)
        assert (code, answer) == (0, {"status": "Accepted"})
        await cp.finish(transaction_id, "Remote")
        await cp.leave()
        assert cp.site.booked(cp.id) == [measured(reason="Remote")]


@within(30)
async def test_tc_010_and_tc_012_in_one_word_each(case: Case) -> None:
    """`tinyocpp start` and `stop` end when the transaction has begun and ended."""
    async with case() as cp:
        await cp.boot()
        await cp.status("Preparing")
        words = ("--charger", cp.id, "--tag", ACCEPTED)
        starting = asyncio.create_task(cp.site.tinyocpp("start", *words))
        assert (await cp.called("RemoteStartTransaction"))["idTag"] == ACCEPTED
        transaction_id = await cp.charge(ACCEPTED)
        assert (await starting).code == 0
        stopping = asyncio.create_task(cp.site.tinyocpp("stop", "--charger", cp.id))
        assert await cp.called("RemoteStopTransaction") == {"transactionId": transaction_id}
        await cp.finish(transaction_id, "Remote")
        said = await stopping
        assert (said.code, "2.500 kWh" in said.out) == (0, True), said
        assert cp.site.booked(cp.id) == [measured(reason="Remote")]


@pytest.mark.parametrize("kind", [pytest.param("Hard", id="TC_013"), pytest.param("Soft", id="TC_014")])
@within(30)
async def test_reset(case: Case, kind: str) -> None:
    """In the middle of a charge: the stop comes before the restart or after it, and is booked once."""
    async with case() as cp:
        await cp.boot()
        transaction_id = await cp.charge(ACCEPTED)
        assert await cp.commanded("Reset", type=kind) == (0, {"status": "Accepted"})
        if kind == "Soft":
            await cp.finish(transaction_id, "SoftReset")
    async with case() as cp:
        assert (await cp.boot()).status == "Accepted"
        if kind == "Hard":
            await cp.finish(transaction_id, "HardReset")
        assert cp.site.booked(cp.id) == [measured(reason=f"{kind}Reset")]


@within(30)
async def test_tc_018_1_unlock_while_charging(case: Case) -> None:
    async with case() as cp:
        await cp.boot()
        transaction_id = await cp.charge(ACCEPTED)
        assert await cp.commanded("UnlockConnector", connectorId=1) == (0, {"status": "Unlocked"})
        await cp.finish(transaction_id, "UnlockCommand")
        await cp.leave()
        assert cp.site.booked(cp.id) == [measured(reason="UnlockCommand")]


@pytest.mark.parametrize(
    ("id_tag", "status"),
    [
        pytest.param(INVALID, "Invalid", id="TC_023_1"),
        pytest.param(EXPIRED, "Expired", id="TC_023_2"),
        pytest.param(BLOCKED, "Blocked", id="TC_023_3"),
    ],
)
@within(30)
async def test_tags_that_may_not_charge(case: Case, id_tag: str, status: str) -> None:
    async with case() as cp:
        await cp.boot()
        assert await cp.authorize(id_tag) == {"status": status}
        assert (await cp.authorize(id_tag.lower()))["status"] == status


@within(30)
async def test_tc_024_the_lock_fails(case: Case) -> None:
    async with case() as cp:
        await cp.boot()
        await cp.status("Preparing")
        await cp.authorize(ACCEPTED)
        await cp.status("Faulted", error_code="ConnectorLockFailure")
        assert cp.site.connector(cp.id).error_code == "ConnectorLockFailure"


@within(30)
async def test_tc_026_remote_start_rejected(case: Case) -> None:
    """A tag that only the remote start would have let in is not let in by one that was refused."""
    async with case() as cp:
        await cp.boot()
        cp.will(call_result.RemoteStartTransaction("Rejected"))
        assert await cp.commanded("RemoteStartTransaction", idTag=INVALID) == (1, {"status": "Rejected"})
        assert (await cp.authorize(INVALID))["status"] == "Invalid"


@within(30)
async def test_tc_028_remote_stop_of_an_unknown_transaction(case: Case) -> None:
    async with case() as cp:
        await cp.boot()
        transaction_id = await cp.charge(ACCEPTED)
        cp.will(call_result.RemoteStopTransaction("Rejected"))
        assert await cp.commanded("RemoteStopTransaction", transactionId=99999) == (1, {"status": "Rejected"})
        assert cp.site.connector(cp.id).transaction_id == transaction_id
        await cp.finish(transaction_id)


@within(30)
async def test_tc_032_1_power_failure(case: Case) -> None:
    async with case() as cp:
        await cp.boot()
        transaction_id = await cp.charge(ACCEPTED, at=now(-60))
    async with case() as cp:
        assert (await cp.boot()).status == "Accepted"
        await cp.finish(transaction_id, "PowerLoss", at=now(-30))
        assert cp.site.booked(cp.id) == [measured(reason="PowerLoss")]


@pytest.mark.parametrize(
    ("id_tag", "status", "reason"),
    [
        pytest.param(ACCEPTED, "Accepted", "Local", id="TC_037_1"),
        pytest.param(INVALID, "Invalid", "DeAuthorized", id="TC_037_3"),
    ],
)
@within(30)
async def test_started_while_offline(case: Case, id_tag: str, status: str, reason: str) -> None:
    """The energy has flowed: a transaction number also for a tag that may not, and its kWh are booked."""
    async with case() as cp:
        await cp.boot()
    began = now(-600)
    async with case() as cp:
        transaction_id, answered = await cp.begin(id_tag, began)
        assert (transaction_id > 0, answered) == (True, status)
        await cp.finish(transaction_id, reason)
        assert cp.site.booked(cp.id) == [measured(id_tag, reason)]


@within(30)
async def test_tc_039_a_whole_charge_while_offline(case: Case) -> None:
    """It is told again as a charger does that saw no answer, and booked once."""
    async with case() as cp:
        await cp.boot()
    began, ended = now(-7200), now(-3600)
    async with case() as cp:
        transaction_id, status = await cp.begin(ACCEPTED, began)
        assert status == "Accepted"
        assert await cp.begin(ACCEPTED, began) == (transaction_id, status)
        for _ in range(2):
            await cp.finish(transaction_id, at=ended, id_tag=ACCEPTED)
        assert await cp.begin(ACCEPTED, began) == (transaction_id, status)
        assert cp.site.booked(cp.id) == [measured()]


@within(30)
async def test_tc_064_data_transfer_to_us(case: Case) -> None:
    async with case() as cp:
        await cp.boot()
        answer = await cp.ask(call.DataTransfer("com.example", "hello", '{"a":1}'))
        assert (answer.status, answer.data) == ("UnknownVendorId", None)


@within(30)
async def test_tc_064_a_vendor_whose_language_is_known(installation: Installation) -> None:
    """The owner has written it down; what is not in it is refused as the standard says."""
    vendors = '[data_transfer."com.example"]\nstatus = "Rejected"\ndata = "no"\nmessages = ["hello"]\n'
    installation.write(f"{ANY}\n{vendors}")
    with installation.listener() as listener:
        async with listener.charge_point("TC_064") as cp:
            await cp.boot()
            said = [
                await cp.ask(call.DataTransfer(vendor, message))
                for vendor, message in (("com.example", "hello"), ("COM.Example", "goodbye"), ("org.example", "hello"))
            ]
    assert [(one.status, one.data) for one in said] == [
        ("Rejected", "no"),
        ("UnknownMessageId", None),
        ("UnknownVendorId", None),
    ]


@within(30)
async def test_tc_053_a_reserved_connector_used_by_another_of_the_group(case: Case) -> None:
    async with case() as cp:
        await cp.boot()
        reservation: dict[str, Any] = {
            "connectorId": 1,
            "expiryDate": now(3600),
            "idTag": ACCEPTED,
            "reservationId": 7,
            "parentIdTag": GROUP,
        }
        assert await cp.commanded("ReserveNow", **reservation) == (0, {"status": "Accepted"})
        await cp.status("Reserved")
        assert (await cp.authorize(SAME_GROUP))["parent_id_tag"] == GROUP
        transaction_id, status = await cp.begin(SAME_GROUP, reservation_id=7)
        assert status == "Accepted"
        await cp.finish(transaction_id)
        assert cp.site.booked(cp.id) == [measured(SAME_GROUP)]


@within(30)
async def test_tc_046_a_reservation_becomes_a_transaction(case: Case) -> None:
    async with case() as cp:
        await cp.boot()
        reserved = await cp.commanded(
            "ReserveNow", connectorId=1, expiryDate=now(3600), idTag=ACCEPTED, reservationId=3
        )
        assert reserved == (0, {"status": "Accepted"})
        await cp.status("Reserved")
        transaction_id = await cp.charge(ACCEPTED, reservation_id=3)
        await cp.finish(transaction_id)
        assert cp.site.booked(cp.id) == [measured()]
