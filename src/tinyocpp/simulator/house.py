"""The house the cars stand at: its roof, its load and its battery, and what the meter at the grid connection shows.

Arithmetic without a clock: whoever knows how much time went by says so. What roof and load do comes from a trace,
recorded or made up; it is read here with rules of its own, as everything of the simulator. Import is positive.
"""

from __future__ import annotations

import csv
from bisect import bisect_right
from math import isfinite
from typing import TYPE_CHECKING

import msgspec

from tinyocpp.errors import Malformed
from tinyocpp.simulator.car import NOMINAL_V

if TYPE_CHECKING:
    from collections.abc import Iterable

COLUMNS = ("time_s", "pv_w", "load_w")
EVENLY = (1 / 3, 1 / 3, 1 / 3)

PerPhase = tuple[float, float, float]  # L1, L2 and L3


class Trace(msgspec.Struct, frozen=True):
    """What a roof gave and a house took, in rows at any distance."""

    time_s: list[float]
    pv_w: list[float]
    load_w: list[float]

    def at(self, elapsed_s: float) -> tuple[float, float]:
        """Roof and load so long after the first row, between rows on a line; after the last it begins anew."""
        first_s = self.time_s[0]
        time_s = first_s + elapsed_s % (self.time_s[-1] - first_s)
        row = bisect_right(self.time_s, time_s) - 1
        share = (time_s - self.time_s[row]) / (self.time_s[row + 1] - self.time_s[row])
        pv_w, load_w = (column[row] + (column[row + 1] - column[row]) * share for column in (self.pv_w, self.load_w))
        return pv_w, load_w


def read_trace(lines: Iterable[str], name: str) -> Trace:
    """CSV whose first line names time_s, pv_w and load_w. Malformed says which line is wrong."""
    rows = csv.DictReader(lines)
    missing = [column for column in COLUMNS if column not in (rows.fieldnames or ())]
    if missing:
        raise Malformed(f"{name}: no column {missing[0]}; the first line must name {','.join(COLUMNS)}")
    trace = Trace([], [], [])
    for row in rows:
        figures = [_figure(row[column]) for column in COLUMNS]
        if not all(map(isfinite, figures)) or (trace.time_s and figures[0] <= trace.time_s[-1]):
            raise Malformed(f"{name}:{rows.line_num}: not three numbers, or not later than the row before")
        for column, figure in zip((trace.time_s, trace.pv_w, trace.load_w), figures, strict=True):
            column.append(figure)
    if len(trace.time_s) < 2:
        raise Malformed(f"{name}: a trace has two rows at least")
    return trace


def _figure(text: str | None) -> float:
    try:
        return float(text or "")
    except ValueError:
        return float("nan")


class Battery(msgspec.Struct):
    """It takes what would be exported and gives what would be imported, as far as it can. No losses."""

    capacity_wh: float
    power_w: float
    stored_wh: float = 0.0

    @classmethod
    def of(cls, capacity_wh: float) -> Battery:
        """Half full, and filled in two hours at the least, as usual ones are."""
        return cls(capacity_wh, capacity_wh / 2, capacity_wh / 2)

    @property
    def soc_percent(self) -> float:
        return 100 * self.stored_wh / self.capacity_wh

    def live(self, surplus_w: float, elapsed_s: float) -> float:
        """W it takes for so long; less than nothing when it gives."""
        hours = max(elapsed_s, 1.0) / 3600
        most_w = min(self.power_w, (self.capacity_wh - self.stored_wh) / hours)
        least_w = max(-self.power_w, -self.stored_wh / hours)
        taken_w = max(least_w, min(surplus_w, most_w))
        self.stored_wh += taken_w * elapsed_s / 3600
        return taken_w


class Figures(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the meter at the grid connection shows, in the words of a `[meter]` of ours."""

    grid_w: float
    l1_a: float
    l2_a: float
    l3_a: float
    pv_w: float
    battery_w: float | None = None  # positive: it is being charged
    battery_soc: float | None = None


class House:
    """`split`: how its own load is spread over the phases; roof and battery feed all three alike."""

    def __init__(
        self, trace: Trace, *, split: PerPhase = EVENLY, battery: Battery | None = None, start_s: float = 0.0
    ) -> None:
        self._trace = trace
        self._split = split
        self._battery = battery
        self.elapsed_s = start_s  # since the first row of the trace

    def live(self, elapsed_s: float, cars_w: PerPhase) -> Figures:
        """So much time goes by while the cars draw this; what is shown then."""
        self.elapsed_s += elapsed_s
        pv_w, load_w = self._trace.at(self.elapsed_s)
        rest_w = load_w - pv_w + sum(cars_w)
        battery_w = self._battery.live(-rest_w, elapsed_s) if self._battery else 0.0
        even_w = (battery_w - pv_w) / 3
        l1_a, l2_a, l3_a = (
            round((load_w * share + even_w + car_w) / NOMINAL_V, 2)
            for share, car_w in zip(self._split, cars_w, strict=True)
        )
        shown = Figures(round(rest_w + battery_w, 1), l1_a, l2_a, l3_a, round(pv_w, 1))
        if self._battery is None:
            return shown
        soc = round(self._battery.soc_percent, 1)
        return msgspec.structs.replace(shown, battery_w=round(battery_w, 1), battery_soc=soc)
