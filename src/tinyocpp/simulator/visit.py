"""Who drives the simulated charge point from outside: a visit, one charge from plug to plug, or a car that stays.

Sans-I/O like the charge point; the client calls `advance` after everything that happened. A visit ends in one of three
ways, or goes on for as long as it is patient.
"""

from __future__ import annotations

import copy
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import TYPE_CHECKING, Protocol

from tinyocpp.messages.types import AuthorizationStatus
from tinyocpp.simulator import person

if TYPE_CHECKING:
    from tinyocpp.simulator.car import Car
    from tinyocpp.simulator.charge_point import ChargePoint
    from tinyocpp.simulator.connector import Transaction

PAUSE_S = 1.0  # between two things a person does
PATIENCE_S = 120.0  # with a central system that is there and does not answer


class Driver(Protocol):
    """What the client needs of whoever decides what happens."""

    next_deadline: datetime | None

    @property
    def finished(self) -> bool: ...
    def advance(self, now: datetime) -> None: ...


class Outcome(Enum):
    DONE = auto()  # accepted, started, stopped, and all of it acknowledged
    REFUSED = auto()
    NO_ANSWER = auto()


class Stage(Enum):
    ARRIVING = auto()
    PLUGGED = auto()
    ASKED = auto()
    CHARGING = auto()
    LEAVING = auto()
    TELLING = auto()  # the car is gone; what happened has still to be acknowledged


class Visit:
    """One charge. `alone`: without waiting for a central system; what happened is told to it later."""

    def __init__(
        self,
        station: ChargePoint,
        connector_id: int,
        id_tag: str,
        car: Car,
        now: datetime,
        *,
        alone: bool = False,
        pause_s: float = PAUSE_S,
    ) -> None:
        self.station = station
        self.connector = station.connectors[connector_id]
        self.id_tag = id_tag
        self.car = car
        self.alone = alone
        self._pause_s = pause_s
        self.stage = Stage.ARRIVING
        self.transaction: Transaction | None = None
        self.outcome: Outcome | None = None
        self.why = ""  # of an outcome that is not DONE
        self.next_deadline: datetime | None = None
        self._patient_until = now + timedelta(seconds=PATIENCE_S)
        self._untold = 0
        self._earlier: Transaction | None = None  # the last one before ours

    @property
    def finished(self) -> bool:
        return self.outcome is not None

    def play_alone(self) -> None:
        """Let the charge happen up to the departure, as fast as can be computed, in the charge point's own time."""
        now = self.station.now
        self.advance(now)
        while self.stage is not Stage.TELLING and not self.finished:
            due = [moment for moment in (self.station.next_deadline, self.next_deadline) if moment]
            now = max(now, min(due))
            self.station.advance(now)
            self.advance(now)

    def advance(self, now: datetime) -> None:
        if self.finished or (self.next_deadline and now < self.next_deadline):
            return
        self.next_deadline = None
        STAGES[self.stage](self, now)
        if self.stage is Stage.CHARGING or not self.station.online:
            self._be_patient(now)  # how long to wait for a line is the client's business
        elif self.outcome is None and now >= self._patient_until:
            self._end(Outcome.NO_ANSWER, self._waiting_for())

    def _arrive(self, now: datetime) -> None:
        if self.alone or self.station.accepted:
            person.plug_in(self.station, self.connector, self.car, now)
            self._enter(Stage.PLUGGED, now, pause_s=self._pause_s)

    def _show_tag(self, now: datetime) -> None:
        if why_not := person.cannot_start(self.connector, self.id_tag, None):
            self._end(Outcome.REFUSED, f"connector {self.connector.connector_id}: {why_not}")
            return
        self._enter(Stage.ASKED, now)
        self.connector.last_verdict, self._earlier = None, self.connector.latest
        person.present_tag(self.station, self.connector, self.id_tag, now)
        self._await_start(now)

    def _await_start(self, now: datetime) -> None:
        verdict = self.connector.last_verdict
        if self.connector.latest is not self._earlier:
            self.transaction = self.connector.latest
            self._enter(Stage.CHARGING, now)
        elif verdict not in (None, AuthorizationStatus.ACCEPTED):
            person.unplug(self.station, self.connector, now)
            self._end(Outcome.REFUSED, f"tag {self.id_tag}: {verdict}")

    def _await_end(self, now: datetime) -> None:
        if self.connector.transaction is not self.transaction:  # somebody else ended it
            self._enter(Stage.LEAVING, now, pause_s=self._pause_s)
        elif self.car.full:
            person.present_tag(self.station, self.connector, self.id_tag, now)
            self._enter(Stage.LEAVING, now, pause_s=self._pause_s)

    def _leave(self, now: datetime) -> None:
        person.unplug(self.station, self.connector, now)
        self._enter(Stage.TELLING, now)

    def _tell(self, now: datetime) -> None:
        transaction, outbox = self.transaction, self.station.outbox
        if transaction is None or not (transaction.acknowledged or transaction.given_up):
            if outbox.unacknowledged != self._untold:
                self._untold = outbox.unacknowledged
                self._be_patient(now)
        elif transaction.given_up:
            self._end(Outcome.NO_ANSWER, "the start or the stop of the transaction was never acknowledged")
        elif outbox.empty and transaction.verdict is AuthorizationStatus.ACCEPTED:
            self._end(Outcome.DONE, "")
        elif outbox.empty:
            self._end(Outcome.REFUSED, f"tag {self.id_tag}: {transaction.verdict}")

    def _enter(self, stage: Stage, now: datetime, *, pause_s: float = 0.0) -> None:
        self.stage = stage
        self.next_deadline = now + timedelta(seconds=pause_s) if pause_s else None
        self._be_patient(now)

    def _be_patient(self, now: datetime) -> None:
        self._patient_until = now + timedelta(seconds=PATIENCE_S)

    def _end(self, outcome: Outcome, why: str) -> None:
        self.outcome, self.why = outcome, why

    def _waiting_for(self) -> str:
        if self.stage is Stage.ARRIVING:
            registration = self.station.registration
            return f"registration is {registration}" if registration else "no answer to BootNotification"
        return f"no answer to tag {self.id_tag}" if self.stage is Stage.ASKED else "no answer to what was reported"


STAGES = {
    Stage.ARRIVING: Visit._arrive,
    Stage.PLUGGED: Visit._show_tag,
    Stage.ASKED: Visit._await_start,
    Stage.CHARGING: Visit._await_end,
    Stage.LEAVING: Visit._leave,
    Stage.TELLING: Visit._tell,
}


class Parked:
    """Cars that stay plugged in, hungry again whenever no transaction runs: for trying commands on. Never finishes."""

    next_deadline: datetime | None = None
    finished = False

    def __init__(self, station: ChargePoint, car: Car, id_tag: str | None = None) -> None:
        """`car` is what each of them is like at first. With a tag it is shown once, when they are plugged in."""
        self.station = station
        self._car = car
        self._id_tag = id_tag

    def advance(self, now: datetime) -> None:
        for connector in self.station.connectors[1:]:
            if connector.car is None and self.station.accepted:
                person.plug_in(self.station, connector, copy.copy(self._car), now)
                if self._id_tag is not None:
                    person.present_tag(self.station, connector, self._id_tag, now)
            elif connector.car and connector.car.taken_wh and connector.transaction is None:
                connector.car = copy.copy(self._car)
