"""MeterValues round trips per second of the server's processor time, 100 chargers on 100 connections.

The listener has committed each before it answers. Against it: a bare coroutine echo on the same `websockets` library,
and the documented central system of the `ocpp` package, which stores nothing. All three run at once and are loaded in
turns by processes of their own; the system says what processor time each has used.
"""

from __future__ import annotations

import importlib.util
import json
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import cast

from measure import NotMeasured, Row, Server, environment, listener, scratch, server, show

HERE = Path(__file__).resolve().parent
CONNECTIONS = 100


class Load:
    """bench/load.py at work on one server."""

    def __init__(self, target: Server, process: subprocess.Popen[str]) -> None:
        self._target = target
        self._process = process

    def run(self, seconds: float) -> tuple[float, float]:
        """As fast as they can: round trips per second of the server's processor time, and per second."""
        before_s = self._target.cpu_s
        came = self.ask(str(seconds))
        used_s = self._target.cpu_s - before_s
        return came["answered"] / max(used_s, 0.001), came["answered"] / came["took_s"]

    def ask(self, line: str) -> dict[str, float]:
        """One line for bench/load.py, and its answer."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        return cast("dict[str, float]", json.loads(self._process.stdout.readline()))


@contextmanager
def load(target: Server, port: int, kind: str, connections: int = CONNECTIONS) -> Iterator[Load]:
    """Chargers that are connected, have booted and wait for `run`."""
    command = [sys.executable, str(HERE / "load.py"), str(port), str(connections), kind]
    with subprocess.Popen(
        command, env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        if process.stdout.readline() != "ready\n":
            raise NotMeasured("the load could not connect")
        yield Load(target, process)
        process.stdin.close()


@contextmanager
def other(name: str) -> Iterator[tuple[Server, int]]:
    """One of bench/others.py, and its port."""
    with server([sys.executable, str(HERE / "others.py"), name], "ready on") as running:
        yield running, int(running.said[-1].split()[-1])


def measure(scale: float) -> list[Row]:
    rounds, seconds = max(2, round(7 * scale)), max(0.2, 2 * scale)
    names = ["echo", "ocpp"] if importlib.util.find_spec("ocpp") else ["echo"]
    connections = CONNECTIONS if scale >= 0.1 else 5
    with scratch() as folder, ExitStack() as stack:
        loads = {"listener": stack.enter_context(load(*stack.enter_context(listener(folder)), "meter", connections))}
        for name in names:
            loads[name] = stack.enter_context(load(*stack.enter_context(other(name)), "meter", connections))
        for one in loads.values():
            one.run(seconds / 2)  # warm
        per_cpu_s: dict[str, list[float]] = {name: [] for name in loads}
        per_s: dict[str, list[float]] = {name: [] for name in loads}
        for _ in range(rounds):
            for name, one in loads.items():
                efficiency, speed = one.run(seconds)
                per_cpu_s[name].append(efficiency)
                per_s[name].append(speed)
    rows = [
        Row("MeterValues committed and answered, per CPU second", f"{statistics.median(per_cpu_s['listener']):,.0f}"),
        Row("MeterValues committed and answered, per second", f"{statistics.median(per_s['listener']):,.0f}"),
        Row("per CPU second, against a bare echo", ratio(per_cpu_s, "echo"), "0.6, aim 0.9"),
    ]
    if "ocpp" in names:
        rows.append(Row("per CPU second, against the ocpp package's central system", ratio(per_cpu_s, "ocpp"), "10"))
    return rows


def ratio(per_cpu_s: dict[str, list[float]], other: str) -> str:
    pairs = zip(per_cpu_s["listener"], per_cpu_s[other], strict=True)
    return f"{statistics.median(ours / theirs for ours, theirs in pairs):.2f}"


if __name__ == "__main__":
    show(measure)
