"""Does it follow? Accepted proves nothing (quirks C4, C14): what it draws, offers or means to do is looked at.

Once it had time to follow, the last sample tells; where none has come it is asked for one, and then for its composite
schedule. A charger that draws more than it was told is told in the next shape; while it charges, each sample is a new
look. With nothing charging there is nothing to look at.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from msgspec.structs import replace

from tinyocpp.dealings import LimitState
from tinyocpp.errands.limiting.asking import composite_a, sample
from tinyocpp.errands.limiting.clearing import clear_shape
from tinyocpp.errands.limiting.desk import IDLE_S, NOW_S
from tinyocpp.errands.limiting.searching import shun
from tinyocpp.errands.limiting.telling import on_the_way
from tinyocpp.obedience import Seen, Verdict, ignores_phases, meant_for_more, verdict

if TYPE_CHECKING:
    from datetime import datetime

    from tinyocpp.connectors import Role, Telling
    from tinyocpp.dealings import Target
    from tinyocpp.errands.limiting.desk import Desk, Duty

SAMPLE_S = 10.0  # what a sample that was asked for may take
PAUSES_TRIED = 2  # shapes in which 0 A was not followed; then the charge is ended, for somebody wants it paused


def look(desk: Desk, role: Role) -> Duty:
    """Judge what was told last in this role."""
    telling = desk.connector.told.get(role)
    if telling is None or telling.shape is None or desk.transaction is None or telling.state is LimitState.IGNORED:
        return IDLE_S
    since = telling.watched_at or telling.at  # a charge that begins is told anew, so it ran by then
    settled_s = desk.after(since, desk.charger.pace.settle_s)
    if settled_s > 0:
        return settled_s
    seen = desk.seen(_settled(since, desk))
    found = Verdict.UNKNOWN if seen is None else _judged(desk, telling, seen)
    if seen is not None and (_learns(desk, telling, seen) or _starves(desk, telling)):
        return NOW_S
    if found is Verdict.FOLLOWS:
        return _verified(desk, role, telling)
    if found is Verdict.EXCEEDS and seen is not None:
        return (yield from _exceeded(desk, role, telling, seen))
    return (yield from _ask(desk, role, telling))


def _settled(since: datetime, desk: Desk) -> datetime:
    return since + timedelta(seconds=desk.charger.pace.settle_s)


def _judged(desk: Desk, telling: Telling, seen: Seen) -> Verdict:
    seen = replace(seen, composite_a=telling.composite_a)
    return verdict(_allowed(desk, telling), seen, desk.connector.wired)


def _allowed(desk: Desk, telling: Telling) -> Target:
    """What it was told, and may still draw of what it was told before."""
    return replace(telling.target, current_a=telling.most_a(desk.now, desk.charger.pace.settle_s))


def _ask(desk: Desk, role: Role, telling: Telling) -> Duty:
    """It shows nothing yet: a sample first, then what it means to do; then it stays as it is."""
    if not telling.asked_sample:
        telling.asked_sample = True
        yield from sample(desk)
        return SAMPLE_S
    if not telling.asked_schedule:
        telling.asked_schedule = True
        telling.composite_a = yield from composite_a(desk)
        said = verdict(telling.target, Seen(composite_a=telling.composite_a), desk.connector.wired)
        if said is Verdict.FOLLOWS:
            return _verified(desk, role, telling)
        if said is Verdict.EXCEEDS:
            return (yield from _exceeded(desk, role, telling, Seen(composite_a=telling.composite_a)))
        if role == "standing" and telling.state is LimitState.ACCEPTED:
            words = "accepted; nothing it shows tells whether it follows"
            desk.record(LimitState.ACCEPTED, telling.target, f"{telling.target.words}: {words}")
    return IDLE_S


def _learns(desk: Desk, telling: Telling, seen: Seen) -> bool:
    """On how many phases it charges. True: the limit is to be told in another way now."""
    connector = desk.connector
    if ignores_phases(telling.target, seen) and not desk.fixed and not connector.ran_over:
        if telling.state is LimitState.VERIFIED and not connector.forgot:  # once in a charge that may be so
            connector.forgot = True
            desk.forget_phases()
        else:
            tried = desk.charger.quirks.phases or desk.switches_by == "watts" or "W" not in desk.facts.units
            desk.learn(replace(desk.manner, phases="fixed" if tried else "watts"))
            desk.keep(phases=None, swapped_at=None)
        return True
    if seen.phases:
        connector.wired = seen.phases
    return _learns_watts(desk, telling, seen)


def _learns_watts(desk: Desk, telling: Telling, seen: Seen) -> bool:
    """On how many phases it takes its watts to be meant, where no number of them is said. True: others than so far."""
    if not _says_watts_alone(telling):
        return False
    allowed, told_of = _allowed(desk, telling), desk.manner.watts_of
    phases = seen.phases or (0 if desk.starved else _guessed_phases(telling, seen, allowed.current_a))
    if phases > told_of or (phases and meant_for_more(allowed, seen, phases, told_of)):
        _tell_watts_of(desk, phases)
        return True
    return False


def _guessed_phases(telling: Telling, seen: Seen, allowed_a: float) -> int:
    """By what is offered; or by the power, unless less is what a car draws that is nearly full. 0: no guess."""
    begins = telling.state is not LimitState.VERIFIED and seen.too_little_for_three
    return seen.phases_offered(allowed_a) or (1 if begins else 0)


def _says_watts_alone(telling: Telling) -> bool:
    return telling.shape is not None and telling.shape.unit == "W" and not telling.target.phases


def _tell_watts_of(desk: Desk, phases: int) -> None:
    desk.learn(replace(desk.manner, watts_of=phases))
    desk.connector.wired = phases
    desk.connector.told.clear()


def _starves(desk: Desk, telling: Telling) -> bool:
    """It holds back, for it takes the watts to be of more phases than it was taken to. True: tell it anew. Once in a
    charge, for it may hold back for another reason."""
    running = desk.transaction
    if running is None or desk.starved or not desk.connector.held_back or desk.manner.watts_of == 3:
        return False
    if telling.target.pause or not _says_watts_alone(telling):
        return False
    desk.keep(starved_in=running.id)
    _tell_watts_of(desk, 3)
    return True


def _verified(desk: Desk, role: Role, telling: Telling) -> float:
    manner = desk.manner
    if telling.shape in manner.ignored:
        desk.learn(replace(manner, ignored=tuple(shape for shape in manner.ignored if shape != telling.shape)))
    if telling.state is LimitState.ACCEPTED:
        telling.state = LimitState.VERIFIED
        if role == "standing":
            words = f"{telling.target.words}: verified, it follows{on_the_way(telling)}{_added_up(desk)}"
            desk.record(LimitState.VERIFIED, telling.target, words)
    return IDLE_S


def _added_up(desk: Desk) -> str:
    return "; the one current it tells is of all phases together" if desk.adds_up else ""


def _exceeded(desk: Desk, role: Role, telling: Telling, seen: Seen) -> Duty:
    """Tell it once more if it once followed, for it may have forgotten; else in the next shape, and the owner hears."""
    shape = telling.shape
    if telling.state is LimitState.VERIFIED or shape is None:
        if not seen.phases:
            desk.forget_phases()
        del desk.connector.told[role]
        return NOW_S
    words = f"{telling.target.words}: accepted, but {_instead(desk, telling, seen)}"
    if telling.target.pause and len(desk.manner.ignored) >= PAUSES_TRIED:
        desk.learn(replace(desk.manner, pause="stop"))
        desk.record(LimitState.ACCEPTED, telling.target, f"{words}; so its charge is ended")
        del desk.connector.told[role]
        return NOW_S
    if shun(desk, role):
        desk.record(LimitState.ACCEPTED, telling.target, f"{words}; telling it in another way")
        yield from clear_shape(desk, role, shape)  # it is not to count one day
        return NOW_S
    telling.state = LimitState.IGNORED
    desk.record(LimitState.IGNORED, telling.target, f"{words}, and knows no other way; see docs/chargers.md")
    return IDLE_S


def _instead(desk: Desk, telling: Telling, seen: Seen) -> str:
    drawn_a = seen.drawn_a(telling.target.phases or desk.connector.wired)
    return f"it draws {drawn_a:.1f} A" if drawn_a is not None else f"it means to give {seen.composite_a:g} A"
