"""Rule: surplus into a target current and a number of phases.

Off and each number of phases are worth something at a given surplus: the power, less what of it is bought times a
weight. What staying as we are has cost against another is added up, never below nothing; when it is more than the
change costs, the change is made. So a wrong guess costs about what a change costs, whatever the sky does: strong sun
starts at once and weak sun slowly, and a short cloud stops nothing. Changes made lately make the next one dearer.
Nothing here reads a clock or a meter; what is not known, or not to be believed, never gives more power. docs/solar.md
explains the law to the owner.
"""

from __future__ import annotations

from bisect import bisect_right
from math import exp, floor, inf

import msgspec
from msgspec.structs import replace

from tinyocpp.mains import LEAST_A, NOMINAL_V, PHASES
from tinyocpp.modes import Mode, SolarConfig
from tinyocpp.surplus import Sample as Sample
from tinyocpp.surplus import Seen, noticed

STANDS_FOR_S = 60.0  # no sample tells of more than the minute before it
LOST_AFTER_S = 300.0  # a meter so long silent will not be back soon
STARTS_DOUBLE = 8.0  # the price of the next one, when there were so many lately
SWAPS_DOUBLE = 4.0
WEAR_MEMORY_S = 12 * 3600.0
OFFERS_S = 180.0  # how long an offer is remembered, for meters that are slow
HOUR_S = 3600.0


class Outlet(msgspec.Struct, frozen=True, kw_only=True):
    """What charger and car can take, and may take just now."""

    phases: tuple[int, ...] = (1, 3)  # numbers of phases that can be chosen
    min_current_a: float = LEAST_A
    max_current_a: float = 16.0
    max_power_w: float = inf  # in all
    step_a: float = 0.1  # what the charger resolves; many take whole amperes only
    voltage_v: float = NOMINAL_V

    def lowest_a(self) -> float:
        return self.in_steps(-self.whole_steps(-self.min_current_a))

    def highest_a(self, phases: int) -> float:
        most_a = min(self.max_current_a, self.max_power_w / (self.voltage_v * max(phases, 1)))
        return self.in_steps(self.whole_steps(most_a))

    def usable(self) -> tuple[int, ...]:
        """The numbers of phases on which the limit leaves what a car can take."""
        return tuple(phases for phases in self.phases if self.lowest_a() <= self.highest_a(phases))

    def whole_steps(self, current_a: float) -> int:
        return floor(current_a / self.step_a + 1e-9)

    def in_steps(self, steps: int) -> float:
        return round(steps * self.step_a, 3)

    def power_w(self, phases: int, current_a: float) -> float:
        return phases * current_a * self.voltage_v


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
    swapped_s: float = -inf  # when the phases there are were first used, after their pause
    ready_s: float = -inf  # no current before: the pause of a swap
    seen: Seen = Seen()
    weighed_s: float = -inf
    regret_wh: dict[int, float] = {}  # what staying has cost, against each other number of phases
    starts: float = 0.0  # lately, fading
    swaps: float = 0.0
    offered: tuple[tuple[float, float], ...] = ()  # since when, W
    resumed_s: float = -inf  # with what it had before; see `resumed`


class Moment(msgspec.Struct, frozen=True):
    """What holds while one decision is made."""

    config: SolarConfig
    mode: Mode
    outlet: Outlet
    now_s: float
    surplus_w: float
    news: bool  # a new sample has come
    silent_s: float  # since the last
    lowest_a: float

    @property
    def stale(self) -> bool:
        return self.mode != "fast" and self.silent_s > self.config.stale_after_s

    def gain_w(self, phases: int) -> float:
        """What they are worth: the power, less what of it is bought, and that again times its weight."""
        outlet = self.outlet
        least_w, most_w = (outlet.power_w(phases, end_a) for end_a in (self.lowest_a, outlet.highest_a(phases)))
        power_w = min(max(self.surplus_w, least_w), most_w)
        bought_w = power_w - min(power_w, max(self.surplus_w, 0.0))
        return power_w - (1 + self.config.import_weight) * bought_w


def resumed(phases: int, current_a: float, now_s: float) -> State:
    """Of a charge that runs already when somebody begins to decide anew: it keeps what it has until there are figures,
    and its phases for as long as between two swaps."""
    return State(phases=phases, current_a=current_a, wired=phases, swapped_s=now_s, resumed_s=now_s)


def decide(
    state: State, config: SolarConfig, mode: Mode, outlet: Outlet, sample: Sample | None, now_s: float
) -> tuple[State, Decision]:
    """What to offer from now on. `sample` is the last there is, new or not; called as often as one likes, and at once
    when mode or outlet have changed."""
    seen = state.seen
    if sample is not None:
        seen = noticed(seen, config, sample, _drawn_w(state, sample), now_s)
    moment = Moment(
        config,
        mode,
        outlet,
        now_s,
        surplus_w=inf if mode == "fast" else seen.surplus_w - config.reserve_w,
        news=mode == "fast" or seen.sample is not state.seen.sample,
        silent_s=now_s - (seen.sample.read_s if seen.sample else state.resumed_s),
        lowest_a=outlet.lowest_a(),
    )
    state = replace(state, seen=seen)
    if moment.news:
        state = _weighed(state, moment)
    state = _changed(state, config, _wanted(state, moment), now_s)
    current_a = _current_a(state, moment)
    return _offering(state, moment, current_a), Decision(state.phases, current_a, _words(state, current_a, moment))


# ------------------------------------------------------------------------------------------------------------ weighing


def _drawn_w(state: State, sample: Sample) -> float:
    """By the car when the sample was taken."""
    if sample.car_w is not None:
        return sample.car_w
    index = bisect_right(state.offered, (sample.taken_s, inf)) - 1
    return state.offered[index][1] if index >= 0 else 0.0


def _weighed(state: State, moment: Moment) -> State:
    """Add up what staying has cost since it was last weighed."""
    passed_s = max(moment.now_s - state.weighed_s, 0.0)
    hours = min(passed_s, STANDS_FOR_S) / HOUR_S
    ours_w = moment.gain_w(state.phases)
    regret_wh = {
        phases: max(0.0, state.regret_wh.get(phases, 0.0) + hours * (moment.gain_w(phases) - ours_w))
        for phases in (0, *moment.outlet.phases)
    }
    fading = exp(-passed_s / WEAR_MEMORY_S)
    return replace(
        state,
        weighed_s=moment.now_s,
        regret_wh=regret_wh,
        starts=state.starts * fading,
        swaps=state.swaps * fading,
    )


# ------------------------------------------------------------------------------------------------------------ choosing


def _allowed(moment: Moment) -> tuple[int, ...]:
    usable = moment.outlet.usable()
    lost = moment.stale and moment.silent_s > LOST_AFTER_S
    if moment.mode == "off" or (moment.mode == "solar" and lost):
        usable = ()
    return (0, *usable) if moment.mode == "solar" else usable or (0,)


def _wanted(state: State, moment: Moment) -> int:
    """How many phases from now on."""
    allowed, config, now_s = _allowed(moment), moment.config, moment.now_s
    others = [phases for phases in allowed if phases != state.phases and _may_swap(state, config, phases, now_s)]
    if state.phases not in allowed:  # the owner's word or a limit: at once, whatever it costs
        return max(others, key=moment.gain_w, default=0)
    if not moment.news or not _settled(state, config, now_s):
        return state.phases
    left_wh = {phases: state.regret_wh[phases] - price_wh(state, config, phases) for phases in others}
    best = max(left_wh, key=left_wh.__getitem__, default=state.phases)
    return best if left_wh.get(best, 0.0) > 0 else state.phases


def price_wh(state: State, config: SolarConfig, phases: int) -> float:
    """What it costs to change to them now. Swapped while off there is no pause to pay for, only wear."""
    if state.phases and phases:
        return config.swap_cost_wh * 2 ** (state.swaps / SWAPS_DOUBLE)
    if phases and state.wired and phases != state.wired:
        return config.swap_cost_wh / 2 * 2 ** (state.swaps / SWAPS_DOUBLE)
    return (config.start_cost_wh if phases else config.stop_cost_wh) * 2 ** (state.starts / STARTS_DOUBLE)


def _may_swap(state: State, config: SolarConfig, phases: int, now_s: float) -> bool:
    """So long after the last swap, as charger and car see it, is the next one."""
    unwired = phases in (0, state.wired) or not state.wired
    return unwired or _ready_s(state, config, now_s) - state.swapped_s >= config.dwell_s


def _ready_s(state: State, config: SolarConfig, now_s: float) -> float:
    """When other phases could first be used, were they decided on now."""
    without_current_s = now_s if state.phases else state.since_s
    return max(without_current_s + config.pause_s, now_s)


def _settled(state: State, config: SolarConfig, now_s: float) -> bool:
    return now_s - state.since_s >= (config.min_charging_s if state.phases else config.min_off_s)


def _changed(state: State, config: SolarConfig, phases: int, now_s: float) -> State:
    if phases == state.phases:
        return state
    switched = not (phases and state.phases)  # on or off
    swap = bool(phases and state.wired and phases != state.wired)
    ready_s = _ready_s(state, config, now_s)
    return replace(
        state,
        phases=phases,
        wired=phases or state.wired,
        since_s=now_s if switched else state.since_s,
        swapped_s=ready_s if swap else state.swapped_s,
        ready_s=ready_s if swap else state.ready_s,
        regret_wh={},
        starts=state.starts + (not state.phases),
        swaps=state.swaps + swap,
    )


def _current_a(state: State, moment: Moment) -> float:
    """Nothing, or what the charger can be told between the least and the most. Without news never more than before."""
    outlet, config = moment.outlet, moment.config
    lowest_a, highest_a = moment.lowest_a, outlet.highest_a(state.phases)
    if not state.phases or moment.now_s < state.ready_s:
        return 0.0
    if moment.mode == "fast":
        return highest_a
    if moment.stale or not moment.news:
        held_a = min(state.current_a, lowest_a if moment.stale else highest_a)
        held_a = outlet.in_steps(outlet.whole_steps(held_a))
        return held_a if held_a >= lowest_a else lowest_a if moment.mode == "min+solar" else 0.0
    surplus_w = state.seen.forecast.surplus_w(moment.now_s) - config.reserve_w
    steps = floor(surplus_w / outlet.power_w(state.phases, outlet.step_a) + 1 / (1 + config.import_weight))
    return min(max(outlet.in_steps(steps), lowest_a), highest_a)


def _offering(state: State, moment: Moment, current_a: float) -> State:
    """With what is offered from now on, for meters that do not tell what the car draws."""
    power_w = moment.outlet.power_w(state.phases, current_a)
    if state.offered and state.offered[-1][1] == power_w:
        return state if state.current_a == current_a else replace(state, current_a=current_a)
    recent = bisect_right(state.offered, (moment.now_s - OFFERS_S, inf)) - 1
    return replace(state, current_a=current_a, offered=(*state.offered[max(recent, 0) :], (moment.now_s, power_w)))


# -------------------------------------------------------------------------------------------------------------- saying


def _words(state: State, current_a: float, moment: Moment) -> str:
    outlet, phases = moment.outlet, PHASES.get(state.phases, "off")
    if moment.mode == "off":
        return "off"
    if not outlet.usable():
        return "off: the limit leaves less than a car can take"
    if state.phases and moment.now_s < state.ready_s:
        return f"{phases} in {state.ready_s - moment.now_s:.0f} s, without current until then"
    offer = f"{current_a:g} A on {phases}" if current_a else "off"
    if moment.stale:
        silence = f"no figure to believe for {moment.silent_s:.0f} s" if state.seen.sample else "no figure yet"
        if state.seen.turned(moment.now_s):
            silence = "it shows less when the car draws more: is its sign turned?"
        return f"{offer} until the meter is back: {silence}"
    if not state.phases:
        return _waiting(state, moment) if moment.mode == "solar" else "off: phases were changed a moment ago"
    bought_w = outlet.power_w(state.phases, current_a) - max(moment.surplus_w, 0.0)
    if moment.mode == "fast" or not current_a:
        return offer
    if state.seen.sample is None:
        return f"{offer} as before: no figure yet"
    return (
        f"{offer}: {bought_w:,.0f} W from the grid" if bought_w >= 100 else f"{offer}: {moment.surplus_w:,.0f} W of sun"
    )


def _waiting(state: State, moment: Moment) -> str:
    """How long yet, if the sun stays as it is."""
    config, outlet, now_s = moment.config, moment.outlet, moment.now_s
    waits_s = [
        max(
            (price_wh(state, config, phases) - state.regret_wh.get(phases, 0.0)) / worth_w * HOUR_S,
            state.since_s + config.min_off_s - now_s,
            0.0 if _may_swap(state, config, phases, now_s) else state.swapped_s + config.dwell_s - now_s,
        )
        for phases in outlet.usable()
        if (worth_w := moment.gain_w(phases)) > 0
    ]
    waiting = f"waiting {min(waits_s):.0f} s" if waits_s else "waiting"
    least_w = outlet.power_w(min(outlet.usable()), moment.lowest_a)
    if moment.surplus_w >= least_w:
        return f"{waiting} to charge again: {moment.surplus_w:,.0f} W of sun"
    return f"{waiting} for enough sun: {max(moment.surplus_w, 0.0):,.0f} of {least_w:,.0f} W"
