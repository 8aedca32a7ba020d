"""Broken JSON into JSON, in one pass over its tokens, whatever the text.

The repairs are those that shipping chargers need (F1 to F6, F16): a stray comma, a value left out, a tail cut off,
control characters, text around the value; and NaN and its like become text, for the reader of the field to judge. A
figure or text that runs into the cut is left out: half a register is no register. The result may still be refused by
a parser.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING

from tinyocpp.leniency.oddity import CUT_OFF

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_DEPTH = 100  # no message nests deeper than 8; the search for a bracket's partner stays cheap
MAX_TOKENS = 50_000
"""A quarter of a megabyte of samples. What comes after is taken to be cut off, as all other chargers wait for it."""

_TOKEN = re.compile(
    r'"(?P<string>(?:[^"\\]|\\.)*+)"'
    r'|(?P<cut>"(?:[^"\\]|\\.)*+\\?\Z)'
    r"|(?P<bracket>[\[\]{}])"
    r"|(?P<comma>,)"
    r"|(?P<colon>:)"
    r"|(?P<word>[^\s\x00-\x1f\[\]{}:,\"]+)"
    r"|(?P<control>[\x00-\x08\x0b\x0c\x0e-\x1f]+)",
    re.DOTALL,
)
_CLOSER = {"[": "]", "{": "}"}
# A number that a parser takes: thousands of digits, or an exponent as long, are left as text.
_LITERAL = re.compile(r"true|false|null|-?(?:0|[1-9]\d{0,999})(?:\.\d{1,999})?(?:[eE][+-]?\d{1,3})?", re.ASCII)
_ESCAPE = re.compile(
    r'(\\(?:["\\/bfnrt]'
    r"|u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"  # a pair of surrogates
    r"|u(?![dD][89a-fA-F])[0-9a-fA-F]{4}))"
    r"|\\u[dD][89a-fA-F][0-9a-fA-F]{2}"  # half a pair: no text
    r"|\\"
)
_CONTROL: dict[int, str | None] = dict.fromkeys(range(0x20)) | {ord(c): repr(c)[1:-1] for c in "\t\n\r"}


def repair(text: str, opening: str = "[{") -> tuple[str, tuple[str, ...]]:
    """The first value of the text that starts with one of the opening brackets, as JSON, and what was wrong with it.
    Without one, or when it nests too deep, an empty text."""
    text = text.encode("utf-8", "replace").decode()  # a lone surrogate is no text
    start = min((at for at in map(text.find, opening) if at >= 0), default=len(text))
    pass_ = _Pass()
    end = pass_.run(text, start)
    if text[:start].strip() or text[end:].strip():
        pass_.faults["text around the value"] = None
    return "".join(pass_.out), tuple(pass_.faults)


class _Pass:
    """What has been written so far, and which brackets are open."""

    def __init__(self) -> None:
        self.out: list[str] = []
        self.closers: list[str] = []
        self.faults: dict[str, None] = {}  # in the order they were met
        self._escapes = MAX_TOKENS  # that may still be looked at; a parser will refuse what is left
        self._write: dict[str, Callable[[str], None]] = {
            "string": self._string,
            "word": self._word,
            "bracket": self._bracket,
            "comma": self._comma,
            "colon": self._colon,
            "control": self._control,
        }

    def run(self, text: str, start: int) -> int:
        """Write the value that starts there; the position after it."""
        for match in islice(_TOKEN.finditer(text, start), MAX_TOKENS):
            kind = match.lastgroup or ""
            if kind == "cut" or (kind == "word" and match.end() == len(text)):
                break
            self._write[kind](match[kind])
            if not self.closers:
                return match.end()
            if len(self.closers) > MAX_DEPTH:
                self.out.clear()
                return len(text)
        while self.closers:
            self.faults[CUT_OFF] = None  # F2
            self._close()
        return len(text)

    def _bracket(self, token: str) -> None:
        if token in _CLOSER:
            self._value(token)
            self.closers.append(_CLOSER[token])
        elif token not in self.closers:
            self.faults["stray bracket"] = None
        else:
            while self._close() != token:
                self.faults["missing bracket"] = None

    def _comma(self, token: str) -> None:
        if self.out[-1] in ("[", "{", ","):
            self.faults["stray comma"] = None  # F1
        else:
            self._complete()
            self.out.append(token)

    def _colon(self, token: str) -> None:
        if self.out[-1] == ":":
            self.faults["stray colon"] = None
        else:
            self.out.append(token)

    def _string(self, body: str) -> None:
        clean = body
        if "\\" in body and self._escapes > 0:
            clean, count = _ESCAPE.subn(_escape, body, self._escapes)
            self._escapes -= count
        if not clean.isprintable():
            clean = clean.translate(_CONTROL)  # F4, F5
        if clean != body:
            self.faults["bad character in a text"] = None
        self._value(f'"{clean}"')

    def _word(self, token: str) -> None:
        if _LITERAL.fullmatch(token):
            self._value(token)
        else:
            self.faults["bare word"] = None
            self._string(token)

    def _control(self, _token: str) -> None:
        self.faults["control character"] = None

    def _value(self, token: str) -> None:
        if self.out and self.out[-1] not in ("[", "{", ",", ":"):
            self.faults["missing comma"] = None
            self.out.append(",")
        self.out.append(token)

    def _complete(self) -> None:
        """Give a name without a value a null (F3)."""
        if self.out[-1] == ":":
            self.out.append("null")
        elif self.closers[-1] == "}" and self.out[-1].startswith('"') and self.out[-2] in ("{", ","):
            self.out.append(":null")
        else:
            return
        self.faults["missing value"] = None

    def _close(self) -> str:
        if self.out[-1] == ",":
            self.out.pop()
            self.faults["stray comma"] = None
        self._complete()
        closer = self.closers.pop()
        self.out.append(closer)
        return closer


def _escape(match: re.Match[str]) -> str:
    return match[1] or ("\N{REPLACEMENT CHARACTER}" if len(match[0]) > 1 else "")
