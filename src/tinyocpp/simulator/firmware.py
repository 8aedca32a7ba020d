"""New firmware for the charge point: fetched, checked where it is signed, installed, proven by the version at boot.

UpdateFirmware goes Downloading, Downloaded, Installing, a restart, Installed (TC_044_1); SignedUpdateFirmware says
besides that the signature is right, and that it restarts (security paper, L01; TC_080). A real charger that knows the
second refuses the first (L01.FR.20); this one does both, to be tried with both. The bytes themselves change nothing.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from tinyocpp.messages.firmware import FirmwareStatus, FirmwareStatusNotification, UpdateFirmware
from tinyocpp.messages.payload import whole_seconds
from tinyocpp.messages.security import (
    Firmware,
    SecurityEventNotification,
    SignedFirmwareStatus,
    SignedFirmwareStatusNotification,
    SignedUpdateFirmware,
)
from tinyocpp.simulator.carrier import Carried, Parcel

if TYPE_CHECKING:
    from tinyocpp.simulator.charge_point import ChargePoint

STEP_S = 2.0  # between two statuses
RETRY_S = 10.0  # where the central system leaves it to us


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What both requests amount to."""

    url: str
    retries: int
    retry_s: float
    request_id: int | None = None
    signed: Firmware | None = None


def order_of(call: UpdateFirmware | SignedUpdateFirmware) -> Order:
    retries = max(0, call.retries or 0)
    retry_s = float(RETRY_S if call.retry_interval is None else max(0, call.retry_interval))
    if isinstance(call, UpdateFirmware):
        return Order(url=call.location, retries=retries, retry_s=retry_s)
    firmware = call.firmware
    return Order(url=firmware.location, retries=retries, retry_s=retry_s, request_id=call.request_id, signed=firmware)


class Update:
    """One update, until it has failed or the charge point restarts. Another request takes its place at any time."""

    def __init__(self, station: ChargePoint, order: Order) -> None:
        self._station = station
        self._order = order
        self._retries = order.retries
        self.status: str | None = None  # None: nothing has been done yet

    def begin(self, delay_s: float) -> None:
        self._station.update = self
        self._later(delay_s, self._download)

    def report(self, *, early: bool = False) -> None:
        """Say again how far it is."""
        self._station.say(self._notification(self.status or "Idle"), early=early)

    def _download(self, _now: datetime) -> None:
        self._tell("Downloading")
        self._fetch()

    def _fetch(self) -> None:
        self._station.parcels.append(Parcel(self._order.url, self._fetched))

    def _fetched(self, carried: Carried, now: datetime) -> None:
        if self._station.update is not self:
            return
        if not carried.problem:
            self._station.note(f"firmware: {carried.size} bytes, SHA-256 {carried.sha256.hex()[:16]}", now)
            self._tell("Downloaded")
            self._later(STEP_S, lambda then: self._check(carried, then))
            return
        self._station.note(f"firmware: {carried.problem}", now)
        if self._retries:
            self._retries -= 1
            self._later(self._order.retry_s, lambda _then: self._fetch())
        else:
            self._fail("DownloadFailed")

    def _check(self, carried: Carried, now: datetime) -> None:
        if (signed := self._order.signed) is not None:
            if problem := wrong_signature(carried.sha256, signed.signing_certificate, signed.signature):
                self._station.note(f"firmware: {problem}", now)
                self._fail("InvalidSignature")
                self._station.say(event("InvalidFirmwareSignature", now))
                return
            self._tell("SignatureVerified")
        self._tell("Installing")
        self._later(STEP_S, self._install)

    def _install(self, now: datetime) -> None:
        """Not while somebody charges."""
        station = self._station
        if any(connector.transaction for connector in station.connectors):
            self._later(STEP_S, self._install)
            return
        wait_s = 0.0
        if self._order.signed is not None:
            self._tell("InstallRebooting")
            station.after_boot.append(event("FirmwareUpdated", now))
            wait_s = STEP_S
        station.firmware += "+1"
        station.after_boot.append(self._notification("Installed"))
        self._later(wait_s, station.power_cycle)

    def _fail(self, status: str) -> None:
        self._tell(status)
        self._station.update = None

    def _tell(self, status: str) -> None:
        self.status = status
        self._station.say(self._notification(status))

    def _notification(self, status: str) -> FirmwareStatusNotification | SignedFirmwareStatusNotification:
        if self._order.signed is None:
            return FirmwareStatusNotification(status=FirmwareStatus(status))
        return SignedFirmwareStatusNotification(status=SignedFirmwareStatus(status), request_id=self._order.request_id)

    def _later(self, delay_s: float, act: Callable[[datetime], None]) -> None:
        """Unless another request has taken our place by then."""
        self._station.later(delay_s, lambda now: act(now) if self._station.update is self else None)


def event(kind: str, now: datetime) -> SecurityEventNotification:
    return SecurityEventNotification(type=kind, timestamp=whole_seconds(now))


def readable(certificate: str) -> bool:
    """Is there an X.509 certificate in this PEM?"""
    import ssl

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=certificate)
    except (ssl.SSLError, ValueError):
        return False
    return True


def wrong_signature(sha256: bytes, certificate: str, signature: str) -> str:
    """Why the signature is not of a file with this hash; empty when it is, or when it cannot be checked here."""
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.x509 import load_pem_x509_certificate
    except ImportError:
        return ""
    hashed = utils.Prehashed(SHA256())
    try:
        key = load_pem_x509_certificate(certificate.encode()).public_key()
        proof = base64.b64decode(signature, validate=True)
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(proof, sha256, padding.PSS(padding.MGF1(SHA256()), padding.PSS.AUTO), hashed)
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(proof, sha256, ec.ECDSA(hashed))
        else:
            return "a key of a kind that signs no firmware"
    except (InvalidSignature, ValueError):
        return "the signature is not that of the file"
    return ""
