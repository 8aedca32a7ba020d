"""What a central system must live with beyond the compliance tool's cases, by the same independent charge point.

Frames that break the standard are tried in tests/transcripts, at every door; here the charger keeps to it, and the
programs around it are the real ones.
"""

from __future__ import annotations

import itertools
import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from listening import Charger, within
from ocpp.exceptions import SecurityError
from ocpp.v16 import call, call_result
from ocpp.v16.enums import (
    ChargePointErrorCode,
    ChargePointStatus,
    DiagnosticsStatus,
    FirmwareStatus,
    Measurand,
    Reason,
    UnitOfMeasure,
    UploadLogStatus,
)

from compliance.charge_point import now
from compliance.programs import ACCEPTED, Installation

if TYPE_CHECKING:
    from collections.abc import Callable

    from compliance.charge_point import ChargePoint
    from compliance.programs import Listener

    Case = Callable[..., ChargePoint]

SECURITY_EVENTS = (
    *("FirmwareUpdated", "FailedToAuthenticateAtCentralSystem", "CentralSystemFailedToAuthenticate"),
    *("SettingSystemTime", "StartupOfTheDevice", "ResetOrReboot", "SecurityLogWasCleared"),
    *("ReconfigurationOfSecurityParameters", "MemoryExhaustion", "InvalidMessages", "AttemptedReplayAttacks"),
    *("TamperDetectionActivated", "InvalidFirmwareSignature", "InvalidFirmwareSigningCertificate"),
    *("InvalidCentralSystemCertificate", "InvalidChargePointCertificate", "InvalidTLSVersion"),
    *("InvalidTLSCipherSuite", "FailedToAuthenticationAtCentralSystem", "something of its own"),
)
"""As the security paper lists them, one as another edition spells it, and one in no list."""


@within(30)
async def test_every_status_with_every_error(case: Case) -> None:
    """In an order no charger would have: none of it is refused, and the last word counts."""
    async with case("statuses") as cp:
        await cp.boot()
        for status, error_code in itertools.product(ChargePointStatus, ChargePointErrorCode):
            await cp.status(status, error_code=error_code)
        await cp.ask(call.StatusNotification(0, "NoError", "Available", info="no timestamp"))
        last = cp.site.connector(cp.id)
        assert (last.status, last.error_code) == (status, error_code)


@within(30)
async def test_every_reason_to_stop(case: Case) -> None:
    async with case("reasons") as cp:
        await cp.boot()
        for second, reason in enumerate(Reason):
            transaction_id, _ = await cp.begin(ACCEPTED, at=now(second * 2 - 100))
            await cp.finish(transaction_id, reason, at=now(second * 2 - 99))
        assert [row[1:] for row in cp.site.booked(cp.id)] == [(2500, "measured", reason) for reason in Reason]


@within(30)
async def test_every_measurand_and_unit(case: Case) -> None:
    """The package's two schemas differ: Hertz is no unit in a StopTransaction."""
    async with case("measurands") as cp:
        await cp.boot()
        transaction_id = await cp.charge(ACCEPTED)
        sampled = [
            {"value": "1.5", "measurand": measurand, "unit": unit, "context": "Sample.Clock"}
            for measurand, unit in itertools.product(Measurand, UnitOfMeasure)
            if measurand != "Energy.Active.Import.Register"
        ]
        await cp.ask(call.MeterValues(1, [{"timestamp": now(), "sampledValue": sampled}], transaction_id))
        told = [one for one in sampled if one["unit"] != "Hertz"]
        await cp.finish(transaction_id, transaction_data=[{"timestamp": now(), "sampledValue": told}])
        assert cp.site.booked(cp.id) == [(ACCEPTED, 2500, "measured", "Local")]


@within(30)
async def test_a_charge_replayed_in_one_burst(shared_listener: Listener) -> None:
    """Nothing waits for an answer, so the id of the transaction is not known when its end is told (errata 3.18)."""
    began, half, ended = now(-7200), now(-5400), now(-3600)
    energy = [{"timestamp": half, "sampledValue": [{"value": "2000"}]}]
    async with shared_listener.plain("burst") as charger:
        burst = [
            [2, "1", "StartTransaction", {"connectorId": 1, "idTag": ACCEPTED, "meterStart": 1000, "timestamp": began}],
            [2, "2", "MeterValues", {"connectorId": 1, "transactionId": -1, "meterValue": energy}],
            [2, "3", "StopTransaction", {"transactionId": -1, "meterStop": 3500, "timestamp": ended}],
            [2, "4", "StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Available"}],
        ]
        for frame in burst:
            await charger.socket.send(json.dumps(frame))
        answers = [json.loads(await charger.socket.recv()) for _ in burst]
        assert [answer[:2] for answer in answers] == [[3, "1"], [3, "2"], [3, "3"], [3, "4"]]
        assert answers[0][2]["idTagInfo"]["status"] == "Accepted"
    booked = shared_listener.site.booked("burst")
    assert sum(energy_wh for _, energy_wh, _, _ in booked) == 2500, booked


@within(30)
async def test_configuration(case: Case) -> None:
    """All keys, one that is unknown, values longer than the standard allows, and one that needs a restart."""
    async with case("configured") as cp:
        await cp.boot()
        entries = [{"key": f"Key{number}", "readonly": False, "value": "v" * 500} for number in range(200)]
        cp.will(call_result.GetConfiguration(entries, ["Nonsense"]))
        code, told = await cp.commanded("GetConfiguration", key=[])
        assert (code, told) == (0, {"configurationKey": entries, "unknownKey": ["Nonsense"]})
        cp.will(call_result.ChangeConfiguration("RebootRequired"))
        answered = await cp.commanded("ChangeConfiguration", key="ConnectionTimeOut", value="90")
        assert answered == (0, {"status": "RebootRequired"})


STARTS_AND_STOPS = {"RemoteStartTransaction": '{"idTag":"A"}', "RemoteStopTransaction": '{"transactionId":1}'}


@pytest.mark.parametrize(("registration", "asked"), [("Pending", 0), ("Rejected", 77)])
@within(30)
async def test_a_charger_the_owner_does_not_accept_yet(
    installation: Installation, registration: str, asked: int
) -> None:
    """Energy is booked all the same, its tags are not. While Pending it may be set up, but neither started nor stopped;
    while Rejected it is asked for nothing (section 4.2)."""
    installation.write(f'[chargers]\nadmit = "any"\n[charger.garage]\nregistration = "{registration}"')
    with installation.listener() as listener:
        async with listener.charge_point("garage") as cp:
            welcome = await cp.boot()
            assert (welcome.status, welcome.interval > 0) == (registration, True)
            transaction_id, status = await cp.begin(ACCEPTED)
            assert status == "Invalid"
            await cp.finish(transaction_id)
            for request in (call.Authorize(ACCEPTED), call.DataTransfer("com.example")):
                with pytest.raises(SecurityError):  # OCPP-J errata 3.10
                    await cp.ask(request)
            await cp.ask(call.Heartbeat())
            for action, payload in STARTS_AND_STOPS.items():
                said = await installation.command("garage", action, payload)
                assert (said.code, said.out) == (77, "")
            assert cp.calls == []
            said = await installation.command("garage", "ChangeConfiguration", '{"key":"A","value":"b"}')
            assert (said.code, [action for action, _ in cp.calls]) == (asked, ["ChangeConfiguration"][asked:])
            assert [row[:2] for row in installation.booked("garage")] == [(ACCEPTED, 2500)]


@within(30)
async def test_held_accepted_and_rejected_by_word(case: Case) -> None:
    """The owner's word counts from the next boot on, also across connections; one that was held is asked to boot."""
    async with case("registered") as cp:
        assert (await cp.boot()).status == "Accepted"
        assert (await cp.site.tinyocpp("charger", "hold", cp.id)).code == 0
        assert (await cp.boot()).status == "Pending"
    async with case("registered") as cp:
        assert (await cp.site.command(cp.id, "RemoteStartTransaction", f'{{"idTag":"{ACCEPTED}"}}')).code == 77
        assert (await cp.boot()).status == "Pending"
        assert (await cp.site.tinyocpp("charger", "accept", cp.id)).code == 0
        assert cp.calls == [("TriggerMessage", {"requestedMessage": "BootNotification"})]
        assert (await cp.boot()).status == "Accepted"
        assert (await cp.authorize(ACCEPTED))["status"] == "Accepted"
        assert (await cp.site.tinyocpp("charger", "reject", cp.id)).code == 0
        assert (await cp.boot()).status == "Rejected"


UNSIGNED = ("Downloaded", "DownloadFailed", "Downloading", "Idle", "InstallationFailed", "Installing", "Installed")
NOTICES: list[tuple[str, Any]] = [
    *(("SecurityEventNotification", kind) for kind in SECURITY_EVENTS),
    *(("FirmwareStatusNotification", status) for status in UNSIGNED),
    *(("DiagnosticsStatusNotification", status) for status in DiagnosticsStatus),
    *(("LogStatusNotification", status) for status in UploadLogStatus),
    *(("SignedFirmwareStatusNotification", status) for status in FirmwareStatus),
]
ALSO = {
    "SecurityEventNotification": (now(), "x" * 255),
    "LogStatusNotification": (99,),
    "SignedFirmwareStatusNotification": (99,),
}


@within(30)
async def test_every_notice_though_nobody_asked(case: Case) -> None:
    """Every security event, every step of an update or an upload: none is refused, in whatever order."""
    async with case("notices") as cp:
        await cp.boot()
        for action, word in NOTICES:
            await cp.ask(getattr(call, action)(word, *ALSO.get(action, ())))


TIMES = re.compile(r'"(?:currentTime|expiryDate)":"([^"]*)"')


@within(30)
async def test_every_time_we_tell_is_utc_without_fractions(installation: Installation) -> None:
    installation.tags.write_text('[[tag]]\nid = "LIMITED"\nexpires = 2099-06-30\n')
    installation.write('[chargers]\nadmit = "any"\n[report]\ntimezone = "Europe/Berlin"')
    with installation.listener() as listener:
        async with listener.plain("garage") as charger:
            requests = (
                ("BootNotification", {"chargePointVendor": "A", "chargePointModel": "B"}),
                ("Heartbeat", {}),
                ("Authorize", {"idTag": "limited"}),
                ("StartTransaction", {"connectorId": 1, "idTag": "LIMITED", "meterStart": 0, "timestamp": now()}),
                ("StopTransaction", {"transactionId": 1, "idTag": "LIMITED", "meterStop": 9, "timestamp": now()}),
            )
            told = [await told_times(charger, action, payload) for action, payload in requests]
    assert [len(times) for times in told] == [1] * len(requests)
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", times[0]) for times in told), told
    assert told[2] == ["2099-06-30T22:00:00Z"]  # the last day is the owner's, not Greenwich's


async def told_times(charger: Charger, action: str, payload: dict[str, object]) -> list[str]:
    await charger.socket.send(json.dumps([2, "1", action, payload]))
    answer = await charger.socket.recv()
    assert isinstance(answer, str)
    assert " " not in answer  # compact: some receivers match raw text
    return TIMES.findall(answer)
