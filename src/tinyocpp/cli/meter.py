"""`tinyocpp meter`: what the house's meters say, live or once, and in words why a figure of theirs is not used.

It reads them itself, as [meter] is configured, and needs nothing else that runs. Exit code 69: nothing that may be used
was read.
"""

from __future__ import annotations

import signal
import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from tinyocpp.cli.program import printable
from tinyocpp.cli.tables import Column, print_rows
from tinyocpp.commands import LONGEST_TIMEOUT_S
from tinyocpp.config import FILE
from tinyocpp.errors import ConfigError, Malformed, Unavailable
from tinyocpp.measuring import FIGURES, why_not
from tinyocpp.meters.watch import Watch

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Iterable, Iterator

    from tinyocpp.config import Config
    from tinyocpp.meters.watch import Seen

ONCE_WITHIN_S = 20.0
CALM_S = 0.2  # what comes at once, from several meters, is one line
LOOK_EVERY_S = 1.0  # whether a figure has become too old
FRESH_S = 2.0  # a younger figure needs no age
USED = ("grid_w", "pv_w", "battery_w", "battery_soc", "currents_a")
NAMES = {"grid_w": "grid", "pv_w": "sun", "battery_w": "battery", "battery_soc": "battery"}


def configure(parser: ArgumentParser) -> None:
    parser.add_argument("--once", action="store_true", help="until there is something to use, and no longer")
    parser.add_argument("--seconds", metavar="N", type=float, help="no longer than so (default with --once: 20)")
    parser.add_argument("--json", action="store_true", help="JSON lines; with --once one JSON document")


def run(args: Namespace, config: Config) -> int:
    if config.meter is None:
        raise ConfigError(f"{config.source or FILE}: meter: there is none; write a [meter] table, see docs/meters.md")
    if args.seconds is not None and not 0 < args.seconds <= LONGEST_TIMEOUT_S:
        raise Malformed(f"--seconds: write seconds, more than 0 and at most {LONGEST_TIMEOUT_S}")
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that the meters' programs end with us
    with Watch(config.meter) as watch:
        seen = _once(watch, args) if args.once else _live(watch, args, config)
    if seen is None or seen.measured is None:
        raise Unavailable("nothing was read that may be used" + (f": {seen.why_not}" if seen else ""))
    return 0


def _once(watch: Watch, args: Namespace) -> Seen:
    deadline_s = time.monotonic() + (args.seconds or ONCE_WITHIN_S)
    seen = watch.look()
    while (seen.measured is None or seen.unheard) and (left_s := deadline_s - time.monotonic()) > 0:
        seen = watch.wait(seen.news, left_s)
    if args.json:
        print(msgspec.json.format(msgspec.json.encode(document(seen)), indent=2).decode())
    else:
        columns = ("figure", Column("value", show=str), Column("age_s", "age", _age), Column("why_not", "not used"))
        print_rows(_table(seen), columns, empty="No figure has come.")
        for part, words in seen.trouble.items():
            print(f"! {part}: {printable(words)}")
    return seen


def _live(watch: Watch, args: Namespace, config: Config) -> Seen | None:
    """The last that could be used, if any could."""
    deadline_s = time.monotonic() + (args.seconds or float("inf"))
    shown = best = None
    while (left_s := deadline_s - time.monotonic()) > 0:
        news, usable = (shown.news, bool(shown.measured)) if shown else (0, False)
        seen = watch.wait(news, min(left_s, LOOK_EVERY_S))
        if (seen.news, bool(seen.measured)) == (news, usable):
            continue
        seen = watch.wait(seen.news, min(CALM_S, left_s))
        print(msgspec.json.encode(document(seen)).decode() if args.json else line(seen, config))
        sys.stdout.flush()
        shown, best = seen, seen if seen.measured else best
    return best or watch.look()


def document(seen: Seen) -> dict[str, object]:
    """All that is known, for programs."""
    return {
        "at": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "usable": seen.measured is not None,
        "why_not": seen.why_not,
        **{name: getattr(seen.measured, name, None) for name in USED},  # null: not to be used
        "figures": {str(row.pop("figure")): row for row in rows(seen)},
        "trouble": seen.trouble,
    }


def rows(seen: Seen) -> Iterator[dict[str, object]]:
    """One for each figure that has come, also in vain."""
    for name in FIGURES:
        figure = seen.known.figures.get(name)
        if figure or name in seen.known.refused:
            yield {
                "figure": name,
                "value": figure.value if figure else None,
                "age_s": round(seen.now_s - figure.taken_s, 1) if figure else None,
                "why_not": why_not(seen.known, name, seen.now_s),
            }


def line(seen: Seen, config: Config) -> str:
    """All that is known, for people."""
    parts = [f"{datetime.now(config.zone()):%H:%M:%S}"]
    parts += [_short(row) for row in rows(seen)]
    parts += [f"! {part}: {words}" for part, words in seen.trouble.items()]
    return printable("  ".join(parts))


def _short(row: dict[str, object]) -> str:
    name = str(row["figure"])
    age_s = row["age_s"]
    old = f" ({_age(age_s)} ago)" if isinstance(age_s, float) and age_s > FRESH_S else ""
    used = f" [not used: {row['why_not']}]" if row["why_not"] else ""
    return f"{NAMES.get(name, name[:2].upper())} {_value(name, row['value'])}{old}{used}"


def _table(seen: Seen) -> Iterable[dict[str, object]]:
    return [row | {"value": _value(str(row["figure"]), row["value"])} for row in rows(seen)]


def _value(name: str, value: object) -> str:
    if not isinstance(value, float | int):
        return "?"
    unit = FIGURES[name].unit
    return f"{value:,.1f} {unit}" if unit == "A" else f"{value:,.0f} {unit}"


def _age(age_s: object) -> str:
    return f"{age_s:.1f} s" if isinstance(age_s, float) else ""
