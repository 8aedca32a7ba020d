"""CALL, CALLRESULT and CALLERROR: what comes in, and the exact text that goes out."""

from __future__ import annotations

import msgspec
import pytest

from tinyocpp.messages.core_central import Reset, ResetType
from tinyocpp.messages.frames import (
    Call,
    CallError,
    CallResult,
    ErrorCode,
    decode_frame,
    encode_call,
    encode_error,
    encode_result,
)
from tinyocpp.messages.payload import encode_payload


def parts(frame: Call | CallResult | CallError) -> tuple[object, ...]:
    values = (getattr(frame, name) for name in frame.__struct_fields__)
    return type(frame), *(bytes(value) if isinstance(value, msgspec.Raw) else value for value in values)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('[2,"19","Heartbeat",{}]', (Call, b'"19"', "Heartbeat", b"{}")),
        ('[2, "19" ,"A", {"a": 1.50} ]', (Call, b'"19"', "A", b'{"a": 1.50}')),
        ('[2,"19","Heartbeat"]', (Call, b'"19"', "Heartbeat", b"{}")),
        ('[2,"19","Heartbeat",null]', (Call, b'"19"', "Heartbeat", b"null")),
        ('[2,28240181849166013077,"A",{}]', (Call, b"28240181849166013077", "A", b"{}")),
        ('[2,"\\u00e4\\"","A",{}]', (Call, b'"\\u00e4\\""', "A", b"{}")),
        ('[3,"19",{"status":"Accepted"}]', (CallResult, b'"19"', b'{"status":"Accepted"}')),
        ('[3,"19"]', (CallResult, b'"19"', b"{}")),
        ('[4,"19","X","why",{"a":1}]', (CallError, b'"19"', "X", "why", b'{"a":1}')),
        ('[4,"19","X","why"]', (CallError, b'"19"', "X", "why", b"{}")),
        ('[4,"19","X"]', (CallError, b'"19"', "X", "", b"{}")),
        ('[4,"19","X","",null]', (CallError, b'"19"', "X", "", b"null")),
        (b'[3,"19",{}]', (CallResult, b'"19"', b"{}")),
    ],
)
def test_decode(text: str | bytes, expected: tuple[object, ...]) -> None:
    assert parts(decode_frame(text)) == expected


@pytest.mark.parametrize("text", ["", "x", "{}", "[]", "[2]", '[5,"a",{}]', '["2","a","B",{}]', '[2,"a",5,{}]', "[3]"])
def test_what_is_no_frame(text: str) -> None:
    with pytest.raises(msgspec.MsgspecError):
        decode_frame(text)


def test_a_call_is_compact() -> None:
    assert (
        encode_call("a-1", "Reset", encode_payload(Reset(type=ResetType.SOFT))) == '[2,"a-1","Reset",{"type":"Soft"}]'
    )


def test_a_call_goes_out_as_typed_on_one_line() -> None:
    typed = b'{ "limit" :\n 1.50,\t"text": "a  b" }'
    assert encode_call("1", "A", typed) == '[2,"1","A",{"limit":1.50,"text":"a  b"}]'


@pytest.mark.parametrize("message_id", [b'"19"', b"19", b"28240181849166013077", b"1.0", b'"\\u00e4"', b"null"])
def test_an_answer_has_the_id_of_the_question_as_it_was_spelt(message_id: bytes) -> None:
    call = decode_frame(b'[2,%b,"A",{}]' % message_id)
    spelt = message_id.decode()
    assert encode_result(call.message_id, b'{"a":1}') == f'[3,{spelt},{{"a":1}}]'
    assert encode_result(call.message_id, Reset(type=ResetType.HARD)) == f'[3,{spelt},{{"type":"Hard"}}]'
    assert (
        encode_error(call.message_id, ErrorCode.NOT_IMPLEMENTED, "no such action")
        == f'[4,{spelt},"NotImplemented","no such action",{{}}]'
    )


def test_an_error_has_its_details_and_no_more_than_255_characters() -> None:
    text = encode_error(msgspec.Raw(b'"1"'), ErrorCode.FORMATION_VIOLATION, "x" * 300, b'{"at":3}')
    assert text == f'[4,"1","FormationViolation","{"x" * 255}",{{"at":3}}]'


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("FormationViolation", ErrorCode.FORMATION_VIOLATION),
        ("FormatViolation", ErrorCode.FORMATION_VIOLATION),
        ("OccurenceConstraintViolation", ErrorCode.OCCURENCE_CONSTRAINT_VIOLATION),
        ("OccurrenceConstraintViolation", ErrorCode.OCCURENCE_CONSTRAINT_VIOLATION),
        ("NotSupported", ErrorCode.NOT_SUPPORTED),
        ("MessageTypeNotSupported", ErrorCode.GENERIC_ERROR),
        ("", ErrorCode.GENERIC_ERROR),
    ],
)
def test_both_spellings_of_an_error_code(text: str, code: ErrorCode) -> None:
    assert ErrorCode.read(text) is code
