"""What every program of ours does at its edges: how it is called wrongly, how it fails, how it is interrupted.

An OperatorError is one line on stderr and its exit code. A misuse of the command line is 64 (EX_USAGE). Anything else
is our own fault and keeps its traceback.
"""

from __future__ import annotations

import argparse
import errno
import io
import os
import re
import sys
from typing import TYPE_CHECKING, NoReturn

from tinyocpp.commands import LONGEST_TIMEOUT_S
from tinyocpp.errors import Malformed, OperatorError, StorageError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable

INTERRUPTED = 130
ESCAPED_BYTES = re.compile("[\udc80-\udcff]")  # as Python has bytes of a command line that are no text (PEP 383)
OUTPUT_LOST = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})


class Parser(argparse.ArgumentParser):
    """argparse, but with the exit code of sysexits.h."""

    def error(self, message: str) -> NoReturn:
        self.exit(Malformed.exit_code, f"{self.prog}: {_meant(message) or f'{message}; see {self.prog} --help'}\n")


def _meant(message: str) -> str:
    """Of a word that is nearly one of the choices, what was meant; argparse would list them all."""
    found = re.search(r"argument \S+: invalid choice: '(.*)' \(choose from (.*)\)$", message)
    meant = did_you_mean(found[1], re.findall(r"[\w-]+", found[2])) if found else ""
    return f"there is no '{found[1]}'{meant}" if found and meant else ""


def add_timeout(parser: argparse.ArgumentParser, default_s: float) -> None:
    """`--timeout S`, into `args.timeout`."""
    told = f"seconds to wait (default: {default_s:g})"
    parser.add_argument("--timeout", metavar="S", type=_seconds, default=default_s, help=told)


def printable(text: str) -> str:
    """With control characters spelled out: what a charger sends must not steer the terminal."""
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else f"\\x{ord(character):02x}" for character in text)


def run_program(name: str, run: Callable[[], int]) -> int:
    """The exit code of `run`, having said what went wrong if something did."""
    _prepare_output()
    try:
        code = run()
        sys.stdout.flush()
        return code
    except OperatorError as error:
        print(f"{name}: {printable(str(error))}", file=sys.stderr)  # a charger's own words may be in it
        return error.exit_code
    except UnicodeEncodeError as error:
        if not ESCAPED_BYTES.search(error.object):
            raise
        print(f"{name}: what was typed is not UTF-8, as this terminal says it is: {error.object!a}", file=sys.stderr)
        return Malformed.exit_code
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # whoever read our output has had enough
        _discard_output()
        return 0
    except OSError as error:
        if error.errno not in OUTPUT_LOST or error.filename is not None:
            raise
        _discard_output()
        print(f"{name}: the output is not complete: {error.strerror}", file=sys.stderr)
        return StorageError.exit_code


def _prepare_output() -> None:
    """Closed by who started us, or of an alphabet that lacks a letter: neither is a reason to fail."""
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: SIM115 (as long as we live)
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _discard_output() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= LONGEST_TIMEOUT_S:
        raise argparse.ArgumentTypeError(f"write seconds, more than 0 and at most {LONGEST_TIMEOUT_S}")
    return value
