"""`tinyocpp charger firmware update`, `diagnostics get`, `log get`, typed while a real listener has the simulator,
which really fetches and brings, or a charger that does as the test tells it."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import re
import signal
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import ProxyHandler, Request, build_opener

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from listening import ACCEPTED, BOOT, Charger, Site, charger, within
from programs import PIPE, TINYOCPP, start

from tinyocpp.cli import main
from tinyocpp.cli.charger.upkeep import goals, handover, uploads
from tinyocpp.simulator import charge_point, firmware
from tinyocpp.simulator.car import Car
from tinyocpp.simulator.charge_point import ChargePoint
from tinyocpp.simulator.client import Address, Client, Clock
from tinyocpp.simulator.visit import Parked

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from conftest import House, Plugged

FIRMWARE = bytes(range(256)) * 2000
LIMIT_S = 40


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    """With a charger that needs a tenth of a second for what takes others minutes."""
    monkeypatch.setattr(firmware, "STEP_S", 0.1)
    monkeypatch.setattr(charge_point, "REBOOT_S", 0.1)
    (tmp_path / "fw 1.bin").write_bytes(FIRMWARE)
    (tmp_path / "brought").mkdir()
    return Site(tmp_path, '[chargers]\nadmit = "any"')


async def typed(site: Site, *words: str) -> int:
    def run() -> int:
        try:
            return main(["--config", str(site.file), "charger", *words])
        except SystemExit as stop:
            return int(stop.code or 0)

    return await asyncio.to_thread(run)


@contextlib.asynccontextmanager
async def simulated(listener: Any) -> AsyncIterator[ChargePoint]:
    """`tinyocpp simulate --idle`, in this process."""
    clock = Clock()
    station = ChargePoint("garage", clock.now())
    address = Address(url=f"ws://127.0.0.1:{listener.ports['ws']}/", identity="garage")
    client = Client(station, Parked(station, Car(1000)), address, persistent=True, clock=clock, first_wait_s=0.1)
    running = asyncio.create_task(client.run())
    try:
        while not station.accepted:
            await asyncio.sleep(0)
        yield station
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


def brought(site: Site) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (site.folder / "brought").iterdir()}


def story(err: str) -> list[str]:
    """What was told, without the times and how far the file was."""
    lines = [re.sub(r"^\d\d:\d\d:\d\d  ", "", line) for line in err.splitlines() if re.match(r"\d\d:", line)]
    return [line for line in lines if " of " not in line and "received" not in line]


# With the simulator: everything is real.


@pytest.mark.parametrize("ftp", [False, True])
@within(LIMIT_S)
async def test_an_update(site: Site, capsys: Any, ftp: bool) -> None:
    async with site.listening() as listener, simulated(listener) as station:
        before = station.firmware
        how = ["--ftp"] if ftp else []
        assert await typed(site, "firmware", "update", str(site.folder / "fw 1.bin"), *how) == 0
        out, err = capsys.readouterr()
        assert out == f"garage has installed firmware {before}+1 (before: {before})\n"
        kind = r"ftp://charger:\w{24}@" if ftp else "http://"
        ending = "" if ftp else r"\w{24}/"
        assert re.search(rf"for fw-1.bin \(512.0 kB\): {kind}127.0.0.1:\d+/{ending}fw-1.bin\n", err)
        told = story(err)
        assert sorted(told[:3]) == ["127.0.0.1 fetches fw-1.bin", "garage fetches it", "garage has it"]
        assert "garage installs it; leave it switched on" in told
        assert f"garage has restarted: firmware {before}, now {before}+1" in told
        assert f"firmware: {len(FIRMWARE)} bytes" in "".join(notice.text for notice in station.notices)


@pytest.mark.parametrize("ftp", [False, True])
@within(LIMIT_S)
async def test_diagnostics(site: Site, capsys: Any, ftp: bool) -> None:
    async with site.listening() as listener, simulated(listener):
        how = ["--ftp"] if ftp else []
        assert await typed(site, "diagnostics", "get", "--to", str(site.folder / "brought"), *how) == 0
        ((name, content),) = brought(site).items()
        assert re.fullmatch(r"diagnostics-\d{8}T\d{6}Z.txt", name)
        assert content.startswith(b"garage, firmware ")
        out, err = capsys.readouterr()
        assert out == f"{site.folder}/brought/{name} ({goals.amount(len(content))})\n"
        assert story(err)[-1] == "garage has brought it"


@within(LIMIT_S)
async def test_a_log(site: Site, capsys: Any) -> None:
    async with site.listening() as listener, simulated(listener):
        file = site.folder / "brought" / "mine.txt"
        assert await typed(site, "log", "get", "--security", "--to", str(file)) == 0
        assert list(brought(site)) == ["mine.txt"]
        assert capsys.readouterr().out.startswith(f"{file} (")


@within(LIMIT_S)
async def test_a_file_that_is_not_where_the_url_says(site: Site, capsys: Any) -> None:
    async with site.listening() as listener, simulated(listener):
        url = f"http://127.0.0.1:{listener.ports['ws']}/nothing"
        assert await typed(site, "firmware", "update", url) == 1
        assert "garage could not fetch it; can it reach that URL?" in capsys.readouterr().err
        assert await typed(site, "diagnostics", "get", "--to", url) == 1
        assert "garage could not bring it; can it reach that URL?" in capsys.readouterr().err


@within(LIMIT_S)
async def test_too_large_a_file(site: Site, capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "MB", 100)
    async with site.listening() as listener, simulated(listener):
        code = await typed(site, "diagnostics", "get", "--to", str(site.folder / "brought"), "--most-mb", "1")
        assert code == 1
        assert "File too large" in capsys.readouterr().err
        assert brought(site) == {}


# With a charger that does as it is told.


@within(LIMIT_S)
async def test_installed_before_the_restart(site: Site, capsys: Any) -> None:
    """And the connection lost in the middle: the version at boot is the proof."""
    async with site.listening() as listener:
        async with charger(listener) as garage:
            await garage.ask("BootNotification", BOOT | {"firmwareVersion": "1.0"})
            updating = asyncio.create_task(typed(site, "firmware", "update", "http://192.0.2.1/fw.bin"))
            await answer(garage, "UpdateFirmware", {})
            for status in ("Downloading", "Downloaded", "Installing", "Installed"):
                await garage.ask("FirmwareStatusNotification", {"status": status})
        async with charger(listener) as garage:
            await garage.ask("Heartbeat", {})
        async with charger(listener) as garage:
            await garage.ask("BootNotification", BOOT | {"firmwareVersion": "1.1"})
            await garage.ask("FirmwareStatusNotification", {"status": "Idle"})
            assert await updating == 0
    out, err = capsys.readouterr()
    assert out == "garage has installed firmware 1.1 (before: 1.0)\n"
    assert "garage has restarted: firmware 1.0, now 1.1" in story(err)


@within(LIMIT_S)
async def test_a_charger_that_never_says_installed(site: Site, capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(goals, "PROOF_S", 0.5)
    async with site.listening() as listener, charger(listener) as garage:
        await garage.ask("BootNotification", BOOT | {"firmwareVersion": "1.0"})
        updating = asyncio.create_task(typed(site, "firmware", "update", "http://192.0.2.1/fw.bin"))
        await answer(garage, "UpdateFirmware", {})
        await garage.ask("BootNotification", BOOT | {"firmwareVersion": "1.1"})
        assert await updating == 0
    assert capsys.readouterr().out == "garage runs firmware 1.1 now (before: 1.0)\n"


@within(LIMIT_S)
async def test_a_version_that_stays(site: Site, capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(goals, "PROOF_S", 0.5)
    async with site.listening() as listener, charger(listener) as garage:
        await garage.ask("BootNotification", BOOT | {"firmwareVersion": "1.0"})
        updating = asyncio.create_task(typed(site, "firmware", "update", "http://192.0.2.1/fw.bin"))
        await answer(garage, "UpdateFirmware", {})
        await garage.ask("FirmwareStatusNotification", {"status": "Installed"})
        assert await updating == 0
    assert "the version it tells of is still 1.0" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("DownloadFailed", "could not fetch it; it never came for it: is there a firewall"),
        ("InstallationFailed", "could not install it; ask the maker which file"),
    ],
)
@within(LIMIT_S)
async def test_an_update_that_fails(site: Site, capsys: Any, status: str, said: str) -> None:
    """TC_044_2, TC_044_3. Statuses of an earlier update do not count."""
    async with site.listening() as listener, charger(listener) as garage:
        await garage.boot()
        await garage.ask("FirmwareStatusNotification", {"status": "Installed"})
        updating = asyncio.create_task(
            typed(site, "firmware", "update", str(site.folder / "fw 1.bin"), "--retries", "0")
        )
        await answer(garage, "GetConfiguration", {"unknownKey": ["SupportedFileTransferProtocols"]})
        sent = await answer(garage, "UpdateFirmware", {})
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", sent["retrieveDate"])
        assert sent["retries"] == 0
        await garage.ask("FirmwareStatusNotification", {"status": status})
        assert await updating == 1
    assert said in capsys.readouterr().err


@within(LIMIT_S)
async def test_a_download_that_broke_off_may_be_tried_again(
    site: Site, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handover, "RETRY_S", 1.0)
    async with site.listening() as listener, charger(listener) as garage:
        await garage.boot()
        update = ("firmware", "update", str(site.folder / "fw 1.bin"), "--retries", "1", "--retry-interval", "0")
        updating = asyncio.create_task(typed(site, *update))
        await answer(garage, "GetConfiguration", {})
        url = (await answer(garage, "UpdateFirmware", {}))["location"]
        assert len(await asyncio.to_thread(fetch, url, {"Range": "bytes=0-999"})) == 1000
        await garage.ask("FirmwareStatusNotification", {"status": "DownloadFailed"})
        await garage.ask("FirmwareStatusNotification", {"status": "Downloading"})
        await garage.ask("FirmwareStatusNotification", {"status": "DownloadFailed"})
        assert await updating == 1
    err = capsys.readouterr().err
    assert story(err).count("garage could not fetch it") == 2
    assert "it broke off: look at its network" in err


@within(LIMIT_S)
async def test_nothing_happens(site: Site, capsys: Any) -> None:
    async with site.listening() as listener, charger(listener) as garage:
        await garage.boot()
        updating = asyncio.create_task(typed(site, "firmware", "update", "http://192.0.2.1/fw", "--timeout", "0.5"))
        await answer(garage, "UpdateFirmware", {})
        assert await updating == 75
    assert "garage: nothing has happened for 0.5 s; it may yet go on" in capsys.readouterr().err


@within(LIMIT_S)
async def test_nobody_waits(site: Site, capsys: Any) -> None:
    async with site.listening() as listener, charger(listener) as garage:
        await garage.boot()
        asking = asyncio.create_task(typed(site, "diagnostics", "get", "--to", "ftp://u:p@192.0.2.1/", "--no-wait"))
        assert await answer(garage, "GetDiagnostics", {"fileName": "x"}) == {"location": "ftp://u:p@192.0.2.1/"}
        assert await asking == 0


@pytest.mark.parametrize(
    ("told", "scheme"), [("FTP", "ftp"), ("FTP,FTPS", "ftp"), ("FTP,HTTP", "http"), ("", "http"), ("https", "http")]
)
@within(LIMIT_S)
async def test_B14_the_protocol_the_charger_speaks(site: Site, capsys: Any, told: str, scheme: str) -> None:
    """It is asked once; what it has told is in the ledger (quirk B14)."""
    async with site.listening() as listener, charger(listener) as garage:
        await garage.boot()
        for first in (True, False):
            asking = asyncio.create_task(typed(site, "diagnostics", "get", "--to", str(site.folder / "brought")))
            if first:
                key = {"key": "SupportedFileTransferProtocols", "readonly": True, "value": told}
                await answer(garage, "GetConfiguration", {"configurationKey": [key]})
            url = (await answer(garage, "GetDiagnostics", {"fileName": "x"}))["location"]
            assert urlsplit(url).scheme == scheme
            await garage.ask("DiagnosticsStatusNotification", {"status": "UploadFailed"})
            assert await asking == 1
    assert ("put the file on a server that speaks that" in capsys.readouterr().err) == (told == "https")


@within(LIMIT_S)
async def test_a_question_that_is_refused(site: Site) -> None:
    async with site.listening() as listener, charger(listener) as garage:
        await garage.boot()
        asking = asyncio.create_task(typed(site, "diagnostics", "get", "--to", str(site.folder / "brought")))
        message_id, _, _ = await garage.next_call()
        await garage.socket.send(f'[4,"{message_id}","InternalError","",{{}}]')
        url = (await answer(garage, "GetDiagnostics", {"fileName": "my diag.zip"}))["location"]
        await asyncio.to_thread(bring, url, b"data")
        await garage.ask("DiagnosticsStatusNotification", {"status": "Uploaded"})
        assert await asking == 0
        assert list(brought(site).values()) == [b"data"]


@pytest.mark.parametrize(
    ("comes", "status", "code", "said"),
    [
        (True, "UploadFailed", 0, "; garage says that it failed"),
        (True, None, 0, "; garage has not said that"),
        (False, "Uploaded", 1, "says that it has brought it, but nothing has come; it never came"),
        (False, "UploadFailed", 1, "could not bring it; it never came"),
    ],
)
@within(LIMIT_S)
async def test_the_file_counts(
    site: Site, capsys: Any, monkeypatch: pytest.MonkeyPatch, comes: bool, status: str | None, code: int, said: str
) -> None:
    """TC_045_2, and chargers that say one thing and do another."""
    monkeypatch.setattr(goals, "ARRIVED_S", 1.0)
    async with site.listening() as listener, charger(listener) as garage:
        await garage.boot()
        asking = asyncio.create_task(typed(site, "diagnostics", "get", "--to", str(site.folder / "brought")))
        await answer(garage, "GetConfiguration", {})
        url = (await answer(garage, "GetDiagnostics", {"fileName": "x"}))["location"]
        if comes:
            await asyncio.to_thread(bring, f"{url}log.txt", b"data")
        if status:
            await garage.ask("DiagnosticsStatusNotification", {"status": status})
        assert await asking == code
        assert brought(site) == ({"log.txt": b"data"} if comes else {})
    captured = capsys.readouterr()
    assert said in captured.out + captured.err


@within(LIMIT_S)
async def test_nothing_to_tell(site: Site, capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """No file name in the answer (section 5.9)."""
    monkeypatch.setattr(uploads, "NOTHING_S", 0.5)
    async with site.listening() as listener, charger(listener) as garage:
        await garage.boot()
        asking = asyncio.create_task(typed(site, "diagnostics", "get", "--to", str(site.folder / "brought")))
        await answer(garage, "GetConfiguration", {})
        await answer(garage, "GetDiagnostics", {})
        assert await asking == 1
    assert "it has nothing to tell" in capsys.readouterr().err


@within(LIMIT_S)
async def test_what_a_log_is_asked_for(site: Site) -> None:
    async with site.listening() as listener, charger(listener) as garage:
        await garage.boot()
        span = ("--since", "2026-06-01T10:00:00Z", "--until", "2026-06-01T12:00:00Z")
        asking = asyncio.create_task(typed(site, "log", "get", "--to", "http://192.0.2.1/x", *span, "--retries", "2"))
        sent = await answer(garage, "GetLog", {"status": "Accepted", "filename": "x"})
        assert sent == {
            "log": {
                "remoteLocation": "http://192.0.2.1/x",
                "oldestTimestamp": "2026-06-01T10:00:00Z",
                "latestTimestamp": "2026-06-01T12:00:00Z",
            },
            "logType": "DiagnosticsLog",
            "requestId": 1,
            "retries": 2,
        }
        for request_id, status in ((9, "UploadFailure"), (1, "Uploading"), (1, "Uploaded")):
            await garage.ask("LogStatusNotification", {"status": status, "requestId": request_id})
        assert await asking == 0
        asking = asyncio.create_task(typed(site, "log", "get", "--to", "http://192.0.2.1/x"))
        assert (await answer(garage, "GetLog", {"status": "Rejected"}))["requestId"] == 2
        assert await asking == 1
        await garage.ask("LogStatusNotification", {"status": "Uploading", "requestId": 2**63 - 1})
        asking = asyncio.create_task(typed(site, "log", "get", "--to", "http://192.0.2.1/x"))
        assert (await answer(garage, "GetLog", {"status": "Rejected"}))["requestId"] == 1
        assert await asking == 1


@pytest.mark.parametrize(
    ("words", "call", "said"),
    [
        (("firmware", "update", "http://192.0.2.1/x"), "UpdateFirmware", "give --signature and --certificate"),
        (("log", "get", "--to", "http://192.0.2.1/x"), "GetLog", "try: tinyocpp charger diagnostics get"),
        (("log", "get", "--to", "http://192.0.2.1/x", "--security"), "GetLog", "it keeps no such log"),
        (("diagnostics", "get", "--to", "http://192.0.2.1/x"), "GetDiagnostics", "try: tinyocpp charger log get"),
    ],
)
@within(LIMIT_S)
async def test_a_charger_that_does_not_do_it(
    site: Site, capsys: Any, words: tuple[str, ...], call: str, said: str
) -> None:
    """L01.FR.20 among them."""
    async with site.listening() as listener, charger(listener) as garage:
        await garage.boot()
        asking = asyncio.create_task(typed(site, *words))
        message_id, action, _ = await garage.next_call()
        assert action == call
        await garage.socket.send(f'[4,"{message_id}","NotSupported","",{{}}]')
        assert await asking == 76
        assert said in capsys.readouterr().err
        asking = asyncio.create_task(typed(site, *words))
        await answer(garage, call, {"status": "NotImplemented"})  # as a result (quirk F14)
        assert await asking == 1
        assert said in capsys.readouterr().err


async def answer(garage: Charger, action: str, payload: dict[str, Any]) -> dict[str, Any]:
    """Answer the next call, which must be this one; what it asks for."""
    message_id, asked, sent = await garage.next_call()
    assert asked == action
    await garage.answer(message_id, payload)
    return sent  # type: ignore[no-any-return]


def fetch(url: str, headers: dict[str, str]) -> bytes:
    with build_opener(ProxyHandler({})).open(Request(url, headers=headers), timeout=10) as found:
        return bytes(found.read())


def bring(url: str, data: bytes) -> None:
    build_opener(ProxyHandler({})).open(Request(url, data, method="PUT"), timeout=10).close()


# Signed firmware.


class Maker:
    """Its key, its certificate, and what it signs."""

    def __init__(self, folder: Path, key: Any) -> None:
        self.key = key
        name = x509.Name([x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "Maker")])
        now = datetime.now(UTC)
        digest = None if isinstance(key, ed25519.Ed25519PrivateKey) else SHA256()
        built = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=99)).sign(
            key, digest
        )
        self.certificate = folder / "maker.pem"
        self.certificate.write_bytes(built.public_bytes(Encoding.PEM))
        self.signature = folder / "fw.sig"

    def sign(self, data: bytes, how: str) -> bytes:
        ways = {
            "pss": lambda: self.key.sign(data, padding.PSS(padding.MGF1(SHA256()), 32), SHA256()),
            "pkcs1": lambda: self.key.sign(data, padding.PKCS1v15(), SHA256()),
            "ecdsa": lambda: self.key.sign(data, ec.ECDSA(SHA256())),
            "ed25519": lambda: self.key.sign(data),
        }
        return bytes(ways[how]())


RSA, EC = rsa.generate_private_key(65537, 2048), ec.generate_private_key(ec.SECP256R1())
ED = ed25519.Ed25519PrivateKey.generate()


@pytest.mark.parametrize(("key", "how"), [(RSA, "pss"), (RSA, "pkcs1"), (EC, "ecdsa")], ids=["pss", "pkcs1", "ecdsa"])
@pytest.mark.parametrize("binary", [False, True])
@within(LIMIT_S)
async def test_a_signed_update_is_sent(site: Site, capsys: Any, key: Any, how: str, binary: bool) -> None:
    """TC_080, as far as the request goes; the statuses of another request do not count."""
    maker = Maker(site.folder, key)
    proof = maker.sign(FIRMWARE, how)
    maker.signature.write_bytes(proof if binary else base64.encodebytes(proof))
    async with site.listening() as listener, charger(listener) as garage:
        await garage.boot()
        updating = asyncio.create_task(typed(site, *signed(site, maker)))
        await answer(garage, "GetConfiguration", {})
        sent = await answer(garage, "SignedUpdateFirmware", ACCEPTED)
        assert sent["requestId"] == 1
        assert sent["firmware"]["signature"] == base64.b64encode(proof).decode()
        assert sent["firmware"]["signingCertificate"] == maker.certificate.read_text()
        assert await asyncio.to_thread(fetch, sent["firmware"]["location"], {}) == FIRMWARE
        for request_id, status in ((8, "Installed"), (1, "SignatureVerified"), (1, "InstallVerificationFailed")):
            await garage.ask("SignedFirmwareStatusNotification", {"status": status, "requestId": request_id})
        assert await updating == 1
        assert "garage finds it broken" in capsys.readouterr().err


def signed(site: Site, maker: Maker, *other: str) -> tuple[str, ...]:
    file = str(site.folder / "fw 1.bin")
    return (
        "firmware",
        "update",
        file,
        "--signature",
        str(maker.signature),
        "--certificate",
        str(maker.certificate),
    ) + (other)


@within(LIMIT_S)
async def test_a_signed_update_with_the_simulator(site: Site, capsys: Any) -> None:
    """TC_080, and TC_081: an invalid signature can be sent, and the charger finds it."""
    maker = Maker(site.folder, RSA)
    maker.signature.write_bytes(base64.b64encode(maker.sign(FIRMWARE, "pss")))
    async with site.listening() as listener, simulated(listener):
        assert await typed(site, *signed(site, maker)) == 0
        out, err = capsys.readouterr()
        assert "has installed firmware" in out
        assert "garage finds the signature right" in story(err)
        maker.signature.write_bytes(base64.b64encode(maker.sign(b"something else", "pss")))
        assert await typed(site, *signed(site, maker)) == 64
        assert "the signature is not of this file" in capsys.readouterr().err
        assert await typed(site, *signed(site, maker, "--anyway")) == 1
        assert "garage finds the signature wrong; give the signature" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("status", "said"), [("InvalidCertificate", "it does not trust the signing certificate"), ("Rejected", "under way")]
)
@within(LIMIT_S)
async def test_a_signed_update_is_refused(site: Site, capsys: Any, status: str, said: str) -> None:
    maker = Maker(site.folder, RSA)
    maker.signature.write_bytes(base64.b64encode(maker.sign(FIRMWARE, "pss")))
    async with site.listening() as listener, charger(listener) as garage:
        await garage.boot()
        updating = asyncio.create_task(typed(site, *signed(site, maker)))
        await answer(garage, "GetConfiguration", {})
        await answer(garage, "SignedUpdateFirmware", {"status": status})
        assert await updating == 1
    assert said in capsys.readouterr().err


def test_what_is_wrong_with_a_signature(site: Site, capsys: Any) -> None:
    maker = Maker(site.folder, RSA)
    good = base64.b64encode(maker.sign(FIRMWARE, "pss"))
    certificate = maker.certificate.read_bytes()
    for signature, pem, said in (
        (b"not base64!", certificate, "is not base64"),
        (b"", certificate, "is empty"),
        (b"A" * 804, certificate, "longer than the 800 characters"),
        (good, b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "no certificate in PEM"),
        (good, b"nonsense", "no certificate in PEM"),
        (good, certificate * 9, "longer than the 5500 characters"),
        (good[4:], certificate, "the signature is not of this file"),
    ):
        maker.signature.write_bytes(signature)
        maker.certificate.write_bytes(pem)
        assert main(["--config", str(site.file), "charger", *signed(site, maker)]) == 64
        assert said in capsys.readouterr().err
    other = Maker(site.folder, ED)
    other.signature.write_bytes(base64.b64encode(other.sign(FIRMWARE, "ed25519")))
    assert main(["--config", str(site.file), "charger", *signed(site, other)]) == 64
    assert "ECSchnorr is not" in capsys.readouterr().err


# What a person got wrong is refused before anything is sent: nobody is connected, which would be 69.


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("firmware update missing.bin", "No such file"),
        ("firmware update empty.bin", "Is empty"),
        ("firmware update {folder}", "Is not a file"),
        ("firmware update gopher://192.0.2.1/x", "no URL a charger can use"),
        ("firmware update http:///x", "no URL a charger can use"),
        ("firmware update http://[x/", "no URL a charger can use"),
        ("firmware update http://192.0.2.1:99999/", "no URL a charger can use"),
        ("firmware update http://192.0.2.1/a%sb", "no URL a charger can use"),
        ("firmware update http://192.0.2.1/" + "x" * 500, "longer than the 512 characters"),
        ("firmware update fw.bin --no-wait", "only while we wait"),
        ("firmware update fw.bin --at 2020-01-01T00:00:00Z", "is over"),
        ("firmware update fw.bin --at soon", "no such time"),
        ("firmware update fw.bin --signature fw.bin", "needs both"),
        ("firmware update fw.bin --signature none --certificate none", "--signature none: No such file"),
        ("firmware update fw.bin --host a/b", "a name or an address"),
        ("firmware update fw.bin --port 70000", "0 to 65535"),
        ("firmware update fw.bin --retries -1", "--retries: 0 or more"),
        ("firmware update fw.bin --retry-interval -1", "--retry-interval: 0 or more"),
        ("diagnostics get --to=", "--to is empty"),
        ("diagnostics get --to nowhere/", "there is no folder"),
        ("diagnostics get --to nowhere/x.zip", "there is no folder"),
        ("diagnostics get --to /proc", "nothing can be written there"),
        ("diagnostics get --to x://y", "no URL a charger can use"),
        ("diagnostics get --no-wait", "only while we wait"),
        ("diagnostics get --most-mb 0", "at least 1"),
        ("log get --since 2026-06-02T00:00:00Z --until 2026-06-01T00:00:00Z", "nothing can have happened"),
        ("log get --since 2999-06-02T00:00:00Z", "nothing can have happened"),
    ],
)
def test_mistakes(site: Site, capsys: Any, monkeypatch: pytest.MonkeyPatch, words: str, said: str) -> None:
    monkeypatch.chdir(site.folder)
    (site.folder / "fw.bin").write_bytes(FIRMWARE)
    (site.folder / "empty.bin").touch()
    typed_words = [word.replace("{folder}", str(site.folder)).replace("%s", " ") for word in words.split()]
    if said == "nothing can be written there":
        monkeypatch.setattr("os.access", lambda *_: False)
    assert main(["--config", str(site.file), "charger", *typed_words]) == 64
    assert said in capsys.readouterr().err


def test_nobody_is_connected(site: Site) -> None:
    assert main(["--config", str(site.file), "charger", "firmware", "update", str(site.folder / "fw 1.bin")]) == 69


def test_ctrl_c_says_what_is_no_longer_served(house: House, plug: Callable[..., Plugged]) -> None:
    """The charger goes on by itself, but not with a file that nobody serves any more."""
    (house.folder / "fw.bin").write_bytes(FIRMWARE)
    plug("garage", GetConfiguration={}, UpdateFirmware={})
    update = ["--config", str(house.configuration), "charger", "firmware", "update", str(house.folder / "fw.bin")]
    with start(TINYOCPP, *update, stderr=PIPE) as word:
        assert word.stderr
        first = word.stderr.readline().decode()
        url = first.split()[-1]
        assert first.startswith("tinyocpp: for fw.bin (512.0 kB): http://")
        assert fetch(url, {}) == FIRMWARE
        word.send_signal(signal.SIGINT)
        assert word.wait(20) == 130
        assert f"garage may go on by itself; {url} is no longer served" in word.stderr.read().decode()
    with pytest.raises(OSError):
        fetch(url, {})
