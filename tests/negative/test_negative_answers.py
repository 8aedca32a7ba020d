"""Every wrong answer to every call of ours: it ends the call as what it is, is never answered, and the next call goes
out."""

from __future__ import annotations

import json

import pytest

from negative.answers import ANSWERS
from negative.desk import FROM_CENTRAL, Desk
from negative.payloads import Case, Wrong, whole, wrong_payloads
from tinyocpp.commands import AGREED, Answer
from tinyocpp.messages import ACTIONS

HEARTBEAT = '[2,"1","Heartbeat",{}]'


def answered(desk: Desk, action: str, frame: str) -> Answer:
    """How our call ended to which the charger says this; =ID= stands for the call's."""
    desk.connect()
    conversation = desk.conversation
    number = conversation.call(action, json.dumps(whole(ACTIONS[action].request)).encode())
    (sent,) = conversation.session.text_to_send()
    message_id = json.loads(sent)[1]
    said = conversation.says(frame.replace("=ID=", message_id))
    assert all(text.startswith("[2,") for text in said), said
    (ended,) = [answer for answer in conversation.session.results_received() if answer.call_id == number]
    check_goes_on(desk)
    return ended


def check_goes_on(desk: Desk) -> None:
    """The next call goes out and is answered, and so is the charger."""
    conversation = desk.conversation
    number = conversation.call("ClearCache")
    conversation.clock.pass_(60)
    conversation.session.expire(conversation.clock.seconds)
    sent = [json.loads(text) for text in conversation.session.text_to_send()]
    while not [frame for frame in sent if frame[2] == "ClearCache"]:  # what we wanted of it by ourselves comes first
        sent = [json.loads(text) for text in conversation.says(f'[4,"{sent[0][1]}","NotSupported","",{{}}]')]
    conversation.says(f'[3,"{sent[0][1]}",{{"status":"Accepted"}}]')
    (ended,) = [answer for answer in conversation.session.results_received() if answer.call_id == number]
    assert ended.agreed
    assert conversation.says(HEARTBEAT)[0].startswith('[3,"1",')
    assert not conversation.session.closing


def means_yes(action: str, case: Case) -> bool:
    """A word that means yes stands in the answer, in whatever case, or none is there (docs/programs.md)."""
    if case.wrong is Wrong.NO_OBJECT:
        return False
    document = json.loads(case.payload)
    status = document.get("status")
    return status is None or str(status).lower() in {word.lower() for word in AGREED}


@pytest.mark.parametrize("action", FROM_CENTRAL)
def test_wrong_answers(action: str) -> None:
    desk = Desk(strict=False)
    for case in wrong_payloads(ACTIONS[action].result):
        ended = answered(desk, action, f'[3,"=ID=",{case.payload.decode()}]')
        assert ended.action == action
        if case.wrong is not Wrong.NO_OBJECT:
            assert (ended.outcome, ended.payload) == ("result", case.payload), str(case)
        assert ended.agreed == means_yes(action, case), str(case)


@pytest.mark.parametrize(("frame", "outcome", "code"), ANSWERS)
def test_broken_frames_that_answer(frame: str, outcome: str, code: str) -> None:
    ended = {action: answered(Desk(strict=False), action, frame) for action in FROM_CENTRAL}
    found = {action: (answer.outcome, answer.code) for action, answer in ended.items()}
    assert found == dict.fromkeys(FROM_CENTRAL, (outcome, code))


@pytest.mark.parametrize(
    "frame", ['[3,"other",{}]', "[3,7,{}]", "[3,null,{}]", '[3,["ID"],{}]', "[3]", '[5,"ID",{}]', "[4]"]
)
def test_what_answers_something_else_ends_nothing(frame: str) -> None:
    for action in FROM_CENTRAL:
        desk = Desk(strict=False)
        conversation = desk.conversation
        number = conversation.call(action)
        (sent,) = conversation.session.text_to_send()
        message_id = json.loads(sent)[1]
        assert conversation.says(frame.replace("=ID=", message_id)) == [], action
        assert conversation.session.results_received() == [], action
        conversation.says(f'[3,"{message_id}",{{}}]')
        assert [answer.call_id for answer in conversation.session.results_received()] == [number], action
