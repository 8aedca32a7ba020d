"""The control program: looks at the house's meter and at all chargers, and offers each what sun and house leave it.

It runs beside the listener, with either engine, and knows chargers by their command sockets only; tinyocpp-listener
starts it where there is something to steer, and it ends with it. What it decides is in steering.py; how a charger is
told it, and that it never gets more than its owner wishes, is the host's business. It keeps nothing but
its last notes: begun anew at once, it goes on from these; else it looks and decides.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import time
from contextlib import closing
from datetime import UTC, datetime
from math import inf
from typing import TYPE_CHECKING, NamedTuple

from tinyocpp.companions.controlnotes import ConnectorNote, MeterNote, Notes, left_behind, write
from tinyocpp.companions.lines import Lines
from tinyocpp.companions.steering import Given, Steering, key_of
from tinyocpp.companions.view import View
from tinyocpp.connectors import Offer
from tinyocpp.hosts.log import Throttle, log
from tinyocpp.hosts.runtimedir import prepare_runtime
from tinyocpp.identity import fold_identity
from tinyocpp.storage import open_reader, open_tags

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tinyocpp.companions.commandclient import CommandClient
    from tinyocpp.companions.steering import Live
    from tinyocpp.config import Config
    from tinyocpp.meters.watch import Seen, Watch

VALID_ROUNDS, LEAST_VALID_S = 3, 30.0  # so long an offer holds unless it is made again
RENEWED = 0.3  # of that
SOONEST = 0.1  # of an interval: news come in bunches
LEAST_SAMPLE_S = 5


class Said(NamedTuple):
    """The last offer to one connector."""

    offer: Offer
    at_s: float
    line: CommandClient | None


class Rounds:
    """When to decide: once an interval, and soon after news. Those that come too soon after a decision are kept for the
    next."""

    def __init__(self, interval_s: float) -> None:
        self.news = False
        self._interval_s = interval_s
        self._decided_s = -inf

    def wait_s(self, now_s: float) -> float:
        """Until the next is due."""
        return max(0.0, self._decided_s + self._interval_s * (SOONEST if self.news else 1.0) - now_s)

    def begin(self, now_s: float) -> None:
        self._decided_s, self.news = now_s, False


class Control:
    """`run` until told to stop."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self._lines = Lines(config.runtime_directories)
        self._runtime = prepare_runtime(config.paths.runtime, config.paths.group)
        self._steering = Steering(config, _given_before(left_behind(self._runtime.path, datetime.now(UTC))))
        self._offered: dict[str, Said] = {}  # by key
        self._bell, self._rung = os.pipe()
        os.set_blocking(self._rung, False)
        os.set_blocking(self._bell, False)
        self._complaints = Throttle()

    def run(self, stop: Sequence[int]) -> None:
        """Until one of these descriptors is readable or at its end."""
        watch = self._watch()
        rounds = Rounds(self.config.control.interval_s)
        with closing(open_reader(self.config)) as reader:
            view = View(self.config, reader, open_tags(self.config, keep=False), self._lines)
            try:
                while True:
                    now_s = time.monotonic()
                    rounds.news |= self._lines.look(now_s)
                    watched: list[int | CommandClient] = [*stop, self._bell, *self._lines.clients]
                    ready = select.select(watched, [], [], rounds.wait_s(now_s))[0]
                    if any(descriptor in ready for descriptor in stop):
                        return
                    rounds.news |= self._hear(ready)
                    now_s = time.monotonic()
                    if not rounds.wait_s(now_s):
                        rounds.begin(now_s)
                        self._round(view.lives(), watch, now_s)
            finally:
                self._lines.close()
                if watch is not None:
                    watch.stop()

    def _watch(self) -> Watch | None:
        if self.config.meter is None:
            return None
        from tinyocpp.meters.watch import Watch

        watch = Watch(self.config.meter, on_news=self._ring)
        watch.start()
        return watch

    def _ring(self) -> None:
        """From a meter's thread: something has come."""
        try:
            os.write(self._rung, b"!")
        except BlockingIOError:
            return  # it rings already

    def _hear(self, ready: Sequence[int | CommandClient]) -> bool:
        news = self._bell in ready
        if news:
            os.read(self._bell, 4096)
        for client in self._lines.clients:
            if client in ready:
                news = self._lines.hear(client, time.monotonic()) or news
        return news

    def _round(self, lives: Sequence[Live], watch: Watch | None, now_s: float) -> None:
        seen = None if watch is None else watch.look()
        given = self._steering.decide(lives, seen.measured if seen is not None else None, now_s)
        for live in lives:
            self._offer(live, given.get(live.key), now_s)
        self._note(lives, given, seen)

    def _offer(self, live: Live, what: Given | None, now_s: float) -> None:
        """Said again before it is over. Who is to have what it likes is told so once over a connection: an earlier one
        of us may have left something with it."""
        if not live.connected:
            self._offered.pop(live.key, None)
            return
        last = self._offered.get(live.key)
        if last is not None and last.line is not self._lines.line(fold_identity(live.charger_id)):
            last = None  # it has come anew since
        if what is None:
            if last is None or last.offer.current_a is not None:
                self._say(live, Offer(connector_id=live.connector_id), now_s)
            return
        valid_s = max(VALID_ROUNDS * self.config.control.interval_s, LEAST_VALID_S)
        offer = Offer(
            connector_id=live.connector_id,
            current_a=what.current_a,
            phases=self._told_phases(live, what),
            fallback_a=self._steering.left_a(live.key),
            valid_s=valid_s,
            sample_s=max(round(self.config.control.interval_s), LEAST_SAMPLE_S),
        )
        if last is None or last.offer != offer or now_s - last.at_s >= RENEWED * valid_s:
            self._say(live, offer, now_s)

    def _say(self, live: Live, offer: Offer, now_s: float) -> None:
        name = fold_identity(live.charger_id)
        self._offered[live.key] = Said(offer, now_s, self._lines.line(name))
        self._lines.offer(name, offer)

    def _told_phases(self, live: Live, what: Given) -> int | None:
        """As the charger has them: a car that uses two is connected to three."""
        if not live.can_swap or not what.phases:
            return None
        return 1 if what.phases == 1 else 3

    def _note(self, lives: Sequence[Live], given: dict[str, Given], seen: Seen | None) -> None:
        notes = Notes(
            at=datetime.now(UTC),
            pid=os.getpid(),
            interval_s=self.config.control.interval_s,
            meter=None if seen is None else _meter_note(seen),
            connectors=tuple(_connector_note(live, given.get(live.key)) for live in lives),
        )
        try:
            write(self._runtime, notes)
        except OSError as error:
            if self._complaints.due("notes", time.monotonic()) is not None:
                log("no_control_notes", why=error.strerror or error)


def _meter_note(seen: Seen) -> MeterNote:
    measured = seen.measured
    if measured is None:
        return MeterNote(words=seen.why_not)
    return MeterNote(
        grid_w=measured.grid_w,
        pv_w=measured.pv_w,
        battery_w=measured.battery_w,
        battery_soc=measured.battery_soc,
        currents_a=measured.currents_a,
    )


def _given_before(notes: Notes | None) -> dict[str, Given]:
    """To those that charge."""
    return {
        key_of(one.charger_id, one.connector_id): Given(one.current_a, one.phases, one.words)
        for one in (notes.connectors if notes is not None else ())
        if one.current_a and one.phases
    }


def _connector_note(live: Live, what: Given | None) -> ConnectorNote:
    return ConnectorNote(
        charger_id=live.charger_id,
        connector_id=live.connector_id,
        mode=live.mode,
        current_a=None if what is None else what.current_a,
        phases=(what.phases or None) if what is not None else None,
        words="" if what is None else what.words,
    )


def run(config: Config, *, attended: bool) -> int:
    """Until SIGTERM or SIGINT, then 0; `attended`: also when standard input ends, for whoever started us is gone."""
    told, signalled = os.pipe()
    os.set_blocking(signalled, False)
    signal.set_wakeup_fd(signalled)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM, signal.SIGINT})
    Control(config).run([told, sys.stdin.fileno()] if attended else [told])
    return 0
