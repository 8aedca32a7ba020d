"""Goods, and doors that are closed at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from opening import FILE, FIRMWARE, MOST_BYTES, Open

from tinyocpp.hosts.filedoor.goods import Inbox, Offer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def opened() -> Iterator[Callable[..., Open]]:
    doors: list[Open] = []

    def make(kind: str, goods: Offer | Inbox, host: str = "", peer: str = "127.0.0.1") -> Open:
        doors.append(Open(kind, goods, host, peer))
        return doors[-1]

    yield make
    for one in doors:
        one.close()


@pytest.fixture
def offer(tmp_path: Path) -> Offer:
    (tmp_path / FILE).write_bytes(FIRMWARE)
    return Offer(str(tmp_path / FILE))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = tmp_path / "brought"
    found.mkdir()
    return found


@pytest.fixture
def inbox(folder: Path) -> Inbox:
    return Inbox(str(folder), MOST_BYTES)
