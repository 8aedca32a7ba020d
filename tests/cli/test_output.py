"""Standard output that is full, closed or of another alphabet; as a program, for it is about what programs inherit."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING

import pytest
from programs import TINYOCPP, command

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def configuration(tmp_path: Path) -> Path:
    (tmp_path / "tags.toml").write_text('[[tag]]\nid = "04A2"\nname = "Jürgen ☃"\n', encoding="utf-8")
    (tmp_path / "tinyocpp.toml").write_text('[paths]\nruntime = "run"\n')
    return tmp_path / "tinyocpp.toml"


def typed(configuration: Path, shell: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """`shell`: what comes behind the program on a command line."""
    return subprocess.run(
        ["sh", "-c", f'"$@" {shell}', "sh", *command(TINYOCPP), "--config", configuration],
        capture_output=True,
        env=os.environ | environment,
        timeout=20,
        check=False,
    )


@pytest.mark.parametrize("words", ["tag list", "tag list --json", "config show", "report --format csv"])
def test_a_full_disk_is_said_in_one_line(configuration: Path, words: str) -> None:
    ended = typed(configuration, f"{words} > /dev/full")
    said = ended.stderr.decode().splitlines()
    assert (ended.returncode, said[-1]) == (74, "tinyocpp: the output is not complete: No space left on device")
    assert "Traceback" not in ended.stderr.decode()


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_nobody_listens(configuration: Path, closed: str) -> None:
    assert typed(configuration, f"tag list {closed}").returncode == 0


def test_what_goes_wrong_is_never_said_on_stdout(configuration: Path) -> None:
    ended = typed(configuration, "tag remove NOPE 2>&-")
    assert (ended.returncode, ended.stdout) == (1, b"")


def test_letters_the_terminal_does_not_have(configuration: Path) -> None:
    latin = {"PYTHONIOENCODING": "latin-1"}
    table = typed(configuration, "tag list", **latin)
    assert (table.returncode, "J\xfcrgen \\u2603".encode("latin-1") in table.stdout) == (0, True)
    listed = json.loads(typed(configuration, "tag list --json", **latin).stdout.decode("latin-1"))
    assert listed[0]["name"] == "Jürgen ☃"
