"""The benches are programs beside the package: importable here, and forgotten after each test."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

BENCH = Path(__file__).resolve().parent.parent.parent / "bench"


@pytest.fixture(autouse=True)
def _benches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.syspath_prepend(str(BENCH))
    monkeypatch.setenv("BENCH_FOLDER", str(tmp_path))
    monkeypatch.setenv("BENCH_VENV", str(Path(sys.executable).parent.parent))
    yield
    for name in {path.stem for path in BENCH.glob("*.py")} & set(sys.modules):
        del sys.modules[name]
