"""What the control program does and why, for whoever shows it: one small file beside the command sockets.

It is written anew in every round, in one step, and not synced: it is about this moment, and where it lies is memory.
Whoever reads it believes it only while its writer lives and goes on writing. docs/command-socket.md has it for others.
"""

from __future__ import annotations

import os
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from tinyocpp.hosts.runtimedir import CONTROL_NOTES
from tinyocpp.identity import fold_identity
from tinyocpp.modes import ControlConfig, Mode

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tinyocpp.hosts.runtimedir import RuntimeDirectory

ROUNDS_MISSED = 3
LEAST_S = 5.0  # so long a machine may be busy, however short the rounds are


class MeterNote(msgspec.Struct, frozen=True, kw_only=True):
    """What the meter says, import positive; None: it does not. `words`: why it is not used, if it is not."""

    grid_w: float | None = None
    pv_w: float | None = None
    battery_w: float | None = None
    battery_soc: float | None = None
    currents_a: tuple[float, ...] | None = None
    words: str = ""


class ConnectorNote(msgspec.Struct, frozen=True, kw_only=True):
    """What one connector is let have, and why. `current_a`: per phase, 0 is a pause, None no limit of control's."""

    charger_id: str
    connector_id: int
    mode: Mode
    current_a: float | None = None
    phases: int | None = None
    words: str = ""


class Notes(msgspec.Struct, frozen=True, kw_only=True):
    """One round. The next is due `interval_s` later."""

    at: datetime
    pid: int
    interval_s: float = ControlConfig().interval_s
    meter: MeterNote | None = None  # None: there is none
    connectors: tuple[ConnectorNote, ...] = ()

    def of(self, charger_id: str, connector_id: int) -> ConnectorNote | None:
        wanted = (fold_identity(charger_id), connector_id)
        return next(
            (one for one in self.connectors if (fold_identity(one.charger_id), one.connector_id) == wanted), None
        )


def write(directory: RuntimeDirectory, notes: Notes) -> None:
    """Put it in the place of the last one. Raises OSError."""
    temporary = os.path.join(directory.path, f".{CONTROL_NOTES}")  # there is one control program, so one name will do
    with open(temporary, "wb") as file:
        file.write(msgspec.json.encode(notes))
    directory.share(temporary)
    os.replace(temporary, os.path.join(directory.path, CONTROL_NOTES))


def read(directories: Iterable[str], now: datetime) -> Notes | None:
    """What holds now: written lately, by a program that still runs. None: nobody controls, or this user may not see."""
    for directory in directories:
        notes = _read(os.path.join(directory, CONTROL_NOTES))
        if notes is not None and _holds(notes, now):
            return notes
    return None


def left_behind(directory: str, now: datetime) -> Notes | None:
    """What the one before us did last, if that was so lately that chargers still do it."""
    notes = _read(os.path.join(directory, CONTROL_NOTES))
    return notes if notes is not None and _fresh(notes, now) else None


def _read(path: str) -> Notes | None:
    """None also where another version has written something that is no such note."""
    try:
        with open(path, "rb") as file:
            return msgspec.json.decode(file.read(), type=Notes)
    except (OSError, msgspec.MsgspecError):
        return None


def _holds(notes: Notes, now: datetime) -> bool:
    return _fresh(notes, now) and _lives(notes.pid)


def _fresh(notes: Notes, now: datetime) -> bool:
    return now - notes.at <= timedelta(seconds=max(ROUNDS_MISSED * notes.interval_s, LEAST_S))


def _lives(pid: int) -> bool:
    try:
        with suppress(PermissionError):  # somebody else's, who lets us read what it does
            os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
