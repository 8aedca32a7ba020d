"""One house with meters for each test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from metered import Metered

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def metered(tmp_path: Path) -> Metered:
    return Metered(tmp_path)
