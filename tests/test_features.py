"""What a charger says of what it can do, in every spelling there is; its lists are in quirks/test_schema.py."""

from __future__ import annotations

import pytest

from tinyocpp.features import names_unit, whole_number


@pytest.mark.parametrize(
    ("told", "number"),
    [
        ("20", 20),
        (" 20 ", 20),
        ("0", 0),
        ("2147483647", 2**31 - 1),
        ("2147483648", None),
        ("9" * 5000, None),
        ("-1", None),
        ("1.5", None),
        ("many", None),
        ("", None),
        (None, None),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_a_number_that_can_be_meant(told: str | None, number: int | None) -> None:
    assert whole_number(told) == number


def test_more_than_is_believed_is_not() -> None:
    assert [whole_number(told, most=99) for told in ("99", "100")] == [99, None]


@pytest.mark.parametrize(
    ("told", "named"),
    [("Current", True), ("Power,Current", True), ("W", True), ("yes", False), ("", False), (None, False)],
)
def test_does_it_name_a_unit(told: str | None, *, named: bool) -> None:
    assert names_unit(told) is named
