"""A Modbus server (pymodbus's own) on a free loopback port, and SunSpec devices to put into it."""

from __future__ import annotations

import asyncio
import struct
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

if TYPE_CHECKING:
    from collections.abc import Iterator

SUNS = [0x5375, 0x6E53]
END = [0xFFFF, 0]
COMMON = [1, 66, *([0x2020] * 66)]
NOT_THERE = 0x8000


def whole_meter(
    number: int, watts: list[int | None], amperes: list[int | None], w_scale: int = 0, a_scale: int = -1
) -> list[int]:
    """A model 201 to 204: total and phases of the power, phases of the current, as whole numbers and powers of ten."""
    words = [number, 105, *([NOT_THERE] * 105)]
    for offset, value in [*zip((18, 19, 20, 21), watts, strict=True), *zip((3, 4, 5), amperes, strict=True)]:
        words[offset] = NOT_THERE if value is None else value & 0xFFFF
    words[22], words[6] = w_scale & 0xFFFF, a_scale & 0xFFFF
    return words


def float_meter(number: int, watts: list[float], amperes: list[float]) -> list[int]:
    """A model 211 to 214; NaN is what is not there."""
    words = [number, 124, *([0x7FC0, 0] * 62)]
    for offset, value in [*zip((28, 30, 32, 34), watts, strict=True), *zip((4, 6, 8), amperes, strict=True)]:
        words[offset : offset + 2] = struct.unpack(">2H", struct.pack(">f", value))
    return words


def device(*models: list[int], base: int = 40000) -> dict[int, list[int]]:
    """Registers by the address of the first."""
    return {base: [*SUNS, *(word for model in models for word in model), *END]}


@contextmanager
def modbus_meter(
    holding: dict[int, list[int]], inputs: dict[int, list[int]] | None = None, id: int = 1
) -> Iterator[int]:
    """The port it listens on."""
    blocks = [
        [SimData(at, values=words, datatype=DataType.REGISTERS) for at, words in part.items()]
        for part in (holding, inputs or {9: [0]})
    ]
    nothing = [SimData(0, values=[False] * 16, datatype=DataType.BITS)]
    simulated = SimDevice(id, simdata=(nothing, nothing, blocks[0], blocks[1]))
    started: list[int] = []
    ready, ending = threading.Event(), threading.Event()

    async def serve() -> None:
        server = ModbusTcpServer(simulated, address=("127.0.0.1", 0))
        await server.listen()
        started.append(server.transport.sockets[0].getsockname()[1])
        ready.set()
        while not ending.is_set():
            await asyncio.sleep(0.02)
        await server.shutdown()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    try:
        assert ready.wait(20)
        yield started[0]
    finally:
        ending.set()
        thread.join()
