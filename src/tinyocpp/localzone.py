"""The owner's time zone: where local days begin and what a charger's clock without a zone may mean.

It is the one named in the configuration, else the system's. The system's is read as rules, not as today's offset, so
that a report in July is right about January. What cannot be understood is UTC, as in the C library.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

LOCALTIME = "/etc/localtime"


class LazyZone(tzinfo):
    """A zone that is looked up when first asked: most backends never do, and zoneinfo is a tenth of their start."""

    def __init__(self, find: Callable[[], tzinfo]) -> None:
        self._find = find
        self._found: tzinfo | None = None

    @property
    def _zone(self) -> tzinfo:
        if self._found is None:
            self._found = self._find()
        return self._found

    def utcoffset(self, moment: datetime | None) -> timedelta | None:
        return self._zone.utcoffset(moment)

    def dst(self, moment: datetime | None) -> timedelta | None:
        return self._zone.dst(moment)

    def tzname(self, moment: datetime | None) -> str | None:
        return self._zone.tzname(moment)

    def fromutc(self, moment: datetime) -> datetime:
        try:
            return self._zone.fromutc(moment.replace(tzinfo=self._zone)).replace(tzinfo=self)
        except OverflowError:  # 9999-12-31T23:59:59Z, as chargers and people write for "never"
            return moment

    def __str__(self) -> str:
        return str(self._zone)


def named_zone(name: str) -> tzinfo | None:
    """The zone of that name (Europe/Berlin), None if this system knows none."""
    from zoneinfo import ZoneInfo

    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError):  # OSError: the name of a folder of zones, such as Europe
        return None


def system_zone(tz: str | None, localtime: str = LOCALTIME) -> tzinfo:
    """What `$TZ` says (a name, a file or a POSIX rule; set but empty is UTC), else /etc/localtime, else UTC."""
    if tz is None:
        return _zone_file(localtime) or UTC
    tz = tz.removeprefix(":")
    if tz.startswith("/"):
        return _zone_file(tz) or UTC
    return (named_zone(tz) or _posix_rule(tz) or UTC) if tz else UTC


def _zone_file(path: str) -> tzinfo | None:
    from os.path import realpath
    from zoneinfo import ZoneInfo

    try:
        with open(path, "rb") as file:
            return ZoneInfo.from_file(file, key=realpath(path).rpartition("zoneinfo/")[2])
    except (ValueError, OSError):
        return None


def _posix_rule(rule: str) -> tzinfo | None:
    """A zone such as CET-1CEST,M3.5.0,M10.5.0/3: what routers and small systems set. zoneinfo reads such a rule only as
    the last line of a zone file (RFC 8536, section 3.3), so it is given one that says nothing else."""
    from io import BytesIO
    from struct import pack
    from zoneinfo import ZoneInfo

    nothing = b"TZif2" + bytes(15) + pack(">6l", 0, 0, 0, 0, 1, 4) + pack(">lbb", 0, 0, 0) + b"UTC\0"
    try:
        return ZoneInfo.from_file(BytesIO(nothing * 2 + b"\n" + rule.encode("ascii") + b"\n"), key=rule)
    except ValueError:
        return None
