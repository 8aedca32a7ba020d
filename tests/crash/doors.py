"""Ways to a server that can be killed: the backend on a pipe. What it was sent and has not answered is sent again."""

from __future__ import annotations

import os
import select
import signal
import subprocess
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

from programs import BACKEND, LISTENER, PIPE, Program, start, urls
from waiting import until
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from crash.charger import Charger

PATIENCE_S = 30.0
WRITING = "write,pwrite64,writev,fdatasync,fsync,ftruncate,unlink,rename"


class Died(Exception):
    """The server is gone, with this exit code (negative: the signal)."""

    def __init__(self, code: int) -> None:
        super().__init__(f"exit code {code}")
        self.code = code


class Backend:
    """One tinyocpp-backend."""

    def __init__(self, config: Path, charger: str, fault: str = "", caller: dict[str, str] | None = None) -> None:
        """`fault`: what befalls its system calls, as `strace --inject` has it. `caller`: what a web server says of who
        wants in, instead of the owner's word that it is this charger."""
        words = ["--config", config, *(["--charger", charger] if caller is None else [])]
        options: dict[str, Any] = {"env": os.environ | (caller or {}), "bufsize": 0}
        options |= {"stdin": PIPE, "stdout": PIPE, "stderr": PIPE}
        self._process = start(BACKEND, *words, stopped=fault != "", **options)
        self._strace = begin_with(fault, self._process) if fault else None
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
        if self._strace is not None:
            self._strace.wait(PATIENCE_S)
        return self._process.wait(PATIENCE_S)


class Listener:
    """One tinyocpp-listener on a port of its own choice, ready for chargers."""

    def __init__(self, config: Path) -> None:
        self._process = start(LISTENER, "--config", config, "--host", "127.0.0.1", "--port", "0", stdout=PIPE)
        self._connections = ExitStack()
        self._url = urls(self._process)[0].rstrip("/")

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


def begin_with(fault: str, program: Program) -> subprocess.Popen[bytes]:
    """Let a program go on that was started `stopped`, under a strace that has met none of its calls yet."""
    command = ["strace", "-qq", "-o", "/dev/null", "-e", f"trace={fault.partition(':')[0]}", "-e", f"inject={fault}"]
    status = Path(f"/proc/{program.pid}/status")
    until(lambda: "\nState:\tT" in status.read_text())
    strace = subprocess.Popen([*command, "-p", str(program.pid)])
    until(lambda: "\nTracerPid:\t0\n" not in status.read_text())
    program.send_signal(signal.SIGCONT)
    return strace


def killed_before_write(number: int) -> str:
    """The fault of not living to make this system call of those that write."""
    return f"{WRITING}:signal=SIGKILL:when={number}"


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
