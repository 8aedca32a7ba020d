"""The accounting: a charger's messages become facts, and the facts a transaction with its energy (docs/ledger.md).

This is the Ledger of charger.py over any SQL database: the rules are in transactions.py and metering.py, the tables in
schema.py, the books in books.py, which transaction a message means in whose.py, what becomes of late starts in
hindsight.py, what moves no energy in notes.py and dealings.py; how to open, begin and commit is the member's
(sqlite.py). Everything here runs inside a batch. What is remembered from one to the next is forgotten as soon as some
other process has written, so several may share one ledger.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from tinyocpp.identity import fold_identity
from tinyocpp.messages.core import ChargePointStatus
from tinyocpp.messages.types import AuthorizationStatus
from tinyocpp.metering import Reading, counts_kwh, read
from tinyocpp.storage.books import Books
from tinyocpp.storage.hindsight import Hindsight
from tinyocpp.storage.limits import SqlLimits
from tinyocpp.storage.sql import digest, integer, integer_or_none, ms, ms_or_none, real_or_none, time
from tinyocpp.storage.whose import Whose
from tinyocpp.tags import Verdict, fold
from tinyocpp.transactions import (
    Booted,
    Counting,
    Ended,
    Metered,
    Resumed,
    State,
    Stopped,
    Transaction,
    below,
    counted_in_kwh,
    may_count_kwh,
    not_above,
    plausible_register,
    plausible_time,
    shown_register,
    within_one_charge,
)

if TYPE_CHECKING:
    from tinyocpp.charger import Judge
    from tinyocpp.messages.core import (
        BootNotification,
        MeterValues,
        StartTransaction,
        StatusNotification,
        StopTransaction,
    )
    from tinyocpp.storage.register import SqlRegister
    from tinyocpp.storage.sql import Database, Row

FORGOTTEN = timedelta(hours=24)
"""A transaction without a sign of life for so long no longer keeps its tag from charging elsewhere."""
WATCHED = timedelta(hours=6)
"""So far back samples are compared with the power."""
STATUS_SLACK = timedelta(minutes=1)
"""Statuses in order of arrival may have times a little out of it (quirk T6)."""

ALIKE = frozenset({Counting.WH, Counting.KWH})
"""Samples, start and stop count the same."""
CHARGING = frozenset({ChargePointStatus.CHARGING, ChargePointStatus.SUSPENDED_EV, ChargePointStatus.SUSPENDED_EVSE})


class SqlLedger(SqlLimits):
    """Implements charger.Ledger; see there for what each method promises."""

    def __init__(self, database: Database, register: SqlRegister) -> None:
        super().__init__(database, register)
        self._books = Books(database)
        self._hindsight = Hindsight(database, self._books)
        self._whose = Whose(self._books)

    def forget(self) -> None:
        """Read everything anew: another process has written, or what was written here is undone."""
        self._books.forget()

    # Boot and status.

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
        charger = fold_identity(charger_id)
        stated = _believed(call.timestamp, now)
        self._db.run(
            "INSERT INTO statuses (charger, connector_id, status, error_code, info, vendor_id, vendor_error_code,"
            " stated_at, received_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            charger,
            call.connector_id,
            call.status,
            call.error_code,
            call.info,
            call.vendor_id,
            call.vendor_error_code,
            ms_or_none(stated),
            ms(now),
        )
        before, before_at = self._books.status(charger, call.connector_id)
        if stated is not None and before_at is not None and stated < min(before_at, now) - STATUS_SLACK:
            return []  # from a queue: history only; but one ahead of us was stated by a clock since set (quirk T3)
        self._books.tell(charger, call, stated or now)
        changed: list[Transaction] = []
        for transaction in self._books.running(charger, call.connector_id) if call.connector_id > 0 else ():
            record = _told(transaction, call.status, stated or now)
            if isinstance(record, Ended) and record.at < transaction.started_at and before not in CHARGING:
                continue  # of before the start; but after a Charging as old as that, the clock has been set since
            if record is not None:
                changed.append(self._books.happen(transaction, record, now))
        return changed

    # Start.

    def start(
        self, charger_id: str, call: StartTransaction, now: datetime, *, judge: Judge
    ) -> tuple[Transaction, Verdict]:
        charger = fold_identity(charger_id)
        if call.connector_id <= 0:  # quirk M18
            call = msgspec.structs.replace(call, connector_id=self._only_connector(charger) or 1)
        stated = _believed(call.timestamp, now)
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
        stated = _believed(call.timestamp, now)
        stopped = Stopped(stated or now, plausible_register(call.meter_stop), call.reason or "Local")
        repeated = self._stopped_before(charger, call, stated)
        if repeated is not None:
            return repeated
        before = self._whose.stop(charger, call, stated, now)
        if before is None:
            before = self._orphan(
                charger, self._whose.connector_of_orphan(charger, stopped), call.transaction_id, stopped, now
            )
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

    def _orphan(
        self, charger: str, connector_id: int, claimed_id: int, record: Stopped | Metered, now: datetime
    ) -> Transaction:
        """A transaction nobody has seen begin: it begins at the connector's last register that nobody has claimed."""
        shown_wh = record.meter_stop_wh if isinstance(record, Stopped) else record.register_wh
        base_wh, overtaken = self._whose.unclaimed(charger, connector_id, record.at, shown_wh)
        believable = not_above(base_wh, shown_wh) and within_one_charge(base_wh, shown_wh)
        return self._books.open(
            Transaction(
                id=0,
                charger_id=charger,
                connector_id=connector_id,
                id_tag="",
                orphan=True,
                started_at=record.at,
                meter_start_wh=base_wh if believable else None,
                claimed_id=claimed_id,
            ),
            now,
            overtaken=overtaken,
        )

    # What runs, for errands.

    def running(self, charger_id: str, *, refused: bool = False) -> list[Transaction]:
        charger = fold_identity(charger_id)
        return self._books.refused(charger) if refused else self._books.running(charger)

    # Samples.

    def samples(self, charger_id: str, call: MeterValues, now: datetime) -> Transaction | None:
        charger = fold_identity(charger_id)
        reading = read(call.meter_value) or Reading(now)
        stated = _believed(reading.at, now)
        register_wh = None if reading.register_wh is None else plausible_register(reading.register_wh)
        record = Metered(stated or now, register_wh, reading.power_w, reading.offered_a)
        connector_id = call.connector_id or self._only_connector(charger)
        payload = msgspec.json.encode(call)
        transaction = self._whose.sample(charger, connector_id, call.transaction_id, record)
        if transaction is None and self._is_orphan(charger, connector_id, call.transaction_id, record, payload):
            transaction = self._orphan(charger, connector_id, call.transaction_id or 0, record, now)
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

    def _only_connector(self, charger: str) -> int:
        """Connector 0 of a charger with one socket is that socket (quirk M18)."""
        known = self._books.registers(charger)
        return next(iter(known)) if len(known) == 1 else 0


def _believed(stated: datetime | None, now: datetime) -> datetime | None:
    """The charger's time, where its clock can be believed."""
    return stated if stated is not None and plausible_time(stated, now) else None


def _told(transaction: Transaction, status: ChargePointStatus, at: datetime) -> Ended | Resumed | None:
    """What a connector's status says of the transaction thought to run on it."""
    if status is ChargePointStatus.AVAILABLE:
        return Ended(at)
    if status is ChargePointStatus.PREPARING and transaction.state is State.UNCERTAIN:
        return Ended(at)  # Grizzl-E boots amid a transaction and begins anew (quirk X13)
    return Resumed(at) if status in CHARGING else None
