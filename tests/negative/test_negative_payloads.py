"""Every wrong payload of every request, with `strict` and without: exactly the answer that the tables say."""

from __future__ import annotations

import json

import pytest

from negative.answers import NEVER_REFUSED, RESULTS, refusal, result
from negative.desk import FROM_CHARGER, Desk, call, check_result
from negative.payloads import Wrong, whole, wrong_payloads
from tinyocpp.leniency import OddityKind
from tinyocpp.messages import ACTIONS


def test_every_request_has_a_row() -> None:
    assert sorted(RESULTS) == sorted(FROM_CHARGER)


@pytest.mark.parametrize("strict", [False, True], ids=["tolerant", "strict"])
@pytest.mark.parametrize("action", FROM_CHARGER)
def test_the_whole_document_is_right(action: str, strict: bool) -> None:
    desk = Desk(strict=strict)
    document = json.dumps(whole(ACTIONS[action].request)).encode()
    answer = desk.says(call(action, 1, document))
    check_result(answer, [3, "1", RESULTS[action]])
    assert not {row.kind for row in desk.conversation.noted()} & {OddityKind.REFUSED, OddityKind.MISSING}


@pytest.mark.parametrize("strict", [False, True], ids=["tolerant", "strict"])
@pytest.mark.parametrize("action", FROM_CHARGER)
def test_wrong_payloads(action: str, strict: bool) -> None:
    desk = Desk(strict=strict)
    for number, case in enumerate(wrong_payloads(ACTIONS[action].request)):
        answer = desk.says(call(action, number, case.payload))
        refused = refusal(action, case, strict=strict)
        if refused is None:
            check_result(answer, [3, str(number), result(action, case)], case)
        else:
            code, place = refused
            assert answer[:3] == [4, str(number), code], (str(case), answer)
            assert answer[4:] == [{}]
            assert place in answer[3], str(case)
            assert len(answer[3]) <= 255
    assert not desk.conversation.session.closing


@pytest.mark.parametrize("strict", [False, True], ids=["tolerant", "strict"])
@pytest.mark.parametrize("action", NEVER_REFUSED)
def test_what_is_never_refused_is_kept(action: str, strict: bool) -> None:
    """As it came, beside what could be made of it; what means the same without a change is only a habit of speech."""
    desk = Desk(strict=strict)
    frames = {}
    for number, case in enumerate(wrong_payloads(ACTIONS[action].request)):
        frames[call(action, number, case.payload).decode()] = case
        desk.says(call(action, number, case.payload))
    lost = set(frames) - desk.raw_kept()
    assert {str(frames[frame]) for frame in lost if frames[frame].wrong is not Wrong.NULL_OPTIONAL} == set()


@pytest.mark.parametrize("strict", [False, True], ids=["tolerant", "strict"])
def test_every_start_is_booked(strict: bool) -> None:
    desk = Desk(strict=strict)
    for number, case in enumerate(wrong_payloads(ACTIONS["StartTransaction"].request)):
        answer = desk.says(call("StartTransaction", number, case.payload))
        assert answer[2]["transactionId"] in desk.transactions_kept(), str(case)


@pytest.mark.parametrize("strict", [False, True], ids=["tolerant", "strict"])
def test_a_stop_of_a_transaction_ends_it_unless_it_is_the_number_that_is_wrong(strict: bool) -> None:
    """And is kept either way; a register that cannot be read is not one of nought."""
    for number, case in enumerate(wrong_payloads(ACTIONS["StopTransaction"].request)):
        if case.path in ("$", "$.transactionId"):
            continue
        desk = Desk(strict=strict)
        start = whole(ACTIONS["StartTransaction"].request)
        begun = desk.says(call("StartTransaction", 1, json.dumps(start).encode()))[2]["transactionId"]
        payload = case.payload.replace(b'"transactionId": 17', b'"transactionId": %d' % begun)
        desk.says(call("StopTransaction", number, payload))
        (booking,) = desk.conversation.reader.bookings(None, None, simulator=True)
        assert booking.transaction_id == begun
        assert booking.stopped_at is not None, str(case)
        assert booking.energy_wh == (2000 if "meterStop" not in case.path else booking.energy_wh), str(case)
        assert booking.energy_wh is None or booking.energy_wh >= 0
