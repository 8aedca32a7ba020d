"""Times and spans as people type them: `18:30`, `2026-06-01 18:30`, ISO 8601; `90s`, `30m`, `1h30m`, `2d`.

Without a zone it is the owner's. What cannot be read is Malformed, with an example.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING

from tinyocpp.errors import Malformed

if TYPE_CHECKING:
    from datetime import tzinfo

UNITS_S = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
LONGEST_S = 10 * 366 * 86_400


def read_moment(typed: str, option: str, now: datetime, zone: tzinfo) -> datetime:
    """In UTC, without fractions. A time alone is today's, be it over or not."""
    try:
        if re.fullmatch(r"\d{1,2}:\d{2}(:\d{2})?", typed):
            today = now.astimezone(zone).date()
            found = datetime.combine(today, time.fromisoformat(typed.zfill(5)), zone)
        else:
            found = datetime.fromisoformat(typed)
        local = found if found.tzinfo else found.replace(tzinfo=zone)
        return local.astimezone(UTC).replace(microsecond=0)
    except (ValueError, OverflowError):
        example = f"{now.astimezone(zone):%Y-%m-%d} 18:30"
        raise Malformed(f"{option} {typed}: no such time; write 18:30, '{example}' or 2026-06-01T16:30:00Z") from None


def read_span(typed: str, option: str) -> timedelta:
    """More than nothing."""
    parts = re.findall(r"(\d+)([dhms])", typed)
    seconds = sum(int(number) * UNITS_S[unit] for number, unit in parts)
    if "".join(map("".join, parts)) != typed or not 0 < seconds <= LONGEST_S:
        raise Malformed(f"{option} {typed}: no such span; write 90s, 30m, 1h30m or 2d")
    return timedelta(seconds=seconds)
