"""A charger that answers nonsense: every word ends in one line of its own, which cannot steer the terminal."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest

from tinyocpp.companions.commandclient import open_charger

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import House, Plugged

    Plug = Callable[..., Plugged]

STEERS = "\x1b[31m\r\nall is well\u202e"
STEERS_NOT = r"\x1b[31m\x0d\x0aall is well\x202e"

ACTIONS = (
    "ChangeAvailability",
    "ChangeConfiguration",
    "ClearCache",
    "ClearChargingProfile",
    "DataTransfer",
    "GetCompositeSchedule",
    "GetConfiguration",
    "GetDiagnostics",
    "GetInstalledCertificateIds",
    "GetLog",
    "ReserveNow",
    "Reset",
    "SetChargingProfile",
    "TriggerMessage",
    "UnlockConnector",
    "UpdateFirmware",
)
WORDS: tuple[tuple[str, ...], ...] = (
    ("get",),
    ("get", "HeartbeatInterval"),
    ("set", "--force", "HeartbeatInterval", "60"),
    ("availability", "operative"),
    ("unlock",),
    ("reset",),
    ("clear-cache",),
    ("trigger", "Heartbeat", "--timeout", "0.5"),
    ("data-transfer", "vendor"),
    ("data-transfer", "vendor", "--json"),
    ("reserve", "04A2", "--for", "1h", "--anyway"),
    ("certificate", "list"),
    ("profile", "set", "--limit", "10A"),
    ("profile", "clear", "--all"),
    ("profile", "composite"),
    ("firmware", "update", "http://maker/file", "--no-wait"),
    ("diagnostics", "get", "--to", "http://here/file", "--no-wait"),
    ("log", "get", "--to", "http://here/file", "--no-wait"),
)
NONSENSE: dict[str, object] = {
    "steers": {"status": STEERS, "unknownKey": [STEERS], "fileName": STEERS, "data": STEERS},
    "too long": {"status": "A" * 100_000},
    "not text": {"status": ["Accepted"]},
    "wrong shapes": {"configurationKey": 5, "certificateHashData": 5, "chargingSchedule": 5, "status": "Accepted"},
    "out of the calendar": {
        "status": "Accepted",
        "scheduleStart": "9999-12-31T23:59:59Z",
        "chargingSchedule": {
            "chargingRateUnit": "A",
            "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 1}, {"startPeriod": 10**15, "limit": 1}],
        },
    },
}


@pytest.mark.parametrize("nonsense", NONSENSE.values(), ids=NONSENSE.keys())
def test_a_word_survives_nonsense(house: House, plug: Plug, nonsense: object) -> None:
    plug("garage", **dict.fromkeys(ACTIONS, nonsense))
    for words in WORDS:
        code, out, err = house.type("charger", *words)
        assert code in (0, 1, 75), words
        assert len(err) < 1000, words
        assert "\x1b" not in out + err, words
        assert "\u202e" not in err, words
        assert not any(line.startswith("all is well") for line in (out + err).splitlines()), words


@pytest.mark.parametrize("number", ["1e400", "9" * 5000])
def test_a_number_nobody_can_read_is_no_yes(house: House, plug: Plug, number: str) -> None:
    plug("garage", **dict.fromkeys(ACTIONS, f'{{"status":{number},"data":{number},"fileName":{number}}}'.encode()))
    for words in (*WORDS[2:11], *WORDS[12:]):
        assert house.type("charger", *words)[0] in (0, 1, 75), words


def test_status_cannot_be_steered(house: House, plug: Plug) -> None:
    plug("garage").say("StatusNotification", connectorId=1, errorCode="NoError", info=STEERS, status="Faulted")
    code, out, _ = house.type("status")
    assert (code, "\x1b" in out) == (0, False)
    assert r"\x1b[31m" in out
    assert json.loads(house.type("status", "--json")[1])[0]["connectors"][0]["status"] == "Faulted"


def test_a_callerror_is_said_in_one_line_however_long(house: House, plug: Plug) -> None:
    plug("garage", Reset=[STEERS, "B" * 100_000, {}])
    code, _, err = house.type("charger", "reset")
    assert (code, err.startswith(f"tinyocpp: garage: {STEERS_NOT}: BBB"), len(err) < 2000) == (76, True, True)


def test_what_was_typed_is_no_text(house: House, plug: Plug) -> None:
    """As Python has the bytes of a terminal that writes Latin-1."""
    garage = plug("garage", ChangeConfiguration={"status": "Accepted"})
    code, _, err = house.type("charger", "set", "--force", "Name", "M\udcfcller")
    assert (code, err) == (64, "tinyocpp: what was typed is not UTF-8, as this terminal says it is: 'M\\udcfcller'\n")
    assert garage.asked == []


def test_what_was_never_sent_is_told_from_what_was_not_answered(house: House, plug: Plug) -> None:
    garage = plug("garage", Reset=...)
    with open_charger([str(house.runtime)], "garage") as somebody:
        somebody.follow()
        somebody._write({"call": "Reset", "payload": {"type": "Soft"}})  # and goes on waiting for its answer
        deadline = time.monotonic() + 20
        while not garage.asked:
            assert time.monotonic() < deadline, "it was never asked"
            time.sleep(0.01)
        code, _, err = house.type("charger", "clear-cache", "--timeout", "0.2")
    assert (code, [action for action, _ in garage.asked]) == (75, ["Reset"])
    assert err.startswith("tinyocpp: garage was not asked for ClearCache: it was never sent: the charger had another")
