"""What the control program lets a charger have, from moment to moment, and what is left when nobody says anything."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from conversation import NOON
from pair import Pair, charging

from tinyocpp.dealings import LimitState
from tinyocpp.makers import Quirks
from tinyocpp.modes import Pace
from tinyocpp.simulator.charging import reading

MAX = "ChargePointMaxProfile"


def offered(pair: Pair, current_a: float | None, seconds: float = 60, phases: int | None = None, **more: Any) -> Pair:
    """Every ten seconds, as the control program does it."""
    for _ in range(int(seconds // 10)):
        pair.offer(current_a, phases, **more)
        pair.go(10)
    return pair


def purposes(pair: Pair) -> list[tuple[str, float]]:
    return [(one["purpose"], one["limit"]) for one in pair.profiles()]


def test_C20_an_offer_is_a_TxProfile_that_expires_over_a_default_that_stays() -> None:
    """The default is what counts when nobody says anything any more; neither is written to flash for a cloud."""
    pair = offered(charging(), 10.0)
    assert purposes(pair) == [("TxDefault", 6.0), ("Tx", 10.0)]
    profile = pair.called("SetChargingProfile")[-1]["csChargingProfiles"]
    assert profile["validTo"] > profile["chargingSchedule"]["startSchedule"]
    assert "validTo" not in pair.called("SetChargingProfile")[0]["csChargingProfiles"]
    assert pair.drawn_a() == 10.0
    offered(pair, 12.5)
    assert purposes(pair)[2:] == [("Tx", 12.5)]
    assert pair.drawn_a() == 12.5


def test_an_offer_that_stays_is_renewed_before_it_expires() -> None:
    pair = offered(charging(), 10.0, 3600)
    assert pair.drawn_a() == 10.0
    assert 34 <= len(pair.profiles()) <= 40


def test_a_charger_is_told_at_most_every_five_seconds() -> None:
    pair = offered(charging(), 10.0)
    told = len(pair.profiles())
    for number in range(60):
        pair.offer(10.0 + number / 10)
        pair.go(1)
    assert len(pair.profiles()) - told <= 12


def test_less_is_told_within_five_seconds() -> None:
    """Also where a raise would have to wait."""
    pair = offered(charging(), 10.0)
    pair.offer(12.0)
    pair.go(1)
    pair.offer(8.0)
    pair.go(6)
    assert pair.drawn_a() == 8.0


@pytest.mark.parametrize("vice", ["default-profile-only"])
def test_C20_raises_are_rare_where_a_default_has_to_do(vice: str) -> None:
    pair = offered(charging(vice), 7.0)
    told = len(pair.profiles())
    for number in range(120):
        pair.offer(7.0 + number / 20)
        pair.go(1)
    assert len(pair.profiles()) - told <= 3
    assert MAX not in {one["purpose"] for one in pair.profiles()}
    pair.offer(6.0)
    pair.go(10)
    assert pair.drawn_a() == 6.0


def test_an_offer_that_is_not_renewed_falls_to_the_fallback() -> None:
    pair = offered(charging(), 16.0)
    pair.go(70)
    assert pair.drawn_a() == 6.0


def test_the_fallback_may_be_a_pause() -> None:
    pair = offered(charging(), 16.0, fallback_a=0.0)
    pair.go(70)
    assert pair.drawn_a() == 0.0


def test_no_offer_takes_the_wish_along_and_a_wish_below_it_wins() -> None:
    pair = charging()
    pair.wish(current_a=8.0)
    pair.go(10)
    offered(pair, 16.0)
    assert pair.drawn_a() == 8.0
    offered(pair, 7.0)
    assert pair.drawn_a() == 7.0
    pair.wish(current_a=0.0)
    pair.go(30)
    assert pair.drawn_a() == 0.0
    pair.wish()
    offered(pair, 9.0)
    assert pair.drawn_a() == 9.0


def test_an_offer_that_is_taken_back_leaves_nothing() -> None:
    pair = offered(charging(), 10.0)
    pair.offer(None)
    pair.go(20)
    assert (pair.drawn_a(), len(pair.station.profiles), pair.told()) == (16.0, 0, None)
    assert not pair.talk.charger.limiting


def test_an_offer_that_is_taken_back_leaves_the_wish() -> None:
    pair = charging()
    pair.wish(current_a=10.0)
    offered(pair, 8.0)
    pair.offer(None)
    pair.go(20)
    assert (pair.drawn_a(), len(pair.station.profiles)) == (10.0, 1)


def test_before_a_charge_the_default_alone_is_told() -> None:
    pair = Pair()
    offered(pair, 12.0)
    assert purposes(pair) == [("TxDefault", 6.0)]
    pair.plug_in()
    offered(pair, 12.0, 20)
    assert pair.drawn_a() == 12.0
    pair.leave()
    offered(pair, 12.0)
    pair.plug_in()
    offered(pair, 12.0, 20)
    assert pair.drawn_a() == 12.0


@pytest.mark.parametrize("vices", [(), ("forgets-at-reboot",)], ids=["keeps", "forgets"])
def test_when_tinyocpp_is_lost_the_charger_falls_to_what_was_left_with_it(vices: tuple[str, ...]) -> None:
    """The line breaks and nobody comes back; a charger that ignores when a profile ends has no such default."""
    pair = offered(charging(*vices), 16.0)
    pair.session.connection_lost()
    pair.station.disconnected(pair.talk.clock.at)
    pair.talk.clock.pass_(16 * 60)
    pair.station.advance(pair.talk.clock.at)
    assert pair.offered_a() == 6.0


def test_after_a_restart_of_ours_the_default_holds_until_control_is_back() -> None:
    pair = offered(charging(), 10.0).again()
    pair.station.heartbeat()
    pair.go(30)
    assert pair.profiles() == []
    offered(pair, 9.0)
    assert pair.drawn_a() == 9.0
    assert pair.station.tally.excess_a < 0.1


def test_after_a_restart_without_control_it_is_nobodys_limit() -> None:
    pair = offered(charging(), 10.0).again()
    pair.station.heartbeat()
    pair.go(150)
    assert pair.told() is None
    assert not pair.talk.charger.limiting


def test_phases_are_offered_too_and_changed_without_a_load() -> None:
    pair = offered(charging(), 10.0, phases=3)
    offered(pair, 12.0, 120, phases=1)
    assert pair.drawn_a() == 12.0
    assert pair.told().phases == 1
    offered(pair, 8.0, 420, phases=3)
    assert pair.told().phases == 3
    assert pair.drawn_a() == 8.0
    assert pair.station.tally.damage == []
    pair.offer(12.0, 1)
    pair.offer(None)
    pair.go(300)
    assert pair.station.tally.damage == []


def test_a_pause_before_other_phases_is_not_broken_off_for_the_last_of_the_time_between_two_changes() -> None:
    """A current for some seconds, and the pause would begin anew."""
    pair = offered(charging(), 12.0, 120, phases=1)
    swapped_at = pair.told().swapped_at
    assert swapped_at is not None
    offered(pair, 12.0, 230 - (pair.talk.clock.at - swapped_at).total_seconds(), phases=1)
    offered(pair, 0.0, 60, phases=3)
    currents = []
    for _ in range(3):
        offered(pair, 10.0, 10, phases=3)
        currents.append((pair.drawn_a(), pair.told().phases))
    assert {one for one in currents if one[0]} == {(10.0, 3)}


def test_an_offer_taken_back_on_one_phase() -> None:
    """No limit means three phases, and these take a pause."""
    pair = offered(charging(), 12.0, 120, phases=1)
    pair.offer(None)
    pair.go(400)
    assert (pair.drawn_a(), len(pair.station.profiles)) == (16.0, 0)
    assert pair.station.tally.damage == []


@pytest.mark.parametrize("vice", ["tx-profile-only", "stack-0-only", "watts-only", "relative-only", "connector-0-only"])
def test_offers_in_the_shape_it_takes(vice: str) -> None:
    pair = offered(charging(vice), 10.0, 120)
    assert pair.drawn_a() == 10.0
    offered(pair, 8.0, 30)
    assert pair.drawn_a() == 8.0
    assert pair.station.tally.too_small_a == []


def test_C9_an_offer_of_nothing_where_no_pause_is_borne() -> None:
    pair = offered(charging("zero-ends-transaction"), 10.0)
    offered(pair, 0.0, 60)
    offered(pair, 10.0, 150)
    assert pair.drawn_a() == 10.0
    offered(pair, 0.0, 60)
    assert pair.drawn_a() == 0.0
    offered(pair, 10.0, 150)
    assert pair.drawn_a() == 10.0


def test_two_connectors_are_offered_what_each_is() -> None:
    pair = Pair(connectors=2)
    pair.plug_in(1)
    pair.plug_in(2)
    for _ in range(6):
        pair.offer(10.0, connector_id=1)
        pair.offer(7.0, connector_id=2)
        pair.go(10)
    assert (pair.drawn_a(1), pair.drawn_a(2)) == (10.0, 7.0)


def test_an_offer_that_is_ignored_is_made_in_another_way() -> None:
    pair = offered(charging("accepts-and-ignores"), 10.0, 600)
    assert len({(one["purpose"], one["kind"], one["stack"], one["unit"]) for one in pair.profiles()}) > 4
    assert pair.state() in (LimitState.IGNORED, LimitState.ACCEPTED)


def three_then_one(*vices: str) -> Pair:
    pair = offered(charging(*vices), 16.0, 60, phases=3)
    return offered(pair, 8.0, 900, phases=1)


def phases(pair: Pair) -> int:
    return reading(pair.station, pair.station.connectors[1]).phases


UNBORNE = ["zero-ends-transaction", "zero-refused", "stuck-after-zero", "unlimited-after-zero"]


@pytest.mark.parametrize("vice", UNBORNE)
def test_C9_where_no_pause_is_borne_no_charge_is_ended_for_a_cloud(vice: str) -> None:
    """On as many phases as there are it charges on; what that takes is found out once."""
    pair = three_then_one(vice)
    assert (pair.drawn_a(), phases(pair)) == (8.0, 3)
    assert len(pair.called("RemoteStopTransaction")) <= 1
    assert pair.station.tally.damage == []


def test_what_is_left_with_a_charger_on_one_phase_is_no_pause() -> None:
    pair = three_then_one()
    assert (pair.drawn_a(), phases(pair)) == (8.0, 1)
    assert [(one["limit"], one["phases"]) for one in pair.profiles() if one["purpose"] == "TxDefault"] == [
        (6.0, None),
        (6.0, 1),
    ]
    pair.go(70)  # nobody says anything any more
    assert (pair.drawn_a(), phases(pair), pair.station.tally.damage) == (6.0, 1, [])


@pytest.mark.parametrize("of", [1, 3])
def test_C24_the_next_charge_begins_on_all_phases_whatever_the_last_one_was_on(of: int) -> None:
    pair = three_then_one()
    pair.leave()
    offered(pair, 0.0, 100)
    pair.plug_in()
    offered(pair, 8.0, 500, phases=of)
    assert (pair.drawn_a(), phases(pair), pair.station.tally.damage) == (8.0, of, [])


def test_samples_as_often_as_control_wants_them() -> None:
    pair = charging()
    pair.talk.charger.quirks = Quirks()
    offered(pair, 10.0, 60, sample_s=10)
    assert pair.called("ChangeConfiguration") == [{"key": "MeterValueSampleInterval", "value": "10"}]


def test_measurands_are_set_where_neither_power_nor_current_is_told() -> None:
    """Lists that are too long are refused whole (M22)."""
    pair = charging("energy-only")
    pair.instead["ChangeConfiguration"] = '3 {"status":"Rejected"}'
    offered(pair, 10.0, 200, sample_s=60)
    assert [call["key"] for call in pair.called("ChangeConfiguration")].count("MeterValuesSampledData") == 3


@pytest.mark.parametrize("ahead_s", [0, 3600], ids=["in time", "clock ahead"])
def test_samples_that_do_not_come_are_asked_for(ahead_s: int) -> None:
    pair = charging("measures-nothing", ahead=timedelta(seconds=ahead_s))
    pair.station.configuration.set("MeterValueSampleInterval", "10")
    pair.talk.store.ledger.learn_configuration("garage", {"MeterValueSampleInterval": "10"})
    offered(pair, 10.0, 120, sample_s=10)
    assert pair.called("ChangeConfiguration") == []
    assert 5 <= len(pair.called("TriggerMessage")) <= 12


def test_measurands_are_set_once() -> None:
    pair = charging("energy-only")
    pair.instead["ChangeConfiguration"] = '3 {"status":"Accepted"}'
    offered(pair, 10.0, 200, sample_s=60)
    assert [call["key"] for call in pair.called("ChangeConfiguration")].count("MeterValuesSampledData") == 1


def test_an_offer_that_is_refused() -> None:
    """The default was refused before it, and that is what the owner reads."""
    pair = offered(charging("refuses-all"), 10.0)
    assert pair.words().startswith("6 A: refused in 13 ways")


def test_an_offer_of_which_nothing_shows_whether_it_is_followed() -> None:
    pair = charging("measures-nothing")
    pair.instead["GetCompositeSchedule"] = '4 "NotSupported","",{}'
    offered(pair, 10.0, 120)
    assert pair.words() == "6 A: accepted, not yet verified"


def test_an_offer_in_the_place_of_the_wish_gives_it_back() -> None:
    """Where a charger knows one place alone, the offer takes it; when it is taken back the wish is told again."""
    pair = charging("stack-0-only", "default-profile-only", "connector-0-only")
    pair.wish(current_a=10.0)
    pair.go(60)
    offered(pair, 7.0, 120)
    assert pair.drawn_a() == 7.0
    pair.offer(None)
    pair.go(30)
    assert pair.drawn_a() == 10.0


def test_a_wish_for_the_charge_alone_makes_room_for_an_offer_above_it() -> None:
    pair = charging("tx-profile-only")
    pair.wish(current_a=10.0)
    pair.go(60)
    offered(pair, 8.0, 60, fallback_a=10.0)
    assert pair.drawn_a() == 8.0
    assert [(one["stack"], one["limit"]) for one in pair.profiles()[-2:]] == [(0, 10.0), (10, 8.0)]


def moving(pair: Pair, seconds: int) -> None:
    """Every ten seconds a little more or less."""
    for number in range(seconds // 10):
        pair.offer(9.0 + number % 7 / 5)
        pair.go(10)


def test_C14_an_offer_that_moves_all_the_time_is_looked_at_too() -> None:
    pair = charging("accepts-and-ignores")
    pair.talk.store.ledger.learn_configuration("garage", {"ChargeProfileMaxStackLevel": "10"})
    moving(pair, 120)
    assert len({(one["kind"], one["stack"]) for one in pair.profiles() if one["purpose"] == "Tx"}) >= 2


def test_an_offer_that_moves_all_the_time_and_is_followed_is_left_alone() -> None:
    pair = charging()
    moving(pair, 600)
    assert len({(one["purpose"], one["kind"], one["stack"]) for one in pair.profiles()}) == 2
    assert pair.talk.store.ledger.manner("garage").ignored == ()
    assert len(pair.called("TriggerMessage")) <= 2


def test_a_large_step_down_is_given_time() -> None:
    """A sample that comes at once still shows what was told before."""
    pair = charging()
    pair.station.configuration.set("MeterValueSampleInterval", "1")
    offered(pair, 15.0, 120)
    offered(pair, 7.0, 120)
    assert pair.talk.store.ledger.manner("garage").ignored == ()
    assert pair.drawn_a() == 7.0


def begun_anew(pair: Pair, *, steered: bool) -> Pair:
    """Another process of ours, on the same ledger; nobody offers anything yet."""
    pair.station.disconnected(pair.talk.clock.at)
    again = Pair(store=pair.talk.store, station=pair.station)
    again.talk.charger.pace = Pace(steered=steered)
    return again


def test_what_was_left_with_a_charger_holds_until_the_control_program_is_back() -> None:
    pair = begun_anew(offered(charging(), 10.0), steered=True)
    pair.go(7200)
    assert pair.drawn_a() == 6.0
    assert pair.called("ClearChargingProfile") == []
    pair.offer(None)
    pair.go(5)
    assert pair.called("ClearChargingProfile") == [{"id": 11}]
    assert pair.drawn_a() == 16.0


def test_where_nothing_steers_any_more_what_was_left_goes_after_a_minute() -> None:
    pair = begun_anew(offered(charging(), 10.0), steered=False)
    pair.go(50)
    assert pair.called("ClearChargingProfile") == []
    pair.go(60)  # counted from its first frame
    assert pair.called("ClearChargingProfile") == [{"id": 11}]


@pytest.mark.parametrize(("stated", "ahead_s"), [("14:00:02", 7200), ("11:58:02", -120), ("12:00:20", 0)])
def test_C6_a_wrong_clock_is_known_by_what_it_states(stated: str, ahead_s: float) -> None:
    pair = offered(charging(), 10.0)
    pair.talk.clock.at = NOON
    pair.talk.asks(
        "MeterValues",
        connectorId=1,
        meterValue=[{"timestamp": f"2026-06-01T{stated}Z", "sampledValue": [{"value": "1"}]}],
    )
    assert abs(pair.talk.charger.clock_ahead.total_seconds() - ahead_s) <= 2


def test_an_offer_that_is_taken_back_right_after_a_gap_leaves_the_phases_until_the_next() -> None:
    """Beneath it lies what was left with the charger, which says nothing of phases: that is told first."""
    pair = charging()
    for _ in range(8):
        pair.offer(0.0)
        pair.go(10)
    pair.offer(6.0, 1)
    pair.go(1)
    assert [one["phases"] for one in pair.profiles()][-1] == 1
    pair.offer(None)
    pair.go(400)
    assert pair.station.tally.damage == []
    assert pair.drawn_a() == 16.0
