"""Rule: where in a JSON document a figure stands: `emeters.0.power`, or several of these, added up.

A minus before one takes it off: `["power_delivered", "-power_returned"]`. A key may have dots itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyocpp.meters import MeterTrouble
from tinyocpp.meters.text import number, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

MISSING = object()
MOST_NAMED = 12


def terms(written: str | tuple[str, ...]) -> Iterator[tuple[int, str]]:
    """Sign and path of each."""
    for term in (written,) if isinstance(written, str) else written:
        yield (-1, term[1:]) if term.startswith("-") else (1, term)


def sum_at(document: object, written: str | tuple[str, ...]) -> float | None:
    """None: one of them is null there. MeterTrouble: one is not there, or is no number."""
    values = [(sign, value_at(document, path)) for sign, path in terms(written)]
    if any(value is None for _, value in values):
        return None
    return sum(sign * number(value) for sign, value in values)


def value_at(document: object, path: str) -> object:
    """What stands at the path; all of the document where that is empty. MeterTrouble says what there is instead."""
    found = _walk(document, path.split(".")) if path else document
    if found is MISSING:
        raise MeterTrouble(f"there is no {path} in it{_instead(document)}")
    return found


def _walk(document: object, steps: list[str]) -> object:
    if not steps:
        return document
    if isinstance(document, list):
        there = steps[0].isdecimal() and int(steps[0]) < len(document)
        return _walk(document[int(steps[0])], steps[1:]) if there else MISSING
    if isinstance(document, dict):
        for n in range(1, len(steps) + 1):
            key = ".".join(steps[:n])
            if key in document and (found := _walk(document[key], steps[n:])) is not MISSING:
                return found
    return MISSING


def _instead(document: object) -> str:
    if isinstance(document, dict) and document:
        named = [str(key) for key in document][:MOST_NAMED]
        return f"; there is {', '.join(named)}"
    return f", but {shown(document)}"
