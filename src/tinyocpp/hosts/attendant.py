"""The control program, kept running beside a listener: begun where there is something to steer, begun anew if it ends.

It knows that we are gone by the end of its standard input, so that it never outlives us, however we end. A thread waits
for it; both engines have theirs, and neither ever waits for it, but at the very end.
"""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

from tinyocpp.errors import OperatorError
from tinyocpp.hosts.log import log

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tinyocpp.config import Config

PROGRAM = "import sys; from tinyocpp.cli import main; sys.exit(main())"
FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 60.0
STEADY_S = 60.0  # one that ran so long has not failed at once
END_S = 4.0  # its meters have three to end their own programs


class Attendant:
    """`look_after` what the configuration needs now; `leave`, and `stop` once there is nothing else to do."""

    def __init__(self, config_option: str | None) -> None:
        self._command: Sequence[str] = [
            *(sys.executable, "-P", "-c", PROGRAM, "control", "--attended"),
            *(["--config", config_option] if config_option else []),
        ]
        self._last: Attendance | None = None

    def look_after(self, config: Config) -> None:
        """Begin it, end it, or begin it anew with the configuration there is now. Waits for nothing."""
        self.leave()
        if config.steered:
            self._last = Attendance(self._command, after=self._last)

    def leave(self) -> None:
        """Have it end."""
        if self._last is not None:
            self._last.leave()

    def stop(self) -> None:
        """It has ended when this returns: within END_S after it was left."""
        self.leave()
        if self._last is not None:
            self._last.wait()


class Attendance:
    """On the control program with one configuration, from when the one with another has ended."""

    def __init__(self, command: Sequence[str], after: Attendance | None) -> None:
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None
        self._over = threading.Event()
        self._changing = threading.Lock()
        self._thread = threading.Thread(target=self._attend, args=[after], name="control", daemon=True)
        self._thread.start()

    def leave(self) -> None:
        with self._changing:
            self._over.set()
            if self._process is not None and self._process.stdin is not None:
                self._process.stdin.close()

    def wait(self) -> None:
        self._thread.join()

    def _attend(self, before: Attendance | None) -> None:
        if before is not None:
            before.wait()
        pause_s = FIRST_PAUSE_S
        while not self._over.is_set():
            begun_s = time.monotonic()
            process = self._begin()
            if process is None:
                return
            code = self._end_of(process)
            if self._over.is_set():
                return
            if time.monotonic() - begun_s >= STEADY_S:
                pause_s = FIRST_PAUSE_S
            log("control_ended", code=code, then=f"begun again in {pause_s:g} s; chargers keep what they were told")
            self._over.wait(pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    def _begin(self) -> subprocess.Popen[bytes] | None:
        with self._changing:
            if self._over.is_set():
                return None
            self._process = subprocess.Popen(self._command, stdin=subprocess.PIPE, stdout=sys.stderr)
            return self._process

    def _end_of(self, process: subprocess.Popen[bytes]) -> int:
        """How it has ended: by itself, or since its input was closed; one that does not is killed."""
        while not self._over.is_set():
            try:
                return process.wait(0.5)
            except subprocess.TimeoutExpired:
                continue
        try:
            return process.wait(END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()


def read_again(read_config: Callable[[], Config], use: Callable[[Config], None], by: str) -> None:
    """SIGHUP: a configuration that is wrong leaves the one before in force."""
    try:
        config = read_config()
        use(config)
    except OperatorError as error:
        log("not_reloaded", why=error, then="the configuration from before stays in force")
    else:
        log("reloaded", file=config.source or "(none)", by=by)
