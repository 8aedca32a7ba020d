"""What a MeterValues says, in Wh, W and A. A rule: the standard's defaults and the chargers' habits, nothing else.

Of several buckets the latest counts, of several samples of one measurand the one nearest the transaction's end, the sum
over all phases before single phases (section 7.28 and 7.44; quirks M2 to M8, M15). Signed values are kept by the ledger
as they came and not read here.
"""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

import msgspec

from tinyocpp.leniency import read_number
from tinyocpp.messages.samples import Measurand, Phase, ReadingContext, SampledValue, UnitOfMeasure, ValueFormat

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from tinyocpp.messages.samples import MeterValue

BEYOND_ANY_METER = 1e12
SURE_WH = 3000
"""So much must have flowed, by the power, before a register is said to count something else than Wh."""
HOUR = timedelta(hours=1)
STEADY = timedelta(minutes=20)
"""Of samples further apart nobody knows what flowed between."""
MOST_POWER_W = 100_000
"""What says more has its own unit wrong."""
MOST_SAMPLES = 22 * 11 * 8
"""In a bucket: every measurand of every phase in every context. Of more the last count; the others are kept."""
ENERGY = Measurand.ENERGY_ACTIVE_IMPORT_REGISTER  # what a sample without a measurand is, too
POWER = Measurand.POWER_ACTIVE_IMPORT
OFFERED = Measurand.CURRENT_OFFERED
CURRENT = Measurand.CURRENT_IMPORT
KILO = frozenset({UnitOfMeasure.K_WH, UnitOfMeasure.K_W})
# The neutral carries no energy of its own (quirk M7), and a voltage between two phases belongs to neither.
SINGLE_PHASES = {
    Phase.L1: 1,
    Phase.L1_N: 1,
    Phase.L2: 2,
    Phase.L2_N: 2,
    Phase.L3: 3,
    Phase.L3_N: 3,
}
# Later in a transaction wins; what the meter showed at its begin is no reading of now (quirk M15).
CONTEXT_RANK = {
    ReadingContext.TRANSACTION_BEGIN: 0,
    ReadingContext.INTERRUPTION_BEGIN: 1,
    ReadingContext.OTHER: 2,
    ReadingContext.SAMPLE_CLOCK: 3,
    ReadingContext.SAMPLE_PERIODIC: 4,
    ReadingContext.TRIGGER: 4,
    ReadingContext.INTERRUPTION_END: 4,
    ReadingContext.TRANSACTION_END: 5,
}


class Reading(msgspec.Struct, frozen=True):
    """The newest bucket of a MeterValues. None: it does not say."""

    at: datetime
    register_wh: int | None = None
    power_w: float | None = None
    offered_a: float | None = None


def read(meter_values: Sequence[MeterValue]) -> Reading | None:
    """The newest reading, or None for an empty list."""
    if not meter_values:
        return None
    newest = meter_values[0] if len(meter_values) == 1 else max(meter_values, key=lambda value: value.timestamp)
    return read_bucket(newest)


def currents(meter_values: Sequence[MeterValue]) -> tuple[float | None, float | None, float | None]:
    """A on L1, L2 and L3, import, in the newest bucket that names a current. Of a figure without a phase nobody knows
    where it flows: it counts for L1, which is right for a car on one phase and for one that draws evenly."""
    buckets = sorted(meter_values, key=lambda value: value.timestamp, reverse=True)
    for bucket in buckets:
        found: dict[int, float] = {}
        for sample in bucket.sampled_value[-MOST_SAMPLES:]:
            if sample.measurand is CURRENT and sample.format is not ValueFormat.SIGNED_DATA:
                number = _number(sample)
                place = 1 if sample.phase is None else SINGLE_PHASES.get(sample.phase)
                if number is not None and place is not None:
                    found[place] = number
        if found:
            return found.get(1), found.get(2), found.get(3)
    return None, None, None


def one_current(meter_values: Iterable[MeterValue]) -> bool:
    """Is there a figure of the current, and none that names a phase?"""
    told = [one.phase for value in meter_values for one in value.sampled_value if one.measurand is CURRENT]
    return bool(told) and not any(phase in SINGLE_PHASES for phase in told)


def read_bucket(bucket: MeterValue) -> Reading:
    """What was sampled at one moment."""
    energy: list[SampledValue] = []
    power: list[SampledValue] = []
    offered: list[SampledValue] = []
    places = {None: energy, ENERGY: energy, POWER: power, OFFERED: offered}
    for sample in bucket.sampled_value[-MOST_SAMPLES:]:
        place = places.get(sample.measurand)
        if place is not None and sample.format is not ValueFormat.SIGNED_DATA:
            place.append(sample)
    energy_wh = _total(energy)
    return Reading(
        at=bucket.timestamp,
        register_wh=None if energy_wh is None or energy_wh < 0 else round(energy_wh),
        power_w=_total(power),
        offered_a=_number(offered[0]) if offered else None,
    )


def counts_kwh(samples: Iterable[tuple[datetime, int | None, float | None]]) -> bool:
    """Does a register that is called Wh count kWh (OpenEVSE, quirk M1)? Told by the power: time, register and power of
    one transaction's samples in their order. Nothing else makes it a thousand times too slow, and yet move."""
    flowed_wh, moved = 0.0, 0
    for (at, register, power_w), (next_at, next_register, next_power_w) in pairwise(samples):
        if register is None or next_register is None or power_w is None or next_power_w is None:
            continue
        if next_at - at <= STEADY and max(power_w, next_power_w) <= MOST_POWER_W:
            flowed_wh += min(power_w, next_power_w) * ((next_at - at) / HOUR)
            moved += next_register - register
    return flowed_wh >= SURE_WH and 400 * moved <= flowed_wh <= 2500 * moved


def _total(samples: Iterable[SampledValue]) -> float | None:
    """The whole of one measurand in its base unit: what is given without a phase, else the sum of the phases."""
    whole: tuple[int, float] | None = None
    phases: dict[int, float] = {}
    for sample in samples:
        number = _number(sample)
        if number is None:
            continue
        if sample.phase is None:
            rank = CONTEXT_RANK.get(sample.context, 4) if sample.context is not None else 4
            if whole is None or rank > whole[0]:
                whole = rank, number
        elif sample.phase in SINGLE_PHASES:
            phases[SINGLE_PHASES[sample.phase]] = number
    if whole is not None:
        return whole[1]
    return sum(phases.values()) if phases else None


def _number(sample: SampledValue) -> float | None:
    """The value in Wh, W or A; None when it is no number a meter can show."""
    number = read_number(sample.value)
    if number is None or abs(number) > BEYOND_ANY_METER:
        return None
    return number * 1000 if sample.unit in KILO else number
