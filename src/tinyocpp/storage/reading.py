"""The reading side over any SQL database: what reports and status lines are made of (storage.Reader)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tinyocpp.identity import SIMULATOR, fold_identity
from tinyocpp.storage import Booking, ChargerStatus, ConnectorStatus, Happening, NotedOddity, Total, dealings, limits
from tinyocpp.storage.register import SqlRegister
from tinyocpp.storage.sql import integer, integer_or_none, ms, real_or_none, time, when

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from tinyocpp.dealings import IssuedCertificate, LocalList, Manner, Reservation, Told, Upkeep, Wished
    from tinyocpp.storage.sql import Database, Row

PAGE = 1000
QUARTER_MS = 15 * 60 * 1000
BOOKING = (
    "SELECT t.transaction_id, coalesce(c.charger_id, t.charger), t.connector_id, t.id_tag, t.started_at, t.stopped_at,"
    " t.meter_start_wh, t.meter_stop_wh, t.energy_wh, t.quality, t.reason"
    " FROM transactions t LEFT JOIN chargers c USING (charger)"
)
# What `totals` groups by: the key, and the expression that is grouped.
GROUPS = {
    "tag": ("max(t.id_tag)", "t.tag"),
    "charger": ("t.charger", "t.charger"),
    "quarter": (f"t.started_at / {QUARTER_MS} * {QUARTER_MS // 1000}", f"t.started_at / {QUARTER_MS}"),
}


# What chargers tell: when it came, who told it, the action, then its payload as JSON or the columns of a status.
# What was told within one millisecond is taken to have come in this order, as it does from a charger that begins.
TOLD = (
    "SELECT t.received_at, coalesce(c.charger_id, t.charger), 'BootNotification', t.payload FROM boots t",
    "SELECT t.received_at, coalesce(c.charger_id, t.charger), 'StatusNotification', t.connector_id, t.status,"
    " t.error_code, t.info, t.vendor_error_code FROM statuses t",
    "SELECT t.received_at, coalesce(c.charger_id, t.charger), t.action, t.payload FROM calls t",
)
STATUS_FIELDS = ("connectorId", "status", "errorCode", "info", "vendorErrorCode")


class SqlReader:
    """Implements storage.Reader."""

    def __init__(self, database: Database) -> None:
        self._db = database
        self._register = SqlRegister(database)

    def chargers(self) -> list[ChargerStatus]:
        connectors: dict[str, list[ConnectorStatus]] = {}
        for charger, *row in self._db.rows(
            "SELECT c.charger, c.connector_id, c.status, c.error_code, c.info, c.status_at,"
            " CASE WHEN t.state IS NULL THEN c.power_w WHEN c.status = 'Charging' OR c.status IS NULL"
            " OR c.status_at < t.last_sample_at THEN t.power_w END, t.energy_wh, t.transaction_id, t.id_tag,"
            " t.started_at, coalesce(t.offered_a, c.offered_a), coalesce(t.last_sample_at, c.sampled_at), t.claimed_id,"
            " t.refused, (SELECT max(s.received_at) FROM samples s WHERE s.charger = c.charger"
            " AND s.sampled_at = coalesce(t.last_sample_at, c.sampled_at)) FROM connectors c"
            " LEFT JOIN transactions t ON t.transaction_id = c.transaction_id AND t.state IN ('open', 'uncertain')"
            " ORDER BY c.charger, c.connector_id"
        ):
            connectors.setdefault(str(charger), []).append(connector_of(tuple(row)))
        return [
            ChargerStatus(registered=one, connectors=connectors.get(fold_identity(one.charger_id), []))
            for one in self._register.everyone()
        ]

    def bookings(
        self,
        start: datetime | None,
        end: datetime | None,
        *,
        charger_id: str | None = None,
        simulator: bool = False,
    ) -> Iterator[Booking]:
        condition, parameters = _chosen(None, end, charger_id, simulator)
        after = (-(2**63) if start is None else ms(start), 0)  # the one lower bound: of two SQLite may seek the wrong
        while True:  # in pages: a million rows are not held at once, and no reader keeps the log from being shortened
            rows = self._db.rows(
                f"{BOOKING} WHERE {condition} AND (t.started_at, t.transaction_id) > (?, ?)"
                f" ORDER BY t.started_at, t.transaction_id LIMIT {PAGE}",
                *parameters,
                *after,
            )
            yield from map(booking_of, rows)
            if len(rows) < PAGE:
                return
            after = (integer(rows[-1][4]), integer(rows[-1][0]))

    def totals(
        self,
        by: str,
        start: datetime | None,
        end: datetime | None,
        *,
        charger_id: str | None = None,
        simulator: bool = False,
    ) -> list[Total]:
        key, group = GROUPS[by]
        condition, parameters = _chosen(start, end, charger_id, simulator)
        rows = self._db.rows(
            f"SELECT {key}, count(*), sum(t.energy_wh) FROM transactions t WHERE {condition}"
            f" GROUP BY {group} ORDER BY 1",
            *parameters,
        )
        return [Total(key=str(row[0]), transactions=integer(row[1]), energy_wh=integer(row[2])) for row in rows]

    def qualities(
        self,
        start: datetime | None,
        end: datetime | None,
        *,
        charger_id: str | None = None,
        simulator: bool = False,
    ) -> dict[str, int]:
        condition, parameters = _chosen(start, end, charger_id, simulator)
        rows = self._db.rows(
            f"SELECT t.quality, sum(t.energy_wh) FROM transactions t WHERE {condition} GROUP BY 1", *parameters
        )
        return {str(quality): integer(energy_wh) for quality, energy_wh in rows}

    def period(self) -> tuple[datetime, datetime] | None:
        one = "SELECT started_at FROM transactions WHERE charger <> ? ORDER BY started_at {} LIMIT 1"
        first, last = self._db.rows(one.format("ASC"), SIMULATOR), self._db.rows(one.format("DESC"), SIMULATOR)
        return (time(first[0][0]), time(last[0][0])) if first and last else None

    def transaction(self, transaction_id: int) -> Booking | None:
        rows = self._db.rows(f"{BOOKING} WHERE t.transaction_id = ?", transaction_id)
        return booking_of(rows[0]) if rows else None

    def oddities(self, since: datetime, *, charger_id: str | None = None, limit: int = 100) -> list[NotedOddity]:
        rows = self._db.rows(
            "SELECT o.last_at, coalesce(c.charger_id, o.charger), o.kind, o.detail, o.raw, o.times FROM oddities o"
            " LEFT JOIN chargers c USING (charger) WHERE o.last_at >= ? AND o.charger = coalesce(?, o.charger)"
            " ORDER BY o.last_at DESC LIMIT ?",
            ms(since),
            None if charger_id is None else fold_identity(charger_id),
            limit,
        )
        return [
            NotedOddity(
                at=time(row[0]),
                charger_id=str(row[1]),
                kind=str(row[2]),
                detail=str(row[3]),
                raw=str(row[4]),
                times=integer(row[5]),
            )
            for row in rows
        ]

    def unknown_tags(self, since: datetime) -> list[tuple[datetime, str, str]]:
        rows = self._db.rows(
            "SELECT o.last_at, coalesce(c.charger_id, o.charger), o.detail FROM oddities o"
            " LEFT JOIN chargers c USING (charger) WHERE o.kind = 'unknown_tag' AND o.last_at >= ? ORDER BY o.last_at",
            ms(since),
        )
        return [(time(row[0]), str(row[1]), str(row[2])) for row in rows]

    def configuration(self, charger_id: str) -> dict[str, str | None]:
        rows = self._db.rows(
            "SELECT key, value FROM configuration WHERE charger = ? ORDER BY key", fold_identity(charger_id)
        )
        return {str(key): None if value is None else str(value) for key, value in rows}

    def calls(self, charger_id: str, action: str, limit: int) -> list[tuple[datetime, bytes]]:
        rows = self._db.rows(
            "SELECT received_at, payload FROM calls WHERE charger = ? AND action = ? ORDER BY call_no DESC LIMIT ?",
            fold_identity(charger_id),
            action,
            limit,
        )
        return [(time(at), str(payload).encode()) for at, payload in rows]

    def history(self, since: datetime, *, charger_id: str | None = None, limit: int = 1000) -> list[Happening]:
        only = None if charger_id is None else fold_identity(charger_id)
        found: list[Happening] = []
        for told in TOLD:
            rows = self._db.rows(
                f"{told} LEFT JOIN chargers c USING (charger) WHERE t.received_at >= ?"
                " AND t.charger = coalesce(?, t.charger) ORDER BY t.received_at DESC LIMIT ?",
                ms(since),
                only,
                limit,
            )
            found += map(happening_of, rows)
        return sorted(found, key=lambda one: one.at)[-limit:]

    def reservations(self, charger_id: str | None = None) -> list[Reservation]:
        return dealings.reservations(self._db, charger_id)

    def upkeep(self, charger_id: str | None = None) -> list[Upkeep]:
        return dealings.upkeep(self._db, charger_id)

    def certificates(self, charger_id: str | None = None) -> list[IssuedCertificate]:
        return dealings.certificates(self._db, charger_id)

    def local_lists(self, charger_id: str | None = None) -> list[LocalList]:
        return dealings.local_lists(self._db, charger_id)

    def wishes(self, charger_id: str | None = None) -> list[Wished]:
        return limits.wishes(self._db, charger_id)

    def told(self, charger_id: str | None = None) -> list[Told]:
        return limits.told(self._db, charger_id)

    def manner(self, charger_id: str) -> Manner:
        return limits.manner(self._db, charger_id)

    def modes(self) -> dict[str, str]:
        return limits.modes(self._db)


def _chosen(
    start: datetime | None, end: datetime | None, charger_id: str | None, simulator: bool
) -> tuple[str, list[object]]:
    """The WHERE of a report."""
    conditions, parameters = ["1"], list[object]()
    if start is not None:
        conditions.append("t.started_at >= ?")
        parameters.append(ms(start))
    if end is not None:
        conditions.append("t.started_at < ?")
        parameters.append(ms(end))
    if charger_id is not None:
        conditions.append("t.charger = ?")
        parameters.append(fold_identity(charger_id))
    elif not simulator:
        conditions.append("t.charger <> ?")
        parameters.append(SIMULATOR)
    return " AND ".join(conditions), parameters


def booking_of(row: Row) -> Booking:
    return Booking(
        transaction_id=integer(row[0]),
        charger_id=str(row[1]),
        connector_id=integer(row[2]),
        id_tag=str(row[3]),
        started_at=time(row[4]),
        stopped_at=when(row[5]),
        meter_start_wh=integer_or_none(row[6]),
        meter_stop_wh=integer_or_none(row[7]),
        energy_wh=integer(row[8]),
        quality=str(row[9]),
        reason=str(row[10]),
    )


def happening_of(row: Row) -> Happening:
    at, charger_id, action, *told = row
    if len(told) == 1:
        said = msgspec.json.decode(str(told[0]), type=dict[str, object])
    else:
        said = {field: value for field, value in zip(STATUS_FIELDS, told, strict=True) if value is not None}
    return Happening(at=time(at), charger_id=str(charger_id), action=str(action), said=said)


def connector_of(row: Row) -> ConnectorStatus:
    return ConnectorStatus(
        connector_id=integer(row[0]),
        status=None if row[1] is None else str(row[1]),
        error_code=None if row[2] is None else str(row[2]),
        info=None if row[3] is None else str(row[3]),
        status_at=when(row[4]),
        power_w=real_or_none(row[5]),
        energy_wh=integer_or_none(row[6]),
        transaction_id=integer_or_none(row[7]),
        id_tag=None if row[8] is None else str(row[8]),
        started_at=when(row[9]),
        limit_a=real_or_none(row[10]),
        sampled_at=when(row[11]),
        claimed_id=integer_or_none(row[12]),
        refused=bool(row[13]),
        heard_at=when(row[14]),
    )
