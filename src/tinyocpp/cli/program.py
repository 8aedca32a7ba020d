"""What every program of ours does at its edges: how it is called wrongly, how it fails, how it is interrupted.

An OperatorError is one line on stderr and its exit code. A misuse of the command line is 64 (EX_USAGE). Anything else
is our own fault and keeps its traceback.
"""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING, NoReturn

from tinyocpp.commands import LONGEST_TIMEOUT_S
from tinyocpp.errors import Malformed, OperatorError

if TYPE_CHECKING:
    from collections.abc import Callable

INTERRUPTED = 130


class Parser(argparse.ArgumentParser):
    """argparse, but with the exit code of sysexits.h."""

    def error(self, message: str) -> NoReturn:
        self.exit(Malformed.exit_code, f"{self.prog}: {message}; see {self.prog} --help\n")


def add_timeout(parser: argparse.ArgumentParser, default_s: float) -> None:
    """`--timeout S`, into `args.timeout`."""
    told = f"seconds to wait (default: {default_s:g})"
    parser.add_argument("--timeout", metavar="S", type=_seconds, default=default_s, help=told)


def run_program(name: str, run: Callable[[], int]) -> int:
    """The exit code of `run`, having said what went wrong if something did."""
    try:
        return run()
    except OperatorError as error:
        print(f"{name}: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # whoever read our output has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= LONGEST_TIMEOUT_S:
        raise argparse.ArgumentTypeError(f"write seconds, more than 0 and at most {LONGEST_TIMEOUT_S}")
    return value
