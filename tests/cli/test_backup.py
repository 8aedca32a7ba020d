"""`tinyocpp backup` and `tinyocpp restore`, as typed."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from booked import utc

if TYPE_CHECKING:
    from conftest import House

NOON = utc("2026-06-01T12:00:00")


@pytest.fixture
def booked_house(house: House) -> House:
    books = house.books()
    books.charge("garage", "ANNA", NOON, 5000)
    books.close()
    house.tags.write_text("# mine\n")
    return house


def energies(house: House) -> list[int]:
    from tinyocpp.storage import open_reader

    reader = open_reader(house.config())
    found = [booking.energy_wh for booking in reader.bookings(None, None)]
    reader.close()
    return found


def test_there_and_back_again(booked_house: House) -> None:
    house = booked_house
    file = str(house.folder / "backup")
    code, out, _ = house.type("backup", file)
    assert code == 0
    assert "checked: the ledger, tags.toml, tinyocpp.toml" in out
    books = house.books()
    books.charge("garage", "BERT", NOON, 7000, meter_wh=5000)
    house.tags.write_text("# changed\n")
    house.configuration.write_text(house.configuration.read_text() + "# changed too\n")
    code, out, _ = house.type("restore", file)
    books.close()
    assert code == 0
    assert "up to 2026-06-01 14:00" in out
    assert "The configuration in it differs and was not touched" in out
    assert energies(house) == [5000]
    assert house.tags.read_text() == "# mine\n"
    [kept_tags] = house.folder.glob("tags.toml.before-*")
    assert kept_tags.read_text() == "# changed\n"
    [kept] = house.folder.glob("accounting.sqlite3.before-*Z")
    assert house.type("restore", str(kept))[0] == 0
    assert energies(house) == [5000, 7000]
    assert house.tags.read_text() == "# mine\n"


def test_onto_a_new_machine(booked_house: House) -> None:
    house = booked_house
    file = str(house.folder / "backup")
    house.type("backup", file)
    house.ledger.unlink()
    house.tags.unlink()
    code, out, _ = house.type("restore", file)
    assert code == 0
    assert "kept" not in out
    assert energies(house) == [5000]
    assert house.tags.read_text() == "# mine\n"


def test_extract_changes_nothing(booked_house: House) -> None:
    house = booked_house
    file, folder = str(house.folder / "backup"), house.folder / "extracted"
    house.type("backup", file)
    assert house.type("restore", file, "--extract", str(folder)) == (
        0,
        f"{folder}/tags.toml\n{folder}/tinyocpp.toml\n",
        "",
    )
    assert (folder / "tags.toml").read_text() == "# mine\n"
    assert (folder / "tinyocpp.toml").read_text() == house.configuration.read_text()
    code, _, err = house.type("restore", file, "--extract", str(folder))
    assert code == 74
    assert "File exists" in err
    assert house.type("restore", str(house.ledger), "--extract", str(folder))[1].endswith("holds the ledger only\n")


def test_an_empty_ledger_and_no_tags(house: House) -> None:
    house.books().close()
    file = str(house.folder / "backup")
    assert "the ledger, tinyocpp.toml" in house.type("backup", file)[1]
    assert "which is empty" in house.type("restore", file)[1]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        pytest.param(("backup", "/nowhere/at/all"), "nothing has been recorded yet", id="nothing to back up"),
        pytest.param(("restore", "/nowhere/at/all"), "No such file or directory", id="no such backup"),
        pytest.param(("restore", "tinyocpp.toml"), "is no backup of tinyocpp", id="no backup"),
        pytest.param(("restore", "tinyocpp.toml", "--extract", "x"), "is no backup of tinyocpp", id="no backup either"),
    ],
)
def test_one_clear_line(house: House, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], message: str) -> None:
    monkeypatch.chdir(house.folder)
    code, out, err = house.type(*words)
    assert (code, out) == (74, "")
    assert message in err
    assert err.count("\n") == 1
    assert not house.ledger.exists()


def test_a_tags_file_that_is_a_pipe_keeps_nobody_waiting(house: House) -> None:
    house.books().close()
    house.tags.unlink(missing_ok=True)
    os.mkfifo(house.tags)
    code, _, err = house.type("backup", str(house.folder / "backup"))
    assert (code, err) == (74, f"tinyocpp: {house.tags}: Is not a file\n")
