"""The ledger in one SQLite file, shared by every process of this machine.

Write-ahead logging, so readers and the writer do not wait for each other; `synchronous=FULL` for a batch that holds a
start or a stop, NORMAL for one that does not; ten seconds' patience with another writer. The accounting itself is in
ledger.py, the tables in schema.py.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from typing import TYPE_CHECKING

from tinyocpp.errors import StorageError
from tinyocpp.storage import BUSY, BUSY_TIMEOUT_S
from tinyocpp.storage.ledger import SqlLedger
from tinyocpp.storage.register import SqlRegister
from tinyocpp.storage.schema import MIGRATIONS

if TYPE_CHECKING:
    from tinyocpp.storage.sql import Row

RELAXED, FULL = "NORMAL", "FULL"


class SqliteDatabase:
    """One connection. Implements books.Database; every refusal of SQLite becomes a StorageError that names the file."""

    def __init__(self, path: str, *, read_only: bool = False) -> None:
        self.path = path
        try:
            self.connection = sqlite3.connect(
                f"file:{_quoted(path)}?mode={'ro' if read_only else 'rwc'}",
                uri=True,
                timeout=BUSY_TIMEOUT_S,
                isolation_level=None,
                check_same_thread=False,
            )
        except sqlite3.Error as error:
            raise refusal(path, error) from error

    def rows(self, sql: str, *parameters: object) -> list[Row]:
        try:
            return self.connection.execute(sql, parameters).fetchall()
        except sqlite3.Error as error:
            raise refusal(self.path, error) from error

    def run(self, sql: str, *parameters: object) -> int:
        try:
            return self.connection.execute(sql, parameters).rowcount
        except sqlite3.Error as error:
            raise refusal(self.path, error) from error

    def insert(self, sql: str, *parameters: object) -> int:
        try:
            number = self.connection.execute(sql, parameters).lastrowid
        except sqlite3.Error as error:
            raise refusal(self.path, error) from error
        assert number is not None  # only None where nothing was ever inserted
        return number

    def close(self) -> None:
        self.connection.close()


class SqliteStore:
    """Implements storage.Store."""

    def __init__(self, path: str) -> None:
        _make_folder(path)
        _make_file(path)
        self._db = SqliteDatabase(path)
        self._relaxed: bool | None = None
        self._changes_at_begin = 0
        self._version: object = None
        self.register = SqlRegister(self._db)
        self.ledger = SqlLedger(self._db, self.register)
        prepare(self._db)

    def begin(self, *, relaxed: bool = False, timeout_s: float = BUSY_TIMEOUT_S) -> bool:
        if relaxed is not self._relaxed:
            self._db.run(f"PRAGMA synchronous = {RELAXED if relaxed else FULL}")
            self._relaxed = relaxed
        if timeout_s != BUSY_TIMEOUT_S:
            self._db.run(f"PRAGMA busy_timeout = {round(timeout_s * 1000)}")
        try:
            self._db.connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if _primary(error) == sqlite3.SQLITE_BUSY:
                return False
            raise refusal(self._db.path, error) from error
        finally:
            if timeout_s != BUSY_TIMEOUT_S:
                self._db.run(f"PRAGMA busy_timeout = {round(BUSY_TIMEOUT_S * 1000)}")
        self._changes_at_begin = self._db.connection.total_changes
        version = self._db.rows("PRAGMA data_version")[0][0]  # another one: another connection has written
        if version != self._version:
            self._version = version
            self.ledger.forget()
        return True

    def savepoint(self) -> None:
        self._db.run("SAVEPOINT frame")

    def release(self) -> None:
        self._db.run("RELEASE frame")

    def undo(self) -> None:
        self.ledger.forget()
        self._db.run("ROLLBACK TO frame")
        self._db.run("RELEASE frame")

    @property
    def wrote(self) -> bool:
        return self._db.connection.total_changes != self._changes_at_begin

    def commit(self) -> None:
        try:
            self._db.connection.execute("COMMIT")
        except sqlite3.Error as error:
            self.rollback()
            raise refusal(self._db.path, error) from error

    def rollback(self) -> None:
        if self.wrote:
            self.ledger.forget()
        if self._db.connection.in_transaction:
            self._db.run("ROLLBACK")

    def close(self) -> None:
        self.rollback()
        self._db.close()


def prepare(database: SqliteDatabase) -> None:
    """Write-ahead logging, and the tables of this version; several processes may do it at once."""
    deadline = time.monotonic() + BUSY_TIMEOUT_S
    while True:  # a change of the journal mode does not wait for other connections by itself
        try:
            database.run("PRAGMA journal_mode = WAL")
            break
        except StorageError as error:
            if not isinstance(error.__cause__, sqlite3.Error) or _primary(error.__cause__) != sqlite3.SQLITE_BUSY:
                raise
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)
    if version_of(database) == len(MIGRATIONS):
        return
    database.run("BEGIN IMMEDIATE")
    try:
        migrate(database)
    except BaseException:
        database.run("ROLLBACK")
        raise
    database.run("COMMIT")


def migrate(database: SqliteDatabase) -> None:
    """Run the scripts this file has not seen yet, inside the transaction that is open."""
    check_version(database)
    for script in MIGRATIONS[version_of(database) :]:
        for statement in script.split(";\n"):
            if statement.strip():
                database.run(statement)
    database.run(f"PRAGMA user_version = {len(MIGRATIONS)}")


def check_version(database: SqliteDatabase) -> None:
    version = version_of(database)
    if version > len(MIGRATIONS):
        raise StorageError(
            f"{database.path}: written by a newer tinyocpp (schema {version}, this one knows {len(MIGRATIONS)});"
            " upgrade tinyocpp, or restore a backup made before"
        )


def refusal(path: str, error: sqlite3.Error) -> StorageError:
    """What SQLite said, with the file and what to do."""
    remedies = {
        sqlite3.SQLITE_FULL: "the disk is full: make room",
        sqlite3.SQLITE_READONLY: "the file or its file system cannot be written to",
        sqlite3.SQLITE_CANTOPEN: "the file cannot be opened or made: check the folder and its permissions",
        sqlite3.SQLITE_IOERR: "the disk does not read or write: check it and its cables",
        sqlite3.SQLITE_BUSY: BUSY,
        sqlite3.SQLITE_CORRUPT: "the file is damaged: restore a backup (tinyocpp restore)",
        sqlite3.SQLITE_NOTADB: "this is no ledger: check [paths] accounting",
    }
    remedy = remedies.get(_primary(error), "")
    return StorageError(f"{path}: {error}" + (f" ({remedy})" if remedy else ""))


def _primary(error: sqlite3.Error) -> int:
    """SQLite's result code without its extension."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def version_of(database: SqliteDatabase) -> int:
    version = database.rows("PRAGMA user_version")[0][0]
    assert isinstance(version, int)
    return version


def _make_folder(path: str) -> None:
    folder = os.path.dirname(path) or "."
    try:
        os.makedirs(folder, mode=0o750, exist_ok=True)
    except OSError as error:
        raise StorageError(f"{folder}: cannot be made: {error.strerror}") from error


def _make_file(path: str) -> None:
    """A new one is not for everybody: hashes of passwords are in it, and who charged when. SQLite gives what it puts
    beside it the same mode. One that is there is not even opened: closing it would give up this process's locks."""
    if path != ":memory:":
        with contextlib.suppress(OSError):  # it is there, or SQLite says why not
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o640))


def _quoted(path: str) -> str:
    """A path inside an SQLite URI."""
    return "".join(character if character not in "%?#" else f"%{ord(character):02x}" for character in path)
