"""`tinyocpp log`, as typed, with what a real backend has written."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import House, Plugged, Running


def test_what_a_backend_wrote(house: House, plug: Callable[..., Plugged]) -> None:
    plug("garage").say("Heartbeat")
    plug("carport")
    code, out, _ = house.type("log")
    assert code == 0
    told = [line.split(maxsplit=1)[1] for line in out.splitlines()[1:]]
    assert told[0] == "garage > BootNotification chargePointVendor=Wallbe chargePointModel=Pro firmwareVersion=1.2"
    assert told[2:3] == ["garage > Heartbeat"]
    assert told[3].startswith("garage < Heartbeat answered: currentTime=")
    assert told[4].split()[:3] == ["carport", ">", "BootNotification"]
    assert len(house.type("log", "--charger", "GARAGE")[1].splitlines()) == 1 + 4
    assert house.type("log", "-n", "0")[1] == ""
    raw = [json.loads(line) for line in house.type("log", "--raw", "-n", "2")[1].splitlines()]
    assert [(line["charger"], line["dir"]) for line in raw] == [("carport", "cp->cs"), ("carport", "cs->cp")]


def test_what_was_logged_can_be_replayed(house: House, plug: Callable[..., Plugged]) -> None:
    plug("garage").say("Heartbeat")
    path = house.folder / "log.jsonl"
    path.write_text(house.type("log", "--raw")[1])
    code, out, _ = house.type("replay", str(path))
    assert code == 0
    assert "2 calls: 2 answered the same" in out


def test_no_traffic_yet(house: House) -> None:
    code, out, err = house.type("log")
    assert (code, out) == (69, "")
    assert "no traffic has been recorded in" in err
    assert str(house.runtime) in err
    house.configuration.write_text(house.configuration.read_text() + '[log]\nwire = "wire.jsonl"\n')
    assert str(house.folder / "wire.jsonl") in house.type("log")[2]


@pytest.mark.parametrize("options", [(), ("--raw",)])
def test_follow(plug: Callable[..., Plugged], running: Callable[..., Running], options: tuple[str, ...]) -> None:
    following = running("log", "--follow", *options)
    plugged = plug("garage")  # its log comes to be after we began to follow
    following.until("BootNotification")
    plugged.say("StatusNotification", connectorId=1, errorCode="NoError", status="SuspendedEV")
    following.until("SuspendedEV")
    plug("carport")
    following.until("carport")


def test_the_first_line_knows_what_it_answers(house: House) -> None:
    frames = [("cp->cs", '[2,"1","Heartbeat",{}]'), ("cs->cp", '[3,"1",{"currentTime":"2026-06-01T12:00:00Z"}]')]
    house.runtime.mkdir(exist_ok=True)
    (house.runtime / "wire.jsonl").write_text(
        "".join(
            json.dumps({"at": "2026-06-01T12:00:00Z", "charger": "garage", "dir": direction, "raw": raw}) + "\n"
            for direction, raw in frames
        )
    )
    told = house.type("log", "-n", "1")[1].splitlines()
    assert len(told) == 2  # the day, and the line
    assert "Heartbeat answered" in told[1]
