"""What a store remembers of transactions that run is never older than the ledger: not when another process has written,
and not when a frame or a batch was undone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from tinyocpp.messages.core import MeterValues, StartTransaction, StopTransaction
from tinyocpp.messages.samples import MeterValue, SampledValue
from tinyocpp.messages.types import AuthorizationStatus
from tinyocpp.storage.sqlite import SqliteStore
from tinyocpp.tags import Verdict
from tinyocpp.transactions import State, Transaction

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
ACCEPTED = Verdict(AuthorizationStatus.ACCEPTED, "04A2")


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[tuple[SqliteStore, SqliteStore]]:
    """Two processes' worth of them, and a transaction that runs."""
    one, other = (SqliteStore(str(tmp_path / "accounting.sqlite3")) for _ in range(2))
    one.begin()
    call = StartTransaction(connector_id=1, id_tag="04A2", meter_start=100, timestamp=NOON)
    one.ledger.start("garage", call, NOON, judge=lambda _: ACCEPTED)
    one.commit()
    yield one, other
    one.close()
    other.close()


def sample(store: SqliteStore, minute: int, value: int) -> Transaction:
    at = NOON + timedelta(minutes=minute)
    bucket = MeterValue(timestamp=at, sampled_value=(SampledValue(value=str(value)),))
    call = MeterValues(connector_id=1, transaction_id=1, meter_value=(bucket,))
    transaction = store.ledger.samples("garage", call, at)
    assert transaction is not None
    return transaction


def test_another_process_has_written(stores: tuple[SqliteStore, SqliteStore]) -> None:
    one, other = stores
    one.begin()
    assert sample(one, 1, 200).state is State.OPEN
    one.commit()
    other.begin()
    stop = StopTransaction(transaction_id=1, meter_stop=300, timestamp=NOON + timedelta(minutes=2))
    other.ledger.stop("garage", stop, NOON + timedelta(minutes=2))
    other.commit()
    one.begin()
    assert sample(one, 3, 300).state is State.CLOSED
    one.commit()


def test_a_frame_was_undone(stores: tuple[SqliteStore, SqliteStore]) -> None:
    one, _ = stores
    one.begin()
    assert sample(one, 1, 200).last_register_wh == 200
    one.savepoint()
    assert sample(one, 2, 900).last_register_wh == 900
    one.undo()
    assert sample(one, 3, 300).last_register_wh == 300
    one.commit()


def test_a_batch_was_undone(stores: tuple[SqliteStore, SqliteStore]) -> None:
    one, _ = stores
    one.begin()
    assert sample(one, 1, 900).last_register_wh == 900
    one.rollback()
    one.begin()
    assert sample(one, 2, 300).last_register_wh == 300
    one.commit()
