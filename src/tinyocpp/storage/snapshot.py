"""A whole ledger as one file: taken while everything runs, and put back while everything runs. SQLite only.

A backup is itself a ledger, an SQLite file anybody can open, with one more table: the owner's files that belong to it.
Putting back is one transaction in the living ledger, so every process that has it open sees the old books or the new,
and a writer at most waits. What was booked until that moment is kept beside: a restore takes nothing away for good.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import sqlite3
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING

from tinyocpp.errors import StorageError
from tinyocpp.storage.files import sync
from tinyocpp.storage.sqlite import SqliteStore
from tinyocpp.storage.sqlite_reader import SqliteReader

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

NOT_OURS = "is no backup of tinyocpp; nothing was changed"
SHARED_FIRST, SHARED_SIZE = 0x40000002, 510
"""Bytes of the file on which every open connection of a write-ahead log holds a lock (SQLite's os.h)."""
UNREADABLE_NUMBERS = 10_000
"""Room for the transaction numbers a damaged ledger had given out since the backup."""
WHO_COMES_IN = (
    "INSERT INTO staged.chargers (charger, charger_id, password_hash, password_next, security_profile,"
    " security_profile_next) SELECT charger, charger_id, password_hash, password_next, security_profile,"
    " security_profile_next FROM main.chargers WHERE coalesce(password_hash, password_next, security_profile_next)"
    " IS NOT NULL OR security_profile > 0 ON CONFLICT (charger) DO UPDATE SET"
    " password_hash = CASE WHEN coalesce(excluded.password_hash, excluded.password_next) IS NULL"
    " THEN password_hash ELSE excluded.password_hash END,"
    " password_next = CASE WHEN coalesce(excluded.password_hash, excluded.password_next) IS NULL"
    " THEN password_next ELSE excluded.password_next END,"
    " security_profile = max(security_profile, excluded.security_profile),"
    " security_profile_next = coalesce(excluded.security_profile_next, security_profile_next)",
    "INSERT INTO staged.certificates SELECT * FROM main.certificates WHERE true"
    " ON CONFLICT (serial) DO UPDATE SET state = excluded.state WHERE state <> 'revoked'",
)
"""A restore turns back the books, not the door: a charger has the password it was last given, comes with no lower
security profile than it has proven, and what was revoked stays so."""
PATIENCE_S = 60.0
"""How long a restore waits for writers; they in turn wait ten seconds for it and then ask the charger to wait."""


def save(accounting: str, target: str, files: Mapping[str, bytes]) -> None:
    """Write the ledger as it is at one moment, and `files` (name: content), to the file `target`.

    On disk when this returns; before that `target` is untouched. Raises StorageError."""
    partial = f"{target}.partial"
    with _as_storage_error(f"backup to {target}"), _removed_at_the_end(partial):
        if not os.path.exists(accounting):
            raise StorageError(f"{accounting}: nothing has been recorded yet")
        SqliteReader(accounting).close()  # of a version we know
        if os.path.exists(target) and os.path.samefile(accounting, target):
            raise StorageError(f"{target} is the ledger itself; name another file")
        _copy(accounting, partial)
        with closing(sqlite3.connect(partial, isolation_level=None)) as copy:
            _check(copy, accounting)
            copy.execute("CREATE TABLE backup_files (name TEXT PRIMARY KEY, content BLOB NOT NULL)")
            copy.executemany("INSERT INTO backup_files VALUES (?, ?)", files.items())
        sync(partial)
        os.replace(partial, target)
        sync(os.path.dirname(os.path.abspath(target)))


def restore(source: str, accounting: str, kept: str) -> dict[str, bytes]:
    """Make the ledger what it was when `source` was saved; what it was until now goes to the file `kept`.

    Durable when this returns. Returns the files that were saved with it. Raises StorageError: nothing has changed."""
    staged = f"{accounting}.restoring"
    with _as_storage_error(f"restore of {source}"), _removed_at_the_end(staged):
        files = _stage(source, staged)
        try:
            _restore_into(accounting, staged, kept)
        except (StorageError, sqlite3.Error) as error:
            if not _is_damage(error):
                raise
            _set_aside(accounting, kept)
            _restore_into(accounting, staged, kept, skipped_numbers=UNREADABLE_NUMBERS)
    return files


def _restore_into(accounting: str, staged: str, kept: str, skipped_numbers: int = 0) -> None:
    fresh = not os.path.exists(accounting)
    SqliteStore(accounting).close()  # made, or brought to the present schema
    with closing(sqlite3.connect(accounting, timeout=PATIENCE_S, isolation_level=None)) as live:
        live.execute("PRAGMA synchronous = FULL")
        live.execute("ATTACH ? AS staged", (staged,))
        live.execute("BEGIN IMMEDIATE")  # nobody books from here on, so what is kept is all there is
        if not fresh:
            _copy(accounting, kept)
            sync(kept)
        for statement in WHO_COMES_IN:
            live.execute(statement)
        _replace_rows(live)
        live.execute("UPDATE main.sqlite_sequence SET seq = seq + ?", (skipped_numbers,))
        live.execute("COMMIT")


def _is_damage(error: Exception) -> bool:
    found = error.__cause__ if isinstance(error, StorageError) else error
    return getattr(found, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _set_aside(accounting: str, kept: str) -> None:
    """Move a damaged ledger away, unless somebody has it open: what they book would go with it."""
    with open(accounting, "r+b") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, SHARED_SIZE, SHARED_FIRST)
        except OSError:
            remedy = "stop tinyocpp-listener and every backend, then restore again"
            raise StorageError(f"{accounting} is damaged, and in use; {remedy}") from None
        _private(kept)
        os.replace(accounting, kept)
        for suffix in ("-wal", "-shm"):
            with suppress(FileNotFoundError):
                os.replace(accounting + suffix, kept + suffix)


def files_in(source: str) -> dict[str, bytes]:
    """The owner's files that were saved with a ledger. Raises StorageError."""
    with _as_storage_error(source):
        _recognise(source)
        with closing(sqlite3.connect(source)) as backup:
            backup.execute("PRAGMA query_only = 1")
            return _files(backup)


def _stage(source: str, staged: str) -> dict[str, bytes]:
    """A copy of the backup beside the ledger, checked and brought to the present schema."""
    _recognise(source)
    os.makedirs(os.path.dirname(staged) or ".", mode=0o750, exist_ok=True)
    _private(staged)
    shutil.copyfile(source, staged)
    if os.path.exists(f"{source}-wal"):  # somebody's copy of a living ledger
        shutil.copyfile(f"{source}-wal", f"{staged}-wal")
    with closing(sqlite3.connect(staged, isolation_level=None)) as copy:
        _check(copy, source)
        if "transactions" not in _tables(copy, "main"):
            raise StorageError(f"{source}: {NOT_OURS}")
        files = _files(copy)
    SqliteStore(staged).close()
    return files


def _recognise(source: str) -> None:
    with open(source, "rb") as file:
        if file.read(16) != b"SQLite format 3\0":
            raise StorageError(f"{source}: {NOT_OURS}")


def _files(backup: sqlite3.Connection) -> dict[str, bytes]:
    if "backup_files" not in _tables(backup, "main"):
        return {}
    return dict(backup.execute("SELECT name, content FROM backup_files"))


def _replace_rows(live: sqlite3.Connection) -> None:
    for table in _tables(live, "main"):
        live.execute(f'DELETE FROM main."{table}"')
        columns = [f'"{row[1]}"' for row in live.execute(f'PRAGMA main.table_info("{table}")')]
        if columns == [f'"{row[1]}"' for row in live.execute(f'PRAGMA staged.table_info("{table}")')]:
            live.execute(f'INSERT INTO main."{table}" SELECT * FROM staged."{table}"')  # copied page by page
        else:
            names = ", ".join(columns)
            live.execute(f'INSERT INTO main."{table}" ({names}) SELECT {names} FROM staged."{table}"')
    # A number given out since the backup is known to a charger: it is never given out again.
    live.execute(
        "UPDATE main.sqlite_sequence AS mine SET seq = max(seq, (SELECT coalesce(max(seq), 0)"
        " FROM staged.sqlite_sequence AS theirs WHERE theirs.name = mine.name))"
    )


def _tables(database: sqlite3.Connection, schema: str) -> list[str]:
    found = database.execute(
        f"SELECT name FROM {schema}.sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"
    )
    return [str(name) for (name,) in found]


def _copy(accounting: str, target: str) -> None:
    """The ledger as last committed, in one self-contained file. Waits for nobody and keeps nobody waiting."""
    _private(target)
    with (
        closing(sqlite3.connect(accounting, timeout=PATIENCE_S)) as live,
        closing(sqlite3.connect(target, isolation_level=None)) as copy,
    ):
        live.execute("PRAGMA query_only = 1")
        live.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE")


def _check(database: sqlite3.Connection, name: str) -> None:
    found = [str(row[0]) for row in database.execute("PRAGMA integrity_check(3)")]
    if found != ["ok"]:
        raise StorageError(f"{name} is damaged: {'; '.join(found)}")


def _private(path: str) -> None:
    """An empty file only we can read: a ledger holds the hashes of passwords, and who charged when."""
    for suffix in ("", "-wal", "-shm", "-journal"):
        with suppress(FileNotFoundError):
            os.unlink(path + suffix)
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))


@contextmanager
def _removed_at_the_end(path: str) -> Iterator[None]:
    try:
        yield
    finally:
        for suffix in ("", "-wal", "-shm", "-journal"):
            with suppress(FileNotFoundError):
                os.unlink(path + suffix)


@contextmanager
def _as_storage_error(what: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageError(f"{what}: {error.filename}: {error.strerror}") from None
    except sqlite3.Error as error:
        raise StorageError(f"{what}: {error}; nothing was changed") from None
