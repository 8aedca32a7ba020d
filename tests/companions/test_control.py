"""The control program beside a real listener, with a meter's file, simulated chargers and their house, in fast time."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from street import CARD, Box, Moment, Street, Weather, steady, street

from tinyocpp.companions.control import Control, Rounds
from tinyocpp.config import load
from tinyocpp.storage import open_reader

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine
    from pathlib import Path

    from tinyocpp.storage import Booking

# The house lives sixty times as fast as we do: what takes us a second is a minute for the car.
FAST = """
[control]
interval_s = 0.2
write_every_s = 0.1
settle_s = 0.5
[solar]
mode = "{mode}"
min_charging_s = 1
min_off_s = 0.5
pause_s = 1
dwell_s = 2
stale_after_s = 5
start_cost_wh = 0.01
stop_cost_wh = 0.02
swap_cost_wh = 0.6
[meter]
kind = "file"
path = "meter.json"
interval_s = 0.5
stale_after_s = 3
"""


@asynccontextmanager
async def controlled(one: Street) -> AsyncIterator[None]:
    """As `tinyocpp control` does it, in a thread."""
    told, teller = os.pipe()
    running = asyncio.create_task(asyncio.to_thread(Control(load(str(one.site.file), {})).run, [told]))
    try:
        yield
    finally:
        os.close(teller)
        await running
        os.close(told)


def notes(one: Street) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((one.site.runtime / "control.json").read_text())
    return found


def words(one: Street) -> str:
    """What is said of the only connector, as soon as something is."""
    if not (one.site.runtime / "control.json").exists():
        return ""
    said: str = "".join(connector["words"] for connector in notes(one)["connectors"])
    return said


PATIENCE_S = 300
METER_S = 0.1  # as the street has it

SHARED = """
[sharing]
limit_a = {limit_a}
stale_after_s = 5
lag_s = 1
raise_after_s = 1
min_off_s = 1
dwell_s = 3
"""


def most_on_a_phase(moment: Moment) -> float:
    return max(moment.shown.l1_a, moment.shown.l2_a, moment.shown.l3_a)


def keeps(one: Street, least_a: float, most_a: float) -> bool:
    """Between these, on three phases, for five minutes of the house?"""
    since_s = one.now_s - 300
    return since_s > 0 and all(least_a < moment.drawn_a("garage")[2] < most_a for moment in one.since(since_s))


def least_of(one: Street, boxes: list[Box]) -> float:
    return min(one.last.drawn_a(box.identity)[0] for box in boxes)


def scene(steps: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(steps, PATIENCE_S))


def unharmed(one: Street, identity: str = "garage") -> bool:
    """No limit no car knows, no phases changed under load, nothing of what moves written to flash."""
    tally = one.tally(identity)
    return not tally.too_small_a and not tally.damage and not tally.written["ChargePointMaxProfile"]


def test_news_that_come_right_after_a_decision_are_heeded_soon() -> None:
    rounds = Rounds(10.0)
    assert rounds.wait_s(0.0) == 0.0
    rounds.begin(0.0)
    assert rounds.wait_s(0.3) == pytest.approx(9.7)
    rounds.news |= True
    assert rounds.wait_s(0.3) == pytest.approx(0.7)
    rounds.news |= False  # nothing more since
    assert rounds.wait_s(1.0) == 0.0
    rounds.begin(1.0)
    assert rounds.wait_s(1.0) == 10.0
    rounds.news |= True
    assert rounds.wait_s(8.0) == 0.0


def test_a_car_is_charged_from_the_sun(tmp_path: Path) -> None:
    async def steps() -> None:
        text = FAST.format(mode="solar")
        async with street(tmp_path, [Box("garage")], steady(pv_w=6900), text=text) as s, controlled(s):
            await s.until(lambda: keeps(s, 9, 10.5))
            assert unharmed(s)
            (connector,) = notes(s)["connectors"]
            assert (connector["mode"], connector["phases"]) == ("solar", 3)
            assert "of sun" in connector["words"]

    scene(steps())


def test_the_owners_limit_is_never_passed_by_the_sun(tmp_path: Path) -> None:
    async def steps() -> None:
        text = FAST.format(mode="solar")
        async with street(tmp_path, [Box("garage")], steady(pv_w=9000), text=text) as s, controlled(s):
            await s.until(lambda: s.last.drawn_a("garage")[2] > 12)
            assert await s.type("limit", "8A") == 0
            await s.until(lambda: s.last.drawn_a("garage")[0] <= 8)
            at_s = s.now_s
            await s.live(300)
            assert s.most_a("garage", at_s) <= 8
            assert await s.type("limit", "none") == 0
            await s.until(lambda: s.last.drawn_a("garage")[2] > 12)

    scene(steps())


def test_C9_a_charge_that_ends_with_the_sun_is_started_again_with_it(tmp_path: Path) -> None:
    async def steps() -> None:
        sky, box = Weather(pv_w=9000), Box("garage", vices=["zero-ends-transaction"])
        async with street(tmp_path, [box], sky.house(), text=FAST.format(mode="solar")) as s, controlled(s):
            await s.until(lambda: s.last.drawn_a("garage")[2] > 12)
            sky.pv_w = 0.0
            await s.until(lambda: s.last.car_w("garage") == 0)
            await s.until(lambda: "for enough sun" in words(s))
            sky.pv_w = 9000.0
            await s.until(lambda: s.last.drawn_a("garage")[2] > 12)

    scene(steps())


def test_modes_are_changed_while_it_charges(tmp_path: Path) -> None:
    async def steps() -> None:
        text = FAST.format(mode="solar")
        async with street(tmp_path, [Box("garage")], steady(pv_w=0, load_w=500), text=text) as s, controlled(s):
            await s.until(lambda: s.last.status["garage"] == "SuspendedEVSE")
            assert await s.type("mode", "min+solar") == 0
            await s.until(lambda: 5.9 < s.last.drawn_a("garage")[0] < 6.1)
            assert await s.type("mode", "fast") == 0
            await s.until(lambda: s.last.drawn_a("garage")[2] > 15)
            assert await s.type("mode", "off") == 0
            await s.until(lambda: s.last.car_w("garage") == 0)
            assert unharmed(s)

    scene(steps())


def test_a_meter_that_falls_silent_leaves_the_least(tmp_path: Path) -> None:
    scene(lost_meter(tmp_path))


async def lost_meter(folder: Path) -> None:
    text = FAST.format(mode="min+solar").replace('path = "meter.json"', 'path = "copy.json"')
    async with street(folder, [Box("garage")], steady(pv_w=9000), text=text) as s:
        copying = asyncio.create_task(_copy(s.meter_file, folder / "copy.json"))
        async with controlled(s):
            await s.until(lambda: keeps(s, 12, 13.1))
            copying.cancel()
            at_s = s.now_s
            await s.until(lambda: s.last.drawn_a("garage")[0] < 6.1)
            assert s.most_a("garage", at_s) <= 13.1
            await s.live(300)
            assert 5.9 < s.last.drawn_a("garage")[0] < 6.1
            assert notes(s)["meter"]["words"]


def bookings(one: Street) -> list[Booking]:
    with contextlib.closing(open_reader(load(str(one.site.file), {}))) as reader:
        return list(reader.bookings(None, None))


async def _copy(source: Path, target: Path) -> None:
    while True:
        with contextlib.suppress(FileNotFoundError):
            target.write_bytes(source.read_bytes())
        await asyncio.sleep(0.1)


def test_two_chargers_and_a_stove_stay_below_the_limit_of_the_house(tmp_path: Path) -> None:
    async def steps() -> None:
        text = FAST.format(mode="fast") + SHARED.format(limit_a=25)
        weather = Weather()
        boxes = [Box("garage"), Box("carport")]
        async with street(tmp_path, boxes, weather.house(), text=text) as s, controlled(s):
            await s.until(lambda: most_on_a_phase(s.last) < 25.1 and least_of(s, boxes) > 10)
            at_s = s.now_s
            weather.load_w = 6000  # the stove
            await s.until(lambda: most_on_a_phase(s.last) < 25.1 and least_of(s, boxes) < 10)
            await s.live(300)
            over = [moment for moment in s.since(at_s) if most_on_a_phase(moment) > 25.1]
            assert len(over) * METER_S < 3  # seconds of ours: reading, deciding, telling, following
            assert least_of(s, boxes) > 6
            assert unharmed(s)
            assert unharmed(s, "carport")

    scene(steps())


def test_when_control_is_gone_the_charger_has_what_was_left_with_it(tmp_path: Path) -> None:
    async def steps() -> None:
        text = FAST.format(mode="solar")
        async with street(tmp_path, [Box("garage")], steady(pv_w=9000), text=text) as s:
            async with controlled(s):
                await s.until(lambda: s.last.drawn_a("garage")[2] > 12)
            line = {"offer": {"connector_id": 1, "current_a": 12.0, "valid_s": 0.5}}
            assert await s.tell("garage", line) == {"result": {}}
            await s.until(lambda: 5.9 < s.last.drawn_a("garage")[0] < 6.1)

    scene(steps())


def test_an_owners_day(tmp_path: Path) -> None:
    """Sun, a cloud, a card, a limit from the shell, a lost meter, the evening; and every kWh with its tag."""

    async def steps() -> None:
        text = FAST.format(mode="solar").replace('path = "meter.json"', 'path = "copy.json"')
        weather = Weather(pv_w=200, load_w=300)  # early: nothing to spare
        async with street(tmp_path, [Box("garage")], weather.house(), text=text) as s:
            copying = asyncio.create_task(_copy(s.meter_file, tmp_path / "copy.json"))
            async with controlled(s):
                await s.until(lambda: words(s).startswith("waiting") and s.last.car_w("garage") == 0)
                weather.pv_w = 9000
                await s.until(lambda: s.last.drawn_a("garage")[2] > 11)
                weather.pv_w = 1500  # a cloud
                await s.until(lambda: s.last.car_w("garage") < 2000)
                weather.pv_w = 9000
                await s.until(lambda: s.last.drawn_a("garage")[2] > 11)
                assert await s.type("limit", "9A") == 0
                await s.until(lambda: 8.8 < s.last.drawn_a("garage")[2] <= 9)
                at_s = s.now_s
                copying.cancel()
                await s.until(lambda: s.last.car_w("garage") <= 3 * 6.1 * 230)
                assert s.most_a("garage", at_s) <= 9
                assert await s.type("stop") == 0
                assert unharmed(s)
            booked = bookings(s)
            assert [(one.id_tag, one.quality) for one in booked] == [(CARD, "measured")]
            assert booked[0].energy_wh == pytest.approx(s.taken_wh("garage"), abs=1)

    scene(steps())
