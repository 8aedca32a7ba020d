"""The client on real sockets: against a few lines of `websockets`, and against the `ocpp` package as central system."""

from __future__ import annotations

import asyncio
import base64
import json
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from itertools import count

import pytest
from ocpp.routing import on
from ocpp.v16 import ChargePoint as CentralSide
from ocpp.v16 import call, call_result
from websockets.asyncio.server import serve

from tinyocpp.errors import Malformed, Unavailable
from tinyocpp.simulator.car import Car
from tinyocpp.simulator.charge_point import ChargePoint
from tinyocpp.simulator.client import Address, Client, Clock
from tinyocpp.simulator.visit import Outcome, Parked, Stage, Visit

LIMIT_S = 20
NOW = "2026-06-01T12:00:00Z"
ACCEPTED = {"status": "Accepted"}
ANSWERS = {
    "BootNotification": {"status": "Accepted", "currentTime": NOW, "interval": 300},
    "Authorize": {"idTagInfo": ACCEPTED},
    "StartTransaction": {"transactionId": 5, "idTagInfo": ACCEPTED},
    "Heartbeat": {"currentTime": NOW},
}


class Changes:
    """Wakes who waits for something to become true."""

    def __init__(self):
        self._event = asyncio.Event()

    def happened(self):
        self._event.set()

    async def until(self, true):
        while not true():
            self._event.clear()
            await self._event.wait()


class Central:
    """Answers from a table; `leave_after` closes the line, without an answer, at the first call of that action."""

    def __init__(self, leave_after=None, answers=ANSWERS):
        self.leave_after, self.answers = leave_after, answers
        self.heard = []
        self.requests = []
        self.changes = Changes()

    async def __call__(self, line):
        self.requests.append(line.request)
        async for text in line:
            _, message_id, action, payload = json.loads(text)
            self.heard.append((action, payload))
            self.changes.happened()
            if action == self.leave_after:
                self.leave_after = None
                return
            await line.send(json.dumps([3, message_id, self.answers.get(action, {})]))

    def of(self, action):
        return [payload for name, payload in self.heard if name == action]


@asynccontextmanager
async def listening(handler, **options):
    options = {"subprotocols": ["ocpp1.6"]} | options
    async with serve(handler, "127.0.0.1", 0, **options) as server:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"


def visiting(energy_wh=100, speed=3600.0, identity="CP 1"):
    clock = Clock()
    station = ChargePoint(identity, clock.now(), speed=speed, id_prefix="t-")
    return clock, Visit(station, 1, "04A2B3C4", Car(energy_wh), clock.now(), pause_s=0.02)


def run(coroutine):
    async def bounded():
        async with asyncio.timeout(LIMIT_S):
            return await coroutine

    return asyncio.run(bounded())


def go(url, clock, visit, **options):
    address = {name: options.pop(name) for name in ("password", "subprotocol") if name in options}
    client = Client(
        visit.station, visit, Address(url=url, identity=visit.station.identity, **address), clock=clock, **options
    )
    return client.run()


def test_a_session_with_the_ocpp_package_as_central_system():
    """An independent reading of the standard: it validates every frame of ours against the published schemas."""
    clock, visit = visiting(energy_wh=300)
    heard = []
    numbers = count(1)

    class Far(CentralSide):
        @on("BootNotification")
        def on_boot(self, **fields):
            heard.append("BootNotification")
            return call_result.BootNotification(NOW, 300, "Accepted")

        @on("StatusNotification")
        def on_status(self, connector_id, status, **fields):
            heard.append(f"{connector_id} {status}")
            return call_result.StatusNotification()

        @on("Authorize")
        def on_authorize(self, id_tag):
            return call_result.Authorize({"status": "Accepted"})

        @on("StartTransaction")
        def on_start(self, **fields):
            heard.append("StartTransaction")
            return call_result.StartTransaction(next(numbers), {"status": "Accepted"})

        @on("MeterValues")
        def on_meter(self, **fields):
            heard.append("MeterValues")
            return call_result.MeterValues()

        @on("StopTransaction")
        def on_stop(self, **fields):
            heard.append("StopTransaction")
            return call_result.StopTransaction()

    asked = []

    async def serve_one(line):
        far = Far("CP", line)
        listening_to_it = asyncio.create_task(far.start())
        asked.append(await far.call(call.GetConfiguration(["NumberOfConnectors"])))
        asked.append(await far.call(call.TriggerMessage("StatusNotification", connector_id=1)))
        await line.wait_closed()
        listening_to_it.cancel()

    async def scene():
        async with listening(serve_one) as url:
            await go(url, clock, visit)

    run(scene())
    assert visit.outcome is Outcome.DONE
    assert asked[0].configuration_key == [{"key": "NumberOfConnectors", "readonly": True, "value": "1"}]
    assert asked[1].status == "Accepted"
    assert heard[0] == "BootNotification"
    assert {"1 Preparing", "1 Charging", "1 Finishing", "1 Available"} <= set(heard)
    assert heard.index("StartTransaction") < heard.index("StopTransaction")


@pytest.mark.parametrize(
    "action", ["BootNotification", "Authorize", "StartTransaction", "MeterValues", "StopTransaction"]
)
def test_a_line_that_breaks_anywhere_loses_nothing(action):
    central = Central(leave_after=action)
    clock, visit = visiting(energy_wh=3000)  # a quarter of a second of ours: time for a sample on any machine
    visit.station.configuration.set("MeterValueSampleInterval", "30")

    async def scene():
        async with listening(central) as url:
            await go(url, clock, visit, first_wait_s=0.01)

    run(scene())
    assert visit.outcome is Outcome.DONE
    assert len(central.requests) == 2
    starts, stops = central.of("StartTransaction"), central.of("StopTransaction")
    assert len({json.dumps(start) for start in starts}) == 1
    assert len({json.dumps(stop) for stop in stops}) == 1
    assert (len(starts), len(stops)) == (1 + (action == "StartTransaction"), 1 + (action == "StopTransaction"))
    samples = [payload["meterValue"][0]["sampledValue"][0]["value"] for payload in central.of("MeterValues")]
    assert sorted(samples, key=int) == samples
    assert stops[0]["meterStop"] - starts[0]["meterStart"] == 3000


def test_a_central_system_that_is_gone_for_a_while():
    central = Central()
    clock, visit = visiting(energy_wh=500, speed=900)

    async def scene():
        async with serve(central, "127.0.0.1", 0, subprotocols=["ocpp1.6"]) as server:
            port = server.sockets[0].getsockname()[1]
            url, watch = f"ws://127.0.0.1:{port}", central.changes.happened
            going = asyncio.create_task(go(url, clock, visit, first_wait_s=0.05, watch=watch))
            await central.changes.until(lambda: central.of("StartTransaction"))
        await central.changes.until(lambda: visit.stage is Stage.TELLING)  # it charges to the end on its own
        async with serve(central, "127.0.0.1", port, subprotocols=["ocpp1.6"]):
            await going

    run(scene())
    assert visit.outcome is Outcome.DONE
    assert [payload["transactionId"] for payload in central.of("StopTransaction")] == [5]
    assert "connected again" in [notice.text for notice in visit.station.notices]


def test_an_offline_charge_is_told_afterwards():
    central = Central()
    clock, _ = visiting()
    station = ChargePoint("CP", datetime(2026, 6, 1, tzinfo=UTC))
    visit = Visit(station, 1, "04A2B3C4", Car(2000), station.now, alone=True)
    visit.play_alone()

    async def scene():
        async with listening(central) as url:
            await go(url, clock, visit)

    run(scene())
    assert visit.outcome is Outcome.DONE
    assert central.of("StartTransaction")[0]["timestamp"] == "2026-06-01T00:00:01Z"


def test_identity_password_and_subprotocol_on_the_wire():
    central = Central()
    clock, visit = visiting(identity="CP 1/ü")

    async def scene():
        async with listening(central) as url:
            await go(url, clock, visit, password="wünsch dir was")

    run(scene())
    [request] = central.requests
    assert request.path == "/CP%201%2F%C3%BC"
    assert request.headers["Sec-WebSocket-Protocol"] == "ocpp1.6"
    assert "Sec-WebSocket-Extensions" not in request.headers
    credentials = base64.b64decode(request.headers["Authorization"].removeprefix("Basic "))
    assert credentials.decode() == "CP 1/ü:wünsch dir was"


def test_no_subprotocol_and_no_password():
    central = Central()
    clock, visit = visiting()

    async def scene():
        async with listening(central, subprotocols=None) as url:
            await go(url, clock, visit, subprotocol="")

    run(scene())
    [request] = central.requests
    assert "Sec-WebSocket-Protocol" not in request.headers
    assert "Authorization" not in request.headers


def test_a_password_that_was_changed_over_the_wire_is_used_next():
    central = Central()
    clock, visit = visiting(energy_wh=400, speed=900)
    key = "00112233445566778899aabbccddeeff"

    async def change(line):
        if len(central.requests) == 0:
            change_it = {"key": "AuthorizationKey", "value": key}
            await line.send(json.dumps([2, "s1", "ChangeConfiguration", change_it]))
            await line.recv()  # boot
            assert json.loads(await line.recv())[2] == ACCEPTED
        await central(line)

    async def scene():
        async with listening(change) as url:
            await go(url, clock, visit, first_wait_s=0.01)

    run(scene())
    credentials = base64.b64decode(central.requests[-1].headers["Authorization"].removeprefix("Basic "))
    assert credentials == b"CP 1:" + bytes.fromhex(key)


def test_a_reset_in_the_middle():
    """The line is closed after the answer, and the charger is back, with a boot, after its restart."""
    central = Central()
    clock, visit = visiting(energy_wh=2000, speed=60)

    async def reset_once(line):
        central.requests.append(line.request)
        async for text in line:
            kind, message_id, *rest = json.loads(text)
            if kind != 2:
                continue
            central.heard.append((rest[0], rest[1]))
            await line.send(json.dumps([3, message_id, ANSWERS.get(rest[0], {})]))
            if rest[0] == "MeterValues":
                await line.send('[2,"s1","Reset",{"type":"Hard"}]')

    async def scene():
        async with listening(reset_once) as url:
            await go(url, clock, visit)

    run(scene())
    assert visit.outcome is Outcome.DONE
    assert len(central.of("BootNotification")) == 2
    assert [payload["reason"] for payload in central.of("StopTransaction")] == ["HardReset"]


def refusing(status, body):
    return lambda connection, _request: connection.respond(status, body)


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (404, "not admitted; its owner lets it in so\n", "404 not admitted; its owner lets it in so"),
        (401, "who are you?", "401 who are you?; give the right --password"),
        (503, "", "503 Service Unavailable"),
    ],
)
def test_a_refusal_is_told_in_the_servers_words(status, body, words):
    clock, visit = visiting()

    async def scene():
        async with listening(Central(), process_request=refusing(status, body)) as url:
            await go(url, clock, visit)

    with pytest.raises(Unavailable) as raised:
        run(scene())
    assert str(raised.value).endswith(words)


def test_nobody_there():
    clock, visit = visiting()
    with pytest.raises(Unavailable, match="is tinyocpp-listener running"):
        run(go("ws://127.0.0.1:1/", clock, visit))


def test_something_else_there():
    clock, visit = visiting()

    async def web(reader, writer):
        await reader.readline()
        writer.write(b"220 ftp.example.org ready\r\n")
        writer.close()

    async def scene():
        async with await asyncio.start_server(web, "127.0.0.1", 0) as server:
            await go(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}", clock, visit)

    with pytest.raises(Unavailable, match="did not receive a valid HTTP response"):
        run(scene())


@pytest.mark.parametrize("url", ["http://127.0.0.1/", "127.0.0.1:9016", "ws://"])
def test_an_address_that_is_none(url):
    clock, visit = visiting()
    with pytest.raises(Malformed, match="write ws://HOST:PORT/"):
        run(go(url, clock, visit))


def test_gives_up_when_the_line_stays_away(monkeypatch):
    monkeypatch.setattr("tinyocpp.simulator.client.GIVE_UP_S", 0.0)
    central = Central(leave_after="Authorize")
    clock, visit = visiting()

    async def once(line):
        if not central.requests:
            await central(line)

    async def scene():
        async with serve(once, "127.0.0.1", 0, subprotocols=["ocpp1.6"]) as server:
            port = server.sockets[0].getsockname()[1]
            going = asyncio.create_task(go(f"ws://127.0.0.1:{port}", clock, visit, first_wait_s=0.05))
            await central.changes.until(lambda: central.of("Authorize"))
        await going

    with pytest.raises(Unavailable):
        run(scene())


def test_parked_cars_wait_for_a_line_that_is_not_there_yet():
    central = Central()
    clock, visit = visiting()
    parked = Parked(visit.station, Car(100))

    async def scene():
        async with serve(central, "127.0.0.1", 0) as free:
            port = free.sockets[0].getsockname()[1]
        address = Address(url=f"ws://127.0.0.1:{port}", identity="CP")
        watch = central.changes.happened
        client = Client(visit.station, parked, address, persistent=True, clock=clock, first_wait_s=0.02, watch=watch)
        staying = asyncio.create_task(client.run())
        await central.changes.until(lambda: visit.station.notices)
        async with serve(central, "127.0.0.1", port, subprotocols=["ocpp1.6"]):
            await central.changes.until(
                lambda: "Preparing" in [payload["status"] for payload in central.of("StatusNotification")]
            )
            staying.cancel()
            await asyncio.wait([staying])

    run(scene())
    assert "nobody listens there" in visit.station.notices[0].text


def test_a_binary_frame_is_read_as_text():
    central = Central()
    clock, visit = visiting()

    async def binary(line):
        async for text in line:
            _, message_id, action, _payload = json.loads(text)
            await line.send(json.dumps([3, message_id, ANSWERS.get(action, {})]).encode())

    async def scene():
        async with listening(binary) as url:
            await go(url, clock, visit)

    run(scene())
    assert visit.outcome is Outcome.DONE
    assert central.heard == []
