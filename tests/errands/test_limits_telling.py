"""A wish reaches the charger in the shape it takes, and what that taught is kept (errands/limiting/telling.py)."""

from __future__ import annotations

import pytest
from pair import Pair, charging

from tinyocpp.dealings import LimitState, Manner, Shape, Wish, Wished
from tinyocpp.makers import Quirks

ACCEPTED, VERIFIED, REFUSED, ASKED = LimitState.ACCEPTED, LimitState.VERIFIED, LimitState.REFUSED, LimitState.ASKED


def registered(pair: Pair, status: str) -> None:
    """The owner has said so; it is looked up now and then."""
    pair.talk.store.register.set_registration("garage", status)
    pair.talk.charger.look_up_registration()


def manner(pair: Pair) -> Manner:
    return pair.talk.store.ledger.manner("garage")


def test_a_limit_is_told_looked_at_and_taken_back() -> None:
    pair = charging()
    pair.wish(current_a=10.0)
    pair.go(2)
    assert (pair.state(), pair.words()) == (ACCEPTED, "10 A: accepted, not yet verified")
    pair.go(40)
    assert (pair.state(), pair.words(), pair.drawn_a()) == (VERIFIED, "10 A: verified, it follows", 10.0)
    assert len(pair.profiles()) == 1
    pair.wish()
    pair.go(2)
    assert pair.told() is None
    assert pair.talk.store.ledger.wishes("garage") == []
    assert len(pair.station.profiles) == 0
    assert not pair.talk.charger.limiting
    assert pair.talk.charger.connectors == {}  # nothing is remembered where nothing is limited


def test_without_limits_nothing_is_asked_or_kept() -> None:
    pair = charging()
    pair.go(600)
    assert pair.heard == []
    assert (pair.talk.charger.limiting, pair.talk.charger.connectors) == (False, {})


def test_the_keys_are_asked_once() -> None:
    pair = charging()
    pair.wish(current_a=10.0)
    pair.go(5)
    pair.wish()
    pair.go(5)
    pair.wish(current_a=8.0)
    pair.go(5)
    assert len(pair.called("GetConfiguration")) == 1


@pytest.mark.parametrize(
    ("vice", "purpose", "kind", "stack", "unit", "connector", "tries"),
    [
        pytest.param("", "TxDefault", "Absolute", 10, "A", 1, 1, id="none"),
        pytest.param("stack-0-only", "TxDefault", "Absolute", 0, "A", 1, 1, id="C1 as its key says"),
        pytest.param("no-max-profile", "TxDefault", "Absolute", 10, "A", 1, 1, id="C3"),
        pytest.param("ignores-max-profile", "TxDefault", "Absolute", 10, "A", 1, 1, id="C4"),
        pytest.param("absolute-only", "TxDefault", "Absolute", 10, "A", 1, 1, id="C5"),
        pytest.param("late-clock", "TxDefault", "Absolute", 10, "A", 1, 1, id="C6"),
        pytest.param("relative-only", "TxDefault", "Relative", 0, "A", 1, 3, id="C7"),
        pytest.param("watts-only", "TxDefault", "Absolute", 10, "W", 1, 1, id="C8 as its key says"),
        pytest.param("ignores-amperes", "TxDefault", "Absolute", 10, "W", 1, 1, id="C8 as its key says, ignored"),
        pytest.param("tx-profile-only", "Tx", "Relative", 10, "A", 1, 5, id="for a charge alone"),
        pytest.param("connector-0-only", "TxDefault", "Absolute", 0, "W", 0, 10, id="for the whole charger"),
    ],
)
def test_C1_C3_C4_C7_C8_one_thing_is_changed_at_a_time_until_it_takes_it(
    vice: str, purpose: str, kind: str, stack: int, unit: str, connector: int, tries: int
) -> None:
    pair = charging(*filter(None, [vice]))
    pair.wish(current_a=10.0)
    pair.go(60)
    last = pair.profiles()[-1]
    found = (last["purpose"], last["kind"], last["stack"], last["unit"], last["connector"])
    assert found == (purpose, kind, stack, unit, connector)
    assert len(pair.profiles()) == tries
    assert (pair.state(), pair.drawn_a()) == (VERIFIED, 10.0)
    pair.wish(current_a=8.0)
    pair.go(60)
    assert len(pair.profiles()) == tries + 1  # at once in the shape it takes
    assert pair.drawn_a() == 8.0


def test_what_was_learnt_counts_for_that_firmware_alone() -> None:
    pair = charging("relative-only")
    pair.wish(current_a=10.0)
    pair.go(5)
    assert manner(pair).standing == Shape(kind="Relative", stack_level=0)
    pair.station.firmware = "9.9"
    pair = pair.again(boot=True)
    pair.wish(current_a=9.0)
    pair.go(5)
    assert pair.profiles()[0]["kind"] == "Absolute"


def test_C15_a_charger_that_refuses_them_all() -> None:
    pair = charging("refuses-all")
    pair.wish(current_a=10.0)
    pair.go(30)
    assert len(pair.profiles()) == 13  # the first, and twelve fallbacks
    assert pair.words() == "10 A: refused in 13 ways (Rejected); docs/chargers.md may know what this one needs"
    pair.go(1800)
    assert len(pair.profiles()) == 13  # not again before an hour is over
    pair.go(1830)
    assert len(pair.profiles()) == 26


def test_C15_the_same_wish_again_is_tried_again() -> None:
    """The owner may have changed a setting of the charger's."""
    pair = charging("refuses-all")
    pair.wish(current_a=10.0)
    pair.go(30)
    pair.wish(current_a=10.0)
    pair.go(30)
    assert len(pair.profiles()) == 26
    pair.wish()
    pair.go(10)
    assert (pair.called("ClearChargingProfile"), pair.told()) == ([], None)  # it never took one


@pytest.mark.parametrize("vice", ["no-smart-charging", "unknown-smart-charging"])
def test_a_charger_without_smart_charging_is_asked_once(vice: str) -> None:
    pair = charging(vice)
    pair.wish(current_a=10.0)
    pair.go(60)
    assert len(pair.profiles()) == 1
    assert pair.state() is REFUSED
    assert "it has no smart charging" in pair.words()


def test_an_answer_that_says_nothing_of_use() -> None:
    pair = charging()
    pair.instead["SetChargingProfile"] = '4 "FormationViolation","",{}'
    pair.wish(current_a=10.0)
    pair.go(30)
    assert "(FormationViolation)" in pair.words()


def test_no_answer_is_no_refusal() -> None:
    """It is told again; the next answer counts."""
    pair = charging()
    pair.instead["SetChargingProfile"] = ""
    pair.wish(current_a=10.0)
    pair.go(65)
    assert (pair.state(), pair.words()) == (ASKED, "10 A: no answer; it is told again")
    assert len(pair.profiles()) == 1
    del pair.instead["SetChargingProfile"]
    pair.go(100)
    assert (pair.state(), pair.drawn_a()) == (VERIFIED, 10.0)


def test_a_rejected_charger_is_told_nothing_and_refuses_nothing() -> None:
    """Section 4.2: while it is rejected nothing may be asked of it."""
    pair = charging()
    registered(pair, "Rejected")
    pair.wish(current_a=10.0)
    pair.go(60)
    assert (pair.profiles(), pair.state()) == ([], ASKED)
    assert "its registration is not Accepted" in pair.words()
    registered(pair, "Accepted")
    pair.go(180)
    assert pair.state() is VERIFIED


def test_a_pending_charger_may_be_told() -> None:
    """Section 4.2: so that it can be prepared."""
    pair = charging()
    registered(pair, "Pending")
    pair.wish(current_a=10.0)
    pair.go(60)
    assert pair.state() is VERIFIED


def test_a_charger_that_was_away_is_told_when_it_is_back() -> None:
    pair = charging()
    pair.talk.store.ledger.keep_wish(
        Wished(charger_id="garage", connector_id=0, wish=Wish(current_a=10.0), at=pair.talk.clock.at)
    )
    pair = pair.again()
    pair.go(100)
    assert pair.state() is VERIFIED
    pair.talk.store.ledger.keep_wish(Wished(charger_id="garage", connector_id=0, wish=Wish(), at=pair.talk.clock.at))
    pair = pair.again()
    pair.go(100)
    assert (pair.told(), len(pair.station.profiles), pair.talk.store.ledger.wishes("garage")) == (None, 0, [])


def test_a_limit_is_gone_when_the_charger_has_said_so() -> None:
    pair = charging()
    pair.wish(current_a=10.0)
    pair.go(60)
    pair.instead["ClearChargingProfile"] = ""  # no answer
    pair.wish()
    pair.go(90)
    assert (pair.talk.store.ledger.wishes("garage")[0].wish.none, pair.drawn_a()) == (True, 10.0)
    del pair.instead["ClearChargingProfile"]
    pair.go(150)
    assert (pair.talk.store.ledger.wishes("garage"), pair.drawn_a()) == ([], 16.0)


def test_who_follows_hears_that_a_limit_is_gone() -> None:
    pair = charging()
    pair.wish(current_a=10.0)
    pair.go(60)
    pair.wish()
    pair.go(10)
    gone = pair.limit_events()[-1]
    assert (gone["current_a"], gone["state"], gone["words"], pair.told()) == (None, "accepted", "no limit", None)


def test_a_wish_while_an_answer_is_awaited_counts_at_once() -> None:
    """No settling of the first is waited for; and the first is not looked for in other shapes any more."""
    pair = charging("slow-answers", "relative-only")
    pair.wish(current_a=10.0)
    pair.go(25)  # the keys are waited for, and the first refusal is on its way
    pair.wish(current_a=8.0)
    pair.go(60)
    assert [one["limit"] for one in pair.profiles()[:3]] == [10.0, 8.0, 8.0]


def test_a_taken_limit_that_is_overtaken_is_told_again_if_it_comes_back() -> None:
    pair = charging("slow-answers")
    pair.wish(current_a=10.0)
    pair.go(50)
    pair.wish(current_a=8.0)
    pair.go(10)
    pair.wish(current_a=10.0)
    pair.go(120)
    assert pair.drawn_a() == 10.0


def test_the_charge_ends_while_it_is_told() -> None:
    """A TxProfile is refused then, which is no word against it."""
    pair = charging("tx-profile-only", "slow-answers")
    pair.wish(current_a=10.0)
    pair.go(42)
    pair.leave()
    pair.go(300)
    assert pair.state() in (REFUSED, ASKED)
    pair.plug_in()
    pair.go(200)
    assert pair.drawn_a() == 10.0


def test_a_charger_that_takes_limits_for_a_charge_alone() -> None:
    pair = charging("tx-profile-only")
    pair.wish(current_a=10.0)
    pair.go(60)
    pair.leave()
    pair.wish(current_a=8.0)
    pair.go(100)
    assert pair.words() == "8 A: told when a charge begins; it takes it no sooner"
    pair.plug_in()
    pair.go(60)
    assert (pair.state(), pair.drawn_a()) == (VERIFIED, 8.0)


def test_refused_at_rest_is_tried_again_with_the_charge() -> None:
    pair = Pair(vices=["tx-profile-only"])
    pair.wish(current_a=10.0)
    pair.go(30)
    assert pair.words().endswith("; tried again when a charge begins")
    pair.plug_in()
    pair.go(60)
    assert pair.state() is VERIFIED


def test_C19_told_again_with_each_charge() -> None:
    pair = charging()
    pair.wish(current_a=10.0)
    pair.go(60)
    pair.leave()
    told = len(pair.profiles())
    pair.plug_in()
    pair.go(10)
    assert len(pair.profiles()) == told + 1


def test_C22_the_number_the_charger_uses() -> None:
    """X7: it goes by its own number, and so does a TxProfile."""
    pair = Pair(vices=["tx-profile-only"])
    pair.plug_in()
    pair.station.connectors[1].transaction.transaction_id = 4711  # as if our answer had been another
    pair.station.configuration.set("MeterValueSampleInterval", "10")
    pair.go(30)
    pair.wish(current_a=10.0)
    pair.go(60)
    told = pair.called("SetChargingProfile")[-1]["csChargingProfiles"]
    assert told["transactionId"] == 4711
    assert pair.drawn_a() == 10.0


def test_two_connectors_each_with_its_own() -> None:
    pair = Pair(connectors=2)
    pair.plug_in(1)
    pair.plug_in(2)
    pair.wish(current_a=10.0)
    pair.wish(connector_id=2, current_a=8.0)
    pair.go(60)
    assert (pair.drawn_a(1), pair.drawn_a(2)) == (10.0, 8.0)
    pair.wish()
    pair.go(60)
    assert (pair.drawn_a(1), pair.drawn_a(2)) == (16.0, 8.0)
    assert (pair.told(1), pair.state(2)) == (None, VERIFIED)


def test_one_limit_for_the_whole_charger_is_the_least_of_all() -> None:
    pair = Pair(connectors=2, vices=["connector-0-only"])
    pair.plug_in(1)
    pair.plug_in(2)
    pair.wish(connector_id=1, current_a=8.0)
    pair.go(60)
    pair.wish(connector_id=2, current_a=12.0)
    pair.go(60)
    assert max(pair.drawn_a(1), pair.drawn_a(2)) <= 8.0
    pair.wish(connector_id=1)
    pair.go(60)
    assert max(pair.drawn_a(1), pair.drawn_a(2)) <= 12.0
    pair.wish(connector_id=2)
    pair.go(60)
    assert len(pair.station.profiles) == 0


def test_C2_a_level_that_cannot_be_cleared_is_cleared_by_its_number() -> None:
    pair = charging("keeps-level-0", "stack-0-only")
    pair.wish(current_a=10.0)
    pair.go(30)
    pair.wish()
    pair.go(10)
    assert pair.called("ClearChargingProfile") == [{"id": 11}]
    assert pair.drawn_a() > 10


@pytest.mark.parametrize(("composite", "lifted"), [("32.0", 0), ("10.0", 1)])
def test_C2_unknown_is_fine_unless_it_still_limits(composite: str, lifted: int) -> None:
    pair = charging()
    pair.wish(current_a=10.0)
    pair.go(30)
    told = len(pair.profiles())
    period = f'[{{"startPeriod":0,"limit":{composite}}}]'
    schedule = f'{{"duration":60,"chargingRateUnit":"A","chargingSchedulePeriod":{period}}}'
    pair.instead["ClearChargingProfile"] = '3 {"status":"Unknown"}'
    pair.instead["GetCompositeSchedule"] = f'3 {{"status":"Accepted","connectorId":1,"chargingSchedule":{schedule}}}'
    pair.wish()
    pair.go(10)
    assert len(pair.called("ClearChargingProfile")) == 2  # by number, by place
    assert [one["limit"] for one in pair.profiles()[told:]] == [32.0] * lifted
    assert pair.told() is None


def test_taken_back_without_an_answer_is_taken_back_again() -> None:
    pair = charging()
    pair.wish(current_a=10.0)
    pair.go(30)
    pair.instead["ClearChargingProfile"] = ""
    pair.wish()
    pair.go(70)
    assert pair.told() is not None
    del pair.instead["ClearChargingProfile"]
    pair.go(70)
    assert (pair.told(), len(pair.station.profiles)) == (None, 0)


def test_quirks_say_what_to_try_first() -> None:
    pair = charging()
    pair.talk.charger.quirks = Quirks(stack_level=0, profile_kind="Relative", rate_unit="W", current_step_a=1.0)
    pair.wish(current_a=10.7)
    pair.go(10)
    (told,) = pair.profiles()
    assert (told["stack"], told["kind"], told["unit"], told["limit"]) == (0, "Relative", "W", 6900.0)
