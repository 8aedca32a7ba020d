"""What reports and status lines are made of, and that reading them stays fast however much is recorded."""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from booked import Books, utc

from tinyocpp.leniency import Oddity, OddityKind
from tinyocpp.storage import Booking, ConnectorStatus, Total
from tinyocpp.storage.reading import PAGE
from tinyocpp.storage.sqlite_reader import SqliteReader

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

JUNE, JULY = utc("2026-06-01"), utc("2026-07-01")
NOON = utc("2026-06-01T12:00:00")
HOUR = timedelta(hours=1)


@pytest.fixture
def books(tmp_path: Path) -> Iterator[Books]:
    books = Books(tmp_path / "accounting.sqlite3")
    yield books
    books.close()


@pytest.fixture
def reader(books: Books, tmp_path: Path) -> Iterator[SqliteReader]:
    with closing(SqliteReader(str(tmp_path / "accounting.sqlite3"))) as reader:
        yield reader


@pytest.fixture
def june(books: Books) -> Books:
    """Two chargers and the simulator, two tags in several spellings, and the edges of a month."""
    books.boot("Garage", JUNE)
    books.charge("garage", "04A2", JUNE - timedelta(milliseconds=1), 100)
    books.charge("GARAGE", "04A2", JUNE, 200, meter_wh=100)
    books.charge("garage", "04a2", NOON, 400, meter_wh=300)
    books.charge("carport", "B10C", NOON, 800)
    books.charge("carport", "B10C", JULY - timedelta(milliseconds=1), 1600, meter_wh=800)
    books.charge("carport", "B10C", JULY, 3200, meter_wh=2400)
    books.charge("simulator", "04A2", NOON, 9999)
    return books


# --- transactions


def test_a_booking_is_a_transaction_with_what_the_rules_make_of_it(books: Books, reader: SqliteReader) -> None:
    books.boot("Garage", JUNE)
    number = books.charge("garage", "04A2", NOON, 2000, meter_wh=1000)
    booking = Booking(
        transaction_id=1,
        charger_id="Garage",
        connector_id=1,
        id_tag="04A2",
        started_at=NOON,
        stopped_at=NOON + HOUR,
        meter_start_wh=1000,
        meter_stop_wh=3000,
        energy_wh=2000,
        quality="measured",
        reason="Local",
    )
    assert list(reader.bookings(None, None)) == [booking]
    assert reader.transaction(number) == booking
    assert reader.transaction(number + 1) is None


def test_a_period_holds_its_beginning_and_not_its_end(june: Books, reader: SqliteReader) -> None:
    assert [one.transaction_id for one in reader.bookings(JUNE, JULY)] == [2, 3, 4, 5]
    assert [one.transaction_id for one in reader.bookings(None, JUNE)] == [1]
    assert [one.transaction_id for one in reader.bookings(JULY, None)] == [6]


def test_one_charger_in_any_case_and_the_simulator_when_asked_for(june: Books, reader: SqliteReader) -> None:
    assert [one.transaction_id for one in reader.bookings(None, None, charger_id="GARAGE")] == [1, 2, 3]
    assert [one.transaction_id for one in reader.bookings(NOON, NOON + HOUR, simulator=True)] == [3, 4, 7]
    assert [one.transaction_id for one in reader.bookings(None, None, charger_id="Simulator")] == [7]


def test_the_period_is_that_of_all_transactions_but_the_simulators(
    june: Books, books: Books, reader: SqliteReader
) -> None:
    assert reader.period() == (JUNE - timedelta(milliseconds=1), JULY)
    books.charge("simulator", "04A2", JULY + HOUR, 1)
    assert reader.period() == (JUNE - timedelta(milliseconds=1), JULY)


def test_more_transactions_than_a_page_come_once_each_and_in_order(books: Books, reader: SqliteReader) -> None:
    """Many of them at the same moment, across the end of a page."""
    fill(books, 2 * PAGE + 500, same_moment=700)
    found = [(one.started_at, one.transaction_id) for one in reader.bookings(None, None)]
    assert len(found) == len(set(found)) == 2 * PAGE + 500
    assert found == sorted(found)


# --- totals


@pytest.mark.parametrize(
    ("by", "totals"),
    [
        ("tag", [Total(key="04a2", transactions=2, energy_wh=600), Total(key="B10C", transactions=2, energy_wh=2400)]),
        (
            "charger",
            [Total(key="carport", transactions=2, energy_wh=2400), Total(key="garage", transactions=2, energy_wh=600)],
        ),
        (
            "quarter",
            [
                Total(key=str(int(JUNE.timestamp())), transactions=1, energy_wh=200),
                Total(key=str(int(NOON.timestamp())), transactions=2, energy_wh=1200),
                Total(key=str(int(JULY.timestamp()) - 900), transactions=1, energy_wh=1600),
            ],
        ),
    ],
)
def test_totals(june: Books, reader: SqliteReader, by: str, totals: list[Total]) -> None:
    assert reader.totals(by, JUNE, JULY) == totals


def test_totals_of_one_charger_and_with_the_simulator(june: Books, reader: SqliteReader) -> None:
    assert reader.totals("tag", JUNE, JULY, charger_id="GARAGE") == [Total(key="04a2", transactions=2, energy_wh=600)]
    with_simulator = reader.totals("charger", NOON, NOON + HOUR, simulator=True)
    assert [total.key for total in with_simulator] == ["carport", "garage", "simulator"]
    assert reader.totals("tag", JULY + HOUR, None) == []


def test_energy_by_how_sure_it_is(june: Books, books: Books, reader: SqliteReader) -> None:
    running = books.start("garage", "04A2", JULY + HOUR, meter_wh=0)
    books.sample("garage", running, JULY + 2 * HOUR, wh=50)
    assert reader.qualities(None, None) == {"measured": 6300, "open": 50}
    assert reader.qualities(JUNE, JULY, charger_id="carport") == {"measured": 2400}
    assert reader.qualities(JULY + 9 * HOUR, None) == {}


# --- status


def test_a_charger_with_its_connectors(books: Books, reader: SqliteReader) -> None:
    books.boot("Garage", JUNE)
    books.status("garage", "Preparing", NOON, info="hello")
    number = books.start("garage", "04A2", NOON, meter_wh=1000)
    books.status("garage", "Charging", NOON + HOUR)
    books.sample("garage", number, NOON + HOUR, wh=1500, power_w=7000)
    (charger,) = reader.chargers()
    assert (charger.registered.charger_id, charger.registered.vendor) == ("Garage", "Wallbe")
    assert charger.connectors == [
        ConnectorStatus(
            connector_id=1,
            status="Charging",
            error_code="NoError",
            info=None,
            status_at=NOON + HOUR,
            power_w=7000.0,
            energy_wh=500,
            transaction_id=number,
            id_tag="04A2",
            started_at=NOON,
            limit_a=None,
            sampled_at=NOON + HOUR,
            heard_at=NOON + HOUR,
        )
    ]


def test_power_does_not_outlast_the_charge_nor_the_transaction_its_stop(books: Books, reader: SqliteReader) -> None:
    number = books.start("garage", "04A2", NOON, meter_wh=1000)
    books.sample("garage", number, NOON + HOUR, wh=1500, power_w=7000)
    books.stop("garage", number, NOON + 2 * HOUR, meter_wh=3000)
    (connector,) = connectors_of(books, reader)
    assert (connector.power_w, connector.transaction_id, connector.energy_wh) == (None, None, None)


def connectors_of(books: Books, reader: SqliteReader) -> list[ConnectorStatus]:
    with books.batch():
        books.store.ledger.seen("garage", NOON)
    (charger,) = reader.chargers()
    return charger.connectors


# --- everything else


def test_oddities_the_newest_first(books: Books, reader: SqliteReader) -> None:
    books.boot("Garage", JUNE)
    with books.batch():
        for hours, charger in enumerate(("garage", "carport", "garage", "garage")):
            oddity = Oddity(OddityKind.IGNORED if hours < 3 else OddityKind.UNKNOWN_TAG, f"{hours}")
            books.store.ledger.note(charger, oddity, "[9]", NOON + hours * HOUR)
    noted = [(one.charger_id, one.kind, one.detail, one.raw, one.at) for one in reader.oddities(NOON + HOUR)]
    assert noted == [
        ("Garage", "unknown_tag", "3", "[9]", NOON + 3 * HOUR),
        ("Garage", "ignored", "2", "[9]", NOON + 2 * HOUR),
        ("carport", "ignored", "1", "[9]", NOON + HOUR),
    ]
    assert [one.detail for one in reader.oddities(NOON, limit=1)] == ["3"]
    assert [one.detail for one in reader.oddities(NOON, charger_id="CARPORT")] == ["1"]
    assert reader.unknown_tags(NOON) == [(NOON + 3 * HOUR, "Garage", "3")]
    assert reader.unknown_tags(NOON + 4 * HOUR) == []


def test_configuration_as_the_charger_told_it(books: Books, reader: SqliteReader) -> None:
    with books.batch():
        books.store.ledger.learn_configuration("Garage", {"b": "1", "A": None})
    assert reader.configuration("garage") == {"A": None, "b": "1"}
    assert reader.configuration("carport") == {}


# --- what it costs


def fill(books: Books, count: int, *, same_moment: int = 0) -> None:
    """Many transactions, as if they had been booked."""
    started = [int(JUNE.timestamp()) * 1000 + max(0, number - same_moment) * 60_000 for number in range(count)]
    with books.batch():
        books.store._db.connection.executemany(
            "INSERT INTO transactions (charger, connector_id, id_tag, tag, state, orphan, refused, started_at,"
            " alive_at, energy_wh, quality) VALUES ('garage', 1, '04A2', '04a2', 'closed', 0, 0, ?, 0, 1, 'measured')",
            [(at,) for at in started],
        )


def test_a_month_is_searched_not_scanned(books: Books, reader: SqliteReader) -> None:
    """So that a report stays as fast as its month is large, with a million transactions beside it."""
    fill(books, 3 * PAGE)
    statements: list[str] = []
    reader._sqlite.connection.set_trace_callback(statements.append)
    months = {"start": JUNE, "end": JULY}
    list(reader.bookings(**months))
    for by in ("tag", "charger", "quarter"):
        reader.totals(by, **months)
    reader.qualities(**months)
    reader.period()
    reader.transaction(1)
    reader.unknown_tags(JUNE)
    reader.chargers()
    reader._sqlite.connection.set_trace_callback(None)
    steps = {step for one in statements for step in plan(reader, one) if step.startswith("SCAN")}
    small = {"SCAN c", "SCAN chargers"}
    first_and_last = {"SCAN transactions USING INDEX transactions_by_start"}  # with a limit of 1
    assert steps == small | first_and_last


def plan(reader: SqliteReader, statement: str) -> list[str]:
    return [str(row[3]) for row in reader._sqlite.rows(f"EXPLAIN QUERY PLAN {statement}")]


def test_the_last_page_costs_no_more_than_the_first(books: Books, reader: SqliteReader) -> None:
    """Counted in steps of SQLite's own machine, for clocks tell nothing on a busy one."""
    fill(books, 10 * PAGE)
    steps: list[int] = []
    ticks = 0

    def tick() -> int:
        nonlocal ticks
        ticks += 1
        return 0

    reader._sqlite.connection.set_progress_handler(tick, 100)
    for number, _ in enumerate(reader.bookings(JUNE - HOUR, JULY), start=1):
        if number % PAGE == 0:
            steps.append(ticks)
            ticks = 0
    assert len(steps) == 10
    assert max(steps[1:]) < 1.5 * min(steps[1:])
