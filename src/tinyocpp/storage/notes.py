"""What a ledger keeps that moves no energy: oddities, other calls, who is there, remote starts, configuration keys."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from tinyocpp.identity import fold_identity
from tinyocpp.leniency import mend
from tinyocpp.messages.core_boot import BootNotification, RegistrationStatus
from tinyocpp.passwords import Keys
from tinyocpp.storage.sql import digest, ms
from tinyocpp.tags import fold

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tinyocpp.leniency import Oddity
    from tinyocpp.messages.payload import Payload
    from tinyocpp.storage.register import SqlRegister
    from tinyocpp.storage.sql import Database

NEVER = datetime(1970, 1, 1, tzinfo=UTC)  # nothing in a BootNotification is a time
CALLS_KEPT = 200
"""Of calls that carry no energy the last so many per action: EN+ sends a DataTransfer every few seconds (quirk B13)."""
RAW_KEPT = 65_536
"""Characters kept of a frame that could not be read."""
ODDITIES_KEPT = 5_000
"""Of each charger the last so many: one that is odd with every sample would fill a card in a year."""
TIDIED_EVERY = 500
"""One frame in so many has the oldest forgotten, by its digest: a process may end long before it has counted so far."""


class SqlNotes:
    """The part of charger.Ledger that books no energy; dealings.py adds to it, and ledger.py makes it whole."""

    def __init__(self, database: Database, register: SqlRegister) -> None:
        self._db = database
        self._register = register

    def note(self, charger_id: str, oddity: Oddity, raw: str, now: datetime) -> None:
        kept = raw[:RAW_KEPT].encode("utf-8", "replace")  # half a surrogate pair is nothing to keep
        self._db.run(
            "INSERT INTO oddities (charger, kind, detail, digest, raw, first_at, last_at) VALUES (?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (charger, kind, detail, digest) DO UPDATE SET times = times + 1, last_at = excluded.last_at",
            fold_identity(charger_id),
            oddity.kind,
            oddity.detail,
            digest(kept),
            kept.decode(),
            ms(now),
            ms(now),
        )
        if digest(kept) % TIDIED_EVERY == 0:
            self._forget_the_oldest(charger_id)

    def _forget_the_oldest(self, charger_id: str) -> None:
        charger = fold_identity(charger_id)
        self._db.run(
            "DELETE FROM oddities WHERE charger = ? AND last_at <= (SELECT last_at FROM oddities WHERE charger = ?"
            " ORDER BY last_at DESC LIMIT 1 OFFSET ?)",
            charger,
            charger,
            ODDITIES_KEPT,
        )

    def record(self, charger_id: str, action: str, call: Payload, now: datetime) -> None:
        charger = fold_identity(charger_id)
        self._db.run(
            "INSERT INTO calls (charger, action, received_at, payload) VALUES (?, ?, ?, ?)",
            charger,
            action,
            ms(now),
            msgspec.json.encode(call).decode(),
        )
        self._db.run(
            "DELETE FROM calls WHERE charger = ? AND action = ? AND call_no <= (SELECT call_no FROM calls"
            " WHERE charger = ? AND action = ? ORDER BY call_no DESC LIMIT 1 OFFSET ?)",
            charger,
            action,
            charger,
            action,
            CALLS_KEPT,
        )

    def seen(self, charger_id: str, now: datetime) -> None:
        self._db.run(
            "INSERT INTO chargers (charger, charger_id, last_seen_at) VALUES (?, ?, ?)"
            " ON CONFLICT (charger) DO UPDATE SET last_seen_at = excluded.last_seen_at",
            fold_identity(charger_id),
            charger_id,
            ms(now),
        )

    def adopt(self, charger_id: str, now: datetime) -> bool:
        return self._register.adopt(charger_id, now)

    def admitted(self, charger_id: str) -> bool:
        known = self._register.find(charger_id)
        return known is not None and known.admitted_at is not None

    def last_boot(self, charger_id: str) -> BootNotification | None:
        found = self._db.rows("SELECT boot FROM chargers WHERE charger = ?", fold_identity(charger_id))
        if not found or not found[0][0]:
            return None
        return mend(BootNotification, str(found[0][0]).encode(), received_at=NEVER, zone=UTC)[0]  # too long a name, say

    def registration(self, charger_id: str) -> RegistrationStatus | None:
        known = self._register.find(charger_id)
        return None if known is None or known.registration is None else RegistrationStatus(known.registration)

    def keys(self, charger_id: str) -> Keys:
        known = self._register.find(charger_id)
        return known.keys if known else Keys()

    def keep_keys(self, charger_id: str, keys: Keys) -> None:
        self._register.set_keys(charger_id, keys)

    def profile_asked(self, charger_id: str, profile: int | None) -> None:
        self._register.ask_profile(charger_id, profile)

    def came_with(self, charger_id: str) -> tuple[int | None, str | None]:
        known = self._register.find(charger_id)
        return (known.connected_profile, known.certificate_serial) if known else (None, None)

    def grant(self, charger_id: str, id_tag: str, until: datetime | None) -> None:
        charger, tag = fold_identity(charger_id), fold(id_tag)
        if until is None:
            self._db.run("DELETE FROM grants WHERE charger = ? AND tag = ?", charger, tag)
            return
        self._db.run(
            "INSERT INTO grants (charger, tag, until) VALUES (?, ?, ?)"
            " ON CONFLICT (charger, tag) DO UPDATE SET until = excluded.until",
            charger,
            tag,
            ms(until),
        )

    def granted(self, charger_id: str, id_tag: str, now: datetime) -> bool:
        found = self._db.rows(
            "SELECT 1 FROM grants WHERE charger = ? AND tag = ? AND until > ?",
            fold_identity(charger_id),
            fold(id_tag),
            ms(now),
        )
        return bool(found)

    def learn_configuration(self, charger_id: str, keys: Mapping[str, str | None]) -> None:
        charger = fold_identity(charger_id)
        for key, value in keys.items():
            self._db.run(
                "INSERT INTO configuration (charger, key, value) VALUES (?, ?, ?)"
                " ON CONFLICT (charger, key) DO UPDATE SET value = excluded.value",
                charger,
                key,
                value,
            )

    def configuration(self, charger_id: str, key: str) -> str | None:
        found = self._db.rows(
            "SELECT value FROM configuration WHERE charger = ? AND key = ?", fold_identity(charger_id), key
        )
        return None if not found or found[0][0] is None else str(found[0][0])
