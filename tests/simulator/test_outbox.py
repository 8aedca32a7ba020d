"""The order in which calls go out, and what becomes of their answers."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from tinyocpp.messages.core import MeterValuesResult
from tinyocpp.messages.core_boot import Heartbeat, HeartbeatResult
from tinyocpp.simulator.configuration import Configuration
from tinyocpp.simulator.outbox import Outbox

NOW = datetime(2026, 6, 1, tzinfo=UTC)
CURRENT_TIME = b'{"currentTime":"2026-06-01T00:00:00Z"}'


class Sent:
    """An outbox, what it complained of and how its calls ended."""

    def __init__(self):
        self.problems, self.ended = [], []
        self.outbox = Outbox("p-", Configuration(1), lambda text, _now: self.problems.append(text))

    def heartbeat(self, name, **options):
        self.outbox.post(
            Heartbeat(), HeartbeatResult, lambda result, _: self.ended.append((name, bool(result))), **options
        )

    def transactional(self, name):
        self.outbox.enqueue(
            Heartbeat, Heartbeat, MeterValuesResult, lambda result, _: self.ended.append((name, result is not None))
        )

    def next(self, now=NOW, accepted=True):
        frame = self.outbox.next_frame(now, accepted=accepted)
        return frame and json.loads(frame)[1]


@pytest.fixture
def sent():
    return Sent()


def test_one_at_a_time_ordinary_first(sent):
    sent.transactional("meter")
    sent.heartbeat("first")
    sent.heartbeat("second")
    assert (sent.next(), sent.next()) == ("p-1", None)
    sent.outbox.result("p-1", CURRENT_TIME, NOW)
    assert (sent.next(), sent.next()) == ("p-2", None)
    sent.outbox.result("p-2", CURRENT_TIME, NOW)
    assert sent.next() == "p-3"
    assert not sent.outbox.empty
    sent.outbox.result("p-3", b"{}", NOW)
    assert sent.outbox.empty
    assert sent.ended == [("first", True), ("second", True), ("meter", True)]
    assert sent.problems == []


def test_before_acceptance_only_early_calls(sent):
    sent.transactional("meter")
    sent.heartbeat("late")
    sent.heartbeat("early", early=True)
    assert sent.next(accepted=False) == "p-1"
    sent.outbox.result("p-1", CURRENT_TIME, NOW)
    assert sent.ended == [("early", True)]
    assert sent.next(accepted=False) is None
    assert sent.outbox.next_deadline(accepted=False) is None


def test_an_answer_to_nothing_is_dropped(sent):
    sent.outbox.result("p-1", b"{}", NOW)
    sent.outbox.error("p-1", "InternalError", "", NOW)
    assert len(sent.problems) == 2


def test_an_unreadable_answer_is_a_failure(sent):
    sent.heartbeat("one")
    sent.next()
    sent.outbox.result("p-1", b'{"currentTime":7}', NOW)
    assert sent.ended == [("one", False)]
    assert "currentTime" in sent.problems[0]


def test_an_unreadable_answer_to_a_transaction_message_is_tried_again(sent):
    sent.transactional("meter")
    sent.next()
    sent.outbox.result("p-1", b"7", NOW)
    assert sent.ended == []
    assert sent.next() is None
    due = sent.outbox.next_deadline(accepted=True)
    assert due == NOW + timedelta(seconds=10)
    assert sent.next(now=due) == "p-2"


def test_an_overdue_answer_is_not_waited_for(sent):
    sent.heartbeat("one")
    sent.next()
    due = sent.outbox.next_deadline(accepted=True)
    sent.outbox.expire(due - timedelta(seconds=1))
    assert sent.ended == []
    sent.outbox.expire(due)
    assert (sent.ended, sent.problems) == ([("one", False)], ["no answer to Heartbeat"])


def test_a_broken_line_loses_ordinary_calls_and_keeps_transaction_messages(sent):
    sent.heartbeat("asked")
    sent.heartbeat("waiting")
    sent.transactional("meter")
    sent.next()
    sent.outbox.disconnected(NOW)
    assert sent.ended == [("asked", False), ("waiting", False)]
    for number in range(2, 12):  # a lost connection is no attempt
        assert sent.next() == f"p-{number}"
        sent.outbox.disconnected(NOW)
    assert sent.outbox.unacknowledged == 1


def test_a_power_cycle_forgets_ordinary_calls_silently(sent):
    sent.heartbeat("asked")
    sent.next()
    sent.heartbeat("waiting")
    sent.transactional("meter")
    sent.outbox.forget_ordinary()
    assert sent.ended == []
    assert sent.outbox.unacknowledged == 1
