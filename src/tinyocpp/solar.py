"""Rule: surplus into a target current and a number of phases.

Every mode of charging (off, one phase, three) is worth something at a given surplus: the sun it takes, less the grid it
takes times a weight. What staying as we are has cost against another mode is added up, never below nothing, and when
it is more than the change costs, the change is made (who rents until he has paid the price, and then buys, never pays
more than twice what the wisest would). So strong sun starts at once and weak sun slowly, and a short cloud stops
nothing. Changes made lately make the next one dearer. Nothing here reads a clock or a meter; what is not known, or
not to be believed, never gives more power. docs/solar.md explains the law to the owner.
"""

from __future__ import annotations

from bisect import bisect_right
from math import exp, floor, inf, isfinite
from typing import Annotated, Literal

import msgspec
from msgspec.structs import replace

from tinyocpp.forecast import Forecast

Mode = Literal["off", "fast", "solar", "min+solar"]
Seconds = Annotated[float, msgspec.Meta(ge=0, le=3600)]
WattHours = Annotated[float, msgspec.Meta(ge=0, le=1000)]

BEYOND_ANY_HOUSE_W = 100_000.0
FROZEN_W = 100.0  # a car that changed by more shows at the grid, unless the meter hangs
STANDS_FOR_S = 60.0  # no sample tells of more than the minute before it
LOST_AFTER_S = 300.0  # a meter so long silent will not be back soon
WEAR_DOUBLES = 4.0  # recent changes that double the price of the next
WEAR_MEMORY_S = 12 * 3600.0
OFFERS_S = 180.0  # how long an offer is remembered, for meters that are slow
HOUR_S = 3600.0


class SolarConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[solar] Charge from surplus."""

    mode: Mode = "fast"  # until it is changed with `tinyocpp mode`
    reserve_w: Annotated[float, msgspec.Meta(ge=-10000, le=10000)] = 0.0  # always left for the grid
    battery_first_soc: Annotated[float, msgspec.Meta(ge=0, le=100)] = 0.0  # below, the house battery comes first
    import_weight: Annotated[float, msgspec.Meta(ge=0.1, le=10)] = 1.5  # a Wh bought is as bad as so many Wh not used
    start_cost_wh: WattHours = 4.0  # ten seconds of the least a car takes: it wakes up, a contactor closes
    stop_cost_wh: WattHours = 8.0  # twice that: it will have to start again
    swap_cost_wh: WattHours = 60.0  # the pause, at what one phase can give (3,680 W for 60 s)
    min_charging_s: Seconds = 120.0  # cars ramp for half a minute, and some give up after hasty stops
    min_off_s: Seconds = 60.0
    dwell_s: Seconds = 300.0  # between two swaps of phases: chargers and cars need it to settle
    pause_s: Seconds = 60.0  # without current when phases are swapped: never under load
    stale_after_s: Annotated[float, msgspec.Meta(ge=5, le=50)] = 45.0  # so that power is down within a minute


class Outlet(msgspec.Struct, frozen=True, kw_only=True):
    """What charger and car can take, and may take just now."""

    phases: tuple[int, ...] = (1, 3)  # numbers of phases that can be chosen
    min_current_a: float = 6.0  # IEC 61851: a car may not be offered less
    max_current_a: float = 16.0
    step_a: float = 0.1  # what the charger resolves; many take whole amperes only
    voltage_v: float = 230.0

    def lowest_a(self) -> float:
        return self.in_steps(-floor(-self.min_current_a / self.step_a + 1e-9))

    def highest_a(self) -> float:
        return self.in_steps(floor(self.max_current_a / self.step_a + 1e-9))

    def in_steps(self, steps: int) -> float:
        return round(steps * self.step_a, 3)

    def power_w(self, phases: int, current_a: float) -> float:
        return phases * current_a * self.voltage_v


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """What the house's meters said, all at one moment. Drawn is positive: from the grid, by the car, by the battery."""

    read_s: float  # when it came to us
    delay_s: float = 0.0  # how old it was then
    grid_w: float
    car_w: float | None = None  # None: what was offered to it is believed
    battery_w: float | None = None
    battery_soc: float | None = None  # percent

    @property
    def taken_s(self) -> float:
        return self.read_s - self.delay_s


class Decision(msgspec.Struct, frozen=True):
    """What to offer the car: 0 phases is off; phases without current, the pause before they are used."""

    phases: int
    current_a: float
    words: str


class State(msgspec.Struct, frozen=True):
    """All the law remembers; begin with State()."""

    phases: int = 0
    current_a: float = 0.0
    wired: int = 0  # how many phases were used last
    since_s: float = -inf  # charging, or off
    swapped_s: float = -inf
    ready_s: float = -inf  # no current before: the pause of a swap
    sample: Sample | None = None  # the last one that was believed
    seen_s: float = -inf  # until when was weighed
    forecast: Forecast = Forecast()
    regret_wh: dict[int, float] = {}  # what staying has cost, against each other number of phases
    starts: float = 0.0  # lately, fading
    swaps: float = 0.0
    offered: tuple[tuple[float, float], ...] = ()  # since when, W


def decide(
    state: State, config: SolarConfig, mode: Mode, outlet: Outlet, sample: Sample | None, now_s: float
) -> tuple[State, Decision]:
    """What to offer from now on. `sample` is the last there is, new or not; called as often as one likes, and at once
    when mode or outlet have changed."""
    news = sample is not None and believable(sample, state, now_s)
    if news and sample is not None:
        state = _noticed(state, config, outlet, sample, now_s)
    if mode == "fast":
        news, surplus_w = True, inf
    else:
        surplus_w = state.forecast.past[-1][1] - config.reserve_w if state.forecast.past else -inf
    if news:
        state = _weighed(state, config, outlet, surplus_w, now_s)
    silent_s = now_s - state.sample.read_s if state.sample else inf
    stale = mode != "fast" and silent_s > config.stale_after_s
    lost = mode == "solar" and silent_s > LOST_AFTER_S
    allowed = (0,) if lost else _allowed(mode, outlet)
    state = _changed(state, config, _wanted(state, config, outlet, allowed, surplus_w, news, now_s), now_s)
    current_a = _current_a(state, config, mode, outlet, news, stale, now_s)
    state = _offering(state, outlet, current_a, now_s)
    return state, Decision(state.phases, current_a, _words(state, config, outlet, mode, surplus_w, stale, now_s))


def believable(sample: Sample, state: State, now_s: float) -> bool:
    """Is it new, of this world, and not a meter that hangs?"""
    figures = [sample.grid_w, *(figure for figure in (sample.car_w, sample.battery_w) if figure is not None)]
    if not all(isfinite(figure) and abs(figure) <= BEYOND_ANY_HOUSE_W for figure in figures):
        return False
    last = state.sample
    if not sample.delay_s >= 0 or not -inf < sample.read_s <= now_s:
        return False
    if last is None:
        return True
    moved_w = abs(_drawn_w(state, sample) - _drawn_w(state, last))
    hangs = sample.grid_w == last.grid_w != 0 and moved_w > FROZEN_W
    return sample.read_s > last.read_s and not hangs


def gain_w(config: SolarConfig, outlet: Outlet, phases: int, surplus_w: float) -> float:
    """What a number of phases is worth at this surplus: the power, less what is bought, and that again by weight."""
    least_w, most_w = (outlet.power_w(phases, current) for current in (outlet.lowest_a(), outlet.highest_a()))
    power_w = min(max(surplus_w, least_w), most_w)
    return power_w - (1 + config.import_weight) * (power_w - min(power_w, max(surplus_w, 0.0)))


# ------------------------------------------------------------------------------------------------------------ noticing


def _noticed(state: State, config: SolarConfig, outlet: Outlet, sample: Sample, now_s: float) -> State:
    surplus_w = _drawn_w(state, sample) - sample.grid_w + _from_battery_w(config, sample)
    forecast = state.forecast.learnt(sample.taken_s, surplus_w, now_s - sample.taken_s)
    return replace(state, sample=sample, forecast=forecast)


def _drawn_w(state: State, sample: Sample) -> float:
    """By the car when the sample was taken."""
    if sample.car_w is not None:
        return sample.car_w
    index = bisect_right(state.offered, (sample.taken_s, inf)) - 1
    return state.offered[index][1] if index >= 0 else 0.0


def _from_battery_w(config: SolarConfig, sample: Sample) -> float:
    """Of what the battery takes, what the car may have instead; what it gives is no surplus of ours."""
    battery_w = sample.battery_w or 0.0
    full_enough = sample.battery_soc is not None and sample.battery_soc >= config.battery_first_soc
    return battery_w if full_enough or not config.battery_first_soc else min(battery_w, 0.0)


def _weighed(state: State, config: SolarConfig, outlet: Outlet, surplus_w: float, now_s: float) -> State:
    """Add up what staying costs since the sample before; after a silence, for the last of it only."""
    hours = min(now_s - state.seen_s, STANDS_FOR_S if state.seen_s > -inf else 0.0) / HOUR_S
    ours_w = gain_w(config, outlet, state.phases, surplus_w)
    regret_wh = {
        phases: max(
            0.0, state.regret_wh.get(phases, 0.0) + hours * (gain_w(config, outlet, phases, surplus_w) - ours_w)
        )
        for phases in (0, *outlet.phases)
    }
    fading = exp((state.seen_s - now_s) / WEAR_MEMORY_S)
    return replace(state, seen_s=now_s, regret_wh=regret_wh, starts=state.starts * fading, swaps=state.swaps * fading)


# ------------------------------------------------------------------------------------------------------------ choosing


def _allowed(mode: Mode, outlet: Outlet) -> tuple[int, ...]:
    usable = outlet.phases if outlet.lowest_a() <= outlet.highest_a() else ()
    choices: dict[Mode, tuple[int, ...]] = {"off": (0,), "solar": (0, *usable), "min+solar": usable, "fast": usable}
    return choices[mode] or (0,)


def _wanted(
    state: State,
    config: SolarConfig,
    outlet: Outlet,
    allowed: tuple[int, ...],
    surplus_w: float,
    news: bool,
    now_s: float,
) -> int:
    """How many phases from now on."""
    others = [phases for phases in allowed if phases != state.phases and _may_swap(state, config, phases, now_s)]
    if state.phases not in allowed:  # the owner's word or a limit: at once, whatever it costs
        return max(others, key=lambda phases: gain_w(config, outlet, phases, surplus_w), default=0)
    if not news or not _settled(state, config, now_s):
        return state.phases
    left_wh = {phases: state.regret_wh[phases] - price_wh(state, config, phases) for phases in others}
    best = max(left_wh, key=left_wh.__getitem__, default=state.phases)
    return best if left_wh.get(best, 0.0) > 0 else state.phases


def price_wh(state: State, config: SolarConfig, phases: int) -> float:
    """What it costs to change to them now. Swapped while off there is no pause to pay for, only wear."""
    if state.phases and phases:
        return config.swap_cost_wh * 2 ** (state.swaps / WEAR_DOUBLES)
    if phases and state.wired and phases != state.wired:
        return config.swap_cost_wh / 2 * 2 ** (state.swaps / WEAR_DOUBLES)
    return (config.start_cost_wh if phases else config.stop_cost_wh) * 2 ** (state.starts / WEAR_DOUBLES)


def _may_swap(state: State, config: SolarConfig, phases: int, now_s: float) -> bool:
    return phases in (0, state.wired) or not state.wired or now_s - state.swapped_s >= config.dwell_s


def _settled(state: State, config: SolarConfig, now_s: float) -> bool:
    return now_s - state.since_s >= (config.min_charging_s if state.phases else config.min_off_s)


def _changed(state: State, config: SolarConfig, phases: int, now_s: float) -> State:
    if phases == state.phases:
        return state
    switched = not (phases and state.phases)  # on or off
    swap = bool(phases and state.wired and phases != state.wired)
    without_current_s = now_s if state.phases else state.since_s
    return replace(
        state,
        phases=phases,
        wired=phases or state.wired,
        since_s=now_s if switched else state.since_s,
        swapped_s=now_s if swap else state.swapped_s,
        ready_s=without_current_s + config.pause_s if swap else state.ready_s,
        regret_wh={},
        starts=state.starts + (not state.phases),
        swaps=state.swaps + swap,
    )


def _current_a(
    state: State, config: SolarConfig, mode: Mode, outlet: Outlet, news: bool, stale: bool, now_s: float
) -> float:
    """Nothing, or what the charger can be told between the least and the most. Without news never more than before."""
    if not state.phases or now_s < state.ready_s:
        return 0.0
    lowest_a, highest_a = outlet.lowest_a(), outlet.highest_a()
    if mode == "fast":
        return highest_a
    if stale or not news:
        held_a = min(state.current_a, lowest_a if stale else highest_a)
        return max(held_a, lowest_a) if mode == "min+solar" else held_a
    surplus_w = state.forecast.surplus_w(now_s) - config.reserve_w
    steps = floor(surplus_w / outlet.power_w(state.phases, outlet.step_a) + 1 / (1 + config.import_weight))
    return min(max(outlet.in_steps(steps), lowest_a), highest_a)


def _offering(state: State, outlet: Outlet, current_a: float, now_s: float) -> State:
    power_w = outlet.power_w(state.phases, current_a)
    if state.offered and state.offered[-1][1] == power_w:
        return state if state.current_a == current_a else replace(state, current_a=current_a)
    recent = bisect_right(state.offered, (now_s - OFFERS_S, inf)) - 1
    return replace(state, current_a=current_a, offered=(*state.offered[max(recent, 0) :], (now_s, power_w)))


# -------------------------------------------------------------------------------------------------------------- saying

IN_WORDS = {1: "one phase", 2: "two phases", 3: "three phases"}


def _words(
    state: State, config: SolarConfig, outlet: Outlet, mode: Mode, surplus_w: float, stale: bool, now_s: float
) -> str:
    phases = IN_WORDS.get(state.phases, "")
    if mode == "off" or outlet.lowest_a() > outlet.highest_a():
        return "off" if mode == "off" else "off: the limit leaves less than a car can take"
    if state.phases and now_s < state.ready_s:
        return f"{phases} in {state.ready_s - now_s:.0f} s, without current until then"
    if stale:
        silent = (
            f"the meter has been silent for {now_s - state.sample.read_s:.0f} s" if state.sample else "no meter yet"
        )
        return f"{silent}: {f'{state.current_a:g} A' if state.current_a else 'off'} until it is back"
    if not state.phases:
        return _waiting(state, config, outlet, surplus_w, now_s)
    offer = f"charging {state.current_a:g} A on {phases}"
    if mode == "fast":
        return offer
    bought_w = outlet.power_w(state.phases, state.current_a) - max(surplus_w, 0.0)
    return offer + (f", {bought_w:,.0f} W of it from the grid" if bought_w >= 100 else f" of {surplus_w:,.0f} W sun")


def _waiting(state: State, config: SolarConfig, outlet: Outlet, surplus_w: float, now_s: float) -> str:
    """How long yet, if the sun stays as it is."""
    least_w = outlet.power_w(min(outlet.phases), outlet.lowest_a())
    waits_s = [
        max(
            (price_wh(state, config, phases) - state.regret_wh.get(phases, 0.0)) / worth_w * HOUR_S,
            state.since_s + config.min_off_s - now_s,
            0.0 if _may_swap(state, config, phases, now_s) else state.swapped_s + config.dwell_s - now_s,
        )
        for phases in outlet.phases
        if (worth_w := gain_w(config, outlet, phases, surplus_w)) > 0
    ]
    waiting = f"waiting {min(waits_s):.0f} s" if waits_s else "waiting"
    return f"{waiting} for enough sun: {max(surplus_w, 0.0):,.0f} of {least_w:,.0f} W"
