"""`tinyocpp charger hold|reject|accept`: the owner's word, and what a charger on a real backend gets to hear of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from booked import utc

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import House, Plugged

    Plug = Callable[..., Plugged]

NOON = utc("2026-06-01T12:00:00")
BOOT = {"chargePointVendor": "Wallbe", "chargePointModel": "Pro"}


def registration(house: House) -> str | None:
    books = house.books()
    found = books.store.register.find("garage")
    books.close()
    assert found
    return found.registration


def boot(plugged: Plugged, **more: Any) -> str:
    answer = plugged.say("BootNotification", **BOOT | more)
    assert isinstance(answer, dict)
    return str(answer["status"])


@pytest.mark.parametrize(
    ("word", "status", "said"),
    [
        ("hold", "Pending", "GARAGE is held: it stays connected and may be set up, but no charge can be started"),
        ("reject", "Rejected", "GARAGE is rejected: it is asked nothing"),
        ("accept", "Accepted", "GARAGE is accepted: everything may flow"),
    ],
)
def test_the_word_is_kept(house: House, word: str, status: str, said: str) -> None:
    books = house.books()
    books.boot("garage", NOON)
    books.close()
    code, out, _ = house.type("charger", word, "GARAGE")
    assert (code, registration(house)) == (0, status)
    assert out.startswith(said)
    assert "It is connected" not in out
    shown = house.type("charger", "list")[1]
    assert ("Pending" in shown, "Rejected" in shown) == (word == "hold", word == "reject")
    assert f'"registration": "{status}"' in house.type("charger", "list", "--json")[1]


@pytest.mark.parametrize(("identity", "code"), [("carport", 69), ("../x", 64)])
@pytest.mark.parametrize("word", ["hold", "reject", "accept"])
def test_of_nobody(house: House, word: str, identity: str, code: int) -> None:
    found, out, err = house.type("charger", word, identity)
    assert (found, out) == (code, "")
    assert err.count("\n") == 1


def test_a_charger_that_is_held_and_let_go(house: House, plug: Plug) -> None:
    plugged = plug("garage", TriggerMessage={"status": "Accepted"})
    code, out, _ = house.type("charger", "hold", "garage")
    assert (code, out.splitlines()[-1]) == (0, "It is connected: this counts within half a minute.")
    assert boot(plugged) == "Pending"
    code, _, err = house.type("start", "--tag", "04A2B3C4")
    assert code == 77
    assert "Pending" in err
    assert house.type("charger", "trigger", "Heartbeat", "--timeout", "1")[0] == 75  # asked, though nothing came

    plugged.asked.clear()
    plugged.then["TriggerMessage"] = [("BootNotification", BOOT)]
    code, out, _ = house.type("charger", "accept", "garage")
    assert (code, out) == (0, "garage is accepted: everything may flow\nIt registers again now.\n")
    assert plugged.asked == [("TriggerMessage", {"requestedMessage": "BootNotification"})]
    assert boot(plugged) == "Accepted"
    assert house.type("charger", "accept", "garage")[0] == 0
    assert len(plugged.asked) == 1  # once accepted, that must not be triggered (errata 3.40)


@pytest.mark.parametrize(
    ("boot_as", "answers", "said"),
    [
        ({}, {"TriggerMessage": {"status": "Rejected"}}, "It answered Rejected; it registers by itself after its"),
        ({}, {}, "garage: NotSupported; it registers by itself after its interval"),
        ({"chargePointVendor": "StarCharge"}, {}, "It is of a make that must not be asked to register again"),  # B2
    ],
    ids=["refused", "not known", "B2: must not be asked"],
)
def test_one_that_cannot_be_asked_to_register_again(
    house: House, plug: Plug, boot_as: dict[str, str], answers: dict[str, object], said: str
) -> None:
    plugged = plug("garage", **answers)
    assert house.type("charger", "hold", "garage")[0] == 0
    assert boot(plugged, **boot_as) == "Pending"
    code, out, err = house.type("charger", "accept", "garage")
    assert code == 0
    assert said in out + err
    assert len(plugged.asked) == (0 if boot_as else 1)


def test_one_that_is_held_by_the_configuration(house: House, plug: Plug) -> None:
    house.configuration.write_text(house.configuration.read_text() + '\n[charger.garage]\nregistration = "Pending"\n')
    plugged = plug("garage", TriggerMessage={"status": "Accepted"})
    assert boot(plugged) == "Pending"
    assert house.type("charger", "accept", "garage")[1].endswith("It registers again now.\n")


def test_one_that_was_rejected_is_not_spoken_to(house: House, plug: Plug) -> None:
    plugged = plug("garage", Reset={"status": "Accepted"})
    assert house.type("charger", "reject", "garage")[0] == 0
    assert boot(plugged) == "Rejected"
    code, _, err = house.type("reset")
    assert (code, plugged.asked) == (77, [])
    assert "tinyocpp charger accept garage" in err
    assert house.type("charger", "accept", "garage")[1] == "garage is accepted: everything may flow\n"
    assert plugged.asked == []
