"""What the central system may ask about certificates and the security profile (security paper A02, A05, M03 to M05).

The certificates themselves are keychain.py's; without the package it needs, these calls are NotSupported.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyocpp.errors import ProtocolFault
from tinyocpp.messages import security
from tinyocpp.messages.core_central import ConfigurationStatus
from tinyocpp.messages.frames import ErrorCode
from tinyocpp.messages.payload import whole_seconds

if TYPE_CHECKING:
    from datetime import datetime

    from tinyocpp.simulator.charge_point import ChargePoint
    from tinyocpp.simulator.keychain import Keychain

KEY, PROFILE = "AuthorizationKey", "SecurityProfile"
PASSWORD, ROOT, CERTIFICATE = "password", "root", "certificate"  # of ChargePoint.given
PASSWORD_PROFILES, TLS_PROFILES, CERTIFICATE_PROFILE = (1, 2), (2, 3), 3


def keychain_of(station: ChargePoint) -> Keychain:
    if station.keychain is None:
        try:
            from tinyocpp.simulator.keychain import Keychain
        except ImportError:
            raise ProtocolFault(ErrorCode.NOT_SUPPORTED, "the package cryptography is not there") from None
        station.keychain = Keychain()
    return station.keychain


def able(station: ChargePoint) -> bool:
    """Can it handle certificates at all?"""
    try:
        keychain_of(station)
    except ProtocolFault:
        return False
    return True


def install_certificate(
    station: ChargePoint, call: security.InstallCertificate, now: datetime
) -> security.InstallCertificateResult:
    status = keychain_of(station).install(call.certificate_type, call.certificate, now)
    if status is security.InstallCertificateStatus.REJECTED:
        _tell(station, "InvalidCentralSystemCertificate", now)
    return security.InstallCertificateResult(status=status)


def installed_certificates(
    station: ChargePoint, call: security.GetInstalledCertificateIds, now: datetime
) -> security.GetInstalledCertificateIdsResult:
    found = keychain_of(station).installed(call.certificate_type)
    statuses = security.GetInstalledCertificateStatus
    return security.GetInstalledCertificateIdsResult(
        certificate_hash_data=found or None, status=statuses.ACCEPTED if found else statuses.NOT_FOUND
    )


def delete_certificate(
    station: ChargePoint, call: security.DeleteCertificate, now: datetime
) -> security.DeleteCertificateResult:
    return security.DeleteCertificateResult(status=keychain_of(station).delete(call.certificate_hash_data))


def ask_for_certificate(station: ChargePoint) -> None:
    """SignCertificate. CertificateSigned follows, or does not."""
    csr = keychain_of(station).request(station.identity, station.configuration.text("CpoName"))

    def answered(result: security.SignCertificateResult | None, now: datetime) -> None:
        if result is not None and result.status is security.GenericStatus.REJECTED:
            station.note("its request for a certificate was rejected", now)

    station.outbox.post(security.SignCertificate(csr=csr), security.SignCertificateResult, answered, early=True)


def certificate_signed(
    station: ChargePoint, call: security.CertificateSigned, now: datetime
) -> security.CertificateSignedResult:
    """One that is taken is shown from the next connection on, which in profile 3 begins at once."""
    wrong = keychain_of(station).take(call.certificate_chain, now)
    if wrong:
        station.note(f"the certificate is not used: {wrong}", now)
        _tell(station, "InvalidChargePointCertificate", now, wrong)
        return security.CertificateSignedResult(status=security.CertificateSignedStatus.REJECTED)
    if station.configuration.number(PROFILE) == CERTIFICATE_PROFILE:
        station.later(0, lambda _then: station.reconnect())
    return security.CertificateSignedResult(status=security.CertificateSignedStatus.ACCEPTED)


def change_profile(station: ChargePoint, value: str) -> ConfigurationStatus:
    """It only rises, and only to one the charge point has what it needs for (A05.FR.01 to 04)."""
    wanted = int(value) if value.isdecimal() else -1
    lacks = (
        wanted <= station.configuration.number(PROFILE)
        or (wanted in PASSWORD_PROFILES and not (PASSWORD in station.given or station.configuration.text(KEY)))
        or (wanted in TLS_PROFILES and not (ROOT in station.given or (station.keychain and station.keychain.trusted())))
        or (
            wanted == CERTIFICATE_PROFILE
            and not (CERTIFICATE in station.given or (station.keychain and station.keychain.own))
        )
    )
    if lacks:
        return ConfigurationStatus.REJECTED
    before = station.configuration.text(PROFILE)
    status = station.configuration.set(PROFILE, value)
    if status is ConfigurationStatus.ACCEPTED:
        station.profile_before = before
        station.later(0, lambda _then: station.reconnect())
    return status


def fall_back(station: ChargePoint, now: datetime) -> None:
    """The new profile does not get it in, so it takes the one from before (A05.FR.08)."""
    if station.profile_before is not None:
        station.note(f"security profile {station.profile_before} again", now)
        station.configuration.set(PROFILE, station.profile_before)
        station.profile_before = None


def _tell(station: ChargePoint, event: str, now: datetime, info: str = "") -> None:
    station.say(security.SecurityEventNotification(type=event, timestamp=whole_seconds(now), tech_info=info or None))
