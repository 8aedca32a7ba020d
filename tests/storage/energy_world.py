"""A street of chargers as they truly are: what flows, what their meters show, what they say of it and what arrives.

The truth is here and nowhere else: a Charge knows its own energy, an Outlet what its meter has counted in all. What a
charger says of that goes through its Habits (units, registers, numbers of its own) and through a network that loses,
repeats and delays. Nothing here knows how the ledger thinks; the rules that hold are in test_energy_model.py.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import Enum, auto
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from tinyocpp.charger import Charger as OurCharger
from tinyocpp.config import TagsConfig
from tinyocpp.session import Session
from tinyocpp.storage.reading import SqlReader
from tinyocpp.storage.sqlite import SqliteStore
from tinyocpp.tags import TagList

if TYPE_CHECKING:
    from pathlib import Path

    from tinyocpp.storage import Booking

POWER_W = 7200
SATURATED = 2**31 - 1
NOTICES = frozenset({"BootNotification", "StatusNotification"})
"""Said of now: repeated, they say that it has happened again."""


def stamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


class Meter(Enum):
    LIFETIME = auto()
    SESSION = auto()  # begins anew with each charge (quirk M11)
    SAMPLES_FROM_ZERO = auto()  # only the samples do (M10)


class Unit(Enum):
    WH = auto()
    KWH = auto()  # samples in kWh that say so (M4)
    KWH_CALLED_WH = auto()  # everything, and nothing says so (M1)
    SAMPLES_KWH_CALLED_WH = auto()  # only the samples, as OpenEVSE does


class Fate(Enum):
    """What becomes of a message."""

    HEARD = auto()
    TWICE = auto()  # the answer is lost, so it is said again
    UNANSWERED = auto()  # and the charger gives up: it never learns its number
    QUEUED = auto()
    LOST = auto()


@dataclass(frozen=True)
class Habits:
    meter: Meter = Meter.LIFETIME
    unit: Unit = Unit.WH
    saturated_start: bool = False  # M13
    short_wh: int = 0  # its stop is so much below the register (M12)
    own_numbers: bool = False  # X7
    no_number: int | None = -1  # what it sends where it knows none (X2 to X5)
    names_samples: bool = True  # puts a number into its samples
    names_stopper: bool = True  # puts the tag into its stop
    tells_power: bool = True

    @property
    def mislead(self) -> bool:
        """Its samples are no registers as those of start and stop."""
        return self.meter is Meter.SAMPLES_FROM_ZERO or self.unit is Unit.SAMPLES_KWH_CALLED_WH

    def register(self, outlet: Outlet) -> int:
        """What start and stop say, in the charger's idea of Wh."""
        shown_wh = outlet.register_wh
        if self.meter is Meter.SESSION:
            shown_wh = outlet.charge.energy_wh if outlet.charge else 0
        return shown_wh // 1000 if self.unit is Unit.KWH_CALLED_WH else shown_wh

    def sampled(self, outlet: Outlet) -> dict[str, str]:
        if self.meter is Meter.SAMPLES_FROM_ZERO and outlet.charge:
            shown_wh = outlet.charge.energy_wh
            shown_wh = shown_wh // 1000 if self.unit is Unit.KWH_CALLED_WH else shown_wh
        else:
            shown_wh = self.register(outlet)
        if self.unit is Unit.KWH:
            return {"value": f"{shown_wh / 1000:.2f}", "unit": "kWh"}
        if self.unit is Unit.SAMPLES_KWH_CALLED_WH:
            shown_wh //= 1000
        return {"value": str(shown_wh), "unit": "Wh"}


@dataclass(eq=False)
class Charge:
    """One car's visit as it truly is."""

    outlet: Outlet
    id_tag: str
    started_at: datetime
    start_shown: int  # as the start says
    own_number: int
    energy_wh: int = 0
    ended: bool = False
    reset_amid: bool = False  # the register began anew while it charged
    number: int | None = None  # what we answered
    known_number: int | None = None  # what of that the charger knows
    start_heard: bool = False
    stop_heard: bool = False
    stop_named: bool = False  # with the number we gave
    told: dict[datetime, int] = field(default_factory=dict)  # by samples that were heard: when, how much had flowed
    mistaken: bool = False  # a stop that named neither number nor tag, and was another's, was all that fitted it

    @property
    def proven_wh(self) -> int:
        """What its samples, and the power in them, show to have flowed."""
        proven_wh = 0
        for (before, before_wh), (after, after_wh) in pairwise(sorted(self.told.items())):
            by_power_wh = POWER_W * ((after - before) / timedelta(hours=1))
            if after - before < timedelta(minutes=20) and by_power_wh < 1.1 * (after_wh - before_wh):
                proven_wh += after_wh - before_wh
            elif by_power_wh > 100:
                return 0  # it has stood still, and the power in its samples is not true
        return proven_wh


@dataclass(eq=False)
class Outlet:
    connector_id: int
    register_wh: int
    true_wh: int = 0  # all that ever flowed here
    charge: Charge | None = None
    highest_wh: int = 0  # its register ever was
    began_anew: bool = False
    misled: bool = False  # by a sample that is no register as start and stop have it, before a start was heard

    def flow(self, energy_wh: int) -> None:
        self.true_wh += energy_wh
        self.register_wh += energy_wh
        self.highest_wh = max(self.highest_wh, self.register_wh)
        if self.charge is not None:
            self.charge.energy_wh += energy_wh


@dataclass(eq=False)
class Message:
    charge: Charge | None
    action: str
    payload: dict[str, Any]
    numbered: bool = False  # carries a transactionId, filled in when it is sent
    said: tuple[datetime, int] | None = None  # of a sample: when, and how much had flowed


@dataclass(eq=False)
class Sent:
    charger: ChargePoint
    action: str
    payload: dict[str, Any]
    answer: dict[str, Any]


class ChargePoint:
    """One charger, and the network to it."""

    def __init__(self, street: Street, identity: str, habits: Habits, registers_wh: list[int]) -> None:
        self.street = street
        self.identity = identity
        self.habits = habits
        self.outlets = [Outlet(number, wh, highest_wh=wh) for number, wh in enumerate(registers_wh, start=1)]
        self.charges: list[Charge] = []
        self.queue: list[Message] = []
        self.clock_off = timedelta()
        self.clock_lost = False  # it says 1970
        self.had_clock_trouble = False
        self.says = 0
        self.connect()

    def connect(self) -> None:
        street = self.street
        self.session = Session(
            OurCharger(
                self.identity,
                ledger=street.store.ledger,
                tags=street.tags,
                clock=street,
                zone=UTC,
            )
        )

    # What happens in the garage.

    def start(self, outlet: Outlet, id_tag: str, fate: Fate) -> None:
        charge = Charge(
            outlet=outlet,
            id_tag=id_tag,
            started_at=self.street.at,
            start_shown=0,
            own_number=101 + len(self.charges) % 3,  # were it from 1, it would be a number of ours now and then
        )
        outlet.charge = charge
        self.charges.append(charge)
        charge.start_shown = SATURATED if self.habits.saturated_start else self.habits.register(outlet)
        payload = {
            "connectorId": outlet.connector_id,
            "idTag": id_tag,
            "meterStart": charge.start_shown,
            "timestamp": self.stamp(),
        }
        self.tell(Message(charge, "StartTransaction", payload), fate)

    def sample(self, outlet: Outlet, fate: Fate, *, named: bool = True) -> None:
        sampled = [self.habits.sampled(outlet)]
        if self.habits.tells_power:
            watts = POWER_W if outlet.charge else 0
            sampled.append({"value": str(watts), "measurand": "Power.Active.Import", "unit": "W"})
        payload = {
            "connectorId": outlet.connector_id,
            "meterValue": [{"timestamp": self.stamp(), "sampledValue": sampled}],
        }
        numbered = outlet.charge is not None and named and self.habits.names_samples
        if self.habits.mislead and not (outlet.charge and outlet.charge.start_heard):
            outlet.misled = True
        said = (self.street.at, outlet.charge.energy_wh) if outlet.charge else None
        self.tell(Message(outlet.charge, "MeterValues", payload, numbered, said), fate)

    def stop(self, outlet: Outlet, fate: Fate) -> None:
        charge = outlet.charge
        assert charge is not None
        payload: dict[str, Any] = {
            "meterStop": max(0, self.habits.register(outlet) - self.habits.short_wh),
            "timestamp": self.stamp(),
        }
        if self.habits.names_stopper:
            payload["idTag"] = charge.id_tag
        charge.ended = True
        outlet.charge = None
        self.tell(Message(charge, "StopTransaction", payload, numbered=True), fate)

    def status(self, outlet: Outlet, status: str) -> None:
        payload = {"connectorId": outlet.connector_id, "errorCode": "NoError", "status": status}
        if not self.clock_lost:
            payload["timestamp"] = self.stamp()
        self.tell(Message(None, "StatusNotification", payload), Fate.HEARD)

    def boot(self) -> None:
        payload = {"chargePointVendor": "Vicious", "chargePointModel": "Box"}
        self.tell(Message(None, "BootNotification", payload), Fate.HEARD)

    def stamp(self) -> str:
        return stamp(datetime(1970, 1, 1, tzinfo=UTC) if self.clock_lost else self.street.at + self.clock_off)

    # What becomes of what it says.

    def tell(self, message: Message, fate: Fate) -> None:
        self.street.at += timedelta(seconds=7)
        if fate is Fate.LOST:
            return
        if fate is Fate.QUEUED and not self.clock_lost:  # without a time, when it comes is when it was
            self.queue.append(message)
            return
        sent = self.send(message, answered=fate is not Fate.UNANSWERED)
        if fate is Fate.TWICE:
            self.again(sent)

    def send(self, message: Message, *, answered: bool = True) -> Sent:
        payload = dict(message.payload)
        charge = message.charge
        if message.numbered and charge is not None:
            payload["transactionId"] = self.number_of(charge)
        if message.action == "StopTransaction" and charge is not None:
            self._mistake(charge, payload)
        sent = Sent(self, message.action, payload, self.hear(message.action, payload))
        if message.action not in NOTICES:
            self.street.sent.append(sent)
        if charge is not None:
            self._note(charge, sent, answered=answered)
            if message.said is not None:
                charge.told[message.said[0]] = message.said[1]
        return sent

    def number_of(self, charge: Charge) -> int | None:
        if self.habits.own_numbers:
            return charge.own_number
        return charge.known_number or self.habits.no_number

    def _mistake(self, charge: Charge, payload: dict[str, Any]) -> None:
        """Nobody can know that a stop is of another charge than the one it fits: it says a number of the charger's
        own, which happens to be ours for that one; or its start was not heard, and it says no number and no other
        tag."""
        number, id_tag = payload["transactionId"], payload.get("idTag")
        for other in self.charges:
            unsaid = number == self.habits.no_number and id_tag in (None, other.id_tag) and not other.stop_named
            same = self.habits.own_numbers and other.start_heard and number == other.number
            own = self.habits.own_numbers and not charge.start_heard
            if other is not charge and (same or own or (unsaid and not charge.start_heard)):
                other.mistaken = True

    def _note(self, charge: Charge, sent: Sent, *, answered: bool) -> None:
        if sent.action == "StartTransaction":
            charge.start_heard = True
            charge.number = sent.answer["transactionId"]
            if answered:
                charge.known_number = charge.number
        elif sent.action == "StopTransaction":
            charge.stop_heard = True
            charge.stop_named = charge.number is not None and sent.payload["transactionId"] == charge.number

    def again(self, sent: Sent) -> dict[str, Any]:
        return self.hear(sent.action, sent.payload)

    def hear(self, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        """Say it to the session, as a host does; returns the payload of the answer."""
        self.street.at += timedelta(seconds=1)
        self.says += 1
        store = self.street.store
        assert store.begin(relaxed=True)
        self.session.receive_text(json.dumps([2, str(self.says), action, payload]), self.street.at.timestamp())
        store.commit()
        (text,) = self.session.text_to_send()
        kind, _, answer = json.loads(text)
        assert kind == 3, text
        assert isinstance(answer, dict)
        return answer


class Street:
    """Our ledger, the time, and the chargers."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.at = datetime(2026, 6, 1, tzinfo=UTC)
        self.our_clock_off = timedelta()
        self.tags = TagList((), TagsConfig(unknown="accept"), UTC)
        self.chargers: list[ChargePoint] = []
        self.sent: list[Sent] = []
        self.open()

    def now(self) -> datetime:
        """Our clock."""
        return self.at + self.our_clock_off

    def open(self) -> None:
        self.store = SqliteStore(str(self.path))
        self.reader = SqlReader(self.store._db)

    def restart(self) -> None:
        """Our process ends, and another begins on the same ledger."""
        self.store.close()
        self.open()
        for charger in self.chargers:
            charger.connect()

    def close(self) -> None:
        self.store.close()

    def bookings(self, charger: ChargePoint | None = None) -> list[Booking]:
        return list(self.reader.bookings(None, None, charger_id=charger.identity if charger else None))
