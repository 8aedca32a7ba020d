"""The programs: a listener with one charger that sends broken frames and one that does not, and a backend on a pipe.

The second charger measures how long it waits, in turns: while the first sends good frames, and while it sends broken
ones. So a slow machine is told from a slow answer. Everything waits at most PATIENCE_S.
"""

from __future__ import annotations

import contextlib
import json
import queue
import re
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import IO

from programs import BACKEND, LISTENER, PIPE, TINYOCPP, Program, environment, run, start, urls
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from fuzz.mutations import LARGEST, mutated
from fuzz.oracle import answered_id, call_id, call_id_on_a_line
from fuzz.seeds import GOOD, ID, seeds
from fuzz.session import Growth

PATIENCE_S = 60.0
FRAMES = 40  # between two looks at what was answered
PACE_S = 0.005
MAY_WAIT_S = 0.25
"""For another charger's answer, whatever one sends."""
SLOW_MACHINE = 10
"""Or this many times what it is while the first charger sends good frames, one of a megabyte among them."""
ON_A_LINE = 2**16  # lines of a frame that does not close add up, and only a megabyte closes the connection
CONFIGURATION = '[chargers]\nadmit = "any"\n[paths]\nruntime = "run"\n'
LOGGED = re.compile(r"\S+ .*event=\w+")


@dataclass
class Waits:
    """How long the second charger has waited for each answer, in seconds."""

    good: list[float] = field(default_factory=list)  # while the other one sent good frames
    broken: list[float] = field(default_factory=list)


@dataclass
class Run:
    """What a run has come to."""

    frames: int = 0
    answered: int = 0
    grown_kb: int = 0
    waits: Waits = field(default_factory=Waits)


@contextlib.contextmanager
def program(folder: Path, module: str, *options: str) -> Iterator[Program]:
    """A program of ours, ended at the end: with 0 and without a traceback."""
    file = folder / "tinyocpp.toml"
    file.write_text(CONFIGURATION)
    said = folder / "stderr"
    with said.open("wb") as errors:
        process = start(module, "--config", file, *options, stdin=PIPE, stdout=PIPE, stderr=errors, env=environment())
        try:
            yield process
            process.terminate()
            assert process.wait(PATIENCE_S) == 0
        finally:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                assert pipe is not None
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()
    check_log(said.read_text(errors="replace"))


def check_log(text: str) -> None:
    """Nothing a charger sends is worth a word in the log: what was odd stands in the ledger."""
    assert text == "", text[-3000:]


def batch(rng: Random, pool: list[str], number: int, largest: int) -> list[bytes]:
    return [
        mutated(rng.choice(pool), pool, rng)[:largest].replace(ID.encode(), b"f%d" % (number + index))[:LARGEST]
        for index in range(FRAMES)
    ]


def good_batch(number: int) -> list[bytes]:
    """One of each action, and one as long as may be."""
    frames = [json.dumps([2, f"g{number}-{action}", action, payload]).encode() for action, payload in GOOD.items()]
    samples = [{"timestamp": "2026-06-01T12:00:00Z", "sampledValue": [{"value": "1"}]}] * 13_000
    long = json.dumps([2, f"g{number}-long", "MeterValues", {"connectorId": 1, "meterValue": samples}]).encode()
    assert LARGEST * 0.8 < len(long) <= LARGEST
    return [*frames, long]


def check_batch(must: list[str], answers: list[str], sent: int) -> None:
    """Every id that had to be answered was, and nothing twice."""
    answered = [answered_id(text) for text in answers]
    missing = Counter(must) - Counter(answer for answer in answered if isinstance(answer, str))
    assert not missing, f"not answered: {missing}"
    assert len(answered) <= sent


# --- the listener -----------------------------------------------------------------------------------------------------


def fuzz_listener(seed: int, folder: Path, *, frames: int = 2**62, until: float = float("inf")) -> Run:
    rng, pool, run = Random(seed), seeds(), Run()
    with program(folder, LISTENER, "--host", "127.0.0.1", "--port", "0") as process:
        url = urls(process)[0].rstrip("/")
        with _charger(url, "broken") as broken, Pacer(url) as pacer:
            grown = Growth(process.pid)
            while run.frames < frames and time.monotonic() < until:
                _exchange(broken, good_batch(run.frames), run.frames)
                run.waits.good.append(pacer.worst())
                sent = batch(rng, pool, run.frames, LARGEST)
                run.answered += _exchange(broken, sent, run.frames)
                run.waits.broken.append(pacer.worst())
                run.frames += len(sent)
                grown.look()
    run.grown_kb = grown.check()
    check_waits(run.waits)
    check_words(folder)
    return run


def check_words(folder: Path) -> None:
    """What a person types afterwards works, and shows nothing that a terminal would obey."""
    for words in (["status"], ["report", "--by", "transaction", "--format", "csv"], ["log"], ["charger", "list"]):
        said = run(TINYOCPP, "--config", folder / "tinyocpp.toml", *words, said=b"", env=environment())
        assert said.returncode == 0, (words, said.stderr[-2000:])
        assert said.stdout.replace(b"\r\n", b"").replace(b"\n", b"").decode().isprintable(), words


def check_waits(waits: Waits) -> None:
    worst, usual = max(waits.broken), max(waits.good)
    assert worst < max(MAY_WAIT_S, SLOW_MACHINE * usual), f"{worst:.3f} s, and with good frames {usual:.3f} s"


def _charger(url: str, identity: str) -> ClientConnection:
    return connect(
        f"{url}/{identity}", subprotocols=[Subprotocol("ocpp1.6")], compression=None, max_size=None, proxy=None
    )


def _exchange(socket: ClientConnection, frames: list[bytes], number: int) -> int:
    """Send them all, and read until the answer to what comes last; how many had to be answered."""
    last = f"last {number}"
    for frame in frames:
        socket.send(frame, text=True)
    socket.send(json.dumps([2, last, "Heartbeat", {}]))
    answers: list[str] = []
    while not answers or answered_id(answers[-1]) != last:
        answers.append(str(socket.recv(PATIENCE_S)))
    must = [message_id for frame in frames if (message_id := call_id(frame)) is not None]
    try:
        check_batch(must, answers[:-1], len(frames))
    except AssertionError:
        print(*(repr(frame[:2000]) for frame in frames), sep="\n")
        raise
    return len(must)


class Pacer:
    """The charger that does nothing wrong: it asks, waits for the answer, and asks again."""

    def __init__(self, url: str) -> None:
        self._connection = _charger(url, "good")
        self._over = threading.Event()
        self._waited = [0.0]
        self._failed: BaseException | None = None
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Pacer:
        self._socket = self._connection.__enter__()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(PATIENCE_S)
        self._connection.__exit__(None, None, None)
        if self._failed is not None:
            raise self._failed

    def worst(self) -> float:
        """The longest wait since this was asked last."""
        waited, self._waited = self._waited, [0.0]
        return max(waited)

    def _answer(self) -> str:
        """The next one; what is asked of this charger it does not know."""
        while (heard := str(self._socket.recv(PATIENCE_S))).startswith("[2,"):
            self._socket.send(json.dumps([4, json.loads(heard)[1], "NotSupported", "", {}]))
        return heard

    def _run(self) -> None:
        question = json.dumps([2, "good", "MeterValues", GOOD["MeterValues"]])
        try:
            while not self._over.wait(PACE_S):
                began = time.perf_counter()
                self._socket.send(question)
                answer = self._answer()
                self._waited.append(time.perf_counter() - began)
                assert answer == '[3,"good",{}]', answer
        except BaseException as error:
            self._failed = error


# --- the backend ------------------------------------------------------------------------------------------------------


def fuzz_backend(seed: int, folder: Path, *, frames: int = 2**62, until: float = float("inf")) -> Run:
    rng, pool, run = Random(seed), seeds(), Run()
    with program(folder, BACKEND, "--charger", "broken") as process:
        assert process.stdout is not None
        lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        reading = threading.Thread(target=_read, args=(process.stdout, lines))
        reading.start()
        grown = Growth(process.pid)
        while run.frames < frames and time.monotonic() < until:
            sent = batch(rng, pool, run.frames, ON_A_LINE)
            run.answered += _converse(process, lines, sent, run.frames)
            run.frames += len(sent)
            grown.look()
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(PATIENCE_S) == 0
        reading.join(PATIENCE_S)
    run.grown_kb = grown.check()
    return run


def _read(stdout: IO[bytes], lines: queue.SimpleQueue[bytes]) -> None:
    for line in stdout:
        lines.put(line)
    lines.put(b"")  # the end


def _converse(process: Program, lines: queue.SimpleQueue[bytes], frames: list[bytes], number: int) -> int:
    last = f"last {number}"
    assert process.stdin is not None
    process.stdin.write(b"".join(frame + b"\n" for frame in [*frames, json.dumps([2, last, "Heartbeat", {}]).encode()]))
    process.stdin.flush()
    answers: list[str] = []
    while not answers or answered_id(answers[-1]) != last:
        line = lines.get(timeout=PATIENCE_S)
        assert line, "the backend has ended"
        answers.append(line.decode())
    must = [message_id for frame in frames if (message_id := call_id_on_a_line(frame)) is not None]
    try:
        check_batch(must, answers[:-1], sum(frame.count(b"\n") + 1 for frame in frames))
    except AssertionError:
        print(*(repr(frame[:2000]) for frame in frames), sep="\n")
        raise
    return len(must)
