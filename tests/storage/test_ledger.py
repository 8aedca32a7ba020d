"""The accounting beside what transcripts show: what is kept of each message, and what it costs to find it again.

What is booked is shown by the transcripts and by test_ledger_property.py.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from tinyocpp.leniency import Oddity, OddityKind
from tinyocpp.messages.core import DataTransfer, MeterValues, StartTransaction, StatusNotification, StopTransaction
from tinyocpp.messages.core_boot import BootNotification
from tinyocpp.messages.types import AuthorizationStatus
from tinyocpp.storage.notes import CALLS_KEPT, ODDITIES_KEPT, RAW_KEPT, TIDIED_EVERY
from tinyocpp.storage.reading import SqlReader
from tinyocpp.storage.sqlite import SqliteStore
from tinyocpp.tags import Verdict
from tinyocpp.transactions import TRANSITIONS, Booted, Ended, Metered, Resumed, State, Stopped, Transaction

if TYPE_CHECKING:
    from collections.abc import Iterator

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
NEVER = datetime(1970, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


class House:
    """A ledger in memory, and short words for what a charger tells it."""

    def __init__(self) -> None:
        self.store = SqliteStore(":memory:")
        self.ledger = self.store.ledger
        self.reader = SqlReader(self.store._db)
        self.now = NOON

    def rows(self, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        return self.store._db.rows(sql, *parameters)

    def start(
        self, at: datetime = NOON, wh: int = 1000, *, charger: str = "garage", connector: int = 1, tag: str = "04A2"
    ) -> Transaction:
        call = StartTransaction(connector_id=connector, id_tag=tag, meter_start=wh, timestamp=at)

        def judge(running_with: Any) -> Verdict:
            concurrent = running_with(tag) > 0
            status = AuthorizationStatus.CONCURRENT_TX if concurrent else AuthorizationStatus.ACCEPTED
            return Verdict(status, tag)

        return self.ledger.start(charger, call, self.now, judge=judge)[0]

    def stop(self, number: int, wh: int, at: datetime = NOON, **more: Any) -> Transaction:
        call = StopTransaction(transaction_id=number, meter_stop=wh, timestamp=at, **more)
        return self.ledger.stop("garage", call, self.now)

    def sample(self, wh: int, at: datetime, number: int | None = None, connector: int = 1) -> Transaction | None:
        bucket = {"timestamp": at.isoformat(), "sampledValue": [{"value": str(wh)}]}
        payload = {"connectorId": connector, "transactionId": number, "meterValue": [bucket]}
        return self.ledger.samples("garage", msgspec.convert(payload, MeterValues), self.now)

    def boot(self) -> list[Transaction]:
        call = BootNotification(charge_point_vendor="Acme", charge_point_model="AC22", firmware_version="1.4")
        return self.ledger.boot("garage", call, self.now)

    def status(self, status: str, at: datetime | None = None, connector: int = 1) -> list[Transaction]:
        payload = {"connectorId": connector, "errorCode": "NoError", "status": status}
        call = msgspec.convert(payload | ({"timestamp": at} if at else {}), StatusNotification)
        return self.ledger.status("garage", call, self.now)


@pytest.fixture
def house() -> Iterator[House]:
    house = House()
    yield house
    house.store.close()


# --- what is kept


def test_a_boot_is_a_fact_and_what_is_known_of_the_charger(house: House) -> None:
    house.ledger.seen("Garage", NOON - MINUTE)
    house.boot()
    house.boot()
    registered = house.store.register.find("GARAGE")
    assert registered is not None
    assert (registered.charger_id, registered.vendor, registered.model, registered.firmware, registered.booted_at) == (
        "Garage",
        "Acme",
        "AC22",
        "1.4",
        NOON,
    )
    boot = '{"chargePointVendor":"Acme","chargePointModel":"AC22","firmwareVersion":"1.4"}'
    assert house.rows("SELECT charger, payload FROM boots") == [("garage", boot)] * 2


def test_a_start_is_a_fact_with_its_answer(house: House) -> None:
    house.start(tag=" 04a2 ")
    house.start(tag=" 04a2 ")
    verdict = '{"status":"Accepted","id_tag":" 04a2 ","parent_id_tag":null,"expiry_date":null,"name":""}'
    rows = house.rows("SELECT charger, connector_id, id_tag, tag, meter_start_wh, answer FROM starts")
    assert rows == [("garage", 1, " 04a2 ", "04a2", 1000, verdict)]


def test_a_stop_is_a_fact_as_the_charger_said_it(house: House) -> None:
    house.start()
    data = msgspec.json.decode(
        b'[{"timestamp":"2026-06-01T12:00:00Z","sampledValue":[{"value":"OCMF|{ \\"a\\":1}|","format":"SignedData"}]}]'
    )
    call = msgspec.convert(
        {"transactionId": 1, "meterStop": 3000, "timestamp": NOON, "idTag": "04FF", "transactionData": data},
        StopTransaction,
    )
    house.ledger.stop("garage", call, NOON)
    house.ledger.stop("garage", call, NOON)
    ((claimed, id_tag, stop_wh, reason, kept),) = house.rows(
        "SELECT claimed_id, id_tag, meter_stop_wh, reason, transaction_data FROM stops"
    )
    assert (claimed, id_tag, stop_wh, reason) == (1, "04FF", 3000, "Local")
    assert msgspec.json.decode(kept) == data


def test_a_sample_is_a_fact_kept_whole_and_once(house: House) -> None:
    house.sample(1500, NOON)
    house.sample(1500, NOON)
    house.sample(1501, NOON)
    ((raw, _), _second) = house.rows("SELECT raw, register_wh FROM samples ORDER BY register_wh")
    assert msgspec.json.decode(raw) == {
        "connectorId": 1,
        "meterValue": [{"timestamp": "2026-06-01T12:00:00Z", "sampledValue": [{"value": "1500"}]}],
    }


def test_every_status_is_a_fact_the_newest_is_what_the_connector_shows(house: House) -> None:
    house.status("Charging", NOON)
    house.status("Available", NOON - 10 * MINUTE)  # from a queue
    house.status("Finishing")
    assert house.rows("SELECT status FROM statuses ORDER BY status_no") == [
        ("Charging",),
        ("Available",),
        ("Finishing",),
    ]
    assert house.rows("SELECT connector_id, status FROM connectors") == [(1, "Finishing")]


def test_an_oddity_is_counted_where_it_is_the_same(house: House) -> None:
    for raw in ("a", "a", "b", "x" * (RAW_KEPT + 5), "\ud800"):
        house.ledger.note("garage", Oddity(OddityKind.UNREADABLE, "what"), raw, house.now)
        house.now += MINUTE
    kept = [(one.raw[:2], len(one.raw), one.times) for one in house.reader.oddities(NOON)]
    assert sorted(kept) == [("?", 1, 1), ("a", 1, 2), ("b", 1, 1), ("xx", RAW_KEPT, 1)]


def test_of_oddities_the_last_are_kept(house: House) -> None:
    for number in range(ODDITIES_KEPT + 5 * TIDIED_EVERY):
        house.ledger.note("garage", Oddity(OddityKind.UNREADABLE, "what"), f"{number}", house.now)
        house.now += timedelta(seconds=1)
    house.ledger.note("carport", Oddity(OddityKind.UNREADABLE, "what"), "0", NOON)
    kept = house.reader.oddities(NOON, charger_id="garage", limit=10**6)
    assert ODDITIES_KEPT <= len(kept) < ODDITIES_KEPT + 5 * TIDIED_EVERY
    assert sorted(int(one.raw) for one in kept)[-1] == ODDITIES_KEPT + 5 * TIDIED_EVERY - 1
    assert len(house.reader.oddities(NOON, charger_id="carport")) == 1


def test_of_calls_without_energy_the_last_are_kept(house: House) -> None:
    for number in range(CALLS_KEPT + 5):
        house.ledger.record("garage", "DataTransfer", DataTransfer(vendor_id=str(number)), house.now)
    house.ledger.record("garage", "LogStatusNotification", DataTransfer(vendor_id="other"), house.now)
    house.ledger.record("carport", "DataTransfer", DataTransfer(vendor_id="other"), house.now)
    kept = house.rows("SELECT payload FROM calls WHERE charger = 'garage' AND action = 'DataTransfer' ORDER BY call_no")
    assert (len(kept), kept[0]) == (CALLS_KEPT, ('{"vendorId":"5"}',))
    assert house.rows("SELECT count(*) FROM calls") == [(CALLS_KEPT + 2,)]


def test_numbers_are_given_once(house: House) -> None:
    """Also across chargers, and after what had them is gone."""
    numbers = [house.start(charger=charger, wh=wh).id for wh in (1, 2) for charger in ("garage", "carport")]
    assert numbers == [1, 2, 3, 4]
    house.rows("DELETE FROM transactions")
    assert house.start(wh=3).id == 5


# --- grants and configuration


def test_a_grant_is_of_one_charger_and_ends(house: House) -> None:
    house.ledger.grant("Garage", "04a2", NOON + MINUTE)
    house.ledger.grant("garage", "04A2 ", NOON + 2 * MINUTE)
    granted = house.ledger.granted
    assert granted("GARAGE", "04A2", NOON + MINUTE)
    assert not granted("garage", "04A2", NOON + 2 * MINUTE)
    assert not granted("carport", "04A2", NOON)
    assert not granted("garage", "04A3", NOON)
    house.ledger.grant("garage", "04A2", None)
    assert not granted("garage", "04A2", NOON)


def test_configuration_is_found_in_any_case(house: House) -> None:
    house.ledger.learn_configuration("garage", {"ConnectionTimeOut": "60", "X": "1"})
    house.ledger.learn_configuration("GARAGE", {"connectiontimeout": "90", "X": None})
    told = [house.ledger.configuration("Garage", key) for key in ("CONNECTIONTIMEOUT", "X", "Y")]
    assert told == ["90", None, None]


# --- what the transcripts cannot say


def test_what_a_boot_and_a_status_touched_is_returned(house: House) -> None:
    house.start()
    assert [one.state for one in house.boot()] == [State.UNCERTAIN]
    assert [one.state for one in house.status("Charging")] == [State.OPEN]
    assert house.status("Finishing") == []
    assert [one.state for one in house.status("Available")] == [State.LOST]
    assert house.boot() == []


def test_a_repeated_sample_opens_no_orphan(house: House) -> None:
    """It was nobody's when it came; that the meter has been exchanged since changes nothing."""
    assert house.sample(9000, NOON) is None
    repeated = {"number": 17, "at": NOON + MINUTE, "wh": 8000}
    assert house.sample(**repeated) is None  # below what is shown
    house.start(NOON + 2 * MINUTE, 5)
    house.stop(1, 6, NOON + 3 * MINUTE)
    assert house.sample(**repeated) is None
    assert house.rows("SELECT count(*) FROM transactions") == [(1,)]


def test_stops_without_a_time_are_repeats_of_each_other(house: House) -> None:
    house.start()
    assert house.stop(1, 3000, NEVER).id == house.stop(1, 3000, NEVER).id == 1
    assert house.rows("SELECT count(*) FROM stops") == [(1,)]


def test_connector_zero_of_a_charger_that_nobody_has_seen_is_the_first(house: House) -> None:
    assert house.start(connector=0).connector_id == 1


def test_what_runs_without_a_register_hides_none(house: House) -> None:
    """A late stop, of what ran before it, is booked from what the connector's meter showed."""
    house.stop(house.start(wh=0).id, 1000, NOON + MINUTE)
    house.now = NOON + 60 * MINUTE
    house.start(house.now, -1, tag="0500")
    house.sample(1500, NOON + 30 * MINUTE, 777)
    orphan = house.stop(777, 1600, NOON + 35 * MINUTE)
    assert (orphan.connector_id, orphan.meter_start_wh, orphan.meter_stop_wh) == (1, 1000, 1600)


def test_a_late_stop_where_its_samples_ended_leaves_the_orphan_after_it_as_it_is(house: House) -> None:
    first = house.start(wh=0)
    house.sample(1000, NOON + MINUTE, first.id)
    house.status("Available", NOON + 2 * MINUTE)
    house.now = NOON + 60 * MINUTE
    orphan = house.stop(777, 1600, NOON + 35 * MINUTE)
    house.stop(first.id, 1000, NOON + 2 * MINUTE)
    starts = house.rows("SELECT transaction_id, meter_start_wh, meter_stop_wh FROM transactions ORDER BY 1")
    assert starts == [(first.id, 0, 1000), (orphan.id, 1000, 1600)]


def test_a_start_from_a_queue_takes_back_what_a_lost_charge_was_booked_for_it(house: House) -> None:
    """Available ended the first; of the two that began since, the queue told the later one first."""
    house.now = NOON + 90 * MINUTE
    first = house.start(NOON, 1000)
    house.status("Available", NOON + 5 * MINUTE)
    house.stop(house.start(NOON + 60 * MINUTE, 3000).id, 4000, NOON + 70 * MINUTE)
    house.stop(house.start(NOON + 20 * MINUTE, 2000).id, 2500, NOON + 30 * MINUTE)
    booked = dict(house.rows("SELECT meter_start_wh, energy_wh FROM transactions"))
    assert booked == {first.meter_start_wh: 1000, 2000: 500, 3000: 1000}


def test_an_unknown_stop_from_a_queue_does_not_give_back_what_others_were_booked_for(house: House) -> None:
    house.now = NOON + 90 * MINUTE
    house.stop(house.start(NOON + 60 * MINUTE, 3000).id, 4000, NOON + 70 * MINUTE)
    house.stop(777, 2500, NOON + 30 * MINUTE)
    assert house.stop(778, 4500, NOON + 80 * MINUTE).meter_start_wh == 4000


def test_what_shows_does_not_go_back_in_time(house: House) -> None:
    house.sample(2000, NOON)
    house.sample(1000, NOON - MINUTE)
    assert house.rows("SELECT register_wh FROM connectors") == [(2000,)]


# --- what it costs

GROWING = {"transactions", "starts", "stops", "samples", "statuses", "boots", "calls", "oddities"}


def test_nothing_a_charger_does_reads_a_whole_table(house: House) -> None:
    """Every statement that booking takes, as SQLite means to run it: a table that grows is searched, never scanned."""
    statements: list[str] = []
    house.store._db.connection.set_trace_callback(statements.append)
    a_life_in_statements(house)
    house.store._db.connection.set_trace_callback(None)
    plans = {one: plan(house, one) for one in statements if not one.startswith(("PRAGMA", "BEGIN", "COMMIT"))}
    assert len(plans) > 70
    assert {one: steps for one, steps in plans.items() if scans(one, steps)} == {}


def a_life_in_statements(house: House) -> None:
    house.boot()
    house.status("Available", NOON)
    house.start(NOON)
    house.start(NOON)
    for wh, number in ((1500, 1), (1600, None), (1700, 9), (1800, 0)):
        house.sample(wh, NOON + wh * timedelta(seconds=1), number)
    house.stop(9, 3000, NOON + 60 * MINUTE)
    house.start(NEVER, 4000)
    house.start(NEVER, 4000)
    house.start(NOON - 600 * MINUTE, 100)  # from a queue
    house.stop(-1, 5000, NEVER)
    house.stop(4711, 6000, NOON + 90 * MINUTE)
    house.sample(7000, NOON + 99 * MINUTE, 4711)
    house.stop(1, 3000, NOON + 60 * MINUTE)
    house.ledger.seen("garage", NOON)
    house.ledger.record("garage", "DataTransfer", DataTransfer(vendor_id="EN+"), NOON)
    house.ledger.note("garage", Oddity(OddityKind.UNKNOWN_TAG, "0BAD"), "[]", NOON)


def plan(house: House, statement: str) -> list[str]:
    return [str(row[3]) for row in house.rows(f"EXPLAIN QUERY PLAN {statement}")]


def scans(statement: str, steps: list[str]) -> bool:
    aliases = {alias: table for table, alias in re.findall(r"(?:FROM|JOIN) (\w+) (\w)\b", statement)}
    scanned = [step.split()[1] for step in steps if step.startswith("SCAN")]
    return any(aliases.get(name, name) in GROWING for name in scanned)


# --- what docs/ledger.md says of it

PAGE = (Path(__file__).parents[2] / "docs" / "ledger.md").read_text(encoding="utf-8")


def test_every_table_and_column_is_documented(house: House) -> None:
    paragraphs = dict(re.findall(r"^\*\*(\w+)\*\*:(.*)$", PAGE, re.MULTILINE))
    documented = {table: set(re.findall(r"`([a-z_]+)`", text)) for table, text in paragraphs.items()}
    tables = [name for (name,) in house.rows("SELECT name FROM sqlite_schema WHERE type = 'table'")]
    there = {table: {row[1] for row in house.rows(f"PRAGMA table_info({table})")} for table in tables}
    del there["sqlite_sequence"]  # SQLite's own: the numbers that have been given
    assert documented == there


def test_the_life_of_a_transaction_is_documented() -> None:
    columns = (Metered, Resumed, Booted, Ended, Stopped)
    rows = re.findall(r"^\| \*\*(\w+)\*\*[^|]*\|(.*)\|$", PAGE, re.MULTILINE)
    documented = {state: [cell.strip() for cell in cells.split("|")] for state, cells in rows}
    assert documented == {state: [row[column] for column in columns] for state, row in TRANSITIONS.items()}
