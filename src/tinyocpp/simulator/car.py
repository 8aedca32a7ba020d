"""What a car draws from a socket, and the meter that counts it. Pure arithmetic: no clock, no messages.

The curve is the usual one of an AC charge: a short ramp, a long plateau, a taper over the last part. What cars differ
in are numbers of a Car: its phases and its bounds, how long it takes to begin, whether it falls asleep in a pause.
Time here is charging time in seconds; whoever wants a charge to go faster hands in more of them (`speed`).
"""

from __future__ import annotations

import copy
import math

import msgspec

NOMINAL_V = 230.0
MINIMUM_A = 6.0  # IEC 61851: a car may not be offered less; below this it does not charge
HARDWARE_A = 32.0  # what the simulated station itself can pass
RAMP_S = 10.0
TAPER_SHARE = 0.2  # of the wanted energy: where the current begins to fall
TAPER_FLOOR = 0.25  # of full power: where the car stops rather than draw less
STEP_S = 1.0  # of the integration
USUAL_WISH = 0.6  # of the battery


class Offer(msgspec.Struct, frozen=True):
    """What the station offers the car now: amperes per phase, and on how many phases."""

    current_a: float = HARDWARE_A
    phases: int = 3


class Car(msgspec.Struct):
    """A car with a wish. `taken_wh` counts from the moment it was plugged in, `charging_s` from the last pause on."""

    wanted_wh: float
    power_w: float = 11_000.0
    phases: int = 3
    taken_wh: float = 0.0
    charging_s: float = 0.0
    capacity_wh: float = 0.0  # of the battery; 0: the wish is 60 % of it
    arrived_percent: float = 20.0
    minimum_a: float = MINIMUM_A  # offered less it takes nothing
    maximum_a: float = HARDWARE_A  # per phase, however much is offered
    rise_a_s: float = math.inf  # how fast it follows an offer that grows; one that shrinks it follows at once
    delay_s: float = 0.0  # from an offer to the first ampere
    sleeps_after_s: float = math.inf  # of a pause
    wakes_at_offer: int = 1  # out of sleep: the how manieth offer, each after none
    offered: bool = False
    asleep: bool = False
    paused_s: float = 0.0
    wait_s: float = 0.0  # that is left of the delay
    offers_slept: int = 0  # through
    risen_a: float = 0.0

    @property
    def full(self) -> bool:
        return self.taken_wh >= self.wanted_wh

    @property
    def soc_percent(self) -> int:
        """State of charge."""
        capacity_wh = self.capacity_wh or self.wanted_wh / USUAL_WISH
        share = min(self.taken_wh, self.wanted_wh) / capacity_wh if capacity_wh else USUAL_WISH
        return round(min(100.0, self.arrived_percent + 100 * share))

    @property
    def waiting(self) -> bool:
        """Does it draw nothing yet, whatever is offered?"""
        return self.asleep or (self.wait_s if self.offered else self.delay_s) > 0

    def power_on(self, offer: Offer) -> float:
        """W drawn from this offer now."""
        if self.full or self.waiting or offer.current_a < self.minimum_a:
            return 0.0
        wish_w = self.power_w * min(self._ramp(), self._taper())
        current_a = min(offer.current_a, self.maximum_a, self._reach_a())
        return min(wish_w, current_a * NOMINAL_V * self.phases_on(offer))

    def phases_on(self, offer: Offer) -> int:
        return min(self.phases, offer.phases)

    def current_on(self, offer: Offer) -> float:
        """A drawn from each of the phases in use."""
        return self.power_on(offer) / (NOMINAL_V * self.phases_on(offer))

    def charge(self, offer: Offer, elapsed_s: float) -> float:
        """Draw for this long; returns the Wh taken. Stops by itself when full."""
        before_wh = self.taken_wh
        if offer.current_a < self.minimum_a:
            self._pause(elapsed_s)
            return 0.0
        elapsed_s -= self._wait(elapsed_s)
        while elapsed_s > 0 and (power_w := self.power_on(offer)) > 0:
            step_s = min(STEP_S, elapsed_s)
            self.taken_wh = min(self.wanted_wh, self.taken_wh + power_w * step_s / 3600)
            self.charging_s += step_s
            self.risen_a = min(offer.current_a, self._reach_a() + self.rise_a_s * step_s)
            elapsed_s -= step_s
        return self.taken_wh - before_wh

    def _pause(self, elapsed_s: float) -> None:
        self.paused_s += elapsed_s
        self.offered, self.charging_s, self.risen_a = False, 0.0, 0.0
        self.asleep = self.asleep or self.paused_s >= self.sleeps_after_s

    def _wait(self, elapsed_s: float) -> float:
        """An offer after none may wake it; then there is the delay. Returns how much of the time went by so."""
        if not self.offered:
            self.offered, self.wait_s = True, self.delay_s
            self.offers_slept += self.asleep
            self.asleep = self.asleep and self.offers_slept < self.wakes_at_offer
        if self.asleep:
            return elapsed_s
        self.offers_slept, self.paused_s = 0, 0.0
        waited_s = min(self.wait_s, elapsed_s)
        self.wait_s -= waited_s
        return waited_s

    def _ramp(self) -> float:
        return min(1.0, 0.1 + 0.9 * self.charging_s / RAMP_S)

    def _taper(self) -> float:
        remaining = 1.0 - self.taken_wh / self.wanted_wh
        return max(TAPER_FLOOR, min(1.0, remaining / TAPER_SHARE))

    def _reach_a(self) -> float:
        return math.inf if self.rise_a_s == math.inf else max(self.minimum_a, self.risen_a)


class Meter(msgspec.Struct):
    """The energy register of one connector. It only ever counts up."""

    register: float = 0.0  # Wh, with the fraction that is not shown yet

    @property
    def register_wh(self) -> int:
        return int(self.register + 1e-6)  # many small steps end a hair below the whole


class Reading(msgspec.Struct, frozen=True):
    """What a meter shows at one instant."""

    register_wh: int
    power_w: float
    current_a: float  # on each of the phases in use
    voltage_v: float
    phases: int
    offered_a: float
    soc_percent: int | None = None
    wired: int = 3  # phases of the socket; the meter shows 0 A on those that are not in use

    @property
    def currents_a(self) -> tuple[float, float, float]:
        """On L1, L2 and L3 of the charge point."""
        return self._on_each(self.current_a)

    @property
    def powers_w(self) -> tuple[float, float, float]:
        return self._on_each(self.power_w / self.phases)

    def _on_each(self, figure: float) -> tuple[float, float, float]:
        first, second, third = (figure if number < self.phases else 0.0 for number in range(3))
        return first, second, third


def read_meter(meter: Meter, car: Car | None, offer: Offer, *, flowing: bool, wired: int = 3) -> Reading:
    """The voltage sags a little under load, as it does in a real house."""
    power_w = car.power_on(offer) if car and flowing else 0.0
    phases = car.phases_on(offer) if car else offer.phases
    voltage_v = 231.5 - 0.15 * power_w / (NOMINAL_V * phases)
    return Reading(
        register_wh=meter.register_wh,
        power_w=power_w,
        current_a=power_w / (voltage_v * phases),
        voltage_v=voltage_v,
        phases=phases,
        offered_a=offer.current_a,
        soc_percent=car.soc_percent if car else None,
        wired=wired,
    )


def charging_time_s(car: Car) -> float:
    """How long this car takes from here on what the station can give."""
    twin, seconds = copy.copy(car), 0.0
    while not twin.full and (twin.waiting or twin.power_on(Offer()) > 0):
        twin.charge(Offer(), STEP_S)
        seconds += STEP_S
    return seconds
