"""A charger's password: what is stored, and what is recognised (OCPP-J 6.2, quirk H12)."""

from __future__ import annotations

import base64

import pytest

from tinyocpp.passwords import (
    Keys,
    Proven,
    authorization_key,
    credentials,
    hash_password,
    make_password,
    user_fits,
    verify_password,
)

RAW = bytes.fromhex("00112233445566778899aabbccddeeff01020304")  # not UTF-8, and with a zero byte


@pytest.mark.parametrize(
    ("typed", "given"),
    [
        pytest.param(RAW.hex(), RAW, id="the bytes AuthorizationKey spells, as the standard wants"),
        pytest.param(RAW.hex(), RAW.hex().encode(), id="the hex text sent verbatim"),
        pytest.param(RAW.hex(), RAW.hex().upper().encode(), id="the hex text in capitals"),
        pytest.param("correct horse battery", b"correct horse battery", id="plain text"),
        pytest.param("correct horse battery", b"correct horse battery".hex().encode(), id="plain text written as hex"),
        pytest.param("pässwort", "pässwort".encode(), id="plain text outside ASCII"),
        pytest.param("1234", b"1234", id="short digits are text"),
    ],
)
def test_every_form_of_the_right_password_is_accepted(typed: str, given: bytes) -> None:
    assert verify_password(given, hash_password(typed))


@pytest.mark.parametrize("given", [b"", b"correct horse", b"correct horse battery\n", RAW, b"\xff", b"  ", b"00 11"])
def test_a_wrong_password_is_not(given: bytes) -> None:
    assert not verify_password(given, hash_password("correct horse battery"))


def test_the_password_is_not_in_what_is_stored() -> None:
    first, second = hash_password("correct horse"), hash_password("correct horse")
    assert first != second
    assert "correct" not in first


@pytest.mark.parametrize(
    ("typed", "key"),
    [
        pytest.param("AB" * 16, "AB" * 16, id="hex, of as many bytes as a key has, as it was typed"),
        pytest.param("correct horse ba", b"correct horse ba".hex(), id="text"),
        pytest.param("AB" * 16 + "A", None, id="half a byte too many is text, and that is too long"),
        pytest.param("short", None, id="too short"),
        pytest.param("\N{HOT BEVERAGE}" * 7, None, id="bytes count, not characters"),
    ],
)
def test_what_the_charger_is_to_be_given(typed: str, key: str | None) -> None:
    assert authorization_key(typed) == key
    assert key is None or verify_password(bytes.fromhex(key), hash_password(typed))


def test_a_made_password_fits_an_authorization_key() -> None:
    made = make_password()
    assert len(bytes.fromhex(made)) == 20
    assert made != make_password()


def basic(user_and_password: bytes) -> str:
    return "Basic " + base64.b64encode(user_and_password).decode()


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        pytest.param("Basic Q1AtNzoAESIzRFVmd4iZqrvM3e7/AQIDBA==", ("CP-7", RAW), id="the reference's example"),
        pytest.param(basic(b"CP-7:a:b"), ("CP-7", b"a:b"), id="a colon in the password"),
        pytest.param(basic(b":secret"), ("", b"secret"), id="no user name"),
        pytest.param("basic  " + basic(b"a:b")[6:] + " ", ("a", b"b"), id="another case, more space"),
        pytest.param(basic(b"\xff:b"), ("\ufffd", b"b"), id="a user name that is not UTF-8"),
        pytest.param(basic(b"no colon"), None, id="no colon"),
        pytest.param("Basic !!!", None, id="not base64"),
        pytest.param("Basic é", None, id="not ASCII"),
        pytest.param("Bearer abc", None, id="another scheme"),
        pytest.param("", None, id="empty"),
    ],
)
def test_credentials(header: str, expected: tuple[str, bytes] | None) -> None:
    assert credentials(header) == expected


def test_the_user_name_is_the_identity_or_missing() -> None:
    assert [user_fits(user, "Garage") for user in ("Garage", "garage", "", "carport")] == [True, True, True, False]


def test_a_wrong_key_costs_one_slow_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    import hashlib

    hashed: list[bytes] = []
    scrypt = hashlib.scrypt
    monkeypatch.setattr(hashlib, "scrypt", lambda given, **cost: hashed.append(given) or scrypt(given, **cost))
    stored = hash_password(RAW.hex())
    hashed.clear()
    for given in (RAW, RAW.hex().encode(), b"f" * 40, b"correct horse"):
        verify_password(given, stored)
    assert hashed == [RAW, RAW, b"\xff" * 20, b"correct horse"]


OLD, FIRST, SECOND, THIRD = (str(number) for number in range(4))


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        pytest.param(Keys(OLD).sent(FIRST), Keys(OLD, (FIRST,)), id="both count while it is on its way"),
        pytest.param(Keys(OLD).sent(FIRST).accepted(FIRST), Keys(FIRST), id="accepted: the old one is invalid"),
        pytest.param(Keys(OLD).sent(FIRST).declined(FIRST), Keys(OLD), id="refused: it never was"),
        pytest.param(Keys(OLD).sent(FIRST).proven(FIRST), Keys(FIRST), id="it came with it"),
        pytest.param(Keys(OLD).sent(FIRST).proven(OLD), Keys(OLD, (FIRST,)), id="it may take effect after a reboot"),
        pytest.param(Keys(OLD).sent(FIRST).sent(SECOND), Keys(OLD, (FIRST, SECOND)), id="two answers lost"),
        pytest.param(
            Keys(OLD).sent(FIRST).sent(SECOND).declined(SECOND), Keys(OLD, (FIRST,)), id="the first may be there yet"
        ),
        pytest.param(
            Keys(OLD).sent(FIRST).sent(SECOND).accepted(FIRST), Keys(FIRST, (SECOND,)), id="a late answer to the first"
        ),
        pytest.param(Keys(OLD).sent(FIRST).sent(SECOND).accepted(SECOND), Keys(SECOND), id="the newest ends the rest"),
        pytest.param(
            Keys(OLD).sent("lost").sent(FIRST).sent(SECOND).sent(THIRD),
            Keys(OLD, (FIRST, SECOND, THIRD)),
            id="a few are kept",
        ),
        pytest.param(Keys().sent(FIRST).accepted(FIRST), Keys(None, (FIRST,)), id="a first one counts when it is used"),
        pytest.param(Keys().sent(FIRST).proven(FIRST), Keys(FIRST), id="and then it does"),
        pytest.param(Keys(OLD).accepted(FIRST), Keys(OLD), id="one that nobody sent"),
    ],
)
def test_what_may_be_the_password_while_a_new_one_is_on_its_way(keys: Keys, expected: Keys) -> None:
    assert keys == expected


def test_every_key_that_may_be_it_is_tried_the_likeliest_first() -> None:
    assert Keys(OLD, (FIRST, SECOND)).all == (OLD, SECOND, FIRST)
    assert Keys(None, (FIRST,)).all == (FIRST,)
    assert Keys().all == ()


def test_a_key_under_way_is_known_again_by_what_was_typed() -> None:
    hashes = [hash_password(typed) for typed in ("correct horse", RAW.hex())]
    keys = Keys(OLD, tuple(hashes))
    assert keys.under_way_as(RAW.hex().upper()) == hashes[1]
    assert keys.under_way_as("correct horse") == hashes[0]
    assert keys.under_way_as("wrong") is None


def test_a_password_that_was_right_is_recognised_again() -> None:
    proven, stored = Proven(), hash_password("correct horse")
    assert not proven.recognises("garage", stored, b"correct horse")
    proven.remember("garage", stored, b"correct horse")
    assert proven.recognises("Garage", stored, b"correct horse")
    assert not proven.recognises("garage", stored, b"wrong")
    assert not proven.recognises("carport", stored, b"correct horse")
    assert not proven.recognises("garage", hash_password("correct horse"), b"correct horse"), "it was changed since"
    assert not Proven().recognises("garage", stored, b"correct horse"), "another process knows nothing of it"


def test_only_so_many_are_recognised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tinyocpp.passwords.PROVEN_KEPT", 2)
    proven = Proven()
    for identity in ("a", "b", "a", "c"):
        proven.remember(identity, OLD, b"x")
    assert [identity for identity in "abc" if proven.recognises(identity, OLD, b"x")] == ["a", "c"]
