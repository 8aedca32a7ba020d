"""What a MeterValues says: units, phases, contexts, and what is no figure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from tinyocpp.messages.samples import MeterValue, SampledValue
from tinyocpp.metering import MOST_SAMPLES, Reading, counts_kwh, currents, read, read_bucket

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
ENERGY, POWER, OFFERED = "Energy.Active.Import.Register", "Power.Active.Import", "Current.Offered"


def bucket(*samples: SampledValue, at: datetime = NOON) -> MeterValue:
    return MeterValue(timestamp=at, sampled_value=samples)


def sample(value: str, **more: str) -> SampledValue:
    return msgspec.convert({"value": value, **more}, SampledValue)


def energy(value: str, **more: str) -> SampledValue:
    return sample(value, measurand=ENERGY, **more)


def power(value: str, **more: str) -> SampledValue:
    return sample(value, measurand=POWER, **more)


@pytest.mark.parametrize(
    ("samples", "register_wh"),
    [
        pytest.param((sample(value="1500"),), 1500, id="no measurand and no unit: energy in Wh"),
        pytest.param((energy("1500", unit="Wh"),), 1500, id="Wh"),
        pytest.param((energy("59.19", unit="kWh"),), 59190, id="kWh"),
        pytest.param((energy("1500.6"),), 1501, id="rounded"),
        pytest.param((energy("-5"),), None, id="no register is negative"),
        pytest.param((energy("fast"),), None, id="a word"),
        pytest.param((energy("nan"),), None, id="not a number"),
        pytest.param((energy("1e999"),), None, id="infinite"),
        pytest.param((energy("1e306", unit="kWh"),), None, id="nearly infinite"),
        pytest.param((energy("1e300", phase="L1"), energy("5", phase="L2")), 5, id="beyond any meter"),
        pytest.param((energy("1500", format="SignedData"),), None, id="signed data is not read"),
        pytest.param((), None, id="nothing"),
        pytest.param((power("7000"),), None, id="no energy"),
        pytest.param((sample(value="9", measurand="Energy.Active.Export.Register"),), None, id="export"),
        pytest.param((sample(value="9", measurand="Energy.Active.Import.Interval"),), None, id="an interval"),
        pytest.param((energy("1", phase="L1"), energy("2", phase="L2"), energy("4", phase="L3")), 7, id="three phases"),
        pytest.param((energy("1", phase="L1-N"), energy("2", phase="L2-N")), 3, id="against the neutral"),
        pytest.param((energy("1", phase="L1"), energy("1", phase="L1-N")), 1, id="the same phase twice"),
        pytest.param((energy("9", phase="N"), energy("9", phase="L1-L2")), None, id="no phase of its own"),
        pytest.param((energy("1", phase="L1"), energy("5")), 5, id="the whole before its parts"),
        pytest.param((energy("5"), energy("1", phase="L1")), 5, id="in any order"),
        pytest.param((energy("5"), energy("3", context="Transaction.Begin")), 5, id="not what it was at the begin"),
        pytest.param((energy("5"), energy("6", context="Transaction.End")), 6, id="what it was at the end"),
        pytest.param((energy("5", context="Sample.Clock"), energy("6", context="Other")), 5, id="clock before other"),
        pytest.param((energy("5"), energy("6")), 5, id="the first of equals"),
    ],
)
def test_register(samples: tuple[SampledValue, ...], register_wh: int | None) -> None:
    assert read_bucket(bucket(*samples)).register_wh == register_wh


def test_power_and_offered_current() -> None:
    samples = (
        power("2.3", unit="kW", phase="L1"),
        power("2300", unit="W", phase="L2"),
        sample(value="16.0", measurand=OFFERED, unit="A"),
        sample(value="20.0", measurand=OFFERED, unit="A"),
        sample(value="230", measurand="Voltage"),
    )
    assert read_bucket(bucket(*samples)) == Reading(at=NOON, register_wh=None, power_w=4600.0, offered_a=16.0)


def test_power_may_flow_back() -> None:
    assert read_bucket(bucket(power("-1500"))).power_w == -1500.0


def test_the_newest_bucket_counts() -> None:
    old, new = bucket(energy("1"), at=NOON - timedelta(minutes=1)), bucket(energy("2"))
    assert read([new, old]) == read([old, new]) == read([new]) == Reading(at=NOON, register_wh=2)


def test_no_bucket_is_no_reading() -> None:
    assert read([]) is None


def test_of_more_samples_than_there_can_be_the_last_count() -> None:
    assert read_bucket(bucket(energy("1"), *[energy("2")] * MOST_SAMPLES)).register_wh == 2


TEN_MINUTES = timedelta(minutes=10)


@pytest.mark.parametrize(
    ("registers", "power_w", "apart", "yes"),
    [
        pytest.param([361, 362, 364, 365], 9451.0, TEN_MINUTES, True, id="kWh called Wh"),
        pytest.param([361, 362, 364], 9451.0, TEN_MINUTES, True, id="as soon as 3 kWh have flowed"),
        pytest.param([361, 362, 364], 8000.0, TEN_MINUTES, False, id="not before"),
        pytest.param([0, 1575, 3150, 4725], 9451.0, TEN_MINUTES, False, id="Wh"),
        pytest.param([361, 361, 361, 361], 9451.0, TEN_MINUTES, False, id="a register that stands still"),
        pytest.param([361, 362, 362, 362, 362, 362, 362], 9451.0, TEN_MINUTES, False, id="or nearly"),
        pytest.param([361, 376, 392, 408], 9451.0, TEN_MINUTES, False, id="ten times too slow is something else"),
        pytest.param([361, 365, 370, 375], 9451.0, timedelta(minutes=30), False, id="too far apart"),
        pytest.param([361, 362, 364, 365], None, TEN_MINUTES, False, id="no power"),
        pytest.param([361, 362, 364, 365], 9_451_000.0, TEN_MINUTES, False, id="power with a unit of its own"),
        pytest.param([None, 361, None, 362], 9451.0, TEN_MINUTES, False, id="no register"),
        pytest.param([], 9451.0, TEN_MINUTES, False, id="nothing"),
    ],
)
def test_counts_kwh(registers: list[int | None], power_w: float | None, apart: timedelta, yes: bool) -> None:
    assert counts_kwh((NOON + step * apart, register, power_w) for step, register in enumerate(registers)) is yes


def test_a_current_in_the_neutral_is_on_no_phase() -> None:
    amperes = {"measurand": "Current.Import", "unit": "A"}
    samples = sample("3", phase="N", **amperes), sample("10", phase="L1", **amperes)
    assert currents([bucket(*samples)]) == (10.0, None, None)
