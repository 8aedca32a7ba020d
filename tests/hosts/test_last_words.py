"""What a charger says in the same breath as its goodbye is heard: it answers a Reset, and is gone."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

from listening import BOOT, Site, masked_frame, raw_request, within

from tinyocpp.storage import open_reader

if TYPE_CHECKING:
    from pathlib import Path

CLOSE = masked_frame(b"\x03\xe8", opcode=8)


@within(10)
async def test_a_stop_before_the_close_is_booked(tmp_path: Path) -> None:
    site = Site(tmp_path)
    async with site.listening() as listener:
        _, _, reader, writer = await raw_request(listener, "/garage")
        stop = {"transactionId": 7, "meterStop": 4000, "timestamp": "2026-06-01T12:00:00Z"}
        writer.write(masked_frame(json.dumps([2, "1", "BootNotification", BOOT])))
        writer.write(masked_frame(json.dumps([2, "2", "StopTransaction", stop])) + CLOSE)
        while await reader.read(4096):
            pass
        writer.close()
    [booking] = open_reader(site.config()).bookings(None, None)
    assert (booking.quality, booking.meter_stop_wh) == ("orphan", 4000)


@within(10)
async def test_an_answer_before_the_close_is_delivered(tmp_path: Path) -> None:
    site = Site(tmp_path)
    async with site.listening() as listener:
        _, _, reader, writer = await raw_request(listener, "/garage")
        writer.write(masked_frame(json.dumps([2, "1", "BootNotification", BOOT])))
        await reader.readuntil(b'"interval":300}]')
        with site.command_client("garage") as client:
            asked = asyncio.create_task(asyncio.to_thread(client.call, "Reset", b'{"type":"Soft"}', timeout_s=5))
            frame = await reader.readuntil(b"}]")
            message_id = json.loads(frame[frame.index(b"[2") :])[1]
            writer.write(masked_frame(json.dumps([3, message_id, {"status": "Accepted"}])) + CLOSE)
            assert b"Accepted" in await asked
        writer.close()
