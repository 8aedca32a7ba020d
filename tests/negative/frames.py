"""Broken frames around a right payload, and what is made of each: the shapes of OCPP-J 4.2 and how they go wrong."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from tinyocpp.messages import ACTIONS


class Meant(StrEnum):
    """What a broken frame is taken for."""

    RIGHT = "answered as the right frame"
    EMPTY = "answered as the call with the payload {}"
    UNKNOWN = "NotImplemented"
    NOT_HERE = "NotSupported"
    NO_CALL = "not answered"  # 1.6 has no answer to what is no call (OCPP-J 4.1.3), and none to an answer


class Broken(StrEnum):
    """What is wrong with a frame."""

    COUNT = "the number of elements"
    TYPE = "the message type"
    ID = "the message id"
    ACTION = "the action"
    NOTATION = "the JSON"
    DEPTH = "the depth"
    SIZE = "the size"


@dataclass(frozen=True)
class Shape:
    """`write` makes the frame of an action and its payload; `message_id` is what is echoed, as JSON."""

    broken: Broken
    name: str
    meant: Meant
    write: Callable[[str, str], str]
    message_id: str = '"1"'

    def __str__(self) -> str:
        return f"{self.broken.name.lower()}: {self.name}"


def _elements(count: int) -> Callable[[str, str], str]:
    return lambda action, payload: "[" + ",".join(["2", '"1"', f'"{action}"', payload, "{}", "7"][:count]) + "]"


def _type(written: str) -> Callable[[str, str], str]:
    return lambda action, payload: f'[{written},"1","{action}",{payload}]'


def _id(written: str) -> Callable[[str, str], str]:
    return lambda action, payload: f'[2,{written},"{action}",{payload}]'


def _action(change: Callable[[str], str]) -> Callable[[str, str], str]:
    return lambda action, payload: f'[2,"1",{change(action)},{payload}]'


def _text(template: str) -> Callable[[str, str], str]:
    """The words FRAME, ACTION and PAYLOAD stand for themselves."""
    return lambda action, payload: (
        template.replace("FRAME", f'[2,"1","{action}",{payload}]').replace("ACTION", action).replace("PAYLOAD", payload)
    )


def _with(surplus: str) -> Callable[[str, str], str]:
    """A null in place of the payload's end is as good as nothing: the surplus is what is wrong."""
    return lambda action, payload: f'[2,"1","{action}",{payload},{surplus}]'


SHAPES = [
    Shape(Broken.COUNT, "none", Meant.NO_CALL, _text("[]")),
    *(Shape(Broken.COUNT, str(count), Meant.NO_CALL, _elements(count)) for count in (1, 2)),
    Shape(Broken.COUNT, "3", Meant.EMPTY, _elements(3)),
    *(Shape(Broken.COUNT, str(count), Meant.RIGHT, _elements(count)) for count in (5, 6)),
    *(
        Shape(Broken.TYPE, written, Meant.NO_CALL, _type(written))
        for written in ("0", "1", "5", "-2", "2.5", "22", "null", "true", "[2]", "{}", '"two"', '""')
    ),
    *(Shape(Broken.TYPE, written, Meant.RIGHT, _type(written)) for written in ("2.0", '"2"', "2e0")),
    *(Shape(Broken.TYPE, written, Meant.NO_CALL, _type(written)) for written in ("3", "4")),
    *(
        Shape(Broken.ID, written[:20], Meant.RIGHT, _id(written), written)
        for written in ("17", "-1", "1.5", "9" * 40, '""', f'"{"x" * 37}"', f'"{"x" * 5000}"', '"ü"', '"a b"', "null")
    ),
    *(Shape(Broken.ID, written, Meant.NO_CALL, _id(written)) for written in ("[]", "{}", '["1"]')),
    *(
        Shape(Broken.ACTION, name, Meant.UNKNOWN, _action(change))
        for name, change in {
            "lower case": lambda action: f'"{action.lower()}"',
            "upper case": lambda action: f'"{action.upper()}"',
            "with a blank": lambda action: f'"{action} "',
            "twice": lambda action: f'"{action}{action}"',
            "empty": lambda _: '""',
            "unknown": lambda _: '"Nonsense"',
            "very long": lambda action: f'"{action * 1000}"',
        }.items()
    ),
    *(
        Shape(Broken.ACTION, written, Meant.NO_CALL, _action(lambda _, written=written: written))
        for written in ("5", "null", "true", "[]", "{}")
    ),
    *(
        Shape(Broken.NOTATION, name, Meant.RIGHT, _text(template))
        for name, template in {
            "text before it": "say FRAME",
            "text after it": "FRAME!",
            "the frame twice": "FRAMEFRAME",
            "a byte order mark": "\ufeffFRAME",
            "zeros around it": "\0\0FRAME\0",
            "newlines in it": '[2,\n"1",\r\n"ACTION",\tPAYLOAD\n]\n',
            "its last bracket missing": '[2,"1","ACTION",PAYLOAD',
            "a comma too many": '[2,"1","ACTION",,PAYLOAD,]',
            "a comma at the front": '[,2,"1","ACTION",PAYLOAD]',
            "a comma too few": '[2,"1","ACTION" PAYLOAD]',
        }.items()
    ),
    Shape(Broken.NOTATION, "cut off in the payload", Meant.EMPTY, _text('[2,"1","ACTION",{')),
    Shape(Broken.NOTATION, "null for the payload", Meant.EMPTY, _text('[2,"1","ACTION",null]')),
    *(
        Shape(Broken.NOTATION, name, Meant.NO_CALL, _text(template))
        for name, template in {
            "no JSON": "ACTION",
            "an object": '{"action":"ACTION","payload":PAYLOAD}',
            "a text": '"ACTION"',
            "only its beginning": '[2,"1","ACT',
            "blanks": " \r\n ",
        }.items()
    ),
    Shape(Broken.DEPTH, "a list 90 deep behind it", Meant.RIGHT, _with("[" * 90 + "]" * 90)),
    Shape(Broken.DEPTH, "beyond any decoder, in place of the payload", Meant.EMPTY,
          _text('[2,"1","ACTION",' + "[" * 100_000 + "]" * 100_001)),
    Shape(Broken.DEPTH, "beyond any decoder, and never closed", Meant.EMPTY,
          _text('[2,"1","ACTION",' + "[" * 100_000)),
    Shape(Broken.DEPTH, "objects beyond any decoder", Meant.EMPTY,
          _text('[2,"1","ACTION",' + '{"a":' * 100_000)),
    Shape(Broken.SIZE, "a megabyte behind it", Meant.RIGHT, _with(f'"{"x" * 2**20}"')),
    Shape(Broken.SIZE, "a megabyte of blanks", Meant.RIGHT, _text('[2,"1",' + " " * 2**20 + '"ACTION",PAYLOAD]')),
]  # fmt: skip


def not_for_us() -> Iterator[Shape]:
    """Calls of the standard that only a central system sends, and answers to nothing we asked."""
    for name, action in ACTIONS.items():
        if not action.from_charger:
            yield Shape(Broken.ACTION, name, Meant.NOT_HERE, lambda _, __, name=name: json.dumps([2, "1", name, {}]))
    for text in ('[3,"1",{}]', '[3,"1"]', '[4,"1","InternalError","",{}]', '[4,"1"]', '[3,"1",[]]', "[3,null,{}]"):
        yield Shape(Broken.TYPE, text, Meant.NO_CALL, lambda _, __, text=text: text)
