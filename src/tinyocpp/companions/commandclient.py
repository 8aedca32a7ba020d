"""The asking end of the command socket: find a connected charger, send it a call, follow what happens to it.

Plain blocking sockets, and every wait has an end. What goes wrong comes as the OperatorError whose exit code the
programs end with, so that tinyocpp-command, start, stop and every script tell the same story.
"""

from __future__ import annotations

import os
import socket
import time
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from tinyocpp.errors import CallRefused, Malformed, NoAnswer, NotPermitted, OperatorError, Unavailable
from tinyocpp.hosts.runtimedir import SOCKET, socket_path
from tinyocpp.identity import RULE, valid_identity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tinyocpp.connectors import Offer

CONNECT_S = 5.0  # the host may be in the middle of a long batch
LONGEST_CODE, LONGEST_DESCRIPTION = 100, 1000  # of a CALLERROR, that are said; the standard has room for 255
GRACE_S = 10.0  # after which a host that gives no answer at all is given up, beyond the charger's own time


class Fault(msgspec.Struct):
    """Why a call has no result; the kinds are in docs/command-socket.md."""

    kind: str
    code: str = ""
    description: str = ""


class Line(msgspec.Struct):
    """What a host writes: the outcome of a call, or an event."""

    result: msgspec.Raw = msgspec.Raw()  # empty: this is no answer (msgspec takes no Raw | None)
    error: Fault | None = None
    event: str = ""
    charger_id: str = ""
    at: datetime | None = None
    details: dict[str, object] = {}


class CommandClient:
    """One connection to one charger's socket."""

    def __init__(self, sock: socket.socket, charger_id: str) -> None:
        self.charger_id = charger_id
        self._sock = sock
        self._unread = b""
        self._events: list[Line] = []

    def call(self, action: str, payload: bytes, *, timeout_s: float, raw: bool = False) -> bytes:
        """The payload of the charger's answer. Raises Malformed, NoAnswer, CallRefused or Unavailable."""
        self._write({"call": action, "payload": msgspec.Raw(payload), "timeout_s": timeout_s, "raw": raw})
        line = self._answer(time.monotonic() + timeout_s + GRACE_S)
        if line.error is not None:
            raise self._failure(action, line.error, timeout_s)
        return bytes(line.result)

    def look(self) -> None:
        """A wish of the owner's is new in the ledger: it is taken to the charger at once. Raises Unavailable."""
        self._write({"look": True})
        self._answer(time.monotonic() + GRACE_S)

    def fileno(self) -> int:
        """For select: readable when there is something new, or the end."""
        return self._sock.fileno()

    def follow(self) -> None:
        """From now on `next_event` has what happens to this charger; the first is `connected`."""
        self._write({"follow": True})

    def next_event(self, deadline: float) -> Line | None:
        """None: the charger's connection ended. NoAnswer: nothing by the deadline (monotonic seconds)."""
        if self._events:
            return self._events.pop(0)
        return self._read(deadline)

    def lines_there(self) -> list[Line | None]:
        """What has come, without waiting, also answers to offers; None at the end of the connection."""
        there: list[Line | None] = [*self._events]
        self._events.clear()
        while True:
            try:
                line = self._read(time.monotonic())
            except NoAnswer:
                return there
            there.append(line)
            if line is None:
                return there

    def offer(self, offer: Offer) -> None:
        """Let a connector have this. The answer comes among the lines: nothing, or why not."""
        self._write({"offer": offer})

    def close(self) -> None:
        self._sock.close()

    def __enter__(self) -> CommandClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _answer(self, deadline: float) -> Line:
        """The outcome of what was asked last. Events that come before it wait for `next_event`."""
        while True:
            line = self._read(deadline)
            if line is None:
                raise Unavailable(f"{self.charger_id}: the connection ended before an answer came")
            if line.result or line.error is not None:
                return line
            self._events.append(line)

    def _write(self, request: dict[str, object]) -> None:
        try:
            self._sock.settimeout(CONNECT_S)
            self._sock.sendall(msgspec.json.encode(request) + b"\n")
        except OSError as error:
            raise Unavailable(f"{self.charger_id}: its connection ended just now ({error.strerror or error})") from None

    def _read(self, deadline: float) -> Line | None:
        while b"\n" not in self._unread:
            left_s = deadline - time.monotonic()
            try:
                self._sock.settimeout(max(left_s, 0.001))
                data = self._sock.recv(65536)
            except TimeoutError:
                raise NoAnswer(f"{self.charger_id}: nothing came in time") from None
            except OSError:
                data = b""
            if not data:
                return None
            self._unread += data
        line, _, self._unread = self._unread.partition(b"\n")
        return msgspec.json.decode(line, type=Line)

    def _failure(self, action: str, fault: Fault, timeout_s: float) -> OperatorError:
        match fault.kind:
            case "callerror":
                code, description = fault.code[:LONGEST_CODE], fault.description[:LONGEST_DESCRIPTION]
                return CallRefused(f"{self.charger_id}: {code}: {description}".rstrip(": "), fault.code)
            case "malformed":
                return Malformed(f"{fault.description}")
            case "withheld":
                remedy = f"everything may flow after: tinyocpp charger accept {self.charger_id}"
                return NotPermitted(f"{self.charger_id} was not asked: {fault.description}; {remedy}")
            case "timeout" if fault.description:
                return NoAnswer(f"{self.charger_id} was not asked for {action}: {fault.description}; try again")
            case "timeout":
                return NoAnswer(f"{self.charger_id} gave no answer to {action} within {timeout_s:g} s")
            case _:
                return Unavailable(f"{self.charger_id}: {fault.description or 'the connection is ending'}")


def connected_chargers(directories: Iterable[str]) -> list[str]:
    """Identities, as their sockets spell them, of the chargers connected now. Raises NotPermitted where there may be
    some that this user must not see, and no others."""
    found: set[str] = set()
    closed: NotPermitted | None = None
    for directory in directories:
        try:
            found |= {name for name in _sockets_in(directory) if _connects(socket_path(directory, name))}
        except NotPermitted as error:
            closed = closed or error
    if closed and not found:
        raise closed
    return sorted(found)


def sockets_in(directories: Iterable[str]) -> set[str]:
    """Folded identities whose sockets there are, also those left behind; none where this user may not look."""
    found: set[str] = set()
    for directory in directories:
        with suppress(NotPermitted):
            found.update(_sockets_in(directory))
    return found


def open_charger(directories: Iterable[str], charger_id: str | None) -> CommandClient:
    """The charger named, or the only one connected. Raises Unavailable or NotPermitted."""
    directories = list(directories)
    if charger_id is None:
        charger_id = _only(connected_chargers(directories))
    elif not valid_identity(charger_id):
        raise Unavailable(f"{charger_id!r}: {RULE}")
    closed: NotPermitted | None = None
    for directory in directories:
        try:
            sock = _connect(socket_path(directory, charger_id))
        except NotPermitted as error:
            closed = closed or error
            continue
        if sock is not None:
            return CommandClient(sock, charger_id)
    if closed:
        raise closed
    connected = ", ".join(connected_chargers(directories)) or "none"
    raise Unavailable(f"{charger_id} is not connected (connected: {connected})")


def _only(connected: list[str]) -> str:
    if not connected:
        raise Unavailable("no charger is connected; `tinyocpp doctor` says what to look at")
    if len(connected) > 1:
        raise Unavailable(f"several chargers are connected: name one with --charger ({', '.join(connected)})")
    return connected[0]


def _sockets_in(directory: str) -> list[str]:
    try:
        names = os.listdir(directory)
    except PermissionError:
        raise _not_permitted(directory) from None
    except OSError:
        return []
    return [name.removesuffix(SOCKET) for name in names if name.endswith(SOCKET) and not name.startswith(".")]


def _connects(path: str) -> bool:
    sock = _connect(path)
    if sock is not None:
        sock.close()
    return sock is not None


def _connect(path: str) -> socket.socket | None:
    """None: there is none, or it is what a host left behind that was killed."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    sock.settimeout(CONNECT_S)
    try:
        sock.connect(path)
    except PermissionError:
        sock.close()
        raise _not_permitted(path) from None
    except OSError:
        sock.close()
        return None
    return sock


def _not_permitted(path: str) -> NotPermitted:
    """Say who may: the group that owns the directory where it is open to a group, else its owner."""
    import grp
    import pwd
    import stat

    directory = path if os.path.isdir(path) else os.path.dirname(path)
    try:
        found = os.stat(directory)
        if found.st_mode & stat.S_IXGRP:
            return NotPermitted(f"{path}: only the group {grp.getgrgid(found.st_gid).gr_name} may command chargers")
        owner = pwd.getpwuid(found.st_uid).pw_name
    except (KeyError, OSError):
        return NotPermitted(f"{path}: this user may not command chargers")
    return NotPermitted(f"{path}: only {owner} may command chargers; [paths] group lets a group of users do it too")
