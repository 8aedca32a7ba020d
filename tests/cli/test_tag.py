"""`tinyocpp tag`: list, add, remove and learn, on real files and a real ledger."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tinyocpp.cli import main
from tinyocpp.config import Config, load
from tinyocpp.leniency import Oddity, OddityKind
from tinyocpp.storage import open_store


class House:
    """A configuration on its own, and what was printed."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.file = folder / "tinyocpp.toml"
        self.file.write_text('[report]\ntimezone = "Europe/Berlin"')
        self.tags = folder / "tags.toml"
        self.capsys = capsys

    @property
    def config(self) -> Config:
        return load(str(self.file), {})

    def tag(self, *typed: str) -> tuple[int, str, str]:
        code = main(["--config", str(self.file), "tag", *typed])
        said = self.capsys.readouterr()
        return code, said.out, said.err

    def shown(self, *cards: str, at: datetime | None = None, charger_id: str = "garage") -> None:
        """Cards that nobody knows were shown to a charger."""
        store = open_store(self.config)
        store.begin()
        for card in cards:
            oddity = Oddity(OddityKind.UNKNOWN_TAG, card)
            store.ledger.note(charger_id, oddity, "", at or datetime.now(UTC))
        store.commit()
        store.close()


@pytest.fixture
def house(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> House:
    return House(tmp_path, capsys)


def test_a_tag_comes_changes_and_goes(house: House) -> None:
    assert house.tag("add", "04A2B3C4", "--name", "Anna") == (0, f"04A2B3C4 (Anna) is added in {house.tags}\n", "")
    assert house.tag("add", "04a2b3c4", "--group", "family", "--transactions", "2") == (
        0,
        f"04A2B3C4 (Anna) is changed in {house.tags}\n",
        "",
    )
    assert house.tags.read_text() == ('[[tag]]\nid = "04A2B3C4"\nname = "Anna"\ngroup = "family"\ntransactions = 2\n')
    assert house.tag("remove", "04a2b3c4") == (0, f"04a2b3c4 is removed from {house.tags}\n", "")
    assert house.tags.read_text() == ""


def test_what_was_said_can_be_taken_back(house: House) -> None:
    house.tag("add", "0500", "--blocked", "--expires", "2026-12-31")
    assert house.tags.read_text() == '[[tag]]\nid = "0500"\nexpires = 2026-12-31\nblocked = true\n'

    house.tag("add", "0500", "--no-blocked", "--expires", "never")
    assert house.tags.read_text() == '[[tag]]\nid = "0500"\nblocked = false\n'


def test_how_a_guest_charges(house: House) -> None:
    house.tag("add", "0500", "--mode", "fast")
    assert house.tags.read_text() == '[[tag]]\nid = "0500"\nmode = "fast"\n'

    house.tag("add", "0500", "--mode", "default")
    assert house.tags.read_text() == '[[tag]]\nid = "0500"\n'


def test_list_for_people(house: House) -> None:
    assert house.tag("list")[1] == "no tags yet; let the next card that is shown charge: tinyocpp tag learn\n"
    house.tag("add", "04A2B3C4", "--name", "Anna", "--group", "family")
    house.tag("add", "0500", "--expires", "2020-12-31", "--mode", "fast")

    assert house.tag("list")[1].splitlines() == [
        "id        name  group   status    expires     transactions  mode",
        "04A2B3C4  Anna  family  Accepted                         1",
        "0500                    Expired   2020-12-31             1  fast",
    ]


def test_list_for_programs(house: House) -> None:
    house.tag("add", "0500", "--expires", "2020-12-31T12:00:00+01:00", "--blocked")

    assert json.loads(house.tag("list", "--json")[1]) == [
        {
            "id": "0500",
            "name": "",
            "group": "",
            "expires": "2020-12-31T12:00:00+01:00",
            "blocked": True,
            "transactions": 1,
            "mode": None,
            "status": "Blocked",
        }
    ]


WRONG = {
    "too long": (["add", "0" * 256], 64, f"id: '{'0' * 256}' is longer than 255 characters"),
    "empty": (["add", " "], 64, "id: is empty"),
    "none at once": (["add", "0500", "--transactions", "0"], 64, "transactions: 0 is too few"),
    "not there": (["remove", "0700"], 1, "no tag '0700' in {tags}; see: tinyocpp tag list"),
    "by its name": (["remove", "anna"], 1, "no tag 'anna' in {tags}; did you mean '0500'?"),
}


@pytest.mark.parametrize(("typed", "code", "said"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_is_one_line(house: House, typed: list[str], code: int, said: str) -> None:
    house.tag("add", "0500", "--name", "Anna")
    before = house.tags.read_text()

    ended, out, err = house.tag(*typed)

    assert (ended, out) == (code, "")
    assert err.startswith("tinyocpp: " + said.format(tags=house.tags))
    assert err.count("\n") == 1
    assert house.tags.read_text() == before


def test_a_date_that_is_none_is_misuse(house: House) -> None:
    with pytest.raises(SystemExit) as ended:
        house.tag("add", "0500", "--expires", "soon")

    assert ended.value.code == 64
    assert "'soon' is not a date; write one such as 2026-12-31" in house.capsys.readouterr().err


@pytest.mark.parametrize("typed", [["list"], ["add", "0500"], ["remove", "0500"], ["learn"]], ids=" ".join)
def test_a_broken_file_is_left_to_its_owner(house: House, typed: list[str]) -> None:
    house.tags.write_text("[[tag]\n")

    code, _, err = house.tag(*typed)

    assert code == 78
    assert err.startswith(f"tinyocpp: {house.tags}:1: not TOML")
    assert house.tags.read_text() == "[[tag]\n"


# --- learn


def test_learn_takes_the_last_unknown_card(house: House) -> None:
    house.tag("add", "0700")
    house.shown("0500", "0600\x10", "0700", "", at=datetime.now(UTC) - timedelta(minutes=9))

    code, out, err = house.tag("learn", "--name", "Bert")

    assert (code, err) == (0, "")
    assert out.startswith(f"0600 (Bert) is added in {house.tags}\nit was shown to garage at ")
    assert house.tags.read_text().endswith('[[tag]]\nid = "0600"\nname = "Bert"\n')


def test_learn_does_not_take_what_was_shown_long_ago(house: House) -> None:
    house.shown("0500", at=datetime.now(UTC) - timedelta(minutes=11))

    code, out, err = house.tag("learn", "--timeout", "0")

    assert (code, out) == (75, "")
    assert err == (
        "tinyocpp: show the card to the charger now; waiting 0 s, Ctrl-C ends it\n"
        "tinyocpp: no unknown card was shown within 0 s; is the charger connected? see: tinyocpp status\n"
    )
    assert not house.tags.exists()


def test_learn_waits_for_the_next_card(house: House) -> None:
    house.shown("0500", at=datetime.now(UTC) - timedelta(hours=1))
    later = threading.Timer(0.2, house.shown, ["0600"])
    later.start()

    code, out, _ = house.tag("learn", "--timeout", "30")

    later.join()
    assert code == 0
    assert out.startswith("0600 is added")


def test_learn_before_any_charger_has_been_here(house: House) -> None:
    """It waits all the same: the ledger is made when the first charger comes."""
    code, _, err = house.tag("learn", "--timeout", "0.1")

    assert code == 75
    assert "no unknown card was shown" in err
