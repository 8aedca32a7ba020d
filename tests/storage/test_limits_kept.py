"""Wishes, what was told, and how a charger obeys, as the ledger keeps them (storage/limits.py)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from tinyocpp.dealings import LimitState, Manner, Shape, Told, Wish, Wished
from tinyocpp.storage.limits import told, wishes
from tinyocpp.storage.sqlite import SqliteStore

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
LATER = NOON + timedelta(minutes=1)
EVERYTHING = Told(
    charger_id="Garage",
    connector_id=1,
    wished_at=NOON,
    current_a=8.0,
    phases=1,
    told_for=7,
    state=LimitState.VERIFIED,
    words="8 A: verified",
    at=LATER,
    swapped_at=NOON,
    stopped_tag="04A2",
    leftover=True,
)


@pytest.fixture
def store() -> Iterator[SqliteStore]:
    store = SqliteStore(":memory:")
    store.register.admit("Garage", NOON)
    yield store
    store.close()


def wished(current_a: float, at: datetime = NOON, connector_id: int = 0) -> Wished:
    return Wished(charger_id="Garage", connector_id=connector_id, wish=Wish(current_a=current_a), at=at)


def test_the_last_wish_counts(store: SqliteStore) -> None:
    for wish in (wished(10.0), wished(8.0, LATER), wished(6.0, connector_id=2)):
        store.ledger.keep_wish(wish)
    assert store.ledger.wishes("GARAGE") == [wished(8.0, LATER), wished(6.0, connector_id=2)]
    assert wishes(store._db, None) == store.ledger.wishes("garage")
    assert store.ledger.wishes("carport") == []


def test_a_wish_that_was_carried_out_goes_and_one_made_since_stays(store: SqliteStore) -> None:
    store.ledger.keep_wish(wished(8.0, LATER))
    store.ledger.drop_wish(wished(10.0))
    assert store.ledger.wishes("Garage") == [wished(8.0, LATER)]
    store.ledger.drop_wish(wished(8.0, LATER))
    assert store.ledger.wishes("Garage") == []


def test_what_was_told(store: SqliteStore) -> None:
    store.ledger.keep_told(Told(charger_id="Garage", connector_id=1, at=NOON))
    store.ledger.keep_told(EVERYTHING)
    assert store.ledger.told("garage") == told(store._db, None) == [EVERYTHING]
    store.ledger.drop_told("GARAGE", 1)
    assert store.ledger.told("Garage") == []


def test_how_it_obeys(store: SqliteStore) -> None:
    assert store.ledger.manner("Garage") == Manner()
    learnt = Manner(
        firmware="1.0", standing=Shape(unit="W"), ignored=(Shape(),), pause="stop", unbound=True, watts_of=1
    )
    store.ledger.keep_manner("garage", Manner(firmware="0.9"))
    store.ledger.keep_manner("GARAGE", learnt)
    assert store.ledger.manner("Garage") == learnt
