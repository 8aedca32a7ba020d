"""`tinyocpp doctor` on installations with one thing wrong each."""

from __future__ import annotations

import json
import os
import socket
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from programs import DEVNULL, LISTENER, PIPE, start, urls

from tinyocpp.cli import doctor
from tinyocpp.cli.portholder import Holder, holder, holding_program

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conftest import House, Plugged


@pytest.fixture
def port(house: House) -> int:
    """A free one, which this house listens on."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        number: int = sock.getsockname()[1]
    with house.configuration.open("a") as file:
        file.write(f'\n[listener]\nhost = "127.0.0.1"\nport = {number}\n')
    return number


@pytest.fixture
def listener(house: House, port: int) -> Iterator[int]:
    with start(LISTENER, "--config", house.configuration, stdout=PIPE, stderr=DEVNULL) as process:
        assert urls(process)
        yield port
        process.terminate()


def diagnoses(house: House) -> dict[str, list[tuple[str, str]]]:
    """(level, text) by subject."""
    _, out, _ = house.type("doctor", "--json")
    found: dict[str, list[tuple[str, str]]] = {}
    for row in json.loads(out):
        found.setdefault(row["about"], []).append((row["level"], row["text"] + " | " + row["remedy"]))
    return found


def test_a_new_installation(house: House, port: int) -> None:
    code, out, err = house.type("doctor")
    assert (code, err) == (0, "")
    assert f"ok    configuration   {house.configuration}" in out.splitlines()
    assert f"look  port            {port} is free: no listener is running" in out.splitlines()
    assert "                      -> start it: tinyocpp-listener" in out.splitlines()
    assert "look  chargers        none has connected yet" in out.splitlines()
    assert sorted(os.listdir(house.folder)) == ["tinyocpp.toml"], "it makes nothing"


def test_everything_is_well(house: House, listener: int, plug: Callable[..., Plugged]) -> None:
    house.tags.write_text('[[tag]]\nid = "ANNA"\n')
    plug("garage")
    found = diagnoses(house)
    assert found["port"] == [("ok", f"tinyocpp-listener answers on {listener} | ")]
    assert found["chargers"] == [("ok", "garage is connected | ")]
    assert found["tags"] == [("ok", f"{house.tags}, 1 tag | ")]
    assert {level for about in ("ledger", "runtime", "disk") for level, _ in found[about]} == {"ok"}
    assert house.type("doctor")[0] == 0


def test_somebody_else_has_the_port(house: House, port: int) -> None:
    with socket.create_server(("127.0.0.1", port)):
        [(level, text)] = diagnoses(house)["port"]
        assert level == "wrong"
        assert f"{port} is used by " in text
        assert f"(pid {os.getpid()})" in text
        assert "choose another port: listener.port" in text
        assert house.type("doctor")[0] == 1


def test_silent_and_refused_chargers(house: House, port: int) -> None:
    now = datetime.now(UTC)
    books = house.books()
    books.boot("garage", now - timedelta(hours=2))
    with books.batch():
        books.store.register.refuse("carport", "192.0.2.9", "not admitted", now)
    books.close()
    found = diagnoses(house)["chargers"]
    assert [level for level, _ in found] == ["look", "wrong"]
    assert "tinyocpp charger admit carport" in found[0][1]
    assert "garage: not connected, last seen" in found[1][1]


def test_a_broken_tags_file(house: House, port: int) -> None:
    house.tags.write_text("[[tag]]\nname = 5\n")
    [(level, text)] = diagnoses(house)["tags"]
    assert level == "wrong"
    assert f"{house.tags}:" in text


def test_unknown_tags_may_charge(house: House, port: int) -> None:
    with house.configuration.open("a") as file:
        file.write('[tags]\nunknown = "accept"\n')
    assert diagnoses(house)["tags"][0][0] == "ok"


def test_a_runtime_directory_open_to_others(house: House, port: int) -> None:
    house.runtime.mkdir()
    house.runtime.chmod(0o755)
    assert diagnoses(house)["runtime"] == [
        ("wrong", f"{house.runtime} is open to others (0755) | chmod 700 {house.runtime}")
    ]


def test_a_ledger_that_is_none(house: House, port: int) -> None:
    house.ledger.write_bytes(b"hello" * 1000)
    [(level, text)] = diagnoses(house)["ledger"]
    assert level == "wrong"
    assert "this is no ledger" in text
    assert "chargers" not in diagnoses(house)


def test_certificates_that_are_not_there(house: House, port: int) -> None:
    with house.configuration.open("a") as file:
        file.write('[listener.tls]\ncertificate = ["no.pem"]\nkey = ["no.key"]\n')
    found = diagnoses(house)
    assert found["tls"][0][0] == "wrong"
    assert any("wss://" in text for _, text in found["address"])


@pytest.mark.parametrize(("free_mb", "level"), [(49, "wrong"), (51, "look"), (499, "look"), (501, "ok")])
def test_disk(house: House, port: int, monkeypatch: pytest.MonkeyPatch, free_mb: int, level: str) -> None:
    usage = doctor.shutil.disk_usage("/")._replace(free=free_mb * 1_000_000)
    monkeypatch.setattr("tinyocpp.cli.doctor.shutil.disk_usage", lambda folder: usage)
    assert diagnoses(house)["disk"][0][0] == level


def test_a_clock_that_cannot_be(house: House, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "EARLIEST", datetime(2999, 1, 1, tzinfo=UTC))
    [(level, text)] = diagnoses(house)["clock"]
    assert level == "wrong"
    assert "which cannot be" in text


def test_what_this_user_may_not_write(house: House, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tinyocpp.cli.doctor.os.access", lambda path, mode: False)  # nothing is forbidden to root
    found = diagnoses(house)
    assert found["ledger"][0][0] == found["runtime"][0][0] == "wrong"
    assert "tinyocpp doctor" in found["ledger"][0][1]
    house.books().close()
    [(level, text)] = diagnoses(house)["ledger"]
    assert level == "look"
    assert "is not yours to write" in text


@pytest.mark.parametrize("host", ["", "127.0.0.1", "0.0.0.0", "::", "::1"])
def test_nobody_has_a_port(host: str, port: int) -> None:
    assert holder(host, port) is Holder.NOBODY
    assert holding_program(port) == ""


def test_an_address_that_is_not_ours() -> None:
    assert holder("203.0.113.1", 9016) is Holder.FORBIDDEN


def test_a_wrong_configuration_is_the_first_thing_it_finds(house: House) -> None:
    (house.folder / "tinyocpp.toml").write_text("[listener]\nprot = 9016\n")
    code, out, _ = house.type("doctor")
    assert code == 1
    assert "did you mean 'port'?" in out
    assert house.type("status")[0] == 78
