"""Tell one limit: try shapes until the charger takes one, one thing changed at a time, and keep what that taught."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from datetime import timedelta
from math import inf
from typing import TYPE_CHECKING

from msgspec.structs import replace

from tinyocpp.commands import Answer, Ask, Outcome, Pause, status_of
from tinyocpp.connectors import Telling
from tinyocpp.dealings import LimitState, Manner, Shape
from tinyocpp.errands.limiting.asking import composite_a
from tinyocpp.errands.limiting.desk import in_words
from tinyocpp.limits import (
    LEAST_A,
    MOST_FALLBACKS,
    UNLIMITED_A,
    Target,
    clearings,
    first_shape,
    message_of,
    same_place,
    walk,
)
from tinyocpp.messages.payload import encode_payload

if TYPE_CHECKING:
    from datetime import datetime

    from tinyocpp.connectors import Role
    from tinyocpp.errands.limiting.desk import Desk
    from tinyocpp.limits import Facts

BUDGET = timedelta(seconds=44)  # for all shapes together: somebody waits in front of the shell
ANSWER_S = 60.0

Attempt = tuple[Shape, Target]
Found = Generator[Ask | Pause, Answer | None, Attempt | None]


def tell(desk: Desk, role: Role, wanted: Target, *, meant: Target) -> Generator[Ask | Pause, Answer | None, bool]:
    """True: it has taken it, which proves nothing yet. What was answered is kept. `meant`: what is wanted in the end,
    if that is not to be told yet."""
    charger, connector = desk.charger, desk.connector
    refusals: list[str] = []
    taken = yield from _first_taken(desk, role, wanted, refusals)
    now = charger.clock.now()
    if taken is None:
        connector.told[role] = Telling(wanted, None, now, LimitState.REFUSED)
        if role == "standing":
            desk.record(LimitState.REFUSED, wanted, f"{in_words(wanted)}: {_refused(refusals)}")
        return False
    shape, said = taken
    connector.told[role] = Telling(wanted, shape, now, LimitState.ACCEPTED)
    if said.pause:
        connector.paused_at = connector.paused_at or now
        connector.resumed_at = None
    elif connector.paused_at is not None:
        connector.paused_at, connector.resumed_at, connector.nudges = None, now, 0
    _learn(desk, role, wanted, shape, said)
    if said.phases:
        _keep_phases(desk, said.phases, now)
    if role == "standing":
        gap = "" if meant.phases in (None, wanted.phases) else f"; {in_words(meant)} when no current flows any more"
        desk.record(LimitState.ACCEPTED, wanted, f"{in_words(said)}: accepted, not yet verified{gap}")
    return True


def _keep_phases(desk: Desk, phases: int, now: datetime) -> None:
    """And when they were changed, if a car charged meanwhile."""
    was = desk.phases
    if was != phases and desk.transaction is not None:
        desk.keep(phases=phases, swapped_at=now)
    else:
        desk.keep(phases=phases)


def _first_taken(desk: Desk, role: Role, wanted: Target, refusals: list[str]) -> Found:
    charger, connector = desk.charger, desk.connector
    until = charger.clock.now() + BUDGET
    manner = desk.manner
    known = desk.facts
    running = desk.transaction is not None
    shapes = walk(first_shape(known, role, manner), role, known, running=running, taken=_taken(role, manner))
    fresh = [shape for shape in shapes if shape not in manner.ignored]
    for shape, said in _attempts(fresh or shapes[:1], wanted):
        now = charger.clock.now()
        if now >= until:
            break
        message = message_of(
            shape,
            said,
            connector.connector_id,
            role,
            now,
            wired=connector.wired,
            transaction_id=desk.transaction_id,
        )
        answer = yield Ask("SetChargingProfile", encode_payload(message), timeout_s=ANSWER_S)
        assert answer is not None  # to an Ask there is an answer
        if answer.agreed:
            return shape, said
        refusals.append(_no(answer))
        if answer.outcome in (Outcome.LOST, Outcome.WITHHELD) or _hopeless(answer, known):
            break
    return None


def _attempts(shapes: list[Shape], wanted: Target) -> Iterator[Attempt]:
    """Each shape; the first one also without a number of phases, and with the least instead of nothing, for it may be
    these that are refused (quirks C10, C17)."""
    attempts: list[Attempt] = [(shapes[0], wanted)]
    if wanted.phases and shapes[0].unit == "A":
        attempts.append((shapes[0], replace(wanted, phases=None)))
    if wanted.pause:
        attempts.append((shapes[0], Target(LEAST_A)))
    attempts += [(shape, wanted) for shape in shapes[1:]]
    return iter(attempts[: 1 + MOST_FALLBACKS])


def _learn(desk: Desk, role: Role, wanted: Target, shape: Shape, said: Target) -> None:
    manner = replace(desk.manner, standing=shape) if role == "standing" else replace(desk.manner, moving=shape)
    if wanted.pause and not said.pause:
        manner = replace(manner, pause="stop")
    if wanted.phases and not said.phases:
        manner = replace(manner, phases="fixed")
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
    left = [shape for shape in shapes if shape not in ignored]
    if not left:
        return False
    learnt = {"standing": left[0]} if role == "standing" else {"moving": left[0]}
    desk.learn(replace(manner, ignored=ignored, **learnt))
    del desk.connector.told[role]
    return True


def _taken(role: Role, manner: Manner) -> Shape | None:
    """Whose place in the stack is to be left alone."""
    return manner.standing if role == "moving" else None


def clear(desk: Desk, role: Role) -> Generator[Ask | Pause, Answer | None, None]:
    """Take back what was told. Unknown is fine where it has forgotten; one that keeps it all the same is told so much
    that it limits nothing (quirk C2)."""
    manner = desk.manner
    shape = manner.standing if role == "standing" else manner.moving
    desk.connector.told.pop(role, None)
    if shape is None:
        return
    if role == "moving" and manner.standing is not None and same_place(shape, manner.standing):
        desk.connector.told.pop("standing", None)  # whose place it took
    for clearing in clearings(shape, desk.connector.connector_id, role):
        answer = yield Ask("ClearChargingProfile", encode_payload(clearing), timeout_s=ANSWER_S)
        assert answer is not None
        if answer.agreed:
            return
    left_a = yield from composite_a(desk)
    if left_a is None or left_a < UNLIMITED_A:
        message = message_of(
            shape,
            Target(inf),
            desk.connector.connector_id,
            role,
            desk.now,
            wired=desk.connector.wired,
            transaction_id=desk.transaction_id,
        )
        yield Ask("SetChargingProfile", encode_payload(message), timeout_s=ANSWER_S)


def _hopeless(answer: Answer, known: Facts) -> bool:
    """No other shape is worth a try. NotSupported is said of single shapes too (errata 3.39)."""
    return answer.code == "NotImplemented" or (answer.code == "NotSupported" and known.promised is False)


def _no(answer: Answer) -> str:
    if answer.outcome is Outcome.RESULT:
        return status_of(answer.payload) or "nothing of use"
    return answer.code or str(answer.outcome)


def _refused(refusals: list[str]) -> str:
    if refusals == ["NotImplemented"] or refusals == ["NotSupported"]:
        return "it has no smart charging; see whether it has a key for a limit: tinyocpp charger get"
    if refusals[-1:] == [str(Outcome.TIMEOUT)]:
        return "it gives no answer; it is asked again"
    many = f" in {len(refusals)} ways" if len(refusals) > 1 else ""
    return f"refused{many} ({refusals[-1] if refusals else 'not sent'}); docs/chargers.md may know what this one needs"
