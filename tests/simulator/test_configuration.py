"""The configuration keys: types, access, what may be set."""

from __future__ import annotations

import pytest

from tinyocpp.messages.core_central import ConfigurationStatus
from tinyocpp.simulator.configuration import Access, Configuration, keys_for

REQUIRED = {
    "AuthorizeRemoteTxRequests",
    "ClockAlignedDataInterval",
    "ConnectionTimeOut",
    "ConnectorPhaseRotation",
    "GetConfigurationMaxKeys",
    "HeartbeatInterval",
    "LocalAuthorizeOffline",
    "LocalPreAuthorize",
    "MeterValuesAlignedData",
    "MeterValuesSampledData",
    "MeterValueSampleInterval",
    "NumberOfConnectors",
    "ResetRetries",
    "StopTransactionOnInvalidId",
    "StopTxnAlignedData",
    "StopTxnSampledData",
    "SupportedFeatureProfiles",
    "TransactionMessageAttempts",
    "TransactionMessageRetryInterval",
    "UnlockConnectorOnEVSideDisconnect",
    "LocalAuthListEnabled",
    "LocalAuthListMaxLength",
    "SendLocalListMaxLength",
    "ChargeProfileMaxStackLevel",
    "ChargingScheduleAllowedChargingRateUnit",
    "ChargingScheduleMaxPeriods",
    "MaxChargingProfilesInstalled",
}


def test_every_key_the_standard_requires_is_there():
    assert REQUIRED - {key.name for key in keys_for(1)} == set()


def test_every_default_is_a_value_that_could_be_set():
    wrong = [key.name for key in keys_for(3) if key.access is not Access.WRITE and not key.allows(key.value)]
    assert wrong == []


@pytest.mark.parametrize(
    ("key", "value", "status"),
    [
        ("MeterValueSampleInterval", "30", "Accepted"),
        ("METERVALUESAMPLEINTERVAL", "30", "Accepted"),
        ("MeterValueSampleInterval", "-1", "Rejected"),
        ("MeterValueSampleInterval", "-", "Rejected"),
        ("MeterValueSampleInterval", "1.5", "Rejected"),
        ("MeterValueSampleInterval", "\u0665", "Rejected"),
        ("MeterValueSampleInterval", "", "Rejected"),
        ("MeterValueSampleInterval", "999999", "Rejected"),
        ("LocalPreAuthorize", "TRUE", "Accepted"),
        ("LocalPreAuthorize", "1", "Rejected"),
        ("MeterValuesSampledData", "Voltage, SoC", "Accepted"),
        ("MeterValuesSampledData", "", "Accepted"),
        ("MeterValuesSampledData", "Voltage,RPM", "Rejected"),
        ("ConnectorPhaseRotation", "0.RST,1.RTS", "Accepted"),
        ("ConnectorPhaseRotation", "9.RST", "Rejected"),
        ("MinimumStatusDuration", "5", "Rejected"),
        ("NumberOfConnectors", "2", "Rejected"),
        ("AuthorizationKey", "00" * 20, "Accepted"),
        ("AuthorizationKey", "00" * 15, "Rejected"),
        ("AuthorizationKey", "0" * 33, "Rejected"),
        ("AuthorizationKey", "x" * 32, "Rejected"),
        ("SecurityProfile", "4", "Rejected"),
        ("CpoName", "Zuhause", "Accepted"),
        ("CpoName", "x" * 65, "Rejected"),
        ("Nonsense", "1", "NotSupported"),
    ],
)
def test_set(key, value, status):
    configuration = Configuration(1)
    before = {row.name: current for row, current in configuration.everything()}
    assert configuration.set(key, value) is ConfigurationStatus(status)
    changed = {row.name for row, current in configuration.everything() if before[row.name] != current}
    assert changed <= ({name for name in before if name.lower() == key.lower()} if status == "Accepted" else set())


def test_reading():
    configuration = Configuration(2)
    configuration.set("MeterValuesSampledData", " Voltage , SoC,")
    assert configuration.items("MeterValuesSampledData") == ["Voltage", "SoC"]
    assert configuration.number("numberofconnectors") == 2
    assert configuration.flag("AllowOfflineTxForUnknownId") is True
    assert configuration.text("AuthorizationKey") == ""
    assert configuration.find("AuthorizationKey") is None
    assert configuration.find("Nonsense") is None
