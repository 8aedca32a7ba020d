"""The ledger as a file: versions, batches, other writers, and disks and files that will not have it."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest

from tinyocpp.errors import StorageError
from tinyocpp.leniency import Oddity, OddityKind
from tinyocpp.storage.schema import MIGRATIONS
from tinyocpp.storage.sqlite import SqliteStore
from tinyocpp.storage.sqlite_reader import SqliteReader

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "accounting.sqlite3"


@pytest.fixture
def store(path: Path) -> Iterator[SqliteStore]:
    store = SqliteStore(str(path))
    yield store
    store.close()


def write(store: SqliteStore, detail: str) -> None:
    store.ledger.note("garage", Oddity(OddityKind.IGNORED, detail), "raw", NOON)


def written(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return [row[0] for row in connection.execute("SELECT detail FROM oddities ORDER BY detail")]


def pragma(store: SqliteStore, name: str) -> object:
    return store._db.rows(f"PRAGMA {name}")[0][0]


# --- versions


def test_a_new_ledger_is_of_this_version_and_logs_ahead(store: SqliteStore) -> None:
    assert (pragma(store, "user_version"), pragma(store, "journal_mode")) == (len(MIGRATIONS), "wal")


def test_a_new_ledger_is_not_for_everybody(store: SqliteStore, path: Path) -> None:
    """Hashes of passwords are in it, and who charged when."""
    store.begin()
    store.commit()
    modes = {one.name: one.stat().st_mode & 0o777 & ~0o640 for one in path.parent.glob(f"{path.name}*")}
    assert modes == {f"{path.name}{suffix}": 0 for suffix in ("", "-wal", "-shm")}


def test_a_folder_that_is_not_there_is_made(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "accounting.sqlite3"
    SqliteStore(str(path)).close()
    assert path.parent.stat().st_mode & 0o007 == 0


def test_a_ledger_that_is_there_is_used_as_it_is(store: SqliteStore, path: Path) -> None:
    store.begin()
    write(store, "before")
    store.commit()
    SqliteStore(str(path)).close()
    assert written(path) == ["before"]


def test_an_older_ledger_is_brought_up_to_date(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    SqliteStore(str(path)).close()
    later = (*MIGRATIONS, "CREATE TABLE a (x INTEGER);\nCREATE TABLE b (y INTEGER);\n")
    monkeypatch.setattr("tinyocpp.storage.sqlite.MIGRATIONS", later)
    with closing(SqliteStore(str(path))) as store:
        assert pragma(store, "user_version") == len(later)
        assert store._db.rows("SELECT count(*) FROM a, b") == [(0,)]


def test_a_migration_that_fails_changes_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    SqliteStore(str(path)).close()
    monkeypatch.setattr("tinyocpp.storage.sqlite.MIGRATIONS", (*MIGRATIONS, "CREATE TABLE a (x);\nCREATE NONSENSE;\n"))
    with pytest.raises(StorageError, match="syntax error"):
        SqliteStore(str(path))
    monkeypatch.undo()
    with closing(SqliteStore(str(path))) as store:
        assert pragma(store, "user_version") == len(MIGRATIONS)
        assert store._db.rows("SELECT name FROM sqlite_schema WHERE name = 'a'") == []


@pytest.mark.parametrize("open_ledger", [SqliteStore, SqliteReader])
def test_a_newer_ledger_is_refused_untouched(path: Path, open_ledger: type[SqliteStore | SqliteReader]) -> None:
    SqliteStore(str(path)).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    with pytest.raises(StorageError, match=r"written by a newer tinyocpp .* upgrade tinyocpp") as refusal:
        open_ledger(str(path))
    assert (refusal.value.exit_code, str(path) in str(refusal.value)) == (74, True)


def test_programs_that_make_the_ledger_at_once_do_not_disturb_each_other(path: Path) -> None:
    script = "import sys; from tinyocpp.storage.sqlite import SqliteStore; SqliteStore(sys.argv[1]).close()"
    programs = [subprocess.Popen([sys.executable, "-c", script, str(path)]) for _ in range(6)]
    assert [program.wait(60) for program in programs] == [0] * 6
    SqliteReader(str(path)).close()


# --- batches


def test_a_batch_is_seen_by_others_when_it_is_committed(store: SqliteStore, path: Path) -> None:
    assert store.begin()
    write(store, "one")
    assert written(path) == []
    store.commit()
    assert written(path) == ["one"]


def test_what_is_rolled_back_or_left_open_never_was(store: SqliteStore, path: Path) -> None:
    store.begin()
    write(store, "one")
    store.rollback()
    store.rollback()
    with closing(SqliteStore(str(path))) as another:
        another.begin()
        write(another, "two")
    assert written(path) == []


def test_a_frame_that_fails_takes_nobody_with_it(store: SqliteStore, path: Path) -> None:
    store.begin()
    for detail, is_good in (("one", True), ("two", False), ("three", True)):
        store.savepoint()
        write(store, detail)
        (store.release if is_good else store.undo)()
    store.commit()
    assert written(path) == ["one", "three"]


def test_a_batch_knows_whether_it_wrote(store: SqliteStore) -> None:
    store.begin()
    assert not store.wrote
    store.ledger.granted("garage", "04A2", NOON)
    assert not store.wrote
    write(store, "one")
    assert store.wrote
    store.commit()
    store.begin()
    assert not store.wrote


def test_a_start_or_stop_is_synced_and_what_is_relaxed_is_not(store: SqliteStore) -> None:
    normal, full = 1, 2
    for relaxed in (False, True, True, False):
        store.begin(relaxed=relaxed)
        assert pragma(store, "synchronous") == (normal if relaxed else full)
        store.rollback()


# --- other writers


@pytest.fixture
def other(store: SqliteStore, path: Path) -> Iterator[sqlite3.Connection]:
    """Another program, amid a batch of its own."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield connection


def test_who_may_not_wait_is_told_that_another_writes(store: SqliteStore, other: sqlite3.Connection) -> None:
    assert not store.begin(timeout_s=0)
    other.execute("COMMIT")
    assert store.begin(timeout_s=0)
    assert pragma(store, "busy_timeout") == 10_000


def test_a_reader_does_not_wait_for_a_writer(store: SqliteStore, other: sqlite3.Connection, path: Path) -> None:
    with closing(SqliteReader(str(path))) as reader:
        assert list(reader.bookings(None, None)) == []


def test_a_reader_writes_nothing(store: SqliteStore, path: Path) -> None:
    with closing(SqliteReader(str(path))) as reader, pytest.raises(StorageError, match="readonly"):
        reader._db.run("DELETE FROM transactions")


def test_where_nothing_was_recorded_a_reader_finds_and_makes_nothing(path: Path) -> None:
    with closing(SqliteReader(str(path))) as reader:
        assert (reader.chargers(), reader.period(), list(reader.bookings(None, None))) == ([], None, [])
    assert not path.exists()


# --- refusals


def test_a_commit_that_fails_keeps_nothing_and_leaves_the_store_usable(store: SqliteStore, path: Path) -> None:
    """A disk that is full, as SQLite sees it: no page more."""
    pages = pragma(store, "page_count")
    store._db.run(f"PRAGMA max_page_count = {pages}")
    store.begin()
    with pytest.raises(StorageError, match="the disk is full: make room"):
        write(store, "x" * 100_000)
    store.rollback()
    store._db.run("PRAGMA max_page_count = 1000000")
    store.begin()
    write(store, "after")
    store.commit()
    assert written(path) == ["after"]


def test_a_commit_without_a_batch_is_refused(store: SqliteStore) -> None:
    with pytest.raises(StorageError, match="no transaction is active"):
        store.commit()


@pytest.mark.parametrize("content", [b"SQLite format 3\0" + b"\xff" * 4096, b"Dear diary, " * 400])
def test_a_file_that_is_no_ledger_is_named(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(StorageError, match=r"accounting\.sqlite3: .*(damaged|no ledger)"):
        SqliteStore(str(path))


def test_a_damaged_page_is_said_to_be_that(path: Path) -> None:
    with closing(SqliteStore(str(path))) as store:
        store.begin()
        for number in range(2000):
            write(store, f"{number}")
        store.commit()
    data = bytearray(path.read_bytes())
    data[8192:] = b"\xa5" * (len(data) - 8192)
    path.write_bytes(data)
    with closing(SqliteReader(str(path))) as reader, pytest.raises(StorageError, match="damaged: restore a backup"):
        reader.oddities(NOON)


def test_a_folder_in_its_place_is_named(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot be opened or made: check the folder and its permissions"):
        SqliteStore(str(tmp_path))


def test_a_file_in_the_place_of_its_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="file: cannot be made"):
        SqliteStore(str(tmp_path / "file" / "accounting.sqlite3"))


def test_a_folder_that_may_not_be_written_is_named() -> None:
    """Tried as another user, for root may write everywhere, who could not enter a folder of pytest."""
    script = (
        "import os, sys\n"
        "from tinyocpp.errors import StorageError\n"
        "from tinyocpp.storage.sqlite import SqliteStore\n"
        "if os.getuid() == 0: os.setuid(65534)\n"
        "try: SqliteStore(sys.argv[1])\n"
        "except StorageError as error: print(error)\n"
    )
    with TemporaryDirectory() as folder:
        os.chmod(folder, 0o555)
        command = [sys.executable, "-c", script, f"{folder}/accounting.sqlite3"]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert "check the folder and its permissions" in ended.stdout, ended.stderr


def test_names_that_mean_something_in_an_address_are_names(tmp_path: Path) -> None:
    path = tmp_path / "what? 100% #1" / "a?mode=ro#b%41.sqlite3"
    SqliteStore(str(path)).close()
    assert path.exists()
