"""What a charger did that the standard forbids, in a form that can be recorded and shown."""

from __future__ import annotations

from enum import StrEnum

import msgspec

SHOWN_LENGTH = 80

_encoder = msgspec.json.Encoder(decimal_format="number")


class OddityKind(StrEnum):
    """Of a frame the first four, of a payload the others."""

    BROKEN_JSON = "broken_json"  # repaired
    FRAME_SHAPE = "frame_shape"  # elements missing, too many or of the wrong type
    UNREADABLE = "unreadable"  # at most its id and action could be made out
    IGNORED = "ignored"  # not a frame of 1.6: no answer is due (OCPP-J 4.1.3)
    NOT_AN_OBJECT = "not_an_object"
    UNKNOWN_FIELD = "unknown_field"
    FIELD_NAME = "field_name"  # of another case
    MISSING = "missing"  # a required field
    NULL = "null"  # or an empty text where a value belongs: taken as not sent
    TYPE = "type"  # a number as text, one thing instead of a list of things
    TOO_LONG = "too_long"  # kept whole
    SPELLING = "spelling"  # a word of a closed set in another spelling, or another word
    TIME = "time"
    VALUE = "value"  # no sense could be made of it
    DROPPED = "dropped"  # an entry of a list without what makes it one


class Oddity(msgspec.Struct, frozen=True):
    """The detail names the field by its path, and what was there, shortened."""

    kind: OddityKind
    detail: str


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
