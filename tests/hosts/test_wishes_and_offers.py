"""A nod and an offer over the command socket, at a listener and at a bare backend: the charger is told at once."""

from __future__ import annotations

import asyncio
import json
import select
import socket
import time
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from listening import Site, charger, within
from programs import BACKEND, PIPE, environment, start

from tinyocpp.config import load
from tinyocpp.dealings import Wish, Wished
from tinyocpp.storage import open_store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PATIENCE_S = 20
ANSWERS: dict[str, Any] = {"GetConfiguration": {"configurationKey": []}}


class Backend:
    """A bare backend: we are its charger on the pipe, and a program on its socket."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "tinyocpp.toml"
        self.file.write_text('[chargers]\nadmit = "any"\n[paths]\nruntime = "run"\n')
        self.socket = folder / "run" / "garage.sock"
        options: dict[str, Any] = {"stdin": PIPE, "stdout": PIPE, "text": True, "bufsize": 1, "env": environment()}
        self.process = start(BACKEND, "--config", self.file, "--charger", "garage", **options)
        self.say('[2,"1","BootNotification",{"chargePointVendor":"Acme","chargePointModel":"AC22"}]')
        assert self.hear()[:2] == [3, "1"]

    def say(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")

    def hear(self) -> list[Any]:
        assert self.process.stdout is not None
        assert select.select([self.process.stdout], [], [], PATIENCE_S)[0]
        frame: list[Any] = json.loads(self.process.stdout.readline())
        return frame

    def asked(self, action: str) -> dict[str, Any]:
        """The next call of this action; every call is answered."""
        while True:
            _, message_id, name, payload = self.hear()
            self.say(json.dumps([3, message_id, ANSWERS.get(name, {"status": "Accepted"})]))
            if name == action:
                return dict(payload)

    def ask(self, **request: Any) -> Any:
        """One line on the command socket, and its answer."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as program:
            program.settimeout(PATIENCE_S)
            program.connect(str(self.socket))
            program.sendall(json.dumps(request).encode() + b"\n")
            return json.loads(program.makefile().readline())

    def end(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        assert self.process.wait(PATIENCE_S) == 0


@pytest.fixture
def backend(tmp_path: Path) -> Iterator[Backend]:
    backend = Backend(tmp_path)
    yield backend
    backend.end()


def limit(payload: dict[str, Any]) -> float:
    (period,) = payload["csChargingProfiles"]["chargingSchedule"]["chargingSchedulePeriod"]
    return float(period["limit"])


def test_a_nod_has_a_bare_backend_look_at_the_wishes(backend: Backend) -> None:
    with closing(open_store(load(str(backend.file), {}))) as store:
        store.begin()
        store.ledger.keep_wish(
            Wished(charger_id="garage", connector_id=0, wish=Wish(current_a=10.0), at=datetime.now(UTC))
        )
        store.commit()
    begun = time.monotonic()
    assert backend.ask(look=True) == {"result": {}}
    assert limit(backend.asked("SetChargingProfile")) == 10.0
    assert time.monotonic() - begun < PATIENCE_S


def test_an_offer_is_told_by_a_bare_backend_too(backend: Backend) -> None:
    backend.say(
        '[2,"2","StartTransaction",{"connectorId":1,"idTag":"04A2","meterStart":0,"timestamp":"2026-06-01T12:00:00Z"}]'
    )
    assert backend.hear()[:2] == [3, "2"]
    offer = {"connector_id": 1, "current_a": 12.0, "phases": None}
    assert backend.ask(offer=offer) == {"result": {}}
    assert limit(backend.asked("SetChargingProfile")) == 6.0  # what stays when nobody says anything any more
    told = backend.asked("SetChargingProfile")
    assert (limit(told), told["csChargingProfiles"]["chargingProfilePurpose"]) == (12.0, "TxProfile")


@within(20)
async def test_a_nod_and_an_offer_at_a_listener(tmp_path: Path) -> None:
    site = Site(tmp_path, '[chargers]\nadmit = "any"\n')
    async with site.listening() as listener, charger(listener, "Garage") as garage:
        await garage.ask("Heartbeat", {})
        reader, writer = await asyncio.open_unix_connection(site.runtime / "garage.sock")
        writer.write(b'{"look":true}\n')  # nobody wishes anything, and so nothing comes of it
        assert await reader.readline() == b'{"result":{}}\n'
        writer.write(b'{"offer":{"connector_id":1,"current_a":12.0}}\n')
        assert await reader.readline() == b'{"result":{}}\n'
        message_id, action, _ = await garage.next_call()
        assert action == "GetConfiguration"
        await garage.answer(message_id, ANSWERS[action])
        _, action, payload = await garage.next_call()
        assert (action, limit(payload)) == ("SetChargingProfile", 6.0)
        writer.close()


@pytest.mark.parametrize(
    ("offer", "says"),
    [
        ({"connector_id": 1, "current_a": 3.0}, "0 or 6 to 1000 A"),
        ({"connector_id": 1, "current_a": 10.0, "fallback_a": 5.0}, "0 or 6 to 1000 A"),
        ({"connector_id": 0, "current_a": 10.0}, "connector_id is 1 or more"),
        ({"connector_id": 1, "phases": 4}, "phases 1 to 3"),
        ({"connector_id": 1, "valid_s": 0}, "valid_s more than 0"),
        ({"connector_id": 1, "sample_s": -1}, "sample_s is 0 to 86400"),
        ({"connector_id": 1, "amps": 3}, "amps"),
        ({}, "connector_id"),
    ],
)
def test_C12_an_offer_that_cannot_be_is_refused(backend: Backend, offer: dict[str, Any], says: str) -> None:
    error = backend.ask(offer=offer)["error"]
    assert error["kind"] == "malformed"
    assert says in error["description"]
