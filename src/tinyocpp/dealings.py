"""What stands between a charger and us beside energy: reservations, upkeep, certificates, local list, limits.

Only the shapes and the words for their states, as they are now. Handlers and errands say what happens to them,
storage/dealings.py and storage/limits.py keep them.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from math import inf
from typing import TYPE_CHECKING, Literal

import msgspec

from tinyocpp.mains import limit_in_words

if TYPE_CHECKING:
    from collections.abc import Iterable


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


class Wish(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How fast the owner wants it to charge at most (`tinyocpp limit`): amperes per phase, of which 0 is a pause, or
    watts in all; and on how many phases. Nothing said: no limit."""

    current_a: float | None = None
    power_w: float | None = None
    phases: int | None = None

    @property
    def none(self) -> bool:
        return self == Wish()

    @property
    def words(self) -> str:
        return limit_in_words(self.current_a, self.power_w, self.phases)


class Wished(msgspec.Struct, frozen=True, kw_only=True):
    """A wish as it stands in the ledger, until the charger has been told that there is none. Connector 0: each of them
    that has none of its own."""

    charger_id: str
    connector_id: int
    wish: Wish
    at: datetime


def wished_of(wishes: Iterable[Wished], connector_id: int) -> Wished | None:
    """Of one charger's: the connector's own, or the one for each of them."""
    by_number = {wished.connector_id: wished for wished in wishes}
    return by_number.get(connector_id) or by_number.get(0)


class Target(msgspec.Struct, frozen=True):
    """What shall flow at most: A per phase, 0 for a pause; on so many phases where that is to be said. `power_w`: the
    same in watts, where it was wished in watts."""

    current_a: float
    phases: int | None = None
    power_w: float | None = None

    @property
    def pause(self) -> bool:
        return not self.current_a

    @property
    def unlimited(self) -> bool:
        return self.current_a == inf

    @property
    def words(self) -> str:
        return limit_in_words(None if self.unlimited else self.current_a, self.power_w, self.phases)


class Shape(msgspec.Struct, frozen=True):
    """In which of the standard's many ways a charger is told a limit (section 3.13)."""

    purpose: Literal["TxDefaultProfile", "TxProfile", "ChargePointMaxProfile"] = "TxDefaultProfile"
    kind: Literal["Absolute", "Relative"] = "Absolute"
    stack_level: int = 0
    unit: Literal["A", "W"] = "A"
    whole: bool = False  # at connector 0
    expires: bool = False  # after a while without us, so that what is below it counts again
    unnamed: bool = False  # a TxProfile that does not say of which transaction


class Dropped(msgspec.Struct, frozen=True):
    """A shape at which the line was lost instead of an answer: how often in a row, and when last."""

    shape: Shape
    times: int
    at: datetime


class Manner(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How this charger, with this firmware, obeys: what has been learnt by asking it and looking at what it did."""

    firmware: str = ""
    standing: Shape | None = None  # the last it accepted for a limit that stays
    moving: Shape | None = None  # and for one that follows the sun, or the house
    ignored: tuple[Shape, ...] = ()  # accepted, but not followed
    dropped: tuple[Dropped, ...] = ()
    refused: dict[str, tuple[Shape, ...]] = {}  # by occasion (limits.py), where it took none so far
    pause: Literal["", "zero", "lowest", "stop"] = ""  # "": 0 A, and see
    unbound: bool = False  # the limit that ends a pause does not count: it is told twice
    phases: Literal["", "number", "watts", "key", "fixed"] = ""  # "": not known yet
    watts_of: int = 3  # on how many phases its watts are drawn where no number is said

    def for_firmware(self, firmware: str) -> Manner:
        """Learnt with another one it counts no more."""
        return self if self.firmware == firmware else Manner(firmware=firmware)


class LimitState(StrEnum):
    """How far a limit has come."""

    ASKED = "asked"  # no answer yet
    ACCEPTED = "accepted"  # by the charger, which proves nothing
    VERIFIED = "verified"  # by what it offers or draws, or by its composite schedule
    IGNORED = "ignored"  # accepted, and not followed in any way we know
    REFUSED = "refused"


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What a connector was told last, and what came of it. `words` are for the owner."""

    charger_id: str
    connector_id: int
    wished_at: datetime | None = None  # which wish it answers; None: a limit of the control program's
    current_a: float | None = None  # 0: a pause; None: no limit
    phases: int | None = None
    whole: bool = False  # for the charger as a whole, and so for its other connectors too
    told_for: int | None = None  # the transaction it was told for, where it ends with it
    state: LimitState = LimitState.ASKED
    words: str = ""
    at: datetime
    swapped_at: datetime | None = None  # the last change between one and three phases
    starved_in: int | None = None  # the transaction in which watts were too few for its phases
    stopped_tag: str = ""  # of a charge that was ended for a pause, to be started again
    leftover: bool = False  # a limit of the control program's is left with it as its default
    steered: LimitState | None = None  # how far the limit that moves has come, while one does
    unsteered: str = ""  # why no limit that moves reaches it; "": it does, or none is meant to
    unsteered_at: datetime | None = None
