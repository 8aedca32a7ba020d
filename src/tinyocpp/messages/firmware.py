"""The FirmwareManagement profile: new firmware and diagnostics files."""

from __future__ import annotations

from enum import StrEnum

from tinyocpp.messages.payload import CiString255, Int, Payload, Timestamp


class DiagnosticsStatus(StrEnum):
    """How the upload goes."""

    IDLE = "Idle"  # only when triggered
    UPLOADED = "Uploaded"
    UPLOAD_FAILED = "UploadFailed"
    UPLOADING = "Uploading"


class DiagnosticsStatusNotification(Payload):
    """Charger: how the upload of diagnostics goes (section 4.4)."""

    status: DiagnosticsStatus


class DiagnosticsStatusNotificationResult(Payload):
    """Us: noted (section 4.4)."""


class FirmwareStatus(StrEnum):
    """How the update goes."""

    DOWNLOADED = "Downloaded"
    DOWNLOAD_FAILED = "DownloadFailed"
    DOWNLOADING = "Downloading"
    IDLE = "Idle"  # only when triggered
    INSTALLATION_FAILED = "InstallationFailed"
    INSTALLING = "Installing"
    INSTALLED = "Installed"


class FirmwareStatusNotification(Payload):
    """Charger: how the update of its firmware goes (section 4.5)."""

    status: FirmwareStatus


class FirmwareStatusNotificationResult(Payload):
    """Us: noted (section 4.5)."""


class GetDiagnostics(Payload):
    """Us: upload your diagnostics to this directory (section 5.9)."""

    location: str  # URI
    retries: Int | None = None
    retry_interval: Int | None = None  # s
    start_time: Timestamp | None = None
    stop_time: Timestamp | None = None


class GetDiagnosticsResult(Payload):
    """Charger: the name of the file to come; none if there is nothing to tell (section 5.9)."""

    file_name: CiString255 | None = None


class UpdateFirmware(Payload):
    """Us: fetch and install this firmware (section 5.19)."""

    location: str  # URI
    retries: Int | None = None
    retrieve_date: Timestamp  # not before
    retry_interval: Int | None = None  # s


class UpdateFirmwareResult(Payload):
    """Charger: understood (section 5.19)."""
