"""Four doors into the same conversation: the session in this process, and the three ways to run it as a program.

Each is entered by a charger with its frames, and by a person with calls; everything waits at most PATIENCE_S. What a
door does not share with the others is how a frame gets in and out.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import socket
import time
from collections import deque
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from programs import BACKEND, LISTENER, PIPE, environment, start, urls
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from tinyocpp.commands import Answer, Outcome
from tinyocpp.config import load
from tinyocpp.hosts.batch import charger_of, handle_frame
from tinyocpp.hosts.door import Caller, Welcome
from tinyocpp.hosts.door import Door as FrontDoor
from tinyocpp.identity import fold_identity
from tinyocpp.session import Session
from tinyocpp.storage import open_reader, open_store
from tinyocpp.storage.tagfile import TagFile

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from websockets.sync.client import ClientConnection

    from tinyocpp.storage import Booking, NotedOddity

PATIENCE_S = 20.0
NOON = datetime(2025, 6, 1, 18, tzinfo=UTC)
THERE = '[2,"still there","Heartbeat",{}]'
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


class Refused(Exception):
    """Not let in."""


class Closed(Exception):
    """The connection is over."""


class House:
    """The files of one installation."""

    def __init__(self, folder: Path, settings: list[str], tags: str) -> None:
        self.configuration = folder / "tinyocpp.toml"
        self.runtime = folder / "run"
        named = {line.partition("=")[0].strip() for line in settings}
        defaults = ['chargers.admit = "any"', 'paths.runtime = "run"', 'report.timezone = "Europe/Berlin"']
        settings = [*settings, *(line for line in defaults if line.partition(" ")[0] not in named)]
        self.configuration.write_text("\n".join(settings) + "\n")
        (folder / "tags.toml").write_text(tags)

    def owner_says(self, charger_id: str, registration: str | None) -> None:
        """As `tinyocpp charger hold|reject|accept` does it."""
        store = open_store(load(str(self.configuration), {}))
        assert store.begin()
        assert store.register.set_registration(charger_id, registration)
        store.commit()
        store.close()

    def bookings(self) -> list[Booking]:
        reader = open_reader(load(str(self.configuration), {}))
        try:
            return list(reader.bookings(None, None, simulator=True))
        finally:
            reader.close()

    def oddities(self) -> list[NotedOddity]:
        reader = open_reader(load(str(self.configuration), {}))
        try:
            return reader.oddities(LONG_AGO)
        finally:
            reader.close()


class Line(Protocol):
    """One charger's connection."""

    def send(self, frame: str) -> None: ...
    def receive(self) -> str:
        """The next frame. Raises Closed."""
        ...

    def silent(self) -> None:
        """Fail if there is a frame that was not looked at."""
        ...

    def call(self, action: str, payload: str) -> Callable[[], str]:
        """Send a call; what is returned says how it ended."""
        ...

    def close(self) -> None: ...


class Door(Protocol):
    def open(self, charger_id: str) -> Line:
        """Raises Refused."""
        ...

    def set_clock(self, at: datetime) -> None: ...
    def close(self) -> None: ...


# --- the session ------------------------------------------------------------------------------------------------------


class HandClock:
    """A clock that stands still until it is set; `seconds` goes with it."""

    def __init__(self) -> None:
        self._now = NOON
        self.seconds = 1000.0
        self._set = False

    def now(self) -> datetime:
        return self._now

    def set(self, at: datetime) -> None:
        self.seconds += max(0.0, (at - self._now).total_seconds()) if self._set else 0.0
        self._now, self._set = at, True


class SessionDoor:
    def __init__(self, house: House) -> None:
        self.config = load(str(house.configuration), {})
        self.clock = HandClock()
        self.store = open_store(self.config)
        self.tags = TagFile(self.config.paths.tags, self.config.tags, self.config.zone())
        self.lines: list[SessionLine] = []

    def batch(self, work: Callable[[], object]) -> None:
        assert self.store.begin()
        work()
        if self.store.wrote:
            self.store.commit()
        else:
            self.store.rollback()

    def open(self, charger_id: str) -> SessionLine:
        line = SessionLine(self, charger_id)
        self.lines.append(line)
        return line

    def set_clock(self, at: datetime) -> None:
        self.clock.set(at)
        for line in self.lines:
            self.batch(lambda line=line: line.session.expire(self.clock.seconds))

    def close(self) -> None:
        self.store.close()


class SessionLine:
    opened = 0

    def __init__(self, door: SessionDoor, charger_id: str) -> None:
        self._door = door
        self._heard: deque[str] = deque()
        self._answers: dict[int, Answer] = {}
        settings = door.config.for_charger(charger_id)
        front_door = FrontDoor(door.config, door.store.register)
        caller = Caller(identity=charger_id, address="127.0.0.1")
        welcomes: list[object] = []
        door.batch(lambda: welcomes.append(front_door.welcome(caller, door.clock.now(), door.clock.seconds)))
        (welcome,) = welcomes
        if not isinstance(welcome, Welcome):
            raise Refused
        self.charger = charger_of(
            door.config,
            welcome.charger_id,
            ledger=door.store.ledger,
            tags=door.tags,
            clock=door.clock,
            standing=welcome.standing,
        )
        SessionLine.opened += 1
        self.session = Session(self.charger, strict=settings.strict, id_prefix=f"{SessionLine.opened}-")
        self.session.opened(door.clock.seconds)

    def send(self, frame: str) -> None:
        def work() -> None:
            assert handle_frame(self._door.store, self.session, frame, self._door.clock.seconds)

        self._door.batch(work)

    def receive(self) -> str:
        self._heard.extend(self.session.text_to_send())
        while not self._heard and (deadline := self.session.next_deadline) is not None:
            if deadline > self._door.clock.seconds + PATIENCE_S:
                break
            self._door.clock.seconds = max(deadline, self._door.clock.seconds)
            self._door.batch(lambda: self.session.expire(self._door.clock.seconds))
            self._heard.extend(self.session.text_to_send())
        if not self._heard:
            if self.session.closing:
                raise Closed
            raise AssertionError("heard nothing")
        return self._heard.popleft()

    def silent(self) -> None:
        self._heard.extend(self.session.text_to_send())
        assert list(self._heard) == []

    def call(self, action: str, payload: str) -> Callable[[], str]:
        numbers: list[int] = []
        now = self._door.clock.seconds
        self._door.batch(lambda: numbers.append(self.session.send_call(action, payload.encode(), now)))

        def result() -> str:
            self._answers.update((answer.call_id, answer) for answer in self.session.results_received())
            return ended(self._answers[numbers[0]])

        return result

    def close(self) -> None:
        self._door.batch(self.session.connection_lost)
        self._door.lines.remove(self)


def ended(answer: Answer) -> str:
    if answer.outcome is Outcome.RESULT:
        return answer.payload.decode()
    kind = "callerror" if answer.outcome is Outcome.ERROR else str(answer.outcome)
    return f"{kind} {answer.code}".strip()


# --- programs ---------------------------------------------------------------------------------------------------------


def call_through_socket(house: House, charger_id: str, action: str, payload: str) -> Callable[[], str]:
    """As tinyocpp-command does it (docs/command-socket.md)."""
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(PATIENCE_S)
    client.connect(str(house.runtime / f"{fold_identity(charger_id)}.sock"))
    client.sendall(f'{{"call":"{action}","payload":{payload},"timeout_s":60}}\n'.encode())

    def result() -> str:
        with client, client.makefile("rb") as answers:
            answer = json.loads(answers.readline())
        if "result" in answer:
            return json.dumps(answer["result"], separators=(",", ":"))
        return f"{answer['error']['kind']} {answer['error'].get('code', '')}".strip()

    return result


class ProgramLine:
    """What the connections to programs have in common."""

    def __init__(self, house: House, charger_id: str) -> None:
        self._house = house
        self._charger_id = charger_id

    def send(self, frame: str) -> None:
        raise NotImplementedError

    def receive(self) -> str:
        raise NotImplementedError

    def silent(self) -> None:
        """Whatever was on its way comes before the answer to this."""
        self.send(THERE)
        heard = self.receive()
        assert heard.startswith(('[3,"still there"', '[4,"still there"')), heard

    def call(self, action: str, payload: str) -> Callable[[], str]:
        self.silent()  # so that the command socket is there
        return call_through_socket(self._house, self._charger_id, action, payload)


class StdioDoor:
    """tinyocpp-backend, as a CGI-like server would start it."""

    def __init__(self, house: House) -> None:
        self._house = house

    def open(self, charger_id: str) -> StdioLine:
        return StdioLine(self._house, charger_id)

    def set_clock(self, at: datetime) -> None:
        raise AssertionError("a program has the clock of the house")

    def close(self) -> None:
        pass


class StdioLine(ProgramLine):
    def __init__(self, house: House, charger_id: str) -> None:
        super().__init__(house, charger_id)
        caller = environment(REQUEST_URI=f"/ocpp/{charger_id}", REMOTE_ADDR="127.0.0.1")
        self._process = start(BACKEND, "--config", house.configuration, stdin=PIPE, stdout=PIPE, env=caller)
        self._rest = b""
        try:
            self.silent()
        except Closed:
            assert self._process.wait(PATIENCE_S) == 77
            self._hang_up()
            raise Refused from None

    def send(self, frame: str) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(f"{frame}\n".encode("utf-8", "surrogatepass"))
            self._process.stdin.flush()

    def receive(self) -> str:
        assert self._process.stdout is not None
        deadline = time.monotonic() + PATIENCE_S
        while b"\n" not in self._rest:
            ready, _, _ = select.select([self._process.stdout], [], [], max(0.0, deadline - time.monotonic()))
            assert ready, "heard nothing"
            data = os.read(self._process.stdout.fileno(), 65536)
            if not data:
                raise Closed
            self._rest += data
        line, _, self._rest = self._rest.partition(b"\n")
        return line.decode()

    def close(self) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        assert self._process.wait(PATIENCE_S) == 0
        self._hang_up()

    def _hang_up(self) -> None:
        with contextlib.suppress(BrokenPipeError):
            self._process.__exit__(None, None, None)


class ListenerDoor:
    """tinyocpp-listener with its built-in engine."""

    engine = "builtin"

    def __init__(self, house: House) -> None:
        self._house = house
        words = ["--host", "127.0.0.1", "--port", str(self.port()), "--engine", self.engine]
        self._process = start(LISTENER, "--config", house.configuration, *words, stdout=PIPE, env=environment())
        self._url = urls(self._process)[0].rstrip("/")

    def port(self) -> int:
        return 0

    def open(self, charger_id: str) -> WebSocketLine:
        return WebSocketLine(self._house, self._url, charger_id)

    def set_clock(self, at: datetime) -> None:
        raise AssertionError("a program has the clock of the house")

    def close(self) -> None:
        with self._process:
            self._process.terminate()
            assert self._process.wait(PATIENCE_S) == 0


class WebsocketdDoor(ListenerDoor):
    """The real websocketd with tinyocpp-backend behind it."""

    engine = "websocketd"

    def port(self) -> int:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            return int(probe.getsockname()[1])

    def open(self, charger_id: str) -> WebSocketLine:
        """websocketd upgrades first and asks the backend afterwards."""
        line = super().open(charger_id)
        try:
            line.silent()
        except Closed:
            line.close()
            raise Refused from None
        return line


class WebSocketLine(ProgramLine):
    def __init__(self, house: House, url: str, charger_id: str) -> None:
        super().__init__(house, charger_id)
        self._ending = contextlib.ExitStack()
        self._socket = self._connect(f"{url}/{charger_id}")

    def _connect(self, url: str) -> ClientConnection:
        options = {"compression": None, "open_timeout": PATIENCE_S, "close_timeout": PATIENCE_S, "max_size": None}
        try:
            return self._ending.enter_context(connect(url, subprotocols=["ocpp1.6"], **options))
        except InvalidStatus as answer:
            assert answer.response.status_code == 404
            raise Refused from None

    def send(self, frame: str) -> None:
        with contextlib.suppress(ConnectionClosed):
            self._socket.send(frame)

    def receive(self) -> str:
        try:
            return str(self._socket.recv(timeout=PATIENCE_S))
        except ConnectionClosed:
            raise Closed from None

    def close(self) -> None:
        self._ending.close()
