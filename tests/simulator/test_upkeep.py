"""Firmware, diagnostics and logs of the charge point: what it says, and what it fetches and brings."""

from __future__ import annotations

import base64
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256, Hash
from cryptography.hazmat.primitives.serialization import Encoding

from simulator.bench import Bench
from tinyocpp.simulator.carrier import Carried, Carrier, Parcel, carry

RETRIEVE = {"location": "http://example.org/fw", "retrieveDate": "2026-06-01T12:01:00Z"}
AT_ONCE = {"location": "http://example.org/fw", "retrieveDate": "2026-06-01T12:00:00Z"}
FAILED = Carried(problem="404 Not Found")


def statuses(bench: Bench, action: str) -> list[str]:
    return [payload["status"] for _, payload in bench.take(action)]


def restart(bench: Bench) -> list[tuple[str, dict]]:
    """What it says when it is back."""
    assert bench.station.closing
    bench.disconnect()
    bench.pass_time(2)
    bench.take()
    bench.connect()
    return bench.take()


# Firmware.


def test_update_firmware(charging):
    assert charging.ask("UpdateFirmware", **RETRIEVE) == {}
    charging.pass_time(59)
    assert charging.take("FirmwareStatusNotification") == []
    charging.pass_time(1)
    charging.ask("TriggerMessage", requestedMessage="FirmwareStatusNotification")
    charging.pass_time(20)
    assert statuses(charging, "FirmwareStatusNotification") == [
        "Downloading",
        "Downloading",
        "Downloaded",
        "Installing",
    ]
    assert charging.carried == [("http://example.org/fw", "", None)]
    assert not charging.station.closing  # a transaction is running
    charging.ask("RemoteStopTransaction", transactionId=1)
    charging.pass_time(2)
    said = restart(charging)
    assert said[0][1]["firmwareVersion"].endswith("+1")
    assert [p["status"] for action, p in said if action == "FirmwareStatusNotification"] == ["Installed"]


def test_a_download_is_tried_again(bench):
    bench.carrying = FAILED
    bench.ask("UpdateFirmware", **AT_ONCE, retries=2, retryInterval=30)
    bench.pass_time(62)
    assert len(bench.carried) == 2
    assert statuses(bench, "FirmwareStatusNotification") == ["Downloading"]
    bench.pass_time(1)
    assert statuses(bench, "FirmwareStatusNotification") == ["DownloadFailed"]
    assert len(bench.carried) == 3
    bench.ask("TriggerMessage", requestedMessage="FirmwareStatusNotification")
    assert statuses(bench, "FirmwareStatusNotification") == ["Idle"]
    bench.pass_time(3600)
    assert not bench.station.closing


def test_a_download_that_succeeds_at_last(bench):
    bench.carrying = FAILED
    bench.ask("UpdateFirmware", **AT_ONCE, retries=1)
    bench.pass_time(5)
    bench.carrying = Carried(size=5, sha256=bytes(32))
    bench.pass_time(20)
    assert statuses(bench, "FirmwareStatusNotification") == ["Downloading", "Downloaded", "Installing"]
    assert bench.station.closing


def test_a_second_update_takes_the_place_of_the_first(bench):
    bench.ask("UpdateFirmware", **AT_ONCE)
    bench.ask("UpdateFirmware", **(AT_ONCE | {"location": "ftp://example.org/other"}))
    bench.pass_time(4)
    assert statuses(bench, "FirmwareStatusNotification") == ["Downloading", "Downloading", "Downloaded", "Installing"]
    assert bench.carried[1][0] == "ftp://example.org/other"


def test_a_reset_forgets_an_update(bench):
    bench.ask("UpdateFirmware", **RETRIEVE)
    bench.ask("Reset", type="Hard")
    restart(bench)
    bench.pass_time(100)
    assert statuses(bench, "FirmwareStatusNotification") == []


# Signed firmware.


class Maker:
    """Signs firmware."""

    def __init__(self, key) -> None:
        self.key = key
        name = x509.Name([x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "Maker")])
        now = datetime(2026, 1, 1, tzinfo=UTC)
        self.certificate = (
            x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=3650))
            .sign(key, None if isinstance(key, ed25519.Ed25519PrivateKey) else SHA256())
            .public_bytes(Encoding.PEM)
            .decode()
        )

    def sign(self, data: bytes) -> str:
        if isinstance(self.key, rsa.RSAPrivateKey):
            pss = padding.PSS(padding.MGF1(SHA256()), padding.PSS.DIGEST_LENGTH)
            proof = self.key.sign(data, pss, SHA256())
        elif isinstance(self.key, ec.EllipticCurvePrivateKey):
            proof = self.key.sign(data, ec.ECDSA(SHA256()))
        else:
            proof = self.key.sign(data)
        return base64.b64encode(proof).decode()


MAKERS = {
    "RSA": Maker(rsa.generate_private_key(65537, 2048)),
    "EC": Maker(ec.generate_private_key(ec.SECP256R1())),
}
FILE = b"new firmware"


def sha256(data: bytes) -> bytes:
    digest = Hash(SHA256())
    digest.update(data)
    return digest.finalize()


def signed(maker: Maker, **other: str) -> dict[str, object]:
    firmware = {
        "location": "http://example.org/fw",
        "retrieveDateTime": "2026-06-01T12:00:00Z",
        "signingCertificate": maker.certificate,
        "signature": maker.sign(FILE),
    }
    return {"requestId": 7, "firmware": firmware | other}


@pytest.mark.parametrize("maker", MAKERS)
def test_signed_update_firmware(bench, maker):
    """TC_080."""
    bench.carrying = Carried(size=len(FILE), sha256=sha256(FILE))
    assert bench.ask("SignedUpdateFirmware", **signed(MAKERS[maker])) == {"status": "Accepted"}
    bench.ask("TriggerMessage", requestedMessage="FirmwareStatusNotification")
    bench.pass_time(10)
    said = bench.take("SignedFirmwareStatusNotification")
    assert [payload["status"] for _, payload in said] == [
        "Downloading", "Downloading", "Downloaded", "SignatureVerified", "Installing", "InstallRebooting",
    ]  # fmt: skip
    assert {payload["requestId"] for _, payload in said} == {7}
    back = restart(bench)
    assert back[0][1]["firmwareVersion"].endswith("+1")
    assert [payload["type"] for action, payload in back if action == "SecurityEventNotification"] == ["FirmwareUpdated"]
    assert back[-1] == ("SignedFirmwareStatusNotification", {"status": "Installed", "requestId": 7})


@pytest.mark.parametrize("maker", MAKERS)
@pytest.mark.parametrize("signature", ["", "AAAA"])
def test_a_signature_that_is_wrong(bench, maker, signature):
    """TC_081."""
    bench.carrying = Carried(size=5, sha256=sha256(b"other firmware"))
    other = {"signature": signature} if signature else {}
    bench.ask("SignedUpdateFirmware", **signed(MAKERS[maker], **other))
    bench.pass_time(10)
    assert [(action, payload.get("status") or payload["type"]) for action, payload in bench.take()] == [
        ("SignedFirmwareStatusNotification", "Downloading"),
        ("SignedFirmwareStatusNotification", "Downloaded"),
        ("SignedFirmwareStatusNotification", "InvalidSignature"),
        ("SecurityEventNotification", "InvalidFirmwareSignature"),
    ]
    assert not bench.station.closing


def test_a_certificate_that_is_wrong(bench):
    refused = bench.ask("SignedUpdateFirmware", **signed(MAKERS["EC"], signingCertificate="-----BEGIN"))
    assert refused == {"status": "InvalidCertificate"}
    assert [payload["type"] for _, payload in bench.take()] == ["InvalidFirmwareSigningCertificate"]


def test_a_key_that_signs_no_firmware(bench):
    bench.ask("SignedUpdateFirmware", **signed(Maker(ed25519.Ed25519PrivateKey.generate())))
    bench.pass_time(10)
    assert statuses(bench, "SignedFirmwareStatusNotification")[-1] == "InvalidSignature"


def test_a_second_signed_update_takes_the_place_of_the_first(bench):
    bench.ask("SignedUpdateFirmware", **signed(MAKERS["EC"]))
    assert bench.ask("SignedUpdateFirmware", **signed(MAKERS["EC"])) == {"status": "AcceptedCanceled"}


# Diagnostics and logs.


def test_get_diagnostics(bench):
    answer = bench.ask("GetDiagnostics", location="ftp://example.org/")
    assert answer == {"fileName": "diagnostics-20260601T120000Z.txt"}
    bench.ask("TriggerMessage", requestedMessage="DiagnosticsStatusNotification")
    bench.pass_time(3)
    assert statuses(bench, "DiagnosticsStatusNotification") == ["Uploading", "Uploading", "Uploaded"]
    ((url, name, content),) = bench.carried
    assert (url, name) == ("ftp://example.org/", answer["fileName"])
    assert b"connector 1: Available, 1000000 Wh\n" in content
    assert b"AuthorizationKey" not in content
    bench.ask("TriggerMessage", requestedMessage="DiagnosticsStatusNotification")
    assert statuses(bench, "DiagnosticsStatusNotification") == ["Idle"]


def test_an_upload_that_fails(bench):
    bench.carrying = FAILED
    bench.ask("GetDiagnostics", location="ftp://example.org/", retries=1, retryInterval=5)
    bench.pass_time(20)
    assert len(bench.carried) == 2
    assert statuses(bench, "DiagnosticsStatusNotification") == ["Uploading", "UploadFailed"]
    bench.ask("GetLog", requestId=1, logType="SecurityLog", log={"remoteLocation": "ftp://example.org/"})
    bench.pass_time(20)
    assert statuses(bench, "LogStatusNotification") == ["Uploading", "UploadFailure"]


def test_a_second_get_log_takes_the_place_of_the_first(bench):
    log = {"logType": "SecurityLog", "log": {"remoteLocation": "ftp://example.org/"}}
    assert bench.ask("GetLog", requestId=1, **log)["status"] == "Accepted"
    assert bench.ask("GetLog", requestId=2, **log) == {
        "status": "AcceptedCanceled",
        "filename": "SecurityLog-20260601T120000Z.txt",
    }
    bench.ask("ExtendedTriggerMessage", requestedMessage="LogStatusNotification")
    bench.pass_time(3)
    said = [(p["status"], p["requestId"]) for _, p in bench.take()]
    assert said == [("Uploading", 1), ("Uploading", 2), ("Uploading", 2), ("Uploaded", 2)]


# The network.


def nothing(carried: Carried, now: datetime) -> None:
    """What a parcel calls when it is done."""


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("file:///etc/passwd", "file: no way to fetch that"),
        ("nonsense", "nonsense: no way to fetch that"),
        ("http://[x", "Invalid IPv6 URL"),
        ("http://127.0.0.1:1/fw", "refused"),
        ("ftp://127.0.0.1:1/fw", "refused"),
    ],
)
def test_what_cannot_be_carried(url, problem):
    assert problem in carry(Parcel(url, nothing)).problem
    assert problem in carry(Parcel(url, nothing, "log.txt", b"data")).problem


def test_a_download_that_breaks_off():
    class Short(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "10")
            self.end_headers()
            self.wfile.write(b"half")

        def log_message(self, format: str, *args: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Short) as server:
        serving = threading.Thread(target=server.serve_forever, args=(0.05,))
        serving.start()
        assert carry(Parcel(f"http://127.0.0.1:{server.server_port}/", nothing)).problem == "4 of 10 bytes came"
        server.shutdown()
        serving.join()


def test_a_carrier_says_when_it_is_done():
    done = []
    finished = threading.Event()
    carrier = Carrier()
    carrier.go([Parcel("nonsense", lambda carried, now: done.append((carried.problem, now)))])
    now = datetime(2026, 6, 1, tzinfo=UTC)
    for _ in range(500):
        carrier.done(now)
        if done:
            break
        finished.wait(0.01)
    assert done == [("nonsense: no way to fetch that", now)]
    assert carrier.under_way == 0
