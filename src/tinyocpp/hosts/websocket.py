"""The listener's built-in engine: many chargers behind WebSocket, in one process.

Handshake, pongs and closing stay in the `websockets` library; its connection class is overridden where texts come and
go: one goes straight into the round that gathers, without a coroutine waking up for each, and an answer straight out.
What a frame means is the session's business, who gets in the handshake's and the door's, what is durable the rounds'.
Here: connections, pings, descriptors, and the beginning and end of the whole.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import resource
import signal
import time
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from websockets.asyncio.server import ServerConnection
from websockets.asyncio.server import serve as serve_websockets
from websockets.datastructures import Headers
from websockets.exceptions import SecurityError
from websockets.frames import Opcode
from websockets.http11 import Request, Response
from websockets.protocol import State

from tinyocpp.admission import Standing
from tinyocpp.attempts import network_of
from tinyocpp.hosts.addresses import address_of, bind, ports, urls
from tinyocpp.hosts.attendant import Attendant, read_again
from tinyocpp.hosts.batch import SystemClock, charger_of
from tinyocpp.hosts.commandsocket import CommandSockets
from tinyocpp.hosts.door import Door
from tinyocpp.hosts.hallway import Hallway
from tinyocpp.hosts.handshake import choose_subprotocol, knock
from tinyocpp.hosts.link import GOING_AWAY, Link
from tinyocpp.hosts.log import Throttle, log
from tinyocpp.hosts.rounds import Rounds
from tinyocpp.hosts.runtimedir import prepare_runtime
from tinyocpp.hosts.wirelog import WireLog, wire_log_path
from tinyocpp.storage import open_store, open_tags

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from websockets.asyncio.server import Server
    from websockets.frames import Frame

    from tinyocpp.charger import Charger, Clock
    from tinyocpp.config import Config
    from tinyocpp.hosts.tls import ServerContext

A_DAY_S = 86_400.0
OPEN_TIMEOUT_S = 10.0  # for TLS, and again for the request and its answer
REQUEST_BYTES = 2**14  # of a request with its headers: a charger's has 500, a proxy may add some thousand
TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
CLOSE_TIMEOUT_S = 2.0  # a charger that does not answer our closing must not delay our own end
STOP_S = 4.0  # promised: within five
READ_BYTES = 2**13  # at a time; asyncio's 256 KiB are had from the system anew for each frame: a fifth of its cost
UNREAD_BYTES = 2**20  # what may wait for a charger that does not read
DATA = (Opcode.TEXT, Opcode.BINARY, Opcode.CONT)
TEXT = 0x81  # the first byte of a whole text in one frame
CLOSED_SOCKET = "Invalid file descriptor: -1"  # says a selector
NO_DESCRIPTORS = frozenset({errno.EMFILE, errno.ENFILE})
SPENT = Request("/", Headers())  # stands for the request of an open connection, which nobody asks for any more


class ChargerConnection(ServerConnection):
    """The library's connection, with a frame's way cut short; implements link.Connection and hallway.Guest. What this
    relies on is pinned by tests/hosts/test_websockets_library.py. With more than 29 attributes each would have a dict
    of its own, 1.3 kB: what most never have stays with the class."""

    _parts: bytearray | None = None
    _ending: asyncio.Task[None] | None = None

    def __init__(self, listener: Listener, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.link = Link(listener, self)
        self._listener = listener

    @property
    def address(self) -> str:
        return address_of(self.transport)

    def process_event(self, event: Request | Response | Frame) -> None:
        if isinstance(event, (Request, Response)):
            super().process_event(event)
            return
        self.link.heard_at = self.loop.time()
        if event.opcode not in DATA:
            self.link.answers_pings |= event.opcode is Opcode.PONG
        elif event.fin and self._parts is None:
            self.link.receive(str(event.data, "utf-8", "replace"))  # also of a binary frame (F16)
        else:
            self._gather(event)

    def _gather(self, part: Frame) -> None:
        """The library bounds the size of the whole message."""
        self._parts = self._parts if self._parts is not None else bytearray()
        self._parts += part.data
        if part.fin:
            text, self._parts = str(self._parts, "utf-8", "replace"), None
            self.link.receive(text)

    def data_received(self, data: bytes) -> None:
        if self.request is None and self._listener.hallway.read(self, len(data)) > REQUEST_BYTES:
            self.protocol.handshake_exc = SecurityError("its request is too long")
            if not self.protocol.eof_sent:  # else its beginning has been answered, and it went on
                self.transport.write(TOO_LARGE)
            self.transport.close()
            return
        super().data_received(data)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._listener.hallway.enter(self, self.address, self.loop.time())
        if hasattr(transport, "max_size"):
            transport.max_size = READ_BYTES

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        address = self._listener.hallway.leave(self)
        if address is not None and (self.request is None or self.protocol.handshake_exc is not None):
            self._listener.complain(address, self.protocol.handshake_exc or "it said nothing")
        self.link.lost()

    # TLS: what comes before connection_made, which may never come

    def tls_begins(self, below: asyncio.Transport) -> None:
        self.transport = below
        self._listener.hallway.enter(self, self.address, self.loop.time())

    def tls_failed(self, address: str, why: str) -> None:
        self._listener.complain(address, why)

    def tls_over(self) -> None:
        """The transport below is gone, and there was no connection."""
        self._listener.hallway.leave(self)

    # hallway.Guest

    def admitted(self) -> bool:
        session = self.link.session
        return self.is_open() and session is not None and session.charger.standing is Standing.ADMITTED

    def dismiss(self, why: str) -> None:
        self._listener.complain(self.address, why)
        self.abort()

    # link.Connection

    def is_connecting(self) -> bool:
        return self.protocol.state is State.CONNECTING

    def is_open(self) -> bool:
        return self.protocol.state is State.OPEN

    def write(self, texts: list[str]) -> None:
        self.transport.write(b"".join(map(text_frame, texts)))
        if self.paused and self.transport.get_write_buffer_size() > UNREAD_BYTES:
            self.abort()

    def ping(self) -> None:  # type: ignore[override]  # nobody waits for the answer
        self.protocol.send_ping(b"")
        self.send_data()

    def end(self, code: int) -> None:
        if self._ending is None:
            self._ending = self.loop.create_task(self.close(code))

    def abort(self) -> None:
        self.transport.abort()

    def pause_reading(self) -> None:
        self.transport.pause_reading()

    def resume_reading(self) -> None:
        if not self.transport.is_closing():
            self.transport.resume_reading()


def text_frame(text: str) -> bytes:
    """The text in one frame, as a server sends it (RFC 6455, 5.2). The library's way, which thinks of compression and
    fragments too, is a twentieth of a round trip."""
    data = text.encode()
    if len(data) < 126:
        return bytes((TEXT, len(data))) + data
    if len(data) < 2**16:
        return bytes((TEXT, 126)) + len(data).to_bytes(2, "big") + data
    return bytes((TEXT, 127)) + len(data).to_bytes(8, "big") + data


class Listener:
    """Implements link.Household. `start`, then `stop`; what is given overrides the configuration, port 0 is any."""

    def __init__(self, config: Config, *, host: str | None = None, port: int | None = None) -> None:
        self.config = config
        self.host = config.listener.host if host is None else host
        self.ports = ports(config, port)
        self.clock: Clock = SystemClock()
        self.loop = asyncio.get_running_loop()
        self.links: dict[str, Link] = {}
        self._servers: list[Server] = []
        self._to_ping: deque[tuple[float, Link]] = deque()
        self._ping_timer: asyncio.TimerHandle | None = None
        self._ends_timer: asyncio.TimerHandle | None = None
        self.hallway = Hallway()
        self._complaints = Throttle()
        self._stopping = False
        self.loop.set_exception_handler(self._unhandled)

    async def start(self) -> None:
        """Ready for chargers when this returns. Raises OperatorError."""
        config = self.config
        self._tls = _tls_of(config)
        contexts: dict[str, ServerContext | None] = {"ws": None, "wss": self._tls}
        sockets = {scheme: bind(self.host, port) for scheme, port in self.ports.items()}
        runtime = prepare_runtime(config.paths.runtime, config.paths.group)
        self.store = open_store(config)
        self.door = Door(config, self.store.register)
        self.tags = open_tags(config, keep=True)
        path = wire_log_path(config.log.wire, config.paths.runtime)
        self.wire = WireLog(path, config.log.wire_bytes, runtime.file_mode, runtime.group_id)
        self.command_sockets = CommandSockets(runtime)
        self.loop.add_reader(self.command_sockets.fileno(), self._serve_commands)
        self.rounds = Rounds(self.store, self._before_round, self.wire.flush)
        for scheme, bound in sockets.items():
            self.ports[scheme] = bound[0].getsockname()[1]
            for sock in bound:
                self._servers.append(await self._serve(sock, contexts[scheme]))
        self._look_at_certificates()

    async def stop(self) -> None:
        """Finish what was begun: what is acknowledged is durable, and whoever is connected is told to come again."""
        self._stopping = True
        for server in self._servers:
            server.close(code=GOING_AWAY)
        closing = [asyncio.ensure_future(server.wait_closed()) for server in self._servers]
        if closing:
            await asyncio.wait(closing, timeout=STOP_S - 1)
        try:
            await asyncio.wait_for(self.rounds.finish(), timeout=1)
        except TimeoutError:
            log("not_finished", why="the disk does not answer", then="ending without it, nothing was acknowledged")
            return
        self.rounds.stop()
        for timer in (self._ping_timer, self._ends_timer):
            if timer is not None:
                timer.cancel()
        self.loop.remove_reader(self.command_sockets.fileno())
        self.command_sockets.close()
        self.wire.flush()
        self.wire.close()
        self.store.close()

    def reload(self, config: Config) -> None:
        """Go on with another configuration. What was opened with the old one stays as it is until a restart, but new
        connections see new certificates."""
        renewed = _tls_of(config)
        if self._tls is not None and renewed is not None:
            self._tls.current = renewed
        self.config = self.door.config = config
        self.tags = open_tags(config, keep=True)
        for link in self.links.values():
            if link.session is not None:
                link.session.charger.tags = self.tags

    def urls(self) -> list[str]:
        return [url for scheme, port in self.ports.items() for url in urls(scheme, self.host, port)]

    def charger(self, charger_id: str, standing: Standing) -> Charger:
        ledger, tags, clock = self.store.ledger, self.tags, self.clock
        return charger_of(self.config, charger_id, ledger=ledger, tags=tags, clock=clock, standing=standing)

    def complain(self, address: str, why: object) -> None:
        """Somebody came who does not speak WebSocket or TLS, or not all of it (quirk H11): one line a minute for
        each."""
        held_back = self._complaints.due(network_of(address), time.monotonic())
        if held_back is not None:
            log("no_handshake", address=address or "(gone)", why=why, more=held_back)

    def _unhandled(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """asyncio tries again each second, a hundred times, and has a traceback for each; and one more for each try
        that is due when its socket is closed already."""
        error = context.get("exception")
        if isinstance(error, OSError) and error.errno in NO_DESCRIPTORS:
            if self._complaints.due("descriptors", time.monotonic()) is not None:
                log("no_descriptors", why=error.strerror, then="whoever is connected is served, others wait")
        elif not (self._stopping and isinstance(error, ValueError) and CLOSED_SOCKET in str(error)):
            loop.default_exception_handler(context)

    def _look_at_certificates(self) -> None:
        """Once a day, one line for each that runs out."""
        if self.config.listener.tls is None:
            return
        from tinyocpp.hosts.expiry import log_endings

        log_endings(self.config, self.clock.now())
        self._ends_timer = self.loop.call_later(A_DAY_S, self._look_at_certificates)

    # --- connections ----------------------------------------------------------------------------------------------

    async def _serve(self, sock: socket.socket, context: ServerContext | None) -> Server:
        logger = logging.Logger("websockets", logging.ERROR)
        logger.addHandler(logging.StreamHandler())
        return await serve_websockets(
            self._converse,
            sock=sock,
            ssl=context,
            process_request=knock,
            select_subprotocol=choose_subprotocol,
            compression=None,  # chargers exist that compress although it was not agreed (H15)
            max_size=self.config.listener.max_message_bytes,
            max_queue=None,
            open_timeout=OPEN_TIMEOUT_S,
            ssl_handshake_timeout=None if context is None else OPEN_TIMEOUT_S,
            close_timeout=CLOSE_TIMEOUT_S,
            ping_interval=None,  # our own, in _ping
            server_header="tinyocpp",
            logger=logger,
            create_connection=cast("type[ServerConnection]", partial(ChargerConnection, self)),
        )

    async def _converse(self, connection: ServerConnection) -> None:
        """From the end of the handshake to the end of the connection; frames do not come this way."""
        assert isinstance(connection, ChargerConnection)
        connection.request = SPENT
        connection.response = None
        connection.link.opened()
        if connection.admitted():
            self.hallway.leave(connection)
        self._to_ping.append((self.loop.time() + self._ping_every_s, connection.link))
        self._schedule_ping()
        await connection.wait_closed()

    @property
    def _ping_every_s(self) -> float:
        return self.config.listener.ping_interval_s or self.config.chargers.heartbeat_interval_s

    def _schedule_ping(self) -> None:
        if self._ping_timer is None and self._to_ping:
            self._ping_timer = self.loop.call_at(self._to_ping[0][0], self._ping)

    def _ping(self) -> None:
        """Everybody has the same interval, so whoever was pinged goes to the end of the queue."""
        self._ping_timer = None
        now = self.loop.time()
        self.hallway.tidy(now)
        while self._to_ping and self._to_ping[0][0] <= now:
            _, link = self._to_ping.popleft()
            if link.keep_alive(now, self.config.listener.ping_interval_s):
                self._to_ping.append((now + self._ping_every_s, link))
        self._schedule_ping()

    # --- rounds ---------------------------------------------------------------------------------------------------

    def _before_round(self) -> None:
        news = self.tags.reload_if_changed()
        if news:
            log("tags", said=news)

    def _serve_commands(self) -> None:
        for command_socket in self.command_sockets.serve():
            link = command_socket.owner
            assert isinstance(link, Link)
            if command_socket.taken_over:
                link.taken_over()
            link.heed_followers()
            self.rounds.add(link, link.hand_over_calls, synced=True)


async def serve(
    config: Config,
    *,
    host: str | None = None,
    port: int | None = None,
    ready: Callable[[Listener], None],
    read_config: Callable[[], Config],
    attendant: Attendant,
) -> None:
    """Listen until SIGTERM or SIGINT; SIGHUP reads the configuration and the tags again. Raises OperatorError."""
    stop = asyncio.Event()
    listener = Listener(config, host=host, port=port)
    _allow_many_descriptors()
    await listener.start()
    for number in (signal.SIGTERM, signal.SIGINT):
        listener.loop.add_signal_handler(number, stop.set)

    def reload(renewed: Config) -> None:
        listener.reload(renewed)
        attendant.look_after(renewed)

    listener.loop.add_signal_handler(signal.SIGHUP, read_again, read_config, reload, "this listener")
    attendant.look_after(config)
    ready(listener)
    await stop.wait()
    attendant.leave()
    await listener.stop()
    attendant.stop()


def _tls_of(config: Config) -> ServerContext | None:
    if config.listener.tls is None:
        return None
    from tinyocpp.hosts.tls import server_context

    return server_context(config.listener.tls)


def _allow_many_descriptors() -> None:
    """Two for each charger, its connection and its command socket; the usual limit is 1024."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):  # macOS says more than it gives
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
