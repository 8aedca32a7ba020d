"""A house connection under a mock clock: loads, a meter that is late, and cars that do late what they are told."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from tinyocpp.headroom import Reading
from tinyocpp.modes import Rotation, SharingConfig
from tinyocpp.parties import Currents, Party, added, spread
from tinyocpp.sharing import Share, State, share

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


@dataclass
class Car:
    """A charger and what hangs on it. It hears late, and then its current moves by so much a second."""

    key: str = "garage"
    priority: int = 0
    phases: int = 3
    rotation: Rotation = "RST"
    can_swap: bool = False
    min_a: float = 6.0
    max_a: float = 16.0  # of the charger
    takes_a: float = 16.0  # the car, at most
    step_a: float = 0.1
    deaf_s: int = 5
    ramp_a_s: float = 2.0
    wakes_s: int = 0  # so long after a pause
    measured_every_s: int = 10  # 0: never
    obeys: bool = True
    inexact: float = 1.0  # what it draws of what it is offered
    standby_a: float = 0.0  # asleep
    wants: bool = True
    away: bool = False  # not connected: it goes on with fallback_a
    fallback_a: float = 6.0

    told: list[tuple[int, float, int]] = field(default_factory=list)  # since, A, phases
    current_a: float = 0.0
    used: int = 0  # phases
    awake_s: int = 0  # since when it is offered something
    drawn_a: Currents | None = None
    drawn_s: float = 0.0

    @property
    def draws(self) -> Currents:
        return spread(self.current_a, self.party().wires()[: self.used])

    def party(self) -> Party:
        return Party(
            key=self.key,
            name=self.key,
            priority=self.priority,
            wants=self.wants,
            phases=self.phases,
            rotation=self.rotation,
            can_swap=self.can_swap,
            min_a=self.min_a,
            max_a=self.max_a,
            step_a=self.step_a,
            allowed_a=self.told[-1][1] if self.told else 0.0,
            drawn_a=self.drawn_a,
            drawn_s=self.drawn_s,
            fallback_a=self.fallback_a if self.away else None,
        )

    def is_told(self, now_s: int, given: Share) -> None:
        if not self.away and (not self.told or self.told[-1][1:] != (given.current_a, given.phases)):
            self.told.append((now_s, given.current_a, given.phases))

    def live(self, now_s: int) -> None:
        """One second."""
        heard = next((what for what in reversed(self.told) if what[0] + self.deaf_s <= now_s), None)
        _, offered_a, phases = heard or (0, 0.0, self.phases)
        if self.away:
            offered_a = self.fallback_a
        if not self.obeys and heard:
            offered_a, phases = self.max_a, self.phases
        if not self.current_a:
            self.used = phases
        self.awake_s = self.awake_s + 1 if offered_a else 0
        wanted_a = min(offered_a, self.takes_a) if self.wants and self.awake_s > self.wakes_s else 0.0
        if wanted_a == offered_a:
            wanted_a *= self.inexact
        if offered_a and not wanted_a and self.wants:
            wanted_a = self.standby_a
        if phases != self.used and self.current_a:
            wanted_a = 0.0  # it swaps without current
        step_a = wanted_a - self.current_a
        self.current_a += max(min(step_a, self.ramp_a_s), -max(self.ramp_a_s, 3.0))
        if self.measured_every_s and now_s % self.measured_every_s == 0:
            own = spread(self.current_a, (0, 1, 2)[: self.used])
            self.drawn_a, self.drawn_s = own, now_s


class Second(NamedTuple):
    """What happened in it."""

    now_s: int
    load: Currents
    total: Currents
    shares: dict[str, Share]


def told(second: Second) -> dict[str, tuple[float, int]]:
    return {key: (what.current_a, what.phases) for key, what in second.shares.items()}


def changes(seconds: list[Second]) -> int:
    return sum(told(before) != told(after) for before, after in pairwise(seconds))


class Connection:
    """The rule is asked every `interval_s`; the meter tells every `meter_s` what was `delay_s` ago."""

    def __init__(
        self,
        cars: list[Car],
        config: SharingConfig | None = None,
        interval_s: int = 1,
        meter_s: int = 1,
        delay_s: int = 0,
        metered: bool = True,
    ) -> None:
        self.cars = cars
        self.config = config or SharingConfig(limit_a=25)
        self.interval_s = interval_s
        self.meter_s = meter_s
        self.delay_s = delay_s
        self.metered = metered
        self.meter: Callable[[Reading], Reading | None] = lambda reading: reading
        self.reading: Reading | None = None
        self.state = State()
        self.now_s = 1000
        self.seconds: list[Second] = []

    def live(self, loads: Iterable[Currents]) -> list[Second]:
        """One second for each; returns these seconds."""
        first = len(self.seconds)
        for load in loads:
            total = added([load, *(car.draws for car in self.cars)])
            self._read(total)
            shares = self.seconds[-1].shares if self.seconds else {}
            if self.now_s % self.interval_s == 0 or not shares:
                shares = self._ask()
            self.seconds.append(Second(self.now_s, load, total, shares))
            for car in self.cars:
                car.live(self.now_s)
            self.now_s += 1
        return self.seconds[first:]

    def last(self, load: Currents, seconds: int) -> Second:
        """After so long with this load."""
        return self.live([load] * seconds)[-1]

    def _read(self, total: Currents) -> None:
        if self.now_s % self.meter_s:
            return
        if self.delay_s:
            if len(self.seconds) < self.delay_s:
                return
            total = self.seconds[-self.delay_s].total
        told = self.meter(Reading(currents_a=total, read_s=self.now_s, delay_s=self.delay_s))
        self.reading = told or self.reading

    def _ask(self) -> dict[str, Share]:
        parties = [car.party() for car in self.cars]
        self.state, shares = share(self.state, self.config, parties, self.reading, self.now_s, metered=self.metered)
        for car in self.cars:
            car.is_told(self.now_s, shares[car.key])
        return shares
