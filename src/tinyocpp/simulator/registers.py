"""What the simulated meters show survives the program, as a real meter's register does: one small file.

Without it each run would begin with the same register, and a ledger that knows the last one would rightly wonder. A
file that cannot be read or written is no reason not to simulate.
"""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

FILE = "simulator.json"
FIRST_WH = 1_234_500


def recall(folder: Path, identity: str) -> int:
    """The register this charger ended with, in Wh; for a new one, what a meter shows that has been used before."""
    register_wh = _read(folder).get(identity.casefold(), FIRST_WH)
    return register_wh if isinstance(register_wh, int) and register_wh >= 0 else FIRST_WH


def keep(folder: Path, identity: str, register_wh: int) -> None:
    with contextlib.suppress(OSError):
        text = json.dumps(_read(folder) | {identity.casefold(): register_wh})
        (folder / FILE).write_text(text + "\n")


def _read(folder: Path) -> dict[str, object]:
    try:
        document = json.loads((folder / FILE).read_text())
    except (OSError, ValueError):
        return {}
    return document if isinstance(document, dict) else {}
