"""`tinyocpp solar try`: what the law of solar.py would have made of days that were recorded.

It runs what the configuration says, on a trace of the roof and the house, with a simulated car that is plugged in and
hungry; beside it, if wished, the best that foresight could have made.
"""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING

import msgspec

from tinyocpp.cli.tables import Column, add_format, kwh, print_rows
from tinyocpp.errors import Malformed, StorageError
from tinyocpp.modes import Mode
from tinyocpp.solar import Outlet
from tinyocpp.trials import Totals, charge, read_trace, totals

if TYPE_CHECKING:
    from collections.abc import Callable

    from tinyocpp.config import Config
    from tinyocpp.trials import Run, Trace


def configure(parser: argparse.ArgumentParser) -> None:
    words = parser.add_subparsers(dest="what", required=True, metavar="WORD")
    trial = words.add_parser("try", help="what a recorded day would have given", allow_abbrev=False)
    trial.add_argument("trace", metavar="TRACE.csv", help="columns time_s, pv_w, load_w; any distance between rows")
    told = "seconds from one decision to the next (default: 10)"
    trial.add_argument("--interval", metavar="S", type=_number(0.1, 3600), default=10.0, help=told)
    told = "how old the meter's figures are, in seconds (default: 10)"
    trial.add_argument("--lag", metavar="S", type=_number(0, 3600), default=10.0, help=told)
    told = "what the charger resolves, in amperes (default: 0.1; many take 1)"
    trial.add_argument("--step", metavar="A", type=_number(0.01, 10), default=0.1, help=told)
    trial.add_argument("--optimum", action="store_true", help="also the best there was, and the law's score against it")
    trial.add_argument("--output", metavar="FILE", help="write time_s, power_w, phases for every step (CSV)")
    add_format(trial)


def run(args: argparse.Namespace, config: Config) -> int:
    trace = _read(args.trace)
    if args.output and os.path.exists(args.output) and os.path.samefile(args.output, args.trace):
        raise Malformed(f"--output {args.output}: is the trace itself; name another file")
    mode: Mode = "min+solar" if config.solar.mode == "min+solar" else "solar"
    outlet = Outlet(step_a=args.step)
    charged = charge(trace, config.solar, mode, outlet, args.interval, args.lag)
    results: dict[str, Totals] = {mode: totals(charged)}
    if args.optimum:
        from tinyocpp.foresight import foreseen

        results["optimum"] = totals(foreseen(charged, outlet))
    if args.output:
        _write(args.output, charged)
    show = _show_json if args.format == "json" else _show
    show(args, mode, results)
    return 0


def _show(args: argparse.Namespace, mode: Mode, results: dict[str, Totals]) -> None:
    days = results[mode].days
    print(f"{args.trace}: {days:.1f} days, every {args.interval:g} s, {args.lag:g} s late, steps of {args.step:g} A")
    rows = [{"run": name, **_row(result)} for name, result in results.items()]
    columns = (
        Column("run", " "),
        Column("solar_wh", "solar kWh", kwh),
        Column("grid_wh", "grid kWh", kwh),
        Column("grid_share", "grid share", lambda value: f"{value:.1%}"),
        Column("starts_per_day", "starts a day", lambda value: f"{value:.1f}"),
        Column("swaps_per_day", "phase swaps a day", lambda value: f"{value:.1f}"),
    )
    print_rows(rows, columns)
    if "optimum" in results:
        print(f"Score {_score(results, mode):.1%}: solar less grid energy, against the same for perfect foresight.")


def _show_json(args: argparse.Namespace, mode: Mode, results: dict[str, Totals]) -> None:
    document: dict[str, object] = {
        "trace": args.trace,
        "mode": mode,
        "interval_s": args.interval,
        "lag_s": args.lag,
        "step_a": args.step,
        **_row(results[mode]),
    }
    if "optimum" in results:
        document |= {"optimum": _row(results["optimum"]), "score": _score(results, mode)}
    print(msgspec.json.format(msgspec.json.encode(document), indent=2).decode())


def _row(result: Totals) -> dict[str, object]:
    return {
        "days": result.days,
        "solar_wh": round(result.solar_wh),
        "grid_wh": round(result.grid_wh),
        "grid_share": round(result.grid_share, 5),
        "starts": result.starts,
        "swaps": result.swaps,
        "starts_per_day": round(result.starts / result.days, 3),
        "swaps_per_day": round(result.swaps / result.days, 3),
    }


def _score(results: dict[str, Totals], mode: Mode) -> float:
    """Of what could be had; where nothing could, nothing was missed."""
    best_wh = results["optimum"].net_wh
    return results[mode].net_wh / best_wh if best_wh > 0 else 1.0


def _read(path: str) -> Trace:
    try:
        with open(path, encoding="utf-8-sig", errors="replace", newline="") as file:
            return read_trace(file, path)
    except OSError as error:
        raise Malformed(f"{path}: {error.strerror}") from None


def _write(path: str, charged: Run) -> None:
    rows = zip(charged.time_s, charged.power_w, charged.phases, strict=True)
    try:
        with open(path, "w", encoding="utf-8") as file:
            file.write("time_s,power_w,phases\n")
            file.writelines(f"{time_s:.15g},{power_w:.10g},{phases}\n" for time_s, power_w, phases in rows)
    except OSError as error:
        raise StorageError(f"{path}: {error.strerror}") from None


def _number(least: float, most: float) -> Callable[[str], float]:
    def number(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"write a number from {least:g} to {most:g}")
        return value

    return number
