"""Committed StartTransactions per second from 100 chargers at once, against one sync per transaction on the same disk.

The listener answers a start when it is on the disk, and one sync carries all that came while the last was under way.
Against it: the listener with one charger, where every start has a sync of its own; and a bare loop that writes one row
and syncs it. How far they are apart is up to the disk, so they are also compared where a sync takes five milliseconds,
as on a good card: under `strace`, where that is installed, which delays nothing else.
"""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from measure import Row, environment, listener, scratch, show
from round_trips import CONNECTIONS, load

SYNC_MS = 5
ROW = "INSERT INTO starts (charger, tag, meter_start_wh) VALUES ('bench', 'BENCH', ?)"


def measure(scale: float) -> list[Row]:
    strace = shutil.which("strace")
    rows = compared(scale, "this disk")
    if strace is None:
        return rows
    calls = "fdatasync,fsync"
    slow = [strace, "-D", "-f", "-qq", "--seccomp-bpf", "-o", "/dev/null", "-e", f"trace={calls}"]
    slow += ["-e", f"inject={calls}:delay_exit={SYNC_MS}ms"]
    return [*rows, *compared(scale, f"a disk whose sync takes {SYNC_MS} ms", slow)]


def compared(scale: float, disk: str, under: Sequence[str] = ()) -> list[Row]:
    rounds, seconds = max(2, round(5 * scale)), max(0.2, 1.5 * scale)
    connections = CONNECTIONS if scale >= 0.1 else 5
    together: list[float] = []
    alone: list[float] = []
    bare: list[float] = []
    with ExitStack() as stack:
        folders = [stack.enter_context(scratch()) for _ in range(2)]
        listeners = [stack.enter_context(listener(folder, under)) for folder in folders]
        one, many = (
            stack.enter_context(load(*running, "start", chargers))
            for running, chargers in zip(listeners, (1, connections), strict=True)
        )
        many.run(seconds / 2)  # warm
        for _ in range(rounds):
            together.append(many.run(seconds)[1])
            alone.append(one.run(seconds)[1])
            bare.append(one_by_one(folders[0], seconds, under))
    return [
        Row(f"starts durable and answered per second, {connections} chargers, {disk}", f"{median(together):,.0f}"),
        Row(f"against one charger, whose every start has its own sync, {disk}", ratio(together, alone), "3"),
        Row(f"against a bare loop of rows and syncs, {disk}", ratio(together, bare)),
    ]


def ratio(ours: list[float], theirs: list[float]) -> str:
    return f"{median(one / other for one, other in zip(ours, theirs, strict=True)):.1f}"


def one_by_one(folder: Path, seconds: float, under: Sequence[str]) -> float:
    """Transactions per second, each synced by itself."""
    command = [*under, sys.executable, __file__, "--loop", str(folder / "one.sqlite3"), str(seconds)]
    return float(subprocess.run(command, env=environment(), stdout=subprocess.PIPE, check=True).stdout)


def loop(path: str, seconds: float) -> float:
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    database.execute("CREATE TABLE IF NOT EXISTS starts (charger TEXT, tag TEXT, meter_start_wh INTEGER)")
    began, done = time.perf_counter(), 0
    while time.perf_counter() - began < seconds:
        database.execute(ROW, (done,))
        done += 1
    taken_s = time.perf_counter() - began
    database.close()
    return done / taken_s


if __name__ == "__main__":
    if "--loop" in sys.argv:
        print(loop(sys.argv[-2], float(sys.argv[-1])))
    else:
        show(measure)
