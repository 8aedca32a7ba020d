"""Rule: where a SunSpec meter stands among a device's registers, and what it says.

A device begins with a marker and goes on with models, each a number, a length and so many registers. Meters are the
models 201 to 204, whole numbers with powers of ten beside them, and 211 to 214, the same as float32. Power is import
positive by most makers (SolarEdge has it the other way: scale = -1); currents take the sign of their phase's power.
"""

from __future__ import annotations

import struct
from math import isnan
from typing import TYPE_CHECKING

import msgspec

from tinyocpp.measuring import CURRENTS
from tinyocpp.meters import MeterTrouble

if TYPE_CHECKING:
    from collections.abc import Callable

    Read = Callable[[int, int], list[int] | None]
    """Holding registers: address and count; None where there are none."""

MARKER = [0x5375, 0x6E53]  # "SunS"
BASES = (40000, 50000, 0)
END = 0xFFFF
MOST_MODELS = 60
NOT_THERE = 0x8000  # what a whole number says that is not measured

WHOLE = range(201, 205)
FLOAT = range(211, 215)
SINGLE_PHASE = (201, 211)
# Offsets from the number of the model on.
WHOLE_A, WHOLE_A_SCALE, WHOLE_W, WHOLE_W_SCALE, WHOLE_READ = (3, 4, 5), 6, (18, 19, 20, 21), 22, 23
FLOAT_A, FLOAT_W, FLOAT_READ = (4, 6, 8), (28, 30, 32, 34), 36


class Model(msgspec.Struct, frozen=True):
    """A meter that was found."""

    number: int
    address: int


def find_meter(read: Read) -> Model | None:
    """The first there is."""
    for base in BASES:
        if read(base, 2) != MARKER:
            continue
        address = base + 2
        for _ in range(MOST_MODELS):
            head = read(address, 2)
            if head is None or head[0] == END:
                break
            if head[0] in WHOLE or head[0] in FLOAT:
                return Model(head[0], address)
            address += 2 + head[1]
    return None


def figures(model: Model, read: Read, plain: str) -> dict[str, float]:
    """Power as `plain`, and for the grid the currents. MeterTrouble: it is no longer there, or measures no power."""
    words = read(model.address, WHOLE_READ if model.number in WHOLE else FLOAT_READ)
    if words is None or words[0] != model.number:
        raise MeterTrouble(f"SunSpec model {model.number} is no longer at {model.address}")
    watts, amperes = _whole(words) if model.number in WHOLE else _float(words)
    power_w = watts[0]
    if power_w is None:
        raise MeterTrouble(f"SunSpec model {model.number} measures no power")
    if model.number in SINGLE_PHASE:
        watts, amperes = [power_w, power_w, 0.0, 0.0], [amperes[0], 0.0, 0.0]
    signed = [_signed(ampere, watt) for ampere, watt in zip(amperes, watts[1:], strict=True)]
    currents = {name: value for name, value in zip(CURRENTS, signed, strict=True) if value is not None}
    return {plain: power_w, **(currents if plain == "grid_w" else {})}


def _whole(words: list[int]) -> tuple[list[float | None], list[float | None]]:
    def scaled(offsets: tuple[int, ...], scale_at: int) -> list[float | None]:
        power = _int16(words[scale_at]) or 0
        values = [_int16(words[offset]) for offset in offsets]
        return [None if value is None else value * 10.0**power for value in values]

    return scaled(WHOLE_W, WHOLE_W_SCALE), scaled(WHOLE_A, WHOLE_A_SCALE)


def _float(words: list[int]) -> tuple[list[float | None], list[float | None]]:
    def value(offset: int) -> float | None:
        found: float = struct.unpack(">f", struct.pack(">2H", *words[offset : offset + 2]))[0]
        return None if isnan(found) else found

    return [value(offset) for offset in FLOAT_W], [value(offset) for offset in FLOAT_A]


def _int16(word: int) -> int | None:
    return None if word == NOT_THERE else word - 0x10000 if word > 0x7FFF else word


def _signed(current_a: float | None, power_w: float | None) -> float | None:
    if current_a is None or power_w is None:
        return current_a
    return abs(current_a) if power_w >= 0 else -abs(current_a)
