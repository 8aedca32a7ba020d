"""What stands between a charger and us beside energy: reservations, upkeep, certificates, local list, as they are now.

Only the shapes and the words for their states. Handlers and errands say what happens to them, storage/dealings.py keeps
them.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec


class ReservationState(StrEnum):
    """What became of a reservation (sections 5.1, 5.13). That its time is over is no state: `expires_at` says it."""

    ASKED = "asked"  # no answer yet, or it was lost
    ACTIVE = "active"
    REFUSED = "refused"
    USED = "used"  # by a transaction that named it
    CANCELLED = "cancelled"


class Reservation(msgspec.Struct, frozen=True, kw_only=True):
    """A connector kept free for a tag; connector 0: any."""

    charger_id: str
    reservation_id: int
    connector_id: int
    id_tag: str
    parent_id_tag: str | None = None
    expires_at: datetime
    state: ReservationState
    changed_at: datetime
    transaction_id: int | None = None

    def active(self, now: datetime) -> bool:
        return self.state is ReservationState.ACTIVE and now < self.expires_at


class UpkeepKind(StrEnum):
    """Of each a charger does one at a time: a second request takes the place of the first (security paper, N01)."""

    FIRMWARE = "firmware"  # signed or not
    DIAGNOSTICS = "diagnostics"
    LOG = "log"


class Upkeep(msgspec.Struct, frozen=True, kw_only=True):
    """How far an update or an upload has come: `status` as the charger spells it, "asked" until it has said one."""

    charger_id: str
    what: UpkeepKind
    request_id: int | None = None  # of GetLog and SignedUpdateFirmware
    asked_at: datetime | None = None  # None: nobody here asked for it
    status: str
    status_at: datetime
    file_name: str | None = None  # the charger's name for what it uploads


class CertificateState(StrEnum):
    """A certificate our authority has signed for a charger."""

    ISSUED = "issued"  # no answer to CertificateSigned yet, or it was lost
    INSTALLED = "installed"
    REFUSED = "refused"  # by the charger
    REVOKED = "revoked"  # by the owner


class IssuedCertificate(msgspec.Struct, frozen=True, kw_only=True):
    """`serial` in upper case hex, without leading zeros, as in CertificateHashData."""

    serial: str
    charger_id: str
    issued_at: datetime
    expires_at: datetime
    pem: str
    state: CertificateState


class LocalList(msgspec.Struct, frozen=True, kw_only=True):
    """A charger's local authorisation list as we last knew it (section 3.5.2)."""

    charger_id: str
    version: int  # the last one it accepted
    entries: dict[str, str] = {}  # folded idTag: the entry sent, as JSON
    told_at: datetime
    problem: str = ""  # why it is not in step; "" if it is
