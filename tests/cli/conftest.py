"""One installation of its own for each test, and the words typed into it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from booked import Books

from tinyocpp.cli import main
from tinyocpp.config import Config, load

if TYPE_CHECKING:
    from pathlib import Path

CONFIGURATION = """
[paths]
runtime = "run"

[report]
timezone = "Europe/Berlin"
"""


class House:
    """A configuration in a folder of its own, where everything else will be."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.capsys = capsys
        self.configuration = folder / "tinyocpp.toml"
        self.configuration.write_text(CONFIGURATION)
        self.tags = folder / "tags.toml"
        self.ledger = folder / "accounting.sqlite3"
        self.runtime = folder / "run"

    def config(self) -> Config:
        return load(str(self.configuration), {})

    def books(self) -> Books:
        return Books(self.ledger)

    def type(self, *words: str) -> tuple[int, str, str]:
        """`tinyocpp WORD ...`: its exit code, and what it wrote to stdout and stderr."""
        self.capsys.readouterr()
        try:
            code = main(["--config", str(self.configuration), *words])
        except SystemExit as stop:  # argparse: a misuse, or --help
            code = int(stop.code or 0)
        out, err = self.capsys.readouterr()
        return code, out, err


@pytest.fixture
def house(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> House:
    return House(tmp_path, capsys)
