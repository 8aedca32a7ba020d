"""The security extension (OCA white paper "Improved security for OCPP 1.6-J"): certificates, events, logs, firmware.

The letters are the use cases of the paper. Its messages belong to no feature profile: a charger knows them or not.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from msgspec import Meta

from tinyocpp.messages.payload import CiString50, CiString255, Int, Payload, Timestamp
from tinyocpp.messages.remote_trigger import TriggerMessageStatus

Pem = Annotated[str, Meta(max_length=5500)]
PemChain = Annotated[str, Meta(max_length=10000)]
Hash = Annotated[str, Meta(max_length=128)]
Url = Annotated[str, Meta(max_length=512)]


class CertificateSigned(Payload):
    """Us: your new certificate, leaf first (A02)."""

    certificate_chain: PemChain


class CertificateSignedStatus(StrEnum):
    """Does it use the certificate?"""

    ACCEPTED = "Accepted"
    REJECTED = "Rejected"


class CertificateSignedResult(Payload):
    """Charger: whether it uses the certificate (A02)."""

    status: CertificateSignedStatus


class HashAlgorithm(StrEnum):
    """How a certificate's hashes were made."""

    SHA256 = "SHA256"
    SHA384 = "SHA384"
    SHA512 = "SHA512"


class CertificateHashData(Payload):
    """Names a certificate without carrying it."""

    hash_algorithm: HashAlgorithm
    issuer_name_hash: Hash
    issuer_key_hash: Hash
    serial_number: Annotated[str, Meta(max_length=40)]


class DeleteCertificate(Payload):
    """Us: forget this certificate (M04)."""

    certificate_hash_data: CertificateHashData


class DeleteCertificateStatus(StrEnum):
    """Is it gone?"""

    ACCEPTED = "Accepted"
    FAILED = "Failed"
    NOT_FOUND = "NotFound"


class DeleteCertificateResult(Payload):
    """Charger: whether it is gone (M04)."""

    status: DeleteCertificateStatus


class ExtendedMessageTrigger(StrEnum):
    """The messages that can be asked for (MessageTriggerEnumType of the paper)."""

    BOOT_NOTIFICATION = "BootNotification"
    LOG_STATUS_NOTIFICATION = "LogStatusNotification"
    FIRMWARE_STATUS_NOTIFICATION = "FirmwareStatusNotification"
    HEARTBEAT = "Heartbeat"
    METER_VALUES = "MeterValues"
    SIGN_CHARGE_POINT_CERTIFICATE = "SignChargePointCertificate"
    STATUS_NOTIFICATION = "StatusNotification"


class ExtendedTriggerMessage(Payload):
    """Us: send this message now (A02, L01, N01)."""

    requested_message: ExtendedMessageTrigger
    connector_id: Int | None = None


class ExtendedTriggerMessageResult(Payload):
    """Charger: whether it will."""

    status: TriggerMessageStatus


class CertificateUse(StrEnum):
    """What a root certificate vouches for."""

    CENTRAL_SYSTEM_ROOT_CERTIFICATE = "CentralSystemRootCertificate"
    MANUFACTURER_ROOT_CERTIFICATE = "ManufacturerRootCertificate"


class GetInstalledCertificateIds(Payload):
    """Us: which root certificates have you (M03)?"""

    certificate_type: CertificateUse


class GetInstalledCertificateStatus(StrEnum):
    """Has it any?"""

    ACCEPTED = "Accepted"
    NOT_FOUND = "NotFound"


class GetInstalledCertificateIdsResult(Payload):
    """Charger: their hashes (M03)."""

    certificate_hash_data: Annotated[tuple[CertificateHashData, ...], Meta(min_length=1)] | None = None
    status: GetInstalledCertificateStatus


class LogType(StrEnum):
    """Which log (LogEnumType of the paper)."""

    DIAGNOSTICS_LOG = "DiagnosticsLog"
    SECURITY_LOG = "SecurityLog"


class LogParameters(Payload):
    """Where a log goes and what part of it."""

    remote_location: Url
    oldest_timestamp: Timestamp | None = None
    latest_timestamp: Timestamp | None = None


class GetLog(Payload):
    """Us: upload a log (N01)."""

    log: LogParameters
    log_type: LogType
    request_id: Int
    retries: Int | None = None
    retry_interval: Int | None = None  # s


class LogStatus(StrEnum):
    """AcceptedCanceled: an upload that was under way gives way to this one."""

    ACCEPTED = "Accepted"
    REJECTED = "Rejected"
    ACCEPTED_CANCELED = "AcceptedCanceled"


class GetLogResult(Payload):
    """Charger: whether, and the file's name (N01)."""

    status: LogStatus
    filename: CiString255 | None = None


class InstallCertificate(Payload):
    """Us: trust this root certificate (M05)."""

    certificate_type: CertificateUse
    certificate: Pem


class InstallCertificateStatus(StrEnum):
    """Is it trusted now?"""

    ACCEPTED = "Accepted"
    FAILED = "Failed"
    REJECTED = "Rejected"


class InstallCertificateResult(Payload):
    """Charger: whether it trusts it now (M05)."""

    status: InstallCertificateStatus


class UploadLogStatus(StrEnum):
    """How the upload goes."""

    BAD_MESSAGE = "BadMessage"
    IDLE = "Idle"  # only when triggered
    NOT_SUPPORTED_OPERATION = "NotSupportedOperation"
    PERMISSION_DENIED = "PermissionDenied"
    UPLOADED = "Uploaded"
    UPLOAD_FAILURE = "UploadFailure"
    UPLOADING = "Uploading"


class LogStatusNotification(Payload):
    """Charger: how the upload of a log goes (N01)."""

    status: UploadLogStatus
    request_id: Int | None = None


class LogStatusNotificationResult(Payload):
    """Us: noted (N01)."""


class SecurityEventNotification(Payload):
    """Charger: something that matters to its security has happened (A04)."""

    type: CiString50
    timestamp: Timestamp
    tech_info: CiString255 | None = None


class SecurityEventNotificationResult(Payload):
    """Us: noted (A04)."""


class SignCertificate(Payload):
    """Charger: sign this request, PKCS #10 in PEM (A02, A03)."""

    csr: Pem


class GenericStatus(StrEnum):
    """Will it be signed?"""

    ACCEPTED = "Accepted"
    REJECTED = "Rejected"


class SignCertificateResult(Payload):
    """Us: whether a CertificateSigned will follow (A02, A03)."""

    status: GenericStatus


class SignedFirmwareStatus(StrEnum):
    """How the update goes (FirmwareStatusEnumType of the paper)."""

    DOWNLOADED = "Downloaded"
    DOWNLOAD_FAILED = "DownloadFailed"
    DOWNLOADING = "Downloading"
    DOWNLOAD_SCHEDULED = "DownloadScheduled"
    DOWNLOAD_PAUSED = "DownloadPaused"
    IDLE = "Idle"  # only when triggered
    INSTALLATION_FAILED = "InstallationFailed"
    INSTALLING = "Installing"
    INSTALLED = "Installed"
    INSTALL_REBOOTING = "InstallRebooting"
    INSTALL_SCHEDULED = "InstallScheduled"
    INSTALL_VERIFICATION_FAILED = "InstallVerificationFailed"
    INVALID_SIGNATURE = "InvalidSignature"
    SIGNATURE_VERIFIED = "SignatureVerified"


class SignedFirmwareStatusNotification(Payload):
    """Charger: how the update of its firmware goes (L01)."""

    status: SignedFirmwareStatus
    request_id: Int | None = None


class SignedFirmwareStatusNotificationResult(Payload):
    """Us: noted (L01)."""


class Firmware(Payload):
    """Where the firmware is, and who vouches for it."""

    location: Url
    retrieve_date_time: Timestamp
    install_date_time: Timestamp | None = None
    signing_certificate: Pem
    signature: Annotated[str, Meta(max_length=800)]  # base64


class SignedUpdateFirmware(Payload):
    """Us: fetch, check and install this firmware (L01)."""

    retries: Int | None = None
    retry_interval: Int | None = None  # s
    request_id: Int
    firmware: Firmware


class UpdateFirmwareStatus(StrEnum):
    """AcceptedCanceled: an update that was under way gives way to this one."""

    ACCEPTED = "Accepted"
    REJECTED = "Rejected"
    ACCEPTED_CANCELED = "AcceptedCanceled"
    INVALID_CERTIFICATE = "InvalidCertificate"
    REVOKED_CERTIFICATE = "RevokedCertificate"


class SignedUpdateFirmwareResult(Payload):
    """Charger: whether it will (L01)."""

    status: UpdateFirmwareStatus
