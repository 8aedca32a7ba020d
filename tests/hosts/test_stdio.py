"""The backend as a program: what a pipe and its environment can do to it that a transcript cannot show."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from crash.doors import Backend, Died, configure
from programs import BACKEND, command

from tinyocpp.config import load
from tinyocpp.storage import open_store

if TYPE_CHECKING:
    from pathlib import Path

LIVE = '[2,"1","Heartbeat",{}]'
START = '[2,"1","StartTransaction",{"connectorId":1,"idTag":"A","meterStart":0,"timestamp":"2025-06-01T12:00:00Z"}]'


def shell(config: Path, behind: str, **environ: str) -> subprocess.CompletedProcess[bytes]:
    """`behind`: what comes behind the program on a command line."""
    return subprocess.run(
        ["sh", "-c", f'"$@" {behind}', "sh", *command(BACKEND), "--config", config],
        input=LIVE.encode(),
        capture_output=True,
        env=os.environ | environ,
        timeout=20,
        check=False,
    )


def test_a_closed_log_is_not_told_to_the_charger(tmp_path: Path) -> None:
    config = configure(tmp_path, tags=())
    (tmp_path / "tags.toml").write_text("nonsense")
    ended = shell(config, "--charger garage 2>&-")
    assert (ended.returncode, ended.stdout.count(b"\n"), ended.stdout[:7]) == (0, 1, b'[3,"1",')


@pytest.mark.parametrize("closed", ["<&-", ">&-"])
def test_without_a_pipe_there_is_no_charger(tmp_path: Path, closed: str) -> None:
    ended = shell(configure(tmp_path, tags=()), f"--charger garage {closed}")
    assert (ended.returncode, ended.stdout, ended.stderr.count(b"\n")) == (64, b"", 1)


@pytest.mark.parametrize("path", ["/x%0Aevent=forged", "/%1B[2J", "/%00", "/" + "x" * 300])
def test_a_stranger_writes_no_line_of_the_log(tmp_path: Path, path: str) -> None:
    ended = shell(configure(tmp_path, tags=()), "", REQUEST_URI=path, REMOTE_ADDR="192.0.2.7")
    event, error = ended.stderr.decode().splitlines()
    assert (ended.returncode, event.isprintable(), error.isprintable(), len(error) < 200) == (77, True, True, True)


def test_a_newer_backend_takes_over_and_the_charger_stays_connected(tmp_path: Path) -> None:
    config = configure(tmp_path, tags=())
    with Backend(config, "garage") as older:
        older.ask(LIVE)
        with Backend(config, "GARAGE") as newer:
            newer.ask(LIVE)
            with pytest.raises(Died) as died:
                older.receive()
            assert died.value.code == 0
            known = open_store(load(str(config), {})).register.find("garage")
            assert known is not None
            assert (known.charger_id, known.disconnected_at) == ("garage", None)


def test_a_ledger_that_stays_locked_acknowledges_nothing_and_says_so(tmp_path: Path) -> None:
    """Ten seconds are waited for; both backends wait at the same time."""
    config = configure(tmp_path, tags=("A",))
    with Backend(config, "garage") as amid:
        amid.ask(LIVE)
        with closing(sqlite3.connect(tmp_path / "accounting.sqlite3", isolation_level=None)) as another:
            another.execute("BEGIN IMMEDIATE")
            with Backend(config, "carport") as at_the_start:
                for backend in (amid, at_the_start):
                    backend.send(START)
                for backend in (amid, at_the_start):
                    with pytest.raises(Died) as died:
                        backend.receive()
                    assert died.value.code == 74
                    assert b"another program has been writing to the ledger" in backend.stderr
    with Backend(config, "garage") as again:
        assert json.loads(again.ask(START))[2]["transactionId"] == 1
