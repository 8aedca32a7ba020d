"""The solar law against perfect foresight: `.venv-test/bin/python bench/solar.py [TRACE.csv ...] [--write]`.

On the traces that are named and on days that are made up (skies.py), in the three ways the project asks about. A row
is about what `tinyocpp solar try TRACE.csv --interval S --lag S --step A --optimum` prints. With --write the table of
the made-up days replaces the one in docs/solar.md.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from measure import SOURCE, TOP

sys.path.insert(0, str(SOURCE))

from tinyocpp.foresight import foreseen
from tinyocpp.modes import SolarConfig
from tinyocpp.solar import Outlet
from tinyocpp.trials import Trace, charge, read_trace, totals

PAGE = TOP / "docs/solar.md"
BEGIN, END = "<!-- figures -->\n", "<!-- end of figures -->\n"
WAYS = ((10, 10, 0.1), (10, 10, 1.0), (60, 60, 0.1))  # interval, lag, step


def table(traces: dict[str, Trace]) -> Iterator[str]:
    """In Markdown, each row as soon as it is known."""
    yield "| trace | interval / lag | steps | score | phase swaps a day | starts a day | grid share |"
    yield "|---|---|---|---:|---:|---:|---:|"
    for name, trace in traces.items():
        for interval_s, lag_s, step_a in WAYS:
            way = f"{interval_s} s / {lag_s} s | {step_a:g} A"
            yield f"| {name} | {way} | {figures(trace, interval_s, lag_s, step_a)} |"


def figures(trace: Trace, interval_s: float, lag_s: float, step_a: float) -> str:
    outlet = Outlet(step_a=step_a)
    run = charge(trace, SolarConfig(), "solar", outlet, interval_s, lag_s)
    ours, best = totals(run), totals(foreseen(run, outlet))
    score = f"{ours.net_wh / best.net_wh:.1%}" if best.net_wh > 0 else "none"
    return f"{score} | {ours.swaps / ours.days:.1f} | {ours.starts / ours.days:.1f} | {ours.grid_share:.1%}"


def read(path: str) -> Trace:
    with Path(path).open() as file:
        return read_trace(file, path)


def main(words: list[str]) -> None:
    from skies import made_up

    named = {Path(word).stem: read(word) for word in words if not word.startswith("-")}
    for line in table(named) if named else ():
        print(line, flush=True)
    lines = []
    for line in table(made_up()):
        print(line, flush=True)
        lines.append(f"{line}\n")
    if "--write" in words:
        before, _, rest = PAGE.read_text().partition(BEGIN)
        PAGE.write_text(before + BEGIN + "".join(lines) + END + rest.partition(END)[2])


if __name__ == "__main__":
    main(sys.argv[1:])
