"""Tell one limit: try shapes until the charger takes one, one thing changed at a time, and keep what that taught."""

from __future__ import annotations

from datetime import timedelta
from math import inf
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from tinyocpp.commands import Answer, Ask, Outcome, answer_to, no
from tinyocpp.connectors import Rousing, Telling
from tinyocpp.dealings import LimitState, Manner, Shape, Target
from tinyocpp.errands.limiting.dropping import learn_answer, lost_at
from tinyocpp.limits import MOST_FALLBACKS, every, first_shape, message_of, occasion, same_place, walk, whose_place
from tinyocpp.mains import LEAST_A
from tinyocpp.messages.payload import encode_payload

if TYPE_CHECKING:
    from datetime import datetime

    from tinyocpp.commands import Steps
    from tinyocpp.connectors import Role
    from tinyocpp.errands.limiting.desk import Desk
    from tinyocpp.manners import Facts

BUDGET = timedelta(seconds=44)  # for all shapes together: somebody waits in front of the shell
ANSWER_S = 60.0
SILENCES = {
    Outcome.TIMEOUT: "no answer; it is told again",
    Outcome.WITHHELD: "not told, as its registration is not Accepted; told when it is",
}
"""Ends of a call that say nothing of what the charger thinks of it."""


class Attempt(msgspec.Struct, frozen=True):
    """One way to say it."""

    shape: Shape
    said: Target
    names_phases: bool = True


class Search(msgspec.Struct):
    """What came of trying one after the other."""

    taken: Attempt | None = None
    refusals: list[str] = []
    refused: list[Shape] = []
    silence: Outcome | None = None  # it did not say no
    unfinished: bool = False  # there are more to try
    overtaken: bool = False  # something else is to be told by now


def tell(desk: Desk, role: Role, wanted: Target, *, meant: Target) -> Steps[None]:
    """What was answered is kept; that a charger has taken it proves nothing yet. `meant`: what is wanted in the end, if
    that is not to be told yet."""
    if role == "standing" and desk.transaction is None and desk.for_charges_alone:
        desk.connector.told[role] = Telling(wanted, None, desk.now, LimitState.ASKED)
        desk.record(LimitState.ASKED, wanted, f"{wanted.words}: told when a charge begins; it takes it no sooner")
        return
    search = yield from _search(desk, role, wanted)
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
        yield _ask(desk, role, attempt, now)
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
        _learn_refusal(desk, role, search.refused)
    if role == "standing":
        shown = LimitState.IGNORED if state is LimitState.REFUSED and _accepted(desk, role) else state
        desk.record(shown, wanted, f"{wanted.words}: {_why(desk, role, search)}")
    elif state is LimitState.REFUSED:
        desk.keep(
            unsteered=_refused(search.refusals), unsteered_at=None if wanted.pause or wanted.phases else telling.at
        )


def _learn_refusal(desk: Desk, role: Role, refused: list[Shape]) -> None:
    """So that the next search goes on where this one ended; where it ended with the last there is, from the start."""
    manner, running = desk.manner, desk.transaction is not None
    when = occasion(role, running=running)
    known = dict.fromkeys((*manner.refused.get(when, ()), *refused))
    left = set(every(desk.facts, role, running=running)) - set(known)
    desk.learn(replace(manner, refused=manner.refused | {when: tuple(known) if left else ()}))


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


def _search(desk: Desk, role: Role, wanted: Target) -> Steps[Search]:
    clock, before = desk.charger.clock, desk.connector.told.get(role)
    search, until = Search(), clock.now() + BUDGET
    if before is not None and _as_hard(before.target, wanted):
        search.refusals = before.refusals
    attempts = _attempts(desk, role, wanted)
    for attempt in attempts[len(search.refusals) :]:
        now = clock.now()
        if now >= until:
            search.unfinished = True
            break
        desk.connector.asking = (attempt.shape, now)
        answer = yield from answer_to(_ask(desk, role, attempt, now))
        desk.connector.asking = None
        if answer.outcome not in SILENCES:
            learn_answer(desk, attempt.shape)
        if answer.agreed:
            search.taken = attempt
        elif desk.overtaken:
            search.overtaken = True
        elif answer.outcome in SILENCES:
            search.silence = answer.outcome
        else:
            search.refusals.append(no(answer))
            if not _hopeless(answer, desk.facts):
                continue
        break
    search.refused = [attempt.shape for attempt in attempts[: len(search.refusals)]]
    return search


def _as_hard(told: Target, wanted: Target) -> bool:
    """Refusals of the one are of the other too."""
    return (told.pause, told.phases) == (wanted.pause, wanted.phases)


def _ask(desk: Desk, role: Role, attempt: Attempt, now: datetime) -> Ask:
    message = message_of(
        attempt.shape,
        _for_all(desk, role, attempt) if attempt.shape.whole else attempt.said,
        desk.connector.connector_id,
        whose_place(attempt.shape, role, desk.manner.standing) if role == "moving" else role,
        now,
        watts_of=desk.manner.watts_of,
        transaction_id=desk.transaction_id,
        say_phases=attempt.names_phases,
        ahead=desk.charger.clock_ahead,
    )
    return Ask("SetChargingProfile", encode_payload(message), timeout_s=ANSWER_S)


def _for_all(desk: Desk, role: Role, attempt: Attempt) -> Target:
    """What is said for the whole charger counts for each connector: the least that any of them is to have."""
    others = [one for one in desk.charger.connectors.values() if one is not desk.connector]
    told = [one.told.get("standing" if one.offer is None else role) for one in others]
    there_a = [one.target.current_a for one in told if one is not None and one.whole]
    least_a = min(there_a, default=inf)
    return attempt.said if attempt.said.current_a <= least_a else Target(least_a, attempt.said.phases)


def _attempts(desk: Desk, role: Role, wanted: Target) -> list[Attempt]:
    """Each shape; the first one also without a number of phases, and with the least instead of nothing, for it may be
    these that are refused (quirks C10, C17)."""
    shapes = _shapes(desk, role, wanted)
    by = desk.switches_by
    attempts = [Attempt(shapes[0], wanted, by != "key")]
    if wanted.phases and by == "watts":
        attempts.append(Attempt(shapes[0], wanted, names_phases=False))
    elif wanted.phases and by == "number":
        attempts.append(Attempt(shapes[0], replace(wanted, phases=None)))
    if wanted.pause:
        attempts.append(Attempt(shapes[0], Target(LEAST_A)))
    attempts += [Attempt(shape, wanted, by != "key") for shape in shapes[1:]]
    if len(attempts) > 1 + MOST_FALLBACKS and role == "moving":
        attempts[MOST_FALLBACKS:] = attempts[-1:]  # the place of the standing limit, when nothing else will do
    return attempts[: 1 + MOST_FALLBACKS]


def _shapes(desk: Desk, role: Role, wanted: Target) -> list[Shape]:
    """Those it has not ignored so far, and at which it lost no line; in watts, where these tell it the phases."""
    manner, known, running = desk.manner, desk.facts, desk.transaction is not None
    first = first_shape(known, role, manner)
    by_watts = bool(wanted.phases) and desk.switches_by == "watts"
    if by_watts:
        first = replace(first, unit="W")
    shapes = [first, *walk(first, role, known, running=running, taken=_taken(role, manner))]
    if refused := manner.refused.get(occasion(role, running=running)):
        untried = [shape for shape in (*shapes, *every(known, role, running=running)) if shape not in refused]
        shapes = [first, *untried][: 1 + MOST_FALLBACKS] if untried else shapes
    if role == "standing" and desk.connector.offer is not None:
        shapes = list(filter(None, map(lowered, shapes)))
    shunned = {*manner.ignored, *lost_at(desk)}
    fresh = [shape for shape in dict.fromkeys(shapes) if shape not in shunned and not (by_watts and shape.unit == "A")]
    return fresh or shapes[:1]


def lowered(shape: Shape | None) -> Shape | None:
    """A TxProfile that stays lies beneath one that moves: it is of the lowest level."""
    return replace(shape, stack_level=0) if shape is not None and shape.purpose == "TxProfile" else shape


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


def shun(desk: Desk, role: Role) -> bool:
    """It accepted this and does not follow: not in this shape any more. False: there is no other to try."""
    telling = desk.connector.told[role]
    manner = desk.manner
    assert telling.shape is not None
    ignored = (*manner.ignored, telling.shape)
    known = desk.facts
    first = first_shape(known, role, Manner(standing=manner.standing if role == "moving" else None))
    shapes = walk(first, role, known, running=True, taken=_taken(role, manner))
    left = [shape for shape in shapes if shape not in {*ignored, *lost_at(desk)}]
    if not left:
        return False
    learnt = {"standing": left[0]} if role == "standing" else {"moving": left[0]}
    desk.learn(replace(manner, ignored=ignored, **learnt))
    del desk.connector.told[role]
    return True


def _taken(role: Role, manner: Manner) -> Shape | None:
    """Whose place in the stack is to be left alone."""
    return manner.standing if role == "moving" else None


def _hopeless(answer: Answer, known: Facts) -> bool:
    """No other shape is worth a try. NotSupported is said of single shapes too (errata 3.39)."""
    return answer.code == "NotImplemented" or (answer.code == "NotSupported" and known.promised is False)


def _refused(refusals: list[str]) -> str:
    if refusals in (["NotImplemented"], ["NotSupported"]):
        return "it has no smart charging; see whether it has a key for a limit: tinyocpp charger get"
    many = f" in {len(refusals)} ways" if len(refusals) > 1 else ""
    return f"refused{many} ({refusals[-1]}); docs/chargers.md may know what this one needs"
