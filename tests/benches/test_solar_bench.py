"""bench/solar.py in a tiny form: a trace in, a row of figures out, and the page that holds the table."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType


@pytest.fixture
def bench() -> ModuleType:
    return importlib.import_module("solar")


def test_a_named_trace_and_the_table_of_the_page(
    bench: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    skies = importlib.import_module("skies")
    one = skies.made_up()["clear, 8.5 kW"]
    morning = slice(3 * 360, 9 * 360)
    short = {"a morning": type(one)(one.time_s[morning], one.surplus_w[morning])}
    monkeypatch.setattr(skies, "made_up", lambda: short)
    monkeypatch.setattr(bench, "BY_LOT", ((60, 10, 1.0),))
    monkeypatch.setattr(bench, "DAYS_BY_LOT", 2)
    page = tmp_path / "solar.md"
    page.write_text(bench.PAGE.read_text())
    monkeypatch.setattr(bench, "PAGE", page)
    trace = tmp_path / "night.csv"
    trace.write_text("time_s,pv_w,load_w\n0,0,100\n900,0,100\n")

    bench.main([str(trace), "--write"])

    told = capsys.readouterr().out.splitlines()
    assert "| night | 10 s / 10 s | 0.1 A | none | 0.0 | 0.0 | 0.0% |" in told
    written = importlib.import_module("page").table_in(page).splitlines()
    assert written == told[5:]
    assert [row.split(" | ")[0] for row in written[2:5]] == ["| a morning"] * 3
    assert [row.split(" | ")[:2] for row in written[8:]] == [["| 60 s / 10 s", "1 A"]]
    assert float(written[2].split(" | ")[3].rstrip("%")) > 90


def test_made_up_days_are_the_same_every_time(bench: ModuleType) -> None:
    skies = importlib.import_module("skies")
    assert skies.day(skies.BROKEN, 9000, seed=5) == skies.day(skies.BROKEN, 9000, seed=5)
    assert skies.drawn(5) == skies.drawn(5) != skies.drawn(6)


def test_a_morning_as_it_is_really_followed(bench: ModuleType) -> None:
    steered = importlib.import_module("steered")
    trace = importlib.import_module("skies").made_up()["clear, 8.5 kW"]
    noon = slice(11 * 360, 12 * 360)
    run = steered.charge(type(trace)(trace.time_s[noon], trace.surplus_w[noon]), 1.0, steered.Late(10, 10, 5))
    assert len(run.time_s) == 359
    assert run.power_w[-1] == pytest.approx(run.surplus_w[-1], rel=0.05)
