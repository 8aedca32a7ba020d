"""What a charger's answer to one of our own calls teaches us, whoever sent the call.

A Lesson is called when a call is sent, with no answer, and again when it has ended: with the answer, or with none
where the charger refused, failed or said nothing. What was typed with --raw, or answered against the schema, teaches
nothing and does no harm.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

import msgspec

from tinyocpp.commands import LONGEST_STATUS, agreed
from tinyocpp.dealings import ReservationState, UpkeepKind
from tinyocpp.features import whole_number
from tinyocpp.handlers import access
from tinyocpp.handlers.stage import Stage
from tinyocpp.masking import AUTHORIZATION_KEY, is_password
from tinyocpp.messages.payload import Int

if TYPE_CHECKING:
    from tinyocpp.charger import Charger

CONNECTION_TIME_OUT_S = 120
"""For a charger that has not told its ConnectionTimeOut; a usual factory setting."""
LONGEST_TIME_OUT_S = 99_999
"""A charger that tells a longer one is mistaken; its tag would be let in for days."""
GRANT_MARGIN_S = 60
LONGEST_FILE_NAME = 255  # of GetDiagnostics and GetLog
T = TypeVar("T")


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


class _Upkeep(msgspec.Struct, rename="camel"):
    request_id: Int | None = None


class _UpkeepAnswer(msgspec.Struct, rename={"file_name": "fileName"}):
    """GetDiagnostics and GetLog spell the name of the file in two ways."""

    status: str = ""
    file_name: str = ""
    filename: str = ""


def remote_start(stage: Stage, call: bytes, answer: bytes, charger: Charger) -> None:
    """A tag named in a remote start that the charger accepted may charge there until its ConnectionTimeOut is over. The
    charger may ask back with Authorize before it answers, so it may already while the call is under way."""
    asked = _decoded(call, _RemoteStart)
    if asked is None:
        return
    if stage is Stage.FAILED or (stage is Stage.ANSWERED and not _accepted(answer)):
        charger.ledger.grant(charger.id, asked.id_tag, None)
        return
    told_s = whole_number(charger.ledger.configuration(charger.id, "ConnectionTimeOut"), LONGEST_TIME_OUT_S)
    timeout_s = CONNECTION_TIME_OUT_S if told_s is None else told_s
    until = charger.clock.now() + timedelta(seconds=timeout_s + GRANT_MARGIN_S)
    charger.ledger.grant(charger.id, asked.id_tag, until)


def configuration_got(stage: Stage, call: bytes, answer: bytes, charger: Charger) -> None:
    """Remember the keys the charger told."""
    told = _decoded(answer, _Keys)
    if told is not None and told.configuration_key:
        keys = [_decoded(one, _Key) for one in told.configuration_key]  # a list as value spoils one key, not all (S16)
        plain = [one for one in keys if one is not None and not is_password(one.key)]
        known = {one.key: None if one.value is None else _text(one.value) for one in plain}
        charger.ledger.learn_configuration(charger.id, known)


ACCESS = {AUTHORIZATION_KEY: access.password_changed, "securityprofile": access.profile_changed}


def configuration_changed(stage: Stage, call: bytes, answer: bytes, charger: Charger) -> None:
    """Remember the key the charger took, and what it means at the door. A password is nobody's to remember."""
    changed = _decoded(call, _Key)
    if changed is None or changed.value is None:
        return
    means = ACCESS.get(changed.key.strip().lower())
    if means is not None:
        answered = _decoded(answer, _Status)
        means(stage, _text(changed.value), answered.status.lower() if answered else "", charger)
    if stage is Stage.ANSWERED and _accepted(answer) and not is_password(changed.key):
        charger.ledger.learn_configuration(charger.id, {changed.key: _text(changed.value)})


def reservation(stage: Stage, call: bytes, answer: bytes, charger: Charger) -> None:
    """Keep what a connector is reserved for. An answer that is lost leaves it asked: nobody knows (section 5.13)."""
    from tinyocpp.messages.reservation import ReserveNow

    asked = _decoded(call, ReserveNow)
    if asked is None or stage is Stage.FAILED:
        return
    now = charger.clock.now()
    if stage is Stage.SENT:
        charger.ledger.reserved(charger.id, asked, ReservationState.ASKED, now)
    elif _accepted(answer):
        charger.ledger.reserved(charger.id, asked, ReservationState.ACTIVE, now)
    else:
        charger.ledger.reservation_ended(charger.id, asked.reservation_id, ReservationState.REFUSED, now)


def reservation_cancelled(stage: Stage, call: bytes, answer: bytes, charger: Charger) -> None:
    """Rejected means that there is no such reservation, so either answer ends it (section 5.1)."""
    from tinyocpp.messages.reservation import CancelReservation

    asked = _decoded(call, CancelReservation)
    if asked is not None and stage is Stage.ANSWERED:
        now = charger.clock.now()
        charger.ledger.reservation_ended(charger.id, asked.reservation_id, ReservationState.CANCELLED, now)


def upkeep(what: UpkeepKind) -> Lesson:
    """Keep that an update or an upload was asked for, and how the charger names the file. How it goes on the charger
    says by itself (handlers/notices.py)."""

    def lesson(stage: Stage, call: bytes, answer: bytes, charger: Charger) -> None:
        asked, told = _decoded(call, _Upkeep), _decoded(answer, _UpkeepAnswer)
        if asked is None or told is None or stage is Stage.FAILED:
            return
        now = charger.clock.now()
        if stage is Stage.SENT:
            charger.ledger.upkeep_asked(charger.id, what, now, asked.request_id)
        elif told.status and not agreed(answer):
            charger.ledger.upkeep_told(charger.id, what, told.status[:LONGEST_STATUS], now, asked.request_id)
        elif told.file_name or told.filename:
            charger.ledger.upkeep_named(charger.id, what, (told.file_name or told.filename)[:LONGEST_FILE_NAME])

    return lesson


diagnostics = upkeep(UpkeepKind.DIAGNOSTICS)
firmware = upkeep(UpkeepKind.FIRMWARE)
log = upkeep(UpkeepKind.LOG)


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
