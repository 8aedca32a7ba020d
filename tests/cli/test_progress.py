"""What is told while a simulated charge goes on, on a terminal and elsewhere."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest

from tinyocpp.cli.progress import CLEAR_LINE, Narrator
from tinyocpp.simulator import person
from tinyocpp.simulator.car import Car
from tinyocpp.simulator.charge_point import ChargePoint

NOON = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def told(out: StringIO) -> list[str]:
    """A charge without a line, looked at every two seconds."""
    station = ChargePoint("CP", NOON, speed=60.0)
    narrator = Narrator(station, UTC, out)
    narrator.look()
    person.plug_in(station, station.connectors[1], Car(2000), NOON)
    person.present_tag(station, station.connectors[1], "A\x1b", NOON)
    for second in range(0, 8, 2):
        station.advance(NOON + timedelta(seconds=second))
        narrator.look()
        narrator.look()
    person.unplug(station, station.connectors[1], station.now)
    narrator.done()
    return out.getvalue().removesuffix("\n").split("\n")


BEGINNING = ["12:00:00  tag A\\x1b: Accepted", "12:00:00  transaction begins at connector 1, meter 1000000 Wh"]
END = "12:00:06  transaction ends at connector 1: EVDisconnected, meter 1001084 Wh"


def test_lines_every_few_seconds() -> None:
    assert told(StringIO()) == [
        *BEGINNING,
        "12:00:00  Charging  0.00 of 2.00 kWh  1.1 kW  0:00",
        "12:00:06  Charging  1.08 of 2.00 kWh  11.0 kW  0:06",
        END,
    ]


def test_a_line_that_is_written_over() -> None:
    assert told(Terminal()) == [
        *BEGINNING,
        f"{CLEAR_LINE}Charging  0.00 of 2.00 kWh  1.1 kW  0:00"
        f"{CLEAR_LINE}Charging  0.35 of 2.00 kWh  11.0 kW  0:02"
        f"{CLEAR_LINE}Charging  0.72 of 2.00 kWh  11.0 kW  0:04"
        f"{CLEAR_LINE}Charging  1.08 of 2.00 kWh  11.0 kW  0:06"
        f"{CLEAR_LINE}{END}",
    ]


@pytest.mark.parametrize("out", [StringIO(), Terminal()], ids=["file", "terminal"])
def test_nothing_to_tell(out: StringIO) -> None:
    station = ChargePoint("CP", NOON)
    Narrator(station, UTC, out).done()
    assert out.getvalue() == ""
