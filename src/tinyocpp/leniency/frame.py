"""A text from a charger into a frame, however broken: the first half of leniency.

Every CALL whose id can be made out becomes a Call, so that it can be answered: chargers repeat for ever what they got
no answer to (F13, X8).
"""

from __future__ import annotations

import re

import msgspec

from tinyocpp.leniency.oddity import Oddity, OddityKind, Reading, broken, shown
from tinyocpp.leniency.repair import repair
from tinyocpp.messages.frames import EMPTY, Call, CallError, CallResult, ErrorCode, Frame

LENGTHS = {2: (3, 4), 3: (2, 3), 4: (2, 5)}  # of a CALL, CALLRESULT and CALLERROR: the least and the right one

# A CALL in what is otherwise lost: its id, a text or a number, and its action.
_CALL = re.compile(
    r'\[\s*"?2(?:\.0)?"?\s*,\s*(?P<id>"[^"\\\x00-\x1f]*"|-?(?:0|[1-9]\d*)(?:\.\d+)?)\s*,\s*"(?P<action>(?:[^"\\]|\\.)*+)"',
    re.ASCII,
)
_elements = msgspec.json.Decoder(list[msgspec.Raw])
_text = msgspec.json.Decoder(str)


def read_broken(text: str) -> Reading:
    """What `decode_frame` has refused. Never raises."""
    if not text.strip():
        return Reading()  # F8
    repaired, faults = repair(text, "[")
    try:
        elements = _elements.decode(repaired)
    except (msgspec.MsgspecError, RecursionError):
        return _salvage(text)
    reading = _from_elements(elements) or _salvage(text)
    if not faults:
        return reading
    return msgspec.structs.replace(reading, oddities=(broken(faults), *reading.oddities))


def without_id(message_id: msgspec.Raw) -> Reading:
    """A frame whose id is no text and no number: nothing can be said to it that its sender would understand."""
    return _ignored(f"message id {_shown(message_id)}")


def without_payload(frame: CallResult) -> Reading:
    """An answer whose payload is no object: null says nothing (F7), anything else nobody knows what."""
    what = f"payload: {_shown(frame.payload)}"
    if bytes(frame.payload) == b"null":
        return Reading(CallResult(frame.message_id), (Oddity(OddityKind.NULL, what),))
    error = CallError(frame.message_id, ErrorCode.FORMATION_VIOLATION, f"the charger's answer is no object: {what}")
    return Reading(error, (Oddity(OddityKind.NOT_AN_OBJECT, what),))


def _from_elements(elements: list[msgspec.Raw]) -> Reading | None:
    """None: it is a frame of 1.6 by its type, but not by what follows."""
    type_ = _message_type(elements[0]) if elements else None
    if type_ is None:
        return _ignored("message type " + _shown(elements[0]) if elements else "empty array")
    least, right = LENGTHS[type_]
    if len(elements) < least:
        return None
    message_id, *rest = elements[1:]
    if not _is_scalar(message_id):
        return without_id(message_id)
    frame = _build(type_, message_id, rest)
    if frame is None:
        return None
    if isinstance(frame, CallResult) and not bytes(frame.payload).startswith(b"{"):
        return without_payload(frame)
    if len(elements) == right and bytes(elements[0]) == b"%d" % type_ and not isinstance(frame, CallError):
        return Reading(frame)
    shape = f"{len(elements)} elements, message type {_shown(elements[0])}"
    return Reading(frame, (Oddity(OddityKind.FRAME_SHAPE, shape),))


def _build(type_: int, message_id: msgspec.Raw, rest: list[msgspec.Raw]) -> Frame | None:
    match type_:
        case 2:
            action = _as_text(rest[0])
            return None if action is None else Call(message_id, action, rest[1] if len(rest) > 1 else EMPTY)
        case 3:
            return CallResult(message_id, rest[0] if rest else EMPTY)
    code, description = (_as_text(element) for element in (*rest[:2], EMPTY, EMPTY)[:2])
    details = rest[2] if len(rest) > 2 else EMPTY
    return CallError(message_id, code or ErrorCode.GENERIC_ERROR, description or "", details)


def _salvage(text: str) -> Reading:
    oddity = Oddity(OddityKind.UNREADABLE, shown(text))
    found = _CALL.search(text.encode("utf-8", "replace").decode())
    if found is None:
        return Reading(None, (oddity,))
    return Reading(Call(msgspec.Raw(found["id"].encode()), found["action"]), (oddity,), unreadable=True)


def _ignored(what: str) -> Reading:
    return Reading(None, (Oddity(OddityKind.IGNORED, what),))


def _message_type(raw: msgspec.Raw) -> int | None:
    """2, 3 or 4, also written as 2.0 or "2"."""
    try:
        number = float(bytes(raw).strip(b'"'))
    except ValueError:
        return None
    return int(number) if number in LENGTHS else None


def _is_scalar(raw: msgspec.Raw) -> bool:
    return not bytes(raw).startswith((b"[", b"{"))


def _as_text(raw: msgspec.Raw) -> str | None:
    try:
        return _text.decode(raw)
    except msgspec.MsgspecError:
        return None


def _shown(raw: msgspec.Raw) -> str:
    return shown(bytes(raw).decode("utf-8", "replace"))
