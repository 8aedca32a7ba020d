"""`tinyocpp charger password`: made, typed, removed, and brought to a real backend's charger, whatever it answers."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

import pytest
from booked import utc

from tinyocpp.passwords import Keys, hash_password, verify_password

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import House, Plugged

NOON = utc("2026-06-01T12:00:00")
OLD = hash_password("correct horse")
TYPED = "ffeeddccbbaa99887766554433221100ffeeddcc"


@pytest.fixture(autouse=True)
def _nobody_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """These chargers never connect again; test_charger_ladder.py has one that does."""
    monkeypatch.setattr("tinyocpp.cli.charger.password.RETURN_S", 0.3)


@pytest.fixture
def type_in(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    return lambda text: monkeypatch.setattr("sys.stdin", io.StringIO(text))


def keys_of(house: House, charger_id: str = "garage") -> Keys:
    books = house.books()
    found = books.store.register.find(charger_id)
    books.close()
    assert found
    return found.keys


def give(house: House, keys: Keys, profile: int = 0) -> None:
    books = house.books()
    with books.batch():
        books.store.register.admit("garage", NOON)
        books.store.register.set_keys("garage", keys)
        books.store.register.set_profile("garage", profile)
    books.close()


def test_one_is_made_and_shown_once(house: House, type_in: Callable[[str], None]) -> None:
    type_in("")
    give(house, Keys())
    code, out, _ = house.type("charger", "password", "Garage")
    assert code == 0
    made = re.search(r"password:  ([0-9a-f]{40})\n", out)
    assert made
    keys = keys_of(house)
    assert keys.current
    assert made[1] not in keys.current
    assert verify_password(made[1].encode(), keys.current)
    assert "tinyocpp charger password --rotate Garage" in out


def test_one_is_read_and_can_be_removed(house: House, type_in: Callable[[str], None]) -> None:
    type_in("correct horse ba\nignored\n")
    code, out, _ = house.type("charger", "password", "new one")
    assert code == 0
    assert "--rotate 'new one'" in out
    assert "correct" not in out
    current = keys_of(house, "new one").current
    assert current
    assert verify_password(b"correct horse ba", current)
    assert house.type("charger", "password", "--remove", "new one")[0] == 0
    assert keys_of(house, "new one") == Keys()


def test_the_owner_s_word_ends_what_was_on_its_way(house: House, type_in: Callable[[str], None]) -> None:
    give(house, Keys(OLD, ("a", "b")))
    type_in(TYPED)
    assert house.type("charger", "password", "garage")[0] == 0
    assert keys_of(house).under_way == ()


@pytest.mark.parametrize("typed", ["short", "much longer than twenty bytes"])
def test_one_that_no_key_can_hold(house: House, type_in: Callable[[str], None], typed: str) -> None:
    type_in(typed)
    out = house.type("charger", "password", "garage")[1]
    assert "it would need 16 to 20 bytes" in out
    assert typed not in out
    type_in(typed)
    code, out, err = house.type("charger", "password", "--rotate", "garage")
    assert (code, out) == (64, "")
    assert "holds 16 to 20 bytes" in err
    assert typed not in err


@pytest.mark.parametrize(("proven", "configured"), [(1, 0), (2, 0), (0, 1)])
def test_one_that_is_needed_stays(house: House, proven: int, configured: int) -> None:
    give(house, Keys(OLD), proven)
    if configured:
        house.configuration.write_text(house.configuration.read_text() + "[charger.garage]\nsecurity_profile = 1\n")
    code, out, err = house.type("charger", "password", "--remove", "garage")
    assert (code, out) == (1, "")
    remedy = "charger.garage.security_profile = 0" if configured else "tinyocpp charger security garage --lower 0"
    assert remedy in err
    assert keys_of(house).current == OLD


# ------------------------------------------------------------------------------------------------------------- rotated


@pytest.mark.parametrize(
    ("answer", "code", "counts", "said"),
    [
        ({"status": "Accepted"}, 0, "new", "the old one counts no more"),
        ({"status": "RebootRequired"}, 0, "both", "tinyocpp charger reset"),
        ({"status": "Rejected"}, 1, "old", "keeps its old password"),
        ({"status": "NotSupported"}, 1, "old", "in its own menu"),
        (None, 76, "both", "both count until"),
    ],
)
@pytest.mark.parametrize("typed", ["", TYPED], ids=["made", "typed"])
def test_a_password_is_brought_to_the_charger(
    house: House,
    plug: Callable[..., Plugged],
    type_in: Callable[[str], None],
    answer: dict[str, str] | None,
    code: int,
    counts: str,
    said: str,
    typed: str,
) -> None:
    plugged = plug("garage", **({"ChangeConfiguration": answer} if answer else {}))
    give(house, Keys(OLD))
    type_in(typed)
    found, out, err = house.type("charger", "password", "--rotate", "garage")
    assert found == code
    assert said in out + err
    (asked,) = plugged.asked
    assert asked[0] == "ChangeConfiguration"
    key = asked[1]["value"]  # type: ignore[index]
    assert (key == TYPED) if typed else (len(bytes.fromhex(key)) == 20)
    keys = keys_of(house)
    assert len(keys.under_way) == (counts == "both")
    assert (keys.current == OLD) == (counts != "new")
    newest = {"new": keys.current, "both": keys.all[-1], "old": None}[counts]
    assert newest is None or verify_password(bytes.fromhex(key), newest)
    assert (key in out) == (not typed and counts != "old"), "shown once, if it was made and may be the charger's"
    assert key not in err


def test_a_first_password_is_needed_once_it_is_used(
    house: House, plug: Callable[..., Plugged], type_in: Callable[[str], None]
) -> None:
    plug("garage", ChangeConfiguration={"status": "Accepted"})
    give(house, Keys())
    type_in("")
    code, out, _ = house.type("charger", "password", "garage", "--rotate")
    assert code == 0
    assert "tinyocpp charger security garage 1" in out
    keys = keys_of(house)
    assert (keys.current, len(keys.under_way)) == (None, 1)


def test_one_that_says_nothing_may_have_it(
    house: House, plug: Callable[..., Plugged], type_in: Callable[[str], None]
) -> None:
    plugged = plug("garage")
    plugged.answers["ChangeConfiguration"] = ...  # silence
    give(house, Keys(OLD))
    type_in("")
    code, out, err = house.type("charger", "password", "garage", "--rotate", "--timeout", "0.3")
    assert code == 75
    assert "both count until" in err
    assert "password:  " in out
    assert len(keys_of(house).under_way) == 1


def test_nobody_can_bring_a_fourth(house: House, plug: Callable[..., Plugged], type_in: Callable[[str], None]) -> None:
    plugged = plug("garage", ChangeConfiguration={"status": "Accepted"})
    give(house, Keys(OLD, ("a", "b", "c")))
    type_in("")
    code, _, err = house.type("charger", "password", "garage", "--rotate")
    assert (code, plugged.asked) == (1, [])
    assert "tinyocpp charger reset --charger garage" in err


def test_nobody_to_bring_it_to(house: House, type_in: Callable[[str], None]) -> None:
    type_in("")
    code, out, _ = house.type("charger", "password", "garage", "--rotate")
    assert (code, out) == (69, "")


def test_one_that_the_charger_says_back_is_kept_nowhere(
    house: House, plug: Callable[..., Plugged], type_in: Callable[[str], None]
) -> None:
    """The backend's log of frames; the listener's is in tests/hosts/test_websocket.py."""
    with house.configuration.open("a") as file:
        file.write('[log]\nwire = "wire.jsonl"\n')
    plug("garage", ChangeConfiguration=["PropertyConstraintViolation", f"{TYPED.upper()} is too long", {}])
    type_in(TYPED)
    code, _, err = house.type("charger", "password", "garage", "--rotate")
    assert (code, TYPED in err.lower()) == (76, False)
    kept = b"".join(path.read_bytes() for path in house.folder.iterdir() if path.is_file())
    assert b"*** is too long" in kept
    assert TYPED.encode() not in kept.lower()
