"""Rule: the ways to charge, the prices by which solar.py weighs one against the other, and the bounds of sharing.py.

Apart from the laws because the configuration is read at every start of a backend, which has no sun and shares nothing.
Where a number comes from stands beside it; docs/configuration.md says it to the owner.
"""

from __future__ import annotations

from typing import Annotated, Literal, get_args

import msgspec

Mode = Literal["off", "fast", "solar", "min+solar"]
MODES: tuple[Mode, ...] = get_args(Mode)
FROM_THE_SUN: tuple[Mode, ...] = ("solar", "min+solar")
Seconds = Annotated[float, msgspec.Meta(ge=0, le=3600)]
Rotation = Literal["RST", "RTS", "SRT", "STR", "TRS", "TSR"]  # as ConnectorPhaseRotation spells it; R is L1
Amperes = Annotated[float, msgspec.Meta(ge=0, le=1000)]
WattHours = Annotated[float, msgspec.Meta(ge=0, le=1000)]


WRITE_EVERY_S = 5.0
FOLLOWS_S = 25.0  # within it a charger and its car do what they were told (CTEK: 20)
PAUSE_S = 60.0  # without current when phases are swapped: never under load
DWELL_S = 300.0  # between two swaps of phases: chargers and cars need it to settle


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """How hastily a charger is told limits, and looked at."""

    write_every_s: float = WRITE_EVERY_S
    settle_s: float = FOLLOWS_S
    pause_s: float = PAUSE_S
    dwell_s: float = DWELL_S
    steered: bool = False  # the configuration wants a control program


class ControlConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[control] How often, and how hastily."""

    interval_s: Annotated[float, msgspec.Meta(ge=0.1, le=3600)] = 10.0  # from one decision to the next
    write_every_s: Annotated[float, msgspec.Meta(ge=0, le=600)] = (
        WRITE_EVERY_S  # no charger is told a new limit more often
    )
    fallback_a: Annotated[float, msgspec.Meta(ge=0, le=1000)] = 6.0  # left with a charger for when we are lost; 0: off
    settle_s: Annotated[float, msgspec.Meta(ge=0, le=50)] = FOLLOWS_S


class SolarConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[solar] Charge from surplus."""

    mode: Mode = "fast"  # min+solar, solar: what `tinyocpp solar try` runs
    reserve_w: Annotated[float, msgspec.Meta(ge=0, le=10000)] = 0.0  # always left for the grid
    battery_first_soc: Annotated[float, msgspec.Meta(ge=0, le=100)] = 0.0  # below, the house battery comes first
    import_weight: Annotated[float, msgspec.Meta(ge=0, le=10)] = 1.5  # a Wh bought is as bad as so many Wh not used
    start_cost_wh: WattHours = 1.0  # a few seconds of the least a car takes: not for a blink of the sun
    stop_cost_wh: WattHours = 2.0  # twice that: it will have to start again
    swap_cost_wh: WattHours = 60.0  # the pause, at what one phase can give (3,680 W for 60 s)
    min_charging_s: Seconds = 120.0  # cars ramp for half a minute, and some give up after hasty stops
    min_off_s: Seconds = 60.0
    dwell_s: Seconds = DWELL_S
    pause_s: Seconds = PAUSE_S
    stale_after_s: Annotated[float, msgspec.Meta(ge=5, le=600)] = 45.0  # so that power is down within a minute


class SharingConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[sharing] One connection among all chargers and the house."""

    limit_a: Amperes = 0.0  # of each phase of the house connection; 0: nothing is shared
    reserve_a: Amperes = 0.0  # always left free
    safe_a: Amperes = 6.0  # all chargers together while nothing is known: one car on each phase still charges
    stale_after_s: Annotated[float, msgspec.Meta(ge=5, le=600)] = 30.0  # so that a fuse is safe within a minute
    lag_s: Seconds = FOLLOWS_S
    raise_after_s: Seconds = 60.0  # longer than the plate of a stove is off
    raise_a: Amperes = 6.0  # at most, in one such step
    min_off_s: Seconds = 120.0  # cars give up after hasty stops
    dwell_s: Seconds = DWELL_S  # on one phase before it is three again
    rotate_after_s: Seconds = 900.0  # whose turn it is, when there is not enough for all
