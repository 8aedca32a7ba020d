"""From exec to the first answer: tinyocpp-backend against a bare interpreter that reads one line and writes another.

A charger's connection behind websocketd or inetd waits for this. All run on one interpreter (that of the clone's .venv,
or of the folder $BENCH_VENV), isolated (-I) as bin/ starts it, with an accounting file that exists already.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from measure import TOP, Row, configuration, environment, program, resident_kb, scratch, show

BOOT = b'[2,"1","BootNotification",{"chargePointVendor":"V","chargePointModel":"M"}]\n'
BARE = "import sys; sys.stdin.readline(); sys.stdout.write('[3,\"1\",{}]\\n'); sys.stdout.flush()"
TAGS = '[[tag]]\nid = "04A2B3C4"\nname = "Ada"\n'
TARGET = "at most 6, aim 4.5"
FLOOR = "one that imports msgspec and sqlite3 first, times that"


def measure(scale: float) -> list[Row]:
    rounds = max(2, round(60 * scale))
    venv = Path(os.environ.get("BENCH_VENV", TOP / ".venv"))
    python = str(venv / "bin/python" if venv.exists() else sys.executable)
    with scratch() as folder:
        (folder / "tags.toml").write_text(TAGS)
        options = ["--charger", "garage", "--config", str(configuration(folder))]
        bare = [python, "-I", "-c", BARE]
        backend = [*program("tinyocpp.hosts.stdio", python), *options]
        ours = {
            FLOOR: [python, "-I", "-c", f"import msgspec, sqlite3; {BARE}"],
            "tinyocpp-backend, times that": backend,
        }
        if venv == TOP / ".venv" and venv.exists():  # else it would make one first
            ours["bin/tinyocpp-backend, with its shell, times that"] = [str(TOP / "bin/tinyocpp-backend"), *options]
        for command in ours.values():
            first_answer_s(command)  # makes the accounting file and the compiled modules
        bare_s, ratios = compare(bare, ours, rounds)
        return [
            Row("a bare interpreter, from exec to its answer", f"{1000 * bare_s:.0f} ms"),
            *(Row(what, f"{ratio:.2f}", "" if what == FLOOR else TARGET) for what, ratio in ratios.items()),
            Row("memory of a backend that has answered", f"{memory_mb(backend):.1f} MB", "20 MB"),
        ]


def compare(bare: list[str], ours: dict[str, list[str]], rounds: int) -> tuple[float, dict[str, float]]:
    """How long the bare one takes, and the others as multiples of it, in turns."""
    bare_s: list[float] = []
    ratios: dict[str, list[float]] = {what: [] for what in ours}
    for _ in range(rounds):
        bare_s.append(first_answer_s(bare))
        for what, command in ours.items():
            ratios[what].append(first_answer_s(command) / bare_s[-1])
    return statistics.median(bare_s), {what: statistics.median(found) for what, found in ratios.items()}


def first_answer_s(command: list[str]) -> float:
    began = time.perf_counter()
    with answered(command):
        return time.perf_counter() - began


def memory_mb(command: list[str]) -> float:
    with answered(command) as process:
        return resident_kb(process.pid) / 1024


@contextmanager
def answered(command: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    """The program, once it has answered its first frame; at the end of the block its input ends."""
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment()) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        os.write(process.stdin.fileno(), BOOT)
        answer = process.stdout.readline()
        assert answer.startswith(b'[3,"1",'), answer
        yield process
        process.stdin.close()


if __name__ == "__main__":
    show(measure)
