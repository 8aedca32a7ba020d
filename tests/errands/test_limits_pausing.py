"""A pause by the way the charger survives, and a charge that goes on after it (errands/limiting: stopping, rousing)."""

from __future__ import annotations

import pytest
from pair import TAG, Pair, charging

from tinyocpp.dealings import LimitState
from tinyocpp.makers import Quirks
from tinyocpp.messages.core import Reason
from tinyocpp.simulator import person
from tinyocpp.simulator.car import Car
from tinyocpp.simulator.charging import begin, stop

PAUSE, TEN, EIGHT = {"current_a": 0.0}, {"current_a": 10.0}, {"current_a": 8.0}
VERIFIED = LimitState.VERIFIED


def charges(pair: Pair) -> int:
    return sum("transaction begins" in notice.text for notice in pair.station.notices)


def paused(pair: Pair) -> Pair:
    pair.wish(**PAUSE)
    pair.go(60)
    assert pair.drawn_a() == 0
    assert pair.words().startswith("pause")
    return pair


def test_a_pause_and_on() -> None:
    pair = paused(charging())
    assert pair.state() is VERIFIED
    pair.wish(**EIGHT)
    pair.go(30)
    assert pair.drawn_a() == 8.0
    assert charges(pair) == 1


def test_C9_a_charge_that_0_A_ends_is_started_again() -> None:
    """And from then on this charger is paused by ending its charge."""
    pair = paused(charging("zero-ends-transaction"))
    assert pair.words() == "pause: no charge runs, and one that begins is ended, as it bears no other pause"
    pair.wish(**EIGHT)
    pair.go(90)
    assert (pair.drawn_a(), charges(pair)) == (8.0, 2)
    assert pair.talk.store.ledger.manner("garage").pause == "stop"
    limits = [one["limit"] for one in pair.profiles()]
    paused(pair)
    assert [one["limit"] for one in pair.profiles()] == limits  # 0 A is not told any more
    pair.wish()
    pair.go(120)
    assert (pair.drawn_a(), charges(pair), pair.told()) == (16.0, 3, None)
    assert len(pair.station.profiles) == 0


def test_C9_0_A_that_was_there_before_the_charge_ends_it_too() -> None:
    pair = Pair(vices=["zero-ends-transaction"])
    pair.wish(**PAUSE)
    pair.go(600)
    pair.plug_in()
    pair.go(30)
    assert pair.told().stopped_tag == TAG
    pair.wish(**EIGHT)
    pair.go(120)
    assert pair.drawn_a() == 8.0


def test_C9_what_was_ended_goes_on_after_a_restart_of_ours() -> None:
    pair = paused(charging("zero-ends-transaction")).again()
    pair.wish(**EIGHT)
    pair.go(400)
    assert (pair.drawn_a(), charges(pair)) == (8.0, 2)


@pytest.mark.parametrize("reason", ["Local", "EVDisconnected"])
def test_C9_who_ends_the_charge_himself_is_not_charged_again(reason: str) -> None:
    pair = paused(charging())
    if reason == "Local":
        person.present_tag(pair.station, pair.station.connectors[1], TAG, pair.talk.clock.at)
    else:
        person.unplug(pair.station, pair.station.connectors[1], pair.talk.clock.at)
    pair.go(5)
    pair.wish(**EIGHT)
    pair.go(200)
    assert charges(pair) == 1
    assert pair.called("RemoteStartTransaction") == []


def test_C9_a_car_that_has_left_is_not_charged_again() -> None:
    pair = paused(charging("zero-ends-transaction"))
    pair.leave()
    pair.wish(**EIGHT)
    pair.go(200)
    assert pair.called("RemoteStartTransaction") == []
    assert pair.words().endswith("its car has left")


def test_C9_a_start_that_is_refused_is_tried_three_times() -> None:
    pair = paused(charging("zero-ends-transaction"))
    pair.instead["RemoteStartTransaction"] = '3 {"status":"Rejected"}'
    pair.wish(**EIGHT)
    pair.go(400)
    assert len(pair.called("RemoteStartTransaction")) == 3
    assert pair.words().endswith("it does not start again: show the card")


def test_C9_a_refused_tag_is_never_started_again() -> None:
    """Its charge goes on with some chargers (X19); to start it again would be to let it in."""
    pair = Pair(vices=["zero-ends-transaction"])
    pair.station.configuration.set("StopTransactionOnInvalidId", "false")
    connector = pair.station.connectors[1]
    pair.wish(**PAUSE)
    pair.go(10)
    person.plug_in(pair.station, connector, Car(60_000.0), pair.talk.clock.at)
    begin(pair.station, connector, "STRANGER", pair.talk.clock.at)
    connector.withheld = False
    pair.go(10)
    pair.wish(**EIGHT)
    pair.go(200)
    assert pair.called("RemoteStartTransaction") == []


def test_C9_EN_plus_is_not_told_0_A_even_once() -> None:
    pair = paused(charging("zero-ends-transaction", quirks=Quirks(pause="stop")))
    assert pair.profiles() == []
    pair.wish(**EIGHT)
    pair.go(120)
    assert pair.drawn_a() == 8.0


def test_C9_a_card_shown_in_the_pause_begins_nothing() -> None:
    pair = paused(charging("zero-ends-transaction"))
    person.present_tag(pair.station, pair.station.connectors[1], TAG, pair.talk.clock.at)
    pair.go(30)
    assert (charges(pair), pair.drawn_a()) == (2, 0.0)


def test_C10_0_A_refused() -> None:
    """The least a car may be offered, at once; then its charge is ended."""
    pair = charging("zero-refused")
    pair.wish(**PAUSE)
    pair.go(5)
    assert [one["limit"] for one in pair.profiles()] == [0.0, 6.0]
    said = [str(event["words"]) for event in pair.limit_events()]
    assert said[0] == "pause: it refuses 0 A, so it is told 6 A, and its charge is ended"
    assert all(words.startswith("pause: ") for words in said)
    pair.go(30)
    assert (pair.drawn_a(), pair.told().stopped_tag) == (0.0, TAG)
    pair.wish(**EIGHT)
    pair.go(120)
    assert (pair.drawn_a(), charges(pair)) == (8.0, 2)


def test_C10_the_lowest_current_where_the_owner_says_so() -> None:
    pair = charging(quirks=Quirks(pause="lowest"))
    pair.wish(**PAUSE)
    pair.go(40)
    assert (pair.drawn_a(), pair.words(), charges(pair)) == (6.0, "6 A: verified, it follows; it knows no pause", 1)


def test_C10_neither_0_A_nor_an_end() -> None:
    """So it is told the least, and the owner hears that this is no pause."""
    pair = charging("zero-refused")
    pair.instead["RemoteStopTransaction"] = '3 {"status":"Rejected"}'
    pair.wish(**PAUSE)
    pair.go(100)
    assert (pair.drawn_a(), pair.words()) == (6.0, "6 A: verified, it follows; it knows no pause")
    assert len(pair.called("RemoteStopTransaction")) == 1


def test_C11_no_limit_after_a_pause_until_the_next() -> None:
    """go-e: found out once; then the limit that ends a pause is told twice."""
    pair = paused(charging("unlimited-after-zero"))
    pair.wish(**EIGHT)
    pair.go(40)
    assert pair.drawn_a() == 8.0
    paused(pair)
    pair.wish(**EIGHT)
    pair.go(3)
    assert pair.drawn_a() <= 8.0


def test_C11_a_charger_that_wants_the_limit_twice() -> None:
    pair = paused(charging("asleep-after-zero"))
    pair.wish(**EIGHT)
    pair.go(40)
    assert (pair.drawn_a(), charges(pair)) == (8.0, 1)


def test_C11_a_charger_that_never_goes_on() -> None:
    """Its charge is ended and started again; the next pause is one of that kind from the beginning."""
    pair = paused(charging("stuck-after-zero"))
    pair.wish(**EIGHT)
    pair.go(250)
    assert (pair.drawn_a(), charges(pair)) == (8.0, 2)
    paused(pair)
    assert charges(pair) == 2
    pair.wish(**EIGHT)
    pair.go(90)
    assert (pair.drawn_a(), charges(pair)) == (8.0, 3)


def test_C24_a_car_that_sleeps_is_woken() -> None:
    pair = paused(charging(sleeps_after_s=20.0, delay_s=5.0))
    pair.wish(**EIGHT)
    pair.go(60)
    assert pair.drawn_a() == 8.0


def test_C24_a_car_that_has_had_enough_is_left_alone() -> None:
    pair = paused(charging())
    pair.station.connectors[1].car.taken_wh = 60_000.0
    pair.wish(**EIGHT)
    pair.go(300)
    assert (charges(pair), pair.called("RemoteStopTransaction")) == (1, [])


def test_a_charge_whose_end_is_not_heard_of_is_asked_to_end_again() -> None:
    pair = charging(quirks=Quirks(pause="stop"))
    pair.instead["RemoteStopTransaction"] = '3 {"status":"Accepted"}'  # and does nothing
    pair.wish(**PAUSE)
    pair.go(130)
    assert len(pair.called("RemoteStopTransaction")) == 3
    pair.wish(**EIGHT)  # nothing was ended after all
    pair.go(90)
    assert (pair.drawn_a(), pair.told().stopped_tag, pair.called("RemoteStartTransaction")) == (8.0, "", [])


def test_a_charge_that_ends_long_after_the_pause_began_ends_for_another_reason() -> None:
    pair = paused(charging())
    pair.go(100)
    stop(pair.station, pair.station.connectors[1], Reason.OTHER, pair.talk.clock.at)
    pair.go(5)
    pair.wish(**EIGHT)
    pair.go(100)
    assert pair.talk.store.ledger.manner("garage").pause == ""
    assert pair.called("RemoteStartTransaction") == []
