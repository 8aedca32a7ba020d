"""Errands: what the session does with a charger by itself, one call at a time, between everybody else's."""

from __future__ import annotations

import pytest
from conversation import Conversation

from tinyocpp import session
from tinyocpp.admission import Standing
from tinyocpp.charger import Charger
from tinyocpp.commands import Answer, Ask, Errand, Outcome, Pause
from tinyocpp.messages.core_boot import RegistrationStatus

BOOT = '[2,"1","BootNotification",{"chargePointVendor":"Acme","chargePointModel":"AC22"}]'


class Diary:
    """An errand that asks twice with a pause between, and what it was told."""

    def __init__(self) -> None:
        self.told: list[Answer | None] = []
        self.closed = False

    def run(self) -> Errand:
        try:
            self.told.append((yield Ask("ClearCache", b"{}", 30)))
            self.told.append((yield Pause(10)))
            self.told.append((yield Ask("Reset", b'{"type":"Soft"}')))
        finally:
            self.closed = True


def frames(talk: Conversation, seconds: float = 0.0) -> list[str]:
    """What goes out when so much time has passed."""
    talk.wait(seconds)
    return talk.session.text_to_send()


def test_an_errand_asks_pauses_and_ends() -> None:
    talk, diary = Conversation(), Diary()
    talk.charger.undertake(diary.run())

    assert talk.says('[2,"1","Heartbeat",{}]') == ['[3,"1",{"currentTime":"2026-06-01T12:00:00Z"}]']
    assert diary.told == []  # its code runs with the next deadline only
    assert talk.session.next_deadline == talk.clock.seconds
    assert frames(talk) == ['[2,"p-1","ClearCache",{}]']
    assert talk.says('[3,"p-1",{"status":"Accepted"}]') == []
    assert talk.session.results_received() == []  # nobody else's
    assert frames(talk) == []
    assert talk.session.next_deadline == talk.clock.seconds + 10
    assert frames(talk, 10) == ['[2,"p-2","Reset",{"type":"Soft"}]']
    talk.says('[4,"p-2","InternalError","no",{}]')
    frames(talk)

    first, pause, last = diary.told
    assert isinstance(first, Answer)
    assert first.agreed
    assert pause is None
    assert isinstance(last, Answer)
    assert (last.outcome, last.agreed) == (Outcome.ERROR, False)
    assert diary.closed
    assert talk.session.next_deadline is None


def test_an_errand_waits_its_turn_behind_a_persons_call_and_a_pause() -> None:
    talk, diary = Conversation(), Diary()
    talk.call("UnlockConnector", b'{"connectorId":1}')
    assert talk.session.text_to_send() == ['[2,"p-1","UnlockConnector",{"connectorId":1}]']
    talk.charger.undertake(diary.run())
    talk.says('[2,"1","Heartbeat",{}]')

    assert frames(talk) == []
    talk.says('[3,"p-1",{"status":"Unlocked"}]')
    assert frames(talk, 0.1) == []  # too fast for small queues (quirk B18)
    assert frames(talk, 0.2) == ['[2,"p-2","ClearCache",{}]']


def test_an_errand_is_told_when_there_is_no_answer_in_time() -> None:
    talk, diary = Conversation(), Diary()
    talk.charger.undertake(diary.run())
    talk.says('[2,"1","Heartbeat",{}]')
    frames(talk)

    assert talk.wait(30) == []
    (answer,) = diary.told
    assert isinstance(answer, Answer)
    assert answer.outcome is Outcome.TIMEOUT


@pytest.mark.parametrize("asking", [True, False])
def test_an_errand_is_closed_with_the_connection(asking: bool) -> None:
    talk, diary = Conversation(), Diary()
    talk.charger.undertake(diary.run())
    talk.says('[2,"1","Heartbeat",{}]')
    frames(talk)
    if not asking:
        talk.says('[3,"p-1",{"status":"Accepted"}]')
        frames(talk)

    talk.session.connection_lost()

    assert diary.closed
    assert talk.session.next_deadline is None


def test_what_the_standard_withholds_an_errand_is_told_too() -> None:
    talk, diary = Conversation(registration=RegistrationStatus.REJECTED), Diary()
    talk.charger.undertake(diary.run())
    talk.says('[2,"1","Heartbeat",{}]')

    assert frames(talk) == []
    assert frames(talk) == []
    (answer,) = diary.told
    assert isinstance(answer, Answer)
    assert (answer.outcome, answer.description) == (Outcome.WITHHELD, "its registration is Rejected")


def test_those_of_an_accepted_charger_begin_once_with_its_first_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[str] = []

    def begin(charger: Charger) -> Errand | None:
        begun.append(charger.id)
        return Diary().run() if len(begun) == 1 else None

    monkeypatch.setattr(session, "WHEN_ACCEPTED", (begin, begin))
    talk = Conversation(standing=Standing.CANDIDATE)
    talk.session.opened(talk.clock.seconds)
    talk.says('[2,"1","Heartbeat",{}]')  # refused: it has not booted
    assert begun == []

    talk.says(BOOT)
    talk.says('[2,"1","Heartbeat",{}]')

    assert begun == ["garage", "garage"]
    assert frames(talk) == ['[2,"p-1","ClearCache",{}]']


def test_those_of_any_connection_begin_before_a_word_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    diary = Diary()
    monkeypatch.setattr(session, "AT_CONNECTION", (lambda _charger: diary.run(),))
    talk = Conversation(standing=Standing.CANDIDATE)

    talk.session.opened(talk.clock.seconds)

    assert frames(talk) == ['[2,"p-1","ClearCache",{}]']


class Watch:
    """An errand that asks, and pauses until it is woken."""

    def __init__(self) -> None:
        self.looks = 0

    def run(self) -> Errand:
        while True:
            self.looks += 1
            yield Ask("ClearCache", b"{}")
            yield Pause(600, wakes=True)


def answer(talk: Conversation, number: int) -> None:
    talk.says(f'[3,"p-{number}",{{"status":"Accepted"}}]')
    talk.wait(0.3)


def test_an_errand_that_pauses_is_woken() -> None:
    talk, watch = Conversation(), Watch()
    talk.charger.undertake(watch.run())
    talk.says('[2,"1","Heartbeat",{}]')
    frames(talk)
    answer(talk, 1)
    frames(talk, 30)
    assert watch.looks == 1
    talk.charger.wake()
    talk.says('[2,"2","Heartbeat",{}]')
    frames(talk)
    assert watch.looks == 2


def test_an_errand_that_is_woken_while_it_asks_pauses_no_more() -> None:
    """Else what woke it would wait until the pause is over."""
    talk, watch = Conversation(), Watch()
    talk.charger.undertake(watch.run())
    talk.says('[2,"1","Heartbeat",{}]')
    frames(talk)
    talk.charger.wake()
    talk.says('[2,"2","Heartbeat",{}]')
    answer(talk, 1)
    frames(talk)
    assert watch.looks == 2
    answer(talk, 2)
    frames(talk, 30)
    assert watch.looks == 2  # but once
