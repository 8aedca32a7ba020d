"""Texts into frames: what is ignored, what is salvaged, and that no text whatever does harm."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tinyocpp.leniency import OddityKind, Reading, mend, read_frame
from tinyocpp.leniency.repair import MAX_TOKENS, repair
from tinyocpp.messages.core import StartTransaction
from tinyocpp.messages.frames import Call, CallError, CallResult, encode_result
from tinyocpp.messages.payload import encode_payload

DEEP = "[" * 100_000


def parts(reading: Reading) -> tuple[Any, ...] | None:
    if reading.frame is None:
        return None
    values = (getattr(reading.frame, name) for name in reading.frame.__struct_fields__)
    return type(reading.frame), *(bytes(value) if isinstance(value, msgspec.Raw) else value for value in values)


def kinds(reading: Reading) -> list[OddityKind]:
    return [oddity.kind for oddity in reading.oddities]


@pytest.mark.parametrize("text", ["", "  ", "\r\n"])
def test_an_empty_text_says_nothing(text: str) -> None:
    assert read_frame(text) == Reading()


@pytest.mark.parametrize(
    "text",
    [
        '[1,"a","B",{}]',
        '[5,"a",{}]',
        '[2.5,"a","B",{}]',
        '["two","a","B",{}]',
        '[true,"a","B",{}]',
        '[{},"a","B",{}]',
        "[]",
        '[2,{},"B",{}]',
        '[2,["a"],"B",{}]',
        '["2",["a"],"B",{}]',
        '[3,{"a":1},{}]',
    ],
)
def test_what_is_no_frame_of_ours_is_ignored(text: str) -> None:
    reading = read_frame(text)
    assert (reading.frame, kinds(reading)) == (None, [OddityKind.IGNORED])


@pytest.mark.parametrize(
    "text",
    ["x", "{}", "null", "[2]", '[2,"a"]', '[2,"a",5,{}]', "[3]", "[4]", '["3"]', "\0", DEEP, "\udc80", '{"a' * 9],
)
def test_what_cannot_be_read_is_recorded(text: str) -> None:
    reading = read_frame(text)
    assert reading.frame is None
    assert kinds(reading)[-1] == OddityKind.UNREADABLE
    assert all(len(oddity.detail) <= 80 for oddity in reading.oddities)


@pytest.mark.parametrize(
    ("text", "message_id"),
    [
        (f'[2,"a b","MeterValues",{DEEP}', b'"a b"'),
        (f'[2,"a b","MeterValues",{{"x":{DEEP}{"]" * 100_000}}}]', b'"a b"'),
        ('\ufeff [ "2.0" , 17 , "MeterValues", {"a" 1 ::', b"17"),
        ('[2,"","MeterValues",{1:2}]', b'""'),
        ('[2,"\udc80","MeterValues",{1:2}]', b'"?"'),
    ],
)
def test_a_call_is_answered_if_its_id_and_action_can_be_made_out(text: str, message_id: bytes) -> None:
    reading = read_frame(text)
    assert parts(reading) == (Call, message_id, "MeterValues", b"{}")
    assert reading.unreadable
    assert kinds(reading)[-1] == OddityKind.UNREADABLE


@pytest.mark.parametrize("action", ["A\\ud800 x", ""])
def test_an_action_that_is_no_word_is_answered_too(action: str) -> None:
    reading = read_frame(f'[2,"a b","{action}",{DEEP}')
    assert parts(reading) == (Call, b'"a b"', action, b"{}")


@pytest.mark.parametrize(
    ("text", "frame"),
    [
        ('["3",19,{"a":1},"surplus"]', (CallResult, b"19", b'{"a":1}')),
        ('["3",null]', (CallResult, b"null", b"{}")),
        ('[4,"19"]', (CallError, b'"19"', "GenericError", "", b"{}")),
        ('[4,"19",null,null,null]', (CallError, b'"19"', "GenericError", "", b"null")),
        ('[4,"19","FormatViolation",{"why":1}]', (CallError, b'"19"', "FormatViolation", "", b"{}")),
        ('["2","19","Heartbeat",{},1,2]', (Call, b'"19"', "Heartbeat", b"{}")),
    ],
)
def test_a_frame_of_another_shape(text: str, frame: tuple[Any, ...]) -> None:
    reading = read_frame(text)
    assert parts(reading) == frame
    assert kinds(reading) == [OddityKind.FRAME_SHAPE]
    assert not reading.unreadable


@pytest.mark.parametrize(
    ("text", "repaired", "faults"),
    [
        ('x["a",,1,]y', '["a",1]', ("stray comma", "text around the value")),
        ('[{"a":,"b":}]', '[{"a":null,"b":null}]', ("missing value",)),
        ('[{"a","b"}]', '[{"a":null,"b":null}]', ("missing value",)),
        ('[{"a"::1 "b":2}]', '[{"a":1,"b":2}]', ("stray colon", "missing comma")),
        ('[{"a":1]', '[{"a":1}]', ("missing bracket",)),
        ("[1}]", "[1]", ("stray bracket",)),
        ("[tru,01,+5,.5,nan,-7e-3]", '["tru","01","+5",".5","nan",-7e-3]', ("bare word",)),
        ("[c:\\x,1]", '["c":"x",1]', ("bare word", "bad character in a text")),
        ('["\\x\\u12\\ud800\\ud83d\\ude00\\n"]', '["xu12\ufffd\\ud83d\\ude00\\n"]', ("bad character in a text",)),
        ('["a\tb\nc\rd\0e"]', '["a\\tb\\nc\\rde"]', ("bad character in a text",)),
        ("[1,\0\x01 2]", "[1,2]", ("control character",)),
        ('[1,"ab', "[1]", ("cut off", "stray comma")),
        ('[1,"ab\\', "[1]", ("cut off", "stray comma")),
        ('[{"a":12', '[{"a":null}]', ("cut off", "missing value")),
        ("no value at all", "", ("text around the value",)),
        (DEEP, "", ()),
    ],
    ids=lambda value: value[:30] if isinstance(value, str) else "",
)
def test_repair(text: str, repaired: str, faults: tuple[str, ...]) -> None:
    result, found = repair(text)
    assert (result, set(found)) == (repaired, set(faults))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=300)
@given(st.lists(JSON, max_size=5) | st.dictionaries(st.text(max_size=8), JSON, max_size=4), st.booleans())
def test_repair_leaves_alone_what_is_whole(document: Any, ascii_only: bool) -> None:
    text = json.dumps(document, ensure_ascii=ascii_only)
    repaired, faults = repair(text)
    assert (json.loads(repaired), faults) == (document, ())


@settings(max_examples=400)
@given(st.text(st.sampled_from('[]{},:"\\ \0\t12.eua3/x\ud800Heartbeat'), max_size=40) | st.text(max_size=40))
@example('[2,"\\')
def test_no_text_does_harm(text: str) -> None:
    for candidate in (text, f'[2,"7","Heartbeat",{text}', f'[2,"7",{text}]', f"[2,{text}"):
        reading = read_frame(candidate)
        if reading.frame is not None:
            answer = json.loads(encode_result(reading.frame.message_id, b"{}"))
            assert (answer[0], answer[2]) == (3, {})


WHOLE = {"connectorId": 17, "idTag": "04A2B3C4", "meterStart": 139955, "timestamp": "2026-06-01T12:00:00Z"}
STAND_INS = {"connectorId": 0, "idTag": "", "meterStart": -1, "timestamp": "1970-01-01T00:00:00Z"}


def test_no_half_of_a_figure_survives_a_cut() -> None:
    text = json.dumps([2, "1", "StartTransaction", WHOLE])
    for end in range(len('[2, "1", "StartTransaction"'), len(text)):
        reading = read_frame(text[:end])
        assert isinstance(reading.frame, Call)
        assert OddityKind.CUT_OFF in kinds(reading)
        now = datetime(2026, 6, 1, 12, tzinfo=UTC)
        payload, _ = mend(StartTransaction, reading.frame.payload, received_at=now, zone=UTC)
        for name, value in json.loads(encode_payload(payload)).items():
            assert value in (WHOLE[name], STAND_INS[name]), text[:end]


def test_repair_looks_at_so_many_escapes() -> None:
    many, rest = r"\x" * MAX_TOKENS, r"\x\n"
    assert repair(f'["{many}{rest}"]')[0] == f'["{"x" * MAX_TOKENS}{rest}"]'
    assert repair(f'["{many}","{rest}"]')[0] == f'["{"x" * MAX_TOKENS}","{rest}"]'


def test_repair_goes_no_further_than_a_quarter_of_a_megabyte() -> None:
    repaired, faults = repair('{"a":[' + "1," * MAX_TOKENS + "]}")
    assert faults == ("cut off", "stray comma")
    assert json.loads(repaired) == {"a": [1] * (MAX_TOKENS // 2 - 2)}


@pytest.mark.parametrize("frame", ['[3,"1","Rejected"]', '[3,"1",[]]', '[3.0,"1",7]'])
def test_an_answer_that_is_no_object_is_no_yes(frame: str) -> None:
    reading = read_frame(frame)
    assert isinstance(reading.frame, CallError)
    assert reading.frame.error_code == "FormationViolation"
    assert [oddity.kind for oddity in reading.oddities] == [OddityKind.NOT_AN_OBJECT]
