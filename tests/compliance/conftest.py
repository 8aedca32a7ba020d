"""One listener for all cases of the compliance tool: each case is a charger of its own."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from compliance.programs import Installation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from compliance.charge_point import ChargePoint
    from compliance.programs import Listener


@pytest.fixture
def installation(tmp_path: Any) -> Installation:
    return Installation(tmp_path)


@pytest.fixture(scope="session")
def shared_listener(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Listener]:
    with Installation(tmp_path_factory.mktemp("compliance")).listener() as listener:
        yield listener
        assert "Traceback" not in listener.log
        assert listener.end()[0] == 0


@pytest.fixture
def case(request: pytest.FixtureRequest, shared_listener: Listener) -> Callable[..., ChargePoint]:
    """A charge point named after the case, TC_003 or TC_004_1: `async with case() as cp`, or any other identity."""
    found = re.search(r"tc_\d{3}(_\d)?(?!\d)", request.node.name, re.IGNORECASE)

    def charge_point(identity: str = "", **options: Any) -> ChargePoint:
        assert found or identity, request.node.name
        return shared_listener.charge_point(identity or found[0].upper(), **options)  # type: ignore[index]

    return charge_point
