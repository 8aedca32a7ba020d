"""One line of a wire log: how it is read, and how it is told to a person. Shared by `log` and `replay`.

A wire log is JSON lines, each a frame with its direction, time and charger. What a charger sent is shown, never
trusted: a frame that cannot be read is shown as it came, and nothing in it reaches the terminal unescaped.
"""

from __future__ import annotations

import json
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec

from tinyocpp.cli.program import printable
from tinyocpp.hosts import wirelog

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import tzinfo


class Direction(StrEnum):
    """Who has sent the frame."""

    FROM_CHARGER = wirelog.FROM_CHARGER
    TO_CHARGER = wirelog.TO_CHARGER


class WireLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line as hosts/wirelog.py writes it; a log of somebody else may lack the time and the charger."""

    at: datetime | None = None
    charger: str = ""
    dir: Direction
    raw: str


class Frame(msgspec.Struct, frozen=True):
    """As much of a frame as could be read. `kind` is 2, 3 or 4; `body` is what stands at the payload's place."""

    kind: int
    message_id: str
    action: str
    body: object


ARROWS = {Direction.FROM_CHARGER: ">", Direction.TO_CHARGER: "<"}  # as in the transcripts of the tests
SHORT = 160  # characters of fields on a line
DEEPEST = 8  # levels of a payload; the standard needs five
_DECODER = msgspec.json.Decoder(WireLine)


def read_lines(lines: Iterable[bytes | str]) -> Iterator[WireLine]:
    """The frames among the lines; a heading, a line cut short or a foreign one is passed over."""
    for line in lines:
        try:
            yield _DECODER.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue


def write_line(line: WireLine) -> str:
    """The line as it was logged, in ASCII: JSON can spell whatever might steer the terminal."""
    return json.dumps(msgspec.to_builtins(line), separators=(",", ":"))


def parse_frame(raw: str) -> Frame | None:
    """None when it is not a frame, not even nearly."""
    try:
        items = msgspec.json.decode(raw)
    except (msgspec.DecodeError, RecursionError):
        return None
    match items:
        case [2, str() | int() as message_id, str() as action, *rest]:
            return Frame(2, str(message_id), action, rest[0] if rest else {})
        case [3, str() | int() as message_id, *rest]:
            return Frame(3, str(message_id), "", rest[0] if rest else {})
        case [4, str() | int() as message_id, code, *rest]:
            return Frame(4, str(message_id), "", f"{code}: {rest[0]}" if rest and rest[0] else str(code))
        case _:
            return None


class Teller:
    """Tells frames one after the other. It remembers which call an answer belongs to, so that it can say so."""

    def __init__(self, zone: tzinfo, *, name_width: int = 0) -> None:
        self._zone = zone
        self._name_width = name_width
        self._day = ""
        self._asked: dict[tuple[str, Direction, str], str] = {}

    def tell(self, line: WireLine) -> list[str]:
        """One line of text, after a heading when a new local day has begun."""
        heading, clock = self._clock(line.at)
        self._name_width = max(self._name_width, len(line.charger))
        frame = parse_frame(line.raw)
        text = f"(unreadable) {shortened(line.raw)}" if frame is None else self._frame_text(line, frame)
        told = f"{clock}{line.charger:<{self._name_width}} {ARROWS[line.dir]} {text}"
        return [*heading, printable(told).rstrip()]

    def overhear(self, line: WireLine) -> None:
        """A line that is not told: an answer that is told may belong to it."""
        frame = parse_frame(line.raw)
        if frame is not None:
            self._frame_text(line, frame)

    def _clock(self, at: datetime | None) -> tuple[list[str], str]:
        if at is None:
            return [], ""
        there = at.astimezone(self._zone)
        day = f"{there:%Y-%m-%d}"
        heading = [] if day == self._day else [f"-- {day} --"]
        self._day = day
        return heading, f"{there:%H:%M:%S} "

    def _frame_text(self, line: WireLine, frame: Frame) -> str:
        if frame.kind == 2:
            if len(self._asked) > 10_000:  # calls nobody answered
                self._asked.clear()
            self._asked[line.charger, line.dir, frame.message_id] = frame.action
            return f"{frame.action} {fields(frame.body)}"
        asked_by = Direction.TO_CHARGER if line.dir is Direction.FROM_CHARGER else Direction.FROM_CHARGER
        action = self._asked.pop((line.charger, asked_by, frame.message_id), "?")
        if frame.kind == 4:
            return f"{action} refused: {frame.body}"
        return f"{action} answered: {fields(frame.body)}"


def fields(payload: object) -> str:
    """A payload in short: its fields as name=value, samples as quantities."""
    return shortened(" ".join(_pieces("", payload, DEEPEST)))


def shortened(text: str) -> str:
    return text if len(text) <= SHORT else text[: SHORT - 3] + "..."


def _pieces(name: str, value: object, levels: int) -> Iterator[str]:
    match value:
        case dict() | [dict() | [*_], *_] if levels == 0:
            yield f"{name}=..."
        case {"value": amount, **about} if "measurand" in about or "unit" in about or "context" in about or not about:
            yield _quantity(amount, about)
        case dict():
            for key, inner in value.items():
                yield from _pieces(str(key), inner, levels - 1)
        case [dict() | [*_], *_]:
            for inner in value:
                yield from _pieces(name, inner, levels - 1)
        case list():
            yield f"{name}=[{','.join(str(inner) for inner in value)}]"
        case bool() | None:
            yield f"{name}={msgspec.json.encode(value).decode()}"
        case _:
            yield f"{name}={value}"


def _quantity(amount: object, about: dict[object, object]) -> str:
    """A SampledValue: Power.Active.Import[L1]=3680W"""
    phase = f"[{about['phase']}]" if "phase" in about else ""
    return f"{about.get('measurand', 'Energy.Active.Import.Register')}{phase}={amount}{about.get('unit', '')}"
