"""meters/exec.py, with real programs: good ones, and such that hang, flood, die and talk nonsense."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from metered import alive

if TYPE_CHECKING:
    from metered import Metered

FOR_EVER = "import time\nwhile True: time.sleep(60)\n"


def test_one_that_ends_is_run_again(metered: Metered) -> None:
    counting = "import os\nn = len(os.listdir('runs'))\nopen(f'runs/{n}', 'w')\nprint(n)\n"
    (metered.folder / "runs").mkdir()
    table = metered.program(f"import os\nos.chdir({str(metered.folder)!r})\n{counting}")
    with metered.watching(f"{table}\ninterval_s = 0.5") as watched:
        watched.until(lambda seen: seen.measured and seen.measured.grid_w >= 2)


def test_one_that_goes_on_is_read_line_by_line(metered: Metered) -> None:
    table = metered.program(f"for n in range(5): print(n, flush=True)\nprint('pv_w=700 l1_a=1')\n{FOR_EVER}")
    with metered.watching(table) as watched:
        seen = watched.until(lambda seen: seen.measured and seen.measured.pv_w)
        assert seen.measured
        assert (seen.measured.grid_w, seen.measured.pv_w) == (4, 700)


def test_one_that_has_said_all_may_take_its_time_to_end(metered: Metered) -> None:
    closing = "import os, time\nprint(5, flush=True)\nos.close(1)\nos.close(2)\ntime.sleep(0.3)\nos._exit(0)"
    with metered.watching(f"{metered.program(closing)}\ninterval_s = 0.5") as watched:
        watched.until(lambda seen: seen.news >= 2)
        assert watched.look().trouble == {}


def test_it_is_started_without_a_shell_and_split_as_one_splits(metered: Metered) -> None:
    with metered.watching("kind = 'exec'\ncommand = 'echo \"-250\"'") as watched:
        assert watched.grid_w() == -250
    with metered.watching("kind = 'exec'\ncommand = 'echo $HOME ; echo 1'") as watched:
        assert watched.trouble() == "echo: '$HOME ; echo 1' is neither a number, nor key=value pairs, nor a JSON object"


def test_a_relative_program_is_beside_the_configuration(metered: Metered) -> None:
    program = metered.folder / "read.sh"
    program.write_text("#!/bin/sh\necho 42\n")
    program.chmod(0o755)
    with metered.watching("kind = 'exec'\ncommand = './read.sh'") as watched:
        assert watched.grid_w() == 42


TROUBLE = {
    "dies": ("raise SystemExit('no route to the meter')", "python ended with exit code 1: no route to the meter"),
    "is killed": ("import os\nos.kill(os.getpid(), 9)", "python ended with signal 9"),
    "says nothing": ("pass", "python ended and has printed nothing"),
    "hangs": (f"import sys\nprint('trying', file=sys.stderr)\n{FOR_EVER}", "nothing for 1 s and was ended: trying"),
    "ignores that it is to end": (
        f"import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n{FOR_EVER}",
        "python has printed nothing for 1 s and was ended",
    ),
    "prints a word": ("print('hello')", "python: 'hello' is not a number"),
    "prints bytes": ("import sys\nsys.stdout.buffer.write(bytes(range(128, 256)))", "is not a number"),
    "prints a line without an end": (
        "import sys\nwhile True: sys.stdout.write('9' * 10000)",
        "python prints a line without an end: '999",
    ),
}


@pytest.mark.parametrize(("text", "words"), TROUBLE.values(), ids=TROUBLE)
def test_one_that_fails_is_told_of_in_words(metered: Metered, text: str, words: str) -> None:
    with metered.watching(f"{metered.program(text)}\nstale_after_s = 1\ninterval_s = 1") as watched:
        told = watched.trouble().replace("python3.11", "python").replace("python3", "python")
        assert words in told
        assert len(told) < 300
        assert watched.look().measured is None
        assert watched.look().why_not.startswith("grid_w nothing has come yet; ")


def test_one_that_is_not_there(metered: Metered) -> None:
    with metered.watching("kind = 'exec'\ncommand = '/no/such/program'") as watched:
        assert watched.trouble() == "/no/such/program: No such file or directory"


def test_nan_is_not_used(metered: Metered) -> None:
    with metered.watching(metered.program("print('nan')")) as watched:
        watched.until(lambda seen: seen.why_not == "grid_w is not a number")


def test_rubbish_between_good_lines_is_told_and_passed_over(metered: Metered) -> None:
    with metered.watching(metered.program(f"print('starting')\nprint(5)\n{FOR_EVER}")) as watched:
        assert watched.grid_w() == 5
        assert watched.look().trouble == {}


def test_a_flood_is_made_to_wait(metered: Metered) -> None:
    """It prints as fast as it can; we read some twenty pipes full a second, and of each the last lines."""
    table = metered.program("n = 0\nwhile True:\n  print(n % 1000, flush=False)\n  n += 1")
    with metered.watching(table) as watched:
        watched.grid_w()
        news, began_s = watched.look().news, time.process_time()
        watched.until(lambda seen: seen.news > news + 200)
        assert time.process_time() - began_s < 2


def test_it_and_its_children_end_with_us(metered: Metered) -> None:
    table = metered.program(
        "import os, subprocess, sys\n"
        "child = subprocess.Popen(['sleep', '600'])\n"
        f"print(f'grid_w={{os.getpid() % 100000}} l1_a=0', flush=True)\n"
        f"open({str(metered.folder / 'pids')!r}, 'w').write(f'{{os.getpid()}} {{child.pid}}')\n"
        f"print('grid_w=1', flush=True)\n{FOR_EVER}"
    )
    with metered.watching(table) as watched:
        watched.until(lambda seen: seen.measured and seen.measured.grid_w == 1)
        pids = [int(pid) for pid in (metered.folder / "pids").read_text().split()]
        assert all(map(alive, pids))
    deadline_s = time.monotonic() + 20
    while any(map(alive, pids)):  # the dying takes its moment
        assert time.monotonic() < deadline_s


def test_a_child_that_holds_the_pipe_does_not_hold_us(metered: Metered) -> None:
    table = metered.program("import subprocess\nprint(5, flush=True)\nsubprocess.Popen(['sleep', '600'])")
    with metered.watching(f"{table}\ninterval_s = 0.5") as watched:
        watched.until(lambda seen: seen.news >= 2)
