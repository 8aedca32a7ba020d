"""Backup and restore of the ledger while others write to it."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
import threading
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from booked import Books, utc

from tinyocpp.dealings import CertificateState, IssuedCertificate
from tinyocpp.errors import StorageError
from tinyocpp.passwords import Keys
from tinyocpp.storage.snapshot import files_in, restore, save

if TYPE_CHECKING:
    from pathlib import Path

NOON = utc("2026-06-01T12:00:00")


@pytest.fixture
def ledger(tmp_path: Path) -> str:
    path = tmp_path / "accounting.sqlite3"
    books = Books(path)
    books.boot("garage", NOON)
    books.charge("garage", "ANNA", NOON, 5000)
    books.close()
    return str(path)


def rows(path: str, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as database:
        return database.execute(sql).fetchall()


def energies(path: str) -> list[tuple[object, ...]]:
    return rows(path, "SELECT transaction_id, id_tag, energy_wh FROM transactions ORDER BY 1")


def test_a_backup_is_one_private_file_anybody_can_open(ledger: str, tmp_path: Path) -> None:
    target = str(tmp_path / "backup")
    save(ledger, target, {"tags.toml": b"# ours\n"})
    assert energies(target) == [(1, "ANNA", 5000)]
    assert rows(target, "PRAGMA integrity_check") == [("ok",)]
    assert rows(target, "PRAGMA journal_mode") == [("delete",)]
    assert rows(target, "SELECT * FROM backup_files") == [("tags.toml", b"# ours\n")]
    assert files_in(target) == {"tags.toml": b"# ours\n"}
    assert files_in(ledger) == {}
    assert stat.S_IMODE(os.stat(target).st_mode) == 0o600
    assert sorted(os.listdir(tmp_path)) == ["accounting.sqlite3", "backup"]


def test_a_backup_replaces_the_one_before(ledger: str, tmp_path: Path) -> None:
    target = str(tmp_path / "backup")
    save(ledger, target, {})
    books = Books(ledger)
    books.charge("garage", "BERT", NOON, 7000, meter_wh=5000)
    save(ledger, target, {})
    books.close()
    assert energies(target) == [(1, "ANNA", 5000), (2, "BERT", 7000)]


@pytest.mark.parametrize(
    ("target", "message"),
    [
        pytest.param("accounting.sqlite3", "is the ledger itself", id="onto itself"),
        pytest.param("nowhere/backup", "No such file or directory", id="no such folder"),
    ],
)
def test_where_a_backup_cannot_go(ledger: str, tmp_path: Path, target: str, message: str) -> None:
    with pytest.raises(StorageError, match=message):
        save(ledger, str(tmp_path / target), {})
    assert energies(ledger) == [(1, "ANNA", 5000)]
    assert os.listdir(tmp_path) == ["accounting.sqlite3"]


def test_nothing_to_back_up(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="nothing has been recorded yet"):
        save(str(tmp_path / "none"), str(tmp_path / "backup"), {})
    assert os.listdir(tmp_path) == []


def test_a_damaged_ledger_makes_no_backup(ledger: str, tmp_path: Path) -> None:
    target = str(tmp_path / "backup")
    save(ledger, target, {})
    with open(ledger, "r+b") as file:
        file.seek(3 * 4096)
        file.write(b"\xff" * 4096 * 4)
    with pytest.raises(StorageError, match=r"damaged|malformed"):
        save(ledger, target, {})
    assert energies(target) == [(1, "ANNA", 5000)]


def test_restore_opens_no_door_and_locks_nobody_out(ledger: str, tmp_path: Path) -> None:
    """A charger has the password it was given since, a stolen one's certificate stays revoked, and the way down from a
    security profile is the owner's word only."""
    backup = str(tmp_path / "backup")
    books = Books(ledger)
    with books.batch():
        books.store.register.set_password("garage", "old")
        books.store.register.set_password("carport", "still")
        books.store.ledger.certificate_issued(certificate("stolen", CertificateState.INSTALLED))
    save(ledger, backup, {})
    with books.batch():
        books.store.register.set_keys("garage", Keys("new", ("newer",)))
        books.store.register.set_profile("garage", 2)
        books.store.register.set_password("carport", None)
        books.store.register.set_password("yard", "since")
        books.store.ledger.certificate_issued(certificate("stolen", CertificateState.REVOKED))
        books.store.ledger.certificate_issued(certificate("since", CertificateState.INSTALLED))
    restore(backup, ledger, str(tmp_path / "kept"))
    found = {one.charger_id: (one.keys, one.security_profile) for one in books.store.register.everyone()}
    assert found == {"carport": (Keys("still"), 0), "garage": (Keys("new", ("newer",)), 2), "yard": (Keys("since"), 0)}
    assert {one.serial: one.state for one in books.store.ledger.certificates("garage")} == {
        "stolen": CertificateState.REVOKED,
        "since": CertificateState.INSTALLED,
    }
    books.close()


def certificate(serial: str, state: CertificateState) -> IssuedCertificate:
    return IssuedCertificate(serial=serial, charger_id="garage", issued_at=NOON, expires_at=NOON, pem="", state=state)


def test_restore_puts_everything_back_and_keeps_what_was(ledger: str, tmp_path: Path) -> None:
    backup, kept = str(tmp_path / "backup"), str(tmp_path / "kept")
    save(ledger, backup, {"tags.toml": b"x"})
    books = Books(ledger)
    books.boot("carport", NOON)
    books.charge("garage", "BERT", NOON, 7000, meter_wh=5000)
    assert restore(backup, ledger, kept) == {"tags.toml": b"x"}
    assert energies(ledger) == [(1, "ANNA", 5000)]
    assert [one.charger_id for one in books.store.register.everyone()] == ["garage"]  # the open one sees it too
    assert energies(kept) == [(1, "ANNA", 5000), (2, "BERT", 7000)]
    assert books.charge("garage", "CARA", NOON, 100, meter_wh=5000) == 3, "2 is taken: a charger knows it"
    books.close()
    assert restore(kept, ledger, str(tmp_path / "kept2")) == {}
    assert energies(ledger) == [(1, "ANNA", 5000), (2, "BERT", 7000)]
    assert not os.path.exists(f"{ledger}.restoring")


def test_restore_where_there_was_nothing(ledger: str, tmp_path: Path) -> None:
    backup, fresh, kept = str(tmp_path / "backup"), str(tmp_path / "new" / "ledger"), str(tmp_path / "kept")
    save(ledger, backup, {})
    restore(backup, fresh, kept)
    assert energies(fresh) == [(1, "ANNA", 5000)]
    assert not os.path.exists(kept)
    books = Books(fresh)
    assert books.charge("garage", "BERT", NOON, 1) == 2
    books.close()


def test_restore_of_a_living_ledger_somebody_copied(ledger: str, tmp_path: Path) -> None:
    books = Books(ledger)
    books.charge("garage", "BERT", NOON, 7000, meter_wh=5000)
    copied = tmp_path / "copied"
    copied.write_bytes((tmp_path / "accounting.sqlite3").read_bytes())
    (tmp_path / "copied-wal").write_bytes((tmp_path / "accounting.sqlite3-wal").read_bytes())
    books.close()
    restore(str(copied), str(tmp_path / "fresh"), str(tmp_path / "kept"))
    assert energies(str(tmp_path / "fresh")) == [(1, "ANNA", 5000), (2, "BERT", 7000)]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(None, "No such file", id="missing"),
        pytest.param(b"hello", "is no backup of tinyocpp", id="no database"),
        pytest.param(b"SQLite format 3\0" + b"\xff" * 5000, "nothing was changed|damaged", id="broken"),
        pytest.param("other", "is no backup of tinyocpp", id="another program's"),
        pytest.param("newer", "newer tinyocpp", id="from the future"),
    ],
)
def test_what_cannot_be_restored_changes_nothing(
    ledger: str, tmp_path: Path, content: bytes | str | None, message: str
) -> None:
    source = tmp_path / "source"
    if isinstance(content, bytes):
        source.write_bytes(content)
    elif content:
        with closing(sqlite3.connect(source)) as database:
            database.execute(f"CREATE TABLE {'transactions' if content == 'newer' else 'pictures'} (x)")
            database.execute("PRAGMA user_version = 999")
            database.commit()
    with pytest.raises(StorageError, match=message):
        restore(str(source), ledger, str(tmp_path / "kept"))
    assert energies(ledger) == [(1, "ANNA", 5000)]
    assert sorted(set(os.listdir(tmp_path)) - {"source"}) == ["accounting.sqlite3"]


@pytest.mark.parametrize("first", [pytest.param(0, id="no database"), pytest.param(4096, id="damaged within")])
def test_restore_where_the_ledger_is_damaged(ledger: str, tmp_path: Path, first: int) -> None:
    backup, kept = str(tmp_path / "backup"), str(tmp_path / "kept")
    save(ledger, backup, {})
    damage(ledger, first)
    with open(ledger, "rb") as file:
        damaged = file.read()
    restore(backup, ledger, kept)
    assert energies(ledger) == [(1, "ANNA", 5000)]
    assert (tmp_path / "kept").read_bytes() == damaged
    books = Books(ledger)
    assert books.charge("garage", "BERT", NOON, 1) == 10_002, "nobody knows which numbers were given out"
    books.close()


def test_a_damaged_ledger_that_is_in_use_is_left_where_it_is(ledger: str, tmp_path: Path) -> None:
    backup = str(tmp_path / "backup")
    save(ledger, backup, {})
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, ledger], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == b"open\n"
        damage(ledger, 0)
        with pytest.raises(StorageError, match="in use; stop tinyocpp-listener"):
            restore(backup, ledger, str(tmp_path / "kept"))
        process.communicate(timeout=20)
    assert not (tmp_path / "kept").exists()


HOLD = """
import sqlite3, sys
database = sqlite3.connect(sys.argv[1])
database.execute("SELECT count(*) FROM transactions").fetchone()
print("open", flush=True)
sys.stdin.read()
"""


def damage(path: str, first: int) -> None:
    with open(path, "r+b") as file:
        size = file.seek(0, 2)
        file.seek(first)
        file.write(b"\xff" * (size - first))


def test_restore_while_others_write_loses_nothing_acknowledged(ledger: str, tmp_path: Path) -> None:
    """Two writers book all the time. Every booking that was committed is afterwards in the ledger or in what was kept,
    and no number was given out twice."""
    backup, kept = str(tmp_path / "backup"), str(tmp_path / "kept")
    save(ledger, backup, {})
    acknowledged: dict[int, str] = {}
    enough, done = threading.Event(), threading.Event()

    def write(charger: str) -> None:
        books = Books(ledger)
        for meter_wh in range(100_000):
            tag = f"{charger}{meter_wh}"
            number = books.start(charger, tag, NOON, meter_wh=meter_wh)
            assert number not in acknowledged
            acknowledged[number] = tag
            if len(acknowledged) > 60:
                enough.set()
            if done.is_set() and meter_wh > 100:
                break
        books.close()

    writers = [threading.Thread(target=write, args=(charger,)) for charger in ("garage", "carport")]
    for writer in writers:
        writer.start()
    assert enough.wait(30)
    restore(backup, ledger, kept)
    done.set()
    for writer in writers:
        writer.join(30)
        assert not writer.is_alive()
    before = dict(rows(kept, "SELECT transaction_id, id_tag FROM transactions"))
    after = dict(rows(ledger, "SELECT transaction_id, id_tag FROM transactions"))
    assert {**before, **after} == {1: "ANNA", **acknowledged}
    assert set(before) & set(after) == {1}
    assert rows(ledger, "PRAGMA integrity_check") == [("ok",)]
