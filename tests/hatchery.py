"""A process that has imported our programs, and forks one that runs such a program whenever a test asks for it.

tests/programs.py starts it and asks. A request is one message on the socket that is our first argument: a JSON object,
and four descriptors, which are the program's input, output and errors, and a pipe that is told its process id and, when
it has ended, its exit code. Here is no thread and nobody else's descriptor, so that a fork is as good as an exec.
"""

from __future__ import annotations

import atexit
import ctypes
import gc
import io
import json
import os
import pkgutil
import select
import signal
import socket
import struct
import sys
import threading
import time
from contextlib import suppress
from importlib import import_module
from typing import NoReturn

import tinyocpp

LARGEST = 2**17  # of a request: words and environment
PR_SET_PTRACER, ANYBODY = 0x59616D61, 2**64 - 1  # prctl(2); else only a parent may trace, where Yama is
NUMBER = struct.Struct("=i")
LIBRARIES = ("tomllib", "zoneinfo", "tomlkit", "sqlite3", "ssl")
"""What our programs import late, or have imported for them."""


def main() -> int:
    questions = socket.socket(fileno=int(sys.argv[1]))
    for module in pkgutil.walk_packages(tinyocpp.__path__, "tinyocpp."):
        import_module(module.name)
    for library in LIBRARIES:
        import_module(library)
    gc.collect()
    gc.freeze()  # so that no child writes to the pages of what it shares
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # typed at a terminal, it is for the tests and the programs
    serve(questions)
    return 0


def serve(questions: socket.socket) -> None:
    """Until the tests have ended."""
    living: dict[int, tuple[int, int]] = {}  # by a descriptor that is readable when the child has ended: it, its pipe
    waiting = select.poll()
    waiting.register(questions, select.POLLIN)
    while True:
        for descriptor, _ in waiting.poll():
            if descriptor in living:
                waiting.unregister(descriptor)
                bury(descriptor, *living.pop(descriptor))
                continue
            request, descriptors, _, _ = socket.recv_fds(questions, LARGEST, 4)
            if not request:
                for pid, _ in living.values():  # as nobody else will end them
                    os.kill(pid, signal.SIGKILL)
                    os.waitpid(pid, 0)
                return
            *streams, told = descriptors
            pid = os.fork()
            if pid == 0:
                questions.detach()
                live(born(streams, **json.loads(request)))
            for stream in streams:
                os.close(stream)
            tell(told, pid)
            ended = os.pidfd_open(pid)
            living[ended] = pid, told
            waiting.register(ended, select.POLLIN)


def bury(ended: int, pid: int, told: int) -> None:
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    tell(told, code)
    os.close(told)
    os.close(ended)


def tell(told: int, number: int) -> None:
    with suppress(BrokenPipeError):  # nobody waits for it any more
        os.write(told, NUMBER.pack(number))


def born(streams: list[int], module: str, words: list[str], environ: dict[str, str], folder: str, stopped: bool) -> str:
    """Be what an exec would have made of this process; returns the program's name."""
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environ)
    time.tzset()
    sys.argv[:] = [module, *words]
    unbuffered = bool(environ.get("PYTHONUNBUFFERED"))
    source = io.BufferedReader(io.FileIO(0, closefd=False))
    sys.stdin = sys.__stdin__ = io.TextIOWrapper(source, "utf-8", sys.stdin.errors)
    sys.stdout = sys.__stdout__ = output(1, sys.stdout.errors, line_buffering=os.isatty(1), unbuffered=unbuffered)
    sys.stderr = sys.__stderr__ = output(2, "backslashreplace", line_buffering=True, unbuffered=unbuffered)
    if stopped:
        ctypes.CDLL(None).prctl(PR_SET_PTRACER, ctypes.c_ulong(ANYBODY), 0, 0, 0)
        os.kill(os.getpid(), signal.SIGSTOP)
    return module


def live(module: str) -> NoReturn:
    """To the end, as it is in an interpreter, but that what was imported is not taken apart: that would write to every
    page of it, and take ten times as long as all before it."""
    code: object = 1
    interrupted = False
    try:
        code = import_module(module).main()
    except SystemExit as end:
        code = end.code
    except BaseException as error:
        sys.excepthook(type(error), error, error.__traceback__)
        interrupted = isinstance(error, KeyboardInterrupt)
    if code is not None and not isinstance(code, int):
        print(code, file=sys.stderr)
        code = 1
    threading._shutdown()
    atexit._run_exitfuncs()
    gc.collect()
    try:
        sys.stdout.flush()
    except OSError:
        code = 120
    if interrupted:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    os._exit((code or 0) & 0xFF)


def output(number: int, errors: str, *, line_buffering: bool, unbuffered: bool) -> io.TextIOWrapper:
    raw = io.FileIO(number, "w", closefd=False)
    binary = raw if unbuffered else io.BufferedWriter(raw)
    return io.TextIOWrapper(binary, "utf-8", errors, line_buffering=line_buffering, write_through=unbuffered)


if __name__ == "__main__":
    sys.exit(main())
