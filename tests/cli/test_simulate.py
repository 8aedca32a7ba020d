"""`tinyocpp simulate` as typed, against the real listener; what it booked is read from the ledger."""

from __future__ import annotations

import contextlib
import json
import re
import signal
import socket
import time
from typing import TYPE_CHECKING

import pytest
from programs import COMMAND, DEVNULL, LISTENER, PIPE, STDOUT, TINYOCPP, Program, environment, run, start, urls

from tinyocpp.simulator import registers
from tinyocpp.simulator.cars import CARS, Kind
from tinyocpp.simulator.vices import VICES, Vice
from tinyocpp.storage import open_reader

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from conftest import House

CARD = "04A2B3C4"
QUICK = ("--energy-wh", "500", "--speed", "3600")
LIMIT_S = 30


class Listening:
    """The real listener on a port of this installation's own; can be killed and started again."""

    def __init__(self, house: House) -> None:
        self.house = house
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        house.configuration.write_text(house.configuration.read_text() + f"\n[listener]\nport = {port}\n")
        self.process: Program | None = None

    def start(self, *options: str) -> None:
        words = ["--config", self.house.configuration, *options]
        self.process = start(LISTENER, *words, stdout=PIPE, stderr=DEVNULL, env=environment())
        assert urls(self.process)

    def kill(self) -> None:
        assert self.process
        assert self.process.stdout
        self.process.kill()
        self.process.wait(LIMIT_S)
        self.process.stdout.close()

    @contextlib.contextmanager
    def simulating(self, *words: str) -> Iterator[Program]:
        words = ("simulate", "--config", str(self.house.configuration), *words)
        environ = environment(PYTHONUNBUFFERED="1")
        process = start(TINYOCPP, *words, stdout=PIPE, stderr=STDOUT, text=True, env=environ)
        try:
            yield process
        finally:
            process.kill()
            process.communicate()

    def command(self, *words: str) -> str:
        done = run(COMMAND, "--config", self.house.configuration, *words, env=environment())
        return done.stdout.strip() or done.stderr.strip()


@pytest.fixture
def listener(house: House) -> Iterator[Listening]:
    house.type("tag", "add", CARD, "--name", "Anna")
    listener = Listening(house)
    listener.start()
    yield listener
    listener.kill()


def booked(house: House) -> list[tuple[str, int, str, str]]:
    reader = open_reader(house.config())
    with contextlib.closing(reader):
        return [
            (one.id_tag, one.energy_wh, one.quality, one.reason) for one in reader.bookings(None, None, simulator=True)
        ]


def wait_for(process: Program, words: str) -> str:
    """The next line that says so; everything before it is gone."""
    assert process.stdout
    for line in process.stdout:
        if words in line:
            return line
    raise AssertionError(f"ended without {words!r}")


def test_a_charge_with_the_first_card_of_the_file(house: House, listener: Listening) -> None:
    code, out, err = house.type("simulate", *QUICK)
    assert (code, err) == (0, "")
    assert f"tag {CARD}: Accepted" in out
    assert "0.500 kWh, transaction 1: started, stopped, acknowledged." in out
    assert out.endswith("tinyocpp report --by transaction --with-simulator\n")
    assert booked(house) == [(CARD, 500, "measured", "Local")]


def test_an_offline_charge_is_booked_with_its_own_times(house: House, listener: Listening) -> None:
    code, out, _ = house.type("simulate", "--offline", "--json")
    assert code == 0
    result = json.loads(out)
    assert (result["outcome"], result["energy_wh"], result["acknowledged"]) == ("done", 2000, True)
    with contextlib.closing(open_reader(house.config())) as reader:
        [one] = reader.bookings(None, None, simulator=True)
    assert one.stopped_at is not None
    assert 600 < (one.stopped_at - one.started_at).total_seconds() < 1200
    assert one.energy_wh == 2000


def test_a_card_that_nobody_knows(house: House, listener: Listening) -> None:
    code, out, err = house.type("simulate", "--tag", "NOBODY", "--json")
    assert code == 1
    assert "tag NOBODY: Invalid; to let it charge: tinyocpp tag add NOBODY" in err
    result = json.loads(out)
    assert (result["outcome"], result["why"], "transaction_id" in result) == ("refused", "tag NOBODY: Invalid", True)
    assert booked(house) == []


def test_a_card_that_nobody_knows_offline_is_booked_all_the_same(house: House, listener: Listening) -> None:
    code, _, err = house.type("simulate", "--tag", "NOBODY", "--offline")
    assert (code, "tag NOBODY: Invalid" in err) == (1, True)
    assert [(id_tag, energy_wh) for id_tag, energy_wh, *_ in booked(house)] == [("NOBODY", 2000)]


def test_another_identity_needs_to_be_let_in(house: House, listener: Listening) -> None:
    assert house.type("simulate", "--charger", "garage", *QUICK)[0] == 0  # the first is adopted
    code, _, err = house.type("simulate", "--charger", "carport", *QUICK)
    assert (code, err.count("tinyocpp charger admit carport")) == (69, 1)
    assert house.type("charger", "admit", "carport")[0] == 0
    code, out, _ = house.type("simulate", "--charger", "carport", "--subprotocol", "none", *QUICK)
    assert (code, out.endswith("tinyocpp report --by transaction\n")) == (0, True)


def test_the_listener_dies_and_comes_back_in_the_middle(house: House, listener: Listening) -> None:
    with listener.simulating("--energy-wh", "1000", "--speed", "60") as process:
        wait_for(process, "transaction 1: Accepted")
        listener.kill()
        wait_for(process, "again in")
        listener.start()
        wait_for(process, "connected again")
        wait_for(process, "1.000 kWh, transaction 1: started, stopped, acknowledged.")
        assert process.wait(LIMIT_S) == 0
    assert booked(house) == [(CARD, 1000, "measured", "Local")]


def test_idle_obeys_commands_until_it_is_interrupted(house: House, listener: Listening) -> None:
    with listener.simulating("--idle") as process:
        wait_for(process, "BootNotification: Accepted")
        assert listener.command("RemoteStartTransaction", '{"idTag":"00000000"}') == '{"status":"Accepted"}'
        wait_for(process, "transaction 1: Accepted")
        assert listener.command("RemoteStopTransaction", '{"transactionId":1}') == '{"status":"Accepted"}'
        wait_for(process, "transaction ends at connector 1: Remote")
        roots = listener.command("GetInstalledCertificateIds", '{"certificateType":"CentralSystemRootCertificate"}')
        assert roots == '{"status":"NotFound"}'
        process.send_signal(signal.SIGINT)
        assert process.wait(LIMIT_S) == 0


def test_the_meter_goes_on_where_it_stopped(house: House, listener: Listening) -> None:
    first, second = (json.loads(house.type("simulate", "--json", *QUICK)[1]) for _ in range(2))
    assert first["meter_start_wh"] == registers.FIRST_WH
    assert first["meter_stop_wh"] == second["meter_start_wh"]


def test_nobody_listens(house: House) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"ws://127.0.0.1:{probe.getsockname()[1]}/"
        code, _, err = house.type("simulate", "--tag", CARD, "--url", url)
    assert (code, "is tinyocpp-listener running?" in err) == (69, True)


def test_no_card_to_show(house: House) -> None:
    code, _, err = house.type("simulate")
    assert (code, "tinyocpp tag add" in err, "--tag" in err) == (64, True, True)
    house.type("tag", "add", CARD, "--blocked")
    assert house.type("simulate")[0] == 64


@pytest.mark.parametrize(
    "words",
    [
        ("--speed", "0"),
        ("--speed", "fast"),
        ("--speed", "nan"),
        ("--energy-wh", "-5"),
        ("--phases", "4"),
        ("--connectors", "0"),
        ("--connectors", "1.5"),
        ("--subprotocol", "ocpp2.0.1"),
        ("--charger", "../../x"),
        ("--charger", ""),
        ("--url", "http://example.org/"),
        ("--offline", "--idle"),
        ("--vice", "laziness"),
        ("--car", "lorry"),
        ("--charger", "A", "--charger", "B"),
        ("--idle", "--charger", "A", "--charger", "a"),
        ("--house", "missing.csv"),
        ("--meter-file", "meter.json"),
        ("--house", "missing.csv", "--meter-file", "meter.json"),
        ("--house", "missing.csv", "--meter-file", "meter.json", "--offline"),
        ("--meter-interval", "0"),
        ("--house-battery-wh", "0"),
    ],
)
def test_misuse(house: House, words: tuple[str, ...]) -> None:
    code, out, err = house.type("simulate", "--tag", CARD, *words)
    assert (code, out) == (64, "")
    assert err.startswith("tinyocpp")
    assert err.count("\n") == 1


def test_a_vice_that_was_misspelt(house: House) -> None:
    assert "there is no 'watt-only'; did you mean 'watts-only'?" in house.type("simulate", "--vice", "watt-only")[2]


@pytest.mark.parametrize(("option", "table"), [("--vice", VICES), ("--car", CARS)])
def test_what_there_is_to_choose_from(house: House, option: str, table: Mapping[str, Vice | Kind]) -> None:
    code, out, _ = house.type("simulate", option, "list")
    rows = dict(re.split(r" {2,}", line, maxsplit=1) for line in out.splitlines())
    assert (code, rows) == (0, {name: row.does for name, row in table.items()})
    assert json.loads(house.type("simulate", option, "list", "--json")[1]) == rows


def test_a_car_and_a_vice(house: House, listener: Listening) -> None:
    """A charger that measures nothing is believed its registers."""
    chosen = ("--car", "hybrid", "--vice", "measures-nothing", "--vice", "coarse-steps")
    assert house.type("simulate", *QUICK, *chosen)[0] == 0
    assert booked(house) == [(CARD, 500, "measured", "Local")]


SUNNY = "time_s,pv_w,load_w\n0,8000,500\n86400,8000,500\n"


def test_a_house_around_a_charge(house: House, listener: Listening) -> None:
    """The meter's last word: the car has gone, and the roof feeds in."""
    trace, meter = house.folder / "day.csv", house.folder / "meter.json"
    trace.write_text(SUNNY)
    words = (
        "--house",
        str(trace),
        "--meter-file",
        str(meter),
        "--meter-interval",
        "0.05",
        "--house-battery-wh",
        "5000",
    )
    assert house.type("simulate", *QUICK, *words)[0] == 0
    shown = json.loads(meter.read_text())
    assert shown.keys() == {"grid_w", "l1_a", "l2_a", "l3_a", "pv_w", "battery_w", "battery_soc"}
    assert shown["grid_w"] == pytest.approx(500 - 8000 + shown["battery_w"], abs=0.2)
    assert shown["l1_a"] == pytest.approx(shown["grid_w"] / 690, abs=0.01)


@pytest.mark.parametrize(
    ("trace", "meter", "words"),
    [
        ("time_s,pv_w\n", "meter.json", "day.csv: no column load_w"),
        ("time_s,pv_w,load_w\n0,1,2\n0,1,2\n", "meter.json", "day.csv:3: "),
        (SUNNY, "missing/meter.json", "missing/meter.json: No such file or directory"),
    ],
    ids=["no column", "a row", "no folder"],
)
def test_a_house_that_cannot_be(house: House, listener: Listening, trace: str, meter: str, words: str) -> None:
    (house.folder / "day.csv").write_text(trace)
    places = ("--house", str(house.folder / "day.csv"), "--meter-file", str(house.folder / meter))
    code, _, err = house.type("simulate", *QUICK, *places)
    assert (code, words in err, err.count("\n")) == (64, True, 1)


def test_several_chargers_in_one_house(house: House, listener: Listening) -> None:
    """Both show the card; what their cars draw is on the house's meter."""
    house.type("tag", "add", CARD, "--transactions", "2")
    house.configuration.write_text(house.configuration.read_text() + '[chargers]\nadmit = "any"\n')
    listener.kill()
    listener.start()
    trace, meter = house.folder / "day.csv", house.folder / "meter.json"
    trace.write_text("time_s,pv_w,load_w\n0,0,690\n9,0,690\n")
    words = ["--idle", "--charger", "garage", "--charger", "carport", "--tag", CARD, "--house", str(trace)]
    with listener.simulating(*words, "--meter-file", str(meter), "--meter-interval", "0.05") as running:
        for _ in range(2):
            assert wait_for(running, "transaction begins").split()[1] in ("garage:", "carport:")
        deadline = time.monotonic() + LIMIT_S
        while (shown := json.loads(meter.read_text()))["grid_w"] < 690 + 2 * 11_000:
            assert time.monotonic() < deadline, shown
    assert shown == {"grid_w": 22690.0, "l1_a": 32.88, "l2_a": 32.88, "l3_a": 32.88, "pv_w": 0.0}


@pytest.mark.parametrize("text", ["", "[]", "nonsense", '{"cp": "high"}', '{"cp": -1}', '{"other": 5}'])
def test_registers_nobody_can_read(tmp_path: Path, text: str) -> None:
    (tmp_path / registers.FILE).write_text(text)
    assert registers.recall(tmp_path, "CP") == registers.FIRST_WH
    registers.keep(tmp_path, "CP", 77)
    assert registers.recall(tmp_path, "cp") == 77


def test_registers_nobody_can_write(tmp_path: Path) -> None:
    registers.keep(tmp_path / "missing", "CP", 77)
    assert registers.recall(tmp_path / "missing", "CP") == registers.FIRST_WH
