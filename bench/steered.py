"""The sun followed as it really is followed: `.venv-test/bin/python bench/steered.py TRACE.csv [--days N]`.

`tinyocpp solar try` asks what the law is worth. Here the control program's steering decides, with a charger and a car
that follow late, samples that come now and then, and a meter that is a few seconds old; and the score is again that
against perfect foresight.
"""

from __future__ import annotations

import argparse
import sys
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

from measure import SOURCE

sys.path.insert(0, str(SOURCE))

from tinyocpp.companions.steering import Drawn, Given, Live, Steering
from tinyocpp.config import Config
from tinyocpp.foresight import foreseen
from tinyocpp.measuring import Measured
from tinyocpp.solar import Outlet
from tinyocpp.trials import Run, Trace, read_trace, totals

NOMINAL_V = 230.0
RAMP_W = 230.0  # more in each second, on each phase
ROUND_S = 5
RECORDED_S = 10
DAY_S = 86_400


class Late(NamedTuple):
    """How late things are, in seconds."""

    car_s: int
    sample_s: int
    meter_s: int


WAYS = (Late(0, 10, 0), Late(10, 10, 5), Late(20, 10, 10), Late(10, 30, 5))


class Car:
    """Hungry, on three phases; it does what its charger was told some seconds ago."""

    def __init__(self, late_s: int) -> None:
        self._late_s = late_s
        self._told: deque[tuple[int, Given | None]] = deque(maxlen=100)
        self.power_w = 0.0
        self.phases = 0  # as in tinyocpp.trials.Run

    def tell(self, at_s: int, given: Given | None) -> None:
        if not self._told or self._told[-1][1] != given:
            self._told.append((at_s, given))

    def live(self, now_s: int) -> None:
        given = next((given for at_s, given in reversed(self._told) if at_s <= now_s - self._late_s), None)
        self.phases = 0 if given is None else given.phases
        wanted_w = 0.0 if given is None else given.current_a * given.phases * NOMINAL_V
        self.power_w = min(wanted_w, self.power_w + RAMP_W * max(self.phases, 1))


class Record:
    """What a run came to, every ten seconds."""

    def __init__(self) -> None:
        self.rows: list[tuple[float, float, float, int]] = []

    def run(self) -> Run:
        time_s, surplus_w, power_w, phases = zip(*self.rows, strict=True)
        return Run(RECORDED_S, time_s, surplus_w, power_w, phases)


def charge(trace: Trace, days: float, late: Late) -> Run:
    """So many days of the trace, a second at a time."""
    steering, car, record = Steering(Config()), Car(late.car_s), Record()
    samples: deque[Drawn] = deque(maxlen=10)
    meter: deque[tuple[int, float]] = deque(maxlen=60)
    first_s = trace.time_s[0]
    for now_s in range(int(min(days * DAY_S, trace.time_s[-1] - first_s))):
        surplus_w = trace.at(first_s + now_s)
        car.live(now_s)
        meter.append((now_s, car.power_w - surplus_w))
        if now_s % late.sample_s == 0:
            samples.append(Drawn(float(now_s), car.power_w))
        if now_s % ROUND_S == 0:
            live = Live(
                charger_id="garage",
                connector_id=1,
                transaction_id=1,
                mode="solar",
                can_swap=True,
                drawn=tuple(samples),
            )
            given = steering.decide([live], _measured(meter, now_s, late.meter_s), float(now_s))
            car.tell(now_s, given.get(live.key))
        if now_s % RECORDED_S == 0:
            record.rows.append((first_s + now_s, surplus_w, car.power_w, car.phases))
    return record.run()


def _measured(meter: deque[tuple[int, float]], now_s: int, late_s: int) -> Measured | None:
    taken = [grid_w for at_s, grid_w in meter if at_s == now_s - late_s]
    if not taken:
        return None
    jitter_w = now_s % 7 / 100  # no two readings of a house are the same
    return Measured(read_s=float(now_s), delay_s=float(late_s), grid_w=taken[0] + jitter_w)


def table(trace: Trace, days: float) -> Iterator[str]:
    """In Markdown, each row as soon as it is known."""
    yield "| car late | sampled every | meter late | score | phase swaps a day | starts a day | grid share |"
    yield "|---|---|---|---:|---:|---:|---:|"
    for late in WAYS:
        run = charge(trace, days, late)
        ours, best = totals(run), totals(foreseen(run, Outlet()))
        score = f"{ours.net_wh / best.net_wh:.1%}" if best.net_wh > 0 else "none"
        rates = f"{ours.swaps / ours.days:.1f} | {ours.starts / ours.days:.1f} | {ours.grid_share:.1%}"
        yield f"| {late.car_s} s | {late.sample_s} s | {late.meter_s} s | {score} | {rates} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("trace", metavar="TRACE.csv")
    parser.add_argument("--days", type=float, default=5.0)
    args = parser.parse_args()
    with open(args.trace, newline="") as file:
        trace = read_trace(file, args.trace)
    for row in table(trace, args.days):
        print(row, flush=True)


if __name__ == "__main__":
    main()
