"""Wrong payloads, generated from the type tables in messages/: a whole document with every field, and each field of it
wrong in turn. (That the tables are those of the published schemas is for tests/messages/test_schemas.py.)
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from msgspec import inspect

from tinyocpp.messages.payload import Payload


class Wrong(StrEnum):
    """What is wrong with a payload; each has a row in answers.CODES."""

    DROPPED = "a required field is missing"
    NULL = "null where a value must be"
    NULL_OPTIONAL = "null where a value may be"
    RETYPED = "a value of another JSON type"
    OUT_OF_RANGE = "an integer of more than 64 bits"
    TOO_FINE = "more than one decimal"
    NO_MEMBER = "a word that is not in the set"
    TOO_LONG = "a text above its length"
    NO_TIME = "a text that is no date-time"
    TOO_FEW = "an empty list where one entry must be"
    EXTRA = "a field the standard does not know"
    NAME_CASE = "a field's name in another case"
    NO_OBJECT = "the payload is no object"


@dataclass(frozen=True)
class Case:
    """A wrong payload. `path` is the field that is wrong, as JSON paths are written; "$" is the payload."""

    wrong: Wrong
    path: str
    payload: bytes
    leaf: str = ""  # the field's name
    parent: str = "$"

    def __str__(self) -> str:
        return f"{self.wrong.name.lower()} {self.path} {self.payload[:40]!r}"


REAL = {
    "idTag": "04A2",
    "parentIdTag": "GROUP",
    "value": "1234.5",
    "connectorId": 1,
    "transactionId": 17,
    "meterStart": 1000,
    "meterStop": 3000,
}
"""What a field of this name holds in the whole document; the tag is a known one."""
TIME = "2026-06-01T12:00:00Z"

VALUES: dict[str, Any] = {"text": "text", "integer": 5, "fraction": 1.5, "boolean": True, "object": {}, "array": []}
JSON_TYPE: dict[type[inspect.Type], tuple[str, ...]] = {
    inspect.StrType: ("text",),
    inspect.EnumType: ("text",),
    inspect.DateTimeType: ("text",),
    inspect.IntType: ("integer",),
    inspect.FloatType: ("integer", "fraction"),
    inspect.BoolType: ("boolean",),
    inspect.StructType: ("object",),
    inspect.VarTupleType: ("array",),
}
BEYOND_64_BITS = (2**63, -(2**63) - 1, 10**40)
NO_TIMES = ("", "yesterday", "2026-06-01", "12:00:00Z", "2026-06-01T12:00:00", "2026-13-01T12:00:00Z", "1780315200")


def whole(type_: type[Payload]) -> Any:
    """A document with every field there is."""
    return _example(inspect.type_info(type_), "")


def _example(type_: inspect.Type, name: str) -> Any:
    match type_:
        case inspect.StructType():
            return {field.encode_name: _example(_plain(field.type), field.encode_name) for field in type_.fields}
        case inspect.VarTupleType():
            return [_example(type_.item_type, name)]
        case inspect.EnumType():
            return next(iter(type_.cls)).value
        case inspect.DateTimeType():
            return TIME
        case inspect.FloatType():
            return 6.5
    return REAL.get(name, VALUES[JSON_TYPE[type(type_)][0]])


def _plain(type_: inspect.Type) -> inspect.Type:
    """An optional field's own type."""
    return type_.types[0] if isinstance(type_, inspect.UnionType) else type_


def wrong_payloads(type_: type[Payload]) -> Iterator[Case]:
    document = whole(type_)
    shape = inspect.type_info(type_)
    assert isinstance(shape, inspect.StructType)
    yield from _structure(shape, document, ())
    for value in (*(value for name, value in VALUES.items() if name != "object"), [document]):
        yield Case(Wrong.NO_OBJECT, "$", _json(value))


Path = tuple[str | int, ...]


def _structure(shape: inspect.StructType, document: Any, path: Path) -> Iterator[Case]:
    extra = {"nonsense": 1}
    yield _case(Wrong.EXTRA, (*path, "nonsense"), _changed(document, path, lambda node: {**node, **extra}))
    for field in shape.fields:
        name = field.encode_name
        place = (*path, name)
        if field.required:
            yield _case(Wrong.DROPPED, place, _changed(document, path, _without(name)))
        null = Wrong.NULL if field.required else Wrong.NULL_OPTIONAL
        yield _case(null, place, _changed(document, place, lambda _: None))
        yield _case(Wrong.NAME_CASE, place, _changed(document, path, _renamed(name)), leaf=name.upper())
        yield from _value(_plain(field.type), document, place)


def _value(type_: inspect.Type, document: Any, path: Path) -> Iterator[Case]:
    for name, value in VALUES.items():
        if name not in JSON_TYPE[type(type_)]:
            yield _case(Wrong.RETYPED, path, _changed(document, path, lambda _, value=value: value))
    for wrong, value in _within(type_):
        yield _case(wrong, path, _changed(document, path, lambda _, value=value: value))
    if isinstance(type_, inspect.StructType):
        yield from _structure(type_, document, path)
    if isinstance(type_, inspect.VarTupleType):
        yield from _value(type_.item_type, document, (*path, 0))


def _within(type_: inspect.Type) -> Iterator[tuple[Wrong, Any]]:
    """Of the right JSON type, and wrong all the same."""
    match type_:
        case inspect.StrType(max_length=int(longest)):
            yield from ((Wrong.TOO_LONG, letter * (longest + 1)) for letter in "xü")
        case inspect.EnumType():
            first = next(iter(type_.cls)).value
            yield from ((Wrong.NO_MEMBER, word) for word in ("", "Nonsense", f" {first}", first.swapcase()))
        case inspect.DateTimeType():
            yield from ((Wrong.NO_TIME, text) for text in NO_TIMES)
        case inspect.IntType():
            yield from ((Wrong.OUT_OF_RANGE, number) for number in BEYOND_64_BITS)
        case inspect.FloatType():
            yield Wrong.TOO_FINE, 6.25
        case inspect.VarTupleType(min_length=1):
            yield Wrong.TOO_FEW, []


def _case(wrong: Wrong, path: Path, document: Any, leaf: str = "") -> Case:
    return Case(wrong, _written(path), _json(document), leaf or str(path[-1]), _written(path[:-1]))


def _written(path: Path) -> str:
    """As the decoder writes it, which does not count the entries of lists."""
    return "$" + "".join("[...]" if isinstance(step, int) else f".{step}" for step in path)


def _changed(document: Any, path: Path, change: Any) -> Any:
    document = copy.deepcopy(document)
    if not path:
        return change(document)
    node = document
    for step in path[:-1]:
        node = node[step]
    node[path[-1]] = change(node[path[-1]])
    return document


def _without(name: str) -> Any:
    return lambda node: {key: value for key, value in node.items() if key != name}


def _renamed(name: str) -> Any:
    return lambda node: {key.upper() if key == name else key: value for key, value in node.items()}


def _json(document: Any) -> bytes:
    return json.dumps(document, ensure_ascii=False).encode()
