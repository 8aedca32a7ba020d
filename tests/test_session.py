"""The session by itself: calls of ours and their ends, habits of speech, and what costs a write.

What is said and heard is shown by the transcripts; here is what they cannot see.
"""

from __future__ import annotations

import json

import pytest
from conversation import NOON, Conversation

from tinyocpp.admission import Standing
from tinyocpp.commands import Answer, Outcome
from tinyocpp.connectors import Offer
from tinyocpp.session import DEAF_AFTER, HABITS_KEPT, LATE_KEPT, SEEN_EVERY_S

RESET, CLEAR = b'{"type":"Soft"}', b"{}"


@pytest.fixture
def house() -> Conversation:
    return Conversation()


# --- our calls


def test_a_call_goes_out_as_typed_without_the_space_between(house: Conversation) -> None:
    house.call("Reset", b'{ "type" : "Soft",\n "x" : " " }')
    assert house.session.text_to_send() == ['[2,"p-1","Reset",{"type":"Soft","x":" "}]']


def test_what_there_is_to_send_and_to_tell_is_given_once(house: Conversation) -> None:
    house.call("ClearCache")
    assert len(house.session.text_to_send()) == 1
    assert house.says('[3,"p-1",{"status":"Accepted"}]') == []
    answer = Answer(1, "ClearCache", Outcome.RESULT, b'{"status":"Accepted"}')
    assert house.session.results_received() == [answer]
    assert (house.session.text_to_send(), house.session.results_received()) == ([], [])


def test_an_error_carries_its_code_and_description(house: Conversation) -> None:
    house.call("ClearCache")
    house.says('[4,"p-1","NotSupported","no cache",{}]')
    answer = Answer(1, "ClearCache", Outcome.ERROR, code="NotSupported", description="no cache")
    assert house.session.results_received() == [answer]


def test_an_error_may_have_something_before_our_id(house: Conversation) -> None:
    """Quirk F11. A result may not, and something behind it is another id."""
    house.call("ClearCache")
    for stray in ('[3,"5p-1",{}]', '[4,"p-11","GenericError","",{}]', '[4,"p-","GenericError","",{}]'):
        house.says(stray)
    assert house.session.results_received() == []
    house.says('[4,"5p-1","FormationViolation","Unable to process action",{}]')
    assert [answer.outcome for answer in house.session.results_received()] == [Outcome.ERROR]


def test_a_queued_call_that_is_cancelled_does_not_go_out(house: Conversation) -> None:
    house.call("ClearCache")
    second, _third = house.call("Reset", RESET), house.call("GetConfiguration")
    house.session.cancel(second)
    house.session.cancel(99)
    house.session.text_to_send()
    assert house.says('[3,"p-1",{}]') == []  # a moment's pause: some chargers drop what comes too fast (quirk B18)
    house.wait(0.2)
    assert house.session.text_to_send() == ['[2,"p-3","GetConfiguration",{}]']


def test_one_that_has_gone_out_cannot_be_called_back(house: Conversation) -> None:
    house.session.cancel(house.call("ClearCache"))
    house.says('[3,"p-1",{}]')
    assert len(house.session.results_received()) == 1


def test_the_next_deadline_is_the_nearest_of_all_calls(house: Conversation) -> None:
    assert house.session.next_deadline is None
    house.call("ClearCache", timeout_s=60)
    assert house.session.next_deadline == 1060
    house.call("Reset", RESET, timeout_s=5)
    assert house.session.next_deadline == 1005
    assert house.wait(4) == []
    never_sent = "it was never sent: the charger had another call to answer"
    assert house.wait(1) == [Answer(2, "Reset", Outcome.TIMEOUT, description=never_sent)]
    assert house.session.next_deadline == 1060


def test_when_a_call_is_given_up_the_next_goes_out(house: Conversation) -> None:
    house.call("ClearCache", timeout_s=10)
    house.call("Reset", RESET)
    house.session.text_to_send()
    assert house.wait(10) == [Answer(1, "ClearCache", Outcome.TIMEOUT)]
    assert house.session.text_to_send() == ['[2,"p-2","Reset",{"type":"Soft"}]']


def test_a_lost_connection_ends_every_call_in_order(house: Conversation) -> None:
    house.session.connection_lost()
    assert house.session.results_received() == []
    house.call("ClearCache")
    house.call("Reset", RESET)
    house.session.connection_lost()
    ended = [Answer(1, "ClearCache", Outcome.LOST), Answer(2, "Reset", Outcome.LOST)]
    assert house.session.results_received() == ended
    assert house.session.next_deadline is None


def test_a_late_answer_still_teaches_and_is_told_to_nobody(house: Conversation) -> None:
    house.call("GetConfiguration", timeout_s=1)
    house.call("ClearCache", timeout_s=1)
    house.wait(1)
    house.call("GetConfiguration", timeout_s=1)
    house.wait(1)
    house.says('[4,"p-3","InternalError","",{}]')
    house.says('[3,"p-1",{"configurationKey":[{"key":"HeartbeatInterval","readonly":false,"value":"60"}]}]')
    assert house.session.results_received() == []
    assert house.charger.ledger.configuration("garage", "heartbeatinterval") == "60"
    assert [(noted.kind, noted.detail) for noted in house.noted()] == [("late_answer", "GetConfiguration")]


def test_only_so_many_late_answers_are_recognised(house: Conversation) -> None:
    for _ in range(LATE_KEPT + 1):
        house.call("ClearCache", timeout_s=1)
        house.wait(1)
    house.says('[3,"p-1",{}]')
    house.says('[3,"p-2",{}]')
    assert sorted(noted.kind for noted in house.noted()) == ["late_answer", "stray_answer"]


@pytest.mark.parametrize(
    ("patience_s", "closes"),
    [pytest.param(90.0, True, id="three that had time enough"), pytest.param(5.0, False, id="three in a hurry")],
)
def test_a_charger_that_answers_no_call_is_sent_away(house: Conversation, patience_s: float, closes: bool) -> None:
    for _ in range(DEAF_AFTER):
        assert not house.session.closing
        house.call("ClearCache", timeout_s=patience_s)
        house.wait(patience_s)
    assert house.session.closing is closes


def test_one_answer_shows_that_it_hears(house: Conversation) -> None:
    for number in range(1, 2 * DEAF_AFTER):
        house.call("ClearCache")
        if number == DEAF_AFTER:
            house.says(f'[3,"p-{number}",{{}}]')
        house.wait(90)
    assert not house.session.closing


# --- what is remembered


def test_a_habit_is_kept_once_per_connection(house: Conversation) -> None:
    for number in range(5):
        house.asks("StatusNotification", connectorId=1, errorCode="NoError", status="Available", colour=number)
    house.asks("StatusNotification", connectorId=1, errorCode="NoError", status="Available", taste=1)
    assert sorted(noted.detail for noted in house.noted()) == ["colour: 0", "taste: 1"]


def test_what_got_lost_is_kept_each_time(house: Conversation) -> None:
    for number in range(3):
        house.says(f"nonsense {number}")
    assert sorted(noted.raw for noted in house.noted()) == ["nonsense 0", "nonsense 1", "nonsense 2"]


def test_a_thousand_habits_are_a_thousand_writes_at_most(house: Conversation) -> None:
    for number in range(HABITS_KEPT + 3):
        house.asks("Heartbeat", **{f"field{number}": 1})
    assert len(house.noted()) == HABITS_KEPT + 3
    house.asks("Heartbeat", **{f"field{HABITS_KEPT + 2}": 1})
    house.asks("Heartbeat", field0=1)
    times = {noted.detail: noted.times for noted in house.noted()}
    assert (times["field0: 1"], times[f"field{HABITS_KEPT + 2}: 1"]) == (1, 2)


def test_being_heard_costs_a_write_now_and_then_only(house: Conversation) -> None:
    def seen_at_seconds() -> float:
        registered = house.store.register.find("garage")
        assert registered is not None
        assert registered.last_seen_at is not None
        return (registered.last_seen_at - NOON).total_seconds()

    heard = []
    for _ in range(5):
        house.asks("Heartbeat")
        heard.append(seen_at_seconds())
        house.clock.pass_(SEEN_EVERY_S / 2)
    assert heard == [0, 0, SEEN_EVERY_S, SEEN_EVERY_S, 2 * SEEN_EVERY_S]


def test_a_stranger_leaves_no_trace() -> None:
    house = Conversation(standing=Standing.CANDIDATE)
    house.says("nonsense")
    house.says('[2,"1","Nonsense",{}]')
    assert house.noted() == []
    assert house.store.register.find("garage") is None


def test_an_owner_may_let_a_stranger_in_while_it_waits() -> None:
    house = Conversation(standing=Standing.CANDIDATE)
    assert house.says('[2,"1","Heartbeat",{}]')[0].startswith('[4,"1","SecurityError"')
    house.store.register.admit("garage", NOON)
    assert house.asks("Heartbeat") == {"currentTime": "2026-06-01T12:00:00Z"}


def test_a_frame_of_which_something_is_missing_is_no_well_formed_boot() -> None:
    house = Conversation(standing=Standing.CANDIDATE)
    for boot in ('{"chargePointVendor":"A"}', "7", '{"chargePointVendor":"A","chargePointModel"'):
        assert '"Rejected"' in house.says(f'[2,"1","BootNotification",{boot}]')[0]
    assert house.charger.standing is Standing.CANDIDATE
    assert '"Accepted"' in house.says('[2,"1","BootNotification",{"chargePointVendor":"A","chargePointModel":"B"}]')[0]


# --- whoever follows


def test_the_end_of_a_call_is_an_event() -> None:
    house = Conversation(watched=True)
    house.call("ClearCache")
    house.says('[3,"p-1",{}]')
    (event,) = house.events()
    assert (event.event, event.at, event.details) == ("command", NOON, {"action": "ClearCache", "outcome": "result"})


def test_nobody_is_told_when_nobody_listens(house: Conversation) -> None:
    house.call("ClearCache")
    house.says('[3,"p-1",{}]')
    house.says("nonsense")
    assert house.events() == []


def test_a_nod_and_an_offer_taken_back_come_to_nothing_where_nothing_is_limited() -> None:
    talk = Conversation()
    talk.session.heed_wish(talk.clock.seconds)
    talk.session.heed_offer(Offer(connector_id=1), talk.clock.seconds)
    talk.wait(0)
    assert talk.session.text_to_send() == []
    assert (talk.charger.limiting, talk.charger.connectors) == (False, {})


def test_an_offer_is_taken_up_once() -> None:
    talk = Conversation()
    for current_a in (10.0, 12.0):
        talk.session.heed_offer(Offer(connector_id=1, current_a=current_a), talk.clock.seconds)
    talk.wait(0)
    assert [json.loads(text)[2] for text in talk.session.text_to_send()] == ["GetConfiguration"]
    assert talk.charger.connector(1).offer == Offer(connector_id=1, current_a=12.0)


def test_a_charger_that_was_not_let_in_is_told_no_limit() -> None:
    talk = Conversation(standing=Standing.CANDIDATE)
    talk.session.heed_offer(Offer(connector_id=1, current_a=10.0), talk.clock.seconds)
    assert (talk.charger.limiting, talk.charger.connectors) == (False, {})
