"""Keep a charger's local authorisation list in step with the owner's tags (sections 3.5.2, 5.10, 5.15).

Begun where the owner wants it (`[tags] local_list`). It goes on as long as the connection: when the file of tags
changes, or a tag's last day has passed, the charger hears of it within a minute. What the charger has accepted is in
the ledger, so that the next connection goes on from there; whenever that is in doubt, the whole list is sent anew.
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Annotated

import msgspec

from tinyocpp.commands import LONGEST_STATUS, Ask, Outcome, Pause, Steps, answer_to, status_of
from tinyocpp.dealings import LocalList
from tinyocpp.features import whole_number
from tinyocpp.messages.payload import encode_payload

if TYPE_CHECKING:
    from tinyocpp.charger import Charger
    from tinyocpp.commands import Answer, Errand
    from tinyocpp.locallist import Entries

LOOK_EVERY_S = 60.0
AFTER_A_REFUSAL_S = 900.0
KEYS = ("LocalAuthListEnabled", "LocalAuthorizeOffline", "LocalAuthListMaxLength", "SendLocalListMaxLength")
SWITCHES = KEYS[:2]
"""Without them the list counts for nothing, or not when it is needed (section 9.1)."""
AT_A_TIME = 20  # entries, of a charger that does not say its SendLocalListMaxLength
ROOM = 1000  # entries in all, of one that does not say its LocalAuthListMaxLength
NO_LIST = -1  # as listVersion: not supported (section 5.10)
NOT_SUPPORTED = "the charger has no local list"
UNDER_WAY = "all of it is being sent"
"""On record until it is done: the connection, or we, may end before."""
UNKNOWN_CALL = frozenset({"NotSupported", "NotImplemented"})

Problem = Steps[str]
"""A part of the errand. Returns what is wrong; nothing: the charger is in step."""


class _Version(msgspec.Struct, rename="camel"):
    list_version: Annotated[int, msgspec.Meta(ge=NO_LIST, le=2**31 - 2**20)]  # with room above it in 32 bits


def keep_local_list(charger: Charger) -> Errand | None:
    return _keep(charger) if charger.local_list else None


def _keep(charger: Charger) -> Errand:
    yield from _prepare(charger)
    problem = yield from _bring_in_step(charger)
    again_at = charger.clock.now()  # all of it, for one that reports a conflict again and again
    while problem != NOT_SUPPORTED:
        yield Pause(AFTER_A_REFUSAL_S if problem else LOOK_EVERY_S)
        kept, now = _kept(charger), charger.clock.now()
        if kept.problem and now >= again_at:
            again_at = now + timedelta(seconds=AFTER_A_REFUSAL_S)
        elif kept.entries == _wanted(charger):
            continue
        problem = yield from _bring_in_step(charger)


def _prepare(charger: Charger) -> Errand:
    """Learn what the charger can take, and switch its list on where it says that it is off."""
    asked = [key for key in KEYS if key not in charger.quirks.never_read]
    yield Ask("GetConfiguration", msgspec.json.encode({"key": asked}))  # handlers/answers.py learns from the answer
    for key in SWITCHES:
        if (charger.ledger.configuration(charger.id, key) or "").lower() == "false":
            yield Ask("ChangeConfiguration", msgspec.json.encode({"key": key, "value": "true"}))


def _bring_in_step(charger: Charger) -> Problem:
    """Ask what it has, send what it lacks, and keep what came of it. What goes wrong meanwhile stays on record."""
    trusted = not _kept(charger).problem
    if not trusted:
        _keep_problem(charger, UNDER_WAY)
    answer = yield from answer_to(Ask("GetLocalListVersion", b"{}"))
    version = _version(answer)
    if version is None:
        problem = NOT_SUPPORTED if answer.code in UNKNOWN_CALL else _no(answer)
    elif version == NO_LIST:
        problem = NOT_SUPPORTED
    else:
        problem = yield from _update(charger, version, trusted=trusted)
    if problem or _kept(charger).problem == UNDER_WAY:
        _keep_problem(charger, problem)
    return problem


def _update(charger: Charger, version: int, *, trusted: bool) -> Problem:
    """What has changed, if we know what it has; the whole list if we do not, or if it will not have the change."""
    kept, want = _kept(charger), _wanted(charger)
    if trusted and version == kept.version and version > 0:
        problem = yield from _send(charger, kept.entries, want, version)
        if not problem:
            return ""
    return (yield from _send(charger, None, want, max(version, _kept(charger).version)))


def _send(charger: Charger, have: Entries | None, want: Entries, version: int) -> Problem:
    """Every message that is accepted is kept at once: the next connection goes on from there."""
    from tinyocpp.locallist import after, updates

    for update in updates(have, want, version, _number(charger, "SendLocalListMaxLength", AT_A_TIME)):
        answer = yield from answer_to(Ask("SendLocalList", encode_payload(update)))
        if not answer.agreed:
            return _no(answer)
        have = after(have or {}, update)
        now = charger.clock.now()
        kept = _kept(charger)
        charger.ledger.keep_local_list(
            msgspec.structs.replace(kept, version=update.list_version, entries=have, told_at=now)
        )
    return ""


def _wanted(charger: Charger) -> Entries:
    from tinyocpp.locallist import wanted

    judge = partial(charger.tags.judge, now=charger.clock.now())
    return wanted(charger.tags, judge, _number(charger, "LocalAuthListMaxLength", ROOM))


def _kept(charger: Charger) -> LocalList:
    kept = charger.ledger.local_list(charger.id)
    return kept or LocalList(charger_id=charger.id, version=0, told_at=charger.clock.now())


def _keep_problem(charger: Charger, problem: str) -> None:
    charger.ledger.keep_local_list(msgspec.structs.replace(_kept(charger), problem=problem))


def _number(charger: Charger, key: str, default: int) -> int:
    told = whole_number(charger.ledger.configuration(charger.id, key))
    return default if told is None else max(told, 1)


def _version(answer: Answer) -> int | None:
    if answer.outcome is not Outcome.RESULT:
        return None
    try:
        return msgspec.json.decode(answer.payload, type=_Version, strict=False).list_version  # "3" (quirk S16)
    except msgspec.MsgspecError:
        return None


def _no(answer: Answer) -> str:
    """What is wrong, in the charger's own word where it has said one."""
    if answer.outcome is Outcome.RESULT:
        return f"{answer.action} was answered {status_of(answer.payload) or 'with nothing of use'}"
    said = answer.code or answer.description or answer.outcome
    return f"{answer.action}: {said[:LONGEST_STATUS]}"
