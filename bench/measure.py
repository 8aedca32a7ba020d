"""What the benches share: rows of the table, programs under measurement, and what the system says they used.

A bench is a module with `measure(scale) -> list[Row]`: scale 1.0 is what docs/performance.md shows, less is quicker and
rougher. Everything that is compared is measured in one run, in turns, for the machine is never the same twice; what is
shown of several turns is the median. Linux only: processor time and memory are read from /proc.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
SOURCE = TOP / "src"
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
PATIENCE_S = 30


@dataclass(frozen=True)
class Row:
    """One line of the table. `target` is what the project asks of itself, "" where there is nothing to reach."""

    what: str
    figure: str
    target: str = ""


class NotMeasured(Exception):
    """Something the measurement needs is not installed."""


class Server:
    """A program under measurement that has said it is ready, and what it has said."""

    def __init__(self, process: subprocess.Popen[str], said: list[str]) -> None:
        self.pid = process.pid
        self.said = said

    @property
    def cpu_s(self) -> float:
        """Processor time of all its threads so far, user and system."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS_PER_S

    @property
    def memory_kb(self) -> int:
        """What it keeps in memory, shared libraries included."""
        return resident_kb(self.pid)


def resident_kb(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))


@contextmanager
def server(command: list[str], ready: str, env: dict[str, str] | None = None) -> Iterator[Server]:
    """Run a program until the block ends; entered once it has printed a line with `ready` in it."""
    process = subprocess.Popen(command, env=env or environment(), stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        said: list[str] = []
        for line in process.stdout:
            said.append(line.strip())
            if ready in line:
                break
        else:
            raise NotMeasured(f"{command[0]} ended before it was ready")
        yield Server(process, said)
    finally:
        process.terminate()
        process.wait(PATIENCE_S)
        assert process.stdout is not None
        process.stdout.close()


@contextmanager
def listener(folder: Path, under: Sequence[str] = ()) -> Iterator[tuple[Server, int]]:
    """tinyocpp-listener on a free port, with data of its own in the folder; and the port. `under`: what runs it."""
    command = [*under, *program("tinyocpp.cli.listener"), "--config", str(configuration(folder)), "--host", "127.0.0.1"]
    with server([*command, "--port", "0"], "ready") as running:
        url = next(line for line in running.said if "ws://" in line)
        yield running, int(url.rpartition(":")[2].strip("/").split("/")[0])


def program(module: str, python: str = sys.executable) -> list[str]:
    """A program of ours as its starter in bin/ runs it."""
    code = f"import gc, sys; gc.disable(); sys.path.append({str(SOURCE)!r})"
    return [python, "-I", "-c", f"{code}\nfrom {module} import main; gc.freeze(); gc.enable(); sys.exit(main())"]


def configuration(folder: Path) -> Path:
    """Every charger gets in and every tag charges; everything lives in the folder."""
    path = folder / "tinyocpp.toml"
    path.write_text('[paths]\nruntime = "run"\n[chargers]\nadmit = "any"\n[tags]\nunknown = "accept"\n')
    return path


def environment() -> dict[str, str]:
    """Nothing of the user's own configuration."""
    return {"PATH": os.environ.get("PATH", os.defpath), "PYTHONDONTWRITEBYTECODE": ""}


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder on the disk of the working copy, so that a sync costs what it costs; thrown away afterwards."""
    folder = Path(tempfile.mkdtemp(prefix=".bench-", dir=os.environ.get("BENCH_FOLDER", TOP)))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def show(measure: Callable[[float], list[Row]]) -> None:
    """What a bench does when it is run by itself: `python bench/x.py [SCALE]`."""
    for row in measure(float(sys.argv[1]) if len(sys.argv) > 1 else 1.0):
        print(f"{row.what:70}{row.figure:>14}  {row.target}")
