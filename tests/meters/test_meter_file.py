"""meters/file.py: files as other programs write them, whole or half, new or old."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from metered import Metered

TABLE = "kind = 'file'\npath = 'power'\ninterval_s = 0.5"


def test_it_is_read_when_it_changes(metered: Metered) -> None:
    file = metered.folder / "power"
    file.write_text("100\n")
    with metered.watching(TABLE) as watched:
        assert watched.grid_w() == 100
        file.write_text('{"grid_w": 200, "pv_w": 50}')
        watched.until(lambda seen: seen.measured and (seen.measured.grid_w, seen.measured.pv_w) == (200, 50))


def test_its_age_is_that_of_the_file(metered: Metered) -> None:
    file = metered.folder / "power"
    file.write_text("grid_w=1 delay_s=2")
    os.utime(file, (time.time() - 10, time.time() - 10))
    with metered.watching(TABLE) as watched:
        measured = watched.until(lambda seen: seen.measured).measured
        assert measured
        assert 11.9 < measured.delay_s < 30


def test_one_that_is_left_lying_is_old_however_often_we_look(metered: Metered) -> None:
    file = metered.folder / "power"
    file.write_text("100")
    os.utime(file, (time.time() - 500, time.time() - 500))
    with metered.watching(TABLE) as watched:
        watched.until(lambda seen: " s old, of at most 30 s" in seen.why_not)
        assert watched.look().news == 1


def test_one_of_the_future_is_new(metered: Metered) -> None:
    file = metered.folder / "power"
    file.write_text("100")
    os.utime(file, (time.time() + 500, time.time() + 500))
    with metered.watching(TABLE) as watched:
        assert watched.grid_w() == 100


def test_what_is_wrong_is_said_and_mended(metered: Metered) -> None:
    file = metered.folder / "power"
    with metered.watching(TABLE) as watched:
        assert watched.trouble() == f"{file}: No such file or directory"
        file.write_text("")
        watched.until(lambda seen: seen.trouble.get("grid") == f"{file}: is empty")
        file.write_bytes(b"\xff\xfe1\0")
        watched.until(lambda seen: "is not a number" in seen.trouble.get("grid", ""))
        file.write_text("7")
        assert watched.grid_w() == 7
        assert watched.look().trouble == {}


def test_a_pipe_is_refused_and_waited_for_by_nobody(metered: Metered) -> None:
    os.mkfifo(metered.folder / "power")
    with metered.watching(TABLE) as watched:
        assert watched.trouble() == f"{metered.folder / 'power'}: Is not a file"
