"""`tinyocpp charger trigger`: the call, the message that follows it, and chargers that do it in their own way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tinyocpp.cli.charger import triggering

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import House, Plugged

    Plug = Callable[..., Plugged]

ACCEPTED = {"status": "Accepted"}
STATUS = {"connectorId": 1, "errorCode": "NoError", "status": "Available"}
METER = {
    "connectorId": 1,
    "meterValue": [{"timestamp": "2026-06-01T12:00:00Z", "sampledValue": [{"value": "1200"}]}],
}

# What is typed, the message that comes, and what is said of it.
FOLLOWING: dict[str, tuple[str, str, dict[str, Any], str]] = {
    "heartbeat": ("Heartbeat", "Heartbeat", {}, "Heartbeat has come\n"),
    "status": (
        "StatusNotification",
        "StatusNotification",
        STATUS,
        "StatusNotification has come: connector_id 1, status Available, error_code NoError\n",
    ),
    "values": ("MeterValues", "MeterValues", METER, "MeterValues has come: connector_id 1, register_wh 1200\n"),
    "boot": (
        "bootnotification",
        "BootNotification",
        {"chargePointVendor": "Wallbe", "chargePointModel": "Pro"},
        "BootNotification has come: vendor Wallbe, model Pro\n",
    ),
    "firmware": (
        "FirmwareStatusNotification",
        "FirmwareStatusNotification",
        {"status": "Idle"},
        "FirmwareStatusNotification has come\n",
    ),
}


@pytest.mark.parametrize(("typed", "action", "payload", "said"), FOLLOWING.values(), ids=FOLLOWING)
def test_the_message_that_follows(
    house: House, plug: Plug, typed: str, action: str, payload: dict[str, Any], said: str
) -> None:
    plugged = plug("garage", TriggerMessage=ACCEPTED)
    plugged.then["TriggerMessage"] = [(action, payload)]
    code, out, _ = house.type("charger", "trigger", typed, "--timeout", "20")
    assert (code, out) == (0, f"garage answered Accepted: {action} will come\n{said}")
    assert plugged.asked == [("TriggerMessage", {"requestedMessage": action})]


def test_what_only_the_security_extension_can_ask_for(house: House, plug: Plug) -> None:
    plugged = plug("garage", ExtendedTriggerMessage=ACCEPTED)
    plugged.then["ExtendedTriggerMessage"] = [("SignCertificate", {"csr": "no request"})]
    code, out, _ = house.type("charger", "trigger", "SignChargePointCertificate", "--timeout", "20")
    assert (code, out.splitlines()[-1]) == (0, "SignCertificate has come")
    plugged.then["ExtendedTriggerMessage"] = [("Heartbeat", {})]
    assert house.type("charger", "trigger", "Heartbeat", "--extended")[0] == 0
    messages = [payload["requestedMessage"] for _, payload in plugged.asked]  # type: ignore[index]
    assert messages == ["SignChargePointCertificate", "Heartbeat"]


def test_B8_a_yes_and_nothing_follows(house: House, plug: Plug, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(triggering, "FOLLOWS_WITHIN_S", 0.3)
    plug("garage", TriggerMessage=ACCEPTED)
    code, out, err = house.type("charger", "trigger", "MeterValues")
    assert (code, out) == (75, "garage answered Accepted: MeterValues will come\n")
    assert err == "tinyocpp: garage agreed, but no MeterValues has come; some chargers agree and send none\n"


def only_with(payload: dict[str, Any]) -> dict[str, str]:
    return {"status": "Accepted" if "connectorId" in payload else "Rejected"}


def only_without(payload: dict[str, Any]) -> dict[str, str]:
    return {"status": "Rejected" if "connectorId" in payload else "Accepted"}


B7 = {
    "ABL: only with a connector": ((), only_with, [{}, {"connectorId": 1}]),
    "only without": (("--connector", "1"), only_without, [{"connectorId": 1}, {}]),
}


@pytest.mark.parametrize(("typed", "answer", "asked"), B7.values(), ids=B7)
def test_B7_asked_again_the_other_way(
    house: House, plug: Plug, typed: tuple[str, ...], answer: object, asked: list[dict[str, int]]
) -> None:
    plugged = plug("garage", TriggerMessage=answer)
    plugged.then["TriggerMessage"] = [("StatusNotification", STATUS)]
    code, _, err = house.type("charger", "trigger", "StatusNotification", *typed)
    assert code == 0
    assert "garage answered Rejected; asking again with" in err
    expected = [("TriggerMessage", {"requestedMessage": "StatusNotification"} | one) for one in asked]
    assert plugged.asked == expected


def test_B7_of_several_connectors_a_person_chooses(house: House, plug: Plug) -> None:
    plugged = plug("garage", TriggerMessage=only_with)
    for connector_id in (1, 2):
        plugged.say("StatusNotification", **STATUS | {"connectorId": connector_id})
    code, _, err = house.type("charger", "trigger", "MeterValues")
    assert code == 1
    assert "MeterValues will not come now; try it with --connector 1 (some chargers want one" in err
    assert len(plugged.asked) == 1


def test_B2_a_make_that_a_trigger_kills(house: House, plug: Plug) -> None:
    plugged = plug("garage", TriggerMessage={"status": "Rejected"})
    plugged.say("BootNotification", chargePointVendor="StarCharge", chargePointModel="Aurora")
    code, _, err = house.type("charger", "trigger", "BootNotification")
    assert (code, plugged.asked) == (1, [])
    assert "is of a make that fails when asked for a BootNotification" in err
    assert house.type("charger", "trigger", "BootNotification", "--anyway")[0] == 1
    assert plugged.asked == [("TriggerMessage", {"requestedMessage": "BootNotification"})]


MISTAKES: dict[str, tuple[tuple[str, ...], str]] = {
    "no such message": (("MeterValue",), "MeterValue: no such message; did you mean 'MeterValues'?"),
    "nothing like one": (("xyz",), "xyz: no such message; one of BootNotification, Heartbeat,"),
    "connector 0": (("MeterValues", "--connector", "0"), "--connector 0: leave it out to mean all of them"),
    "not of the extension": (("DiagnosticsStatusNotification", "--extended"), "leave --extended out"),
}


@pytest.mark.parametrize(("typed", "said"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_not_sent(house: House, plug: Plug, typed: tuple[str, ...], said: str) -> None:
    plugged = plug("garage", TriggerMessage=ACCEPTED)
    code, out, err = house.type("charger", "trigger", *typed)
    assert (code, out) == (64, "")
    assert said in err
    assert plugged.asked == []
