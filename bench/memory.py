"""Memory of the listener, idle and per connected charger, as the system counts it (resident, shared libraries too).

The charger has booted and said Available; what a connection costs is the difference that a few hundred of them make.
"""

from __future__ import annotations

from measure import Row, listener, scratch, show
from round_trips import load

CHARGERS = 500


def measure(scale: float) -> list[Row]:
    chargers = max(10, round(CHARGERS * scale))
    with scratch() as folder, listener(folder) as (server, port):
        idle_kb = server.memory_kb
        with load(server, port, "meter", chargers) as connected:
            connected.run(0)  # a MeterValues each
            each_kb = (server.memory_kb - idle_kb) / chargers
    return [
        Row("memory of the listener, idle", f"{idle_kb / 1024:.1f} MB", "35 MB"),
        Row("memory of each connected charger", f"{each_kb:.1f} kB", "24 kB"),
    ]


if __name__ == "__main__":
    show(measure)
