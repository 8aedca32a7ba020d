"""One scalar a charger sent, read as what its field should hold. None: no sense can be made of it.

What comes in is what a JSON decoder gives, with Decimal for every number that is not whole: such a number keeps its
spelling. Nothing is guessed here that could be booked: a unit or a word nobody knows stays unread.
"""

from __future__ import annotations

import functools
import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from enum import Enum
from typing import TypeVar, cast

from tinyocpp.leniency.oddity import as_json
from tinyocpp.messages.core import ChargePointErrorCode, ChargePointStatus, DataTransferStatus, Reason
from tinyocpp.messages.core_central import (
    AvailabilityStatus,
    ClearCacheStatus,
    ConfigurationStatus,
    RemoteStartStopStatus,
    ResetStatus,
    UnlockStatus,
)
from tinyocpp.messages.local_list import UpdateStatus
from tinyocpp.messages.remote_trigger import TriggerMessageStatus
from tinyocpp.messages.reservation import CancelReservationStatus, ReservationStatus
from tinyocpp.messages.samples import ReadingContext, UnitOfMeasure
from tinyocpp.messages.smart_charging import (
    ChargingProfileStatus,
    ClearChargingProfileStatus,
    GetCompositeScheduleStatus,
)

E = TypeVar("E", bound=Enum)

NOTHING_SAID = frozenset({"", "null", "none", "n/a"})
"""What chargers write where they have nothing to write (S5)."""

SPELLINGS: dict[type[Enum], dict[str, Enum]] = {
    # An OCPP 1.5 charger knows no more than this (S24). Not Charging: that would say energy flows.
    ChargePointStatus: {"occupied": ChargePointStatus.PREPARING},
    ChargePointErrorCode: {"none": ChargePointErrorCode.NO_ERROR, "ok": ChargePointErrorCode.NO_ERROR},
    UnitOfMeasure: {  # S14. Not "MWh": nobody knows whether milli or mega is meant
        "hz": UnitOfMeasure.HERTZ,
        "%": UnitOfMeasure.PERCENT,
        "c": UnitOfMeasure.CELSIUS,
        "°c": UnitOfMeasure.CELSIUS,
        "°f": UnitOfMeasure.FAHRENHEIT,
    },
}
"""Words for members of a closed set that do not differ in case or punctuation alone."""

OTHERWISE: dict[type[Enum], Enum] = {
    type(member): member
    for member in (
        ChargePointErrorCode.OTHER_ERROR,  # S4: Legrand says "Error"
        Reason.OTHER,
        ReadingContext.OTHER,  # S13
        # An answer in a word that is none of the standard's is no consent: EM2GO says "NotImplemented" (F14).
        AvailabilityStatus.REJECTED,
        CancelReservationStatus.REJECTED,
        ChargingProfileStatus.REJECTED,
        ClearCacheStatus.REJECTED,
        ClearChargingProfileStatus.UNKNOWN,
        ConfigurationStatus.REJECTED,
        DataTransferStatus.REJECTED,
        GetCompositeScheduleStatus.REJECTED,
        RemoteStartStopStatus.REJECTED,
        ReservationStatus.REJECTED,
        ResetStatus.REJECTED,
        TriggerMessageStatus.REJECTED,
        UnlockStatus.UNLOCK_FAILED,
        UpdateStatus.FAILED,
    )
}
"""What a word stands for that is no member, where the set has a member for that."""

_NUMBER = re.compile(r"\s*([+-]?\d{1,30})(?:[.,](\d{0,30}))?(?:[eE]([+-]?\d{1,3}))?\s*", re.ASCII)
_TIME = re.compile(
    r"\s*(?P<date>\d{4}-\d\d-\d\d)[T ](?P<hour>\d\d):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:[.,](?P<fraction>\d+))?)?"
    r"\s*(?:(?P<utc>Z)|(?P<sign>[+-])(?P<hours>\d\d)(?::?(?P<minutes>\d\d))?)?\s*",
    re.ASCII | re.IGNORECASE,
)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_SIGNIFICANT = re.compile(r"[^0-9a-z%°]+")
_BOOLEANS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


def text(raw: object) -> str | None:
    """A number keeps its spelling (S8), a structure becomes its JSON text (DataTransfer of many vendors)."""
    match raw:
        case None:
            return None
        case str():
            return _CONTROL.sub("", raw)  # F5
        case bool() | dict() | list():
            return as_json(raw)
    return str(raw)


def number(raw: object) -> Decimal | None:
    """Finite, and of a size that can be worked with. Takes `"  3.20"` and `"3,20"` (S12)."""
    match raw:
        case bool():
            return None
        case int() | Decimal():
            raw = str(raw)
    found = _NUMBER.fullmatch(raw) if isinstance(raw, str) else None
    return None if found is None else Decimal(f"{found[1]}.{found[2] or 0}e{found[3] or 0}")


def integer(raw: object, *, rounded: bool = False) -> int | None:
    """Whole and of at most 64 bits (X5). A register may be rounded; 12.7 is the number of no transaction."""
    found = number(raw)
    if found is None or abs(found) >= 2**63 or not (rounded or found == found.to_integral_value()):
        return None
    return round(found)


def decimal(raw: object) -> float | None:
    """With one decimal, as everything in the standard that is not whole (section 7.13)."""
    found = number(raw)
    return None if found is None or abs(found) >= 2**63 else round(float(found), 1)


def boolean(raw: object) -> bool | None:
    """S16: `"true"` and 1."""
    return _BOOLEANS.get((text(raw) or "").strip().lower())


def choice(enum: type[E], raw: object) -> E | None:
    """The member whose spelling differs in case and punctuation at most, else what the tables say."""
    if not isinstance(raw, str):
        return None
    spellings = _spellings(enum)
    found = spellings.get(raw) or spellings.get(_folded(raw))
    if found is None and raw.strip().lower() not in NOTHING_SAID:
        found = OTHERWISE.get(enum)
    return cast("E | None", found)


@functools.cache
def _spellings(enum: type[Enum]) -> dict[str, Enum]:
    as_written = {str(member.value): member for member in enum}
    return SPELLINGS.get(enum, {}) | {_folded(word): member for word, member in as_written.items()} | as_written


def _folded(word: str) -> str:
    return _SIGNIFICANT.sub("", word.lower())


def moment(raw: object, received_at: datetime, zone: tzinfo, *, local: bool = False) -> datetime | None:
    """An instant, however written (T1 to T5): without a zone it is UTC or the owner's, whichever is nearer to now; or
    certainly `local`."""
    found = _TIME.fullmatch(raw) if isinstance(raw, str) else None
    if found is None:
        return None
    try:
        there = _local(found)
        if found["utc"] or found["sign"]:
            return there.replace(tzinfo=_offset(found))
        meant = [there.replace(tzinfo=one).astimezone(UTC) for one in ((zone,) if local else (UTC, zone))]
    except (ValueError, OverflowError):  # the 32nd, or out of the calendar
        return None
    return min(meant, key=lambda candidate: abs(candidate - received_at))


def _local(found: re.Match[str]) -> datetime:
    """24:00 is the end of the day, a leap second the second before it."""
    hour = int(found["hour"])
    moment = datetime.fromisoformat(found["date"]).replace(
        hour=hour if hour != 24 else 0,
        minute=int(found["minute"]),
        second=min(int(found["second"] or 0), 59),
        microsecond=int((found["fraction"] or "0")[:6].ljust(6, "0")),
    )
    return moment + timedelta(days=hour == 24)


def _offset(found: re.Match[str]) -> timezone:
    if found["utc"]:
        return UTC
    offset = timedelta(hours=int(found["hours"]), minutes=int(found["minutes"] or 0))
    return timezone(-offset if found["sign"] == "-" else offset)
