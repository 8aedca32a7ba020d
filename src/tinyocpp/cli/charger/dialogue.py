"""A person's word to one charger: what is known of it before it is asked, and its answer in words.

Every word that sends a call goes through here: `demand` tells what the answer means and raises, with the remedy, where
it is a no; `ask` only gives it back. What a person got wrong is refused before `ask` is reached.
"""

from __future__ import annotations

from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, TypeVar

import msgspec

from tinyocpp.cli.charger.words import in_words, remedy_of_error
from tinyocpp.cli.known import connectors, quirks, registered
from tinyocpp.cli.program import add_timeout, printable
from tinyocpp.commands import ANSWER_TIMEOUT_S, agreed, status_of
from tinyocpp.companions.commandclient import CommandClient, open_charger
from tinyocpp.errors import CallRefused, Malformed, Refused
from tinyocpp.makers import Quirks
from tinyocpp.messages.payload import Payload, encode_payload
from tinyocpp.storage import Registered, open_reader

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Iterator

    from tinyocpp.config import Config
    from tinyocpp.storage import ConnectorStatus, Reader


T = TypeVar("T")
LONGEST_SHOWN = 300  # of an answer that is not understood


def add_charger(parser: ArgumentParser, timeout_s: float = ANSWER_TIMEOUT_S) -> None:
    parser.add_argument("--charger", metavar="ID", help="may be left out while exactly one is connected")
    add_timeout(parser, timeout_s)


def add_connector(parser: ArgumentParser, told: str = "which of its connectors (default: the only one)") -> None:
    parser.add_argument("--connector", metavar="N", type=int, help=told)


def understood(answer: bytes, type_: type[T]) -> T:
    """What is needed of an answer, numbers also where they came as texts. Raises Refused where it has no such shape."""
    try:
        return msgspec.json.decode(answer, type=type_, strict=False)
    except (msgspec.MsgspecError, RecursionError) as error:
        shown = answer[:LONGEST_SHOWN].decode("utf-8", "replace")
        raise Refused(f"the charger's answer cannot be understood: {error}; it is {shown}") from None


@contextmanager
def dialogue(args: Namespace, config: Config) -> Iterator[Dialogue]:
    """With the charger that was named, or the only one that is connected. Raises Unavailable or NotPermitted."""
    with (
        open_charger(config.runtime_directories, args.charger) as client,
        closing(open_reader(config)) as reader,
    ):
        yield Dialogue(client, reader, config, args.timeout)


class Dialogue:
    """One connected charger. `client` follows its events, `reader` has what it said so far."""

    def __init__(self, client: CommandClient, reader: Reader, config: Config, timeout_s: float) -> None:
        self.client = client
        self.reader = reader
        self.config = config
        self.charger_id = client.charger_id
        self.timeout_s = timeout_s

    def ask(self, call: Payload) -> bytes:
        """The payload of the answer, whatever it says. Raises NoAnswer, CallRefused, Unavailable."""
        action = type(call).__name__
        try:
            return self.client.call(action, encode_payload(call), timeout_s=self.timeout_s)
        except CallRefused as refusal:
            raise CallRefused(f"{refusal}{remedy_of_error(action, refusal.code)}", refusal.code) from None

    def demand(self, call: Payload, *, remedy: str = "", **facts: object) -> bytes:
        """The payload of an answer that is a yes, told in words. Raises Refused for a no; `remedy` is for a better one
        than the table has, `facts` are what its sentences name."""
        answer = self.ask(call)
        self.tell(type(call).__name__, answer, remedy=remedy, **facts)
        return answer

    def tell(self, action: str, answer: bytes, *, remedy: str = "", **facts: object) -> None:
        """What an answer means. Raises Refused for a no."""
        sentence, known_remedy = in_words(action, status_of(answer) or "", charger=self.charger_id, **facts)
        if not agreed(answer):
            remedy = remedy or known_remedy
            raise Refused(f"{self.charger_id} {sentence}" + (f"; {remedy}" if remedy else ""))
        print(printable(f"{self.charger_id} {sentence}") + (f"\n{known_remedy}" if known_remedy else ""))

    def verdict(self, answer: bytes) -> int:
        """The exit code of an answer that has been shown as it is."""
        return 0 if agreed(answer) else Refused.exit_code

    # What is known without asking.

    def told(self, key: str) -> str | None:
        """What the charger last said of one of its keys, however it spells it (quirk S17); None: nothing."""
        wanted = key.lower()
        keys = self.reader.configuration(self.charger_id)
        return next((value for name, value in keys.items() if name.lower() == wanted), None)

    def connectors(self) -> list[ConnectorStatus]:
        """Those that have been heard of, without the charger as a whole."""
        return connectors(self.reader, self.charger_id)

    def only_connector(self, typed: int | None) -> int:
        """The connector that was named, or the only one there is. Raises Malformed."""
        if typed is not None:
            if typed < 1:
                raise Malformed(f"--connector {typed}: connectors are counted from 1; name one of them")
            return typed
        known = [one.connector_id for one in self.connectors()]
        if len(known) > 1:
            raise Malformed(f"which connector? name it with --connector ({', '.join(map(str, known))})")
        return known[0] if known else 1

    def running(self, connector_id: int) -> ConnectorStatus | None:
        """The connector, if a charge is running on it; 0 is any of them."""
        wanted = (one for one in self.connectors() if connector_id in (0, one.connector_id))
        return next((one for one in wanted if one.transaction_id is not None), None)

    def quirks(self) -> Quirks:
        """What to mind with this maker's chargers."""
        return quirks(self.registered() or Registered(charger_id=self.charger_id), self.config)

    def registered(self) -> Registered | None:
        return registered(self.reader, self.charger_id)
