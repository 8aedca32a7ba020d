"""docs/meters.md: every example of it is run. Only addresses, ports and folders are those of the test."""

from __future__ import annotations

import json
import re
import struct
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from broker import broker
from modbus_meter import COMMON, device, float_meter, modbus_meter
from web_meter import web_meter

from tinyocpp.measuring import FIGURES
from tinyocpp.meters import MEMBERS

if TYPE_CHECKING:
    from metered import Metered, Watched

    from tinyocpp.measuring import Measured

PAGE = (Path(__file__).parents[2] / "docs" / "meters.md").read_text()
EXAMPLES = re.findall(r"```toml\n\[meter\]\n(.*?)```", PAGE, re.DOTALL)

EM = (
    {"total_act_power": -321.5} | {f"{phase}_current": 1.5 for phase in "abc"} | {f"{p}_act_power": -100 for p in "abc"}
)
EM_PAGE = {"/rpc/EM.GetStatus?id=0": json.dumps(EM)}
SITE = {"P_Grid": -100, "P_PV": 900.5, "P_Akku": -300}
FLOW = {"Head": {"Status": {"Code": 0}}, "Body": {"Data": {"Site": SITE, "Inverters": {"1": {"SOC": 70}}}}}


def example(*having: str) -> str:
    """The first with all of these in it."""
    return next(text for text in EXAMPLES if all(word in text for word in having))


def first(watched: Watched, *wanted: str) -> Measured:
    """The first that has these too."""
    found = watched.until(lambda seen: seen.measured and all(getattr(seen.measured, name) for name in wanted)).measured
    assert found
    return found


def program(metered: Metered, name: str, says: str) -> None:
    (metered.folder / name).write_text(f"#!/bin/sh\necho '{says}'\n")
    (metered.folder / name).chmod(0o755)


def test_every_kind_has_an_example_and_every_figure_a_row() -> None:
    assert {kind for text in EXAMPLES for kind in re.findall(r'^kind = "(\w+)"', text, re.MULTILINE)} == set(MEMBERS)
    assert set(re.findall(r"`(\w+_(?:w|a|soc))`(?:, | \|)", PAGE)) == set(FIGURES)
    assert len(EXAMPLES) == 9


def test_shelly(metered: Metered) -> None:
    with web_meter(EM_PAGE) as web, metered.watching(example('"shelly"').replace("192.168.1.20", web.host)) as watched:
        measured = first(watched)
        assert (measured.grid_w, measured.currents_a) == (-321.5, (-1.5, -1.5, -1.5))


def test_fronius(metered: Metered) -> None:
    pages = {"/solar_api/v1/GetPowerFlowRealtimeData.fcgi": json.dumps(FLOW)}
    with web_meter(pages) as web, metered.watching(example('"fronius"').replace("192.168.1.21", web.host)) as watched:
        measured = first(watched)
        assert (measured.grid_w, measured.pv_w, measured.battery_w, measured.battery_soc) == (-100, 900.5, 300, 70)


def test_modbus(metered: Metered) -> None:
    meter = float_meter(213, [750.5, 250, 250, 250.5], [1, 1, 1.5])
    table = example('"modbus"', "device")
    with (
        modbus_meter(device(COMMON, meter), id=200) as port,
        metered.watching(table.replace('"192.168.1.21"', f'"127.0.0.1"\nport = {port}')) as watched,
    ):
        assert first(watched).currents_a == (1, 1, 1.5)
    words = list(struct.unpack(">6H", struct.pack(">3f", 1.5, 2, 2.5)))
    table = example('"modbus"', "registers")
    with (
        modbus_meter({5: [1]}, {6: words, 52: words[:2]}) as port,
        metered.watching(table.replace('"192.168.1.22"', f'"127.0.0.1"\nport = {port}')) as watched,
    ):
        measured = first(watched)
        assert (measured.grid_w, measured.currents_a) == (1.5, (1.5, 2, 2.5))


def test_mqtt(metered: Metered) -> None:
    with broker(metered.folder) as mosquitto:
        table = example('"mqtt"').replace('"192.168.1.10"', f'"127.0.0.1"\nport = {mosquitto.port}')
        with metered.watching(table) as watched:
            deadline_s = time.monotonic() + 20
            while not (measured := watched.look().measured) or measured.pv_w is None:
                assert time.monotonic() < deadline_s, watched.look()
                mosquitto.say("dsmr/delivered", "0.5")
                mosquitto.say("dsmr/returned", "1.25")
                mosquitto.say("tele/roof/SENSOR", '{"ENERGY": {"Power": 1800}}')
            assert (measured.grid_w, measured.pv_w) == (-750, 1800)


def test_http(metered: Metered) -> None:
    document = {"active": {"delivered": 0, "returned": 432}, "batteries": [{"soc": 33}]}
    with (
        web_meter({"/api/v1/data": json.dumps(document)}) as web,
        metered.watching(example('"http"').replace("192.168.1.23", web.host)) as watched,
    ):
        measured = first(watched)
        assert (measured.grid_w, measured.battery_soc) == (-432, 33)


def test_exec_and_file(metered: Metered) -> None:
    program(metered, "read-meter.sh", "grid_w=5 pv_w=10")
    with metered.watching(example('"exec"', "read-meter")) as watched:
        assert first(watched, "pv_w").grid_w == 5
    (metered.folder / "power").write_text("77\n")
    with metered.watching(example('"file"').replace("/run/house", str(metered.folder))) as watched:
        assert first(watched).grid_w == 77


def test_sun_and_battery_from_meters_of_their_own(metered: Metered) -> None:
    program(metered, "battery.sh", "-450")
    with ExitStack() as open_webs:
        grid = open_webs.enter_context(web_meter(EM_PAGE))
        sun = open_webs.enter_context(web_meter({"/rpc/EM.GetStatus?id=0": json.dumps(EM | {"total_act_power": 2000})}))
        table = example("[meter.pv]").replace("192.168.1.20", grid.host).replace("192.168.1.24", sun.host)
        watched = open_webs.enter_context(metered.watching(table))
        measured = first(watched, "pv_w", "battery_w")
        assert (measured.grid_w, measured.pv_w, measured.battery_w) == (-321.5, 2000, -450)
