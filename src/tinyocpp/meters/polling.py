"""A meter that is asked: again and again, once in each interval."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from tinyocpp.measuring import Reading
    from tinyocpp.meters import MeterTrouble
    from tinyocpp.meters.stopping import Stop


def poll(
    read: Callable[[Stop], Reading], interval_s: float, tell: Callable[[Reading | MeterTrouble], None], stop: Stop
) -> None:
    """Until stopped, or until `read` raises. What takes longer than the interval is asked for at once again."""
    while not stop.is_set:
        began_s = time.monotonic()
        reading = read(stop)
        if not stop.is_set:
            tell(reading)
        stop.wait(began_s + interval_s - time.monotonic())
