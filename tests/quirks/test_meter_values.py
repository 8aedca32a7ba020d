"""Section M: meter values. What the owner cares about is the energy booked, how sure it is, and the power shown."""

from __future__ import annotations

import pytest

from quirks.garage import ENERGY, Garage
from tinyocpp.messages.core import ChargePointStatus

POWER = "Power.Active.Import"
CURRENT = "Current.Import"


def energy(value: float | str, **more: str) -> dict[str, object]:
    return {"value": f"{value}", "measurand": ENERGY} | more


def power(value: float | str, **more: str) -> dict[str, object]:
    return {"value": f"{value}", "measurand": POWER} | more


def test_M1_kWh_called_Wh() -> None:
    """OpenEVSE 4.2.2, in its samples; whose start and stop are kWh too is booked in Wh all the same, and flagged."""
    garage = Garage()
    number = garage.start(350_000)
    for kwh in (351, 352, 354, 356, 357):
        garage.clock.pass_(600)
        garage.sample({"value": kwh, "unit": "Wh"}, power(9451), transactionId=number)
    assert garage.booked() == [f"{number} 04A2 7000 Wh open"]
    garage.stop(number, 361_000)
    other = garage.start(361)
    for kwh in (362, 363, 365):
        garage.clock.pass_(600)
        garage.sample({"value": kwh, "unit": "Wh"}, power(9451), transactionId=other)
    garage.stop(other, 368)
    assert garage.booked() == [f"{number} 04A2 11000 Wh measured", f"{other} 04A2 7000 Wh flagged"]


def test_M2_no_unit() -> None:
    """Autel: the standard's own, W and Wh."""
    garage = Garage()
    number = garage.start(0)
    garage.sample(energy("1500.38"), power("500.38"))
    assert garage.booked() == [f"{number} 04A2 1500 Wh open"]
    assert garage.shown().power_w == 500.38


def test_M3_no_measurand() -> None:
    """It is the energy register, also where the value is a number and the unit kWh."""
    garage = Garage()
    number = garage.start(250_000)
    garage.sample({"value": 251.500, "context": "Transaction.End", "unit": "kWh"}, transactionId=number)
    assert garage.booked() == [f"{number} 04A2 1500 Wh open"]


def test_M4_kWh_in_samples_Wh_in_start_and_stop() -> None:
    """Entratek, Huawei."""
    garage = Garage()
    number = garage.start(59_190)
    garage.sample(energy("60.19", unit="kWh"), power("7.4", unit="kW"), transactionId=number)
    assert garage.booked() == [f"{number} 04A2 1000 Wh open"]
    assert garage.shown().power_w == 7400
    garage.stop(number, 61_190)
    assert garage.booked() == [f"{number} 04A2 2000 Wh measured"]


def test_M5_phases_and_totals_by_turns() -> None:
    """A register of one phase is not the total that fell back."""
    garage = Garage()
    number = garage.start(4_000_000)
    garage.sample(energy(4_034_839))
    garage.sample(energy(2_076_992, phase="L1"), energy(980_782, phase="L2"), energy(987_065, phase="L3"))
    garage.sample(energy(4_044_939))
    assert garage.booked() == [f"{number} 04A2 44939 Wh open"]
    garage.sample(energy(2_086_992, phase="L1"), energy(980_782, phase="L2"), energy(987_065, phase="L3"))
    assert garage.booked() == [f"{number} 04A2 54839 Wh open"]
    garage.stop(number, 4_054_939)
    assert garage.booked() == [f"{number} 04A2 54939 Wh measured"]


def test_M6_L1_N_is_L1() -> None:
    """ZJ Beny."""
    garage = Garage()
    number = garage.start(0)
    garage.sample(*(power(1000, phase=phase) for phase in ("L1-N", "L2-N", "L3-N")), energy(900, phase="L1-N"))
    assert garage.shown().power_w == 3000
    garage.sample(power(1000, phase="L1"), power(1100, phase="L1-N"))
    assert garage.shown().power_w == 1100, "one phase, told twice"
    assert garage.booked() == [f"{number} 04A2 900 Wh open"]


def test_M7_the_neutral() -> None:
    """SyncEV: its 0 is no phase's."""
    garage = Garage()
    garage.start(0)
    garage.sample(power(3600, phase="L1"), power(0, phase="N"))
    assert garage.shown().power_w == 3600
    garage.sample(power(0, phase="N"))
    assert garage.shown().power_w is None


def test_M8_the_current_of_L1_alone() -> None:
    """Enercab, on three phases: power and energy are what the charger says, never worked out from currents."""
    garage = Garage()
    number = garage.start(0)
    garage.sample(
        {"value": "16.0", "measurand": CURRENT, "phase": "L1", "unit": "A"},
        {"value": "230.0", "measurand": "Voltage", "phase": "L1", "unit": "V"},
        power(11_040),
        energy(2760),
    )
    assert garage.shown().power_w == 11_040
    assert garage.booked() == [f"{number} 04A2 2760 Wh open"]


def test_M9_phases_that_carry_nothing() -> None:
    """Autel on one phase: nothing is averaged over the others."""
    garage = Garage()
    garage.start(0)
    currents = [
        {"value": value, "measurand": CURRENT, "phase": phase, "unit": "A"}
        for value, phase in (("10.0", "L1"), ("0.0", "L2"), ("0.0", "L3"))
    ]
    garage.sample(*currents, power(2300, phase="L1"), power(0, phase="L2"), power(0, phase="L3"))
    assert garage.shown().power_w == 2300


def test_M10_samples_count_from_zero() -> None:
    """Grizzl-E: not minus four MWh."""
    garage = Garage()
    number = garage.start(4_077_400)
    garage.sample(energy(100), transactionId=number)
    garage.sample(energy(1000), transactionId=number)
    assert garage.booked() == [f"{number} 04A2 1000 Wh open"]
    garage.stop(number, 4_078_900)
    assert garage.booked() == [f"{number} 04A2 1500 Wh measured"]


def test_M11_a_register_for_each_session() -> None:
    """Growatt THOR, EN+: the sum of the sessions is the owner's counter."""
    garage = Garage()
    for register_wh in (7000, 3000):
        number = garage.start(0)
        garage.sample(energy(95.0), transactionId=number)
        garage.stop(number, register_wh)
        garage.clock.pass_(3600)
    assert garage.booked() == ["1 04A2 7000 Wh measured", "2 04A2 3000 Wh measured"]
    (total,) = garage.reader.totals("charger", None, None)
    assert total.energy_wh == 10_000


def test_M12_a_stop_below_its_start() -> None:
    """Huawei SCharger-22KT: 1 Wh less, always. Never negative, and marked."""
    garage = Garage()
    number = garage.start(269_456)
    garage.stop(number, 269_455)
    assert garage.booked() == [f"{number} 04A2 0 Wh flagged"]


def test_M13_a_start_that_is_saturated() -> None:
    """Zaptec Go 2: the first sample is where it began, as far as anybody knows."""
    garage = Garage()
    number = garage.start(2_147_483_647)
    garage.sample(energy("4296944685"), transactionId=number)
    garage.stop(number, 4_296_949_685)
    assert garage.booked() == [f"{number} 04A2 5000 Wh estimated"]
    garage.start(0)
    garage.stop(2, 4_296_949_685)
    assert garage.booked()[1].endswith("flagged"), "four GWh are no charge"


def test_M14_a_register_that_rises_after_the_stop() -> None:
    """Wallbox Copper SB: the next charge is not booked for it, nor the last."""
    garage = Garage()
    number = garage.start(2_250_000)
    garage.stop(number, 2_259_988)
    garage.sample(energy("2259992.1"))
    garage.clock.pass_(60)
    garage.start(2_259_992, "04B7")
    garage.stop(2, 2_260_992)
    assert garage.booked() == ["1 04A2 9988 Wh measured", "2 04B7 1000 Wh measured"]


@pytest.mark.parametrize("order", [1, -1])
def test_M15_begin_and_now_in_one_bucket(order: int) -> None:
    """Growatt THOR 22AS."""
    garage = Garage()
    number = garage.start(157_440)
    samples = [energy(163_630, context="Sample.Periodic"), energy(157_440, context="Transaction.Begin")]
    garage.sample(*samples[::order], transactionId=number)
    assert garage.booked() == [f"{number} 04A2 6190 Wh open"]


def test_M16_closing_samples_after_the_stop() -> None:
    """Ocular: nothing is running, nothing flows."""
    garage = Garage()
    number = garage.start(0)
    garage.stop(number, 5000)
    garage.status("Finishing")
    garage.sample(energy(5000), power(7200), {"value": "31.2", "measurand": CURRENT}, transactionId=number)
    assert garage.booked() == [f"{number} 04A2 5000 Wh measured"]
    assert (garage.shown().transaction_id, garage.shown().power_w) == (None, None)


@pytest.mark.parametrize("status", [one for one in ChargePointStatus if one != "Charging"])
def test_M17_the_last_power_stays(status: str) -> None:
    """Mennekes ACU sends no power when none flows, so the last is forgotten."""
    garage = Garage()
    number = garage.start(0)
    garage.status("Charging")
    garage.sample(energy(100), power(11_000), transactionId=number)
    assert garage.shown().power_w == 11_000
    garage.status(status)
    assert garage.shown().power_w is None


def test_M18_connector_0() -> None:
    """Zaptec Go 2: it has but one."""
    garage = Garage()
    garage.status("Charging")
    number = garage.start(0, connector=0)
    garage.sample(energy(1500), connector=0)
    assert garage.shown(1).energy_wh == 1500
    garage.stop(number, 2000)
    assert garage.booked() == [f"{number} 04A2 2000 Wh measured"]


def test_M19_no_samples_ever() -> None:
    """Wallbox Pulsar Pro 6.11: start and stop are booked, and the owner is told why nothing moves meanwhile."""
    garage = Garage()
    garage.status("Charging")
    number = garage.start(1000)
    garage.clock.pass_(20 * 60)
    assert garage.asks("Heartbeat")
    assert [found.partition(";")[0] for found in garage.findings()] == [
        "garage: connector 1 charges, but no meter values have come at all"
    ]
    garage.stop(number, 9000)
    assert garage.booked() == [f"{number} 04A2 8000 Wh measured"]


def test_C6_a_clock_that_is_behind_makes_no_samples_old() -> None:
    """Its samples come in time, whatever they say of theirs."""
    garage = Garage()
    garage.status("Charging")
    garage.start(1000, timestamp="2026-06-01T11:00:00Z")
    garage.clock.pass_(20 * 60)
    garage.sample(energy(1500), at="2026-06-01T11:20:00Z")
    assert garage.findings() == []
    garage.clock.pass_(20 * 60)
    assert garage.asks("Heartbeat")
    assert [found.partition(";")[0] for found in garage.findings()] == [
        "garage: connector 1 charges, but no meter values have come since 12:20"
    ]


def test_M21_fewer_measurands_than_accepted() -> None:
    """EN+ Caro, Teison: power alone is shown as power, and is no energy."""
    garage = Garage()
    number = garage.start(0)
    garage.sample(power(3600))
    assert (garage.shown().power_w, garage.shown().energy_wh) == (3600, 0)
    garage.stop(number, 4000)
    assert garage.booked() == [f"{number} 04A2 4000 Wh measured"]


def test_M23_values_only_when_asked() -> None:
    """SyncEV: asked each minute while it charges and says nothing by itself; others are not."""
    garage = Garage()
    garage.boot("SyncEV", "Compact EVCP", "1.6.3")
    assert garage.asked_within(300) == []
    garage.start(0, connector=2)
    trigger = ["TriggerMessage", {"requestedMessage": "MeterValues", "connectorId": 2}]
    assert garage.asked_within(190) == [trigger] * 3
    garage.sample(energy(100), connector=2)
    assert garage.asked_within(59) == [], "it has said something by itself"
    garage.stop(1, 5000)
    assert garage.asked_within(300) == []

    other = Garage()
    other.boot("Wallbe", "Pro")
    other.start(0)
    assert other.asked_within(300) == []


def test_M23_values_only_when_asked_by_a_clock_that_is_ahead() -> None:
    garage = Garage()
    garage.boot("SyncEV", "Compact EVCP", "1.6.3")
    garage.start(0, timestamp="2026-06-01T13:00:00Z")
    assert len(garage.asked_within(190)) == 2
    garage.sample(energy(100), at="2026-06-01T13:03:10Z")
    assert garage.asked_within(59) == []
    assert len(garage.asked_within(60)) == 1


def test_M23_one_that_cannot_be_asked() -> None:
    """A no counts until the next connection."""
    garage = Garage()
    garage.boot("SyncEV", "Compact EVCP", "1.6.3")
    garage.start(0)
    assert len(garage.asked_within(120, answer='{"status":"NotImplemented"}')) == 1
    assert garage.asked_within(600) == []


def test_M24_days_of_history_at_the_first_connection() -> None:
    """Alfen, OpenEVSE: kept, but what is shown is of now."""
    garage = Garage()
    number = garage.start(0)
    garage.sample(energy(8000), power(7000))
    for days in (3, 2, 1):
        garage.sample(energy(100 * days), power(22_000), at=garage.at(-days * 24 * 60))
    assert garage.shown().power_w == 7000
    assert garage.booked() == [f"{number} 04A2 8000 Wh open"]


def test_M25_a_lifetime_after_a_restart() -> None:
    """FoxESS: 939 kWh were booked as a session by a server that forgot the start. Nothing here is only in memory."""
    garage = Garage()
    number = garage.start(939_000)
    garage.sample(energy(940_000), transactionId=number)
    garage.store.ledger.forget()  # as a new process, which reads all it knows from the disk
    garage.session.connection_lost()
    garage.boot("FoxESS", "A022KP1")
    garage.sample(energy(941_000), transactionId=number)
    garage.stop(number, 942_000)
    assert garage.booked() == [f"{number} 04A2 3000 Wh measured"]


def test_M26_samples_at_the_clock_without_a_number() -> None:
    garage = Garage()
    number = garage.start(0)
    garage.sample(energy(1500, context="Sample.Clock"))
    assert garage.booked() == [f"{number} 04A2 1500 Wh open"]


def test_M27_signed_data() -> None:
    """Kept as it is and read as nothing; the stop's own register counts."""
    garage = Garage()
    number = garage.start(0)
    blob = 'OCMF|{"FV":"1.0"}|{"SD":"3046"}'
    signed = {"value": blob, "format": "SignedData", "context": "Transaction.End"}
    garage.sample(signed, energy(1500), transactionId=number)
    assert garage.booked() == [f"{number} 04A2 1500 Wh open"]
    garage.stop(number, 2000, transactionData=[{"timestamp": garage.now, "sampledValue": [signed]}])
    assert garage.booked() == [f"{number} 04A2 2000 Wh measured"]
    ((kept,),) = garage.database.rows("SELECT transaction_data FROM stops")
    assert blob.replace('"', '\\"') in str(kept)
