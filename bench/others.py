"""What the listener is measured against: `python bench/others.py echo|ocpp`, on a free port, which it prints.

echo: the smallest coroutine server the websockets library allows, which returns what it is sent.
ocpp: the central system from the documentation of the `ocpp` package, with the answers these measurements need; it
      stores nothing.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from datetime import UTC, datetime
from typing import Any

from websockets.asyncio.server import ServerConnection, serve


async def echo(connection: ServerConnection) -> None:
    async for message in connection:
        await connection.send(message)


def central_system() -> Any:
    from ocpp.routing import on
    from ocpp.v16 import ChargePoint, call_result
    from ocpp.v16.enums import Action, AuthorizationStatus, RegistrationStatus

    class CentralSystem(ChargePoint):
        @on(Action.boot_notification)
        def on_boot_notification(self, **_: Any) -> call_result.BootNotification:
            return call_result.BootNotification(
                current_time=datetime.now(UTC).isoformat(), interval=300, status=RegistrationStatus.accepted
            )

        @on(Action.start_transaction)
        def on_start_transaction(self, **_: Any) -> call_result.StartTransaction:
            return call_result.StartTransaction(transaction_id=1, id_tag_info={"status": AuthorizationStatus.accepted})

        @on(Action.meter_values)
        def on_meter_values(self, **_: Any) -> call_result.MeterValues:
            return call_result.MeterValues()

    async def on_connect(connection: ServerConnection) -> None:
        assert connection.request is not None
        await CentralSystem(connection.request.path.strip("/"), connection).start()

    return on_connect


async def run(handler: Any) -> None:
    async with serve(handler, "127.0.0.1", 0, subprotocols=["ocpp1.6"], compression=None) as server:  # type: ignore[list-item]
        print("ready on", next(iter(server.sockets)).getsockname()[1], flush=True)
        await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    logging.disable()
    asyncio.run(run(echo if sys.argv[1] == "echo" else central_system()))
