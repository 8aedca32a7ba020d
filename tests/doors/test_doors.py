"""Who gets in and who does not: every odd spelling of an identity, every wrong way to log in, and nobody takes over."""

from __future__ import annotations

import base64
import contextlib
import socket
import time
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path

import pytest
from fuzz.requests import fuzz_requests

from doors.entrances import (
    ENTRANCES,
    PATIENCE_S,
    REFUSED,
    Backend,
    Entrance,
    House,
    Listener,
    knocking,
)

LONGEST = "x" * 48
KEY = "00112233445566778899aabbccddeeff01020304"
RIGHT = bytes.fromhex(KEY)


@pytest.fixture(scope="module", params=ENTRANCES)
def entrance(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Entrance]:
    """Everybody may come in who has an identity."""
    house = House(tmp_path_factory.mktemp("open"), '[chargers]\nadmit = "any"\n')
    opened = ENTRANCES[request.param](house)
    yield opened
    opened.close()
    house.check_log()


# --- identities


GOOD = [
    ("/garage", "garage"),
    ("/GARAGE", "garage"),
    ("/ocpp/garage", "garage"),
    ("/ocpp/garage/", "garage"),
    ("/ocpp/1.6/%7Bid%7D/garage?token=/../x", "garage"),
    ("/gar%61ge", "garage"),
    ("/%67%61%72%61%67%65", "garage"),
    ("/RDAM%20123", "rdam 123"),
    ("/a+b", "a+b"),
    ("/a%2Bb", "a+b"),
    ("/cp%3A1", "cp:1"),
    ("/cp@home", "cp@home"),
    ("/a%23b", "a#b"),
    ("/-x", "-x"),
    ("/--help", "--help"),
    ("/a..b", "a..b"),
    (f"/{LONGEST}", LONGEST),
    ("/" + "%78" * 48, LONGEST),
]
BAD = [
    "/",
    "//",
    "/?x=garage",
    "/.",
    "/..",
    "/ocpp/..",
    "/%2e",
    "/%2e%2e",
    "/.hidden",
    "/..%2f..%2fetc%2fpasswd",
    "/..%5c..%5cetc",
    "/a%2fb",
    "/%2fgarage",
    "/%252e%252e",
    "/gar%2561ge",
    "/garage%00",
    "/%00",
    "/a%00b",
    "/a%0ab",
    "/a%0d%0aX-Real-IP:%20127.0.0.1",
    "/a%1b%5b2J",
    "/a%7f",
    "/a%09b",
    "/a%",
    "/a%zz",
    "/a%2",
    "/a;b",
    "/a&b",
    "/a'b",
    "/a%22b",
    "/$(id)",
    "/`id`",
    "/a%3Cb%3E",
    "/~root",
    "/a,b",
    "/%ff",
    "/%c3",
    "/%c3%a9",
    "/%ef%bc%a1",
    "/%e2%80%8bgarage",
    "/%e2%80%aegarage",
    "/%f0%9f%94%8c",
    "/%ed%a0%80",
    "/%c0%ae%c0%ae",
    f"/{LONGEST}x",
    "/" + "%78" * 49,
    "/" + "x" * 4000,
    "/" + "%2e%2e%2f" * 300,
]


@pytest.mark.parametrize(("target", "identity"), GOOD, ids=[target[:40] for target, _ in GOOD])
def test_an_identity(entrance: Entrance, target: str, identity: str) -> None:
    with knocking(entrance, target.encode()) as guest:
        assert guest.answered(), guest.status
        assert identity in entrance.house.connected()


@pytest.mark.parametrize("target", BAD, ids=[target[:40] for target in BAD])
def test_no_identity(entrance: Entrance, target: str) -> None:
    before = entrance.house.connected()
    with knocking(entrance, target.encode()) as guest:
        assert not guest.answered()
        assert guest.status in {404, 400, 101, 301, REFUSED}
        if isinstance(entrance, Listener) and entrance.engine == "builtin":
            assert guest.status == 404
        if isinstance(entrance, Backend):
            assert guest.status == REFUSED
        assert entrance.house.connected() <= before
    assert {path.name for path in entrance.house.folder.iterdir()} <= {
        "tinyocpp.toml", "run", "stderr", "tags.toml",
        "accounting.sqlite3", "accounting.sqlite3-shm", "accounting.sqlite3-wal",
    }  # fmt: skip


@pytest.mark.parametrize("target", [b"/caf\xc3\xa9", b"/caf\xe9", b"/a\x01b", b"/a\x7fb", b"/\xff"], ids=repr)
def test_bytes_that_no_url_has(entrance: Entrance, target: bytes) -> None:
    with knocking(entrance, target) as guest:
        assert not guest.answered()


# --- passwords


@pytest.fixture(scope="module", params=ENTRANCES)
def guarded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Entrance]:
    """The garage has a password; the carport has none, and profile 1 wants one."""
    house = House(
        tmp_path_factory.mktemp("guarded"), '[chargers]\nadmit = "any"\n[charger.carport]\nsecurity_profile = 1\n'
    )
    house.word("charger", "password", "garage", stdin=KEY)
    opened = ENTRANCES[request.param](house)
    yield opened
    opened.close()
    house.check_log()
    assert KEY.encode() not in house.log.read_bytes()


def basic(user: bytes, password: bytes, scheme: bytes = b"Basic ") -> bytes:
    return scheme + base64.b64encode(user + b":" + password)


LOGINS = {
    "the key's bytes": basic(b"garage", RIGHT),
    "its hex": basic(b"garage", KEY.encode()),
    "its hex in upper case": basic(b"garage", KEY.upper().encode()),
    "the user in another case": basic(b"GARAGE", RIGHT),
    "no user": basic(b"", RIGHT),
    "the scheme in lower case": basic(b"garage", RIGHT, b"basic "),
    "two blanks": basic(b"garage", RIGHT, b"Basic  "),
}
NO_LOGINS = {
    "nothing": None,
    "an empty header": b"",
    "a scheme alone": b"Basic",
    "no base64": b"Basic !!!!",
    "half of it": basic(b"garage", RIGHT)[:-7],
    "no colon": b"Basic " + base64.b64encode(b"garage" + RIGHT),
    "no password": basic(b"garage", b""),
    "neither": basic(b"", b""),
    "another password": basic(b"garage", b"password"),
    "no text at all": basic(b"garage", bytes(range(128, 256))),
    "zeros": basic(b"garage", bytes(20)),
    "a byte too many": basic(b"garage", RIGHT + b"\1"),  # a zero would be none: HMAC fills its key up with them
    "a newline too many": basic(b"garage", KEY.encode() + b"\n"),
    "a byte too few": basic(b"garage", RIGHT[:-1]),
    "one digit wrong": basic(b"garage", KEY[:-1].encode() + b"5"),
    "the hex of the hex": basic(b"garage", KEY.encode().hex().encode()),
    "another charger's name": basic(b"carport", RIGHT),
    "the name twice": basic(b"garage:garage", RIGHT),
    "a name that is no text": basic(b"\xff\xfe", RIGHT),
    "a path for a name": basic(b"ocpp/garage", RIGHT),
    "another scheme": basic(b"garage", RIGHT, b"Bearer "),
    "no scheme": basic(b"garage", RIGHT, b""),
    "digest": b'Digest username="garage", response="' + KEY.encode() + b'"',
    "in the clear": b"Basic garage:" + KEY.encode(),
    "long": basic(b"garage", KEY.encode() * 100),
}


def test_who_has_the_password_gets_in(guarded: Entrance) -> None:
    for name, header in LOGINS.items():
        with knocking(guarded, b"/garage", header) as guest:
            assert guest.answered(), name


def test_nobody_else_does_and_nobody_takes_over(guarded: Entrance) -> None:
    """The right charger is connected all the while and stays so, and comes back at once however many have guessed."""
    with knocking(guarded, b"/garage", LOGINS["its hex"]) as charger:
        assert charger.answered()
        for (name, header), target in zip(NO_LOGINS.items(), cycle((b"/garage", b"/GARAGE", b"/x/gar%61ge?"))):
            with knocking(guarded, target, header) as stranger:
                assert not stranger.answered(), name
                if isinstance(guarded, Listener) and guarded.engine == "builtin":
                    assert stranger.status == 401, name
                if isinstance(guarded, Backend):
                    assert stranger.status == REFUSED, name
        assert charger.answered()
        assert guarded.house.connected() == {"garage"}
    with knocking(guarded, b"/garage", LOGINS["its hex"]) as charger:
        assert charger.answered()


def test_a_profile_without_a_password_lets_nobody_in(guarded: Entrance) -> None:
    for header in (None, basic(b"carport", b""), basic(b"carport", RIGHT), basic(b"garage", RIGHT)):
        with knocking(guarded, b"/carport", header) as stranger:
            assert not stranger.answered()


def test_whoever_has_the_password_takes_over(guarded: Entrance) -> None:
    with knocking(guarded, b"/garage", LOGINS["its hex"]) as older:
        assert older.answered()  # websocketd upgrades before there is a backend: else that of the newer may be first
        with knocking(guarded, b"/garage", LOGINS["its hex"]) as newer:
            assert newer.answered()
            deadline = time.monotonic() + PATIENCE_S
            while older.answered():  # another process is told so, and ends
                assert time.monotonic() < deadline
            assert newer.answered()


# --- the request itself


def test_a_request_that_goes_on_after_it_was_refused(tmp_path: Path) -> None:
    house = House(tmp_path)
    listener = Listener(house, "builtin")
    with socket.create_connection(("127.0.0.1", listener.port), timeout=PATIENCE_S) as stranger:
        stranger.sendall(b"nonsense\r\n\r\n")
        while stranger.recv(65536):
            pass
        with contextlib.suppress(ConnectionError):
            for _ in range(10):
                stranger.sendall(b"x" * 8192)
    listener.close()
    house.check_log()


def test_requests_that_are_none(tmp_path: Path) -> None:
    """Broken as frames are broken: whatever comes to the port, the next charger is welcome."""
    assert fuzz_requests(1, tmp_path, frames=500).frames == 500
