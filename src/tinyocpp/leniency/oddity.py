"""What a charger did that the standard forbids, in a form that can be recorded and shown."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from tinyocpp.messages.frames import Frame

SHOWN_LENGTH = 80
CUT_OFF = "cut off"  # one of the faults that repair names

_encoder = msgspec.json.Encoder(decimal_format="number")


class OddityKind(StrEnum):
    """Of a frame the first five, of a payload the next."""

    BROKEN_JSON = "broken_json"  # repaired
    CUT_OFF = "cut_off"  # and what ran into the cut left out
    FRAME_SHAPE = "frame_shape"  # elements missing, too many or of the wrong type
    UNREADABLE = "unreadable"  # at most its id and action could be made out
    IGNORED = "ignored"  # not a frame of 1.6: no answer is due (OCPP-J 4.1.3)
    NOT_AN_OBJECT = "not_an_object"
    UNKNOWN_FIELD = "unknown_field"
    FIELD_NAME = "field_name"  # of another case
    MISSING = "missing"  # a required field, or any sense in it: what it holds now is our stand-in
    NULL = "null"  # or an empty text where a value belongs: taken as not sent
    TYPE = "type"  # a number as text, one thing instead of a list of things
    TOO_LONG = "too_long"  # kept whole, within reason
    SPELLING = "spelling"  # a word of a closed set in another spelling, or another word
    TIME = "time"
    VALUE = "value"  # no sense could be made of it
    DROPPED = "dropped"  # an entry of a list without what makes it one
    # What the session and the handlers note: nothing is broken, but the owner may want to know.
    REFUSED = "refused"  # answered with a CALLERROR
    LATE_ANSWER = "late_answer"  # to a call we had given up
    STRAY_ANSWER = "stray_answer"  # to no call of ours
    UNKNOWN_TAG = "unknown_tag"  # the detail is the tag
    UNKNOWN_TRANSACTION = "unknown_transaction"
    NO_CERTIFICATE = "no_certificate"  # it asked for one; the detail is why it got none


LOSSES = frozenset(
    {
        OddityKind.CUT_OFF,
        OddityKind.UNREADABLE,
        OddityKind.IGNORED,
        OddityKind.NOT_AN_OBJECT,
        OddityKind.MISSING,
        OddityKind.VALUE,
        OddityKind.DROPPED,
        OddityKind.REFUSED,
        OddityKind.UNKNOWN_TAG,
        OddityKind.UNKNOWN_TRANSACTION,
    }
)
"""What the charger wanted to say got lost, or may matter, in part: only the raw text has it all. The other kinds are
habits of speech."""


class Oddity(msgspec.Struct, frozen=True):
    """The detail names the field by its path, and what was there, shortened."""

    kind: OddityKind
    detail: str


class Reading(msgspec.Struct, frozen=True):
    """What a text was read as. `unreadable`: the frame is a Call of which only id and action could be made out; its
    payload was not sent."""

    frame: Frame | None = None
    oddities: tuple[Oddity, ...] = ()
    unreadable: bool = False


def broken(faults: tuple[str, ...]) -> Oddity:
    """What `repair` had to do."""
    return Oddity(OddityKind.CUT_OFF if CUT_OFF in faults else OddityKind.BROKEN_JSON, ", ".join(faults))


def shown(value: object) -> str:
    """A value from outside, fit for one line: escaped and shortened."""
    text = repr(value) if isinstance(value, str) else as_json(value) or "nested too deep"
    return text if len(text) <= SHOWN_LENGTH else f"{text[: SHOWN_LENGTH - 3]}..."


def as_json(value: object) -> str | None:
    """None for what nests too deep to be written again from here."""
    try:
        return _encoder.encode(value).decode()
    except RecursionError:
        return None
