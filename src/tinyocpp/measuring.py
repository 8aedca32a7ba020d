"""Rule: what a house's meters said, and in words why a figure of theirs is not to be used.

A meter gives a Reading, with whichever of FIGURES it has. `noticed` adds it to what is Known, `measured` makes of that
what may be used now. Not used is what is no number, what no house can do, what is too old, what has stayed the same to
the last digit for longer than a house stands still, and more sold than sun and battery give. Signs, for everybody:
drawn from the grid, drawn by the battery and produced by the sun are positive. Nothing here reads a clock or a meter.
"""

from __future__ import annotations

import msgspec


class Bound(msgspec.Struct, frozen=True):
    """What a house can do."""

    least: float
    most: float
    unit: str


FIGURES: dict[str, Bound] = {
    "grid_w": Bound(-100_000, 100_000, "W"),
    "pv_w": Bound(-100_000, 100_000, "W"),
    "battery_w": Bound(-100_000, 100_000, "W"),
    "battery_soc": Bound(0, 100, "%"),
    "l1_a": Bound(-200, 200, "A"),
    "l2_a": Bound(-200, 200, "A"),
    "l3_a": Bound(-200, 200, "A"),
}
"""What a meter may tell of; the currents are those at the grid connection."""

CURRENTS = ("l1_a", "l2_a", "l3_a")
MUST_MOVE = frozenset({"grid_w", *CURRENTS})
"""A battery may be full, and the sun down, for hours; the house's own draw never stands still."""

SEEN_OFTEN = 10  # a meter that is asked rarely may rightly say the same a few times
ZERO_LASTS = 12  # so much longer may it be nothing: at night, and where a battery holds it there
SOLD_W = 500.0  # more than sun and battery give: they are not measured at quite the same moment
LATEST_S = 86400.0  # older figures, and clocks that are further off, are nobody's


class Patience(msgspec.Struct, frozen=True):
    """How long one meter's figures are believed."""

    stale_after_s: float = 30.0
    frozen_after_s: float = 300.0


class Reading(msgspec.Struct, frozen=True):
    """What a meter gave at once: figures by their names in FIGURES, not yet judged."""

    figures: dict[str, float]
    delay_s: float = 0.0  # how old they were when they came to us


class Figure(msgspec.Struct, frozen=True):
    """The last of its name that could be meant."""

    value: float
    read_s: float  # by a monotonic clock, when it came to us
    delay_s: float
    since_s: float  # when it was first exactly this
    times: int  # in a row that it was
    patience: Patience

    @property
    def taken_s(self) -> float:
        return self.read_s - self.delay_s


class Known(msgspec.Struct, frozen=True):
    """All there is to remember; begin with Known()."""

    figures: dict[str, Figure] = {}
    refused: dict[str, str] = {}  # why the last that came of this name was not taken


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """What may be used now. What is None is not known, or not to be believed."""

    read_s: float  # when the figure of the grid came to us, by a monotonic clock
    delay_s: float = 0.0  # how old it was then
    grid_w: float
    pv_w: float | None = None
    battery_w: float | None = None
    battery_soc: float | None = None  # percent
    currents_a: tuple[float, float, float] | None = None

    @property
    def taken_s(self) -> float:
        return self.read_s - self.delay_s


def noticed(known: Known, reading: Reading, read_s: float, patience: Patience) -> Known:
    """With what has just come. One figure that is nonsense takes no other with it, and leaves the last good one."""
    figures, refused = dict(known.figures), dict(known.refused)
    delay_s = reading.delay_s if 0 <= reading.delay_s <= LATEST_S else LATEST_S
    for name, value in reading.figures.items():
        if why := nonsense(name, value):
            refused[name] = why
            continue
        refused.pop(name, None)
        last = figures.get(name)
        if last is not None and last.value == value:
            figures[name] = Figure(value, read_s, delay_s, last.since_s, last.times + 1, patience)
        else:
            figures[name] = Figure(value, read_s, delay_s, read_s - delay_s, 1, patience)
    return Known(figures, refused)


def nonsense(name: str, value: float) -> str:
    """Why this cannot be meant, whatever came before; empty: it can."""
    bound = FIGURES[name]
    if value != value or value in (float("inf"), float("-inf")):
        return "is not a number"
    if not bound.least <= value <= bound.most:
        return f"{value:,.0f} {bound.unit} is absurd: beyond {bound.least:,.0f} to {bound.most:,.0f} {bound.unit}"
    return ""


def why_not(known: Known, name: str, now_s: float) -> str:
    """Why this figure is not to be used now; empty: it is."""
    figure = known.figures.get(name)
    if figure is None:
        return known.refused.get(name, "nothing has come yet")
    age_s, patience = now_s - figure.taken_s, figure.patience
    if age_s > patience.stale_after_s:
        return f"is {age_s:.0f} s old, of at most {patience.stale_after_s:g} s" + _because(known, name)
    same_s = figure.taken_s - figure.since_s
    if name in MUST_MOVE and figure.times >= SEEN_OFTEN and same_s > _may_last_s(known, figure):
        return f"has been the same to the last digit for {same_s:.0f} s, {figure.times} times"
    return _impossible(known, figure.value, now_s) if name == "grid_w" else ""


def _impossible(known: Known, grid_w: float, now_s: float) -> str:
    """Nothing is sold that sun and battery do not give."""
    if "pv_w" not in known.figures or why_not(known, "pv_w", now_s):
        return ""
    usable = "battery_w" in known.figures and not why_not(known, "battery_w", now_s)
    there_w = known.figures["pv_w"].value - (known.figures["battery_w"].value if usable else 0.0)
    if -grid_w <= max(there_w, 0.0) + SOLD_W:
        return ""
    return f"sells {-grid_w:,.0f} W, more than sun and battery give ({there_w:,.0f} W): is a sign turned? See scale"


def _because(known: Known, name: str) -> str:
    return f"; what came since {known.refused[name]}" if name in known.refused else ""


def _may_last_s(known: Known, figure: Figure) -> float:
    """Nothing may last, but not while the others move."""
    if figure.value:
        return figure.patience.frozen_after_s
    others_move = any(other.since_s > figure.since_s for other in known.figures.values())
    return figure.patience.frozen_after_s * ZERO_LASTS if others_move else float("inf")


def measured(known: Known, now_s: float) -> Measured | None:
    """What may be used now; None where that is not even the grid's power, and `why_not` says why."""
    usable = {name: figure for name, figure in known.figures.items() if not why_not(known, name, now_s)}
    grid = usable.get("grid_w")
    if grid is None:
        return None
    value = {name: figure.value for name, figure in usable.items()}
    three = all(name in value for name in CURRENTS)
    return Measured(
        read_s=grid.read_s,
        delay_s=grid.delay_s,
        grid_w=grid.value,
        pv_w=value.get("pv_w"),
        battery_w=value.get("battery_w"),
        battery_soc=value.get("battery_soc"),
        currents_a=(value["l1_a"], value["l2_a"], value["l3_a"]) if three else None,
    )
