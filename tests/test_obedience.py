"""Does a charger follow? What it draws counts most, then what it offers, then what it says it will do."""

from __future__ import annotations

from math import inf

import pytest

from tinyocpp.dealings import Target
from tinyocpp.obedience import Seen, Verdict, ignores_phases, meant_for_more, verdict

FOLLOWS, EXCEEDS, UNKNOWN = Verdict.FOLLOWS, Verdict.EXCEEDS, Verdict.UNKNOWN
TEN, PAUSE = Target(10.0), Target(0.0)


@pytest.mark.parametrize(
    ("wanted", "seen", "found"),
    [
        pytest.param(TEN, Seen(currents_a=(9.9, 9.8, 9.9)), FOLLOWS, id="held by the limit"),
        pytest.param(TEN, Seen(currents_a=(10.9, 0, 0)), FOLLOWS, id="as meters differ"),
        pytest.param(TEN, Seen(currents_a=(15.9, 15.9, 15.9)), EXCEEDS, id="more"),
        pytest.param(TEN, Seen(currents_a=(6.0, 6.0, 16.0)), EXCEEDS, id="more on one phase"),
        pytest.param(TEN, Seen(power_w=6800), FOLLOWS, id="by the power"),
        pytest.param(TEN, Seen(power_w=11_000), EXCEEDS, id="more, by the power"),
        pytest.param(Target(10.0, 1), Seen(power_w=6900), EXCEEDS, id="by the power, on one phase"),
        pytest.param(TEN, Seen(currents_a=(16.0,), offered_a=10.0), EXCEEDS, id="C14 says so, and does not"),
        pytest.param(TEN, Seen(currents_a=(4.0,), offered_a=10.0), FOLLOWS, id="a small car, offered no more"),
        pytest.param(TEN, Seen(currents_a=(4.0,), offered_a=9.0), FOLLOWS, id="C16 a lower cap is a cap"),
        pytest.param(TEN, Seen(currents_a=(4.0,), offered_a=16.0), UNKNOWN, id="a small car, offered more"),
        pytest.param(TEN, Seen(currents_a=(4.0,), offered_a=16.0, composite_a=10.0), FOLLOWS, id="will give no more"),
        pytest.param(TEN, Seen(composite_a=32.0), EXCEEDS, id="will give more"),
        pytest.param(TEN, Seen(offered_a=10.5), FOLLOWS, id="rounded"),
        pytest.param(TEN, Seen(), UNKNOWN, id="nothing"),
        pytest.param(TEN, Seen(currents_a=(0.0, 0.0, 0.0)), UNKNOWN, id="a car that takes nothing"),
        pytest.param(PAUSE, Seen(currents_a=(0.0, 0.0, 0.0)), FOLLOWS, id="a pause"),
        pytest.param(PAUSE, Seen(currents_a=(0.4, 0.0, 0.0)), FOLLOWS, id="asleep, not dead"),
        pytest.param(PAUSE, Seen(currents_a=(6.0, 0.0, 0.0)), EXCEEDS, id="no pause"),
        pytest.param(Target(inf, 1), Seen(currents_a=(32.0, 0.0, 0.0)), FOLLOWS, id="no limit"),
    ],
)
def test_verdict(wanted: Target, seen: Seen, found: Verdict) -> None:
    assert verdict(wanted, seen, 3) is found


@pytest.mark.parametrize(
    ("seen", "phases"),
    [
        pytest.param(Seen(currents_a=(8.0, 8.0, 8.0)), 3, id="three"),
        pytest.param(Seen(currents_a=(8.0, 0.1, 0.0)), 1, id="one"),
        pytest.param(Seen(currents_a=(8.0, 8.0, 0.0)), 2, id="a car of two"),
        pytest.param(Seen(currents_a=(0.0, 0.0, 0.0)), 0, id="none"),
        pytest.param(Seen(currents_a=(8.0, None, None)), 0, id="M8 one figure alone"),
        pytest.param(Seen(currents_a=(8.0, None, None), power_w=5500), 3, id="M8 and the power"),
        pytest.param(Seen(currents_a=(8.0, None, None), power_w=1800), 1, id="one figure, one phase"),
        pytest.param(Seen(currents_a=(8.0, None, None), power_w=2900), 0, id="neither one nor two"),
        pytest.param(Seen(currents_a=(0.2, None, None), power_w=20), 0, id="noise"),
        pytest.param(Seen(power_w=5500), 0, id="the power alone"),
        pytest.param(Seen(), 0, id="nothing"),
    ],
)
def test_on_how_many_phases_a_current_flows(seen: Seen, phases: int) -> None:
    assert seen.phases == phases


@pytest.mark.parametrize(
    ("wanted", "seen", "ignores"),
    [
        (Target(8.0, 1), Seen(currents_a=(8.0, 8.0, 8.0)), True),
        (Target(8.0, 1), Seen(currents_a=(8.0, 8.0, 0.0)), True),
        (Target(8.0, 1), Seen(currents_a=(8.0, 0.0, 0.0)), False),
        (Target(8.0, 3), Seen(currents_a=(8.0, 0.0, 0.0)), False),  # the car's
        (Target(8.0), Seen(currents_a=(8.0, 8.0, 8.0)), False),
        (Target(8.0, 1), Seen(power_w=5520), True),
        (Target(8.0, 1), Seen(power_w=1840), False),
        (Target(inf, 1), Seen(power_w=1840), False),
    ],
)
def test_C17_a_charger_that_ignores_the_number_of_phases(wanted: Target, seen: Seen, ignores: bool) -> None:
    assert ignores_phases(wanted, seen) is ignores


@pytest.mark.parametrize(
    ("seen", "phases", "meant"),
    [
        pytest.param(Seen(currents_a=(30.0, 0.0, 0.0)), 1, True, id="all of it on one"),
        pytest.param(Seen(currents_a=(15.0, 15.0, 0.0)), 2, True, id="on two"),
        pytest.param(Seen(currents_a=(16.0, 0.0, 0.0)), 1, True, id="all the car takes"),
        pytest.param(Seen(power_w=3680.0), 1, True, id="by the power"),
        pytest.param(Seen(currents_a=(10.0, 0.0, 0.0)), 1, False, id="no more than is wanted"),
        pytest.param(Seen(currents_a=(40.0, 0.0, 0.0)), 1, False, id="more than it was told in any way"),
        pytest.param(Seen(currents_a=(16.0, 16.0, 16.0)), 3, False, id="on as many"),
        pytest.param(Seen(currents_a=(None, None, None)), 1, False, id="nothing"),
    ],
)
def test_C18_watts_for_three_phases_drawn_on_fewer(seen: Seen, phases: int, meant: bool) -> None:
    assert meant_for_more(TEN, seen, phases, 3) is meant


@pytest.mark.parametrize(
    ("seen", "phases"),
    [
        (Seen(power_w=3680.0, offered_a=16.0), 1),
        (Seen(power_w=11040.0, offered_a=16.0), 3),
        (Seen(power_w=2300.0, offered_a=10.0), 0),  # no more than it may
        (Seen(power_w=1300.0, offered_a=16.0), 0),
        (Seen(power_w=3680.0), 0),
    ],
)
def test_C18_phases_by_what_is_offered(seen: Seen, phases: int) -> None:
    assert seen.phases_offered(10.0) == phases


@pytest.mark.parametrize(
    ("seen", "too_little"),
    [
        (Seen(power_w=3680.0), True),
        (Seen(power_w=4140.0), False),
        (Seen(power_w=3680.0, currents_a=(5.3, 5.3, 5.3)), False),  # it tells
        (Seen(), False),
    ],
)
def test_C18_power_that_is_too_little_for_three_phases(seen: Seen, too_little: bool) -> None:
    assert seen.too_little_for_three is too_little
