"""From three phases to one and back: without current, and seldom (errands/limiting/swapping.py)."""

from __future__ import annotations

from itertools import pairwise

import pytest
from pair import Pair, charging

from tinyocpp.dealings import LimitState, Manner
from tinyocpp.makers import Quirks
from tinyocpp.simulator.charging import reading

ONE, THREE = {"current_a": 8.0, "phases": 1}, {"current_a": 8.0, "phases": 3}
VERIFIED = LimitState.VERIFIED


def phases(pair: Pair) -> int:
    return reading(pair.station, pair.station.connectors[1]).phases


def flows(pair: Pair) -> tuple[float, int]:
    return pair.drawn_a(), phases(pair)


def unharmed(pair: Pair, *, gap_s: float = 55.0) -> bool:
    """No contactor moved under load, or sooner than a pause after it."""
    return not pair.station.tally.damage and all(swap.gap_s >= gap_s for swap in pair.station.tally.swaps)


def test_C24_a_pause_of_a_minute_lies_between() -> None:
    pair = charging()
    pair.wish(**ONE)
    pair.go(30)
    assert flows(pair)[0] == 0.0
    assert pair.words() == "pause: verified, it follows; then 8 A on one phase"
    pair.go(70)
    assert flows(pair) == (8.0, 1)
    assert (pair.state(), pair.told().phases) == (VERIFIED, 1)
    assert unharmed(pair)


def test_two_changes_are_five_minutes_apart() -> None:
    """Meanwhile it charges on as it is, with no more than was wished."""
    pair = charging()
    pair.wish(**ONE)
    pair.go(100)
    pair.wish(**THREE)
    pair.go(100)
    assert flows(pair) == (8.0, 1)
    pair.go(300)
    assert flows(pair) == (8.0, 3)
    pair.wish(**ONE)
    pair.go(60)
    assert flows(pair)[0] == 0.0  # what was wished is less than three phases can do
    pair.go(350)
    assert flows(pair) == (8.0, 1)
    assert unharmed(pair)
    moments = [swap.at for swap in pair.station.tally.swaps]
    assert all((later - sooner).total_seconds() >= 300 for sooner, later in pairwise(moments))


def test_before_a_charge_there_is_nothing_to_wait_for() -> None:
    pair = Pair()
    pair.wish(**ONE)
    pair.go(5)
    assert [(one["limit"], one["phases"]) for one in pair.profiles()] == [(8.0, 1)]
    pair.plug_in()
    pair.go(40)
    assert flows(pair) == (8.0, 1)
    assert pair.station.tally.damage == []


@pytest.mark.parametrize("then", [{}, {"current_a": 10.0}], ids=["none", "amperes alone"])
def test_back_to_three_takes_a_pause_also_where_nobody_says_three(then: dict[str, float]) -> None:
    pair = charging()
    pair.wish(**ONE)
    pair.go(400)
    pair.wish(**then)
    pair.go(30)
    assert flows(pair)[0] == 0.0
    pair.go(100)
    assert flows(pair) == (then.get("current_a", 16.0), 3)
    assert unharmed(pair)
    assert (pair.told() is None) == (not then)
    assert len(pair.station.profiles) == len(then)


def test_phases_alone_may_be_wished() -> None:
    pair = charging()
    pair.wish(phases=1)
    pair.go(120)
    assert phases(pair) == 1
    assert pair.profiles()[-1]["limit"] == 32.0
    assert unharmed(pair)


def test_watts_that_are_too_few_for_three_phases() -> None:
    pair = charging()
    pair.wish(power_w=2300.0)
    pair.go(120)
    assert flows(pair) == (10.0, 1)


@pytest.mark.parametrize("vice", ["ignores-phases", "refuses-phases", "one-phase"])
def test_C17_a_charger_that_says_it_cannot_is_not_asked_to(vice: str) -> None:
    pair = charging(vice)
    pair.wish(**ONE)
    pair.go(60)
    assert [one["phases"] for one in pair.profiles()] == [None]
    assert pair.words() == "8 A: verified, it follows; it does not change its number of phases"
    assert pair.drawn_a() == 8.0


@pytest.mark.parametrize("vice", ["ignores-phases", "refuses-phases"])
def test_C17_a_charger_that_says_it_can_and_does_not(vice: str) -> None:
    """It is found out by its currents, then by its watts, and treated as fixed from then on."""
    pair = Pair(vices=[vice])
    told = {"ChargeProfileMaxStackLevel": "10", "ChargingScheduleAllowedChargingRateUnit": "Current,Power"}
    pair.talk.store.ledger.learn_configuration("garage", told)
    pair.plug_in()
    pair.go(20)
    pair.wish(**ONE)
    pair.go(500)
    assert pair.talk.store.ledger.manner("garage").phases == "fixed"
    assert flows(pair) == (8.0, 3)
    assert pair.words().endswith("it does not change its number of phases")
    assert pair.station.tally.too_small_a == []


def test_C17_a_charger_that_goes_by_watts() -> None:
    """Below 4,140 W it charges on one phase, whatever was said; found out where the number of phases is ignored."""
    pair = charging("phases-by-watts")
    pair.wish(**ONE)
    pair.go(300)
    assert flows(pair) == (8.0, 1)
    assert pair.talk.store.ledger.manner("garage").phases == "watts"
    assert [one["unit"] for one in pair.profiles()] == ["A", "A", "A", "W"]
    pair.wish(phases=1)
    pair.go(30)
    assert phases(pair) == 1
    assert pair.profiles()[-1]["limit"] == 4117.0  # with more it would charge on three
    assert pair.station.tally.damage == []


@pytest.mark.parametrize("vice", ["watts-only", "phases-by-watts"])
def test_C17_watts_where_the_owner_says_so(vice: str) -> None:
    pair = charging(vice, quirks=Quirks(phases="watts"))
    pair.wish(**ONE)
    pair.go(120)
    assert flows(pair) == (8.0, 1)
    assert {one["unit"] for one in pair.profiles() if one["limit"]} == {"W"}
    pair.wish(**THREE)
    pair.go(400)
    assert flows(pair) == (8.0, 3)
    assert unharmed(pair)


def test_C17_watts_without_a_word_of_phases() -> None:
    pair = charging("refuses-phases", "phases-by-watts", quirks=Quirks(phases="watts"))
    pair.wish(**ONE)
    pair.go(120)
    assert flows(pair) == (8.0, 1)
    assert [(one["limit"], one["phases"]) for one in pair.profiles()][-2:] == [(1840.0, 1), (1840.0, None)]


BY_KEY = Quirks(phases="key", phase_key="Phases", phase_values=("single", "all"))


def test_C17_the_makers_own_key() -> None:
    """Set in the gap; limits then say no number."""
    pair = charging(quirks=BY_KEY)
    pair.instead["ChangeConfiguration"] = '3 {"status":"Accepted"}'
    pair.wish(**ONE)
    pair.go(55)
    assert pair.called("ChangeConfiguration") == []
    pair.go(10)
    assert pair.called("ChangeConfiguration") == [{"key": "Phases", "value": "single"}]
    assert [(one["limit"], one["phases"]) for one in pair.profiles()] == [(0.0, None), (8.0, None)]
    order = [action for action, _ in pair.heard if action in ("ChangeConfiguration", "SetChargingProfile")]
    assert order == ["SetChargingProfile", "ChangeConfiguration", "SetChargingProfile"]
    assert pair.told().phases == 1
    pair.go(200)  # this one has no such key in truth, which its currents tell
    assert pair.words() == "8 A: verified, it follows; it does not change its number of phases"
    assert len(pair.called("ChangeConfiguration")) == 1


def test_C17_the_makers_own_key_is_refused() -> None:
    pair = charging(quirks=BY_KEY)
    pair.wish(**ONE)
    pair.go(200)
    assert len(pair.called("ChangeConfiguration")) == 1
    assert flows(pair) == (8.0, 3)
    assert pair.words() == "8 A: verified, it follows; it does not change its number of phases"


def test_C17_the_makers_own_key_without_an_answer() -> None:
    pair = charging(quirks=BY_KEY)
    pair.instead["ChangeConfiguration"] = ""
    pair.wish(**ONE)
    pair.go(160)
    pair.instead["ChangeConfiguration"] = '3 {"status":"Accepted"}'
    pair.go(100)
    assert {call["value"] for call in pair.called("ChangeConfiguration")} == {"single"}
    assert pair.profiles()[-1]["limit"] == 8.0


@pytest.mark.parametrize("vice", ["zero-ends-transaction", "zero-refused", "unlimited-after-zero", "stuck-after-zero"])
def test_C9_C11_where_no_pause_is_borne_the_charge_is_ended_for_the_gap(vice: str) -> None:
    pair = charging(vice)
    pair.wish(**ONE)
    pair.go(420)
    assert flows(pair) == (8.0, 1)
    assert not pair.station.tally.damage
    pair.wish(**THREE)
    pair.go(500)
    assert flows(pair) == (8.0, 3)
    assert not pair.station.tally.damage


def test_limits_for_a_charge_alone_and_no_pause_leave_the_phases_as_they_are() -> None:
    """The other number would be gone with the charge that was ended for it."""
    pair = charging("tx-profile-only", "zero-ends-transaction")
    pair.wish(current_a=0.0)
    pair.go(60)
    pair.wish(**ONE)
    pair.go(900)
    assert flows(pair) == (8.0, 3)
    assert len(pair.called("RemoteStopTransaction")) <= 1


def test_phases_said_for_a_charge_alone_end_with_it() -> None:
    pair = charging("tx-profile-only")
    pair.wish(**ONE)
    pair.go(120)
    assert flows(pair) == (8.0, 1)
    pair.leave()
    pair.go(400)
    pair.plug_in()
    pair.go(120)
    assert flows(pair) == (8.0, 1)
    assert not pair.station.tally.damage


@pytest.mark.parametrize("vice", ["no-phase-currents", "no-currents", "energy-only", "measures-nothing"])
def test_C24_a_pause_lies_between_whatever_the_charger_tells(vice: str) -> None:
    pair = charging(vice)
    pair.wish(current_a=8.0)
    pair.go(100)
    pair.wish(**ONE)
    pair.go(150)
    assert flows(pair) == (8.0, 1)
    assert unharmed(pair)


def test_C24_a_current_that_goes_on_is_waited_for() -> None:
    """It was told nothing, and does not obey: so nothing is switched."""
    pair = charging("stores-and-ignores")
    pair.wish(**ONE)
    pair.go(80)
    assert {one["limit"] for one in pair.profiles()} == {0.0}


@pytest.mark.parametrize("of", [1, 2])
def test_cars_of_one_or_two_phases(of: int) -> None:
    pair = charging(phases=of)
    pair.wish(current_a=8.0)
    pair.go(60)
    assert flows(pair) == (8.0, of)
    pair.wish(**ONE)
    pair.go(150)
    assert flows(pair) == (8.0, 1)
    pair.wish(**THREE)
    pair.go(400)
    assert flows(pair) == (8.0, of)
    assert pair.state() is VERIFIED
    assert unharmed(pair)


def test_watts_for_a_car_of_two_phases() -> None:
    """What is wished in watts is all of it, once it is known on how many phases it flows."""
    pair = charging(phases=2)
    pair.wish(power_w=4600.0)
    pair.go(100)
    assert flows(pair) == (10.0, 2)


def test_C18_watts_of_a_charger_that_has_one_phase() -> None:
    """Told 6,900 W for 10 A it gives 30 A: that is seen, and its watts are of one phase from then on."""
    pair = charging("watts-only", quirks=Quirks(rate_unit="W"))
    pair.instead["SetChargingProfile"] = '3 {"status":"Accepted"}'
    pair.wish(current_a=10.0)
    pair.go(10)
    sample = (
        '[2,"s","MeterValues",{"connectorId":1,"meterValue":[{"timestamp":"2026-06-01T12:02:00Z","sampledValue":['
        '{"value":"30","measurand":"Current.Import","phase":"L1"},'
        '{"value":"6900","measurand":"Power.Active.Import"}]}]}]'
    )
    pair.instead["TriggerMessage"] = '3 {"status":"Rejected"}'
    pair.go(20)
    pair.session.receive_text(sample, pair.talk.clock.seconds)
    pair.go(5)
    assert [one["limit"] for one in pair.profiles()] == [6900.0, 2300.0]
    assert pair.talk.store.ledger.manner("garage").watts_of == 1


def test_C18_watts_that_turn_out_to_be_of_three_phases() -> None:
    """Another car was on one phase, and the charger went by that: now it holds back, as 2,300 W are 3.3 A on three."""
    pair = charging("watts-only")
    pair.talk.store.ledger.keep_manner("garage", Manner(firmware=pair.station.firmware, watts_of=1))
    pair.wish(current_a=10.0)
    pair.go(100)
    assert [one["limit"] for one in pair.profiles()][-2:] == [2300.0, 6900.0]
    assert flows(pair) == (10.0, 3)


@pytest.mark.parametrize("more", [(), ("slow-answers",)], ids=["at once", "slowly"])
def test_C11_no_limit_after_the_gap_is_no_sign_that_phases_are_ignored(more: tuple[str, ...]) -> None:
    pair = charging("unlimited-after-zero", *more, phases=2)
    pair.wish(**ONE)
    pair.go(420)
    assert flows(pair) == (8.0, 1)
    assert pair.talk.store.ledger.manner("garage").phases == ""
    assert not pair.station.tally.damage


def forgets(pair: Pair, *, boots: bool) -> None:
    """In the middle of its charge, on one phase."""
    pair.wish(**ONE)
    pair.go(420)
    assert (flows(pair), pair.state()) == ((8.0, 1), VERIFIED)
    pair.station.profiles.clear(pair.everything())
    if boots:
        pair.station.boot()


@pytest.mark.parametrize("boots", [True, False], ids=["boot", "unasked"])
@pytest.mark.parametrize(
    "more", [(), ("no-composite-schedule",), ("no-currents",), ("no-phase-currents",)], ids=" ".join
)
def test_C19_a_charger_that_forgets_is_on_any_number_of_phases(more: tuple[str, ...], boots: bool) -> None:
    """So that it is told one again takes a pause."""
    pair = charging("forgets-at-reboot", *more)
    forgets(pair, boots=boots)
    pair.go(400)
    assert flows(pair) == (8.0, 1)
    assert {swap.phases for swap in pair.station.tally.damage} == {3}  # which is its own doing
    assert pair.talk.store.ledger.manner("garage").phases == ""


def test_C19_a_charger_that_has_not_forgotten_goes_on() -> None:
    pair = charging()
    pair.wish(**ONE)
    pair.go(420)
    told = len(pair.profiles())
    pair.station.boot()
    pair.go(120)
    assert (flows(pair), len(pair.profiles())) == ((8.0, 1), told)


def test_C17_phases_that_are_lost_again_are_the_chargers_choice() -> None:
    pair = charging()
    for phases in ("", "watts"):
        forgets(pair, boots=False)
        pair.go(500)
        assert pair.talk.store.ledger.manner("garage").phases == phases
