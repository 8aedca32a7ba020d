"""The street itself: what flows is on the house's meter, limits arrive by real messages, and breakage is told."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from listening import within
from street import Box, Street, house_of, steady, street

from tinyocpp.errors import Malformed
from tinyocpp.simulator.car import Car
from tinyocpp.simulator.cars import car_of

if TYPE_CHECKING:
    from pathlib import Path

LIMIT_S = 30
SMALL = Car(100_000, power_w=3_680, phases=1)


def set_limit(current_a: float, phases: int | None = None) -> dict[str, object]:
    """As one line of the command socket."""
    period: dict[str, object] = {"startPeriod": 0, "limit": current_a}
    if phases:
        period["numberPhases"] = phases
    profile = {
        "chargingProfileId": 1,
        "stackLevel": 0,
        "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Relative",
        "chargingSchedule": {"chargingRateUnit": "A", "chargingSchedulePeriod": [period]},
    }
    return {"call": "SetChargingProfile", "payload": {"connectorId": 1, "csChargingProfiles": profile}}


@within(LIMIT_S)
async def test_what_the_car_draws_is_on_the_houses_meter(tmp_path: Path) -> None:
    async with street(tmp_path, [Box("garage", SMALL, rotation="STR")], steady(pv_w=3000, load_w=690)) as s:
        await s.until(lambda: s.last.car_w("garage") == 3_680)
        assert s.last.status == {"garage": "Charging"}
        assert s.last.drawn_a("garage") == (0, 16, 0)
        assert s.last.shown.grid_w == 690 - 3000 + 3_680
        assert (
            json.loads(s.meter_file.read_text())["l2_a"]
            == s.last.shown.l2_a
            == pytest.approx(16 - 2310 / 690, abs=0.01)
        )


@within(LIMIT_S)
async def test_limits_come_by_real_messages(tmp_path: Path) -> None:
    async with street(tmp_path, [Box("garage")]) as s:
        await s.until(lambda: s.last.phases("garage") == 3)
        assert await s.tell("garage", set_limit(10)) == {"result": {"status": "Accepted"}}
        since_s = s.now_s
        await s.live(60)
        assert s.most_a("garage", since_s) == 10
        await s.tell("garage", set_limit(0))
        await s.until(lambda: s.last.status == {"garage": "SuspendedEVSE"})
        taken_wh = s.taken_wh("garage")
        await s.live(60)
        assert s.taken_wh("garage") == taken_wh > 0
        await s.tell("garage", set_limit(8, phases=1))
        await s.until(lambda: s.last.drawn_a("garage") == (8, 0, 0))
        tally = s.tally("garage")
        assert (tally.written["TxDefaultProfile"], tally.damage, len(tally.swaps), tally.excess_a) == (3, [], 1, 0)


@within(LIMIT_S)
async def test_a_whole_street_through_a_cloud(tmp_path: Path) -> None:
    """A day in a few seconds; each car its own, all on one meter."""
    cloud = house_of([(0, 6000, 300), (3600, 0, 300), (7200, 6000, 300)])
    boxes = [
        Box("garage", car_of("two-phase", 30_000)),
        Box("carport", car_of("modest", 30_000), vices=["coarse-steps"]),
        Box("yard", SMALL, tag=None),
    ]
    async with street(tmp_path, boxes, cloud, speed=1800) as s:
        await s.live(7200)
        assert all(moment.car_w("yard") == 0 for moment in s.moments)
        assert {moment.phases("garage") for moment in s.moments} == {0, 2}
        assert s.most_a("carport") == 10
        assert min(moment.shown.pv_w for moment in s.moments) < 600
        for moment in s.moments:
            cars_w = sum(map(moment.car_w, ("garage", "carport", "yard")))
            assert moment.shown.grid_w == pytest.approx(300 - moment.shown.pv_w + cars_w, abs=0.2)
        assert s.taken_wh("garage") == pytest.approx(7_360 * 2, rel=0.1)


@within(LIMIT_S)
async def test_a_charger_restarts_and_is_back(tmp_path: Path) -> None:
    async with street(tmp_path, [Box("garage", vices=["forgets-at-reboot"])]) as s:
        await s.until(lambda: s.last.phases("garage") == 3)
        await s.tell("garage", set_limit(10))
        await s.until(lambda: s.last.offered_a["garage"] == 10)
        await s.tell("garage", {"call": "Reset", "payload": {"type": "Hard"}})
        await s.until(lambda: s.stations["garage"].off_until)
        await s.until(lambda: s.stations["garage"].accepted)
        assert s.last.offered_a["garage"] == 32


def has_a_number(s: Street) -> bool:
    charge = s.stations["garage"].connectors[1].latest
    return charge is not None and charge.transaction_id is not None


@within(LIMIT_S)
async def test_words_are_typed_as_by_a_person(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with street(tmp_path, [Box("garage")]) as s:
        await s.until(lambda: has_a_number(s))  # current flows before
        assert await s.type("stop") == 0
        assert "kWh" in capsys.readouterr().out
        await s.until(lambda: s.last.status == {"garage": "Finishing"})


@within(LIMIT_S)
async def test_a_meter_that_breaks_ends_the_test_at_once(tmp_path: Path) -> None:
    async def live() -> None:
        async with street(tmp_path, [Box("garage")]) as s:
            await s.until(lambda: s.moments)
            s.meter_file.unlink()
            s.meter_file.mkdir()
            await s.until(lambda: False)

    with pytest.raises(Malformed):
        await live()
