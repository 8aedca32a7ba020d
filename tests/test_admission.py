"""Who may come in, by [chargers] admit and by what is known."""

from __future__ import annotations

import pytest

from tinyocpp.admission import Standing, standing

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
