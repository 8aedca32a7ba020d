"""The conversation in this process, with a real ledger on disk: thousands of broken frames a second.

Nothing may be raised, every CALL with a readable id is answered once and nothing twice, the session stays open, energy
is never negative, and memory stays flat.
"""

from __future__ import annotations

import json
import os
import time
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random

from negative.payloads import whole

from fuzz.mutations import mutated
from fuzz.oracle import answered_id, call_id
from fuzz.seeds import ID, seeds
from tinyocpp.charger import Charger
from tinyocpp.config import TagsConfig
from tinyocpp.messages import ACTIONS
from tinyocpp.messages.core_boot import RegistrationStatus
from tinyocpp.session import Session
from tinyocpp.storage.reading import SqlReader
from tinyocpp.storage.sqlite import SqliteStore
from tinyocpp.tags import Tag, TagList

LEDGER_FRAMES = 20_000  # then a new ledger: an hour must not fill the disk
SESSION_FRAMES = 300
BATCH_FRAMES = 50
FRAME_S = 0.1  # between two frames, by the clock that the session is given
MAY_GROW_KB = 24 * 1024
"""In the second half of a run. A message of a megabyte is several in memory while it is read, and the allocator does
not give back all of it."""
PAGE_KB = os.sysconf("SC_PAGE_SIZE") // 1024
ASKED = [name for name, action in ACTIONS.items() if action.from_central]


@dataclass
class Tally:
    """What a run has come to."""

    frames: int = 0
    answered: int = 0
    slowest_s: float = 0.0  # on the processor, whoever else uses it
    slowest: bytes = b""
    grown_kb: int = 0


class WallClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


class Growth:
    """Memory of a program, this one or another: how much more it took at most in the second half than in the first."""

    def __init__(self, pid: int | str = "self") -> None:
        self._statm = Path(f"/proc/{pid}/statm")
        self._seen_kb: list[int] = []

    def look(self) -> None:
        self._seen_kb.append(int(self._statm.read_text().split()[1]) * PAGE_KB)

    def check(self) -> int:
        half = len(self._seen_kb) // 2
        grown_kb = max(0, max(self._seen_kb[half:]) - max(self._seen_kb[:half] or self._seen_kb))
        assert grown_kb < MAY_GROW_KB, f"memory grew by {grown_kb} kB"
        return grown_kb


def fuzz_session(seed: int, folder: Path, *, frames: int, until: float = float("inf")) -> Tally:
    """So many frames, or until then (time.monotonic). Raises AssertionError, or whatever the session raised."""
    rng = Random(seed)
    tally = Tally()
    grown = Growth()
    while tally.frames < frames and time.monotonic() < until:
        path = folder / f"{tally.frames}.sqlite3"
        with closing(SqliteStore(str(path))) as store:
            _one_ledger(store, rng, tally, grown, min(frames - tally.frames, LEDGER_FRAMES), until)
        check_books(path)
        for left in folder.glob(f"{path.name}*"):
            left.unlink()
    tally.grown_kb = grown.check()
    return tally


def check_books(path: Path) -> None:
    with closing(SqliteStore(str(path))) as store:
        for booking in SqlReader(store._db).bookings(None, None, simulator=True):
            assert booking.energy_wh is None or booking.energy_wh >= 0, booking


def _one_ledger(store: SqliteStore, rng: Random, tally: Tally, grown: Growth, count: int, until: float) -> None:
    pool = seeds()
    done = 0
    while done < count and time.monotonic() < until:
        charger = Fuzzed(store, rng, pool, tally)
        for _ in range(0, min(SESSION_FRAMES, count - done), BATCH_FRAMES):
            assert store.begin()
            for _ in range(BATCH_FRAMES):
                charger.say()
                done += 1
            store.commit()
        grown.look()


class Fuzzed:
    """One connection of a charger of which nothing good comes: it answers what it is asked as it asks itself."""

    def __init__(self, store: SqliteStore, rng: Random, pool: list[str], tally: Tally) -> None:
        self._rng, self._pool, self._tally = rng, pool, tally
        registration = rng.choice((*[RegistrationStatus.ACCEPTED] * 8, *RegistrationStatus))
        self._charger = Charger(
            rng.choice(("garage", "carport")),
            ledger=store.ledger,
            tags=TagList((Tag("04A2B3C4"),), TagsConfig(), UTC),
            clock=WallClock(),
            zone=UTC,
            registration=registration,
        )
        self._charger.local_list = rng.random() < 0.5
        self._charger.watched = rng.random() < 0.5
        self._session = Session(self._charger, strict=rng.random() < 0.2, id_prefix=f"p{tally.frames}-")
        self._now = 1000.0
        self._asked: list[tuple[str, str]] = []  # what it has been asked and has not answered: message id and action
        assert store.begin()
        self._session.opened(self._now)
        store.commit()

    def say(self) -> None:
        """A frame, what is said to it, and what comes due afterwards."""
        frame = self._frame()
        began = time.process_time()
        try:
            self._session.receive_text(frame.decode("utf-8", "replace"), self._now)
            took_s = time.process_time() - began
            self._heard(frame, self._session.text_to_send())
            self._now += FRAME_S
            self._session.expire(self._now)
            self._heard(b"", self._session.text_to_send())
            assert not self._session.closing
        except BaseException:
            print(f"frame {self._tally.frames}: {frame[:3000]!r}")
            raise
        self._charger.events.clear()
        self._session.results_received()
        self._count(frame, took_s)

    def _frame(self) -> bytes:
        rng, number = self._rng, self._tally.frames
        if rng.random() < 0.05:
            self._session.send_call(rng.choice(ASKED), b"{}", self._now, timeout_s=FRAME_S * 10)
        if self._asked and rng.random() < 0.5:
            message_id, action = self._asked.pop()
            seed = json.dumps([3, message_id, whole(ACTIONS[action].result)])
            return seed.encode() if rng.random() < 0.3 else mutated(seed, self._pool, rng)
        return mutated(rng.choice(self._pool), self._pool, rng).replace(ID.encode(), b"f%d" % number)

    def _heard(self, frame: bytes, texts: list[str]) -> None:
        check_answers(frame, texts)
        calls = [json.loads(text) for text in texts if text.startswith("[2,")]
        self._asked += [(call[1], call[2]) for call in calls]

    def _count(self, frame: bytes, took_s: float) -> None:
        tally = self._tally
        if took_s > tally.slowest_s:
            tally.slowest_s, tally.slowest = took_s, frame
        tally.frames += 1
        tally.answered += call_id(frame) is not None


def check_answers(frame: bytes, texts: list[str]) -> None:
    """Once where the id can be read, and never twice."""
    answers = [answered for text in texts if (answered := answered_id(text)) is not None]
    assert len(answers) <= 1, texts
    must = call_id(frame)
    assert must is None or answers == [must], f"{must!r} was not answered: {texts}"
