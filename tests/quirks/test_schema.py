"""Section S: payloads the schema forbids. None of a charger's reports is refused for them, and none is misread."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from listening import Site, charger, within

from quirks.garage import ANNA, ENERGY, Garage, typed
from tinyocpp.features import feature_profiles, promises, rate_units
from tinyocpp.tags import Tag

if TYPE_CHECKING:
    from pathlib import Path


def test_S1_an_empty_vendor() -> None:
    """Huawei SCharger-22KT-S0 boots every 30 s for ever where it is refused."""
    garage = Garage()
    assert garage.boot("", "SCharger-22KT-S0")["status"] == "Accepted"
    assert garage.asks("BootNotification", chargePointModel="SCharger-22KT-S0")["status"] == "Accepted"


def test_S2_serial_numbers_that_are_too_long() -> None:
    """Schneider EVlink Smart Wallbox: kept whole."""
    garage = Garage()
    serial = "EVB1A22P2RI3N182341200100350795E5"
    garage.boot(
        "Schneider Electric", "MONOBLOCK", chargeBoxSerialNumber=serial, chargePointSerialNumber="3N18234120010035079"
    )
    ((kept,),) = garage.database.rows("SELECT boot FROM chargers")
    assert json.loads(str(kept))["chargeBoxSerialNumber"] == serial


def test_S3_info_that_is_too_long() -> None:
    """Etrel Inch."""
    garage = Garage()
    info = "User didn't disconnect vehicle within 00:10:00 minutes after charging has ended."
    assert garage.status("Finishing", info=info) == {}
    assert garage.shown().info == info


def test_S4_an_error_of_its_own() -> None:
    """Legrand GreenUp."""
    garage = Garage()
    assert garage.status("Faulted", errorCode="Error") == {}
    assert garage.findings() == ["garage: connector 1 faulted: OtherError; look at the charger's display"]


@pytest.mark.parametrize("info", ["null", "none", "N/A", ""])
def test_S5_null_in_words(info: str) -> None:
    """ABB Terra AC, ABL: nothing is shown of it."""
    garage = Garage()
    garage.status("Faulted", errorCode="GroundFailure", info=info, vendorErrorCode="0x0000")
    assert garage.findings() == ["garage: connector 1 faulted: GroundFailure; look at the charger's display"]


def test_S6_an_error_with_a_normal_status() -> None:
    """And Faulted without one. The status counts."""
    garage = Garage()
    garage.status("Charging", errorCode="WeakSignal")
    assert garage.shown().status == "Charging"
    assert garage.findings() == ["garage: connector 1 reports WeakSignal"]
    garage.status("Faulted")
    assert garage.findings() == ["garage: connector 1 faulted: NoError; look at the charger's display"]


def test_S7_tags_above_20_characters() -> None:
    """22 with what was overread, 21 in the stop of a charge begun with 20: neither is refused for 20 days."""
    garage = Garage(Tag("X16WG99J2QIEGCC0MCJ5"), Tag("04AABBCCDDEEFF00112233445566778899"))
    number = garage.start(1000, "X16WG99J2QIEGCC0MCJ5")
    assert "idTagInfo" in garage.stop(number, 4000, idTag="X16WG99J2QIEGCC0MCJ5-")
    assert garage.booked() == [f"{number} X16WG99J2QIEGCC0MCJ5 3000 Wh measured"]
    number = garage.start(4000, "X16WG99J2QIEGCC0MCJ5")
    garage.stop(-1, 6000, idTag="X16WG99J2QIEGCC0MCJ5-")
    assert garage.booked()[1:] == [f"{number} X16WG99J2QIEGCC0MCJ5 2000 Wh measured"]
    answer = garage.asks("Authorize", idTag="04AABBCCDDEEFF00112233445566778899")
    assert answer["idTagInfo"]["status"] == "Accepted"


def test_S8_numbers_for_texts() -> None:
    """OpenEVSE, ArduinoOcpp."""
    garage = Garage()
    number = garage.start(0)
    garage.sample({"value": 604.213, "unit": "Wh"}, {"value": 10, "measurand": "Power.Active.Import"})
    assert garage.booked() == [f"{number} 04A2 604 Wh open"]
    assert garage.shown().power_w == 10


def test_S9_an_object_for_a_list() -> None:
    """Huawei."""
    garage = Garage()
    number = garage.start(0)
    bucket = {"timestamp": garage.now, "sampledValue": {"value": "1.25", "unit": "kWh"}}
    assert garage.asks("MeterValues", connectorId=1, transactionId=number, meterValue=bucket) == {}
    assert garage.booked() == [f"{number} 04A2 1250 Wh open"]


def test_S10_no_samples() -> None:
    """Vestel EVC04."""
    garage = Garage()
    number = garage.start(0)
    assert garage.sample(transactionId=number) == {}
    assert garage.booked() == [f"{number} 04A2 0 Wh open"]


def test_S11_empty_values_are_not_zero() -> None:
    """Heidelberg Amperfied, idle, and without a connectorId: else its register would seem to be reset."""
    garage = Garage()
    number = garage.start(5000)
    garage.sample({"value": "7000", "measurand": ENERGY})
    empty = [{"value": "", "measurand": ENERGY, "unit": "Wh"}, {"value": "", "measurand": "Voltage", "phase": "L1"}]
    assert garage.asks("MeterValues", meterValue=[{"timestamp": garage.now, "sampledValue": empty}]) == {}
    garage.sample({"value": "8000", "measurand": ENERGY})
    assert garage.booked() == [f"{number} 04A2 3000 Wh open"]


@pytest.mark.parametrize("value", ["  3.20", "3,20 "])
def test_S12_padded_numbers_and_commas(value: str) -> None:
    """Enercab; NaN is no figure."""
    garage = Garage()
    number = garage.start(0)
    garage.sample({"value": value, "unit": "kWh"}, {"value": "NaN", "measurand": "Power.Active.Import"})
    assert garage.booked() == [f"{number} 04A2 3200 Wh open"]
    assert garage.shown().power_w is None


def test_S13_a_context_of_its_own() -> None:
    """Alfen Eve Pro."""
    garage = Garage()
    number = garage.start(0)
    assert garage.sample({"value": "1500", "context": "Sample.Sometimes", "measurand": ENERGY}) == {}
    assert garage.booked() == [f"{number} 04A2 1500 Wh open"]


def test_S14_units_of_their_own() -> None:
    """Charge Amps Halo: Hz, Percent, Celcius. The energy beside them counts; a unit nobody knows is no Wh."""
    garage = Garage()
    number = garage.start(0)
    samples: list[dict[str, Any]] = [
        {"value": "50.01", "measurand": "Frequency", "unit": "Hz"},
        {"value": "100", "measurand": "SoC", "unit": "%"},
        {"value": "31", "measurand": "Temperature", "unit": "Celcius"},
        {"value": "1500", "measurand": ENERGY, "unit": "WH"},
    ]
    assert garage.sample(*samples) == {}
    assert garage.booked() == [f"{number} 04A2 1500 Wh open"]
    garage.sample({"value": "2", "measurand": ENERGY, "unit": "MWh"})
    assert garage.booked() == [f"{number} 04A2 1500 Wh open"]


def test_S15_phases_and_quotes_in_measurands() -> None:
    """EVBox, Mennekes. A current that was taken for energy would be booked."""
    garage = Garage()
    number = garage.start(0)
    garage.sample(
        {"value": "16", "measurand": "Current.Import.L1", "unit": "A"},
        {"value": "3680", "measurand": "'Power.Active.Import'"},
        {"value": "600", "measurand": "Energy.Active.Import.Register.L1"},
        {"value": "700", "measurand": "Energy.Active.Import.Register.L2"},
    )
    assert garage.booked() == [f"{number} 04A2 1300 Wh open"]
    assert garage.shown().power_w == 3680


@within(20)
async def test_S16_types_of_configuration_keys(tmp_path: Path, capsys: Any) -> None:
    """ "Wall-E", Scame: shown to the owner, and learnt from."""
    site = Site(tmp_path, '[chargers]\nadmit = "any"')
    keys = [
        {"key": "HeartbeatInterval", "readonly": "true", "value": 5},
        {"key": "ConnectionTimeOut", "readonly": 0, "value": "60"},
        {"key": "AuthorizeRemoteTxRequests", "readonly": 1, "value": False},
        {"key": "MinimumStatusDuration", "readonly": False},
    ]
    async with site.listening() as listener, charger(listener) as garage:
        await garage.boot()
        async with typed(site, "charger", "get", "--json") as typing:
            message_id, action, _ = await garage.next_call()
            assert action == "GetConfiguration"
            await garage.answer(message_id, {"configurationKey": keys})
        assert typing.code == 0
    rows = {row["key"]: (str(row["value"]), row["readonly"]) for row in json.loads(capsys.readouterr().out)}
    assert rows["HeartbeatInterval"] == ("5", True)
    assert rows["ConnectionTimeOut"] == ("60", False)
    assert rows["AuthorizeRemoteTxRequests"][1] is True


def test_S17_keys_in_another_case() -> None:
    """A-Tronix says ConnectionTimeout: a tag named in a remote start is let in for as long as it says, and a minute."""
    garage = Garage()
    told = '{"configurationKey":[{"key":"ConnectionTimeout","readonly":false,"value":"30"}]}'
    garage.ask("GetConfiguration", "{}", f'[3,"*",{told}]')
    garage.ask("RemoteStartTransaction", '{"idTag":"GUEST"}', '[3,"*",{"status":"Accepted"}]')
    garage.clock.pass_(85)
    assert garage.asks("Authorize", idTag="GUEST")["idTagInfo"]["status"] == "Accepted"
    garage.clock.pass_(10)
    assert garage.asks("Authorize", idTag="GUEST")["idTagInfo"]["status"] == "Invalid"


@pytest.mark.parametrize(
    ("told", "smart_charging"),
    [
        ("Core, FirmwareManagement , SmartCharging,", True),
        ("core;smartcharging;Vendor.Extra", True),
        ('["Core","SmartCharging"]', True),
        ("Core,Reservation", False),
        ("", None),
        ("yes", None),
        (None, None),
    ],
)
def test_S18_feature_profiles_with_spaces_empty_or_wrong(told: str | None, smart_charging: bool | None) -> None:
    """SyncEV. What it leaves out is tried all the same: no call is withheld for it."""
    assert promises(told, "SmartCharging") is smart_charging
    assert feature_profiles("Core, Reservation ,SmartCharging,X") == {"Core", "Reservation", "SmartCharging"}
    garage = Garage()
    garage.ask("GetConfiguration", "{}", '[3,"*",{"configurationKey":[{"key":"SupportedFeatureProfiles","value":""}]}]')
    assert garage.ask("ClearChargingProfile", "{}", '[3,"*",{"status":"Accepted"}]')[1] == '{"status":"Accepted"}'


@pytest.mark.parametrize(
    ("told", "units"),
    [
        ("Current", ("A",)),
        ("Power", ("W",)),
        ("Current,Power", ("A", "W")),
        ("W , A", ("W", "A")),
        ("a", ("A",)),
        ("Watt", ("W",)),
        ("", ("A",)),
        (None, ("A",)),
        ("?", ("A",)),
    ],
)
def test_S19_rate_units_in_any_words(told: str | None, units: tuple[str, ...]) -> None:
    """Teison does not know the key at all."""
    assert rate_units(told) == units


def test_S20_true_for_a_list_of_measurands() -> None:
    """Wallbe Pro: what comes counts, not what a key says will come."""
    garage = Garage()
    key = {"key": "MeterValuesSampledData", "readonly": False, "value": "true"}
    garage.ask("GetConfiguration", "{}", f'[3,"*",{json.dumps({"configurationKey": [key]})}]')
    number = garage.start(0)
    garage.sample({"value": "1500", "measurand": ENERGY})
    assert garage.booked() == [f"{number} 04A2 1500 Wh open"]


def test_S21_fields_of_their_own() -> None:
    """A station with two sockets names the connector in Authorize, Growatt a reservation 0: which is none."""
    garage = Garage()
    assert garage.asks("Authorize", idTag="04A2", connectorId=2)["idTagInfo"]["status"] == "Accepted"
    number = garage.start(0, connector=2, reservationId=0, vendorExtra={"a": 1})
    garage.stop(number, 2000)
    assert garage.booked() == [f"{number} 04A2 2000 Wh measured"]
    assert garage.oddities() == {"unknown_field"}


@pytest.mark.parametrize(
    "answer",
    [
        '{"status":"Accepted","connectorId":1,"chargingSchedule":{"chargingSchedulePeriod":[]}}',
        '{"status":"Accepted","scheduleStart":"0","chargingSchedule":{"chargingRateUnit":"A","chargingSchedulePeriod":[]}}',
        '{"status":"Rejected"}',
    ],
)
def test_S22_composite_schedules_without_unit_or_periods(answer: str) -> None:
    """ZJ Beny, Entratek: whoever asked gets what there is, and nothing depends on it."""
    garage = Garage()
    assert garage.ask("GetCompositeSchedule", '{"connectorId":1,"duration":60}', f'[3,"*",{answer}]')[1] == answer


def test_S23_fields_of_a_boot_abused() -> None:
    """Grizzl-E puts its signal strength where the SIM's number belongs, EN+ calls its model 37."""
    garage = Garage()
    assert garage.boot("EN+", "37", iccid="-67", imsi="ACChargePoint")["status"] == "Accepted"
    (known,) = garage.reader.chargers()
    assert (known.registered.vendor, known.registered.model) == ("EN+", "37")


def test_S24_statuses_of_another_version() -> None:
    """Occupied (1.5), no timestamp, connector 0 alone."""
    garage = Garage()
    assert garage.asks("StatusNotification", connectorId=1, errorCode="NoError", status="Occupied") == {}
    assert garage.shown().status == "Preparing"
    number = garage.start()
    assert garage.asks("StatusNotification", connectorId=0, errorCode="NoError", status="Available") == {}
    assert garage.booked() == [f"{number} {ANNA.id} 0 Wh open"], "the whole charger being available ends no charge"


@within(20)
async def test_S25_no_empty_value_is_written(tmp_path: Path, capsys: Any) -> None:
    """A charger's connection dies of it, so nothing goes out."""
    site = Site(tmp_path, '[chargers]\nadmit = "any"')
    async with site.listening() as listener, charger(listener) as garage:
        await garage.boot()
        async with typed(site, "charger", "set", "DefaultIdTag", "") as typing:
            pass
        assert typing.code == 64
        assert "empty" in capsys.readouterr().err
        assert "currentTime" in await garage.ask("Heartbeat", {})
        assert garage.calls == []
