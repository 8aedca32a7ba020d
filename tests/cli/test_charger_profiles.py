"""`tinyocpp charger profile set|composite`: what goes out, and what the rules of section 3.13 keep from going out."""

from __future__ import annotations

import copy
import io
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from booked import utc

from tinyocpp.cli.charger.profilerules import mistake, warnings
from tinyocpp.messages.payload import decode_payload
from tinyocpp.messages.smart_charging import SetChargingProfile

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import House, Plugged

    Plug = Callable[..., Plugged]

ACCEPTED = {"status": "Accepted"}
NOON = utc("2026-06-01T12:00:00")


def sent(plugged: Plugged) -> dict[str, Any]:
    action, payload = plugged.asked[-1]
    assert (action, isinstance(payload, dict)) == ("SetChargingProfile", True)
    return payload  # type: ignore[return-value]


# --- set


def test_a_limit(house: House, plug: Plug) -> None:
    plugged = plug("garage", SetChargingProfile=ACCEPTED)
    before = datetime.now(UTC)
    code, out, err = house.type("charger", "profile", "set", "--limit", "10A")
    assert (code, out, err) == (0, "garage answered Accepted: profile 10001 is in place\n", "")
    payload = sent(plugged)
    start = payload["csChargingProfiles"]["chargingSchedule"].pop("startSchedule")
    assert timedelta(seconds=50) < before - datetime.fromisoformat(start) < timedelta(seconds=70)
    assert start.endswith("Z")
    assert payload == {
        "connectorId": 0,
        "csChargingProfiles": {
            "chargingProfileId": 10001,
            "stackLevel": 0,
            "chargingProfilePurpose": "TxDefaultProfile",
            "chargingProfileKind": "Absolute",
            "chargingSchedule": {
                "chargingRateUnit": "A",
                "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 10.0}],
            },
        },
    }


LIMITS = {
    "6A": (6.0, "A"),
    "13.5 a": (13.5, "A"),
    "4.2kW": (4200.0, "W"),
    "2300W": (2300.0, "W"),
    "1.23456kw": (1234.6, "W"),
    "0A": (0.0, "A"),
}


@pytest.mark.parametrize(("typed", "meant"), LIMITS.items())
def test_limits_as_people_type_them(house: House, plug: Plug, typed: str, meant: tuple[float, str]) -> None:
    plugged = plug("garage", SetChargingProfile=ACCEPTED)
    assert (
        house.type("charger", "profile", "set", "--limit", typed, "--purpose", "TxDefaultProfile", "--phases", "3")[0]
        == 0
    )
    schedule = sent(plugged)["csChargingProfiles"]["chargingSchedule"]
    period = {"startPeriod": 0, "limit": meant[0], "numberPhases": 3}
    assert (schedule["chargingSchedulePeriod"], schedule["chargingRateUnit"]) == ([period], meant[1])


def test_a_limit_for_a_while(house: House, plug: Plug) -> None:
    """Absolute with all four of validFrom, validTo, startSchedule and duration, as TC_056 wants it."""
    plugged = plug("garage", SetChargingProfile=ACCEPTED)
    times = ("--from", "2099-06-01 20:00", "--to", "2099-06-02T04:00:00Z")
    typed = ("charger", "profile", "set", "--limit", "16A", "--connector", "2", "--stack", "3", *times)
    assert house.type(*typed)[0] == 0
    profile = sent(plugged)["csChargingProfiles"]
    schedule = profile.pop("chargingSchedule")
    assert sent(plugged)["connectorId"] == 2
    assert profile == {
        "chargingProfileId": 10303,
        "stackLevel": 3,
        "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Absolute",
        "validFrom": "2099-06-01T18:00:00Z",
        "validTo": "2099-06-02T04:00:00Z",
    }
    assert (schedule["startSchedule"], schedule["duration"]) == ("2099-06-01T18:00:00Z", 36_000)

    assert house.type("charger", "profile", "set", "--limit", "16A", "--for", "2h", "--id", "9")[0] == 0
    profile = sent(plugged)["csChargingProfiles"]
    assert profile["chargingProfileId"] == 9
    assert profile["chargingSchedule"]["duration"] in (7260, 7259, 7261)  # it began a minute ago


def test_the_running_charge(house: House, plug: Plug) -> None:
    """By the number the charger knows it under: some keep one of their own (quirk X7)."""
    plugged = plug("garage", SetChargingProfile=ACCEPTED)
    typed = ("charger", "profile", "set", "--limit", "8A", "--purpose", "tx")
    code, _, err = house.type(*typed)
    assert (code, plugged.asked) == (1, [])
    assert "no charge is running on garage; --purpose default limits those to come" in err
    books = house.books()
    number = books.start("garage", "04A2B3C4", datetime.now(UTC), connector=2)
    books.close()
    assert house.type(*typed)[0] == 0
    payload = sent(plugged)
    assert payload["connectorId"] == 2
    assert payload["csChargingProfiles"]["transactionId"] == number
    assert house.type(*typed, "--connector", "1")[0] == 1

    named = {name: value for name, value in FILE.items() if name != "recurrencyKind"}
    named |= {"chargingProfilePurpose": "TxProfile", "chargingProfileKind": "Absolute", "transactionId": 77}
    (house.folder / "tx.json").write_text(json.dumps(named))
    assert house.type("charger", "profile", "set", "--json", str(house.folder / "tx.json"))[0] == 0
    assert sent(plugged)["csChargingProfiles"]["transactionId"] == 77  # as it was written


FILE: dict[str, Any] = {
    "chargingProfileId": 4,
    "stackLevel": 1,
    "chargingProfilePurpose": "TxDefaultProfile",
    "chargingProfileKind": "Recurring",
    "recurrencyKind": "Daily",
    "chargingSchedule": {
        "duration": 86400,
        "startSchedule": "2026-06-01T00:00:00.5+02:00",
        "chargingRateUnit": "A",
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 6}, {"startPeriod": 3600, "limit": 16.5}],
    },
}


def test_a_whole_profile_from_a_file(house: House, plug: Plug) -> None:
    plugged = plug("garage", SetChargingProfile=ACCEPTED)
    file = house.folder / "profile.json"
    file.write_text(json.dumps(FILE))
    assert house.type("charger", "profile", "set", "--json", str(file), "--connector", "1")[0] == 0
    expected = copy.deepcopy(FILE)
    expected["chargingSchedule"]["startSchedule"] = "2026-05-31T22:00:00Z"  # T9: always so
    assert sent(plugged) == {"connectorId": 1, "csChargingProfiles": expected}


def test_a_whole_call_from_standard_input(house: House, plug: Plug, monkeypatch: pytest.MonkeyPatch) -> None:
    plugged = plug("garage", SetChargingProfile=ACCEPTED)
    whole = json.dumps({"connectorId": 3, "csChargingProfiles": FILE}).encode()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(whole)))
    assert house.type("charger", "profile", "set", "--json", "-")[0] == 0
    assert sent(plugged)["connectorId"] == 3


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "No such file or directory"),
        ("{", "Input data was truncated"),
        ("[]", "Expected `object`"),
        ("{}", "Object missing required field `chargingProfileId`; nothing was sent"),
        (json.dumps(FILE).replace("16.5", "16.25"), "at most one decimal"),
        (json.dumps(FILE).replace("Daily", "Yearly"), "Invalid enum value 'Yearly'"),
    ],
    ids=["no file", "no JSON", "a list", "nothing in it", "too fine", "no such recurrency"],
)
def test_a_file_that_is_no_profile(house: House, plug: Plug, text: str | None, said: str) -> None:
    plugged = plug("garage", SetChargingProfile=ACCEPTED)
    file = house.folder / "profile.json"
    if text is not None:
        file.write_text(text)
    code, out, err = house.type("charger", "profile", "set", "--json", str(file))
    assert (code, out, plugged.asked) == (64, "", [])
    assert f"--json {file}: " in err
    assert said in err
    assert err.count("\n") == 1


MISTAKES: dict[str, tuple[tuple[str, ...], str]] = {
    "no unit": (("--limit", "10"), "--limit 10: write amperes per phase such as 10A"),
    "less than nothing": (("--limit=-5A",), "--limit -5A: write amperes"),
    "two ends": (("--limit", "6A", "--to", "2099-01-01", "--for", "1h"), "leave one of them out"),
    "over": (("--limit", "6A", "--to", "2020-01-01"), "profile 10001: it is over already"),
    "backwards": (("--limit", "6A", "--from", "2099-02-01", "--to", "2099-01-01"), "it ends before it begins"),
    "max of a connector": (("--limit", "6A", "--purpose", "max", "--connector", "1"), "leave --connector out"),
    "no purpose": (("--limit", "6A", "--purpose", "most"), "most: no such purpose; max: the charger as a whole"),
    "nothing": ((), "one of the arguments --limit --json is required"),
}


@pytest.mark.parametrize(("typed", "said"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_not_sent(house: House, plug: Plug, typed: tuple[str, ...], said: str) -> None:
    plugged = plug("garage", SetChargingProfile=ACCEPTED)
    code, out, err = house.type("charger", "profile", "set", *typed)
    assert (code, out, plugged.asked) == (64, "", [])
    assert said in err
    assert err.count("\n") == 1


def test_below_what_a_car_can_be_offered(house: House, plug: Plug) -> None:
    plug("garage", SetChargingProfile={"status": "Rejected"})
    code, _, err = house.type("charger", "profile", "set", "--limit", "5A")
    assert code == 1
    assert err == (
        "tinyocpp: 5 A is below the 6 A a car can be offered: most chargers will pause\n"
        "tinyocpp: garage answered Rejected: profile 10001 was not taken; too many periods or too high a level, a unit"
        " it does not know, or no such charge: see tinyocpp charger get\n"
    )


# --- the rules, one by one


def call(connector_id: int = 0, **changes: Any) -> SetChargingProfile:
    """FILE with some fields another, or none; `schedule` changes the schedule's."""
    profile = copy.deepcopy(FILE)
    profile["chargingSchedule"] |= changes.pop("schedule", {})
    profile |= changes
    for part in (profile, profile["chargingSchedule"]):
        for name in [name for name, value in part.items() if value is None]:
            del part[name]
    payload = {"connectorId": connector_id, "csChargingProfiles": profile}
    return decode_payload(SetChargingProfile, json.dumps(payload).encode())


def periods(*starts: int) -> dict[str, Any]:
    return {"chargingSchedulePeriod": [{"startPeriod": start, "limit": 6} for start in starts]}


TOLD = {
    "ChargeProfileMaxStackLevel": "4",
    "ChargingScheduleMaxPeriods": "3",
    "ChargingScheduleAllowedChargingRateUnit": "Current",
}
ABSOLUTE = {"chargingProfileKind": "Absolute", "recurrencyKind": None}
TX = {"chargingProfilePurpose": "TxProfile"}
MAX = {"chargingProfilePurpose": "ChargePointMaxProfile"}

RULES: dict[str, tuple[SetChargingProfile, str]] = {
    "as it should be": (call(), ""),
    "max of the whole": (call(0, **MAX), ""),
    "tx of a connector": (call(1, **TX, transactionId=3), ""),
    "relative": (
        call(1, **TX, chargingProfileKind="Relative", recurrencyKind=None, schedule={"startSchedule": None}),
        "",
    ),
    "max of a connector": (call(1, **MAX), "is for the charger as a whole"),
    "tx of the whole": (call(0, **TX, transactionId=3), "a TxProfile is for one connector"),
    "connector below 0": (call(-1), "connectors are counted from 1"),
    "a transaction of a default": (call(1, transactionId=3), "only a TxProfile has a transactionId"),
    "over": (call(validTo="2026-06-01T12:00:00Z"), "it is over already"),
    "ends before it begins": (
        call(validFrom="2026-06-03T12:00:00Z", validTo="2026-06-02T12:00:00Z"),
        "it ends before it begins",
    ),
    "too high": (call(stackLevel=5), "stack level 5: this charger has 0 to 4"),
    "too low": (call(stackLevel=-1), "stack level -1"),
    "recurring how": (call(recurrencyKind=None), "recurrencyKind (Daily or Weekly) goes with Recurring"),
    "absolute and daily": (
        call(chargingProfileKind="Absolute"),
        "recurrencyKind (Daily or Weekly) goes with Recurring",
    ),
    "relative from a time": (
        call(1, **TX, **ABSOLUTE | {"chargingProfileKind": "Relative"}),
        "leave startSchedule out",
    ),
    "relative max": (
        call(**MAX, **ABSOLUTE | {"chargingProfileKind": "Relative"}, schedule={"startSchedule": None}),
        "cannot be Relative",
    ),
    "absolute from nowhere": (call(**ABSOLUTE, schedule={"startSchedule": None}), "Absolute needs a startSchedule"),
    "no periods": (call(schedule=periods()), "the first period must have startPeriod 0"),
    "first not 0": (call(schedule=periods(60)), "the first period must have startPeriod 0"),
    "not ascending": (call(schedule=periods(0, 60, 60)), "the periods must follow each other"),
    "too many": (call(schedule=periods(0, 1, 2, 3)), "it has 4 periods; this charger has room for 3"),
    "no duration": (call(schedule={"duration": 0}), "its duration is nothing"),
    "a negative limit": (
        call(schedule={"chargingSchedulePeriod": [{"startPeriod": 0, "limit": -1}]}),
        "a limit cannot be less than 0",
    ),
}


@pytest.mark.parametrize(("profile", "said"), RULES.values(), ids=RULES)
def test_a_rule(profile: SetChargingProfile, said: str) -> None:
    found = mistake(profile, NOON, TOLD.get)
    assert said in found if said else found == ""


def test_a_charger_that_says_nothing_of_its_limits() -> None:
    assert mistake(call(stackLevel=99, schedule=periods(*range(50))), NOON, lambda _: None) == ""
    assert list(warnings(call(schedule={"chargingRateUnit": "W"} | periods(0)), lambda _: None)) == [
        "6 W is below the 6 A a car can be offered: most chargers will pause"
    ]


def test_a_unit_the_charger_does_not_name() -> None:
    watts = call(schedule={"chargingRateUnit": "W", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 4200}]})
    assert list(warnings(watts, TOLD.get)) == ["this charger says that it takes limits in A, not in W"]
    assert list(warnings(call(), TOLD.get)) == []


# --- composite

COMPOSITE = {
    "status": "Accepted",
    "connectorId": 1,
    "scheduleStart": "2026-06-01T10:00:00Z",
    "chargingSchedule": {
        "chargingRateUnit": "A",
        "chargingSchedulePeriod": [
            {"startPeriod": 0, "limit": 6.0},
            {"startPeriod": 5400, "limit": 16, "numberPhases": 1},
        ],
    },
}


def test_composite(house: House, plug: Plug) -> None:
    plugged = plug("garage", GetCompositeSchedule=COMPOSITE)
    code, out, _ = house.type("charger", "profile", "composite")
    assert code == 0
    assert out.splitlines() == [
        "garage answered Accepted: this is what it expects, without promise",
        "from                 limit  unit  phases",
        "2026-06-01 12:00:00    6.0  A",
        "2026-06-01 13:30:00   16.0  A          1",
    ]
    everything = ("charger", "profile", "composite", "--connector", "2", "--duration", "60", "--unit", "W", "--json")
    code, out, _ = house.type(*everything)
    assert (code, json.loads(out)[0]) == (0, {"at": "2026-06-01T10:00:00Z", "limit": 6.0, "unit": "A", "phases": None})
    assert plugged.asked == [  # TC_066 wants all three
        ("GetCompositeSchedule", {"connectorId": 0, "duration": 86400, "chargingRateUnit": "A"}),
        ("GetCompositeSchedule", {"connectorId": 2, "duration": 60, "chargingRateUnit": "W"}),
    ]


S22: dict[str, tuple[dict[str, Any], int, str]] = {
    "no unit": (
        COMPOSITE | {"chargingSchedule": {"chargingSchedulePeriod": [{"startPeriod": 0, "limit": 6}]}},
        0,
        "6.0",
    ),
    "ZJ Beny: no periods": (
        COMPOSITE | {"chargingSchedule": {"chargingRateUnit": "A", "chargingSchedulePeriod": []}},
        0,
        "it names no limit",
    ),
    "no schedule": ({"status": "Accepted"}, 0, "it shows no schedule"),
    "numbers as text": (
        COMPOSITE | {"chargingSchedule": {"chargingSchedulePeriod": [{"startPeriod": "0", "limit": "6"}]}},
        0,
        "6.0",
    ),
    "Entratek Power Dot Pro: never": ({"status": "Rejected"}, 1, "it cannot tell; many chargers never can"),
    "nonsense": (COMPOSITE | {"chargingSchedule": "none"}, 1, "the charger's answer cannot be understood"),
}


@pytest.mark.parametrize(("answer", "code", "said"), S22.values(), ids=S22)
def test_S22_composite_schedules_there_are(
    house: House, plug: Plug, answer: dict[str, Any], code: int, said: str
) -> None:
    plug("garage", GetCompositeSchedule=answer)
    found, out, err = house.type("charger", "profile", "composite", "--connector", "0")
    assert found == code
    assert said in out + err


def test_composite_of_no_time(house: House, plug: Plug) -> None:
    plugged = plug("garage")
    assert house.type("charger", "profile", "composite", "--duration", "0")[0] == 64
    assert plugged.asked == []
