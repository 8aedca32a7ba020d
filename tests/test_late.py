"""What the type checker cannot see: each name in our tables is that of a function, with the parameters it is given."""

import inspect
import sys

import pytest

from tinyocpp.errands import AT_CONNECTION, WHEN_ACCEPTED
from tinyocpp.handlers import HANDLERS, LESSONS
from tinyocpp.late import Late

NAMED = [
    *((row, ["call", "charger"]) for row in HANDLERS.values()),
    *((row, ["stage", "call", "answer", "charger"]) for row in LESSONS.values()),
    *((row.begin, ["charger"]) for row in (*AT_CONNECTION, *WHEN_ACCEPTED)),
]


@pytest.mark.parametrize(("row", "parameters"), NAMED)
def test_a_table_names_functions_that_are_there(row: Late, parameters: list[str]) -> None:
    assert isinstance(row, Late)
    assert list(inspect.signature(row.function).parameters) == parameters


def test_a_module_is_imported_when_its_function_is_called() -> None:
    sys.modules.pop("colorsys", None)
    late = Late("colorsys", "rgb_to_hsv")
    assert "colorsys" not in sys.modules
    assert late(1.0, 0.0, 0.0) == (0.0, 1.0, 1.0)
    assert "colorsys" in sys.modules
