"""What a car draws from a socket, and the meter that counts it. Pure arithmetic: no clock, no messages.

The curve is the usual one of an AC charge: a short ramp, a long plateau, a taper over the last part. Time here is
charging time in seconds; whoever wants a charge to go faster hands in more of them (`speed`).
"""

from __future__ import annotations

import msgspec

NOMINAL_V = 230.0
MINIMUM_A = 6.0  # IEC 61851: a car may not be offered less; below this it does not charge
HARDWARE_A = 32.0  # what the simulated station itself can pass
RAMP_S = 10.0
TAPER_SHARE = 0.2  # of the wanted energy: where the current begins to fall
TAPER_FLOOR = 0.25  # of full power: where the car stops rather than draw less
STEP_S = 1.0  # of the integration


class Offer(msgspec.Struct, frozen=True):
    """What the station offers the car now: amperes per phase, and on how many phases."""

    current_a: float = HARDWARE_A
    phases: int = 3


class Car(msgspec.Struct):
    """A car with a wish. `taken_wh` and `charging_s` count from the moment it was plugged in."""

    wanted_wh: float
    power_w: float = 11_000.0
    phases: int = 3
    taken_wh: float = 0.0
    charging_s: float = 0.0

    @property
    def full(self) -> bool:
        return self.taken_wh >= self.wanted_wh

    @property
    def soc_percent(self) -> int:
        """State of charge, for a car that came with 20 % and leaves with 80."""
        return round(20 + 60 * min(1.0, self.taken_wh / self.wanted_wh)) if self.wanted_wh else 80

    def power_on(self, offer: Offer) -> float:
        """W drawn from this offer now."""
        if self.full or offer.current_a < MINIMUM_A:
            return 0.0
        wish_w = self.power_w * min(self._ramp(), self._taper())
        return min(wish_w, offer.current_a * NOMINAL_V * min(self.phases, offer.phases))

    def charge(self, offer: Offer, elapsed_s: float) -> float:
        """Draw for this long; returns the Wh taken. Stops by itself when full."""
        before_wh = self.taken_wh
        while elapsed_s > 0 and (power_w := self.power_on(offer)) > 0:
            step_s = min(STEP_S, elapsed_s)
            self.taken_wh = min(self.wanted_wh, self.taken_wh + power_w * step_s / 3600)
            self.charging_s += step_s
            elapsed_s -= step_s
        return self.taken_wh - before_wh

    def _ramp(self) -> float:
        return min(1.0, 0.1 + 0.9 * self.charging_s / RAMP_S)

    def _taper(self) -> float:
        remaining = 1.0 - self.taken_wh / self.wanted_wh
        return max(TAPER_FLOOR, min(1.0, remaining / TAPER_SHARE))


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


def read_meter(meter: Meter, car: Car | None, offer: Offer, *, flowing: bool) -> Reading:
    """The voltage sags a little under load, as it does in a real house."""
    power_w = car.power_on(offer) if car and flowing else 0.0
    phases = min(car.phases, offer.phases) if car else offer.phases
    voltage_v = 231.5 - 0.15 * power_w / (NOMINAL_V * phases)
    return Reading(
        register_wh=meter.register_wh,
        power_w=power_w,
        current_a=power_w / (voltage_v * phases),
        voltage_v=voltage_v,
        phases=phases,
        offered_a=offer.current_a,
        soc_percent=car.soc_percent if car else None,
    )


def charging_time_s(car: Car) -> float:
    """How long this car takes from here on what the station can give."""
    copy = Car(car.wanted_wh, car.power_w, car.phases, car.taken_wh, car.charging_s)
    while not copy.full and copy.charge(Offer(), STEP_S) > 0:
        pass
    return copy.charging_s - car.charging_s
