"""The notation of transcripts: what a charger says and what it hears, one line each.

# comment; the first says what is shown
tag ID [name=.. group=.. expires=DATE transactions=N blocked]
config KEY = VALUE             a line of the configuration, dotted: tags.unknown = "accept"
clock 2025-06-01T12:00:00Z     the time, from here on; such a transcript runs on the session alone
charger ID                     who speaks from here on (first: garage)
> FRAME                        the charger says; a line that begins with a space goes on with it, after a newline
< FRAME                        it hears; "*" is any text. Alone: it hears nothing
owner WORD                     the owner says it is Accepted, Pending or Rejected; "nothing": as configured
refused                        it is not let in
closed                         its connection is closed
reconnect                      its connection is made anew
restart                        so is the program, on the same ledger
call ACTION JSON               somebody at the command socket sends a call; "*" as an id is that of our last call,
                               "*2" that of our second
result JSON|KIND [CODE]        how the oldest call ended whose end was not looked at yet
= ID TAG N Wh QUALITY [REASON] [charger=.. connector=.. started=.. stopped=..]
                               a transaction of the report; the lines that follow each other are all of it
= nothing                      the report is empty
noted KIND ...                 all kinds of oddities on record
"""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from pathlib import Path

WORDS = frozenset(
    "tag config clock charger owner > < refused closed reconnect restart call result = noted".split()  # noqa: SIM905
)


class Line(msgspec.Struct, frozen=True):
    number: int
    word: str
    text: str


def read_transcript(path: Path) -> list[Line]:
    lines: list[Line] = []
    for number, raw in enumerate(path.read_text(encoding="utf-8").split("\n"), start=1):
        if raw.startswith(" ") and lines and lines[-1].word == ">":
            lines[-1] = msgspec.structs.replace(lines[-1], text=f"{lines[-1].text}\n{raw[1:]}")
        elif raw.strip() and not raw.startswith("#"):
            word, _, text = raw.partition(" ")
            assert word in WORDS, f"{path.name}:{number}: {word!r} is no word of a transcript"
            lines.append(Line(number, word, text))
    return lines


def needs_clock(lines: list[Line]) -> bool:
    return any(line.word == "clock" for line in lines)


def tag_table(text: str) -> str:
    """A `tag` line as the owner's file has it."""
    first, *more = shlex.split(text)
    keys = [f'id = "{first}"']
    for word in more:
        key, equals, value = word.partition("=")
        plain = key in ("expires", "transactions")
        keys.append(f"{key} = {value if plain else msgspec.json.encode(value).decode()}" if equals else f"{key} = true")
    return "[[tag]]\n" + "\n".join(keys) + "\n"


def matches(expected: str, heard: str) -> bool:
    """Equal as text, where `"*"` is any JSON text."""
    pattern = re.escape(expected).replace(re.escape('"*"'), r'"(?:[^"\\]|\\.)*"')
    return re.fullmatch(pattern, heard, re.DOTALL) is not None
