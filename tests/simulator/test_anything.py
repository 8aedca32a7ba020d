"""Whatever happens to a charge point, in whatever order: it never breaks, and no watt-hour is lost or told twice."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.bench import ACCEPTED, Bench, NoAnswer
from tinyocpp.messages.core import ChargePointStatus
from tinyocpp.simulator import person
from tinyocpp.simulator.car import Car
from tinyocpp.simulator.vices import VICES

REFUSED = {"idTagInfo": {"status": "Invalid"}}
PERIODS = [{"startPeriod": 0, "limit": 0.0}, {"startPeriod": 90, "limit": 16.0}]
SCHEDULE = {"chargingRateUnit": "A", "chargingSchedulePeriod": PERIODS}
PROFILE = {
    "chargingProfileId": 1,
    "stackLevel": 0,
    "chargingProfilePurpose": "TxDefaultProfile",
    "chargingProfileKind": "Relative",
    "chargingSchedule": SCHEDULE,
}
RESERVE = {"idTag": "B", "expiryDate": "2026-06-01T12:10:00Z", "reservationId": 1}

CONNECTORS = st.sampled_from([1, 2])
TAGS = st.sampled_from(["A", "B", "C"])
ASKED = st.sampled_from(
    [
        ("RemoteStartTransaction", {"idTag": "A"}),
        ("RemoteStartTransaction", {"idTag": "B", "connectorId": 2}),
        ("RemoteStopTransaction", {"transactionId": 1}),
        ("Reset", {"type": "Soft"}),
        ("Reset", {"type": "Hard"}),
        ("UnlockConnector", {"connectorId": 1}),
        ("ChangeAvailability", {"connectorId": 0, "type": "Inoperative"}),
        ("ChangeAvailability", {"connectorId": 1, "type": "Inoperative"}),
        ("ChangeAvailability", {"connectorId": 0, "type": "Operative"}),
        ("ChangeConfiguration", {"key": "StopTransactionOnEVSideDisconnect", "value": "false"}),
        ("ChangeConfiguration", {"key": "StopTransactionOnInvalidId", "value": "false"}),
        ("ChangeConfiguration", {"key": "AllowOfflineTxForUnknownId", "value": "false"}),
        ("ChangeConfiguration", {"key": "ClockAlignedDataInterval", "value": "60"}),
        ("ChangeConfiguration", {"key": "AuthorizationKey", "value": "00" * 16}),
        ("SetChargingProfile", {"connectorId": 0, "csChargingProfiles": PROFILE}),
        ("ClearChargingProfile", {}),
        ("ReserveNow", RESERVE | {"connectorId": 1}),
        ("CancelReservation", {"reservationId": 1}),
        ("TriggerMessage", {"requestedMessage": "MeterValues"}),
        ("UpdateFirmware", {"location": "http://example.org/", "retrieveDate": "2026-06-01T12:00:00Z"}),
        ("GetDiagnostics", {"location": "ftp://example.org/"}),
    ]
)
ANSWERED = st.sampled_from(
    [
        ("Authorize", {"idTagInfo": {"status": "Blocked"}}),
        ("Authorize", {"idTagInfo": {"status": "Accepted", "parentIdTag": "FAMILY"}}),
        ("Authorize", NoAnswer),
        ("StartTransaction", REFUSED),
        ("StartTransaction", NoAnswer),
        ("StopTransaction", "InternalError"),
        ("StatusNotification", NoAnswer),
        ("BootNotification", {"status": "Pending", "currentTime": "2026-06-01T12:00:00Z", "interval": 5}),
    ]
)
HAPPENINGS = st.one_of(
    st.tuples(st.just("plug in"), CONNECTORS),
    st.tuples(st.just("unplug"), CONNECTORS),
    st.tuples(st.just("tag"), CONNECTORS, TAGS),
    st.tuples(st.just("time"), st.sampled_from([0.1, 1, 5, 31, 100, 1000])),
    st.tuples(st.just("ask"), ASKED),
    st.tuples(st.just("answer"), ANSWERED),
    st.tuples(st.just("answer well")),
    st.tuples(st.just("line")),
)


class Life(Bench):
    """Does what a host does: closes when told so, stays away while the power is off. As a central system it knows a
    start again, and keeps what it has acknowledged."""

    def __init__(self, vices=()):
        super().__init__(connectors=2, vices=vices)
        self.well = dict(self.answers)
        self.started = {}  # content: transaction id
        self.starts, self.stops = {}, {}  # transaction id: register
        self.station.configuration.set("TransactionMessageAttempts", "1000")
        self.station.configuration.set("TransactionMessageRetryInterval", "1")
        self.connect()

    def _answer(self, frame):
        _, message_id, action, payload = frame
        answer = self.answers.get(action, {})
        if answer is NoAnswer or isinstance(answer, str):
            super()._answer(frame)
        elif action == "StartTransaction":
            transaction_id = self.started.setdefault(str(payload), len(self.started) + 1)
            self.starts[transaction_id] = payload["meterStart"]
            self.receive([3, message_id, {"transactionId": transaction_id, **(answer or ACCEPTED)}])
        else:
            if action == "StopTransaction":
                earlier = self.stops.get(payload["transactionId"], 0)
                self.stops[payload["transactionId"]] = max(earlier, payload["meterStop"])
            super()._answer(frame)

    def happen(self, what, *rest):
        if what == "plug in" and self.connector(rest[0]).car is None:
            person.plug_in(self.station, self.connector(rest[0]), Car(300), self.now)
        elif what == "unplug":
            person.unplug(self.station, self.connector(rest[0]), self.now)
        elif what == "tag":
            person.present_tag(self.station, self.connector(rest[0]), rest[1], self.now)
        elif what == "time":
            self.pass_time(rest[0])
        elif what == "ask" and self.station.online:
            action, payload = rest[0]
            self.ask(action, **payload)
        elif what == "answer":
            self.answers[rest[0][0]] = rest[0][1]
        elif what == "answer well":
            self.answers = dict(self.well)
        elif what == "line" and self.station.online:
            self.disconnect()
        elif what == "line" and self.station.off_until is None:
            self.connect()
        self.pump()
        if self.station.closing:
            self.disconnect()

    def come_to_an_end(self):
        """Everything is answered well again, and everybody goes home."""
        self.answers = dict(self.well)
        for _ in range(40):
            self.happen("time", 31)
            if not self.station.online:
                self.happen("line")
            for connector in self.station.connectors[1:]:
                self.happen("unplug", connector.connector_id)
                if connector.transaction:
                    self.happen("tag", connector.connector_id, connector.transaction.id_tag)
        self.happen("line")
        self.happen("line")  # a status whose answer was lost is told again


@settings(max_examples=300)
@given(st.lists(HAPPENINGS, max_size=30), st.lists(st.sampled_from(sorted(VICES)), max_size=3))
def test_whatever_happens(happenings, vices):
    life = Life(vices)
    for happening in happenings:
        life.happen(*happening)
    life.come_to_an_end()
    connectors = life.station.connectors
    assert life.station.outbox.empty
    assert [connector.transaction for connector in connectors] == [None, None, None]
    assert {connector.status for connector in connectors} <= {
        ChargePointStatus.AVAILABLE,
        ChargePointStatus.UNAVAILABLE,
    }
    assert [connector.reported for connector in connectors] == [connector.status for connector in connectors]
    assert life.starts.keys() == life.stops.keys()
    drawn_wh = sum(connector.meter.register_wh - 1_000_000 for connector in connectors)
    assert sum(life.stops[number] - register_wh for number, register_wh in life.starts.items()) == drawn_wh
