"""What a person sees of a frame, and what must not reach the terminal."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from tinyocpp.cli.wire import Direction, Frame, Teller, WireLine, fields, parse_frame, read_lines, write_line

AT = datetime(2026, 6, 1, 12, 0, 5, 250000, tzinfo=UTC)
METER = (
    '[2,"7","MeterValues",{"connectorId":1,"transactionId":4,"meterValue":[{"timestamp":"2026-06-01T12:00:00Z",'
    '"sampledValue":[{"value":"10"},{"value":"3680.5","measurand":"Power.Active.Import","unit":"W","phase":"L1"}]}]}]'
)


def from_charger(raw: str, at: datetime | None = AT) -> WireLine:
    return WireLine(at=at, charger="garage", dir=Direction.FROM_CHARGER, raw=raw)


def to_charger(raw: str) -> WireLine:
    return WireLine(at=AT, charger="garage", dir=Direction.TO_CHARGER, raw=raw)


def test_headings_and_foreign_lines_are_passed_over() -> None:
    lines = [
        '{"meta": {"vendor": "go-e"}}',
        b'{"dir": "cp->cs", "json_ok": true, "raw": "[3,\\"1\\",{}]"}',
        "half a li",
        b"\xff\xfe",
        '{"at":"2026-06-01T12:00:05.25Z","charger":"garage","dir":"cs->cp","raw":"x"}',
    ]
    assert list(read_lines(lines)) == [
        WireLine(dir=Direction.FROM_CHARGER, raw='[3,"1",{}]'),
        to_charger("x"),
    ]


def test_a_line_is_written_as_it_was_read_but_in_ascii() -> None:
    line = to_charger('[3,"1",{"x":"\x1b[2J\x7f\u009b ä"}]')
    text = write_line(line)
    assert text.startswith('{"at":"2026-06-01T12:00:05.250000Z","charger":"garage","dir":"cs->cp","raw":"[3,')
    assert text.isascii()
    assert text.isprintable()
    assert list(read_lines([text])) == [line]


@pytest.mark.parametrize(
    ("raw", "frame"),
    [
        pytest.param('[2,"7","Heartbeat",{}]', Frame(2, "7", "Heartbeat", {}), id="call"),
        pytest.param('[2,7,"Heartbeat"]', Frame(2, "7", "Heartbeat", {}), id="number as id, no payload"),
        pytest.param('[3,"7",null]', Frame(3, "7", "", None), id="result"),
        pytest.param('[3,"7"]', Frame(3, "7", "", {}), id="result without payload"),
        pytest.param('[4,"7","NotSupported","no",{}]', Frame(4, "7", "", "NotSupported: no"), id="error"),
        pytest.param('[4,"7","NotSupported"]', Frame(4, "7", "", "NotSupported"), id="short error"),
        pytest.param('[5,"7"]', None, id="no such type"),
        pytest.param("{}", None, id="no array"),
        pytest.param("[2,", None, id="no JSON"),
        pytest.param("[" * 100_000, None, id="nested without end"),
    ],
)
def test_parse_frame(raw: str, frame: Frame | None) -> None:
    assert parse_frame(raw) == frame


@pytest.mark.parametrize(
    ("payload", "text"),
    [
        pytest.param({}, "", id="nothing"),
        pytest.param(None, "=null", id="null"),
        pytest.param({"a": 1, "b": {"status": "Accepted"}}, "a=1 status=Accepted", id="nested"),
        pytest.param({"a": True, "b": None}, "a=true b=null", id="JSON's words"),
        pytest.param({"key": ["A", "B"]}, "key=[A,B]", id="plain list"),
        pytest.param({"key": []}, "key=[]", id="empty list"),
        pytest.param({"value": "5", "key": "A", "readonly": False}, "value=5 key=A readonly=false", id="no sample"),
        pytest.param({"x": [{"key": "A"}, {"key": "B"}]}, "key=A key=B", id="list of objects"),
        pytest.param({"x": [["A"], ["B"]]}, "x=[A] x=[B]", id="list of lists"),
        pytest.param({"a": {"a": {"a": {"a": {"a": {"a": {"a": {"b": {}}}}}}}}}, "b=...", id="deep"),
        pytest.param({"a": "b" * 400}, "a=" + "b" * 155 + "...", id="long"),
    ],
)
def test_fields(payload: object, text: str) -> None:
    assert fields(payload) == text


def test_a_conversation_is_told_with_actions_on_both_sides() -> None:
    teller = Teller(ZoneInfo("Europe/Berlin"))
    told = [
        text
        for line in [
            from_charger(METER),
            to_charger('[3,"7",{}]'),
            to_charger('[2,"7","Reset",{"type":"Soft"}]'),
            from_charger('[3,"7",{"status":"Accepted"}]'),
            to_charger('[2,"8","Reset",{"type":"Hard"}]'),
            from_charger('[4,"8","InternalError","",{}]'),
            from_charger('[3,"8",{}]'),
            from_charger("\x1b[2Jrubbish"),
        ]
        for text in teller.tell(line)
    ]
    assert told == [
        "-- 2026-06-01 --",
        "14:00:05 garage > MeterValues connectorId=1 transactionId=4 timestamp=2026-06-01T12:00:00Z"
        " Energy.Active.Import.Register=10 Power.Active.Import[L1]=3680.5W",
        "14:00:05 garage < MeterValues answered:",
        "14:00:05 garage < Reset type=Soft",
        "14:00:05 garage > Reset answered: status=Accepted",
        "14:00:05 garage < Reset type=Hard",
        "14:00:05 garage > Reset refused: InternalError",
        "14:00:05 garage > ? answered:",
        "14:00:05 garage > (unreadable) \\x1b[2Jrubbish",
    ]


def test_a_new_day_has_a_heading_and_a_line_without_time_has_none() -> None:
    teller = Teller(ZoneInfo("Europe/Berlin"))
    late = datetime(2026, 6, 1, 22, 0, tzinfo=UTC)
    assert teller.tell(from_charger('[3,"1",{}]', None)) == ["garage > ? answered:"]
    assert teller.tell(from_charger('[3,"1",{}]'))[0] == "-- 2026-06-01 --"
    assert teller.tell(from_charger('[3,"1",{}]', late))[0] == "-- 2026-06-02 --"


def test_calls_nobody_answers_are_forgotten() -> None:
    teller = Teller(UTC)
    for number in range(10_010):
        teller.tell(from_charger(f'[2,"{number}","Heartbeat",{{}}]'))
    assert teller.tell(to_charger('[3,"1",{}]'))[-1].endswith("? answered:")
    assert teller.tell(to_charger('[3,"10009",{}]'))[-1].endswith("Heartbeat answered:")
