"""Vices on one street: what is offered to each charger by the command socket is what its car draws, in whatever way
this charger wants to be told. Where none works the owner hears of it, and nothing is ever worn out or broken.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from listening import within
from street import Box, Street, street

from tinyocpp.dealings import LimitState
from tinyocpp.simulator.car import Car
from tinyocpp.simulator.vices import VICES
from tinyocpp.storage import open_reader

if TYPE_CHECKING:
    from pathlib import Path

LIMIT_S = 300  # a patience, not a promise: the last of them takes more than a minute
HASTY = "[control]\nwrite_every_s = 0\nsettle_s = 0.6\n"
SPEED = 20
CAR = Car(500_000, maximum_a=16)

# Nothing helps with these; the owner is told.
DEAF = {
    "accepts-and-ignores": LimitState.IGNORED,
    "stores-and-ignores": LimitState.IGNORED,
    "refuses-all": LimitState.REFUSED,
    "no-smart-charging": LimitState.REFUSED,
    "unknown-smart-charging": LimitState.REFUSED,
}
# They take a while to go on after a pause, or to be raised, or 20 s for each answer: too long for a test in true time.
SLOW = {"connector-0-only", "max-profile-only", "stuck-after-zero", "unlimited-after-zero", "slow-answers"}
# What it tells looks like all of the power on one phase: so it is told too little for three, until that shows.
PROBED = {"adds-currents-up"}
# One kind of profile only: what stays with them for a time without control takes the place of what is offered.
LESS = {"tx-profile-only", "default-profile-only"}


async def offer(s: Street, current_a: float) -> None:
    line = {"offer": {"connector_id": 1, "current_a": current_a, "valid_s": 600, "sample_s": 5}}
    answers = await asyncio.gather(*(s.tell(identity, line) for identity in s.stations))
    assert answers == [{"result": {}}] * len(s.stations)


def follows(s: Street, current_a: float) -> bool:
    def one(identity: str) -> bool:
        most_a = max(s.last.drawn_a(identity))
        return (0 < most_a <= current_a) if identity in LESS and current_a else most_a == pytest.approx(current_a)

    return all(map(one, s.stations))


def told(s: Street) -> bool:
    """Is the end of each charge acknowledged? Some have ended over a 0."""
    latest = [station.connectors[1].latest for station in s.stations.values()]
    return all(one and (one.meter_stop_wh is None or one.acknowledged) for one in latest)


@within(LIMIT_S)
async def test_offers_are_followed(tmp_path: Path) -> None:
    names = ["none", *(name for name in VICES if name not in DEAF.keys() | SLOW | PROBED)]
    boxes = [Box(name, CAR, [name] if name in VICES else []) for name in names]
    async with street(tmp_path, boxes, speed=SPEED, text=HASTY) as s:
        await s.until(lambda: all(s.last.phases(name) for name in names))
        for current_a in (10, 0, 8):
            await offer(s, current_a)
            await s.until(lambda current_a=current_a: follows(s, current_a) and told(s))
        for name in names:
            tally = s.tally(name)
            assert (name, tally.too_small_a, tally.damage) == (name, [], [])
            assert (name, tally.written["ChargePointMaxProfile"]) == (name, 0)
            assert (name, tally.excess_a) == (name, 0)


@within(LIMIT_S)
async def test_of_a_charger_that_cannot_be_limited_the_owner_hears(tmp_path: Path) -> None:
    boxes = [Box(name, CAR, [name]) for name in DEAF]
    async with street(tmp_path, boxes, speed=SPEED, text=HASTY) as s:
        await s.until(lambda: all(s.last.phases(name) for name in DEAF))
        await offer(s, 10)
        reader = open_reader(s.site.config())
        try:
            await s.until(lambda: {one.charger_id: one.state for one in reader.told()} == DEAF)
        finally:
            reader.close()
