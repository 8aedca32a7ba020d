"""Changing the owner's tags file by program: only the lines of the tag in question are touched.

The file is the owner's. Comments, order and layout of everything else stay byte for byte, which is why a tag's own
lines are cut out, changed with tomlkit and put back, instead of writing the whole document anew. What comes out is
read again before it replaces the file. Two editors wait for each other; a broken file is refused, not repaired.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tinyocpp.errors import ConfigError, Malformed, NotPermitted, StorageError
from tinyocpp.storage.files import read_whole, write_whole
from tinyocpp.storage.tagfile import header_lines, parse
from tinyocpp.tags import Tag, fold, mistake

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MODE = 0o644  # for a new file: the backend may run as somebody else


def read(path: str) -> list[Tag]:
    """The tags as they stand in the file; none where there is no file. ConfigError where it is broken."""
    return parse(_bytes(path), path)


def put(path: str, tag: Tag) -> None:
    """Write this tag, durably: in the place of the one with its id, else at the end."""
    if wrong := mistake(tag):
        raise Malformed(wrong)

    def change(text: str, tags: list[Tag]) -> tuple[str, list[Tag]]:
        index = _index(tags, tag.id)
        if index is None:
            gap = "" if not text else "\n" if text.endswith("\n") else "\n\n"
            return text + gap + _changed("[[tag]]", tag), [*tags, tag]
        before, block, after = _cut(text, index)
        return before + _changed(block, tag) + after, [*tags[:index], tag, *tags[index + 1 :]]

    _edit(path, change)


def remove(path: str, id_tag: str) -> bool:
    """Take the tag out, durably. Comments around it stay. False: there was none."""
    found = False

    def change(text: str, tags: list[Tag]) -> tuple[str, list[Tag]]:
        nonlocal found
        index = _index(tags, id_tag)
        if index is None:
            return text, tags
        found = True
        before, _, after = _cut(text, index)
        return before + after.removeprefix("\n"), tags[:index] + tags[index + 1 :]

    _edit(path, change)
    return found


def _edit(path: str, change: Callable[[str, list[Tag]], tuple[str, list[Tag]]]) -> None:
    try:
        with _locked(path):
            data = _bytes(path)
            tags = parse(data, path)
            text = data.decode("utf-8-sig")
            if len(header_lines(text)) != len(tags):
                raise ConfigError(f"{path}: can be edited by hand only, unless each tag is written as a [[tag]] table")
            changed, expected = change(text, tags)
            if changed == text:
                return
            assert parse(changed.encode(), path) == expected
            write_whole(path, changed.encode(), mode=MODE)
    except PermissionError as error:
        raise NotPermitted(f"{path}: {error.strerror}; ask its owner, or use sudo") from None
    except OSError as error:
        raise StorageError(f"{path}: {error.strerror}") from None


@contextmanager
def _locked(path: str) -> Iterator[None]:
    """One editor at a time. The lock is on the folder, so no lock file is left in it."""
    folder = os.path.dirname(os.path.realpath(path))
    os.makedirs(folder, mode=0o700, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _bytes(path: str) -> bytes:
    try:
        return read_whole(path)
    except FileNotFoundError:
        return b""


def _index(tags: list[Tag], id_tag: str) -> int | None:
    return next((index for index, tag in enumerate(tags) if fold(tag.id) == fold(id_tag)), None)


def _cut(text: str, index: int) -> tuple[str, str, str]:
    """Before, the lines of the tag, and after. What follows its last key, comments too, belongs to what comes next."""
    lines = [line + "\n" for line in text.split("\n")]
    lines[-1] = lines[-1].removesuffix("\n")
    starts = [*header_lines(text), len(lines)]
    start, end = starts[index], starts[index + 1]
    while lines[end - 1].strip() == "" or lines[end - 1].lstrip().startswith("#"):
        end -= 1
    return "".join(lines[:start]), "".join(lines[start:end]), "".join(lines[end:])


def _changed(block: str, tag: Tag) -> str:
    """The block saying what `tag` says. A key that says what holds anyway is changed where it is written, not added."""
    import tomlkit
    from tomlkit.items import AoT

    document = tomlkit.parse(block if block.endswith("\n") else block + "\n")
    tables = document["tag"]
    assert isinstance(tables, AoT)
    table = tables[0]
    for key in Tag.__struct_fields__:
        value = getattr(tag, key)
        if value is None:
            table.pop(key, None)
        elif table.get(key, getattr(Tag(""), key)) != value:
            table[key] = value
    return document.as_string()
