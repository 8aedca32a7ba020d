"""Rule: what may be asked of a charger, how that may end, and which of its answers mean yes.

One table of answers for all actions, the check a call passes before it is sent, and how long its answer may take.
Nothing here sends anything; tinyocpp-command, start and stop share it, and so does every later companion.
"""

from __future__ import annotations

from collections.abc import Generator
from enum import StrEnum
from typing import TypeVar

import msgspec

from tinyocpp.errors import Malformed, ProtocolFault, did_you_mean
from tinyocpp.messages import ACTIONS
from tinyocpp.messages.core_boot import RegistrationStatus
from tinyocpp.messages.payload import decode_payload

ANSWER_TIMEOUT_S = 90.0
"""How long an answer is waited for unless somebody says otherwise: some chargers need 60 s (Mennekes, quirk F12)."""
LONGEST_TIMEOUT_S = 86_400

AGREED = frozenset({"Accepted", "Scheduled", "RebootRequired", "Unlocked", "AcceptedCanceled"})
"""Statuses that mean yes (AcceptedCanceled: yes, and what ran before was cancelled). Every other one means no, also
those outside the standard: a charger is known that says NotImplemented in a result (quirk F14). No status is a yes."""
_AGREED = frozenset(status.lower() for status in AGREED)  # chargers exist that write "accepted"


R = TypeVar("R")


class Outcome(StrEnum):
    RESULT = "result"
    ERROR = "error"  # the charger answered CALLERROR
    TIMEOUT = "timeout"
    LOST = "lost"  # the connection ended first
    WITHHELD = "withheld"  # never sent: the standard forbids it as the charger is registered now


class Answer(msgspec.Struct, frozen=True):
    """How a call of ours ended."""

    call_id: int
    action: str
    outcome: Outcome
    payload: bytes = b"{}"  # RESULT: the charger's answer as it came
    code: str = ""  # ERROR
    description: str = ""  # ERROR, WITHHELD; TIMEOUT of a call that was never sent

    @property
    def agreed(self) -> bool:
        """Has the charger said yes?"""
        return self.outcome is Outcome.RESULT and agreed(self.payload)

    @property
    def refused(self) -> bool:
        """Has the charger itself said no? One that has not answered has not."""
        return self.outcome in (Outcome.RESULT, Outcome.ERROR) and not self.agreed


class Ask(msgspec.Struct, frozen=True):
    """An errand's next step: send this call and wait for how it ends."""

    action: str
    payload: bytes
    timeout_s: float = ANSWER_TIMEOUT_S


class Pause(msgspec.Struct, frozen=True):
    """An errand's next step: go on after so many seconds; or before, when the charger is woken (`Charger.wake`)."""

    seconds: float
    wakes: bool = False


Steps = Generator[Ask | Pause, Answer | None, R]
"""A part of an errand, and what it returns."""

Errand = Steps[None]
"""Something we do with a charger by ourselves (errands/)."""


def answer_to(ask: Ask) -> Steps[Answer]:
    """How this call ended, with `yield from`."""
    answer = yield ask
    assert answer is not None  # to an Ask there is an answer
    return answer


class _Answer(msgspec.Struct):
    status: msgspec.Raw = msgspec.Raw(b"null")


REMOTE_TRANSACTIONS = frozenset({"RemoteStartTransaction", "RemoteStopTransaction"})


def may_be_sent(action: str, registration: RegistrationStatus) -> bool:
    """A charger that is Pending is asked for no transaction, one that is Rejected for nothing (section 4.2)."""
    if registration is RegistrationStatus.PENDING:
        return action not in REMOTE_TRANSACTIONS
    return registration is not RegistrationStatus.REJECTED


def agreed(answer: bytes) -> bool:
    """Has the charger said yes? `answer` is the payload of its result."""
    status = status_of(answer)
    return status is None or status.lower() in _AGREED


def no(answer: Answer) -> str:
    """How it said no, in a word."""
    if answer.outcome is Outcome.RESULT:
        return status_of(answer.payload) or "nothing of use"
    return answer.code or str(answer.outcome)


LONGEST_STATUS = 100
"""Of a status, more is neither a yes nor worth saying."""


def status_of(answer: bytes) -> str | None:
    """The status in an answer's payload, None where it has none; of one that is no text, the JSON as it came."""
    raw = msgspec.json.decode(answer, type=_Answer).status
    try:
        status = msgspec.json.decode(raw, type=str | None)
    except msgspec.MsgspecError:
        status = bytes(raw).decode("utf-8", "replace")
    return None if status is None else status[:LONGEST_STATUS]


def check_call(action: str, payload: bytes) -> None:
    """Raise Malformed, naming the field, unless this is a call of the standard that a central system may send."""
    known = ACTIONS.get(action)
    if known is None:
        ours = (name for name, row in ACTIONS.items() if row.from_central)
        raise Malformed(f"{action}: no such action (--raw sends it as it is){did_you_mean(action, ours)}")
    if not known.from_central:
        raise Malformed(f"{action} is for the charger to send, not for us; --raw sends it all the same")
    try:
        decode_payload(known.request, msgspec.Raw(payload))
    except ProtocolFault as fault:
        raise Malformed(f"{action}: {fault.description}; nothing was sent (--raw sends it as it is)") from None


def compact(typed: str | bytes) -> bytes:
    """A JSON object as typed, without its insignificant space: order, numbers and spelling stay. Raises Malformed."""
    try:
        raw = typed.encode() if isinstance(typed, str) else typed
        msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
        return msgspec.json.format(raw, indent=-1)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise Malformed(f"the payload is not a JSON object: {error}") from None
