"""`kill -9` at any point: what was acknowledged is there, once (promise 1). `--kills N` asks for a longer run."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from crash.audit import audit
from crash.charger import Charger
from crash.doors import PATIENCE_S, Backend, Died, Listener, charge, configure, killed_before_write

needs_strace = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")


def kill_amid_load(config: Path, charger: Charger, dice: random.Random) -> None:
    """Run the charger for some messages, then kill the backend at a moment nobody chose."""
    with Backend(config, charger.name) as backend:
        for _ in range(dice.randrange(1, 12)):
            charger.answered(backend.ask(charger.frame()))
        backend.send(charger.frame())
        answer = backend.receive(dice.uniform(0, 0.002))  # before, amid and after the commit
        if answer is not None:
            charger.answered(answer)


def test_killed_at_random_amid_load(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    charger, dice = Charger("CP1"), random.Random(1)
    config = configure(tmp_path, tags=("CP1",))
    for kill in range(request.config.getoption("--kills")):
        kill_amid_load(config, charger, dice)
        if kill % 20 == 0:
            audit(tmp_path / "accounting.sqlite3", [charger])
    assert len(charger.acknowledged.stops) > request.config.getoption("--kills") / 5
    audit(tmp_path / "accounting.sqlite3", [charger])


@needs_strace
@pytest.mark.parametrize("part", range(2))
def test_killed_at_every_write(tmp_path: Path, part: int) -> None:
    """Before each system call that writes, from the first to the last of a whole transaction."""
    at, survived = 1 + part, False
    while not survived:
        charger = Charger("CP1", samples_each=1)
        config = configure(tmp_path / str(at), tags=("CP1",))
        survived = charge_until_killed(config, charger, killed_before_write(at))
        with Backend(config, "CP1") as backend:
            charge(backend, charger, 2)
        audit(tmp_path / str(at) / "accounting.sqlite3", [charger])
        assert len(charger.acknowledged.stops) == 2
        shutil.rmtree(tmp_path / str(at))
        at += 2
    assert at > 40, "strace has seen the writes"


def charge_until_killed(config: Path, charger: Charger, fault: str) -> bool:
    """True when the transaction ended first."""
    with Backend(config, charger.name, fault) as backend:
        try:
            charge(backend, charger, 1)
        except Died as died:
            code = died.code
        else:
            return True
    assert code == -9, backend.stderr
    return False


def test_listener_killed_amid_load(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """Several chargers in one batch: each has what it was told, whichever of them was being answered."""
    chargers, dice = [Charger(f"CP{number}") for number in range(4)], random.Random(2)
    config = configure(tmp_path, tags=tuple(charger.name for charger in chargers))
    for _ in range(request.config.getoption("--kills") // 4):
        with Listener(config) as listener:
            connections = [(charger, listener.connect(charger.name)) for charger in chargers]
            for _ in range(dice.randrange(1, 6)):
                for charger, connection in connections:
                    connection.send(charger.frame())
                for charger, connection in connections:
                    charger.answered(connection.recv(PATIENCE_S))
            for charger, connection in connections:
                connection.send(charger.frame())
            listener.kill_after(dice.uniform(0, 0.003))
            for charger, connection in connections:
                take_last_answer(charger, connection)
    assert sum(len(charger.acknowledged.stops) for charger in chargers) > 20
    audit(tmp_path / "accounting.sqlite3", chargers)


def take_last_answer(charger: Charger, connection: ClientConnection) -> None:
    """What was on its way when the listener died counts: the charger has it."""
    try:
        charger.answered(connection.recv(PATIENCE_S))
    except ConnectionClosed:
        connection.close()
