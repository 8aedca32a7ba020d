"""What the owner wants of each charger's power, and how each obeys, over any SQL database: wishes, modes, manners.

A part of the ledger (charger.Ledger) that books nothing. The shapes are in tinyocpp/dealings.py; the functions at the
end read them for everybody.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tinyocpp.identity import fold_identity
from tinyocpp.storage.dealings import NAMED, SqlDealings, one_or_all
from tinyocpp.storage.sql import integer, ms, time

if TYPE_CHECKING:
    from tinyocpp.dealings import Manner, Told, Wished
    from tinyocpp.storage.sql import Database, Row


class SqlLimits(SqlDealings):
    """See charger.Ledger for what each method promises."""

    def wishes(self, charger_id: str) -> list[Wished]:
        return wishes(self._db, charger_id)

    def keep_wish(self, wished: Wished) -> None:
        self._db.run(
            "INSERT INTO wishes (charger, connector_id, wish, wished_at) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (charger, connector_id) DO UPDATE SET wish = excluded.wish, wished_at = excluded.wished_at",
            fold_identity(wished.charger_id),
            wished.connector_id,
            msgspec.json.encode(wished.wish).decode(),
            ms(wished.at),
        )

    def drop_wish(self, wished: Wished) -> None:
        self._db.run(
            "DELETE FROM wishes WHERE charger = ? AND connector_id = ? AND wished_at = ?",
            fold_identity(wished.charger_id),
            wished.connector_id,
            ms(wished.at),
        )

    def told(self, charger_id: str) -> list[Told]:
        return told(self._db, charger_id)

    def keep_told(self, told: Told) -> None:
        self._db.run(
            "INSERT INTO told (charger, connector_id, told) VALUES (?, ?, ?)"
            " ON CONFLICT (charger, connector_id) DO UPDATE SET told = excluded.told",
            fold_identity(told.charger_id),
            told.connector_id,
            msgspec.json.encode(told).decode(),
        )

    def drop_told(self, charger_id: str, connector_id: int) -> None:
        charger = fold_identity(charger_id)
        self._db.run("DELETE FROM told WHERE charger = ? AND connector_id = ?", charger, connector_id)

    def manner(self, charger_id: str) -> Manner:
        return manner(self._db, charger_id)

    def keep_manner(self, charger_id: str, manner: Manner) -> None:
        self._db.run(
            "INSERT INTO manners (charger, manner) VALUES (?, ?)"
            " ON CONFLICT (charger) DO UPDATE SET manner = excluded.manner",
            fold_identity(charger_id),
            msgspec.json.encode(manner).decode(),
        )

    def connectors(self, charger_id: str) -> list[int]:
        rows = self._db.rows(
            "SELECT connector_id FROM connectors WHERE charger = ? AND connector_id > 0 ORDER BY 1",
            fold_identity(charger_id),
        )
        return [integer(row[0]) for row in rows]


# For the reading side. The shapes are imported when there is something to show, as in dealings.py.


def wishes(database: Database, charger_id: str | None) -> list[Wished]:
    rows = database.rows(
        f"SELECT connector_id, wish, wished_at, {NAMED.format('wishes')} ORDER BY wishes.charger, connector_id",
        one_or_all(charger_id),
    )
    return [_wished(row) for row in rows]


def _wished(row: Row) -> Wished:
    from tinyocpp.dealings import Wish, Wished

    return Wished(
        charger_id=str(row[3]),
        connector_id=integer(row[0]),
        wish=msgspec.json.decode(str(row[1]), type=Wish),
        at=time(row[2]),
    )


def told(database: Database, charger_id: str | None) -> list[Told]:
    rows = database.rows(
        f"SELECT told, {NAMED.format('told')} ORDER BY told.charger, connector_id", one_or_all(charger_id)
    )
    return [_told(row) for row in rows]


def _told(row: Row) -> Told:
    from tinyocpp.dealings import Told

    return msgspec.structs.replace(msgspec.json.decode(str(row[0]), type=Told), charger_id=str(row[1]))


def manner(database: Database, charger_id: str) -> Manner:
    from tinyocpp.dealings import Manner

    rows = database.rows("SELECT manner FROM manners WHERE charger = ?", fold_identity(charger_id))
    return msgspec.json.decode(str(rows[0][0]), type=Manner) if rows else Manner()


def modes(database: Database) -> dict[str, str]:
    """By folded identity."""
    return {str(charger): str(mode) for charger, mode in database.rows("SELECT charger, mode FROM modes")}
