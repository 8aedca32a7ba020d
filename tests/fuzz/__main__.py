"""The fuzzer by hand: `PYTHONPATH=tests .venv-test/bin/python -m fuzz --minutes 60` from the top of the repository.

Session, listener, backend and handshake take turns, each turn with a seed of its own. The first thing wrong ends it:
the frame, or the frames of that batch, and the traceback. `--seed N --only session` does that turn again.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from fuzz.programs import fuzz_backend, fuzz_listener
from fuzz.requests import fuzz_requests
from fuzz.session import fuzz_session

TURNS = ["session", "listener", "backend", "requests"]
TURN_S = 60.0
FRAMES = 50_000  # of a session's turn at most, so that a turn can be done again


def one_turn(what: str, seed: int, folder: Path, until: float) -> int:
    """The frames it tried."""
    if what == "session":
        tally = fuzz_session(seed, folder, frames=FRAMES, until=until)
        print(f"session   seed {seed}: {tally.frames} frames, {tally.answered} had to be answered, "
              f"slowest {tally.slowest_s * 1000:.0f} ms, memory +{tally.grown_kb} kB", flush=True)  # fmt: skip
        return tally.frames
    if what == "backend":
        run = fuzz_backend(seed, folder, until=until)
        print(f"backend   seed {seed}: {run.frames} frames, {run.answered} had to be answered, "
              f"memory +{run.grown_kb} kB", flush=True)  # fmt: skip
        return run.frames
    if what == "requests":
        run = fuzz_requests(seed, folder, until=until)
        print(f"requests  seed {seed}: {run.frames} requests, {run.answered} were answered, memory +{run.grown_kb} kB",
              flush=True)  # fmt: skip
        return run.frames
    run = fuzz_listener(seed, folder, until=until)
    print(f"listener  seed {seed}: {run.frames} frames, {run.answered} had to be answered, memory +{run.grown_kb} kB, "
          f"the other charger waited {max(run.waits.broken) * 1000:.0f} ms at most, "
          f"{max(run.waits.good) * 1000:.0f} ms beside good frames", flush=True)  # fmt: skip
    return run.frames


def main() -> None:
    parser = argparse.ArgumentParser(prog="fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=int(time.time()), help="of the first turn; each has the next one")
    parser.add_argument("--only", choices=TURNS)
    asked = parser.parse_args()
    turns = [asked.only] if asked.only else TURNS
    end, seed, frames = time.monotonic() + asked.minutes * 60, asked.seed, 0
    while time.monotonic() < end:
        for what in turns:
            with tempfile.TemporaryDirectory() as folder:
                frames += one_turn(what, seed, Path(folder), min(end, time.monotonic() + TURN_S))
        seed += 1
    print(f"{frames} frames in {asked.minutes:g} minutes, nothing found")


if __name__ == "__main__":
    main()
