"""What one connection knows of each connector now: the last sample, what control offers it, what it was told.

It is gone with the connection; what must outlive that is in the ledger. Handlers and hosts write it, the errand that
keeps limits (errands/limiting) reads it; where none is kept it costs nothing.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

import msgspec

if TYPE_CHECKING:
    from tinyocpp.dealings import LimitState, Shape, Target
    from tinyocpp.messages.core import MeterValues

Role = Literal["standing", "moving"]
"""A limit that stays until somebody changes it, and one that follows the sun or the house."""


class Offer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the control program lets a connector have (docs/command-socket.md). `current_a`: per phase, 0 is a pause,
    None takes the offer back. `fallback_a`: what it may draw when nobody says anything any more."""

    connector_id: int
    current_a: float | None = None
    phases: int | None = None
    fallback_a: float = 6.0
    valid_s: float = 60.0
    sample_s: int = 0  # how often it wants the charge measured; 0: as it is


class Telling(msgspec.Struct):
    """A limit that was told, and how it is looked after."""

    target: Target
    shape: Shape | None  # None: in none it would take
    at: datetime
    state: LimitState
    meant: Target | None = None  # in the end, where something else has to come first
    refusals: list[str] = []  # so far, while there are other shapes to try
    asked_sample: bool = False
    composite_a: float | None = None
    asked_schedule: bool = False
    watched_at: datetime | None = None  # where it follows others that were taken in the same shape: since when
    lately: tuple[tuple[datetime, float], ...] = ()  # until when what was told before

    @property
    def whole(self) -> bool:
        """For the charger as a whole, and so for its other connectors too."""
        return self.shape is not None and self.shape.whole

    def follow(self, before: Telling, settle_s: float) -> None:
        """A limit that moves every few seconds is looked at all the same: see `most_a`."""
        if (before.shape, before.target.phases) != (self.shape, self.target.phases):
            return
        self.state, self.watched_at = before.state, before.watched_at or before.at
        self.asked_sample, self.asked_schedule = before.asked_sample, before.asked_schedule
        oldest = self.at - timedelta(seconds=settle_s)
        lately = (*before.lately, (self.at, before.target.current_a))
        self.lately = tuple(one for one in lately if one[0] > oldest)

    def most_a(self, now: datetime, settle_s: float) -> float:
        """What may still flow: the most of what was told lately, as it takes its time to follow."""
        oldest = now - timedelta(seconds=settle_s)
        return max([self.target.current_a, *(current_a for until, current_a in self.lately if until > oldest)])


class Ended(msgspec.Struct, frozen=True):
    """The last transaction there that was ended by the charger."""

    id_tag: str
    reason: str
    at: datetime


class Rousing(msgspec.Struct):
    """A charge that is to go on after a pause, and in which nothing has flowed since."""

    since: datetime  # it was told more than 0 A
    nudges: int = 0
    nudged_at: datetime | None = None


class Connector:
    """One of them, while limits are kept."""

    def __init__(self, connector_id: int) -> None:
        self.connector_id = connector_id
        self.status = ""
        self.refused = False  # the tag of the charge that runs, or ran last
        self.began_at: datetime | None = None  # that charge, when we heard of it
        self.sample: MeterValues | None = None
        self.sampled_at: datetime | None = None  # when it came
        self.ended: Ended | None = None
        self.offer: Offer | None = None
        self.freed = False  # the offer was taken back: what was left with it may go
        self.offered_until: datetime | None = None
        self.asking: tuple[Shape, datetime] | None = None  # which shape it is about to answer, and since when
        self.told: dict[Role, Telling] = {}  # empty after a boot and with a new transaction: it may have forgotten
        self.cleared = False  # nothing of ours is left there, as far as it was told to forget it
        self.keeps_at: datetime | None = None  # when it refused to let go of what stays
        self.unsure = True  # what it was told over another connection, or before it booted, may still count
        self.paused_at: datetime | None = None  # told 0 A, and nothing else since
        self.rousing: Rousing | None = None
        self.ran_over = False  # more flowed after the pause than it was told
        self.stop_asked_at: datetime | None = None
        self.stop_refused = False
        self.interval_set = self.measurands_set = False
        self.asked_at: datetime | None = None  # for a sample
        self.wired = 3  # phases a current was last seen on
        self.forgot = False  # in this charge, on how many phases it was told to charge
        self.starts = 0  # of a charge ended for a pause, so far in vain
        self.started_at: datetime | None = None

    @property
    def held_back(self) -> bool:
        """By the charger, not by the car."""
        return self.status == "SuspendedEVSE"

    def began(self, at: datetime, *, refused: bool) -> None:
        """Another charge: some chargers forget with each (quirk C19), and the car may be another one."""
        self.told.clear()
        self.unsure, self.keeps_at = False, None
        self.wired, self.refused, self.began_at = 3, refused, at
        self.stop_asked_at, self.stop_refused, self.rousing, self.ran_over = None, False, None, False
        self.forgot = False

    def booted(self) -> None:
        """It may have forgotten everything, or nothing (quirk C19)."""
        self.told.clear()
        self.unsure, self.keeps_at = True, None
