"""What a charger may call itself."""

from __future__ import annotations

import pytest

from tinyocpp.identity import fold_identity, valid_identity

GOOD = ["garage", "CP_1", "a", "A" * 48, "DE*ABC*E1", "my box", "a.b", "-", "x:1+2=3|4@5#6"]
BAD = ["", "A" * 49, ".", "..", ".hidden", "../../x", "a/b", "a\0", "a\n", "Wörth", "🚗", "a%20b", "a\\b", "a?b", "１"]


@pytest.mark.parametrize("identity", GOOD)
def test_valid(identity: str) -> None:
    assert valid_identity(identity)


@pytest.mark.parametrize("identity", BAD)
def test_refused(identity: str) -> None:
    assert not valid_identity(identity)


def test_case_does_not_matter() -> None:
    assert fold_identity("GarAge") == fold_identity("gARAGE")
    assert fold_identity("garage") != fold_identity("garage1")


def test_a_letter_that_only_looks_alike_is_another() -> None:
    assert fold_identity("\N{KELVIN SIGN}1") != fold_identity("k1")
