"""`tinyocpp demo`: the whole story in half a minute, with the real programs and a simulated charger.

Everything happens in a folder that is thrown away, on a port nobody else has. Each step is one line of why and the
command a person would type; what is shown is what that command printed.
"""

from __future__ import annotations

import argparse
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from tinyocpp.errors import ConfigError, OperatorError, Refused

if TYPE_CHECKING:
    from tinyocpp.config import Config

CONFIGURATION = """
[listener]
host = "127.0.0.1"
port = {port}

[paths]
tags = "tags.toml"
accounting = "accounting.sqlite3"
runtime = "run"
"""
CARD, STRANGER = "04A2B3C4D5E6F7", "0BADCA4D"
READY_S, STOP_S, WORD_S = 15.0, 6.0, 60.0
WORDS = "import sys; from tinyocpp.cli import main; sys.exit(main())"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = "exit status: 0 all of it went as it should, 1 something did not"


def run(args: argparse.Namespace, config: Config) -> int:
    """Without the owner's configuration: a demonstration touches nothing that counts."""
    return _play()


def run_without(args: argparse.Namespace, error: ConfigError) -> int:
    """Nor does a wrong one matter to it."""
    return _play()


def _play() -> int:
    print("A listener, a charger, a card, a charge and a report. Nothing of it is kept.")
    with TemporaryDirectory(prefix="tinyocpp-demo-") as folder:
        file = Path(folder) / "tinyocpp.toml"
        file.write_text(CONFIGURATION.format(port=_free_port()))
        try:
            _tell_the_story(Stage(file))
        except (OperatorError, subprocess.TimeoutExpired) as failure:
            raise Refused(f"the demo did not go as it should: {failure}") from None
    print("\nThat was all, and it is thrown away. With your own charger: tinyocpp-listener, and type its URL there.")
    return 0


def _tell_the_story(stage: Stage) -> None:
    stage.step("Whose card may charge is a file, edited by hand or so:", "tag", "add", CARD, "--name", "Demo card")
    stage.say("The listener is what chargers connect to:", "tinyocpp-listener")
    with stage.listener():
        stage.show("ready")
        stage.step("A card that nobody knows gets nothing:", "simulate", "--tag", STRANGER, expected=1)
        charge = ("simulate", "--tag", CARD, "--energy-wh", "1500", "--speed", "90")
        with stage.background("A card that is known charges:", *charge) as lines:
            for line in lines:
                stage.show(line)
                if " of 1.50 kWh" in line and "0.00 of" not in line:
                    break
            stage.step("Meanwhile, in another window:", "status")
            for line in lines:
                stage.show(line)
    stage.step("What was charged, by card (the simulator counts only when asked for):", "report", "--with-simulator")


class Stage:
    """Where it plays: runs the words against one configuration and shows what they print."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._environment = os.environ | {
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            "PYTHONUNBUFFERED": "1",
        }

    def say(self, why: str, *typed: str) -> None:
        print(f"\n{why}\n  $ {' '.join(_quoted(word) for word in typed)}", flush=True)

    def show(self, text: str) -> None:
        for line in text.splitlines():
            print(f"    {line.rstrip()}", flush=True)

    def step(self, why: str, *words: str, expected: int = 0) -> None:
        """One word from beginning to end."""
        self.say(why, "tinyocpp", *words)
        done = subprocess.run(
            self._typed(words), env=self._environment, capture_output=True, text=True, timeout=WORD_S, check=False
        )
        self.show(done.stdout)
        self.show(done.stderr)
        _check(words, done.returncode, expected)

    @contextmanager
    def background(self, why: str, *words: str) -> Iterator[Iterator[str]]:
        """One word whose lines are shown as they come, with time for something else between them."""
        self.say(why, "tinyocpp", *words)
        with self._started(self._typed(words)) as process:
            assert process.stdout
            yield iter(process.stdout)
            _check(words, process.wait(WORD_S), 0)

    @contextmanager
    def listener(self) -> Iterator[None]:
        """The real program, until the end of the block."""
        with self._started([sys.executable, "-m", "tinyocpp.cli.listener", "--config", str(self._file)]) as process:
            assert process.stdout
            overdue = threading.Timer(READY_S, process.kill)
            overdue.start()
            said = []
            for line in process.stdout:
                said.append(line)
                if "ready" in line:
                    break
            else:
                raise Refused("the listener did not start: " + " ".join("".join(said).split()))
            overdue.cancel()
            yield

    @contextmanager
    def _started(self, command: list[str]) -> Iterator[subprocess.Popen[str]]:
        process = subprocess.Popen(
            command, env=self._environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
            assert process.stdout
            process.stdout.close()
            process.wait()

    def _typed(self, words: tuple[str, ...]) -> list[str]:
        return [sys.executable, "-c", WORDS, "--config", str(self._file), *words]


def _check(words: tuple[str, ...], code: int, expected: int) -> None:
    if code != expected:
        raise Refused(f"tinyocpp {words[0]} ended with {code} instead of {expected}")


def _quoted(word: str) -> str:
    return f"'{word}'" if " " in word else word


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
