"""tinyocpp-listener as a program: what it prints, its signals and exit codes, with either engine."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import shutil
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import programs
import pytest
from listening import BOOT, Charger, Site, within
from programs import LISTENER, PIPE, environment, run, urls
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ANY = '[chargers]\nadmit = "any"'
needs_websocketd = pytest.mark.skipif(
    shutil.which("websocketd") is None and "CI" not in os.environ, reason="websocketd is not installed"
)
ENGINES = ["builtin", pytest.param("websocketd", marks=needs_websocketd)]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path, ANY)


class Program:
    """A running tinyocpp-listener that has said it is ready."""

    def __init__(self, process: programs.Program) -> None:
        self.process = process
        self.urls: list[str] = []
        self.err = b""

    @property
    def port(self) -> int:
        return int(re.findall(r":(\d+)/", self.urls[0])[0])

    async def greeted(self) -> Program:
        self.urls = await asyncio.to_thread(urls, self.process)
        return self

    async def stopped(self, number: int = signal.SIGTERM) -> tuple[int | None, float]:
        """The exit code, and how long it took."""
        began = time.monotonic()
        self.process.send_signal(number)
        self.err += (await asyncio.to_thread(self.process.communicate))[1]
        return self.process.returncode, time.monotonic() - began

    @contextlib.asynccontextmanager
    async def charger(self, identity: str = "garage", scheme: str = "ws", **options: Any) -> AsyncIterator[Charger]:
        url = f"{scheme}://127.0.0.1:{self.port}/ocpp/{identity}"
        defaults: dict[str, Any] = {"subprotocols": ["ocpp1.6"], "compression": None, "proxy": None, "close_timeout": 1}
        async with connect(url, **(defaults | options)) as socket:
            yield Charger(socket)


def start(site: Site, *words: str) -> programs.Program:
    return programs.start(LISTENER, "--config", site.file, *words, stdout=PIPE, stderr=PIPE, env=environment())


@contextlib.asynccontextmanager
async def listening(site: Site, *words: str) -> AsyncIterator[Program]:
    with start(site, "--port", "0", *words) as process:
        try:
            yield await Program(process).greeted()
        finally:
            process.kill()


async def failed(site: Site, *words: str, **environ: str) -> tuple[int | None, str]:
    options = {"said": b"", "env": environment(**environ)}
    ended = await asyncio.to_thread(run, LISTENER, "--config", site.file, *words, **options)
    assert ended.stdout == b""
    return ended.returncode, ended.stderr.decode()


@pytest.mark.parametrize("engine", ENGINES)
@within(30)
async def test_urls_a_charger_and_a_clean_end(site: Site, engine: str) -> None:
    async with listening(site, "--engine", engine) as program:
        assert all(re.fullmatch(r"ws://([\d.]+|\[[\da-f:]+\]):\d+/", url) for url in program.urls)
        async with program.charger("Garage") as garage:
            assert (await garage.boot())["status"] == "Accepted"
            assert garage.socket.subprotocol == "ocpp1.6"
            code, took_s = await program.stopped()
            await garage.closed()
        assert (code, program.err.decode()) == (0, "")
        assert took_s < 5


@needs_websocketd
@within(30)
async def test_commands_reach_a_charger_behind_websocketd(site: Site) -> None:
    async with listening(site, "--engine", "websocketd") as program, program.charger() as garage:
        await garage.boot()
        with site.command_client() as client:
            asked = asyncio.create_task(asyncio.to_thread(client.call, "ClearCache", b"{}", timeout_s=10))
            message_id, _, _ = await garage.next_call()
            await garage.answer(message_id, {"status": "Accepted"})
            assert await asked == b'{"status":"Accepted"}'


@needs_websocketd
@within(30)
async def test_websocketd_does_not_outlive_a_listener_that_was_killed(site: Site) -> None:
    async with listening(site, "--engine", "websocketd") as program, program.charger() as garage:
        await garage.boot()
        assert (await program.stopped(signal.SIGKILL))[0] == -signal.SIGKILL
        await garage.closed()
        with pytest.raises(OSError, match="Connect"):
            async with program.charger():
                pass


@needs_websocketd
@within(30)
async def test_the_newest_connection_wins_behind_websocketd(site: Site) -> None:
    async with listening(site, "--engine", "websocketd") as program, program.charger() as older:
        await older.boot()
        async with program.charger() as newer:
            assert (await newer.boot())["status"] == "Accepted"
            await older.closed()
            assert "currentTime" in await newer.ask("Heartbeat", {})


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
@pytest.mark.parametrize("engine", ENGINES)
@within(30)
async def test_one_address_only(site: Site, engine: str, host: str) -> None:
    async with listening(site, "--engine", engine, "--host", host) as program:
        assert program.urls == [f"ws://{host if '.' in host else f'[{host}]'}:{program.port}/"]
        options: dict[str, Any] = {"subprotocols": ["ocpp1.6"], "proxy": None}
        async with connect(program.urls[0] + "garage", **options) as socket:
            await socket.send(json.dumps([2, "1", "BootNotification", BOOT]))
            assert json.loads(await socket.recv())[0] == 3


@within(30)
async def test_a_client_that_never_closes_delays_the_end_by_little(site: Site) -> None:
    async with listening(site) as program, program.charger() as garage:
        await garage.boot()
        garage.socket.transport.pause_reading()
        code, took_s = await program.stopped(signal.SIGINT)
        assert (code, took_s < 5) == (0, True)


@within(30)
async def test_sighup_reads_configuration_and_tags_again(site: Site) -> None:
    site.write("")
    tags = site.folder / "tags.toml"
    async with listening(site) as program, program.charger() as garage:
        await garage.boot()
        with pytest.raises(InvalidStatus):
            async with program.charger("carport"):
                pass
        assert (await garage.ask("Authorize", {"idTag": "04A2B3C4"}))["idTagInfo"]["status"] == "Invalid"
        site.write(ANY)
        tags.write_text('[[tag]]\nid = "04A2B3C4"\n')
        program.process.send_signal(signal.SIGHUP)
        await said(program, "event=reloaded")
        assert (await garage.ask("Authorize", {"idTag": "04A2B3C4"}))["idTagInfo"]["status"] == "Accepted"
        async with program.charger("carport") as carport:
            assert (await carport.boot())["status"] == "Accepted"
        site.file.write_text("nonsense")
        program.process.send_signal(signal.SIGHUP)
        await said(program, "event=not_reloaded")
        async with program.charger("shed"):
            pass
        assert (await program.stopped())[0] == 0


async def said(program: Program, text: str) -> None:
    assert program.process.stderr is not None
    while text not in (line := (await asyncio.to_thread(program.process.stderr.readline)).decode()):
        assert line, f"ended without saying {text}"
        program.err += line.encode()


@pytest.mark.parametrize("engine", ENGINES)
@within(30)
async def test_what_cannot_be(site: Site, engine: str) -> None:
    async with listening(site) as program:
        port = str(program.port)
        code, err = await failed(site, "--engine", engine, "--port", port)
        assert (code, err.count("\n"), f"port {port} is in use" in err) == (69, 1, True)
    code, err = await failed(site, "--engine", engine, "--host", "192.0.2.99", "--port", "0")
    assert (code, err.count("\n"), "no address of this machine" in err) == (78, 1, True)
    assert (await failed(site, "--engine", engine, "--port", "70000"))[0] == 64
    site.file.write_text("[listener]\nport = 0\n")
    assert (await failed(site, "--engine", engine))[0] == 78


@within(30)
async def test_a_ledger_that_cannot_be_opened(site: Site) -> None:
    (site.folder / "accounting.sqlite3").write_text("this is no database, but long enough to be looked at" * 50)
    code, err = await failed(site, "--port", "0")
    assert (code, err.count("\n"), "accounting.sqlite3" in err) == (74, 1, True)


@within(30)
async def test_websocketd_is_refused_where_certificates_are_asked_for(site: Site) -> None:
    site.write(
        '[listener.tls]\ncertificate = ["c.pem"]\nkey = ["k.pem"]\nclient_ca = "ca.pem"\n'
        "[charger.garage]\nsecurity_profile = 3"
    )
    code, err = await failed(site, "--engine", "websocketd")
    assert (code, "charger.garage.security_profile" in err, "--engine builtin" in err) == (78, True, True)


@within(30)
async def test_a_missing_websocketd_is_named(site: Site) -> None:
    assert await failed(site, "--engine", "websocketd", PATH="/nowhere") == (
        69,
        "tinyocpp-listener: websocketd is not installed: apt install websocketd, or use --engine builtin\n",
    )


# The control program beside it.

STEERS = """
[meter]
kind = "file"
path = "meter.json"
[control]
interval_s = 0.1
"""


async def control_of(site: Site, but: int = 0) -> int:
    """The process that wrote the notes, once it is another than `but`."""
    while True:
        with contextlib.suppress(FileNotFoundError):
            if (pid := json.loads((site.runtime / "control.json").read_text())["pid"]) != but:
                return int(pid)
        await asyncio.sleep(0.02)


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


@pytest.mark.parametrize("engine", ENGINES)
@within(60)
async def test_the_control_program_is_begun_begun_anew_and_ended_with_it(tmp_path: Path, engine: str) -> None:
    site = Site(tmp_path, ANY + STEERS)
    (tmp_path / "meter.json").write_text("-100")
    program = await Program(start(site, "--port", "0", "--engine", engine)).greeted()
    first = await control_of(site)
    os.kill(first, signal.SIGKILL)
    second = await control_of(site, first)
    program.process.send_signal(signal.SIGHUP)
    third = await control_of(site, second)
    code, took_s = await program.stopped()
    assert code == 0
    assert took_s < 5
    assert all(map(gone, (first, second, third)))
    assert b"event=control_ended code=-9" in program.err


@pytest.mark.parametrize("engine", ENGINES)
@within(60)
async def test_the_control_program_never_outlives_it(tmp_path: Path, engine: str) -> None:
    site = Site(tmp_path, ANY + STEERS)
    program = await Program(start(site, "--port", "0", "--engine", engine)).greeted()
    control = await control_of(site)
    program.process.kill()
    while not gone(control):
        await asyncio.sleep(0.02)


@within(30)
async def test_without_a_sun_or_a_house_there_is_no_control_program(site: Site) -> None:
    program = await Program(start(site, "--port", "0")).greeted()
    tasks = Path(f"/proc/{program.process.pid}/task").iterdir()
    assert not any((task / "children").read_text() for task in tasks)
    await program.stopped()
