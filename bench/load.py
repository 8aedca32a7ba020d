"""The load: many chargers in one process of their own, each sending its next call as soon as the last is answered.

    python bench/load.py PORT CONNECTIONS KIND

Connects, boots, begins a transaction each (where the other end keeps any), prints `ready`; then for every line
`SECONDS [EVERY_S]` on standard input it runs that long and prints, as JSON, how many round trips there were and how
long they took. With EVERY_S a charger does not hurry: it calls once in so many seconds, each at a moment of its own.
KIND is one of CALLS below; what is answered is not looked at, so that an echo will do. Plain sockets, for a client
library would be the slower half of every measurement.
"""

from __future__ import annotations

import asyncio
import json
import re
import resource
import struct
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import cast

TEXT, PING, PONG = 1, 9, 10
AT_A_TIME = 50
PATIENCE_S = 20
CLOSE = b"\x88\x80" + bytes(4)

BOOT = '[2,"boot","BootNotification",{"chargePointVendor":"bench","chargePointModel":"bench"}]'
START = '[2,"%d","StartTransaction",{"connectorId":1,"idTag":"BENCH%d","meterStart":%d,"timestamp":"%s"}]'
SAMPLE = '{"value":"%s","context":"Sample.Periodic","measurand":"%s",%s"unit":"%s"}'
SAMPLES = [  # what a wallbox on three phases sends
    ("%d.5", "Energy.Active.Import.Register", "", "Wh"),
    ("6900.0", "Power.Active.Import", "", "W"),
    *(("10.0", "Current.Import", f'"phase":"L{phase}",', "A") for phase in (1, 2, 3)),
    *(("230.1", "Voltage", f'"phase":"L{phase}",', "V") for phase in (1, 2, 3)),
]
METER = (
    '[2,"%d","MeterValues",{"connectorId":1,"transactionId":%d,"meterValue":[{"timestamp":"%s","sampledValue":['
    + ",".join(SAMPLE % sample for sample in SAMPLES)
    + "]}]}]"
)
UPGRADE = (
    "GET /bench%d HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Protocol: ocpp1.6\r\n\r\n"
)


def stamp() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def meter(charger: Charger) -> str:
    number = charger.sent
    return METER % (number, charger.transaction_id, stamp(), 1000 + number)


def start(charger: Charger) -> str:
    number = charger.sent
    return START % (number, charger.number, 1000 + number, stamp())


CALLS: dict[str, Callable[[Charger], str]] = {"meter": meter, "start": start}


class Charger(asyncio.Protocol):
    """One charger: `say` and wait for the answer, or `go` on until `until`. Times are those of the event loop."""

    def __init__(self, number: int, call: Callable[[Charger], str]) -> None:
        self.number = number
        self.call = call
        self.sent = 0
        self.until = 0.0
        self.every_s = 0.0
        self.taken_s: list[float] = []
        self.transaction_id = 1
        self.asked = 0
        self.loop = asyncio.get_running_loop()
        self.heard: asyncio.Future[bytes] = self.loop.create_future()
        self.gone: asyncio.Future[None] = self.loop.create_future()
        self._unread = b""
        self._upgraded = False
        self._asked_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.WriteTransport", transport)
        self.transport.write((UPGRADE % self.number).encode())

    def data_received(self, data: bytes) -> None:
        self._unread += data
        if not self._upgraded:
            head, end, rest = self._unread.partition(b"\r\n\r\n")
            if not end:
                return
            assert b" 101 " in head, head
            self._upgraded, self._unread = True, rest
            self.heard.set_result(b"")
        while (frame := self._frame()) is not None:
            opcode, payload = frame
            if opcode == TEXT:
                self._hear(payload)
            elif opcode == PING:  # the others' library drops who does not answer
                self._send(PONG, payload)

    def connection_lost(self, exc: Exception | None) -> None:
        self.gone.set_result(None)

    def _frame(self) -> tuple[int, bytes] | None:
        """Servers do not mask, and none of these answers is longer than 64 KiB."""
        unread = self._unread
        if len(unread) < 2:
            return None
        begin, length = 2, unread[1] & 0x7F
        if length == 126:
            if len(unread) < 4:
                return None
            begin, length = 4, struct.unpack_from("!H", unread, 2)[0]
        if len(unread) < begin + length:
            return None
        self._unread = unread[begin + length :]
        return unread[0] & 0x0F, unread[begin : begin + length]

    def _hear(self, payload: bytes) -> None:
        if not self.heard.done():
            self.heard.set_result(payload)
            return
        now = self.loop.time()
        self.taken_s.append(now - self._asked_at)
        if self.every_s:
            self.later(self._asked_at + self.every_s)
        elif now < self.until:
            self.go()

    def write(self, text: str) -> None:
        self.sent += 1
        self._send(TEXT, text.encode())

    def _send(self, opcode: int, data: bytes) -> None:
        length = bytes((0x80 | len(data),)) if len(data) < 126 else b"\xfe" + struct.pack("!H", len(data))
        self.transport.write(bytes((0x80 | opcode,)) + length + bytes(4) + data)  # a mask of zeros is one too

    def go(self) -> None:
        self._asked_at = self.loop.time()
        self.asked += 1
        self.write(self.call(self))

    def later(self, at: float) -> None:
        if at < self.until:
            self.loop.call_at(at, self.go)

    async def say(self, text: str) -> bytes:
        self.heard = self.loop.create_future()
        self.write(text)
        return await self.heard

    async def begin(self, port: int) -> None:
        await self.loop.create_connection(lambda: self, "127.0.0.1", port)
        await self.heard
        await self.say(BOOT)
        answer = await self.say(start(self))
        found = re.search(rb'"transactionId":(\d+)', answer)
        self.transaction_id = int(found[1]) if found else 1


async def connect(port: int, chargers: list[Charger]) -> None:
    """All of them, some at a time."""
    waiting = iter(chargers)

    async def some() -> None:
        for charger in waiting:
            await charger.begin(port)

    await asyncio.gather(*(some() for _ in range(AT_A_TIME)))


async def run(chargers: list[Charger], seconds: float, every_s: float) -> dict[str, float]:
    """Load for that long, wait for the last answers, and say what there was."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    for place, charger in enumerate(chargers):
        charger.until, charger.every_s, charger.asked, charger.taken_s = began + seconds, every_s, 0, []
        if every_s:
            charger.later(began + every_s * place / len(chargers))
        else:
            charger.go()
    await asyncio.sleep(seconds)
    while (
        any(charger.asked > len(charger.taken_s) for charger in chargers) and loop.time() < began + seconds + PATIENCE_S
    ):
        await asyncio.sleep(0.005)
    took_s = loop.time() - began
    taken_s = sorted(taken for charger in chargers for taken in charger.taken_s)
    return {
        "answered": len(taken_s),
        "lost": sum(charger.asked for charger in chargers) - len(taken_s),
        "took_s": took_s,
        "p99_ms": 1000 * taken_s[len(taken_s) * 99 // 100] if taken_s else 0.0,
    }


async def main(port: int, connections: int, kind: str) -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    chargers = [Charger(number, CALLS[kind]) for number in range(connections)]
    await connect(port, chargers)
    print("ready", flush=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        seconds, every_s = (float(word) for word in [*line.split(), "0"][:2])
        print(json.dumps(await run(chargers, seconds, every_s)), flush=True)
    for charger in chargers:
        charger.transport.write(CLOSE)
    await asyncio.wait([charger.gone for charger in chargers], timeout=2)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]))
