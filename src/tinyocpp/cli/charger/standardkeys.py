"""The configuration keys of the standard (section 9) and of the security paper, by what their value must look like.

Only for what a person types: a misspelt key or value is refused before it is sent. What a charger says of its keys is
never held against this table; vendors have their own, and anything may be forced.
"""

from __future__ import annotations


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


BOOLEAN = _names(
    """
    AllowOfflineTxForUnknownId AuthorizationCacheEnabled AuthorizeRemoteTxRequests LocalAuthListEnabled
    LocalAuthorizeOffline LocalPreAuthorize StopTransactionOnEVSideDisconnect StopTransactionOnInvalidId
    UnlockConnectorOnEVSideDisconnect AdditionalRootCertificateCheck ConnectorSwitch3to1PhaseSupported
    ReserveConnectorZeroSupported
    """
)
INTEGER = _names(
    """
    BlinkRepeat ClockAlignedDataInterval ConnectionTimeOut GetConfigurationMaxKeys HeartbeatInterval
    LightIntensity MaxEnergyOnInvalidId MessageTimeout MeterValueSampleInterval MinimumStatusDuration
    NumberOfConnectors ResetRetries StopTransactionMaxMeterValues TransactionMessageAttempts
    TransactionMessageRetryInterval WebSocketPingInterval LocalAuthListMaxLength SendLocalListMaxLength
    ChargeProfileMaxStackLevel ChargingScheduleMaxPeriods MaxChargingProfilesInstalled
    CertificateSignedMaxChainSize CertificateStoreMaxLength SecurityProfile
    """
)
TEXT = _names(
    """
    ConnectorPhaseRotation MeterValuesAlignedData MeterValuesSampledData StopTxnAlignedData StopTxnSampledData
    SupportedFeatureProfiles SupportedFileTransferProtocols ChargingScheduleAllowedChargingRateUnit CpoName
    """
)
PASSWORD = "AuthorizationKey"  # may be written, never read

STANDARD_KEYS = BOOLEAN | INTEGER | TEXT | {PASSWORD}


def mistake(key: str, value: str) -> str:
    """What a value of this key should look like; "" where it does, or where anything might."""
    names = {name.lower(): name for name in STANDARD_KEYS}
    name = names.get(key.lower())
    if name in BOOLEAN and value.lower() not in ("true", "false"):
        return "write true or false"
    if name in INTEGER and not value.removeprefix("-").isdecimal():
        return "write a whole number"
    return ""
