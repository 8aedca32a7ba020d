"""One batch, one commit: what all chargers have sent since the last round is handled inside one database transaction.

Only when that is durable are the answers let out. While one round is being synced the next one gathers, which is group
commit without machinery. Sessions live in the event loop; only what waits (a COMMIT that syncs, or another process that
is writing) is done on one thread, and the store is then left alone until it has returned. A round of samples is not
synced and so committed at once; that SQLite tidies its log with every thousandth page is the one wait left in the loop.
A round that fails acknowledges nothing and closes its connections.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
import traceback
from functools import partial
from queue import SimpleQueue
from typing import TYPE_CHECKING, Protocol

from tinyocpp.errors import StorageError
from tinyocpp.hosts.batch import attempt, handle_frame, relaxed
from tinyocpp.hosts.log import Throttle, log
from tinyocpp.storage import BUSY, BUSY_TIMEOUT_S

if TYPE_CHECKING:
    from collections.abc import Callable

    from tinyocpp.session import Session
    from tinyocpp.storage import Store

    Work = str | Callable[[float], None]
    """A frame for the party's session, or anything else to be done inside the batch, given monotonic seconds."""


class Party(Protocol):
    """Whoever takes part in rounds: a charger's connection."""

    session: Session | None  # None: it has not been let in, or its connection is over

    def heard(self, text: str) -> None:
        """A frame is about to be handled."""
        ...

    def release(self) -> None:
        """The round is durable: let out what there is to say."""
        ...

    def fail(self) -> None:
        """The round was lost, or this party's part of it: nothing is acknowledged, close the connection."""
        ...


class Rounds:
    """Gathers work and does it, round by round; `before` and `after` run at the edges of each."""

    def __init__(self, store: Store, before: Callable[[], None], after: Callable[[], None]) -> None:
        self._store = store
        self._before = before
        self._after = after
        self._loop = asyncio.get_running_loop()
        self._disk = DiskThread(self._loop)
        self._waiting: list[tuple[Party, Work]] = []
        self._round: list[tuple[Party, Work]] = []
        self._light = False  # no start, stop or call of ours in it: nothing of this round is synced
        self._sync = False  # the next round will not be light
        self._broken: list[Party] = []
        self._scheduled = False
        self._running = False
        self._idle: asyncio.Future[None] | None = None
        self._complaints = Throttle()

    def add(self, party: Party, work: Work, *, synced: bool = False) -> None:
        """Do this in the next round, in the order it was added. `synced`: a call of ours may come of it, and what we
        know of a call (a password on its way) must outlive a power cut before it leaves."""
        self._waiting.append((party, work))
        self._sync = self._sync or synced
        if not (self._scheduled or self._running):
            self._scheduled = True
            self._loop.call_soon(self._try, self._start)

    async def finish(self) -> None:
        """Wait until nothing is waiting and nothing is being written."""
        while self._waiting or self._running:
            if self._idle is None or self._idle.done():
                self._idle = self._loop.create_future()
            await self._idle

    def stop(self) -> None:
        self._disk.stop()

    def _try(self, step: Callable[..., None], *outcome: object) -> None:
        """One step of a round. Whatever goes wrong, ours or the disk's, loses this round and not the listener."""
        try:
            step(*outcome)
        except Exception as error:
            self._lose(error)

    def _start(self) -> None:
        self._scheduled = False
        self._running = True
        self._round, self._waiting = self._waiting, []
        self._before()
        self._light = not self._sync and all(not isinstance(work, str) or relaxed(work) for _, work in self._round)
        self._sync = False
        if self._store.begin(relaxed=self._light, timeout_s=0):
            self._work()
        else:
            begin = partial(self._store.begin, relaxed=self._light, timeout_s=BUSY_TIMEOUT_S)
            self._disk.do(begin, partial(self._try, self._begun))

    def _begun(self, outcome: object) -> None:
        if isinstance(outcome, Exception):
            raise outcome
        if not outcome:
            raise StorageError(BUSY)
        self._work()

    def _work(self) -> None:
        now = time.monotonic()
        for party, work in self._round:
            if not self._one(party, work, now):
                self._broken.append(party)
        if not self._store.wrote:
            self._store.rollback()
        elif self._light:
            self._store.commit()
        else:
            self._disk.do(self._store.commit, partial(self._try, self._committed))
            return
        self._committed(None)

    def _one(self, party: Party, work: Work, now: float) -> bool:
        """False: that was our own fault, and its traceback has been printed."""
        if not isinstance(work, str):
            return attempt(self._store, partial(work, now))
        if party.session is None:
            return True  # a newer connection has taken over since, and the charger will say it again
        party.heard(work)
        return handle_frame(self._store, party.session, work, now)

    def _committed(self, outcome: object) -> None:
        if isinstance(outcome, Exception):
            raise outcome
        for party in dict.fromkeys(self._broken):
            party.fail()
        for party in dict.fromkeys(party for party, _ in self._round):
            party.release()
        self._next()

    def _lose(self, error: Exception) -> None:
        if not isinstance(error, StorageError):
            traceback.print_exception(error)
        elif self._complaints.due("storage", time.monotonic()) is not None:
            log("not_stored", why=error, then="nothing was acknowledged, connections were closed, trying again")
        try:
            for party in dict.fromkeys(party for party, _ in self._round):
                party.fail()
            with contextlib.suppress(StorageError):  # said above
                self._store.rollback()
        finally:
            self._next()

    def _next(self) -> None:
        self._after()
        self._round, self._broken = [], []
        self._running = False
        if self._waiting:
            self._scheduled = True
            self._loop.call_soon(self._try, self._start)
        elif self._idle is not None and not self._idle.done():
            self._idle.set_result(None)


class DiskThread:
    """One thread for what may wait for the disk, one thing at a time."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._jobs: SimpleQueue[tuple[Callable[[], object], Callable[[object], None]] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="disk", daemon=True)
        self._thread.start()

    def do(self, job: Callable[[], object], done: Callable[[object], None]) -> None:
        """Call `done` in the loop with what `job` has returned, or with the exception it raised."""
        self._jobs.put((job, done))

    def stop(self) -> None:
        self._jobs.put(None)
        self._thread.join(timeout=1)

    def _run(self) -> None:
        while (task := self._jobs.get()) is not None:
            job, done = task
            try:
                outcome = job()
            except Exception as error:
                outcome = error
            self._loop.call_soon_threadsafe(done, outcome)
