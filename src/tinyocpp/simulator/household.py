"""A house and the chargers in it: what all their cars draw, phase by phase, and so what the grid meter shows.

The wires are as each charger's ConnectorPhaseRotation says (section 3.5 of OCPP 1.6): its L1 need not be the house's.
Sans-I/O; gridmeter.py has the clock and writes the figures down.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from tinyocpp.simulator.charging import reading

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tinyocpp.simulator.charge_point import ChargePoint
    from tinyocpp.simulator.connector import Connector
    from tinyocpp.simulator.house import Figures, House, PerPhase

HOUSE_PHASES = "RST"


class Household:
    """The house lives `speed` times as fast as the clock, as its chargers should."""

    def __init__(self, house: House, stations: Sequence[ChargePoint], now: datetime, speed: float) -> None:
        self.house = house
        self._stations = stations
        self._now = now
        self._speed = speed

    def advance(self, now: datetime) -> Figures:
        """Let the time until now go by; what the grid meter shows."""
        for station in self._stations:
            station.advance(now)
        elapsed_s = max(0.0, (now - self._now).total_seconds()) * self._speed
        self._now = max(now, self._now)
        return self.house.live(elapsed_s, total(map(draw_w, self._stations)))


def draw_w(station: ChargePoint) -> PerPhase:
    """What it draws from each phase of the house."""
    return total(_wired(station, connector) for connector in station.connectors[1:])


def total(draws: Iterable[PerPhase]) -> PerPhase:
    first, second, third = map(sum, zip((0.0, 0.0, 0.0), *draws, strict=True))
    return first, second, third


def _wired(station: ChargePoint, connector: Connector) -> PerPhase:
    rotation = _rotations(station).get(str(connector.connector_id), HOUSE_PHASES)
    order = rotation if set(rotation) == set(HOUSE_PHASES) else HOUSE_PHASES  # Unknown, NotApplicable
    on = dict(zip(order, reading(station, connector).powers_w, strict=True))
    return on["R"], on["S"], on["T"]


def _rotations(station: ChargePoint) -> dict[str, str]:
    """By connector number."""
    items = station.configuration.items("ConnectorPhaseRotation")
    return {number: rotation for number, _, rotation in (item.partition(".") for item in items)}
