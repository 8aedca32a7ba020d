"""The solar law against perfect foresight: `.venv-test/bin/python bench/solar.py [TRACE.csv ...] [--write]`.

On the traces that are named and on days that are made up (skies.py), in the three ways the project asks about, and on
days drawn by lot, in many ways. A row is about what `tinyocpp solar try TRACE.csv --interval S --lag S --step A
--optimum` prints. With --write the tables of the made-up days replace those in docs/solar.md.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from measure import SOURCE, TOP
from page import show

sys.path.insert(0, str(SOURCE))

import skies

from tinyocpp.foresight import foreseen
from tinyocpp.modes import SolarConfig
from tinyocpp.solar import Outlet
from tinyocpp.trials import Totals, Trace, charge, read_trace, totals

PAGE = TOP / "docs/solar.md"
WAYS = ((10, 10, 0.1), (10, 10, 1.0), (60, 60, 0.1))  # interval, lag, step
BY_LOT = (*WAYS, (5, 0, 1.0), (5, 10, 0.5), (20, 10, 0.1), (20, 30, 1.0), (30, 0, 0.1), (30, 30, 0.5), (60, 10, 1.0))
DAYS_BY_LOT = 8  # in each way, and none of them twice
WORTH_WH = 1000.0  # a day that gives less tells nothing


def table(traces: dict[str, Trace]) -> Iterator[str]:
    """In Markdown, each row as soon as it is known."""
    yield "| trace | interval / lag | steps | score | phase swaps a day | starts a day | grid share |"
    yield "|---|---|---|---:|---:|---:|---:|"
    for name, trace in traces.items():
        for interval_s, lag_s, step_a in WAYS:
            way = f"{interval_s} s / {lag_s} s | {step_a:g} A"
            yield f"| {name} | {way} | {figures(trace, interval_s, lag_s, step_a)} |"


def figures(trace: Trace, interval_s: float, lag_s: float, step_a: float) -> str:
    ours, best = tried(trace, interval_s, lag_s, step_a)
    score = f"{ours.net_wh / best.net_wh:.1%}" if best.net_wh > 0 else "none"
    return f"{score} | {ours.swaps / ours.days:.1f} | {ours.starts / ours.days:.1f} | {ours.grid_share:.1%}"


def tried(trace: Trace, interval_s: float, lag_s: float, step_a: float) -> tuple[Totals, Totals]:
    """What the law made of it, and what foresight would have."""
    outlet = Outlet(step_a=step_a)
    run = charge(trace, SolarConfig(), "solar", outlet, interval_s, lag_s)
    return totals(run), totals(foreseen(run, outlet))


def lots() -> Iterator[str]:
    """In Markdown: in each way, all days together and the worst of them."""
    yield "| interval / lag | steps | score | worst day | swaps a day | most | starts a day | grid share | most |"
    yield "|---|---|---:|---:|---:|---:|---:|---:|---:|"
    for number, way in enumerate(BY_LOT):
        seeds = range(number * DAYS_BY_LOT, (number + 1) * DAYS_BY_LOT)
        pairs = [tried(skies.drawn(seed), *way) for seed in seeds]
        told = together([(ours, best) for ours, best in pairs if best.net_wh > WORTH_WH])
        yield f"| {way[0]} s / {way[1]} s | {way[2]:g} A | {told} |"


def together(pairs: list[tuple[Totals, Totals]]) -> str:
    ours, best = zip(*pairs, strict=True)
    days = len(ours)
    figures = (
        f"{sum(day.net_wh for day in ours) / sum(day.net_wh for day in best):.1%}",
        f"{min(day.net_wh / most.net_wh for day, most in pairs):.1%}",
        f"{sum(day.swaps for day in ours) / days:.1f}",
        f"{max(day.swaps for day in ours)}",
        f"{sum(day.starts for day in ours) / days:.1f}",
        f"{sum(day.grid_wh for day in ours) / sum(day.grid_wh + day.solar_wh for day in ours):.1%}",
        f"{max(day.grid_share for day in ours):.1%}",
    )
    return " | ".join(figures)


def read(path: str) -> Trace:
    with Path(path).open() as file:
        return read_trace(file, path)


def main(words: list[str]) -> None:
    named = {Path(word).stem: read(word) for word in words if not word.startswith("-")}
    for line in table(named) if named else ():
        print(line, flush=True)
    show(chain(table(skies.made_up()), [""], lots()), PAGE, write="--write" in words)


if __name__ == "__main__":
    main(sys.argv[1:])
