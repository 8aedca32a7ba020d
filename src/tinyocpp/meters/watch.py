"""The meters of a house, watched: what they say now, and in words why that is not to be used.

    with Watch(config.meter) as watch:
        seen = watch.look()
        seen.measured   # None: not to be used, and seen.why_not says why

Each meter runs in a thread of its own and is begun again for as long as the watch lasts, after a pause that grows. None
can hold up whoever looks: `look` waits for nobody. The rules are measuring.py's, this only holds what they remember.
"""

from __future__ import annotations

import sys
import threading
import time
import traceback
from typing import TYPE_CHECKING

import msgspec

from tinyocpp.measuring import FIGURES, Known, Measured, Reading, measured, noticed, why_not
from tinyocpp.meters import MeterTrouble, open_meter
from tinyocpp.meters.stopping import Stop

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from tinyocpp.meterkinds import MeterConfig

PARTS: dict[str, tuple[str, ...]] = {"pv": ("pv_w",), "battery": ("battery_w", "battery_soc")}
"""What counts of a meter beside the grid's; the first is what a bare number of its stands for."""

FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 20.0
ENDS_WITHIN_S = 3.0  # a thread that a name server holds up is left behind; it ends with the program


class Seen(msgspec.Struct, frozen=True):
    """What is known at one moment."""

    now_s: float
    measured: Measured | None  # what may be used
    why_not: str  # where that is nothing
    known: Known  # all figures there are, also those that may not
    trouble: dict[str, str]  # of "grid", "pv" and "battery", whichever has any now
    news: int  # how often something has come
    unheard: frozenset[str]  # meters that have told neither figures nor trouble yet


class Watch:
    """Begins with `start`, or as a context. `look` and `wait` may be called from any thread; `on_news` is called from
    the meters' own."""

    def __init__(
        self,
        config: MeterConfig,
        on_news: Callable[[], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        inner = {name: part for name, part in (("pv", config.pv), ("battery", config.battery)) if part is not None}
        elsewhere = {figure for name in inner for figure in PARTS[name]}
        self._sources = [Source("grid", config, frozenset(FIGURES) - elsewhere, "grid_w", self._heard)]
        self._sources += [
            Source(name, part, frozenset(PARTS[name]), PARTS[name][0], self._heard) for name, part in inner.items()
        ]
        self._on_news = on_news
        self._clock = clock
        self._changed = threading.Condition()
        self._known = Known()
        self._trouble: dict[str, str] = {}
        self._news = 0
        self._unheard = frozenset(source.name for source in self._sources)

    def __enter__(self) -> Watch:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def start(self) -> None:
        for source in self._sources:
            source.thread.start()

    def stop(self) -> None:
        """Within a few seconds, whatever the meters do."""
        for source in self._sources:
            source.stop.set()
        deadline_s = time.monotonic() + ENDS_WITHIN_S
        for source in self._sources:
            if source.thread.is_alive():
                source.thread.join(max(deadline_s - time.monotonic(), 0.0))

    def look(self) -> Seen:
        """What is known now."""
        with self._changed:
            return self._seen()

    def wait(self, news: int, seconds: float) -> Seen:
        """The same as soon as more has come than `news` counts, or the time is over."""
        with self._changed:
            self._changed.wait_for(lambda: self._news > news, seconds)
            return self._seen()

    def _seen(self) -> Seen:
        now_s, known = self._clock(), self._known
        usable = measured(known, now_s)
        why = "" if usable else f"grid_w {why_not(known, 'grid_w', now_s)}"
        if why and "grid" in self._trouble:
            why += f"; {self._trouble['grid']}"
        return Seen(now_s, usable, why, known, dict(self._trouble), self._news, self._unheard)

    def _heard(self, source: Source, heard: Reading | MeterTrouble) -> None:
        with self._changed:
            self._news += 1
            self._unheard -= {source.name}
            if isinstance(heard, MeterTrouble):
                self._trouble[source.name] = str(heard)
            else:
                self._trouble.pop(source.name, None)
                self._known = noticed(self._known, heard, self._clock(), source.config.patience)
            self._changed.notify_all()
        if self._on_news:
            self._on_news()


class Source:
    """One meter, run for ever in its thread."""

    def __init__(
        self,
        name: str,
        config: MeterConfig,
        counts: frozenset[str],
        plain: str,
        heard: Callable[[Source, Reading | MeterTrouble], None],
    ) -> None:
        self.name = name
        self.config = config
        self.stop = Stop()
        self.thread = threading.Thread(target=self._run, name=f"meter-{name}", daemon=True)
        self._counts = counts
        self._plain = plain
        self._heard = heard
        self._pause_s = FIRST_PAUSE_S

    def _run(self) -> None:
        while not self.stop.is_set:
            try:
                open_meter(self.config, self._plain).run(self._tell, self.stop)
            except MeterTrouble as trouble:
                self._tell(trouble)
            except Exception as fault:  # ours, and the house is not left without a meter for it
                traceback.print_exc(file=sys.stderr)
                self._tell(MeterTrouble(f"a fault of tinyocpp itself: {fault!r}"))
            self.stop.wait(self._pause_s)
            self._pause_s = min(self._pause_s * 2, LONGEST_PAUSE_S)
        self.stop.close()

    def _tell(self, heard: Reading | MeterTrouble) -> None:
        if isinstance(heard, Reading):
            heard = self._ours(heard)
        if isinstance(heard, Reading):
            self._pause_s = FIRST_PAUSE_S
        self._heard(self, heard)

    def _ours(self, reading: Reading) -> Reading | MeterTrouble:
        """What counts of it, in our units and signs."""
        scale = self.config.scale
        figures = {name: value * scale.get(name, 1) for name, value in reading.figures.items() if name in self._counts}
        if not figures:
            return MeterTrouble(f"tells of {', '.join(reading.figures)}, not of {self._plain}")
        return Reading(figures, reading.delay_s)
