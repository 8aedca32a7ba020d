"""The grid meter of a simulated house: every interval one JSON object in a file, for `[meter] kind = "file"` to read.

The file is replaced as a whole, so that nobody reads half of one.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from tinyocpp.errors import Malformed

if TYPE_CHECKING:
    from tinyocpp.simulator.client import Clock
    from tinyocpp.simulator.house import Figures
    from tinyocpp.simulator.household import Household


class GridMeter:
    """`interval_s` is true time. `shown` is told of every reading."""

    def __init__(
        self,
        household: Household,
        file: Path,
        clock: Clock,
        interval_s: float,
        *,
        shown: Callable[[Figures], None] = lambda _figures: None,
    ) -> None:
        self._household = household
        self._file = file
        self._clock = clock
        self._interval_s = interval_s
        self._shown = shown

    async def run(self, finished: Callable[[], bool]) -> None:
        while not finished():
            figures = self._household.advance(self._clock.now())
            write(self._file, figures)
            self._shown(figures)
            await asyncio.sleep(self._interval_s)


def write(file: Path, figures: Figures) -> None:
    """Malformed where it cannot be written."""
    beside = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        beside.write_bytes(msgspec.json.encode(figures) + b"\n")
        os.replace(beside, file)
    except OSError as error:
        raise Malformed(f"{file}: {error.strerror}") from None
