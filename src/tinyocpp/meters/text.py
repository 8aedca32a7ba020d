"""What a program prints or writes, as a Reading: a number, `key=value` pairs, or a JSON object.

    1234
    grid_w=1234 pv_w=3000 battery_soc=55
    {"grid_w": 1234, "l1_a": 5.2, "l2_a": 2.0, "l3_a": 1.1}

Keys are those of measuring.FIGURES, and `delay_s`: how old the figures are. Other keys are others' business. A null in
JSON is a figure that is not there.
"""

from __future__ import annotations

import re

import msgspec

from tinyocpp.errors import did_you_mean
from tinyocpp.measuring import FIGURES, Reading
from tinyocpp.meters import MeterTrouble

BETWEEN = re.compile(r"[\s,;]+")
SHOWN = 60  # of what could not be read


def read_text(text: str, plain: str) -> Reading:
    """`plain` is the figure that a bare number stands for. MeterTrouble: it is none of the three."""
    said = text.strip().removeprefix("\ufeff")
    if not said:
        raise MeterTrouble("is empty")
    if said.startswith("{"):
        return _of_pairs(_json_object(said), said)
    words = [word for word in BETWEEN.split(said) if word]
    if len(words) == 1 and "=" not in said:
        return Reading({plain: number(words[0])})
    if all("=" in word for word in words):
        pairs: dict[str, object] = {key: value for key, _, value in (word.partition("=") for word in words)}
        return _of_pairs(pairs, said)
    raise MeterTrouble(f"{shown(said)} is neither a number, nor key=value pairs, nor a JSON object")


def number(value: object) -> float:
    """What stands for a number; NaN is one here. Others quote theirs, so text is read too."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise MeterTrouble(f"{shown(value)} is not a number")
    try:
        return float(value)
    except (ValueError, OverflowError):
        raise MeterTrouble(f"{shown(value)} is not a number") from None


def json(said: str | bytes) -> object:
    """Any JSON document."""
    try:
        return msgspec.json.decode(said)
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError) as error:
        raise MeterTrouble(f"{shown(said)} is not JSON: {error}") from None


def shown(value: object) -> str:
    """Quoted and shortened, for a line to the owner."""
    text = repr(value)
    return text if len(text) <= SHOWN else text[: SHOWN - 3] + "..."


def _json_object(said: str) -> dict[str, object]:
    document = json(said)
    assert isinstance(document, dict)  # it begins with a brace
    return document


def _of_pairs(pairs: dict[str, object], said: str) -> Reading:
    figures = {name: number(pairs[name]) for name in FIGURES if pairs.get(name) is not None}
    if not figures:
        meant = next(filter(None, (did_you_mean(key, FIGURES) for key in pairs)), "")
        raise MeterTrouble(f"{shown(said)} has none of {', '.join(FIGURES)}{meant}")
    return Reading(figures, delay_s=number(pairs.get("delay_s") or 0.0))
