"""A file that another program writes: what is in it is read as what a program prints, its time of change is its age.

Only a file that has changed is told of; so one that is left lying grows old, whoever reads it how often.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from tinyocpp.measuring import Reading
from tinyocpp.meters import MeterTrouble
from tinyocpp.meters.text import read_text
from tinyocpp.storage.files import read_whole

if TYPE_CHECKING:
    from collections.abc import Callable

    from tinyocpp.meterkinds import FileConfig
    from tinyocpp.meters.stopping import Stop

LOOK_EVERY_S = 0.5  # one stat; waiting for the whole interval would make every figure that much older


class FileMeter:
    def __init__(self, config: FileConfig, plain: str) -> None:
        self._path = config.path
        self._plain = plain
        self._look_every_s = min(config.interval_s, LOOK_EVERY_S)
        self._seen: tuple[int, int, int] | None = None  # as it was when it was read
        self._trouble = ""  # as it was told

    def run(self, tell: Callable[[Reading | MeterTrouble], None], stop: Stop) -> None:
        while not stop.is_set:
            try:
                self._look(tell)
                self._trouble = ""
            except (OSError, MeterTrouble) as error:
                trouble = f"{self._path}: {error.strerror if isinstance(error, OSError) else error}"
                if trouble != self._trouble:
                    tell(MeterTrouble(trouble))
                self._trouble = trouble
            stop.wait(self._look_every_s)

    def _look(self, tell: Callable[[Reading | MeterTrouble], None]) -> None:
        stat = os.stat(self._path)
        seen = (stat.st_mtime_ns, stat.st_ino, stat.st_size)
        if seen != self._seen or self._trouble:
            tell(self._reading(stat.st_mtime))
            self._seen = seen

    def _reading(self, changed: float) -> Reading:
        reading = read_text(read_whole(self._path).decode("utf-8", "replace"), self._plain)
        age_s = max(time.time() - changed, 0.0)  # a clock set back makes no figure of the future
        return Reading(reading.figures, reading.delay_s + age_s)
