"""The charge point on the wire: boot, session, broken lines, retries, restarts. Time is injected everywhere."""

from __future__ import annotations

from datetime import timedelta

import pytest

from simulator.bench import ACCEPTED, T0, Bench, NoAnswer
from tinyocpp.messages.core import ChargePointStatus
from tinyocpp.simulator import person
from tinyocpp.simulator.car import Car

STAMP = "2026-06-01T12:00:00Z"


def plug_and_show(bench, tag="04A2B3C4", wanted_wh=50_000, connector=1):
    person.plug_in(bench.station, bench.connector(connector), Car(wanted_wh), bench.now)
    person.present_tag(bench.station, bench.connector(connector), tag, bench.now)
    bench.pump()


def notices(bench):
    return [notice.text for notice in bench.station.notices]


def test_boots_then_tells_the_status_of_every_connector():
    bench = Bench(connectors=2).connect()
    status = {"errorCode": "NoError", "status": "Available", "timestamp": STAMP}
    boot = {
        "chargePointVendor": "tinyocpp",
        "chargePointModel": "simulator",
        "chargePointSerialNumber": "CP-1",
        "firmwareVersion": bench.station.firmware,
        "meterType": "simulated",
    }
    assert bench.take() == [
        ("BootNotification", boot),
        ("StatusNotification", {"connectorId": 0, **status}),
        ("StatusNotification", {"connectorId": 1, **status}),
        ("StatusNotification", {"connectorId": 2, **status}),
    ]


def test_heartbeats_after_silence_in_the_interval_the_boot_gave(bench):
    bench.pass_time(299)
    assert bench.take() == []
    bench.pass_time(602)
    assert [action for action, _ in bench.take()] == ["Heartbeat"] * 3


@pytest.mark.parametrize("status", ["Pending", "Rejected"])
def test_says_only_boot_until_it_is_accepted(status):
    bench = Bench()
    bench.answers["BootNotification"] = {"status": status, "currentTime": STAMP, "interval": 30}
    bench.connect()
    plug_and_show(bench)
    bench.pass_time(29)
    assert [action for action, _ in bench.take()] == ["BootNotification"]
    bench.answers["BootNotification"] = Bench().answers["BootNotification"]
    bench.pass_time(1)
    said = bench.take()
    assert [action for action, _ in said[:3]] == ["BootNotification", "StatusNotification", "StatusNotification"]
    assert [payload["timestamp"] for action, payload in said if action == "StartTransaction"] == [STAMP]


def test_pending_answers_and_sends_what_is_triggered_but_starts_nothing():
    bench = Bench()
    bench.answers["BootNotification"] = {"status": "Pending", "currentTime": STAMP, "interval": 0}
    bench.connect()
    bench.take()
    assert bench.ask("RemoteStartTransaction", idTag="A", connectorId=1) == {"status": "Rejected"}
    assert bench.ask("RemoteStopTransaction", transactionId=1) == {"status": "Rejected"}
    assert bench.ask("TriggerMessage", requestedMessage="StatusNotification", connectorId=1) == {"status": "Accepted"}
    assert bench.statuses() == [(1, "Available")]


def test_rejected_answers_nothing():
    bench = Bench()
    bench.answers["BootNotification"] = {"status": "Rejected", "currentTime": STAMP, "interval": 0}
    bench.connect()
    assert bench.ask("GetConfiguration") is None


@pytest.mark.parametrize("answer", [NoAnswer, "InternalError", {"status": "Perhaps"}])
def test_boots_again_when_the_answer_is_none(answer):
    bench = Bench()
    bench.answers["BootNotification"] = answer
    bench.connect()
    bench.pass_time(40)
    assert len(bench.take("BootNotification")) >= 2


def test_a_session_from_plug_to_plug(bench):
    plug_and_show(bench, wanted_wh=1000)
    start = {"connectorId": 1, "idTag": "04A2B3C4", "meterStart": 1_000_000, "timestamp": STAMP}
    status = {"connectorId": 1, "errorCode": "NoError", "timestamp": STAMP}
    assert bench.take() == [
        ("StatusNotification", status | {"status": "Preparing"}),
        ("Authorize", {"idTag": "04A2B3C4"}),
        ("StatusNotification", status | {"status": "Charging"}),
        ("StartTransaction", start),
    ]
    bench.pass_time(1200)
    said = bench.take()
    assert ("StatusNotification", "SuspendedEV") in [(action, p.get("status")) for action, p in said]
    samples = [payload for action, payload in said if action == "MeterValues"]
    assert len(samples) == 20
    assert {payload["transactionId"] for payload in samples} == {1}
    assert samples[0]["meterValue"][0]["timestamp"] == "2026-06-01T12:01:00Z"

    person.present_tag(bench.station, bench.connector(), "04a2b3c4", bench.now)
    bench.pump()
    person.unplug(bench.station, bench.connector(), bench.now)
    bench.pump()
    said = bench.take()
    stop = {
        "idTag": "04a2b3c4",
        "meterStop": 1_001_000,
        "timestamp": "2026-06-01T12:20:00Z",
        "transactionId": 1,
        "reason": "Local",
    }
    assert [payload for action, payload in said if action == "StopTransaction"] == [stop]
    assert [p["status"] for action, p in said if action == "StatusNotification"] == ["Finishing", "Available"]
    assert bench.station.outbox.empty


def test_the_sample_names_every_configured_measurand(charging):
    charging.pass_time(60)
    [(_, payload)] = charging.take("MeterValues")
    values = payload["meterValue"][0]["sampledValue"]
    assert [(v["measurand"], v.get("phase"), v["unit"]) for v in values] == [
        ("Energy.Active.Import.Register", None, "Wh"),
        ("Power.Active.Import", None, "W"),
        ("Current.Import", "L1", "A"),
        ("Current.Import", "L2", "A"),
        ("Current.Import", "L3", "A"),
        ("Current.Offered", None, "A"),
        ("Voltage", "L1", "V"),
        ("Voltage", "L2", "V"),
        ("Voltage", "L3", "V"),
        ("SoC", None, "Percent"),
    ]
    figures = {(v["measurand"], v.get("phase")): float(v["value"]) for v in values}
    assert figures["Power.Active.Import", None] == 11_000
    assert figures["Current.Import", "L2"] * figures["Voltage", "L2"] * 3 == pytest.approx(11_000, rel=0.01)


def test_speed_makes_energy_and_samples_come_faster_and_nothing_else():
    bench = Bench(speed=60).connect()
    plug_and_show(bench)
    bench.take()
    bench.pass_time(10)
    samples = [p["meterValue"][0] for _, p in bench.take("MeterValues")]
    assert len(samples) == 10
    assert samples[-1]["timestamp"] == "2026-06-01T12:00:10Z"
    assert int(samples[-1]["sampledValue"][0]["value"]) == pytest.approx(1_000_000 + 11_000 / 6, rel=1e-4)


@pytest.mark.parametrize("status", ["Invalid", "Blocked", "Expired", "ConcurrentTx"])
def test_a_refused_tag_gets_nothing(bench, status):
    bench.answers["Authorize"] = {"idTagInfo": {"status": status}}
    plug_and_show(bench)
    assert bench.take("StartTransaction") == []
    assert bench.connector().status is ChargePointStatus.PREPARING
    assert bench.connector().last_verdict == status


def test_a_start_that_is_refused_is_stopped_deauthorised(bench):
    bench.answers["StartTransaction"] = {"transactionId": 9, "idTagInfo": {"status": "ConcurrentTx"}}
    plug_and_show(bench)
    [(_, stop)] = bench.take("StopTransaction")
    assert (stop["transactionId"], stop["reason"], "idTag" in stop) == (9, "DeAuthorized", False)


def test_a_start_that_is_refused_may_go_on_without_energy(bench):
    bench.ask("ChangeConfiguration", key="StopTransactionOnInvalidId", value="false")
    bench.answers["StartTransaction"] = {"transactionId": 9, "idTagInfo": {"status": "Invalid"}}
    plug_and_show(bench)
    bench.pass_time(120)
    assert bench.connector().status is ChargePointStatus.SUSPENDED_EVSE
    assert bench.connector().meter.register_wh == 1_000_000
    assert bench.take("StopTransaction") == []


def test_a_tag_of_the_same_group_may_stop(charging):
    charging.connector().transaction.parent_id_tag = "FAMILY"
    charging.answers["Authorize"] = {"idTagInfo": {"status": "Accepted", "parentIdTag": "FAMILY"}}
    person.present_tag(charging.station, charging.connector(), "0000BBBB", charging.now)
    charging.pump()
    [(_, stop)] = charging.take("StopTransaction")
    assert stop["idTag"] == "0000BBBB"


@pytest.mark.parametrize(
    "info",
    [
        {"status": "Accepted"},
        {"status": "Accepted", "parentIdTag": "OTHERS"},
        {"status": "Blocked", "parentIdTag": "FAMILY"},
    ],
)
def test_another_tag_may_not_stop(charging, info):
    charging.connector().transaction.parent_id_tag = "FAMILY"
    charging.answers["Authorize"] = {"idTagInfo": info}
    person.present_tag(charging.station, charging.connector(), "0000BBBB", charging.now)
    charging.pump()
    assert charging.take("StopTransaction") == []
    assert charging.connector().transaction is not None


def test_unplugging_ends_the_transaction(charging):
    person.unplug(charging.station, charging.connector(), charging.now)
    charging.pump()
    said = charging.take()
    assert [p["reason"] for action, p in said if action == "StopTransaction"] == ["EVDisconnected"]
    assert [p["status"] for action, p in said if action == "StatusNotification"] == [
        "SuspendedEV",
        "Finishing",
        "Available",
    ]


def test_unplugging_may_leave_the_transaction_running(charging):
    charging.ask("ChangeConfiguration", key="StopTransactionOnEVSideDisconnect", value="false")
    person.unplug(charging.station, charging.connector(), charging.now)
    charging.pass_time(60)
    assert charging.connector().status is ChargePointStatus.SUSPENDED_EV
    person.plug_in(charging.station, charging.connector(), Car(5000), charging.now)
    charging.pass_time(60)
    assert charging.connector().status is ChargePointStatus.CHARGING
    assert charging.take("StopTransaction") == []


def test_a_tag_before_the_plug_is_waited_for_until_connection_time_out(bench):
    person.present_tag(bench.station, bench.connector(), "04A2B3C4", bench.now)
    bench.pump()
    bench.pass_time(59)
    assert bench.statuses() == [(1, "Preparing")]
    bench.pass_time(1)
    assert bench.statuses() == [(1, "Available")]
    person.present_tag(bench.station, bench.connector(), "04A2B3C4", bench.now)
    bench.pump()
    person.plug_in(bench.station, bench.connector(), Car(5000), bench.now)
    bench.pump()
    assert len(bench.take("StartTransaction")) == 1


# The line breaks.


def test_what_happened_offline_is_told_in_order_with_its_own_times():
    bench = Bench()
    plug_and_show(bench, wanted_wh=500)
    bench.pass_time(300)
    person.present_tag(bench.station, bench.connector(), "04A2B3C4", bench.now)
    person.unplug(bench.station, bench.connector(), bench.now)
    bench.pass_time(600)
    bench.connect()
    said = bench.take()
    told = [
        (action, payload.get("timestamp") or payload["meterValue"][0]["timestamp"])
        for action, payload in said
        if action in ("StartTransaction", "MeterValues", "StopTransaction")
    ]
    assert told == [
        ("StartTransaction", "2026-06-01T12:00:00Z"),
        ("MeterValues", "2026-06-01T12:01:00Z"),
        ("MeterValues", "2026-06-01T12:02:00Z"),
        ("MeterValues", "2026-06-01T12:03:00Z"),
        ("MeterValues", "2026-06-01T12:04:00Z"),
        ("MeterValues", "2026-06-01T12:05:00Z"),
        ("StopTransaction", "2026-06-01T12:05:00Z"),
    ]
    assert {p["transactionId"] for action, p in said if action in ("MeterValues", "StopTransaction")} == {1}
    assert said[0][0] == "BootNotification"


def test_a_reconnect_tells_only_statuses_that_changed(charging):
    charging.disconnect()
    person.unplug(charging.station, charging.connector(), charging.now)
    charging.connect()
    said = charging.take()
    assert [action for action, _ in said] == ["StatusNotification", "StopTransaction"]
    assert said[0][1]["status"] == "Available"


def test_a_start_that_was_not_answered_is_sent_again_with_the_same_content(bench):
    bench.answers["StartTransaction"] = NoAnswer
    plug_and_show(bench)
    bench.disconnect()
    bench.pass_time(20)
    del bench.answers["StartTransaction"]
    bench.connect()
    first, second = bench.take("StartTransaction")
    assert first == second
    assert bench.connector().transaction.transaction_id == 1


def test_an_authorize_lost_with_the_line_is_decided_alone(bench):
    bench.answers["Authorize"] = NoAnswer
    plug_and_show(bench)
    assert bench.connector().transaction is None
    bench.disconnect()
    assert bench.connector().transaction is not None


@pytest.mark.parametrize(
    ("settings", "known", "starts"),
    [
        ({}, False, True),
        ({"AllowOfflineTxForUnknownId": "false"}, False, False),
        ({"AllowOfflineTxForUnknownId": "false"}, True, True),
        ({"LocalAuthorizeOffline": "false"}, True, False),
        ({"AllowOfflineTxForUnknownId": "false", "AuthorizationCacheEnabled": "false"}, True, False),
    ],
)
def test_who_may_charge_without_a_line(bench, settings, known, starts):
    if known:
        plug_and_show(bench)
        person.present_tag(bench.station, bench.connector(), "04A2B3C4", bench.now)
        bench.pump()
    for key, value in settings.items():
        bench.ask("ChangeConfiguration", key=key, value=value)
    bench.disconnect()
    plug_and_show(bench)
    assert (bench.connector().transaction is not None) is starts


def test_a_known_tag_need_not_be_asked_about(bench):
    bench.ask("ChangeConfiguration", key="LocalPreAuthorize", value="true")
    entry = {"idTag": "04a2b3c4", "idTagInfo": {"status": "Accepted"}}
    bench.ask("SendLocalList", listVersion=1, updateType="Full", localAuthorizationList=[entry])
    plug_and_show(bench)
    assert [action for action, _ in bench.take("Authorize", "StartTransaction")] == ["StartTransaction"]


def test_waits_between_attempts_grow_and_end(bench):
    """Section 3.7.1: the wait is the interval times the number of attempts; after the last the message is lost."""
    bench.ask("ChangeConfiguration", key="TransactionMessageAttempts", value="3")
    bench.ask("ChangeConfiguration", key="MeterValueSampleInterval", value="0")
    bench.answers["StartTransaction"] = "InternalError"
    sent = []
    plug_and_show(bench)
    transaction = bench.connector().transaction
    for second in range(60):
        sent += [second] * len(bench.take("StartTransaction"))
        bench.pass_time(1)
    assert sent == [0, 10, 30]
    assert transaction.given_up
    person.present_tag(bench.station, bench.connector(), "04A2B3C4", bench.now)
    bench.pump()
    [(_, stop)] = bench.take("StopTransaction")
    assert stop["transactionId"] == -1  # errata 3.18


def test_a_late_answer_is_dropped(bench):
    bench.answers["Authorize"] = NoAnswer
    plug_and_show(bench)
    [frame] = bench.unanswered
    bench.pass_time(31)
    bench.take()
    bench.receive([3, frame[1], {"idTagInfo": {"status": "Blocked"}}])
    assert bench.connector().transaction is not None  # decided alone, and it stays so
    assert "an answer to nothing that was asked: c5" in notices(bench)


def test_calls_cross(bench):
    """While its own call is open it answers, and sends no second one."""
    bench.answers["Authorize"] = NoAnswer
    plug_and_show(bench)
    bench.take()
    assert bench.ask("GetLocalListVersion") == {"listVersion": 0}
    bench.ask("TriggerMessage", requestedMessage="Heartbeat")
    assert bench.take() == []
    bench.receive([3, bench.unanswered[0][1], ACCEPTED])
    bench.pump()
    assert [action for action, _ in bench.take()] == ["Heartbeat", "StatusNotification", "StartTransaction"]


@pytest.mark.parametrize(
    "text",
    ["", "nonsense", "[]", "{}", "[2]", '[5,"1","Reset",{}]', "[" * 100_000, '[3,"nobody",{}]', '[4,7,"Perhaps"]'],
)
def test_nonsense_changes_nothing(bench, text):
    bench.receive(text)
    bench.pump()
    assert bench.replies == []
    assert bench.ask("GetLocalListVersion") == {"listVersion": 0}


def test_takes_a_number_as_the_id_of_a_call(bench):
    bench.receive('[2,7,"GetLocalListVersion",null]')
    bench.pump()
    assert bench.replies == [[3, 7, {"listVersion": 0}]]


def test_time_that_runs_back_is_ignored(charging):
    charging.pass_time(60)
    charging.take()
    register_wh = charging.connector().meter.register_wh
    charging.station.advance(T0 + timedelta(seconds=10))
    assert charging.connector().meter.register_wh == register_wh
    assert charging.station.now == T0 + timedelta(seconds=60)


def test_an_impossible_change_of_status_is_our_own_fault(bench):
    with pytest.raises(AssertionError, match="Available cannot become Finishing"):
        bench.station.set_status(bench.connector(), ChargePointStatus.FINISHING, bench.now)
