"""Rule: a day that was, charged again: what the law in solar.py would have made of a recorded house.

A trace says what the roof gave and the house took. A simulated car, plugged in and hungry, draws exactly what it is
offered. The law sees the house as it was some seconds ago and nothing later. No file is opened here.
"""

from __future__ import annotations

import csv
from bisect import bisect_right
from itertools import pairwise
from math import floor, isfinite
from typing import TYPE_CHECKING

import msgspec

from tinyocpp.errors import Malformed
from tinyocpp.modes import Mode, SolarConfig
from tinyocpp.solar import Outlet, Sample, State, decide

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

COLUMNS = ("time_s", "pv_w", "load_w")
DAY_S = 86400.0
HOUR_S = 3600.0
MOST_STEPS = 10_000_000


class Trace(msgspec.Struct, frozen=True):
    """What a house had to spare, in rows of any distance; less than nothing where it bought."""

    time_s: list[float]
    surplus_w: list[float]

    def at(self, time_s: float) -> float:
        """Between two rows, on the line that joins them."""
        row = min(max(bisect_right(self.time_s, time_s) - 1, 0), len(self.time_s) - 2)
        before_s, after_s = self.time_s[row], self.time_s[row + 1]
        before_w, after_w = self.surplus_w[row], self.surplus_w[row + 1]
        return before_w + (after_w - before_w) * (time_s - before_s) / (after_s - before_s)


class Run(msgspec.Struct, frozen=True):
    """One charging of a trace, a row for every step. `phases`: 0 while off, the new number in the pause of a swap."""

    interval_s: float
    time_s: Sequence[float]
    surplus_w: Sequence[float]
    power_w: Sequence[float]
    phases: Sequence[int]


class Totals(msgspec.Struct, frozen=True):
    """What a run comes to."""

    days: float
    solar_wh: float
    grid_wh: float
    starts: int
    swaps: int

    @property
    def net_wh(self) -> float:
        """What runs are compared by: a Wh bought spoils one from the sun."""
        return self.solar_wh - self.grid_wh

    @property
    def grid_share(self) -> float:
        return self.grid_wh / max(self.solar_wh + self.grid_wh, 1e-9)


def read_trace(lines: Iterable[str], name: str) -> Trace:
    """CSV with a header that names at least time_s, pv_w and load_w. Malformed says which line is wrong."""
    rows = csv.DictReader(lines, skipinitialspace=True)
    trace = Trace([], [])
    try:
        missing = [column for column in COLUMNS if column not in (rows.fieldnames or ())]
        if missing:
            raise Malformed(f"{name}: no column {missing[0]}; the first line must name {','.join(COLUMNS)}")
        for row in rows:
            _add(trace, row, f"{name}:{rows.line_num}")
    except csv.Error as error:
        raise Malformed(f"{name}:{rows.line_num + 1}: this is no CSV: {error}") from None
    if len(trace.time_s) < 2:
        raise Malformed(f"{name}: a trace has two rows at least")
    return trace


def _add(trace: Trace, row: dict[str, str], where: str) -> None:
    try:
        time_s, pv_w, load_w = (float(row[column]) for column in COLUMNS)
    except (TypeError, ValueError):
        raise Malformed(f"{where}: three numbers are needed: {','.join(COLUMNS)}") from None
    if not all(map(isfinite, (time_s, pv_w, load_w))) or (trace.time_s and time_s <= trace.time_s[-1]):
        raise Malformed(f"{where}: numbers must be finite, and each time later than the one before")
    trace.time_s.append(time_s)
    trace.surplus_w.append(pv_w - load_w)


def charge(trace: Trace, config: SolarConfig, mode: Mode, outlet: Outlet, interval_s: float, lag_s: float) -> Run:
    """The law at work, asked every `interval_s`."""
    times_s = steps(trace, interval_s)
    state, power_w, phases = State(), list[float](), list[int]()
    for now_s in times_s:
        sample, seen_s = None, now_s - lag_s
        if seen_s >= times_s[0]:
            step = min(bisect_right(times_s, seen_s), len(power_w)) - 1  # without lag: what it drew until now
            car_w = power_w[step] if step >= 0 else 0.0
            sample = Sample(read_s=now_s, delay_s=lag_s, grid_w=car_w - trace.at(seen_s), car_w=car_w)
        state, decision = decide(state, config, mode, outlet, sample, now_s)
        power_w.append(outlet.power_w(decision.phases, decision.current_a))
        phases.append(decision.phases)
    return Run(interval_s, times_s, [trace.at(now_s) for now_s in times_s], power_w, phases)


def steps(trace: Trace, interval_s: float) -> list[float]:
    """The moments of a run: from the trace's first row on, to its last."""
    first_s, last_s = trace.time_s[0], trace.time_s[-1]
    count = floor((last_s - first_s) / interval_s + 1e-9) + 1
    if count > MOST_STEPS:
        raise Malformed(f"{count:,} steps of {interval_s:g} s; at most {MOST_STEPS:,}: write a longer --interval")
    return [first_s + number * interval_s for number in range(count)]


def totals(run: Run) -> Totals:
    hours = run.interval_s / HOUR_S
    drawn_wh = sum(run.power_w) * hours
    pairs = zip(run.power_w, run.surplus_w, strict=True)
    solar_wh = sum(min(power, max(surplus, 0.0)) for power, surplus in pairs) * hours
    used = [phases for phases in run.phases if phases]
    return Totals(
        days=len(run.time_s) * run.interval_s / DAY_S,
        solar_wh=solar_wh,
        grid_wh=drawn_wh - solar_wh,
        starts=sum(bool(after and not before) for before, after in pairwise([0, *run.phases])),
        swaps=sum(before != after for before, after in pairwise(used)),
    )
