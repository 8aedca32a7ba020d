"""A street in this process: the real listener, simulated chargers on real connections, the house they hang on.

    async with street(tmp_path, [Box("garage", car=car_of("usual", 40_000))], steady(pv_w=5000), speed=60) as s:
        await s.until(lambda: s.last.drawn_a("garage")[0] > 6)
        await s.type("limit", "10A")
        await s.live(120)                    # seconds of the house
        assert s.most_a("garage") <= 10

House and cars live `speed` times as fast as the clock; the central system lives in true time. What its grid meter shows
is in `s.meter_file`, as `[meter] kind = "file"` reads it, and every reading is kept in `s.moments`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from listening import Site

from tinyocpp.cli import main
from tinyocpp.simulator.car import Car
from tinyocpp.simulator.charge_point import ChargePoint
from tinyocpp.simulator.client import Address, Client, Clock
from tinyocpp.simulator.gridmeter import GridMeter
from tinyocpp.simulator.house import House, Trace
from tinyocpp.simulator.household import Household, draw_w
from tinyocpp.simulator.offers import offer_at
from tinyocpp.simulator.visit import Parked

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Sequence
    from pathlib import Path

    from tinyocpp.hosts.websocket import Listener
    from tinyocpp.simulator.house import Figures
    from tinyocpp.simulator.tally import Tally

CARD = "04A2B3C4"
VOLT = 230
DAY_S = 86_400.0
FIRST_WAIT_S = 0.1  # before a broken line is opened again
FIRST_WH = 1_000_000


class Box(NamedTuple):
    """A charger to be, and the car that stands there; it shows `tag` once, or none."""

    identity: str
    car: Car = Car(100_000)  # is copied
    vices: Sequence[str] = ()
    rotation: str = "RST"  # how it is wired to the phases of the house
    tag: str | None = CARD
    sample_s: int = 10  # of the car's time


class Moment(NamedTuple):
    """What the grid meter showed, and what flowed and was offered then. `at_s` is the house's time, from the street's
    begin."""

    at_s: float
    shown: Figures
    drawn_w: dict[str, tuple[float, float, float]]  # from L1, L2 and L3 of the house
    offered_a: dict[str, float]
    status: dict[str, str]

    def drawn_a(self, identity: str) -> tuple[float, float, float]:
        first, second, third = (watts / VOLT for watts in self.drawn_w[identity])
        return first, second, third

    def car_w(self, identity: str) -> float:
        return sum(self.drawn_w[identity])

    def phases(self, identity: str) -> int:
        """In use now."""
        return sum(1 for watts in self.drawn_w[identity] if watts)


def steady(pv_w: float = 0.0, load_w: float = 0.0) -> House:
    return House(Trace([0.0, DAY_S], [pv_w, pv_w], [load_w, load_w]))


class Weather:
    """A sky and a household that do as the test says, when it says so: no clock decides whether it was in time."""

    def __init__(self, pv_w: float = 0.0, load_w: float = 0.0) -> None:
        self.pv_w = pv_w
        self.load_w = load_w

    def at(self, _elapsed_s: float) -> tuple[float, float]:
        """As a simulator.house.Trace has it."""
        return self.pv_w, self.load_w

    def house(self, **options: Any) -> House:
        return House(cast("Trace", self), **options)


def house_of(rows: Iterable[tuple[float, float, float]], **options: Any) -> House:
    """Of (time_s, pv_w, load_w); between them on a line."""
    time_s, pv_w, load_w = (list(column) for column in zip(*rows, strict=True))
    return House(Trace(time_s, pv_w, load_w), **options)


class Street:
    """Made by `street`."""

    def __init__(self, site: Site, listener: Listener, boxes: Sequence[Box], house: House, speed: float) -> None:
        self.site = site
        self.listener = listener
        self.house = house
        self.speed = speed
        self.moments: list[Moment] = []
        self.meter_file = site.folder / "meter.json"
        self.clock = Clock()
        self.stations = {box.identity: _station(box, self.clock, speed) for box in boxes}
        self._boxes = boxes
        self._begun_s = house.elapsed_s
        self._another = asyncio.Event()
        self._running: asyncio.Task[None] | None = None

    @property
    def last(self) -> Moment:
        return self.moments[-1]

    @property
    def now_s(self) -> float:
        """The house's time, from the street's begin."""
        return self.house.elapsed_s - self._begun_s

    def tally(self, identity: str) -> Tally:
        return self.stations[identity].tally

    def since(self, at_s: float) -> list[Moment]:
        return [moment for moment in self.moments if moment.at_s >= at_s]

    def most_a(self, identity: str, since_s: float = 0.0) -> float:
        """The largest current on any phase."""
        return max(max(moment.drawn_a(identity)) for moment in self.since(since_s))

    def taken_wh(self, identity: str) -> float:
        """By all cars there have been."""
        return sum(one.meter.register - FIRST_WH for one in self.stations[identity].connectors)

    async def until(self, condition: Callable[[], object]) -> None:
        """Looked at with each reading of the meter. The test's own end is the end of patience."""
        while not (self.moments and condition()):
            if self._running and self._running.done():
                self._running.result()  # a charger or the meter broke: say so
            self._another.clear()
            await self._another.wait()

    async def live(self, seconds: float) -> None:
        """Of the house."""
        end_s = self.now_s + seconds
        await self.until(lambda: self.now_s >= end_s)

    async def type(self, *words: str) -> int:
        """`tinyocpp WORD ...`; its exit status."""

        def run() -> int:
            try:
                return main(["--config", str(self.site.file), *words])
            except SystemExit as stop:
                return int(stop.code or 0)

        return await asyncio.to_thread(run)

    async def tell(self, identity: str, line: dict[str, object]) -> dict[str, Any]:
        """A line to the charger's command socket; the first one that comes back."""
        reader, writer = await asyncio.open_unix_connection(str(self.site.runtime / f"{identity}.sock"))
        try:
            writer.write(json.dumps(line).encode() + b"\n")
            answer: dict[str, Any] = json.loads(await reader.readline())
            return answer
        finally:
            writer.close()
            await writer.wait_closed()

    @asynccontextmanager
    async def living(self, meter_s: float) -> AsyncIterator[None]:
        """While the chargers and the meter are there."""
        self._running = asyncio.create_task(self._live(meter_s))
        self._running.add_done_callback(lambda _task: self._another.set())
        try:
            yield
        finally:
            self._running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._running

    async def _live(self, meter_s: float) -> None:
        household = Household(self.house, list(self.stations.values()), self.clock.now(), self.speed)
        meter = GridMeter(household, self.meter_file, self.clock, meter_s, shown=self._note)
        clients = [self._client(box) for box in self._boxes]
        await asyncio.gather(meter.run(lambda: False), *(client.run() for client in clients))

    def _client(self, box: Box) -> Client:
        station = self.stations[box.identity]
        address = Address(url=f"ws://127.0.0.1:{self.listener.ports['ws']}/", identity=box.identity)
        parked = Parked(station, box.car, box.tag)
        return Client(station, parked, address, persistent=True, clock=self.clock, first_wait_s=FIRST_WAIT_S)

    def _note(self, shown: Figures) -> None:
        firsts = {identity: (station, station.connectors[1]) for identity, station in self.stations.items()}
        moment = Moment(
            at_s=self.now_s,
            shown=shown,
            drawn_w={identity: draw_w(station) for identity, (station, _) in firsts.items()},
            offered_a={identity: offer_at(*first, first[0].now).current_a for identity, first in firsts.items()},
            status={identity: connector.status.value for identity, (_, connector) in firsts.items()},
        )
        self.moments.append(moment)
        self._another.set()


@asynccontextmanager
async def street(
    folder: Path,
    boxes: Sequence[Box],
    house: House | None = None,
    *,
    speed: float = 60.0,
    meter_s: float = 0.1,
    text: str = "",
) -> AsyncIterator[Street]:
    """`text`: tables of the configuration besides [paths] and [chargers]; everybody is admitted, and the card is good
    at as many chargers as there are. The meter is read every `meter_s` of true time."""
    site = Site(folder, f'[chargers]\nadmit = "any"\n{text}')
    (folder / "tags.toml").write_text(f'[[tag]]\nid = "{CARD}"\nname = "Me"\ntransactions = {len(boxes)}\n')
    async with site.listening() as listener:
        made = Street(site, listener, boxes, house or steady(), speed)
        async with made.living(meter_s):
            yield made


def _station(box: Box, clock: Clock, speed: float) -> ChargePoint:
    station = ChargePoint(box.identity, clock.now(), speed=speed, register_wh=FIRST_WH, vices=box.vices)
    station.configuration.set("ConnectorPhaseRotation", f"1.{box.rotation}")
    station.configuration.set("MeterValueSampleInterval", str(box.sample_s))
    return station
