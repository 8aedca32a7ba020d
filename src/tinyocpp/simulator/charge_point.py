"""The charge point, sans-I/O: text in, text out, next deadline; what time it is is always an argument.

Here are its life on the wire (boot, heartbeat, frames) and its power cycle. What happens at a connector is in
charging.py, what the central system may ask is in commands.py. `speed` makes cars charge faster and sampling more
frequent; every other duration is a true one, so that the times the central system sees are plausible.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from tinyocpp import __version__
from tinyocpp.errors import ProtocolFault
from tinyocpp.messages import ACTIONS
from tinyocpp.messages.core import (
    ChargePointErrorCode,
    ChargePointStatus,
    Reason,
    StatusNotification,
    StatusNotificationResult,
)
from tinyocpp.messages.core_boot import BootNotification, BootNotificationResult, Heartbeat, RegistrationStatus
from tinyocpp.messages.frames import Call, CallError, CallResult, ErrorCode, decode_frame, encode_error, encode_result
from tinyocpp.messages.payload import Payload, decode_payload, whole_seconds
from tinyocpp.simulator import charging
from tinyocpp.simulator.car import Meter
from tinyocpp.simulator.carrier import Parcel
from tinyocpp.simulator.commands import COMMANDS
from tinyocpp.simulator.configuration import MAX_INTERVAL_S, Configuration
from tinyocpp.simulator.connector import TRANSITIONS, Connector
from tinyocpp.simulator.firmware import Update
from tinyocpp.simulator.outbox import Outbox
from tinyocpp.simulator.profiles import Profiles
from tinyocpp.simulator.tagmemory import TagMemory
from tinyocpp.simulator.tally import Tally
from tinyocpp.simulator.uploads import Upload
from tinyocpp.simulator.vices import Vices

if TYPE_CHECKING:
    from tinyocpp.simulator.keychain import Keychain

REBOOT_S = 2.0  # how long a power cycle takes
BOOT_RETRY_S = 10.0  # when the central system did not answer a boot, or leaves the interval to us
VENDOR, MODEL = "tinyocpp", "simulator"


class Notice(msgspec.Struct, frozen=True):
    """Something a watcher would like to read."""

    at: datetime
    text: str


class ChargePoint:
    """Powered on at `now`. `connectors` is their number; `register_wh` what their meters show at first."""

    def __init__(
        self,
        identity: str,
        now: datetime,
        *,
        connectors: int = 1,
        speed: float = 1.0,
        register_wh: int = 1_000_000,
        id_prefix: str = "",
        vices: Iterable[str] = (),
    ) -> None:
        self.identity = identity
        self.speed = speed
        self.vices = Vices(vices)
        self.configuration = Configuration(connectors, self.vices.keys, self.vices.hides)
        self.profiles = Profiles()  # as they are obeyed
        self.promised = Profiles()  # as they were accepted
        self.tally = Tally()
        self.tags = TagMemory()
        self.outbox = Outbox(id_prefix, self.configuration, self.note)
        self.connectors = [Connector(n, Meter(register_wh)) for n in range(connectors + 1)]
        self.firmware = __version__
        self.update: Update | None = None  # of the firmware
        self.uploads: dict[str, Upload] = {}  # under way, by kind
        self.parcels: list[Parcel] = []  # files to fetch or bring: the host takes them away, and says how it went
        self.keychain: Keychain | None = None  # made with the first certificate
        self.given: frozenset[str] = frozenset()  # what it has from its installer: password, root, certificate
        self.profile_before: str | None = None  # while the one it was told to take has not got it in yet
        self.registration: RegistrationStatus | None = None  # None: has not booted since the power came on
        self.online = False
        self.closing = False  # the host sends what is to send, then closes the connection
        self.off_until: datetime | None = None  # in a power cycle: the host does not connect before
        self.notices: list[Notice] = []  # the host takes them away
        self.now = now  # everything that was due until then has been done
        self.after_boot: list[Payload] = []  # to be said once accepted again
        self._boot_due: datetime | None = None
        self._sent_at: datetime | None = None
        self._agenda: list[tuple[datetime, int, Callable[[datetime], None]]] = []
        self._order = itertools.count()
        self._text: list[str] = []

    # What the host says.

    def connected(self, now: datetime) -> None:
        """The line is there. The first time since power-on a boot comes first, else only statuses that changed."""
        self.advance(now)
        self.online, self.closing, self._sent_at = True, False, now
        if self.registration is RegistrationStatus.ACCEPTED:
            self.report_statuses(only_changed=True)
        else:
            self.boot()

    def disconnected(self, now: datetime) -> None:
        self.advance(now)
        self.online, self.closing = False, False
        self._text.clear()
        self.outbox.disconnected(now)

    def receive_text(self, text: str, now: datetime) -> None:
        """Never raises for what the central system sent."""
        self.advance(now)
        try:
            frame = decode_frame(text)
        except (msgspec.MsgspecError, UnicodeError, RecursionError) as broken:
            self.note(f"a frame that cannot be read: {broken}", now)
            return
        match frame:
            case Call():
                self._answer(frame, now)
            case CallResult():
                self.outbox.result(_spoken(frame.message_id), bytes(frame.payload), now)
            case CallError():
                code, description = frame.error_code, frame.error_description
                self.outbox.error(_spoken(frame.message_id), code, description, now)

    def text_to_send(self) -> list[str]:
        """Frames to write now, in order; empties. Answers come before the next call of our own."""
        self._pump(self.now)
        text, self._text = self._text, []
        return text

    @property
    def next_deadline(self) -> datetime | None:
        """Call `advance` then, if nothing happens before."""
        moments = [self._agenda[0][0]] if self._agenda else []
        moments += charging.deadlines(self)
        if self.online:
            calls = self.outbox.next_deadline(accepted=self.accepted)
            moments += [moment for moment in (calls, self._boot_due, self._heartbeat_due()) if moment]
        return min(moments, default=None)

    def advance(self, now: datetime) -> None:
        """Let time pass, through every deadline on the way: what happened between two calls has its own time."""
        while (due := self.next_deadline) is not None and self.now < due < now:
            self._step(due)
        self._step(max(now, self.now))

    # What the parts of the charge point use.

    @property
    def accepted(self) -> bool:
        """Can the central system be asked now?"""
        return self.online and self.registration is RegistrationStatus.ACCEPTED

    def note(self, text: str, now: datetime) -> None:
        self.notices.append(Notice(now, text))

    def later(self, delay_s: float, act: Callable[[datetime], None]) -> None:
        """Do this later; a power cycle makes the charge point forget it."""
        heapq.heappush(self._agenda, (self.now + timedelta(seconds=delay_s), next(self._order), act))

    def say(self, request: Payload, *, early: bool = False) -> None:
        """An ordinary call whose answer holds nothing of interest. `early`: also before we are accepted."""
        expect = ACTIONS[type(request).__name__].result
        self.outbox.post(request, expect, lambda _result, _now: None, early=early)

    def set_status(self, connector: Connector, status: ChargePointStatus, now: datetime) -> None:
        """Also reports it, if the line is there; otherwise at the next connection."""
        if status is connector.status:
            return
        if status not in TRANSITIONS[connector.status]:
            raise AssertionError(f"connector {connector.connector_id}: {connector.status} cannot become {status}")
        connector.status, connector.status_at = status, now
        if self.accepted:
            self.report_status(connector)

    def report_status(self, connector: Connector, *, early: bool = False) -> None:
        status = connector.status

        def answered(result: StatusNotificationResult | None, _now: datetime) -> None:
            if result is not None:
                connector.reported = status

        call = StatusNotification(
            connector_id=connector.connector_id,
            error_code=ChargePointErrorCode.NO_ERROR,
            status=status,
            timestamp=whole_seconds(connector.status_at or self.now),
        )
        self.outbox.post(call, StatusNotificationResult, answered, early=early)

    def report_statuses(self, *, only_changed: bool = False) -> None:
        for connector in self.connectors:
            if not only_changed or connector.reported is not connector.status:
                self.report_status(connector)

    def boot(self, *, early: bool = True) -> None:
        call = BootNotification(
            charge_point_vendor=VENDOR,
            charge_point_model=MODEL,
            charge_point_serial_number=self.identity[:25],
            firmware_version=self.firmware,
            meter_type="simulated",
        )
        self._boot_due = None
        self.outbox.post(call, BootNotificationResult, self._booted, early=early)

    def heartbeat(self, *, early: bool = False) -> None:
        self.say(Heartbeat(), early=early)

    def reconnect(self) -> None:
        """Close the line and open it again, with the new password."""
        self.closing = self.online

    def power_cycle(self, now: datetime) -> None:
        """Off, and on again after REBOOT_S. Configuration, profiles, list, register and unsent transaction messages
        survive, as in flash memory; the rest does not (errata 3.37)."""
        self.note("restarts", now)
        self.closing, self.registration, self._boot_due = self.online, None, None
        self.update = None
        self.uploads.clear()
        self.parcels.clear()
        self._agenda.clear()
        if self.vices.forgets:
            self.profiles = Profiles()
        self.outbox.forget_ordinary()
        self.off_until = now + timedelta(seconds=REBOOT_S)
        self.later(REBOOT_S, self._power_on)

    # Within.

    def _power_on(self, now: datetime) -> None:
        self.off_until = None
        for connector in self.connectors:
            connector.reported, connector.awaited = None, None
            charging.stop(self, connector, Reason.HARD_RESET, now)  # a soft reset left nothing running
            if connector.status is ChargePointStatus.PREPARING and connector.car is None:
                self.set_status(connector, ChargePointStatus.AVAILABLE, now)

    def _booted(self, result: BootNotificationResult | None, now: datetime) -> None:
        if result is None:
            self._boot_due = now + timedelta(seconds=BOOT_RETRY_S)
            return
        self.registration = result.status
        self.note(f"BootNotification: {result.status}", now)
        interval_s = min(max(0, result.interval), MAX_INTERVAL_S)
        if result.status is not RegistrationStatus.ACCEPTED:
            self._boot_due = now + timedelta(seconds=interval_s or BOOT_RETRY_S)
            return
        if interval_s:
            self.configuration.set("HeartbeatInterval", str(interval_s))
        self.report_statuses()  # of every connector (errata 3.22)
        for request in self.after_boot:
            self.say(request)
        self.after_boot.clear()

    def _answer(self, call: Call, now: datetime) -> None:
        if self.registration is RegistrationStatus.REJECTED:
            return  # it does not answer then (section 4.2)
        if self.vices.slow_s:
            self.later(self.vices.slow_s, lambda then: self._obey(call, then))
        else:
            self._obey(call, now)

    def _obey(self, call: Call, now: datetime) -> None:
        action, command = ACTIONS.get(call.action), COMMANDS.get(call.action)
        try:
            if action is None:
                raise ProtocolFault(ErrorCode.NOT_IMPLEMENTED, f"no such action: {call.action[:50]}")
            if command is None:
                raise ProtocolFault(ErrorCode.NOT_SUPPORTED, f"{action.name} is not offered")
            if denial := self.vices.denies.get(call.action):
                raise ProtocolFault(denial, f"{action.name} is not offered")
            request = decode_payload(action.request, call.payload)
            result = command(self, request, now)
            answer = encode_result(call.message_id, result)
            self.note(f"{action.name}: {getattr(result, 'status', 'answered')}", now)
        except ProtocolFault as fault:
            answer = encode_error(call.message_id, ErrorCode(fault.code), fault.description)
            self.note(f"{call.action[:50]} refused: {fault.description}", now)
        self._text.append(answer)

    def _step(self, now: datetime) -> None:
        charging.let_energy_flow(self, now)
        since, self.now = self.now, now
        while self._agenda and self._agenda[0][0] <= now:
            heapq.heappop(self._agenda)[2](now)
        charging.keep_times(self, since)
        if self.online:
            self.outbox.expire(now)
            if self._boot_due and now >= self._boot_due:
                self.boot()
            if (due := self._heartbeat_due()) and now >= due:
                self.heartbeat()
            self._pump(now)

    def _heartbeat_due(self) -> datetime | None:
        """After silence only (section 4.6)."""
        if not self.accepted or self._sent_at is None or not self.outbox.empty:
            return None
        return self._sent_at + timedelta(seconds=self.configuration.number("HeartbeatInterval"))

    def _pump(self, now: datetime) -> None:
        frame = self.outbox.next_frame(now, accepted=self.accepted) if self.online and not self.closing else None
        if frame:
            self._text.append(frame)
            self._sent_at = now


def _spoken(message_id: msgspec.Raw) -> str:
    """Our ids are text; whatever else comes back is nobody's."""
    return str(msgspec.json.decode(message_id))
