"""What a handler may see of the world: one Charger and the Protocols Tags, Ledger and Clock.

Handlers and session import this and nothing below it, so the same conversation runs on a pipe, behind a WebSocket or in
a test. Every method here is synchronous and is called inside the host's batch: what it wrote is durable when the batch
has been committed, and the host lets no answer out before that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec

from tinyocpp.admission import Standing
from tinyocpp.messages.core import RegistrationStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime, tzinfo

    from tinyocpp.leniency import Oddity
    from tinyocpp.messages.core import (
        BootNotification,
        MeterValues,
        StartTransaction,
        StatusNotification,
        StopTransaction,
    )
    from tinyocpp.messages.payload import Payload
    from tinyocpp.tags import Verdict
    from tinyocpp.transactions import Transaction

    RunningWith = Callable[[str], int]
    """How many transactions this tag has open now."""
    Judge = Callable[[RunningWith], Verdict]


class Clock(Protocol):
    """Wall-clock time. Durations and deadlines are not measured with it: the session is given monotonic seconds."""

    def now(self) -> datetime:
        """The time in UTC, with its zone."""
        ...


class Tags(Protocol):
    """The owner's tags, as last read without an error."""

    def judge(self, id_tag: str, now: datetime, *, running: int = 0) -> Verdict:
        """May this tag charge now, having `running` transactions open elsewhere? Never raises, whatever the tag."""
        ...


class Ledger(Protocol):
    """What has happened, kept for ever, and what it means in Wh. Docs: docs/ledger.md.

    Every method raises StorageError when the disk refuses; nothing of the batch is then durable.
    """

    def adopt(self, charger_id: str, now: datetime) -> bool:
        """Make this charger the owner's, if it is the first; False when another was."""
        ...

    def admitted(self, charger_id: str) -> bool:
        """Is this charger the owner's?"""
        ...

    def boot(self, charger_id: str, call: BootNotification, now: datetime) -> list[Transaction]:
        """The charger has (re)started or reconnected: what it had running is uncertain until a sign of life. Returns
        the transactions this touched."""
        ...

    def status(self, charger_id: str, call: StatusNotification, now: datetime) -> list[Transaction]:
        """Keep the status; Available ends what was open on that connector. Older than the open start: history only.
        Returns the transactions this touched."""
        ...

    def start(
        self, charger_id: str, call: StartTransaction, now: datetime, *, judge: Judge
    ) -> tuple[Transaction, Verdict]:
        """Book a start. The same call twice gives the first answer again: the repeat is recognised before the tag is
        judged, so a retry is never ConcurrentTx with itself. It is booked to the tag the verdict names."""
        ...

    def stop(self, charger_id: str, call: StopTransaction, now: datetime) -> Transaction:
        """Book a stop; the same call twice changes nothing. An id this charger does not own becomes an orphan."""
        ...

    def samples(self, charger_id: str, call: MeterValues, now: datetime) -> Transaction | None:
        """Keep a MeterValues and bring its transaction up to date; returns that transaction if there is one. The same
        call twice is kept once."""
        ...

    def note(self, charger_id: str, oddity: Oddity, raw: str, now: datetime) -> None:
        """Keep something that was not as the standard says, with the frame it came in."""
        ...

    def record(self, charger_id: str, action: str, call: Payload, now: datetime) -> None:
        """Keep any other call a charger sent (firmware, diagnostics, security, data transfer)."""
        ...

    def seen(self, charger_id: str, now: datetime) -> None:
        """The charger is alive."""
        ...

    def grant(self, charger_id: str, id_tag: str, until: datetime | None) -> None:
        """Let this tag charge here until then (remote start); None takes it back."""
        ...

    def granted(self, charger_id: str, id_tag: str, now: datetime) -> bool:
        """Is there a remote start of this tag under way here?"""
        ...

    def learn_configuration(self, charger_id: str, keys: Mapping[str, str | None]) -> None:
        """Remember what the charger said of its own configuration keys; a value of None forgets the key."""
        ...

    def configuration(self, charger_id: str, key: str) -> str | None:
        """What the charger last said of this key (without regard to case), if it ever did."""
        ...


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of the event stream (docs/command-socket.md): boot, status, transaction, sample, command, oddity,
    connected, disconnected."""

    event: str
    charger_id: str
    at: datetime
    details: dict[str, object] = {}


class Charger:
    """One charger as its handlers see it. Lives as long as its connection."""

    def __init__(
        self,
        id: str,
        *,
        ledger: Ledger,
        tags: Tags,
        clock: Clock,
        zone: tzinfo,
        standing: Standing = Standing.ADMITTED,
        registration: RegistrationStatus = RegistrationStatus.ACCEPTED,
        heartbeat_interval_s: int = 300,
    ) -> None:
        self.id = id
        self.ledger = ledger
        self.tags = tags
        self.clock = clock
        self.zone = zone  # for times the charger sends without one
        self.standing = standing
        self.registration = registration  # what the owner wants this charger to be told
        self.heartbeat_interval_s = heartbeat_interval_s
        self.watched = False  # somebody follows the events: the host says so
        self.frame = ""  # the frame being handled, for what is noted of it
        self.incomplete = False  # something required is missing in it
        self.events: list[Event] = []  # the host passes them on once the batch is committed

    def announce(self, event: str, **details: object) -> None:
        """Tell whoever follows this charger."""
        if self.watched:
            self.events.append(Event(event=event, charger_id=self.id, at=self.clock.now(), details=details))

    def note(self, oddity: Oddity) -> None:
        """Keep what was not as it should be, with the frame it came in."""
        self.ledger.note(self.id, oddity, self.frame, self.clock.now())
        self.announce("oddity", kind=oddity.kind, detail=oddity.detail)

    def record(self, action: str, call: Payload) -> None:
        """Keep a call that moves no energy."""
        self.ledger.record(self.id, action, call, self.clock.now())
