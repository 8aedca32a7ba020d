"""One connection to the listener, and the charger behind it once it has been let in.

Knows rounds, session and command socket, and of the connection only that it can write, ping and close: everything about
WebSocket is in websocket.py. Its life is three acts, each done inside a round and made visible by `release` when that
round is durable: enter, converse, leave.
"""

from __future__ import annotations

import asyncio
import os
from functools import partial
from typing import TYPE_CHECKING, Protocol

from tinyocpp.hosts.caller import Refusal
from tinyocpp.hosts.log import log
from tinyocpp.hosts.wirelog import FROM_CHARGER, TO_CHARGER
from tinyocpp.identity import fold_identity
from tinyocpp.masking import without
from tinyocpp.session import Session

if TYPE_CHECKING:
    from tinyocpp.admission import Standing
    from tinyocpp.charger import Charger, Clock
    from tinyocpp.config import Config
    from tinyocpp.hosts.caller import Caller
    from tinyocpp.hosts.commandsocket import CommandSocket, CommandSockets
    from tinyocpp.hosts.door import Door
    from tinyocpp.hosts.rounds import Rounds
    from tinyocpp.hosts.wirelog import WireLog
    from tinyocpp.storage import Store

WAITING_FRAMES = 100  # of one charger; then we stop reading from it until a round has been released
LONG_FRAME = 10_000  # characters, or a part of a longer one: of the longest there are, one is a round's share
MISSED_PINGS = 3
MISSED_HEARTBEATS = 3  # of a charger that never answers pings (quirk H16)
NORMAL, GOING_AWAY, INTERNAL_ERROR = 1000, 1001, 1011  # close codes (RFC 6455, 7.4.1)


class Connection(Protocol):
    """What a link needs of the WebSocket connection. None of it waits."""

    def is_connecting(self) -> bool:
        """The upgrade has not been answered yet."""
        ...

    def is_open(self) -> bool: ...
    def write(self, texts: list[str]) -> None: ...
    def ping(self) -> None: ...
    def end(self, code: int) -> None:
        """Begin to close; does nothing once that is under way."""
        ...

    def abort(self) -> None:
        """Close without a word to the other end."""
        ...

    def pause_reading(self) -> None: ...
    def resume_reading(self) -> None: ...


class Household(Protocol):
    """What all links of a listener share: the listener, as far as a link may know it."""

    config: Config
    store: Store
    door: Door
    clock: Clock
    rounds: Rounds
    wire: WireLog
    command_sockets: CommandSockets
    loop: asyncio.AbstractEventLoop
    links: dict[str, Link]
    """By folded identity: whoever has the charger now."""

    def charger(self, charger_id: str, standing: Standing) -> Charger: ...


class Link:
    """Takes part in rounds; implements rounds.Party.

    enter       `knock`, `opened`: the door is asked, a session made, an older link of the charger gives way
    converse    `receive`, `hand_over_calls`, `keep_alive`: frames, commands, pings
    leave       `give_way`, `taken_over`, `lost`: the session ends, the register is told

    Each only adds work to a round; `release` or `fail` after it is what the other ends see."""

    def __init__(self, household: Household, connection: Connection) -> None:
        self.session: Session | None = None
        self.charger_id = ""  # until it has been let in
        self.connection = connection
        self.heard_at = household.loop.time()
        self.answers_pings = False
        self._household = household
        self._decided: asyncio.Future[Refusal | None] | None = None
        self._refusal: Refusal | None = None
        self._command_socket: CommandSocket | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._older: Link | None = None  # whose place it takes
        self._superseded = False  # a newer connection has the charger, here or in another process
        self._left = False
        self._waiting = 0
        self._reading = True

    # --- enter ----------------------------------------------------------------------------------------------------

    def knock(self, caller: Caller) -> asyncio.Future[Refusal | None]:
        """Ask to be let in: None is a welcome. The answer comes when what it rests on is durable."""
        self._decided = self._household.loop.create_future()
        self._household.rounds.add(self, partial(self._enter, caller))
        return self._decided

    def _enter(self, caller: Caller, now: float) -> None:
        household = self._household
        if self._decided is None or self._decided.done() or not self.connection.is_connecting():
            return  # it did not wait
        answer = household.door.welcome(caller, household.clock.now(), now)
        if isinstance(answer, Refusal):
            self._refusal = answer
            return
        self._older = household.links.get(fold_identity(answer.charger_id))
        if self._older is not None:
            self._older.give_way(now)
        self.charger_id = answer.charger_id
        charger = household.charger(answer.charger_id, answer.standing)
        strict = household.config.for_charger(answer.charger_id).strict
        self.session = Session(charger, strict=strict, id_prefix=os.urandom(4).hex())
        self.session.opened(now)
        household.links[fold_identity(answer.charger_id)] = self
        household.store.register.connected(answer.charger_id, caller.address, household.clock.now())

    # --- converse -------------------------------------------------------------------------------------------------

    def receive(self, text: str) -> None:
        """A frame has come: it is for the next round."""
        if self._left or self.connection.is_connecting():
            return
        self._household.rounds.add(self, text)
        self._waiting += 1 + len(text) // LONG_FRAME
        if self._waiting > WAITING_FRAMES and self._reading:
            self._reading = False
            self.connection.pause_reading()

    def heard(self, text: str) -> None:
        if self.session is not None:
            text = without(text, self.session.charger.passwords_sent)
        self._household.wire.note(self._household.clock.now(), self.charger_id, FROM_CHARGER, text)

    def hand_over_calls(self, now: float) -> None:
        """Give the session what clients of the command socket have asked. Inside a round."""
        if self.session is not None and self._command_socket is not None:
            self._command_socket.hand_over(self.session, now)

    def heed_followers(self) -> None:
        """Somebody may have begun to follow: what happens from now on is to be told, the round that gathers too."""
        if self.session is not None and self._command_socket is not None:
            self.session.charger.watched = self._command_socket.followed

    def keep_alive(self, now: float, ping_interval_s: float) -> bool:
        """Ping. False: there is nobody any more. A charger that has never answered a ping is not killed for it; only
        one that used to and has fallen silent, or one that is silent for longer than any charger should be."""
        if not self.connection.is_open():
            return False
        patience_s = float(MISSED_HEARTBEATS * self._household.config.chargers.heartbeat_interval_s)
        if self.answers_pings and ping_interval_s:
            patience_s = min(patience_s, MISSED_PINGS * ping_interval_s)
        silent_s = now - self.heard_at
        if silent_s > max(patience_s, MISSED_PINGS * ping_interval_s):
            log("silent", charger=self.charger_id, for_s=round(silent_s), then="closed, it will come back if it can")
            self.connection.abort()
            return False
        if ping_interval_s:
            self.connection.ping()
        return True

    def opened(self) -> None:
        """The handshake is over: what the session had to say from the beginning may go out."""
        self.release()

    # --- leave ----------------------------------------------------------------------------------------------------

    def give_way(self, now: float) -> None:
        """The newest connection wins, and this one's late end harms nobody (quirk H19). Inside a round."""
        self._superseded = True
        self._leave(now)
        self.connection.end(NORMAL)

    def taken_over(self) -> None:
        """Another process has the charger now."""
        self._superseded = True
        self.connection.end(NORMAL)

    def lost(self) -> None:
        """The connection is over."""
        if self._decided is not None and not self._left and not (self._decided.done() and not self.charger_id):
            self._household.rounds.add(self, self._leave)

    def _leave(self, now: float) -> None:
        if self._left or not self.charger_id:
            return
        self._left = True
        if self.session is not None:
            self.session.connection_lost()
        links, key = self._household.links, fold_identity(self.charger_id)
        if links.get(key) is self:
            del links[key]
            if not self._superseded:
                self._household.store.register.disconnected(self.charger_id, self._household.clock.now())

    # --- after the round ------------------------------------------------------------------------------------------

    def release(self) -> None:
        """What was done is durable: let the other ends see it."""
        if self._older is not None:
            self._older.release()
            self._older = None
        self._waiting = 0
        if not self._reading:
            self._reading = True
            self.connection.resume_reading()
        if self.session is not None:
            self._speak(self.session)
        if self._left:
            self._close()
        if self._decided is not None and not self._decided.done():
            self._decided.set_result(self._refusal)

    def fail(self) -> None:
        """It is not durable, or this link's part of it went wrong: acknowledge nothing."""
        if self._older is not None:
            self._older.fail()
            self._older = None
        links, key = self._household.links, fold_identity(self.charger_id)
        if links.get(key) is self and not self.connection.is_open():
            del links[key]
        self._close()
        if self._decided is not None and not self._decided.done():
            self._decided.set_result(Refusal(status=503, why="nothing can be stored now"))
        self.connection.end(INTERNAL_ERROR)

    def _speak(self, session: Session) -> None:
        household = self._household
        if self._command_socket is None and not self._left:
            self._command_socket = household.command_sockets.open(self.charger_id, household.clock.now(), self)
        if self.connection.is_open():
            texts = session.text_to_send()
            for text in texts:
                household.wire.note(household.clock.now(), self.charger_id, TO_CHARGER, text)
            self.connection.write(texts)
        answers, events = session.results_received(), session.charger.events
        if self._command_socket is not None and (answers or events):
            self._command_socket.deliver(answers, events)
        events.clear()
        self._watch_deadline(session.next_deadline)
        if session.closing:
            self.connection.end(NORMAL)

    def _watch_deadline(self, deadline: float | None) -> None:
        if self._timer is not None:
            if self._timer.when() == deadline and not self._timer.cancelled():
                return
            self._timer.cancel()
            self._timer = None
        if deadline is not None and not self._left:
            expire = partial(self._household.rounds.add, self, self._expire, synced=True)
            self._timer = self._household.loop.call_at(deadline, expire)

    def _expire(self, now: float) -> None:
        self._timer = None
        if self.session is not None:
            self.session.expire(now)

    def _close(self) -> None:
        """No session any more; whoever waits at the command socket hears it."""
        self.session = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._command_socket is not None:
            self._command_socket.close(self._household.clock.now())
            self._command_socket = None
