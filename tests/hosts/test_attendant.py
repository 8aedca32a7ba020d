"""The control program's attendant, where that program is a stubborn one: nobody waits for it but who ends with it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from waiting import until

from tinyocpp.config import load
from tinyocpp.hosts import attendant
from tinyocpp.hosts.attendant import Attendant

if TYPE_CHECKING:
    from pathlib import Path

    from tinyocpp.config import Config

STUBBORN = "import os, time; open({folder!r} + f'/{{os.getpid()}}', 'w').close(); time.sleep(600)"


@pytest.fixture
def begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a file for each that was begun, named by its pid; each does not mind the end of its input."""
    folder = tmp_path / "begun"
    folder.mkdir()
    monkeypatch.setattr(attendant, "PROGRAM", STUBBORN.format(folder=str(folder)))
    monkeypatch.setattr(attendant, "END_S", 1.0)
    return folder


def configuration(folder: Path, text: str) -> Config:
    file = folder / "tinyocpp.toml"
    file.write_text(text)
    return load(str(file), {})


def pids(begun: Path) -> list[int]:
    return [int(path.name) for path in begun.iterdir()]


def runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_the_next_begins_when_the_one_before_has_ended(tmp_path: Path, begun: Path) -> None:
    steers = configuration(tmp_path, "[sharing]\nlimit_a = 25")
    nothing = configuration(tmp_path, "")
    one = Attendant(None)
    one.look_after(steers)
    until(lambda: pids(begun))
    (first,) = pids(begun)
    one.look_after(steers)
    assert runs(first)  # it has not been waited for
    until(lambda: len(pids(begun)) == 2)
    assert not runs(first)
    second = next(pid for pid in pids(begun) if pid != first)
    one.look_after(nothing)
    assert runs(second)
    one.stop()
    assert not runs(second)
    assert len(pids(begun)) == 2


def test_one_that_is_overtaken_before_it_began_never_begins(tmp_path: Path, begun: Path) -> None:
    steers = configuration(tmp_path, "[sharing]\nlimit_a = 25")
    one = Attendant(None)
    one.look_after(steers)
    until(lambda: pids(begun))
    for _ in range(5):
        one.look_after(steers)
    until(lambda: len(pids(begun)) == 2)
    one.stop()
    assert len(pids(begun)) == 2
    assert not any(map(runs, pids(begun)))
