"""The handshake: broken HTTP at the listener's port, from nobody in particular. Nothing of it may reach the log but the
line that says so, no descriptor may stay behind, and the next charger is welcome.
"""

from __future__ import annotations

import contextlib
import os
import re
import socket
import time
from pathlib import Path
from random import Random

from doors.entrances import HEADERS, House, Listener, knocking

from fuzz.mutations import mutated
from fuzz.programs import Run
from fuzz.session import Growth

REQUEST = "GET /garage HTTP/1.1\r\n" + HEADERS.decode() + "Authorization: Basic Z2FyYWdlOng=\r\n\r\n"
PATIENCE_S = 20.0
WAITS_S = 0.1  # for the answer, if there is one
LOOKED_EVERY = 100
LOGGED = re.compile(r"charger=\S+ event=refused .*|event=no_handshake .*")


def fuzz_requests(seed: int, folder: Path, *, frames: int = 2**62, until: float = float("inf")) -> Run:
    rng, run = Random(seed), Run()
    house = House(folder, '[chargers]\nadmit = "any"\n')
    listener = Listener(house, "builtin")
    grown = Growth(listener.pid)
    while run.frames < frames and time.monotonic() < until:
        run.answered += _one(listener.port, mutated(REQUEST, [REQUEST], rng), rng)
        run.frames += 1
        if run.frames % LOOKED_EVERY == 0:
            grown.look()
            assert _welcome(listener)
    descriptors = len(os.listdir(f"/proc/{listener.pid}/fd"))
    listener.close()
    assert descriptors < 50, f"{descriptors} descriptors are open"
    strange = [line for line in house.log.read_text(errors="replace").splitlines() if not LOGGED.fullmatch(line)]
    assert strange == [], strange[:30]
    run.grown_kb = grown.check()
    return run


def _one(port: int, request: bytes, rng: Random) -> bool:
    """Whether it was answered; some hang up, some say that they have nothing more to say, some wait."""
    ends = rng.choice((b"", b"\r\n\r\n\r\n"))
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as stranger, contextlib.suppress(OSError):
        stranger.sendall(request + ends)
        stranger.settimeout(WAITS_S)
        match rng.randrange(3):
            case 0:
                return False
            case 1 if not ends:
                stranger.shutdown(socket.SHUT_WR)
        return bool(stranger.recv(65536)) if ends or rng.random() < 0.5 else False
    return False


def _welcome(listener: Listener) -> bool:
    with knocking(listener, b"/garage") as charger:
        return charger.answered()
