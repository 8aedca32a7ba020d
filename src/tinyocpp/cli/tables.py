"""Rows for people, spreadsheets and programs: one way to print a list, used by every word that has one.

A table shows what is worth its width, in the owner's units and time. CSV and JSON carry every column under its own
name, in the units the name says and in UTC. What came from a charger or a file can neither steer a terminal nor start
a formula.
"""

from __future__ import annotations

import csv
import sys
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, TextIO
from unicodedata import combining, east_asian_width

import msgspec

from tinyocpp.cli.program import printable

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import tzinfo

    Row = Mapping[str, object]
    Show = Callable[[object], str]

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


class Column(msgspec.Struct, frozen=True):
    """`heading` is for the table: empty, the name's words; None, programs only. `show` says a value to people."""

    name: str
    heading: str | None = ""
    show: Show | None = None


def add_format(parser: ArgumentParser, *, csv: bool = False) -> None:
    """`--json`, and where a spreadsheet makes sense `--format`, into `args.format`."""
    parser.set_defaults(format="table")
    if csv:
        parser.add_argument("--format", choices=("table", "csv", "json"), help="default: table")
    parser.add_argument("--json", dest="format", action="store_const", const="json", help="one JSON document")


def print_rows(
    rows: Iterable[Row],
    columns: Sequence[Column | str],
    format: str = "table",
    *,
    empty: str = "",
    output: TextIO | None = None,
) -> None:
    """One row per mapping; JSON shows also what no column names. `empty` is said instead of a table without rows."""
    output = output or sys.stdout
    listed = [column if isinstance(column, Column) else Column(column) for column in columns]
    if format == "json":
        document = msgspec.json.format(msgspec.json.encode([dict(row) for row in rows]), indent=2)
        output.write(document.decode() + "\n")
    elif format == "csv":
        writer = csv.writer(output, lineterminator="\n")
        writer.writerow(column.name for column in listed)
        writer.writerows([_cell(row.get(column.name)) for column in listed] for row in rows)
    else:
        output.writelines(f"{line}\n" for line in _table(list(rows), listed, empty))


def kwh(value: object) -> str:
    """Wh as people pay for them."""
    return f"{value / 1000:.3f}" if isinstance(value, int | float) else ""


def local_time(zone: tzinfo) -> Show:
    """To the second, by the owner's clock."""
    return lambda value: f"{value.astimezone(zone):%Y-%m-%d %H:%M:%S}" if isinstance(value, datetime) else ""


def _cell(value: object) -> object:
    """For a spreadsheet: numbers stay numbers, text stays text, also where it looks like a formula."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime) and value.tzinfo:
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if value is None or isinstance(value, int | float):
        return value
    text = value.isoformat() if isinstance(value, date) else str(value)
    return ("'" if text.startswith(FORMULA) else "") + printable(text)  # a bare CR would begin a new row


def _table(rows: list[Row], columns: list[Column], empty: str) -> list[str]:
    if not rows and empty:
        return [empty]
    shown = [column for column in columns if column.heading is not None]
    lines = [[column.heading or column.name.replace("_", " ") for column in shown]]
    lines += [[printable(_said(row.get(column.name), column.show)) for column in shown] for row in rows]
    widths = [max(map(_width, cells)) for cells in zip(*lines, strict=True)]
    right = [all(_is_number(row.get(column.name)) for row in rows) for column in shown]
    return ["  ".join(map(_padded, line, widths, right)).rstrip() for line in lines]


def _said(value: object, show: Show | None) -> str:
    if show:
        return show(value)
    if value is None or value is False:
        return ""
    return "yes" if value is True else str(value)


def _is_number(value: object) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def _padded(text: str, width: int, right: bool) -> str:
    gap = " " * (width - _width(text))
    return gap + text if right else text + gap


def _width(text: str) -> int:
    """Columns on a terminal: two for what is wide in East Asia, none for what sits on the letter before."""
    return sum(0 if combining(character) else 2 if east_asian_width(character) in "WF" else 1 for character in text)
