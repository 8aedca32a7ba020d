"""The one place from which tests start our programs as processes of their own.

`start` and `run` are told which program (BACKEND, LISTENER, COMMAND, TINYOCPP) and what is typed after its name, and
then what subprocess.Popen is told. The process is a real one, with a process id and signals, but it begins by a fork of
hatchery.py, which has imported our programs once for all tests of this process: in a few milliseconds instead of 130 to
300, of which a run of all tests has well over a thousand. tests/test_programs.py holds that nobody can tell.

What is about the start itself, and what another program starts (strace, websocketd, a shell), takes `command` and goes
the long way.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
import threading
import time
import weakref
from pathlib import Path
from subprocess import DEVNULL, PIPE, STDOUT, CompletedProcess, TimeoutExpired
from typing import IO, TYPE_CHECKING, Any

from hatchery import NUMBER

if TYPE_CHECKING:
    from collections.abc import Mapping

BACKEND = "tinyocpp.hosts.stdio"
LISTENER = "tinyocpp.cli.listener"
COMMAND = "tinyocpp.cli.command"
TINYOCPP = "tinyocpp.cli"

HATCHERY = Path(__file__).with_name("hatchery.py")
PATIENCE_S = 60.0
ONE_AT_A_TIME = threading.Lock()


def environment(**more: str) -> dict[str, str]:
    """Nothing of the tester's own configuration."""
    search = os.pathsep.join(path for path in sys.path if path)
    return {"PATH": os.environ["PATH"], "PYTHONPATH": search} | more


def command(module: str) -> list[str]:
    """What to exec, as an installed program's entry point does."""
    return [sys.executable, "-c", f"import sys; from {module} import main; sys.exit(main())"]


def start(
    module: str,
    *words: str | Path,
    stdin: int | IO[Any] | None = None,
    stdout: int | IO[Any] | None = None,
    stderr: int | IO[Any] | None = None,
    env: Mapping[Any, Any] | None = None,
    cwd: str | Path | None = None,
    text: bool = False,
    bufsize: int = -1,
    stopped: bool = False,
) -> Program:
    """As subprocess.Popen would, with all that means: an `env` of None is ours, a stream of None too. One that is to
    begin `stopped` waits for SIGCONT before its first step, so that strace can be there in time."""
    with contextlib.ExitStack() as ending:
        theirs, ours = [], []
        for number, wanted in enumerate((stdin, stdout, stderr)):
            their, our = _stream(number, theirs[1] if wanted == STDOUT else wanted, ending)
            theirs.append(their)
            ours.append(None if our is None else _opened(our, "wr"[number > 0], text, bufsize))
        told, telling = os.pipe()
        ending.callback(os.close, telling)
        request = {
            "module": module,
            "words": [str(word) for word in words],
            "environ": {
                os.fsdecode(name): os.fsdecode(value) for name, value in (os.environ if env is None else env).items()
            },
            "folder": os.path.abspath(cwd or "."),
            "stopped": stopped,
        }
        with ONE_AT_A_TIME:
            questions = hatchery()
        socket.send_fds(questions, [json.dumps(request).encode()], [*theirs, telling])
    return Program([module, *request["words"]], told, *ours)


def run(
    module: str, *words: str | Path, said: str | bytes = "", timeout: float = PATIENCE_S, **options: Any
) -> CompletedProcess[Any]:
    """To its end, having been told all at once; what it wrote is str or bytes, as what was said."""
    pipes = {"stdin": PIPE, "stdout": PIPE, "stderr": PIPE, "text": isinstance(said, str)}
    with start(module, *words, **(pipes | options)) as program:
        try:
            out, err = program.communicate(said, timeout)
        except TimeoutExpired:
            program.kill()
            raise
        return CompletedProcess(program.args, program.wait(), out, err)


def urls(listener: Program | subprocess.Popen[Any]) -> list[str]:
    """What a listener tells to type into a charger, once it is ready."""
    assert listener.stdout is not None
    found: list[str] = []
    while line := listener.stdout.readline():
        line = line if isinstance(line, str) else line.decode()
        if line.endswith("ready\n"):
            return found
        found += re.findall(r"wss?://\S+", line)
    said = listener.stderr.read() if listener.stderr else ""
    raise AssertionError(f"the listener has not become ready: exit code {listener.wait(PATIENCE_S)}, {said!r}")


class Program:
    """A running program: what tests use of subprocess.Popen, by the same names."""

    def __init__(
        self, args: list[str], told: int, stdin: IO[Any] | None, stdout: IO[Any] | None, stderr: IO[Any] | None
    ) -> None:
        self.args = args
        self.stdin, self.stdout, self.stderr = stdin, stdout, stderr
        self.returncode: int | None = None
        self._told = told
        self._hearing = threading.Lock()
        weakref.finalize(self, os.close, told)
        self.pid = self._number()

    def __enter__(self) -> Program:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.ExitStack() as ending:
            ending.callback(self.wait)
            for stream in (self.stdin, self.stderr, self.stdout):
                if stream is not None:
                    ending.callback(stream.close)

    def poll(self) -> int | None:
        with self._hearing:
            if self.returncode is None and self._has_ended(0):
                self.returncode = self._number()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        if self.returncode is None and not self._has_ended(timeout):
            raise TimeoutExpired(self.args, timeout or 0)
        code = self.poll()
        assert code is not None
        return code

    def communicate(self, said: Any = None, timeout: float | None = None) -> tuple[Any, Any]:
        """Say this and no more, and hear all there is; a thread has each pipe."""
        heard: dict[str, Any] = {}
        deadline_s = None if timeout is None else time.monotonic() + timeout

        def say(stream: IO[Any]) -> None:
            with contextlib.suppress(BrokenPipeError), stream:
                if said:
                    stream.write(said)

        def hear(name: str, stream: IO[Any]) -> None:
            with stream:
                heard[name] = stream.read()

        threads = [threading.Thread(target=say, args=[self.stdin], daemon=True)] if self.stdin else []
        for name, stream in (("out", self.stdout), ("err", self.stderr)):
            if stream is not None:
                threads.append(threading.Thread(target=hear, args=[name, stream], daemon=True))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(None if deadline_s is None else max(0.0, deadline_s - time.monotonic()))
            if thread.is_alive():
                raise TimeoutExpired(self.args, timeout or 0)
        self.wait(None if deadline_s is None else max(0.0, deadline_s - time.monotonic()))
        return heard.get("out"), heard.get("err")

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _has_ended(self, timeout_s: float | None) -> bool:
        return self._told in select.select([self._told], [], [], timeout_s)[0]

    def _number(self) -> int:
        data = os.read(self._told, NUMBER.size)
        assert data, "the hatchery has died"
        return int(NUMBER.unpack(data)[0])


def _stream(number: int, wanted: int | IO[Any] | None, ending: contextlib.ExitStack) -> tuple[int, int | None]:
    """The program's descriptor, and ours if it is a pipe; the program's is closed with `ending` if we made it."""
    if wanted is None:
        return number, None
    if wanted == PIPE:
        reading, writing = os.pipe()
        their, our = (writing, reading) if number else (reading, writing)
    elif wanted == DEVNULL:
        their, our = os.open(os.devnull, os.O_RDWR), None
    else:
        return (wanted if isinstance(wanted, int) else wanted.fileno()), None
    ending.callback(os.close, their)
    return their, our


def _opened(descriptor: int, way: str, text: bool, bufsize: int) -> IO[Any]:
    return open(descriptor, way if text else f"{way}b", bufsize)


@functools.cache
def hatchery() -> socket.socket:
    """A socket on which one asks for a program. What it has started ends with us, at the latest."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-P", HATCHERY, str(theirs.fileno())],
            env=environment(),
            stdin=DEVNULL,
            pass_fds=[theirs.fileno()],
        )

    def end() -> None:
        ours.close()
        process.wait()

    atexit.register(end)
    return ours
