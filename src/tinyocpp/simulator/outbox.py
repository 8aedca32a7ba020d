"""The calls a charge point makes: one at a time, ordinary ones first, transaction messages in order and with retries.

Sans-I/O. Ordinary calls (boot, status, authorise, heartbeat) are lost with the connection. Transaction messages (start,
meter values, stop; section 3.7) are kept until they are answered or have been sent as often as
TransactionMessageAttempts allows; a lost connection is no attempt. Their payload is made when they go out, for only
then is the transaction's id known; everything else in it was fixed when it happened.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar

import msgspec

from tinyocpp.errors import ProtocolFault
from tinyocpp.messages.frames import encode_call
from tinyocpp.messages.payload import Payload, decode_payload, encode_payload
from tinyocpp.simulator.configuration import Configuration

P = TypeVar("P", bound=Payload)
Settle = Callable[["bytes | None", datetime], None]


class Outgoing(msgspec.Struct, eq=False):
    """One call to make. `settle` gets the raw answer, or None when there will be none; it may raise ProtocolFault."""

    action: str
    build: Callable[[], Payload]
    settle: Settle
    transactional: bool = False
    early: bool = False  # may go out before the charge point was accepted
    attempts: int = 0
    not_before: datetime | None = None


class Outstanding(msgspec.Struct, frozen=True, eq=False):
    message_id: str
    outgoing: Outgoing
    deadline: datetime


class Outbox:
    """`problem` is told, in words, of every answer that was an error or could not be read."""

    def __init__(self, id_prefix: str, configuration: Configuration, problem: Callable[[str, datetime], None]) -> None:
        self._id_prefix = id_prefix  # differs from run to run: ids are never used twice (J errata 3.7)
        self._configuration = configuration
        self._problem = problem
        self._count = 0
        self._ordinary: deque[Outgoing] = deque()
        self._transactional: deque[Outgoing] = deque()
        self._outstanding: Outstanding | None = None

    def post(
        self,
        request: Payload,
        expect: type[P],
        answered: Callable[[P | None, datetime], None],
        *,
        early: bool = False,
    ) -> None:
        """An ordinary call. `answered` gets None when the answer was an error, came too late or the line broke."""
        self._ordinary.append(Outgoing(type(request).__name__, lambda: request, _reader(expect, answered), early=early))

    def enqueue(
        self,
        action: type[Payload],
        build: Callable[[], Payload],
        expect: type[P],
        answered: Callable[[P | None, datetime], None],
    ) -> None:
        """A transaction message. `answered` gets None when it was given up."""
        self._transactional.append(Outgoing(action.__name__, build, _reader(expect, answered), transactional=True))

    @property
    def empty(self) -> bool:
        """Has everything been answered?"""
        return not (self._ordinary or self._transactional or self._outstanding)

    @property
    def unacknowledged(self) -> int:
        """Transaction messages nobody has answered yet."""
        return len(self._transactional)

    def next_deadline(self, *, accepted: bool) -> datetime | None:
        """When `expire` or `next_frame` has something to do, whatever else happens."""
        if self._outstanding:
            return self._outstanding.deadline
        return self._transactional[0].not_before if accepted and self._transactional else None

    def next_frame(self, now: datetime, *, accepted: bool) -> str | None:
        """The call to send now, if none is outstanding. Until the charge point is accepted only early ones go out."""
        outgoing = None if self._outstanding else self._choose(now, accepted)
        if outgoing is None:
            return None
        if not outgoing.transactional:
            self._ordinary.remove(outgoing)
        self._count += 1
        message_id = f"{self._id_prefix}{self._count}"
        timeout_s = self._configuration.number("MessageTimeout")
        self._outstanding = Outstanding(message_id, outgoing, now + timedelta(seconds=timeout_s))
        return encode_call(message_id, outgoing.action, encode_payload(outgoing.build()))

    def result(self, message_id: str, payload: bytes, now: datetime) -> None:
        outgoing = self._take(message_id, now)
        if outgoing is None:
            return
        try:
            outgoing.settle(payload, now)
        except ProtocolFault as fault:
            self._problem(f"the answer to {outgoing.action} cannot be read: {fault.description}", now)
            self._failed(outgoing, now)
        else:
            self._done(outgoing)

    def error(self, message_id: str, code: str, description: str, now: datetime) -> None:
        if outgoing := self._take(message_id, now):
            self._problem(f"{outgoing.action} was refused: {code} {description}".rstrip(), now)
            self._failed(outgoing, now)

    def expire(self, now: datetime) -> None:
        """Stop waiting for an answer that is overdue."""
        if self._outstanding and now >= self._outstanding.deadline:
            outgoing, self._outstanding = self._outstanding.outgoing, None
            self._problem(f"no answer to {outgoing.action}", now)
            self._failed(outgoing, now)

    def disconnected(self, now: datetime) -> None:
        """Ordinary calls are lost with the line; transaction messages wait for the next one."""
        lost = list(self._ordinary)
        if self._outstanding and not self._outstanding.outgoing.transactional:
            lost.insert(0, self._outstanding.outgoing)
        self._ordinary.clear()
        self._outstanding = None
        for outgoing in lost:
            outgoing.settle(None, now)

    def forget_ordinary(self) -> None:
        """A power cycle: what was not written to flash is gone, and so is who waited for it."""
        self._ordinary.clear()
        self._outstanding = None

    def _choose(self, now: datetime, accepted: bool) -> Outgoing | None:
        for outgoing in self._ordinary:
            if accepted or outgoing.early:
                return outgoing
        if accepted and self._transactional:
            head = self._transactional[0]
            return head if head.not_before is None or now >= head.not_before else None
        return None

    def _take(self, message_id: str, now: datetime) -> Outgoing | None:
        """The call this answers; none for a late or unknown answer, which is dropped (OCPP-J 4.1.1)."""
        if self._outstanding is None or self._outstanding.message_id != message_id:
            self._problem(f"an answer to nothing that was asked: {message_id[:40]}", now)
            return None
        outgoing, self._outstanding = self._outstanding.outgoing, None
        return outgoing

    def _failed(self, outgoing: Outgoing, now: datetime) -> None:
        """Ordinary: that was it. Transactional: again, after a wait that grows with each attempt (section 3.7.1)."""
        if outgoing.transactional:
            outgoing.attempts += 1
            if outgoing.attempts < self._configuration.number("TransactionMessageAttempts"):
                wait_s = self._configuration.number("TransactionMessageRetryInterval") * outgoing.attempts
                outgoing.not_before = now + timedelta(seconds=wait_s)
                return
        self._done(outgoing)
        outgoing.settle(None, now)

    def _done(self, outgoing: Outgoing) -> None:
        if outgoing.transactional:
            self._transactional.remove(outgoing)


def _reader(expect: type[P], answered: Callable[[P | None, datetime], None]) -> Settle:
    def settle(raw: bytes | None, now: datetime) -> None:
        answered(None if raw is None else decode_payload(expect, raw), now)

    return settle
