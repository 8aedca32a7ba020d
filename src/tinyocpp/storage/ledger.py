"""The accounting: a charger's messages become facts, and the facts a transaction with its energy (docs/ledger.md).

This is the Ledger of charger.py over any SQL database: the rules are in transactions.py and metering.py, the tables in
schema.py, the books in books.py, samples in sampling.py, statuses in statuses.py, which transaction a message means in
whose.py, what becomes of late starts in hindsight.py, what moves no energy in notes.py and dealings.py; how to open,
begin and commit is the member's (sqlite.py). Everything here runs inside a batch. What is remembered from one to the
next is forgotten as soon as some other process has written, so several may share one ledger.
"""

from __future__ import annotations

from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING

import msgspec

from tinyocpp.identity import fold_identity
from tinyocpp.messages.types import AuthorizationStatus
from tinyocpp.storage.books import Books
from tinyocpp.storage.limits import SqlLimits
from tinyocpp.storage.sql import integer, ms, ms_or_none
from tinyocpp.tags import Verdict, fold
from tinyocpp.transactions import (
    Booted,
    State,
    Stopped,
    Transaction,
    believed,
    plausible_register,
    shown_register,
)

if TYPE_CHECKING:
    from datetime import datetime

    from tinyocpp.charger import Judge
    from tinyocpp.messages.core import MeterValues, StartTransaction, StatusNotification, StopTransaction
    from tinyocpp.messages.core_boot import BootNotification
    from tinyocpp.storage.hindsight import Hindsight
    from tinyocpp.storage.register import SqlRegister
    from tinyocpp.storage.sampling import Sampling
    from tinyocpp.storage.sql import Database, Row
    from tinyocpp.storage.statuses import Statuses
    from tinyocpp.storage.whose import Whose

FORGOTTEN = timedelta(hours=24)
"""A transaction without a sign of life for so long no longer keeps its tag from charging elsewhere."""


class SqlLedger(SqlLimits):
    """Implements charger.Ledger; see there for what each method promises."""

    def __init__(self, database: Database, register: SqlRegister) -> None:
        super().__init__(database, register)
        self._books = Books(database)

    # A charger that boots needs none of them, and a backend's start does not wait for what they import.

    @cached_property
    def _hindsight(self) -> Hindsight:
        from tinyocpp.storage.hindsight import Hindsight

        return Hindsight(self._db, self._books)

    @cached_property
    def _whose(self) -> Whose:
        from tinyocpp.storage.whose import Whose

        return Whose(self._books)

    @cached_property
    def _sampling(self) -> Sampling:
        from tinyocpp.storage.sampling import Sampling

        return Sampling(self._db, self._books, self._whose, self._hindsight)

    @cached_property
    def _statuses(self) -> Statuses:
        from tinyocpp.storage.statuses import Statuses

        return Statuses(self._db, self._books)

    def forget(self) -> None:
        """Read everything anew: another process has written, or what was written here is undone."""
        self._books.forget()

    # Boot, status, samples.

    def boot(self, charger_id: str, call: BootNotification, now: datetime) -> list[Transaction]:
        charger = fold_identity(charger_id)
        payload = msgspec.json.encode(call).decode()
        self._db.run("INSERT INTO boots (charger, received_at, payload) VALUES (?, ?, ?)", charger, ms(now), payload)
        self._db.run(
            "INSERT INTO chargers (charger, charger_id, booted_at, vendor, model, firmware, boot, last_seen_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (charger) DO UPDATE SET booted_at = excluded.booted_at,"
            " vendor = excluded.vendor, model = excluded.model, firmware = excluded.firmware, boot = excluded.boot,"
            " last_seen_at = excluded.last_seen_at",
            charger,
            charger_id,
            ms(now),
            call.charge_point_vendor,
            call.charge_point_model,
            call.firmware_version or "",
            payload,
            ms(now),
        )
        return [self._books.happen(running, Booted(now), now) for running in self._books.running(charger)]

    def status(self, charger_id: str, call: StatusNotification, now: datetime) -> list[Transaction]:
        return self._statuses.keep(fold_identity(charger_id), call, now)

    def samples(self, charger_id: str, call: MeterValues, now: datetime) -> Transaction | None:
        return self._sampling.keep(fold_identity(charger_id), call, now)

    # Start.

    def start(
        self, charger_id: str, call: StartTransaction, now: datetime, *, judge: Judge
    ) -> tuple[Transaction, Verdict]:
        charger = fold_identity(charger_id)
        if call.connector_id <= 0:  # quirk M18
            call = msgspec.structs.replace(call, connector_id=self._books.only_connector(charger) or 1)
        stated = believed(call.timestamp, now)
        first = self._first_of(charger, call, stated)
        if first is not None:
            return first
        begun = Transaction(
            id=0,
            charger_id=charger,
            connector_id=call.connector_id,
            id_tag="",
            started_at=stated or now,
            meter_start_wh=plausible_register(call.meter_start),
        )
        place = self._hindsight.place(begun, call.id_tag, now)
        verdict = judge(lambda id_tag: self._open_with(id_tag, now))
        transaction = self._hindsight.open(
            place,
            msgspec.structs.replace(begun, id_tag=verdict.id_tag),
            now,
            refused=verdict.status is not AuthorizationStatus.ACCEPTED,
        )
        self._db.run(
            "INSERT INTO starts (transaction_id, charger, connector_id, id_tag, tag, meter_start_wh, stated_at,"
            " received_at, reservation_id, answer) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            transaction.id,
            charger,
            call.connector_id,
            call.id_tag,
            fold(call.id_tag),
            call.meter_start,
            ms_or_none(stated),
            ms(now),
            call.reservation_id,
            msgspec.json.encode(verdict).decode(),
        )
        return transaction, verdict

    def _first_of(
        self, charger: str, call: StartTransaction, stated: datetime | None
    ) -> tuple[Transaction, Verdict] | None:
        """The transaction this start is a repeat of, with the answer it got."""
        same = "SELECT transaction_id, answer FROM starts WHERE tag = ? AND meter_start_wh = ?"
        content = fold(call.id_tag), call.meter_start
        found: list[Row] = []
        if stated is not None:
            found = self._db.rows(
                f"{same} AND charger = ? AND connector_id = ? AND stated_at = ?",
                *content,
                charger,
                call.connector_id,
                ms(stated),
            )
        if not found:
            # One of them came without a time, or was sent or received by a clock that has been set since: then only
            # while the first is open, and nothing has disturbed it.
            running = self._books.running(charger, call.connector_id)
            first = max((one.id for one in running if one.state is State.OPEN and one.undisturbed), default=None)
            timeless = f"{same} AND transaction_id = ? AND (stated_at IS NULL OR ? IS NULL)"
            found = self._db.rows(timeless, *content, first, ms_or_none(stated))
            if found and stated is not None:  # the first came without a time: it is known by this one from now on
                known = "UPDATE starts SET stated_at = ? WHERE transaction_id = ? AND stated_at IS NULL"
                self._db.run(known, ms(stated), found[0][0])
        if not found:
            return None
        number, answer = found[0]
        (transaction,) = self._books.transactions("transaction_id = ?", number)
        return transaction, msgspec.json.decode(str(answer), type=Verdict)

    def _open_with(self, id_tag: str, now: datetime) -> int:
        counted = self._db.rows(
            "SELECT count(*) FROM transactions WHERE tag = ? AND state = 'open' AND refused = 0 AND alive_at > ?",
            fold(id_tag),
            ms(now - FORGOTTEN),
        )
        return integer(counted[0][0])

    # Stop.

    def stop(self, charger_id: str, call: StopTransaction, now: datetime) -> Transaction:
        charger = fold_identity(charger_id)
        stated = believed(call.timestamp, now)
        stopped = Stopped(stated or now, plausible_register(call.meter_stop), call.reason or "Local")
        repeated = self._stopped_before(charger, call, stated)
        if repeated is not None:
            return repeated
        before = self._whose.stop(charger, call, stated, now)
        if before is None:
            connector_id = self._whose.connector_of_orphan(charger, stopped)
            begun, overtaken = self._whose.orphan(charger, connector_id, call.transaction_id, stopped)
            before = self._books.open(begun, now, overtaken=overtaken)
        if before.orphan and not before.id_tag and call.id_tag:
            before = self._books.name(before, call.id_tag)  # whoever stopped it is all we know
        transaction = self._books.happen(before, stopped, now)
        if not before.running:
            self._hindsight.yield_to(transaction, now)
        self._db.run(
            "INSERT INTO stops (transaction_id, charger, claimed_id, id_tag, meter_stop_wh, stated_at, received_at,"
            " reason, transaction_data) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            transaction.id,
            charger,
            call.transaction_id,
            call.id_tag,
            call.meter_stop,
            ms_or_none(stated),
            ms(now),
            call.reason or "Local",
            None if call.transaction_data is None else msgspec.json.encode(call.transaction_data).decode(),
        )
        self._books.show(
            transaction,
            charger,
            transaction.connector_id,
            at=min(now, max(stopped.at, transaction.last_sample_at or stopped.at)),
            register_wh=shown_register(transaction),
        )
        return transaction

    def _stopped_before(self, charger: str, call: StopTransaction, stated: datetime | None) -> Transaction | None:
        """What an equal StopTransaction stopped. One without a time that can be believed is a repeat only of the last
        stop with that id and register."""
        found = self._db.rows(
            "SELECT transaction_id FROM stops WHERE charger = ? AND claimed_id = ? AND meter_stop_wh = ?"
            " AND stated_at IS ? ORDER BY stop_no DESC LIMIT 1",
            charger,
            call.transaction_id,
            call.meter_stop,
            ms_or_none(stated),
        )
        return self._books.owned(charger, integer(found[0][0])) if found else None

    # What runs, for errands.

    def running(self, charger_id: str, *, refused: bool = False) -> list[Transaction]:
        charger = fold_identity(charger_id)
        return self._books.refused(charger) if refused else self._books.running(charger)
