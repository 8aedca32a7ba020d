"""The owner's tags: a TOML file edited by hand or by `tinyocpp tag`, read anew when it changes.

A file that is broken changes nothing: the last good list stays in force, and whoever runs us is told once, with line
and remedy. So that this also holds across a restart, the last good text is kept beside the ledger. Nothing here judges
a tag (tags.py does), and nothing here writes the owner's file (tagedit.py does).

    [[tag]]
    id = "04A2B3C4"           # as the charger shows it
    name = "Anna"
    group = "family"          # members may stop each other's charges
    expires = 2026-12-31      # the last day, or a time
    blocked = false
    transactions = 1          # at once
    mode = "fast"             # how its charges go, whatever its charger is set to
"""

from __future__ import annotations

import contextlib
import os
import time
from codecs import BOM_UTF8
from datetime import date, datetime
from typing import TYPE_CHECKING

import msgspec

from tinyocpp import toml
from tinyocpp.errors import ConfigError
from tinyocpp.modes import Mode
from tinyocpp.storage.files import read_whole, write_whole
from tinyocpp.tags import Tag, TagList, fold, mistake

if TYPE_CHECKING:
    from collections.abc import Iterator, Sized
    from datetime import tzinfo

    from tinyocpp.tags import Policy, Verdict

HEADER = "[[tag]]"  # whatever space is in it

SETTLED_NS = 2_000_000_000
"""Until a change is this old, another may hide behind the same time of change (2 s is what FAT keeps)."""


class TagFile:
    """The list in force. Follows the file when `reload_if_changed` is called, which costs one stat."""

    def __init__(
        self, path: str, policy: Policy, zone: tzinfo, *, last_good: str | None = None, keep: bool = True
    ) -> None:
        """Never fails: a missing file is an empty list, of a broken one the text in the file `last_good` counts, which
        is written too if we are to `keep` it. What there is to say about that is said by the first
        `reload_if_changed`."""
        self.path = path
        self.trouble = ""  # why the file is not in force; empty: it is
        self._policy = policy
        self._zone = zone
        self._last_good = last_good
        self._keeps = keep
        self._tags = TagList((), policy, zone)
        self._data: bytes | None = None
        self._seen = _signature(path)
        self._news: str | None = self._read(at_start=True)

    def judge(self, id_tag: str, now: datetime, *, running: int = 0) -> Verdict:
        return self._tags.judge(id_tag, now, running=running)

    def find(self, id_tag: str) -> Tag | None:
        return self._tags.find(id_tag)

    def __iter__(self) -> Iterator[Tag]:
        return iter(self._tags)

    def __len__(self) -> int:
        return len(self._tags)

    @property
    def in_force(self) -> str:
        """What holds while there is trouble."""
        return f"the last good list of {_counted(self)} is in force"

    def reload_if_changed(self) -> str | None:
        """Follow the file. One line for the log when it changed or broke, None when there is nothing to say."""
        news, self._news = self._news, None
        if news:
            return news
        seen = _signature(self.path)
        if seen == self._seen:
            return None
        self._seen = seen
        return self._read()

    def _read(self, *, at_start: bool = False) -> str | None:
        try:
            data = read_whole(self.path)
            if data == self._data and not self.trouble:
                return None
            tags = parse(data, self.path)
        except FileNotFoundError:
            return None if at_start else self._broken(f"{self.path}: is gone; write an empty file to let nobody charge")
        except OSError as error:
            self._seen = None  # it may pass without a change of the file, as too many open files does
            return self._broken(f"{self.path}: {error.strerror}", at_start=at_start)
        except ConfigError as error:
            return self._broken(str(error), at_start=at_start)
        self._data, self._tags, self.trouble = data, TagList(tags, self._policy, self._zone), ""
        kept = self._keep(data)
        return kept or (None if at_start else f"{self.path}: read, {_counted(tags)}")

    def _broken(self, problem: str, *, at_start: bool = False) -> str | None:
        if at_start:
            self._recall()
        if problem == self.trouble:
            return None
        self.trouble = problem
        return f"{problem}; until then {self.in_force}"

    def _recall(self) -> None:
        """Of a broken file at the start, take what was last good. A copy we cannot read is as none."""
        with contextlib.suppress(OSError, ConfigError):
            if self._last_good:
                with open(self._last_good, "rb") as file:
                    tags = parse(file.read(), self._last_good)
                self._tags = TagList(tags, self._policy, self._zone)

    def _keep(self, data: bytes) -> str | None:
        """Remember the text across restarts. That this fails takes nothing from today's list."""
        if not self._last_good or not self._keeps:
            return None
        try:
            with contextlib.suppress(FileNotFoundError), open(self._last_good, "rb") as file:
                if file.read() == data:
                    return None
            write_whole(self._last_good, data, mode=0o600)
        except OSError as error:
            return f"{self._last_good}: {error.strerror}; a broken tags file after a restart would let nobody charge"
        return None


# --- from text to tags


class Lines(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file: nothing but tags."""

    tag: tuple[dict[str, object], ...] = ()


class Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One [[tag]], its expiry not yet understood."""

    id: str
    name: str = ""
    group: str = ""
    expires: object = None
    blocked: bool = False
    transactions: int = 1
    mode: Mode | None = None


def parse(data: bytes, name: str) -> list[Tag]:
    """The tags in a file's bytes. ConfigError names line, key and remedy; a file is refused whole."""
    document = toml.parse(data, name)
    if isinstance(document.get("tag"), dict):
        raise ConfigError(f"{name}: tag: there can be many; write [[tag]] with two brackets")
    entries = toml.convert(document, Lines, name).tag
    places = _places(data, name, len(entries))
    tags: dict[str, Tag] = {}
    for place, entry in zip(places, entries, strict=True):
        tag = _tag(toml.convert(entry, Line, place, "tag"), place)
        if tags.setdefault(fold(tag.id), tag) is not tag:
            raise ConfigError(f"{place}: tag.id: {tag.id!r} is there twice; remove one")
    return list(tags.values())


def _tag(line: Line, place: str) -> Tag:
    try:
        expires = read_expiry(line.expires)
    except ValueError as error:
        raise ConfigError(f"{place}: tag.expires: {error}") from None
    tag = Tag(line.id, line.name, line.group, expires, line.blocked, line.transactions, line.mode)
    if wrong := mistake(tag):
        raise ConfigError(f"{place}: tag.{wrong}")
    return tag


def read_expiry(value: object) -> datetime | date | None:
    """A date or time as TOML gives it, or as somebody typed it in quotes."""
    if value is None or isinstance(value, date):  # a datetime is a date
        return value
    if isinstance(value, str):
        with contextlib.suppress(ValueError):
            return date.fromisoformat(value)
        with contextlib.suppress(ValueError):
            return datetime.fromisoformat(value)
    raise ValueError(f"{str(value)!r} is not a date; write one such as 2026-12-31")


def _places(data: bytes, name: str, count: int) -> list[str]:
    """Where each tag begins, as file:line; just the file where tags are not written one table each."""
    lines = header_lines(data.removeprefix(BOM_UTF8).decode())
    return [f"{name}:{line + 1}" for line in lines] if len(lines) == count else [name] * count


def header_lines(text: str) -> list[int]:
    """The lines that open a [[tag]], counted from 0."""
    return [number for number, line in enumerate(text.split("\n")) if "".join(line.split()).startswith(HEADER)]


# --- files


def _counted(tags: Sized) -> str:
    return "1 tag" if len(tags) == 1 else f"{len(tags)} tags"


def _signature(path: str) -> tuple[int | bool, ...] | None:
    """Differs when the file does: also when it was replaced, made readable, or is old enough to be believed."""
    try:
        stat = os.stat(path)
    except OSError:
        return None
    settled = time.time_ns() - stat.st_mtime_ns > SETTLED_NS
    return stat.st_mtime_ns, stat.st_ctime_ns, stat.st_size, stat.st_ino, stat.st_dev, settled
