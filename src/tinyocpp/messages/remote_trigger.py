"""The RemoteTrigger profile: ask for a message the charger would send by itself."""

from __future__ import annotations

from enum import StrEnum

from tinyocpp.messages.payload import Int, Payload


class MessageTrigger(StrEnum):
    """The messages that can be asked for."""

    BOOT_NOTIFICATION = "BootNotification"
    DIAGNOSTICS_STATUS_NOTIFICATION = "DiagnosticsStatusNotification"
    FIRMWARE_STATUS_NOTIFICATION = "FirmwareStatusNotification"
    HEARTBEAT = "Heartbeat"
    METER_VALUES = "MeterValues"
    STATUS_NOTIFICATION = "StatusNotification"


class TriggerMessage(Payload):
    """Us: send this message now (section 5.17)."""

    requested_message: MessageTrigger
    connector_id: Int | None = None  # some chargers reject 0: leave it out for all connectors


class TriggerMessageStatus(StrEnum):
    """Will the triggered message come?"""

    ACCEPTED = "Accepted"
    REJECTED = "Rejected"
    NOT_IMPLEMENTED = "NotImplemented"


class TriggerMessageResult(Payload):
    """Charger: whether it will; the message comes after this answer, or before it (section 5.17)."""

    status: TriggerMessageStatus
