"""The words of `tinyocpp charger` that are one call: what is sent, what is said, and what is refused before."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import pytest
from booked import utc

from tinyocpp.cli.charger.words import ANSWERS, in_words
from tinyocpp.messages import ACTIONS

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import House, Plugged

    Plug = Callable[..., Plugged]

YES = {"Accepted", "Scheduled", "RebootRequired", "Unlocked"}

# What is typed, the call it is, and what is said to each answer.
CALLS: dict[str, tuple[tuple[str, ...], str, dict[str, Any], dict[str, str]]] = {
    "availability of all": (
        ("availability", "inoperative"),
        "ChangeAvailability",
        {"connectorId": 0, "type": "Inoperative"},
        {
            "Accepted": "the charger is inoperative now, also after a restart",
            "Scheduled": "the charger becomes inoperative when the running charge has ended",
            "Rejected": "the charger cannot be made inoperative; see what it is doing: tinyocpp status;"
            " or try it with --connector 1, as some chargers know only that",
        },
    ),
    "availability of one": (
        ("availability", "operative", "--connector", "2"),
        "ChangeAvailability",
        {"connectorId": 2, "type": "Operative"},
        {
            "Accepted": "connector 2 is operative now, also after a restart",
            "Rejected": "connector 2 cannot be made operative; see what it is doing: tinyocpp status;"
            " or try it without --connector, as some chargers know only that",
        },
    ),
    "unlock": (
        ("unlock",),
        "UnlockConnector",
        {"connectorId": 1},
        {
            "Unlocked": "connector 1 has let go of the plug",
            "UnlockFailed": "the plug is held fast; pull the plug lightly, or push it in, and try again",
            "NotSupported": "nothing to unlock: a fixed cable, or no such connector; see tinyocpp status",
        },
    ),
    "reset": (
        ("reset",),
        "Reset",
        {"type": "Soft"},
        {
            "Accepted": "it restarts",
            "Rejected": "it does not restart now; stop the running charge, or try: tinyocpp charger reset hard",
        },
    ),
    "reset hard": (("reset", "hard"), "Reset", {"type": "Hard"}, {"Accepted": "it restarts"}),
    "clear-cache": (
        ("clear-cache",),
        "ClearCache",
        {},
        {
            "Accepted": "its cache of tags is empty",
            "Rejected": "it has no cache of tags; nothing is remembered, so nothing needs to be cleared",
        },
    ),
    "data-transfer": (
        ("data-transfer", "com.acme", "Light", "off"),
        "DataTransfer",
        {"vendorId": "com.acme", "messageId": "Light", "data": "off"},
        {
            "Accepted": "the message was taken",
            "UnknownVendorId": "it does not know that vendor; see the maker's manual for the vendor's spelling",
        },
    ),
    "data-transfer of a vendor alone": (
        ("data-transfer", "com.acme"),
        "DataTransfer",
        {"vendorId": "com.acme"},
        {"UnknownMessageId": "it knows the vendor, but not the message; see the maker's manual for its messages"},
    ),
    "profile clear by number": (
        ("profile", "clear", "--id", "7"),
        "ClearChargingProfile",
        {"id": 7},
        {
            "Accepted": "what matched is cleared",
            "Unknown": "no profile matched; tinyocpp charger profile composite shows what is in force",
        },
    ),
    "profile clear by what it is": (
        ("profile", "clear", "--connector", "1", "--purpose", "tx", "--stack", "2"),
        "ClearChargingProfile",
        {"connectorId": 1, "chargingProfilePurpose": "TxProfile", "stackLevel": 2},
        {"Accepted": "what matched is cleared"},
    ),
    "profile clear of all": (
        ("profile", "clear", "--all"),
        "ClearChargingProfile",
        {},
        {"Accepted": "what matched is cleared"},
    ),
}


@pytest.mark.parametrize(("typed", "action", "payload", "answers"), CALLS.values(), ids=CALLS)
def test_a_call_and_its_answers(
    house: House, plug: Plug, typed: tuple[str, ...], action: str, payload: dict[str, Any], answers: dict[str, str]
) -> None:
    plugged = plug("garage")
    for status, sentence in answers.items():
        plugged.answers[action] = {"status": status}
        code, out, err = house.type("charger", *typed)
        assert plugged.asked[-1] == (action, payload)
        if status in YES:
            assert (code, out, err) == (0, f"garage answered {status}: {sentence}\n", "")
        else:
            assert (code, out, err) == (1, "", f"tinyocpp: garage answered {status}: {sentence}\n")


@pytest.mark.parametrize(
    ("answer", "code", "said"),
    [
        ({"status": "accepted"}, 0, "garage answered Accepted: it restarts\n"),
        ({"status": "NotImplemented"}, 1, "tinyocpp: garage answered NotImplemented\n"),  # quirk F14
        ({}, 0, "garage answered without a status\n"),
        (None, 76, "tinyocpp: garage: NotSupported; this charger does not do Reset\n"),
    ],
    ids=["another case", "outside the standard", "no status", "CALLERROR"],
)
def test_an_answer_out_of_the_ordinary(
    house: House, plug: Plug, answer: dict[str, str] | None, code: int, said: str
) -> None:
    plug("garage", Reset=answer)
    found, out, err = house.type("charger", "reset")
    assert (found, out + err) == (code, said)


def test_there_are_words_for_every_status_of_the_standard() -> None:
    """Firmware, logs and certificates are told by their own words, and the local list by nobody's."""
    for action, sentences in ANSWERS.items():
        statuses = ACTIONS[action].result.__annotations__["status"]
        module = __import__(f"tinyocpp.messages.{ACTIONS[action].profile}", fromlist=[statuses])
        assert set(sentences) == {str(status) for status in getattr(module, statuses)}, action


def test_a_sentence_can_do_without_what_it_names() -> None:
    assert in_words("UnlockConnector", "Unlocked") == (
        "answered Unlocked: the connector has let go of the plug",
        "",
    )


def test_a_word_of_charger_may_stand_alone(house: House, plug: Plug) -> None:
    plugged = plug("garage", Reset={"status": "Accepted"})
    assert house.type("reset", "hard")[:2] == (0, "garage answered Accepted: it restarts\n")
    assert plugged.asked == [("Reset", {"type": "Hard"})]
    assert "there is no 'rest'; did you mean 'reset'?" in house.type("rest")[2]


MISTAKES: dict[str, tuple[tuple[str, ...], int, str]] = {
    "availability of what": (("availability", "off"), 64, "invalid choice: 'off'"),
    "availability below 0": (("availability", "operative", "--connector", "-1"), 64, "counted from 1"),
    "unlock 0": (("unlock", "--connector", "0"), 64, "connectors are counted from 1"),
    "vendor too long": (("data-transfer", "v" * 256), 64, "VENDOR is longer than the 255 characters"),
    "message too long": (("data-transfer", "v", "m" * 51), 64, "MESSAGE is longer than the 50 characters"),
    "clear what": (("profile", "clear"), 64, "which profiles?"),
    "clear one and all": (("profile", "clear", "--id", "1", "--all"), 64, "which profiles?"),
    "clear one and some": (("profile", "clear", "--id", "1", "--stack", "0"), 64, "--id names one profile"),
    "another charger": (("reset", "--charger", "carport"), 69, "carport is not connected (connected: garage)"),
}


@pytest.mark.parametrize(("typed", "code", "said"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_not_sent(house: House, plug: Plug, typed: tuple[str, ...], code: int, said: str) -> None:
    plugged = plug("garage")
    found, out, err = house.type("charger", *typed)
    assert (found, out) == (code, "")
    assert said in err
    assert err.count("\n") == 1
    assert plugged.asked == []


# --- unlock


def test_unlocking_is_no_way_to_stop_a_charge(house: House, plug: Plug) -> None:
    plugged = plug("garage", UnlockConnector={"status": "Unlocked"})
    books = house.books()
    number = books.start("garage", "04A2B3C4", utc("2026-06-01T12:00:00"))
    books.close()
    code, _, err = house.type("charger", "unlock")
    assert code == 1
    assert f"transaction {number} is running on connector 1, and unlocking ends it; tinyocpp stop" in err
    assert plugged.asked == []
    assert house.type("charger", "unlock", "--anyway")[0] == 0
    assert plugged.asked == [("UnlockConnector", {"connectorId": 1})]


def test_which_of_two_connectors(house: House, plug: Plug) -> None:
    plugged = plug("garage", UnlockConnector={"status": "Unlocked"})
    for connector_id in (0, 1, 2):
        plugged.say("StatusNotification", connectorId=connector_id, errorCode="NoError", status="Available")
    assert "which connector? name it with --connector (1, 2)" in house.type("charger", "unlock")[2]
    assert house.type("charger", "unlock", "--connector", "2")[0] == 0
    assert plugged.asked == [("UnlockConnector", {"connectorId": 2})]


# --- data-transfer


@pytest.mark.parametrize(
    ("data", "said"),
    [("on\n\x1b[2J", "on\\x0a\\x1b[2J\n"), ({"odd": 1}, '{"odd":1}\n'), (None, "")],
    ids=["text", "F10: an object", "none"],
)
def test_what_a_data_transfer_brings_back(house: House, plug: Plug, data: object, said: str) -> None:
    plug("garage", DataTransfer={"status": "Accepted", "data": data})
    assert house.type("charger", "data-transfer", "v")[1] == f"garage answered Accepted: the message was taken\n{said}"


def test_data_from_standard_input_and_the_whole_answer(
    house: House, plug: Plug, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugged = plug("garage", DataTransfer={"status": "Rejected", "data": "why"})
    monkeypatch.setattr("sys.stdin", io.StringIO('{"a": 1}'))
    code, out, _ = house.type("charger", "data-transfer", "v", "m", "-", "--json")
    assert (code, json.loads(out)) == (1, {"status": "Rejected", "data": "why"})
    assert plugged.asked == [("DataTransfer", {"vendorId": "v", "messageId": "m", "data": '{"a": 1}'})]


# --- reset --wait

BOOT = {"chargePointVendor": "Wallbe", "chargePointModel": "Pro"}


def test_reset_waits_for_the_boot(house: House, plug: Plug) -> None:
    plugged = plug("garage", Reset={"status": "Accepted"})
    plugged.then["Reset"] = [("BootNotification", BOOT)]
    code, out, _ = house.type("charger", "reset", "--wait", "--timeout", "20")
    assert code == 0
    assert out.startswith("garage answered Accepted: it restarts\ngarage is back after ")


def test_a_charger_that_does_not_come_back(house: House, plug: Plug) -> None:
    plug("garage", Reset={"status": "Accepted"})
    code, _, err = house.type("charger", "reset", "--wait", "--timeout", "1")
    assert code == 75
    assert err == "tinyocpp: garage agreed, but it is not back yet: see tinyocpp status\n"
