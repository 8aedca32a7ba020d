"""Rule: a wish into the ChargingProfile that a given charger obeys.

Chargers accept a limit in one shape and refuse it, or pass it over, in another: purpose, kind, stack level, unit and
connector all matter (quirks C1 to C23). `walk` has the order in which shapes are tried, one thing changed at a time;
`message_of` makes the message. Whether the charger does what it accepted, obedience.py judges. Between 0 and 6 A there
is nothing a car may be offered (mains.py), so nothing here ever says such a value.
"""

from __future__ import annotations

from datetime import timedelta
from itertools import product
from math import floor, inf
from typing import TYPE_CHECKING, Literal

from msgspec.structs import replace

from tinyocpp.dealings import Shape, Target, Wish
from tinyocpp.errors import Malformed
from tinyocpp.mains import LEAST_A, MOST_A, NOMINAL_V
from tinyocpp.messages.payload import whole_seconds
from tinyocpp.messages.smart_charging import (
    ChargingProfile,
    ChargingProfileKindType,
    ChargingProfilePurposeType,
    ChargingRateUnitType,
    ChargingSchedule,
    ChargingSchedulePeriod,
    ClearChargingProfile,
    SetChargingProfile,
)

if TYPE_CHECKING:
    from datetime import datetime

    from tinyocpp.connectors import Offer, Role
    from tinyocpp.dealings import Manner
    from tinyocpp.makers import Quirks
    from tinyocpp.manners import Facts

MOST_W = 1_000_000.0
UNLIMITED_A = 32.0  # what is said where a limit must be said and none is meant: the most a socket has
MOST_FALLBACKS = 12
BEGUN = timedelta(minutes=1)  # a schedule that begins now is not yet in force where a clock is behind (quirk C6)
EXPIRES = {"TxProfile": timedelta(minutes=5)}
EXPIRES_IN_FLASH = timedelta(minutes=15)
"""What moves, when nobody says it again: what was left with the charger counts then. It is said again in a third of
that, so where each time may be written to flash (quirk C20) it lasts longer."""
BY_ITSELF_W = 3 * LEAST_A * NOMINAL_V  # from here on a charger that goes by watts charges on three phases

ROLES: dict[Role, int] = {"standing": 1, "moving": 2}


# -------------------------------------------------------------------------------------------------------- what is typed


def wish_of(typed: str, phases: int | None) -> Wish:
    """`10A`, `4.2kW`, `pause`, `none`. Raises Malformed with the remedy for what no car can be offered."""
    word = typed.strip().lower()
    if word == "none":
        return Wish(phases=phases)
    number = 0.0 if word == "pause" else _number(word.removesuffix("kw").removesuffix("w").removesuffix("a").strip())
    if number is None or not (word == "pause" or word.endswith(("a", "w"))):
        raise Malformed(f"{typed}: write amperes per phase such as 10A, watts in all such as 4.2kW, pause or none")
    if number == 0:
        return Wish(current_a=0.0, phases=phases)
    if word.endswith("a"):
        return Wish(current_a=_possible(typed, number, LEAST_A, MOST_A, f"{LEAST_A:g}A"), phases=phases)
    power_w = number * (1000 if word.endswith("kw") else 1)
    least_w = LEAST_A * NOMINAL_V * (phases or 1)
    return Wish(power_w=_possible(typed, power_w, least_w, MOST_W, f"{least_w / 1000:g}kW"), phases=phases)


def _number(digits: str) -> float | None:
    return float(digits) if digits.isascii() and digits.replace(".", "", 1).isdecimal() else None


def _possible(typed: str, value: float, least: float, most: float, least_typed: str) -> float:
    if value < least:
        raise Malformed(
            f"{typed}: no car can be offered less than 6 A per phase (IEC 61851); write {least_typed} or more, or pause"
        )
    if value > most:
        raise Malformed(f"{typed}: more than any charger has; write none for no limit")
    return value


# ------------------------------------------------------------------------------------------------------ what shall flow


def target(wish: Wish | None, offer: Offer | None, wired: int) -> Target | None:
    """The least of what the owner and the control program let it have; None: neither says anything. `wired`: on how
    many phases it charges unless told otherwise."""
    wish = wish or Wish()
    said_phases = offer.phases if offer is not None and offer.phases else wish.phases
    if wish.phases:
        said_phases = min(said_phases or wish.phases, wish.phases)
    phases = said_phases or wired
    offered_a = inf if offer is None or offer.current_a is None else offer.current_a
    wished_a = inf if wish.current_a is None else wish.current_a
    by_power_a = inf if wish.power_w is None else wish.power_w / (NOMINAL_V * phases)
    current_a = min(offered_a, wished_a, by_power_a)
    if current_a == inf:
        return Target(inf, said_phases) if said_phases else None
    if current_a < LEAST_A:
        return Target(0.0, said_phases)
    return Target(current_a, said_phases, wish.power_w if current_a == by_power_a else None)


def one_phase_would_do(wish: Wish | None) -> Wish | None:
    """A wish in watts that is too little for 6 A on three phases, and enough on one: on one phase, where nobody said on
    how many."""
    if wish is None or wish.power_w is None or wish.phases or wish.power_w >= BY_ITSELF_W:
        return wish
    return replace(wish, phases=1)


def by_itself(wanted: Target) -> Target:
    """For a charger that chooses the phases by the watts: to stay on one, it gets no more than it gives on one."""
    most_a = floor(10 * (BY_ITSELF_W - 1) / NOMINAL_V) / 10
    if wanted.phases != 1 or wanted.current_a <= most_a:
        return wanted
    return Target(most_a, 1)


def in_steps(current_a: float, quirks: Quirks) -> float:
    """What the charger can be told, never more: in its steps, or in tenths (section 7.13)."""
    if current_a in (0.0, inf):
        return current_a
    if quirks.current_steps_a:
        return max((step for step in quirks.current_steps_a if LEAST_A <= step <= current_a + 1e-6), default=0.0)
    stepped = floor(current_a / quirks.current_step_a + 1e-6) * quirks.current_step_a
    return round(stepped, 1) if stepped >= LEAST_A else 0.0


# --------------------------------------------------------------------------------------------------------------- shapes


def first_shape(known: Facts, role: Role, learnt: Manner) -> Shape:
    """What to try first: what this charger took before, else what its maker is known for, else what most take."""
    had = learnt.standing if role == "standing" else learnt.moving
    if had is not None:
        return had
    quirks = known.quirks
    shape = learnt.standing or Shape(
        kind=quirks.profile_kind or "Absolute",
        stack_level=(known.highest_level or 0) if quirks.stack_level is None else quirks.stack_level,
        unit=quirks.rate_unit or ("W" if known.units == ("W",) else "A"),
    )
    if role == "moving" and shape.purpose == "TxProfile":
        return replace(shape, stack_level=known.highest_level or 1, expires=True)  # above what stays
    if role == "moving":  # not for flash: a ChargePointMaxProfile is written there, a TxProfile is not (quirk C20)
        return replace(shape, purpose="TxProfile", whole=False, expires=True)
    return shape


AT_REST = "stack kind stack unit kind stack whole unit stack ChargePointMaxProfile stack unit"
RUNNING = "stack kind stack TxProfile kind unit TxDefaultProfile stack whole unit ChargePointMaxProfile stack"
AT_REST_ONE_UNIT = "stack kind stack whole stack kind stack ChargePointMaxProfile stack unit TxDefaultProfile whole"
RUNNING_ONE_UNIT = "stack kind stack TxProfile stack kind stack ChargePointMaxProfile stack TxDefaultProfile stack unit"
MOVING = "expires stack kind stack TxDefaultProfile kind stack unit TxProfile stack TxDefaultProfile whole"
"""Which one thing is changed from one shape to the next. A TxProfile needs a transaction (section 3.13.1); of moving
limits none is for the charger as a whole. Where a charger names one unit, little is tried in the other."""

STANDING = {
    (False, False): AT_REST,
    (False, True): AT_REST_ONE_UNIT,
    (True, False): RUNNING,
    (True, True): RUNNING_ONE_UNIT,
}
"""For a limit that stays: while a charge runs or not, of a charger that names one unit or not."""


def walk(first: Shape, role: Role, known: Facts, *, running: bool, taken: Shape | None = None) -> list[Shape]:
    """The first shape and the fallbacks after it, each of which the standard allows. Where another limit of ours has
    its place in the stack it is only put when nothing else will do, last of all in that one's own shape; and then it
    stays."""
    steps = MOVING if role == "moving" else STANDING[running, known.says_unit]
    shapes, shape = [first], first
    for step in steps.split():
        shape = _changed(shape, step, known)
        allowed = _allowed(shape, running)
        shape = allowed or shape
        if allowed is not None and allowed not in shapes:
            shapes.append(allowed)
    if taken is not None:
        there = [*shapes, *([taken] if _allowed(taken, running) == taken else [])]
        last = list(dict.fromkeys(replace(shape, expires=False) for shape in there if same_place(shape, taken)))
        others = [shape for shape in shapes if not same_place(shape, taken)]
        shapes = [*others[: 1 + MOST_FALLBACKS - len(last)], *last]
    return shapes[: 1 + MOST_FALLBACKS]


def occasion(role: Role, *, running: bool) -> str:
    """When it refuses a shape: what it refuses at rest it may take in a charge."""
    return role if role == "moving" or not running else "running"


STANDING_PLACES = (
    "TxDefaultProfile",
    "TxDefaultProfile whole",
    "ChargePointMaxProfile",
    "TxProfile",
    "TxProfile unnamed",
)
MOVING_PLACES = ("TxProfile", "TxDefaultProfile", "TxProfile unnamed")
RARE_LEVELS = (1, 2)


def every(known: Facts, role: Role, *, running: bool) -> list[Shape]:
    """All shapes, those that are rare last: for a charger that has refused those of the walk."""
    top = known.highest_level
    usual = (1 if top is None else top, 0)
    rare = tuple(level for level in RARE_LEVELS if (top is None or level <= top) and level not in usual)
    units: tuple[Literal["A", "W"], ...] = ("W", "A") if "A" not in known.units else ("A", "W")
    kinds: tuple[Literal["Absolute", "Relative"], ...] = ("Absolute", "Relative")
    places = MOVING_PLACES if role == "moving" else STANDING_PLACES
    expires = (True, False) if role == "moving" else (False,)
    shapes = [
        _allowed(_placed(place, Shape(kind=kind, stack_level=level, unit=unit, expires=ends)), running)
        for levels in (usual, rare)
        for ends, unit, place, level, kind in product(expires, units, places, levels, kinds)
    ]
    return list(dict.fromkeys(shape for shape in shapes if shape is not None))


def _placed(place: str, shape: Shape) -> Shape:
    purpose, _, more = place.partition(" ")
    return replace(shape, purpose=purpose, whole=more == "whole", unnamed=more == "unnamed")


def same_place(shape: Shape, other: Shape) -> bool:
    """One replaces the other (section 5.16.3)."""
    return (shape.purpose, shape.stack_level, shape.whole) == (other.purpose, other.stack_level, other.whole)


def whose_place(shape: Shape, role: Role, standing: Shape | None) -> Role:
    """Whose number a profile has: what moves in the place of what stays takes its number too."""
    return "standing" if standing is not None and same_place(shape, standing) else role


def _changed(shape: Shape, step: str, known: Facts) -> Shape:
    match step:
        case "stack":
            top = 1 if known.highest_level is None else known.highest_level
            return replace(shape, stack_level=top if shape.stack_level == 0 else 0)
        case "kind":
            return replace(shape, kind="Relative" if shape.kind == "Absolute" else "Absolute")
        case "unit":
            return replace(shape, unit="W" if shape.unit == "A" else "A")
        case "whole":
            return replace(shape, whole=not shape.whole)
        case "expires":
            return replace(shape, expires=not shape.expires)
        case _:
            return replace(shape, purpose=step)


def _allowed(shape: Shape, running: bool) -> Shape | None:
    """As the standard has it (section 3.13.1); None: not at all now."""
    match shape.purpose:
        case "TxProfile":
            return replace(shape, whole=False) if running else None
        case "ChargePointMaxProfile":
            return replace(shape, whole=True, kind="Absolute")
        case _:
            return shape


# ------------------------------------------------------------------------------------------------------------- messages


def message_of(
    shape: Shape,
    wanted: Target,
    connector_id: int,
    role: Role,
    now: datetime,
    *,
    watts_of: int,
    transaction_id: int | None,
    say_phases: bool = True,
    ahead: timedelta = timedelta(),
) -> SetChargingProfile:
    """The message. `watts_of`: how many phases its watts are of where no number of them is wanted. `ahead`: the
    charger's clock is, by which a schedule begins and ends."""
    connector_id = 0 if shape.whole else connector_id
    return SetChargingProfile(
        connector_id=connector_id,
        cs_charging_profiles=ChargingProfile(
            charging_profile_id=profile_id(connector_id, role),
            transaction_id=transaction_id if shape.purpose == "TxProfile" and not shape.unnamed else None,
            stack_level=shape.stack_level,
            charging_profile_purpose=ChargingProfilePurposeType(shape.purpose),
            charging_profile_kind=ChargingProfileKindType(shape.kind),
            valid_to=whole_seconds(now + max(ahead, timedelta()) + lasts(shape)) if shape.expires else None,
            charging_schedule=ChargingSchedule(
                start_schedule=_start(now, ahead) if shape.kind == "Absolute" else None,
                charging_rate_unit=ChargingRateUnitType(shape.unit),
                charging_schedule_period=(_period(shape, wanted, watts_of, say_phases=say_phases),),
            ),
        ),
    )


def _start(now: datetime, ahead: timedelta) -> datetime:
    return whole_seconds(now + min(ahead, timedelta()) - BEGUN)


def _period(shape: Shape, wanted: Target, watts_of: int, *, say_phases: bool) -> ChargingSchedulePeriod:
    """A number of phases is said with watts too, which are of all phases together and of three by default (section
    7.14; quirk C18)."""
    current_a = UNLIMITED_A if wanted.unlimited else wanted.current_a
    power_w = wanted.power_w or current_a * NOMINAL_V * (wanted.phases or watts_of)
    return ChargingSchedulePeriod(
        start_period=0,
        limit=float(floor(power_w + 1e-6)) if shape.unit == "W" else round(current_a, 1),
        number_phases=wanted.phases if say_phases else None,
    )


def lasts(shape: Shape) -> timedelta:
    """How long a limit that expires counts."""
    return EXPIRES.get(shape.purpose, EXPIRES_IN_FLASH)


def profile_id(connector_id: int, role: Role) -> int:
    """The same place has the same number, so that a new profile replaces the old one."""
    return connector_id * 10 + ROLES[role]


def clearings(shape: Shape, connector_id: int, role: Role) -> tuple[ClearChargingProfile, ClearChargingProfile]:
    """By its number; and for a charger that knows no such number, by its place (quirk C2)."""
    connector_id = 0 if shape.whole else connector_id
    return (
        ClearChargingProfile(id=profile_id(connector_id, role)),
        ClearChargingProfile(
            connector_id=connector_id,
            charging_profile_purpose=ChargingProfilePurposeType(shape.purpose),
            stack_level=shape.stack_level,
        ),
    )
