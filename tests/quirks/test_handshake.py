"""Section H: handshake and transport, at a real listener with a client that behaves as those chargers do."""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from listening import Charger, Site, basic, charger, masked_frame, raw_request, status_of, within
from programs import BACKEND, PIPE, start
from websockets.exceptions import InvalidStatus

from quirks.garage import Garage
from tinyocpp.passwords import hash_password

if TYPE_CHECKING:
    from pathlib import Path

    from tinyocpp.hosts.websocket import Listener

HEARTBEAT = '[2,"7","Heartbeat",{}]'
PING = b"\x89\x00"


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path, '[chargers]\nadmit = "any"')


async def enters(listener: Listener, target: str, **headers: str | None) -> str:
    """The identity somebody with this request is let in under."""
    spelled = {name.replace("_", "-"): value for name, value in headers.items()}
    status, _, _, writer = await raw_request(listener, target, spelled)
    assert status == 101
    (identity,) = listener.links
    writer.close()
    return identity


async def lives(garage: Charger) -> bool:
    return "currentTime" in await garage.ask("Heartbeat", {})


@within(10)
async def test_H1_no_subprotocol(site: Site) -> None:
    """Grizzl-E Smart 05.621."""
    headers = {
        "Sec-WebSocket-Protocol": None,
        "User-Agent": "TinyWebsockets Client",
        "Origin": "https://github.com/gilmaimon/TinyWebsockets",
    }
    async with site.listening() as listener:
        status, answered, reader, writer = await raw_request(listener, "/garage", headers)
        assert (status, "Sec-WebSocket-Protocol" in answered) == (101, False)
        writer.write(masked_frame(HEARTBEAT))
        head = await reader.readexactly(2)
        assert (await reader.readexactly(head[1])).startswith(b'[3,"7",{"currentTime"')
        writer.close()


@pytest.mark.parametrize(("offered", "chosen"), [("ocpp1.6, ocpp1.5", "ocpp1.6"), ("ocpp1.5 , OCPP1.6", "OCPP1.6")])
@within(10)
async def test_H2_several_subprotocols(site: Site, offered: str, chosen: str) -> None:
    async with site.listening() as listener:
        status, answered, _, writer = await raw_request(listener, "/garage", {"Sec-WebSocket-Protocol": offered})
        assert (status, answered["Sec-WebSocket-Protocol"]) == (101, chosen)
        writer.close()


@within(10)
async def test_H3_a_probe_with_another_version(site: Site) -> None:
    """FoxESS A022KP1: 1.6 for three seconds, then 2.0.1 again and again, then 1.6 for good."""
    async with site.listening() as listener:
        async with charger(listener) as probe:
            await probe.boot()
        for _ in range(3):
            with pytest.raises(InvalidStatus, match="400"):
                async with charger(listener, subprotocols=["ocpp2.0.1"]):
                    pass
        async with charger(listener) as garage:
            assert (await garage.boot())["status"] == "Accepted"


@within(10)
async def test_H4_no_connection_header(site: Site) -> None:
    """Autel MaxiCharger US AC."""
    async with site.listening() as listener:
        assert await enters(listener, "/garage", Connection=None) == "garage"


@within(10)
async def test_H5_origin_of_a_file(site: Site) -> None:
    """Enercab Smart, ELEDIO."""
    async with site.listening() as listener:
        assert await enters(listener, "/garage", Origin="file:///android_asset/www") == "garage"


@pytest.mark.parametrize(
    ("target", "identity"),
    [("/ws://192.168.17.5:9000/CP_1/SERIAL_1234", "serial_1234"), ("ws://10.0.0.1:9000/CP_1", "cp_1")],
)
@within(10)
async def test_H6_a_whole_url_for_a_path(site: Site, target: str, identity: str) -> None:
    async with site.listening() as listener:
        assert await enters(listener, target) == identity


@pytest.mark.parametrize("target", ["/ABCD1234", "/ocpp/ABCD1234", "/garage/left/ABCD1234"])
@within(10)
async def test_H7_the_identity_appended_to_whatever_was_typed(site: Site, target: str) -> None:
    """EN+, Raedian Neo, Wallbox."""
    async with site.listening() as listener:
        assert await enters(listener, target, User_Agent="ESP32 Websocket Client") == "abcd1234"


@pytest.mark.parametrize(
    ("target", "identity"),
    [("//martin.1", "martin.1"), ("/RDAM%20123", "rdam 123"), ("/DE%2AABC%2AE1/", "de*abc*e1")],
)
@within(10)
async def test_H8_dots_spaces_percent_signs(site: Site, target: str, identity: str) -> None:
    async with site.listening() as listener:
        assert await enters(listener, target) == identity


@within(10)
async def test_H10_the_identity_in_another_case(site: Site) -> None:
    """In the URL, as the user name, and as the owner typed it: one charger with one password."""
    async with site.listening() as listener:
        set_password(listener, "garage", "correct horse")
        async with charger(listener, "GARAGE", additional_headers=basic("Garage", b"correct horse")) as garage:
            assert (await garage.boot())["status"] == "Accepted"
        (known,) = listener.store.register.everyone()
        assert known.password_hash


@within(10)
async def test_H11_broken_and_empty_requests(site: Site, capsys: Any) -> None:
    """Ocular LTE Plus, NewMotion Home Advanced: it is no handshake, but the next one is, from the same address."""
    async with site.listening() as listener:
        for garbage in (b"", b"\r\n\r\n", b"GET /garage\r\n\r\n", b"\0" * 40):
            reader, writer = await asyncio.open_connection("127.0.0.1", listener.ports["ws"])
            writer.write(garbage)
            writer.write_eof()
            await reader.read()
            writer.close()
        async with charger(listener) as garage:
            assert await lives(garage)
    assert capsys.readouterr().err.count("no_handshake") == 1


KEY = bytes(range(235, 255))


@pytest.mark.parametrize(
    ("user", "password"),
    [("garage", KEY), ("garage", KEY.hex().encode()), ("garage", KEY.hex().upper().encode()), ("", KEY)],
    ids=["bytes", "hex", "HEX", "no user name"],
)
@within(10)
async def test_H12_the_password_as_bytes_or_hex(site: Site, user: str, password: bytes) -> None:
    async with site.listening() as listener:
        set_password(listener, "garage", KEY.hex())
        assert await status_of(listener, "/garage", basic(user, b"wrong")) == 401
    async with site.listening() as listener:
        assert await status_of(listener, "/garage", basic(user, password)) == 101


@within(10)
async def test_H13_the_password_field_stays_empty(site: Site) -> None:
    """Wallbox Pulsar and Copper, Autel: nobody is asked for a password that was never set."""
    async with site.listening() as listener:
        assert await status_of(listener, "/garage") == 101
        assert await status_of(listener, "/garage", basic("garage", b"")) == 101


@within(10)
async def test_H15_compressed_without_being_asked(site: Site) -> None:
    """The connection ends as the standard says, nobody else is touched, and the charger comes back."""
    async with site.listening() as listener, charger(listener, "carport") as carport:
        _, answered, reader, writer = await raw_request(
            listener, "/garage", {"Sec-WebSocket-Extensions": "permessage-deflate"}
        )
        assert "Sec-WebSocket-Extensions" not in answered
        writer.write(bytes([0xC1, *masked_frame(HEARTBEAT)[1:]]))  # the bit that says "compressed"
        frame = await reader.read()
        assert frame[:1] + frame[2:4] == b"\x88" + (1002).to_bytes(2)
        writer.close()
        async with charger(listener) as garage:
            assert await lives(garage)
        assert await lives(carport)


@within(10)
async def test_H16_pings_never_answered(site: Site) -> None:
    async with site.listening(site.config(ping_interval_s=0.02)) as listener:
        _, _, reader, writer = await raw_request(listener, "/garage")
        assert await reader.readexactly(40) == PING * 20
        assert list(listener.links) == ["garage"]
        writer.close()


@within(10)
async def test_H17_silent_for_more_than_a_heartbeat(site: Site) -> None:
    """Mennekes Amtron 4You was cut off by servers that wait for just one."""
    config = site.config(ping_interval_s=0.05)
    config = msgspec.structs.replace(config, chargers=msgspec.structs.replace(config.chargers, heartbeat_interval_s=1))
    async with site.listening(config) as listener:
        _, _, reader, writer = await raw_request(listener, "/garage")
        assert await reader.readexactly(50) == PING * 25
        writer.write(masked_frame(HEARTBEAT))
        assert b'[3,"7"' in await reader.readuntil(b"}")
        writer.close()


@within(10)
async def test_H18_an_idle_line_is_kept_warm(site: Site) -> None:
    """Morek EAW-A007T sends no heartbeats; a line of pings is not idle."""
    async with site.listening(site.config(ping_interval_s=0.02)) as listener:
        _, _, reader, writer = await raw_request(listener, "/garage")
        assert await reader.readexactly(6) == PING * 3
        writer.close()


@within(10)
async def test_H19_a_second_connection_while_the_first_is_half_open(site: Site) -> None:
    async with site.listening() as listener, charger(listener) as older, charger(listener) as newer:
        assert await older.closed() == 1000
        assert await lives(newer)
        assert list(listener.links) == ["garage"]


def test_H20_away_for_minutes() -> None:
    """Teison Smart MINI, FoxESS: the charge goes on, and status says since when nothing was heard."""
    garage = Garage()
    garage.boot("FoxESS", "A022KP1")
    number = garage.start()
    garage.session.connection_lost()
    garage.clock.pass_(19 * 60)
    assert garage.booked() == [f"{number} 04A2 0 Wh open"]
    assert [found.split(";")[0] for found in garage.findings(connected=False)] == [
        "garage: not connected, last seen 12:00, while it was charging"
    ]
    garage.stop(number, 6000)
    assert garage.booked() == [f"{number} 04A2 5000 Wh measured"]


@pytest.mark.parametrize(("vendor", "model"), [("Free2move eSolutions", "eProWallbox"), ("FCA", "F2ME.EPROSE01TXX")])
def test_H21_drops_the_line_when_answered_at_once(vendor: str, model: str) -> None:
    """Free2move eProWallbox 2.9.3: 77 of 89 charges failed. A second later it bears the answer; others do not wait."""
    garage = Garage()
    garage.boot(vendor, model, "2.9.3")
    start = f'{{"connectorId":1,"idTag":"04A2","meterStart":0,"timestamp":"{garage.now}"}}'
    assert garage.says(f'[2,"7","StartTransaction",{start}]') == []
    assert garage.booked() == ["1 04A2 0 Wh open"], "booked all the same, should it not wait"
    assert garage.asks("Heartbeat")
    garage.wait(0.9)
    assert garage.session.text_to_send() == []
    garage.wait(0.1)
    assert garage.session.text_to_send() == ['[3,"7",{"idTagInfo":{"status":"Accepted"},"transactionId":1}]']


SLOWLY = '[chargers]\nadmit = "any"\n[charger.garage.quirks]\nreply_delay_s = 0.3\n[paths]\nruntime = "run"\n'
START = '[2,"7","StartTransaction",{"connectorId":1,"idTag":"04A2","meterStart":0,"timestamp":"2026-06-01T12:00:00Z"}]'


@within(10)
async def test_H21_at_the_listener(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.file.write_text(SLOWLY)
    async with site.listening() as listener, charger(listener) as garage:
        begun = time.monotonic()
        await garage.socket.send(START)
        assert await lives(garage)
        assert (await garage.answer_to("7"))["transactionId"] == 1
        assert time.monotonic() - begun >= 0.3


def test_H21_at_the_backend(tmp_path: Path) -> None:
    (tmp_path / "tinyocpp.toml").write_text(SLOWLY)
    words = ["--config", str(tmp_path / "tinyocpp.toml"), "--charger", "garage"]
    with start(BACKEND, *words, stdin=PIPE, stdout=PIPE, text=True) as backend:
        assert backend.stdin
        assert backend.stdout
        begun = time.monotonic()
        backend.stdin.write(f"{START}\n{HEARTBEAT.replace('7', '8')}\n")
        backend.stdin.flush()
        assert [backend.stdout.readline()[:6] for _ in range(2)] == ['[3,"8"', '[3,"7"']
        assert time.monotonic() - begun >= 0.3
        backend.stdin.close()
        assert backend.wait(20) == 0


@within(10)
async def test_H22_large_and_fragmented_frames(site: Site) -> None:
    data = "x" * 17_000
    frame = json.dumps([2, "7", "DataTransfer", {"vendorId": "EN+", "data": data}])
    async with site.listening() as listener, charger(listener) as garage:
        await garage.boot()
        await garage.socket.send(frame[start : start + 1000] for start in range(0, len(frame), 1000))
        assert (await garage.answer_to("7"))["status"] == "UnknownVendorId"
        assert (await garage.ask("DataTransfer", {"vendorId": "EN+", "data": "x" * 900_000}))["status"]


def test_H23_answers_no_call_of_ours() -> None:
    """Only a new connection helps: it is closed after three, although the heartbeats go on."""
    garage = Garage()
    for _ in range(3):
        assert not garage.session.closing
        garage.call("ClearCache")
        garage.session.text_to_send()
        assert garage.asks("Heartbeat")
        (ended,) = garage.wait(90)
        assert ended.outcome == "timeout"
    assert garage.session.closing


def set_password(listener: Listener, identity: str, password: str) -> None:
    assert listener.store.begin()
    listener.store.register.set_password(identity, hash_password(password))
    listener.store.commit()
