"""A program forked by the hatchery is as one that was exec'ed: nobody who starts or ends it can tell."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from programs import BACKEND, LISTENER, PIPE, TINYOCPP, Program, TimeoutExpired, command, environment, run, start, urls

from tinyocpp import __version__

HEARTBEAT = '[2,"1","Heartbeat",{}]\n'
PATIENCE_S = 30


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "tinyocpp.toml"
    file.write_text('[chargers]\nadmit = "any"\n[paths]\nruntime = "run"\n')
    return file


@pytest.mark.parametrize(
    ("module", "words", "said", "code"),
    [
        (BACKEND, ["--version"], "", 0),
        (BACKEND, ["--charger", "garage"], '[2,"1","StatusNotification",{"connectorId":1}]\n', 0),
        (BACKEND, ["--charger"], "", 64),
        (TINYOCPP, ["report", "--format", "csv"], "", 0),
        (TINYOCPP, ["tag", "add", "Grünau", "--nmae", "Anna"], "", 64),
        (TINYOCPP, ["status", "--help"], "", 0),
        (TINYOCPP, ["config", "show"], "", 0),
        (LISTENER, ["--port", "x"], "", 64),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_it_says_the_same_and_ends_the_same(file: Path, module: str, words: list[str], said: str, code: int) -> None:
    options: dict[str, Any] = {"env": environment(TZ="America/New_York", COLUMNS="120"), "cwd": file.parent}
    words = [*words, "--config", file.name] if words != ["--charger"] else words
    if module == TINYOCPP:
        words = [*words[-2:], *words[:-2]]
    forked = run(module, *words, said=said, **options)
    ended = subprocess.run([*command(module), *words], input=said, text=True, capture_output=True, **options)
    assert (forked.returncode, forked.stdout, forked.stderr) == (ended.returncode, ended.stdout, ended.stderr)
    assert forked.returncode == code


Starts = Callable[..., "Program | subprocess.Popen[bytes]"]


def execed(module: str, *words: str | Path, **options: Any) -> subprocess.Popen[bytes]:
    return subprocess.Popen([*command(module), *words], **options)


def seen(file: Path, starts: Starts) -> dict[str, object]:
    """What the system says of a backend that has answered a frame."""
    options = {"stdin": PIPE, "stdout": PIPE, "env": environment(), "cwd": file.parent}
    with starts(BACKEND, "--config", file.name, "--charger", "garage", **options) as program:
        assert program.stdin is not None
        assert program.stdout is not None
        program.stdin.write(HEARTBEAT.encode())
        program.stdin.flush()
        assert program.stdout.readline().startswith(b'[3,"1",')
        at = Path(f"/proc/{program.pid}")
        lines = (line.partition(":\t") for line in (at / "status").read_text().splitlines())
        return {
            "opened": sorted((link.name, re.sub(r"\d+", "N", str(link.readlink()))) for link in (at / "fd").iterdir()),
            "folder": (at / "cwd").readlink(),
            "group": os.getpgid(program.pid),
            **{name: value for name, _, value in lines if name.startswith(("Sig", "Shd", "Umask", "Threads"))},
        }


def test_the_system_sees_no_difference(file: Path) -> None:
    assert seen(file, start) == seen(file, execed)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_it_is_ended_by_signals(file: Path, number: signal.Signals) -> None:
    options = {"stdout": PIPE, "stderr": PIPE, "env": environment()}
    with start(LISTENER, "--config", file, "--host", "127.0.0.1", "--port", "0", **options) as program:
        (url,) = urls(program)
        assert re.fullmatch(r"ws://127\.0\.0\.1:\d+/", url)
        assert program.poll() is None
        with pytest.raises(TimeoutExpired):
            program.wait(0.01)
        program.send_signal(number)
        code = program.wait(PATIENCE_S)
        assert code == {signal.SIGKILL: -9}.get(number, 0)
        assert program.poll() == code
        program.kill()  # is too late, and hits nobody else


def test_a_fault_of_ours_is_a_traceback(tmp_path: Path) -> None:
    """With a module that has no `main`, as ours have no faults."""
    ended = run("tinyocpp.errors", env=environment())
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith("Traceback ")
    assert ended.stderr.endswith("AttributeError: module 'tinyocpp.errors' has no attribute 'main'\n")


def test_many_at_once_from_many_threads(file: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        ended = list(threads.map(lambda _: run(TINYOCPP, "--version", said=b""), range(40)))
    assert {(one.returncode, one.stdout) for one in ended} == {(0, f"tinyocpp {__version__}\n".encode())}


def test_nothing_is_left_when_the_tests_end(file: Path) -> None:
    """Not even what a test forgot."""
    script = (
        "from programs import *\n"
        f"program = start(LISTENER, '--config', {str(file)!r}, '--port', '0', stdout=PIPE, env=environment())\n"
        "urls(program)\n"
        "print(program.pid)\n"
    )
    search = {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), environment()["PYTHONPATH"]])}
    ended = subprocess.run(
        [sys.executable, "-c", script], env=environment() | search, stdout=PIPE, text=True, timeout=PATIENCE_S
    )
    assert not Path(f"/proc/{int(ended.stdout)}").exists()
