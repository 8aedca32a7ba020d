"""What tinyocpp raises on purpose, sorted by whose fault it is.

The charger's fault is a ProtocolFault: it becomes a CALLERROR and the session goes on. The operator's fault is an
OperatorError: one line that says where, what and the remedy, and an exit code after sysexits.h. Our own faults have
no class here: they are not caught, and what was acknowledged is on disk.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterable


class ProtocolFault(Exception):
    """A frame that cannot be honoured; `code` is the CALLERROR code in its 1.6 spelling (OCPP-J 4.2.3)."""

    def __init__(self, code: str, description: str) -> None:
        super().__init__(f"{code}: {description}")
        self.code = code
        self.description = description


class CertificateRefused(Exception):
    """A certificate is not signed, or not taken; the text says why."""


class OperatorError(Exception):
    """One line for the person at the shell. `exit_code` is what the program ends with."""

    exit_code: ClassVar[int] = 1


class Refused(OperatorError):
    """The charger answered, and the answer was no."""

    exit_code = 1


class Malformed(OperatorError):
    """What was typed cannot be sent or understood (EX_USAGE)."""

    exit_code = 64


class Unavailable(OperatorError):
    """No such charger is connected, or several are and none was named (EX_UNAVAILABLE)."""

    exit_code = 69


class StorageError(OperatorError):
    """The ledger cannot be read or written: disk full, read-only, failing (EX_IOERR)."""

    exit_code = 74


class NoAnswer(OperatorError):
    """The charger gave no answer in time (EX_TEMPFAIL)."""

    exit_code = 75


class CallRefused(OperatorError):
    """The charger answered with a CALLERROR (EX_PROTOCOL); `code` is the charger's own."""

    exit_code = 76

    def __init__(self, text: str, code: str = "") -> None:
        super().__init__(text)
        self.code = code


class NotPermitted(OperatorError):
    """This user, or this charger, may not do that (EX_NOPERM)."""

    exit_code = 77


class ConfigError(OperatorError):
    """The configuration or the tags file is wrong; the text names file, key and remedy (EX_CONFIG)."""

    exit_code = 78


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The end of a line about a word nobody knows: "; did you mean 'port'?", or nothing where none is close."""
    from difflib import get_close_matches

    spelled = {name.lower(): name for name in known}
    close = get_close_matches(word.lower(), spelled, n=1)
    return f"; did you mean '{spelled[close[0]]}'?" if close else ""
