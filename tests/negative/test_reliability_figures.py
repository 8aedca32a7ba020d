"""docs/reliability.md promises no more cases than are run."""

from __future__ import annotations

import re

import pytest
from doors.test_doors import BAD, NO_LOGINS
from fuzz.test_fuzz import FRAMES
from fuzz.test_heaviest import HEAVIEST

from negative.__main__ import PAGE, figures

ROWS = {row[0]: row[1:] for row in figures()}
TEXT = PAGE.read_text()


def told(pattern: str) -> int:
    (figure,) = re.findall(rf"^\| {pattern}[^|]*\| ([\d,]+) \|", TEXT, re.MULTILINE)
    return int(figure.replace(",", ""))


@pytest.mark.parametrize("what", ROWS)
def test_each_category(what: str) -> None:
    (cells,) = re.findall(rf"^\| {re.escape(what)} \| ([\d,]+) \| ([\d,]+) \|$", TEXT, re.MULTILINE)
    assert [int(cell.replace(",", "")) <= count for cell, count in zip(cells, ROWS[what], strict=True)] == [True, True]


def test_the_sums() -> None:
    requests, answers = ROWS["together"]
    assert requests == sum(row[0] for row in ROWS.values()) / 2
    assert told("wrong requests") <= requests
    assert told("wrong answers") <= answers
    assert told("heaviest frames") <= len(HEAVIEST)


def test_the_fuzzer() -> None:
    assert told("broken frames in every run") == sum(FRAMES.values())


def test_the_doors() -> None:
    assert told("knocks at the doors") <= len(BAD) + len(NO_LOGINS)
