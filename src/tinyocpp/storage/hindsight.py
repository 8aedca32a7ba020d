"""What becomes of a start that is heard late: behind its own stop, its own samples, or the next start on its connector.

Queues are replayed after what was said live, and answers that got lost are asked for again days later. Until then its
energy is booked to whoever could be meant: an orphan, or the charge before. Here the start takes what is its own, so
that no kWh is there twice. What came in order passes through unchanged. Only the accounting (ledger.py) uses this.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tinyocpp.tags import same_tag
from tinyocpp.transactions import (
    Ended,
    Metered,
    State,
    Stopped,
    Transaction,
    apply,
    below,
    sample_of_next,
    shown_register,
    without_stop,
)

if TYPE_CHECKING:
    from datetime import datetime

    from tinyocpp.storage.books import Books
    from tinyocpp.storage.sql import Database


class Place(msgspec.Struct, frozen=True):
    """Where a start belongs among what is known of its connector."""

    orphan: Transaction | None = None  # it is the beginning of this one
    robbed: Transaction | None = None  # this one has its stop
    later: Transaction | None = None  # this one has begun since
    sample: Metered | None = None  # its own, booked to the one before


class Hindsight:
    def __init__(self, database: Database, books: Books) -> None:
        self._db = database
        self._books = books

    def place(self, begun: Transaction, id_tag: str, now: datetime) -> Place:
        """Find the place of a charge that has `begun` with this tag, and end what ran there before it."""
        charger, connector_id = begun.charger_id, begun.connector_id
        latest = self._books.latest(charger, connector_id)
        if latest is None or latest.started_at < begun.started_at >= (latest.stopped_at or latest.started_at):
            return Place(sample=self._end(self._thought_to_run(latest, begun), begun, now))  # as nearly always
        before = self._books.before(charger, connector_id, begun.started_at)
        orphan = self._orphan_of(begun, before, id_tag)
        if orphan is not None:
            self._end([before] if before is not None else [], begun, now)
            return Place(orphan=orphan)
        if before is not None and self._is_robbed(before, begun, id_tag):
            return Place(robbed=before)
        later = self._books.after(charger, connector_id, begun.started_at, begun.meter_start_wh)
        if later is None:  # only the clock says that it is not the last
            return Place(sample=self._end(self._thought_to_run(latest, begun), begun, now))
        return Place(later=later, sample=self._end([before] if before is not None else [], begun, now))

    def open(self, place: Place, begun: Transaction, now: datetime, *, refused: bool) -> Transaction:
        """Book the charge at its place; returns it with its number, and what has become of it since."""
        if place.orphan is not None:
            return self._books.adopt(place.orphan, begun, now, refused=refused)
        transaction = self._books.open(begun, now, refused=refused, overtaken=place.later is not None)
        if place.robbed is not None:
            transaction = self._take_stop(place.robbed, transaction, now)
        if place.sample is not None:
            transaction = self._books.happen(transaction, place.sample, now)
        if place.later is not None:  # an orphan begins where others have ended: its register says nothing of its start
            next_start_wh = None if place.later.orphan else place.later.meter_start_wh
            transaction = self._books.happen(transaction, Ended(place.later.started_at, next_start_wh), now)
        return transaction

    def started_at_sample(self, transaction: Transaction, now: datetime) -> None:
        """The first sample of one that came late stands in for its start (quirk M13): there the one before ended."""
        previous = None if transaction.running else self._books.previous(transaction)
        if previous is not None:
            self._books.happen(previous, Ended(transaction.started_at, transaction.meter_start_wh), now)

    def yield_to(self, transaction: Transaction, now: datetime) -> None:
        """An orphan begins where nobody has claimed the register: not below what one before it, we hear now, showed."""
        latest = self._books.latest(transaction.charger_id, transaction.connector_id)
        shown_wh = shown_register(transaction)
        if latest is None or latest.id == transaction.id or shown_wh is None:
            return
        following = self._books.following(transaction)
        if following is None or not following.orphan or following.meter_start_wh is None:
            return
        if following.meter_start_wh < shown_wh:
            self._books.keep(msgspec.structs.replace(following, meter_start_wh=shown_wh), now)

    def _orphan_of(self, begun: Transaction, before: Transaction | None, id_tag: str) -> Transaction | None:
        """The orphan this start is the beginning of: the next on the connector, with a register the charge can have
        reached, and none before it that claims more than its own."""
        following = self._books.following(begun)
        if following is None or not following.orphan or begun.meter_start_wh is None:
            return None
        if following.id_tag and not same_tag(following.id_tag, id_tag):
            return None
        claimed_wh = shown_register(before) if before is not None else None
        unclaimed = claimed_wh is None or claimed_wh <= begun.meter_start_wh
        return following if unclaimed and below(begun.meter_start_wh, shown_register(following)) else None

    def _is_robbed(self, before: Transaction, begun: Transaction, id_tag: str) -> bool:
        """Has the one before the stop of this charge? A stop without our number came before its start, when only the
        one before could be meant, and by time and register the charge began before that stop."""
        if before.stopped_at is None or before.stopped_at <= begun.started_at:
            return False
        if not below(begun.meter_start_wh, before.meter_stop_wh):
            return False
        stops = self._db.rows(
            "SELECT claimed_id, id_tag FROM stops WHERE charger = ? AND transaction_id = ?",
            before.charger_id,
            before.id,
        )
        unnamed = all(claimed_id != before.id for claimed_id, _ in stops)
        fits = all(not tag or same_tag(str(tag), id_tag) for _, tag in stops)
        return unnamed and fits

    def _take_stop(self, robbed: Transaction, transaction: Transaction, now: datetime) -> Transaction:
        """Give the stop to the one it is of."""
        stopped = Stopped(robbed.stopped_at or now, robbed.meter_stop_wh, robbed.reason)
        ended = Ended(transaction.started_at, transaction.meter_start_wh)
        self._books.keep(apply(without_stop(robbed), ended), now)
        self._db.run(
            "UPDATE stops SET transaction_id = ? WHERE charger = ? AND transaction_id = ?",
            transaction.id,
            robbed.charger_id,
            robbed.id,
        )
        return self._books.happen(transaction, stopped, now)

    def _thought_to_run(self, latest: Transaction | None, begun: Transaction) -> list[Transaction]:
        """What ends when another begins on the connector: what runs there, or the last, if its stop is missing."""
        running = self._books.running(begun.charger_id, begun.connector_id)
        return running or ([latest] if latest is not None and latest.state is State.LOST else [])

    def _end(self, over: list[Transaction], begun: Transaction, now: datetime) -> Metered | None:
        """End these where it began; returns a sample that was taken for theirs, but is of the charge that has begun."""
        ended = Ended(begun.started_at, begun.meter_start_wh)
        sample: Metered | None = None
        for transaction in over:
            if transaction.state is not State.CLOSED:
                sample = sample_of_next(transaction, ended)
            self._books.happen(transaction, ended, now)
        return sample
