"""In which shape does a charger take a limit? One thing after the other is changed until it takes one (limits.py).

What it refused, ignored, or lost its line at before is left out, and a search that found nothing goes on the next time.
"""

from __future__ import annotations

from datetime import timedelta
from math import inf
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from tinyocpp.commands import Answer, Ask, Outcome, answer_to, no
from tinyocpp.dealings import Manner, Shape, Target
from tinyocpp.errands.limiting.dropping import learn_answer, lost_at
from tinyocpp.limits import MOST_FALLBACKS, every, first_shape, message_of, occasion, walk, whose_place
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


def search_for(desk: Desk, role: Role, wanted: Target) -> Steps[Search]:
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
        answer = yield from answer_to(ask(desk, role, attempt, now))
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


def ask(desk: Desk, role: Role, attempt: Attempt, now: datetime) -> Ask:
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


def learn_refusal(desk: Desk, role: Role, refused: list[Shape]) -> None:
    """So that the next search goes on where this one ended; where it ended with the last there is, from the start."""
    manner, running = desk.manner, desk.transaction is not None
    when = occasion(role, running=running)
    known = dict.fromkeys((*manner.refused.get(when, ()), *refused))
    left = set(every(desk.facts, role, running=running)) - set(known)
    desk.learn(replace(manner, refused=manner.refused | {when: tuple(known) if left else ()}))
