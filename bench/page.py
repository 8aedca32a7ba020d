"""Figures in a page of docs/: a table between two marks, printed as it comes to be and, if asked, put into the page."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

BEGIN, END = "<!-- figures -->\n", "<!-- end of figures -->\n"


def show(lines: Iterable[str], page: Path, *, write: bool) -> None:
    """Print each line as soon as it is known; with `write` they replace what the page had."""
    table = ""
    for line in lines:
        print(line, flush=True)
        table += f"{line}\n"
    if write:
        put(table, page)


def put(table: str, page: Path) -> None:
    before, _, rest = page.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    assert end, f"{page} has lost its marks"
    page.write_text(f"{before}{BEGIN}{table}{END}{after}")


def table_in(page: Path) -> str:
    return page.read_text().partition(BEGIN)[2].partition(END)[0]
