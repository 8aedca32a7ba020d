"""One charger's conversation, free of I/O: text in, text out, and the next deadline.

The session owns frames, dispatch, the rule of one outstanding call per direction (OCPP-J 4.1.1), the queue of our own
calls, timeouts, late and unknown results, errands, and what becomes of a frame that breaks the standard. It does not
know sockets, files or threads. A host gives it what arrived, inside a batch, and lets out what it has to say once the
batch is committed. `now` is monotonic seconds; the time of day is the charger's clock.
"""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

import msgspec

from tinyocpp.admission import Standing
from tinyocpp.commands import ANSWER_TIMEOUT_S, Answer, Outcome, may_be_sent
from tinyocpp.errands import AT_CONNECTION, WHEN_ACCEPTED, limited
from tinyocpp.errands.agenda import Agenda
from tinyocpp.errors import ProtocolFault
from tinyocpp.handlers import HANDLERS, LESSONS
from tinyocpp.handlers.stage import Stage
from tinyocpp.leniency import LOSSES, Oddity, OddityKind, mend, read_frame
from tinyocpp.messages import ACTIONS
from tinyocpp.messages.core_boot import RegistrationStatus
from tinyocpp.messages.frames import (
    Call,
    CallError,
    CallResult,
    ErrorCode,
    encode_call,
    encode_error,
    encode_result,
)
from tinyocpp.messages.payload import decode_payload

if TYPE_CHECKING:
    from tinyocpp.charger import Charger
    from tinyocpp.commands import Ask
    from tinyocpp.connectors import Offer
    from tinyocpp.errands import Beginning
    from tinyocpp.messages.payload import Payload

DEAF_AFTER = 3
"""So many calls in a row without an answer: only a new connection helps (quirk H23)."""
SEEN_EVERY_S = 30.0
"""How exactly we remember when a charger was last heard: each time costs a write."""
LATE_KEPT = 8
"""Calls given up whose answer is still recognised when it comes after all."""
HABITS_KEPT = 200
"""So many habits of a charger are told apart; one with more is noted with every frame."""
INCOMPLETE = frozenset({OddityKind.MISSING, OddityKind.NOT_AN_OBJECT})
"""A BootNotification like this does not say properly who it is, and adopts nobody (design, promise 6)."""

NEVER_REFUSED = frozenset(
    {"BootNotification", "Heartbeat", "StatusNotification", "MeterValues", "StartTransaction", "StopTransaction"}
)
"""Answered with a result also while the charger is Pending or Rejected, and mended also where it is `strict`: a
CALLERROR is only repeated for ever, and the energy has flowed (design, promise 4)."""

ALLOWED = {
    RegistrationStatus.PENDING: NEVER_REFUSED
    | {
        "DiagnosticsStatusNotification",
        "FirmwareStatusNotification",
        "LogStatusNotification",
        "SecurityEventNotification",
        "SignCertificate",
        "SignedFirmwareStatusNotification",
    },
    RegistrationStatus.REJECTED: NEVER_REFUSED,
}
"""What a charger may ask that is not accepted: while it is Pending also what we may have asked it to send, so that it
can be prepared (section 4.2; security paper A00.FR.805)."""


class _Pending(msgspec.Struct):
    """A call of ours that has not ended."""

    call_id: int
    message_id: str
    action: str
    payload: bytes
    deadline: float
    patience_s: float
    sent: bool = False


class Session:
    """See the module. `id_prefix` makes our message ids unlike those of any other connection (OCPP-J errata 3.7)."""

    def __init__(self, charger: Charger, *, strict: bool = False, id_prefix: str = "") -> None:
        self.charger = charger
        self.closing = False  # the host closes the connection once it has sent what there is to send
        self._strict = strict
        self._id_prefix = id_prefix
        self._calls = 0
        self._to_send: list[str] = []
        self._answers: list[Answer] = []
        self._outstanding: _Pending | None = None
        self._queue: list[_Pending] = []  # lists, for an empty deque is 600 bytes and these are short
        self._late: list[_Pending] = []
        self._deaf = 0
        self._habits: set[tuple[OddityKind, str]] = set()
        self._seen_at: float | None = None
        self._agenda = Agenda(self._ask)
        self._accepted = False  # the errands of an accepted charger have begun
        self._quiet_until = 0.0  # some chargers drop calls that come too fast (quirk B18)
        self._held: list[tuple[float, str]] = []  # answers that are not to come too fast (quirk H21)

    # What a host says.

    def opened(self, now: float) -> None:
        """The connection is there, and nothing has been said yet. Inside a batch."""
        self.charger.recall()
        self._undertake(AT_CONNECTION, now)

    def receive_text(self, text: str, now: float) -> None:
        """Handle one frame, inside a batch. Raises nothing for what a charger sent; StorageError may pass."""
        self.charger.frame = text
        reading = read_frame(text)
        self.charger.incomplete = reading.unreadable
        self._note(reading.oddities)
        frame = reading.frame
        if frame is None:
            return
        self._remember(now)
        if isinstance(frame, Call):
            self._reply(frame.action, self._answer(frame), now)
        else:
            self._settle(frame, now)
        self._follow_up(now)

    def send_call(self, action: str, payload: bytes, now: float, timeout_s: float = ANSWER_TIMEOUT_S) -> int:
        """Queue a call, inside a batch; it goes out when no other is outstanding. Returns the number its Answer will
        carry. `payload` is a JSON object and goes out as it is, without its insignificant space. What the standard
        forbids, as the charger is registered now, is withheld."""
        self._calls += 1
        if not may_be_sent(action, self.charger.registration):
            self._answers.append(self._withheld(self._calls, action))
            return self._calls
        pending = _Pending(
            call_id=self._calls,
            message_id=f"{self._id_prefix}{self._calls}",
            action=action,
            payload=payload,
            deadline=now + timeout_s,
            patience_s=timeout_s,
        )
        self._queue.append(pending)
        self._send_next(now)
        return pending.call_id

    def heed_wish(self, now: float) -> None:
        """The owner has wished something, inside a batch: look at once."""
        self._keep_limits(now, wanted=limited(self.charger))

    def heed_offer(self, offer: Offer, now: float) -> None:
        """The control program offers something, or takes it back, inside a batch: look at once."""
        wanted = offer.current_a is not None and self.charger.standing is Standing.ADMITTED
        if wanted or self.charger.limiting:
            self.charger.offered(offer)
        self._keep_limits(now, wanted=wanted)

    def _keep_limits(self, now: float, *, wanted: bool) -> None:
        """What may not be asked of a charger that is Rejected is asked when it is accepted."""
        charger = self.charger
        if charger.limiting:
            self._agenda.wake(now)
        elif wanted and charger.standing is Standing.ADMITTED:
            from tinyocpp.errands.limiting import begin

            charger.undertake(begin(charger))
        self._follow_up(now)

    def cancel(self, call_id: int) -> None:
        """Nobody waits for this call any more: one that has not gone out yet will not."""
        self._queue = [pending for pending in self._queue if pending.call_id != call_id]

    def text_to_send(self) -> list[str]:
        """Frames to write, in order; each is given once, and only to be let out after the commit."""
        texts, self._to_send = self._to_send, []
        return texts

    def results_received(self) -> list[Answer]:
        """Calls of ours that have ended; each is given once, and only to be told after the commit."""
        answers, self._answers = self._answers, []
        return answers

    @property
    def next_deadline(self) -> float | None:
        """When to call `expire`."""
        times = [due for due, _ in self._held]
        if self._outstanding is not None:
            times += [self._outstanding.deadline, *(pending.deadline for pending in self._queue)]
        elif self._queue:
            times.append(self._quiet_until)
        errands = self._agenda.next_deadline
        if errands is not None:
            times.append(errands)
        return min(times, default=None)

    def expire(self, now: float) -> None:
        """Do what is due, inside a batch: give up calls whose time is over (they may still be carried out: nobody
        knows), let out what was held back, go on with errands."""
        if self._outstanding is not None and self._outstanding.deadline <= now:
            expired, self._outstanding = self._outstanding, None
            self._late = [*self._late, expired][-LATE_KEPT:]
            self._deaf += expired.patience_s >= ANSWER_TIMEOUT_S
            self.closing = self.closing or self._deaf >= DEAF_AFTER
            self._end(expired, Stage.FAILED, Answer(expired.call_id, expired.action, Outcome.TIMEOUT), now)
        for pending in [pending for pending in self._queue if pending.deadline <= now]:
            self._queue.remove(pending)
            said = "it was never sent: the charger had another call to answer"
            self._conclude(Answer(pending.call_id, pending.action, Outcome.TIMEOUT, description=said), now)
        self._to_send += [text for due, text in self._held if due <= now]
        self._held = [(due, text) for due, text in self._held if due > now]
        self._agenda.due(now)
        self._follow_up(now)
        self._send_next(now)

    def connection_lost(self) -> None:
        """Every call that has not ended will not, inside a batch."""
        if self.charger.limiting and self._outstanding is not None:
            from tinyocpp.errands.limiting import line_lost

            line_lost(self.charger, self._outstanding.action)
        self._agenda.close()
        if self._outstanding is not None:
            lost, self._outstanding = self._outstanding, None
            self._end(lost, Stage.FAILED, Answer(lost.call_id, lost.action, Outcome.LOST), self._quiet_until)
        while self._queue:
            pending = self._queue.pop(0)
            self._answers.append(Answer(pending.call_id, pending.action, Outcome.LOST))

    # The charger asks.

    def _remember(self, now: float) -> None:
        """Now and then: that it lives, and what the owner says of it by now."""
        charger = self.charger
        if charger.standing is not Standing.ADMITTED:
            return
        if self._seen_at is None or now - self._seen_at >= SEEN_EVERY_S:
            self._seen_at = now
            charger.ledger.seen(charger.id, charger.clock.now())
            charger.look_up_registration()
        elif charger.registration is not RegistrationStatus.ACCEPTED:
            charger.look_up_registration()

    def _reply(self, action: str, text: str, now: float) -> None:
        delay_s = self.charger.quirks.reply_delay_s if action == "StartTransaction" else 0
        if delay_s:
            self._held.append((now + delay_s, text))
        else:
            self._to_send.append(text)

    def _follow_up(self, now: float) -> None:
        """Take on what the frame, or an errand, has led to."""
        charger = self.charger
        if not self._accepted and charger.accepted:
            self._accepted = True
            self._undertake(WHEN_ACCEPTED, now)
        if charger.woken:
            charger.woken = False
            self._agenda.wake(now)
        while charger.errands:
            self._agenda.begin(charger.errands.pop(0), now)

    def _undertake(self, table: tuple[Beginning, ...], now: float) -> None:
        for begin in table:
            errand = begin(self.charger)
            if errand is not None:
                self._agenda.begin(errand, now)

    def _answer(self, call: Call) -> str:
        """The frame that answers this call."""
        try:
            return encode_result(call.message_id, self._result(call))
        except ProtocolFault as fault:
            self._note((Oddity(OddityKind.REFUSED, f"{call.action[:50]}: {fault}"),))
            return encode_error(call.message_id, ErrorCode(fault.code), fault.description)

    def _result(self, call: Call) -> Payload:
        handler = HANDLERS.get(call.action)
        if handler is None:
            code = ErrorCode.NOT_SUPPORTED if call.action in ACTIONS else ErrorCode.NOT_IMPLEMENTED
            raise ProtocolFault(code, f"{call.action[:50]!r} is no request for a central system")
        self._check_standing(call.action)
        result = handler(self._payload(call), self.charger)
        self.closing = self.closing or self.charger.standing is Standing.REFUSED
        return result

    def _check_standing(self, action: str) -> None:
        """Raise SecurityError where only a charger that was accepted may ask (OCPP-J errata 3.10)."""
        if action == "BootNotification":
            return
        if self.charger.standing is not Standing.ADMITTED:
            if not self.charger.ledger.admitted(self.charger.id):
                raise ProtocolFault(ErrorCode.SECURITY_ERROR, "not admitted; send a BootNotification first")
            self.charger.standing = Standing.ADMITTED  # by the owner, since it connected
        registration = self.charger.registration
        if registration is not RegistrationStatus.ACCEPTED and action not in ALLOWED[registration]:
            raise ProtocolFault(ErrorCode.SECURITY_ERROR, f"registration is {self.charger.registration}")

    def _payload(self, call: Call) -> Payload:
        """The request as its type: as the standard has it, else as the charger may have meant it."""
        type_ = ACTIONS[call.action].request
        try:
            return decode_payload(type_, call.payload)
        except ProtocolFault:
            if self._strict and call.action not in NEVER_REFUSED:
                raise
        times = self.charger.quirks.times_without_zone
        zone = UTC if times == "utc" else self.charger.zone
        payload, oddities = mend(
            type_, bytes(call.payload), received_at=self.charger.clock.now(), zone=zone, local=times == "local"
        )
        self.charger.incomplete |= any(oddity.kind in INCOMPLETE for oddity in oddities)
        self._note(oddities)
        return payload

    def _note(self, oddities: tuple[Oddity, ...]) -> None:
        """Keep each habit once per connection, and every frame of which something was lost."""
        if not oddities or self.charger.standing is not Standing.ADMITTED:
            return  # a stranger fills no disk
        fresh = {_habit(oddity): oddity for oddity in oddities if _habit(oddity) not in self._habits}
        if len(self._habits) < HABITS_KEPT:
            self._habits.update(fresh)
        lost = [oddity for oddity in oddities if oddity.kind in LOSSES]
        for oddity in fresh.values() or lost[:1]:
            self.charger.note(oddity)

    # The charger answers.

    def _settle(self, frame: CallResult | CallError, now: float) -> None:
        pending = self._outstanding
        if pending is None or not _answers(frame, pending):
            self._settle_late(frame)
            return
        self._outstanding = None
        self._deaf = 0
        self._quiet_until = now + self.charger.quirks.call_pause_s
        if isinstance(frame, CallResult):
            payload = bytes(frame.payload)
            answer = Answer(pending.call_id, pending.action, Outcome.RESULT, payload)
            self._end(pending, Stage.ANSWERED, answer, now)
        else:
            code, description = frame.error_code, frame.error_description
            answer = Answer(pending.call_id, pending.action, Outcome.ERROR, b"{}", code, description)
            self._end(pending, Stage.FAILED, answer, now)
        self._send_next(now)

    def _settle_late(self, frame: CallResult | CallError) -> None:
        """An answer nobody waits for: learn from it what there is to learn, and never answer it."""
        for pending in self._late:
            if _answers(frame, pending):
                self._late.remove(pending)
                if isinstance(frame, CallResult):
                    self._learn(pending, Stage.ANSWERED, bytes(frame.payload))
                self._note((Oddity(OddityKind.LATE_ANSWER, pending.action),))
                return
        self._note((Oddity(OddityKind.STRAY_ANSWER, "no call of ours has this id"),))

    def _ask(self, ask: Ask, now: float) -> int | Answer:
        """A call of an errand's."""
        if not may_be_sent(ask.action, self.charger.registration):
            return self._withheld(0, ask.action)
        return self.send_call(ask.action, ask.payload, now, ask.timeout_s)

    def _withheld(self, call_id: int, action: str) -> Answer:
        why = f"its registration is {self.charger.registration}"
        return Answer(call_id, action, Outcome.WITHHELD, description=why)

    def _end(self, pending: _Pending, stage: Stage, answer: Answer, now: float) -> None:
        self._learn(pending, stage, answer.payload)
        self._conclude(answer, now)
        self.charger.announce("command", action=pending.action, outcome=answer.outcome)

    def _conclude(self, answer: Answer, now: float) -> None:
        """The answer is an errand's, or for the host to tell."""
        if not self._agenda.takes(answer, now):
            self._answers.append(answer)

    def _learn(self, pending: _Pending, stage: Stage, answer: bytes) -> None:
        lesson = LESSONS.get(pending.action)
        if lesson is not None:
            lesson(stage, pending.payload, answer, self.charger)

    def _send_next(self, now: float) -> None:
        if self._outstanding is None and self._queue and now >= self._quiet_until:
            pending = self._outstanding = self._queue.pop(0)
            self._learn(pending, Stage.SENT, b"{}")
            self._to_send.append(encode_call(pending.message_id, pending.action, pending.payload))


def _answers(frame: CallResult | CallError, pending: _Pending) -> bool:
    """Is this frame the answer to that call? One charger's errors carry our id with something before it (quirk F11)."""
    message_id = bytes(frame.message_id).decode("utf-8", "replace").strip('"')
    if isinstance(frame, CallError):
        return message_id.endswith(pending.message_id)
    return message_id == pending.message_id


def _habit(oddity: Oddity) -> tuple[OddityKind, str]:
    """What kind of oddity in which field: its value is another each time."""
    return oddity.kind, oddity.detail.partition(":")[0]
