"""A charger that shares nothing with us: the `ocpp` package's ChargePoint over the `websockets` client.

The package checks every request of ours and every answer of ours against the published schemas, and answers a request
that fails with a CALLERROR. Here are only the answers it gives by default, and the sentences of a charger's life.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import ocpp.messages
from ocpp.routing import on
from ocpp.v16 import ChargePoint as PackagedChargePoint
from ocpp.v16 import call, call_result
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

if TYPE_CHECKING:
    from collections.abc import Callable

    from compliance.programs import Installation, Said

ocpp.messages.ASYNC_VALIDATION = False  # a thread for each check would only take time

ANSWERS: tuple[Any, ...] = (
    call_result.CancelReservation("Accepted"),
    call_result.CertificateSigned("Accepted"),
    call_result.ChangeAvailability("Accepted"),
    call_result.ChangeConfiguration("Accepted"),
    call_result.ClearCache("Accepted"),
    call_result.ClearChargingProfile("Accepted"),
    call_result.DataTransfer("Accepted"),
    call_result.DeleteCertificate("Accepted"),
    call_result.ExtendedTriggerMessage("Accepted"),
    call_result.GetCompositeSchedule("Accepted"),
    call_result.GetConfiguration([{"key": "HeartbeatInterval", "readonly": False, "value": "300"}]),
    call_result.GetDiagnostics("diagnostics.log"),
    call_result.GetInstalledCertificateIds("NotFound"),
    call_result.GetLocalListVersion(0),
    call_result.GetLog("Accepted", "security.log"),
    call_result.InstallCertificate("Accepted"),
    call_result.RemoteStartTransaction("Accepted"),
    call_result.RemoteStopTransaction("Accepted"),
    call_result.ReserveNow("Accepted"),
    call_result.Reset("Accepted"),
    call_result.SendLocalList("Accepted"),
    call_result.SetChargingProfile("Accepted"),
    call_result.SignedUpdateFirmware("Accepted"),
    call_result.TriggerMessage("Accepted"),
    call_result.UnlockConnector("Unlocked"),
    call_result.UpdateFirmware(),
)


def now(seconds: float = 0) -> str:
    """The charger's clock, so many seconds from now."""
    return (datetime.now(UTC) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


class ChargePoint(PackagedChargePoint):
    """Connected while it is entered. `calls` are the requests it got, in order, as they came."""

    def __init__(self, site: Installation, url: str, identity: str, options: dict[str, Any]) -> None:
        super().__init__(identity, None, response_timeout=20)
        self.site = site
        self.calls: list[tuple[str, Any]] = []
        self._called = asyncio.Event()
        self._answering = False
        self.answers: dict[str, Any] = {type(answer).__name__: answer for answer in ANSWERS}
        defaults: dict[str, Any] = {"subprotocols": ["ocpp1.6"], "compression": None, "proxy": None, "close_timeout": 1}
        self._connecting = connect(f"{url}/{identity}", **(defaults | options))
        self.socket: ClientConnection

    async def __aenter__(self) -> ChargePoint:
        self.socket = self._connection = await self._connecting
        self._living = asyncio.create_task(self._live())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._living.cancel()
        await self.socket.close()

    async def _live(self) -> None:
        with suppress(ConnectionClosed):
            await self.start()

    async def route_message(self, raw_msg: str) -> None:
        frame = json.loads(raw_msg)
        if frame[0] == 2:
            self.calls.append((frame[2], frame[3]))
        self._answering = True
        await super().route_message(raw_msg)
        self._answering = False
        self._called.set()

    async def closed(self) -> int | None:
        """Wait until the connection is over; the code it was closed with."""
        await self.socket.wait_closed()
        return self.socket.close_code

    # What it says.

    async def ask(self, request: Any) -> Any:
        """The result. A CALLERROR is raised as the package's exception, and so is an answer against the schema."""
        return await self.call(request, suppress=False)

    async def boot(self, firmware: str = "1.4.2") -> Any:
        """BootNotification, and what an accepted charger must say after it (section 4.2)."""
        welcome = await self.ask(call.BootNotification("AC22", "Acme", firmware_version=firmware))
        if welcome.status == "Accepted":
            for connector_id in (0, 1):
                await self.status("Available", connector_id)
        return welcome

    async def status(self, status: str, connector_id: int = 1, error_code: str = "NoError") -> None:
        await self.ask(call.StatusNotification(connector_id, error_code, status, now()))

    async def authorize(self, id_tag: str) -> dict[str, Any]:
        return (await self.ask(call.Authorize(id_tag))).id_tag_info

    async def begin(self, id_tag: str, at: str = "", **more: Any) -> tuple[int, str]:
        """StartTransaction at 1000 Wh; the transaction's id and what became of the tag."""
        answer = await self.ask(call.StartTransaction(1, id_tag, 1000, at or now(), **more))
        return answer.transaction_id, answer.id_tag_info["status"]

    async def finish(self, transaction_id: int, reason: str | None = None, at: str = "", **more: Any) -> Any:
        """StopTransaction at 3500 Wh."""
        return await self.ask(call.StopTransaction(3500, at or now(), transaction_id, reason=reason, **more))

    async def charge(self, id_tag: str, **more: Any) -> int:
        """Cable in, tag shown, energy flows; the transaction's id."""
        await self.status("Preparing")
        assert (await self.authorize(id_tag))["status"] == "Accepted"
        transaction_id, status = await self.begin(id_tag, **more)
        assert status == "Accepted"
        await self.status("Charging")
        return transaction_id

    async def leave(self) -> None:
        """The cable goes."""
        await self.status("Finishing")
        await self.status("Available")

    # What it is told.

    def will(self, answer: Any) -> None:
        """Answer this request so from now on. In `answers` there may also be a function of what is asked."""
        self.answers[type(answer).__name__] = answer

    async def called(self, action: str) -> Any:
        """Wait for such a request; the payload of the first."""
        await self.until(lambda: action in dict(self.calls))
        return dict(reversed(self.calls))[action]

    async def until(self, so: Callable[[], bool]) -> None:
        """Wait until it is so, which can only change with a request that comes, and has been answered."""
        while self._answering or not so():
            self._called.clear()
            await self._called.wait()

    async def commanded(self, action: str, *options: str, **payload: Any) -> tuple[int, Any]:
        """The owner sends it with tinyocpp-command: exit code and printed answer. It came as it was typed."""
        said: Said = await self.site.command(self.id, action, json.dumps(payload), *options)
        assert self.calls[-1] == (action, payload)
        assert "Traceback" not in said.err
        return said.code, json.loads(said.out) if said.out else said.err

    async def typed(self, *words: str, stdin: str = "") -> Said:
        """The owner types `tinyocpp charger WORDS` about this charger."""
        return await self.site.tinyocpp("charger", *words, "--charger", self.id, stdin=stdin)


def _answering(action: str) -> Any:
    def answer(self: ChargePoint, **asked: Any) -> Any:
        known = self.answers[action]
        return known(**asked) if callable(known) else known

    answer.__name__ = f"on_{action}"  # the package finds its handlers by this name
    return on(action)(answer)


for _answer in ANSWERS:
    _handler = _answering(type(_answer).__name__)
    setattr(ChargePoint, _handler.__name__, _handler)
