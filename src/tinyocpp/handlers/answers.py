"""What a charger's answer to one of our own calls teaches us, whoever sent the call.

A Lesson is called when a call is sent, with no answer, and again when it has ended: with the answer, or with none
where the charger refused, failed or said nothing. What was typed with --raw, or answered against the schema, teaches
nothing and does no harm.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar

import msgspec

if TYPE_CHECKING:
    from tinyocpp.charger import Charger

CONNECTION_TIME_OUT_S = 120
"""For a charger that has not told its ConnectionTimeOut; a usual factory setting."""
GRANT_MARGIN_S = 60
T = TypeVar("T")


class Stage(StrEnum):
    """How far a call of ours has come."""

    SENT = "sent"
    ANSWERED = "answered"
    FAILED = "failed"  # CALLERROR, no answer in time, connection lost


Lesson = Callable[[Stage, bytes, bytes, "Charger"], None]
"""Stage, the payload of our call, the payload of the answer (empty object unless ANSWERED), the charger."""


class _RemoteStart(msgspec.Struct, rename="camel"):
    id_tag: str


class _Status(msgspec.Struct):
    status: str = ""


class _Key(msgspec.Struct):
    key: str
    value: str | int | float | bool | None = None  # some say 5 or true (quirk S16)


class _Keys(msgspec.Struct, rename="camel"):
    configuration_key: list[msgspec.Raw] | None = None


def remote_start(stage: Stage, call: bytes, answer: bytes, charger: Charger) -> None:
    """A tag named in a remote start that the charger accepted may charge there until its ConnectionTimeOut is over. The
    charger may ask back with Authorize before it answers, so it may already while the call is under way."""
    asked = _decoded(call, _RemoteStart)
    if asked is None:
        return
    if stage is Stage.FAILED or (stage is Stage.ANSWERED and not _accepted(answer)):
        charger.ledger.grant(charger.id, asked.id_tag, None)
        return
    told = charger.ledger.configuration(charger.id, "ConnectionTimeOut") or ""
    timeout_s = int(told) if told.isdecimal() and len(told) < 6 else CONNECTION_TIME_OUT_S
    until = charger.clock.now() + timedelta(seconds=timeout_s + GRANT_MARGIN_S)
    charger.ledger.grant(charger.id, asked.id_tag, until)


def configuration_got(stage: Stage, call: bytes, answer: bytes, charger: Charger) -> None:
    """Remember the keys the charger told."""
    told = _decoded(answer, _Keys)
    if told is not None and told.configuration_key:
        keys = [_decoded(one, _Key) for one in told.configuration_key]  # a list as value spoils one key, not all (S16)
        known = {one.key: None if one.value is None else _text(one.value) for one in keys if one is not None}
        charger.ledger.learn_configuration(charger.id, known)


def configuration_changed(stage: Stage, call: bytes, answer: bytes, charger: Charger) -> None:
    """Remember the key the charger took. A password is nobody's to remember."""
    changed = _decoded(call, _Key)
    if stage is not Stage.ANSWERED or changed is None or not _accepted(answer):
        return
    if changed.key.lower() != "authorizationkey" and changed.value is not None:
        charger.ledger.learn_configuration(charger.id, {changed.key: _text(changed.value)})


def _accepted(answer: bytes) -> bool:
    """Has the charger said Accepted, in whatever case? Narrower than `commands.agreed`: only what holds from now on is
    learnt, not what counts after a reboot."""
    answered = _decoded(answer, _Status)
    return answered is not None and answered.status.lower() == "accepted"


def _text(value: str | float | bool) -> str:
    """A value as the standard writes it: always a string, booleans in lower case."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _decoded(raw: bytes | msgspec.Raw, type_: type[T]) -> T | None:
    try:
        return msgspec.json.decode(raw, type=type_)
    except (msgspec.MsgspecError, RecursionError):
        return None
