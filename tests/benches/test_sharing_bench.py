"""bench/sharing.py in a tiny form, and what a busy evening of three cars must come to."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType


@pytest.fixture
def bench() -> ModuleType:
    return importlib.import_module("sharing")


def test_a_busy_evening_of_three_cars(bench: ModuleType) -> None:
    """As many devices in three hours as else in a day."""
    connection = bench.Connection(bench.cars(10), bench.SharingConfig(limit_a=bench.LIMIT_A), 5, 5, 2)
    figures = bench.figures(connection, connection.live(bench.house(3, 3 * 3600)))

    assert figures.over_s < 0.05 * 3 * 3600
    assert figures.longest_s <= 5 + 5 + 2 + 25
    assert figures.largest_a <= 9.5 + 8.7  # two of them at once
    assert figures.changes_h <= 20
    assert figures.used >= 0.5


def test_the_table_of_the_page(
    bench: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "sharing.md"
    page.write_text(bench.PAGE.read_text())
    monkeypatch.setattr(bench, "PAGE", page)
    monkeypatch.setattr(bench, "WAYS", ((5, 5, 2, 10),))
    monkeypatch.setattr(bench, "DAY_S", 600)
    monkeypatch.setattr(bench, "HOUSE", bench.HOUSE[1:4])

    bench.main(["--write"])

    told = capsys.readouterr().out.splitlines()
    written = importlib.import_module("page").table_in(page).splitlines()
    assert written == told
    assert told[2].startswith("| 5 s / 5 s / 2 s / 10 s | ")


def test_a_made_up_house_is_the_same_every_time(bench: ModuleType) -> None:
    assert bench.house(5, 600) == bench.house(5, 600)
