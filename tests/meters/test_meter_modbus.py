"""meters/modbus.py and meters/sunspec.py: against pymodbus's own server, and against what is none."""

from __future__ import annotations

import contextlib
import socket
import struct
import sys
import time
from math import nan
from typing import TYPE_CHECKING

import pytest
from answering import answering
from hypothesis import given
from hypothesis import strategies as st
from modbus_meter import COMMON, END, SUNS, device, float_meter, modbus_meter, whole_meter

from tinyocpp.meters import MeterTrouble
from tinyocpp.meters.sunspec import Model, figures, find_meter

if TYPE_CHECKING:
    from collections.abc import Callable

    from metered import Metered

    from tinyocpp.meters.sunspec import Read

INVERTER = [103, 50, *([0] * 50)]
THREE_PHASES = whole_meter(203, [-1234, -500, -800, 66], [22, 35, 3])


def modbus(port: int, more: str = "") -> str:
    return f'kind = "modbus"\nhost = "127.0.0.1"\nport = {port}\ninterval_s = 0.5\n{more}'


def test_a_sunspec_meter(metered: Metered) -> None:
    with modbus_meter(device(COMMON, INVERTER, THREE_PHASES)) as port, metered.watching(modbus(port)) as watched:
        measured = watched.until(lambda seen: seen.news >= 2 and seen.measured).measured
        assert measured
        assert measured.grid_w == -1234
        assert measured.currents_a == pytest.approx((-2.2, -3.5, 0.3))


def test_a_sunspec_meter_with_floats_elsewhere(metered: Metered) -> None:
    meter = float_meter(213, [1500.5, 500, 500, 500.5], [2, 2.5, 3])
    with (
        modbus_meter(device(COMMON, meter, base=50000), id=200) as port,
        metered.watching(modbus(port, "device = 200\nscale = { grid_w = -1 }")) as watched,
    ):
        measured = watched.until(lambda seen: seen.measured).measured
        assert measured
        assert (measured.grid_w, measured.currents_a) == (-1500.5, (2, 2.5, 3))


REGISTERS = """
[meter.registers]
grid_w = { address = 52, type = "float32", table = "input" }
pv_w = { address = 10, type = "int32", swap = true, scale = 0.1 }
battery_w = { address = 12 }
battery_soc = { address = 13, type = "uint16", scale = 0.01 }
"""


def test_registers_of_any_other_meter(metered: Metered) -> None:
    grid = list(struct.unpack(">2H", struct.pack(">f", -321.5)))
    with (
        modbus_meter({10: [0x86A0, 1, 0xFF38, 5500]}, {52: grid}) as port,
        metered.watching(modbus(port, REGISTERS)) as watched,
    ):
        measured = watched.until(lambda seen: seen.measured).measured
        assert measured
        assert (measured.grid_w, measured.pv_w, measured.battery_w, measured.battery_soc) == (-321.5, 10_000, -200, 55)


def test_one_that_has_none_of_it(metered: Metered) -> None:
    with modbus_meter({5: [1, 2]}) as port:
        name = f"modbus://127.0.0.1:{port}"
        with metered.watching(modbus(port)) as watched:
            assert watched.trouble() == f"{name}: device 1 has no SunSpec meter; write its registers"
        with metered.watching(modbus(port, REGISTERS)) as watched:
            assert watched.trouble() == f"{name}: grid_w: device 1 has no register 52"
        with metered.watching(modbus(port, "device = 7")) as watched:
            assert watched.trouble() == f"{name}: device 7 has no SunSpec meter; write its registers"


def hang(line: socket.socket) -> None:
    line.recv(1000)


def chatter(line: socket.socket) -> None:
    """Half an answer, then a byte now and then."""
    line.recv(1000)
    try:
        line.sendall(b"\0\1\0\0\0\xff\1\3")
        for _ in range(200):
            time.sleep(0.05)
            line.sendall(b"\0")
    except OSError:
        return


def gibberish(line: socket.socket) -> None:
    line.recv(1000)
    with contextlib.suppress(OSError):  # it need not listen to the end
        line.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n" * 20)


def hang_up(line: socket.socket) -> None:
    line.close()


@pytest.mark.parametrize("talk", [hang, chatter, gibberish, hang_up])
def test_one_that_is_no_modbus_meter_is_told_of_in_words(
    metered: Metered, talk: Callable[[socket.socket], None], capfd: pytest.CaptureFixture[str]
) -> None:
    with answering(talk) as port, metered.watching(modbus(port)) as watched:
        began_s = time.monotonic()
        told = watched.trouble()
        assert told.startswith(f"modbus://127.0.0.1:{port}: ")
        assert len(told) < 300
        assert time.monotonic() - began_s < 30
    assert capfd.readouterr().err == ""


def test_one_that_is_not_there(metered: Metered, capfd: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with metered.watching(modbus(port)) as watched:
        assert watched.trouble() == f"modbus://127.0.0.1:{port}: no connection"
    assert capfd.readouterr().err == ""


def test_without_the_package(metered: Metered, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "tinyocpp.meters.modbus", raising=False)
    monkeypatch.setitem(sys.modules, "pymodbus.client", None)
    with metered.watching(modbus(1)) as watched:
        assert watched.trouble() == "kind 'modbus' needs the package pymodbus: pip install 'tinyocpp[modbus]'"


# --- SunSpec


def reading(registers: dict[int, list[int]]) -> Read:
    def read(address: int, count: int) -> list[int] | None:
        for at, words in registers.items():
            if at <= address and address + count <= at + len(words):
                return words[address - at : address - at + count]
        return None

    return read


def told(model: list[int], plain: str = "grid_w") -> dict[str, float]:
    read = reading(device(COMMON, model))
    found = find_meter(read)
    assert found
    return figures(found, read, plain)


MODELS = {
    "three phases": (
        whole_meter(203, [100, -50, 100, 50], [100, 20, -30], w_scale=1, a_scale=-2),
        {"grid_w": 1000, "l1_a": -1.0, "l2_a": 0.2, "l3_a": 0.3},
    ),
    "one phase": (
        whole_meter(201, [-700, None, None, None], [30, None, None]),
        {"grid_w": -700, "l1_a": -3.0, "l2_a": 0, "l3_a": 0},
    ),
    "no powers of the phases": (
        whole_meter(204, [5, None, None, None], [30, -20, 10]),
        {"grid_w": 5, "l1_a": 3.0, "l2_a": -2.0, "l3_a": 1.0},
    ),
    "no currents": (whole_meter(202, [5, 1, 2, 2], [None, None, None]), {"grid_w": 5}),
    "one phase as float": (
        float_meter(211, [2.5, nan, nan, nan], [1.5, nan, nan]),
        {"grid_w": 2.5, "l1_a": 1.5, "l2_a": 0, "l3_a": 0},
    ),
}


@pytest.mark.parametrize(("model", "meant"), MODELS.values(), ids=MODELS)
def test_what_the_models_say(model: list[int], meant: dict[str, float]) -> None:
    assert told(model) == pytest.approx(meant)


def test_a_meter_for_the_sun_tells_no_currents() -> None:
    assert told(THREE_PHASES, "pv_w") == {"pv_w": -1234}


@pytest.mark.parametrize("model", [whole_meter(203, [None] * 4, [1, 2, 3]), float_meter(213, [nan] * 4, [1, 2, 3])])
def test_one_that_measures_no_power(model: list[int]) -> None:
    with pytest.raises(MeterTrouble, match="measures no power"):
        told(model)


@pytest.mark.parametrize("base", [40000, 50000, 0])
def test_it_is_found_wherever_a_device_may_begin(base: int) -> None:
    read = reading(device(COMMON, INVERTER, THREE_PHASES, base=base))
    assert find_meter(read) == Model(203, base + 2 + len(COMMON) + len(INVERTER))


@pytest.mark.parametrize(
    "registers",
    [{}, {40000: [1, 2, 3]}, {40000: SUNS}, device(COMMON, INVERTER), {40000: [*SUNS, *([1, 0] * 200), *END]}],
    ids=["nothing", "no marker", "a marker alone", "no meter", "models without end"],
)
def test_one_that_is_none(registers: dict[int, list[int]]) -> None:
    assert find_meter(reading(registers)) is None


def test_one_that_has_gone_is_not_read_as_something_else() -> None:
    with pytest.raises(MeterTrouble, match="SunSpec model 203 is no longer at 40070"):
        figures(Model(203, 40070), reading(device(COMMON, INVERTER)), "grid_w")
    with pytest.raises(MeterTrouble, match="no longer"):
        figures(Model(213, 40070), reading({}), "grid_w")


@given(st.lists(st.integers(0, 0xFFFF), max_size=300))
def test_any_registers_are_figures_or_words(words: list[int]) -> None:
    read = reading({40000: [*SUNS, *words]})
    found = find_meter(read)
    if found:
        try:
            assert "grid_w" in figures(found, read, "grid_w")
        except MeterTrouble as trouble:
            assert str(trouble)
