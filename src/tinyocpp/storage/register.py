"""Which identities exist and which of them may come in: the Register of the storage contract over any SQL database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyocpp.identity import SIMULATOR, fold_identity
from tinyocpp.storage import Registered
from tinyocpp.storage.sql import integer, integer_or_none, ms, ms_or_none, when

if TYPE_CHECKING:
    from datetime import datetime

    from tinyocpp.dealings import CertificateState
    from tinyocpp.passwords import Keys
    from tinyocpp.storage.sql import Database, Row

SELECT = (
    "SELECT charger_id, admitted_at, password_hash, refused_at, refused_from, refused_why, refusals, connected_at,"
    " disconnected_at, last_seen_at, booted_at, vendor, model, firmware, registration, password_next, security_profile,"
    " security_profile_next, connected_profile, connected_with, certificate_serial, certificate_expires_at,"
    " connected_from FROM chargers"
)


class SqlRegister:
    """Implements storage.Register."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def find(self, identity: str) -> Registered | None:
        rows = self._db.rows(f"{SELECT} WHERE charger = ?", fold_identity(identity))
        return registered_of(rows[0]) if rows else None

    def everyone(self) -> list[Registered]:
        return [registered_of(row) for row in self._db.rows(f"{SELECT} ORDER BY charger")]

    def refused(self) -> int:
        return integer(
            self._db.rows("SELECT count(*) FROM chargers WHERE refused_at IS NOT NULL AND admitted_at IS NULL")[0][0]
        )

    def anyone_admitted(self) -> bool:
        return bool(
            self._db.rows("SELECT 1 FROM chargers WHERE admitted_at IS NOT NULL AND charger <> ? LIMIT 1", SIMULATOR)
        )

    def admit(self, identity: str, now: datetime) -> None:
        self._db.run(
            "INSERT INTO chargers (charger, charger_id, admitted_at) VALUES (?, ?, ?)"
            " ON CONFLICT (charger) DO UPDATE SET admitted_at = coalesce(admitted_at, excluded.admitted_at),"
            " refused_at = NULL, refused_from = '', refused_why = '', refusals = 0",
            fold_identity(identity),
            identity,
            ms(now),
        )

    def adopt(self, identity: str, now: datetime) -> bool:
        if self.anyone_admitted():
            return False
        self.admit(identity, now)
        return True

    def forget(self, identity: str) -> bool:
        return bool(self._db.run("DELETE FROM chargers WHERE charger = ?", fold_identity(identity)))

    def refuse(self, identity: str, address: str, why: str, now: datetime) -> None:
        self._db.run(
            "INSERT INTO chargers (charger, charger_id, refused_at, refused_from, refused_why, refusals)"
            " VALUES (?, ?, ?, ?, ?, 1) ON CONFLICT (charger) DO UPDATE SET refused_at = excluded.refused_at,"
            " refused_from = excluded.refused_from, refused_why = excluded.refused_why, refusals = refusals + 1",
            fold_identity(identity),
            identity,
            ms(now),
            address,
            why,
        )

    def set_password(self, identity: str, password_hash: str | None) -> None:
        self._db.run(
            "INSERT INTO chargers (charger, charger_id, password_hash) VALUES (?, ?, ?)"
            " ON CONFLICT (charger) DO UPDATE SET password_hash = excluded.password_hash, password_next = NULL",
            fold_identity(identity),
            identity,
            password_hash,
        )

    def set_keys(self, identity: str, keys: Keys) -> None:
        self._db.run(
            "UPDATE chargers SET password_hash = ?, password_next = ? WHERE charger = ?",
            keys.current,
            " ".join(keys.under_way) or None,
            fold_identity(identity),
        )

    def set_profile(self, identity: str, proven: int) -> None:
        self._db.run(
            "INSERT INTO chargers (charger, charger_id, security_profile) VALUES (?, ?, ?)"
            " ON CONFLICT (charger) DO UPDATE SET security_profile = excluded.security_profile,"
            " security_profile_next = NULL",
            fold_identity(identity),
            identity,
            proven,
        )

    def ask_profile(self, identity: str, asked: int | None) -> None:
        self._db.run("UPDATE chargers SET security_profile_next = ? WHERE charger = ?", asked, fold_identity(identity))

    def certificate(self, serial: str) -> tuple[str, CertificateState, str] | None:
        from tinyocpp.dealings import CertificateState

        rows = self._db.rows("SELECT charger, state, pem FROM certificates WHERE serial = ?", serial)
        return next(((str(row[0]), CertificateState(str(row[1])), str(row[2])) for row in rows), None)

    def set_registration(self, identity: str, registration: str | None) -> bool:
        return bool(
            self._db.run(
                "UPDATE chargers SET registration = ? WHERE charger = ?", registration, fold_identity(identity)
            )
        )

    def set_mode(self, identity: str, mode: str | None, now: datetime) -> None:
        charger = fold_identity(identity)
        if mode is None:
            self._db.run("DELETE FROM modes WHERE charger = ?", charger)
            return
        self._db.run(
            "INSERT INTO modes (charger, mode, wished_at) VALUES (?, ?, ?)"
            " ON CONFLICT (charger) DO UPDATE SET mode = excluded.mode, wished_at = excluded.wished_at",
            charger,
            mode,
            ms(now),
        )

    def connected(self, identity: str, address: str, now: datetime) -> None:
        self._db.run(
            "INSERT INTO chargers (charger, charger_id, connected_at, connected_from, last_seen_at)"
            " VALUES (?, ?, ?, ?, ?) ON CONFLICT (charger) DO UPDATE SET charger_id = excluded.charger_id,"
            " connected_at = excluded.connected_at, connected_from = excluded.connected_from, disconnected_at = NULL,"
            " last_seen_at = excluded.last_seen_at",
            fold_identity(identity),
            identity,
            ms(now),
            address,
            ms(now),
        )

    def came_with(
        self, identity: str, profile: int | None, tls_words: str, certificate: tuple[str, datetime | None] | None
    ) -> None:
        serial, expires_at = certificate or (None, None)
        self._db.run(
            "INSERT INTO chargers (charger, charger_id, connected_profile, connected_with, certificate_serial,"
            " certificate_expires_at) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (charger) DO UPDATE SET"
            " connected_profile = excluded.connected_profile, connected_with = excluded.connected_with,"
            " certificate_serial = excluded.certificate_serial,"
            " certificate_expires_at = excluded.certificate_expires_at",
            fold_identity(identity),
            identity,
            profile,
            tls_words,
            serial,
            ms_or_none(expires_at),
        )

    def disconnected(self, identity: str, now: datetime) -> None:
        self._db.run("UPDATE chargers SET disconnected_at = ? WHERE charger = ?", ms(now), fold_identity(identity))


def registered_of(row: Row) -> Registered:
    return Registered(
        charger_id=str(row[0]),
        admitted_at=when(row[1]),
        password_hash=None if row[2] is None else str(row[2]),
        refused_at=when(row[3]),
        refused_from=str(row[4]),
        refused_why=str(row[5]),
        refusals=integer(row[6]),
        connected_at=when(row[7]),
        disconnected_at=when(row[8]),
        last_seen_at=when(row[9]),
        booted_at=when(row[10]),
        vendor=str(row[11]),
        model=str(row[12]),
        firmware=str(row[13]),
        registration=None if row[14] is None else str(row[14]),
        password_next=None if row[15] is None else str(row[15]),
        security_profile=integer(row[16]),
        security_profile_next=integer_or_none(row[17]),
        connected_profile=integer_or_none(row[18]),
        connected_with=str(row[19]),
        certificate_serial=None if row[20] is None else str(row[20]),
        certificate_expires_at=when(row[21]),
        connected_from=str(row[22]),
    )
