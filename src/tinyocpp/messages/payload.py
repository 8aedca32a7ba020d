"""What every payload of OCPP 1.6-J is made of: the base struct, the scalar types, strict decoding and encoding.

Strict means: what the standard forbids is refused, with the CALLERROR code the standard has for it. What a charger
may have meant all the same is no question for this module, see leniency. Field names are snake_case here and
camelCase on the wire; the order of the fields is the order of the published schemas, for some receivers and test kits
match raw text.
"""

from __future__ import annotations

import functools
import re
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar, cast, dataclass_transform

import msgspec
from msgspec import Meta

from tinyocpp.errors import ProtocolFault
from tinyocpp.messages.frames import DESCRIPTION_LENGTH, ErrorCode

CiString20 = Annotated[str, Meta(max_length=20)]
CiString25 = Annotated[str, Meta(max_length=25)]
CiString50 = Annotated[str, Meta(max_length=50)]
CiString255 = Annotated[str, Meta(max_length=255)]
CiString500 = Annotated[str, Meta(max_length=500)]
IdToken = CiString20  # an idTag; compared without regard to case (section 7.28)
Int = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]  # the standard sets no bound; what stores and sums them does
Timestamp = Annotated[datetime, Meta(tz=True)]


class _PayloadMeta(msgspec.StructMeta):
    """Hands kw_only down to subclasses: the one option that a Struct does not inherit."""

    def __new__(mcls, name: str, bases: tuple[type, ...], body: dict[str, object], **options: Any) -> type:
        return super().__new__(mcls, name, bases, body, **{"kw_only": True, **options})


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(msgspec.field,))
class Payload(
    msgspec.Struct,
    metaclass=_PayloadMeta,
    frozen=True,
    omit_defaults=True,
    rename="camel",
    forbid_unknown_fields=True,
):
    """Base of every request, answer and structure. An optional field that is None does not go on the wire."""


P = TypeVar("P", bound=Payload)

_encoder = msgspec.json.Encoder()

_FAULTS = (  # how msgspec words a refusal, as a pattern, and the code it stands for; the first match counts
    (r"Object missing required field", ErrorCode.PROTOCOL_ERROR),
    (r"Object contains unknown field", ErrorCode.FORMATION_VIOLATION),
    (r"Expected `array` of length", ErrorCode.OCCURENCE_CONSTRAINT_VIOLATION),
    (r"Expected `object`, got `\w+`$", ErrorCode.FORMATION_VIOLATION),  # no path: the payload itself
    (r"Expected `[^`]+`, got `", ErrorCode.TYPE_CONSTRAINT_VIOLATION),
    (r"", ErrorCode.PROPERTY_CONSTRAINT_VIOLATION),  # length, range, enum, date-time, decimals
)


def decode_payload(type_: type[P], raw: bytes | msgspec.Raw) -> P:
    """The payload as its type. Raises ProtocolFault, naming the field, for anything the standard does not allow."""
    try:
        return cast("P", _decoder(type_).decode(raw))
    except msgspec.ValidationError as refusal:
        if bytes(raw).strip() == b"null":  # an equal notation for no payload (OCPP-J 4.2.1)
            return decode_payload(type_, b"{}")
        text = str(refusal)
        code = next(code for wording, code in _FAULTS if re.match(wording, text))
        raise ProtocolFault(code, text[:DESCRIPTION_LENGTH]) from None
    except (msgspec.DecodeError, UnicodeError) as broken:
        raise ProtocolFault(ErrorCode.FORMATION_VIOLATION, str(broken)[:DESCRIPTION_LENGTH]) from None


@functools.cache
def _decoder(type_: type[P]) -> msgspec.json.Decoder[P]:
    return msgspec.json.Decoder(type_)


def encode_payload(payload: Payload) -> bytes:
    """Compact JSON, fields in the order of the schema."""
    return _encoder.encode(payload)


def at_most_one_decimal(name: str, value: float | None) -> None:
    """Refuse a limit finer than 0.1 (section 7.13). Not `% 0.1`: binary floats refuse 0.3 and 8.1 that way."""
    if value is not None and value != round(value, 1):
        raise ValueError(f"Expected `{name}` with at most one decimal, got {value!r}")


def utc(moment: datetime) -> datetime:
    """The same instant in UTC. Never fails: what leaves the calendar on the way keeps its figures."""
    try:
        return moment.astimezone(UTC)
    except OverflowError:  # "0001-01-01T00:00:00+14:00" is a valid date-time, and any charger may send it
        return moment.replace(tzinfo=UTC)


def whole_seconds(moment: datetime) -> datetime:
    """A time of our own as it goes on the wire: `2026-06-01T12:00:00Z`. Some chargers fail on fractions or offsets."""
    return utc(moment).replace(microsecond=0)
