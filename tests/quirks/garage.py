"""An owner's garage with one charger: its frames go in as the wire has them, what the owner gets to see comes out.

The session and the ledger are the real ones (conversation.py); nothing here knows how a quirk is met. A charge that is
no quirk itself is made with `start`, `stop`, `sample` and `status`.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager, suppress
from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Any

from conversation import Conversation

from tinyocpp.cli import main
from tinyocpp.cli.findings import Circumstances, charger_findings, oddity_findings
from tinyocpp.tags import Tag

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from listening import Charger, Site

    from tinyocpp.storage import ConnectorStatus

ENERGY = "Energy.Active.Import.Register"
ANNA, BEN = Tag("04A2", name="Anna"), Tag("04B7", name="Ben", group="family")


class Garage(Conversation):
    """Anna's tag is 04A2, Ben's 04B7. It is noon, and stays so until time passes (`clock.pass_`)."""

    def __init__(self, *tags: Tag, **options: Any) -> None:
        super().__init__(*(tags or (ANNA, BEN)), **options)

    @property
    def now(self) -> str:
        return f"{self.clock.at:%Y-%m-%dT%H:%M:%SZ}"

    def at(self, minutes: float) -> str:
        """A time as a charger states it, minutes from now."""
        return f"{self.clock.at + timedelta(minutes=minutes):%Y-%m-%dT%H:%M:%SZ}"

    # What the charger says.

    def answers(self, frame: str) -> Any:
        """The one answer to a call as it came, which is no CALLERROR."""
        (answer,) = self.says(frame)
        kind, _, payload = json.loads(answer)
        assert kind == 3, answer
        return payload

    def boot(self, vendor: str = "Acme", model: str = "AC22", firmware: str = "1.0", **more: Any) -> Any:
        named = {"chargePointVendor": vendor, "chargePointModel": model, "firmwareVersion": firmware}
        return self.asks("BootNotification", **named, **more)

    def start(self, register_wh: int = 1000, tag: str = "04A2", connector: int = 1, **more: Any) -> int:
        payload = {"connectorId": connector, "idTag": tag, "meterStart": register_wh, "timestamp": self.now} | more
        return int(self.asks("StartTransaction", **payload)["transactionId"])

    def stop(self, number: int | None, register_wh: int, **more: Any) -> Any:
        payload = {"transactionId": number, "meterStop": register_wh, "timestamp": self.now} | more
        return self.asks("StopTransaction", **payload)

    def sample(self, *samples: dict[str, Any], connector: int = 1, at: str = "", **more: Any) -> Any:
        bucket = {"timestamp": at or self.now, "sampledValue": list(samples)}
        return self.asks("MeterValues", connectorId=connector, meterValue=[bucket], **more)

    def status(self, word: str, connector: int = 1, **more: Any) -> Any:
        payload = {"connectorId": connector, "errorCode": "NoError", "status": word, "timestamp": self.now} | more
        return self.asks("StatusNotification", **payload)

    # What the owner sees.

    def booked(self) -> list[str]:
        """The report, a line for each transaction: `1 04A2 5000 Wh measured`."""
        return [
            f"{one.transaction_id} {one.id_tag or '-'} {one.energy_wh} Wh {one.quality}"
            for one in self.reader.bookings(None, None)
        ]

    def shown(self, connector: int = 1) -> ConnectorStatus:
        """A connector as `tinyocpp status` shows it."""
        (charger,) = self.reader.chargers()
        (found,) = (one for one in charger.connectors if one.connector_id == connector)
        return found

    def findings(self, *, connected: bool = True) -> list[str]:
        """What `tinyocpp status` and `doctor` say is wrong."""
        here = Circumstances(
            now=self.clock.at,
            zone=UTC,
            heartbeat_interval_s=300,
            connected=frozenset({"garage"} if connected else ()),
        )
        (charger,) = self.reader.chargers()
        return [f"{found}" for found in [*charger_findings(charger, here), *oddity_findings(self.noted())]]

    def oddities(self) -> set[str]:
        return {f"{oddity.kind}" for oddity in self.noted()}

    def configuration(self) -> dict[str, str | None]:
        """What is known of the charger's own keys."""
        return self.reader.configuration("garage")

    # What the owner asks.

    def asked_within(self, seconds: float, answer: str = '{"status":"Accepted"}') -> list[list[Any]]:
        """Action and payload of what we ask by ourselves in that time; each gets this answer."""
        asked = []
        end = self.clock.seconds + seconds
        while (due := self.session.next_deadline) is not None and due <= end:
            self.wait(max(0.0, due - self.clock.seconds))
            for sent in self.session.text_to_send():
                _, message_id, *call = json.loads(sent)
                asked.append(call)
                self.says(f'[3,"{message_id}",{answer}]')
        self.wait(end - self.clock.seconds)
        return asked

    def ask(self, action: str, payload: str, answer: str) -> tuple[list[Any], str]:
        """A call of ours and the charger's answer to it, its id for `*`: what went out, and how it ended."""
        self.wait(1)  # some chargers want a pause between two calls (B18)
        self.call(action, payload.encode())
        (sent,) = self.session.text_to_send()
        _, message_id, *call = json.loads(sent)
        self.says(answer.replace("*", message_id))
        (ended,) = self.session.results_received()
        return call, ended.payload.decode() if ended.outcome == "result" else f"{ended.outcome} {ended.code}".strip()


class Typing:
    """A word typed at a shell; `code` is how it ended."""

    code: int | None = None


@asynccontextmanager
async def typed(site: Site, *words: str) -> AsyncIterator[Typing]:
    """`tinyocpp WORD ...` beside a listener: it runs while the charger of the body answers, and has ended after it."""

    def run() -> int:
        try:
            return main(["--config", str(site.file), *words])
        except SystemExit as stop:
            return int(stop.code or 0)

    typing = Typing()
    task = asyncio.create_task(asyncio.to_thread(run))
    yield typing
    typing.code = await task


@asynccontextmanager
async def obeying(charger: Charger, **answers: Any) -> AsyncIterator[list[list[Any]]]:
    """A charger that gives each action its answer (a dict, or a function of the payload), NotImplemented to others;
    yields what it has been asked."""
    asked: list[list[Any]] = []

    async def obey() -> None:
        while True:
            message_id, action, payload = await charger.next_call()
            asked.append([action, payload])
            answer = answers.get(action)
            if answer is None:
                await charger.socket.send(json.dumps([4, message_id, "NotImplemented", "", {}]))
            else:
                await charger.answer(message_id, answer(payload) if callable(answer) else answer)

    task = asyncio.create_task(obey())
    yield asked
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
