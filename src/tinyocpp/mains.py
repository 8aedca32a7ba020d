"""Rule: what holds at every socket and in every house, and how a limit is said to people.

Between nothing and LEAST_A there is no current a car could be offered (IEC 61851). What the mains really has differs
from NOMINAL_V by a few percent; it is what watts and amperes are converted with all the same (errata 3.69).
"""

from __future__ import annotations

LEAST_A = 6.0
MOST_A = 1000.0  # more than any charger has
NOMINAL_V = 230.0
PHASES = {1: "one phase", 2: "two phases", 3: "three phases"}


def limit_in_words(current_a: float | None, power_w: float | None, phases: int | None) -> str:
    """`10 A`, `4,200 W`, `pause`, `no limit`; and on how many phases, where that was said and anything flows. Amperes
    are per phase, watts in all and count where both are given."""
    if current_a == 0:
        return "pause"
    most = "no limit" if current_a is None else f"{current_a:g} A"
    if power_w is not None:
        most = f"{power_w:,.0f} W"
    return f"{most} on {PHASES[phases]}" if phases else most
