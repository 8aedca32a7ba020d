"""Rule: the best that could have been made of a trace by one who knew it all beforehand.

A dynamic programme over off and each number of phases. A mode is kept for the dwell at least; from one number of
phases to another there is the pause, without power. Within a mode the power follows the surplus as far as the mode's
range goes, at any fineness. What is best is what trials.Totals.net_wh counts.
"""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING

from tinyocpp.trials import HOUR_S, Run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tinyocpp.solar import Outlet

DWELL_S, PAUSE_S = 300.0, 60.0


def foreseen(run: Run, outlet: Outlet) -> Run:
    """The best run over the same moments, from off on."""
    count = len(run.time_s)
    dwell, pause = max(1, round(DWELL_S / run.interval_s)), round(PAUSE_S / run.interval_s)
    modes = (0, *outlet.phases)
    power_w = {phases: _followed(run.surplus_w, outlet, phases) for phases in modes}
    choices = _choices({phases: _sums(run, power_w[phases]) for phases in modes}, count, dwell, pause)
    chosen, phases, step = list[int](), 0, 0
    best_w = list[float]()
    while step < count:
        after = choices[phases][step]
        stay = 1 if after == phases else min(dwell, count - step)
        without = min(pause, stay) if phases and after and after != phases else 0
        chosen += [after] * stay
        best_w += [0.0] * without + power_w[after][step + without : step + stay]
        phases, step = after, step + stay
    return Run(run.interval_s, run.time_s, run.surplus_w, best_w, chosen)


def _followed(surplus_w: Sequence[float], outlet: Outlet, phases: int) -> list[float]:
    """As much of the surplus as the number of phases can take, and the least where there is less."""
    least_w, most_w = (outlet.power_w(phases, current_a) for current_a in (outlet.min_current_a, outlet.max_current_a))
    return [min(max(surplus, least_w), most_w) for surplus in surplus_w]


def _sums(run: Run, power_w: list[float]) -> list[float]:
    """What a mode nets from the first step up to each: solar less grid, in Wh."""
    hours = run.interval_s / HOUR_S
    net_wh = (hours * (2 * min(p, max(s, 0.0)) - p) for p, s in zip(power_w, run.surplus_w, strict=True))
    return list(accumulate(net_wh, initial=0.0))


def _choices(sums_wh: dict[int, list[float]], count: int, dwell: int, pause: int) -> dict[int, bytearray]:
    """For each mode that has been kept long enough, at each step: the mode to be in from there on.

    Worked out from the end. `value[mode][step]` is the best to come from that step on; who changes has it only after
    the dwell, and until then what the new mode nets, in a swap less its first steps.
    """
    modes = tuple(sums_wh)
    value = {mode: [0.0] * (count + dwell + 1) for mode in modes}
    choices = {mode: bytearray(count) for mode in modes}
    for step in range(count - 1, -1, -1):
        kept, on = min(step + dwell, count), min(step + pause, count)
        later = {mode: sums_wh[mode][kept] + value[mode][kept] for mode in modes}
        for mode in modes:
            best = sums_wh[mode][step + 1] - sums_wh[mode][step] + value[mode][step + 1]
            choice = mode
            for other in modes:
                if other != mode:
                    worth = later[other] - sums_wh[other][min(on, kept) if mode and other else step]
                    if worth > best:
                        best, choice = worth, other
            value[mode][step] = best
            choices[mode][step] = choice
    return choices
