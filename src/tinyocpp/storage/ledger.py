"""The accounting: a charger's messages become facts, and the facts a transaction with its energy (docs/ledger.md).

This is the Ledger of charger.py over any SQL database: the rules are in transactions.py and metering.py, the tables in
schema.py, the books in books.py, what moves no energy in notes.py and dealings.py; how to open, begin and commit is the
member's (sqlite.py). Everything here runs inside a batch. What is remembered from one to the next is forgotten as soon
as some other process has written, so several may share one ledger.
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
from tinyocpp.storage.dealings import SqlDealings
from tinyocpp.storage.hindsight import Hindsight
from tinyocpp.storage.sql import digest, integer, integer_or_none, ms, ms_or_none, real_or_none, time
from tinyocpp.tags import Verdict, fold, same_tag
from tinyocpp.transactions import (
    CLOCK_SLACK,
    REGISTER_SLACK_WH,
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
    is_closing_sample,
    is_number,
    may_be_of,
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


class SqlLedger(SqlDealings):
    """Implements charger.Ledger; see there for what each method promises."""

    def __init__(self, database: Database, register: SqlRegister) -> None:
        super().__init__(database, register)
        self._books = Books(database)
        self._hindsight = Hindsight(database, self._books)

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
        before = self._stopping(charger, call, stated, now)
        if before is None:
            before = self._orphan(
                charger, self._connector_of_orphan(charger, stopped), call.transaction_id, stopped, now
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

    def _stopping(
        self, charger: str, call: StopTransaction, stated: datetime | None, now: datetime
    ) -> Transaction | None:
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

    def _connector_of_orphan(self, charger: str, stopped: Stopped) -> int:
        """Where a stop without a start can have happened: on the only connector, or the only one that does not show
        more, unless something runs there; else 0."""
        registers = self._books.registers(charger)
        if len(registers) > 1 and stopped.meter_stop_wh is not None:
            most_wh = stopped.meter_stop_wh + REGISTER_SLACK_WH
            registers = {number: wh for number, wh in registers.items() if wh is None or wh <= most_wh}
        busy = {running.connector_id for running in self._books.running(charger)}
        (only,) = registers if len(registers) == 1 else (0,)
        return 0 if only in busy else only

    def _orphan(
        self, charger: str, connector_id: int, claimed_id: int, record: Stopped | Metered, now: datetime
    ) -> Transaction:
        """A transaction nobody has seen begin: it begins at the connector's last register that nobody has claimed."""
        shown_wh = record.meter_stop_wh if isinstance(record, Stopped) else record.register_wh
        base_wh, overtaken = self._unclaimed(charger, connector_id, record.at, shown_wh)
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

    def _unclaimed(
        self, charger: str, connector_id: int, at: datetime, shown_wh: int | None
    ) -> tuple[int | None, bool]:
        """From where on nobody has claimed the register, and whether a later charge there is known already: then it is
        from the end of the one before, if that is known, and no further than the next began."""
        latest = self._books.latest(charger, connector_id)
        if latest is None or latest.started_at <= at:
            return self._books.register(charger, connector_id) if connector_id > 0 else None, False
        before = self._books.before(charger, connector_id, at)
        following = None if before is None else self._books.following(before)
        if before is None or following is None or before.state is not State.CLOSED or following.orphan:
            return None, True
        in_between = following.meter_start_wh is None or not_above(shown_wh, following.meter_start_wh)
        return shown_register(before) if in_between else None, True

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
        transaction = self._metering(charger, connector_id, call.transaction_id, record)
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
            transaction = self._books.happen(transaction, record, now)
            if may_count_kwh(transaction) and self._counts_kwh(transaction):
                transaction = counted_in_kwh(transaction)
                self._books.keep(transaction, now, sampled=True)
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

    def _metering(self, charger: str, connector_id: int, claimed_id: int | None, record: Metered) -> Transaction | None:
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

    def _is_another(self, lost: Transaction, record: Metered) -> bool:
        """Has somebody else charged there since? -1 is said of one transaction nobody knows and of the next."""
        return lost.state is State.LOST and not self._only_late(lost, record.at)

    def _is_orphan(
        self, charger: str, connector_id: int, claimed_id: int | None, record: Metered, payload: bytes
    ) -> bool:
        """Does a sample with a number nobody knows show that energy flows? Without that it is no transaction: 0 is sent
        at random, an old number for hours."""
        if claimed_id is None or record.register_wh is None:
            return False
        if not below(self._unclaimed(charger, connector_id, record.at, record.register_wh)[0], record.register_wh):
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
