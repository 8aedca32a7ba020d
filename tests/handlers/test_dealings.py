"""What is agreed with a charger is kept by what it answers: reservations, upkeep, vendors' messages."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from conversation import NOON, Conversation

from tinyocpp.config import VendorConfig
from tinyocpp.dealings import ReservationState, UpkeepKind

RESERVE = b'{"connectorId":1,"expiryDate":"2026-06-01T14:00:00Z","idTag":"04A2","reservationId":7,"parentIdTag":"us"}'


def answered(talk: Conversation, action: str, payload: bytes, answer: str | None) -> None:
    """Send the call; the answer is a result's payload, None: a CALLERROR."""
    talk.wait(1)
    number = talk.call(action, payload)
    talk.session.text_to_send()
    talk.says(f'[3,"p-{number}",{answer}]' if answer else f'[4,"p-{number}","InternalError","",{{}}]')


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        ('{"status":"Accepted"}', ReservationState.ACTIVE),
        ('{"status":"Occupied"}', ReservationState.REFUSED),
        (None, ReservationState.ASKED),
    ],
)
def test_a_reservation_is_as_the_charger_answered(answer: str | None, state: ReservationState) -> None:
    talk = Conversation()

    answered(talk, "ReserveNow", RESERVE, answer)

    (kept,) = talk.reader.reservations("GARAGE")
    assert (kept.reservation_id, kept.connector_id, kept.id_tag, kept.parent_id_tag) == (7, 1, "04A2", "us")
    assert kept.state is state
    assert kept.active(NOON) is (state is ReservationState.ACTIVE)
    assert not kept.active(NOON + timedelta(hours=2))


@pytest.mark.parametrize("answer", ['{"status":"Accepted"}', '{"status":"Rejected"}'])
def test_cancelled_or_unknown_a_reservation_is_over(answer: str) -> None:
    talk = Conversation()
    answered(talk, "ReserveNow", RESERVE, '{"status":"Accepted"}')

    answered(talk, "CancelReservation", b'{"reservationId":7}', answer)

    assert [kept.state for kept in talk.reader.reservations()] == [ReservationState.CANCELLED]


def test_the_transaction_that_names_a_reservation_uses_it_once() -> None:
    talk = Conversation()
    answered(talk, "ReserveNow", RESERVE, '{"status":"Accepted"}')
    start = {"connectorId": 1, "idTag": "04A2", "meterStart": 0, "timestamp": "2026-06-01T12:00:00Z"}

    number = talk.asks("StartTransaction", **start, reservationId=7)["transactionId"]
    talk.asks("StartTransaction", **(start | {"timestamp": "2026-06-01T13:00:00Z"}), reservationId=7)

    (kept,) = talk.reader.reservations()
    assert (kept.state, kept.transaction_id) == (ReservationState.USED, number)


def test_what_was_typed_raw_reserves_nothing() -> None:
    talk = Conversation()

    answered(talk, "ReserveNow", b'{"reservationId":7}', '{"status":"Accepted"}')
    answered(talk, "CancelReservation", b"{}", '{"status":"Accepted"}')

    assert talk.reader.reservations() == []


@pytest.mark.parametrize(
    ("call", "payload", "answer", "expected"),
    [
        ("GetDiagnostics", b'{"location":"ftp://x/"}', '{"fileName":"d.txt"}', ("diagnostics", None, "asked", "d.txt")),
        ("GetDiagnostics", b'{"location":"ftp://x/"}', "{}", ("diagnostics", None, "asked", None)),
        ("GetLog", b'{"requestId":4}', '{"status":"Accepted","filename":"l"}', ("log", 4, "asked", "l")),
        ("GetLog", b'{"requestId":4}', '{"status":"Rejected"}', ("log", 4, "Rejected", None)),
        ("UpdateFirmware", b'{"location":"ftp://x/"}', "{}", ("firmware", None, "asked", None)),
        ("UpdateFirmware", b'{"location":"ftp://x/"}', None, ("firmware", None, "asked", None)),
        ("SignedUpdateFirmware", b'{"requestId":5}', '{"status":"Accepted"}', ("firmware", 5, "asked", None)),
    ],
)
def test_upkeep_is_remembered_from_the_call_on(
    call: str, payload: bytes, answer: str | None, expected: tuple[object, ...]
) -> None:
    talk = Conversation()

    answered(talk, call, payload, answer)

    (kept,) = talk.reader.upkeep("garage")
    assert (kept.what, kept.request_id, kept.status, kept.file_name) == expected
    assert kept.asked_at is not None


@pytest.mark.parametrize(
    ("action", "payload", "what"),
    [
        ("DiagnosticsStatusNotification", {"status": "Uploading"}, UpkeepKind.DIAGNOSTICS),
        ("FirmwareStatusNotification", {"status": "Downloading"}, UpkeepKind.FIRMWARE),
        ("LogStatusNotification", {"status": "Uploading", "requestId": 4}, UpkeepKind.LOG),
        ("SignedFirmwareStatusNotification", {"status": "Downloading", "requestId": 5}, UpkeepKind.FIRMWARE),
    ],
)
def test_how_upkeep_goes_is_kept_and_told(action: str, payload: dict[str, object], what: UpkeepKind) -> None:
    talk = Conversation(watched=True)

    assert talk.asks(action, **payload) == {}
    assert talk.asks(action, status="Idle") == {}  # no step of anything

    (kept,) = talk.reader.upkeep()
    assert (kept.what, kept.status, kept.request_id, kept.asked_at) == (
        what,
        payload["status"],
        payload.get("requestId"),
        None,
    )
    (event,) = [event for event in talk.events() if event.event == "upkeep"]
    assert event.details["status"] == payload["status"]
    assert len(talk.reader.calls("garage", action, 10)) == 2


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        ({"vendorId": "COM.acme", "messageId": "hello"}, {"status": "Accepted", "data": "42"}),
        ({"vendorId": "com.acme", "messageId": "bye"}, {"status": "UnknownMessageId"}),
        ({"vendorId": "com.acme"}, {"status": "UnknownMessageId"}),
        ({"vendorId": "com.any"}, {"status": "Rejected"}),
        ({"vendorId": "com.other"}, {"status": "UnknownVendorId"}),
    ],
)
def test_a_vendors_message_is_answered_by_the_owners_table(asked: dict[str, str], answer: dict[str, str]) -> None:
    talk = Conversation()
    talk.charger.vendors = {
        "com.acme": VendorConfig(data="42", messages=("hello",)),
        "com.any": VendorConfig(status="Rejected"),
    }

    assert talk.asks("DataTransfer", **asked) == answer

    ((_, kept),) = talk.reader.calls("garage", "DataTransfer", 1)
    assert json.loads(kept) == asked


def test_what_was_typed_raw_costs_no_connection() -> None:
    talk = Conversation()

    answered(talk, "GetLog", b'{"requestId":9223372036854775808}', '{"status":"Accepted"}')

    assert talk.reader.upkeep("garage") == []


def test_of_a_refusal_and_a_name_no_more_is_kept_than_anybody_reads() -> None:
    talk = Conversation()

    answered(talk, "GetLog", b'{"requestId":4}', json.dumps({"status": "A" * 100_000}))
    answered(talk, "GetDiagnostics", b"{}", json.dumps({"fileName": "B" * 100_000}))

    kept = talk.reader.upkeep("garage")
    assert [(one.status, one.file_name) for one in kept] == [("asked", "B" * 255), ("A" * 100, None)]
