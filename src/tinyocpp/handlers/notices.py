"""Requests that move no energy: kept, and answered as the standard wants it.

DataTransfer, the progress of diagnostics, firmware and logs, and the security extension. What they set off (signing a
certificate, say) is the work of a companion, which finds them in the ledger and in the event stream.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyocpp.messages.core import DataTransfer, DataTransferResult, DataTransferStatus
from tinyocpp.messages.firmware import (
    DiagnosticsStatusNotification,
    DiagnosticsStatusNotificationResult,
    FirmwareStatusNotification,
    FirmwareStatusNotificationResult,
)
from tinyocpp.messages.security import (
    GenericStatus,
    LogStatusNotification,
    LogStatusNotificationResult,
    SecurityEventNotification,
    SecurityEventNotificationResult,
    SignCertificate,
    SignCertificateResult,
    SignedFirmwareStatusNotification,
    SignedFirmwareStatusNotificationResult,
)

if TYPE_CHECKING:
    from tinyocpp.charger import Charger


def data_transfer(call: DataTransfer, charger: Charger) -> DataTransferResult:
    """We speak no vendor's language (section 4.3)."""
    charger.record("DataTransfer", call)
    return DataTransferResult(status=DataTransferStatus.UNKNOWN_VENDOR_ID)


def diagnostics_status_notification(
    call: DiagnosticsStatusNotification, charger: Charger
) -> DiagnosticsStatusNotificationResult:
    """How the upload of diagnostics goes (section 4.4)."""
    charger.record("DiagnosticsStatusNotification", call)
    return DiagnosticsStatusNotificationResult()


def firmware_status_notification(
    call: FirmwareStatusNotification, charger: Charger
) -> FirmwareStatusNotificationResult:
    """How the firmware update goes (section 4.5); answered also when nobody asked for one."""
    charger.record("FirmwareStatusNotification", call)
    return FirmwareStatusNotificationResult()


def log_status_notification(call: LogStatusNotification, charger: Charger) -> LogStatusNotificationResult:
    """How the upload of a log goes (security paper N01)."""
    charger.record("LogStatusNotification", call)
    return LogStatusNotificationResult()


def security_event_notification(call: SecurityEventNotification, charger: Charger) -> SecurityEventNotificationResult:
    """Something the charger thinks dangerous; of any type, as the list of types is spelled in two ways (paper A04)."""
    charger.record("SecurityEventNotification", call)
    return SecurityEventNotificationResult()


def sign_certificate(call: SignCertificate, charger: Charger) -> SignCertificateResult:
    """Nobody here signs certificates (security paper A02, A03)."""
    charger.record("SignCertificate", call)
    return SignCertificateResult(status=GenericStatus.REJECTED)


def signed_firmware_status_notification(
    call: SignedFirmwareStatusNotification, charger: Charger
) -> SignedFirmwareStatusNotificationResult:
    """How the signed firmware update goes (security paper L01)."""
    charger.record("SignedFirmwareStatusNotification", call)
    return SignedFirmwareStatusNotificationResult()
