"""`tinyocpp charger get|set`, typed while a real backend has a charger that answers from a table."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import House, Plugged

    Plug = Callable[..., Plugged]

KEYS = {
    "HeartbeatInterval": {"key": "HeartbeatInterval", "readonly": "false", "value": 300},  # as "Wall-E" has it (S16)
    "GetConfigurationMaxKeys": {"key": "GetConfigurationMaxKeys", "readonly": True, "value": "2"},
    "LocalPreAuthorize": {"key": "LocalPreAuthorize", "readonly": False, "value": "TRUE"},
    "AuthorizationKey": {"key": "AuthorizationKey", "readonly": 0, "value": "secret"},
    "FreevendIdTag": {"key": "FreevendIdTag", "readonly": False},
}


def told(payload: dict[str, Any]) -> dict[str, Any]:
    """A charger that knows KEYS, and reads any case."""
    wanted = payload.get("key") or list(KEYS)
    known = {name.lower(): row for name, row in KEYS.items()}
    return {
        "configurationKey": [known[name.lower()] for name in wanted if name.lower() in known],
        "unknownKey": [name for name in wanted if name.lower() not in known],
    }


def asked(plugged: Plugged, action: str) -> list[Any]:
    return [payload for name, payload in plugged.asked if name == action]


def test_all_keys_are_one_call(house: House, plug: Plug) -> None:
    plugged = plug("garage", GetConfiguration=told)
    code, out, _ = house.type("charger", "get", "--json")
    assert code == 0
    assert json.loads(out) == [
        {"key": "AuthorizationKey", "value": "***", "readonly": False},
        {"key": "FreevendIdTag", "value": None, "readonly": False},
        {"key": "GetConfigurationMaxKeys", "value": "2", "readonly": True},
        {"key": "HeartbeatInterval", "value": 300, "readonly": False},
        {"key": "LocalPreAuthorize", "value": "TRUE", "readonly": False},
    ]
    assert plugged.asked == [("GetConfiguration", {})]
    table = house.type("charger", "get")[1]
    assert "HeartbeatInterval        300" in table
    assert "GetConfigurationMaxKeys  2      yes" in table
    assert "secret" not in table


def test_named_keys_go_in_chunks_of_what_the_charger_takes(house: House, plug: Plug) -> None:
    plugged = plug("garage", GetConfiguration=told)
    names = ["HeartbeatInterval", "LocalPreAuthorize", "FreevendIdTag"]
    code, out, _ = house.type("charger", "get", *names, "--json")
    assert code == 0
    assert {row["key"] for row in json.loads(out)} == set(names)
    assert (
        asked(plugged, "GetConfiguration")
        == [
            {"key": ["GetConfigurationMaxKeys"]},  # not known yet, so asked for first
            {"key": names[:2]},
            {"key": names[2:]},
        ]
    )
    assert house.type("charger", "get", *names)[0] == 0
    assert len(asked(plugged, "GetConfiguration")) == 5  # known by now


def test_one_key_needs_no_counting(house: House, plug: Plug) -> None:
    plugged = plug("garage", GetConfiguration=told)
    assert house.type("charger", "get", "heartbeatinterval")[0] == 0
    assert plugged.asked == [("GetConfiguration", {"key": ["heartbeatinterval"]})]


@pytest.mark.parametrize("most", [{}, {"value": "many"}, {"value": "0"}], ids=["no value", "no number", "none"])
def test_a_charger_that_does_not_say_how_many(house: House, plug: Plug, most: dict[str, str]) -> None:
    answer = {"configurationKey": [{"key": "GetConfigurationMaxKeys", "readonly": True} | most]}
    plugged = plug("garage", GetConfiguration=answer)
    assert house.type("charger", "get", *(f"Key{n}" for n in range(11)))[0] == 0
    chunks = [len(payload["key"]) for payload in asked(plugged, "GetConfiguration")]
    assert chunks == ([1] + [1] * 11 if most == {"value": "0"} else [1, 10, 1])


def test_a_key_it_does_not_know(house: House, plug: Plug) -> None:
    plug("garage", GetConfiguration=told)
    code, _, err = house.type("charger", "get", "--charger", "GARAGE", "HartbeatInterval")
    assert code == 1
    assert err == "tinyocpp: the charger does not know HartbeatInterval; did you mean 'HeartbeatInterval'?\n"


def test_a_key_told_twice_is_shown_once(house: House, plug: Plug) -> None:
    twice = [{"key": "Rotation", "readonly": False}, {"key": "rotation", "readonly": False, "value": "RST"}]
    plug("garage", GetConfiguration={"configurationKey": twice})
    rows = json.loads(house.type("charger", "get", "--json")[1])
    assert rows == [{"key": "rotation", "value": "RST", "readonly": False}]


def test_an_answer_nobody_can_read(house: House, plug: Plug) -> None:
    plug("garage", GetConfiguration={"configurationKey": "none"})
    code, _, err = house.type("charger", "get")
    assert code == 1
    assert "the charger's answer cannot be understood" in err


def test_B4_M20_a_make_that_fails_at_some_keys(house: House, plug: Plug) -> None:
    """ABB Terra AC dies when asked for all keys, or for MeterValuesSampledData."""
    plugged = plug("garage", GetConfiguration=told)
    plugged.say("BootNotification", chargePointVendor="ABB", chargePointModel="Terra AC", firmwareVersion="1.8.21")
    code, out, err = house.type("charger", "get", "--json")
    assert (code, err) == (0, "")
    assert {row["key"] for row in json.loads(out)} == {
        "GetConfigurationMaxKeys",
        "HeartbeatInterval",
        "LocalPreAuthorize",
    }
    chunks = [payload["key"] for payload in asked(plugged, "GetConfiguration")]
    assert chunks[0] == ["GetConfigurationMaxKeys"]
    assert all(0 < len(chunk) <= 2 for chunk in chunks)
    assert not any("MeterValuesSampledData" in chunk for chunk in chunks)

    plugged.asked.clear()
    code, _, err = house.type("charger", "get", "metervaluessampleddata", "HeartbeatInterval")
    assert code == 0
    assert "is not read: this charger is known to fail" in err
    assert asked(plugged, "GetConfiguration") == [{"key": ["HeartbeatInterval"]}]

    plugged.asked.clear()
    plugged.answers["ChangeConfiguration"] = {"status": "Accepted"}
    assert house.type("charger", "set", "MeterValuesSampledData", "Voltage")[0] == 0
    assert [action for action, _ in plugged.asked] == ["ChangeConfiguration"]


# --- set

ANSWERS = {
    "Accepted": (0, "garage answered Accepted: Fan is 60 now\n"),
    "RebootRequired": (
        0,
        "garage answered RebootRequired: Fan is stored, and counts after a restart\n"
        "restart it: tinyocpp charger reset --charger garage\n",
    ),
    "Rejected": (1, "tinyocpp: garage answered Rejected: Fan was not set to 60; the key can only be read, or"),
    "NotSupported": (1, "tinyocpp: garage answered NotSupported: it knows no key Fan; tinyocpp charger get lists"),
}


@pytest.mark.parametrize(("status", "code", "said"), [(name, *row) for name, row in ANSWERS.items()], ids=ANSWERS)
def test_set(house: House, plug: Plug, status: str, code: int, said: str) -> None:
    """This charger cannot be read, and is written to all the same."""
    plugged = plug("garage", ChangeConfiguration={"status": status})
    found, out, err = house.type("charger", "set", "Fan", "60")
    assert found == code
    assert (out or err).startswith(said)
    assert plugged.asked == [
        ("GetConfiguration", {"key": ["Fan"]}),
        ("ChangeConfiguration", {"key": "Fan", "value": "60"}),
    ]


def test_B5_what_is_so_already_is_not_written(house: House, plug: Plug) -> None:
    plugged = plug("garage", GetConfiguration=told, ChangeConfiguration={"status": "Accepted"})
    code, out, _ = house.type("charger", "set", "LocalPreAuthorize", "true")
    assert (code, out) == (0, "LocalPreAuthorize is true already; nothing was sent\n")
    assert asked(plugged, "ChangeConfiguration") == []
    assert house.type("charger", "set", "--force", "LocalPreAuthorize", "true")[0] == 0
    assert asked(plugged, "ChangeConfiguration") == [{"key": "LocalPreAuthorize", "value": "true"}]
    assert house.type("charger", "set", "HeartbeatInterval", "600")[0] == 0
    assert asked(plugged, "ChangeConfiguration")[1:] == [{"key": "HeartbeatInterval", "value": "600"}]


MISTAKES = {
    "an empty key": ((" ", "x"), 64, "KEY is empty"),
    "S25: an empty value": (("Fan", ""), 64, "an empty value takes some chargers down"),
    "no number": (("HeartbeatInterval", "soon"), 64, "HeartbeatInterval cannot be soon: write a whole number"),
    "no boolean": (("LocalPreAuthorize", "yes"), 64, "LocalPreAuthorize cannot be yes: write true or false"),
    "too long": (("Fan", "x" * 501), 64, "at most 50 characters and a value 500"),
    "a password": (("authorizationKey", "00" * 16), 64, "tinyocpp charger password --rotate garage"),
    "read only": (("GetConfigurationMaxKeys", "3"), 1, "GetConfigurationMaxKeys can only be read, and is 2"),
}


@pytest.mark.parametrize(("typed", "code", "said"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_not_sent(house: House, plug: Plug, typed: tuple[str, str], code: int, said: str) -> None:
    plugged = plug("garage", GetConfiguration=told, ChangeConfiguration={"status": "Accepted"})
    found, out, err = house.type("charger", "set", *typed)
    assert (found, out) == (code, "")
    assert said in err
    assert err.count("\n") == 1
    assert asked(plugged, "ChangeConfiguration") == []


def test_a_misspelt_key_once_the_charger_has_told_its_keys(house: House, plug: Plug) -> None:
    many = [{"key": f"Vendor{n}", "readonly": False, "value": str(n)} for n in range(10)]
    plugged = plug("garage", GetConfiguration={"configurationKey": many}, ChangeConfiguration={"status": "Accepted"})
    assert house.type("charger", "get")[0] == 0
    code, _, err = house.type("charger", "set", "Vendro1", "1")
    assert code == 64
    assert "garage has told no key Vendro1; did you mean 'Vendor1'?" in err
    assert house.type("charger", "set", "Vendro1", "1", "--force")[0] == 0
    assert house.type("charger", "set", "SomethingElse", "1")[0] == 0  # like no key it told: vendors hide some
    assert [payload["key"] for payload in asked(plugged, "ChangeConfiguration")] == ["Vendro1", "SomethingElse"]


def test_a_forced_password_is_not_shown(house: House, plug: Plug) -> None:
    plug("garage", ChangeConfiguration={"status": "Accepted"})
    key = "6d79736563726574" * 2
    code, out, err = house.type("charger", "set", "--force", "AuthorizationKey", key)
    assert code == 0
    assert key not in out + err


def test_nobody_to_ask(house: House) -> None:
    assert house.type("charger", "get")[0] == 69
    assert house.type("charger", "set", "--charger", "garage", "A", "1")[0] == 69
