"""One installation of its own for each test, and the words typed into it."""

from __future__ import annotations

import json
import os
import queue
import select
import threading
import time
from typing import TYPE_CHECKING

import pytest
from booked import Books
from programs import BACKEND, PIPE, TINYOCPP, environment, start

from tinyocpp.cli import main
from tinyocpp.config import Config, load

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

CONFIGURATION = """
[paths]
runtime = "run"

[report]
timezone = "Europe/Berlin"
"""


class House:
    """A configuration in a folder of its own, where everything else will be."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.capsys = capsys
        self.configuration = folder / "tinyocpp.toml"
        self.configuration.write_text(CONFIGURATION)
        self.tags = folder / "tags.toml"
        self.ledger = folder / "accounting.sqlite3"
        self.runtime = folder / "run"

    def config(self) -> Config:
        return load(str(self.configuration), {})

    def books(self) -> Books:
        return Books(self.ledger)

    def type(self, *words: str) -> tuple[int, str, str]:
        """`tinyocpp WORD ...`: its exit code, and what it wrote to stdout and stderr."""
        self.capsys.readouterr()
        try:
            code = main(["--config", str(self.configuration), *words])
        except SystemExit as stop:  # argparse: a misuse, or --help
            code = int(stop.code or 0)
        out, err = self.capsys.readouterr()
        return code, out, err


class Plugged:
    """A charger on a real tinyocpp-backend: it answers calls from a table, and says what it is told to say. An answer
    may be a function of the payload; one of None is a CALLERROR, as is a list, of what it is to say; bytes go as they
    are."""

    def __init__(self, house: House, charger_id: str, answers: dict[str, object]) -> None:
        self.answers = answers
        self.asked: list[tuple[str, object]] = []
        self.then: dict[str, list[tuple[str, dict[str, object]]]] = {}  # what follows the first answer to an action
        self._results: queue.Queue[object] = queue.Queue()
        words = ["--config", house.configuration, "--charger", charger_id]
        self._process = start(BACKEND, *words, stdin=PIPE, stdout=PIPE, env=environment())
        self._reading = threading.Thread(target=self._read)
        self._reading.start()

    def say(self, action: str, **payload: object) -> object:
        """Send a call; returns the answer's payload."""
        self._write([2, "1", action, payload])
        return self._results.get(timeout=20)

    def tell(self, action: str, **payload: object) -> None:
        """Send a call, and do not wait for its answer: from within an answer of ours."""
        self._write([2, "told", action, payload])

    def unplug(self) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        assert self._process.wait(20) == 0
        self._reading.join(20)
        assert self._process.stdout
        self._process.stdout.close()

    def _read(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            kind, message_id, *rest = json.loads(line)
            if kind != 2:
                if message_id != "told":
                    self._results.put(rest[0])
                continue
            self.asked.append((rest[0], rest[1]))
            answer = self.answers.get(rest[0])
            if answer is ...:  # it says nothing
                continue
            if callable(answer):
                answer = answer(rest[1])
            if isinstance(answer, bytes):
                self._send(b'[3,"%b",%b]' % (message_id.encode(), answer))
            elif answer is None or isinstance(answer, list):
                self._write([4, message_id, *(answer or ["NotSupported", "", {}])])
            else:
                self._write([3, message_id, answer])
            for action, payload in self.then.pop(rest[0], ()):
                self.tell(action, **payload)

    def _write(self, frame: list[object]) -> None:
        self._send(json.dumps(frame).encode())

    def _send(self, frame: bytes) -> None:
        assert self._process.stdin
        self._process.stdin.write(frame + b"\n")
        self._process.stdin.flush()


@pytest.fixture
def plug(house: House) -> Iterator[Callable[..., Plugged]]:
    plugged: list[Plugged] = []

    def plug_in(charger_id: str, **answers: object) -> Plugged:
        one = Plugged(house, charger_id, answers)
        plugged.append(one)
        one.say("BootNotification", chargePointVendor="Wallbe", chargePointModel="Pro", firmwareVersion="1.2")
        return one

    yield plug_in
    for one in plugged:
        one.unplug()


class Running:
    """`tinyocpp WORD ...` as a program that goes on until it is ended."""

    def __init__(self, house: House, *words: str) -> None:
        self._process = start(TINYOCPP, "--config", house.configuration, *words, stdout=PIPE)

    def until(self, text: str) -> None:
        """Read on until it says this."""
        assert self._process.stdout
        seen = b""
        deadline = time.monotonic() + 20
        while text.encode() not in seen:
            assert select.select([self._process.stdout], [], [], max(deadline - time.monotonic(), 0))[0], seen
            seen += os.read(self._process.stdout.fileno(), 65536)

    def end(self) -> None:
        self._process.terminate()
        self._process.wait(20)
        assert self._process.stdout
        self._process.stdout.close()


@pytest.fixture
def running(house: House) -> Iterator[Callable[..., Running]]:
    started: list[Running] = []

    def start(*words: str) -> Running:
        started.append(Running(house, *words))
        return started[-1]

    yield start
    for one in started:
        one.end()


@pytest.fixture
def house(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> House:
    return House(tmp_path, capsys)
