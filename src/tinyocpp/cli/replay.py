"""`tinyocpp replay FILE`: what we would answer to the frames of a log, beside what was answered then.

Every charger in the log gets a fresh session on a ledger that is thrown away, with the owner's tags and settings and
the clock of the log. Transaction ids are translated, since a fresh ledger counts from 1; times are not compared. Only
the charger's frames and the calls it was sent are played: what we answer is ours.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict, deque
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import msgspec

from tinyocpp.cli.program import printable
from tinyocpp.cli.tables import add_format, kwh, print_rows
from tinyocpp.cli.wire import Direction, Frame, Teller, WireLine, parse_frame, read_lines
from tinyocpp.errors import Malformed
from tinyocpp.hosts.batch import charger_of, handle_frame
from tinyocpp.identity import fold_identity
from tinyocpp.leniency import read_frame
from tinyocpp.messages.frames import Call
from tinyocpp.session import Session
from tinyocpp.storage import open_tags
from tinyocpp.storage.sqlite import SqliteStore
from tinyocpp.storage.sqlite_reader import SqliteReader

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Iterable, Iterator

    from tinyocpp.config import Config
    from tinyocpp.storage import Store

NAMELESS = "replayed"  # the charger in a log that names none
NEVER_S = float("inf")
TIMES = frozenset({"currentTime", "expiryDate", "timestamp"})
SAME, OURS, THEIRS = "=", "+", "-"
TRANSACTION_ID = re.compile(r'("transactionId"\s*:\s*)(\d+)')


class Exchange(msgspec.Struct, frozen=True):
    """A frame of the charger or a call to it, what we say to it (empty: nothing), and what was said then (None: nothing
    in the log)."""

    line: WireLine
    answer: str
    recorded: str | None
    same: bool
    due: bool  # it was a call, so it must be answered


def configure(parser: ArgumentParser) -> None:
    parser.description = (
        "What we would answer to the frames of a log. Marks: = as it was answered then, + our answer, - the other one"
        " that was given then. Exit status 0 when every call got an answer."
    )
    parser.add_argument("file", metavar="FILE", help="a wire log, or what `tinyocpp log --raw` printed")
    parser.add_argument("--charger", metavar="ID", help="only this charger")
    add_format(parser)


def run(args: Namespace, config: Config) -> int:
    lines = _lines(args.file, args.charger)
    with TemporaryDirectory(prefix="tinyocpp-replay-") as folder:
        ledger = str(Path(folder, "accounting.sqlite3"))
        with closing(SqliteStore(ledger)) as store:
            exchanges = Replay(store, config).play(lines)
            if args.format == "json":
                told = list(exchanges)
                print_rows(map(_row, told), (), "json")
            else:
                told = list(_tell(exchanges, config))
                print(*_summary(told, ledger), sep="\n")
    return 0 if all(exchange.answer for exchange in told if exchange.due) else 1


class Replay:
    """The sessions of all chargers in a log, on one store."""

    def __init__(self, store: Store, config: Config) -> None:
        self._store = store
        self._config = config
        self._tags = open_tags(config, keep=False)
        self._now = datetime.now(UTC)
        self._sessions: dict[str, Session] = {}
        self._calls: dict[tuple[str, str], str] = {}  # message ids of calls the charger was sent: then, now
        self._transactions: dict[tuple[str, str], str] = {}  # their ids: then, now

    def now(self) -> datetime:
        """Implements charger.Clock with the times of the log."""
        return self._now

    def play(self, lines: list[WireLine]) -> Iterator[Exchange]:
        answers = _recorded_answers(lines)
        for number, line in enumerate(lines):
            self._now = line.at or self._now
            frame = parse_frame(line.raw)
            if line.dir is Direction.FROM_CHARGER:
                yield self._from_charger(line, frame, answers, number)
            elif frame is not None and frame.kind == 2:
                self._to_charger(line, frame)
                yield Exchange(line, "", None, same=True, due=False)

    def _from_charger(
        self, line: WireLine, frame: Frame | None, answers: dict[tuple[str, str], deque[tuple[int, str]]], number: int
    ) -> Exchange:
        answer = "".join(self._hear(line, self._translated(line, frame)))
        call = read_frame(line.raw).frame
        if not isinstance(call, Call):
            due = line.raw.lstrip().startswith("[2")  # a call so broken that its id cannot be made out
            return Exchange(line, answer, None, same=not due, due=due)
        waiting = answers.get((line.charger, bytes(call.message_id).decode().strip('"')), deque())
        while waiting and waiting[0][0] < number:
            waiting.popleft()
        recorded = waiting.popleft()[1] if waiting else None
        if recorded is not None and call.action == "StartTransaction":
            self._learn_transaction(line.charger, recorded, answer)
        same = recorded is not None and self._alike(line.charger, recorded) == self._alike("", answer)
        return Exchange(line, answer, recorded, same, due=True)

    def _hear(self, line: WireLine, text: str) -> list[str]:
        session = self._session(line.charger)
        self._store.begin()
        handle_frame(self._store, session, text, 0.0)
        self._store.commit()
        return session.text_to_send()

    def _to_charger(self, line: WireLine, frame: Frame) -> None:
        """A call the charger was sent: our session sends it too, so that it understands the answer to it."""
        session = self._session(line.charger)
        text = self._with_our_transaction(line.charger, msgspec.json.encode(frame.body).decode())
        self._store.begin()
        session.expire(NEVER_S)  # the one before got no answer in the log
        session.send_call(frame.action, text.encode(), 0.0)
        self._store.commit()
        for sent in map(parse_frame, session.text_to_send()):
            if sent is not None:
                self._calls[line.charger, frame.message_id] = sent.message_id

    def _session(self, charger: str) -> Session:
        if charger not in self._sessions:
            ours = charger_of(self._config, charger, ledger=self._store.ledger, tags=self._tags, clock=self)
            self._sessions[charger] = Session(ours, strict=self._config.for_charger(charger).strict)
        return self._sessions[charger]

    def _translated(self, line: WireLine, frame: Frame | None) -> str:
        """The charger's frame with the ids it would have had from us."""
        if frame is not None and frame.kind != 2:
            items = msgspec.json.decode(line.raw, type=list[msgspec.Raw])
            ours = self._calls.get((line.charger, frame.message_id), frame.message_id)
            items[1] = msgspec.Raw(msgspec.json.encode(ours))
            return msgspec.json.encode(items).decode()
        return self._with_our_transaction(line.charger, line.raw)

    def _with_our_transaction(self, charger: str, text: str) -> str:
        return TRANSACTION_ID.sub(lambda found: found[1] + self._transactions.get((charger, found[2]), found[2]), text)

    def _learn_transaction(self, charger: str, recorded: str, answer: str) -> None:
        then, now = TRANSACTION_ID.search(recorded), TRANSACTION_ID.search(answer)
        if then and now and int(then[2]) > 0:
            self._transactions[charger, then[2]] = now[2]

    def _alike(self, charger: str, text: str) -> object:
        """What of an answer is compared: not times, not the text of an error, and transactions by our ids."""
        frame = parse_frame(self._with_our_transaction(charger, text))
        if frame is None:
            return text
        body = str(frame.body).partition(":")[0] if frame.kind == 4 else _without_times(frame.body)
        return frame.kind, body


def _without_times(value: object) -> object:
    if isinstance(value, dict):
        return {name: "(time)" if name in TIMES else _without_times(inner) for name, inner in value.items()}
    return value


def _lines(name: str, charger: str | None) -> list[WireLine]:
    try:
        text = Path(name).read_bytes()
    except OSError as error:
        raise Malformed(f"{name}: {error.strerror}") from None
    found = [
        msgspec.structs.replace(line, charger=line.charger or charger or NAMELESS)
        for line in read_lines(text.splitlines())
        if charger is None or fold_identity(line.charger or charger) == fold_identity(charger)
    ]
    if not found:
        raise Malformed(f"{name}: no frames in it" + (f" of {charger}" if charger else ""))
    return found


def _recorded_answers(lines: list[WireLine]) -> dict[tuple[str, str], deque[tuple[int, str]]]:
    """Where in the log, and what, was answered to each message id."""
    found: dict[tuple[str, str], deque[tuple[int, str]]] = defaultdict(deque)
    for number, line in enumerate(lines):
        frame = parse_frame(line.raw) if line.dir is Direction.TO_CHARGER else None
        if frame is not None and frame.kind != 2:
            found[line.charger, frame.message_id].append((number, line.raw))
    return found


# --- for people and programs


def _tell(exchanges: Iterable[Exchange], config: Config) -> Iterator[Exchange]:
    teller = Teller(config.zone())
    for exchange in exchanges:
        print(*teller.tell(exchange.line), sep="\n")
        if exchange.due:
            mark = SAME if exchange.same else OURS
            print(f"  {mark} {printable(exchange.answer) or '(no answer)'}")
        if exchange.recorded is not None and not exchange.same:
            print(f"  {THEIRS} {printable(exchange.recorded)}")
        yield exchange


def _summary(told: list[Exchange], ledger: str) -> list[str]:
    calls = [exchange for exchange in told if exchange.due]
    found = Counter(_outcome(exchange) for exchange in calls)
    outcomes = ", ".join(f"{times} {outcome}" for outcome, times in found.most_common())
    with closing(SqliteReader(ledger)) as reader:
        booked = reader.qualities(None, None, simulator=True)
    return [
        f"{len(calls)} call{'' if len(calls) == 1 else 's'}" + (f": {outcomes}" if calls else ""),
        f"It would have booked {kwh(sum(booked.values()))} kWh; nothing of this was kept.",
    ]


def _outcome(exchange: Exchange) -> str:
    if not exchange.answer:
        return "not answered"
    if exchange.recorded is None:
        return "with no answer in the log"
    return "answered the same" if exchange.same else "answered differently"


def _row(exchange: Exchange) -> dict[str, object]:
    return {
        "at": exchange.line.at,
        "charger_id": exchange.line.charger,
        "frame": exchange.line.raw,
        "answer": exchange.answer or None,
        "recorded": exchange.recorded,
        "same": exchange.same,
    }
