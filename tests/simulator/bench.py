"""A central system of a few lines, with its own JSON and its own clock: what the charge point is tried against."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from tinyocpp.simulator.carrier import Carried
from tinyocpp.simulator.charge_point import ChargePoint

T0 = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
ACCEPTED = {"idTagInfo": {"status": "Accepted"}}


class NoAnswer:
    """Put as an answer: say nothing."""


class Bench:
    """Answers what the charge point asks from a table, passes time through every deadline, keeps what was said."""

    def __init__(self, **options):
        self.now = T0
        self.station = ChargePoint("CP-1", T0, id_prefix="c", **options)
        self.said: list[tuple[str, dict]] = []
        self.replies: list[list] = []
        self.unanswered: list[list] = []
        self.carried: list[tuple] = []  # what was fetched or brought: url, name, content
        self.carrying = Carried(size=1000, sha256=bytes(32))  # how that goes
        self._parcels: list[tuple] = []  # on the way, and when they arrive
        self.transactions = 0
        self.questions = 0
        self.answers = {
            "BootNotification": {"status": "Accepted", "currentTime": "2026-06-01T12:00:00Z", "interval": 300},
            "Authorize": ACCEPTED,
            "Heartbeat": {"currentTime": "2026-06-01T12:00:00Z"},
            "StopTransaction": {},
        }

    def connect(self):
        self.station.connected(self.now)
        self.pump()
        return self

    def disconnect(self):
        self.station.disconnected(self.now)

    def pump(self):
        while texts := self.station.text_to_send():
            for text in texts:
                frame = json.loads(text)
                if frame[0] == 2:
                    self._answer(frame)
                else:
                    self.replies.append(frame)

    def _answer(self, frame):
        _, message_id, action, payload = frame
        self.said.append((action, payload))
        answer = self.answers.get(action, {})
        if action == "StartTransaction" and action not in self.answers:
            self.transactions += 1
            answer = {"transactionId": self.transactions, **ACCEPTED}
        if answer is NoAnswer:
            self.unanswered.append(frame)
        elif isinstance(answer, str):
            self.receive([4, message_id, answer, "", {}])
        else:
            self.receive([3, message_id, answer])

    def receive(self, frame):
        self.station.receive_text(frame if isinstance(frame, str) else json.dumps(frame), self.now)

    def ask(self, action, /, **payload):
        """Call the charge point; its answer, or the code of its CALLERROR."""
        self.questions += 1
        self.receive([2, f"s{self.questions}", action, payload])
        self.pump()
        self.pass_time(0)  # what follows from it
        answers = [reply for reply in self.replies if reply[1] == f"s{self.questions}"]
        return answers[0][2] if answers else None

    def pass_time(self, seconds):
        end = self.now + timedelta(seconds=seconds)
        while (due := self._next()) is not None and due <= end:
            self.now = max(self.now, due)
            self.station.advance(self.now)
            self._carry()
            self.pump()
        self.now = end
        self.station.advance(end)
        self._carry()
        self.pump()

    def _next(self):
        moments = [due for due in (self.station.next_deadline, *(at for at, _ in self._parcels)) if due]
        return min(moments, default=None)

    def _carry(self):
        """A file takes a second."""
        arrived = [parcel for at, parcel in self._parcels if at <= self.now]
        self._parcels = [row for row in self._parcels if row[0] > self.now]
        self._parcels += [(self.now + timedelta(seconds=1), parcel) for parcel in self.station.parcels]
        self.station.parcels.clear()
        for parcel in arrived:
            self.carried.append((parcel.url, parcel.name, parcel.content))
            parcel.done(self.carrying, self.now)

    def connector(self, number=1):
        return self.station.connectors[number]

    def take(self, *actions):
        """What was said since the last time, of these actions or all; forgets it."""
        said, self.said = self.said, []
        return [(action, payload) for action, payload in said if not actions or action in actions]

    def statuses(self):
        """(connector, status) of the StatusNotifications since the last time."""
        return [(p["connectorId"], p["status"]) for _, p in self.take("StatusNotification")]
