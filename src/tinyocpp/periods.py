"""Rule: which span of UTC a local day or month is, and to which local day or month an instant belongs.

A transaction counts wholly on the local day it started. Days begin at local midnight, so one is 23 hours long in spring
and another 25 in autumn; nothing here adds 24 hours to anything. The ledger sums by quarters of an hour in UTC, which
every zone's offset is a multiple of, and `group_quarters` makes local days or months of those sums.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from tinyocpp.errors import Malformed

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import tzinfo

QUARTER_S = 900


class Period(msgspec.Struct, frozen=True):
    """Half open, in UTC; None is unbounded. `name` is how a person would say it, in local days."""

    start: datetime | None
    end: datetime | None
    name: str


EVERYTHING = Period(None, None, "everything recorded")


def day_start(day: date, zone: tzinfo) -> datetime:
    """The first instant of a local day, in UTC. Where clocks skip midnight that is the moment they jump; where it comes
    twice, the first one."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def month(text: str, zone: tzinfo) -> Period:
    """The local month written YYYY-MM. Raises Malformed."""
    first = _read(f"{text}-01", f"--month {text}", "write it as YYYY-MM, such as 2026-03")
    return Period(day_start(first, zone), day_start(_next_month(first), zone), text)


def days(first: str | None, last: str | None, zone: tzinfo) -> Period:
    """From one local day up to and including another, written YYYY-MM-DD; either may be left open. Raises Malformed."""
    remedy = "write it as YYYY-MM-DD, such as 2026-03-29"
    start = _read(first, f"--from {first}", remedy) if first else None
    end = _read(last, f"--to {last}", remedy) if last else None
    if start and end and end < start:
        raise Malformed(f"--from {first} is after --to {last}; exchange them")
    name = f"{start or 'the beginning'} to {end or 'now'}" if start or end else EVERYTHING.name
    return Period(
        day_start(start, zone) if start else None,
        day_start(_next_day(end), zone) if end else None,
        name,
    )


def local_day(instant: datetime, zone: tzinfo) -> str:
    """YYYY-MM-DD"""
    return instant.astimezone(zone).date().isoformat()


def group_quarters(quarters: Iterable[tuple[int, int, int]], zone: tzinfo, by: str) -> list[tuple[str, int, int]]:
    """Sums (unix time, transactions, Wh) of quarters of an hour, as sums by local "day" or "month", oldest first."""
    length = len("YYYY-MM-DD") if by == "day" else len("YYYY-MM")
    sums: dict[str, tuple[int, int]] = {}
    for unix_s, transactions, energy_wh in quarters:
        key = local_day(datetime.fromtimestamp(unix_s, UTC), zone)[:length]
        before = sums.get(key, (0, 0))
        sums[key] = (before[0] + transactions, before[1] + energy_wh)
    return [(key, *sums[key]) for key in sorted(sums)]


def _read(text: str, where: str, remedy: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise Malformed(f"{where}: no such date; {remedy}") from None
    if day.isoformat() != text:  # Python also reads 20260329 and 2026-W13-7
        raise Malformed(f"{where}: no such date; {remedy}")
    if not 2 <= day.year <= 9998:  # room for any zone's offset on either side
        raise Malformed(f"{where}: no charger is that old; {remedy}")
    return day


def _next_day(day: date) -> date:
    return day + timedelta(days=1)


def _next_month(first: date) -> date:
    return date(first.year + first.month // 12, first.month % 12 + 1, 1)
