"""Local days and months against UTC, in zones that make it hard."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tinyocpp.errors import Malformed
from tinyocpp.periods import EVERYTHING, QUARTER_S, day_start, days, group_quarters, local_day, month

BERLIN = ZoneInfo("Europe/Berlin")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "day", "start", "hours"),
    [
        pytest.param("Europe/Berlin", "2026-01-15", "2026-01-14T23:00", 24, id="an ordinary winter day"),
        pytest.param("Europe/Berlin", "2026-03-29", "2026-03-28T23:00", 23, id="clocks go forward"),
        pytest.param("Europe/Berlin", "2026-10-25", "2026-10-24T22:00", 25, id="clocks go back"),
        pytest.param("Asia/Kathmandu", "2026-06-01", "2026-05-31T18:15", 24, id="quarter-hour offset"),
        pytest.param("America/St_Johns", "2026-06-01", "2026-06-01T02:30", 24, id="negative half-hour offset"),
        pytest.param("America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00", 23, id="midnight does not exist"),
        pytest.param("America/Havana", "2026-11-01", "2026-11-01T04:00", 25, id="midnight comes twice"),
        pytest.param("Australia/Lord_Howe", "2026-04-05", "2026-04-04T13:00", 24.5, id="half an hour of summer time"),
        pytest.param("Pacific/Kiritimati", "2026-01-01", "2025-12-31T10:00", 24, id="fourteen hours ahead"),
    ],
)
def test_a_day_is_as_long_as_it_is(zone: str, day: str, start: str, hours: float) -> None:
    period = days(day, day, ZoneInfo(zone))
    assert period.start == utc(start)
    assert period.end is not None
    assert period.end - period.start == timedelta(hours=hours)


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        pytest.param("2026-03", "2026-02-28T23:00", "2026-03-31T22:00", id="starts in winter, ends in summer"),
        pytest.param("2026-10", "2026-09-30T22:00", "2026-10-31T23:00", id="starts in summer, ends in winter"),
        pytest.param("2024-02", "2024-01-31T23:00", "2024-02-29T23:00", id="leap year"),
        pytest.param("2025-12", "2025-11-30T23:00", "2025-12-31T23:00", id="year end"),
    ],
)
def test_month(text: str, start: str, end: str) -> None:
    period = month(text, BERLIN)
    assert (period.start, period.end, period.name) == (utc(start), utc(end), text)


def test_either_end_may_be_open() -> None:
    assert days(None, None, BERLIN) == EVERYTHING
    assert days("2026-03-29", None, BERLIN).end is None
    until = days(None, "2026-03-29", BERLIN)
    assert until.start is None
    assert until.end == utc("2026-03-29T22:00")
    assert until.name == "the beginning to 2026-03-29"


@pytest.mark.parametrize("text", ["2026-13", "2026", "2026-3", "march", "2026-03-01", "0001-01", "9999-12", ""])
def test_no_such_month(text: str) -> None:
    with pytest.raises(Malformed, match="YYYY-MM, such as"):
        month(text, BERLIN)


@pytest.mark.parametrize("text", ["2026-02-30", "20260329", "2026-W13-7", "yesterday", "0001-01-01", "9999-12-31"])
def test_no_such_day(text: str) -> None:
    with pytest.raises(Malformed, match="YYYY-MM-DD, such as"):
        days(text, None, BERLIN)
    with pytest.raises(Malformed, match="YYYY-MM-DD, such as"):
        days(None, text, BERLIN)


def test_from_after_to() -> None:
    with pytest.raises(Malformed, match="is after --to"):
        days("2026-03-30", "2026-03-29", BERLIN)


@pytest.mark.parametrize(
    ("zone", "instant", "day"),
    [
        pytest.param("Europe/Berlin", "2026-03-31T21:59:59", "2026-03-31", id="a second before the month ends"),
        pytest.param("Europe/Berlin", "2026-03-31T22:00:00", "2026-04-01", id="and at its end"),
        pytest.param("Asia/Kathmandu", "2026-05-31T18:14:59", "2026-05-31", id="Kathmandu before midnight"),
        pytest.param("Asia/Kathmandu", "2026-05-31T18:15:00", "2026-06-01", id="Kathmandu at midnight"),
        pytest.param("America/New_York", "2026-01-01T04:59:59", "2025-12-31", id="New York is still in the old year"),
    ],
)
def test_local_day(zone: str, instant: str, day: str) -> None:
    assert local_day(utc(instant), ZoneInfo(zone)) == day


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Asia/Kathmandu", "America/Sao_Paulo", "America/Havana", "UTC"])
def test_the_quarters_of_two_years_fall_into_the_days_the_periods_say(zone: str) -> None:
    there = ZoneInfo(zone)
    first = int(datetime(2017, 12, 30, tzinfo=UTC).timestamp())
    quarters = [(first + QUARTER_S * number, 1, number) for number in range(740 * 96)]
    by_day = group_quarters(quarters, there, "day")
    for day, transactions, _ in by_day[1:-1]:
        start = day_start(date.fromisoformat(day), there)
        end = day_start(date.fromisoformat(day) + timedelta(days=1), there)
        assert timedelta(seconds=QUARTER_S * transactions) == end - start
    by_month = group_quarters(quarters, there, "month")
    assert sum(energy_wh for _, _, energy_wh in by_month) == sum(range(740 * 96))
    assert next(row for row in by_month if row[0] == "2018-02")[1] in {28 * 96, 28 * 96 + 4}  # Sao Paulo gains an hour


def test_nothing_makes_no_days() -> None:
    assert group_quarters([], BERLIN, "day") == []
