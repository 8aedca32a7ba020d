"""Ways to a server that can be killed: the backend on a pipe. What it was sent and has not answered is sent again."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from crash.charger import Charger

PATIENCE_S = 30.0


class Died(Exception):
    """The server is gone, with this exit code (negative: the signal)."""

    def __init__(self, code: int) -> None:
        super().__init__(f"exit code {code}")
        self.code = code


class Backend:
    """One tinyocpp-backend, by itself or under a program such as strace."""

    def __init__(
        self, config: Path, charger: str, under: tuple[str, ...] = (), caller: dict[str, str] | None = None
    ) -> None:
        """`caller`: what a web server says of who wants in, instead of the owner's word that it is this charger."""
        named = ["--charger", charger] if caller is None else []
        self._process = subprocess.Popen(
            [*under, sys.executable, "-m", "tinyocpp.hosts.stdio", "--config", config, *named],
            env=os.environ | (caller or {}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
        )
        self.stderr = b""

    def __enter__(self) -> Backend:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def send(self, text: str) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(text.encode() + b"\n")
        except BrokenPipeError:
            raise Died(self.wait()) from None

    def receive(self, patience_s: float = PATIENCE_S) -> str | None:
        """The next line, or None when there was none in that time. Raises Died at the end of output."""
        assert self._process.stdout is not None
        if not select.select([self._process.stdout], [], [], patience_s)[0]:
            return None
        line = self._process.stdout.readline()
        if not line.endswith(b"\n"):
            raise Died(self.wait())
        return line.decode()

    def ask(self, text: str) -> str:
        self.send(text)
        answer = self.receive()
        assert answer is not None, f"no answer within {PATIENCE_S} s to {text}"
        return answer

    def kill(self) -> None:
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGKILL)
        self.wait()

    def wait(self) -> int:
        """End of input, then its exit code and its last words."""
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()
        assert self._process.stderr is not None
        if not self._process.stderr.closed:
            self.stderr = self._process.stderr.read()
            self._process.stderr.close()
        return self._process.wait(PATIENCE_S)


class Listener:
    """One tinyocpp-listener on a port of its own choice, ready for chargers."""

    def __init__(self, config: Path) -> None:
        program = "import sys; from tinyocpp.cli.listener import main; sys.exit(main())"
        self._process = subprocess.Popen(
            [sys.executable, "-c", program, "--config", config, "--host", "127.0.0.1", "--port", "0"],
            stdout=subprocess.PIPE,
            text=True,
        )
        self._connections = ExitStack()
        assert self._process.stdout is not None
        said = self._process.stdout.readline()
        while "ws://" not in said:
            assert said, f"exit code {self._process.wait()}"
            said = self._process.stdout.readline()
        self._url = said.strip().rstrip("/")

    def __enter__(self) -> Listener:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill_after(0)
        self._connections.close()

    def connect(self, charger: str) -> ClientConnection:
        """A connection that is closed when the listener is."""
        client = connect(f"{self._url}/{charger}", subprotocols=[Subprotocol("ocpp1.6")], compression=None)
        return self._connections.enter_context(client)

    def kill_after(self, seconds: float) -> None:
        """Kill it at a moment it cannot know; what it says meanwhile stays on its way."""
        assert self._process.stdout is not None
        if not self._process.stdout.closed:
            select.select([self._process.stdout], [], [], seconds)
            self._process.kill()
            self._process.stdout.close()
        self._process.wait(PATIENCE_S)


def charge(backend: Backend, charger: Charger, transactions: int) -> None:
    """Until so many transactions are over."""
    while not charger.finished(transactions):
        charger.answered(backend.ask(charger.frame()))


def configure(folder: Path, tags: tuple[str, ...], **paths: str) -> Path:
    """A configuration and a tags file in this folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tags.toml").write_text("".join(f'[[tag]]\nid = "{tag}"\ntransactions = 99\n' for tag in tags))
    chosen = {"runtime": "run", "tags": str(folder / "tags.toml"), **paths}
    table = "".join(f'{key} = "{value}"\n' for key, value in chosen.items())
    config = folder / "tinyocpp.toml"
    config.write_text(f'[paths]\n{table}[chargers]\nadmit = "any"\n')
    return config


def is_root() -> bool:
    return os.geteuid() == 0
