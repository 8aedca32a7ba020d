"""The JSON schemas that the PyPI package `ocpp` publishes, as the oracle for our types: what they allow, and where
every field of theirs is, so that each can be broken in turn."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema
import ocpp
from hypothesis import strategies as st

from tinyocpp.messages import ACTIONS

FOLDER = Path(ocpp.__file__).parent / "v16" / "schemas"
TYPES = {
    **{name: action.request for name, action in ACTIONS.items()},
    **{f"{name}Response": action.result for name, action in ACTIONS.items()},
}

Schema = dict[str, Any]


def load(name: str) -> Schema:
    """The schema with its references filled in."""
    schema = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8-sig"), parse_float=Decimal)
    definitions = schema.pop("definitions", {})

    def fill(node: Any) -> Any:
        if isinstance(node, list):
            return [fill(item) for item in node]
        if not isinstance(node, dict):
            return node
        if "$ref" in node:
            return fill(definitions[node["$ref"].removeprefix("#/definitions/")])
        return {key: fill(value) for key, value in node.items()}

    return fill(schema)


SCHEMAS = {path.stem: load(path.stem) for path in sorted(FOLDER.glob("*.json"))}

# The same, made as strict as our types are on purpose (the reasons are beside EXCEPTIONS in test_schemas).
OURS = copy.deepcopy(SCHEMAS)
OURS["StopTransaction"]["properties"]["transactionData"]["items"]["properties"]["sampledValue"]["minItems"] = 1


def allows(schema: Schema, document: Any) -> bool:
    return jsonschema.Draft4Validator(schema).is_valid(document)


# What a schema allows, as documents. Numbers are Decimal: in binary floats 0.3 is no multiple of 0.1.


def _written(moment: datetime, offset_minutes: int, digits: int, sep: str, zulu: bool) -> str:
    moment = moment.replace(microsecond=moment.microsecond // 10 ** (6 - digits) * 10 ** (6 - digits))
    zone = UTC if zulu else timezone(timedelta(minutes=offset_minutes))
    timespec = {0: "seconds", 3: "milliseconds", 6: "microseconds"}[digits]
    text = moment.replace(tzinfo=zone).isoformat(sep, timespec)
    return text.replace("+00:00", "Z") if zulu else text


MOMENTS = st.builds(
    _written,
    st.datetimes(timezones=st.just(UTC)),
    st.integers(-14 * 60, 14 * 60),
    st.sampled_from([0, 3, 6]),
    st.sampled_from("Tt"),
    st.booleans(),
)


def documents(schema: Schema) -> st.SearchStrategy[Any]:
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    match schema["type"]:
        case "object":
            required = schema.get("required", [])
            fields = {name: documents(field) for name, field in schema.get("properties", {}).items()}
            return st.fixed_dictionaries(
                {name: fields[name] for name in required},
                optional={name: field for name, field in fields.items() if name not in required},
            )
        case "array":
            return st.lists(documents(schema["items"]), min_size=schema.get("minItems", 0), max_size=3)
        case "string" if schema.get("format") == "date-time":
            return MOMENTS
        case "string":
            return st.text(max_size=min(schema.get("maxLength", 40), 40)) | _longest(schema)
        case "integer":
            return st.integers(-(2**63), 2**63 - 1)
        case "number":
            return st.integers(-(10**6), 10**6).map(lambda tenths: Decimal(tenths) / 10)
    return st.booleans()


def _longest(schema: Schema) -> st.SearchStrategy[str]:
    return st.characters(exclude_categories=["Cs"]).map(lambda character: character * schema.get("maxLength", 40))


def meaning(schema: Schema, document: Any) -> Any:
    """The document with its times as instants: what has to come back."""
    if isinstance(document, dict):
        return {name: meaning(schema["properties"][name], value) for name, value in document.items()}
    if isinstance(document, list):
        return [meaning(schema["items"], item) for item in document]
    if schema.get("format") == "date-time":
        return datetime.fromisoformat(document.upper())
    return document


# One document with every field, and every way to break one field of it.


def example(schema: Schema) -> Any:
    if "enum" in schema:
        return schema["enum"][0]
    match schema["type"]:
        case "object":
            return {name: example(field) for name, field in schema.get("properties", {}).items()}
        case "array":
            return [example(schema["items"])]
        case "string" if schema.get("format") == "date-time":
            return "2026-06-01T12:00:00Z"
    return {"string": "text", "integer": 1, "number": Decimal("6.5"), "boolean": True}[schema["type"]]


RETYPED = {
    "string": (5, True, {}, []),
    "integer": ("1", Decimal("1.5"), Decimal("1.0"), True, {}),
    "number": ("6.5", True, []),
    "boolean": ("true", 1, 0),
    "array": ({}, "text"),
    "object": ([], "text", 5),
}


@dataclass(frozen=True)
class Breach:
    """A document that the schema refuses, and what it did wrong."""

    name: str
    kind: str
    path: tuple[str | int, ...]
    document: Any

    def __str__(self) -> str:
        return f"{self.name}-{self.kind}-{'.'.join(map(str, self.path))}"


def breaches(name: str) -> Iterator[Breach]:
    schema = SCHEMAS[name]
    whole = example(schema)
    for path, field, parent in _fields(schema, ()):
        if parent is not None and path[-1] in parent.get("required", ()):
            yield Breach(name, "dropped", path, _changed(whole, path, drop=True))
        for kind, value in _broken(field):
            if path:
                yield Breach(name, kind, path, _changed(whole, path, value))
    for index, value in enumerate(([], "text", 5, [whole])):
        yield Breach(name, "not_an_object", (index,), value)


def _fields(
    schema: Schema, path: tuple[str | int, ...], parent: Schema | None = None
) -> Iterator[tuple[tuple[str | int, ...], Schema, Schema | None]]:
    yield path, schema, parent
    for name, field in schema.get("properties", {}).items():
        yield from _fields(field, (*path, name), schema)
    if "items" in schema:
        yield from _fields(schema["items"], (*path, 0))


def _broken(field: Schema) -> Iterator[tuple[str, Any]]:
    for value in RETYPED[field["type"]]:
        yield "retyped", value
    if "enum" in field:
        for word in ("", "Nonsense", field["enum"][0].swapcase()):
            yield "mis_enumerated", word
    if "maxLength" in field:
        yield "over_long", "x" * (field["maxLength"] + 1)
        yield "over_long", "ü" * (field["maxLength"] + 1)
    if "multipleOf" in field:
        yield "too_fine", Decimal("6.25")
    if "minItems" in field:
        yield "too_few", []
    if field.get("additionalProperties") is False and field["type"] == "object":
        yield "unknown_field", {**example(field), "nonsense": 1}


def _changed(document: Any, path: tuple[str | int, ...], value: Any = None, *, drop: bool = False) -> Any:
    document = copy.deepcopy(document)
    node = document
    for step in path[:-1]:
        node = node[step]
    if drop:
        del node[path[-1]]
    else:
        node[path[-1]] = value
    return document
