"""Certificates that run out: the server's, the authorities', the chargers', each with what to do about it.

The listener's log, `tinyocpp status` and `tinyocpp doctor` say the same. A file that cannot be read is no matter of
this module: whoever needs it says so.
"""

from __future__ import annotations

import os
from contextlib import closing
from shlex import quote
from typing import TYPE_CHECKING

import msgspec

from tinyocpp.certificates import NotACertificate, expiry, read_certificates, urgent
from tinyocpp.dealings import CertificateState
from tinyocpp.errors import StorageError
from tinyocpp.hosts.log import log
from tinyocpp.identity import fold_identity
from tinyocpp.storage import open_reader
from tinyocpp.storage.authority import ROOT, SERVER, open_authority
from tinyocpp.storage.files import read_whole

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from tinyocpp.certificates import Certificate
    from tinyocpp.config import Config
    from tinyocpp.dealings import IssuedCertificate
    from tinyocpp.storage import Registered

RENEW = "tinyocpp ca renew, then have the listener take them: systemctl reload tinyocpp"
FETCH = "renew it where it came from, then have the listener take it: systemctl reload tinyocpp"
NEW_ROOT = "make another authority and let the chargers know it before: docs/security.md"


class Ending(msgspec.Struct, frozen=True):
    """`charger_id` is empty for our own; `urgent`: within a week, or over."""

    charger_id: str
    text: str
    remedy: str
    urgent: bool


def endings(
    config: Config, chargers: Iterable[Registered], issued: Iterable[IssuedCertificate], now: datetime
) -> list[Ending]:
    """What runs out within a month, or has."""
    return [*_of_files(config, now), *_of_chargers(chargers, list(issued), now)]


def log_endings(config: Config, now: datetime) -> None:
    try:
        with closing(open_reader(config)) as reader:
            chargers = [one.registered for one in reader.chargers()]
            found = endings(config, chargers, reader.certificates(), now)
    except StorageError as error:
        log("certificates_not_seen", why=error)
        return
    for ending in found:
        log("certificate", charger=ending.charger_id, why=ending.text, remedy=ending.remedy)


def _of_files(config: Config, now: datetime) -> Iterator[Ending]:
    tls, authority = config.listener.tls, open_authority(config)
    ours = {authority.path(kind) for kind in SERVER}
    remedies = {path: RENEW if path in ours else FETCH for path in (tls.certificate if tls else ())}
    for path in (authority.path(ROOT), tls.client_ca if tls else ""):
        remedies[path] = NEW_ROOT
    for path, remedy in remedies.items():
        for certificate in _read(path):
            if words := expiry(certificate.not_after, now):
                text = f"{path}: the certificate {certificate.common_name} {words}"
                yield Ending("", text, remedy, urgent(certificate.not_after, now))


def _read(path: str) -> list[Certificate]:
    try:
        return read_certificates(read_whole(path)) if os.path.exists(path) else []
    except (OSError, NotACertificate):
        return []


def _of_chargers(chargers: Iterable[Registered], issued: list[IssuedCertificate], now: datetime) -> Iterator[Ending]:
    """What was shown at the last connection, or what our authority has made since."""
    for charger in chargers:
        identity = fold_identity(charger.charger_id)
        own = [one for one in issued if fold_identity(one.charger_id) == identity]
        ends = [one.expires_at for one in own if one.state is CertificateState.INSTALLED]
        if charger.certificate_expires_at is not None:
            ends.append(charger.certificate_expires_at)
        elif charger.connected_at is not None:
            continue  # it comes without one
        if ends and (words := expiry(max(ends), now)):
            remedy = f"tinyocpp charger certificate renew --charger {quote(charger.charger_id)}"
            yield Ending(charger.charger_id, f"its certificate {words}", remedy, urgent(max(ends), now))
