"""`tinyocpp log`: the frames to and from the chargers, as they were and as they come.

Reads the wire logs of whatever host is running, merged by time, without asking that host for anything: it works on the
log of a listener that has ended. Rotation is followed by watching which file the name leads to.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from heapq import merge
from pathlib import Path
from typing import TYPE_CHECKING

from tinyocpp.cli.wire import Teller, WireLine, read_lines, write_line
from tinyocpp.errors import Unavailable
from tinyocpp.hosts.runtimedir import WIRE_LOG
from tinyocpp.identity import fold_identity

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from tinyocpp.config import Config

POLL_S = 0.25
BEFORE = 20  # lines before the first that is shown: what it answers is among them
TAIL_BYTES = 256 * 1024  # read back from the end at first; more only when that holds too few lines

Filter = Callable[[Iterable[WireLine]], list[WireLine]]


def configure(parser: ArgumentParser) -> None:
    parser.add_argument("-f", "--follow", action="store_true", help="go on showing frames as they come")
    parser.add_argument("-n", "--lines", type=int, default=20, metavar="N", help="begin with the last N (default 20)")
    parser.add_argument("--charger", metavar="ID", help="only this charger")
    parser.add_argument("--raw", "--json", action="store_true", help="one JSON object per line, as replay reads it")


def run(args: Namespace, config: Config) -> int:
    tails = {path: Tail(path) for path in logs(config)}
    if not tails and not args.follow:
        raise Unavailable(f"no traffic has been recorded in {_places(config)}; is tinyocpp-listener running?")
    shown = _of_charger(args.charger)
    lines = list(merge(*(tail.last(args.lines + BEFORE, shown) for tail in tails.values()), key=_when))
    first = max(0, len(lines) - args.lines)
    say = _raw if args.raw else _pretty(config, lines[:first])
    say(lines[first:])
    while args.follow:
        time.sleep(POLL_S)
        for path in logs(config):
            tails.setdefault(path, Tail(path))
        say(merge(*(shown(tail.new()) for tail in tails.values()), key=_when))
    return 0


def logs(config: Config) -> list[Path]:
    """The wire logs there are: the file the configuration names, else the rings in the runtime directories."""
    if config.log.wire:
        return [Path(config.log.wire)] if Path(config.log.wire).exists() else []
    found: list[Path] = []
    for directory in map(Path, config.runtime_directories):
        found += directory.glob(WIRE_LOG)
        found += directory.glob(f"*.{WIRE_LOG}")
    return sorted(found)


class Tail:
    """One log file, read from wherever we were. When its name comes to lead to a new file, the old one is now `.1`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rotated = path.with_name(path.name + ".1")
        self._inode = 0
        self._offset = 0

    def last(self, count: int, shown: Filter) -> list[WireLine]:
        """The last `count` lines that are shown. From now on `new` gives what is added after them."""
        with suppress(FileNotFoundError):
            about = self.path.stat()
            self._inode, self._offset = about.st_ino, about.st_size
            self._offset -= _unfinished(self.path, about.st_size)
        found = _last_lines(self.path, self._offset, count, shown)
        return _last_lines(self.rotated, _size(self.rotated), count - len(found), shown) + found

    def new(self) -> list[WireLine]:
        """What has been added since the last call. A line still being written is left for the next one."""
        try:
            inode = self.path.stat().st_ino
        except FileNotFoundError:
            return []
        rest: list[WireLine] = []
        if self._inode not in (0, inode):
            rest = self._read(self.rotated)
            self._offset = 0
        self._inode = inode
        return rest + self._read(self.path)

    def _read(self, path: Path) -> list[WireLine]:
        self._offset = min(self._offset, _size(path))  # a file that was cut short is read from its new end
        text = _bytes(path, self._offset)
        whole = text[: text.rfind(b"\n") + 1]
        self._offset += len(whole)
        return list(read_lines(whole.splitlines()))


def _last_lines(path: Path, end: int, count: int, shown: Filter) -> list[WireLine]:
    size = TAIL_BYTES
    while count > 0:
        start = max(end - size, 0)
        lines = _bytes(path, start, end).splitlines()
        found = shown(read_lines(lines[1:] if start else lines))
        if len(found) >= count or start == 0:
            return found[-count:]
        size *= 4
    return []


def _unfinished(path: Path, end: int) -> int:
    """How many bytes of a line that is still being written the file ends with."""
    tail = _bytes(path, max(end - TAIL_BYTES, 0), end)
    return len(tail) - 1 - tail.rfind(b"\n")


def _bytes(path: Path, start: int, end: int | None = None) -> bytes:
    try:
        with path.open("rb") as file:
            file.seek(start)
            return file.read(-1 if end is None else max(end - start, 0))
    except FileNotFoundError:
        return b""


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _of_charger(identity: str | None) -> Filter:
    wanted = None if identity is None else fold_identity(identity)

    def shown(lines: Iterable[WireLine]) -> list[WireLine]:
        return [line for line in lines if wanted is None or fold_identity(line.charger) == wanted]

    return shown


def _when(line: WireLine) -> float:
    return line.at.timestamp() if line.at else 0.0


def _pretty(config: Config, before: Iterable[WireLine]) -> Callable[[Iterable[WireLine]], None]:
    teller = Teller(config.zone())
    for line in before:
        teller.overhear(line)

    def say(lines: Iterable[WireLine]) -> None:
        for line in lines:
            print(*teller.tell(line), sep="\n")
        sys.stdout.flush()

    return say


def _raw(lines: Iterable[WireLine]) -> None:
    for line in lines:
        print(write_line(line))
    sys.stdout.flush()


def _places(config: Config) -> str:
    return config.log.wire or " or ".join(config.runtime_directories)
