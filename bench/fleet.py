"""5,000 chargers that send a MeterValues every ten seconds, to a listener that is given one core of the machine.

What matters is the slow end: how long one in a hundred waits for its answer, and that none waits in vain.
"""

from __future__ import annotations

import os

from measure import Row, listener, scratch, show
from round_trips import load

CHARGERS, EVERY_S, SECONDS = 5000, 10, 30


def measure(scale: float) -> list[Row]:
    chargers, seconds = max(20, round(CHARGERS * scale)), max(1.0, SECONDS * scale)
    every_s = min(EVERY_S, seconds / 2)
    with scratch() as folder, listener(folder) as (server, port):
        for thread in os.listdir(f"/proc/{server.pid}/task"):
            os.sched_setaffinity(int(thread), {min(os.sched_getaffinity(0))})
        with load(server, port, "meter", chargers) as fleet:
            before_s = server.cpu_s
            came = fleet.ask(f"{seconds} {every_s}")
            busy = (server.cpu_s - before_s) / came["took_s"]
    what = f"{chargers:,} chargers, a MeterValues each {every_s:g} s, on one core:"
    return [
        Row(f"{what} p99 of the answers", f"{came['p99_ms']:.0f} ms", "250 ms"),
        Row(f"{what} lost", f"{came['lost']:.0f} of {came['lost'] + came['answered']:,.0f}", "0"),
        Row(f"{what} that core is busy", f"{100 * busy:.0f} %"),
    ]


if __name__ == "__main__":
    show(measure)
