"""The local authorisation list through the real backend: the owner's tags are in the charger, and status says so."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING

from tinyocpp.messages.local_list import SendLocalList
from tinyocpp.messages.payload import decode_payload
from tinyocpp.simulator.tagmemory import TagMemory

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import House, Plugged


def test_tags_are_in_the_charger_and_status_says_so(house: House, plug: Callable[..., Plugged]) -> None:
    house.configuration.write_text(house.configuration.read_text() + "[tags]\nlocal_list = true\n")
    house.tags.write_text('[[tag]]\nid = "04A2"\nname = "Anna"\n')
    memory, sent = TagMemory(), threading.Event()

    def take(payload: dict[str, object]) -> dict[str, object]:
        status = memory.update(decode_payload(SendLocalList, json.dumps(payload).encode()))
        sent.set()
        return {"status": status}

    charger = plug(
        "garage",
        GetConfiguration={"configurationKey": [{"key": "LocalAuthListEnabled", "value": "true", "readonly": False}]},
        GetLocalListVersion={"listVersion": 0},
        SendLocalList=take,
    )
    assert sent.wait(20)
    charger.say("Heartbeat")
    charger.say("Heartbeat")  # what follows from the answer before the first is in the ledger now

    assert memory.list_version == 1
    _, out, _ = house.type("status", "--json")
    (row,) = json.loads(out)
    assert row["local_list"] == {"version": 1, "tags": 1, "problem": ""}
    _, out, _ = house.type("status")
    assert "garage: knows 1 tag by itself since" in out


def test_one_charger_can_be_left_out(house: House, plug: Callable[..., Plugged]) -> None:
    settings = "[tags]\nlocal_list = true\n[charger.garage]\nlocal_list = false\n"
    house.configuration.write_text(house.configuration.read_text() + settings)

    charger = plug("garage")
    charger.say("Heartbeat")
    charger.say("Heartbeat")

    assert charger.asked == []
