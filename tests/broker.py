"""A real MQTT broker, mosquitto, of one's own on a free loopback port."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from paho.mqtt import publish

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PATIENCE_S = 20
PROGRAM = shutil.which("mosquitto", path=f"{os.environ['PATH']}:/usr/sbin") or "mosquitto"
SETTINGS = "listener {port} 127.0.0.1\nallow_anonymous false\npassword_file {passwords}\nuser {user}\n"


class Broker:
    def __init__(self, folder: Path, port: int) -> None:
        self.port = port
        self._configuration = folder / "mosquitto.conf"
        passwords, user = folder / "passwords", getpass.getuser()
        self._configuration.write_text(SETTINGS.format(port=port, passwords=passwords, user=user))
        subprocess.run(["mosquitto_passwd", "-b", "-c", passwords, "anna", "pass"], check=True, capture_output=True)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen([PROGRAM, "-c", self._configuration], stderr=subprocess.DEVNULL)
        deadline_s = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline_s:
            with socket.socket() as line:
                if line.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            assert self._process.poll() is None, "mosquitto has ended"
        raise AssertionError("mosquitto does not listen")

    def stop(self) -> None:
        if self._process:
            self._process.terminate()
            self._process.wait(PATIENCE_S)
            self._process = None

    def say(self, topic: str, payload: str | bytes | None, *, retain: bool = False) -> None:
        publish.single(
            topic,
            payload,
            hostname="127.0.0.1",
            port=self.port,
            retain=retain,
            qos=1,
            auth={"username": "anna", "password": "pass"},
        )


@contextmanager
def broker(folder: Path) -> Iterator[Broker]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    one = Broker(folder, port)
    one.start()
    try:
        yield one
    finally:
        one.stop()
