"""Committed StartTransactions per second, 100 chargers at once, against one sync per transaction on the same disk.

The listener answers a start when it is on the disk, and one sync carries all that came while the last was under way.
Against it: a loop that makes each of its transactions durable before the next, in a database of the same kind.
"""

from __future__ import annotations

import sqlite3
import statistics
import time
from contextlib import ExitStack
from pathlib import Path

from measure import Row, listener, scratch, show
from round_trips import CONNECTIONS, load

ROW = "INSERT INTO starts (charger, tag, meter_start_wh) VALUES ('bench', 'BENCH', ?)"


def measure(scale: float) -> list[Row]:
    rounds, seconds = max(2, round(5 * scale)), max(0.2, 2 * scale)
    connections = CONNECTIONS if scale >= 0.1 else 5
    with scratch() as folder, ExitStack() as stack:
        chargers = stack.enter_context(load(*stack.enter_context(listener(folder)), "start", connections))
        chargers.run(seconds / 2)  # warm
        pairs = [(one_by_one(folder / "one.sqlite3", seconds), chargers.run(seconds)[1]) for _ in range(rounds)]
    theirs, ours = (statistics.median(speeds) for speeds in zip(*pairs, strict=True))
    ratio = statistics.median(ours / theirs for theirs, ours in pairs)
    return [
        Row("StartTransactions durable and answered, per second", f"{ours:,.0f}"),
        Row("one sync for each on this disk, per second", f"{theirs:,.0f}"),
        Row("the one against the other", f"{ratio:.1f}", "3"),
    ]


def one_by_one(path: Path, seconds: float) -> float:
    """Transactions per second, each synced by itself."""
    with sqlite3.connect(path, isolation_level=None) as database:
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
    show(measure)
