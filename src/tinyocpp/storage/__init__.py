"""Where facts are kept: the contract every store fulfils. The one member is sqlite.py, with its backups in snapshot.py.

A Store is the writing side, one per process, used by one thread at a time. What is written between `begin` and
`commit` is one batch: all of it is durable or none. A Reader is the reading side and never waits for a writer.
Both come from `open_store` and `open_reader`, which choose the member by `[paths] accounting`. What any SQL database
would do the same way is in ledger.py, books.py and hindsight.py (transactions), limits.py, dealings.py and notes.py
(all else), register.py (identities), reading.py (reports) and schema.py (tables). No part of a store are the owner's
files: tags (`open_tags` reads them, tagedit.py changes them), the configuration (configedit.py), the certificate
authority (authority.py, signing.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tinyocpp.passwords import Keys

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from typing import Protocol

    from tinyocpp.charger import Ledger
    from tinyocpp.config import Config
    from tinyocpp.dealings import (
        CertificateState,
        IssuedCertificate,
        LocalList,
        Manner,
        Reservation,
        Told,
        Upkeep,
        Wished,
    )
    from tinyocpp.storage.tagfile import TagFile
else:
    Protocol = object  # as in charger.py: for the type checker alone


BUSY_TIMEOUT_S = 10.0  # another process may be writing; the design's patience
BUSY = f"another program has been writing to the ledger for {BUSY_TIMEOUT_S:g} s"


class Registered(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one identity."""

    charger_id: str  # as the charger spells it
    admitted_at: datetime | None = None
    password_hash: str | None = None
    refused_at: datetime | None = None
    refused_from: str = ""  # the address it came from
    refused_why: str = ""
    refusals: int = 0
    connected_at: datetime | None = None
    disconnected_at: datetime | None = None
    last_seen_at: datetime | None = None
    booted_at: datetime | None = None
    vendor: str = ""
    model: str = ""
    firmware: str = ""
    registration: str | None = None  # the owner's word; None: as configured
    password_next: str | None = None  # hashes of those on their way into the charger, with a space between
    security_profile: int = 0  # what it has proven since it was asked: nothing lower any more
    security_profile_next: int | None = None  # asked of the charger; it has not come with it yet
    connected_profile: int | None = None  # the profile, and the TLS, of its last connection
    connected_with: str = ""
    connected_from: str = ""
    certificate_serial: str | None = None  # shown at its last connection
    certificate_expires_at: datetime | None = None

    @property
    def keys(self) -> Keys:
        """What may be its password now."""
        return Keys(self.password_hash, tuple((self.password_next or "").split()))


class Register(Protocol):
    """Which identities exist, who may come in. Identities are compared without regard to case, spelling is kept."""

    def find(self, identity: str) -> Registered | None:
        """What is known of it; None: it was never admitted, refused, connected or given a password."""
        ...

    def everyone(self) -> list[Registered]:
        """In the order of their folded identities."""
        ...

    def refused(self) -> int:
        """How many have been, of those nobody has admitted since."""
        ...

    def anyone_admitted(self) -> bool:
        """Has a charger been adopted or admitted yet? The simulator does not count."""
        ...

    def admit(self, identity: str, now: datetime) -> None:
        """Let it in from now on, and forget that it was refused. Who is admitted already keeps the first date."""
        ...

    def adopt(self, identity: str, now: datetime) -> bool:
        """Admit the identity if nobody has been admitted yet; False when somebody was first."""
        ...

    def forget(self, identity: str) -> bool:
        """No longer admitted, no password, no refusals; what was booked stays. False: no such identity."""
        ...

    def refuse(self, identity: str, address: str, why: str, now: datetime) -> None:
        """Count one more refusal and keep the last one's address and reason. The caller bounds how many strangers."""
        ...

    def set_password(self, identity: str, password_hash: str | None) -> None:
        """What passwords.py made of it, and no other counts any more; None: it needs none. Makes the identity known,
        but lets nobody in."""
        ...

    def set_keys(self, identity: str, keys: Keys) -> None:
        """What may be the password of an identity that is known."""
        ...

    def set_profile(self, identity: str, proven: int) -> None:
        """Nothing lower is let in any more, and nothing higher is asked for. Makes the identity known."""
        ...

    def ask_profile(self, identity: str, asked: int | None) -> None:
        """As soon as it comes with this profile, that is proven; None: it will not."""
        ...

    def certificate(self, serial: str) -> tuple[str, CertificateState, str] | None:
        """What our authority gave this number: the folded identity it is for, what became of it, its PEM."""
        ...

    def set_registration(self, identity: str, registration: str | None) -> bool:
        """Accepted, Pending or Rejected, whatever is configured; None: as configured. False: no such identity."""
        ...

    def set_mode(self, identity: str, mode: str | None, now: datetime) -> None:
        """How it is to charge (modes.Mode), whatever is configured; None: as configured."""
        ...

    def connected(self, identity: str, address: str, now: datetime) -> None:
        """It has been let in; from now on its spelling is the one it came with."""
        ...

    def came_with(
        self, identity: str, profile: int | None, tls_words: str, certificate: tuple[str, datetime | None] | None
    ) -> None:
        """How it was let in: its security profile (None: nobody asked), the TLS, the certificate's serial and end."""
        ...

    def disconnected(self, identity: str, now: datetime) -> None:
        """Its connection is over, and no newer one has taken its place. An identity nobody knows stays unknown."""
        ...


class Store(Protocol):
    """The writing side. Every method raises StorageError when the disk, or another process's lock, will not have it."""

    @property
    def ledger(self) -> Ledger: ...
    @property
    def register(self) -> Register: ...
    def begin(self, *, relaxed: bool = False, timeout_s: float = BUSY_TIMEOUT_S) -> bool:
        """Open the batch. `relaxed`: nothing in it is a start or a stop, a power cut may take it. False: another
        process is still writing after `timeout_s`, nothing was begun."""
        ...

    def savepoint(self) -> None:
        """From here `undo` leads back, until `release`: around each frame, so that a bad one takes nobody with it."""
        ...

    def release(self) -> None:
        """What was done since the savepoint stays in the batch."""
        ...

    def undo(self) -> None:
        """What was done since the savepoint was not; the savepoint is gone too."""
        ...

    @property
    def wrote(self) -> bool:
        """Has this batch written anything? If not, its commit costs no sync."""
        ...

    def commit(self) -> None:
        """Make the batch durable. May be called from another thread than the rest. On StorageError nothing of the
        batch is kept, and nothing of it may be acknowledged."""
        ...

    def rollback(self) -> None:
        """End the batch and keep nothing of it. Without one it does nothing."""
        ...

    def close(self) -> None:
        """What was not committed is gone."""
        ...


class ConnectorStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One connector now, as far as anybody has said."""

    connector_id: int
    status: str | None
    error_code: str | None
    info: str | None = None
    status_at: datetime | None = None
    power_w: float | None = None
    energy_wh: int | None = None  # of the open transaction
    transaction_id: int | None = None
    claimed_id: int | None = None  # what the charger calls that transaction, where not by our number
    refused: bool = False  # its tag may not charge, but the charger does
    id_tag: str | None = None
    started_at: datetime | None = None
    limit_a: float | None = None  # what the charger says it offers
    sampled_at: datetime | None = None  # by the charger's clock
    heard_at: datetime | None = None  # when that sample came


class ChargerStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One charger now. Connector 0, where there is one, is the charger as a whole."""

    registered: Registered
    connectors: list[ConnectorStatus]


class Booking(msgspec.Struct, frozen=True, kw_only=True):
    """One transaction as the report shows it: facts, and what the rules make of them."""

    transaction_id: int
    charger_id: str
    connector_id: int
    id_tag: str
    started_at: datetime
    stopped_at: datetime | None
    meter_start_wh: int | None
    meter_stop_wh: int | None
    energy_wh: int
    quality: str
    reason: str


class Total(msgspec.Struct, frozen=True, kw_only=True):
    """Energy of several transactions with one key: a tag, a charger, or a quarter of an hour."""

    key: str
    transactions: int
    energy_wh: int


class NotedOddity(msgspec.Struct, frozen=True, kw_only=True):
    """What a charger did that the standard forbids (leniency/oddity.py), as it was kept."""

    at: datetime
    charger_id: str
    kind: str
    detail: str
    raw: str
    times: int  # how often, `at` being the last time


class Happening(msgspec.Struct, frozen=True, kw_only=True):
    """A request of a charger's that moved no energy: a boot, a status, a security event ..."""

    at: datetime  # when it came
    charger_id: str
    action: str
    said: dict[str, object]  # its payload, in the standard's names


class Reader(Protocol):
    """The reading side. Periods are half open in UTC; None is unbounded. `simulator` says whether to include it."""

    def chargers(self) -> list[ChargerStatus]:
        """Everybody who was admitted or has ever sent a frame, refused identities too."""
        ...

    def bookings(
        self, start: datetime | None, end: datetime | None, *, charger_id: str | None = None, simulator: bool = False
    ) -> Iterator[Booking]:
        """In the order they started."""
        ...

    def totals(
        self,
        by: str,
        start: datetime | None,
        end: datetime | None,
        *,
        charger_id: str | None = None,
        simulator: bool = False,
    ) -> list[Total]:
        """`by`: "tag" (key: the tag as last spelled), "charger", or "quarter" (key: unix time of the quarter of an hour
        the transaction started in, from which local days and months are made: every zone's offset is a multiple)."""
        ...

    def qualities(
        self, start: datetime | None, end: datetime | None, *, charger_id: str | None = None, simulator: bool = False
    ) -> dict[str, int]:
        """Wh of each quality that occurs."""
        ...

    def period(self) -> tuple[datetime, datetime] | None:
        """Start of the first and of the last transaction recorded."""
        ...

    def transaction(self, transaction_id: int) -> Booking | None:
        """By our number, whoever's it is."""
        ...

    def oddities(self, since: datetime, *, charger_id: str | None = None, limit: int = 100) -> list[NotedOddity]:
        """Last noted since then, newest first, at most `limit`."""
        ...

    def unknown_tags(self, since: datetime) -> list[tuple[datetime, str, str]]:
        """(when, charger_id, id_tag) of tags shown that nobody knows, oldest first."""
        ...

    def configuration(self, charger_id: str) -> dict[str, str | None]:
        """What the charger has said of its own keys."""
        ...

    def calls(self, charger_id: str, action: str, limit: int) -> list[tuple[datetime, bytes]]:
        """When and with which payload it has sent this action, one that moves no energy, newest first."""
        ...

    def history(self, since: datetime, *, charger_id: str | None = None, limit: int = 1000) -> list[Happening]:
        """What chargers have told, but for samples and transactions: the last `limit` since then, oldest first."""
        ...

    def reservations(self, charger_id: str | None = None) -> list[Reservation]:
        """All there ever were, by their end."""
        ...

    def upkeep(self, charger_id: str | None = None) -> list[Upkeep]:
        """The last update and upload of each kind."""
        ...

    def certificates(self, charger_id: str | None = None) -> list[IssuedCertificate]:
        """All our authority has signed, oldest first."""
        ...

    def local_lists(self, charger_id: str | None = None) -> list[LocalList]: ...
    def wishes(self, charger_id: str | None = None) -> list[Wished]:
        """Limits the owner has set."""
        ...

    def told(self, charger_id: str | None = None) -> list[Told]:
        """What connectors were told last, and what came of it."""
        ...

    def manner(self, charger_id: str) -> Manner:
        """How it obeys, as far as that has been learnt."""
        ...

    def modes(self) -> dict[str, str]:
        """How the owner wants chargers to charge, by folded identity; who is missing charges as configured."""
        ...

    def close(self) -> None: ...


def open_store(config: Config) -> Store:
    """The ledger of this configuration for writing, made or migrated where needed."""
    from tinyocpp.storage.sqlite import SqliteStore

    return SqliteStore(config.paths.accounting)


def open_reader(config: Config) -> Reader:
    """The same for reading only. Where nothing has been recorded yet there is an empty ledger to read."""
    from tinyocpp.storage.sqlite_reader import SqliteReader

    return SqliteReader(config.paths.accounting)


def open_tags(config: Config, *, keep: bool) -> TagFile:
    """The tags of this configuration: of a broken file the list that was last good, as for every other program. `keep`:
    what can be read is remembered as that list, which is for hosts; whoever only looks writes nothing."""
    from tinyocpp.storage.tagfile import TagFile

    return TagFile(config.paths.tags, config.tags, config.zone(), last_good=config.last_good_tags, keep=keep)
