"""All benches, one table: `.venv-test/bin/python bench/run.py [SCALE] [--write]`. Takes about four minutes.

With --write the table also replaces the one in docs/performance.md. No figure decides whether a test passes: they are
for reading, and for comparing two versions on one machine.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib import import_module

from measure import TOP, NotMeasured, Row
from page import show

# The quiet ones first: a disk is slow for a while after much was written.
BENCHES = ("backend_start", "memory", "round_trips", "starts", "fleet", "million")
PAGE = TOP / "docs/performance.md"


def lines(scale: float) -> Iterator[str]:
    """The table in Markdown, each row as soon as it is known."""
    yield "| what | measured | asked for | bench |"
    yield "|---|---:|---:|---|"
    for name in BENCHES:
        for row in rows(name, scale):
            yield f"| {row.what} | {row.figure} | {row.target} | `bench/{name}.py` |"


def rows(name: str, scale: float) -> list[Row]:
    try:
        found: list[Row] = import_module(name).measure(scale)
    except NotMeasured as why:
        return [Row(f"not measured: {why}", "")]
    return found


def main(words: list[str]) -> None:
    scale = next((float(word) for word in words if not word.startswith("-")), 1.0)
    show(lines(scale), PAGE, write="--write" in words)


if __name__ == "__main__":
    main(sys.argv[1:])
