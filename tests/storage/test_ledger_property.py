"""The ledger under any interleaving: a charger with a true meter, whose messages are sent twice, late, or not at all.

What holds whatever happens: energy is never negative, nobody is booked for energy that did not flow, what was said
twice changes nothing, and where nothing was lost every kWh is booked to its own transaction.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tinyocpp.messages.core import MeterValues, StartTransaction, StatusNotification, StopTransaction
from tinyocpp.messages.core_boot import BootNotification
from tinyocpp.messages.samples import MeterValue, SampledValue
from tinyocpp.messages.types import AuthorizationStatus
from tinyocpp.storage.reading import SqlReader
from tinyocpp.storage.sqlite import SqliteStore
from tinyocpp.tags import Verdict

if TYPE_CHECKING:
    from tinyocpp.storage import Booking

CHARGER = "garage"
NOW, QUEUED, LOST = "now", "queued", "lost"
deliveries = st.sampled_from([NOW, NOW, NOW, QUEUED, LOST])
connectors = st.integers(1, 2)


class Charge:
    """A transaction as it truly is."""

    def __init__(self, connector_id: int, id_tag: str, start_wh: int, alias: int | None) -> None:
        self.connector_id = connector_id
        self.id_tag = id_tag
        self.start_wh = start_wh
        self.alias = alias  # what the charger calls it
        self.number: int | None = None  # what we answered
        self.energy_wh = 0
        self.queued = 0  # messages on their way
        self.taught = False  # a sample has told us the alias
        self.start_lost = False
        self.stop_told = False

    @property
    def claimed_id(self) -> int:
        """What the charger writes into a sample."""
        return self.alias or self.number or -1


class House(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.store = SqliteStore(":memory:")
        self.reader = SqlReader(self.store._db)
        self.now = datetime(2025, 6, 1, tzinfo=UTC)
        self.register_wh = {1: 0, 2: 0}
        self.first_wh = {1: 0, 2: 0}
        self.running: dict[int, Charge] = {}
        self.charges: list[Charge] = []
        self.queue: list[tuple[Charge, msgspec.Struct]] = []
        self.sent: list[tuple[msgspec.Struct, int | None]] = []

    @initialize(count=connectors, first_wh=st.integers(0, 10_000_000))
    def install(self, count: int, first_wh: int) -> None:
        self.count = count
        self.register_wh = {1: first_wh, 2: first_wh // 2}
        self.first_wh = dict(self.register_wh)

    def teardown(self) -> None:
        self.store.close()

    # What happens in the garage.

    @rule(connector_id=connectors, delivery=deliveries, has_alias=st.booleans())
    def start(self, connector_id: int, delivery: str, has_alias: bool) -> None:
        if connector_id > self.count or connector_id in self.running:
            return
        if delivery == LOST and (self.count > 1 or self.queue):
            return  # which connector a stop of -1 means, or whose energy it was, nobody could know
        number = len(self.charges) + 1
        charge = Charge(
            connector_id, f"TAG{number}", self.register_wh[connector_id], 100 + number if has_alias else None
        )
        charge.start_lost = delivery == LOST
        self.running[connector_id] = charge
        self.charges.append(charge)
        self._say(
            charge,
            StartTransaction(
                connector_id=connector_id, id_tag=charge.id_tag, meter_start=charge.start_wh, timestamp=self.now
            ),
            delivery,
        )

    @rule(connector_id=connectors, energy_wh=st.integers(1, 5000))
    def flow(self, connector_id: int, energy_wh: int) -> None:
        charge = self.running.get(connector_id)
        if charge is not None:
            self.register_wh[connector_id] += energy_wh
            charge.energy_wh += energy_wh

    @rule(connector_id=connectors, delivery=deliveries, named=st.booleans())
    def sample(self, connector_id: int, delivery: str, named: bool) -> None:
        charge = self.running.get(connector_id)
        if charge is None:
            return
        value = SampledValue(value=str(self.register_wh[connector_id]))
        self._say(
            charge,
            MeterValues(
                connector_id=connector_id,
                transaction_id=0 if named else None,  # filled in when it is sent
                meter_value=(MeterValue(timestamp=self.now, sampled_value=(value,)),),
            ),
            delivery,
        )

    @rule(connector_id=connectors, delivery=deliveries)
    def stop(self, connector_id: int, delivery: str) -> None:
        if connector_id not in self.running:
            return
        self.flow(connector_id, 1)  # clocks fall back: only a register that has moved tells which start was the later
        charge = self.running.pop(connector_id)
        charge.stop_told = delivery != LOST
        self._say(
            charge,
            StopTransaction(
                transaction_id=0,
                id_tag=charge.id_tag,
                meter_stop=self.register_wh[connector_id],
                timestamp=self.now,
            ),
            delivery,
        )

    @rule(connector_id=connectors)
    def tell_status(self, connector_id: int) -> None:
        if connector_id <= self.count:
            status = "Charging" if connector_id in self.running else "Available"
            self.store.ledger.status(
                CHARGER,
                StatusNotification(connector_id=connector_id, error_code="NoError", status=status, timestamp=self.now),
                self.now,
            )

    @rule()
    def boot(self) -> None:
        self.store.ledger.boot(CHARGER, BootNotification(charge_point_vendor="A", charge_point_model="B"), self.now)

    @precondition(lambda self: self.queue)
    @rule(position=st.integers(0, 100))
    def arrive(self, position: int) -> None:
        """What was queued comes: the messages of one charge in their order, of several in any."""
        charge = self.queue[position % len(self.queue)][0]
        index = next(index for index, (whose, _) in enumerate(self.queue) if whose is charge)
        _, message = self.queue.pop(index)
        charge.queued -= 1
        self._send(charge, message)

    @precondition(lambda self: self.sent)
    @rule(position=st.integers(0, 100))
    def repeat(self, position: int) -> None:
        before = self._bookings()
        self._again(*self.sent[position % len(self.sent)])
        assert self._bookings() == before

    @precondition(lambda self: self.sent)
    @rule()
    def repeat_everything(self) -> None:
        before = self._bookings()
        for message, number in self.sent:
            self._again(message, number)
        assert self._bookings() == before

    # What holds.

    @invariant()
    def nothing_is_negative_and_nothing_invented(self) -> None:
        for connector_id in (1, 2):
            booked = [one.energy_wh for one in self._bookings() if one.connector_id == connector_id]
            assert all(energy_wh >= 0 for energy_wh in booked)
            assert sum(booked) <= self.register_wh[connector_id] - self.first_wh[connector_id]

    @invariant()
    def what_was_told_whole_is_booked_whole(self) -> None:
        booked = {one.id_tag: one for one in self._bookings()}
        for charge in self.charges:
            ended = self.running.get(charge.connector_id) is not charge
            if ended and charge.stop_told and not charge.queued and not charge.start_lost:
                one = booked[charge.id_tag]
                assert (one.energy_wh, one.quality) == (charge.energy_wh, "measured")

    def _bookings(self) -> list[Booking]:
        return list(self.reader.bookings(None, None))

    # How it is told.

    def _say(self, charge: Charge, message: msgspec.Struct, delivery: str) -> None:
        self.now += timedelta(minutes=1)
        if delivery == LOST:
            return
        if delivery == QUEUED or charge.queued:
            charge.queued += 1
            self.queue.append((charge, message))
        else:
            self._send(charge, message)

    def _send(self, charge: Charge, message: msgspec.Struct) -> None:
        if getattr(message, "transaction_id", None) == 0:
            is_sample = isinstance(message, MeterValues)
            charge.taught |= is_sample and charge.number is not None and charge in self.running.values()
            claimed_id = charge.claimed_id if is_sample or charge.taught else charge.number or -1
            message = msgspec.structs.replace(message, transaction_id=claimed_id)
        number = self._deliver(message)
        if isinstance(message, StartTransaction):
            charge.number = number
        self.sent.append((message, number))

    def _again(self, message: msgspec.Struct, number: int | None) -> None:
        assert self._deliver(message) == number

    def _deliver(self, message: msgspec.Struct) -> int | None:
        ledger = self.store.ledger
        self.now += timedelta(seconds=1)
        match message:
            case StartTransaction():
                verdict = Verdict(AuthorizationStatus.ACCEPTED, message.id_tag)
                return ledger.start(CHARGER, message, self.now, judge=lambda _: verdict)[0].id
            case StopTransaction():
                return ledger.stop(CHARGER, message, self.now).id
            case MeterValues():
                ledger.samples(CHARGER, message, self.now)
        return None


TestHouse = House.TestCase
TestHouse.settings = settings(max_examples=300, stateful_step_count=40)
