"""A house under a mock clock: a surplus, a meter that is some seconds late, and a car that draws what it is offered."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from tinyocpp.modes import Mode, SolarConfig
from tinyocpp.solar import Decision, Outlet, Sample, State, decide

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class Step(NamedTuple):
    """What was decided, and what it came to."""

    now_s: float
    surplus_w: float
    decision: Decision
    power_w: float

    @property
    def phases(self) -> int:
        return self.decision.phases

    @property
    def current_a(self) -> float:
        return self.decision.current_a

    @property
    def words(self) -> str:
        return self.decision.words


def changes(steps: list[Step]) -> list[int]:
    """The numbers of phases, one after the other."""
    return [after.phases for before, after in pairwise(steps) if before.phases != after.phases]


class House:
    """Every `interval_s` the law is asked. What it is told may be spoilt: `meter` gets the true sample."""

    def __init__(
        self,
        config: SolarConfig | None = None,
        mode: Mode = "solar",
        outlet: Outlet | None = None,
        interval_s: float = 10,
        lag: int = 0,
        tells_car: bool = True,
    ) -> None:
        self.config = config or SolarConfig()
        self.mode = mode
        self.outlet = outlet or Outlet()
        self.interval_s = interval_s
        self.lag = lag
        self.tells_car = tells_car
        self.meter: Callable[[Sample], Sample | None] = lambda sample: sample
        self.battery: Callable[[float], float] | None = None  # what it takes of what the car leaves
        self.battery_soc: float | None = None
        self.state = State()
        self.steps: list[Step] = []
        self.now_s = 1000.0

    def live(self, surplus_w: Iterable[float]) -> list[Step]:
        """One step for each figure; returns these steps."""
        first = len(self.steps)
        for surplus in surplus_w:
            told = self._sample(surplus)
            self.state, decision = decide(
                self.state, self.config, self.mode, self.outlet, told and self.meter(told), self.now_s
            )
            power_w = self.outlet.power_w(decision.phases, decision.current_a)
            self.steps.append(Step(self.now_s, surplus, decision, power_w))
            self.now_s += self.interval_s
        return self.steps[first:]

    def last(self, surplus_w: float, seconds: float) -> Step:
        """After so long at this surplus."""
        return self.live([surplus_w] * max(1, round(seconds / self.interval_s)))[-1]

    def _sample(self, surplus_w: float) -> Sample | None:
        """Of the house as it was `lag` steps ago, before what is decided now."""
        if self.lag:
            if len(self.steps) < self.lag:
                return None
            then = self.steps[-self.lag]
            surplus_w, car_w = then.surplus_w, then.power_w
        else:
            car_w = self.steps[-1].power_w if self.steps else 0.0
        battery_w = self.battery(surplus_w - car_w) if self.battery else None
        return Sample(
            read_s=self.now_s,
            delay_s=self.lag * self.interval_s,
            grid_w=car_w - surplus_w + (battery_w or 0.0),
            car_w=car_w if self.tells_car else None,
            battery_w=battery_w,
            battery_soc=self.battery_soc,
        )
