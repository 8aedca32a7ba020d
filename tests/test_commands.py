"""What may be asked of a charger, and which answers mean yes."""

from __future__ import annotations

import pytest

from tinyocpp.commands import agreed, check_call, compact
from tinyocpp.errors import Malformed


@pytest.mark.parametrize(
    "answer",
    [
        "{}",
        '{"configurationKey":[]}',
        '{"listVersion":0}',
        '{"status":"Accepted"}',
        '{"status":"Scheduled"}',
        '{"status":"RebootRequired"}',
        '{"status":"Unlocked"}',
        '{"status":"AcceptedCanceled"}',
        '{"status":"accepted"}',
    ],
)
def test_yes(answer: str) -> None:
    assert agreed(answer.encode())


@pytest.mark.parametrize(
    "status",
    [
        "Rejected",
        "Failed",
        "NotSupported",
        "Faulted",
        "Occupied",
        "UnlockFailed",
        "VersionMismatch",
        "NotFound",
        "Unavailable",
        "Unknown",
        "NotImplemented",
        "UnknownVendorId",
        "UnknownMessageId",
        "InvalidCertificate",
        "RevokedCertificate",
        "Nonsense",
    ],
)
def test_no(status: str) -> None:
    assert not agreed(f'{{"status":"{status}"}}'.encode())


def test_a_status_that_is_not_even_text_is_a_no() -> None:
    assert not agreed(b'{"status":{}}')


@pytest.mark.parametrize(
    ("action", "payload"),
    [
        ("Reset", '{"type":"Soft"}'),
        ("RemoteStartTransaction", '{"idTag":"00000000"}'),
        ("ClearCache", "{}"),
        ("GetLog", '{"logType":"SecurityLog","requestId":1,"log":{"remoteLocation":"ftp://192.0.2.1/"}}'),
    ],
)
def test_a_call_of_the_standard_passes(action: str, payload: str) -> None:
    check_call(action, payload.encode())


@pytest.mark.parametrize(
    ("action", "payload", "said"),
    [
        ("Reset", '{"type":"Sofft"}', "type"),
        ("Reset", "{}", "type"),
        ("Reset", '{"type":"Soft","force":true}', "force"),
        ("RemoteStartTransaction", '{"idTag":"000000000000000000000"}', "idTag"),
        ("ReserveNow", '{"connectorId":1}', "Reserve"),
        ("reset", '{"type":"Soft"}', "did you mean 'Reset'?"),
        ("Levitate", "{}", "no such action"),
        ("BootNotification", "{}", "for the charger to send"),
    ],
)
def test_a_malformed_call_is_refused_naming_what_is_wrong(action: str, payload: str, said: str) -> None:
    with pytest.raises(Malformed, match=said.replace("?", r"\?")):
        check_call(action, payload.encode())


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ("{}", b"{}"),
        (' { "b" : 1.50 ,\n "a" : [ 1e3, "x y" ] } ', b'{"b":1.50,"a":[1e3,"x y"]}'),
        ('{"text":"Grüße \\u00e9"}', '{"text":"Grüße \\u00e9"}'.encode()),
    ],
)
def test_a_payload_goes_out_as_typed(typed: str, sent: bytes) -> None:
    assert compact(typed) == sent


@pytest.mark.parametrize(
    "typed",
    ["", "[]", "nonsense", '{"a":1', '{"a":1} x', '"text"', "null", "\udcff", '{"a":' + "[" * 999 + "]" * 999 + "}"],
)
def test_what_is_not_a_json_object_is_refused(typed: str) -> None:
    with pytest.raises(Malformed, match="not a JSON object"):
        compact(typed)
