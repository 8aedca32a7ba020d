"""The compliance tool's cases about the local authorisation list, as an owner has them: `[tags] local_list = true`.

Nobody types anything then: the listener keeps the list of each charger in step with the tags file. The charger here
keeps its list as section 5.15 says; what a person can send by hand is in test_calls.py.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from listening import within
from ocpp.v16 import call, call_result

from compliance.programs import ACCEPTED, ANY, BLOCKED, EXPIRED, GROUP, SAME_GROUP, Installation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from compliance.charge_point import ChargePoint
    from compliance.programs import Listener

EVERYBODY = {
    ACCEPTED: {"status": "Accepted", "parentIdTag": GROUP},
    SAME_GROUP: {"status": "Accepted", "parentIdTag": GROUP},
    BLOCKED: {"status": "Blocked"},
    EXPIRED: {"status": "Expired"},
}


@pytest.fixture
def listener(tmp_path: Any) -> Iterator[Listener]:
    with Installation(tmp_path, f"{ANY}\n[tags]\nlocal_list = true").listener() as listener:
        yield listener
        assert "Traceback" not in listener.log


class Memory:
    """What a charger remembers between connections."""

    def __init__(self, version: int = 0, at_a_time: int = 2) -> None:
        self.version = version
        self.at_a_time = at_a_time
        self.entries: dict[str, Any] = {}

    def of(self, cp: ChargePoint) -> ChargePoint:
        told = {"LocalAuthListEnabled": "true", "LocalAuthorizeOffline": "true"}
        told["SendLocalListMaxLength"] = str(self.at_a_time)
        cp.will(call_result.GetConfiguration([{"key": k, "readonly": False, "value": told[k]} for k in told]))
        cp.answers["GetLocalListVersion"] = lambda: call_result.GetLocalListVersion(self.version)
        cp.answers["SendLocalList"] = lambda **_: call_result.SendLocalList(self.update(cp.calls[-1][1]))
        return cp

    def update(self, asked: dict[str, Any]) -> str:
        entries = asked.get("localAuthorizationList", [])
        assert len(entries) <= self.at_a_time
        if asked["updateType"] == "Full":
            assert all("idTagInfo" in entry for entry in entries)
            self.entries = {}
        elif asked["listVersion"] <= self.version:
            return "VersionMismatch"
        for entry in entries:
            self.entries.pop(entry["idTag"], None)
            if "idTagInfo" in entry:
                self.entries[entry["idTag"]] = entry["idTagInfo"]
        self.version = asked["listVersion"]
        return "Accepted"


def sent(cp: ChargePoint) -> list[dict[str, Any]]:
    return [payload for action, payload in cp.calls if action == "SendLocalList"]


async def said_of(site: Installation, charger_id: str) -> dict[str, Any]:
    """What `tinyocpp status` says of its list."""
    rows = json.loads((await site.tinyocpp("status", "--json")).out)
    (row,) = (row for row in rows if row["charger_id"] == charger_id)
    listed: dict[str, Any] = row["local_list"]
    return listed


async def in_step(cp: ChargePoint, memory: Memory) -> None:
    """Until the charger has the list, and the listener knows that it has."""
    await cp.until(lambda: memory.entries == EVERYBODY)
    while (await said_of(cp.site, cp.id) or {}).get("version") != memory.version:
        await cp.ask(call.Heartbeat())


@within(30)
async def test_tc_042_1_it_has_none(listener: Listener) -> None:
    async with Memory(version=-1).of(listener.charge_point("TC_042_1")) as cp:
        await cp.boot()
        await cp.called("GetLocalListVersion")
        for _ in range(2):
            await cp.ask(call.Heartbeat())
        assert sent(cp) == []
        assert "no local list" in (await said_of(cp.site, cp.id))["problem"]


@within(30)
async def test_tc_042_2_an_empty_one_is_filled(listener: Listener) -> None:
    memory = Memory(version=0)
    async with memory.of(listener.charge_point("TC_042_2")) as cp:
        await cp.boot()
        await cp.until(lambda: memory.entries == EVERYBODY)


@pytest.mark.parametrize("status", [pytest.param("NotSupported", id="TC_043_1"), pytest.param("Failed", id="TC_043_3")])
@within(30)
async def test_it_will_not_have_it(listener: Listener, status: str) -> None:
    """Full, each entry with its idTagInfo; the owner is told, and nothing is sent again and again."""
    async with Memory(version=7).of(listener.charge_point(status)) as cp:
        cp.will(call_result.SendLocalList(status))
        await cp.boot()
        asked = await cp.called("SendLocalList")
        assert (asked["updateType"], asked["listVersion"] > 7) == ("Full", True)
        assert all(entry["idTagInfo"] == EVERYBODY[entry["idTag"]] for entry in asked["localAuthorizationList"])
        for _ in range(3):
            await cp.ask(call.Heartbeat())
        assert len(sent(cp)) == 1
        assert status in (await said_of(cp.site, cp.id))["problem"]


@within(30)
async def test_tc_043_4_the_whole_list(listener: Listener) -> None:
    """Another server's is replaced: Full first, and the rest in Differentials of the charger's own size."""
    memory = Memory(version=7, at_a_time=3)
    memory.entries = {"THEIRS": {"status": "Accepted"}}
    async with memory.of(listener.charge_point("TC_043_4")) as cp:
        await cp.boot()
        await cp.until(lambda: memory.entries == EVERYBODY)
        assert [(one["updateType"], one["listVersion"]) for one in sent(cp)] == [("Full", 8), ("Differential", 9)]


@within(30)
async def test_tc_043_5_only_what_has_changed(listener: Listener) -> None:
    memory = Memory()
    async with memory.of(listener.charge_point("TC_043_5")) as cp:
        await cp.boot()
        await in_step(cp, memory)
    before = memory.version
    assert (await cp.site.tinyocpp("tag", "add", "NEW01")).code == 0
    assert (await cp.site.tinyocpp("tag", "remove", BLOCKED)).code == 0
    async with memory.of(listener.charge_point("TC_043_5")) as cp:
        await cp.ask(call.Heartbeat())
        await cp.until(lambda: "NEW01" in memory.entries)
        (asked,) = sent(cp)
        entries = {entry["idTag"]: entry.get("idTagInfo") for entry in asked["localAuthorizationList"]}
        assert (asked["updateType"], entries) == ("Differential", {BLOCKED: None, "NEW01": {"status": "Accepted"}})
        assert asked["listVersion"] > before
        assert BLOCKED not in memory.entries


@within(30)
async def test_a_list_that_is_not_what_we_thought(listener: Listener) -> None:
    """VersionMismatch, then Failed to a Differential: the whole list (section 5.15)."""
    memory = Memory()
    async with memory.of(listener.charge_point("mismatch")) as cp:
        await cp.boot()
        await in_step(cp, memory)
    await cp.site.tinyocpp("tag", "add", "NEW01")
    async with memory.of(listener.charge_point("mismatch")) as cp:
        refusing = iter(["VersionMismatch"])
        cp.answers["SendLocalList"] = lambda **_: call_result.SendLocalList(
            next(refusing, None) or memory.update(cp.calls[-1][1])
        )
        await cp.ask(call.Heartbeat())
        await cp.until(lambda: "NEW01" in memory.entries and len(memory.entries) == len(EVERYBODY) + 1)
        kinds = [one["updateType"] for one in sent(cp)]
        assert kinds[:2] == ["Differential", "Full"]


@within(30)
async def test_a_conflict_is_mended(listener: Listener) -> None:
    """The charger says that its list and our answer differ (section 4.9): it gets the list anew, here at once as it
    connects again, else within a minute."""
    memory = Memory(at_a_time=10)
    async with memory.of(listener.charge_point("conflict")) as cp:
        await cp.boot()
        await in_step(cp, memory)
        memory.entries[ACCEPTED] = {"status": "Blocked"}
        await cp.status("Available", 0, "LocalListConflict")
    async with memory.of(listener.charge_point("conflict")) as cp:
        await cp.ask(call.Heartbeat())
        await cp.until(lambda: memory.entries == EVERYBODY)
        assert sent(cp)[-1]["updateType"] == "Full"


@within(30)
async def test_nothing_is_sent_where_nobody_wants_it(tmp_path: Any) -> None:
    with Installation(tmp_path).listener() as listener:
        async with Memory().of(listener.charge_point("garage")) as cp:
            await cp.boot()
            for _ in range(3):
                await cp.ask(call.Heartbeat())
            assert cp.calls == []
