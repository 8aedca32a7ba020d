"""What all words that wait have in common: ask the charger, then wait for what it says until it is so.

A charger may drop its connection in the middle (some do after every StartTransaction) and come back: the wait goes on
with the new connection, and what happened in between is looked up in the ledger.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from tinyocpp.cli.program import add_timeout
from tinyocpp.commands import ANSWER_TIMEOUT_S, agreed, status_of
from tinyocpp.companions.commandclient import CommandClient, open_charger
from tinyocpp.errors import NoAnswer, Refused, Unavailable

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Callable

    from tinyocpp.companions.commandclient import Line
    from tinyocpp.config import Config

LOOK_UP_EVERY_S = 2.0
LOOK_AGAIN_S = 0.5


def add_waiting_options(parser: ArgumentParser, timeout_s: float) -> None:
    parser.add_argument("--charger", metavar="ID", help="may be left out while exactly one is connected")
    parser.add_argument("--connector", metavar="N", type=int, help="which of its connectors (default: the only one)")
    add_timeout(parser, timeout_s)


class Wait:
    """One charger, watched from before it is asked until it has done what it was asked."""

    def __init__(
        self, config: Config, client: CommandClient, timeout_s: float, *, so_far: str = " agreed, but"
    ) -> None:
        """`so_far`: what is to be said of the charger when nothing more has come in time."""
        self._config = config
        self._client = client
        self._so_far = so_far
        self._came_back = False
        self._deadline = time.monotonic() + timeout_s
        client.follow()

    def end_within(self, seconds: float) -> None:
        """From now on wait no longer than that."""
        self._deadline = min(self._deadline, time.monotonic() + seconds)

    def ask(self, action: str, payload: bytes) -> None:
        """Raises Refused unless the charger agrees."""
        answer = self._client.call(action, payload, timeout_s=ANSWER_TIMEOUT_S)
        if not agreed(answer):
            raise Refused(f"{self._client.charger_id} answered {status_of(answer)}")

    def until(self, done: Callable[[Line], str | None], looked_up: Callable[[], str | None], hint: str) -> str:
        """What `done` makes of an event, or `looked_up` of the ledger."""
        while True:
            said = self._what_came(done, looked_up, hint)
            if said is not None:
                return said

    def _what_came(
        self, done: Callable[[Line], str | None], looked_up: Callable[[], str | None], hint: str
    ) -> str | None:
        """The next event; or, when none has come for a while, the ledger: what happened between two connections, or
        before anybody followed the new one, is in no event."""
        try:
            event = self._client.next_event(min(self._deadline, time.monotonic() + LOOK_UP_EVERY_S))
        except NoAnswer:
            said = looked_up()
            if said is None and time.monotonic() >= self._deadline:
                raise NoAnswer(f"{self._client.charger_id}{self._so_far} {hint}") from None
            return said
        if event is not None:
            return done(event)
        self._come_back(hint)
        return looked_up()

    def _come_back(self, hint: str) -> None:
        """The connection ended: wait for the next one."""
        name = self._client.charger_id
        if not self._came_back:  # said once: some lose their line again and again
            print(f"tinyocpp: {name} has disconnected; waiting for it to come back", file=sys.stderr)
        self._came_back = True
        self._client.close()
        while True:
            try:
                self._client = open_charger(self._config.runtime_directories, name)
                self._client.follow()
                return
            except Unavailable:
                if time.monotonic() > self._deadline:
                    raise NoAnswer(f"{name}{self._so_far} has disconnected since; {hint}") from None
                time.sleep(LOOK_AGAIN_S)
