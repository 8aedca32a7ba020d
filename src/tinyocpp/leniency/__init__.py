"""What a charger meant by a frame that breaks the standard. A rule: functions of their arguments, no I/O, no clock.

`read_frame` makes a frame of a text, `mend` a payload of its bytes. Both try the strict way first and only then bend
the rules, and both say what they had to bend: an Oddity each, to be recorded beside the raw text. The numbers in the
comments (F1, S8, T2 ...) are those of docs/charger-quirks.md: every tolerance here has a charger that needs it.

    oddity    what is recorded                  values    one scalar: text, number, time, a word of a closed set
    repair    broken JSON into JSON             payload   a whole payload, and the tables of what stands in for what
    frame     the array around a payload        composite an answer that is read for what little it says

The strict way is in this file. The rest is imported when a charger first needs it, for most never do, and its tables
and patterns would make a backend's start a sixth longer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import msgspec

from tinyocpp.errors import ProtocolFault
from tinyocpp.leniency.oddity import LOSSES, Oddity, OddityKind, Reading
from tinyocpp.messages.frames import CallResult, decode_frame
from tinyocpp.messages.payload import Payload, decode_payload

if TYPE_CHECKING:
    from datetime import datetime, tzinfo

__all__ = ["LOSSES", "Oddity", "OddityKind", "Reading", "mend", "read_frame", "read_number"]

P = TypeVar("P", bound=Payload)

LONGEST_NUMBER = 30


def read_frame(text: str) -> Reading:
    """Never raises. Without a frame there is nothing to answer; without an oddity either there was nothing said."""
    try:
        frame = decode_frame(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        from tinyocpp.leniency.frame import read_broken

        return read_broken(text)
    if bytes(frame.message_id).startswith((b"[", b"{")):
        from tinyocpp.leniency.frame import without_id

        return without_id(frame.message_id)
    if isinstance(frame, CallResult) and not bytes(frame.payload).startswith(b"{"):
        from tinyocpp.leniency.frame import without_payload

        return without_payload(frame)
    return Reading(frame)


def mend(
    type_: type[P], raw: bytes | msgspec.Raw, *, received_at: datetime, zone: tzinfo, local: bool = False
) -> tuple[P, tuple[Oddity, ...]]:
    """The payload and what had to be bent: nothing, for one the standard allows. Bounds on lengths and numbers of items
    do not hold for what was mended. `zone` is where the charger stands; `local`: a time without one is of there.

    Raises the strict decoder's ProtocolFault where a required field has no row in FALLBACKS. What a charger sends by
    itself always has one, SignCertificate excepted.
    """
    try:
        return decode_payload(type_, raw), ()
    except ProtocolFault:
        from tinyocpp.leniency.payload import bend

        bent = bend(type_, bytes(raw), received_at, zone, local=local)
        if bent is None:
            raise
        return bent


def read_number(value: str) -> float | None:
    """The figure of a SampledValue, None if it is none: empty (S11), NaN, signed data."""
    whole, point, decimals = value.partition(".")
    if whole.isdigit() and (decimals.isdigit() or not point) and value.isascii() and len(value) <= LONGEST_NUMBER:
        return float(value)
    from tinyocpp.leniency.values import number

    found = number(value)
    return None if found is None else float(found)
