"""What a handler may see of the world: one Charger and the Protocols Tags, Ledger and Clock.

Handlers and session import this and nothing below it, so the same conversation runs on a pipe, behind a WebSocket or in
a test. Every method here is synchronous and is called inside the host's batch: what it wrote is durable when the batch
has been committed, and the host lets no answer out before that.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec

from tinyocpp.admission import Standing
from tinyocpp.connectors import Connector
from tinyocpp.makers import Quirks, quirks_of
from tinyocpp.masking import masked, without
from tinyocpp.messages.core_boot import RegistrationStatus
from tinyocpp.modes import Pace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime, tzinfo
    from typing import Protocol

    from tinyocpp.commands import Errand
    from tinyocpp.connectors import Offer
    from tinyocpp.dealings import (
        CertificateState,
        IssuedCertificate,
        LocalList,
        Manner,
        ReservationState,
        Told,
        UpkeepKind,
        Wished,
    )
    from tinyocpp.leniency import Oddity
    from tinyocpp.messages.core import MeterValues, StartTransaction, StatusNotification, StopTransaction
    from tinyocpp.messages.core_boot import BootNotification
    from tinyocpp.messages.payload import Payload
    from tinyocpp.messages.reservation import ReserveNow
    from tinyocpp.passwords import Keys
    from tinyocpp.tags import Tag, Verdict
    from tinyocpp.transactions import Transaction

    QuirksOf = Callable[[str, str, str], Quirks]
    """By vendor, model and firmware."""
    RunningWith = Callable[[str], int]
    """How many transactions this tag has open now."""
    Judge = Callable[[RunningWith], Verdict]
else:
    Protocol = object  # a Protocol is for the type checker, and to make those here is a thirtieth of a backend's start


CLOCKS_AGREE, A_DAY = timedelta(seconds=30), timedelta(days=1)
"""Between the two a charger's clock is simply wrong (quirks T1 to T3); beyond, it is no clock."""


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

    def __iter__(self) -> Iterator[Tag]:
        """Every tag there is a line of."""
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

    def running(self, charger_id: str, *, refused: bool = False) -> list[Transaction]:
        """What runs there, oldest first; `refused`: only what goes on although its tag may not charge."""
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

    def last_boot(self, charger_id: str) -> BootNotification | None:
        """What the charger said of itself when it last booted, if it ever did."""
        ...

    def registration(self, charger_id: str) -> RegistrationStatus | None:
        """What the owner has said this charger is to be told; None: nothing, the configuration counts."""
        ...

    def keys(self, charger_id: str) -> Keys:
        """What may be its password now, as hashes."""
        ...

    def keep_keys(self, charger_id: str, keys: Keys) -> None: ...

    def profile_asked(self, charger_id: str, profile: int | None) -> None:
        """The charger has been asked to use this security profile: as soon as it comes with it, nothing lower counts.
        None: it will not."""
        ...

    def reserved(self, charger_id: str, call: ReserveNow, state: ReservationState, now: datetime) -> None:
        """Keep a reservation; the same number again takes the place of the first (section 5.13)."""
        ...

    def reservation_ended(
        self,
        charger_id: str,
        reservation_id: int,
        state: ReservationState,
        now: datetime,
        transaction_id: int | None = None,
    ) -> None:
        """A reservation that is asked or active has ended. Of any other, or of one nobody made, nothing changes."""
        ...

    def upkeep_asked(
        self,
        charger_id: str,
        what: UpkeepKind,
        now: datetime,
        request_id: int | None = None,
        file_name: str | None = None,
    ) -> None:
        """The charger has been asked for an update or an upload; it takes the place of the last of its kind."""
        ...

    def upkeep_named(self, charger_id: str, what: UpkeepKind, file_name: str) -> None:
        """The charger has said how it will name what it uploads."""
        ...

    def upkeep_told(
        self, charger_id: str, what: UpkeepKind, status: str, now: datetime, request_id: int | None = None
    ) -> None:
        """The charger says how far it is; also when nobody asked."""
        ...

    def came_with(self, charger_id: str) -> tuple[int | None, str | None]:
        """How its connection was let in: the security profile (None: nobody asked), and its certificate's serial."""
        ...

    def certificate_issued(self, certificate: IssuedCertificate) -> None:
        """Keep what the authority has signed for a charger."""
        ...

    def certificates(self, charger_id: str) -> list[IssuedCertificate]:
        """All that were signed for it, oldest first."""
        ...

    def certificate_state(self, serial: str, state: CertificateState) -> bool:
        """What became of it. False: there is no such certificate, or it was revoked, which is for good."""
        ...

    def local_list(self, charger_id: str) -> LocalList | None:
        """The list the charger has, as far as we know; None: never sent one."""
        ...

    def keep_local_list(self, kept: LocalList) -> None: ...

    def wishes(self, charger_id: str) -> list[Wished]:
        """What the owner wants it to be limited to, by connector."""
        ...

    def keep_wish(self, wished: Wished) -> None: ...

    def drop_wish(self, wished: Wished) -> None:
        """It has been carried out and leaves nothing to keep. Another one, made since, stays."""
        ...

    def told(self, charger_id: str) -> list[Told]:
        """What its connectors were told last, and what came of it."""
        ...

    def keep_told(self, told: Told) -> None: ...

    def drop_told(self, charger_id: str, connector_id: int) -> None:
        """Nothing of ours limits this connector any more."""
        ...

    def manner(self, charger_id: str) -> Manner:
        """How it obeys, as far as that has been learnt."""
        ...

    def keep_manner(self, charger_id: str, manner: Manner) -> None: ...

    def connectors(self, charger_id: str) -> list[int]:
        """Those that have been heard of; 0, the charger as a whole, is none."""
        ...

    def learn_configuration(self, charger_id: str, keys: Mapping[str, str | None]) -> None:
        """Remember what the charger said of its own configuration keys; a value of None forgets the key."""
        ...

    def configuration(self, charger_id: str, key: str) -> str | None:
        """What the charger last said of this key (without regard to case), if it ever did."""
        ...


class VendorAnswer(Protocol):
    """What the owner has a vendor's DataTransfer answered with."""

    @property
    def status(self) -> str: ...
    @property
    def data(self) -> str | None: ...
    @property
    def messages(self) -> Sequence[str]:
        """Those it counts for; none: all."""
        ...


class Signed(msgspec.Struct, frozen=True, kw_only=True):
    """A certificate made for a charger."""

    serial: str  # upper case hex, without leading zeros
    chain_pem: str  # the certificate first, no root
    expires_at: datetime


class Authority(Protocol):
    """Who signs chargers' certificates (security paper, A02 and A03)."""

    def sign(self, charger_id: str, serial_number: str, csr: str, now: datetime) -> Signed:
        """A certificate for this request, in PEM. `serial_number` is what the charger said of itself at boot: besides
        the identity it may be the common name (A00.FR.405). Raises CertificateRefused, which says why."""
        ...


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of the event stream; docs/command-socket.md has the table of events and their details."""

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
        quirks: QuirksOf = quirks_of,
        authority: Authority | None = None,
        vendors: Mapping[str, VendorAnswer] | None = None,
        local_list: bool = False,
        pace: Pace = Pace(),  # noqa: B008 (frozen)
    ) -> None:
        self.id = id
        self.ledger = ledger
        self.tags = tags
        self.clock = clock
        self.zone = zone  # for times the charger sends without one
        self.standing = standing
        self.registration = registration  # what the owner wants this charger to be told
        self._configured = registration  # the same, where the owner has not said so since
        self._quirks_of = quirks
        self.quirks = quirks("", "", "")  # until it is known who made it
        self.firmware = ""
        self.introduced = False  # it has said who made it, now or in an earlier connection
        self.vendors = vendors or {}  # by vendorId in lower case
        self.local_list = local_list  # is it to have the tags as its own local list?
        self.authority = authority  # who signs certificates; None: nobody
        self.errands: list[Errand] = []  # the session takes them on
        self.passwords_sent: tuple[str, ...] = ()  # over this connection: never in anything that is kept
        self.certificate_wanted = False  # we have asked it to ask for one
        self.limiting = False  # an errand keeps its limits
        self.connectors: dict[int, Connector] = {}  # while it does
        self.pace = pace
        self.booted = False  # over this connection
        self.clock_ahead = timedelta()  # of ours, as its samples and statuses say, while limits are kept
        self.woken = False  # something has happened that an errand waits for
        self.ending_refused = False  # an errand looks after the charges of refused tags
        self.heartbeat_interval_s = heartbeat_interval_s
        self.watched = False  # somebody follows the events: the host says so
        self.frame = ""  # the frame being handled, for what is noted of it
        self.incomplete = False  # something required is missing in it
        self.events: list[Event] = []  # the host passes them on once the batch is committed

    @property
    def accepted(self) -> bool:
        """May it be asked anything?"""
        return self.standing is Standing.ADMITTED and self.registration is RegistrationStatus.ACCEPTED

    def look_up_registration(self) -> None:
        """What the owner has said of it by now."""
        self.registration = self.ledger.registration(self.id) or self._configured

    def recall(self) -> None:
        """What is known of it from before this connection."""
        self.look_up_registration()
        boot = self.ledger.last_boot(self.id)
        if boot is not None:
            self.learn_maker(boot)

    def learn_maker(self, boot: BootNotification) -> None:
        """It has said who made it, now or the last time."""
        self.introduced = True
        self.firmware = boot.firmware_version or ""
        self.quirks = self._quirks_of(boot.charge_point_vendor, boot.charge_point_model, self.firmware)

    def connector(self, connector_id: int) -> Connector:
        """What is known of it now; of connector 0, which some say for their only one (quirk M18), that of 1."""
        number = max(connector_id, 1)
        if number not in self.connectors:
            self.connectors[number] = Connector(number)
        return self.connectors[number]

    def states(self, stated: datetime | None) -> None:
        """Its clock shows this now. What comes from a queue looks like a clock that is behind, which harms nothing: a
        limit then begins earlier."""
        ahead = timedelta() if stated is None else stated - self.clock.now()
        self.clock_ahead = ahead if CLOCKS_AGREE < abs(ahead) < A_DAY else timedelta()

    def offered(self, offer: Offer) -> None:
        """What the control program lets a connector have, until it is silent for too long."""
        connector = self.connector(offer.connector_id)
        taken_back = offer.current_a is None
        connector.offer = None if taken_back else offer
        connector.freed = taken_back
        connector.offered_until = None if taken_back else self.clock.now() + timedelta(seconds=offer.valid_s)

    def wake(self) -> None:
        """Have errands that wait for something to happen look at once."""
        self.woken = True

    def undertake(self, errand: Errand) -> None:
        """Have the session do this once its answer to the frame at hand has gone out (quirk B17)."""
        self.errands.append(errand)

    def announce(self, event: str, **details: object) -> None:
        """Tell whoever follows this charger."""
        if self.watched:
            self.events.append(Event(event=event, charger_id=self.id, at=self.clock.now(), details=details))

    def note(self, oddity: Oddity) -> None:
        """Keep what was not as it should be, with the frame it came in."""
        self.ledger.note(self.id, oddity, masked(without(self.frame, self.passwords_sent)), self.clock.now())
        self.announce("oddity", kind=oddity.kind, detail=oddity.detail)

    def record(self, action: str, call: Payload) -> None:
        """Keep a call that moves no energy."""
        self.ledger.record(self.id, action, call, self.clock.now())
