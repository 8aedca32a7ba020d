"""Every broken frame of every request: exactly the answer that the table says, and the session goes on."""

from __future__ import annotations

import json

import pytest

from negative.answers import RESULTS, refusal, result
from negative.desk import FROM_CHARGER, Desk, check_result
from negative.frames import SHAPES, Meant, Shape, not_for_us
from negative.payloads import Case, Wrong, whole, wrong_payloads
from tinyocpp.leniency import LOSSES
from tinyocpp.messages import ACTIONS
from tinyocpp.messages.payload import Payload


def right(action: str) -> str:
    return json.dumps(whole(ACTIONS[action].request))


def empty(type_: type[Payload]) -> Case:
    """The payload {}: the first of its required fields is what is missed."""
    missed = [case for case in wrong_payloads(type_) if case.wrong is Wrong.DROPPED and case.parent == "$"]
    return missed[0] if missed else Case(Wrong.NULL_OPTIONAL, "$", b"{}")


def check(desk: Desk, shape: Shape, action: str, *, strict: bool) -> None:
    heard = [json.loads(text) for text in desk.hears(shape.write(action, right(action)))]
    message_id = json.loads(shape.message_id)
    match shape.meant:
        case Meant.NO_CALL:
            assert heard == [], (str(shape), heard)
        case Meant.UNKNOWN | Meant.NOT_HERE:
            (answer,) = heard
            assert answer[:3] == [4, message_id, str(shape.meant)]
            assert answer[4:] == [{}]
        case Meant.RIGHT:
            (answer,) = heard
            check_result(answer, [3, message_id, RESULTS[action]])
        case Meant.EMPTY:
            (answer,) = heard
            missing = empty(ACTIONS[action].request)
            refused = refusal(action, missing, strict=strict)
            if refused is None:
                lost = Case(Wrong.NO_OBJECT, "$", b"{}")
                check_result(answer, [3, message_id, result(action, lost)])
            else:
                assert answer[:3] == [4, message_id, refused[0]]


@pytest.mark.parametrize("strict", [False, True], ids=["tolerant", "strict"])
@pytest.mark.parametrize("action", FROM_CHARGER)
def test_broken_frames(action: str, strict: bool) -> None:
    desk = Desk(strict=strict)
    for shape in SHAPES:
        check(desk, shape, action, strict=strict)
        assert desk.says(b'[2,"after","Heartbeat",{}]')[:2] == [3, "after"], str(shape)


@pytest.mark.parametrize("strict", [False, True], ids=["tolerant", "strict"])
@pytest.mark.parametrize("shape", list(not_for_us()), ids=lambda shape: shape.name)
def test_what_is_not_for_a_central_system(shape: Shape, strict: bool) -> None:
    check(Desk(strict=strict), shape, "Heartbeat", strict=strict)


@pytest.mark.parametrize("shape", [shape for shape in SHAPES if shape.meant is Meant.NO_CALL], ids=str)
def test_what_is_not_answered_is_recorded(shape: Shape) -> None:
    """Unless nothing was said, or an answer given that nobody waited for."""
    desk = Desk(strict=False)
    frame = shape.write("StartTransaction", right("StartTransaction"))
    desk.hears(frame)
    kinds = {row.kind for row in desk.conversation.noted() if row.raw == frame}
    assert "stray_answer" in kinds or bool(kinds & LOSSES) == bool(frame.strip())


@pytest.mark.parametrize("action", FROM_CHARGER)
def test_the_same_call_twice_is_answered_twice(action: str) -> None:
    """With the same id: whoever repeats a call has not got its answer. A start is the same one."""
    desk = Desk(strict=False)
    frame = f'[2,"1","{action}",{right(action)}]'
    assert desk.hears(frame) == desk.hears(frame)
