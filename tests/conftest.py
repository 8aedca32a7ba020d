"""What all tests share: the same examples every time, what coverage is measured by, and which tests begin first."""

import gc
from collections.abc import Generator
from importlib import import_module
from pkgutil import iter_modules

import pytest
from hypothesis import is_hypothesis_test, settings

# Hypothesis draws the same examples every time, so that a red test is red for everybody.
settings.register_profile("tinyocpp", derandomize=True, deadline=None, print_blob=True)
settings.load_profile("tinyocpp")

# These run our programs whole, or the rules some hundred thousand times, as every property does. What must be covered
# (pyproject.toml) is so by the others; to count lines in these too makes each take twice as long.
UNCOUNTED = (
    "benches/", "cli/", "companions/test_control.py", "compliance/", "crash/", "doors/",
    "errands/test_limits_matrix.py", "filedoor/", "fuzz/", "hosts/",
    "leniency/test_mend.py::test_what_a_charger_sends_can_always_be_mended",
    "leniency/test_mend.py::test_what_the_standard_allows_is_not_touched",
    "messages/test_schemas.py::test_what_the_schema_allows_comes_back_the_same", "negative/", "simulator/",
    "storage/test_energy_model.py", "storage/test_ledger_property.py", "test_bin.py",
    "test_sharing.py::test_a_car_that_wakes", "test_sharing.py::test_a_constant_house",
    "test_sharing.py::test_a_house_that_flickers", "test_street.py",
    "test_street_limits.py", "transcripts/test_field_frames.py::TestListener",
    "transcripts/test_field_frames.py::TestStdio", "transcripts/test_field_frames.py::TestWebsocketd",
    "transcripts/test_transcripts.py::TestListener", "transcripts/test_transcripts.py::TestStdio",
    "transcripts/test_transcripts.py::TestWebsocketd",
)  # fmt: skip

# What takes long though it is few tests: begun last, it would have one core wait for the other, as bin/test hands out
# whole modules, in this order.
LONG = (
    "crash/test_kills.py",
    "transcripts/test_transcripts.py",
    "test_bin.py",
    "crash/test_keys.py",
    "test_street_limits.py",
    "doors/test_doors.py",
    "companions/test_control.py",
    "cli/test_charger_certificate.py",
    "hosts/test_engines_alike.py",
    "cli/test_simulate.py",
    "fuzz/test_fuzz.py",
    "errands/test_limits_matrix.py",
    "compliance/test_security.py",
    "cli/test_charger_upkeep.py",
    "cli/test_charger_nonsense.py",
    "test_sharing.py",
    "transcripts/test_field_frames.py",
    "storage/test_energy_model.py",
)


LATE = ("tinyocpp", "tinyocpp.errands", "tinyocpp.errands.limiting", "tinyocpp.handlers", "tinyocpp.leniency",
        "tinyocpp.messages", "tinyocpp.storage")  # fmt: skip
"""Packages whose modules are imported when something needs them."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--kills", type=int, default=200, help="how often the crash tests kill each program")
    parser.addoption("--streets", type=int, default=0, help="how many other streets of chargers the ledger is tried on")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Nothing of it ever becomes garbage: to search for some would take as long again, now and in every test."""
    gc.disable()
    collected = yield
    gc.freeze()
    gc.enable()
    return collected


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for package in LATE:  # else an uncounted test imports them, and their first lines are not counted
        for module in iter_modules(import_module(package).__path__, f"{package}."):
            import_module(module.name)
    for item in items:
        is_property = is_hypothesis_test(getattr(item, "obj", None))
        if is_property or item.nodeid.removeprefix("tests/").startswith(UNCOUNTED):
            item.add_marker("no_cover")
    items.sort(key=_begins)


def _begins(item: pytest.Item) -> int:
    name = item.nodeid.partition("::")[0].removeprefix("tests/")
    return LONG.index(name) if name in LONG else len(LONG)
