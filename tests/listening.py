"""A listener in this process, on free ports and data of its own, and chargers that connect to it.

`within` runs a test's coroutine with an end; `Site` is one installation; `Charger` speaks plain frames through the
library's own client, and `raw_request` any bytes at all.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import functools
import itertools
import json
import os
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import msgspec
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tinyocpp.companions.commandclient import CommandClient, open_charger
from tinyocpp.config import Config, load
from tinyocpp.hosts.websocket import Listener

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from websockets.asyncio.client import ClientConnection

BOOT = {"chargePointVendor": "Wallbe", "chargePointModel": "Pro"}
ACCEPTED = {"status": "Accepted"}


SLOW = 3  # so many times longer a busy machine may take than the one these patiences were made on


def within(seconds: float) -> Callable[[Callable[..., Awaitable[None]]], Callable[..., None]]:
    """The test is a coroutine, and hangs when it takes so long even on a slow machine."""

    def decorate(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
        @functools.wraps(test)
        def run(*args: Any, **kwargs: Any) -> None:
            async def bounded() -> None:
                async with asyncio.timeout(SLOW * seconds):
                    await test(*args, **kwargs)

            asyncio.run(bounded())

        return run

    return decorate


class Site:
    """A folder with a configuration; everything else is made beside it."""

    def __init__(self, folder: Path, text: str = "") -> None:
        self.folder = folder
        self.runtime = folder / "run"
        self.file = folder / "tinyocpp.toml"
        self.write(text)

    def write(self, text: str) -> None:
        """Tables besides [paths]; the runtime directory is always ours."""
        self.file.write_text(f'{text}\n[paths]\nruntime = "run"\n')

    def config(self, **listener: Any) -> Config:
        """With what no file may say, such as pings every few milliseconds."""
        config = load(str(self.file), {})
        return msgspec.structs.replace(config, listener=msgspec.structs.replace(config.listener, **listener))

    @asynccontextmanager
    async def listening(self, config: Config | None = None, **options: Any) -> AsyncIterator[Listener]:
        listener = Listener(config or self.config(), **({"port": 0} | options))
        await listener.start()
        try:
            yield listener
        finally:
            await listener.stop()

    def command_client(self, charger_id: str | None = None) -> CommandClient:
        return open_charger([str(self.runtime)], charger_id)


class Charger:
    """The charger's end. Frames of the central system that are calls wait in `calls`."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.calls: list[list[Any]] = []
        self._ids = itertools.count(1)

    async def ask(self, action: str, payload: dict[str, Any]) -> Any:
        """The payload of the answer, or the whole CALLERROR."""
        message_id = f"c{next(self._ids)}"
        await self.socket.send(json.dumps([2, message_id, action, payload]))
        return await self.answer_to(message_id)

    async def answer_to(self, message_id: str) -> Any:
        while True:
            frame = json.loads(await self.socket.recv())
            if frame[0] == 2:
                self.calls.append(frame)
            elif frame[1] == message_id:
                return frame[2] if frame[0] == 3 else frame

    async def next_call(self) -> list[Any]:
        """The next call of the central system: message id, action, payload."""
        if self.calls:
            return self.calls.pop(0)[1:]
        frame = json.loads(await self.socket.recv())
        assert frame[0] == 2, frame
        return frame[1:]

    async def answer(self, message_id: str, payload: dict[str, Any]) -> None:
        await self.socket.send(json.dumps([3, message_id, payload]))

    async def closed(self) -> int | None:
        """Wait for the other end to close; with which code it did."""
        with contextlib.suppress(ConnectionClosed):
            while True:
                await self.socket.recv()
        return self.socket.close_code

    async def boot(self) -> Any:
        return await self.ask("BootNotification", BOOT)


@asynccontextmanager
async def charger(listener: Listener, identity: str = "garage", **options: Any) -> AsyncIterator[Charger]:
    """Connected and let in; raises InvalidStatus when refused."""
    host = options.pop("host", "127.0.0.1")
    scheme = "wss" if "ssl" in options else "ws"
    url = f"{scheme}://{host}:{listener.ports[scheme]}/{identity}"
    defaults: dict[str, Any] = {"subprotocols": ["ocpp1.6"], "compression": None, "proxy": None, "close_timeout": 1}
    async with connect(url, **(defaults | options)) as socket:
        yield Charger(socket)


def basic(user: str, password: bytes) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(user.encode() + b":" + password).decode()}


UPGRADE = {
    "Host": "192.0.2.1",
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Protocol": "ocpp1.6",
}


async def raw_request(
    listener: Listener, target: str, headers: dict[str, str | None] | None = None, *, rest: bytes = b""
) -> tuple[int, dict[str, str], asyncio.StreamReader, asyncio.StreamWriter]:
    """An upgrade request of our own making (None leaves a header out), with `rest` in the same breath; status, headers
    and the open connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", listener.ports["ws"])
    chosen = {name: value for name, value in (UPGRADE | (headers or {})).items() if value is not None}
    lines = [f"GET {target} HTTP/1.1", *(f"{name}: {value}" for name, value in chosen.items()), "", ""]
    writer.write("\r\n".join(lines).encode("utf-8", "surrogateescape") + rest)
    status = int((await reader.readline()).split()[1])
    answered: dict[str, str] = {}
    while (line := (await reader.readline()).decode().strip()) != "":
        name, _, value = line.partition(": ")
        answered[name] = value
    return status, answered, reader, writer


async def status_of(listener: Listener, target: str, headers: dict[str, str | None] | None = None) -> int:
    """What the upgrade is answered with; the connection is closed again."""
    status, _, _, writer = await raw_request(listener, target, headers)
    writer.close()
    await writer.wait_closed()
    return status


def masked_frame(text: str | bytes, opcode: int = 1, *, final: bool = True) -> bytes:
    """A frame as a client sends it, with a mask that changes nothing."""
    data = text.encode() if isinstance(text, str) else text
    size = len(data).to_bytes(1) if len(data) < 126 else b"\x7e" + len(data).to_bytes(2)
    return bytes([(0x80 if final else 0) | opcode, 0x80 | size[0]]) + size[1:] + bytes(4) + data
