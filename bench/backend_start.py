"""From exec to the first answer: tinyocpp-backend against a bare interpreter that reads one line and writes another.

Both run on the interpreter given (default: the clone's own .venv, as bin/ makes it), isolated (-I) as bin/ starts it,
with an accounting file that exists. A charger's connection behind websocketd or inetd waits for this.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from measure import TOP, Row, configuration, environment, program, resident_kb, scratch, show

BOOT = b'[2,"1","BootNotification",{"chargePointVendor":"V","chargePointModel":"M"}]\n'
BARE = "import sys; sys.stdin.readline(); sys.stdout.write('[3,\"1\",{}]\\n'); sys.stdout.flush()"


def measure(scale: float) -> list[Row]:
    rounds = max(2, round(60 * scale))
    venv = Path(os.environ.get("BENCH_VENV", TOP / ".venv")) / "bin/python"
    python = str(venv if venv.exists() else sys.executable)
    with scratch() as folder:
        options = ["--charger", "garage", "--config", str(configuration(folder))]
        commands = {
            "bare": [python, "-I", "-c", BARE],
            "backend": [*program("tinyocpp.hosts.stdio", python), *options],
            "bin": [str(TOP / "bin/tinyocpp-backend"), *options],
        }
        if not venv.exists():
            del commands["bin"]  # it would make one first
        first_answer_s(commands["backend"])  # the accounting file, and the compiled modules
        taken: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(rounds):
            for name, command in commands.items():
                taken[name].append(first_answer_s(command))
        bare_ms = 1000 * statistics.median(taken["bare"])
        rows = [Row("a bare interpreter, from exec to its answer", f"{bare_ms:.0f} ms")]
        targets = {"backend": "at most 6, aim 4.5", "bin": "at most 6, aim 4.5"}
        names = {"backend": "tinyocpp-backend, times that", "bin": "bin/tinyocpp-backend (its shell included), times that"}
        for name in list(commands)[1:]:
            ratio = statistics.median(ours / bare for ours, bare in zip(taken[name], taken["bare"], strict=True))
            rows.append(Row(names[name], f"{ratio:.2f}", targets[name]))
        rows.append(Row("memory of a backend that has answered", f"{memory_mb(commands['backend']):.1f} MB", "20 MB"))
    return rows


def first_answer_s(command: list[str]) -> float:
    """Start it, ask, and wait for the answer."""
    began = time.perf_counter()
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment()) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        os.write(process.stdin.fileno(), BOOT)
        answer = process.stdout.readline()
        taken_s = time.perf_counter() - began
        process.stdin.close()
    assert answer.startswith(b'[3,"1",'), answer
    return taken_s


def memory_mb(command: list[str]) -> float:
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment()) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        os.write(process.stdin.fileno(), BOOT)
        process.stdout.readline()
        kept_mb = resident_kb(process.pid) / 1024
        process.stdin.close()
    return kept_mb


if __name__ == "__main__":
    show(measure)
