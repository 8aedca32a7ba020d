"""Disks that are full, read-only or do not sync: nothing is acknowledged, the message says what to do, and once it
works again the charger goes on where it was."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from crash.audit import audit
from crash.charger import Charger
from crash.doors import Backend, Died, charge, configure, is_root

STORAGE = 74  # EX_IOERR
needs_root = pytest.mark.skipif(not is_root(), reason="only root may mount a small disk")
needs_strace = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")


class SmallDisk:
    """A real file system of a size of our own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def remount(self, options: str) -> None:
        subprocess.run(["mount", "-o", f"remount,{options}", self.folder], check=True)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[SmallDisk]:
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", folder], check=True)
    yield SmallDisk(folder)
    subprocess.run(["umount", folder], check=True)


def charge_until_refused(config: Path, charger: Charger, fault: str = "") -> str:
    """Charge until the backend gives up; returns its last words."""
    with Backend(config, charger.name, fault) as backend:
        with pytest.raises(Died) as died:
            charge(backend, charger, 100_000)
        assert died.value.code == STORAGE, backend.stderr
    return backend.stderr.decode()


def charge_again(config: Path, charger: Charger, transactions: int) -> None:
    with Backend(config, charger.name) as backend:
        charge(backend, charger, transactions)


@needs_root
def test_full_disk(tmp_path: Path, small_disk: SmallDisk) -> None:
    charger, ledger = Charger("CP1"), small_disk.folder / "accounting.sqlite3"
    config = configure(tmp_path, tags=("CP1",), accounting=str(ledger))
    words = charge_until_refused(config, charger)
    assert "disk is full: make room" in words
    assert "accounting.sqlite3" in words
    charged = len(charger.acknowledged.stops)
    assert charged > 10
    small_disk.remount("size=9m")
    charge_again(config, charger, charged + 5)
    audit(ledger, [charger])


@needs_root
def test_disk_that_becomes_read_only(tmp_path: Path, small_disk: SmallDisk) -> None:
    charger, ledger = Charger("CP1"), small_disk.folder / "accounting.sqlite3"
    config = configure(tmp_path, tags=("CP1",), accounting=str(ledger))
    charge_again(config, charger, 3)
    small_disk.remount("ro")
    words = charge_until_refused(config, charger)
    assert "cannot be" in words
    assert len(charger.acknowledged.stops) == 3
    small_disk.remount("rw")
    charge_again(config, charger, 6)
    audit(ledger, [charger])


@needs_strace
@pytest.mark.parametrize("call", ["fdatasync", "pwrite64"])
@pytest.mark.parametrize("nth", [3, 8, 20])
def test_disk_that_fails(tmp_path: Path, call: str, nth: int) -> None:
    """EIO from the nth sync or write on: what was not acknowledged is sent again to a disk that works."""
    charger, config = Charger("CP1"), configure(tmp_path, tags=("CP1",))
    words = charge_until_refused(config, charger, f"{call}:error=EIO:when={nth}+")
    assert "the disk does not read or write" in words
    charge_again(config, charger, 5)
    audit(tmp_path / "accounting.sqlite3", [charger])
