"""What a charger tells of an update or an upload, from before it is asked until it ends, with our own view of the file.

Everything comes from the ledger, where every status is kept in order; so it makes no difference which host holds the
charger's connection, how often that ends, or that the charger restarts. What a status means is in statuses.py. When it
is really over, a Goal decides (goals.py): an update by the version after the restart, an upload by the file that came.
"""

from __future__ import annotations

import queue
import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

import msgspec

from tinyocpp.cli.charger.upkeep.statuses import Meaning
from tinyocpp.cli.program import printable
from tinyocpp.cli.progress import CLEAR_LINE
from tinyocpp.errors import NoAnswer

if TYPE_CHECKING:
    from tinyocpp.cli.charger.dialogue import Dialogue
    from tinyocpp.storage import Registered

LOOK_EVERY_S = 0.3
TELL_EVERY_S = 5.0  # where a line cannot be rewritten
IDLE = "Idle"  # of one that was asked; it says nothing of how the last one ended
KEPT = 100  # statuses of one action that are looked at


class Status(msgspec.Struct, frozen=True):
    """One the charger has told. `since` is when we saw it, on the monotonic clock."""

    name: str
    meaning: Meaning
    since: float


class Goal(Protocol):
    """What the story is about."""

    actions: tuple[str, ...]
    meanings: dict[str, Meaning]

    def progress(self) -> str:
        """How far the file is, as we see it; "" while there is nothing to see."""
        ...

    def reached(self, story: Story, now_s: float) -> str | None:
        """The last sentence; None while it goes on. Raises Refused when it has failed."""
        ...


class Story:
    """Made before the charger is asked; `until_end` when it has agreed."""

    def __init__(self, charger: Dialogue, goal: Goal, request_id: int | None = None) -> None:
        self._charger = charger
        self._goal = goal
        self._request_id = request_id
        self._seen = {action: self._calls(action) for action in goal.actions}
        self._visitors: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._screen = _Screen(charger)
        self._moved_at = 0.0  # when anything has happened, last
        self.before = self.now = charger.registered()
        self.last: Status | None = None
        self.booted_at: float | None = None  # the first time since

    def visitor(self, line: str) -> None:
        """From a door, on whatever thread."""
        self._visitors.put(line)

    def until_end(self, timeout_s: float, wait_s: float = 0.0) -> str:
        """The last sentence. Raises Refused when it has failed, and NoAnswer when nothing has happened for a while;
        that begins after `wait_s`."""
        self._moved_at = time.monotonic() + wait_s
        while True:
            now_s = time.monotonic()
            self._look(now_s)
            ended = self._goal.reached(self, now_s)
            if ended is not None:
                self._screen.done()
                return ended
            if now_s - self._moved_at >= timeout_s:
                self._screen.done()
                raise NoAnswer(
                    f"{self._charger.charger_id}: nothing has happened for {timeout_s:g} s; it may yet go on"
                )
            time.sleep(LOOK_EVERY_S)

    @property
    def versions(self) -> tuple[str, str]:
        """Of the firmware, before and now, as its boots say."""
        return (self.before.firmware if self.before else ""), (self.now.firmware if self.now else "")

    def quiet_s(self, now_s: float) -> float:
        """Since anything has happened."""
        return now_s - self._moved_at

    def _look(self, now_s: float) -> None:
        while not self._visitors.empty():
            self._say(self._visitors.get(), datetime.now(UTC))
        for at, name in sorted(self._news(), key=lambda row: row[0]):
            meaning = self._goal.meanings.get(name, Meaning(f"says {name}"))
            if name != IDLE:
                self.last = Status(name, meaning, now_s)
            self._say(f"{self._charger.charger_id} {meaning.sentence}", at)
        self._look_at_the_line(now_s)
        if self._screen.progress(self._goal.progress(), now_s):
            self._moved_at = max(self._moved_at, now_s)

    def _look_at_the_line(self, now_s: float) -> None:
        then, self.now = self.now, self._charger.registered()
        if then is None or self.now is None:
            return
        if self.now.booted_at != then.booted_at:
            self.booted_at = self.booted_at or now_s
            self._say(f"{self._charger.charger_id} has restarted{_changed(then, self.now)}", self.now.booted_at)
        elif self.now.disconnected_at != then.disconnected_at:
            self._say(f"{self._charger.charger_id} has disconnected", self.now.disconnected_at)
        elif self.now.connected_at != then.connected_at:
            self._say(f"{self._charger.charger_id} is back", self.now.connected_at)

    def _news(self) -> list[tuple[datetime, str]]:
        """Statuses that have come since the last look, and are not about another request."""
        found = []
        for action, seen in self._seen.items():
            calls = self._calls(action)
            new = next(count for count in range(len(calls) + 1) if calls[count:] == seen[: len(calls) - count])
            self._seen[action] = calls
            for at, payload in reversed(calls[:new]):
                status = msgspec.json.decode(payload, type=_Status)
                if status.request_id in (None, self._request_id) or self._request_id is None:
                    found.append((at, str(status.status)))
        return found

    def _calls(self, action: str) -> list[tuple[datetime, bytes]]:
        return self._charger.reader.calls(self._charger.charger_id, action, KEPT)

    def _say(self, line: str, at: datetime | None) -> None:
        self._moved_at = max(self._moved_at, time.monotonic())
        self._screen.line(line, at or datetime.now(UTC))


class _Status(msgspec.Struct, rename="camel"):
    status: object = ""
    request_id: object = None


class _Screen:
    """Lines on standard error; on a terminal the progress below them is written over."""

    def __init__(self, charger: Dialogue) -> None:
        self._zone = charger.config.zone()
        self._live = sys.stderr.isatty()
        self._shown = ""
        self._shown_at = 0.0

    def line(self, text: str, at: datetime) -> None:
        self._clear()
        print(f"{at.astimezone(self._zone):%H:%M:%S}  {printable(text)}", file=sys.stderr, flush=True)

    def progress(self, text: str, now_s: float) -> bool:
        """Has it changed?"""
        if text == self._shown:
            return False
        self._shown = text
        if self._live:
            print(f"{CLEAR_LINE}{text}", end="", file=sys.stderr, flush=True)
        elif text and now_s - self._shown_at >= TELL_EVERY_S:
            self._shown_at = now_s
            self.line(text, datetime.now(UTC))
        return True

    def done(self) -> None:
        self._clear()

    def _clear(self) -> None:
        if self._live and self._shown:
            print(CLEAR_LINE, end="", file=sys.stderr, flush=True)
            self._shown = ""


def _changed(then: Registered, now: Registered) -> str:
    return f": firmware {then.firmware or '?'}, now {now.firmware}" if now.firmware != then.firmware else ""
