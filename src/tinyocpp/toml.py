"""From TOML text to one of our Structs, or one line that says file, key and remedy.

Used for what people write by hand: the configuration and the tags. Nothing is guessed here: an unknown key is refused,
because a typo must not be silence. Reading is the standard library's tomllib, as this is on the way of every backend's
start; what is needed only to explain a mistake is imported when there is one.
"""

from __future__ import annotations

from codecs import BOM_UTF8
from typing import TypeVar

import msgspec

from tinyocpp.errors import ConfigError, did_you_mean

T = TypeVar("T")

IN_WORDS = {
    "str": "text in quotes",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "array": "a list in [ ]",
    "object": "a table",
    "datetime": "a date with a time",
    "null": "nothing",
}
"""What msgspec calls a type, for people who have never heard of it."""


def parse(data: bytes, name: str) -> dict[str, object]:
    """The document in `data`; `name` is how the file is called in what we say about it."""
    import tomllib  # where there is no file, a backend starts sooner

    try:
        return tomllib.loads(data.removeprefix(BOM_UTF8).decode())
    except UnicodeDecodeError as error:
        bad = data[: error.start].count(b"\n") + 1
        raise ConfigError(f"{name}:{bad}: not UTF-8; save the file as UTF-8") from None
    except RecursionError:
        raise ConfigError(f"{name}: nested too deeply to be meant") from None
    except ValueError as error:  # TOMLDecodeError is one, and so is a number of 5,000 digits
        problem, _, place = str(error).partition(" (at ")
        last = str(data.count(b"\n") + 1)
        line = place.removeprefix("line ").partition(",")[0] if place.startswith("line ") else last
        raise ConfigError(f"{name}:{line}: not TOML: {problem}") from None


def convert(document: object, shape: type[T], name: str, at: str = "") -> T:
    """`document` as a `shape`. `at` is the key it was found under, where that is not the top."""
    try:
        return msgspec.convert(document, shape)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{name}: {_explain(str(error), document, shape, at)}") from None


def _explain(message: str, document: object, shape: type, at: str) -> str:
    """msgspec's "Expected `int`, got `str` - at `$.listener.port`", said for the owner of the file."""
    problem, _, place = message.partition(" - at `$")
    path = _named(_steps(place.rstrip("`").removeprefix(".")), document, shape)
    key = ".".join(part for part in (at, *path) if part).replace(".[", "[")
    if problem.startswith("Object contains unknown field"):
        unknown = problem.split("`")[1]
        return f"{key}.{unknown}".removeprefix(".") + ": unknown key" + suggest(unknown, _keys(shape, path))
    if problem.startswith("Invalid enum value"):
        return f"{key}: {problem.split(' ', 3)[3]} is not possible; write " + _choices(shape, path)
    if problem.startswith("Object missing required field"):
        return f"{key}: {problem.split('`')[1]} is missing".removeprefix(": ")
    if problem.startswith("Expected `"):
        _, names, bound = problem.partition(", got")[0].split("`")
        wanted = " or ".join(IN_WORDS.get(word, word) for word in names.split(" | ") if word != "null")
        return f"{key}: must be {wanted}{bound}, not {_quote(document, path)}"
    return f"{key}: {problem}"


def suggest(word: str, known: list[str]) -> str:
    """ "; did you mean ...?", or all there is."""
    return did_you_mean(word, known) or "; there is " + ", ".join(known)


def _steps(path: str) -> list[str]:
    import re

    return re.findall(r"\[[^\]]*\]|[^.\[]+", path)


def _named(path: list[str], document: object, shape: type) -> list[str]:
    """msgspec calls any key of the owner's naming `[...]`; which one it is shows when each is read by itself."""
    for number, step in enumerate(path):
        if step == "[...]":
            table, types = _at(document, path[:number]), _types_at(shape, [*path[:number], step])
            assert isinstance(table, dict)
            wrong = (key for key, value in table.items() if not any(_fits(value, type_) for type_ in types))
            path = [*path[:number], next(wrong, step), *path[number + 1 :]]
    return path


def _fits(value: object, type_: object) -> bool:
    try:
        msgspec.convert(value, type_)
    except msgspec.ValidationError:
        return False
    return True


def _types_at(shape: object, path: list[str]) -> list[object]:
    """The types a value may have at this path of keys; a union is several."""
    types = _opened(shape)
    for step in path:
        types = [inner for type_ in types for inner in _opened(_inside(type_, step))]
    return types


def _inside(type_: object, step: str) -> object:
    from typing import get_args, get_origin

    return get_args(type_)[1] if get_origin(type_) is dict else _fields(type_).get(step)


def _opened(type_: object) -> list[object]:
    from types import UnionType
    from typing import Union, get_args, get_origin

    if get_origin(type_) in (Union, UnionType):
        return [inner for member in get_args(type_) for inner in _opened(member)]
    return [type_]


def _fields(type_: object) -> dict[str, object]:
    from msgspec.structs import fields

    if not (isinstance(type_, type) and issubclass(type_, msgspec.Struct)):
        return {}
    return {field.encode_name: field.type for field in fields(type_)}


def _keys(shape: type, path: list[str]) -> list[str]:
    return [key for type_ in _types_at(shape, path) for key in _fields(type_)]


def _choices(shape: type, path: list[str]) -> str:
    from typing import Literal, get_args, get_origin

    literals = (type_ for type_ in _types_at(shape, path) if get_origin(type_) is Literal)
    return " or ".join(f'"{choice}"' for literal in literals for choice in get_args(literal))


def _at(document: object, path: list[str]) -> object:
    for step in path:
        if isinstance(document, dict):
            document = document[step]
        else:
            assert isinstance(document, list)  # msgspec's path leads through these two only
            document = document[int(step.strip("[]"))]
    return document


def _quote(document: object, path: list[str]) -> str:
    """What stands there now, shortened."""
    value = _at(document, path)
    text = {True: "true", False: "false"}[value] if isinstance(value, bool) else repr(value)
    return text if len(text) <= 40 else text[:37] + "..."
