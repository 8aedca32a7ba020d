"""Every recording of a real charger, through all four doors: each call is answered, and no connection is closed."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from transcript_doors import Door, House, ListenerDoor, SessionDoor, StdioDoor, WebsocketdDoor

if TYPE_CHECKING:
    from collections.abc import Callable

RECORDINGS = sorted((Path(__file__).parent.parent / "data" / "wire").glob("*.jsonl"))
CALL = re.compile(r'\s*\[\s*2\s*,\s*"([^"]*)"')
LAST = '[2,"the last","Heartbeat",{}]'


def frames_of(path: Path) -> list[str]:
    """What the charger said."""
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [line["raw"] for line in lines if line.get("dir") == "cp->cs"]


def replay(path: Path, folder: Path, door_type: Callable[[House], Door]) -> None:
    frames = frames_of(path)
    door = door_type(House(folder, [], ""))
    line = door.open("garage")
    for frame in (*frames, LAST):
        line.send(frame)
    asked = [match[1] for frame in frames if (match := CALL.match(frame))]
    answers = [json.loads(line.receive()) for _ in (*asked, LAST)]
    assert [answer[1] for answer in answers] == [*asked, "the last"]
    assert {answer[0] for answer in answers} == {3}
    line.silent()
    line.close()
    door.close()


def test_there_are_recordings() -> None:
    assert len(RECORDINGS) >= 20
    assert sum(len(frames_of(path)) for path in RECORDINGS) >= 30


recordings = pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.stem)


class TestSession:
    @recordings
    def test_recording(self, path: Path, tmp_path: Path) -> None:
        replay(path, tmp_path, SessionDoor)


class TestStdio:
    @recordings
    def test_recording(self, path: Path, tmp_path: Path) -> None:
        replay(path, tmp_path, StdioDoor)


class TestWebsocketd:
    @recordings
    def test_recording(self, path: Path, tmp_path: Path) -> None:
        replay(path, tmp_path, WebsocketdDoor)


class TestListener:
    @recordings
    def test_recording(self, path: Path, tmp_path: Path) -> None:
        replay(path, tmp_path, ListenerDoor)
