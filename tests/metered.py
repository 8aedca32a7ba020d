"""A house with meters in a folder of its own: a [meter] table in its configuration, and a Watch of it."""

from __future__ import annotations

import os
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tinyocpp.config import load
from tinyocpp.meters.watch import Seen, Watch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tinyocpp.meterkinds import MeterConfig

PATIENCE_S = 20


class Metered:
    """One house with meters. What is written in `table` is the [meter] table of its configuration."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def config(self, table: str) -> MeterConfig:
        file = self.folder / "tinyocpp.toml"
        file.write_text(f"[meter]\n{table}\n")
        found = load(str(file), {}).meter
        assert found is not None
        return found

    def program(self, text: str, name: str = "meter.py") -> str:
        """A program in Python; the TOML line that names it."""
        file = self.folder / name
        file.write_text(text)
        return f'kind = "exec"\ncommand = ["{sys.executable}", "-u", "{file}"]'

    @contextmanager
    def watching(self, table: str) -> Iterator[Watched]:
        with Watch(self.config(table)) as watch:
            yield Watched(watch)
        assert not any(source.thread.is_alive() for source in watch._sources)


class Watched:
    def __init__(self, watch: Watch) -> None:
        self.look = watch.look
        self._watch = watch

    def until(self, wanted: Callable[[Seen], object]) -> Seen:
        """The first that is seen of which this is true."""
        seen, deadline_s = self._watch.look(), time.monotonic() + PATIENCE_S
        while not wanted(seen):
            assert time.monotonic() < deadline_s, seen
            seen = self._watch.wait(seen.news, 0.5)
        return seen

    def grid_w(self) -> float:
        """The first that may be used."""
        found = self.until(lambda seen: seen.measured).measured
        assert found
        return found.grid_w

    def trouble(self, part: str = "grid") -> str:
        """The first there is."""
        return self.until(lambda seen: seen.trouble.get(part)).trouble[part]


def alive(pid: int) -> bool:
    """A zombie is not."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def descriptors() -> set[str]:
    return set(os.listdir("/proc/self/fd"))
