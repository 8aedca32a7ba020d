"""What the central system may ask: every command, what it answers and what follows."""

from __future__ import annotations

import pytest

from simulator.bench import Bench, NoAnswer
from tinyocpp.messages import ACTIONS
from tinyocpp.messages.core import ChargePointStatus
from tinyocpp.simulator import person
from tinyocpp.simulator.car import Car
from tinyocpp.simulator.commands import COMMANDS

SCHEDULE = {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 10.0}]}


def profile(**fields):
    return {
        "chargingProfileId": 1,
        "stackLevel": 0,
        "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Absolute",
        "chargingSchedule": SCHEDULE,
    } | fields


def plug(bench, connector=1):
    person.plug_in(bench.station, bench.connector(connector), Car(50_000), bench.now)
    bench.pump()
    bench.take()


# Refusals.


@pytest.mark.parametrize(
    ("action", "payload", "code"),
    [
        ("FlyToTheMoon", {}, "NotImplemented"),
        ("reset", {"type": "Soft"}, "NotImplemented"),
        ("BootNotification", {}, "NotSupported"),
        ("Reset", {}, "ProtocolError"),
        ("Reset", {"type": 7}, "TypeConstraintViolation"),
        ("Reset", {"type": "Gently"}, "PropertyConstraintViolation"),
        ("Reset", {"type": "Soft", "please": True}, "FormationViolation"),
        ("ChangeAvailability", {"connectorId": 2, "type": "Operative"}, "PropertyConstraintViolation"),
        ("SetChargingProfile", {"connectorId": -1, "csChargingProfiles": profile()}, "PropertyConstraintViolation"),
        ("GetConfiguration", {"key": ["x"] * 51}, "OccurenceConstraintViolation"),
    ],
)
def test_what_cannot_be_done_is_a_call_error(bench, action, payload, code):
    assert bench.ask(action, **payload) == code
    assert bench.replies[-1][0] == 4


def test_every_command_is_one_the_central_system_may_send():
    assert {name for name in COMMANDS if not ACTIONS[name].from_central} == set()


# Core.


def test_remote_start_asks_back_with_authorize(bench):
    plug(bench)
    assert bench.ask("RemoteStartTransaction", idTag="00000000", connectorId=1) == {"status": "Accepted"}
    said = [(action, p.get("idTag")) for action, p in bench.take("Authorize", "StartTransaction")]
    assert said == [("Authorize", "00000000"), ("StartTransaction", "00000000")]


def test_remote_start_without_asking_back(bench):
    plug(bench)
    bench.ask("ChangeConfiguration", key="AuthorizeRemoteTxRequests", value="false")
    assert bench.ask("RemoteStartTransaction", idTag="00000000") == {"status": "Accepted"}
    assert [action for action, _ in bench.take("Authorize", "StartTransaction")] == ["StartTransaction"]


def test_remote_start_without_connector_prefers_one_with_a_car():
    bench = Bench(connectors=2).connect()
    plug(bench, connector=2)
    bench.ask("RemoteStartTransaction", idTag="A")
    assert [p["connectorId"] for _, p in bench.take("StartTransaction")] == [2]


def test_remote_start_carries_a_profile(bench):
    plug(bench)
    given = profile(chargingProfilePurpose="TxProfile", chargingProfileKind="Relative")
    bench.ask("RemoteStartTransaction", idTag="A", connectorId=1, chargingProfile=given)
    bench.pass_time(60)
    [(_, sample)] = bench.take("MeterValues")
    offered = [v["value"] for v in sample["meterValue"][0]["sampledValue"] if v["measurand"] == "Current.Offered"]
    assert offered == ["10.0"]


def test_remote_start_ignores_a_profile_it_cannot_obey(bench):
    plug(bench)
    given = profile(chargingProfilePurpose="TxProfile", stackLevel=99)
    assert bench.ask("RemoteStartTransaction", idTag="A", chargingProfile=given) == {"status": "Accepted"}
    assert "stackLevel" in " ".join(notice.text for notice in bench.station.notices)
    assert len(bench.take("StartTransaction")) == 1


@pytest.mark.parametrize(
    "given",
    [profile(), profile(chargingProfilePurpose="TxProfile", transactionId=1)],
    ids=["not a TxProfile", "with a transaction"],
)
def test_remote_start_refuses_a_wrong_profile(bench, given):
    plug(bench)
    assert bench.ask("RemoteStartTransaction", idTag="A", chargingProfile=given) == {"status": "Rejected"}


def test_remote_start_and_stop(charging):
    assert charging.ask("RemoteStartTransaction", idTag="A", connectorId=1) == {"status": "Rejected"}
    assert charging.ask("RemoteStopTransaction", transactionId=99) == {"status": "Rejected"}
    assert charging.ask("RemoteStopTransaction", transactionId=1) == {"status": "Accepted"}
    [(_, stop)] = charging.take("StopTransaction")
    assert (stop["reason"], "idTag" in stop) == ("Remote", False)
    assert charging.ask("RemoteStartTransaction", idTag="B", connectorId=1) == {"status": "Accepted"}
    assert [s for _, s in charging.statuses()] == ["Preparing", "Charging"]


@pytest.mark.parametrize("kind", ["Soft", "Hard"])
def test_reset(charging, kind):
    register_wh = charging.connector().meter.register_wh
    assert charging.ask("Reset", type=kind) == {"status": "Accepted"}
    charging.pass_time(1)
    assert charging.station.closing
    stops = [(p["reason"], p["meterStop"]) for _, p in charging.take("StopTransaction")]
    assert stops == ([("SoftReset", register_wh)] if kind == "Soft" else [])
    charging.disconnect()
    charging.pass_time(2)
    assert charging.station.off_until is None
    charging.connect()
    said = charging.take()
    assert [action for action, _ in said[:3]] == ["BootNotification", "StatusNotification", "StatusNotification"]
    assert said[2][1]["status"] == "Finishing"
    stops = [p["reason"] for action, p in said if action == "StopTransaction"]
    assert stops == ([] if kind == "Soft" else ["HardReset"])


def test_a_soft_reset_waits_ten_seconds_for_its_stop_to_be_answered(charging):
    charging.answers["StopTransaction"] = NoAnswer
    charging.ask("Reset", type="Soft")
    charging.pass_time(9)
    assert not charging.station.closing
    charging.pass_time(2)
    assert charging.station.closing
    charging.disconnect()
    charging.pass_time(2)
    charging.answers["StopTransaction"] = {}
    charging.connect()
    first, second = charging.take("StopTransaction")
    assert first == second


def test_a_reset_forgets_a_tag_that_waits_for_its_plug(bench):
    person.present_tag(bench.station, bench.connector(), "A", bench.now)
    bench.pump()
    bench.ask("Reset", type="Hard")
    bench.disconnect()
    bench.pass_time(120)
    bench.connect()
    assert bench.connector().awaited is None
    assert bench.connector().status is ChargePointStatus.AVAILABLE


def test_unlock_ends_the_transaction(charging):
    assert charging.ask("UnlockConnector", connectorId=1) == {"status": "Unlocked"}
    assert [p["reason"] for _, p in charging.take("StopTransaction")] == ["UnlockCommand"]
    assert charging.ask("UnlockConnector", connectorId=7) == {"status": "NotSupported"}


def test_change_availability_of_everything(bench):
    assert bench.ask("ChangeAvailability", connectorId=0, type="Inoperative") == {"status": "Accepted"}
    assert bench.statuses() == [(0, "Unavailable"), (1, "Unavailable")]
    assert bench.ask("RemoteStartTransaction", idTag="A", connectorId=1) == {"status": "Rejected"}
    person.plug_in(bench.station, bench.connector(), Car(1000), bench.now)
    assert bench.ask("ChangeAvailability", connectorId=0, type="Operative") == {"status": "Accepted"}
    assert bench.statuses() == [(0, "Available"), (1, "Preparing")]


def test_change_availability_waits_for_a_transaction(charging):
    assert charging.ask("ChangeAvailability", connectorId=1, type="Inoperative") == {"status": "Scheduled"}
    charging.ask("RemoteStopTransaction", transactionId=1)
    assert charging.statuses() == [(1, "Unavailable")]
    charging.ask("ChangeAvailability", connectorId=1, type="Operative")
    assert charging.statuses() == [(1, "Preparing")]


def test_a_scheduled_change_may_be_taken_back(charging):
    charging.ask("ChangeAvailability", connectorId=1, type="Inoperative")
    assert charging.ask("ChangeAvailability", connectorId=1, type="Operative") == {"status": "Accepted"}
    charging.ask("RemoteStopTransaction", transactionId=1)
    assert charging.statuses() == [(1, "Finishing")]


def test_configuration_over_the_wire(bench):
    assert bench.ask("ChangeConfiguration", key="meterValueSampleInterval", value="30") == {"status": "Accepted"}
    answer = bench.ask("GetConfiguration", key=["METERVALUESAMPLEINTERVAL", "NumberOfConnectors", "AuthorizationKey"])
    assert answer == {
        "configurationKey": [
            {"key": "MeterValueSampleInterval", "readonly": False, "value": "30"},
            {"key": "NumberOfConnectors", "readonly": True, "value": "1"},
        ],
        "unknownKey": ["AuthorizationKey"],
    }
    everything = bench.ask("GetConfiguration")
    assert len(everything["configurationKey"]) == 51
    assert "unknownKey" not in everything


def test_a_new_password_is_used_on_a_new_connection(bench):
    key = "00112233445566778899aabbccddeeff01020304"
    assert bench.ask("ChangeConfiguration", key="AuthorizationKey", value=key) == {"status": "Accepted"}
    assert bench.station.closing


def test_clear_cache(bench):
    assert bench.ask("ClearCache") == {"status": "Accepted"}
    bench.ask("ChangeConfiguration", key="AuthorizationCacheEnabled", value="false")
    assert bench.ask("ClearCache") == {"status": "Rejected"}


@pytest.mark.parametrize(
    ("payload", "answer"),
    [
        ({"vendorId": "com.example"}, {"status": "UnknownVendorId"}),
        ({"vendorId": "tinyocpp"}, {"status": "UnknownMessageId"}),
        ({"vendorId": "tinyocpp", "messageId": "Echo", "data": "hello"}, {"status": "Accepted", "data": "hello"}),
    ],
)
def test_data_transfer(bench, payload, answer):
    assert bench.ask("DataTransfer", **payload) == answer


# Triggers.


@pytest.mark.parametrize(
    ("action", "message", "said"),
    [
        ("TriggerMessage", "Heartbeat", [("Heartbeat", {})]),
        ("TriggerMessage", "DiagnosticsStatusNotification", [("DiagnosticsStatusNotification", {"status": "Idle"})]),
        ("TriggerMessage", "FirmwareStatusNotification", [("FirmwareStatusNotification", {"status": "Idle"})]),
        ("ExtendedTriggerMessage", "LogStatusNotification", [("LogStatusNotification", {"status": "Idle"})]),
    ],
)
def test_triggers(bench, action, message, said):
    assert bench.ask(action, requestedMessage=message) == {"status": "Accepted"}
    assert bench.take() == said


def test_trigger_of_all_statuses(bench):
    bench.ask("TriggerMessage", requestedMessage="StatusNotification")
    assert bench.statuses() == [(0, "Available"), (1, "Available")]


def test_trigger_of_meter_values(charging):
    charging.ask("TriggerMessage", requestedMessage="MeterValues")
    [(_, payload)] = charging.take("MeterValues")
    assert payload["transactionId"] == 1
    assert {value["context"] for value in payload["meterValue"][0]["sampledValue"]} == {"Trigger"}


def test_trigger_of_meter_values_without_transaction(bench):
    bench.ask("TriggerMessage", requestedMessage="MeterValues", connectorId=1)
    [(_, payload)] = bench.take("MeterValues")
    assert "transactionId" not in payload


def test_trigger_of_meter_values_when_none_are_configured(bench):
    bench.ask("ChangeConfiguration", key="MeterValuesSampledData", value="")
    assert bench.ask("TriggerMessage", requestedMessage="MeterValues") == {"status": "Accepted"}
    assert bench.take() == []


@pytest.mark.parametrize(
    ("action", "message", "status"),
    [
        ("TriggerMessage", "BootNotification", "Rejected"),
    ],
)
def test_triggers_that_are_refused(bench, action, message, status):
    assert bench.ask(action, requestedMessage=message) == {"status": status}


def test_trigger_of_an_unknown_connector(bench):
    answer = bench.ask("TriggerMessage", requestedMessage="StatusNotification", connectorId=5)
    assert answer == {"status": "Rejected"}


def test_a_boot_may_be_triggered_while_pending():
    bench = Bench()
    accepted, pending = bench.answers["BootNotification"], {"status": "Pending", "interval": 3600}
    bench.answers["BootNotification"] = accepted | pending
    bench.connect()
    bench.answers["BootNotification"] = accepted
    assert bench.ask("TriggerMessage", requestedMessage="BootNotification") == {"status": "Accepted"}
    assert bench.station.accepted


# Reservation.

RESERVE = {"connectorId": 1, "expiryDate": "2026-06-01T13:00:00Z", "idTag": "MINE", "reservationId": 5}


def test_a_reservation_keeps_others_out_and_is_consumed_by_its_tag(bench):
    assert bench.ask("ReserveNow", **RESERVE) == {"status": "Accepted"}
    assert bench.statuses() == [(1, "Reserved")]
    person.plug_in(bench.station, bench.connector(), Car(1000), bench.now)
    assert bench.ask("RemoteStartTransaction", idTag="OTHER") == {"status": "Rejected"}
    person.present_tag(bench.station, bench.connector(), "OTHER", bench.now)
    bench.pump()
    assert bench.take("Authorize") == []
    person.present_tag(bench.station, bench.connector(), "mine", bench.now)
    bench.pump()
    said = bench.take()
    assert [p["reservationId"] for action, p in said if action == "StartTransaction"] == [5]
    assert [p["status"] for action, p in said if action == "StatusNotification"] == ["Preparing", "Charging"]


@pytest.mark.parametrize(("parent", "starts"), [("FAMILY", True), ("OTHERS", False), (None, False)])
def test_a_reservation_for_a_group(bench, parent, starts):
    bench.ask("ReserveNow", **RESERVE, parentIdTag="FAMILY")
    info = {"status": "Accepted"} | ({"parentIdTag": parent} if parent else {})
    bench.answers["Authorize"] = {"idTagInfo": info}
    plug(bench)
    person.present_tag(bench.station, bench.connector(), "OTHER", bench.now)
    bench.pump()
    assert (bench.connector().transaction is not None) is starts


def test_a_reservation_expires(bench):
    bench.ask("ReserveNow", **RESERVE)
    bench.take()
    bench.pass_time(3600)
    assert bench.statuses() == [(1, "Available")]


def test_a_reservation_is_replaced_and_cancelled(bench):
    bench.ask("ReserveNow", **RESERVE)
    assert bench.ask("ReserveNow", **RESERVE | {"reservationId": 6}) == {"status": "Occupied"}
    assert bench.ask("ReserveNow", **RESERVE | {"idTag": "NEW"}) == {"status": "Accepted"}
    assert bench.ask("CancelReservation", reservationId=6) == {"status": "Rejected"}
    plug(bench)
    assert bench.ask("CancelReservation", reservationId=5) == {"status": "Accepted"}
    assert bench.statuses() == [(1, "Preparing")]


@pytest.mark.parametrize(
    ("change", "status"),
    [({"connectorId": 0}, "Rejected"), ({"expiryDate": "2026-06-01T11:00:00Z"}, "Rejected")],
)
def test_reservations_that_are_refused(bench, change, status):
    assert bench.ask("ReserveNow", **RESERVE | change) == {"status": status}


def test_no_reservation_out_of_service(bench):
    bench.ask("ReserveNow", **RESERVE)
    bench.ask("ChangeAvailability", connectorId=1, type="Inoperative")
    assert bench.ask("ReserveNow", **RESERVE) == {"status": "Unavailable"}
    bench.pass_time(3600)
    assert bench.connector().status is ChargePointStatus.UNAVAILABLE


# Smart charging.


def test_a_limit_slows_the_charge_and_zero_suspends_it(charging):
    def limit(current_a):
        periods = [{"startPeriod": 0, "limit": current_a}]
        schedule = {"chargingRateUnit": "A", "chargingSchedulePeriod": periods}
        given = profile(chargingSchedule=schedule)
        return charging.ask("SetChargingProfile", connectorId=0, csChargingProfiles=given)

    assert limit(10.0) == {"status": "Accepted"}
    charging.pass_time(3600)
    assert charging.connector().meter.register_wh == pytest.approx(1_000_000 + 6900, rel=1e-4)
    charging.take()
    limit(0.0)
    charging.pass_time(60)
    assert charging.statuses() == [(1, "SuspendedEVSE")]
    before_wh = charging.connector().meter.register_wh
    charging.pass_time(600)
    assert charging.connector().meter.register_wh == before_wh
    assert charging.ask("ClearChargingProfile") == {"status": "Accepted"}
    charging.pass_time(1)
    assert charging.statuses() == [(1, "Charging")]
    assert charging.ask("ClearChargingProfile") == {"status": "Unknown"}


def test_a_profile_that_breaks_the_rules_is_rejected(charging):
    given = profile(chargingProfilePurpose="TxProfile", transactionId=99)
    assert charging.ask("SetChargingProfile", connectorId=1, csChargingProfiles=given) == {"status": "Rejected"}


def test_a_tx_profile_ends_with_its_transaction(charging):
    given = profile(chargingProfilePurpose="TxProfile", transactionId=1)
    assert charging.ask("SetChargingProfile", connectorId=1, csChargingProfiles=given) == {"status": "Accepted"}
    charging.ask("RemoteStopTransaction", transactionId=1)
    assert len(charging.station.profiles) == 0


def test_composite_schedule(bench):
    bench.ask("SetChargingProfile", connectorId=0, csChargingProfiles=profile())
    assert bench.ask("GetCompositeSchedule", connectorId=1, duration=600) == {
        "status": "Accepted",
        "connectorId": 1,
        "scheduleStart": "2026-06-01T12:00:00Z",
        "chargingSchedule": {
            "duration": 600,
            "chargingRateUnit": "A",
            "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 10.0, "numberPhases": 3}],
        },
    }
    assert bench.ask("GetCompositeSchedule", connectorId=4, duration=600) == {"status": "Rejected"}


def test_a_limit_of_the_whole_charge_point_is_shared():
    bench = Bench(connectors=2).connect()
    for number in (1, 2):
        plug(bench, number)
        person.present_tag(bench.station, bench.connector(number), f"TAG{number}", bench.now)
        bench.pump()
    periods = [{"startPeriod": 0, "limit": 20.0}]
    schedule = {"chargingRateUnit": "A", "chargingSchedulePeriod": periods}
    given = profile(chargingProfilePurpose="ChargePointMaxProfile", chargingSchedule=schedule)
    bench.ask("SetChargingProfile", connectorId=0, csChargingProfiles=given)
    bench.take()
    bench.pass_time(60)
    offered = [
        value["value"]
        for _, payload in bench.take("MeterValues")
        for value in payload["meterValue"][0]["sampledValue"]
        if value["measurand"] == "Current.Offered"
    ]
    assert offered == ["10.0", "10.0"]


# Samples.


def test_clock_aligned_samples(charging):
    charging.ask("ChangeConfiguration", key="ClockAlignedDataInterval", value="900")
    charging.ask("ChangeConfiguration", key="MeterValueSampleInterval", value="0")
    charging.pass_time(1900)
    said = [p["meterValue"][0] for _, p in charging.take("MeterValues")]
    assert [value["timestamp"] for value in said] == ["2026-06-01T12:15:00Z", "2026-06-01T12:30:00Z"]
    assert {sampled["context"] for value in said for sampled in value["sampledValue"]} == {"Sample.Clock"}


def test_no_samples_when_none_are_configured(charging):
    charging.ask("ChangeConfiguration", key="MeterValuesSampledData", value="")
    charging.pass_time(300)
    assert charging.take("MeterValues") == []


def test_clock_aligned_samples_without_a_transaction_have_no_id(bench):
    bench.ask("ChangeConfiguration", key="ClockAlignedDataInterval", value="900")
    bench.pass_time(901)
    [(_, payload)] = bench.take("MeterValues")
    assert "transactionId" not in payload


def test_stop_transaction_carries_begin_and_end_if_wanted(charging):
    charging.ask("ChangeConfiguration", key="StopTxnSampledData", value="Energy.Active.Import.Register")
    charging.pass_time(3600)
    charging.ask("RemoteStopTransaction", transactionId=1)
    [(_, stop)] = charging.take("StopTransaction")
    data = [(value["timestamp"], value["sampledValue"][0]) for value in stop["transactionData"]]
    assert [(at, sampled["context"], sampled["value"]) for at, sampled in data] == [
        ("2026-06-01T12:00:00Z", "Transaction.Begin", "1000000"),
        ("2026-06-01T13:00:00Z", "Transaction.End", str(stop["meterStop"])),
    ]
