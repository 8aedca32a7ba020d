"""Which transaction a stop or a sample means, and where one that nobody has seen begin can have been (docs/ledger.md).

Numbers come first, for they are ours; but chargers have numbers of their own, keep those of another server, or say -1.
Then tag, time and register must leave but one transaction that can be meant: none is ended by guess. Only the
accounting (ledger.py) asks here; nothing here writes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tinyocpp.tags import same_tag
from tinyocpp.transactions import (
    CLOCK_SLACK,
    REGISTER_SLACK_WH,
    Metered,
    State,
    Stopped,
    Transaction,
    below,
    is_closing_sample,
    is_number,
    may_be_of,
    not_above,
    plausible_register,
    shown_register,
    within_one_charge,
)

if TYPE_CHECKING:
    from datetime import datetime

    from tinyocpp.messages.core import StopTransaction
    from tinyocpp.storage.books import Books


class Whose:
    def __init__(self, books: Books) -> None:
        self._books = books

    def stop(self, charger: str, call: StopTransaction, stated: datetime | None, now: datetime) -> Transaction | None:
        """The transaction a stop ends: by our number, by the charger's own, or the only one it can mean."""
        ours = self._books.owned(charger, call.transaction_id)
        if ours is not None and _is_of_an_earlier(ours, call, stated):
            return None
        if ours is not None and ours.running:
            return ours
        theirs = self._books.claimed(charger, call.transaction_id)
        if theirs is not None and not is_number(call.transaction_id) and not _fits(theirs, call, stated):
            theirs = None  # another one that had no number
        if theirs is not None and (theirs.running or (ours is None and self._only_late(theirs, stated))):
            return theirs
        if ours is not None and not self._is_of_a_later(ours, call, stated):
            return ours
        if is_number(call.transaction_id):
            return self._only_sure(charger, call, stated, now)
        if not call.id_tag and len(self._books.registers(charger)) > 1:
            return None  # nothing tells which connector it was
        fitting = [running for running in self._books.running(charger) if _fits(running, call, stated)]
        return fitting[0] if len(fitting) == 1 and not self._nearer(fitting[0], call) else None

    def sample(self, charger: str, connector_id: int, claimed_id: int | None, record: Metered) -> Transaction | None:
        """The transaction a sample belongs to: the one it names, or the one running on its connector."""
        ours = self._books.owned(charger, claimed_id) if claimed_id is not None else None
        if ours is not None and ours.running:
            return ours
        theirs = self._books.claimed(charger, claimed_id) if claimed_id is not None else None
        if theirs is not None and (theirs.connector_id != connector_id or self._is_another(theirs, record)):
            theirs = None
        named = [one for one in (theirs, ours) if one is not None and is_closing_sample(one, record)]
        running = [one for one in self._books.running(charger, connector_id) if may_be_of(one, record)]
        if running and (not named or record.at >= running[-1].started_at):
            return _called(running[-1], claimed_id)
        return named[0] if named else None

    def connector_of_orphan(self, charger: str, stopped: Stopped) -> int:
        """Where a stop without a start can have happened: on the only connector, or the only one that does not show
        more, unless something runs there; else 0."""
        registers = self._books.registers(charger)
        if len(registers) > 1 and stopped.meter_stop_wh is not None:
            most_wh = stopped.meter_stop_wh + REGISTER_SLACK_WH
            registers = {number: wh for number, wh in registers.items() if wh is None or wh <= most_wh}
        busy = {running.connector_id for running in self._books.running(charger)}
        (only,) = registers if len(registers) == 1 else (0,)
        return 0 if only in busy else only

    def orphan(
        self, charger: str, connector_id: int, claimed_id: int, record: Stopped | Metered
    ) -> tuple[Transaction, bool]:
        """How a transaction nobody has seen begin is to be booked, and whether a later one there is known already. It
        begins at the connector's last register that nobody has claimed."""
        shown_wh = record.meter_stop_wh if isinstance(record, Stopped) else record.register_wh
        base_wh, overtaken = self.unclaimed(charger, connector_id, record.at, shown_wh)
        believable = not_above(base_wh, shown_wh) and within_one_charge(base_wh, shown_wh)
        begun = Transaction(
            id=0,
            charger_id=charger,
            connector_id=connector_id,
            id_tag="",
            orphan=True,
            started_at=record.at,
            meter_start_wh=base_wh if believable else None,
            claimed_id=claimed_id,
        )
        return begun, overtaken

    def unclaimed(self, charger: str, connector_id: int, at: datetime, shown_wh: int | None) -> tuple[int | None, bool]:
        """From where on nobody has claimed the register, and whether a later charge there is known already: then it is
        from the end of the one before, if that is known, and no further than the next began."""
        latest = self._books.latest(charger, connector_id)
        if latest is None or latest.started_at <= at:
            register_wh = self._books.register(charger, connector_id) if connector_id > 0 else None
            claimed_wh = None if latest is None else shown_register(latest)
            again = below(register_wh, claimed_wh) and not_above(claimed_wh, shown_wh)
            return claimed_wh if again else register_wh, False  # what fell, and is back above, had not begun anew
        before = self._books.before(charger, connector_id, at)
        following = None if before is None else self._books.following(before)
        if before is None or following is None or before.state is not State.CLOSED or following.orphan:
            return None, True
        in_between = following.meter_start_wh is None or not_above(shown_wh, following.meter_start_wh)
        return shown_register(before) if in_between else None, True

    def _nearer(self, running: Transaction, call: StopTransaction) -> bool:
        """Does an idle socket show a register between that charge's and the stop's? It may be of a charge there, whose
        start got lost."""
        charger, known_wh = running.charger_id, shown_register(running)
        idle = self._books.registers(charger)
        for one in self._books.running(charger):
            idle.pop(one.connector_id, None)
        return any(not_above(known_wh, shown_wh) and not_above(shown_wh, call.meter_stop) for shown_wh in idle.values())

    def _is_of_a_later(self, ours: Transaction, call: StopTransaction, stated: datetime | None) -> bool:
        """Is our number the charger's own for another? Where the next one there has begun before this stop, and the
        register has moved since, it is not late, but of a charge that ended later (EN+ counts from 1, as we do)."""
        stop_wh = plausible_register(call.meter_stop)
        if stated is None or stop_wh is None or ours.stopped_at is None or stated <= ours.stopped_at:
            return False
        following = self._books.following(ours)
        return (
            following is not None
            and not following.orphan
            and following.started_at <= stated
            and following.meter_start_wh is not None
            and following.meter_start_wh < stop_wh
        )

    def _only_sure(
        self, charger: str, call: StopTransaction, stated: datetime | None, now: datetime
    ) -> Transaction | None:
        """The transaction that a stop with a number nobody knows must mean (quirk X7): on a charger with one socket
        that has charged since for this very tag. Less would be a guess: another server's stop may come out of a
        queue at any time, but not with a time, a tag and a register that all are of today's charge."""
        running = self._books.running(charger)
        if len(running) != 1 or len(self._books.registers(charger)) != 1 or not call.id_tag or stated is None:
            return None
        (only,) = running
        moved = only.meter_start_wh is not None and call.meter_stop > only.meter_start_wh
        in_time = max(only.started_at, only.last_sample_at or only.started_at) <= stated <= now + CLOCK_SLACK
        return only if moved and in_time and only.id_tag and _fits(only, call, stated) else None

    def _only_late(self, transaction: Transaction, stated: datetime | None) -> bool:
        """Does it lack a stop of this time? Later ones there may be called by the same number again."""
        if stated is not None and transaction.stopped_at is not None and stated <= transaction.stopped_at:
            return transaction.state is State.LOST
        latest = self._books.latest(transaction.charger_id, transaction.connector_id)
        return transaction.state is State.LOST and latest is not None and latest.id == transaction.id

    def _is_another(self, lost: Transaction, record: Metered) -> bool:
        """Has somebody else charged there since? -1 is said of one transaction nobody knows and of the next."""
        return lost.state is State.LOST and not self._only_late(lost, record.at)


def _called(transaction: Transaction, claimed_id: int | None) -> Transaction:
    """With the number a charger uses for a transaction of ours (EN+, Huawei: quirk X7)."""
    if claimed_id is None or not is_number(claimed_id) or claimed_id in (transaction.id, transaction.claimed_id):
        return transaction
    return msgspec.structs.replace(transaction, claimed_id=claimed_id)


def _is_of_an_earlier(ours: Transaction, call: StopTransaction, stated: datetime | None) -> bool:
    """Did another server give the same number? Before ours began, by the clock and by the register: a clock alone may
    have been set since."""
    return stated is not None and stated < ours.started_at and not_above(call.meter_stop, ours.meter_start_wh)


def _fits(running: Transaction, call: StopTransaction, stated: datetime | None) -> bool:
    """Can this stop be that transaction's? The tag, the time and the register must not speak against it."""
    if call.id_tag and running.id_tag and not same_tag(call.id_tag, running.id_tag):
        return False
    if stated is not None and stated < running.started_at:
        return False
    known_wh = running.last_register_wh if running.last_register_wh is not None else running.meter_start_wh
    stop_wh = plausible_register(call.meter_stop)
    return (
        known_wh is not None
        and not_above(known_wh - REGISTER_SLACK_WH, stop_wh)
        and within_one_charge(running.meter_start_wh, stop_wh)
    )
