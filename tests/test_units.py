"""The systemd units: understood by systemd, hardened, the same for both services, and the inetd way really tried."""

import re
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from programs import BACKEND, command

TOP = Path(__file__).resolve().parent.parent
UNITS = TOP / "systemd"
PATIENCE_S = 30
WORST_EXPOSURE = 2.0  # of 10, as `systemd-analyze security` counts; measured 1.6


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """A copy that starts the programs of this clone."""
    for unit in UNITS.iterdir():
        (tmp_path / unit.name).write_text(unit.read_text().replace("/opt/tinyocpp", str(TOP)))
    return tmp_path


def analyze(*arguments: str | Path) -> str:
    ran = subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True, timeout=PATIENCE_S)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout + ran.stderr


def test_systemd_understands_them(units: Path) -> None:
    said = analyze("verify", *sorted(units.iterdir()))
    assert [line for line in said.splitlines() if "tinyocpp" in line] == []


@pytest.mark.parametrize("unit", ["tinyocpp.service", "tinyocpp-backend@.service"])
def test_services_are_hardened(units: Path, unit: str) -> None:
    said = analyze("security", "--offline=true", "--no-pager", units / unit)
    (exposure,) = re.findall(r"exposure level for .*: ([\d.]+) ", said)
    assert float(exposure) <= WORST_EXPOSURE


def test_both_services_are_confined_alike() -> None:
    own = {"ExecStart", "ExecReload", "Environment", "Restart", "RestartSec", "RestartPreventExitStatus"}
    own |= {"StandardInput", "StandardOutput", "StandardError"}
    own |= {"RuntimeDirectory", "RuntimeDirectoryMode", "ReadWritePaths"}  # the listener makes it, the backends use it
    confined = []
    for name in ("tinyocpp.service", "tinyocpp-backend@.service"):
        service = (UNITS / name).read_text().partition("[Service]")[2].partition("[Install]")[0]
        settings = [line for line in service.splitlines() if re.match(r"[A-Z]\w+=", line)]
        confined.append([line for line in settings if line.partition("=")[0] not in own])
    assert confined[0] == confined[1]


@pytest.fixture
def inetd_port(tmp_path: Path) -> Iterator[int]:
    """tinyocpp-backend behind a plain TCP port, a process for each connection, as the socket unit has it."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    settings = {f"XDG_{what}": str(tmp_path / what) for what in ("STATE_HOME", "RUNTIME_DIR", "CONFIG_HOME")}
    backend = [*command(BACKEND), "--charger", "garage"]
    passed_on = [f"--setenv={key}={value}" for key, value in {**settings, "PYTHONPATH": str(TOP / "src")}.items()]
    server = subprocess.Popen(
        ["systemd-socket-activate", "--accept", "--inetd", f"--listen=127.0.0.1:{port}", *passed_on, *backend],
        stderr=subprocess.PIPE,
        text=True,
    )
    assert server.stderr is not None
    for line in server.stderr:  # it says so when it listens
        if "Listening" in line:
            break
    yield port
    server.terminate()
    server.wait(PATIENCE_S)
    server.stderr.close()


def test_as_inetd_runs_it(inetd_port: int) -> None:
    """A plain TCP connection, a line per frame; the second connection finds what the first has booked."""
    boot = '[2,"1","BootNotification",{"chargePointVendor":"V","chargePointModel":"M"}]\n'
    start = (
        '[2,"2","StartTransaction",{"connectorId":1,"idTag":"04A2B3C4","meterStart":100,'
        '"timestamp":"2026-06-01T12:00:00Z"}]\n'
    )
    answers = [converse(inetd_port, boot + start), converse(inetd_port, start.replace('"2"', '"3"'))]
    assert answers[0][0].startswith('[3,"1",{"status":"Accepted",')
    assert answers[0][1].startswith('[3,"2",{"idTagInfo":')
    assert answers[1] == [answers[0][1].replace('"2"', '"3"')]


def converse(port: int, text: str) -> list[str]:
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as line:
        line.sendall(text.encode())
        line.shutdown(socket.SHUT_WR)
        with line.makefile() as answers:
            return answers.read().splitlines()
