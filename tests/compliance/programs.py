"""One installation whose listener is a process of its own, and what an owner types beside it.

`Installation` writes the configuration and the tags file and runs programs; `Listener` is the running server. Nothing
here reaches into our code, but for reading what was booked from the ledger.
"""

from __future__ import annotations

import asyncio
import signal
import threading
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from listening import Site, charger
from programs import COMMAND, LISTENER, PIPE, TINYOCPP, run, start

from compliance.charge_point import ChargePoint
from tinyocpp.storage import open_reader

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from listening import Charger

    from tinyocpp.hosts.websocket import Listener as InProcess
    from tinyocpp.storage import ConnectorStatus

PATIENCE_S = 20.0
ANY = '[chargers]\nadmit = "any"'

# What a run of the compliance tool asks for: one accepted, one more of its group, one blocked, one expired, and one
# that nobody knows.
ACCEPTED, SAME_GROUP, BLOCKED, EXPIRED, INVALID = "ACCEPTED01", "ACCEPTED02", "BLOCKED01", "EXPIRED01", "INVALID01"
GROUP = "FLEET7"
TAGS = f"""
[[tag]]
id = "{ACCEPTED}"
group = "{GROUP}"
transactions = 99
[[tag]]
id = "{SAME_GROUP}"
group = "{GROUP}"
transactions = 99
[[tag]]
id = "{BLOCKED}"
blocked = true
[[tag]]
id = "{EXPIRED}"
expires = 2020-01-01
"""


class Said(NamedTuple):
    """What a program ended with."""

    code: int
    out: str
    err: str


class Installation(Site):
    def __init__(self, folder: Path, text: str = ANY, tags: str = TAGS) -> None:
        super().__init__(folder, text)
        self.tags = folder / "tags.toml"
        self.tags.write_text(tags)

    def listener(self, *options: str) -> Listener:
        """On a free port of the loopback unless the options say otherwise."""
        return Listener(self, options or ("--host", "127.0.0.1", "--port", "0"))

    async def run(self, module: str, *words: str, stdin: str = "") -> Said:
        """A program of ours, from its start to its end."""
        ended = await asyncio.to_thread(run, module, "--config", self.file, *words, said=stdin, timeout=PATIENCE_S)
        return Said(ended.returncode, ended.stdout, ended.stderr)

    async def command(self, charger_id: str, action: str, payload: str = "{}", *options: str) -> Said:
        """tinyocpp-command, with the payload as it is typed."""
        return await self.run(COMMAND, "--charger", charger_id, *options, action, payload)

    async def tinyocpp(self, *words: str, stdin: str = "") -> Said:
        said = await self.run(TINYOCPP, *words, stdin=stdin)
        assert "Traceback" not in said.err, said.err
        return said

    def booked(self, charger_id: str) -> list[tuple[str, int, str, str]]:
        """Tag, Wh, quality and reason of all that was booked for this charger, in order."""
        with closing(open_reader(self.config())) as reader:
            found = reader.bookings(None, None, charger_id=charger_id)
            return [(one.id_tag, one.energy_wh, str(one.quality), one.reason) for one in found]

    def connector(self, charger_id: str, connector_id: int = 1) -> ConnectorStatus:
        with closing(open_reader(self.config())) as reader:
            (found,) = (one for one in reader.chargers() if one.registered.charger_id == charger_id)
            return next(one for one in found.connectors if one.connector_id == connector_id)


class Listener:
    """tinyocpp-listener in a process of its own, ready for chargers; its log is read as it comes."""

    def __init__(self, site: Installation, options: tuple[str, ...]) -> None:
        self.site = site
        self._process = start(LISTENER, "--config", site.file, *options, stdout=PIPE, stderr=PIPE, text=True)
        self._log: list[str] = []
        self._news = threading.Condition()
        self._ended = False
        self._reading = threading.Thread(target=self._read_log)
        self._reading.start()
        self.urls = self._urls()
        self.ports = {url.partition(":")[0]: int(url.rstrip("/").rpartition(":")[2]) for url in self.urls}

    def __enter__(self) -> Listener:
        return self

    def __exit__(self, *_: object) -> None:
        self.end(signal.SIGKILL)

    def charge_point(self, identity: str, **options: Any) -> ChargePoint:
        """To be entered with `async with`; raises InvalidStatus when the listener will not have it."""
        scheme = "wss" if "ssl" in options else "ws"
        return ChargePoint(self.site, f"{scheme}://127.0.0.1:{self.ports[scheme]}", identity, options)

    def plain(self, identity: str, **options: Any) -> AbstractAsyncContextManager[Charger]:
        """A charger that says what it is told to, frame by frame."""
        return charger(cast("InProcess", self), identity, **options)  # all it looks at is `ports`

    async def logged(self, text: str, times: int = 1) -> str:
        """Wait for the line with this text, or for the nth such; the line."""
        return await asyncio.to_thread(self._wait_for, text, times)

    def reload(self) -> None:
        self._process.send_signal(signal.SIGHUP)

    def end(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, float]:
        """Its exit code, and how many seconds it took to end."""
        began = time.monotonic()
        if self._process.poll() is None:
            self._process.send_signal(number)
        code = self._process.wait(PATIENCE_S)
        took_s = time.monotonic() - began
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._reading.join(PATIENCE_S)
        return code, took_s

    @property
    def log(self) -> str:
        with self._news:
            return "".join(self._log)

    def _urls(self) -> list[str]:
        assert self._process.stdout is not None
        urls: list[str] = []
        for line in self._process.stdout:
            if "://" in line:
                urls.append(line.strip())
            elif line.endswith("ready\n"):
                return urls
        raise AssertionError(f"exit code {self._process.wait(PATIENCE_S)}: {self.log}")

    def _read_log(self) -> None:
        assert self._process.stderr is not None
        with self._process.stderr as stream:
            for line in stream:
                with self._news:
                    self._log.append(line)
                    self._news.notify_all()
        with self._news:
            self._ended = True
            self._news.notify_all()

    def _wait_for(self, text: str, times: int) -> str:
        def found() -> list[str]:
            return [line for line in self._log if text in line]

        with self._news:
            self._news.wait_for(lambda: self._ended or len(found()) >= times, PATIENCE_S)
            assert len(found()) >= times, f"{text!r} was not said {times} times: {''.join(self._log)}"
            return found()[times - 1]
