"""A wish outlives connections, boots and restarts of ours, and no memory of the charger is worn out by it."""

from __future__ import annotations

import pytest
from pair import Pair

from tinyocpp.dealings import LimitState

VERIFIED = LimitState.VERIFIED
TEN, PAUSE = {"current_a": 10.0}, {"current_a": 0.0}


def limited(*vices: str, charging: bool = True) -> Pair:
    pair = Pair(vices=vices)
    if charging:
        pair.plug_in()
    pair.go(20)
    pair.wish(**TEN)
    pair.go(60)
    return pair


def heard_from(pair: Pair) -> Pair:
    """Whoever has nothing to say is heard of with its next sample or heartbeat."""
    pair.station.heartbeat()
    pair.go(30)
    return pair


def test_C20_a_storm_of_connections_writes_nothing() -> None:
    """It is asked what it will do, and told again only if that is not the limit."""
    pair = limited()
    for _ in range(20):
        pair = heard_from(pair.again())
        assert pair.profiles() == []
        assert len(pair.called("GetCompositeSchedule")) == 1
    pair.go(100)
    assert (pair.state(), pair.drawn_a()) == (VERIFIED, 10.0)


def test_C20_a_storm_of_boots_writes_nothing() -> None:
    """B9: they come in bursts with some."""
    pair = limited()
    pair.again(boot=True)
    for _ in range(5):
        pair = heard_from(pair.again(boot=True))
        assert pair.profiles() == []


def test_C19_a_charger_that_forgets_when_it_boots_is_told_again() -> None:
    pair = limited("forgets-at-reboot", charging=False)
    pair = heard_from(pair.again(boot=True))
    assert [one["limit"] for one in pair.profiles()] == [10.0]
    pair.plug_in()
    pair.go(60)
    assert pair.drawn_a() == 10.0


def test_C19_a_boot_over_the_same_connection() -> None:
    pair = limited("forgets-at-reboot", charging=False)
    pair.station.profiles.clear(pair.everything())
    pair.station.boot()
    pair.go(10)
    assert [one["limit"] for one in pair.profiles()] == [10.0, 10.0]


def test_C20_without_a_composite_schedule_it_is_believed_for_an_hour() -> None:
    pair = heard_from(limited("no-composite-schedule").again())
    assert pair.profiles() == []
    pair = pair.again()
    pair.talk.clock.pass_(3700)
    pair = heard_from(pair)
    assert [one["limit"] for one in pair.profiles()] == [10.0]


def test_C19_without_a_composite_schedule_a_boot_is_a_reason_to_tell_it() -> None:
    pair = heard_from(limited("no-composite-schedule", charging=False).again(boot=True))
    assert [one["limit"] for one in pair.profiles()] == [10.0]


def test_another_wish_since_is_told_without_a_question() -> None:
    pair = limited().again()
    pair.wish(current_a=8.0)
    pair.go(30)
    assert [one["limit"] for one in pair.profiles()] == [8.0]
    assert pair.called("GetCompositeSchedule") == []


def test_a_limit_for_a_charge_alone_counts_over_connections_too() -> None:
    pair = heard_from(limited("tx-profile-only").again())
    assert pair.profiles() == []
    assert pair.drawn_a() == 10.0


def test_phases_and_the_dwell_count_over_connections() -> None:
    pair = limited()
    pair.wish(current_a=8.0, phases=1)
    pair.go(100)
    pair = pair.again()
    pair.wish(current_a=8.0, phases=3)
    pair.go(120)
    assert {one["phases"] for one in pair.profiles()} == {1}  # five minutes are not over
    pair.go(300)
    assert [(one["limit"], one["phases"]) for one in pair.profiles()][-2:] == [(0.0, None), (8.0, 3)]
    assert pair.station.tally.damage == []


def test_the_line_is_lost_while_it_is_told() -> None:
    pair = limited()
    pair.instead["SetChargingProfile"] = ""
    pair.wish(current_a=8.0)
    pair.go(5)
    pair = heard_from(pair.again())
    pair.go(60)
    assert (pair.state(), pair.drawn_a()) == (VERIFIED, 8.0)


def test_the_line_is_lost_in_the_gap_between_two_numbers_of_phases() -> None:
    pair = limited()
    pair.wish(current_a=8.0, phases=1)
    pair.go(20)
    pair = heard_from(pair.again())
    pair.go(150)
    assert pair.drawn_a() == 8.0
    assert pair.station.tally.damage == []


@pytest.mark.parametrize("boot", [False, True], ids=["line", "boot"])
def test_a_pause_outlives_them(boot: bool) -> None:
    pair = limited()
    pair.wish(**PAUSE)
    pair.go(60)
    pair = heard_from(pair.again(boot=boot))
    assert pair.drawn_a() == 0.0
    assert pair.profiles() == []


def test_a_fault_of_ours_costs_the_errand_its_connection_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is kept is in the ledger, so the next connection goes on with it."""
    pair = limited()
    monkeypatch.setattr(pair.talk.store.ledger, "wishes", broken)
    with pytest.raises(ZeroDivisionError):
        pair.go(700)
    monkeypatch.undo()
    pair = heard_from(pair.again())
    assert (pair.state(), pair.drawn_a()) == (VERIFIED, 10.0)


def broken(charger_id: str) -> list[object]:
    return [1 / len(charger_id[:0])]
