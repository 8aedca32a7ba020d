"""One row for every misbehaviour of a real charger: the frame as it came, and what was meant by it, as strict JSON.

The ids are the numbers of docs/charger-quirks.md. What comes of each for the owner is in tests/quirks.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from tinyocpp.leniency import OddityKind, mend, read_frame
from tinyocpp.messages import ACTIONS
from tinyocpp.messages.frames import Call, CallResult
from tinyocpp.messages.payload import encode_payload

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
HERE = timezone(timedelta(hours=2))

BROKEN, CUT_OFF, SHAPE, UNREADABLE = (
    OddityKind.BROKEN_JSON,
    OddityKind.CUT_OFF,
    OddityKind.FRAME_SHAPE,
    OddityKind.UNREADABLE,
)
NOT_AN_OBJECT, UNKNOWN_FIELD, FIELD_NAME = (
    OddityKind.NOT_AN_OBJECT,
    OddityKind.UNKNOWN_FIELD,
    OddityKind.FIELD_NAME,
)
MISSING, NULL, TYPE, TOO_LONG = OddityKind.MISSING, OddityKind.NULL, OddityKind.TYPE, OddityKind.TOO_LONG
SPELLING, TIME, VALUE, DROPPED = OddityKind.SPELLING, OddityKind.TIME, OddityKind.VALUE, OddityKind.DROPPED


def quirk(id_: str, text: str, meant: dict[str, Any], *kinds: OddityKind) -> Any:
    return pytest.param(text, meant, kinds, id=id_)


def status(**fields: Any) -> dict[str, Any]:
    return {"connectorId": 1, "errorCode": "NoError", "status": "Available", **fields}


def sampled(*samples: dict[str, Any]) -> dict[str, Any]:
    """What a MeterValues means; with `framed`, also one as sent."""
    return {
        "connectorId": 1,
        "meterValue": [{"timestamp": "2026-06-01T12:00:00Z", "sampledValue": list(samples)}],
    }


def framed(action: str, payload: Any) -> str:
    return json.dumps([2, "1", action, payload])


AT = "2026-06-01T12:00:00Z"
START = {"connectorId": 1, "idTag": "04A2", "meterStart": 100, "timestamp": AT}
STOP = {"meterStop": 54, "timestamp": AT, "transactionId": 7}
BOOT = {"chargePointVendor": "Acme", "chargePointModel": "AC22"}
ENERGY = {"value": "139955", "measurand": "Energy.Active.Import.Register", "unit": "Wh"}
POWER = {"value": "1380", "measurand": "Power.Active.Import", "unit": "W"}

FRAMING = [
    quirk(
        "F1 a stray comma",
        '[2,"1","MeterValues",{"connectorId":1,"meterValue":[{"timestamp":"2026-06-01T12:00:00Z",'
        '"sampledValue":[,{"value":"139955","measurand":"Energy.Active.Import.Register","unit":"Wh"},]}],}]',
        sampled(ENERGY),
        BROKEN,
    ),
    quirk(
        "F3 no value, and no zone",
        '[2,"1","MeterValues",{"connectorId":1,"transactionId":,"meterValue":[{"timestamp":"2026-06-01T14:00:00.377",'
        '"sampledValue":[{"value":"139955","measurand":"Energy.Active.Import.Register","unit":"Wh"}]}]}]',
        {
            "connectorId": 1,
            "meterValue": [{"timestamp": "2026-06-01T12:00:00.377000Z", "sampledValue": [ENERGY]}],
        },
        BROKEN,
        NULL,
        TIME,
    ),
    quirk("F4 NUL in a text", '[2,"1","Authorize",{"idTag":"04\0A2"}]', {"idTag": "04A2"}, BROKEN),
    quirk(
        "F5 an overread buffer",
        '[2,"1","Authorize",{"idTag":"BA86I250X5G6MOD5DLKD\x10\x0e"}]',
        {"idTag": "BA86I250X5G6MOD5DLKD"},
        BROKEN,
    ),
    quirk(
        "F5 the same, escaped",
        '[2,"1","Authorize",{"idTag":"BA86I250X5G6MOD5DLKD\\u0010\\u000e"}]',
        {"idTag": "BA86I250X5G6MOD5DLKD"},
        TYPE,
    ),
    quirk(
        "F6 tabs and newlines between",
        '[2,"9","StatusNotification",{\n\t"connectorId":\t1,\r\n"errorCode":"NoError" ,"status":"Available"}]\n',
        status(),
    ),
    quirk(
        "F6 a newline within",
        '[2,"9","StatusNotification",{"connectorId":1,"errorCode":"NoError","info":"a\nb","status":"Available"}]',
        status(info="a\nb"),
        BROKEN,
    ),
    quirk("F7 null for a payload", '[2,"1","Heartbeat",null]', {}),
    quirk("F7 no payload", '[2,"1","Heartbeat"]', {}),
    quirk("F9 a long number for an id", '[2,28240181849166013077,"Heartbeat",{}]', {}),
    quirk("F16 a byte order mark", '\ufeff[2,"1","Heartbeat",{}]', {}, BROKEN),
    quirk("F16 trailing garbage", '[2,"1","Heartbeat",{}]\0\0garbage', {}, BROKEN),
    quirk("F16 a second frame", '[2,"1","Heartbeat",{}][2,"2","Reset",{}]', {}, BROKEN),
    quirk("message type as text", '["2","1","Heartbeat",{}]', {}, SHAPE),
    quirk("message type with a fraction", '[2.0,"1","Heartbeat",{}]', {}, SHAPE),
    quirk(
        "cut off within a register",
        '[2,"1","StopTransaction",{"transactionId":7,"timestamp":"2026-06-01T12:00:00Z","meterStop":12',
        {**STOP, "meterStop": -1},
        CUT_OFF,
        NULL,
        MISSING,
    ),
    quirk(
        "cut off within a tag",
        '[2,"1","StopTransaction",{"transactionId":7,"timestamp":"2026-06-01T12:00:00Z","meterStop":54,"idTag":"04',
        STOP,
        CUT_OFF,
    ),
    quirk(
        "cut off within a name",
        '[2,"1","StopTransaction",{"transactionId":7,"timestamp":"2026-06-01T12:00:00Z","meterStop":54,"id',
        STOP,
        CUT_OFF,
    ),
    quirk(
        "unreadable but for its id and action",
        '[2,"1","MeterValues",{"connectorId" 1;;; "meterValue":::]}',
        {"connectorId": 0, "meterValue": []},
        UNREADABLE,
        MISSING,
        MISSING,
    ),
]

TIMES = [
    quirk(f"{number} {sent}", framed("StatusNotification", status(timestamp=sent)), status(**meant), *kinds)
    for number, sent, meant, kinds in [
        ("T1 local time without a zone", "2026-06-01T14:00:07", {"timestamp": "2026-06-01T12:00:07Z"}, [TIME]),
        ("T1 UTC without a zone", "2026-06-01T11:59:07", {"timestamp": "2026-06-01T11:59:07Z"}, [TIME]),
        ("T2 hours alone", "2026-06-01T14:35:02+02", {"timestamp": "2026-06-01T14:35:02+02:00"}, [TIME]),
        ("T2 no colon", "2026-06-01T14:35:02-0330", {"timestamp": "2026-06-01T14:35:02-03:30"}, []),
        ("T2 lower case", "2026-06-01t12:00:00z", {"timestamp": AT}, []),
        ("T5 no time", "0", {}, [VALUE]),
        ("T5 empty", "", {}, [NULL]),
        ("7.2 a space", "2026-06-01 12:00:00Z", {"timestamp": AT}, []),
        ("7.2 a comma", "2026-06-01T12:00:00,5Z", {"timestamp": "2026-06-01T12:00:00.500000Z"}, [TIME]),
        ("7.2 digits", "2026-06-01T12:00:00.123456789Z", {"timestamp": "2026-06-01T12:00:00.123457Z"}, []),
        ("7.2 digits", "2026-06-01T12:00:00.123456789", {"timestamp": "2026-06-01T12:00:00.123456Z"}, [TIME]),
        ("7.2 midnight", "2026-06-01T24:00:00Z", {"timestamp": "2026-06-02T00:00:00Z"}, [TIME]),
        ("7.2 a leap second", "2026-06-30T23:59:60Z", {"timestamp": "2026-06-30T23:59:59Z"}, [TIME]),
        ("7.2 no seconds", "2026-06-01T12:00Z", {"timestamp": AT}, [TIME]),
        ("the 31st of June", "2026-06-31T12:00:00", {}, [VALUE]),
        ("25 o'clock", "2026-06-01T25:00:00Z", {}, [VALUE]),
        ("a zone of another world", "2026-06-01T12:00:00+99:00", {}, [VALUE]),
        ("out of the calendar", "9999-12-31T24:00:00Z", {}, [VALUE]),
        ("out of the calendar here", "0001-01-01T00:00:00", {}, [VALUE]),
        ("a number", 1780315200, {}, [VALUE]),
    ]
]

PAYLOADS = [
    quirk(
        "S1 an empty vendor",
        framed("BootNotification", {**BOOT, "chargePointVendor": ""}),
        {**BOOT, "chargePointVendor": ""},
    ),
    quirk(
        "S2 a serial number that is too long",
        framed("BootNotification", {**BOOT, "chargeBoxSerialNumber": "EVB1A22P2RI3N182341200100350795E5"}),
        {**BOOT, "chargeBoxSerialNumber": "EVB1A22P2RI3N182341200100350795E5"},
        TOO_LONG,
    ),
    quirk("S3 a long info", framed("StatusNotification", status(info="x" * 80)), status(info="x" * 80), TOO_LONG),
    quirk(
        "S4 an error of its own",
        framed("StatusNotification", status(errorCode="Error", status="Faulted")),
        status(errorCode="OtherError", status="Faulted"),
        SPELLING,
    ),
    quirk(
        "S7 a tag that is too long",
        framed("StartTransaction", {**START, "idTag": "X16WG99J2QIEGCC0MCJ5-"}),
        {**START, "idTag": "X16WG99J2QIEGCC0MCJ5-"},
        TOO_LONG,
    ),
    quirk(
        "S8 numbers for texts keep their spelling",
        '[2,"1","MeterValues",{"connectorId":1,"meterValue":[{"timestamp":"2026-06-01T12:00:00Z",'
        '"sampledValue":[{"value":604.213},{"value":10},{"value":10.00}]}]}]',
        sampled({"value": "604.213"}, {"value": "10"}, {"value": "10.00"}),
        TYPE,
        TYPE,
        TYPE,
    ),
    quirk(
        "S9 an object for a list",
        framed("MeterValues", {"connectorId": 1, "meterValue": {"timestamp": AT, "sampledValue": POWER}}),
        sampled(POWER),
        TYPE,
        TYPE,
    ),
    quirk("S10 no samples", framed("MeterValues", sampled()), sampled(), MISSING),
    quirk(
        "S11 empty values, and no connector",
        framed("MeterValues", {"meterValue": sampled({"value": ""}, {"value": " "}, POWER)["meterValue"]}),
        {**sampled(POWER), "connectorId": 0},
        MISSING,
        DROPPED,
        DROPPED,
    ),
    quirk(
        "S12 spaces, commas, NaN and infinity",
        framed(
            "MeterValues",
            {**sampled(*({"value": value} for value in ("  3.20", "3,20", "NaN", "-inf", "Infinity"))), "x": 1},
        ),
        sampled({"value": "3.20"}, {"value": "3.20"}),
        UNKNOWN_FIELD,
        DROPPED,
        DROPPED,
        DROPPED,
    ),
    quirk(
        "S12 NaN as a bare word is a text, and no figure (read_number)",
        '[2,"1","MeterValues",{"connectorId":1,"meterValue":[{"timestamp":"2026-06-01T12:00:00Z",'
        '"sampledValue":[{"value":NaN},{"value":1e999999},{"value":"7"}]}]}]',
        sampled({"value": "NaN"}, {"value": "1e999999"}, {"value": "7"}),
        BROKEN,
    ),
    quirk(
        "S13 a context of its own",
        framed("MeterValues", sampled({**ENERGY, "context": "Sample.Sometimes"})),
        sampled({**ENERGY, "context": "Other"}),
        SPELLING,
    ),
    *(
        quirk(
            f"S14 {sent}",
            framed("MeterValues", sampled({"value": "50", "unit": sent})),
            sampled({"value": "50", "unit": meant}),
            SPELLING,
        )
        for sent, meant in [("Hz", "Hertz"), ("%", "Percent"), ("°C", "Celsius"), ("KWH", "kWh"), ("k_wh", "kWh")]
    ),
    quirk(
        "S14 a unit nobody knows is not Wh",
        framed("MeterValues", sampled({**ENERGY, "unit": "MWh"}, POWER)),
        sampled(POWER),
        VALUE,
        DROPPED,
    ),
    quirk(
        "S15 a phase in the measurand",
        framed(
            "MeterValues",
            sampled({"value": "6", "measurand": "Current.Import.L1"}, {"value": "230", "measurand": "Voltage.L1-N"}),
        ),
        sampled(
            {"value": "6", "measurand": "Current.Import", "phase": "L1"},
            {"value": "230", "measurand": "Voltage", "phase": "L1-N"},
        ),
        SPELLING,
        SPELLING,
    ),
    quirk(
        "S15 quotes",
        framed("MeterValues", sampled({"value": "6", "measurand": "'Power.Active.Import'"})),
        sampled({"value": "6", "measurand": "Power.Active.Import"}),
        SPELLING,
    ),
    quirk(
        "a measurand nobody knows is not energy",
        framed("MeterValues", sampled({"value": "6", "measurand": "Magic"}, {"value": "7", "measurand": ""}, POWER)),
        sampled(POWER),
        VALUE,
        DROPPED,
        VALUE,
        DROPPED,
    ),
    quirk(
        "another phase or place is not the whole outlet",
        framed(
            "MeterValues", sampled({**ENERGY, "phase": "L4"}, {**ENERGY, "location": "House"}, {**ENERGY, "phase": ""})
        ),
        sampled(ENERGY),
        VALUE,
        DROPPED,
        VALUE,
        DROPPED,
        NULL,
    ),
    quirk(
        "a format nobody knows",
        framed("MeterValues", sampled({**ENERGY, "format": "Cooked"})),
        sampled(ENERGY),
        VALUE,
    ),
    quirk(
        "what is no sample",
        framed("MeterValues", sampled({"unit": "W"}, 5, None, POWER)),  # type: ignore[arg-type]
        sampled(POWER),
        MISSING,
        DROPPED,
        NOT_AN_OBJECT,
        NOT_AN_OBJECT,
    ),
    quirk(
        "S21 fields of its own",
        framed("Authorize", {"idTag": "04A2", "connectorId": 2}),
        {"idTag": "04A2"},
        UNKNOWN_FIELD,
    ),
    quirk(
        "S24 a status of 1.5, no time",
        framed("StatusNotification", status(status="Occupied")),
        status(status="Preparing"),
        SPELLING,
    ),
    quirk(
        "a status nobody knows",
        framed("StatusNotification", status(status="Dreaming", errorCode="ok")),
        status(status="Unavailable"),
        SPELLING,
        VALUE,
        MISSING,
    ),
    quirk(
        "another case",
        framed("StatusNotification", {"ConnectorID": 1, "errorcode": "noerror", "STATUS": "available"}),
        status(),
        FIELD_NAME,
        FIELD_NAME,
        FIELD_NAME,
        SPELLING,
        SPELLING,
    ),
    quirk(
        "the standard's own name before another case of it",
        framed("Authorize", {"IDTAG": "wrong", "idTag": "right"}),
        {"idTag": "right"},
        FIELD_NAME,
    ),
    quirk(
        "numbers as texts",
        framed("StartTransaction", {**START, "connectorId": "1", "meterStart": " 100.4 ", "reservationId": "null"}),
        START,
        TYPE,
        TYPE,
        NULL,
    ),
    quirk(
        "a register of less than 1 Wh, an id of none",
        framed("StopTransaction", {**STOP, "meterStop": 54.4, "transactionId": 7.5}),
        {**STOP, "transactionId": 0},
        TYPE,
        VALUE,
        MISSING,
    ),
    quirk(
        "X4 no transaction",
        framed("StopTransaction", {**STOP, "transactionId": None}),
        {**STOP, "transactionId": 0},
        NULL,
        MISSING,
    ),
    quirk(
        "X5 beyond 64 bits",
        framed("StopTransaction", {**STOP, "transactionId": 2**63, "meterStop": -(2**70)}),
        {**STOP, "transactionId": 0, "meterStop": -1},
        *[VALUE, MISSING] * 2,
    ),
    quirk(
        "X5 beyond any bits",
        f'[2,"1","StopTransaction",{{"meterStop":54,"timestamp":"{AT}","transactionId":{"9" * 5000}}}]',
        {**STOP, "transactionId": 0},
        BROKEN,
        VALUE,
        MISSING,
    ),
    quirk(
        "X5 an exponent beyond any",
        f'[2,"1","StopTransaction",{{"meterStop":54,"timestamp":"{AT}","transactionId":1e99999999999999999999}}]',
        {**STOP, "transactionId": 0},
        BROKEN,
        VALUE,
        MISSING,
    ),
    quirk(
        "X5 true is no number",
        framed("StopTransaction", {**STOP, "transactionId": True}),
        {**STOP, "transactionId": 0},
        VALUE,
        MISSING,
    ),
    quirk("X16 null for what is optional", framed("StopTransaction", {**STOP, "idTag": None, "reason": None}), STOP),
    quirk(
        "X16 a reason of its own",
        framed("StopTransaction", {**STOP, "reason": "EvFull"}),
        {**STOP, "reason": "Other"},
        SPELLING,
    ),
    quirk("X17 an empty tag", framed("Authorize", {"idTag": ""}), {"idTag": ""}),
    quirk("a number for a tag", framed("Authorize", {"idTag": 42}), {"idTag": "42"}, TYPE),
    quirk("no tag at all", framed("Authorize", {}), {"idTag": ""}, MISSING),
    quirk(
        "a structure for a tag",
        framed("Authorize", {"idTag": {"id": [1.50, True]}}),
        {"idTag": '{"id":[1.5,true]}'},
        TYPE,
    ),
    quirk(
        "M27 signed data stays as it is",
        framed(
            "StopTransaction",
            {
                **STOP,
                "x": 1,
                "transactionData": [
                    {"timestamp": AT, "sampledValue": [{"value": "  OCMF|{}|{} ", "format": "SignedData"}]}
                ],
            },
        ),
        {
            **STOP,
            "transactionData": [
                {"timestamp": AT, "sampledValue": [{"value": "  OCMF|{}|{} ", "format": "SignedData"}]}
            ],
        },
        UNKNOWN_FIELD,
    ),
    quirk(
        "7.2 data as an object",
        '[2,"1","DataTransfer",{"vendorId":"EN+","data":{"duty":0.50,"on":true,"of":null}}]',
        {"vendorId": "EN+", "data": '{"duty":0.50,"on":true,"of":null}'},
        TYPE,
    ),
    quirk(
        "data as a truth",
        framed("DataTransfer", {"vendorId": "x", "data": False}),
        {"vendorId": "x", "data": "false"},
        TYPE,
    ),
    quirk(
        "a list for a payload",
        '[2,"1","BootNotification",["Acme","AC22"]]',
        {"chargePointVendor": "", "chargePointModel": ""},
        NOT_AN_OBJECT,
        MISSING,
        MISSING,
    ),
    quirk(
        "nothing readable in a start",
        '[2,"1","StartTransaction","?"]',
        {"connectorId": 0, "idTag": "", "meterStart": -1, "timestamp": "1970-01-01T00:00:00Z"},
        NOT_AN_OBJECT,
        *[MISSING] * 4,
    ),
    quirk(
        "B13 a firmware status of its own",
        framed("FirmwareStatusNotification", {"status": "Baking"}),
        {"status": "Idle"},
        VALUE,
        MISSING,
    ),
]

RESULTS = [
    quirk(
        "F2 a tail cut off|GetConfiguration",
        '[3,"1",{"configurationKey":[]',
        {"configurationKey": []},
        CUT_OFF,
    ),
    quirk(
        "F14 a refusal in other words|SetChargingProfile",
        '[3,"1",{"status":"NotImplemented"}]',
        {"status": "Rejected"},
        SPELLING,
    ),
    quirk("another case|RemoteStartTransaction", '[3,"1",{"status":"accepted"}]', {"status": "Accepted"}, SPELLING),
    quirk(
        "S16 types of configuration keys|GetConfiguration",
        '[3,"1",{"configurationKey":[{"key":"a","readonly":"true","value":5},{"key":"b","readonly":0,"value":null},'
        '{"key":"c","value":false},{"readonly":true},{"key":"d","readonly":"maybe"}],"unknownKey":["e",null]}]',
        {
            "configurationKey": [
                {"key": "a", "readonly": True, "value": "5"},
                {"key": "b", "readonly": False},
                {"key": "c", "readonly": False, "value": "false"},
                {"key": "d", "readonly": False},
            ],
            "unknownKey": ["e"],
        },
        *[TYPE, TYPE, TYPE, NULL, MISSING, TYPE, MISSING, DROPPED, VALUE, MISSING, VALUE],
    ),
    quirk(
        "S22 limits finer than the standard's|GetCompositeSchedule",
        '[3,"1",{"status":"Accepted","scheduleStart":"0","chargingSchedule":{"chargingRateUnit":"A",'
        '"chargingSchedulePeriod":[{"startPeriod":0,"limit":15.999},{"startPeriod":60,"limit":"8,0"},'
        '{"startPeriod":70,"limit":true},{"startPeriod":80,"limit":1e300}],"minChargingRate":6}}]',
        {
            "status": "Accepted",
            "chargingSchedule": {
                "chargingRateUnit": "A",
                "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 16.0}, {"startPeriod": 60, "limit": 8.0}],
                "minChargingRate": 6.0,
            },
        },
        *[VALUE, TYPE, TYPE, VALUE, MISSING, DROPPED, VALUE, MISSING, DROPPED],
    ),
    quirk(
        "S22 no unit, so no schedule|GetCompositeSchedule",
        '[3,"1",{"status":"Accepted","connectorId":"1","chargingSchedule":{"chargingSchedulePeriod":[]}}]',
        {"status": "Accepted", "connectorId": 1},
        TYPE,
        MISSING,
        DROPPED,
    ),
]


@pytest.mark.parametrize(("text", "meant", "kinds"), [*FRAMING, *TIMES, *PAYLOADS])
def test_call(text: str, meant: dict[str, Any], kinds: tuple[OddityKind, ...]) -> None:
    reading = read_frame(text)
    assert isinstance(reading.frame, Call)
    request = ACTIONS[reading.frame.action].request
    payload, oddities = mend(request, reading.frame.payload, received_at=NOW, zone=HERE)

    assert json.loads(encode_payload(payload)) == meant
    assert list(kinds) == _kinds(reading.oddities + oddities)
    assert reading.unreadable == (UNREADABLE in kinds)


@pytest.mark.parametrize(("text", "meant", "kinds"), RESULTS)
def test_result(
    text: str, meant: dict[str, Any], kinds: tuple[OddityKind, ...], request: pytest.FixtureRequest
) -> None:
    action = ACTIONS[request.node.callspec.id.partition("|")[2]]
    reading = read_frame(text)
    assert isinstance(reading.frame, CallResult)
    payload, oddities = mend(action.result, reading.frame.payload, received_at=NOW, zone=HERE)

    assert json.loads(encode_payload(payload)) == meant
    assert list(kinds) == _kinds(reading.oddities + oddities)


def _kinds(oddities: tuple[Any, ...]) -> list[OddityKind]:
    return [oddity.kind for oddity in oddities]
