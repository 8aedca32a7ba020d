"""`tinyocpp demo`: the whole story, told by the real programs, and nothing left behind."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tinyocpp.cli import demo
from tinyocpp.config import load

if TYPE_CHECKING:
    from conftest import House


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary folders are made, and must be gone again."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def test_the_story(house: House, scratch: Path) -> None:
    code, out, err = house.type("demo")
    assert (code, err) == (0, "")
    typed = [line.strip() for line in out.splitlines() if line.startswith("  $ ")]
    assert typed == [
        "$ tinyocpp tag add 04A2B3C4D5E6F7 --name 'Demo card'",
        "$ tinyocpp-listener",
        "$ tinyocpp simulate --tag 0BADCA4D",
        "$ tinyocpp simulate --tag 04A2B3C4D5E6F7 --energy-wh 1500 --speed 90",
        "$ tinyocpp status",
        "$ tinyocpp report --with-simulator",
    ]
    assert "tag 0BADCA4D: Invalid" in out
    assert "Charging" in out[out.index("$ tinyocpp status") :]
    assert "Demo card" in out[out.index("$ tinyocpp report") :]
    assert "Together 1.500 kWh" in out
    assert list(scratch.iterdir()) == []
    assert not house.ledger.exists()


def test_a_story_that_goes_wrong(house: House, scratch: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "CONFIGURATION", demo.CONFIGURATION.replace("127.0.0.1", "203.0.113.250"))
    code, _, err = house.type("demo")
    assert code == 1
    assert "tinyocpp: the demo did not go as it should: the listener did not start" in err
    assert list(scratch.iterdir()) == []


def test_the_configuration_of_the_demo_is_one(tmp_path: Path) -> None:
    (tmp_path / "tinyocpp.toml").write_text(demo.CONFIGURATION.format(port=9016))
    assert load(str(tmp_path / "tinyocpp.toml"), {}).source == str(tmp_path / "tinyocpp.toml")
