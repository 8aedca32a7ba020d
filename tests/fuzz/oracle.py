"""Which frames must be answered, told without any code of ours: what the standard library reads as a CALL of OCPP-J."""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

_LINE = re.compile(rb"\s*\[\s*2\s*,")


class _NotJson(ValueError):
    pass


def _refuse(word: str) -> NoReturn:
    raise _NotJson(word)


def _number(digits: str) -> int | str:
    """An id may have more digits than Python reads."""
    return int(digits) if len(digits) < 4000 else digits


def call_id(data: bytes) -> str | int | float | None:
    """The message id of a CALL that is one in every detail of its frame, whatever its payload; else None: such a frame
    may be answered, once, or not."""
    try:
        frame = json.loads(data.decode(), parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None
    if not isinstance(frame, list) or len(frame) not in (3, 4) or not isinstance(frame[0], int) or frame[0] != 2:
        return None
    message_id, action = frame[1:3]
    readable = isinstance(message_id, str) and message_id.isprintable()
    return message_id if readable and isinstance(action, str) else None


def call_id_on_a_line(data: bytes) -> str | int | float | None:
    """The same on a pipe, where a frame is a line that begins like one."""
    return call_id(data) if b"\n" not in data and _LINE.match(data) else None


def answered_id(text: str) -> Any:
    """The message id an answer carries; None for a call of ours. Fails for what is neither."""
    frame = json.loads(text, parse_int=_number)
    assert isinstance(frame, list), text[:200]
    if frame[0] == 2:
        return None
    assert (frame[0], len(frame)) in ((3, 3), (4, 5)), text[:200]
    assert isinstance(frame[-1], dict), text[:200]
    return frame[1]
