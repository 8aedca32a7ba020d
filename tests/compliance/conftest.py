"""One listener for all cases of the compliance tool: each case is a charger of its own."""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING, Any

import pytest

from compliance.programs import Installation
from compliance.secure import SecureSite

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from compliance.charge_point import ChargePoint
    from compliance.programs import Listener

NUMBERS = itertools.count(1)


@pytest.fixture
def installation(tmp_path: Any) -> Installation:
    return Installation(tmp_path)


@pytest.fixture(scope="session")
def shared_listener(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Listener]:
    with Installation(tmp_path_factory.mktemp("compliance")).listener() as listener:
        yield listener
        assert "Traceback" not in listener.log
        assert listener.end()[0] == 0


@pytest.fixture(scope="session")
def secure(tmp_path_factory: pytest.TempPathFactory) -> SecureSite:
    return SecureSite(tmp_path_factory.mktemp("secure"), "TC_074", "TC_077", "TC_087", "stolen")


@pytest.fixture(scope="session")
def secure_listener(secure: SecureSite) -> Iterator[Listener]:
    with secure.listener() as listener:
        yield listener
        assert "Traceback" not in listener.log


@pytest.fixture
def case(request: pytest.FixtureRequest, shared_listener: Listener) -> Callable[..., ChargePoint]:
    """A charge point named after the case, TC_003-1 or TC_004_1-2: `async with case() as cp`, the same throughout the
    test and another in each. Or any other identity."""
    found = re.search(r"tc_\d{3}(_\d)?(?!\d)", request.node.name, re.IGNORECASE)
    own = f"{found[0].upper()}-{next(NUMBERS)}" if found else ""

    def charge_point(identity: str = own, **options: Any) -> ChargePoint:
        assert identity, request.node.name
        return shared_listener.charge_point(identity, **options)

    return charge_point
