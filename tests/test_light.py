"""The stdio path starts with every connection of a charger, so what it does not need it does not import."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tinyocpp.storage.authority import FileAuthority

SOURCE = Path(__file__).resolve().parent.parent / "src"
PATIENCE_S = 30

# Each would cost between 3 and 60 ms, or memory, at every start.
HEAVY = {
    "argparse", "ast", "asyncio", "concurrent", "cryptography", "ctypes", "dataclasses", "difflib", "email",
    "hashlib", "html", "http", "importlib.metadata", "inspect", "json", "logging", "multiprocessing", "pathlib",
    "pickle", "queue", "random", "secrets", "shutil", "socket", "ssl", "struct", "subprocess", "tempfile",
    "threading", "tomlkit", "traceback", "unittest", "urllib", "websockets", "zoneinfo",
}  # fmt: skip

# The tests' tools bring typing_extensions, which msgspec imports where it is there; what we install does not have it.
AS_INSTALLED = "import sys; sys.modules['typing_extensions'] = None"

CONVERSATION = """\
[2,"1","BootNotification",{"chargePointVendor":"V","chargePointModel":"M"}]
[2,"2","StartTransaction",{"connectorId":1,"idTag":"04A2B3C4","meterStart":0,"timestamp":"2026-06-01T12:00:00Z"}]
[2,"3","MeterValues",{"connectorId":1,"transactionId":1,"meterValue":[{"timestamp":"2026-06-01T12:01:00Z",
"sampledValue":[{"value":"10"}]}]}]
[2,"4","StopTransaction",{"transactionId":1,"meterStop":20,"timestamp":"2026-06-01T12:02:00Z"}]
"""


BOOT = CONVERSATION.splitlines(keepends=True)[0]

# What a charger that is known, and boots, does not wait for.
LATER = {
    *(f"errands.{name}" for name in ("booting", "certificates", "limiting", "locallist", "sampling", "stopping")),
    *(f"handlers.{name}" for name in ("access", "answers", "authorization", "certificates", "notices", "status")),
    *(f"messages.{name}" for name in ("core", "core_central", "samples", "security", "smart_charging")),
    *(f"storage.{name}" for name in ("hindsight", "reading", "sampling", "sqlite_reader", "statuses", "whose")),
    "dealings", "handlers.transactions", "leniency.frame", "leniency.payload", "leniency.repair", "leniency.values",
    "limits", "manners", "metering", "meterkinds", "solar",
}  # fmt: skip


@pytest.mark.parametrize("said", ["", CONVERSATION], ids=["start and end", "a charge"])
def test_the_backend_is_light(said: str, tmp_path: Path) -> None:
    modules = loaded_by(said, tmp_path)
    assert HEAVY & modules == set()
    ours = {name.split(".")[1] for name in modules if name.startswith("tinyocpp.")}
    assert ours & {"cli", "companions", "simulator", "meters", "meterkinds"} == set()


def test_the_first_frame_waits_for_nothing_it_does_not_need(tmp_path: Path) -> None:
    loaded_by(BOOT, tmp_path)
    assert {f"tinyocpp.{name}" for name in LATER} & loaded_by(BOOT, tmp_path) == set()


def loaded_by(said: str, home: Path) -> set[str]:
    """The modules a backend has loaded that has answered this much and ended."""
    code = f"{AS_INSTALLED}; from tinyocpp.hosts.stdio import main; print(main(), *sys.modules, file=sys.stderr)"
    homes = {f"XDG_{what}": str(home / what) for what in ("STATE_HOME", "RUNTIME_DIR", "CONFIG_HOME")}
    ran = subprocess.run(
        [sys.executable, "-S", "-c", code, "--charger", "garage"],
        env={**homes, "PATH": os.defpath, "PYTHONPATH": os.pathsep.join([str(SOURCE), *site_packages()])},
        input=said,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )
    status, *modules = ran.stderr.splitlines()[-1].split()
    assert (status, ran.stdout.count("\n")) == ("0", said.count("[2,"))
    return set(modules)


def site_packages() -> list[str]:
    """For an interpreter started with -S: what a .pth file imports is not our doing."""
    return [folder for folder in sys.path if folder.endswith("site-packages")]


def test_tinyocpp_command_does_without_the_listeners_modules() -> None:
    """It is typed by hand and called by scripts, often."""
    code = f"{AS_INSTALLED}; from tinyocpp.cli.command import main; print(*sys.modules)"
    search = os.pathsep.join([str(SOURCE), *site_packages()])
    ran = subprocess.run(
        [sys.executable, "-S", "-c", code],
        env={"PYTHONPATH": search},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=True,
    )
    modules = set(ran.stdout.split())
    assert modules & {"asyncio", "logging", "ssl", "http", "sqlite3", "websockets", "tomlkit", "email"} == set()


LISTENING_OVER_TLS = """
import asyncio, os, sys
from tinyocpp.config import load
from tinyocpp.hosts.websocket import Listener

async def once():
    listener = Listener(load(sys.argv[1], {}), host="127.0.0.1", port=0)
    await listener.start()
    await listener.stop()

asyncio.run(once())
print(*sys.modules)
"""


def test_the_listener_signs_nothing_until_it_is_asked(tmp_path: Path) -> None:
    """The package that makes certificates is 9 MB and a tenth of a second; their ends are read without it."""
    now = datetime.now(UTC)
    ca = FileAuthority(str(tmp_path / "ca"))
    ca.create("Root", "Home", ["127.0.0.1"], now - timedelta(days=5 * 365 - 3), 20)
    files = [f'{key} = ["ca/rsa.{ending}"]' for key, ending in (("certificate", "pem"), ("key", "key"))]
    (tmp_path / "tinyocpp.toml").write_text("\n".join(["[paths]", 'runtime = "run"', "[listener.tls]", *files]))
    ran = subprocess.run(
        [sys.executable, "-c", LISTENING_OVER_TLS, str(tmp_path / "tinyocpp.toml")],
        env={"PYTHONPATH": os.pathsep.join([str(SOURCE), *site_packages()])},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=True,
    )
    assert "runs out in 2 days" in ran.stderr
    assert {"cryptography", "tinyocpp.storage.signing"} & set(ran.stdout.split()) == set()
