"""`tinyocpp meter`: what is shown of good, old and broken meters, once and live."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from typing import TYPE_CHECKING

import pytest
from metered import alive
from programs import PIPE, TINYOCPP, start

if TYPE_CHECKING:
    from conftest import House

GRID = 'kind = "file"\npath = "grid"\n'


def with_meter(house: House, table: str, **files: str) -> None:
    with house.configuration.open("a") as file:
        file.write(f"\n[meter]\n{table}\n")
    for name, text in files.items():
        (house.folder / name).write_text(text)


def test_once(house: House) -> None:
    with_meter(house, GRID, grid="grid_w=-1234 pv_w=3000 battery_soc=55 l1_a=5.25")
    code, out, err = house.type("meter", "--once")
    assert (code, err) == (0, "")
    heading, *lines = out.splitlines()
    assert heading.split() == ["figure", "value", "age", "not", "used"]
    assert [line.split()[:3] for line in lines] == [
        ["grid_w", "-1,234", "W"],
        ["pv_w", "3,000", "W"],
        ["battery_soc", "55", "%"],
        ["l1_a", "5.2", "A"],
    ]


def test_once_for_programs(house: House) -> None:
    with_meter(house, f'{GRID}[meter.pv]\nkind = "file"\npath = "sun"', grid="grid_w=1.5 l1_a=nan")
    code, out, _ = house.type("meter", "--once", "--json")
    told = json.loads(out)
    assert code == 0
    assert told["at"].endswith("Z")
    assert (told["usable"], told["why_not"], told["grid_w"], told["currents_a"]) == (True, "", 1.5, None)
    assert told["figures"]["grid_w"].pop("age_s") < 20
    assert told["figures"] == {
        "grid_w": {"value": 1.5, "why_not": ""},
        "l1_a": {"value": None, "age_s": None, "why_not": "is not a number"},
    }
    assert told["trouble"] == {"pv": f"{house.folder / 'sun'}: No such file or directory"}


def test_one_that_cannot_be_read(house: House) -> None:
    with_meter(house, 'kind = "exec"\ncommand = "/no/such/program"')
    code, out, err = house.type("meter", "--once", "--seconds", "0.5")
    words = "/no/such/program: No such file or directory"
    assert (code, out) == (69, f"No figure has come.\n! grid: {words}\n")
    assert err == f"tinyocpp: nothing was read that may be used: grid_w nothing has come yet; {words}\n"


def test_one_that_is_old(house: House) -> None:
    with_meter(house, GRID, grid="100")
    os.utime(house.folder / "grid", (time.time() - 500, time.time() - 500))
    code, out, err = house.type("meter", "--once", "--seconds", "0.5", "--json")
    assert code == 69
    told = json.loads(out)
    assert "s old, of at most 30 s" in told["why_not"]
    assert (told["usable"], told["grid_w"], told["figures"]["grid_w"]["value"]) == (False, None, 100)
    assert "s old, of at most 30 s" in err


def test_live(house: House) -> None:
    with_meter(house, GRID, grid="grid_w=1234 pv_w=10 battery_w=-5 battery_soc=55 l1_a=5 l2_a=nan")
    code, out, err = house.type("meter", "--seconds", "1")
    assert (code, err) == (0, "")
    assert out.rstrip()[8:] == (
        "  grid 1,234 W  sun 10 W  battery -5 W  battery 55 %  L1 5.0 A  L2 ? [not used: is not a number]"
    )


def test_live_for_programs(house: House) -> None:
    with_meter(house, f'{GRID}[meter.pv]\nkind = "file"\npath = "sun"', grid="5")
    code, out, _ = house.type("meter", "--seconds", "1", "--json")
    assert code == 0
    assert [json.loads(line)["figures"]["grid_w"]["value"] for line in out.splitlines()][-1] == 5


def test_live_tells_of_trouble_and_of_age(house: House) -> None:
    with_meter(house, GRID, grid="100")
    os.utime(house.folder / "grid", (time.time() - 28, time.time() - 28))
    code, out, _ = house.type("meter", "--seconds", "4")
    assert code == 0
    first, last = out.splitlines()
    assert "grid 100 W (2" in first
    assert "s old, of at most 30 s]" in last


def test_without_a_meter(house: House) -> None:
    code, _, err = house.type("meter")
    assert code == 78
    assert err == f"tinyocpp: {house.configuration}: meter: there is none; write a [meter] table, see docs/meters.md\n"


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "1e9"])
def test_how_long_must_make_sense(house: House, seconds: str) -> None:
    with_meter(house, GRID)
    assert house.type("meter", "--seconds", seconds)[0] == 64


def test_what_a_meter_says_steers_no_terminal(house: House) -> None:
    with_meter(house, GRID, grid="\x1b[2J")
    _, out, err = house.type("meter", "--once", "--seconds", "0.5")
    assert "\x1b" not in out + err


def test_ended_from_outside_it_takes_the_meters_program_with_it(house: House) -> None:
    lines = ("import os, time", "open('pid', 'w').write(str(os.getpid()))", "print(5, flush=True)", "time.sleep(600)")
    with_meter(house, f'kind = "exec"\ncommand = ["{sys.executable}", "meter.py"]', **{"meter.py": "\n".join(lines)})
    running = start(TINYOCPP, "--config", house.configuration, "meter", stdout=PIPE, cwd=house.folder)
    assert running.stdout
    assert b"grid" in running.stdout.readline()
    pid = int((house.folder / "pid").read_text())
    assert alive(pid)
    running.send_signal(signal.SIGTERM)
    assert running.wait(20) == 130
    running.stdout.close()
    deadline_s = time.monotonic() + 20
    while alive(pid):  # the dying takes its moment
        assert time.monotonic() < deadline_s


def test_passwords_are_not_shown(house: House) -> None:
    with_meter(house, 'kind = "shelly"\nhost = "meter"\npassword = "secret"')
    _, out, _ = house.type("config", "show")
    assert "secret" not in out
    assert "meter.password" in out
    assert "meter.user" in out
