"""A function that a table names, and whose module is imported when the function is first called.

A backend starts with every connection of a charger, and a charger that boots asks for one thing of fourteen: what its
first frame does not need, it does not wait for. The type checker does not look through a name, so tests/test_late.py
holds each to a function there is, with the parameters its table hands over.
"""

from __future__ import annotations

from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Callable


class Late:
    """Called, it is the function of that name in that module."""

    def __init__(self, module: str, name: str) -> None:
        self._module = module
        self._name = name

    @cached_property
    def function(self) -> Callable[..., Any]:
        return cast("Callable[..., Any]", getattr(import_module(self._module), self._name))

    def __call__(self, *arguments: object) -> Any:
        return self.function(*arguments)
