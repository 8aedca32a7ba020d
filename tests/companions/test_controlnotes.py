"""What the control program leaves for others to read, and how long it is believed."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from tinyocpp.companions.controlnotes import ConnectorNote, MeterNote, Notes, left_behind, read, write
from tinyocpp.hosts.runtimedir import RuntimeDirectory, prepare_runtime

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
WAITING = ConnectorNote(
    charger_id="Garage",
    connector_id=1,
    mode="solar",
    current_a=0.0,
    phases=1,
    words="waiting 40 s for enough sun: 1,120 of 1,380 W",
)
NOTES = Notes(at=NOON, pid=os.getpid(), meter=MeterNote(grid_w=-1120.0), connectors=(WAITING,))


@pytest.fixture
def runtime(tmp_path: Path) -> RuntimeDirectory:
    return prepare_runtime(str(tmp_path / "run"), "")


def test_what_is_written_is_read(runtime: RuntimeDirectory, tmp_path: Path) -> None:
    write(runtime, NOTES)
    assert read([str(tmp_path / "nowhere"), runtime.path], NOON) == NOTES
    assert NOTES.of("garage", 1) == WAITING
    assert NOTES.of("garage", 2) is None


def test_the_next_round_takes_its_place(runtime: RuntimeDirectory) -> None:
    write(runtime, NOTES)
    write(runtime, msgspec.structs.replace(NOTES, connectors=()))
    found = read([runtime.path], NOON)
    assert found is not None
    assert found.connectors == ()
    assert os.listdir(runtime.path) == ["control.json"]


@pytest.mark.parametrize(
    ("interval_s", "after_s", "holds"), [(10.0, 30, True), (10.0, 31, False), (0.1, 5, True), (0.1, 6, False)]
)
def test_three_rounds_later_nobody_controls(
    runtime: RuntimeDirectory, interval_s: float, after_s: int, holds: bool
) -> None:
    write(runtime, msgspec.structs.replace(NOTES, interval_s=interval_s))
    assert (read([runtime.path], NOON + timedelta(seconds=after_s)) is not None) == holds


def test_of_a_program_that_has_ended_nothing_holds(runtime: RuntimeDirectory) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait(20)
    notes = msgspec.structs.replace(NOTES, pid=ended.pid)
    write(runtime, notes)
    assert read([runtime.path], NOON) is None
    assert left_behind(runtime.path, NOON) == notes  # for the next one, which goes on with it
    assert left_behind(runtime.path, NOON + timedelta(minutes=1)) is None


@pytest.mark.parametrize("text", ["", "{}", '{"at":"yesterday","pid":1}'])
def test_what_is_no_note_is_none(runtime: RuntimeDirectory, text: str) -> None:
    Path(runtime.path, "control.json").write_text(text)
    assert read([runtime.path], NOON) is None


def test_it_may_be_in_the_runtime_directory_and_is_ours_alone(runtime: RuntimeDirectory) -> None:
    write(runtime, NOTES)
    Path(runtime.path, ".control.json").touch()  # of a program killed while it wrote
    os.chmod(runtime.path, 0o755)
    assert prepare_runtime(runtime.path, "") == runtime
    assert stat.S_IMODE(os.stat(Path(runtime.path, "control.json")).st_mode) == 0o600


def test_the_page_shows_such_a_note() -> None:
    page = Path(__file__).parents[2] / "docs" / "command-socket.md"
    (shown,) = re.findall(r'^(\{"at":.*"pid".*\})$', page.read_text(encoding="utf-8"), re.MULTILINE)
    assert msgspec.json.encode(msgspec.json.decode(shown, type=Notes)).decode() == shown
