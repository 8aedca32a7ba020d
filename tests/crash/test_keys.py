"""`kill -9` while a charger is given another password: at no point are both sides left without a common key."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import random
import re
import select
import shutil
import socket
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from programs import DEVNULL, LISTENER, PIPE, STDOUT, TINYOCPP, TimeoutExpired, start

from crash.doors import PATIENCE_S, Backend, Died, configure, killed_before_write
from crash.test_kills import needs_strace
from tinyocpp.companions.commandclient import connected_chargers
from tinyocpp.config import load
from tinyocpp.passwords import Keys, hash_password
from tinyocpp.storage import open_reader, open_store

OLD, NEW = "00112233445566778899aabbccddeeff01020304", "ffeeddccbbaa99887766554433221100ffeeddcc"
BOOT = '[2,"b","BootNotification",{"chargePointVendor":"Wallbe","chargePointModel":"Pro"}]'
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


def household(folder: Path) -> Path:
    """With a charger that has a password."""
    config = configure(folder, tags=("CP1",))
    store = open_store(load(str(config), {}))
    store.begin()
    store.register.admit("garage", NOON)
    store.register.set_password("garage", hash_password(OLD))
    store.commit()
    store.close()
    return config


def keys_of(config: Path) -> Keys:
    reader = open_reader(load(str(config), {}))
    found = [one.registered for one in reader.chargers() if one.registered.charger_id == "garage"]
    reader.close()
    return found[0].keys


# ------------------------------------------------------------------------------------------ before every system call


class KeyCharger:
    """Keeps its password in flash before it answers, as a charger that takes it should; `takes` it, or refuses."""

    def __init__(self, takes: bool) -> None:
        self.takes = takes
        self.key = OLD

    def caller(self) -> dict[str, str]:
        shown = base64.b64encode(b"garage:" + bytes.fromhex(self.key)).decode()
        return {"REQUEST_URI": "/garage", "HTTP_AUTHORIZATION": f"Basic {shown}"}

    def be_given(self, config: Path, fault: str) -> None:
        """All of it: boot, the call, its answer, the answer's way to who asked. Raises Died."""
        with Backend(config, "garage", fault, self.caller()) as backend:
            backend.ask(BOOT)
            with socket.socket(socket.AF_UNIX) as person:
                person.settimeout(PATIENCE_S)
                try:
                    person.connect(str(config.parent / "run" / "garage.sock"))
                    call = {"call": "ChangeConfiguration", "payload": {"key": "AuthorizationKey", "value": NEW}}
                    person.sendall(json.dumps(call).encode() + b"\n")
                    frame = backend.receive()
                    assert frame is not None
                    message_id = json.loads(frame)[1]
                    self.key = NEW if self.takes else OLD
                    status = "Accepted" if self.takes else "Rejected"
                    backend.send(json.dumps([3, message_id, {"status": status}]))
                    if not person.recv(4096):
                        raise Died(backend.wait())
                except (ConnectionError, FileNotFoundError):
                    raise Died(backend.wait()) from None

    def is_let_in(self, config: Path) -> bool:
        try:
            with Backend(config, "garage", caller=self.caller()) as backend:
                return backend.ask(BOOT).startswith('[3,"b",')
        except Died as died:
            assert died.code == 77, died
            return False


@needs_strace
@pytest.mark.parametrize("part", range(4))
@pytest.mark.parametrize("takes", [True, False], ids=["takes it", "refuses it"])
def test_killed_before_every_write(tmp_path: Path, takes: bool, part: int) -> None:
    at, survived, met = 1 + part, False, set[str]()
    while not survived:
        folder = tmp_path / str(at)
        config, charger = household(folder), KeyCharger(takes)
        try:
            charger.be_given(config, killed_before_write(at))
        except Died as died:
            assert died.code == -9
        else:
            survived = True
        met.add(f"{charger.key[:2]} {len(keys_of(config).under_way)}")
        assert charger.is_let_in(config), f"locked out: killed before write {at}"
        shutil.rmtree(folder)
        at += 4
    assert at > 20, "strace has seen the writes"
    assert ("ff 0" if takes else "00 0") in met


# --------------------------------------------------------------------------------------------------- at any moment


class Program:
    """One of ours, which goes on until it is ended."""

    def __init__(self, words: list[str], says: str = "") -> None:
        self.process = start(*words, stdin=DEVNULL, stdout=PIPE, stderr=STDOUT)
        self.said = b""
        while says.encode() not in self.said:
            assert self.process.stdout is not None
            assert select.select([self.process.stdout], [], [], PATIENCE_S)[0], self.said
            data = os.read(self.process.stdout.fileno(), 65536)
            assert data, self.said
            self.said += data

    def end(self, after_s: float = PATIENCE_S) -> int:
        """Kill it at a moment it cannot know; the exit code."""
        with contextlib.suppress(TimeoutExpired):
            self.process.wait(after_s)
        self.process.kill()
        self.said += self.process.communicate()[0]
        return self.process.returncode


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port: int = sock.getsockname()[1]
        return port


def until_connected(config: Path) -> None:
    directories = load(str(config), {}).runtime_directories
    deadline = time.monotonic() + PATIENCE_S
    while "garage" not in connected_chargers(directories):
        assert time.monotonic() < deadline, "locked out"
        time.sleep(0.05)


def test_a_simulated_charger_is_never_locked_out(tmp_path: Path) -> None:
    config, port, dice = household(tmp_path), free_port(), random.Random(3)
    listen = [LISTENER, "--config", str(config), "--host", "127.0.0.1", "--port", str(port)]
    word = [TINYOCPP, "--config", str(config)]
    url = f"ws://127.0.0.1:{port}/"
    rotate = [*word, "charger", "password", "--rotate", "garage", "--timeout", "10"]
    log = b""
    listener = Program(listen, says="ready")
    simulated = Program([*word, "simulate", "--idle", "--url", url, "--charger", "garage", "--password", OLD])
    said = b""
    try:
        for _ in range(10):
            until_connected(config)
            person = Program(rotate)
            listener.end(dice.uniform(0, 0.2))  # before, amid and after all it takes
            log += listener.said
            listener = Program(listen, says="ready")  # at once, for the charger waits longer each time it fails
            person.end()
            said += person.said
        code, deadline = -1, time.monotonic() + PATIENCE_S
        while code != 0:  # its last connection may just be on its way out
            assert time.monotonic() < deadline, said
            until_connected(config)
            person = Program(rotate)
            code = person.end()
            said += person.said
        until_connected(config)
    finally:
        listener.end(0)
        simulated.end(0)
    made = re.findall(r"password:  ([0-9a-f]{40})", said.decode())
    assert made
    left = [file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()]
    assert any(b"ChangeConfiguration" in text for text in left), "the wire log is among it"
    for key in [OLD, *made]:
        for text in [log + listener.said + simulated.said, *left]:
            assert not any(form in text for form in forms(key)), "a password was left behind (A01.FR.09)"


def forms(key: str) -> list[bytes]:
    """How a password may be spelled where it should not be."""
    raw = bytes.fromhex(key)
    texts = [key.encode(), key.upper().encode(), raw]
    return texts + [base64.b64encode(b"garage:" + text) for text in texts]
