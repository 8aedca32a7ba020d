"""The Core profile, how a charger says that it is there: BootNotification and Heartbeat (section 4 of the standard).

Apart from core, for a backend's first answer waits for nothing else.
"""

from __future__ import annotations

from enum import StrEnum

from tinyocpp.messages.payload import CiString20, CiString25, CiString50, Int, Payload, Timestamp


class BootNotification(Payload):
    """Charger: I have started, and this is what I am (section 4.2)."""

    charge_point_vendor: CiString20
    charge_point_model: CiString20
    charge_point_serial_number: CiString25 | None = None
    charge_box_serial_number: CiString25 | None = None  # deprecated
    firmware_version: CiString50 | None = None
    iccid: CiString20 | None = None
    imsi: CiString20 | None = None
    meter_type: CiString25 | None = None
    meter_serial_number: CiString25 | None = None


class RegistrationStatus(StrEnum):
    """May this charger work with us?"""

    ACCEPTED = "Accepted"
    PENDING = "Pending"
    REJECTED = "Rejected"


class BootNotificationResult(Payload):
    """Us: welcome, and the time (section 4.2)."""

    status: RegistrationStatus
    current_time: Timestamp
    interval: Int  # s; of the heartbeat if accepted, else until the next BootNotification


class Heartbeat(Payload):
    """Charger: I am alive (section 4.6)."""


class HeartbeatResult(Payload):
    """Us: the time (section 4.6)."""

    current_time: Timestamp
