"""The `ocpp` package's own ChargePoint as an independent charger: a whole visit, and calls in the other direction."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from listening import Site, charger, within
from ocpp.routing import on
from ocpp.v16 import ChargePoint, call, call_result
from ocpp.v16.enums import RegistrationStatus, RemoteStartStopStatus, ResetStatus

if TYPE_CHECKING:
    from pathlib import Path


class Independent(ChargePoint):  # type: ignore[misc]
    """It does as it is told, and remembers."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.told: list[tuple[str, Any]] = []

    @on("RemoteStartTransaction")  # type: ignore[untyped-decorator]
    def on_remote_start(self, **payload: Any) -> Any:
        self.told.append(("RemoteStartTransaction", payload))
        return call_result.RemoteStartTransaction(status=RemoteStartStopStatus.accepted)

    @on("Reset")  # type: ignore[untyped-decorator]
    def on_reset(self, **payload: Any) -> Any:
        self.told.append(("Reset", payload))
        return call_result.Reset(status=ResetStatus.rejected)


@within(30)
async def test_a_visit(tmp_path: Path) -> None:
    site = Site(tmp_path)
    (tmp_path / "tags.toml").write_text('[[tag]]\nid = "04A2B3C4"\ngroup = "family"\n')
    async with site.listening() as listener, charger(listener, "CP-1") as connected:
        point = Independent("CP-1", connected.socket)
        running = asyncio.create_task(point.start())

        boot = await point.call(call.BootNotification(charge_point_model="M", charge_point_vendor="V"))
        assert (boot.status, boot.interval) == (RegistrationStatus.accepted, 300)
        allowed = await point.call(call.Authorize(id_tag="04a2b3c4"))
        assert allowed.id_tag_info == {"parent_id_tag": "family", "status": "Accepted"}
        stranger = await point.call(call.Authorize(id_tag="nobody"))
        assert stranger.id_tag_info == {"status": "Invalid"}
        await point.call(call.StatusNotification(connector_id=1, error_code="NoError", status="Preparing"))

        started = await point.call(
            call.StartTransaction(connector_id=1, id_tag="04A2B3C4", meter_start=100, timestamp="2026-06-01T12:00:00Z")
        )
        assert started.id_tag_info["status"] == "Accepted"
        sample = {"timestamp": "2026-06-01T12:30:00Z", "sampled_value": [{"value": "1600"}]}
        await point.call(call.MeterValues(connector_id=1, transaction_id=started.transaction_id, meter_value=[sample]))
        await point.call(
            call.StopTransaction(
                meter_stop=3100, timestamp="2026-06-01T13:00:00Z", transaction_id=started.transaction_id
            )
        )
        await point.call(call.DataTransfer(vendor_id="V", data="x"))
        await point.call(call.Heartbeat())

        assert await ask(site, "RemoteStartTransaction", b'{"idTag":"00000000"}') == b'{"status":"Accepted"}'
        assert await ask(site, "Reset", b'{"type":"Hard"}') == b'{"status":"Rejected"}'
        assert point.told == [("RemoteStartTransaction", {"id_tag": "00000000"}), ("Reset", {"type": "Hard"})]
        running.cancel()


async def ask(site: Site, action: str, payload: bytes) -> bytes:
    def asked() -> bytes:
        with site.command_client() as client:
            return client.call(action, payload, timeout_s=10)

    return await asyncio.to_thread(asked)
