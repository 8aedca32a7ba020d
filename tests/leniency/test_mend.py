"""Payloads into types, whatever they are: what the standard allows is not touched, what a charger sends by itself can
always be mended, and the figures of a sample."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinyocpp.errors import ProtocolFault
from tinyocpp.leniency import LOSSES, Oddity, OddityKind, mend, read_number
from tinyocpp.leniency.oddity import as_json, shown
from tinyocpp.leniency.payload import MAX_COMMAS, MAX_ENTRIES, MAX_ODDITIES, NO_REGISTER, NO_TIME
from tinyocpp.messages import ACTIONS
from tinyocpp.messages.core import (
    Authorize,
    DataTransfer,
    MeterValues,
    StartTransaction,
    StatusNotification,
    StopTransaction,
)
from tinyocpp.messages.core_boot import BootNotification, Heartbeat
from tinyocpp.messages.core_central import RemoteStartTransactionResult
from tinyocpp.messages.payload import Payload, decode_payload, encode_payload
from tinyocpp.messages.security import SignCertificate

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
HERE = timezone(timedelta(hours=2))
FROM_CHARGER = [action.request for action in ACTIONS.values() if action.from_charger]
ALWAYS = [type_ for type_ in FROM_CHARGER if type_ is not SignCertificate]


def mended(type_: type[Payload], raw: bytes) -> tuple[Payload, list[OddityKind]]:
    payload, oddities = mend(type_, raw, received_at=NOW, zone=HERE)
    return payload, [oddity.kind for oddity in oddities]


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=30)
    | st.sampled_from(["", "null", "NaN", "3,20", "Accepted", "2026-06-01T12:00:00", "9999-12-31T24:00", "1e99", "-1"])
)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)


def names(type_: type[Payload]) -> list[str]:
    return [field.encode_name for field in msgspec.structs.fields(type_)]


SAMPLE = st.fixed_dictionaries({}, optional=dict.fromkeys(("value", "unit", "measurand", "phase", "format"), ANYTHING))
BUCKET = st.fixed_dictionaries(
    {}, optional={"timestamp": ANYTHING, "sampledValue": SAMPLE | st.lists(SAMPLE | ANYTHING)}
)


def payloads(type_: type[Payload]) -> st.SearchStrategy[Any]:
    """Fields of the right names with anything in them."""
    fields: dict[str, st.SearchStrategy[Any]] = dict.fromkeys(names(type_), ANYTHING)
    for name in ("meterValue", "transactionData"):
        if name in fields:
            fields[name] = ANYTHING | BUCKET | st.lists(BUCKET, max_size=2)
    return st.fixed_dictionaries({}, optional=fields)


@pytest.mark.parametrize("type_", ALWAYS)
def test_what_a_charger_sends_can_always_be_mended(type_: type[Payload]) -> None:
    @settings(max_examples=150)
    @given(payloads(type_) | ANYTHING)
    def can(document: Any) -> None:
        payload, oddities = mend(type_, msgspec.json.encode(document), received_at=NOW, zone=HERE)
        assert isinstance(payload, type_)
        assert encode_payload(payload)
        assert len(oddities) <= MAX_ODDITIES + 1
        assert all(len(oddity.detail) < 300 for oddity in oddities)

    can()


@pytest.mark.parametrize("type_", ALWAYS)
def test_so_can_bytes_of_any_kind(type_: type[Payload]) -> None:
    @settings(max_examples=60)
    @given(st.binary(max_size=40) | st.text(st.sampled_from('{}[]",:\\ idTag1e'), max_size=40).map(str.encode))
    def can(raw: bytes) -> None:
        payload, _ = mended(type_, raw)
        assert isinstance(payload, type_)

    can()


@pytest.mark.parametrize("type_", FROM_CHARGER)
def test_what_the_standard_allows_is_not_touched(type_: type[Payload]) -> None:
    @settings(max_examples=60)
    @given(payloads(type_))
    def is_not_touched(document: Any) -> None:
        raw = msgspec.json.encode(document)
        try:
            strict = decode_payload(type_, raw)
        except ProtocolFault:
            return
        assert mended(type_, raw) == (strict, [])

    is_not_touched()


@pytest.mark.parametrize(
    ("type_", "raw", "code"),
    [
        (SignCertificate, b"{}", "ProtocolError"),
        (SignCertificate, b"[]", "FormationViolation"),
        (RemoteStartTransactionResult, b'{"status":5}', "TypeConstraintViolation"),
        (RemoteStartTransactionResult, b"[", "FormationViolation"),
    ],
)
def test_what_cannot_be_mended_is_refused_as_the_strict_decoder_does(
    type_: type[Payload], raw: bytes, code: str
) -> None:
    with pytest.raises(ProtocolFault) as refused:
        mend(type_, raw, received_at=NOW, zone=HERE)
    assert refused.value.code == code


NOTHING_KNOWN = StartTransaction(connector_id=0, id_tag="", meter_start=NO_REGISTER, timestamp=NO_TIME)


@pytest.mark.parametrize("raw", [b"", b"\xff\xfe", b"5", b'"text"', b"[" * 5000, b"[" * 5000 + b"]" * 5000, b"{1:2}"])
def test_what_stands_in_for_a_whole_start(raw: bytes) -> None:
    payload, kinds = mended(StartTransaction, raw)
    assert payload == NOTHING_KNOWN
    assert OddityKind.NOT_AN_OBJECT in kinds
    assert LOSSES.intersection(kinds)


def test_deep_nesting_in_a_field() -> None:
    """Deeper than a decoder goes, and as deep as it goes: our own frames of the stack are in the way of writing it."""
    for depth in (50, 90, 850, 950, 970, 980, 990, 2000):
        payload, _ = mended(DataTransfer, b'{"vendorId":"x","data":' + b"[" * depth + b"]" * depth + b"}")
        assert isinstance(payload, DataTransfer)
        assert payload.data in (None, "[" * depth + "]" * depth)
        assert mended(Heartbeat, b'{"x":' + b"[" * depth + b"]" * depth + b"}")[0] == Heartbeat()


def test_what_nests_too_deep_to_be_shown() -> None:
    nested: list[Any] = []
    for _ in range(200_000):  # Python 3.13 follows ten thousand
        nested = [nested]
    assert shown(nested) == "nested too deep"
    assert as_json(nested) is None


def test_bytes_that_are_no_text() -> None:
    assert mended(Authorize, b'{"idTag":"04\xff"}') == (Authorize(id_tag="04\ufffd"), [OddityKind.BROKEN_JSON])


def test_the_number_of_oddities_is_bounded() -> None:
    surplus = {f"field {number}": number for number in range(1000)}
    _, kinds = mended(Heartbeat, msgspec.json.encode(surplus))
    assert kinds == [OddityKind.UNKNOWN_FIELD] * MAX_ODDITIES


@pytest.mark.parametrize(
    ("type_", "raw", "detail"),
    [
        (BootNotification, b'{"chargePointModel":37}', "chargePointVendor"),
        (BootNotification, b'{"chargePointModel":37}', "chargePointModel: 37, read as '37'"),
        (
            StatusNotification,
            b'{"connectorId":1,"errorCode":"Error","status":"Faulted"}',
            "errorCode: 'Error', read as",
        ),
        (Heartbeat, b'{"a\\nb":"\\u001b[2J"}', r"a\nb: '\x1b[2J'"),
        (
            MeterValues,
            b'{"connectorId":1,"meterValue":[{"timestamp":"2026-06-01T12:00:00Z","sampledValue":[{"value":[1.50]}]}]}',
            "meterValue[0].sampledValue[0].value: [1.50], read as '[1.50]'",
        ),
        (StopTransaction, b'{"transactionId":"%s"}' % (b"x" * 500), "transactionId: 'xxx"),
    ],
)
def test_the_detail_names_the_field_and_what_was_there(type_: type[Payload], raw: bytes, detail: str) -> None:
    _, oddities = mend(type_, raw, received_at=NOW, zone=HERE)
    assert any(oddity.detail.startswith(detail) for oddity in oddities), oddities


@pytest.mark.parametrize(
    ("text", "figure"),
    [
        ("3.20", 3.2),
        ("  3.20", 3.2),
        ("3,20", 3.2),
        ("-7", -7.0),
        ("+1e3", 1000.0),
        ("5.", 5.0),
        ("4296944685", 4296944685.0),
        ("", None),
        ("NaN", None),
        ("inf", None),
        ("1_000", None),
        ("٣", None),
        ("OCMF|{}", None),
        ("9" * 400, None),
        ("1e9999", None),
    ],
)
def test_the_figure_of_a_sample(text: str, figure: float | None) -> None:
    assert read_number(text) == figure


def test_a_text_is_kept_whole_up_to_ten_times_its_length() -> None:
    for length in (21, 200):
        assert mended(Authorize, b'{"idTag":"%s"}' % (b"x" * length)) == (
            Authorize(id_tag="x" * length),
            [OddityKind.TOO_LONG],
        )
    assert mended(Authorize, b'{"idTag":"%s"}' % (b"x" * 201))[0] == Authorize(id_tag="x" * 200)


def bucket(*samples: Any) -> dict[str, Any]:
    return {"timestamp": "2026-06-01T12:00:00Z", "sampledValue": list(samples)}


def test_of_more_entries_than_can_be_mended_the_newest_are_read() -> None:
    samples = [bucket({"value": number}) for number in range(MAX_ENTRIES)]
    payload, oddities = mend(MeterValues, msgspec.json.encode({"meterValue": samples}), received_at=NOW, zone=HERE)
    values = [sample.value for value in payload.meter_value for sample in value.sampled_value]
    assert values == [str(number) for number in range(MAX_ENTRIES // 2, MAX_ENTRIES)]
    assert len(oddities) == MAX_ODDITIES
    assert oddities[-1] == Oddity(
        OddityKind.DROPPED, f"meterValue[0..{MAX_ENTRIES // 2 - 1}]: too many entries to mend"
    )


def test_the_last_bucket_has_the_first_right() -> None:
    """It is cut in itself when it alone is too long, and what came before it is left out."""
    many = bucket(*({"value": number} for number in range(MAX_ENTRIES)))
    payload, oddities = mend(MeterValues, msgspec.json.encode({"meterValue": [many] * 2}), received_at=NOW, zone=HERE)
    (last,) = payload.meter_value
    assert [sample.value for sample in last.sampled_value] == [str(number) for number in range(1, MAX_ENTRIES)]
    assert [oddity.detail for oddity in oddities if oddity.kind is OddityKind.DROPPED] == [
        "meterValue[1].sampledValue[0..0]: too many entries to mend"
    ]


def test_of_what_no_charger_has_so_many_of_the_beginning_is_read() -> None:
    payload, kinds = mended(MeterValues, b'{"connectorId":7,"meterValue":[%s[]]}' % (b"[]," * MAX_COMMAS))
    assert payload == MeterValues(connector_id=7, meter_value=())
    assert OddityKind.CUT_OFF in kinds
    assert len(kinds) == MAX_ODDITIES


def test_a_long_payload_in_which_nothing_is_too_many() -> None:
    commas = {"vendorId": 7, "data": "," * MAX_ENTRIES}
    assert mended(DataTransfer, msgspec.json.encode(commas))[1] == [OddityKind.TYPE]
    samples = [bucket({"value": number}) for number in range(MAX_ENTRIES // 2)]
    payload, kinds = mended(MeterValues, msgspec.json.encode({"connectorId": 1, "meterValue": samples}))
    assert isinstance(payload, MeterValues)
    assert len(payload.meter_value) == len(samples)
    assert OddityKind.DROPPED not in kinds
