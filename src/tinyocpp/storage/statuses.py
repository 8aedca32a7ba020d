"""What a connector's status is kept as, and what it says of the transaction thought to run there (docs/ledger.md).

A part of the accounting: only ledger.py uses it. Statuses come late out of queues, and with clocks that have been set
since; what is older than what is known is history only.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from tinyocpp.messages.core import ChargePointStatus
from tinyocpp.storage.sql import ms, ms_or_none
from tinyocpp.transactions import Ended, Resumed, State, Transaction, believed

if TYPE_CHECKING:
    from datetime import datetime

    from tinyocpp.messages.core import StatusNotification
    from tinyocpp.storage.books import Books
    from tinyocpp.storage.sql import Database

STATUS_SLACK = timedelta(minutes=1)
"""Statuses in order of arrival may have times a little out of it (quirk T6)."""
CHARGING = frozenset({ChargePointStatus.CHARGING, ChargePointStatus.SUSPENDED_EV, ChargePointStatus.SUSPENDED_EVSE})


class Statuses:
    def __init__(self, database: Database, books: Books) -> None:
        self._db = database
        self._books = books

    def keep(self, charger: str, call: StatusNotification, now: datetime) -> list[Transaction]:
        stated = believed(call.timestamp, now)
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
            record = _said_of(transaction, call.status, stated or now)
            if isinstance(record, Ended) and record.at < transaction.started_at and before not in CHARGING:
                continue  # of before the start; but after a Charging as old as that, the clock has been set since
            if record is not None:
                changed.append(self._books.happen(transaction, record, now))
        return changed


def _said_of(transaction: Transaction, status: ChargePointStatus, at: datetime) -> Ended | Resumed | None:
    """What a connector's status says of the transaction thought to run on it."""
    if status is ChargePointStatus.AVAILABLE:
        return Ended(at)
    if status is ChargePointStatus.PREPARING and transaction.state is State.UNCERTAIN:
        return Ended(at)  # Grizzl-E boots amid a transaction and begins anew (quirk X13)
    return Resumed(at) if status in CHARGING else None
