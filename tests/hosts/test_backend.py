"""tinyocpp-backend as whoever starts it sees it: exit codes, the environment, the end of input, signals."""

from __future__ import annotations

import base64
import signal
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from programs import BACKEND, PIPE, CompletedProcess, Program, environment, run, start

from tinyocpp import __version__
from tinyocpp.config import load
from tinyocpp.hosts.stdio import UNCLOSED_S, USAGE
from tinyocpp.passwords import hash_password
from tinyocpp.storage import Registered, open_reader, open_store

if TYPE_CHECKING:
    from pathlib import Path

HEARTBEAT = '[2,"1","Heartbeat",{}]'
PATIENCE_S = 30


class House:
    """A configuration of its own, and the backend started on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "tinyocpp.toml"
        self.configure("")

    def configure(self, more: str) -> None:
        self.file.write_text(f'[chargers]\nadmit = "any"\n{more}\n[paths]\nruntime = "run"\n')

    def run(self, *options: str, said: str | bytes = "", named: bool = True, **environ: str) -> CompletedProcess[str]:
        """What it ends with, having been told all at once."""
        words = ["--config", self.file, *(["--charger", "garage"] if named else []), *options]
        data = said.encode() if isinstance(said, str) else said
        ended = run(BACKEND, *words, said=data, timeout=PATIENCE_S, env=environment(**environ))
        return CompletedProcess(
            ended.args, ended.returncode, ended.stdout.decode(), ended.stderr.decode(errors="replace")
        )

    def start(self) -> Program:
        pipes = {"stdin": PIPE, "stdout": PIPE, "stderr": PIPE}
        return start(BACKEND, "--config", self.file, "--charger", "garage", **pipes, text=True, env=environment())

    def known(self) -> list[str]:
        with closing(open_reader(load(str(self.file), {}))) as reader:
            return [charger.registered.charger_id for charger in reader.chargers()]

    def find(self, charger_id: str) -> Registered | None:
        with closing(open_store(load(str(self.file), {}))) as store:
            return store.register.find(charger_id)


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


# --- the end of input


def test_the_end_of_input_is_the_end(house: House) -> None:
    ended = house.run(said=f"{HEARTBEAT}\n")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.startswith('[3,"1",{"currentTime":"')
    registered = house.find("garage")
    assert registered is not None
    assert registered.disconnected_at is not None


def test_nothing_said_is_nothing_wrong(house: House) -> None:
    ended = house.run()
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")


def test_a_last_line_needs_no_newline(house: House) -> None:
    assert house.run(said=HEARTBEAT).stdout.startswith('[3,"1",{"currentTime":"')


def test_every_frame_of_many_is_answered_in_order(house: House) -> None:
    said = "".join(f'[2,"{number}","StatusNotification",{{"connectorId":1}}]\n' for number in range(500))
    answers = house.run(said=said).stdout.splitlines()
    assert answers == [f'[3,"{number}",{{}}]' for number in range(500)]


def test_a_frame_that_never_closes_is_read_as_it_is_after_a_while(house: House) -> None:
    """Its charger waits for an answer; so do we here."""
    with house.start() as backend:
        assert backend.stdin is not None
        assert backend.stdout is not None
        backend.stdin.write('[2,"1","Heartbeat",{\n')
        backend.stdin.flush()
        assert backend.stdout.readline().startswith('[3,"1",{"currentTime":"')
        assert 0 < UNCLOSED_S < PATIENCE_S


def test_a_sigterm_ends_it_as_the_end_of_input_does(house: House) -> None:
    with house.start() as backend:
        assert backend.stdin is not None
        assert backend.stdout is not None
        backend.stdin.write(f"{HEARTBEAT}\n")
        backend.stdin.flush()
        assert backend.stdout.readline()
        backend.send_signal(signal.SIGTERM)
        assert backend.wait(PATIENCE_S) == 0
    registered = house.find("garage")
    assert registered is not None
    assert registered.disconnected_at is not None


def test_a_reader_that_is_gone_ends_it(house: House) -> None:
    with house.start() as backend:
        assert backend.stdin is not None
        assert backend.stdout is not None
        backend.stdout.close()
        backend.stdin.write(f"{HEARTBEAT}\n")
        backend.stdin.flush()
        assert backend.wait(PATIENCE_S) == 0


# --- exit codes


@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help(house: House, option: str) -> None:
    ended = house.run(option)
    assert (ended.returncode, ended.stdout) == (0, USAGE)


def test_version(house: House) -> None:
    assert house.run("--version").stdout == f"tinyocpp {__version__}\n"


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (["--chargers", "x"], "tinyocpp-backend: --chargers: no such option; see tinyocpp-backend --help\n"),
        (["garage"], "tinyocpp-backend: garage: no such option; see tinyocpp-backend --help\n"),
        (["--charger"], "tinyocpp-backend: --charger: needs a value; see tinyocpp-backend --help\n"),
    ],
)
def test_what_was_typed_wrong_is_64(house: House, options: list[str], line: str) -> None:
    ended = house.run(*options, named=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (64, "", line)


def test_an_identity_from_nowhere_is_64(house: House) -> None:
    ended = house.run(named=False)
    assert (ended.returncode, ended.stderr.count("\n")) == (64, 1)
    assert "--charger ID" in ended.stderr


def test_a_message_that_is_too_long_is_65_and_what_came_before_is_kept(house: House) -> None:
    house.configure("[listener]\nmax_message_bytes = 65536")
    with house.start() as backend:
        assert backend.stdin is not None
        assert backend.stdout is not None
        assert backend.stderr is not None
        backend.stdin.write(f"{HEARTBEAT}\n")
        backend.stdin.flush()
        assert backend.stdout.readline()
        out, err = backend.communicate("[" + "x" * 70_000, PATIENCE_S)
        assert (backend.returncode, out, err) == (65, "", "charger=garage event=message_too_long\n")


def test_a_message_just_below_the_limit_is_none(house: House) -> None:
    house.configure("[listener]\nmax_message_bytes = 65536")
    frame = f'[2,"1","Heartbeat",{{"x":"{"x" * 65_000}"}}]\n'
    assert house.run(said=frame).stdout.startswith('[3,"1",{"currentTime":"')


def test_our_own_fault_is_70_and_what_the_frame_did_is_undone(house: House) -> None:
    """A row that no version of ours has written stands for a mistake of ours."""
    start = '{"connectorId":1,"idTag":"A","meterStart":1,"timestamp":"2025-06-01T12:00:00Z"}'
    house.run(said=f'[2,"1","StartTransaction",{start}]')
    with closing(sqlite3.connect(house.folder / "accounting.sqlite3", isolation_level=None)) as connection:
        connection.execute("UPDATE transactions SET state = 'dancing'")
        stop = '{"transactionId":1,"meterStop":5,"timestamp":"2025-06-01T13:00:00Z"}'
        ended = house.run(said=f'[2,"4","StopTransaction",{stop}]\n')
        assert (ended.returncode, ended.stdout) == (70, "")
        assert "Traceback" in ended.stderr
        assert "dancing" in ended.stderr
        assert connection.execute("SELECT count(*) FROM stops").fetchall() == [(0,)]


def test_a_ledger_that_cannot_be_opened_is_74(house: House) -> None:
    (house.folder / "accounting.sqlite3").mkdir()
    ended = house.run(said=HEARTBEAT)
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (74, "", 1)
    assert "accounting.sqlite3" in ended.stderr


def test_a_wrong_configuration_is_78(house: House) -> None:
    house.file.write_text("[listener]\nprot = 1\n")
    ended = house.run(said=HEARTBEAT)
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (78, "", 1)
    assert "listener" in ended.stderr
    assert "prot" in ended.stderr


# --- who it is


@pytest.mark.parametrize(
    ("environ", "known"),
    [
        pytest.param({"REQUEST_URI": "/garage"}, ["garage"], id="websocketd"),
        pytest.param({"REQUEST_URI": "/a/b/garage/"}, ["garage"], id="any path"),
        pytest.param({"REQUEST_URI": "/ocpp/garage?x=1&y=/z#w"}, ["garage"], id="a query"),
        pytest.param({"REQUEST_URI": "/ocpp/CP%201"}, ["CP 1"], id="percent"),
        pytest.param({"REQUEST_URI": "/ocpp/CP%25201"}, None, id="percent, decoded once"),
        pytest.param({"PATH_INFO": "/ocpp/CP 1"}, ["CP 1"], id="CGI has decoded it"),
        pytest.param({"PATH_INFO": "/ocpp/CP%201"}, None, id="and it is not decoded again"),
        pytest.param({"PATH_INFO": "/other", "REQUEST_URI": "/garage"}, ["garage"], id="REQUEST_URI counts first"),
        pytest.param({"REQUEST_URI": "/"}, None, id="nobody"),
        pytest.param({"REQUEST_URI": ""}, None, id="nothing"),
        pytest.param({"REQUEST_URI": "/..%2f..%2fetc"}, None, id="a way out"),
        pytest.param({"REQUEST_URI": "/.hidden"}, None, id="a dot"),
        pytest.param({"REQUEST_URI": "/a%00b"}, None, id="a zero byte"),
        pytest.param({"REQUEST_URI": "/a%0ab"}, None, id="a newline"),
        pytest.param({"REQUEST_URI": "/%ff"}, None, id="no UTF-8"),
        pytest.param({"REQUEST_URI": "/%F0%9F%9A%97"}, None, id="a car"),
        pytest.param({"REQUEST_URI": f"/{'a' * 48}"}, ["a" * 48], id="48"),
        pytest.param({"REQUEST_URI": f"/{'a' * 49}"}, None, id="49"),
    ],
)
def test_identity(house: House, environ: dict[str, str], known: list[str] | None) -> None:
    ended = house.run(named=False, said=HEARTBEAT, **environ)
    assert ended.returncode == (77 if known is None else 0), ended.stderr
    assert house.known() == (known or [])
    assert {path.name for path in house.folder.iterdir()} <= {
        "tinyocpp.toml", "accounting.sqlite3", "accounting.sqlite3-wal", "accounting.sqlite3-shm", "run"
    }  # fmt: skip


def test_a_stranger_is_77_before_a_line_is_read(house: House) -> None:
    house.file.write_text('[chargers]\nadmit = ["carport"]\n[paths]\nruntime = "run"\n')
    ended = house.run(named=False, said=HEARTBEAT, REQUEST_URI="/garage")
    assert (ended.returncode, ended.stdout) == (77, "")
    assert "tinyocpp charger admit garage" in ended.stderr


def basic(user: str, password: str) -> str:
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"


@pytest.mark.parametrize(
    ("authorization", "code"),
    [
        pytest.param(basic("garage", "correct horse"), 0, id="right"),
        pytest.param(basic("GARAGE", "correct horse"), 0, id="the user in another case"),
        pytest.param(basic("garage", "wrong horse"), 77, id="wrong"),
        pytest.param(basic("carport", "correct horse"), 77, id="another's name"),
        pytest.param("Bearer correct horse", 77, id="another way"),
        pytest.param(None, 77, id="none"),
    ],
)
def test_password(house: House, authorization: str | None, code: int) -> None:
    with closing(open_store(load(str(house.file), {}))) as store:
        store.begin()
        store.register.set_password("garage", hash_password("correct horse"))
        store.commit()
    environ = {"REQUEST_URI": "/garage"} | ({"HTTP_AUTHORIZATION": authorization} if authorization else {})
    ended = house.run(named=False, said=HEARTBEAT, **environ)
    assert (ended.returncode, ended.stdout != "") == (code, code == 0)


def test_whoever_names_the_charger_needs_no_password(house: House) -> None:
    """That is the owner at the shell, who could read the ledger anyway."""
    with closing(open_store(load(str(house.file), {}))) as store:
        store.begin()
        store.register.set_password("garage", hash_password("correct horse"))
        store.commit()
    assert house.run(said=HEARTBEAT).returncode == 0
