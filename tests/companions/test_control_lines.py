"""What the control program makes of a charger's samples."""

from __future__ import annotations

from typing import Any

import pytest

from tinyocpp.companions.commandclient import Line
from tinyocpp.companions.lines import Lines
from tinyocpp.companions.steering import Drawn


def measured(*samples: tuple[float, dict[str, Any]]) -> list[Drawn]:
    lines = Lines(())
    for at_s, details in samples:
        lines._measured("garage", Line(event="sample", details={"connector_id": 1} | details), at_s)
    return list(lines.drawn["garage", 1])


@pytest.mark.parametrize(
    ("power_w", "told", "currents"),
    [
        (6900.0, [10.0, 10.0, 10.0], (10.0, 10.0, 10.0)),
        (2300.0, [10.0, None, None], (10.0, 0.0, 0.0)),
        (6900.0, [10.0, None, None], (10.0, 10.0, 10.0)),  # Enercab: one current, three phases (M8)
        (4500.0, [10.0, None, None], (10.0, 10.0, 0.0)),
        (4.0, [0.02, None, None], (0.02, 0.0, 0.0)),
        (4600.0, [None, 10.0, 10.0], (0.0, 10.0, 10.0)),
        (2300.0, None, None),
    ],
)
def test_M8_on_which_phases_it_flows(
    power_w: float, told: list[float | None] | None, currents: tuple[float, float, float] | None
) -> None:
    assert measured((5.0, {"power_w": power_w, "currents_a": told})) == [Drawn(5.0, power_w, currents)]


def test_power_that_is_not_told_is_reckoned_from_the_currents_or_from_the_register() -> None:
    assert measured((5.0, {"currents_a": [10.0, 10.0, None]})) == [Drawn(5.0, 4600.0, (10.0, 10.0, 0.0))]
    registers = [(0.0, {"register_wh": 1000}), (60.0, {"register_wh": 1100}), (120.0, {"register_wh": 1100})]
    assert measured(*registers) == [Drawn(60.0, 6000.0), Drawn(120.0, 0.0)]


def test_a_sample_that_says_nothing_is_none() -> None:
    assert measured((5.0, {})) == []
