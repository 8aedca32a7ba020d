"""The duties at each connector, in their order, and when to look again.

Two limits stand side by side. The standing one is the owner's wish; while the control program offers a current, it is
also what is left with the charger for the time when nobody says anything any more. The moving one is the offer, never
above the wish, and is told in a way that no flash memory wears out by (quirk C20).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from tinyocpp.commands import Ask, Pause
from tinyocpp.dealings import LimitState, Target, wished_of
from tinyocpp.errands.limiting.asking import still_there
from tinyocpp.errands.limiting.checking import look
from tinyocpp.errands.limiting.clearing import clear, let_others_tell
from tinyocpp.errands.limiting.desk import IDLE_S, NOW_S, Desk
from tinyocpp.errands.limiting.dropping import patience_s
from tinyocpp.errands.limiting.rousing import rouse
from tinyocpp.errands.limiting.sampling import fresh
from tinyocpp.errands.limiting.searching import lowered
from tinyocpp.errands.limiting.stopping import pause_by_stop, resume, survived
from tinyocpp.errands.limiting.swapping import switch_by_key, through_gap
from tinyocpp.errands.limiting.telling import tell
from tinyocpp.limits import lasts
from tinyocpp.mains import LEAST_A, limit_in_words
from tinyocpp.manners import KEYS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from tinyocpp.charger import Charger
    from tinyocpp.commands import Errand
    from tinyocpp.connectors import Role, Telling
    from tinyocpp.dealings import Wished
    from tinyocpp.errands.limiting.desk import Duty

LEFTOVERS_S = 60.0  # so long one of somebody's own, of which we know nothing, has to say something
RENEWED = 1 / 3  # of the time after which it expires
RETRY_S = 3600.0  # after a refusal in every shape; a boot, a transaction or another wish comes first
FLASH_S = 60.0  # between two raises that may be written to flash memory (quirk C20)
SURELY_FLASH_S = 600.0  # and where they surely are: a day of clouds is to be some fifty of a memory's ten thousand
AGAIN_S = 60.0  # after no answer
SOON_S = 0.5
LOSES = "the line is lost each time it is told; it is told again later"


def keep(charger: Charger) -> Errand:
    yield from _learn_keys(charger)
    begun_at = charger.clock.now()
    while True:
        wait_s, wishes = IDLE_S, charger.ledger.wishes(charger.id)
        for number in _numbers(charger, wishes):
            soon_s = yield from _attend(charger, number, wishes, begun_at)
            wait_s = min(wait_s, soon_s)
        for wished in wishes:
            if wished.wish.none and _taken_back(charger, wished):
                charger.ledger.drop_wish(wished)
        if not _business(charger):
            charger.limiting, charger.connectors = False, {}
            return
        yield Pause(max(wait_s, SOON_S), wakes=True)


def _learn_keys(charger: Charger) -> Errand:
    """Once for each charger: handlers/answers.py keeps what it says."""
    never = charger.quirks.never_read
    asked = [key for key in KEYS if key not in never and charger.ledger.configuration(charger.id, key) is None]
    if "ChargeProfileMaxStackLevel" in asked:
        yield Ask("GetConfiguration", msgspec.json.encode({"key": asked}), timeout_s=15.0)


def _numbers(charger: Charger, wishes: Sequence[Wished]) -> list[int]:
    """Connectors anybody wants something of; of a charger that has told of none, the first."""
    named = {wished.connector_id for wished in wishes if wished.connector_id}
    left = {told.connector_id for told in charger.ledger.told(charger.id)}
    return sorted({*(charger.ledger.connectors(charger.id) or [1]), *named, *left, *charger.connectors})


def _taken_back(charger: Charger, wished: Wished) -> bool:
    """Is nothing of the owner's left at the connectors this is for? One that has not answered may still keep it."""
    there = [one for one in charger.ledger.told(charger.id) if wished.connector_id in (0, one.connector_id)]
    return all(one.leftover or one.stopped_tag for one in there)


def _business(charger: Charger) -> bool:
    offered = any(connector.offer is not None for connector in charger.connectors.values())
    return offered or bool(charger.ledger.wishes(charger.id) or charger.ledger.told(charger.id))


def _attend(charger: Charger, number: int, wishes: Sequence[Wished], begun_at: datetime) -> Duty:
    """One connector: what stays first, for it counts should anything go wrong with what moves."""
    desk = Desk(charger, charger.connector(number), wished_of(wishes, number))
    if desk.transaction is not None:
        desk.connector.refused |= desk.refused
    survived(desk)
    offer, before = desk.offer(), desk.before
    if offer is None and before is not None and before.leftover and not desk.connector.told:
        patient_s = IDLE_S if charger.pace.steered else desk.after(begun_at, LEFTOVERS_S)
        if patient_s > 0 and desk.answered and not desk.connector.freed:
            return patient_s  # what was left with it holds until the control program is back
    as_it_is = desk.phases if desk.reduced else None
    standing = desk.target(offer and replace(offer, current_a=offer.fallback_a, phases=as_it_is))
    moving = None if offer is None else desk.target(offer)
    waits_s = [(yield from _bring(desk, "standing", standing))]
    waits_s.append((yield from _bring(desk, "moving", moving)))
    in_force = standing if moving is None else moving
    waits_s.append((yield from resume(desk, in_force)))
    waits_s.append((yield from rouse(desk, in_force)))
    waits_s.append((yield from look(desk, "standing" if "moving" not in desk.connector.told else "moving")))
    _keep_steered(desk)
    waits_s.append((yield from fresh(desk)))
    if desk.connector.offered_until is not None:
        waits_s.append(desk.after(desk.connector.offered_until, 0))
    return max(0.0, min(waits_s))


def _keep_steered(desk: Desk) -> None:
    """The owner's limit is above what moves: who follows that keeps this too."""
    moving, before = desk.connector.told.get("moving"), desk.before
    state = None if moving is None else moving.state
    if before is not None and before.steered is not state:
        desk.keep(steered=state)


def _bring(desk: Desk, role: Role, wanted: Target | None) -> Duty:
    """Tell what is wanted unless it was told last; take back what was told when nothing is wanted."""
    if wanted is None:
        return (yield from _take_back(desk, role))
    if role == "moving" and desk.transaction is None:
        had = desk.connector.told.pop(role, None)  # a TxProfile ends with its transaction, and before one is none
        if had is not None and had.whole:
            let_others_tell(desk, role)
        return IDLE_S
    if wanted.pause and (desk.paused_by == "lowest" or desk.connector.stop_refused):
        wanted = Target(LEAST_A)
    now, look_s = through_gap(desk, wanted)
    if role == "standing" and desk.connector.unsure and not _by_stop(desk, now, wanted):
        if (yield from still_there(desk, now)):
            return desk.charger.pace.settle_s
        now, look_s = through_gap(desk, wanted)
    if _by_stop(desk, now, wanted):
        return (yield from pause_by_stop(desk, role, wanted))
    had = desk.connector.told.get(role)
    if had is None and role == "moving" and (unsteered_s := _unsteered_s(desk)):
        return unsteered_s
    counts_s = _counts_s(desk, role, had, now)
    if had is not None and counts_s > 0:
        if role == "standing" and not desk.answered:  # the same as before, by another wish
            desk.record(had.state, now, desk.before.words if desk.before is not None else "")
        return min(counts_s, look_s)
    moves = desk.connector.offer is not None and "moving" in desk.connector.told
    if role == "standing" and had is not None and desk.connector.rousing and moves:
        return IDLE_S  # a second limit after a pause is no small thing: see rousing.py
    spacing_s = _spacing_s(desk, role, had, now)
    if spacing_s > 0:
        return min(spacing_s, look_s)
    if loses_s := patience_s(desk):
        if role == "standing" and not desk.answered:
            desk.record(LimitState.ASKED, now, f"{now.words}: {LOSES}")
        return min(loses_s, look_s)
    if not (yield from switch_by_key(desk, now)):
        return AGAIN_S
    desk.connector.cleared = False
    yield from tell(desk, role, now, meant=wanted)
    return min(desk.charger.pace.settle_s, look_s)


def _by_stop(desk: Desk, now: Target, wanted: Target) -> bool:
    return now.pause and (desk.paused_by != "zero" or (desk.ends_for_gap and not wanted.pause))


def _take_back(desk: Desk, role: Role) -> Duty:
    """What was told, here or over another connection. What is known of the connector stays until its charge, if that
    was ended for a pause, goes on."""
    connector, before = desk.connector, desk.before
    ours = role in connector.told or (role == "standing" and before is not None)
    if role == "standing" and desk.answered and (keeps_s := desk.left_s(connector.keeps_at, RETRY_S)):
        return keeps_s
    if ours and not (role == "standing" and connector.cleared):
        refused = yield from clear(desk, role)
        if refused is None:
            return AGAIN_S
        if refused and role == "standing":
            return _kept(desk, refused)
        connector.cleared = role == "standing"
    if role == "moving" or before is None:
        return IDLE_S
    if before.stopped_tag:
        desk.keep(phases=None)
    else:
        desk.charger.ledger.drop_told(desk.charger.id, connector.connector_id)
        desk.announce(replace(before, current_a=None, phases=None, state=LimitState.ACCEPTED, words="no limit"))
    return IDLE_S


def _kept(desk: Desk, refused: str) -> float:
    """It does not let go of what it was told."""
    before, wished = desk.before, desk.wished
    desk.connector.keeps_at = desk.charger.clock.now()
    if before is not None:
        had = limit_in_words(before.current_a, None, before.phases)
        words = f"no limit: refused ({refused}); {had} is still in it"
        at = None if wished is None else wished.at
        desk.announce(desk.keep(wished_at=at, state=LimitState.REFUSED, words=words, at=desk.connector.keeps_at))
    return RETRY_S


def _unsteered_s(desk: Desk) -> float:
    """For how long a refusal of what moves counts that was said over another connection, in the charge that runs."""
    before = desk.before
    refused_at = None if before is None else before.unsteered_at
    began_at = desk.connector.began_at  # the charger's own word for it may be hours off
    if refused_at is None or desk.transaction is None or (began_at is not None and refused_at < began_at):
        return NOW_S
    return desk.left_s(refused_at, RETRY_S)


def _counts_s(desk: Desk, role: Role, had: Telling | None, wanted: Target) -> float:
    """For how many seconds what was told last needs no word more. 0: it is to be told now."""
    if had is None:
        return NOW_S
    if had.state is LimitState.REFUSED and _no_easier(wanted, had.target):
        another = role == "standing" and not desk.answered
        return NOW_S if another else desk.left_s(had.at, RETRY_S)
    if not _same(had.target, wanted):
        return NOW_S
    if role == "standing" and desk.connector.offer is not None and had.shape not in (None, lowered(had.shape)):
        return NOW_S
    if had.state is LimitState.ASKED and not (desk.transaction is None and desk.for_charges_alone):
        return NOW_S if had.refusals else desk.left_s(had.at, AGAIN_S)
    if role == "moving" and had.shape is not None and had.shape.expires and desk.connector.offered_until is not None:
        return desk.left_s(had.at, RENEWED * lasts(had.shape).total_seconds())
    return IDLE_S


def _no_easier(wanted: Target, refused: Target) -> bool:
    """Who refuses every shape refuses any number; but for a pause, or a number of phases, which may be what it is."""
    return wanted.pause >= refused.pause and bool(wanted.phases) >= bool(refused.phases)


def _same(told: Target, wanted: Target) -> bool:
    """Three phases need no word once they are told."""
    return told == wanted or (wanted.phases is None and told == replace(wanted, phases=3))


def _spacing_s(desk: Desk, role: Role, had: Telling | None, wanted: Target) -> float:
    """How long to wait before it is told again. Less is never waited with for the sake of a memory."""
    if had is None or role == "standing":
        return 0.0
    pace = desk.charger.pace.write_every_s
    less = wanted.current_a <= had.target.current_a
    typed = desk.wished is not None and desk.wished.at > had.at
    gap = had.target.pause and had.meant is not None and not had.meant.pause
    if less or typed or gap or had.shape is None or had.shape.purpose == "TxProfile":
        return desk.after(had.at, pace)
    rarely_s = SURELY_FLASH_S if had.shape.purpose == "ChargePointMaxProfile" else FLASH_S
    return desk.after(had.at, max(pace, rarely_s))
