"""For tests that run real programs: there is nothing to wait on but the fact itself."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

PATIENCE_S = 20.0


def until(so: Callable[[], bool]) -> None:
    """Looks again and again; fails when it never comes true."""
    deadline_s, between = time.monotonic() + PATIENCE_S, threading.Event()
    while not so():
        assert time.monotonic() < deadline_s, "it never was"
        between.wait(0.01)
