"""The command socket: a Unix socket per connected charger, one JSON object per line (docs/command-socket.md).

Sans event loop: all sockets of a process hang on one selector, itself a descriptor, so that the stdio host's `select`
and the listener's event loop drive the same code by watching one number. What clients ask is handed to the session
inside a batch; what comes of it is delivered after the commit. Nothing here knows what a call means.
"""

from __future__ import annotations

import contextlib
import os
import select
import selectors
from typing import TYPE_CHECKING

import msgspec

from tinyocpp.charger import Event
from tinyocpp.commands import ANSWER_TIMEOUT_S, LONGEST_TIMEOUT_S, check_call, compact
from tinyocpp.connectors import Offer
from tinyocpp.errors import Malformed
from tinyocpp.hosts.log import log
from tinyocpp.hosts.runtimedir import socket_path
from tinyocpp.hosts.unixsocket import UnixSocket, accept, pair, peer, unix_socket

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from tinyocpp.commands import Answer
    from tinyocpp.hosts.runtimedir import RuntimeDirectory
    from tinyocpp.session import Session

LONGEST_PATH = 107  # sockaddr_un.sun_path, less its zero byte
LONGEST_LINE = 2**21  # a SendLocalList is large
MOST_CLIENTS = 64  # per charger
UNREAD_BYTES = 2**22  # what may wait for a client that does not read; then it is dropped

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE


class Request(msgspec.Struct, forbid_unknown_fields=True):
    """What a client may write."""

    call: str = ""
    payload: msgspec.Raw = msgspec.Raw(b"{}")
    timeout_s: float = ANSWER_TIMEOUT_S
    raw: bool = False  # send it though the standard does not know it
    follow: bool = False
    takeover: bool = False  # from a newer session of the same charger
    look: bool = False  # the owner has wished something: it is in the ledger
    offer: Offer | None = None  # what the control program lets a connector have


class Fault(msgspec.Struct, omit_defaults=True):
    """Why a call has no result. Code and description are the charger's, or in our words what was malformed."""

    kind: str  # timeout, lost, callerror, malformed
    code: str = ""
    description: str = ""


class Reply(msgspec.Struct, omit_defaults=True):
    """What a client reads for a call."""

    result: msgspec.Raw | None = None
    error: Fault | None = None


class CommandSockets:
    """All command sockets of this process. `fileno` is readable when there is something to `serve`."""

    def __init__(self, runtime: RuntimeDirectory) -> None:
        self._runtime = runtime
        self._selector = selectors.DefaultSelector()
        self._alarm, self._bell = pair()  # readable while something waits that no descriptor announces
        self._bell.setblocking(False)
        self._selector.register(self._alarm, READ, self._wake)
        self._busy: dict[CommandSocket, None] = {}
        self._serving = False
        self._made = 0

    def fileno(self) -> int:
        return self._selector.fileno()  # epoll and kqueue are descriptors themselves

    def serve(self) -> list[CommandSocket]:
        """Accept, read and write what can be without waiting. Returns the sockets that want their session: with calls
        for `hand_over`, `followed` or not any more, or `taken_over`, so that it is to end."""
        self._serving = True
        for key, events in self._selector.select(0):
            key.data(events)
        self._serving = False
        busy, self._busy = list(self._busy), {}
        return busy

    def open(self, charger_id: str, since: datetime, owner: object = None) -> CommandSocket:
        """Take the charger's socket, ending an older session that has it. Where it cannot be had the charger is served
        all the same, and the log says why it cannot be commanded. `owner` is the host's own, to know it again."""
        command_socket = CommandSocket(self, charger_id, since, owner)
        path = socket_path(self._runtime.path, charger_id)
        try:
            command_socket.listen(path, self._runtime, f".{os.getpid()}.{self._made}")
            self._made += 1
        except OSError as error:
            log("no_command_socket", charger=charger_id, path=path, why=error.strerror or error)
        return command_socket

    def close(self) -> None:
        self._selector.close()
        self._alarm.close()
        self._bell.close()

    def _wake(self, _events: int) -> None:
        self._alarm.recv(4096)

    def watch(self, sock: UnixSocket, callback: Callable[[int], None], events: int, before: int) -> None:
        """Call back when one of `events` is possible; `before` is what was watched for until now, 0 for nothing."""
        if not before:
            self._selector.register(sock, events, callback)
        elif events:
            self._selector.modify(sock, events, callback)
        else:
            self._selector.unregister(sock)

    def mark(self, command_socket: CommandSocket) -> None:
        """It wants its session. While answers are delivered a client's next line may come to its turn: then ring."""
        self._busy[command_socket] = None
        if not self._serving:
            with contextlib.suppress(BlockingIOError):  # it rings already
                self._bell.send(b"!")

    def unmark(self, command_socket: CommandSocket) -> None:
        self._busy.pop(command_socket, None)

    def allowed(self, user_id: int, group_id: int) -> bool:
        """The directory's mode has decided already; this is for a socket somebody made readable by mistake."""
        if user_id in (0, os.geteuid()):
            return True
        shared = self._runtime.group_id
        return shared is not None and (group_id == shared or shared in _groups_of(user_id, group_id))


class CommandSocket:
    """One charger's socket, as long as its connection."""

    def __init__(self, sockets: CommandSockets, charger_id: str, since: datetime, owner: object) -> None:
        self.charger_id = charger_id
        self.owner = owner
        self.taken_over = False  # a newer session has the charger: end this one
        self._sockets = sockets
        self._greeting = Event(event="connected", charger_id=charger_id, at=since)
        self._listener: UnixSocket | None = None
        self._path = ""
        self._inode = 0
        self._clients: dict[Client, None] = {}
        self._asked: list[tuple[Client, Request]] = []
        self._heeded: list[Offer | None] = []  # None: a wish is new in the ledger
        self._called: dict[int, Client] = {}
        self._cancelled: list[int] = []

    def listen(self, path: str, runtime: RuntimeDirectory, temporary: str) -> None:
        """Bind beside the path, then move onto it: clients find the older session's socket or ours, never none."""
        made = os.path.join(runtime.path, temporary)
        listener = unix_socket()
        try:
            if len(os.fsencode(path)) > LONGEST_PATH:
                raise OSError(f"the path is longer than {LONGEST_PATH} bytes; shorten paths.runtime")
            _remove(made)
            listener.bind(made)
            runtime.share(made)
            listener.listen(16)
            _take_over(path)
            self._inode = os.stat(made).st_ino
            os.rename(made, path)
        except OSError:
            listener.close()
            _remove(made)
            raise
        self._listener, self._path = listener, path
        self._sockets.watch(listener, self._accept, READ, 0)

    @property
    def followed(self) -> bool:
        """Does anybody read the event stream?"""
        return any(client.follows for client in self._clients)

    def hand_over(self, session: Session, now: float) -> None:
        """Give the session what clients have asked. Inside a batch."""
        heeded, self._heeded = self._heeded, []
        for offer in heeded:
            if offer is None:
                session.heed_wish(now)
            else:
                session.heed_offer(offer, now)
        asked, self._asked = self._asked, []
        for client, request in asked:
            call_id = session.send_call(request.call, bytes(request.payload), now, request.timeout_s)
            self._called[call_id] = client
            client.call_id = call_id
        cancelled, self._cancelled = self._cancelled, []
        for call_id in cancelled:
            session.cancel(call_id)
            self._called.pop(call_id, None)

    def deliver(self, answers: Iterable[Answer], events: Iterable[Event]) -> None:
        """Pass on what came of calls, and what happened. After the commit."""
        for event in events:
            self._publish(event)
        for answer in answers:
            client = self._called.pop(answer.call_id, None)
            if client is not None:
                client.answer(_reply(answer))

    def close(self, at: datetime) -> None:
        """The connection is gone: every waiting client hears it, every follower reaches the end of its stream."""
        listener, self._listener = self._listener, None
        if listener is None:
            return
        self._sockets.watch(listener, self._accept, 0, READ)
        listener.close()
        _remove(self._path, self._inode)
        self._publish(Event(event="disconnected", charger_id=self.charger_id, at=at))
        for client in list(self._clients):
            if client.waits:
                client.send(_line(Reply(error=Fault("lost", description="the charger's connection ended"))))
            client.close()
        self._sockets.unmark(self)

    # --- for Client -----------------------------------------------------------------------------------------------

    def ask(self, client: Client, request: Request) -> None:
        """A call for the next batch."""
        self._asked.append((client, request))
        self._sockets.mark(self)

    def heed(self, offer: Offer | None) -> None:
        """Something was wished, or is offered, for the next batch."""
        self._heeded.append(offer)
        self._sockets.mark(self)

    def follow(self, client: Client) -> None:
        """From now on it gets every event, beginning with `connected`."""
        client.follows = True
        client.send(_line(self._greeting))
        self._sockets.mark(self)

    def yield_to_newer(self) -> None:
        """Another session of this charger wants the socket."""
        self.taken_over = True
        self._sockets.mark(self)

    def forget(self, client: Client) -> None:
        """It has gone: what it queued need not be sent any more."""
        self._clients.pop(client, None)
        self._asked = [(asker, request) for asker, request in self._asked if asker is not client]
        if client.call_id is not None:
            self._cancelled.append(client.call_id)
        self._sockets.mark(self)

    # --- for itself -----------------------------------------------------------------------------------------------

    def _publish(self, event: Event) -> None:
        followers = [client for client in self._clients if client.follows]
        if followers:
            line = _line(event)
            for client in followers:
                client.send(line)

    def _accept(self, _events: int) -> None:
        assert self._listener is not None
        try:
            sock = accept(self._listener)
        except OSError:
            return  # gone again, or we are out of descriptors
        user_id, group_id = peer(sock)
        if len(self._clients) >= MOST_CLIENTS or not self._sockets.allowed(user_id, group_id):
            sock.close()
            return
        self._clients[Client(self, self._sockets, sock, trusted=user_id in (0, os.geteuid()))] = None


class Client:
    """One program on the other end. It may ask one call at a time; what it writes meanwhile waits its turn."""

    def __init__(self, owner: CommandSocket, sockets: CommandSockets, sock: UnixSocket, *, trusted: bool) -> None:
        self.follows = False
        self.waits = False
        self.call_id: int | None = None  # of its call, once the session has it
        self._owner = owner
        self._sockets = sockets
        self._sock = sock
        self._trusted = trusted  # us or root, not merely of the group
        self._unread = bytearray()
        self._unsent = bytearray()
        self._watched = 0
        self._open = True
        self._ended = False  # it has said all it will say, but still listens: `echo ... | nc -U`
        self._watch()

    def send(self, line: bytes) -> None:
        """Never waits: what cannot go out now goes out when there is room, or the client is dropped."""
        if self._open:
            self._unsent += line
            self._write()

    def answer(self, reply: Reply) -> None:
        """Its call has ended; the next line it wrote meanwhile comes to its turn."""
        self.waits, self.call_id = False, None
        self.send(_line(reply))
        self._read_lines()
        self._close_if_done()

    def close(self) -> None:
        if self._open:
            self._open = False
            self._watch()
            self._sock.close()
            self._owner.forget(self)

    def _ready(self, events: int) -> None:
        if events & WRITE and self._open:
            self._write()
        if events & READ and self._open:
            self._read()

    def _watch(self) -> None:
        """Tell the selector what we wait for: nothing, once the client has ended and has been sent everything."""
        wanted = ((0 if self._ended else READ) | (WRITE if self._unsent else 0)) if self._open else 0
        if wanted != self._watched:
            self._sockets.watch(self._sock, self._ready, wanted, self._watched)
            self._watched = wanted

    def _read(self) -> None:
        try:
            data = self._sock.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        self._unread += data
        self._read_lines()
        if not data:
            self._end()
        elif len(self._unread) > LONGEST_LINE:
            self.close()

    def _end(self) -> None:
        """End of input. Has it hung up, so that nobody waits for an answer, or only finished asking?"""
        poll = select.poll()
        poll.register(self._sock, 0)
        self._ended = True
        if poll.poll(0):
            self.close()
        else:
            self._watch()
            self._close_if_done()

    def _close_if_done(self) -> None:
        if self._ended and not (self.waits or self.follows or self._unsent):
            self.close()

    def _read_lines(self) -> None:
        while self._open and not self.waits and (end := self._unread.find(b"\n")) >= 0:
            line = bytes(self._unread[:end])
            del self._unread[: end + 1]
            if line.strip():
                self._obey(line)

    def _obey(self, line: bytes) -> None:
        try:
            request = msgspec.json.decode(line, type=Request)
            if request.takeover:
                if self._trusted:
                    self._owner.yield_to_newer()
            elif request.follow:
                self._owner.follow(self)
            elif request.look or request.offer is not None:
                self._owner.heed(_possible(request.offer))
                self.send(_line(Reply(result=msgspec.Raw(b"{}"))))
            else:
                checked = _checked(request)
                self.waits = True
                self._owner.ask(self, checked)
        except (msgspec.MsgspecError, UnicodeError, RecursionError, Malformed) as error:
            self.send(_line(Reply(error=Fault("malformed", description=str(error)))))

    def _write(self) -> None:
        try:
            while self._unsent:
                del self._unsent[: self._sock.send(self._unsent)]
        except BlockingIOError:
            if len(self._unsent) > UNREAD_BYTES:
                log("client_dropped", charger=self._owner.charger_id, why="it does not read what it asked for")
                self.close()
        except OSError:
            self.close()
        if self._open:
            self._watch()
            self._close_if_done()


def _checked(request: Request) -> Request:
    """The call as it will go out. Raises Malformed."""
    payload = compact(bytes(request.payload))
    if not 0 < request.timeout_s <= LONGEST_TIMEOUT_S:
        raise Malformed(f"timeout_s: a number of seconds, more than 0 and at most {LONGEST_TIMEOUT_S}")
    if not request.raw:
        check_call(request.call, payload)
    return Request(call=request.call, payload=msgspec.Raw(payload), timeout_s=request.timeout_s)


def _possible(offer: Offer | None) -> Offer | None:
    """Raises Malformed for a current no car can be offered, and for a connector there is not."""
    if offer is None:
        return None
    from tinyocpp.mains import LEAST_A, MOST_A

    currents = [current for current in (offer.current_a, offer.fallback_a) if current is not None]
    if not all(current == 0 or LEAST_A <= current <= MOST_A for current in currents):
        raise Malformed(f"offer: current_a and fallback_a are 0 or {LEAST_A:g} to {MOST_A:g} A (IEC 61851)")
    if offer.connector_id < 1 or offer.phases not in (None, 1, 2, 3) or not 0 < offer.valid_s <= 3600:
        raise Malformed("offer: connector_id is 1 or more, phases 1 to 3, valid_s more than 0 and at most 3600")
    if not 0 <= offer.sample_s <= 86_400:
        raise Malformed("offer: sample_s is 0 to 86400")
    return offer


def _reply(answer: Answer) -> Reply:
    if answer.outcome == "result":
        return Reply(result=msgspec.Raw(msgspec.json.format(answer.payload, indent=-1)))  # on one line (F6)
    return Reply(error=Fault(_KINDS[answer.outcome], answer.code, answer.description))


_KINDS = {"error": "callerror", "timeout": "timeout", "lost": "lost", "withheld": "withheld"}


def _line(message: Event | Reply) -> bytes:
    return msgspec.json.encode(message) + b"\n"


def _take_over(path: str) -> None:
    """Ask an older session to end. A stale socket, or nothing there, is fine."""
    older = unix_socket()
    try:
        older.connect(path)
        older.send(b'{"takeover":true}\n')
    except OSError:
        pass
    finally:
        older.close()


def _remove(path: str, inode: int | None = None) -> None:
    """Remove the file; with an inode only if it is still that one, as a newer session may have its own there."""
    try:
        if inode is None or os.stat(path).st_ino == inode:
            os.unlink(path)
    except OSError:
        pass


def _groups_of(user_id: int, group_id: int) -> list[int]:
    import pwd

    try:
        return os.getgrouplist(pwd.getpwuid(user_id).pw_name, group_id)
    except KeyError:
        return []
