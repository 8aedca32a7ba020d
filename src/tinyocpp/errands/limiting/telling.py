"""Tell one limit, and keep what is to be known of it and what the charger taught; searching.py finds how to put it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from tinyocpp.connectors import Rousing, Telling
from tinyocpp.dealings import LimitState, Shape, Target
from tinyocpp.errands.limiting.searching import SILENCES, Attempt, Search, ask, learn_refusal, search_for
from tinyocpp.limits import same_place

if TYPE_CHECKING:
    from datetime import datetime

    from tinyocpp.commands import Steps
    from tinyocpp.connectors import Role
    from tinyocpp.errands.limiting.desk import Desk


def tell(desk: Desk, role: Role, wanted: Target, *, meant: Target) -> Steps[None]:
    """What was answered is kept; that a charger has taken it proves nothing yet. `meant`: what is wanted in the end, if
    that is not to be told yet."""
    if role == "standing" and desk.transaction is None and desk.for_charges_alone:
        desk.connector.told[role] = Telling(wanted, None, desk.now, LimitState.ASKED)
        desk.record(LimitState.ASKED, wanted, f"{wanted.words}: told when a charge begins; it takes it no sooner")
        return
    search = yield from search_for(desk, role, wanted)
    if search.overtaken:
        desk.connector.told.pop(role, None)
        return
    if search.taken is None:
        _untold(desk, role, wanted, search)
        return
    connector, now, attempt = desk.connector, desk.charger.clock.now(), search.taken
    after_pause = connector.paused_at is not None
    in_force = role == "moving" or "moving" not in connector.told
    telling = Telling(wanted, attempt.shape, now, LimitState.ACCEPTED, meant=meant)
    before = connector.told.get(role)
    if role == "moving" and before is not None and before.state is not LimitState.IGNORED:
        telling.follow(before, desk.charger.pace.settle_s)
    connector.told[role] = telling
    if role == "standing":
        _let_tell_again(desk, attempt.shape)
    elif desk.before is not None and desk.before.unsteered:
        desk.keep(unsteered="", unsteered_at=None)
    if in_force:
        _keep_pause(desk, attempt.said, now)
    if after_pause and in_force and not attempt.said.pause and desk.manner.unbound:
        yield ask(desk, role, attempt, now)
    _learn(desk, role, wanted, attempt)
    if attempt.said.phases:
        _keep_phases(desk, attempt, now)
    elif desk.transaction is None and desk.before is not None:
        desk.keep(phases=None)  # the next charge begins on all there are
    if role == "standing":
        words = _what_happens(desk, wanted, attempt.said) + on_the_way(telling)
        bound = desk.transaction if attempt.shape.purpose == "TxProfile" else None
        desk.record(LimitState.ACCEPTED, wanted, words, told_for=bound and bound.id, whole=attempt.shape.whole)


def _let_tell_again(desk: Desk, shape: Shape) -> None:
    """What moved in this place of the stack counts no more."""
    for connector in desk.charger.connectors.values() if shape.whole else (desk.connector,):
        moving = connector.told.get("moving")
        if moving is not None and moving.shape is not None and same_place(moving.shape, shape):
            del connector.told["moving"]


def _what_happens(desk: Desk, wanted: Target, said: Target) -> str:
    if said.pause or not wanted.pause:
        return f"{said.words}: accepted, not yet verified{_in_vain(desk)}"
    ends = "a charge that begins" if desk.transaction is None else "its charge"
    return f"{wanted.words}: it refuses 0 A, so it is told {said.words}, and {ends} is ended"


def _in_vain(desk: Desk) -> str:
    ways = _accepted(desk, "standing")
    return f"; it did not follow in {_ways(ways, 'other ')}" if ways else ""


def _ways(number: int, which: str = "") -> str:
    return f"{number} {which}{'way' if number == 1 else 'ways'}"


def on_the_way(telling: Telling) -> str:
    """What is to come when the phases may be changed."""
    meant = telling.meant
    return "" if meant is None or meant.phases in (None, telling.target.phases) else f"; then {meant.words}"


def _untold(desk: Desk, role: Role, wanted: Target, search: Search) -> None:
    """It said no to everything; or nothing at all, and then it is not held against it."""
    state = LimitState.ASKED if search.silence or search.unfinished else LimitState.REFUSED
    telling = Telling(wanted, None, desk.charger.clock.now(), state)
    desk.connector.told[role] = telling
    if search.unfinished:
        telling.refusals = search.refusals
    if state is LimitState.REFUSED and not (wanted.pause or wanted.phases):
        learn_refusal(desk, role, search.refused)
    if role == "standing":
        shown = LimitState.IGNORED if state is LimitState.REFUSED and _accepted(desk, role) else state
        desk.record(shown, wanted, f"{wanted.words}: {_why(desk, role, search)}")
    elif state is LimitState.REFUSED:
        desk.keep(
            unsteered=_refused(search.refusals), unsteered_at=None if wanted.pause or wanted.phases else telling.at
        )


def _accepted(desk: Desk, role: Role) -> int:
    """In how many ways it took limits and did not follow."""
    return len(desk.manner.ignored) if role == "standing" else 0


def _why(desk: Desk, role: Role, search: Search) -> str:
    if search.silence:
        return SILENCES[search.silence]
    if search.unfinished:
        return f"refused so far ({search.refusals[-1]}); trying other ways"
    if accepted := _accepted(desk, role):
        refused = f"refused in all others ({search.refusals[-1]})"
        return f"accepted in {_ways(accepted)} and followed in none, {refused}; see docs/chargers.md"
    return _refused(search.refusals) + ("; tried again when a charge begins" if desk.transaction is None else "")


def _keep_pause(desk: Desk, said: Target, now: datetime) -> None:
    connector = desk.connector
    if said.pause:
        connector.paused_at = connector.paused_at or now
        connector.rousing = None
    elif connector.paused_at is not None:
        connector.paused_at, connector.rousing, connector.ran_over = None, Rousing(now), False


def _keep_phases(desk: Desk, attempt: Attempt, now: datetime) -> None:
    """And when they were changed, if a car charged meanwhile."""
    charges = desk.transaction is not None or (desk.before is not None and desk.before.stopped_tag)
    if charges and desk.phases != attempt.said.phases:
        desk.keep(phases=attempt.said.phases, swapped_at=now)
    else:
        desk.keep(phases=attempt.said.phases)


def _learn(desk: Desk, role: Role, wanted: Target, attempt: Attempt) -> None:
    shape = attempt.shape
    manner = replace(desk.manner, standing=shape) if role == "standing" else replace(desk.manner, moving=shape)
    if wanted.pause and not attempt.said.pause:
        manner = replace(manner, pause="stop")
    if wanted.phases and not attempt.said.phases:
        manner = replace(manner, phases="fixed")
    if manner.refused:
        over = ("moving",) if role == "moving" else ("standing", "running")
        manner = replace(manner, refused={when: shapes for when, shapes in manner.refused.items() if when not in over})
    desk.learn(manner)


def _refused(refusals: list[str]) -> str:
    if refusals in (["NotImplemented"], ["NotSupported"]):
        return "it has no smart charging; see whether it has a key for a limit: tinyocpp charger get"
    many = f" in {len(refusals)} ways" if len(refusals) > 1 else ""
    return f"refused{many} ({refusals[-1]}); docs/chargers.md may know what this one needs"
