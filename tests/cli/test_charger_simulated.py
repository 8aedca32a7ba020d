"""The words of `tinyocpp charger`, typed one after the other while the real listener has the real simulated charger."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest
from test_simulate import Listening

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import House

CARD = "04A2B3C4"


@pytest.fixture
def simulated(house: House) -> Iterator[House]:
    """With a car plugged in on both its connectors."""
    house.tags.write_text(f'[[tag]]\nid = "{CARD}"\nname = "Anna"\n')
    listening = Listening(house)
    listening.start()
    try:
        with listening.simulating("--idle", "--charger", "simulator", "--connectors", "2", "--speed", "600"):
            connectors_known(house)
            yield house
    finally:
        listening.kill()


def connectors_known(house: House) -> None:
    """It has told of its connectors: what follows may name them."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        chargers = json.loads(house.type("status", "--json")[1])
        if any(one["connector_id"] == 2 for charger in chargers for one in charger["connectors"]):
            return
    raise AssertionError("the simulator has not connected")


WORDS: list[tuple[str, int, str]] = [
    ("get GetConfigurationMaxKeys", 0, "GetConfigurationMaxKeys  50     yes"),
    ("get", 0, "HeartbeatInterval"),
    ("set MeterValueSampleInterval 30", 0, "MeterValueSampleInterval is 30 now"),
    ("set MeterValueSampleInterval 30", 0, "nothing was sent"),
    ("set NumberOfConnectors 9", 1, "NumberOfConnectors can only be read, and is 2"),
    ("set MeterValueSampelInterval 9", 64, "did you mean 'MeterValueSampleInterval'?"),
    ("availability inoperative --connector 2", 0, "connector 2 is inoperative now"),
    (f"reserve {CARD} --for 1h --connector 2", 1, "connector 2 is out of service; bring it back"),
    ("availability operative --connector 2", 0, "connector 2 is operative now"),
    ("unlock", 64, "which connector? name it with --connector (1, 2)"),
    ("unlock --connector 2", 0, "connector 2 has let go of the plug"),
    ("clear-cache", 0, "its cache of tags is empty"),
    ("data-transfer tinyocpp Echo hello", 0, "\nhello\n"),
    ("data-transfer com.acme", 1, "it does not know that vendor"),
    ("trigger Heartbeat", 0, "Heartbeat has come"),
    ("trigger MeterValues --connector 1", 0, "MeterValues has come: connector_id 1"),
    ("trigger StatusNotification", 0, "StatusNotification has come"),
    ("trigger DiagnosticsStatusNotification", 0, "DiagnosticsStatusNotification has come"),
    ("trigger LogStatusNotification", 0, "LogStatusNotification has come"),
    ("trigger BootNotification", 1, "BootNotification will not come now"),
    ("reserve Anna --for 1h --connector 2", 1, "connector 2 is in use or reserved already"),
    ("reserve Anna --for 1h --connector 0", 64, "has not said that it can keep any connector"),
    ("reservations", 0, "no connector is reserved"),
    ("cancel-reservation 1 --anyway", 1, "it knows no such reservation"),
    ("profile set --limit 10A --connector 1", 0, "profile 10002 is in place"),
    ("profile set --limit 10A --stack 11", 64, "stack level 11: this charger has 0 to 10"),
    ("profile composite --connector 1 --duration 600", 0, "10.0  A"),
    ("profile clear --id 10002", 0, "what matched is cleared"),
    ("profile clear --id 10002", 1, "no profile matched"),
    ("reset --wait --timeout 60", 0, "simulator is back after"),
]


def test_one_word_after_the_other(simulated: House) -> None:
    said = [simulated.type("charger", *typed.split()) for typed, _, _ in WORDS]
    found = [(typed, code) for (typed, _, _), (code, _, _) in zip(WORDS, said, strict=True)]
    assert found == [(typed, code) for typed, code, _ in WORDS], said
    missing = [
        (typed, out + err)
        for (typed, _, wanted), (_, out, err) in zip(WORDS, said, strict=True)
        if wanted not in out + err
    ]
    assert missing == []


def test_a_limit_on_the_running_charge(simulated: House) -> None:
    limit = ("profile", "set", "--limit", "8A", "--purpose", "tx")
    assert simulated.type("charger", *limit)[0] == 1
    said = simulated.type("start", "--tag", "Anna", "--connector", "1", "--timeout", "20")
    assert said[0] == 0, said
    code, out, err = simulated.type("charger", *limit)
    assert (code, out, err) == (0, "simulator answered Accepted: profile 20002 is in place\n", "")
    code, _, err = simulated.type("unlock", "--connector", "1")
    assert (code, "unlocking ends it; tinyocpp stop" in err) == (1, True)
