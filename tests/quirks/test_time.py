"""Section T: clocks. What counts is on which day a charge is booked, and that no transaction is lost to a clock."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest

from quirks.garage import ENERGY, Garage

HERE = timezone(timedelta(hours=2))


def started(garage: Garage, timestamp: str) -> datetime:
    """When a charge with that timestamp is said to have begun."""
    number = garage.start(timestamp=timestamp)
    (found,) = (one for one in garage.reader.bookings(None, None) if one.transaction_id == number)
    return found.started_at


@pytest.mark.parametrize(
    ("sent", "meant"),
    [
        ("2026-06-01T13:58:07", "2026-06-01T11:58:07Z"),  # the owner's zone
        ("2026-06-01T11:58:07", "2026-06-01T11:58:07Z"),  # UTC
        ("2026-06-01T21:58:07+10:00", "2026-06-01T11:58:07Z"),
    ],
)
def test_T1_local_time_without_a_zone(sent: str, meant: str) -> None:
    """Growatt THOR."""
    garage = Garage()
    garage.charger.zone = HERE
    assert started(garage, sent) == datetime.fromisoformat(meant)


def test_T1_of_a_charger_known_for_it() -> None:
    """What its queue says is hours old, and then nearness tells nothing."""
    garage = Garage()
    garage.charger.zone = HERE
    assert started(garage, "2026-06-01T09:00:00") == datetime(2026, 6, 1, 9, tzinfo=UTC)
    garage.boot("Growatt", "THOR-11AS-S")
    assert started(garage, "2026-06-01T09:00:00") == datetime(2026, 6, 1, 7, tzinfo=UTC)


def test_T3_local_time_called_utc() -> None:
    """Chago, until ten seconds after its BootNotification was answered: nothing is lost, and the owner is told."""
    garage = Garage()
    garage.status("Charging", timestamp=garage.at(120))
    number = garage.start(1000, timestamp=garage.at(120))
    assert "garage: connector 1 the charger's clock is ahead: it says 14:00" in garage.findings()
    garage.boot("Chago", "Wallbox")
    garage.clock.pass_(600)
    garage.status("Charging")
    garage.sample({"value": "3000", "measurand": ENERGY}, transactionId=number)
    assert not any("ahead" in found for found in garage.findings())
    garage.stop(number, 4000)
    assert garage.booked() == [f"{number} 04A2 3000 Wh measured"]


@pytest.mark.parametrize("sent", ["2026-06-01T14:00:00+02", "2026-06-01T14:00:00+0200", "2026-06-01t12:00:00z"])
def test_T2_offsets_of_hours_alone(sent: str) -> None:
    garage = Garage()
    assert started(garage, sent) == garage.clock.at


def test_T4_a_clock_of_1970() -> None:
    """MicroOcpp before its first BootNotification.conf; a missing timestamp is no better."""
    garage = Garage()
    assert started(garage, "1970-01-01T00:00:00.740Z") == garage.clock.at
    garage.clock.pass_(3600)
    answer = garage.answers('[2,"1","StartTransaction",{"connectorId":1,"idTag":"04B7","meterStart":0}]')
    assert answer["transactionId"] == 2
    assert [one.started_at for one in garage.reader.bookings(None, None)][-1] == garage.clock.at
    garage.clock.pass_(3600)
    assert started(garage, garage.at(25 * 60)) == garage.clock.at  # more than a day ahead


def test_T5_0_for_a_time() -> None:
    """Heidelberg Amperfied connect.business, in GetCompositeSchedule too (S22)."""
    garage = Garage()
    assert garage.status("Charging", timestamp="0") == {}
    assert garage.shown().status == "Charging"


def test_T6_the_same_time_for_each_status() -> None:
    """The unplugging, told in the same second, is not lost; one clearly older than the last is history only."""
    garage = Garage()
    for word in ("Charging", "Finishing", "Available"):
        garage.status(word)
    assert garage.shown().status == "Available"
    garage.status("Charging", timestamp=garage.at(-5))
    assert garage.shown().status == "Available"


def test_T7_the_time_of_a_fault_is_not_that_of_its_report() -> None:
    garage = Garage()
    garage.status("Faulted", errorCode="GroundFailure", timestamp=garage.at(-60 * 24))
    (known,) = garage.reader.chargers()
    assert known.registered.last_seen_at == garage.clock.at
    assert garage.findings() == ["garage: connector 1 faulted: GroundFailure; look at the charger's display"]


def test_T8_samples_out_of_order() -> None:
    """Several buckets in one message, the newest first, one a second after the stop."""
    garage = Garage()
    number = garage.start(1000)
    buckets = [
        {"timestamp": garage.at(at), "sampledValue": [{"value": str(register_wh), "measurand": ENERGY}]}
        for at, register_wh in ((3, 4000), (1, 2000), (2, 3000))
    ]
    garage.clock.pass_(180)
    garage.asks("MeterValues", connectorId=1, transactionId=number, meterValue=buckets)
    assert garage.shown().energy_wh == 3000
    garage.stop(number, 5000)
    garage.clock.pass_(2)
    garage.sample({"value": "5000"}, transactionId=number, at=garage.at(1 / 60))
    assert garage.booked() == [f"{number} 04A2 4000 Wh measured"]


def test_T9_choke_on_fractions_and_offsets() -> None:
    """Enovates, Phihong."""
    garage = Garage()
    garage.clock.at += timedelta(microseconds=123456)
    answers = [json.dumps(garage.boot()), *garage.says('[2,"1","Heartbeat",{}]')]
    assert ['"2026-06-01T12:00:00Z"' in answer for answer in answers] == [True, True]


def test_T10_a_clock_set_by_us_alone() -> None:
    garage = Garage()
    assert garage.boot() == {"status": "Accepted", "currentTime": garage.now, "interval": 300}
    garage.clock.pass_(300)
    assert garage.asks("Heartbeat") == {"currentTime": garage.now}
    assert datetime.fromisoformat(garage.now) == garage.clock.at.astimezone(UTC)
