"""Any program that prints numbers: the way to connect whatever has no kind of its own.

One that ends is run again at each interval; one that goes on is read line by line. It is started without a shell, in a
group of processes of its own that ends with us; what it says on standard error is only told when it fails. A program
that says nothing for as long as figures are believed is ended and begun again; one that says too much is made to wait.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections import deque
from typing import IO, TYPE_CHECKING

from tinyocpp.meters import MeterTrouble
from tinyocpp.meters.text import read_text, shown

if TYPE_CHECKING:
    from collections.abc import Callable

    from tinyocpp.measuring import Reading
    from tinyocpp.meterkinds import ExecConfig
    from tinyocpp.meters.stopping import Stop

    Tell = Callable[[Reading | MeterTrouble], None]

CHUNK = 65536
LONGEST_LINE = 65536
AT_ONCE = 20  # lines of a chunk; of a flood the last ones
BREATH_S = 0.05  # after each chunk
LOOK_EVERY_S = 0.2  # whether it has ended, though a child of its own keeps the pipe open
GRACE_S = 1.0  # from the asking to the killing
REMEMBERED = 2000  # of standard error


class ExecMeter:
    def __init__(self, config: ExecConfig, plain: str) -> None:
        self._command = config.words
        self._plain = plain
        self._interval_s = config.interval_s
        self._silent_s = config.stale_after_s
        self._name = os.path.basename(self._command[0])

    def run(self, tell: Tell, stop: Stop) -> None:
        while not stop.is_set:
            began_s = time.monotonic()
            self._run_once(tell, stop)
            stop.wait(began_s + self._interval_s - time.monotonic())

    def _run_once(self, tell: Tell, stop: Stop) -> None:
        try:
            process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as error:
            raise MeterTrouble(f"{self._command[0]}: {error.strerror}") from None
        lines = Lines(self._name, self._plain, tell)
        try:
            self._listen(process, lines, stop)
            lines.end()
        finally:
            end(process)
        if stop.is_set:
            return
        if process.returncode:
            raise MeterTrouble(f"{self._name} ended with {_how(process.returncode)}{lines.complaint()}")
        if not lines.heard:
            raise MeterTrouble(f"{self._name} ended and has printed nothing{lines.complaint()}")

    def _listen(self, process: subprocess.Popen[bytes], lines: Lines, stop: Stop) -> None:
        """Until it has ended, or is to be ended."""
        assert process.stdout
        assert process.stderr
        open_pipes: list[IO[bytes]] = [process.stdout, process.stderr]
        spoke_s = time.monotonic()
        while open_pipes and not stop.is_set:
            ready = stop.ready(open_pipes, LOOK_EVERY_S)
            for pipe in [pipe for pipe in open_pipes if pipe in ready]:
                data = os.read(pipe.fileno(), CHUNK)
                if not data:
                    open_pipes.remove(pipe)
                elif pipe is process.stdout:
                    spoke_s = time.monotonic()
                    lines.add(data)
                else:
                    lines.grumble(data)
            if not ready and process.poll() is not None:
                return
            if time.monotonic() > spoke_s + self._silent_s:
                raise MeterTrouble(
                    f"{self._name} has printed nothing for {self._silent_s:g} s and was ended{lines.complaint()}"
                )
            if ready:
                stop.wait(BREATH_S)
        deadline_s = time.monotonic() + GRACE_S
        while process.poll() is None and time.monotonic() < deadline_s and not stop.is_set:
            stop.wait(BREATH_S)  # it has said all it will, and may have something to do yet


class Lines:
    """What came of one run. A line that cannot be read is told of, and the next is read all the same."""

    def __init__(self, name: str, plain: str, tell: Tell) -> None:
        self.heard = False
        self._name = name
        self._plain = plain
        self._tell = tell
        self._begun = b""
        self._complaints = b""

    def add(self, data: bytes) -> None:
        *whole, self._begun = (self._begun + data).split(b"\n")
        for line in deque(whole, AT_ONCE):
            self._read(line)
        if len(self._begun) > LONGEST_LINE:
            raise MeterTrouble(
                f"{self._name} prints a line without an end: {shown(self._begun.decode('utf-8', 'replace'))}"
            )

    def end(self) -> None:
        """The last line may have no end."""
        self._read(self._begun)

    def grumble(self, data: bytes) -> None:
        self._complaints = (self._complaints + data)[-REMEMBERED:]

    def complaint(self) -> str:
        """Its last words on standard error."""
        words = self._complaints.decode("utf-8", "replace").strip().rpartition("\n")[2]
        return f": {words}" if words else ""

    def _read(self, line: bytes) -> None:
        if not line.strip():
            return
        self.heard = True
        try:
            self._tell(read_text(line.decode("utf-8", "replace"), self._plain))
        except MeterTrouble as trouble:
            self._tell(MeterTrouble(f"{self._name}: {trouble}"))


def end(process: subprocess.Popen[bytes]) -> None:
    """The program and all it has started, in any case."""
    for how in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, how)
        except (ProcessLookupError, PermissionError):
            break  # nobody is left, or (as some systems say it) only what has ended
        try:
            process.wait(GRACE_S)
        except subprocess.TimeoutExpired:
            continue
    process.wait()
    for pipe in (process.stdout, process.stderr):
        if pipe:
            pipe.close()


def _how(code: int) -> str:
    return f"exit code {code}" if code > 0 else f"signal {-code}"
