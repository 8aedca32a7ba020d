"""What all tests share: hypothesis draws the same examples every time, so that a red test is red for everybody."""

import pytest
from hypothesis import settings

settings.register_profile("tinyocpp", derandomize=True, deadline=None, print_blob=True)
settings.load_profile("tinyocpp")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--kills", type=int, default=200, help="how often the crash tests kill each program")
    parser.addoption("--streets", type=int, default=0, help="how many other streets of chargers the ledger is tried on")
