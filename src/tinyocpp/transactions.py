"""The life of a transaction, and how many Wh it is booked with. A rule: nothing here knows a clock, a disk or a socket.

A Transaction is what the ledger makes of a charger's facts. Records happen to it; the table TRANSITIONS says what state
it is in afterwards, `apply` what else changes, `booked` what it is worth and how sure that figure is. Registers are Wh
as the meter shows them, import positive. None stands for a register nobody has given in a form one can believe.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import IntEnum, StrEnum

import msgspec

MAX_TRANSACTION_WH = 1_000_000
"""More than ten full batteries: a register that says so is broken (Zaptec Go 2 saturates at 2^31; evcc caps too)."""
REGISTER_SLACK_WH = 10
"""A meter still moves a little after the stop (Wallbox Copper SB: 4 Wh) and samples are rounded (Huawei: 1 Wh)."""
EARLIEST = datetime(2015, 1, 1, tzinfo=UTC)
"""OCPP 1.6 is of 2015: a charger that says it is earlier has lost its clock."""
FUTURE = timedelta(days=1)
CLOCK_SLACK = timedelta(minutes=5)
"""How far a sample may lie before the start it belongs to (SteVe allows the same)."""
BEYOND_ANY_METER_WH = 10**12
"""The sum of many must still be a number a database can hold."""
SATURATED_WH = frozenset({2**31 - 1, 2**32 - 1, -1})
"""What broken firmware sends for "no idea" (quirk M13), and leniency's own word for a missing register."""


class State(StrEnum):
    OPEN = "open"
    UNCERTAIN = "uncertain"  # the charger has booted since: a sample or a status of charging brings it back
    LOST = "lost"  # it is over, but the StopTransaction is missing: only that still changes it
    CLOSED = "closed"


class Quality(StrEnum):
    MEASURED = "measured"  # start and stop as the charger gave them
    ESTIMATED = "estimated"  # from the last register seen
    OPEN = "open"
    ORPHAN = "orphan"  # no known start
    FLAGGED = "flagged"  # the figures contradict each other


class Counting(IntEnum):
    """What a transaction's registers are. The numbers are those of the books (column `relative`)."""

    WH = 0
    FROM_ZERO = 1  # its samples count from zero, unlike meterStart (Grizzl-E, quirk M10)
    KWH = 2  # all of them are kWh, though it calls them Wh (quirk M1)
    SAMPLES_KWH = 3  # only its samples are (OpenEVSE); `last_register_wh` is in Wh all the same


class Metered(msgspec.Struct, frozen=True):
    """A sample: the energy register, and what flows."""

    at: datetime
    register_wh: int | None
    power_w: float | None = None
    offered_a: float | None = None


class Resumed(msgspec.Struct, frozen=True):
    """A status that only a running transaction has: Charging, SuspendedEV, SuspendedEVSE."""

    at: datetime


class Booted(msgspec.Struct, frozen=True):
    at: datetime


class Ended(msgspec.Struct, frozen=True):
    """It cannot run any more: its connector is Available, or (with that register) another start was made on it."""

    at: datetime
    register_wh: int | None = None


class Stopped(msgspec.Struct, frozen=True):
    at: datetime
    meter_stop_wh: int | None
    reason: str


Record = Metered | Resumed | Booted | Ended | Stopped

# Every change of state is a row here, and nowhere else.
TRANSITIONS: dict[State, dict[type[Record], State]] = {
    State.OPEN: {
        Metered: State.OPEN,
        Resumed: State.OPEN,
        Booted: State.UNCERTAIN,
        Ended: State.LOST,
        Stopped: State.CLOSED,
    },
    State.UNCERTAIN: {
        Metered: State.OPEN,  # most chargers boot on every reconnect and just go on
        Resumed: State.OPEN,
        Booted: State.UNCERTAIN,
        Ended: State.LOST,
        Stopped: State.CLOSED,
    },
    State.LOST: {
        Metered: State.LOST,  # a queued sample, or the closing one: it makes the estimate better
        Resumed: State.LOST,
        Booted: State.LOST,
        Ended: State.LOST,
        Stopped: State.CLOSED,  # the stop was only late
    },
    State.CLOSED: {
        Metered: State.CLOSED,
        Resumed: State.CLOSED,
        Booted: State.CLOSED,
        Ended: State.CLOSED,
        Stopped: State.CLOSED,  # chargers repeat a StopTransaction they got no answer to
    },
}

RUNNING = frozenset({State.OPEN, State.UNCERTAIN})


class Transaction(msgspec.Struct, frozen=True, kw_only=True):
    """One transaction as the facts known so far make it."""

    id: int
    charger_id: str
    connector_id: int
    id_tag: str
    state: State = State.OPEN
    orphan: bool = False  # nobody knows its start; `meter_start_wh` is then the register nobody has claimed
    started_at: datetime
    meter_start_wh: int | None
    start_guessed: bool = False  # meterStart was no register: the first sample stands in for it
    last_register_wh: int | None = None  # of its samples
    next_start_wh: int | None = None  # what the meter showed when the next one began there, this one having no stop
    last_sample_at: datetime | None = None
    power_w: float | None = None  # of that sample
    offered_a: float | None = None
    counting: Counting = Counting.WH
    stopped_at: datetime | None = None
    meter_stop_wh: int | None = None
    reason: str = ""
    contradicted: bool = False  # two different stops
    undisturbed: bool = True  # no boot, stop or Available yet: a start without a time may still be a repeat
    claimed_id: int | None = None  # the id the charger uses for it, where that is not ours

    @property
    def running(self) -> bool:
        return self.state in RUNNING

    @property
    def relative(self) -> bool:
        return self.counting is Counting.FROM_ZERO


def plausible_time(at: datetime, now: datetime) -> bool:
    """Can the charger's clock be believed? Old is fine: queues are replayed weeks later (quirk X9)."""
    return EARLIEST <= at <= now + FUTURE


def believed(stated: datetime | None, now: datetime) -> datetime | None:
    """The charger's time, where its clock can be believed."""
    return stated if stated is not None and plausible_time(stated, now) else None


def plausible_register(register_wh: int) -> int | None:
    """The register, or None where the charger says something no meter shows."""
    believable = 0 <= register_wh < BEYOND_ANY_METER_WH and register_wh not in SATURATED_WH
    return register_wh if believable else None


def within_one_charge(from_wh: int | None, to_wh: int | None) -> bool:
    """May one charge have moved the register so far? Beyond that they are of two meters, or one of them is none."""
    return from_wh is None or to_wh is None or to_wh - from_wh <= MAX_TRANSACTION_WH


def not_above(known_wh: int | None, shown_wh: int | None) -> bool:
    """May a meter that showed the one show the other later?"""
    return known_wh is not None and shown_wh is not None and known_wh <= shown_wh


def below(known_wh: int | None, shown_wh: int | None) -> bool:
    """Has it moved since it showed the one?"""
    return known_wh is not None and shown_wh is not None and known_wh < shown_wh


def is_number(transaction_id: int) -> bool:
    """Does this number name a transaction? 0, -1 and what no charger can count to mean that it has none (X1 to X5)."""
    return 0 < transaction_id < 2**31


def shown_register(transaction: Transaction) -> int | None:
    """The highest its meter is known to have shown: what was below belongs to it, so nobody else is booked for it."""
    start, last = transaction.meter_start_wh, transaction.last_register_wh
    if transaction.relative:
        last = None if start is None or last is None else start + last
    known = [register_wh for register_wh in (start, last, transaction.meter_stop_wh) if register_wh is not None]
    return max(known, default=None)


def may_be_of(transaction: Transaction, sample: Metered) -> bool:
    """May this be a sample of a transaction that began on its connector? Clocks and buckets are a little off: one from
    before the start is its own unless the register says otherwise."""
    if sample.at >= transaction.started_at:
        return True
    start_wh, shown_wh = transaction.meter_start_wh, sample.register_wh
    fits = start_wh is None or shown_wh is None or shown_wh >= start_wh
    return fits and sample.at >= transaction.started_at - CLOCK_SLACK


def is_closing_sample(transaction: Transaction, sample: Metered) -> bool:
    """May this be the transaction's, although that has its stop? Not where energy has flowed since: some chargers keep
    a number for the next transaction, whose start we may have missed (EN+)."""
    stopped_at, stop_wh, shown_wh = transaction.stopped_at, transaction.meter_stop_wh, sample.register_wh
    if transaction.state is not State.CLOSED or stopped_at is None or stop_wh is None or shown_wh is None:
        return True
    return sample.at <= stopped_at or shown_wh <= stop_wh + REGISTER_SLACK_WH


def may_count_kwh(transaction: Transaction) -> bool:
    """Is a look at all its samples worth while, whether they are kWh? If by its last power, as if that had flowed from
    the start, they are far too slow; or if they seem to count from zero, and times a thousand go on from meterStart."""
    last_at, last_wh, start_wh = transaction.last_sample_at, transaction.last_register_wh, transaction.meter_start_wh
    if not transaction.power_w or last_at is None or last_wh is None or start_wh is None:
        return False
    if transaction.counting == Counting.WH:
        elapsed_s = (last_at - transaction.started_at).total_seconds()
        return 0 < (last_wh - start_wh) * 100 * 3600 < transaction.power_w * elapsed_s
    return transaction.relative and start_wh < 1000 * (last_wh + 1) and within_one_charge(start_wh, 1000 * last_wh)


def counted_in_kwh(transaction: Transaction) -> Transaction:
    """As it is once that has been found out. Samples far below meterStart did not count from zero: it was in Wh."""
    if not transaction.relative:
        return msgspec.structs.replace(transaction, counting=Counting.KWH)
    last_wh = 1000 * (transaction.last_register_wh or 0)
    return msgspec.structs.replace(transaction, counting=Counting.SAMPLES_KWH, last_register_wh=last_wh)


def apply(transaction: Transaction, record: Record) -> Transaction:
    """What the transaction is after this record."""
    state = TRANSITIONS[transaction.state][type(record)]
    match record:
        case Metered():
            return _metered(transaction, record, state)
        case Resumed():
            return _became(transaction, state)
        case Booted():
            return _became(transaction, state, disturbed_at=record.at)
        case Ended():
            return _ended(transaction, record, state)
    return _stopped(transaction, record, state)


def sample_of_next(transaction: Transaction, ended: Ended) -> Metered | None:
    """Of its samples the last, if that was of the charge that, we hear only now, had ended this one before."""
    last_at, last_wh, next_wh = transaction.last_sample_at, transaction.last_register_wh, ended.register_wh
    if last_at is None or last_wh is None or next_wh is None or transaction.relative or last_at <= ended.at:
        return None
    if last_wh <= next_wh or (transaction.meter_start_wh or 0) > next_wh:
        return None
    return Metered(last_at, last_wh, transaction.power_w, transaction.offered_a)


def without_stop(transaction: Transaction) -> Transaction:
    """As it was before a stop that was not its own."""
    return msgspec.structs.replace(
        transaction, state=State.OPEN, stopped_at=None, meter_stop_wh=None, reason="", contradicted=False
    )


def booked(transaction: Transaction) -> tuple[int, Quality]:
    """Energy in Wh, never negative, and how sure it is."""
    energy, quality = _as_said(transaction)
    if transaction.counting is not Counting.KWH:
        return energy, quality
    return energy * 1000, Quality.FLAGGED if quality is Quality.MEASURED else quality


def _as_said(transaction: Transaction) -> tuple[int, Quality]:
    """In the charger's idea of Wh."""
    if transaction.state is not State.CLOSED:
        return _sampled_wh(transaction), _unfinished(transaction)
    start, stop = transaction.meter_start_wh, transaction.meter_stop_wh
    if start is None or stop is None:
        return _sampled_wh(transaction), Quality.ORPHAN if transaction.orphan else Quality.ESTIMATED
    energy_wh = stop - start
    if energy_wh < 0:  # what the samples show has flowed all the same
        energy_wh = _sampled_wh(transaction)
        quality = Quality.FLAGGED
    elif _next_began_below(transaction, stop):  # what is above is the next one's
        energy_wh = max(0, (transaction.next_start_wh or 0) - start)
        quality = Quality.FLAGGED
    elif transaction.contradicted or energy_wh > MAX_TRANSACTION_WH or _samples_contradict(transaction, stop):
        quality = Quality.FLAGGED
    else:
        quality = Quality.ESTIMATED if transaction.start_guessed else Quality.MEASURED
    return energy_wh, Quality.ORPHAN if transaction.orphan else quality


def _became(transaction: Transaction, state: State, disturbed_at: datetime | None = None) -> Transaction:
    """The state and what hangs on it: what is not running has an end, as far as anybody can tell."""
    if state is State.OPEN:
        stopped_at = None
    elif transaction.state is State.OPEN:
        stopped_at = disturbed_at
    else:
        stopped_at = transaction.stopped_at
    return msgspec.structs.replace(
        transaction,
        state=state,
        stopped_at=stopped_at,
        undisturbed=transaction.undisturbed and disturbed_at is None,
    )


def _metered(transaction: Transaction, record: Metered, state: State) -> Transaction:
    newest = transaction.last_sample_at is None or record.at >= transaction.last_sample_at
    start_wh, last_wh, counting = transaction.meter_start_wh, transaction.last_register_wh, transaction.counting
    shown_wh = record.register_wh
    if shown_wh is not None and counting is Counting.SAMPLES_KWH:
        shown_wh *= 1000
    if shown_wh is not None and within_one_charge(transaction.meter_start_wh, shown_wh):
        if last_wh is None:
            last_wh = shown_wh
            counting = Counting.FROM_ZERO if _counts_from_zero(start_wh, shown_wh) else counting
        elif transaction.relative and start_wh is not None and shown_wh - start_wh >= last_wh:
            last_wh, counting = shown_wh, Counting.WH  # a register after all: the first sample was garbage
        else:  # a register that falls back was exchanged or reset: what it had shown has flowed all the same
            last_wh = max(last_wh, shown_wh)
    return msgspec.structs.replace(
        transaction,
        state=state,
        meter_start_wh=last_wh if start_wh is None else start_wh,  # quirk M13: the first sample is the best start
        start_guessed=transaction.start_guessed or (start_wh is None and last_wh is not None),
        last_register_wh=last_wh,
        last_sample_at=record.at if newest else transaction.last_sample_at,
        power_w=record.power_w if newest else transaction.power_w,
        offered_a=record.offered_a if newest and record.offered_a is not None else transaction.offered_a,
        counting=counting,
        stopped_at=None if state is State.OPEN else transaction.stopped_at,
    )


def _ended(transaction: Transaction, record: Ended, state: State) -> Transaction:
    transaction = _only_samples_in_kwh(transaction, record.register_wh)
    taken = sample_of_next(transaction, record)
    if taken is not None and state is State.LOST:
        transaction = msgspec.structs.replace(transaction, last_register_wh=record.register_wh)
    ended = _became(transaction, state, disturbed_at=record.at)
    next_start_wh = _next_start(transaction, record.register_wh)
    if transaction.running or _ended_earlier(transaction, record):
        return msgspec.structs.replace(ended, stopped_at=record.at, next_start_wh=next_start_wh)
    if transaction.state is State.LOST and next_start_wh is not None:  # an Available shows no register
        nearest_wh = min(next_start_wh, transaction.next_start_wh or next_start_wh)
        return msgspec.structs.replace(ended, next_start_wh=nearest_wh)
    return ended


def _ended_earlier(transaction: Transaction, record: Ended) -> bool:
    """Was there, we hear only now, another start before the one we knew of?"""
    known_at = transaction.stopped_at
    return transaction.next_start_wh is not None and known_at is not None and record.at < known_at


def _next_start(transaction: Transaction, shown_wh: int | None) -> int | None:
    """The register at the next start, if it is of the same meter and says more than is known."""
    known_wh = shown_register(transaction)
    if shown_wh is None or known_wh is None or transaction.relative or shown_wh <= known_wh:
        return None
    return shown_wh if within_one_charge(transaction.meter_start_wh, shown_wh) else None


def _stopped(transaction: Transaction, record: Stopped, state: State) -> Transaction:
    known_wh, stop_wh = transaction.meter_stop_wh, record.meter_stop_wh
    transaction = _only_samples_in_kwh(transaction, stop_wh)
    if transaction.state is not State.CLOSED:
        return msgspec.structs.replace(
            transaction,
            state=state,
            stopped_at=record.at,
            meter_stop_wh=stop_wh,
            reason=record.reason,
            undisturbed=False,
        )
    if stop_wh is None or stop_wh == known_wh:
        return transaction
    if known_wh is None:  # the first stop could not be read, this one can
        return msgspec.structs.replace(transaction, meter_stop_wh=stop_wh)
    return msgspec.structs.replace(transaction, contradicted=True)


def _only_samples_in_kwh(transaction: Transaction, register_wh: int | None) -> Transaction:
    """Where a start near zero did not tell, a stop or the next start does: is that, unlike the samples, in Wh?"""
    start_wh = transaction.meter_start_wh
    if transaction.counting is not Counting.KWH or register_wh is None or start_wh is None:
        return transaction
    if register_wh - start_wh <= 100 * _sampled_wh(transaction):
        return transaction
    return counted_in_kwh(msgspec.structs.replace(transaction, counting=Counting.FROM_ZERO))


def _sampled_wh(transaction: Transaction) -> int:
    """What the samples show. Nobody else charged before the next start, so what the meter showed then counts too."""
    start, last = transaction.meter_start_wh, transaction.last_register_wh
    if transaction.relative:
        return last or 0
    shown = [register_wh for register_wh in (last, transaction.next_start_wh) if register_wh is not None]
    return 0 if start is None else max([0, *(register_wh - start for register_wh in shown)])


def _unfinished(transaction: Transaction) -> Quality:
    if transaction.orphan:
        return Quality.ORPHAN
    return Quality.OPEN if transaction.state is State.OPEN else Quality.ESTIMATED


def _counts_from_zero(meter_start_wh: int | None, first_register_wh: int) -> bool:
    """A first sample far below meterStart is energy of this session, not the register (quirk M10)."""
    return meter_start_wh is not None and first_register_wh * 10 < meter_start_wh - REGISTER_SLACK_WH


def _samples_contradict(transaction: Transaction, meter_stop_wh: int) -> bool:
    """Do its own samples say more than its stop?"""
    last = transaction.last_register_wh
    return last is not None and not transaction.relative and last > meter_stop_wh + REGISTER_SLACK_WH


def _next_began_below(transaction: Transaction, meter_stop_wh: int) -> bool:
    """Did the meter show less than its stop when the next one began?"""
    following = transaction.next_start_wh
    return following is not None and following < meter_stop_wh - REGISTER_SLACK_WH
