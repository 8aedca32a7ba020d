"""tinyocpp-backend: one charger's whole protocol on standard input and output, in the way of inetd.

A `select` around one session: frames come in by lines, answers go out by lines when what they say is committed, the log
goes to standard error. The identity is named on the command line, or found where websocketd and CGI servers put it.
This path starts with every connection, so it imports no asyncio, argparse, logging, http, socket or ssl.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import time
from typing import TYPE_CHECKING

from tinyocpp import __version__
from tinyocpp.config import load
from tinyocpp.errors import Malformed, NotPermitted, OperatorError, StorageError
from tinyocpp.hosts.batch import SystemClock, charger_of, handle_frame, relaxed
from tinyocpp.hosts.caller import Caller, Refusal, Welcome
from tinyocpp.hosts.commandsocket import CommandSockets
from tinyocpp.hosts.door import PROXIES_SAY, Door, identity_in
from tinyocpp.hosts.lines import LineJoiner, TooLong
from tinyocpp.hosts.log import log
from tinyocpp.hosts.runtimedir import prepare_runtime
from tinyocpp.hosts.wirelog import FROM_CHARGER, TO_CHARGER, WireLog, wire_log_path
from tinyocpp.identity import valid_identity
from tinyocpp.masking import without
from tinyocpp.session import Session
from tinyocpp.storage import BUSY, open_store, open_tags

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tinyocpp.config import Config

CHUNK = 65536
UNCLOSED_S = 2.0
"""How long a frame may stay open before it is read as it is: its charger waits for an answer."""
SOFTWARE = 70  # EX_SOFTWARE: our own fault, the traceback is above
TOO_LONG = 65  # EX_DATAERR: a message above [listener] max_message_bytes

USAGE = """\
usage: tinyocpp-backend [--config F] [--charger ID]

One charger's OCPP 1.6-J on standard input and output, a frame per line.

  --config F      the configuration (docs/configuration.md)
  --charger ID    the identity; without it the last segment of $REQUEST_URI or $PATH_INFO
  --version       print the version
  --help          print this
"""


class Options:
    """What was typed."""

    def __init__(self, arguments: Sequence[str]) -> None:
        self.config: str | None = None
        self.charger: str | None = None
        self.text = ""  # to print instead of anything else
        waiting = list(arguments)
        while waiting:
            name, equals, value = waiting.pop(0).partition("=")
            if name in ("--help", "-h", "--version"):
                self.text = f"tinyocpp {__version__}\n" if name == "--version" else USAGE
                return
            if name not in ("--config", "--charger"):
                raise Malformed(f"{name}: no such option; see tinyocpp-backend --help")
            if not equals and not waiting:
                raise Malformed(f"{name}: needs a value; see tinyocpp-backend --help")
            setattr(self, name[2:], value if equals else waiting.pop(0))


def caller_of(charger: str | None, environ: Mapping[str, str]) -> Caller:
    """Who wants in. PATH_INFO counts only without REQUEST_URI: servers have decoded it already, and once is enough."""
    address = environ.get("REMOTE_ADDR", "")
    if charger is not None:
        return Caller(identity=charger, address=address, named=True)
    if "REQUEST_URI" in environ:
        identity = identity_in(environ["REQUEST_URI"])
    elif "PATH_INFO" in environ:
        identity = environ["PATH_INFO"].rstrip("/").rpartition("/")[2]
    else:
        raise Malformed("which charger is this? give --charger ID; there is no REQUEST_URI in the environment either")
    return Caller(
        identity=identity,
        address=address,
        authorization=environ.get("HTTP_AUTHORIZATION"),
        tls=environ.get("HTTPS", "") not in ("", "off"),
        forwarded=any(f"HTTP_{name.upper().replace('-', '_')}" in environ for name in PROXIES_SAY),
    )


class Backend:
    """One charger on two descriptors."""

    def __init__(self, config: Config, caller: Caller) -> None:
        self._clock = SystemClock()
        self._store = open_store(config)
        self._tags = open_tags(config, keep=True)
        welcome = self._knock(config, caller)
        self._charger = charger_of(
            config,
            welcome.charger_id,
            ledger=self._store.ledger,
            tags=self._tags,
            clock=self._clock,
            standing=welcome.standing,
        )
        strict = config.for_charger(welcome.charger_id).strict
        self._session = Session(self._charger, strict=strict, id_prefix=f"{os.urandom(6).hex()}-")
        self._session.opened(time.monotonic())
        runtime = prepare_runtime(config.paths.runtime, config.paths.group)
        wire = wire_log_path(config.log.wire, runtime.path, welcome.charger_id)
        self._wire = WireLog(wire, config.log.wire_bytes, runtime.file_mode, runtime.group_id)
        self._sockets = CommandSockets(runtime)
        self._commands = self._sockets.open(welcome.charger_id, self._clock.now())
        self._lines = LineJoiner(config.listener.max_message_bytes)
        self._ending = False  # of input, of patience, or by a signal

    def _knock(self, config: Config, caller: Caller) -> Welcome:
        """Ask at the door before a line is read. Raises NotPermitted."""
        self._begin(relaxed=True)
        verdict = Door(config, self._store.register).welcome(caller, self._clock.now(), time.monotonic())
        if isinstance(verdict, Welcome):
            self._store.register.connected(verdict.charger_id, caller.address, self._clock.now())
        self._store.commit()
        if isinstance(verdict, Refusal):
            name = caller.identity if valid_identity(caller.identity) else ascii(caller.identity[:100])
            raise NotPermitted(f"{name}: {verdict.words}")
        return verdict

    def _begin(self, *, relaxed: bool) -> None:
        if not self._store.begin(relaxed=relaxed):
            raise StorageError(f"{BUSY}; the charger will try again")

    def run(self, source: int, sink: int, stop: int) -> int:
        """Serve until the input ends, or there is something to read on `stop`. Returns the exit code."""
        status, commands = 0, self._sockets.fileno()
        while not self._ending and status == 0:
            timeout_s = self._patience()
            ready, _, _ = select.select([source, commands, stop], [], [], timeout_s)
            self._ending = stop in ready
            try:
                frames = self._read(source) if source in ready else []
                if not ready and self._lines.waiting:
                    frames = self._lines.flush()
            except TooLong:
                log("message_too_long", charger=self._charger.id)
                return self._end(TOO_LONG)
            if commands in ready:
                self._sockets.serve()
            status = self._batch(frames, sink, asked=commands in ready)
        return self._end(status)

    def _patience(self) -> float | None:
        deadline = self._session.next_deadline
        waits = [] if deadline is None else [max(0.0, deadline - time.monotonic())]
        if self._lines.waiting:
            waits.append(UNCLOSED_S)
        return min(waits, default=None)

    def _read(self, source: int) -> list[str]:
        try:
            data = os.read(source, CHUNK)
        except ConnectionError:  # a socket, as inetd gives it
            data = b""
        if data:
            return self._lines.feed(data)
        self._ending = True
        return self._lines.end()

    def _batch(self, frames: list[str], sink: int, *, asked: bool) -> int:
        """Handle what has come, commit, and let out the answers. Returns the exit code: 0 to go on."""
        news = self._tags.reload_if_changed()
        if news:
            log("tags", charger=self._charger.id, said=news)
        now = time.monotonic()
        deadline = self._session.next_deadline
        calling = asked or (deadline is not None and deadline <= now)
        # What we know of a call (a password on its way) must outlive a power cut before it leaves.
        self._begin(relaxed=not calling and all(map(relaxed, frames)))
        self._charger.watched = self._commands.followed
        self._commands.hand_over(self._session, now)
        self._session.expire(now)
        for frame in frames:
            kept = without(frame, self._charger.passwords_sent)
            self._wire.note(self._clock.now(), self._charger.id, FROM_CHARGER, kept)
            if not handle_frame(self._store, self._session, frame, now):
                self._store.commit()
                return SOFTWARE
        if self._store.wrote:
            self._store.commit()
        else:
            self._store.rollback()
        self._let_out(sink)
        self._ending = self._ending or self._session.closing or self._commands.taken_over
        return 0

    def _let_out(self, sink: int) -> None:
        texts = self._session.text_to_send()
        for text in texts:
            self._wire.note(self._clock.now(), self._charger.id, TO_CHARGER, text)
        self._wire.flush()
        try:
            _write_all(sink, "".join(f"{text}\n" for text in texts).encode())
        except ConnectionError:  # nobody listens any more; what was acknowledged is on disk
            self._ending = True
        events, self._charger.events = self._charger.events, []
        self._commands.deliver(self._session.results_received(), events)

    def _end(self, status: int) -> int:
        """Tell those who wait, and the register, unless a newer session has the charger."""
        self._begin(relaxed=True)
        self._session.connection_lost()
        if not self._commands.taken_over:
            self._store.register.disconnected(self._charger.id, self._clock.now())
        self._store.commit()
        self._commands.deliver(self._session.results_received(), self._charger.events)
        self._commands.close(self._clock.now())
        self._sockets.close()
        self._wire.close()
        self._store.close()
        return status


def _write_all(sink: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(sink, view) :]
        except BlockingIOError:
            select.select([], [sink], [])


def main(arguments: Sequence[str] | None = None) -> int:
    """The program. Exit codes: 0 end of input, 64 how it was called, 65 message too long, 70 our fault, 74 the ledger,
    77 not admitted or wrong password, 78 the configuration."""
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115 (closed: else it is said where frames belong)
    try:
        options = Options(sys.argv[1:] if arguments is None else arguments)
        if options.text:
            sys.stdout.write(options.text)
            return 0
        if sys.stdin is None or sys.stdout is None:
            raise Malformed("standard input and output are the charger's frames; one of them is closed")
        backend = Backend(load(options.config, os.environ), caller_of(options.charger, os.environ))
        return backend.run(sys.stdin.fileno(), sys.stdout.fileno(), _told_to_stop())
    except OperatorError as error:
        print(f"tinyocpp-backend: {error}", file=sys.stderr)
        return error.exit_code


def _told_to_stop() -> int:
    """A descriptor that becomes readable with SIGTERM, so that a batch is never cut in two."""
    readable, writable = os.pipe()
    os.set_blocking(writable, False)
    signal.set_wakeup_fd(writable)
    signal.signal(signal.SIGTERM, lambda *_: None)
    return readable


if __name__ == "__main__":
    sys.exit(main())
