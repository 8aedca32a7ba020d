"""A frame into a broken one: its tree of JSON, its text, its bytes, two frames into one, and sizes beyond all measure.

Everything is drawn from the random.Random that is given, so a seed says it all. What comes out is bytes, at most what a
message may have.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

LARGEST = 2**20
HUGE_ONE_IN = 400

ODD_VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2.5, 1e308, -0.0, 2**31, 2**63 - 1, 2**63, -(2**63) - 1, 10**40,
    float("nan"), float("inf"), "", " ", "0", "-1", "1e3", "3,20", "NaN", "null", "x" * 300, "x" * 5000,
    "é", "\x00", "\x1b[2J", "\u2028", "\U0001f50c", "\ud800", "../../etc/passwd", "=1+1", "%s%n", "{}", "[]",
    "'; DROP TABLE transactions; --", "2026-06-01T12:00:00", "2026-13-41T25:61:61Z", "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59.999999-14:00", "1970-01-01T00:00:00Z",
    [], {}, [[]], [None], {"": ""}, {"value": {}}, [1, "x", {}],
)  # fmt: skip
NAMES = (
    "", "status", "idTag", "IDTAG", "timestamp", "value", "meterValue", "sampledValue", "x", "\x00", "x" * 300, "é",
)  # fmt: skip
ACTIONS = (
    "Heartbeat", "heartbeat", "StartTransaction", "StopTransaction", "MeterValues", "Reset", "Authorize.req",
    "/Authorize", "", " ", "x" * 5000, "\x00", "é", 7, None, [], {},
)  # fmt: skip
TYPES = (2, 3, 4, 1, 5, 0, -2, 2.0, 2.5, "2", "3", None, True, [2], {}, 2**70)
TOKENS = (
    b",", b":", b'"', b"\\", b"[", b"]", b"{", b"}", b"\x00", b"\n", b"\r\n", b"\t", b"\x7f", b"\xff", b"\xc3",
    b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\\u", b"\\ud800", b"\\u0000", b"\\x", b"//", b"/*", b"NaN", b"-", b"1e999",
    b"0x1", b"'", b"null", b'[2,"', b',"Heartbeat",{}]', b"\xe2\x80\xa8", b"9" * 400,
)  # fmt: skip

Tree = list[Any] | dict[str, Any]


def mutated(seed: str, seeds: list[str], rng: Random) -> bytes:
    """One to four mutations after each other, the tree's before the bytes'."""
    data = seed.encode("utf-8", "surrogatepass")
    for _ in range(rng.choice((1, 1, 2, 3))):
        data = rng.choice(MUTATIONS)(data, seeds, rng)
    if rng.randrange(HUGE_ONE_IN) == 0:
        data = _huge(data, rng)
    return data[:LARGEST]


def _on_tree(change: Callable[[Any, list[str], Random], Any]) -> Callable[[bytes, list[str], Random], bytes]:
    """A change of what the JSON says; bytes that are none stay as they are."""

    def apply(data: bytes, seeds: list[str], rng: Random) -> bytes:
        try:
            tree = json.loads(data)
            text = json.dumps(change(tree, seeds, rng), ensure_ascii=rng.random() < 0.5)
        except (ValueError, RecursionError):
            return data
        return text.encode("utf-8", "surrogatepass")

    return apply


def _places(tree: Any) -> Iterator[tuple[Tree, Any]]:
    """Every container with every key or index of it."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        keys: Any = node.keys() if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ()
        for key in list(keys):
            yield node, key
            waiting.append(node[key])


def _some_place(tree: Any, rng: Random) -> tuple[Any, Any]:
    """Mostly inside the payload."""
    places = list(_places(tree))
    inside = [place for place in places if place[0] is not tree]
    if not places:
        raise ValueError
    return rng.choice(inside if inside and rng.random() < 0.8 else places)


def _replace(tree: Any, seeds: list[str], rng: Random) -> Any:
    node, key = _some_place(tree, rng)
    node[key] = copy.deepcopy(rng.choice(ODD_VALUES))
    return tree


def _drop(tree: Any, seeds: list[str], rng: Random) -> Any:
    node, key = _some_place(tree, rng)
    del node[key]
    return tree


def _rename(tree: Any, seeds: list[str], rng: Random) -> Any:
    node, key = _some_place(tree, rng)
    if isinstance(node, dict):
        name = rng.choice((*NAMES, key.upper(), key.capitalize(), key + " ", key[:-1]))
        node[name] = node.pop(key)
    return tree


def _add(tree: Any, seeds: list[str], rng: Random) -> Any:
    node, _ = _some_place(tree, rng)
    if isinstance(node, dict):
        node[rng.choice(NAMES)] = copy.deepcopy(rng.choice(ODD_VALUES))
    else:
        node.insert(rng.randrange(len(node) + 1), copy.deepcopy(rng.choice(ODD_VALUES)))
    return tree


def _retype(tree: Any, seeds: list[str], rng: Random) -> Any:
    """The same value in another dress."""
    node, key = _some_place(tree, rng)
    value = node[key]
    node[key] = rng.choice((str(value), [value], {"value": value}, [[value]], json.dumps(value), [value] * 5))
    return tree


def _nest(tree: Any, seeds: list[str], rng: Random) -> Any:
    node, key = _some_place(tree, rng)
    for _ in range(rng.choice((2, 20, 99, 101, 300))):
        node[key] = [node[key]] if rng.random() < 0.5 else {"a": node[key]}
    return tree


def _graft(tree: Any, seeds: list[str], rng: Random) -> Any:
    """A branch of another frame in the place of one of this."""
    try:
        other = json.loads(rng.choice(seeds))
    except ValueError:
        return tree
    source, name = _some_place(other, rng)
    node, key = _some_place(tree, rng)
    node[key] = source[name]
    return tree


def _repeat(tree: Any, seeds: list[str], rng: Random) -> Any:
    node, key = _some_place(tree, rng)
    value = node[key]
    if isinstance(value, (list, str)):
        node[key] = value * rng.choice((2, 10, 100))
    elif isinstance(node, list):
        node[key:key] = [value] * rng.choice((1, 10, 100))
    return tree


def _frame(tree: Any, seeds: list[str], rng: Random) -> Any:
    """Type, id, action, or the number of elements."""
    if not isinstance(tree, list) or not tree:
        return tree
    at = rng.randrange(4)
    if at == 3 or at >= len(tree):
        return rng.choice((tree[:1], tree[:2], tree[:3], [*tree, {}], [*tree, *tree], [tree], tree[::-1], []))
    odd: Any = (TYPES, ODD_VALUES, ACTIONS)[at]
    tree[at] = copy.deepcopy(rng.choice(odd))
    return tree


# --- text and bytes ---------------------------------------------------------------------------------------------------


def _cut(data: bytes, rng: Random) -> tuple[int, int]:
    start = rng.randrange(len(data) + 1)
    return start, min(len(data), start + rng.choice((0, 1, 1, 2, 5, 20, 200)))


def _truncate(data: bytes, seeds: list[str], rng: Random) -> bytes:
    return data[: rng.randrange(len(data) + 1)]


def _delete(data: bytes, seeds: list[str], rng: Random) -> bytes:
    start, end = _cut(data, rng)
    return data[:start] + data[end:]


def _insert(data: bytes, seeds: list[str], rng: Random) -> bytes:
    at = rng.randrange(len(data) + 1)
    return data[:at] + rng.choice(TOKENS) * rng.choice((1, 1, 1, 2, 50)) + data[at:]


def _overwrite(data: bytes, seeds: list[str], rng: Random) -> bytes:
    start, end = _cut(data, rng)
    return data[:start] + rng.randbytes(end - start) + data[end:]


def _double(data: bytes, seeds: list[str], rng: Random) -> bytes:
    start, end = _cut(data, rng)
    return data[:end] + data[start:end] * rng.choice((1, 3)) + data[end:]


def _splice(data: bytes, seeds: list[str], rng: Random) -> bytes:
    """The beginning of this frame and the end of another, or both whole."""
    other = rng.choice(seeds).encode("utf-8", "surrogatepass")
    if rng.random() < 0.3:
        return data + rng.choice((b"", b"\n", b",", b" ", b"\x00")) + other
    return data[: rng.randrange(len(data) + 1)] + other[rng.randrange(len(other) + 1) :]


def _figures(data: bytes, seeds: list[str], rng: Random) -> bytes:
    """Every digit another one, or none at all."""
    digits = rng.choice((b"9", b"0", b"-", b".", b"e"))
    return bytes(digits[0] if 48 <= byte < 58 and rng.random() < 0.3 else byte for byte in data)


def _spell(data: bytes, seeds: list[str], rng: Random) -> bytes:
    """Another case, another quote, another encoding."""
    text = data.decode("utf-8", "replace")
    return rng.choice(
        (
            data.upper(),
            data.lower(),
            data.replace(b'"', b"'"),
            data.replace(b":", b"="),
            data.replace(b'"', b""),
            data.replace(b" ", b""),
            data.replace(b",", b", \n"),
            b"\xef\xbb\xbf" + data,
            text.encode("utf-16"),
            text.encode("latin-1", "replace"),
            data + b"\x00" * 20,
            b" " * 100 + data,
        )
    )


def _huge(data: bytes, rng: Random) -> bytes:
    """A piece of it until the message is full."""
    start, end = _cut(data, rng)
    piece = data[start:end] or rng.choice(TOKENS)
    room = LARGEST - len(data)
    return data[:end] + piece * (max(room, 0) // len(piece)) + data[end:]


MUTATIONS = (
    *(
        _on_tree(change)
        for change in (_replace, _replace, _drop, _rename, _add, _retype, _nest, _graft, _repeat, _frame, _frame)
    ),
    _truncate, _delete, _insert, _insert, _overwrite, _double, _splice, _figures, _spell,
)  # fmt: skip
