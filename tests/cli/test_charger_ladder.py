"""From nothing to a certificate: every security profile with a simulated charger, by the words an owner types."""

from __future__ import annotations

import io
import json
import select
import socket
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from programs import DEVNULL, LISTENER, PIPE, TINYOCPP, start

pytest.importorskip("cryptography")

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import House

PATIENCE_S = 30.0
CONFIGURATION = """
[listener]
host = "127.0.0.1"
port = {ws}
[paths]
runtime = "run"
[chargers]
admit = "any"
"""


def free_ports(number: int) -> list[int]:
    taken = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    found = [sock.getsockname()[1] for sock in taken]
    for sock in taken:
        sock.close()
    return found


@contextmanager
def program(house: House, module: str, *words: str, says: str) -> Iterator[None]:
    """Running, and ended in the end; it has said this much."""
    words = ("--config", str(house.configuration), *words)
    started = start(module, *words, stdin=DEVNULL, stdout=PIPE, bufsize=0)  # `select` sees no line that is read ahead
    try:
        assert started.stdout is not None
        line = b""
        while says.encode() not in line:
            assert select.select([started.stdout], [], [], PATIENCE_S)[0]
            line = started.stdout.readline()
            assert line
        yield
    finally:
        started.terminate()
        started.communicate(timeout=PATIENCE_S)


def until(house: House, expected: tuple[int, int, str]) -> None:
    """It is connected: profile proven, profile used, with which TLS."""
    deadline = time.monotonic() + PATIENCE_S
    found: object = None
    while found != (True, *expected):
        assert time.monotonic() < deadline, found
        (row,) = json.loads(house.type("charger", "security", "garage", "--json")[1])
        tls = row["connected_with"].partition(" ")[0]
        found = row["connected"], row["proven_profile"], row["connected_profile"], tls


def test_up_the_ladder(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    ws, wss = free_ports(2)
    house.configuration.write_text(CONFIGURATION.format(ws=ws))
    assert house.type("ca", "init", "--host", "127.0.0.1", "--organisation", "Home", "--write")[0] == 0
    settings = house.configuration.read_text()
    house.configuration.write_text(settings.replace("[listener.tls]\n", f"[listener.tls]\nport = {wss}\n"))
    with (
        program(house, LISTENER, says="ready"),
        program(house, TINYOCPP, "simulate", "--idle", "--charger", "garage", says="Boot"),
    ):
        for words, expected in (
            ("charger password garage --rotate", (0, 1, "")),
            ("charger security garage 1", (1, 1, "")),
            ("charger certificate install --charger garage", (1, 1, "")),
            ("charger security garage 2", (2, 2, "TLSv1.3")),
            ("charger certificate renew --charger garage", (2, 2, "TLSv1.3")),
            ("charger security garage 3", (3, 3, "TLSv1.3")),
        ):
            code, out, err = house.type(*words.split(), "--timeout", "25")
            assert (code, err) == (0, ""), f"{words}: {out}"
            assert ("It is back, with it." in out) == ("--rotate" in words)
            until(house, expected)
        code, _, err = house.type("charger", "security", "garage", "2")
        assert code == 64
        assert "--lower 2" in err
