"""What is wrong with a charger, and what to do next: said the same way by `status` and `doctor`.

A rule over what the ledger shows and whether the command socket answers; the time is an argument. Every finding is one
line with a remedy where there is one that can be typed.
"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from shlex import quote
from typing import TYPE_CHECKING

import msgspec

from tinyocpp.admission import NOT_ADMITTED
from tinyocpp.cli.charger.upkeep.statuses import MEANINGS
from tinyocpp.identity import SIMULATOR, fold_identity
from tinyocpp.leniency import LOSSES, OddityKind
from tinyocpp.leniency.values import NOTHING_SAID
from tinyocpp.messages.core import ChargePointErrorCode, ChargePointStatus
from tinyocpp.messages.core_boot import RegistrationStatus

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime, tzinfo

    from tinyocpp.dealings import LocalList, Reservation, Upkeep
    from tinyocpp.storage import ChargerStatus, ConnectorStatus, NotedOddity, Registered

LATELY = timedelta(days=1)
KNOCKED = timedelta(days=7)  # how long a refused stranger is worth a line
GONE = timedelta(days=30)  # a charger not seen for so long has been taken down
SILENT_HEARTBEATS = 3
STALE = timedelta(minutes=15)
CARDS = 3
CLOCK_OFF = timedelta(minutes=2)


class Finding(msgspec.Struct, frozen=True):
    """`wrong`: it does not work; else it is worth a look."""

    charger_id: str
    text: str
    remedy: str = ""
    wrong: bool = False

    def __str__(self) -> str:
        text = f"{self.charger_id}: {self.text}" if self.charger_id else self.text
        return f"{text}; {self.remedy}" if self.remedy else text


class Circumstances(msgspec.Struct, frozen=True, kw_only=True):
    """What the chargers are looked at with."""

    now: datetime
    zone: tzinfo
    heartbeat_interval_s: int
    connected: frozenset[str]  # identities, folded
    adopts: bool = False  # the first charger that boots becomes the owner's

    def is_connected(self, charger_id: str) -> bool:
        return fold_identity(charger_id) in self.connected

    def clock(self, at: datetime) -> str:
        """A time as a person says it: without the date when it is today."""
        there = at.astimezone(self.zone)
        return f"{there:%H:%M}" if there.date() == self.now.astimezone(self.zone).date() else f"{there:%Y-%m-%d %H:%M}"


HARMLESS = frozenset(
    {
        "FirmwareUpdated",
        "ReconfigurationOfSecurityParameters",
        "ResetOrReboot",
        "SettingSystemTime",
        "StartupOfTheDevice",
    }
)
"""Security events of everyday life; every other one is worth a line (security paper, appendix of A04)."""


class Dealings(msgspec.Struct, frozen=True, kw_only=True):
    """What the ledger has of one charger beside energy."""

    registered: Registered
    local_list: LocalList | None = None
    upkeep: list[Upkeep] = []
    reservations: list[Reservation] = []
    security_events: list[tuple[datetime, str]] = []  # when and which, of late


def charger_findings(charger: ChargerStatus, here: Circumstances) -> list[Finding]:
    """What is wrong with one charger now."""
    identity = charger.registered.charger_id
    found = [*_at_the_door(charger, here), *_on_trial(charger, here), *_silence(charger, here)]
    for connector in charger.connectors:
        for text, remedy, wrong in _at_connector(connector, identity, here):
            where = f"connector {connector.connector_id} " if connector.connector_id else ""
            found.append(Finding(identity, f"{where}{text}", remedy, wrong))
    return found


def oddity_findings(oddities: Iterable[NotedOddity]) -> list[Finding]:
    """One line per charger for what could not be understood. Mere habits of speech are not worth one, and cards nobody
    knows have their own."""
    counted: dict[str, Counter[str]] = {}
    for oddity in oddities:
        if oddity.kind in LOSSES and oddity.kind != OddityKind.UNKNOWN_TAG:
            counted.setdefault(oddity.charger_id, Counter())[oddity.kind.replace("_", " ")] += oddity.times
    return [
        Finding(
            charger_id,
            "lately not understood: " + ", ".join(f"{kind} ({times})" for kind, times in kinds.most_common()),
            f"tinyocpp log --charger {quote(charger_id)}",
        )
        for charger_id, kinds in counted.items()
    ]


def refused_certificates(oddities: Iterable[NotedOddity]) -> list[Finding]:
    """Who has asked for one lately and got none: the charger is not told why (security paper, A02)."""
    refused = {one.charger_id: one.detail for one in oddities if one.kind == OddityKind.NO_CERTIFICATE}
    return [
        Finding(charger_id, f"has asked for a certificate, and was refused: {detail}")
        for charger_id, detail in refused.items()
    ]


def tag_findings(unknown: Sequence[tuple[datetime, str, str]], here: Circumstances) -> list[Finding]:
    """The last cards shown that nobody knows, newest first."""
    latest = {id_tag: (at, charger_id) for at, charger_id, id_tag in unknown}
    newest = sorted(latest.items(), key=lambda item: item[1][0], reverse=True)[:CARDS]
    return [
        Finding(charger_id, f"unknown card {id_tag} at {here.clock(at)}", f"tinyocpp tag add {quote(id_tag)}")
        for id_tag, (at, charger_id) in newest
    ]


def dealing_findings(dealings: Dealings, here: Circumstances) -> Iterator[Finding]:
    """What stands between one charger and us beside energy: its registration, its local list, updates and uploads."""
    one = dealings.registered
    accept = f"tinyocpp charger accept {quote(one.charger_id)}"
    if one.registration == RegistrationStatus.PENDING:
        yield Finding(one.charger_id, "is on hold, it may not charge", accept)
    elif one.registration == RegistrationStatus.REJECTED:
        yield Finding(one.charger_id, "is rejected, it may not charge", accept)
    kept = dealings.local_list
    if kept is not None and kept.problem:
        yield Finding(one.charger_id, f"its local list is not in step: {kept.problem}")
    elif kept is not None:
        tags = "1 tag" if len(kept.entries) == 1 else f"{len(kept.entries)} tags"
        yield Finding(one.charger_id, f"knows {tags} by itself since {here.clock(kept.told_at)}")
    for upkeep in dealings.upkeep:
        meaning = MEANINGS[upkeep.what].get(upkeep.status)
        if not (meaning and meaning.good) and here.now - upkeep.status_at < LATELY:
            yield Finding(one.charger_id, f"{upkeep.what}: {upkeep.status} since {here.clock(upkeep.status_at)}")
    alarms = Counter(event for _, event in dealings.security_events if event not in HARMLESS)
    if alarms:
        events = ", ".join(f"{event} ({times})" for event, times in alarms.most_common())
        remedy = f"tinyocpp charger history --charger {quote(one.charger_id)}"
        yield Finding(one.charger_id, f"lately reported: {events}", remedy, wrong=True)
    for reservation in dealings.reservations:
        if reservation.active(here.now):
            where = f"connector {reservation.connector_id}" if reservation.connector_id else "a connector"
            until = here.clock(reservation.expires_at)
            yield Finding(one.charger_id, f"{where} is reserved for {reservation.id_tag} until {until}")


def _at_the_door(charger: ChargerStatus, here: Circumstances) -> Iterator[Finding]:
    one = charger.registered
    if one.refused_at is None or here.now - one.refused_at > KNOCKED:
        return
    since = max(filter(None, (one.connected_at, one.admitted_at)), default=None)
    if since is not None and since > one.refused_at:
        return  # it got in afterwards
    times = "once" if one.refusals == 1 else f"{one.refusals} times"
    told = f"refused {times}, last {here.clock(one.refused_at)} from {one.refused_from or 'here'}: {one.refused_why}"
    name, stranger = quote(one.charger_id), one.refused_why == NOT_ADMITTED
    remedy = "let it in: tinyocpp charger admit" if stranger else "what it has to show: tinyocpp charger security"
    yield Finding(one.charger_id, told, f"{remedy} {name}", wrong=one.admitted_at is not None)


def _on_trial(charger: ChargerStatus, here: Circumstances) -> Iterator[Finding]:
    """Let in on trial, for nobody was adopted yet, but it has not said who it is (quirk B1)."""
    one = charger.registered
    unknown = one.admitted_at is None and one.booted_at is None and fold_identity(one.charger_id) != SIMULATOR
    if here.adopts and unknown and here.is_connected(one.charger_id):
        remedy = f"restart it, or let it in as it is: tinyocpp charger admit {quote(one.charger_id)}"
        yield Finding(one.charger_id, "connected, but it has sent no BootNotification, so it may not charge", remedy)


def _silence(charger: ChargerStatus, here: Circumstances) -> Iterator[Finding]:
    one = charger.registered
    if one.last_seen_at is None or here.now - one.last_seen_at > GONE or fold_identity(one.charger_id) == SIMULATOR:
        return
    if not here.is_connected(one.charger_id):
        running = any(connector.transaction_id is not None for connector in charger.connectors)
        knocks = one.refused_at is not None and one.refused_at > one.last_seen_at  # what it needs, the door tells
        yield Finding(
            one.charger_id,
            f"not connected, last seen {here.clock(one.last_seen_at)}"
            + (", while it was charging; it books what it charges and reports it later" if running else ""),
            "" if knocks else "look at its power, its network, and the address typed into it",
            wrong=True,
        )
    elif here.now - one.last_seen_at > timedelta(seconds=SILENT_HEARTBEATS * here.heartbeat_interval_s):
        remedy = f"restart it: tinyocpp charger reset --charger {quote(one.charger_id)}"
        yield Finding(one.charger_id, f"connected but silent since {here.clock(one.last_seen_at)}", remedy)


def _at_connector(connector: ConnectorStatus, identity: str, here: Circumstances) -> Iterator[tuple[str, str, bool]]:
    """(text, remedy, wrong)"""
    said = (connector.info or "").strip()
    info = f" ({said})" if said.lower() not in NOTHING_SAID else ""
    if connector.status == ChargePointStatus.FAULTED:
        yield f"faulted: {connector.error_code}{info}", "look at the charger's display", True
    elif connector.error_code not in (None, ChargePointErrorCode.NO_ERROR):
        yield f"reports {connector.error_code}{info}", "", False
    if connector.refused:
        told = f"charges, although the tag {connector.id_tag} may not"
        yield told, f"tinyocpp stop --charger {quote(identity)} --connector {connector.connector_id}", True
    if connector.status == ChargePointStatus.UNAVAILABLE:
        where = f"--charger {quote(identity)} --connector {connector.connector_id}"
        yield "is out of service", f"tinyocpp charger availability operative {where}", False
    told_at = max(filter(None, (connector.status_at, connector.sampled_at)), default=None)
    if told_at is not None and told_at - here.now > CLOCK_OFF:
        yield f"the charger's clock is ahead: it says {here.clock(told_at)}", "", False
    if connector.status == ChargePointStatus.CHARGING and here.is_connected(identity):
        yield from _stale_samples(connector, identity, here)


def _stale_samples(connector: ConnectorStatus, identity: str, here: Circumstances) -> Iterator[tuple[str, str, bool]]:
    started_at = connector.started_at
    if started_at is None or here.now - max(filter(None, (started_at, connector.heard_at))) < STALE:
        return
    since = f"since {here.clock(connector.heard_at)}" if connector.heard_at else "at all"
    remedy = f"tinyocpp charger set --charger {quote(identity)} MeterValueSampleInterval 60"
    yield f"charges, but no meter values have come {since}", remedy, False
