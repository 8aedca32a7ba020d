"""How many wrong messages are tried, by category, as docs/reliability.md has it: with `--write` it is put there.

PYTHONPATH=tests .venv-test/bin/python -m negative [--write]
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

from negative.answers import ANSWERS, NO_ANSWERS, TOO_EARLY
from negative.frames import SHAPES, Broken, not_for_us
from negative.payloads import Wrong, wrong_payloads
from tinyocpp.messages import ACTIONS

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "reliability.md"
BEGIN, END = "<!-- negative cases -->\n", "<!-- end of negative cases -->\n"
MODES = 2  # with `strict` and without
REQUESTS = [action.request for action in ACTIONS.values() if action.from_charger]
RESULTS = [action.result for action in ACTIONS.values() if action.from_central]


def figures() -> list[tuple[str, int, int]]:
    """What is wrong; how often it is tried in requests, in both modes, and in answers to our calls."""
    asked = Counter(case.wrong for type_ in REQUESTS for case in wrong_payloads(type_))
    answered = Counter(case.wrong for type_ in RESULTS for case in wrong_payloads(type_))
    rows = [(str(wrong), asked[wrong] * MODES, answered[wrong]) for wrong in Wrong]
    shapes = Counter(shape.broken for shape in SHAPES for _ in REQUESTS)
    shapes += Counter(shape.broken for shape in not_for_us())
    rows += [(f"frame: {broken}", shapes[broken] * MODES, 0) for broken in Broken]
    rows.append(("asked too early, by a charger that is not accepted", sum(map(len, TOO_EARLY.values())), 0))
    other = len(RESULTS) * len(ANSWERS + NO_ANSWERS)
    rows.append(("frame: an answer in another shape, or to something else", 0, other))
    requests, results = (sum(row[column] for row in rows) for column in (1, 2))
    return [*rows, ("together", requests, results)]


def table() -> str:
    rows = [f"| {what} | {requests:,} | {results:,} |\n" for what, requests, results in figures()]
    return "| what is wrong | requests | answers |\n|---|---:|---:|\n" + "".join(rows)


def main() -> None:
    if "--write" in sys.argv:
        before, _, rest = PAGE.read_text().partition(BEGIN)
        _, end, after = rest.partition(END)
        assert end, f"{PAGE} has lost its marks"
        PAGE.write_text(f"{before}{BEGIN}{table()}{END}{after}")
    print(table(), end="")


if __name__ == "__main__":
    main()
