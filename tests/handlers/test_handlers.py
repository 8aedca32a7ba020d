"""The handlers beside what transcripts show: the tables, the events, and what our own calls teach us."""

from __future__ import annotations

import json

import pytest
from conversation import NOON, Conversation

from tinyocpp.handlers import HANDLERS, LESSONS
from tinyocpp.handlers.notices import DATA_KEPT
from tinyocpp.handlers.stage import Stage
from tinyocpp.messages import ACTIONS
from tinyocpp.tags import Tag

AT = "2026-06-01T12:00:00Z"
START = {"connectorId": 1, "idTag": "04A2", "meterStart": 1000, "timestamp": AT}


def sample(value: str, measurand: str | None = None) -> dict[str, str]:
    return {"value": value} | ({"measurand": measurand} if measurand else {})


# --- the tables


def test_every_request_a_charger_may_send_has_its_handler() -> None:
    """Core, firmware management and the security extension (reference, 2.0), no more and no less."""
    from_the_charger = (
        "Authorize BootNotification DataTransfer DiagnosticsStatusNotification FirmwareStatusNotification Heartbeat"
        " LogStatusNotification MeterValues SecurityEventNotification SignCertificate SignedFirmwareStatusNotification"
        " StartTransaction StatusNotification StopTransaction"
    )
    assert sorted(HANDLERS) == from_the_charger.split()
    assert set(HANDLERS) | set(LESSONS) <= set(ACTIONS)


# --- what our own calls teach us

GRANT = '{"idTag":"ABC"}'


@pytest.mark.parametrize(
    ("call", "answer", "granted"),
    [
        pytest.param(GRANT, '{"status":"Accepted"}', True, id="accepted"),
        pytest.param(GRANT, '{"status":"accepted"}', True, id="in another case"),
        pytest.param('{"idTag":"abc","connectorId":1}', '{"status":"Accepted","x":1}', True, id="with more"),
        pytest.param(GRANT, '{"status":"Rejected"}', False, id="rejected"),
        pytest.param(GRANT, "{}", False, id="no status"),
        pytest.param(GRANT, '{"status":7}', False, id="a status that is none"),
        pytest.param(GRANT, "[]", False, id="no object"),
        pytest.param('{"idTag":7}', '{"status":"Accepted"}', False, id="a call typed with --raw"),
        pytest.param("{}", '{"status":"Accepted"}', False, id="a call without a tag"),
    ],
)
def test_remote_start(call: str, answer: str, granted: bool) -> None:
    house = Conversation()
    house.call("RemoteStartTransaction", call.encode())
    house.says(f'[3,"p-1",{answer}]')
    assert house.charger.ledger.granted("garage", "ABC", NOON) is granted


@pytest.mark.parametrize("told", ["", "soon", "-5", "1000000", "1.5"])
def test_a_connection_time_out_that_is_no_number_of_seconds_counts_as_not_told(told: str) -> None:
    house = Conversation()
    house.charger.ledger.learn_configuration("garage", {"ConnectionTimeOut": told})
    LESSONS["RemoteStartTransaction"](Stage.SENT, GRANT.encode(), b"{}", house.charger)
    house.clock.pass_(179)
    assert house.charger.ledger.granted("garage", "ABC", house.clock.now())
    house.clock.pass_(2)
    assert not house.charger.ledger.granted("garage", "ABC", house.clock.now())


@pytest.mark.parametrize(
    ("keys", "known"),
    [
        pytest.param('[{"key":"A","readonly":true,"value":"1"}]', {"A": "1"}, id="as it should be"),
        pytest.param('[{"key":"A","value":5},{"key":"B","value":true}]', {"A": "5", "B": "true"}, id="S16"),
        pytest.param('[{"key":"A"},{"key":"B","value":null}]', {"A": None, "B": None}, id="no value"),
        pytest.param('[{"key":"A","value":[1]},{"key":"B","value":"2"}]', {"B": "2"}, id="a list"),
        pytest.param("[]", {}, id="none"),
        pytest.param("null", {}, id="null"),
        pytest.param("7", {}, id="garbage"),
    ],
)
def test_get_configuration(keys: str, known: dict[str, str | None]) -> None:
    house = Conversation()
    house.call("GetConfiguration")
    house.says(f'[3,"p-1",{{"configurationKey":{keys},"unknownKey":["X"]}}]')
    assert house.reader.configuration("garage") == known


def test_an_answer_that_a_frame_may_nest_but_nobody_can_read() -> None:
    """Whether a depth is too much depends on how deep we are ourselves: the frame may pass and its payload not."""
    house = Conversation()
    for number, depth in enumerate(range(900, 1000), start=1):
        house.call("GetConfiguration", timeout_s=1)
        house.says(f'[3,"p-{number}",{{"configurationKey":{"[" * depth}{"]" * depth}}}]')
        house.wait(1)
    assert house.reader.configuration("garage") == {}


@pytest.mark.parametrize(
    ("call", "frame", "known"),
    [
        pytest.param('{"key":"A","value":"1"}', '[3,"p-1",{"status":"Accepted"}]', {"A": "1"}, id="accepted"),
        pytest.param('{"key":"A","value":"1"}', '[3,"p-1",{"status":"RebootRequired"}]', {}, id="not yet in force"),
        pytest.param('{"key":"A","value":"1"}', '[3,"p-1",{"status":"Rejected"}]', {}, id="rejected"),
        pytest.param('{"key":"A","value":"1"}', '[4,"p-1","InternalError","",{}]', {}, id="an error"),
        pytest.param('{"key":"authorizationKEY","value":"1"}', '[3,"p-1",{"status":"Accepted"}]', {}, id="a password"),
        pytest.param('{"key":"A"}', '[3,"p-1",{"status":"Accepted"}]', {}, id="no value"),
        pytest.param("[]", '[3,"p-1",{"status":"Accepted"}]', {}, id="typed with --raw"),
    ],
)
def test_change_configuration(call: str, frame: str, known: dict[str, str]) -> None:
    house = Conversation()
    house.call("ChangeConfiguration", call.encode())
    house.says(frame)
    assert house.reader.configuration("garage") == known


# --- what followers are told


def test_a_charge_as_its_followers_see_it() -> None:
    house = Conversation(watched=True)
    house.asks("BootNotification", chargePointVendor="Acme", chargePointModel="AC22", firmwareVersion="1.4")
    house.asks("StatusNotification", connectorId=1, errorCode="NoError", status="Preparing", info="hello")
    house.asks("StartTransaction", **START)
    house.asks(
        "MeterValues",
        connectorId=1,
        transactionId=1,
        meterValue=[
            {
                "timestamp": AT,
                "sampledValue": [
                    sample("1500"),
                    sample("7000", "Power.Active.Import"),
                    sample("16", "Current.Offered"),
                ],
            }
        ],
    )
    house.asks("StopTransaction", transactionId=1, meterStop=3000, timestamp=AT, reason="Remote")
    transaction = {"transaction_id": 1, "connector_id": 1, "id_tag": "04A2"}
    running = {"energy_wh": 0, "quality": "open", "reason": ""}
    stopped = {"energy_wh": 2000, "quality": "measured", "reason": "Remote"}
    assert [(event.event, event.details) for event in house.events()] == [
        ("boot", {"vendor": "Acme", "model": "AC22", "firmware": "1.4"}),
        ("status", {"connector_id": 1, "status": "Preparing", "error_code": "NoError", "info": "hello"}),
        ("transaction", transaction | {"state": "open"} | running | {"id_tag_status": "Accepted"}),
        (
            "sample",
            {
                "connector_id": 1,
                "transaction_id": 1,
                "energy_wh": 500,
                "register_wh": 1500,
                "power_w": 7000.0,
                "offered_a": 16.0,
                "currents_a": None,
            },
        ),
        ("transaction", transaction | {"state": "closed"} | stopped),
    ]


def test_what_a_boot_and_a_status_do_to_a_transaction_is_told() -> None:
    house = Conversation(watched=True)
    house.asks("StartTransaction", **START)
    house.asks("BootNotification", chargePointVendor="Acme", chargePointModel="AC22")
    house.asks("StatusNotification", connectorId=1, errorCode="NoError", status="Available")
    told = [event.details["state"] for event in house.events() if event.event == "transaction"]
    assert told == ["open", "uncertain", "lost"]


def test_samples_of_no_transaction_and_without_a_figure_are_told_too() -> None:
    house = Conversation(watched=True)
    house.asks("MeterValues", connectorId=2, meterValue=[])
    (_oddity, event) = house.events()
    nothing = dict.fromkeys(("transaction_id", "energy_wh", "register_wh", "power_w", "offered_a", "currents_a"))
    assert event.details == {"connector_id": 2} | nothing


def test_an_oddity_is_an_event_and_goes_out_as_json() -> None:
    house = Conversation(Tag("04A2"), watched=True)
    house.asks("Authorize", idTag="0BAD")
    (event,) = house.events()
    assert (event.event, event.details) == ("oddity", {"kind": "unknown_tag", "detail": "0BAD"})
    json.dumps(event.details)


def test_of_a_long_data_transfer_the_beginning_is_kept() -> None:
    conversation = Conversation()
    conversation.asks("DataTransfer", vendorId="x", data="y" * (DATA_KEPT + 1))
    conversation.asks("DataTransfer", vendorId="x")
    newest, oldest = (kept for _, kept in conversation.reader.calls("garage", "DataTransfer", 2))
    assert (json.loads(newest), json.loads(oldest)) == ({"vendorId": "x"}, {"vendorId": "x", "data": "y" * DATA_KEPT})
