"""A payload that the standard forbids into its type, field by field: the second half of leniency.

The tables say what stands in for what a charger left out. None of them invents energy, a tag or a transaction: NO_TIME
and NO_REGISTER are what the rules call implausible, transaction 0 is nobody's (X1), and the empty tag is for the
configuration to name (X17).
"""

from __future__ import annotations

import functools
from contextlib import suppress
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

import msgspec
from msgspec import inspect

from tinyocpp.leniency import values
from tinyocpp.leniency.oddity import Oddity, OddityKind, broken, shown
from tinyocpp.leniency.repair import repair
from tinyocpp.messages.core import (
    Authorize,
    ChargePointErrorCode,
    ChargePointStatus,
    DataTransfer,
    MeterValues,
    StartTransaction,
    StatusNotification,
    StopTransaction,
)
from tinyocpp.messages.core_boot import BootNotification
from tinyocpp.messages.core_central import KeyValue
from tinyocpp.messages.firmware import (
    DiagnosticsStatus,
    DiagnosticsStatusNotification,
    FirmwareStatus,
    FirmwareStatusNotification,
)
from tinyocpp.messages.payload import Payload, Timestamp
from tinyocpp.messages.samples import Measurand, MeterValue, Phase, SampledValue, ValueFormat
from tinyocpp.messages.security import (
    LogStatusNotification,
    SecurityEventNotification,
    SignedFirmwareStatus,
    SignedFirmwareStatusNotification,
    UploadLogStatus,
)

if TYPE_CHECKING:
    from collections.abc import Callable

NO_TIME = datetime(1970, 1, 1, tzinfo=UTC)
NO_REGISTER = -1

FALLBACKS: dict[tuple[type[Payload], str], object] = {
    (Authorize, "id_tag"): "",
    (BootNotification, "charge_point_vendor"): "",
    (BootNotification, "charge_point_model"): "",
    (DataTransfer, "vendor_id"): "",
    (MeterValues, "connector_id"): 0,
    (MeterValues, "meter_value"): (),
    (StartTransaction, "connector_id"): 0,
    (StartTransaction, "id_tag"): "",
    (StartTransaction, "meter_start"): NO_REGISTER,
    (StartTransaction, "timestamp"): NO_TIME,
    (StatusNotification, "connector_id"): 0,
    (StatusNotification, "error_code"): ChargePointErrorCode.NO_ERROR,
    (StatusNotification, "status"): ChargePointStatus.UNAVAILABLE,  # the one that neither starts nor ends anything
    (StopTransaction, "meter_stop"): NO_REGISTER,
    (StopTransaction, "timestamp"): NO_TIME,
    (StopTransaction, "transaction_id"): 0,
    (DiagnosticsStatusNotification, "status"): DiagnosticsStatus.IDLE,
    (FirmwareStatusNotification, "status"): FirmwareStatus.IDLE,
    (LogStatusNotification, "status"): UploadLogStatus.IDLE,
    (SecurityEventNotification, "type"): "",
    (SecurityEventNotification, "timestamp"): NO_TIME,
    (SignedFirmwareStatusNotification, "status"): SignedFirmwareStatus.IDLE,
    (MeterValue, "timestamp"): NO_TIME,
    (MeterValue, "sampled_value"): (),  # S10
    (KeyValue, "readonly"): False,
}
"""What a required field holds that was not sent or makes no sense. Without a row its structure cannot be mended."""

DECISIVE: frozenset[tuple[type[Payload], str]] = frozenset(
    (SampledValue, name) for name in ("measurand", "phase", "location", "unit")
)
"""Optional fields whose absence has a meaning: unread, they take their structure with them. A sample in "MWh" is not
one in Wh, and one of the house's own meter is not the outlet's."""

ROUNDED = frozenset({"meterStart", "meterStop"})
MAX_ODDITIES = 20
"""Of one payload; the raw text is kept beside them."""
TIMES_TOO_LONG = 10
"""A text longer than the standard has it is kept whole, up to so many times: a vendor's name is no megabyte."""
MAX_ENTRIES = 3_000
"""So many entries of the lists of one payload are mended, eight hours of six samples a minute: whoever else is
connected waits for it. Of more the newest are read, as the register stands in them."""
MAX_COMMAS = 150_000
"""No megabyte of samples has more; what has is nonsense, of which only the beginning is read."""

P = TypeVar("P", bound=Payload)
NOTHING: Final = msgspec.UNSET

_loose = msgspec.json.Decoder(float_hook=Decimal)


def bend(
    type_: type[P], raw: bytes, received_at: datetime, zone: tzinfo, *, local: bool
) -> tuple[P, tuple[Oddity, ...]] | None:
    """What `leniency.mend` gives for a payload the strict decoder has refused; None where nothing stands in for a
    required field."""
    mender = _Mender(functools.partial(values.moment, received_at=received_at, zone=zone, local=local))
    payload = mender.structure(_shape(type_), mender.json(raw), "")
    return None if payload is NOTHING else (cast("P", payload), tuple(mender.oddities))


@functools.cache
def _shape(type_: type[Payload]) -> inspect.StructType:
    return cast("inspect.StructType", inspect.type_info(type_))


class _Mender:
    """Reads values as types. What it returns is NOTHING where no sense could be made of it."""

    def __init__(self, read_moment: Callable[[object], datetime | None]) -> None:
        self.oddities: list[Oddity] = []
        self._read_moment = read_moment
        self._entries = MAX_ENTRIES  # that may still be read
        self._newest_first = False  # where not all may be read
        self._cut = False

    def note(self, kind: OddityKind, path: str, words: str = "", *values: object) -> None:
        """The values are shown in the words, where it is kept: showing all would take longer than mending them."""
        if len(self.oddities) < MAX_ODDITIES:
            self.oddities.append(Oddity(kind, f"{path}: {words % tuple(map(shown, values))}" if words else path))

    def _note_cut(self, path: str) -> None:
        """Once, and in any case."""
        if not self._cut:
            self._cut = True
            self.oddities[MAX_ODDITIES - 1 :] = [Oddity(OddityKind.DROPPED, f"{path}: too many entries to mend")]

    def json(self, raw: bytes) -> object:
        commas = raw.count(b",")
        self._newest_first = commas >= MAX_ENTRIES
        if commas <= MAX_COMMAS:
            with suppress(msgspec.MsgspecError, UnicodeError, RecursionError, ArithmeticError):
                return _loose.decode(raw)
        repaired, faults = repair(raw.decode("utf-8", "replace"))
        try:
            value = _loose.decode(repaired)
        except msgspec.MsgspecError:
            return raw.decode("utf-8", "replace")
        self.oddities.append(broken(faults))
        return value

    def structure(self, shape: inspect.StructType, value: object, path: str) -> object:
        if not isinstance(value, dict):
            self.note(OddityKind.NOT_AN_OBJECT, path or "payload", "%s", value)
            if path:
                return NOTHING
            value = {}
        given = self._given(shape, value, path)
        if shape.cls is SampledValue:
            self._split_measurand(given, path)
        read = {field.name: self._field(shape.cls, field, given, path) for field in shape.fields}
        if shape.cls is SampledValue and not _is_sample(read):
            read["value"] = NOTHING
        if any(content is NOTHING for content in read.values()):
            self.note(OddityKind.DROPPED, path or "payload", "%s", value)
            return NOTHING
        return shape.cls(**read)

    def _given(self, shape: inspect.StructType, value: dict[str, object], path: str) -> dict[str, object]:
        """What was sent, under the names of the standard."""
        names = {field.encode_name.lower(): field.encode_name for field in shape.fields}
        given: dict[str, object] = {}
        for key, content in value.items():
            name = names.get(key.lower())
            if name is None:
                self.note(OddityKind.UNKNOWN_FIELD, _join(path, shown(key)[1:-1]), "%s", content)  # S21
            elif name == key:
                given[name] = content
            else:
                self.note(OddityKind.FIELD_NAME, _join(path, name), "sent as %s", key)
                given.setdefault(name, content)
        return given

    def _split_measurand(self, given: dict[str, object], path: str) -> None:
        """`Current.Import.L1` is a measurand and a phase (S15)."""
        text = given.get("measurand")
        if not isinstance(text, str) or values.choice(Measurand, text) is not None:
            return
        measurand, _, phase = text.rpartition(".")
        if values.choice(Measurand, measurand) is None or values.choice(Phase, phase) is None:
            return
        self.note(OddityKind.SPELLING, _join(path, "measurand"), "%s", text)
        given["measurand"] = measurand
        given.setdefault("phase", phase)

    def _field(self, owner: type[Any], field: inspect.Field, given: dict[str, object], path: str) -> object:
        where = _join(path, field.encode_name)
        raw = given.get(field.encode_name, NOTHING)
        type_ = field.type
        if isinstance(type_, inspect.UnionType):  # of the type and None
            type_ = type_.types[0]
        if raw is None or (not field.required and _says_nothing(type_, raw)):
            self.note(OddityKind.NULL, where, "%s", raw)
            raw = NOTHING
        if raw is not NOTHING:
            value = self._read(type_, raw, where)
            if value is not NOTHING or (owner, field.name) in DECISIVE:
                return value
        if not field.required:
            return None
        self.note(OddityKind.MISSING, where)
        return FALLBACKS.get((owner, field.name), NOTHING)

    def _read(self, type_: inspect.Type, raw: object, where: str) -> object:
        match type_:
            case inspect.StructType():
                return self.structure(type_, raw, where)
            case inspect.VarTupleType():
                return self._array(type_, raw, where)
            case inspect.StrType():
                return self._text(type_.max_length, raw, where)
            case inspect.EnumType():
                return self._scalar(OddityKind.SPELLING, values.choice(type_.cls, raw), raw, where)
            case inspect.IntType():
                value = values.integer(raw, rounded=where in ROUNDED)
                return self._scalar(OddityKind.TYPE, value, raw, where)
            case inspect.FloatType():
                return self._scalar(OddityKind.TYPE, values.decimal(raw), raw, where)
            case inspect.BoolType():
                return self._scalar(OddityKind.TYPE, values.boolean(raw), raw, where)
        return self._moment(raw, where)

    def _scalar(self, kind: OddityKind, value: object | None, raw: object, where: str) -> object:
        if value is None:
            self.note(OddityKind.VALUE, where, "%s", raw)
            return NOTHING
        if value != raw or isinstance(value, bool) != isinstance(raw, bool):
            self.note(kind, where, "%s, read as %s", raw, value)
        return value

    def _text(self, max_length: int | None, raw: object, where: str) -> object:
        value = self._scalar(OddityKind.TYPE, values.text(raw), raw, where)
        if isinstance(value, str) and max_length is not None and len(value) > max_length:
            self.note(OddityKind.TOO_LONG, where, "%s characters, %s allowed", len(value), max_length)
            return value[: max_length * TIMES_TOO_LONG]
        return value

    def _moment(self, raw: object, where: str) -> object:
        try:
            return msgspec.convert(raw, Timestamp)
        except msgspec.ValidationError:
            return self._scalar(OddityKind.TIME, self._read_moment(raw), raw, where)

    def _array(self, type_: inspect.VarTupleType, raw: object, where: str) -> object:
        if not isinstance(raw, list):
            self.note(OddityKind.TYPE, where, "%s, read as a list of it", raw)  # S9
            raw = [raw]
        if not raw and type_.min_length:
            self.note(OddityKind.MISSING, where, "an empty list")
        if self._newest_first:
            return self._newest(type_, raw, where)
        items = (self._read(type_.item_type, item, f"{where}[{index}]") for index, item in enumerate(raw))
        return tuple(item for item in items if item is not NOTHING)

    def _newest(self, type_: inspect.VarTupleType, raw: list[object], where: str) -> object:
        """The end of a list too long to be read whole."""
        items: list[object] = []
        for index in reversed(range(len(raw))):
            if self._entries == 0:
                self._note_cut(f"{where}[0..{index}]")
                break
            self._entries -= 1
            items.append(self._read(type_.item_type, raw[index], f"{where}[{index}]"))
        return tuple(item for item in reversed(items) if item is not NOTHING)


def _is_sample(read: dict[str, object]) -> bool:
    """Whether the value is one: not empty (S11), not NaN. Signed data is kept byte for byte, whatever it is."""
    text = read["value"]
    if not isinstance(text, str) or read["format"] is ValueFormat.SIGNED_DATA:
        return text is not NOTHING
    if values.number(text) is not None:
        read["value"] = text.strip().replace(",", ".")  # S12
    return text.strip().lower().lstrip("+-") not in values.NOTHING_SAID | {"nan", "inf", "infinity"}


def _says_nothing(type_: inspect.Type, raw: object) -> bool:
    """An empty text is a text, but no number, time or word of a set. As a measurand it would mean energy: not that."""
    if isinstance(type_, inspect.StrType) or (isinstance(type_, inspect.EnumType) and type_.cls is Measurand):
        return False
    return isinstance(raw, str) and raw.strip().lower() in values.NOTHING_SAID


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
