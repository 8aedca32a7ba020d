"""What was refused is kept in mind, and what else there is to try (errands/limiting/telling.py, limits.py)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pair import Pair, charging, short

from tinyocpp.dealings import LimitState

if TYPE_CHECKING:
    from collections.abc import Callable

VERIFIED, REFUSED = LimitState.VERIFIED, LimitState.REFUSED
MOST_TRIES = 13


def offered(pair: Pair, *offers_a: float, **more: float) -> Pair:
    """One after the other, every ten seconds, as the control program does it."""
    for current_a in offers_a:
        pair.offer(current_a, **more)
        pair.go(10)
    return pair


def up_and_down(seconds: int) -> list[float]:
    return [9.0 + number % 7 / 5 for number in range(seconds // 10)]


# -------------------------------------------------------------------------------------------------- no limit that moves


def test_a_charger_without_limits_that_move_is_steered_by_the_one_that_stays() -> None:
    """As it is in flash memory: less at once, more every ten minutes (C20)."""
    pair = offered(charging("max-profile-only"), *[10.0] * 6)
    assert pair.drawn_a() == 10.0
    told = len(pair.profiles())
    offered(pair, *[12.0] * 50)
    assert pair.drawn_a() == 10.0
    offered(pair, *[12.0] * 12)
    assert pair.drawn_a() == 12.0
    offered(pair, 8.0)
    assert pair.drawn_a() == 8.0
    offered(pair, 0.0)
    assert pair.drawn_a() == 0.0
    assert len(pair.profiles()) - told == 3
    assert pair.told().unsteered == ""


def test_also_where_a_pause_is_offered_first() -> None:
    pair = offered(charging("max-profile-only"), *[0.0] * 6)
    assert (pair.drawn_a(), pair.told().unsteered) == (0.0, "")
    assert len(pair.profiles()) <= 2 * MOST_TRIES
    offered(pair, *[10.0] * 62)
    assert pair.drawn_a() == 10.0


def test_also_where_a_number_of_phases_is_offered_first() -> None:
    pair = charging("max-profile-only")
    for _ in range(12):
        pair.offer(8.0, 1)
        pair.go(10)
    assert (pair.drawn_a(), pair.told().unsteered) == (8.0, "")
    assert pair.station.tally.damage == []


def test_and_falls_to_what_was_left_when_nothing_is_offered_any_more() -> None:
    pair = offered(charging("max-profile-only"), *[10.0] * 6)
    pair.go(80)
    assert pair.drawn_a() == 6.0
    pair.offer(None)
    pair.go(20)
    assert (pair.drawn_a(), len(pair.station.profiles), pair.told()) == (16.0, 0, None)


def test_the_wish_counts_beside_an_offer_in_its_place() -> None:
    pair = offered(charging("max-profile-only"), *[10.0] * 6)
    pair.wish(current_a=8.0)
    offered(pair, *[10.0] * 6)
    assert pair.drawn_a() == 8.0
    pair.wish(current_a=12.0)
    offered(pair, *[10.0] * 12)
    assert pair.drawn_a() == 10.0


def test_two_connectors_of_such_a_charger_have_the_least_of_both() -> None:
    pair = Pair(connectors=2, vices=["max-profile-only"])
    pair.plug_in(1)
    pair.plug_in(2)
    for _ in range(12):
        pair.offer(12.0, connector_id=1)
        pair.offer(8.0, connector_id=2)
        pair.go(10)
    assert max(pair.drawn_a(1), pair.drawn_a(2)) <= 8.0
    pair.leave(2)
    for _ in range(12):
        pair.offer(12.0, connector_id=1)
        pair.offer(8.0, connector_id=2)
        pair.go(10)
    assert pair.drawn_a(1) == 12.0


def test_it_is_kept_that_a_limit_was_told_for_the_charger_as_a_whole() -> None:
    pair = Pair(connectors=2, vices=["connector-0-only"])
    pair.plug_in(1)
    pair.wish(connector_id=1, current_a=8.0)
    pair.go(60)
    assert (pair.told(1).whole, pair.told(2)) == (True, None)


def test_the_owners_limit_for_another_connector_counts_beside_what_moves_for_all() -> None:
    pair = Pair(connectors=2, vices=["max-profile-only"])
    pair.plug_in(1)
    pair.plug_in(2)
    pair.wish(connector_id=2, current_a=8.0)
    offered(pair, *[12.0] * 12)
    assert max(pair.drawn_a(1), pair.drawn_a(2)) <= 8.0


def test_a_refusal_of_what_moves_is_of_the_charger_not_of_the_number() -> None:
    pair = offered(charging("refuses-all"), *up_and_down(3500))
    assert len(pair.profiles()) == 2 * MOST_TRIES  # what stays, and what moves


def test_a_refusal_of_what_moves_counts_over_connections() -> None:
    pair = offered(charging("relative-only", "stack-0-only", "default-profile-only"), *[6.0] * 6)
    pair.instead["SetChargingProfile"] = '3 {"status":"Rejected"}'
    offered(pair, *up_and_down(120))
    assert pair.told().unsteered.startswith("refused in ")
    pair = pair.again()
    pair.instead["SetChargingProfile"] = '3 {"status":"Rejected"}'
    offered(pair, *up_and_down(120))
    assert pair.profiles() == []


def test_a_limit_that_moves_below_the_wish_is_verified_for_it() -> None:
    pair = charging()
    pair.wish(current_a=8.0)
    offered(pair, *[16.0] * 6, fallback_a=0.0)
    assert (pair.words(), pair.told().steered) == ("pause: accepted, not yet verified", VERIFIED)
    pair.offer(None)
    pair.go(10)
    assert (pair.told().steered, pair.told().leftover) == (None, False)


def test_one_that_is_taken_after_all_is_steered_again() -> None:
    pair = charging()
    pair.instead["SetChargingProfile"] = '3 {"status":"Rejected"}'
    offered(pair, *up_and_down(120))
    assert pair.told().unsteered.startswith("refused in ")
    pair.instead.clear()
    offered(pair, *up_and_down(3700))
    assert pair.told().unsteered == ""
    assert pair.drawn_a() < 11


def test_no_answer_to_what_moves_is_no_refusal() -> None:
    pair = offered(charging(), *[10.0] * 6)
    pair.swallowed = lambda action, _payload: action == "SetChargingProfile"
    offered(pair, *[8.0] * 9)
    assert (pair.told().unsteered, pair.drawn_a()) == ("", 10.0)
    pair.swallowed = lambda _action, _payload: False
    offered(pair, *[8.0] * 9)
    assert pair.drawn_a() == 8.0


def test_a_refused_pause_says_nothing_of_more() -> None:
    pair = charging("zero-refused", "relative-only")
    offered(pair, *[0.0] * 6)
    offered(pair, *[9.0] * 6)
    assert pair.drawn_a() == 9.0


# --------------------------------------------------------------------------------------- a charger that drops the line


def dropping(
    drops: Callable[[dict[str, Any]], bool], *vices: str, seconds: int, back_s: int = 2
) -> tuple[Pair, list[dict[str, Any]]]:
    """A charger is told 10 A that loses its line where it is told what it `drops`, and is back at once; and all that it
    was told, over however many connections."""
    pair, told = charging(*vices), []
    pair.wish(current_a=10.0)
    for _ in range(seconds):
        pair.swallowed = lambda action, payload: action == "SetChargingProfile" and drops(payload)
        pair.go(1)
        calls = pair.called("SetChargingProfile")
        if calls and drops(calls[-1]):
            told += pair.profiles()
            pair.go(back_s)
            pair = pair.again()
            pair.station.heartbeat()
    return pair, told + pair.profiles()


def level(payload: dict[str, Any]) -> int:
    return int(payload["csChargingProfiles"]["stackLevel"])


def test_where_the_line_is_lost_twice_the_next_shape_is_tried() -> None:
    pair, told = dropping(lambda payload: level(payload) > 0, "relative-only", seconds=60)
    assert [(one["kind"], one["stack"]) for one in told] == [
        *[("Absolute", 10)] * 2,
        *[("Absolute", 0), ("Relative", 0)],
    ]
    assert pair.drawn_a() == 10.0


def test_a_line_that_is_lost_by_chance_teaches_nothing() -> None:
    pair = charging()
    pair.wish(current_a=10.0)
    pair.go(60)
    shape = pair.profiles()[-1]
    for current_a in (9.0, 8.0, 7.0):
        pair.swallowed = lambda action, _payload: action == "SetChargingProfile"
        pair.wish(current_a=current_a)
        pair.go(2)
        pair = pair.again()
        pair.station.heartbeat()
        pair.go(10)
        assert [one | {"limit": 10.0} for one in pair.profiles()] == [shape]
    assert pair.talk.store.ledger.manner("garage").dropped == ()


def test_a_line_that_is_dead_is_no_word_of_the_charger() -> None:
    """It is found to be dead when a ping is not answered, half a minute later."""
    pair, told = dropping(lambda _payload: True, seconds=3, back_s=30)
    assert len({(one["kind"], one["stack"]) for one in told}) == 1
    assert pair.talk.store.ledger.manner("garage").dropped == ()


def test_only_the_connector_that_was_told_is_learnt_of() -> None:
    pair = Pair(connectors=2)
    pair.plug_in(1)
    pair.wish(connector_id=2, current_a=10.0)
    pair.go(60)
    pair.swallowed = lambda action, _payload: action == "SetChargingProfile"
    pair.wish(connector_id=1, current_a=9.0)
    pair.go(2)
    pair.again()
    assert [one.times for one in pair.talk.store.ledger.manner("garage").dropped] == [1]


def test_a_line_that_is_lost_over_another_question_teaches_nothing() -> None:
    pair = charging()
    pair.swallowed = lambda action, _payload: action == "TriggerMessage"
    pair.wish(current_a=10.0)
    while not pair.called("TriggerMessage"):
        pair.go(5)
    pair.again()
    assert pair.talk.store.ledger.manner("garage").dropped == ()


def test_a_charger_that_loses_its_line_at_every_shape_is_told_ever_more_seldom() -> None:
    pair, told = dropping(lambda _payload: True, seconds=3600)
    assert len(told) <= 15
    assert pair.words() == "10 A: the line is lost each time it is told; it is told again later"


# ------------------------------------------------------------------------------------------------- a limit it keeps


def keeping() -> Pair:
    """A charger that has taken 10 A and takes nothing back."""
    pair = charging()
    pair.wish(current_a=10.0)
    pair.go(60)
    pair.instead["ClearChargingProfile"] = '4 "NotSupported","",{}'
    pair.instead["SetChargingProfile"] = '3 {"status":"Rejected"}'
    pair.heard.clear()
    pair.wish()
    pair.go(60)
    return pair


def test_a_limit_that_is_not_taken_back_is_told_of() -> None:
    pair = keeping()
    assert pair.words() == "no limit: refused (NotSupported, Rejected); 10 A is still in it"
    assert (pair.state(), pair.drawn_a()) == (REFUSED, 10.0)
    assert [one.wish.none for one in pair.talk.store.ledger.wishes("garage")] == [True]
    pair.go(3400)
    assert len(pair.profiles()) == 1
    pair.go(200)
    assert len(pair.profiles()) == 2


def test_and_nothing_is_kept_of_a_charger_that_was_forgotten_meanwhile() -> None:
    pair = charging("no-composite-schedule")
    pair.wish(current_a=10.0)
    pair.go(60)
    pair.instead["ClearChargingProfile"] = '4 "NotSupported","",{}'
    pair.instead["SetChargingProfile"] = '3 {"status":"Rejected"}'
    pair.talk.store.ledger.drop_told("garage", 1)
    pair.wish()
    pair.go(60)
    assert pair.told() is None


def test_and_is_taken_back_with_the_next_charge() -> None:
    pair = keeping()
    pair.leave()
    pair.instead.clear()
    pair.plug_in()
    pair.go(10)
    assert (pair.told(), len(pair.station.profiles), pair.talk.store.ledger.wishes("garage")) == (None, 0, [])


def test_and_another_wish_counts_at_once() -> None:
    pair = keeping()
    pair.instead.clear()
    pair.wish(current_a=8.0)
    pair.go(60)
    assert (pair.words(), pair.drawn_a()) == ("8 A: verified, it follows", 8.0)


def test_a_charger_that_knows_of_no_limit_has_none() -> None:
    """Unknown, and it shows no schedule."""
    pair = charging("no-composite-schedule")
    pair.wish(current_a=10.0)
    pair.go(60)
    pair.instead["ClearChargingProfile"] = '3 {"status":"Unknown"}'
    pair.instead["SetChargingProfile"] = '3 {"status":"Rejected"}'
    pair.wish()
    pair.go(60)
    assert (pair.told(), pair.talk.store.ledger.wishes("garage")) == (None, [])


# ---------------------------------------------------------------------------------- shapes that are seldom the only one


def only(**exactly: Any) -> Callable[[str, dict[str, Any]], bool]:
    """Refuses every profile but those: purpose, kind, stack, unit, connector; `named`: with a transactionId."""

    def refuses(payload: dict[str, Any]) -> bool:
        said = short(payload) | {"named": "transactionId" in payload["csChargingProfiles"]}
        return any(said[name] != value for name, value in exactly.items())

    return refuses


ODD = {
    "watts, level 0, for the charger": {"unit": "W", "stack": 0, "purpose": "ChargePointMax"},
    "watts, for the charger": {"unit": "W", "stack": 1, "purpose": "ChargePointMax"},
    "connector 0, Relative": {"connector": 0, "kind": "Relative"},
    "connector 0, Relative, watts, level 0": {"connector": 0, "kind": "Relative", "unit": "W", "stack": 0},
    "a charge's, watts, Relative, level 0": {"purpose": "Tx", "unit": "W", "kind": "Relative", "stack": 0},
    "level 2": {"stack": 2},
    "a charge's, without its number": {"purpose": "Tx", "named": False},
    "all odd": {"purpose": "Tx", "named": False, "unit": "W", "kind": "Relative", "stack": 2},
}


@pytest.mark.parametrize("exactly", ODD.values(), ids=ODD)
def test_a_search_that_ended_in_refusal_goes_on_when_the_owner_says_it_again(exactly: dict[str, Any]) -> None:
    """A charger that says neither its levels nor its units."""
    pair = charging()
    pair.instead["GetConfiguration"] = '3 {"configurationKey":[]}'
    pair.refused = only(**exactly)
    searches = 0
    while pair.state() is not VERIFIED:
        searches += 1
        assert searches <= 7, pair.words()
        pair.wish(current_a=10.0)
        pair.go(60)
    assert pair.drawn_a() == 10.0
    assert len(pair.profiles()) <= searches * MOST_TRIES
    assert pair.talk.store.ledger.manner("garage").refused == {}


def test_it_goes_on_by_itself_after_an_hour_and_over_connections() -> None:
    pair = charging()
    pair.instead["GetConfiguration"] = '3 {"configurationKey":[]}'
    pair.refused = only(**ODD["connector 0, Relative, watts, level 0"])
    pair.wish(current_a=10.0)
    pair.go(60)
    assert pair.state() is REFUSED
    pair = pair.again()
    pair.refused = only(**ODD["connector 0, Relative, watts, level 0"])
    pair.station.heartbeat()
    pair.go(3 * 3700)
    assert pair.state() is VERIFIED


def test_when_all_are_refused_it_begins_anew() -> None:
    """The owner may have changed a setting of the charger's."""
    pair = charging("refuses-all")
    first = None
    for _ in range(9):
        told = len(pair.profiles())
        pair.wish(current_a=10.0)
        pair.go(30)
        first = first or pair.profiles()
        if told and pair.profiles()[told:] == first:
            return
    pytest.fail("it never began anew")
