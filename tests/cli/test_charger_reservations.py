"""`tinyocpp charger reserve|cancel-reservation|reservations`, against a backend whose charger answers from a table."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from booked import utc

from tinyocpp.cli.moments import read_moment, read_span
from tinyocpp.errors import Malformed

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import House, Plugged

    Plug = Callable[..., Plugged]

ANNA = '[[tag]]\nid = "04A2B3C4"\nname = "Anna"\ngroup = "family"\n'
BEN = '[[tag]]\nid = "04FFFFFF"\nname = "Ben"\nblocked = true\n'
LONG = f'[[tag]]\nid = "{"7" * 22}"\nname = "Long"\n'
ACCEPTED = {"status": "Accepted"}


@pytest.fixture(autouse=True)
def tags(house: House) -> None:
    house.tags.write_text(ANNA + BEN + LONG)


def listed(house: House, *words: str) -> list[dict[str, Any]]:
    code, out, _ = house.type("charger", "reservations", "--json", *words)
    assert code == 0
    rows: list[dict[str, Any]] = json.loads(out)
    return rows


def test_reserve_and_cancel(house: House, plug: Plug) -> None:
    plugged = plug("garage", ReserveNow=ACCEPTED, CancelReservation=ACCEPTED)
    before = datetime.now(UTC)
    code, out, _ = house.type("charger", "reserve", "anna", "--for", "90m")
    assert code == 0
    action, payload = plugged.asked[-1]
    assert isinstance(payload, dict)
    until = datetime.fromisoformat(payload.pop("expiryDate"))
    assert timedelta(minutes=89) < until - before < timedelta(minutes=91)
    assert (action, payload) == (
        "ReserveNow",
        {"connectorId": 1, "idTag": "04A2B3C4", "parentIdTag": "family", "reservationId": 1},
    )
    local = until.astimezone(house.config().zone())
    assert out == (
        f"garage answered Accepted: connector 1 is kept for 04A2B3C4 until {local:%Y-%m-%d %H:%M} (reservation 1)\n"
    )

    (row,) = listed(house)
    assert (row["charger_id"], row["reservation_id"], row["name"], row["state"]) == ("garage", 1, "Anna", "active")
    assert "Anna" in house.type("charger", "reservations")[1]

    assert house.type("charger", "reserve", "04A2B3C4", "--for", "1h", "--connector", "2", "--group", "")[0] == 0
    assert plugged.asked[-1][1]["reservationId"] == 2  # type: ignore[index]
    assert "parentIdTag" not in plugged.asked[-1][1]  # type: ignore[operator]
    code, _, err = house.type("charger", "cancel-reservation")
    assert (code, "which reservation? name its number (in force: 2 on connector 2, 1 on" in err) == (64, True)

    assert house.type("charger", "cancel-reservation", "--connector", "2")[0] == 0
    assert house.type("charger", "cancel-reservation")[:2] == (
        0,
        "garage answered Accepted: the reservation is cancelled\n",
    )
    assert plugged.asked[-2:] == [
        ("CancelReservation", {"reservationId": 2}),
        ("CancelReservation", {"reservationId": 1}),
    ]
    assert listed(house) == []
    assert [row["state"] for row in listed(house, "--all")] == ["cancelled", "cancelled"]
    assert house.type("charger", "cancel-reservation")[2].startswith("tinyocpp: garage has no reservation")


REFUSALS = {
    "Faulted": "connector 1 is out of order; see tinyocpp status",
    "Occupied": "connector 1 is in use or reserved already; see tinyocpp status and tinyocpp charger reservations",
    "Rejected": "it takes no reservations, or not for connector 1; name one connector with --connector",
    "Unavailable": "connector 1 is out of service;"
    " bring it back: tinyocpp charger availability operative --charger garage",
}


@pytest.mark.parametrize(("status", "said"), REFUSALS.items())
def test_a_refusal_says_what_to_do(house: House, plug: Plug, status: str, said: str) -> None:
    plug("garage", ReserveNow={"status": status})
    code, out, err = house.type("charger", "reserve", "Anna", "--for", "2d")
    assert (code, out, err) == (1, "", f"tinyocpp: garage answered {status}: {said}\n")
    assert [row["state"] for row in listed(house, "--all")] == ["refused"]


def test_cancelling_what_the_charger_does_not_know(house: House, plug: Plug) -> None:
    """It is gone then, for us as well (section 5.1)."""
    plugged = plug("garage", CancelReservation={"status": "Rejected"})
    code, _, err = house.type("charger", "cancel-reservation", "7")
    assert (code, plugged.asked) == (1, [])
    assert err == "tinyocpp: garage has no reservation 7; see tinyocpp charger reservations\n"
    code, _, err = house.type("charger", "cancel-reservation", "7", "--anyway")
    assert (code, plugged.asked) == (1, [("CancelReservation", {"reservationId": 7})])
    assert "it knows no such reservation; nothing is kept any more" in err


def test_any_connector_only_where_the_charger_can(house: House, plug: Plug) -> None:
    key = {"key": "ReserveConnectorZeroSupported", "readonly": True, "value": "True"}
    plugged = plug("garage", ReserveNow=ACCEPTED, GetConfiguration={"configurationKey": [key]})
    zero = ("charger", "reserve", "Anna", "--for", "1h", "--connector", "0")
    code, _, err = house.type(*zero)
    assert (code, plugged.asked) == (64, [])
    assert "garage has not said that it can keep any connector (ReserveConnectorZeroSupported); name one" in err
    assert house.type(*zero, "--anyway")[0] == 0
    assert house.type("charger", "get")[0] == 0
    code, out, _ = house.type(*zero, "--id", "1")
    assert code == 0
    assert out.startswith("garage answered Accepted: any connector is kept for 04A2B3C4 until ")
    assert [(row["reservation_id"], row["connector_id"]) for row in listed(house)] == [(1, 0)]
    assert "any" in house.type("charger", "reservations")[1]


MISTAKES: dict[str, tuple[tuple[str, ...], int, str]] = {
    "without an end": (("Anna",), 64, "one of the arguments --until --for is required"),
    "in the past": (("Anna", "--until", "2020-01-01 12:00"), 64, "--until 2020-01-01 12:00 is over; write a time to"),
    "no time": (("Anna", "--until", "soon"), 64, "--until soon: no such time; write 18:30, '"),
    "no span": (("Anna", "--for", "90"), 64, "--for 90: no such span; write 90s, 30m, 1h30m or 2d"),
    "a blocked tag": (("Ben", "--for", "1h"), 1, "the tag 04FFFFFF may not charge (Blocked)"),
    "an unknown tag": (
        ("0BADBADB", "--for", "1h"),
        1,
        "may not charge (Invalid), so a connector would be kept for nobody",
    ),
    "no tag": (("", "--for", "1h", "--anyway"), 64, "TAG: for whom?"),
    "a long tag": (("Long", "--for", "1h"), 64, "longer than the 20 characters a charger has room for"),
    "a long group": (("Anna", "--for", "1h", "--group", "g" * 21), 64, "--group ggggg"),
    "connector -1": (("Anna", "--for", "1h", "--connector", "-1"), 64, "connectors are counted from 1"),
}


@pytest.mark.parametrize(("typed", "code", "said"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_not_sent(house: House, plug: Plug, typed: tuple[str, ...], code: int, said: str) -> None:
    plugged = plug("garage", ReserveNow=ACCEPTED)
    found, out, err = house.type("charger", "reserve", *typed)
    assert (found, out) == (code, "")
    assert said in err
    assert err.count("\n") == 1
    assert plugged.asked == []


def test_for_a_tag_that_may_not_charge_all_the_same(house: House, plug: Plug) -> None:
    plugged = plug("garage", ReserveNow=ACCEPTED)
    assert house.type("charger", "reserve", "0BADBADB", "--for", "1h", "--anyway")[0] == 0
    assert plugged.asked[-1][1]["idTag"] == "0BADBADB"  # type: ignore[index]


def test_nothing_reserved_yet(house: House) -> None:
    assert house.type("charger", "reservations")[1].startswith("no connector is reserved")
    assert house.type("charger", "reservations", "--json")[1] == "[]\n"
    assert not house.ledger.exists()


NOON = utc("2026-06-01T12:00:00")
MOMENTS = {
    "18:30": "2026-06-01T16:30:00",
    "8:00": "2026-06-01T06:00:00",
    "2026-06-02 07:15": "2026-06-02T05:15:00",
    "2026-12-24T18:00": "2026-12-24T17:00:00",
    "2026-06-02T05:15:00.75Z": "2026-06-02T05:15:00",
    "2026-06-02T05:15:00+05:30": "2026-06-01T23:45:00",
    "2026-06-02": "2026-06-01T22:00:00",
}


@pytest.mark.parametrize(("typed", "meant"), MOMENTS.items())
def test_times_as_people_type_them(house: House, typed: str, meant: str) -> None:
    assert read_moment(typed, "--at", NOON, house.config().zone()) == utc(meant)


@pytest.mark.parametrize("typed", ["", "25:00", "18:30 tomorrow", "2026-13-01", "0001-01-01T00:00+14:00", "18.30"])
def test_no_such_time(house: House, typed: str) -> None:
    with pytest.raises(Malformed, match=r"--at .*: no such time; write 18:30, '2026-06-01 18:30' or"):
        read_moment(typed, "--at", NOON, house.config().zone())


def test_spans() -> None:
    spans = {typed: read_span(typed, "--for").total_seconds() for typed in ("90s", "30m", "1h30m", "2d")}
    assert spans == {"90s": 90, "30m": 1800, "1h30m": 5400, "2d": 172_800}
    for typed in ("", "0s", "1h 30m", "-5m", "1.5h", "99999d", "h"):
        with pytest.raises(Malformed, match="no such span"):
            read_span(typed, "--for")
