"""Who may come in, by [chargers] admit and by what is known."""

from __future__ import annotations

import pytest

from tinyocpp.admission import Standing, profile_proven, profile_used, standing

STRANGER = {"admitted": False, "anyone_admitted": False, "loopback": False, "named": False}
TAKEN = {"anyone_admitted": True}
OURS = {"admitted": True, "anyone_admitted": True}


@pytest.mark.parametrize(
    ("identity", "admit", "known", "expected"),
    [
        pytest.param("garage", "first", {}, Standing.CANDIDATE, id="the first to boot will be adopted"),
        pytest.param("garage", "first", TAKEN, Standing.REFUSED, id="the second is not"),
        pytest.param("garage", "first", OURS, Standing.ADMITTED, id="adopted, in for good"),
        pytest.param("garage", "first", TAKEN | {"named": True}, Standing.ADMITTED, id="--charger is the owner's word"),
        pytest.param("garage", "first", TAKEN | {"loopback": True}, Standing.REFUSED, id="loopback opens nothing"),
        pytest.param("garage", "any", TAKEN, Standing.ADMITTED, id="any"),
        pytest.param("Garage", ["garage", "carport"], {}, Standing.ADMITTED, id="listed, in another spelling"),
        pytest.param("shed", ["garage"], {}, Standing.REFUSED, id="not listed, though nobody was first"),
        pytest.param("shed", ["garage"], {"admitted": True}, Standing.ADMITTED, id="not listed but admitted"),
        pytest.param("shed", [], {}, Standing.REFUSED, id="an empty list lets nobody in"),
        pytest.param("simulator", "first", {"loopback": True}, Standing.ADMITTED, id="simulator over loopback"),
        pytest.param("Simulator", [], {"loopback": True}, Standing.ADMITTED, id="whatever the list"),
        pytest.param("simulator", "first", {}, Standing.REFUSED, id="simulator from elsewhere never becomes the first"),
        pytest.param("simulator", "any", {}, Standing.ADMITTED, id="simulator from elsewhere where any may come"),
    ],
)
def test_standing(identity: str, admit: str | list[str], known: dict[str, bool], expected: Standing) -> None:
    assert standing(identity, admit=admit, **(STRANGER | known)) is expected


@pytest.mark.parametrize(
    ("shown", "profile"),
    [
        ({}, 0),
        ({"tls": True}, 0),
        ({"password": True}, 1),
        ({"tls": True, "password": True}, 2),
        ({"tls": True, "certificate": True}, 3),
        ({"tls": True, "password": True, "certificate": True}, 3),
    ],
)
def test_a_connection_has_the_profile_of_what_it_has_shown(shown: dict[str, bool], profile: int) -> None:
    assert profile_used(**({"tls": False, "password": False, "certificate": False} | shown)) == profile


@pytest.mark.parametrize(
    ("used", "proven", "asked", "expected"),
    [
        pytest.param(2, 0, None, 0, id="nobody asked: a trial pins nothing"),
        pytest.param(1, 1, 2, 1, id="it comes with the old one: both are let in"),
        pytest.param(2, 1, 2, 2, id="it comes with the new one (A05.FR.09)"),
        pytest.param(3, 1, 2, 2, id="it comes with more than it was asked for"),
        pytest.param(3, 3, 2, 3, id="never down"),
    ],
)
def test_what_has_been_proven_once_it_is_in(used: int, proven: int, asked: int | None, expected: int) -> None:
    assert profile_proven(used, proven, asked) == expected
