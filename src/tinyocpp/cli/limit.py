"""`tinyocpp limit`: how fast a charger may charge at most, from now until something else is typed.

The wish goes into the ledger, where it outlives every restart; whichever host has the charger brings it there
(errands/limiting). This word waits until the charger has taken it in some shape, or in none. Whether it then does as it
was told is seen later, by `tinyocpp status`.
"""

from __future__ import annotations

from contextlib import closing, suppress
from datetime import UTC, datetime
from shlex import quote
from typing import TYPE_CHECKING

from tinyocpp.cli.known import (
    NO_CHARGER,
    add_charger,
    chosen,
    connected_now,
    connectors,
    has_been_here,
    quirks,
    registered,
)
from tinyocpp.cli.power import came_of_it, read_powers, state_of, with_all
from tinyocpp.cli.program import add_timeout
from tinyocpp.cli.tables import Column, add_format, local_time, print_rows
from tinyocpp.cli.waiting import Wait
from tinyocpp.cli.writing import writing
from tinyocpp.companions.commandclient import connected_chargers, open_charger
from tinyocpp.dealings import LimitState, Wish, Wished
from tinyocpp.errors import Malformed, NotPermitted, Refused, Unavailable
from tinyocpp.features import whole_number
from tinyocpp.limits import wish_of
from tinyocpp.manners import facts_among, switches_by
from tinyocpp.messages.core_boot import RegistrationStatus
from tinyocpp.storage import open_reader

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Collection

    from tinyocpp.companions.commandclient import CommandClient
    from tinyocpp.config import Config
    from tinyocpp.dealings import Told
    from tinyocpp.storage import Reader, Registered

TIMEOUT_S = 45.0  # twelve fallbacks, each answered within seconds
EVERY = 0  # in place of a connector's number: all of them
KEPT = "the limit is kept"
UNANSWERED = f"no answer yet; {KEPT} and brought to it as soon as it can be: see tinyocpp status"
NOT_TAKEN_BACK = "no answer yet; the limit is taken back as soon as it can be: see tinyocpp status"
STILL_IN_IT = "it is taken back again after its next start, with the next charge, and after an hour"
LATER = "tinyocpp status says whether it follows, once a car charges"
DONE = (LimitState.ACCEPTED, LimitState.VERIFIED)


def configure(parser: ArgumentParser) -> None:
    add = parser.add_argument
    add("limit", nargs="?", metavar="10A|4.2kW|pause|none", help="A for each phase, W in all (default: show them)")
    add("--phases", type=int, choices=(1, 3), help="on how many phases, where the charger can change them")
    add_charger(parser)
    add("--connector", metavar="N", type=int, help="only this one of its connectors (default: all)")
    add_timeout(parser, TIMEOUT_S)
    add_format(parser)


def run(args: Namespace, config: Config) -> int:
    if args.limit is None:
        if args.phases:
            raise Malformed(f"--phases {args.phases}: say how much too, or: tinyocpp limit none --phases {args.phases}")
        with closing(open_reader(config)) as reader:
            _show(args, config, reader)
        return 0
    if args.format == "json":
        raise Malformed("--json shows limits: leave the limit out")
    wish = wish_of(args.limit, args.phases)
    here = connected_chargers(config.runtime_directories)  # first of all: this user may not be permitted
    with closing(open_reader(config)) as reader:
        one = chosen(args.charger, reader, lambda: here)
        order = Order(one, _connector(args.connector, one, reader), wish, reader, config)
        _carry_out(order, one, args.timeout, config)
    return 0


def _carry_out(order: Order, one: Registered, timeout_s: float, config: Config) -> None:
    if settled := order.settled():
        print(settled)
        return
    order.keep()
    for words in order.replaced:
        print(words)
    client = _connected(one.charger_id, config)
    if client is None:
        print(f"{one.charger_id} is not connected: {order.kept} when it connects")
        return
    with client:
        if held := _held(one, config):
            accept = f"tinyocpp charger accept {quote(one.charger_id)}"
            print(f"{one.charger_id} is {held}: {order.kept} after: {accept}")
            return
        _bring(client, order, timeout_s, config)


def _bring(client: CommandClient, order: Order, timeout_s: float, config: Config) -> None:
    with suppress(Unavailable):  # when it comes back it is told as well
        client.look()
    wait = Wait(config, client, timeout_s, so_far=":")
    print(wait.until(lambda _: order.answered(), order.answered, order.unanswered))


def _connector(typed: int | None, one: Registered, reader: Reader) -> int:
    """Raises Malformed for one that this charger does not have, as far as it has told."""
    if typed is None:
        return EVERY
    told = {key.lower(): value for key, value in reader.configuration(one.charger_id).items()}
    count = whole_number(told.get("numberofconnectors"), 1000) or 0
    there = sorted({*range(1, count + 1), *(each.connector_id for each in connectors(reader, one.charger_id))})
    if typed < 1:
        raise Malformed(f"--connector {typed}: connectors are counted from 1; leave it out for all of them")
    if there and typed not in there:
        raise Malformed(f"--connector {typed}: {one.charger_id} has {', '.join(map(str, there))}")
    return typed


def _connected(charger_id: str, config: Config) -> CommandClient | None:
    """None: it is away, or where this user may not look, although elsewhere he may."""
    try:
        return open_charger(config.runtime_directories, charger_id)
    except (NotPermitted, Unavailable):
        return None


def _held(one: Registered, config: Config) -> str:
    """Nothing is asked of a charger that is on hold or rejected."""
    said = one.registration or config.for_charger(one.charger_id).registration
    return {RegistrationStatus.PENDING: "on hold", RegistrationStatus.REJECTED: "rejected"}.get(
        RegistrationStatus(said), ""
    )


class Order:
    """One wish on its way: from the shell into the ledger, and to the connectors it is for."""

    def __init__(self, one: Registered, connector_id: int, wish: Wish, reader: Reader, config: Config) -> None:
        self._one = one
        self._connector_id = connector_id
        self._wish = wish
        self._reader = reader
        self._config = config
        now = datetime.now(UTC)
        at = now.replace(microsecond=now.microsecond // 1000 * 1000)  # as exactly as the ledger has it
        had = {wished.connector_id: wished for wished in reader.wishes(one.charger_id)}
        self._own, self._general = had.get(connector_id), had.get(EVERY)
        self._replaced = [wished for number, wished in had.items() if connector_id == EVERY and number != EVERY]
        self._in_vain = f"{one.charger_id} does not change its number of phases; nothing is kept"
        general = self._general
        self._goes_back_to = None  # the wish for all connectors, where this one is to have none of its own any more
        if connector_id != EVERY and wish.none and general is not None and not general.wish.none:
            self._goes_back_to = general
        own = Wished(charger_id=one.charger_id, connector_id=connector_id, wish=wish, at=at)
        self._awaited = self._goes_back_to or own

    @property
    def unanswered(self) -> str:
        """What to say where nothing has come of it in time."""
        return NOT_TAKEN_BACK if self._awaited.wish.none else UNANSWERED

    @property
    def kept(self) -> str:
        where = f" for connector {self._connector_id}" if self._connector_id else ""
        if self._awaited.wish.none:
            return f"the limit{where} is taken back"
        return f"{self._awaited.wish.words}{where} is kept, and applies"

    @property
    def replaced(self) -> list[str]:
        """Whose own limits count no more."""
        return [
            f"{self._where(wished.connector_id)}: {wished.wish.words} of its own counts no more"
            for wished in self._replaced
            if not wished.wish.none
        ]

    def settled(self) -> str:
        """What to say where there is nothing to do; "" where there is. Raises Refused for what this charger cannot."""
        if self._wish.none and not (self._own or self._general or self._replaced):
            return f"{self._where(self._connector_id)} has no limit"
        if self._goes_back_to is not None and self._own is None:
            raise Refused(
                f"{self._goes_back_to.wish.words} is for all connectors of {self._one.charger_id}: take that back with"
                " tinyocpp limit none, then give the others theirs with --connector"
            )
        if self._asks_in_vain():
            raise Refused(self._in_vain)
        return ""

    def keep(self) -> None:
        """Durable when it returns. One for all takes the place of those of single connectors: the last word counts."""
        with writing(self._config) as store:
            for wished in self._replaced:
                store.ledger.drop_wish(wished)
            if self._goes_back_to is not None:
                assert self._own is not None
                store.ledger.drop_wish(self._own)
            else:
                store.ledger.keep_wish(self._awaited)

    def answered(self) -> str | None:
        """What has come of it, once every connector it is for has been told. Raises Refused for a no."""
        if self._awaited.wish.none:
            return self._taken_back()
        if self._asks_in_vain():
            with writing(self._config) as store:
                store.ledger.drop_wish(self._awaited)
            raise Refused(self._in_vain)
        if not self._stands():
            raise Refused("another limit has been typed meanwhile, and counts: see tinyocpp limit")
        told = {one.connector_id: one for one in self._reader.told(self._one.charger_id)}
        answers = [told.get(number) for number in self._numbers()]
        answered = [one for one in answers if one is not None and one.wished_at == self._awaited.at]
        if len(answered) < len(answers) or any(one.state is LimitState.ASKED for one in answered):
            return None
        return self._verdict(answered)

    def _taken_back(self) -> str | None:
        if not self._stands():
            return f"{self._where(self._connector_id)} has no limit any more"
        told = [one for one in self._reader.told(self._one.charger_id) if one.wished_at == self._awaited.at]
        refused = [f"{self._where(one.connector_id)}: {one.words}" for one in told if one.state is LimitState.REFUSED]
        if refused:
            raise Refused(f"{'; '.join(refused)}; {STILL_IN_IT}")
        return None

    def _verdict(self, answered: list[Told]) -> str:
        everywhere = self._reader.told(self._one.charger_id)
        said = {
            self._where(one.connector_id): with_all(came_of_it(one, self._awaited), everywhere, one.connector_id)
            for one in answered
        }
        bad = [one for one in answered if one.state not in DONE]
        if bad:
            words = "; ".join(f"{self._where(one.connector_id)}: {one.words}" for one in bad)
            again = "told again after its next start" if bad[0].state is LimitState.REFUSED else "looked after"
            raise Refused(f"{words}; {KEPT}, and {again}")
        lines = [f"{where}: {words}" for where, words in said.items()]
        if self._wish.phases and self._phases_are_fixed():
            lines.append(f"{self._one.charger_id} does not change its number of phases: the limit is for those it has")
        if any(state_of(one, self._awaited) is LimitState.ACCEPTED for one in answered):
            lines.append(LATER)
        return "\n".join(lines)

    def _where(self, connector_id: int) -> str:
        return f"{self._one.charger_id}, connector {connector_id}" if connector_id else self._one.charger_id

    def _numbers(self) -> Collection[int]:
        """The connectors it is for; of a charger that has told of none, the first."""
        if self._connector_id != EVERY:
            return [self._connector_id]
        return [one.connector_id for one in connectors(self._reader, self._one.charger_id)] or [1]

    def _stands(self) -> bool:
        """Is it still in the ledger?"""
        awaited = self._awaited
        return any(
            (one.connector_id, one.at) == (awaited.connector_id, awaited.at)
            for one in self._reader.wishes(self._one.charger_id)
        )

    def _asks_in_vain(self) -> bool:
        """For another number of phases, and nothing else, where that is fixed."""
        wish = self._wish
        return wish.phases is not None and wish.current_a is wish.power_w is None and self._phases_are_fixed()

    def _phases_are_fixed(self) -> bool:
        """By what is known by now: what was learnt of it was perhaps learnt just now."""
        one = registered(self._reader, self._one.charger_id) or self._one
        learnt = self._reader.manner(one.charger_id).for_firmware(one.firmware)
        known = facts_among(self._reader.configuration(one.charger_id), quirks(one, self._config))
        return switches_by(known, learnt) == "fixed"


def _show(args: Namespace, config: Config, reader: Reader) -> None:
    """What is wished of every connector, and what came of it."""
    here = connected_now(config)
    known = [one for one in reader.chargers() if has_been_here(one.registered)]
    if args.charger:
        only = chosen(args.charger, reader, lambda: here).charger_id
        known = [one for one in known if one.registered.charger_id == only]
    powers = read_powers(reader, config, None, (one.registered.charger_id for one in known))
    rows: list[dict[str, object]] = []
    for folded, power in powers.items():
        for number in power.numbers(each.connector_id for each in connectors(reader, power.charger_id)):
            if args.connector in (None, number):
                row = power.limit_row(number, connected=folded in here)
                rows.append({"charger_id": power.charger_id, "connector_id": number} | row | power.told_row(number))
    columns = (
        Column("charger_id", "charger"),
        Column("connector_id", "connector"),
        Column("limit_words", "limit", lambda words: str(words or "none")),
        Column("told_at", "since", local_time(config.zone())),
    )
    print_rows(rows, columns, args.format, empty=NO_CHARGER)
