"""What the charge point brings when it is asked to: diagnostics (GetDiagnostics) and logs (GetLog).

One of each kind at a time: a second request takes the place of the first, which then says nothing more.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from tinyocpp.messages.firmware import DiagnosticsStatus, DiagnosticsStatusNotification, GetDiagnostics
from tinyocpp.messages.security import GetLog, LogStatusNotification, UploadLogStatus
from tinyocpp.simulator.carrier import Carried, Parcel

if TYPE_CHECKING:
    from tinyocpp.simulator.charge_point import ChargePoint

RETRY_S = 10.0  # where the central system leaves it to us
DIAGNOSTICS, LOG = "diagnostics", "log"


class Upload:
    """One file on its way. `tell` says the status in the words of its kind."""

    def __init__(self, station: ChargePoint, kind: str, url: str, name: str, tell: Callable[[str], None]) -> None:
        self.name = name
        self._station = station
        self._kind = kind
        self._url = url
        self._content = "".join(f"{line}\n" for line in _contents(station)).encode()
        self.tell = tell

    def begin(self, retries: int | None, retry_s: int | None) -> None:
        self._station.uploads[self._kind] = self
        self._retries = max(0, retries or 0)
        self._retry_s = float(RETRY_S if retry_s is None else max(0, retry_s))
        self.tell("Uploading")
        self._bring(self._station.now)

    def _bring(self, _now: datetime) -> None:
        if self._still_wanted:
            self._station.parcels.append(Parcel(self._url, self._brought, self.name, self._content))

    def _brought(self, carried: Carried, now: datetime) -> None:
        if not self._still_wanted:
            return
        self._station.note(f"{self.name}: {carried.problem or f'{carried.size} bytes brought'}", now)
        if carried.problem and self._retries:
            self._retries -= 1
            self._station.later(self._retry_s, self._bring)
            return
        del self._station.uploads[self._kind]
        self.tell("Failed" if carried.problem else "Uploaded")

    @property
    def _still_wanted(self) -> bool:
        return self._station.uploads.get(self._kind) is self


def upload_diagnostics(station: ChargePoint, call: GetDiagnostics, now: datetime) -> str:
    """The name the file will have."""

    def tell(status: str) -> None:
        said = {"Failed": DiagnosticsStatus.UPLOAD_FAILED}.get(status) or DiagnosticsStatus(status)
        station.say(DiagnosticsStatusNotification(status=said))

    upload = Upload(station, DIAGNOSTICS, call.location, f"diagnostics-{now:%Y%m%dT%H%M%SZ}.txt", tell)
    station.later(0, lambda _then: upload.begin(call.retries, call.retry_interval))
    return upload.name


def upload_log(station: ChargePoint, call: GetLog, now: datetime) -> str:
    """The name the file will have."""

    def tell(status: str) -> None:
        said = {"Failed": UploadLogStatus.UPLOAD_FAILURE}.get(status) or UploadLogStatus(status)
        station.say(LogStatusNotification(status=said, request_id=call.request_id))

    upload = Upload(station, LOG, call.log.remote_location, f"{call.log_type.value}-{now:%Y%m%dT%H%M%SZ}.txt", tell)
    upload.begin(call.retries, call.retry_interval)
    return upload.name


def _contents(station: ChargePoint) -> list[str]:
    connectors = (
        f"connector {one.connector_id}: {one.status.value}, {one.meter.register_wh} Wh" for one in station.connectors
    )
    settings = (f"{key.name}={value}" for key, value in station.configuration.everything())
    return [f"{station.identity}, firmware {station.firmware}", *connectors, *settings]
