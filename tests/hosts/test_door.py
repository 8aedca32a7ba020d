"""The door with a real ledger behind it: what the listener's tests do not reach, with time passed in."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tinyocpp.admission import Standing
from tinyocpp.config import load
from tinyocpp.hosts.door import Caller, Door, Refusal, Welcome
from tinyocpp.passwords import hash_password
from tinyocpp.storage.sqlite import SqliteStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


class Entrance:
    """A door, its ledger, and a clock that goes when it is told to."""

    def __init__(self, folder: Path, text: str = "") -> None:
        (folder / "tinyocpp.toml").write_text(text)
        config = load(str(folder / "tinyocpp.toml"), {})
        self.store = SqliteStore(config.paths.accounting)
        self.register = self.store.register
        self.door = Door(config, self.register)
        self.seconds = 0.0
        self.store.begin()

    def knock(self, identity: str = "garage", password: str | None = None, **more: Any) -> Welcome | Refusal:
        header = None if password is None else "Basic " + base64.b64encode(f"{identity}:{password}".encode()).decode()
        caller = Caller(**({"identity": identity, "address": "192.0.2.9", "authorization": header} | more))
        return self.door.welcome(caller, NOON + timedelta(seconds=self.seconds), self.seconds)


@pytest.fixture
def entrance(tmp_path: Path) -> Iterator[Entrance]:
    made = Entrance(tmp_path)
    yield made
    made.store.close()


def status(answer: Welcome | Refusal) -> int:
    return answer.status if isinstance(answer, Refusal) else 101


def test_the_spelling_first_known_is_kept(entrance: Entrance) -> None:
    entrance.register.admit("Garage", NOON)
    assert entrance.knock("GARAGE") == Welcome(charger_id="Garage", standing=Standing.ADMITTED)


def test_a_candidate_until_somebody_was_first(entrance: Entrance) -> None:
    assert entrance.knock() == Welcome(charger_id="garage", standing=Standing.CANDIDATE)
    entrance.register.adopt("carport", NOON)
    assert entrance.knock() == Refusal(status=404, why="not admitted", remedy="tinyocpp charger admit garage")


def test_whom_the_owner_names_comes_in_and_is_asked_nothing(entrance: Entrance) -> None:
    entrance.register.adopt("carport", NOON)
    entrance.register.set_password("garage", hash_password("correct horse"))
    assert entrance.knock(named=True) == Welcome(charger_id="garage", standing=Standing.ADMITTED)


def test_a_guesser_gets_one_try_a_second_for_each_address(entrance: Entrance) -> None:
    entrance.register.admit("garage", NOON)
    entrance.register.set_password("garage", hash_password("correct horse"))
    assert entrance.knock(password="wrong") == Refusal(status=401, why="wrong password")
    entrance.seconds = 0.9
    assert entrance.knock(password="correct horse") == Refusal(status=401, why="wrong password a moment ago")
    assert status(entrance.knock(password="correct horse", address="192.0.2.10")) == 101
    entrance.seconds = 1.1
    assert status(entrance.knock(password="correct horse")) == 101


def test_a_profile_without_a_password_set_says_how_to_set_one(tmp_path: Path, capsys: Any) -> None:
    entrance = Entrance(tmp_path, '[charger."big garage"]\nsecurity_profile = 1\n')
    assert status(entrance.knock("big garage", "anything")) == 401
    assert "tinyocpp charger password -- 'big garage'" in capsys.readouterr().err
    entrance.store.close()


def test_a_refusal_is_remembered_once_a_minute(entrance: Entrance) -> None:
    entrance.register.adopt("carport", NOON)
    for entrance.seconds in (0, 1, 59, 61, 62):
        assert status(entrance.knock()) == 404
    known = entrance.register.find("garage")
    assert known is not None
    assert (known.refusals, known.refused_from, known.refused_why) == (2, "192.0.2.9", "not admitted")
    assert known.refused_at == NOON + timedelta(seconds=61)


def test_a_scanner_fills_neither_disk_nor_log(entrance: Entrance, capsys: Any) -> None:
    entrance.register.adopt("carport", NOON)
    for number in range(300):
        assert status(entrance.knock(f"scan{number}")) == 404
        assert status(entrance.knock("again")) == 404
    assert len(entrance.register.everyone()) <= 101 + 1
    assert capsys.readouterr().err.count("charger=again") == 1


def test_wrong_passwords_from_everywhere_are_forgotten_in_the_end(entrance: Entrance) -> None:
    entrance.register.admit("garage", NOON)
    entrance.register.set_password("garage", hash_password("correct horse"))
    for number in range(120):
        entrance.knock(password="wrong", address=f"198.51.100.{number}")
    assert len(entrance.door._failed) <= 100


@pytest.mark.parametrize("identity", ["", "../x", "x" * 300, "\x00", "é", "🔌"])
def test_what_is_no_identity_is_not_remembered(entrance: Entrance, capsys: Any, identity: str) -> None:
    assert entrance.knock(identity) == Refusal(status=404, why="not an acceptable identity")
    assert entrance.register.everyone() == []
    assert "charger admit" not in capsys.readouterr().err
