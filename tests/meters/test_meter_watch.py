"""meters/watch.py: several meters, a fault of ours, and an end."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest
from metered import descriptors

from tinyocpp import meters
from tinyocpp.meters.stopping import Stop
from tinyocpp.meters.watch import Watch

if TYPE_CHECKING:
    from metered import Metered

HOUSE = """
kind = 'file'
path = 'grid'
scale = { grid_w = -1000 }
[meter.pv]
kind = 'file'
path = 'pv'
[meter.battery]
kind = 'file'
path = 'battery'
"""


def write(metered: Metered, **texts: str) -> None:
    for name, text in texts.items():
        (metered.folder / name).write_text(text)


def test_the_sun_and_the_battery_from_meters_of_their_own(metered: Metered) -> None:
    write(metered, grid="grid_w=1.5 pv_w=1 battery_w=1", pv="3000", battery="battery_w=-200 battery_soc=55")
    with metered.watching(HOUSE) as watched:
        measured = watched.until(lambda seen: len(seen.known.figures) == 4).measured
        assert measured
        assert measured.grid_w == -1500
        assert (measured.pv_w, measured.battery_w, measured.battery_soc) == (3000, -200, 55)
        assert measured.currents_a is None


def test_one_that_fails_takes_no_other_with_it(metered: Metered) -> None:
    write(metered, grid="1", battery="100")
    with metered.watching(HOUSE) as watched:
        seen = watched.until(lambda seen: seen.measured and seen.measured.battery_w == 100 and seen.trouble.get("pv"))
        assert seen.measured
        assert (seen.measured.grid_w, seen.measured.pv_w, seen.why_not) == (-1000, None, "")
        assert seen.trouble == {"pv": f"{metered.folder / 'pv'}: No such file or directory"}


def test_one_that_tells_of_something_else(metered: Metered) -> None:
    write(metered, grid="1", pv="grid_w=5", battery="1")
    with metered.watching(HOUSE) as watched:
        assert watched.trouble("pv") == "tells of grid_w, not of pv_w"


def test_news_is_told(metered: Metered) -> None:
    write(metered, grid="1")
    told = threading.Event()
    with Watch(metered.config("kind = 'file'\npath = 'grid'"), on_news=told.set):
        assert told.wait(20)


def test_a_fault_of_ours_is_told_and_the_meter_goes_on(
    metered: Metered, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    write(metered, grid="1")
    monkeypatch.setitem(meters.MEMBERS, "file", "file.NoSuchMeter")
    with metered.watching("kind = 'file'\npath = 'grid'") as watched:
        assert watched.trouble().startswith("a fault of tinyocpp itself: AttributeError(")
        monkeypatch.undo()
        assert watched.grid_w() == 1
    assert "AttributeError" in capfd.readouterr().err


def test_it_ends_at_once_and_leaves_nothing_open(metered: Metered) -> None:
    before = descriptors()
    began_s = time.monotonic()
    for _ in range(20):
        with metered.watching("kind = 'exec'\ncommand = 'sleep 600'\n[meter.pv]\nkind = 'file'\npath = 'none'"):
            pass
    assert time.monotonic() - began_s < 60
    assert descriptors() == before


def test_one_that_was_never_started_can_be_stopped(metered: Metered) -> None:
    Watch(metered.config("kind = 'file'\npath = 'grid'")).stop()


def test_a_stop_that_is_closed_can_be_set() -> None:
    stop = Stop()
    assert not stop.wait(0)
    stop.close()
    stop.close()
    stop.set()
    assert stop.is_set
