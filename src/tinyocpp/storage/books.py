"""The books: the one row per transaction that says what its facts mean now, and the one row per connector.

Only the accounting (ledger.py) writes here, and only through these functions, so that a row always agrees with
`transactions.apply` and `transactions.booked`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import msgspec

from tinyocpp.messages.types import AuthorizationStatus
from tinyocpp.storage.sql import EPOCH, MILLISECOND, Database, Row, integer, integer_or_none, ms, ms_or_none, when
from tinyocpp.tags import fold
from tinyocpp.transactions import Counting, Metered, Record, State, Transaction, apply, booked, shown_register

if TYPE_CHECKING:
    from datetime import datetime

    from tinyocpp.messages.core import StatusNotification

    Stored = tuple[
        int, str, int, str, str, int, int, int | None, int | None, int | None, int, int | None, int | None, str, int,
        int, int | None, int, int | None, float | None, float | None,
    ]  # fmt: skip
    """What SELECT gives, as schema.py promises it."""

SELECT = (
    "SELECT transaction_id, charger, connector_id, id_tag, state, orphan, started_at, meter_start_wh,"
    " last_register_wh, last_sample_at, relative, stopped_at, meter_stop_wh, reason, contradicted, undisturbed,"
    " claimed_id, start_guessed, next_start_wh, power_w, offered_a FROM transactions"
)
MOST_CONNECTORS = 10
RUNNING = "state IN ('open', 'uncertain')"
STATES = {state.value: state for state in State}
COUNTINGS = tuple(Counting)


def transaction_of(row: Row) -> Transaction:
    """Every sample needs one, so this is plain: no column is asked whether it is what the schema says."""
    # fmt: off
    (
        number, charger, connector_id, id_tag, state, orphan, started_at, meter_start_wh, last_register_wh,
        last_sample_at, relative, stopped_at, meter_stop_wh, reason, contradicted, undisturbed, claimed_id,
        start_guessed, next_start_wh, power_w, offered_a,
    ) = cast("Stored", row)
    # fmt: on
    return Transaction(
        id=number,
        charger_id=charger,
        connector_id=connector_id,
        id_tag=id_tag,
        state=STATES[state],
        orphan=orphan != 0,
        started_at=EPOCH + MILLISECOND * started_at,
        meter_start_wh=meter_start_wh,
        last_register_wh=last_register_wh,
        last_sample_at=None if last_sample_at is None else EPOCH + MILLISECOND * last_sample_at,
        counting=COUNTINGS[relative],
        stopped_at=None if stopped_at is None else EPOCH + MILLISECOND * stopped_at,
        meter_stop_wh=meter_stop_wh,
        reason=reason,
        contradicted=contradicted != 0,
        undisturbed=undisturbed != 0,
        claimed_id=claimed_id,
        start_guessed=start_guessed != 0,
        next_start_wh=next_start_wh,
        power_w=power_w,
        offered_a=offered_a,
    )


class Books:
    """Transactions and connectors of one ledger."""

    def __init__(self, database: Database) -> None:
        self._db = database
        self._running: dict[int, Transaction] = {}  # as last read or kept

    def forget(self) -> None:
        """Another process may have written, or what was written here is undone: read everything anew."""
        self._running.clear()

    def transactions(self, condition: str, *parameters: object) -> list[Transaction]:
        """Those that fulfil the SQL condition, oldest first."""
        rows = self._db.rows(f"{SELECT} WHERE {condition} ORDER BY transaction_id", *parameters)
        return [transaction_of(row) for row in rows]

    def running(self, charger: str, connector_id: int | None = None) -> list[Transaction]:
        if connector_id is None:
            return self.transactions(f"charger = ? AND {RUNNING}", charger)
        return self.transactions(f"charger = ? AND connector_id = ? AND {RUNNING}", charger, connector_id)

    def refused(self, charger: str) -> list[Transaction]:
        """What runs there although its tag may not charge. One that charges elsewhere already may: that charge may be
        over, its stop lost."""
        concurrent = "SELECT 1 FROM starts s WHERE s.transaction_id = transactions.transaction_id AND s.answer LIKE ?"
        condition = f"charger = ? AND refused = 1 AND {RUNNING} AND NOT EXISTS ({concurrent})"
        return self.transactions(condition, charger, f'%"{AuthorizationStatus.CONCURRENT_TX}"%')

    def owned(self, charger: str, transaction_id: int) -> Transaction | None:
        """The transaction of that number, if it is this charger's. Every sample asks, so one that runs is remembered:
        see `forget`."""
        known = self._running.get(transaction_id)
        if known is None:
            found = self.transactions("transaction_id = ?", transaction_id)
            if not found:
                return None
            known = found[0]
            self._remember(known)
        return known if known.charger_id == charger else None

    def _remember(self, transaction: Transaction) -> None:
        if transaction.running:
            self._running[transaction.id] = transaction
        else:
            self._running.pop(transaction.id, None)

    def claimed(self, charger: str, claimed_id: int) -> Transaction | None:
        """The latest transaction this charger calls by a number of its own."""
        rows = self._db.rows(
            f"{SELECT} WHERE charger = ? AND claimed_id = ? ORDER BY transaction_id DESC LIMIT 1", charger, claimed_id
        )
        return transaction_of(rows[0]) if rows else None

    def open(
        self, transaction: Transaction, now: datetime, *, refused: bool = False, overtaken: bool = False
    ) -> Transaction:
        """Give it its number, and the connector its transaction, unless it was `overtaken` by a later one there.
        `refused`: the tag may not, but energy may flow."""
        energy_wh, quality = booked(transaction)
        number = self._db.insert(
            "INSERT INTO transactions (charger, connector_id, id_tag, tag, state, orphan, refused, started_at,"
            " meter_start_wh, claimed_id, alive_at, energy_wh, quality) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            transaction.charger_id,
            transaction.connector_id,
            transaction.id_tag,
            fold(transaction.id_tag),
            transaction.state,
            transaction.orphan,
            refused,
            ms(transaction.started_at),
            transaction.meter_start_wh,
            transaction.claimed_id,
            ms(now),
            energy_wh,
            quality,
        )
        if not overtaken:
            self._db.run(
                "INSERT INTO connectors (charger, connector_id, transaction_id, register_wh, shown_at)"
                " VALUES (?, ?, ?, ?, ?) ON CONFLICT (charger, connector_id) DO UPDATE SET"
                " transaction_id = excluded.transaction_id, shown_at = excluded.shown_at,"
                " register_wh = coalesce(excluded.register_wh, register_wh), power_w = NULL",
                transaction.charger_id,
                transaction.connector_id,
                number,
                transaction.meter_start_wh,
                ms(min(transaction.started_at, now)),
            )
        return msgspec.structs.replace(transaction, id=number)

    def happen(self, before: Transaction, record: Record, now: datetime) -> Transaction:
        """Apply the record and keep what came of it."""
        after = apply(before, record)
        if after != before:
            sampled = isinstance(record, Metered) and after.state is before.state and after.claimed_id is None
            self.keep(after, now, sampled=sampled)
        if before.running and not after.running:
            last_at = max(after.started_at, after.last_sample_at or after.started_at)
            self.show(
                after,
                after.charger_id,
                after.connector_id,
                at=min(last_at, now),
                register_wh=shown_register(after),
                offered_a=after.offered_a,
                sampled_at=after.last_sample_at,
            )
        return after

    def keep(self, transaction: Transaction, now: datetime, *, sampled: bool = False) -> None:
        """`sampled`: only what a sample changes. No index has those columns, so SQLite leaves all of them alone."""
        self._remember(transaction)
        energy_wh, quality = booked(transaction)
        self._db.run(
            "UPDATE transactions SET meter_start_wh = ?, start_guessed = ?, last_register_wh = ?, last_sample_at = ?,"
            " relative = ?, power_w = ?, offered_a = ?, alive_at = ?, energy_wh = ?, quality = ?"
            " WHERE transaction_id = ?",
            transaction.meter_start_wh,
            transaction.start_guessed,
            transaction.last_register_wh,
            ms_or_none(transaction.last_sample_at),
            transaction.counting,
            transaction.power_w,
            transaction.offered_a,
            ms(now),
            energy_wh,
            quality,
            transaction.id,
        )
        if sampled:
            return
        self._db.run(
            "UPDATE transactions SET state = ?, stopped_at = ?, meter_stop_wh = ?, reason = ?, contradicted = ?,"
            " undisturbed = ?, claimed_id = ?, next_start_wh = ? WHERE transaction_id = ?",
            transaction.state,
            ms_or_none(transaction.stopped_at),
            transaction.meter_stop_wh,
            transaction.reason,
            transaction.contradicted,
            transaction.undisturbed,
            transaction.claimed_id,
            transaction.next_start_wh,
            transaction.id,
        )

    def adopt(self, orphan: Transaction, begun: Transaction, now: datetime, *, refused: bool) -> Transaction:
        """The orphan, whose start has come now."""
        named = self.name(orphan, begun.id_tag)
        adopted = msgspec.structs.replace(
            named, orphan=False, started_at=begun.started_at, meter_start_wh=begun.meter_start_wh
        )
        self._db.run(
            "UPDATE transactions SET orphan = 0, refused = ?, started_at = ? WHERE transaction_id = ?",
            refused,
            ms(begun.started_at),
            orphan.id,
        )
        self.keep(adopted, now)
        return adopted

    def name(self, transaction: Transaction, id_tag: str) -> Transaction:
        """Book it to this tag."""
        self._db.run(
            "UPDATE transactions SET id_tag = ?, tag = ? WHERE transaction_id = ?", id_tag, fold(id_tag), transaction.id
        )
        return msgspec.structs.replace(transaction, id_tag=id_tag)

    def latest(self, charger: str, connector_id: int) -> Transaction | None:
        """The transaction that last began on the connector."""
        found = self.transactions(
            "transaction_id = (SELECT transaction_id FROM connectors WHERE charger = ? AND connector_id = ?)",
            charger,
            connector_id,
        )
        return found[0] if found else None

    def after(self, charger: str, connector_id: int, at: datetime, register_wh: int | None) -> Transaction | None:
        """The first transaction that began on the connector after this time. Clocks fall back, so a register, if there
        is one, must say so too, of that or a later one; or one is open, and its register does not say otherwise."""
        later = f"{SELECT} WHERE started_at > ? AND charger = ? AND connector_id = ?"
        place = ms(at), charger, connector_id
        sure = (
            "? IS NULL OR meter_start_wh > ? OR meter_stop_wh > ? OR last_register_wh > ?"
            " OR state = 'open' AND coalesce(last_register_wh, meter_start_wh, ?) >= ?"
        )
        if not self._db.rows(f"{later} AND ({sure}) LIMIT 1", *place, *[register_wh] * 6):
            return None
        return transaction_of(self._db.rows(f"{later} ORDER BY started_at LIMIT 1", *place)[0])

    def previous(self, transaction: Transaction) -> Transaction | None:
        """The one that began before it on its connector."""
        rows = self._db.rows(
            f"{SELECT} WHERE (started_at, transaction_id) < (?, ?) AND charger = ? AND connector_id = ?"
            " ORDER BY started_at DESC, transaction_id DESC LIMIT 1",
            ms(transaction.started_at),
            transaction.id,
            transaction.charger_id,
            transaction.connector_id,
        )
        return transaction_of(rows[0]) if rows else None

    def following(self, transaction: Transaction) -> Transaction | None:
        """The one that began next on its connector."""
        rows = self._db.rows(
            f"{SELECT} WHERE (started_at, transaction_id) > (?, ?) AND charger = ? AND connector_id = ?"
            " ORDER BY started_at, transaction_id LIMIT 1",
            ms(transaction.started_at),
            transaction.id,
            transaction.charger_id,
            transaction.connector_id,
        )
        return transaction_of(rows[0]) if rows else None

    def before(self, charger: str, connector_id: int, at: datetime) -> Transaction | None:
        """The one that began last on the connector until then."""
        rows = self._db.rows(
            f"{SELECT} WHERE started_at <= ? AND charger = ? AND connector_id = ? ORDER BY started_at DESC LIMIT 1",
            ms(at),
            charger,
            connector_id,
        )
        return transaction_of(rows[0]) if rows else None

    def status(self, charger: str, connector_id: int) -> tuple[str | None, datetime | None]:
        """The connector's status as last told, and of when that was."""
        rows = self._db.rows(
            "SELECT status, status_at FROM connectors WHERE charger = ? AND connector_id = ?", charger, connector_id
        )
        return (None, None) if not rows or rows[0][0] is None else (str(rows[0][0]), when(rows[0][1]))

    def tell(self, charger: str, call: StatusNotification, at: datetime) -> None:
        """Remember a connector's status. Power is of now: it does not outlast Charging (quirk M17)."""
        self._db.run(
            "INSERT INTO connectors (charger, connector_id, status, error_code, info, status_at)"
            " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (charger, connector_id) DO UPDATE SET status = excluded.status,"
            " error_code = excluded.error_code, info = excluded.info, status_at = excluded.status_at,"
            " power_w = CASE WHEN excluded.status = 'Charging' THEN power_w END",
            charger,
            call.connector_id,
            call.status,
            call.error_code,
            call.info,
            ms(at),
        )

    def register(self, charger: str, connector_id: int) -> int | None:
        """What the connector's meter last showed, in Wh."""
        return self.registers(charger, connector_id).get(connector_id)

    def only_connector(self, charger: str) -> int:
        """Connector 0 of a charger with one socket is that socket (quirk M18)."""
        known = self.registers(charger)
        return next(iter(known)) if len(known) == 1 else 0

    def registers(self, charger: str, least: int = 1) -> dict[int, int | None]:
        """The same for every connector of the charger but the charger itself (0), and what a vendor calls a connector
        that no charge was ever on (quirk B16). What runs knows better than the connector, which is only told at the
        end."""
        rows = self._db.rows(
            "SELECT connector_id, register_wh FROM connectors WHERE charger = ? AND connector_id >= ?"
            " AND (connector_id <= ? OR transaction_id IS NOT NULL)",
            charger,
            least,
            MOST_CONNECTORS,
        )
        shown = {integer(row[0]): integer_or_none(row[1]) for row in rows}
        for one in self.running(charger):
            register_wh = shown_register(one)
            if one.connector_id >= least and register_wh is not None:  # of an unreadable meterStart: not yet
                shown[one.connector_id] = register_wh
        return shown

    def show(
        self,
        transaction: Transaction | None,
        charger: str,
        connector_id: int,
        *,
        at: datetime,
        register_wh: int | None,
        power_w: float | None = None,
        offered_a: float | None = None,
        sampled_at: datetime | None = None,
    ) -> None:
        """Remember what a connector shows while nothing runs there, unless something newer is known, or it was said of
        a transaction and another has begun there since. None leaves register and offered current as they were."""
        self._db.run(
            "INSERT INTO connectors (charger, connector_id, register_wh, shown_at, power_w, offered_a, sampled_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (charger, connector_id) DO UPDATE SET"
            " register_wh = coalesce(excluded.register_wh, register_wh), shown_at = excluded.shown_at,"
            " power_w = excluded.power_w, offered_a = coalesce(excluded.offered_a, offered_a),"
            " sampled_at = coalesce(excluded.sampled_at, sampled_at)"
            " WHERE (shown_at IS NULL OR shown_at <= excluded.shown_at)"
            " AND (transaction_id IS NULL OR transaction_id = coalesce(?, transaction_id))",
            charger,
            connector_id,
            register_wh,
            ms(at),
            power_w,
            offered_a,
            ms_or_none(sampled_at),
            None if transaction is None else transaction.id,
        )
