"""The three frames of OCPP-J: CALL, CALLRESULT and CALLERROR (OCPP-J 4.2).

A message id is kept in its own JSON spelling, so that a charger that numbers its calls gets its number back. Payloads
stay raw until the action is known. A payload, a description or details may be missing; everything else that breaks
the standard is refused here, and given another chance in leniency.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

DESCRIPTION_LENGTH = 255  # errorDescription (OCPP-J 4.2.3)


class ErrorCode(StrEnum):
    """The codes of a CALLERROR (OCPP-J 4.2.3). Two are misspelt in 1.6 and stay so: chargers compare them."""

    NOT_IMPLEMENTED = "NotImplemented"  # the action is unknown here
    NOT_SUPPORTED = "NotSupported"  # the action is known, but not offered
    INTERNAL_ERROR = "InternalError"
    PROTOCOL_ERROR = "ProtocolError"  # the payload is incomplete
    SECURITY_ERROR = "SecurityError"
    FORMATION_VIOLATION = "FormationViolation"  # 2.x: FormatViolation
    PROPERTY_CONSTRAINT_VIOLATION = "PropertyConstraintViolation"
    OCCURENCE_CONSTRAINT_VIOLATION = "OccurenceConstraintViolation"  # 2.x: Occurrence...
    TYPE_CONSTRAINT_VIOLATION = "TypeConstraintViolation"
    GENERIC_ERROR = "GenericError"

    @classmethod
    def read(cls, text: str) -> ErrorCode:
        """The code a peer means: either spelling of the doubtful two, GenericError for what nobody defined."""
        try:
            return cls(_OTHER_SPELLINGS.get(text, text))
        except ValueError:
            return cls.GENERIC_ERROR


_OTHER_SPELLINGS = {
    "FormatViolation": "FormationViolation",
    "OccurrenceConstraintViolation": "OccurenceConstraintViolation",
}


EMPTY = msgspec.Raw(b"{}")


class Call(msgspec.Struct, frozen=True, array_like=True, tag=2):
    """Either side asks."""

    message_id: msgspec.Raw
    action: str
    payload: msgspec.Raw = EMPTY


class CallResult(msgspec.Struct, frozen=True, array_like=True, tag=3):
    """The answer, also when it is no."""

    message_id: msgspec.Raw
    payload: msgspec.Raw = EMPTY


class CallError(msgspec.Struct, frozen=True, array_like=True, tag=4):
    """The call could not be handled. The code is what was sent; `ErrorCode.read` says what it means."""

    message_id: msgspec.Raw
    error_code: str
    error_description: str = ""
    error_details: msgspec.Raw = EMPTY


Frame = Call | CallResult | CallError

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[Frame] = msgspec.json.Decoder(Frame)


def decode_frame(text: str | bytes) -> Frame:
    """Raises what msgspec raises: MsgspecError, UnicodeError, RecursionError for what is nested too deep."""
    return _decoder.decode(text)


def encode_call(message_id: str, action: str, payload: bytes) -> str:
    """The payload goes out as typed, less the white space between its tokens: a line protocol carries it too."""
    compact = msgspec.json.format(payload, indent=-1)
    return _text(Call(msgspec.Raw(_encoder.encode(message_id)), action, msgspec.Raw(compact)))


def encode_result(message_id: msgspec.Raw, payload: msgspec.Struct | bytes) -> str:
    """Answer the call that came with this id."""
    raw = payload if isinstance(payload, bytes) else _encoder.encode(payload)
    return _text(CallResult(message_id, msgspec.Raw(raw)))


def encode_error(message_id: msgspec.Raw, code: ErrorCode, description: str, details: bytes = b"{}") -> str:
    """Refuse the call that came with this id. Details must be an object (OCPP-J 4.2.3)."""
    return _text(CallError(message_id, code, description[:DESCRIPTION_LENGTH], msgspec.Raw(details)))


def _text(frame: Frame) -> str:
    return _encoder.encode(frame).decode()
