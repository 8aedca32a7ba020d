"""A wish becomes the message that a given charger obeys: what is typed, what shall flow, which shapes are tried."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise, product
from math import inf
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinyocpp.connectors import Offer
from tinyocpp.dealings import Manner, Shape, Target, Wish
from tinyocpp.errors import Malformed
from tinyocpp.limits import (
    MOST_FALLBACKS,
    UNLIMITED_A,
    by_itself,
    clearings,
    first_shape,
    in_steps,
    message_of,
    one_phase_would_do,
    profile_id,
    same_place,
    target,
    walk,
    wish_of,
)
from tinyocpp.mains import LEAST_A, NOMINAL_V
from tinyocpp.makers import Quirks
from tinyocpp.manners import Facts
from tinyocpp.messages.payload import encode_payload
from tinyocpp.messages.smart_charging import ClearChargingProfile, SetChargingProfile

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
PLAIN = Facts(highest_level=10, quirks=Quirks())
STANDING: Literal["standing"] = "standing"
MOVING: Literal["moving"] = "moving"


# What is typed.


@pytest.mark.parametrize(
    ("typed", "phases", "wish"),
    [
        ("10A", None, Wish(current_a=10)),
        ("10.5a", 1, Wish(current_a=10.5, phases=1)),
        (" 16 A ", None, Wish(current_a=16)),
        ("4.2kW", None, Wish(power_w=4200)),
        ("4200W", 3, Wish(power_w=4200, phases=3)),
        ("1.4kw", None, Wish(power_w=1400)),
        ("pause", None, Wish(current_a=0)),
        ("0A", None, Wish(current_a=0)),
        ("0W", None, Wish(current_a=0)),
        ("none", None, Wish()),
        ("none", 1, Wish(phases=1)),
    ],
)
def test_what_is_typed(typed: str, phases: int | None, wish: Wish) -> None:
    assert wish_of(typed, phases) == wish


@pytest.mark.parametrize(
    ("typed", "phases", "remedy"),
    [
        ("3A", None, "write 6A or more, or pause"),
        ("5.9A", 1, "write 6A or more, or pause"),
        ("1kW", None, "write 1.38kW or more, or pause"),
        ("2kW", 3, "write 4.14kW or more, or pause"),
        ("2000A", None, "write none for no limit"),
        ("9MW", None, "write amperes per phase such as 10A"),
        ("2000kW", None, "write none for no limit"),
        ("10", None, "write amperes per phase such as 10A"),
        ("-8A", None, "write amperes per phase such as 10A"),
        ("1e3A", None, "write amperes per phase such as 10A"),
        ("nanA", None, "write amperes per phase such as 10A"),
        ("fast", None, "write amperes per phase such as 10A"),
        ("", None, "write amperes per phase such as 10A"),
    ],
)
def test_C12_what_no_car_can_be_offered_is_refused_with_the_remedy(typed: str, phases: int | None, remedy: str) -> None:
    with pytest.raises(Malformed, match=remedy):
        wish_of(typed, phases)


# What shall flow.


@pytest.mark.parametrize(
    ("wish", "offer", "wanted"),
    [
        (None, None, None),
        (Wish(), None, None),
        (Wish(current_a=10), None, Target(10)),
        (Wish(current_a=0), None, Target(0)),
        (Wish(current_a=10, phases=1), None, Target(10, 1)),
        (Wish(phases=1), None, Target(inf, 1)),
        (Wish(power_w=6900), None, Target(10, None, 6900)),
        (Wish(power_w=2300, phases=1), None, Target(10, 1, 2300)),
        (Wish(power_w=2300), None, Target(0)),  # 3.3 A on three phases: less than a car may be offered
        (Wish(current_a=10), Offer(connector_id=1, current_a=8), Target(8)),
        (Wish(current_a=10), Offer(connector_id=1, current_a=16), Target(10)),
        (Wish(current_a=0), Offer(connector_id=1, current_a=16), Target(0)),
        (None, Offer(connector_id=1, current_a=16, phases=3), Target(16, 3)),
        (Wish(phases=1), Offer(connector_id=1, current_a=16, phases=3), Target(16, 1)),
        (Wish(phases=3), Offer(connector_id=1, current_a=16, phases=1), Target(16, 1)),
        (None, Offer(connector_id=1, current_a=None), None),
        (None, Offer(connector_id=1, current_a=5.99), Target(0)),
    ],
)
def test_the_least_of_wish_and_offer(wish: Wish | None, offer: Offer | None, wanted: Target | None) -> None:
    assert target(wish, offer, 3) == wanted


@pytest.mark.parametrize(
    ("wish", "then"),
    [
        (None, None),
        (Wish(current_a=10), Wish(current_a=10)),
        (Wish(power_w=2300), Wish(power_w=2300, phases=1)),
        (Wish(power_w=2300, phases=3), Wish(power_w=2300, phases=3)),
        (Wish(power_w=4140), Wish(power_w=4140)),
    ],
)
def test_too_little_for_three_phases_is_enough_for_one(wish: Wish | None, then: Wish | None) -> None:
    assert one_phase_would_do(wish) == then


@pytest.mark.parametrize(
    ("quirks", "current_a", "told_a"),
    [
        (Quirks(), 10.0, 10.0),
        (Quirks(), 10.08, 10.0),
        (Quirks(), 0.0, 0.0),
        (Quirks(), inf, inf),
        (Quirks(current_step_a=1), 10.9, 10.0),
        (Quirks(current_step_a=5), 9.0, 0.0),
        (Quirks(current_steps_a=(6, 8, 10, 13, 16)), 12.9, 10.0),
        (Quirks(current_steps_a=(6, 8, 10, 13, 16)), 40.0, 16.0),
        (Quirks(current_steps_a=(8, 10)), 6.0, 0.0),
    ],
)
def test_C13_steps_are_kept_downwards(quirks: Quirks, current_a: float, told_a: float) -> None:
    assert in_steps(current_a, quirks) == told_a


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        (Target(8, 1), Target(8, 1)),
        (Target(20, 1), Target(17.9, 1)),  # 20 A are 4,600 W: it would charge on three phases
        (Target(inf, 1), Target(17.9, 1)),
        (Target(20, 3), Target(20, 3)),
        (Target(20), Target(20)),
    ],
)
def test_a_charger_that_chooses_by_watts_stays_on_one_phase(wanted: Target, told: Target) -> None:
    assert by_itself(wanted) == told


# Shapes.


ABB, FIRMWARE_6, HUAWEI = Quirks(stack_level=0), Quirks(profile_kind="Relative"), Quirks(rate_unit="W")
LEVEL_0 = Shape(unit="W")
TX = Shape(purpose="TxProfile", expires=True, stack_level=10)


@pytest.mark.parametrize(
    ("known", "role", "learnt", "shape"),
    [
        pytest.param(PLAIN, STANDING, Manner(), Shape(stack_level=10), id="its highest level"),
        pytest.param(Facts(quirks=Quirks()), STANDING, Manner(), Shape(), id="no word of a level"),
        pytest.param(Facts(highest_level=10, quirks=ABB), STANDING, Manner(), Shape(), id="C1 level 0"),
        pytest.param(Facts(quirks=FIRMWARE_6), STANDING, Manner(), Shape(kind="Relative"), id="C7 Relative"),
        pytest.param(Facts(quirks=HUAWEI), STANDING, Manner(), Shape(unit="W"), id="C8 watts"),
        pytest.param(Facts(units=("W",), quirks=Quirks()), STANDING, Manner(), Shape(unit="W"), id="C8 it says so"),
        pytest.param(Facts(units=("A", "W"), quirks=Quirks()), STANDING, Manner(), Shape(), id="either"),
        pytest.param(PLAIN, STANDING, Manner(standing=Shape(whole=True)), Shape(whole=True), id="as it took it"),
        pytest.param(PLAIN, MOVING, Manner(), TX, id="C20 not for flash"),
        pytest.param(
            PLAIN, MOVING, Manner(standing=Shape(unit="W")), Shape("TxProfile", unit="W", expires=True), id="W"
        ),
        pytest.param(PLAIN, MOVING, Manner(moving=Shape(whole=True)), Shape(whole=True), id="as it took that"),
    ],
)
def test_what_is_tried_first(known: Facts, role: Literal["standing", "moving"], learnt: Manner, shape: Shape) -> None:
    assert first_shape(known, role, learnt) == shape


PURPOSES: tuple[Any, ...] = ("TxDefaultProfile", "TxProfile", "ChargePointMaxProfile")
levels = st.none() | st.integers(0, 20)
quirks_ = st.builds(
    Quirks,
    stack_level=st.none() | st.just(0),
    profile_kind=st.sampled_from(["", "Absolute", "Relative"]),
    rate_unit=st.sampled_from(["", "A", "W"]),
)
units_ = st.sampled_from([("A",), ("W",), ("A", "W")])
known_ = st.tuples(levels, units_, st.booleans(), quirks_).map(
    lambda one: Facts(highest_level=one[0], units=one[1], says_unit=one[2], quirks=one[3])
)
roles = st.sampled_from([STANDING, MOVING])
places = st.none() | st.builds(Shape, purpose=st.sampled_from(PURPOSES[:2]), stack_level=st.sampled_from([0, 1, 10]))


@given(known_, roles, st.booleans(), places)
def test_the_walk(known: Facts, role: Literal["standing", "moving"], running: bool, taken: Shape | None) -> None:
    """At most twelve fallbacks, none twice, each legal (section 3.13), the place of another limit last of all."""
    first = first_shape(known, role, Manner())
    if role == "moving" and not running:
        return  # nothing moves without a charge
    shapes = walk(first, role, known, running=running, taken=taken)
    assert 1 <= len(shapes) <= 1 + MOST_FALLBACKS
    assert len(set(shapes)) == len(shapes)
    for shape in shapes:
        assert shape.purpose != "TxProfile" or (running and not shape.whole)
        assert shape.purpose != "ChargePointMaxProfile" or (shape.whole and shape.kind == "Absolute")
    if taken is not None:
        where = [same_place(shape, taken) for shape in shapes]
        assert where == sorted(where)
        assert not any(shape.expires for shape, there in zip(shapes, where, strict=True) if there)


@given(known_, st.booleans())
def test_one_thing_is_changed_at_a_time(known: Facts, running: bool) -> None:
    """In what the message says; a purpose may bring its place along, as the standard has it."""
    shapes = walk(first_shape(known, STANDING, Manner()), STANDING, known, running=running)
    for shape, after in pairwise(shapes):
        changed = [name for name in ("kind", "stack_level", "unit") if getattr(shape, name) != getattr(after, name)]
        place = (shape.purpose, shape.whole) != (after.purpose, after.whole)
        assert len(changed) + place <= 1 or after.purpose == "ChargePointMaxProfile"


@pytest.mark.parametrize("running", [False, True])
@pytest.mark.parametrize("unit", ["A", "W"])
def test_all_shapes_in_the_one_unit_a_charger_names(unit: Literal["A", "W"], *, running: bool) -> None:
    """But for two that are seldom the only ones: a Relative default for the charger as a whole while a charge runs."""
    known = Facts(highest_level=3, units=(unit,), says_unit=True, quirks=Quirks())
    levels_and_kinds = list(product((0, 3), ("Absolute", "Relative")))
    all_of_them = {Shape("TxDefaultProfile", kind, level, unit) for level, kind in levels_and_kinds}
    all_of_them |= {Shape("ChargePointMaxProfile", "Absolute", level, unit, whole=True) for level in (0, 3)}
    for level, kind in levels_and_kinds:
        if running:
            all_of_them.add(Shape("TxProfile", kind, level, unit))
        if not running or kind == "Absolute":
            all_of_them.add(Shape("TxDefaultProfile", kind, level, unit, whole=True))
    assert all_of_them <= set(walk(first_shape(known, STANDING, Manner()), STANDING, known, running=running))


def test_moving_limits_are_never_for_the_charger_as_a_whole() -> None:
    """C20: these are written to flash memory."""
    shapes = walk(first_shape(PLAIN, MOVING, Manner()), MOVING, PLAIN, running=True)
    assert {shape.purpose for shape in shapes} == {"TxProfile", "TxDefaultProfile"}


# Messages.

shapes_ = st.builds(
    Shape,
    purpose=st.sampled_from(PURPOSES),
    kind=st.sampled_from(["Absolute", "Relative"]),
    stack_level=st.integers(0, 10),
    unit=st.sampled_from(["A", "W"]),
    whole=st.booleans(),
    expires=st.booleans(),
)
phases_ = st.sampled_from([None, 1, 3])
wishes_ = st.one_of(
    st.builds(Wish, current_a=st.just(0.0) | st.floats(6, 1000), phases=phases_),
    st.builds(Wish, power_w=st.floats(1380, 1e6), phases=phases_),
    st.builds(Wish, phases=phases_),
)
offers = st.none() | st.builds(
    Offer, connector_id=st.just(1), current_a=st.just(0.0) | st.floats(6, 1000), phases=phases_
)


def said(shape: Shape, wanted: Target, *, watts_of: int = 3, **more: Any) -> SetChargingProfile:
    return message_of(shape, wanted, 1, STANDING, NOON, watts_of=watts_of, transaction_id=7, **more)


def limit(message: SetChargingProfile) -> float:
    (period,) = message.cs_charging_profiles.charging_schedule.charging_schedule_period
    return period.limit


@given(wishes_, offers, shapes_, quirks_)
def test_C12_never_a_value_between_0_and_6_A_and_never_more_than_wish_or_offer(
    wish: Wish, offer: Offer | None, shape: Shape, quirks: Quirks
) -> None:
    wanted = target(one_phase_would_do(wish), offer, 3)
    if wanted is None:
        return
    wanted = Target(in_steps(wanted.current_a, quirks), wanted.phases, wanted.power_w)
    message = said(shape, wanted)
    encode_payload(message)  # with one decimal at most (quirk C23)
    phases = wanted.phases or 3
    current_a = limit(message) / (NOMINAL_V * phases) if shape.unit == "W" else limit(message)
    assert current_a == 0 or current_a >= LEAST_A - 0.01
    most_a = min(
        inf if wish.current_a is None else wish.current_a,
        inf if wish.power_w is None else wish.power_w / (NOMINAL_V * phases),
        inf if offer is None or offer.current_a is None else offer.current_a,
    )
    assert current_a <= most_a + 0.01


@given(st.floats(6, 32), st.sampled_from([1, 3]))
def test_C18_watts_and_amperes_agree(current_a: float, phases: int) -> None:
    """Watts are of all phases together, at the nominal voltage (errata 3.69); the number of phases is always said."""
    wanted = Target(in_steps(current_a, Quirks()), phases)
    amperes, watts = said(Shape(unit="A"), wanted), said(Shape(unit="W"), wanted)
    assert limit(watts) == pytest.approx(limit(amperes) * NOMINAL_V * phases, abs=1)
    for message in (amperes, watts):
        (period,) = message.cs_charging_profiles.charging_schedule.charging_schedule_period
        assert period.number_phases == phases


def test_watts_of_a_charger_with_one_phase() -> None:
    assert limit(said(Shape(unit="W"), Target(10))) == 6900
    assert limit(said(Shape(unit="W"), Target(10), watts_of=1)) == 2300


def test_no_limit_is_a_limit_of_what_a_socket_has() -> None:
    assert limit(said(Shape(), Target(inf, 1))) == UNLIMITED_A
    assert limit(said(Shape(unit="W"), Target(inf, 1))) == UNLIMITED_A * NOMINAL_V


@pytest.mark.parametrize("ahead_s", [-7200, -90, 0, 90, 7200])
def test_C6_a_schedule_is_in_force_by_the_chargers_own_clock(ahead_s: float) -> None:
    ahead = timedelta(seconds=ahead_s)
    profile = said(Shape(expires=True), Target(8.0), ahead=ahead).cs_charging_profiles
    begins, its_own, ends = profile.charging_schedule.start_schedule, NOON + ahead, profile.valid_to
    assert begins is not None
    assert ends is not None
    assert begins <= its_own - timedelta(minutes=1)
    assert its_own + timedelta(minutes=14) < ends


def test_the_whole_message() -> None:
    """C5, C6: an Absolute schedule begins a minute ago, for some clocks are behind."""
    message = said(Shape(purpose="TxProfile", stack_level=3, expires=True), Target(8.0, 1))
    assert encode_payload(message) == (
        b'{"connectorId":1,"csChargingProfiles":{"chargingProfileId":11,"transactionId":7,"stackLevel":3,'
        b'"chargingProfilePurpose":"TxProfile","chargingProfileKind":"Absolute","validTo":"2026-06-01T12:05:00Z",'
        b'"chargingSchedule":{"startSchedule":"2026-06-01T11:59:00Z","chargingRateUnit":"A",'
        b'"chargingSchedulePeriod":[{"startPeriod":0,"limit":8.0,"numberPhases":1}]}}}'
    )


@given(shapes_)
def test_only_a_TxProfile_names_its_transaction(shape: Shape) -> None:
    """Section 3.13.1; and Relative has no start."""
    profile = said(shape, Target(8.0)).cs_charging_profiles
    assert (profile.transaction_id is not None) == (shape.purpose == "TxProfile")
    assert (profile.charging_schedule.start_schedule is None) == (shape.kind == "Relative")


def test_a_number_of_phases_may_be_left_out() -> None:
    (period,) = said(
        Shape(), Target(8.0, 1), say_phases=False
    ).cs_charging_profiles.charging_schedule.charging_schedule_period
    assert period.number_phases is None


def test_each_place_has_its_number() -> None:
    numbers = [profile_id(connector, role) for connector in range(4) for role in (STANDING, MOVING)]
    assert len(set(numbers)) == len(numbers)


def test_what_takes_a_limit_back() -> None:
    """C2: by its number first; by its place where the charger knows no such number."""
    assert clearings(Shape(stack_level=4), 2, STANDING) == (
        ClearChargingProfile(id=21),
        ClearChargingProfile(connector_id=2, charging_profile_purpose="TxDefaultProfile", stack_level=4),
    )
    assert clearings(Shape(whole=True), 2, MOVING)[0] == ClearChargingProfile(id=2)


def test_a_schedule_ends_by_itself_where_it_moves() -> None:
    profile = said(Shape(expires=True), Target(8.0)).cs_charging_profiles
    assert profile.valid_to == NOON + timedelta(minutes=15)  # may be in flash, and is said again in a third of that
    profile = said(Shape(purpose="TxProfile", expires=True), Target(8.0)).cs_charging_profiles
    assert profile.valid_to == NOON + timedelta(minutes=5)
