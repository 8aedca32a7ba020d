"""Our types against the published JSON schemas: what those allow comes through, what they forbid is refused with the
right code. Where the schemas are wrong, or say less than we do, EXCEPTIONS says so and why."""

from __future__ import annotations

import contextlib
import json
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from published_schemas import OURS, SCHEMAS, TYPES, allows, breaches, documents, example, meaning

from tinyocpp.errors import ProtocolFault
from tinyocpp.messages import ACTIONS
from tinyocpp.messages.frames import ErrorCode
from tinyocpp.messages.payload import decode_payload, encode_payload

CODES = {
    "dropped": ErrorCode.PROTOCOL_ERROR,
    "retyped": ErrorCode.TYPE_CONSTRAINT_VIOLATION,
    "over_long": ErrorCode.PROPERTY_CONSTRAINT_VIOLATION,
    "mis_enumerated": ErrorCode.PROPERTY_CONSTRAINT_VIOLATION,
    "too_fine": ErrorCode.PROPERTY_CONSTRAINT_VIOLATION,
    "too_few": ErrorCode.OCCURENCE_CONSTRAINT_VIOLATION,
    "unknown_field": ErrorCode.FORMATION_VIOLATION,
    "not_an_object": ErrorCode.FORMATION_VIOLATION,
}

_encoder = msgspec.json.Encoder(decimal_format="number")


def written(document: Any) -> bytes:
    return _encoder.encode(document)


def test_there_is_a_type_for_every_schema() -> None:
    assert len(ACTIONS) == 39
    assert TYPES.keys() == SCHEMAS.keys()


@pytest.mark.parametrize("name", SCHEMAS)
def test_fields_are_in_the_order_of_the_schema(name: str) -> None:
    document = example(SCHEMAS[name])
    shuffled = dict(reversed(document.items()))

    assert json.loads(encode_payload(decode_payload(TYPES[name], written(shuffled))), parse_float=Decimal) == document
    assert list(json.loads(encode_payload(decode_payload(TYPES[name], written(shuffled))))) == list(document)


@pytest.mark.parametrize("name", SCHEMAS)
def test_what_the_schema_allows_comes_back_the_same(name: str) -> None:
    schema = OURS[name]

    @settings(max_examples=25, derandomize=True, deadline=None, database=None)
    @given(documents(schema))
    def comes_back(document: Any) -> None:
        assert allows(SCHEMAS[name], document)
        encoded = encode_payload(decode_payload(TYPES[name], written(document)))
        assert meaning(schema, json.loads(encoded, parse_float=Decimal)) == meaning(schema, document)

    comes_back()


@pytest.mark.parametrize("name", SCHEMAS)
def test_what_the_schema_forbids_is_refused(name: str) -> None:
    """Every field of it broken in turn, in every way."""
    broken = list(breaches(name))
    assert [str(breach) for breach in broken if allows(SCHEMAS[name], breach.document)] == []
    refused = [(str(breach), refusal(name, breach.document)) for breach in broken]
    assert refused == [(str(breach), CODES[breach.kind]) for breach in broken]


def refusal(name: str, document: Any) -> ErrorCode | None:
    try:
        decode_payload(TYPES[name], written(document))
    except ProtocolFault as fault:
        return fault.code
    return None


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ({"idTag": 5}, "$.idTag"),
        ({}, "`idTag`"),
        ({"idTag": "x", "surplus": 1}, "`surplus`"),
    ],
)
def test_the_refusal_names_the_field(document: Any, path: str) -> None:
    with pytest.raises(ProtocolFault) as refused:
        decode_payload(TYPES["Authorize"], written(document))
    assert path in refused.value.description


def changed(name: str, *path: str | int, to: Any) -> Any:
    document = json.loads(written(example(SCHEMAS[name])))
    node = document
    for step in path[:-1]:
        node = node[step]
    node[path[-1]] = to
    return document


ALLOWED = None
REFUSED = ErrorCode.PROPERTY_CONSTRAINT_VIOLATION
SAMPLE = ("transactionData", 0, "sampledValue", 0)
EXCEPTIONS = [  # schema, document, does the schema allow it, what we say, why
    pytest.param(
        "StopTransaction",
        changed("StopTransaction", *SAMPLE, "unit", to="Hertz"),
        False,
        ALLOWED,
        id="Hertz is a unit in MeterValues and not here: a stop would be lost for it, and it is the same structure",
    ),
    pytest.param(
        "StopTransaction",
        changed("StopTransaction", "transactionData", 0, "sampledValue", to=[]),
        True,
        ErrorCode.OCCURENCE_CONSTRAINT_VIOLATION,
        id="a MeterValue has at least one sample in MeterValues, and none here: it is the same structure (7.31)",
    ),
    pytest.param(
        "BootNotification",
        changed("BootNotification", "iccid", to=None),
        False,
        ALLOWED,
        id="null reads as an optional field that was not sent; we never send it",
    ),
    pytest.param(
        "StartTransaction",
        changed("StartTransaction", "meterStart", to=2**63),
        True,
        REFUSED,
        id="integers have no bound in the schemas; everything that stores them has 64 bits",
    ),
    pytest.param(
        "StartTransaction",
        changed("StartTransaction", "meterStart", to=10**400),
        True,
        REFUSED,
        id="nor have integers that no machine holds",
    ),
    pytest.param(
        "StartTransaction",
        changed("StartTransaction", "timestamp", to="yesterday"),
        True,
        REFUSED,
        id="validators do not check the format date-time",
    ),
    pytest.param(
        "StartTransaction",
        changed("StartTransaction", "timestamp", to="2026-06-01T12:00:00"),
        True,
        REFUSED,
        id="a date-time without a zone is none (RFC 3339), and validators do not check",
    ),
    pytest.param(
        "SetChargingProfile",
        changed("SetChargingProfile", "csChargingProfiles", "chargingSchedule", "minChargingRate", to=8.1),
        False,
        ALLOWED,
        id="8.1 is no multiple of 0.1 in binary floats, as validators reckon",
    ),
]


@pytest.mark.parametrize(("name", "document", "allowed", "verdict"), EXCEPTIONS)
def test_exceptions(name: str, document: Any, allowed: bool, verdict: ErrorCode | None) -> None:
    schema = json.loads(json.dumps(SCHEMAS[name], default=float))
    assert allows(schema, document) == allowed
    if verdict is ALLOWED:
        decode_payload(TYPES[name], json.dumps(document).encode())
        return
    with pytest.raises(ProtocolFault) as refused:
        decode_payload(TYPES[name], json.dumps(document).encode())
    assert refused.value.code == verdict


@settings(max_examples=200, derandomize=True, deadline=None, database=None)
@given(st.sampled_from(sorted(TYPES)), st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_no_bytes_raise_anything_but_a_protocol_fault(name: str, raw: bytes) -> None:
    with contextlib.suppress(ProtocolFault):
        assert encode_payload(decode_payload(TYPES[name], raw)) == b"{}"
