"""The seam to a database: what the ledger asks of one, and how times and numbers are stored.

A member of storage (sqlite.py) implements Database; the accounting, the register and the reading side are written
against it, so another SQL database is another member and nothing else.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Protocol
else:
    Protocol = object  # see charger.py

Row = tuple[object, ...]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)


class Database(Protocol):
    """What the accounting needs of an SQL database; `?` marks a parameter. Raises StorageError."""

    def rows(self, sql: str, *parameters: object) -> list[Row]: ...
    def run(self, sql: str, *parameters: object) -> int:
        """Execute; returns how many rows it changed."""
        ...

    def insert(self, sql: str, *parameters: object) -> int:
        """Execute an INSERT into a table with a numbered key; returns the new number."""
        ...


def ms(at: datetime) -> int:
    """Milliseconds since 1970, as times are stored."""
    return (at - EPOCH) // MILLISECOND


def ms_or_none(at: datetime | None) -> int | None:
    return None if at is None else ms(at)


def when(stored: object) -> datetime | None:
    return None if stored is None else EPOCH + timedelta(milliseconds=integer(stored))


def time(stored: object) -> datetime:
    """What a column of times that is not null gives."""
    at = when(stored)
    assert at is not None
    return at


def integer(stored: object) -> int:
    assert isinstance(stored, int)  # what an INTEGER column that is not null gives
    return stored


def integer_or_none(stored: object) -> int | None:
    return None if stored is None else integer(stored)


def real_or_none(stored: object) -> float | None:
    return float(stored) if isinstance(stored, float | int) else None


def digest(payload: bytes) -> int:
    """Tells two frames of one charger and one moment apart, the same in every process: length and CRC-32."""
    from zlib import crc32  # a boot needs none

    return len(payload) << 32 | crc32(payload)
