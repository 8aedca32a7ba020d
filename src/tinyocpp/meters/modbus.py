"""Meters that speak Modbus over TCP: SunSpec ones by themselves, any other by its registers.

A connection is kept and opened anew after a trouble. Needs the package pymodbus.
"""

from __future__ import annotations

import logging
import struct
from typing import TYPE_CHECKING, Literal

from tinyocpp.measuring import Reading
from tinyocpp.meters import MeterTrouble, sunspec
from tinyocpp.meters.polling import poll

try:
    from pymodbus.client import ModbusTcpClient
    from pymodbus.exceptions import ModbusException
except ImportError:
    raise MeterTrouble("kind 'modbus' needs the package pymodbus: pip install 'tinyocpp[modbus]'") from None

if TYPE_CHECKING:
    from collections.abc import Callable

    from tinyocpp.meterkinds import ModbusConfig, Register
    from tinyocpp.meters.stopping import Stop

ANSWERS_WITHIN_S = 2.5
FORMATS: dict[str, tuple[int, str]] = {
    "int16": (1, ">h"),
    "uint16": (1, ">H"),
    "int32": (2, ">i"),
    "uint32": (2, ">I"),
    "float32": (2, ">f"),
}
"""How many registers, and how their bytes are read: the high one first, unless `swap` says otherwise."""

logging.getLogger("pymodbus").addHandler(logging.NullHandler())  # what there is to say we say ourselves


class ModbusMeter:
    def __init__(self, config: ModbusConfig, plain: str) -> None:
        self._config = config
        self._plain = plain
        self._name = f"modbus://{config.host}:{config.port}"
        self._model: sunspec.Model | None = None

    def run(self, tell: Callable[[Reading | MeterTrouble], None], stop: Stop) -> None:
        client = ModbusTcpClient(self._config.host, port=self._config.port, timeout=ANSWERS_WITHIN_S, retries=0)
        try:
            if not client.connect():  # type: ignore[no-untyped-call]
                raise MeterTrouble(f"{self._name}: no connection")
            poll(lambda _: self._read(client), self._config.interval_s, tell, stop)
        except (ModbusException, OSError) as error:  # the package lets a reset connection through as it is
            raise MeterTrouble(f"{self._name}: {_words(error)}") from None
        finally:
            client.close()  # type: ignore[no-untyped-call]

    def _read(self, client: ModbusTcpClient) -> Reading:
        def holding(address: int, count: int) -> list[int] | None:
            return self._registers(client, "holding", address, count)

        if self._config.registers:
            figures = {name: self._value(client, name, place) for name, place in self._config.registers.items()}
            return Reading(figures)
        self._model = self._model or sunspec.find_meter(holding)
        if self._model is None:
            raise MeterTrouble(f"{self._name}: device {self._config.device} has no SunSpec meter; write its registers")
        return Reading(sunspec.figures(self._model, holding, self._plain))

    def _value(self, client: ModbusTcpClient, name: str, place: Register) -> float:
        count, layout = FORMATS[place.type]
        words = self._registers(client, place.table, place.address, count)
        if words is None:
            raise MeterTrouble(f"{self._name}: {name}: device {self._config.device} has no register {place.address}")
        data = struct.pack(f">{count}H", *(reversed(words) if place.swap else words))
        return float(struct.unpack(layout, data)[0]) * place.scale

    def _registers(
        self, client: ModbusTcpClient, table: Literal["holding", "input"], address: int, count: int
    ) -> list[int] | None:
        """None: the device has none there."""
        read = client.read_holding_registers if table == "holding" else client.read_input_registers
        answer = read(address, count=count, device_id=self._config.device)
        if answer.isError():
            return None
        if len(answer.registers) != count:
            raise MeterTrouble(f"{self._name}: {len(answer.registers)} registers came where {count} were asked for")
        return list(answer.registers)


def _words(error: ModbusException | OSError) -> str:
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return str(error).removeprefix("Modbus Error: ").removeprefix("[Input/Output] ").removeprefix("[Connection] ")
