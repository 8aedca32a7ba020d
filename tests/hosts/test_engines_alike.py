"""Passwords and security profiles at every way in: the built-in engine, websocketd, and the bare backend, one table.

Refused means: before the upgrade is answered by the built-in engine; without a frame ever being answered by websocketd,
which upgrades first; and exit code 77 by the backend. Who is refused takes nobody's place.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import shutil
import ssl
import subprocess
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

import pytest
from programs import BACKEND, LISTENER, PIPE, Program, environment, start, urls
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from tinyocpp.config import load
from tinyocpp.passwords import Keys, hash_password
from tinyocpp.storage import Registered, open_reader, open_store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from websockets.sync.client import ClientConnection

PATIENCE_S = 20.0
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
RIGHT = hash_password("correct horse")
CONFIGURATION = """
[chargers]
admit = "any"
[paths]
runtime = "run"
[listener.tls]
certificate = ["ec.pem"]
key = ["ec.key"]
[charger.configured1]
security_profile = 1
[charger.configured2]
security_profile = 2
[charger.unset1]
security_profile = 1
"""
IN, PASSWORD, FORBIDDEN = 101, 401, 403

# What is shown: over ws nothing, the password, a wrong one, another charger's name; over wss nothing, the password.
SHOWN = ["ws", "ws right", "ws wrong", "ws named", "wss", "wss right"]
TABLE = {
    # identity: password, proven profile, then the answers in the order of SHOWN
    "open0": (None, 0, [IN, IN, IN, IN, IN, IN]),
    "locked0": (RIGHT, 0, [PASSWORD, IN, PASSWORD, PASSWORD, PASSWORD, IN]),
    "configured1": (RIGHT, 0, [PASSWORD, IN, PASSWORD, PASSWORD, PASSWORD, IN]),
    "configured2": (RIGHT, 0, [FORBIDDEN, FORBIDDEN, FORBIDDEN, FORBIDDEN, PASSWORD, IN]),
    "proven1": (RIGHT, 1, [PASSWORD, IN, PASSWORD, PASSWORD, PASSWORD, IN]),
    "proven2": (RIGHT, 2, [FORBIDDEN, FORBIDDEN, FORBIDDEN, FORBIDDEN, PASSWORD, IN]),
    "proven3": (RIGHT, 3, [FORBIDDEN] * 6),
    "unset1": (None, 0, [PASSWORD] * 6),
}
CASES = [(identity, shown, row[2][at]) for identity, row in TABLE.items() for at, shown in enumerate(SHOWN)]


def header(identity: str, shown: str) -> str | None:
    said = {"right": f"{identity}:correct horse", "wrong": f"{identity}:wrong", "named": "other:correct horse"}
    text = said.get(shown.partition(" ")[2])
    return None if text is None else f"Basic {base64.b64encode(text.encode()).decode()}"


class Line(Protocol):
    def answers(self) -> bool:
        """Is a heartbeat answered?"""
        ...

    def close(self) -> None: ...


class Engine(Protocol):
    def knock(self, identity: str, shown: str) -> int | Line:
        """The status it was refused with (where it is told: else 0), or the line that is open."""
        ...

    def close(self) -> None: ...


HEARTBEAT = '[2,"still there","Heartbeat",{}]'


class WebSocketLine:
    def __init__(self, opening: connect) -> None:
        self._stack = contextlib.ExitStack()
        self._socket: ClientConnection = self._stack.enter_context(opening)

    def answers(self) -> bool:
        try:
            self._socket.send(HEARTBEAT)
            return json.loads(self._socket.recv(PATIENCE_S))[1] == "still there"
        except ConnectionClosed:
            return False

    def close(self) -> None:
        self._stack.close()


class Builtin:
    name = "builtin"

    def __init__(self, folder: Path) -> None:
        words = ["--config", folder / "tinyocpp.toml", "--host", "127.0.0.1", "--port", "0", "--engine", self.name]
        self._process = start(LISTENER, *words, stdout=PIPE, env=environment())
        self._urls = {url.partition(":")[0]: url for url in urls(self._process)}

    def knock(self, identity: str, shown: str) -> int | Line:
        scheme = shown.partition(" ")[0]
        said = header(identity, shown)
        try:
            return WebSocketLine(
                connect(
                    f"{self._urls[scheme]}{identity}",
                    subprotocols=["ocpp1.6"],  # type: ignore[list-item]
                    additional_headers={"Authorization": said} if said else None,
                    ssl=trusting_anybody() if scheme == "wss" else None,
                    compression=None,
                    close_timeout=2,
                    proxy=None,
                )
            )
        except InvalidStatus as refused:
            return refused.response.status_code

    def close(self) -> None:
        with self._process:
            self._process.terminate()
            assert self._process.wait(PATIENCE_S) == 0


class Websocketd(Builtin):
    name = "websocketd"

    def knock(self, identity: str, shown: str) -> int | Line:
        line = super().knock(identity, shown)
        assert not isinstance(line, int), "websocketd upgrades first"
        if line.answers():
            return line
        line.close()
        return 0


class BackendLine:
    def __init__(self, process: Program) -> None:
        self._process = process

    def answers(self) -> bool:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(f"{HEARTBEAT}\n")
            self._process.stdin.flush()
        return self._process.stdout.readline().startswith('[3,"still there",')

    def close(self) -> int:
        with contextlib.suppress(BrokenPipeError):
            self._process.communicate(timeout=PATIENCE_S)
        return self._process.returncode


class Backend:
    name = "backend"

    def __init__(self, folder: Path) -> None:
        self._config = folder / "tinyocpp.toml"

    def knock(self, identity: str, shown: str) -> int | Line:
        caller = {"REQUEST_URI": f"/ocpp/{identity}", "REMOTE_ADDR": "127.0.0.1"}
        said = header(identity, shown)
        caller |= {"HTTP_AUTHORIZATION": said} if said else {}
        caller |= {"HTTPS": "on"} if shown.startswith("wss") else {}
        options: dict[str, Any] = {"stdin": PIPE, "stdout": PIPE, "text": True, "env": environment(**caller)}
        process = start(BACKEND, "--config", self._config, **options)
        line = BackendLine(process)
        if line.answers():
            return line
        assert line.close() == 77
        return 0

    def close(self) -> None:
        pass


def trusting_anybody() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    # This client reads in a thread of its own. In TLS 1.3 that thread reads session tickets while the other one writes
    # the request, and Python 3.11 lets both into one SSL object: one in 800 requests never arrived.
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    return context


needs_websocketd = pytest.mark.skipif(
    shutil.which("websocketd") is None and "CI" not in os.environ, reason="websocketd is not installed"
)
ENGINES = [Builtin, pytest.param(Websocketd, marks=needs_websocketd), Backend]


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("certificates")
    command = ["openssl", "req", "-x509", "-nodes", "-days", "2", "-subj", "/CN=csms.test", "-newkey", "ec"]
    files = ["-pkeyopt", "ec_paramgen_curve:prime256v1", "-keyout", f"{folder}/ec.key", "-out", f"{folder}/ec.pem"]
    subprocess.run([*command, *files], check=True, capture_output=True, timeout=60)
    return folder


def household(folder: Path, certificates: Path) -> Path:
    for file in certificates.iterdir():
        (folder / file.name).symlink_to(file)
    (folder / "tinyocpp.toml").write_text(CONFIGURATION)
    store = open_store(load(str(folder / "tinyocpp.toml"), {}))
    store.begin()
    for identity, (password, proven, _) in TABLE.items():
        store.register.set_profile(identity, proven)
        store.register.set_keys(identity, Keys(password))
    store.register.set_password("moving", RIGHT)
    store.register.ask_profile("moving", 2)
    store.commit()
    store.close()
    return folder


def known(folder: Path, identity: str) -> Registered:
    reader = open_reader(load(str(folder / "tinyocpp.toml"), {}))
    found = [one.registered for one in reader.chargers() if one.registered.charger_id == identity]
    reader.close()
    return found[0]


@contextlib.contextmanager
def running(kind: type[Engine], folder: Path) -> Iterator[Engine]:
    engine = kind(folder)  # type: ignore[call-arg]
    try:
        yield engine
    finally:
        engine.close()


def outcome(engine: Engine, identity: str, shown: str) -> int:
    """101, or what it was refused with: 0 where nobody can be told."""
    line = engine.knock(identity, shown)
    if isinstance(line, int):
        return line
    assert line.answers()
    line.close()
    return IN


@pytest.mark.parametrize("kind", ENGINES)
def test_who_gets_in(tmp_path: Path, certificates: Path, kind: type[Engine]) -> None:
    with running(kind, household(tmp_path, certificates)) as engine:
        found = {(identity, shown): outcome(engine, identity, shown) for identity, shown, _ in CASES}
    told = kind is Builtin
    assert found == {(identity, shown): status if told or status == IN else 0 for identity, shown, status in CASES}
    assert known(tmp_path, "proven2").refused_why == "security_profile = 2 wants TLS (wss)"
    assert "tinyocpp charger password unset1" in known(tmp_path, "unset1").refused_why


@pytest.mark.parametrize("kind", ENGINES)
def test_a_profile_that_was_asked_for_is_pinned_by_coming_with_it(
    tmp_path: Path, certificates: Path, kind: type[Engine]
) -> None:
    folder = household(tmp_path, certificates)
    with running(kind, folder) as engine:
        assert [outcome(engine, "moving", shown) for shown in ("ws right", "ws right")] == [IN, IN]
        assert outcome(engine, "moving", "wss right") == IN
        assert outcome(engine, "moving", "ws right") != IN
    assert known(tmp_path, "moving").security_profile == 2
    with running(kind, folder) as engine:
        assert outcome(engine, "moving", "ws right") != IN, "also after a restart"
        assert outcome(engine, "moving", "wss right") == IN


@pytest.mark.parametrize("kind", ENGINES)
@pytest.mark.parametrize("shown", ["ws", "ws wrong", "ws named"])
def test_who_is_refused_takes_nobodys_place(tmp_path: Path, certificates: Path, kind: type[Engine], shown: str) -> None:
    with running(kind, household(tmp_path, certificates)) as engine:
        line = engine.knock("locked0", "ws right")
        assert not isinstance(line, int)
        assert outcome(engine, "locked0", shown) != IN
        assert line.answers()
        line.close()
