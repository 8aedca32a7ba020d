"""What a MeterValues is kept as, and what it says of the transaction it belongs to (docs/ledger.md).

A part of the accounting: only ledger.py uses it. How figures are read out of samples is in metering.py, which
transaction they mean in whose.py.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec

from tinyocpp.metering import Reading, counts_kwh, read
from tinyocpp.storage.sql import digest, integer_or_none, ms, real_or_none, time
from tinyocpp.transactions import (
    Counting,
    Metered,
    Transaction,
    believed,
    below,
    counted_in_kwh,
    may_count_kwh,
    plausible_register,
    shown_register,
)

if TYPE_CHECKING:
    from datetime import datetime

    from tinyocpp.messages.core import MeterValues
    from tinyocpp.storage.books import Books
    from tinyocpp.storage.hindsight import Hindsight
    from tinyocpp.storage.sql import Database
    from tinyocpp.storage.whose import Whose

WATCHED = timedelta(hours=6)
"""So far back samples are compared with the power."""
ALIKE = frozenset({Counting.WH, Counting.KWH})
"""Samples, start and stop count the same."""


class Sampling:
    def __init__(self, database: Database, books: Books, whose: Whose, hindsight: Hindsight) -> None:
        self._db = database
        self._books = books
        self._whose = whose
        self._hindsight = hindsight

    def keep(self, charger: str, call: MeterValues, now: datetime) -> Transaction | None:
        reading = read(call.meter_value) or Reading(now)
        stated = believed(reading.at, now)
        register_wh = None if reading.register_wh is None else plausible_register(reading.register_wh)
        record = Metered(stated or now, register_wh, reading.power_w, reading.offered_a)
        connector_id = call.connector_id or self._books.only_connector(charger)
        payload = msgspec.json.encode(call)
        transaction = self._whose.sample(charger, connector_id, call.transaction_id, record)
        if transaction is None and self._is_orphan(charger, connector_id, call.transaction_id, record, payload):
            begun, overtaken = self._whose.orphan(charger, connector_id, call.transaction_id or 0, record)
            transaction = self._books.open(begun, now, overtaken=overtaken)
        new = self._db.run(
            "INSERT INTO samples (sampled_at, charger, digest, connector_id, transaction_id, claimed_id, register_wh,"
            " power_w, received_at, raw) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            ms(record.at),
            charger,
            digest(payload),
            connector_id,
            None if transaction is None else transaction.id,
            call.transaction_id,
            record.register_wh,
            reading.power_w,
            ms(now),
            payload.decode(),
        )
        if not new:
            return transaction
        if transaction is not None:
            transaction = self._sampled(transaction, record, now)
            if transaction.running:
                return transaction  # its row has it all
            self._hindsight.yield_to(transaction, now)
        self._books.show(
            transaction,
            charger,
            connector_id if transaction is None else transaction.connector_id,
            at=min(record.at, now),
            register_wh=self._idle_register(charger, connector_id, record)
            if transaction is None
            else shown_register(transaction),
            power_w=reading.power_w if transaction is None else None,
            offered_a=reading.offered_a,
            sampled_at=record.at,
        )
        return transaction

    def _sampled(self, before: Transaction, record: Metered, now: datetime) -> Transaction:
        transaction = self._books.happen(before, record, now)
        if before.meter_start_wh is None and transaction.start_guessed:
            self._hindsight.started_at_sample(transaction, now)
        if may_count_kwh(transaction) and self._counts_kwh(transaction):
            transaction = counted_in_kwh(transaction)
            self._books.keep(transaction, now, sampled=True)
        return transaction

    def _counts_kwh(self, transaction: Transaction) -> bool:
        last_at = transaction.last_sample_at or transaction.started_at
        rows = self._db.rows(
            "SELECT sampled_at, register_wh, power_w FROM samples WHERE sampled_at BETWEEN ? AND ? AND charger = ?"
            " AND transaction_id = ? ORDER BY sampled_at",
            ms(last_at - WATCHED),
            ms(last_at),
            transaction.charger_id,
            transaction.id,
        )
        return counts_kwh((time(at), integer_or_none(wh), real_or_none(power_w)) for at, wh, power_w in rows)

    def _idle_register(self, charger: str, connector_id: int, record: Metered) -> int | None:
        """What a sample says of the meter while nothing runs: nothing, where samples are not what start and stop are
        (quirks M1 and M10)."""
        latest = self._books.latest(charger, connector_id)
        return record.register_wh if latest is None or latest.counting in ALIKE else None

    def _is_orphan(
        self, charger: str, connector_id: int, claimed_id: int | None, record: Metered, payload: bytes
    ) -> bool:
        """Does a sample with a number nobody knows show that energy flows? Without that it is no transaction: 0 is sent
        at random, an old number for hours."""
        if claimed_id is None or record.register_wh is None:
            return False
        if not below(
            self._whose.unclaimed(charger, connector_id, record.at, record.register_wh)[0], record.register_wh
        ):
            return False
        repeated = self._db.rows(
            "SELECT 1 FROM samples WHERE sampled_at = ? AND charger = ? AND digest = ?",
            ms(record.at),
            charger,
            digest(payload),
        )
        return not repeated
