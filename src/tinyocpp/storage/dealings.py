"""What has been agreed with each charger, over any SQL database: reservations, upkeep, certificates, local lists.

A part of the ledger (charger.Ledger) that books nothing. The shapes are in tinyocpp/dealings.py, the tables in
schema.py; the functions at the end read them for everybody.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tinyocpp.identity import fold_identity
from tinyocpp.storage.notes import SqlNotes
from tinyocpp.storage.sql import integer, integer_or_none, ms, time, when

if TYPE_CHECKING:
    from datetime import datetime

    from tinyocpp.dealings import (
        CertificateState,
        IssuedCertificate,
        LocalList,
        Reservation,
        ReservationState,
        Upkeep,
        UpkeepKind,
    )
    from tinyocpp.messages.reservation import ReserveNow
    from tinyocpp.storage.sql import Database, Row

ASKED = "asked"


class SqlDealings(SqlNotes):
    """See charger.Ledger for what each method promises."""

    # Reservations.

    def reserved(self, charger_id: str, call: ReserveNow, state: ReservationState, now: datetime) -> None:
        self._db.run(
            "INSERT INTO reservations (charger, reservation_id, connector_id, id_tag, parent_id_tag, expires_at, state,"
            " changed_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (charger, reservation_id) DO UPDATE SET"
            " connector_id = excluded.connector_id, id_tag = excluded.id_tag, parent_id_tag = excluded.parent_id_tag,"
            " expires_at = excluded.expires_at, state = excluded.state, changed_at = excluded.changed_at,"
            " transaction_id = NULL",
            fold_identity(charger_id),
            call.reservation_id,
            call.connector_id,
            call.id_tag,
            call.parent_id_tag,
            ms(call.expiry_date),
            state,
            ms(now),
        )

    def reservation_ended(
        self,
        charger_id: str,
        reservation_id: int,
        state: ReservationState,
        now: datetime,
        transaction_id: int | None = None,
    ) -> None:
        from tinyocpp.dealings import ReservationState

        self._db.run(
            "UPDATE reservations SET state = ?, changed_at = ?, transaction_id = ? WHERE charger = ?"
            " AND reservation_id = ? AND state IN (?, ?)",
            state,
            ms(now),
            transaction_id,
            fold_identity(charger_id),
            reservation_id,
            ReservationState.ASKED,
            ReservationState.ACTIVE,
        )

    # Firmware, diagnostics, logs.

    def upkeep_asked(
        self,
        charger_id: str,
        what: UpkeepKind,
        now: datetime,
        request_id: int | None = None,
        file_name: str | None = None,
    ) -> None:
        self._db.run(
            "INSERT INTO upkeep (charger, what, request_id, asked_at, status, status_at, file_name)"
            " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (charger, what) DO UPDATE SET request_id = excluded.request_id,"
            " asked_at = excluded.asked_at, status = excluded.status, status_at = excluded.status_at,"
            " file_name = excluded.file_name",
            fold_identity(charger_id),
            what,
            request_id,
            ms(now),
            ASKED,
            ms(now),
            file_name,
        )

    def upkeep_named(self, charger_id: str, what: UpkeepKind, file_name: str) -> None:
        self._db.run(
            "UPDATE upkeep SET file_name = ? WHERE charger = ? AND what = ?", file_name, fold_identity(charger_id), what
        )

    def upkeep_told(
        self, charger_id: str, what: UpkeepKind, status: str, now: datetime, request_id: int | None = None
    ) -> None:
        self._db.run(
            "INSERT INTO upkeep (charger, what, request_id, status, status_at) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (charger, what) DO UPDATE SET request_id = coalesce(excluded.request_id, request_id),"
            " status = excluded.status, status_at = excluded.status_at",
            fold_identity(charger_id),
            what,
            request_id,
            status,
            ms(now),
        )

    # Certificates.

    def certificate_issued(self, certificate: IssuedCertificate) -> None:
        self._db.run(
            "INSERT INTO certificates (serial, charger, issued_at, expires_at, pem, state) VALUES (?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (serial) DO UPDATE SET state = excluded.state",
            certificate.serial,
            fold_identity(certificate.charger_id),
            ms(certificate.issued_at),
            ms(certificate.expires_at),
            certificate.pem,
            certificate.state,
        )

    def certificates(self, charger_id: str) -> list[IssuedCertificate]:
        return certificates(self._db, charger_id)

    def certificate_state(self, serial: str, state: CertificateState) -> bool:
        from tinyocpp.dealings import CertificateState

        return bool(
            self._db.run(
                "UPDATE certificates SET state = ? WHERE serial = ? AND state <> ?",
                state,
                serial,
                CertificateState.REVOKED,
            )
        )

    # The local authorisation list.

    def local_list(self, charger_id: str) -> LocalList | None:
        return next(iter(local_lists(self._db, charger_id)), None)

    def keep_local_list(self, kept: LocalList) -> None:
        self._db.run(
            "INSERT INTO local_lists (charger, version, entries, told_at, problem) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (charger) DO UPDATE SET version = excluded.version, entries = excluded.entries,"
            " told_at = excluded.told_at, problem = excluded.problem",
            fold_identity(kept.charger_id),
            kept.version,
            msgspec.json.encode(kept.entries).decode(),
            ms(kept.told_at),
            kept.problem,
        )


# For the reading side. A charger that was forgotten is named by its folded identity. The shapes are imported when there
# is something to show: every connection asks for its charger's, and of most nothing is kept.

NAMED = (
    "coalesce(c.charger_id, {0}.charger) FROM {0} LEFT JOIN chargers c USING (charger)"
    " WHERE {0}.charger = coalesce(?, {0}.charger)"
)


def reservations(database: Database, charger_id: str | None) -> list[Reservation]:
    rows = database.rows(
        "SELECT reservation_id, connector_id, id_tag, parent_id_tag, expires_at, state, changed_at, transaction_id,"
        f" {NAMED.format('reservations')} ORDER BY expires_at, reservation_id",
        one_or_all(charger_id),
    )
    return [_reservation(row) for row in rows]


def _reservation(row: Row) -> Reservation:
    from tinyocpp.dealings import Reservation, ReservationState

    return Reservation(
        charger_id=str(row[8]),
        reservation_id=integer(row[0]),
        connector_id=integer(row[1]),
        id_tag=str(row[2]),
        parent_id_tag=None if row[3] is None else str(row[3]),
        expires_at=time(row[4]),
        state=ReservationState(str(row[5])),
        changed_at=time(row[6]),
        transaction_id=integer_or_none(row[7]),
    )


def upkeep(database: Database, charger_id: str | None) -> list[Upkeep]:
    rows = database.rows(
        f"SELECT what, request_id, asked_at, status, status_at, file_name, {NAMED.format('upkeep')} ORDER BY 7, what",
        one_or_all(charger_id),
    )
    return [_upkeep(row) for row in rows]


def _upkeep(row: Row) -> Upkeep:
    from tinyocpp.dealings import Upkeep, UpkeepKind

    return Upkeep(
        charger_id=str(row[6]),
        what=UpkeepKind(str(row[0])),
        request_id=integer_or_none(row[1]),
        asked_at=when(row[2]),
        status=str(row[3]),
        status_at=time(row[4]),
        file_name=None if row[5] is None else str(row[5]),
    )


def certificates(database: Database, charger_id: str | None) -> list[IssuedCertificate]:
    rows = database.rows(
        f"SELECT serial, issued_at, expires_at, pem, state, {NAMED.format('certificates')} ORDER BY issued_at, serial",
        one_or_all(charger_id),
    )
    return [_certificate(row) for row in rows]


def _certificate(row: Row) -> IssuedCertificate:
    from tinyocpp.dealings import CertificateState, IssuedCertificate

    return IssuedCertificate(
        serial=str(row[0]),
        charger_id=str(row[5]),
        issued_at=time(row[1]),
        expires_at=time(row[2]),
        pem=str(row[3]),
        state=CertificateState(str(row[4])),
    )


def local_lists(database: Database, charger_id: str | None) -> list[LocalList]:
    rows = database.rows(
        f"SELECT version, entries, told_at, problem, {NAMED.format('local_lists')} ORDER BY 5", one_or_all(charger_id)
    )
    return [_local_list(row) for row in rows]


def _local_list(row: Row) -> LocalList:
    from tinyocpp.dealings import LocalList

    return LocalList(
        charger_id=str(row[4]),
        version=integer(row[0]),
        entries=msgspec.json.decode(str(row[1]), type=dict[str, str]),
        told_at=time(row[2]),
        problem=str(row[3]),
    )


def one_or_all(charger_id: str | None) -> str | None:
    return None if charger_id is None else fold_identity(charger_id)
