"""The compliance tool's cases about files: firmware, signed firmware, diagnostics, and the security log.

The file changes hands for real: the charger fetches what `tinyocpp charger firmware update` serves, and brings what
`diagnostics get` and `log get` wait for. At a URL of somebody else's it does as well.
"""

from __future__ import annotations

import asyncio
import base64
import os
import urllib.request
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from listening import within
from ocpp.v16 import call, call_result

from compliance.certificates import RSA, Authority
from compliance.charge_point import now

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from compliance.charge_point import ChargePoint

    Case = Callable[..., ChargePoint]

ELSEWHERE = "ftp://user:secret@192.0.2.7/firmware/ac22-1.5.0.bin"


@pytest.fixture
def image(tmp_path: Path) -> Path:
    file = tmp_path / "ac22-1.5.0.bin"
    file.write_bytes(os.urandom(200_000))
    return file


async def fetched(url: str) -> bytes:
    with await asyncio.to_thread(urllib.request.urlopen, url, timeout=10) as response:
        return await asyncio.to_thread(response.read)


async def brought(directory: str, name: str, content: bytes) -> None:
    """PUT into the folder, as most chargers do."""
    request = urllib.request.Request(f"{directory.rstrip('/')}/{name}", content, method="PUT")
    with await asyncio.to_thread(urllib.request.urlopen, request, timeout=10) as response:
        assert response.status < 300


# ------------------------------------------------------------------------------------------------------------- firmware


@within(60)
async def test_tc_044_1_new_firmware(case: Case, image: Path) -> None:
    """Its connectors are out of service meanwhile; what it boots with is the proof."""
    async with case() as cp:
        await cp.boot()
        updating = asyncio.create_task(cp.typed("firmware", "update", str(image)))
        asked = await cp.called("UpdateFirmware")
        assert asked["retrieveDate"] <= now()
        await cp.ask(call.FirmwareStatusNotification("Downloading"))
        assert await fetched(asked["location"]) == image.read_bytes()
        await cp.ask(call.FirmwareStatusNotification("Downloaded"))
        await cp.status("Unavailable")
        await cp.ask(call.FirmwareStatusNotification("Installing"))
    async with case() as cp:
        assert (await cp.boot("1.5.0")).status == "Accepted"
        await cp.ask(call.FirmwareStatusNotification("Installed"))
        said = await updating
        assert (said.code, "1.5.0" in said.out) == (0, True), said


@pytest.mark.parametrize("source", ["a file here", "a URL"])
@within(30)
async def test_tc_044_2_the_download_fails(case: Case, image: Path, source: str) -> None:
    async with case() as cp:
        await cp.boot()
        file = ELSEWHERE if source == "a URL" else str(image)
        updating = asyncio.create_task(cp.typed("firmware", "update", file))
        assert ((await cp.called("UpdateFirmware"))["location"] == ELSEWHERE) == (source == "a URL")
        for status in ("Downloading", "DownloadFailed"):
            await cp.ask(call.FirmwareStatusNotification(status))
        said = await updating
        assert (said.code, len(said.err.splitlines()) > 0) == (1, True), said


@within(30)
async def test_tc_044_3_the_installation_fails(case: Case, image: Path) -> None:
    async with case() as cp:
        await cp.boot()
        updating = asyncio.create_task(cp.typed("firmware", "update", str(image)))
        await fetched((await cp.called("UpdateFirmware"))["location"])
        for status in ("Downloading", "Downloaded", "Installing", "InstallationFailed"):
            await cp.ask(call.FirmwareStatusNotification(status))
        said = await updating
        assert (said.code, "ask the maker" in said.err) == (1, True), said


# ------------------------------------------------------------------------------------------------------ signed firmware


class Maker:
    """Who signs the firmware: certificate and signature in files, as an owner is given them."""

    def __init__(self, folder: Path, image: Path) -> None:
        self.certificate = Authority(folder / "maker").issue("signing", "/O=Acme/CN=Acme firmware", RSA)
        key = load_pem_private_key((folder / "maker" / "signing.key").read_bytes(), None)
        pss = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
        self.signature = folder / "signature.txt"
        self.signature.write_bytes(base64.b64encode(key.sign(image.read_bytes(), pss, hashes.SHA256())))
        self.options = ("--signature", str(self.signature), "--certificate", str(self.certificate))


@within(60)
async def test_tc_080_signed_firmware(case: Case, image: Path, tmp_path: Path) -> None:
    """The last words of an update may come in any order (section 5.8)."""
    maker = Maker(tmp_path, image)
    async with case() as cp:
        await cp.boot()
        updating = asyncio.create_task(cp.typed("firmware", "update", str(image), *maker.options))
        asked = await cp.called("SignedUpdateFirmware")
        assert asked["firmware"]["signature"] == maker.signature.read_text()
        assert asked["firmware"]["signingCertificate"].strip() == maker.certificate.read_text().strip()
        assert await fetched(asked["firmware"]["location"]) == image.read_bytes()
        for status in ("Downloading", "Downloaded", "SignatureVerified", "Installing", "InstallRebooting"):
            await cp.ask(call.SignedFirmwareStatusNotification(status, asked["requestId"]))
    async with case() as cp:
        assert (await cp.boot("1.5.0")).status == "Accepted"
        await cp.ask(call.SecurityEventNotification("FirmwareUpdated", now(), None))
        await cp.ask(call.SignedFirmwareStatusNotification("Installed", asked["requestId"]))
        said = await updating
        assert (said.code, "1.5.0" in said.out) == (0, True), said


@within(30)
async def test_tc_081_a_signature_that_is_wrong(case: Case, image: Path, tmp_path: Path) -> None:
    """Its owner is told before anything is sent; the tool wants it sent all the same."""
    maker = Maker(tmp_path, image)
    image.write_bytes(b"changed" * 1000)
    async with case() as cp:
        await cp.boot()
        said = await cp.typed("firmware", "update", str(image), *maker.options)
        assert (said.code, "SignedUpdateFirmware" in dict(cp.calls)) == (64, False), said
        updating = asyncio.create_task(cp.typed("firmware", "update", str(image), *maker.options, "--anyway"))
        asked = await cp.called("SignedUpdateFirmware")
        assert asked["firmware"]["signature"] == maker.signature.read_text()
        for status in ("Downloading", "Downloaded", "InvalidSignature"):
            await cp.ask(call.SignedFirmwareStatusNotification(status, asked["requestId"]))
        await cp.ask(call.SecurityEventNotification("InvalidFirmwareSignature", now(), None))
        assert (await updating).code == 1


@pytest.mark.parametrize("status", ["Rejected", "InvalidCertificate", "RevokedCertificate"])
@within(30)
async def test_signed_firmware_that_is_not_taken(case: Case, image: Path, tmp_path: Path, status: str) -> None:
    async with case("unsigned") as cp:
        await cp.boot()
        cp.will(call_result.SignedUpdateFirmware(status))
        said = await cp.typed("firmware", "update", str(image), *Maker(tmp_path, image).options)
        assert (said.code, status in said.err) == (1, True), said


# ------------------------------------------------------------------------------------------------- diagnostics and logs


@within(30)
async def test_tc_045_1_diagnostics(case: Case, tmp_path: Path) -> None:
    async with case() as cp:
        await cp.boot()
        getting = asyncio.create_task(cp.typed("diagnostics", "get", "--to", str(tmp_path)))
        asked = await cp.called("GetDiagnostics")
        await cp.ask(call.DiagnosticsStatusNotification("Uploading"))
        await brought(asked["location"], "diagnostics.log", b"all is well\n")
        await cp.ask(call.DiagnosticsStatusNotification("Uploaded"))
        assert (await getting).code == 0
        assert (tmp_path / "diagnostics.log").read_bytes() == b"all is well\n"


@within(30)
async def test_tc_045_2_diagnostics_that_do_not_come(case: Case, tmp_path: Path) -> None:
    async with case() as cp:
        await cp.boot()
        getting = asyncio.create_task(cp.typed("diagnostics", "get", "--to", str(tmp_path)))
        await cp.called("GetDiagnostics")
        for status in ("Uploading", "UploadFailed"):
            await cp.ask(call.DiagnosticsStatusNotification(status))
        assert (await getting).code == 1
        assert list(tmp_path.iterdir()) == []


@within(30)
async def test_tc_079_the_security_log(case: Case, tmp_path: Path) -> None:
    async with case() as cp:
        await cp.boot()
        getting = asyncio.create_task(cp.typed("log", "get", "--security", "--to", str(tmp_path)))
        asked = await cp.called("GetLog")
        assert (asked["logType"], set(asked)) == ("SecurityLog", {"logType", "requestId", "log"})
        await cp.ask(call.LogStatusNotification("Uploading", asked["requestId"]))
        await brought(asked["log"]["remoteLocation"], "security.log", b"StartupOfTheDevice\n")
        await cp.ask(call.LogStatusNotification("Uploaded", asked["requestId"]))
        assert (await getting).code == 0
        assert (tmp_path / "security.log").read_bytes() == b"StartupOfTheDevice\n"


@pytest.mark.parametrize(
    "status", ["BadMessage", "NotSupportedOperation", "PermissionDenied", "UploadFailure", "AcceptedCanceled"]
)
@within(30)
async def test_a_log_that_does_not_come(case: Case, tmp_path: Path, status: str) -> None:
    """Every way it can fail (N01). A second request takes the first one's place, and is then on its own."""
    async with case("logs") as cp:
        await cp.boot()
        answered = status if status == "AcceptedCanceled" else "Accepted"
        cp.will(call_result.GetLog(answered, "security.log"))
        getting = asyncio.create_task(cp.typed("log", "get", "--to", str(tmp_path)))
        asked = await cp.called("GetLog")
        told = "UploadFailure" if status == "AcceptedCanceled" else status
        await cp.ask(call.LogStatusNotification(told, asked["requestId"]))
        assert (await getting).code == 1
