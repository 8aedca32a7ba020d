"""A person at a connector: plugs in, shows a tag, leaves. And who asks for the same from afar: the remote start.

Functions over the state of a charge point; it comes first, the instant last. Here is decided whether a tag may charge
or stop; the transaction itself is in charging.py.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from tinyocpp.messages.core import Authorize, AuthorizeResult, ChargePointStatus, Reason
from tinyocpp.messages.types import AuthorizationStatus, IdTagInfo
from tinyocpp.simulator.charging import begin, stop
from tinyocpp.simulator.connector import Awaited, Connector

if TYPE_CHECKING:
    from tinyocpp.messages.smart_charging import ChargingProfile
    from tinyocpp.simulator.car import Car
    from tinyocpp.simulator.charge_point import ChargePoint

ACCEPTED, INVALID = AuthorizationStatus.ACCEPTED, AuthorizationStatus.INVALID


def plug_in(station: ChargePoint, connector: Connector, car: Car, now: datetime) -> None:
    connector.car = car
    if awaited := connector.awaited:
        connector.awaited = None
        begin(station, connector, awaited.id_tag, now, profile=awaited.profile)
    elif connector.status is ChargePointStatus.AVAILABLE:
        station.set_status(connector, ChargePointStatus.PREPARING, now)


def unplug(station: ChargePoint, connector: Connector, now: datetime) -> None:
    """In a running transaction StopTransactionOnEVSideDisconnect decides whether it goes on without the car."""
    connector.car = None
    if connector.transaction:
        station.set_status(connector, ChargePointStatus.SUSPENDED_EV, now)
        if station.configuration.flag("StopTransactionOnEVSideDisconnect"):
            stop(station, connector, Reason.EV_DISCONNECTED, now)
    elif connector.status in (ChargePointStatus.PREPARING, ChargePointStatus.FINISHING):
        station.set_status(connector, ChargePointStatus.AVAILABLE, now)


def present_tag(station: ChargePoint, connector: Connector, id_tag: str, now: datetime) -> None:
    """Starts or stops. Who stops with the tag that started needs no permission; another of its group does (4.1)."""
    transaction = connector.transaction
    if transaction is None:
        if why_not := cannot_start(connector, id_tag, None):
            station.note(f"tag {id_tag} at connector {connector.connector_id}: {why_not}", now)
        else:
            _authorise(station, id_tag, now, lambda info, then: _judged(station, connector, id_tag, info, None, then))
    elif id_tag.casefold() == transaction.id_tag.casefold():
        stop(station, connector, Reason.LOCAL, now, id_tag=id_tag)
    else:
        _authorise(station, id_tag, now, lambda info, then: _stop_by_group(station, connector, id_tag, info, then))


def remote_start(
    station: ChargePoint, connector: Connector, id_tag: str, profile: ChargingProfile | None, now: datetime
) -> None:
    """As if the tag had been presented, if AuthorizeRemoteTxRequests says so; else without asking (section 5.11)."""
    if station.configuration.flag("AuthorizeRemoteTxRequests"):
        _authorise(station, id_tag, now, lambda info, then: _judged(station, connector, id_tag, info, profile, then))
    else:
        _judged(station, connector, id_tag, IdTagInfo(status=ACCEPTED), profile, now)


def cannot_start(connector: Connector, id_tag: str, parent_id_tag: str | None) -> str | None:
    """Why this tag gets nothing here, whatever the central system thinks of it. A parent is only known later."""
    if connector.transaction:
        return "a transaction is running"
    if connector.status is ChargePointStatus.UNAVAILABLE:
        return "out of service"
    reservation = connector.reservation
    if reservation is None or id_tag.casefold() == reservation.id_tag.casefold():
        return None
    if reservation.parent_id_tag is not None and parent_id_tag in (None, reservation.parent_id_tag):
        return None
    return f"reserved for {reservation.id_tag}"


def _authorise(station: ChargePoint, id_tag: str, now: datetime, judged: Callable[[IdTagInfo, datetime], None]) -> None:
    """Ask, if there is somebody to ask; else the local list, the cache and the configuration decide (section 3.5)."""
    settings = station.configuration
    known = station.tags.find(
        id_tag,
        now,
        use_list=settings.flag("LocalAuthListEnabled"),
        use_cache=settings.flag("AuthorizationCacheEnabled"),
    )
    alone = known or IdTagInfo(status=ACCEPTED if settings.flag("AllowOfflineTxForUnknownId") else INVALID)
    if known and not settings.flag("LocalAuthorizeOffline"):
        alone = IdTagInfo(status=INVALID)

    def answered(result: AuthorizeResult | None, then: datetime) -> None:
        if result is None:
            judged(alone, then)
        else:
            station.tags.remember(id_tag, result.id_tag_info)
            judged(result.id_tag_info, then)

    if known and known.status is ACCEPTED and settings.flag("LocalPreAuthorize"):
        judged(known, now)
    elif station.accepted:
        station.outbox.post(Authorize(id_tag=id_tag), AuthorizeResult, answered)
    else:
        judged(alone, now)


def _judged(
    station: ChargePoint,
    connector: Connector,
    id_tag: str,
    info: IdTagInfo,
    profile: ChargingProfile | None,
    now: datetime,
) -> None:
    """The answer is there: begin, or wait for the plug. The world may have changed since the question."""
    station.note(f"tag {id_tag}: {info.status}", now)
    connector.last_verdict = info.status
    if info.status is not ACCEPTED:
        return
    if why_not := cannot_start(connector, id_tag, info.parent_id_tag or ""):
        station.note(f"tag {id_tag} at connector {connector.connector_id}: {why_not}", now)
    elif connector.car:
        begin(station, connector, id_tag, now, profile=profile)
    else:
        until = now + timedelta(seconds=station.configuration.number("ConnectionTimeOut"))
        connector.awaited = Awaited(id_tag, until, profile)
        station.set_status(connector, ChargePointStatus.PREPARING, now)


def _stop_by_group(station: ChargePoint, connector: Connector, id_tag: str, info: IdTagInfo, now: datetime) -> None:
    transaction = connector.transaction
    same_group = transaction and info.parent_id_tag and info.parent_id_tag == transaction.parent_id_tag
    if info.status is ACCEPTED and same_group:
        stop(station, connector, Reason.LOCAL, now, id_tag=id_tag)
    else:
        station.note(f"tag {id_tag} may not stop this transaction", now)
