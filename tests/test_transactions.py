"""The rules of transactions.py: what happens to a transaction, what it is booked with, and what can be believed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import product

import msgspec
import pytest

from tinyocpp.transactions import (
    MAX_TRANSACTION_WH,
    REGISTER_SLACK_WH,
    TRANSITIONS,
    Booted,
    Counting,
    Ended,
    Metered,
    Quality,
    Record,
    Resumed,
    State,
    Stopped,
    Transaction,
    apply,
    booked,
    counted_in_kwh,
    is_closing_sample,
    is_number,
    may_be_of,
    may_count_kwh,
    plausible_register,
    plausible_time,
    shown_register,
    within_one_charge,
    without_stop,
)

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
OPEN = Transaction(id=7, charger_id="garage", connector_id=1, id_tag="04A2B3C4", started_at=NOON, meter_start_wh=1000)


def having(*records: Record, start_wh: int | None = 1000, orphan: bool = False) -> Transaction:
    transaction = msgspec.structs.replace(OPEN, meter_start_wh=start_wh, orphan=orphan)
    for record in records:
        transaction = apply(transaction, record)
    return transaction


def in_kwh(*records: Record) -> Transaction:
    return msgspec.structs.replace(having(*records), counting=Counting.KWH)


def sample(register_wh: int | None, minutes: int = 10) -> Metered:
    return Metered(NOON + minutes * MINUTE, register_wh)


def stop(register_wh: int | None, minutes: int = 60) -> Stopped:
    return Stopped(NOON + minutes * MINUTE, register_wh, "Local")


def ended(register_wh: int | None = None, minutes: int = 60) -> Ended:
    return Ended(NOON + minutes * MINUTE, register_wh)


BOOTED = Booted(NOON + 30 * MINUTE)
RESUMED = Resumed(NOON + 40 * MINUTE)
RECORDS: dict[type[Record], Record] = {
    Metered: sample(1500),
    Resumed: RESUMED,
    Booted: BOOTED,
    Ended: ended(),
    Stopped: stop(3000),
}
IN_STATE = {
    State.OPEN: OPEN,
    State.UNCERTAIN: having(BOOTED),
    State.LOST: having(ended()),
    State.CLOSED: having(stop(3000)),
}


def test_every_record_has_a_row_in_every_state() -> None:
    assert {state: set(row) for state, row in TRANSITIONS.items()} == {state: set(RECORDS) for state in State}


@pytest.mark.parametrize(
    ("state", "kind"), list(product(State, RECORDS)), ids=lambda value: getattr(value, "__name__", value)
)
def test_the_state_is_what_the_table_says(state: State, kind: type[Record]) -> None:
    assert apply(IN_STATE[state], RECORDS[kind]).state is TRANSITIONS[state][kind]


def test_what_is_closed_stays_closed_and_what_is_lost_only_a_stop_changes() -> None:
    assert set(TRANSITIONS[State.CLOSED].values()) == {State.CLOSED}
    assert {kind for kind, state in TRANSITIONS[State.LOST].items() if state is not State.LOST} == {Stopped}


BOOKED = [
    ("nothing known yet", having(), 0, Quality.OPEN),
    ("a sample", having(sample(1500)), 500, Quality.OPEN),
    ("a sample without a register", having(sample(None)), 0, Quality.OPEN),
    ("a register below the start, of the same meter", having(sample(999)), 0, Quality.OPEN),
    ("a register that falls back", having(sample(5000), sample(1200, 20)), 4000, Quality.OPEN),
    ("no believable register", having(sample(1001 + MAX_TRANSACTION_WH)), 0, Quality.OPEN),
    ("start and stop", having(stop(3000)), 2000, Quality.MEASURED),
    ("nothing charged", having(stop(1000)), 0, Quality.MEASURED),
    ("stop below the start", having(stop(999)), 0, Quality.FLAGGED),
    ("stop below the start, with samples", having(sample(1700), stop(999)), 700, Quality.FLAGGED),
    ("samples a little above the stop", having(sample(3000 + REGISTER_SLACK_WH), stop(3000)), 2000, Quality.MEASURED),
    ("samples above the stop", having(sample(3001 + REGISTER_SLACK_WH), stop(3000)), 2000, Quality.FLAGGED),
    ("more than a car holds", having(stop(1001 + MAX_TRANSACTION_WH)), MAX_TRANSACTION_WH + 1, Quality.FLAGGED),
    ("the same stop twice", having(stop(3000), stop(3000, 90)), 2000, Quality.MEASURED),
    ("two different stops", having(stop(3000), stop(3500, 90)), 2000, Quality.FLAGGED),
    ("an unreadable stop", having(sample(1500), stop(None)), 500, Quality.ESTIMATED),
    ("a stop that can be read after one that cannot", having(stop(None), stop(3000)), 2000, Quality.MEASURED),
    ("and the other way round", having(stop(3000), stop(None)), 2000, Quality.MEASURED),
    ("uncertain after a boot", having(sample(1500), BOOTED), 500, Quality.ESTIMATED),
    ("revived by a sample", having(BOOTED, sample(1500, 40)), 500, Quality.OPEN),
    ("revived by a status", having(sample(1500), BOOTED, RESUMED), 500, Quality.OPEN),
    ("lost", having(sample(1500), ended()), 500, Quality.ESTIMATED),
    ("lost, without a sample", having(ended()), 0, Quality.ESTIMATED),
    ("lost before a next start", having(sample(1500), ended(1600)), 600, Quality.ESTIMATED),
    ("the next start, of another meter", having(sample(1500), ended(20)), 500, Quality.ESTIMATED),
    ("the next start, unbelievable", having(sample(1500), ended(9**9)), 500, Quality.ESTIMATED),
    ("a sample after the end", having(ended(), sample(1700, 50)), 700, Quality.ESTIMATED),
    ("an earlier next start", having(ended(3000, 90), ended(2000, 60)), 1000, Quality.ESTIMATED),
    ("a later next start", having(ended(2000, 60), ended(3000, 90)), 1000, Quality.ESTIMATED),
    ("a late stop", having(sample(1500), ended(2000), stop(1900, 50)), 900, Quality.MEASURED),
    ("a late stop above the next start", having(ended(2000), stop(2500, 50)), 1000, Quality.FLAGGED),
    (
        "samples of the next, which we hear of later",
        having(sample(1500), sample(2500, 70), ended(2000)),
        1000,
        Quality.ESTIMATED,
    ),
    ("a register that fell before the next start", having(sample(5000), ended(2000)), 4000, Quality.ESTIMATED),
    ("without the stop of another", apply(without_stop(having(stop(5000))), ended(2000)), 1000, Quality.ESTIMATED),
    ("kWh called Wh, running", in_kwh(sample(1010)), 10_000, Quality.OPEN),
    ("kWh called Wh", in_kwh(sample(1010), stop(1011)), 11_000, Quality.FLAGGED),
    (
        "only samples in kWh",
        apply(counted_in_kwh(having(sample(350), start_wh=350_000)), sample(353)),
        3000,
        Quality.OPEN,
    ),
    (
        "only samples in kWh, stopped",
        apply(counted_in_kwh(having(sample(353), start_wh=350_000)), stop(361_000)),
        11_000,
        Quality.MEASURED,
    ),
    (
        "samples in kWh, from a start near zero",
        apply(counted_in_kwh(having(sample(10), start_wh=0)), stop(11_000)),
        11_000,
        Quality.MEASURED,
    ),
    (
        "samples in kWh, from a start near zero, lost before a next start",
        apply(counted_in_kwh(having(sample(4), start_wh=0)), ended(4500)),
        4500,
        Quality.ESTIMATED,
    ),
    ("kWh called Wh, lost before a next start", apply(in_kwh(sample(1004)), ended(1005)), 5000, Quality.ESTIMATED),
    ("a boot after the end", having(sample(1500), ended(), BOOTED), 500, Quality.ESTIMATED),
    ("from zero", having(sample(20), sample(700, 20), start_wh=400_000), 700, Quality.OPEN),
    (
        "from zero, lost before a next start",
        having(sample(700), ended(400_900), start_wh=400_000),
        700,
        Quality.ESTIMATED,
    ),
    ("from zero, stopped", having(sample(700), stop(400_800), start_wh=400_000), 800, Quality.MEASURED),
    ("from zero, as it seemed", having(sample(20), sample(400_900, 20), start_wh=400_000), 900, Quality.OPEN),
    ("no start", having(stop(3000), start_wh=None), 0, Quality.ESTIMATED),
    ("no start, but samples", having(sample(1000), sample(1400, 20), start_wh=None), 400, Quality.OPEN),
    ("no start, samples and a stop", having(sample(1000), stop(3000), start_wh=None), 2000, Quality.ESTIMATED),
    ("an orphan", having(stop(3000), orphan=True), 2000, Quality.ORPHAN),
    ("an orphan without a register", having(stop(3000), start_wh=None, orphan=True), 0, Quality.ORPHAN),
    ("an orphan below its register", having(stop(900), orphan=True), 0, Quality.ORPHAN),
    ("an orphan that runs", having(sample(1500), orphan=True), 500, Quality.ORPHAN),
    ("an orphan that is lost", having(sample(1500), ended(), orphan=True), 500, Quality.ORPHAN),
]


@pytest.mark.parametrize(
    ("transaction", "energy_wh", "quality"), [pytest.param(*row, id=name) for name, *row in BOOKED]
)
def test_booked(transaction: Transaction, energy_wh: int, quality: Quality) -> None:
    assert booked(transaction) == (energy_wh, quality)


def test_when_it_ended() -> None:
    assert having().stopped_at is None
    assert having(BOOTED).stopped_at == BOOTED.at
    assert having(BOOTED, Booted(BOOTED.at + HOUR)).stopped_at == BOOTED.at
    assert having(BOOTED, sample(1500, 40)).stopped_at is None
    assert having(BOOTED, ended()).stopped_at == NOON + HOUR
    assert having(ended(), sample(1500, 90), BOOTED, RESUMED).stopped_at == NOON + HOUR
    assert having(ended(), stop(3000, 50)).stopped_at == NOON + 50 * MINUTE
    assert having(stop(3000), stop(3500, 90), sample(3500, 95), BOOTED, ended(9999, 99)).stopped_at == NOON + HOUR


def test_what_disturbs_it() -> None:
    """A start without a time is a repeat only of a transaction nothing of this has happened to."""
    undisturbed = [having(), having(sample(1500)), having(RESUMED)]
    disturbed = [having(BOOTED), having(BOOTED, sample(1500)), having(ended()), having(stop(3000))]
    assert [one.undisturbed for one in undisturbed + disturbed] == [True] * 3 + [False] * 4


def test_the_last_sample_is_the_latest_not_the_last_that_came() -> None:
    assert having(sample(1500, 20), sample(1200, 10)).last_sample_at == NOON + 20 * MINUTE


@pytest.mark.parametrize(
    ("transaction", "register_wh"),
    [
        (having(), 1000),
        (having(sample(1500)), 1500),
        (having(sample(1500), stop(3000)), 3000),
        (having(stop(3000), sample(3004, 61)), 3004),
        (having(stop(900)), 1000),
        (having(ended(2000)), 1000),  # what is above is the next one's
        (having(sample(700), start_wh=400_000), 400_700),
        (having(start_wh=None), None),
    ],
)
def test_shown_register(transaction: Transaction, register_wh: int | None) -> None:
    assert shown_register(transaction) == register_wh


@pytest.mark.parametrize(
    ("sample", "yes"),
    [
        (sample(1000, 0), True),
        (sample(3, 1), True),
        (sample(1000, -4), True),
        (sample(None, -4), True),
        (sample(999, -4), False),
        (sample(1000, -6), False),
    ],
)
def test_may_be_of(sample: Metered, yes: bool) -> None:
    assert may_be_of(OPEN, sample) is yes


def powered(register_wh: int, minutes: int, power_w: float | None = 9451.0) -> Metered:
    return Metered(NOON + minutes * MINUTE, register_wh, power_w)


@pytest.mark.parametrize(
    ("transaction", "yes"),
    [
        (having(powered(1001, 10)), True),
        (having(powered(1100, 10)), False),
        (having(powered(1000, 10)), False),
        (having(powered(1001, 10, 0.0)), False),
        (having(powered(1001, 10, None)), False),
        (having(), False),
        (having(powered(1, 10)), True),  # from zero, or kWh: 1000 Wh is where it began
        (having(powered(40, 10), start_wh=4_000_000), False),
        (having(powered(9000, 10), start_wh=4_000_000), False),
        (in_kwh(powered(1001, 10)), False),
    ],
)
def test_may_count_kwh(transaction: Transaction, yes: bool) -> None:
    assert may_count_kwh(transaction) is yes


@pytest.mark.parametrize(
    ("from_wh", "to_wh", "yes"),
    [
        (1000, 1000 + MAX_TRANSACTION_WH, True),
        (1000, 1001 + MAX_TRANSACTION_WH, False),
        (None, 9**9, True),
        (1000, None, True),
    ],
)
def test_within_one_charge(from_wh: int | None, to_wh: int | None, yes: bool) -> None:
    assert within_one_charge(from_wh, to_wh) is yes


def test_may_be_of_one_whose_start_nobody_knows() -> None:
    assert may_be_of(having(start_wh=None), sample(1, -4))


@pytest.mark.parametrize(
    ("transaction", "sample", "yes"),
    [
        (OPEN, sample(9000, 90), True),
        (having(ended()), sample(9000, 90), True),
        (having(stop(3000)), sample(2000, 30), True),
        (having(stop(3000)), sample(9000, 30), True),
        (having(stop(3000)), sample(None, 90), True),
        (having(stop(3000)), sample(3000 + REGISTER_SLACK_WH, 90), True),
        (having(stop(3000)), sample(3001 + REGISTER_SLACK_WH, 90), False),
        (having(stop(None)), sample(9000, 90), True),
    ],
)
def test_is_closing_sample(transaction: Transaction, sample: Metered, yes: bool) -> None:
    assert is_closing_sample(transaction, sample) is yes


@pytest.mark.parametrize(
    ("transaction_id", "yes"), [(1, True), (2**31 - 1, True), (0, False), (-1, False), (2**31, False)]
)
def test_is_number(transaction_id: int, yes: bool) -> None:
    assert is_number(transaction_id) is yes


@pytest.mark.parametrize(
    ("at", "plausible"),
    [
        (NOON, True),
        (NOON - timedelta(days=400), True),
        (NOON + timedelta(hours=23), True),
        (NOON + timedelta(hours=25), False),
        (datetime(2014, 12, 31, tzinfo=UTC), False),
        (datetime(1970, 1, 1, tzinfo=UTC), False),
    ],
)
def test_plausible_time(at: datetime, plausible: bool) -> None:
    assert plausible_time(at, NOON) is plausible


@pytest.mark.parametrize(
    ("register_wh", "plausible"),
    [
        (0, 0),
        (99_999_999, 99_999_999),
        (-1, None),
        (-5, None),
        (10**12, None),
        (2**31 - 1, None),
        (2**32 - 1, None),
        (2**31, 2**31),
    ],
)
def test_plausible_register(register_wh: int, plausible: int | None) -> None:
    assert plausible_register(register_wh) == plausible
