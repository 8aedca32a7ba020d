"""Meters: where the watts of the house come from. One file per kind.

The contract is `Meter`: `run` blocks in a thread of its own and tells of what it reads, until it is stopped. What a
member cannot read it says in words: raised as MeterTrouble, or with `tell` where it can go on; whoever runs it starts
it again. Every wait of it has an end, and ends soon when it is stopped. It judges nothing: NaN is told as NaN, and
refused by measuring.py. watch.py is how the rest of the program uses all this.

A member is made of its configuration and the figure that a bare number stands for, which is the grid's power, or in
[meter.pv] the sun's. To add a kind: its keys into meterkinds.py, its file here, a row in MEMBERS, a section in
docs/meters.md. Members are imported when they are opened, because each brings a library of its own.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from tinyocpp.measuring import Reading
    from tinyocpp.meterkinds import MeterConfig
    from tinyocpp.meters.stopping import Stop

    class Meter(Protocol):
        def run(self, tell: Callable[[Reading | MeterTrouble], None], stop: Stop) -> None:
            """Until stopped. Raises MeterTrouble; may be run again after that, and after it has returned."""


class MeterTrouble(Exception):
    """Why there is no reading, in words for the owner."""


MEMBERS = {
    "exec": "exec.ExecMeter",
    "file": "file.FileMeter",
    "fronius": "fronius.FroniusMeter",
    "http": "http.HttpMeter",
    "modbus": "modbus.ModbusMeter",
    "mqtt": "mqtt.MqttMeter",
    "shelly": "shelly.ShellyMeter",
}


def open_meter(config: MeterConfig, plain: str = "grid_w") -> Meter:
    """The member for this kind. Nothing is read yet. MeterTrouble: a package it needs is not installed."""
    module, _, name = MEMBERS[config.kind].partition(".")
    meter: Meter = getattr(import_module(f"{__name__}.{module}"), name)(config, plain)
    return meter
