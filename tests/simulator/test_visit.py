"""A person with a car: how a visit goes, and how it ends."""

from __future__ import annotations

from datetime import timedelta

import pytest

from simulator.bench import T0, Bench, NoAnswer
from tinyocpp.simulator.car import Car
from tinyocpp.simulator.charge_point import ChargePoint
from tinyocpp.simulator.visit import Outcome, Parked, Stage, Visit


class Watched(Bench):
    """Drives a visit as the client does."""

    def __init__(self, driver=None, **options):
        super().__init__(**options)
        self.driver = driver or Visit(self.station, 1, "04A2B3C4", Car(200), T0)

    def live(self, seconds):
        for _ in range(seconds * 10):
            if self.driver.finished:
                return
            self.driver.advance(self.now)
            self.pass_time(0.1)


def test_a_visit_goes_through():
    bench = Watched(speed=60)
    bench.connect()
    bench.live(30)
    assert bench.driver.outcome is Outcome.DONE
    assert bench.now - T0 < timedelta(seconds=10)
    transaction = bench.driver.transaction
    assert transaction.meter_stop_wh - transaction.meter_start_wh == 200
    assert [action for action, _ in bench.take("StartTransaction", "StopTransaction")] == [
        "StartTransaction",
        "StopTransaction",
    ]


@pytest.mark.parametrize(
    ("answers", "outcome", "why"),
    [
        ({"Authorize": {"idTagInfo": {"status": "Invalid"}}}, Outcome.REFUSED, "tag 04A2B3C4: Invalid"),
        (
            {"StartTransaction": {"transactionId": 4, "idTagInfo": {"status": "ConcurrentTx"}}},
            Outcome.REFUSED,
            "tag 04A2B3C4: ConcurrentTx",
        ),
        ({"BootNotification": NoAnswer}, Outcome.NO_ANSWER, "no answer to BootNotification"),
        (
            {"BootNotification": {"status": "Pending", "currentTime": "2026-06-01T12:00:00Z", "interval": 9}},
            Outcome.NO_ANSWER,
            "registration is Pending",
        ),
        (
            {"StopTransaction": "InternalError"},
            Outcome.NO_ANSWER,
            "the start or the stop of the transaction was never acknowledged",
        ),
        (
            {"StartTransaction": NoAnswer},
            Outcome.NO_ANSWER,
            "no answer to what was reported",
        ),
    ],
)
def test_how_a_visit_fails(answers, outcome, why):
    bench = Watched(speed=60)
    bench.answers |= answers
    bench.connect()
    bench.live(400)
    assert (bench.driver.outcome, bench.driver.why) == (outcome, why)


def test_no_answer_to_the_tag():
    bench = Watched(speed=60)
    bench.station.configuration.set("MessageTimeout", "3600")
    bench.answers["Authorize"] = NoAnswer
    bench.connect()
    bench.live(200)
    assert (bench.driver.outcome, bench.driver.why) == (Outcome.NO_ANSWER, "no answer to tag 04A2B3C4")


def test_a_connector_that_is_out_of_service_is_a_refusal():
    bench = Watched()
    bench.connect()
    bench.ask("ChangeAvailability", connectorId=1, type="Inoperative")
    bench.live(10)
    assert (bench.driver.outcome, bench.driver.why) == (Outcome.REFUSED, "connector 1: out of service")


def test_a_visit_that_somebody_else_ends_is_done():
    bench = Watched(speed=1)
    bench.connect()
    bench.live(10)
    assert bench.driver.stage is Stage.CHARGING
    bench.ask("RemoteStopTransaction", transactionId=1)
    bench.live(10)
    assert bench.driver.outcome is Outcome.DONE
    assert [payload["reason"] for _, payload in bench.take("StopTransaction")] == ["Remote"]


def test_a_visit_waits_for_the_line_as_long_as_it_takes():
    bench = Watched(speed=60)
    bench.connect()
    bench.live(2)
    bench.disconnect()
    bench.live(600)
    assert bench.driver.stage is Stage.TELLING
    assert not bench.driver.finished
    bench.connect()
    bench.live(10)
    assert bench.driver.outcome is Outcome.DONE


def test_a_visit_alone_happens_before_anybody_is_told():
    station = ChargePoint("CP-1", T0)
    visit = Visit(station, 1, "04A2B3C4", Car(2000), T0, alone=True)
    visit.play_alone()
    assert visit.stage is Stage.TELLING
    assert timedelta(minutes=10) < station.now - T0 < timedelta(minutes=20)
    assert visit.transaction.meter_stop_wh - visit.transaction.meter_start_wh == 2000
    assert station.text_to_send() == []
    assert station.outbox.unacknowledged > 10


def test_a_visit_alone_can_be_refused():
    station = ChargePoint("CP-1", T0)
    station.configuration.set("AllowOfflineTxForUnknownId", "false")
    visit = Visit(station, 1, "04A2B3C4", Car(2000), T0, alone=True)
    visit.play_alone()
    assert visit.outcome is Outcome.REFUSED


def test_parked_cars_are_there_and_hungry_again_after_each_charge():
    bench = Watched(connectors=2, speed=60)
    bench.driver = Parked(bench.station, Car(100))
    bench.live(1)
    assert bench.connector().car is None
    bench.connect()
    bench.live(1)
    assert bench.statuses()[-2:] == [(1, "Preparing"), (2, "Preparing")]
    for number in (1, 2):
        bench.ask("RemoteStartTransaction", idTag="A", connectorId=1)
        bench.live(20)
        assert bench.connector().meter.register_wh == 1_000_000 + 100 * number
        bench.ask("RemoteStopTransaction", transactionId=number)
        bench.live(1)
    assert not bench.driver.finished
