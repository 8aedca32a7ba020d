"""What a real charge point and its car would have suffered: written flash, limits no car knows, swaps under load.

Whoever tries a central system looks here afterwards. Nothing in the simulator acts on it.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from math import inf
from typing import TYPE_CHECKING

import msgspec

from tinyocpp.simulator.car import MINIMUM_A
from tinyocpp.simulator.profiles import as_offer

if TYPE_CHECKING:
    from tinyocpp.messages.smart_charging import ChargingProfile
    from tinyocpp.simulator.connector import Connector


class Swap(msgspec.Struct, frozen=True):
    """The contactors went to another number of phases."""

    at: datetime
    phases_before: int
    phases: int
    load_a: float  # that flowed at that moment: damage
    gap_s: float  # true seconds since current had flowed; infinite when it never had


class Tally(msgspec.Struct):
    """`written`: the profiles that were accepted, by purpose; some charge points keep each kind in flash (C20)."""

    written: Counter[str] = msgspec.field(default_factory=Counter)
    too_small_a: list[float] = []  # limits above 0 that no car may be offered (C12)
    excess_a: float = 0.0  # the most that was drawn beyond a limit that had been accepted
    swaps: list[Swap] = []

    @property
    def damage(self) -> list[Swap]:
        return [swap for swap in self.swaps if swap.load_a]

    def count(self, profile: ChargingProfile) -> None:
        self.written[profile.charging_profile_purpose.value] += 1
        schedule = profile.charging_schedule
        limits_a = [as_offer(schedule.charging_rate_unit, one).current_a for one in schedule.charging_schedule_period]
        self.too_small_a += [limit_a for limit_a in limits_a if 0 < round(limit_a, 3) < MINIMUM_A]

    def swapped(self, at: datetime, connector: Connector, phases: int) -> None:
        gap_s = (at - connector.flowed_at).total_seconds() if connector.flowed_at else inf
        self.swaps.append(Swap(at, connector.contactor, phases, connector.load_a, gap_s))
