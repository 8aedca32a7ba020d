"""Lists for people, spreadsheets and programs."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from datetime import UTC, date, datetime
from io import StringIO
from zoneinfo import ZoneInfo

import pytest

from tinyocpp.cli.tables import Column, add_format, kwh, local_time, print_rows, printable

AT = datetime(2026, 6, 1, 12, tzinfo=UTC)
COLUMNS = (
    "id_tag",
    Column("energy_wh", "kWh", kwh),
    Column("started_at", "since", local_time(ZoneInfo("Europe/Berlin"))),
    Column("meter_start_wh", None),
    "blocked",
)
ROWS: list[dict[str, object]] = [
    {"id_tag": "=1+1", "energy_wh": 12345, "started_at": AT, "meter_start_wh": -5, "blocked": True, "more": [1]},
    {"id_tag": "\x1b[2J", "energy_wh": 7, "started_at": None, "meter_start_wh": None, "blocked": False},
    {"id_tag": "太郎", "energy_wh": None, "started_at": None, "meter_start_wh": 1.5},
]


def printed(rows: list[dict[str, object]], format: str, empty: str = "") -> str:
    output = StringIO()
    print_rows(iter(rows), COLUMNS, format, empty=empty, output=output)
    return output.getvalue()


def test_for_people() -> None:
    assert printed(ROWS, "table").splitlines() == [
        "id tag      kWh  since                blocked",
        "=1+1     12.345  2026-06-01 14:00:00  yes",
        "\\x1b[2J   0.007",
        "太郎",
    ]


def test_for_spreadsheets() -> None:
    assert printed(ROWS, "csv").splitlines() == [
        "id_tag,energy_wh,started_at,meter_start_wh,blocked",
        "'=1+1,12345,2026-06-01T12:00:00Z,-5,true",
        "\\x1b[2J,7,,,false",
        "太郎,,,1.5,",
    ]


def test_for_programs() -> None:
    assert json.loads(printed(ROWS, "json")) == [
        {
            "id_tag": "=1+1",
            "energy_wh": 12345,
            "started_at": "2026-06-01T12:00:00Z",
            "meter_start_wh": -5,
            "blocked": True,
            "more": [1],
        },
        {"id_tag": "\x1b[2J", "energy_wh": 7, "started_at": None, "meter_start_wh": None, "blocked": False},
        {"id_tag": "太郎", "energy_wh": None, "started_at": None, "meter_start_wh": 1.5},
    ]


@pytest.mark.parametrize(
    ("format", "text"),
    [("table", "nobody\n"), ("csv", "id_tag,energy_wh,started_at,meter_start_wh,blocked\n"), ("json", "[]\n")],
)
def test_nothing_to_list(format: str, text: str) -> None:
    assert printed([], format, "nobody") == text


CELLS = {
    "a formula": ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
    "a sum": ("+1", "'+1"),
    "a difference": ("-1", "'-1"),
    "a function": ("@SUM", "'@SUM"),
    "a tab": ("\t=x", "'\\x09=x"),
    "a carriage return": ("\r=x", "'\\x0d=x"),
    "a quote and a comma": ('a",b', '"a"",b"'),
    "a negative number": (-1, "-1"),
    "a day": (date(2026, 6, 1), "2026-06-01"),
    "a time without a zone": (datetime(2026, 6, 1, 12), "2026-06-01T12:00:00"),  # noqa: DTZ001
}


@pytest.mark.parametrize(("value", "cell"), CELLS.values(), ids=CELLS)
def test_no_cell_starts_a_formula(value: object, cell: str) -> None:
    output = StringIO(newline="")
    print_rows([{"x": value}], ["x"], "csv", output=output)

    assert output.getvalue() == f"x\n{cell}\n"


def test_a_letter_and_its_accent_take_one_place() -> None:
    output = StringIO()
    print_rows([{"name": "Mu\u0308ller", "n": 1}, {"name": "Maller", "n": 22}], ["name", "n"], output=output)

    assert output.getvalue() == "name     n\nMu\u0308ller   1\nMaller  22\n"


@pytest.mark.parametrize(
    ("typed", "format"),
    [([], "table"), (["--json"], "json"), (["--format", "csv"], "csv"), (["--format", "json"], "json")],
)
def test_the_options(typed: list[str], format: str) -> None:
    parser = ArgumentParser()
    add_format(parser, csv=True)

    assert parser.parse_args(typed).format == format


def test_printable() -> None:
    assert printable("Grüße") == "Grüße"
    assert printable("a\nb\x1b\u009b") == "a\\x0ab\\x1b\\x9b"
