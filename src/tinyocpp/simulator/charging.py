"""A transaction at a connector: it begins, energy flows, samples are taken, it ends. Also what time brings about there.

Functions over the state of a charge point; it comes first, the instant last. A transaction begins only in `begin` and
ends only in `stop`; a status changes only through `ChargePoint.set_status`, which knows the standard's table. Whether a
tag may charge was decided before, in person.py.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from tinyocpp.messages.core import (
    ChargePointStatus,
    MeterValues,
    MeterValuesResult,
    Reason,
    StartTransaction,
    StartTransactionResult,
    StopTransaction,
    StopTransactionResult,
)
from tinyocpp.messages.payload import whole_seconds
from tinyocpp.messages.samples import MeterValue, ReadingContext
from tinyocpp.messages.types import AuthorizationStatus
from tinyocpp.simulator import offers
from tinyocpp.simulator.car import MINIMUM_A, Reading, read_meter
from tinyocpp.simulator.connector import Connector, Transaction
from tinyocpp.simulator.offers import offer_at
from tinyocpp.simulator.samples import meter_value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tinyocpp.messages.smart_charging import ChargingProfile
    from tinyocpp.simulator.charge_point import ChargePoint

TICK_S = 1.0  # of charging time: how often the status is looked at
SHORTEST_TICK_S = 0.2  # of true time, however fast the charge
SHORTEST_SAMPLE_S = 0.1


def begin(
    station: ChargePoint, connector: Connector, id_tag: str, now: datetime, *, profile: ChargingProfile | None = None
) -> None:
    """Its content is fixed here and stays the same however often it is sent."""
    reservation, connector.reservation = connector.reservation, None
    transaction = Transaction(
        connector_id=connector.connector_id,
        id_tag=id_tag,
        meter_start_wh=connector.meter.register_wh,
        started_at=whole_seconds(now),
        reservation_id=reservation.reservation_id if reservation else None,
    )
    call = StartTransaction(
        connector_id=connector.connector_id,
        id_tag=id_tag,
        meter_start=transaction.meter_start_wh,
        timestamp=transaction.started_at,
        reservation_id=transaction.reservation_id,
    )
    connector.transaction = connector.latest = transaction
    connector.withheld, connector.sampled_at = False, now
    if profile and (refusal := offers.take_profile(station, connector, profile, now)):
        station.note(f"the profile of the remote start is ignored: {refusal.why}", now)
    station.outbox.enqueue(
        StartTransaction,
        lambda: call,
        StartTransactionResult,
        lambda result, then: _started(station, connector, transaction, result, then),
    )
    station.note(f"transaction begins at connector {connector.connector_id}, meter {call.meter_start} Wh", now)
    station.set_status(connector, ChargePointStatus.PREPARING, now)  # also from Finishing or Reserved (F2, G2)
    _follow(station, connector, now)


def _started(
    station: ChargePoint,
    connector: Connector,
    transaction: Transaction,
    result: StartTransactionResult | None,
    now: datetime,
) -> None:
    if result is None:
        transaction.given_up = True
        return
    info = result.id_tag_info
    transaction.transaction_id, transaction.verdict = result.transaction_id, info.status
    transaction.parent_id_tag = info.parent_id_tag
    station.tags.remember(transaction.id_tag, info)
    station.note(f"transaction {result.transaction_id}: {info.status}", now)
    if info.status is AuthorizationStatus.ACCEPTED or connector.transaction is not transaction:
        return
    if station.configuration.flag("StopTransactionOnInvalidId"):
        stop(station, connector, Reason.DE_AUTHORIZED, now)
    else:
        connector.withheld = True
        _follow(station, connector, now)


def stop(
    station: ChargePoint, connector: Connector, reason: Reason, now: datetime, *, id_tag: str | None = None
) -> None:
    """End the transaction of this connector, if there is one. `id_tag`: who stopped it, if a tag did."""
    transaction, connector.transaction = connector.transaction, None
    if transaction is None:
        return
    transaction.meter_stop_wh = meter_stop_wh = connector.meter.register_wh
    stopped_at = whole_seconds(now)
    data = _transaction_data(station, connector, transaction, stopped_at)
    station.outbox.enqueue(
        StopTransaction,
        lambda: StopTransaction(
            id_tag=id_tag,
            meter_stop=meter_stop_wh,
            timestamp=stopped_at,
            transaction_id=transaction.wire_id,
            reason=reason,
            transaction_data=data,
        ),
        StopTransactionResult,
        lambda result, _then: _stopped(transaction, result),
    )
    station.note(f"transaction ends at connector {connector.connector_id}: {reason}, meter {meter_stop_wh} Wh", now)
    offers.transaction_ended(station, connector)
    connector.withheld = False
    rest(station, connector, now)


def _stopped(transaction: Transaction, result: StopTransactionResult | None) -> None:
    transaction.acknowledged, transaction.given_up = result is not None, result is None


def rest(station: ChargePoint, connector: Connector, now: datetime) -> None:
    """After a transaction: the plug is still in, or the place is free, or out of service as was scheduled."""
    if connector.going_inoperative:
        connector.operative, connector.going_inoperative = False, False
        station.set_status(connector, ChargePointStatus.UNAVAILABLE, now)
    else:
        station.set_status(connector, ChargePointStatus.FINISHING, now)
        if connector.car is None:
            station.set_status(connector, ChargePointStatus.AVAILABLE, now)


# Energy.


def let_energy_flow(station: ChargePoint, now: datetime) -> None:
    """From `station.now` until now, under the limits of that first instant."""
    elapsed_s = (now - station.now).total_seconds() * station.speed
    if station.off_until is not None or elapsed_s <= 0:
        return
    for connector in station.connectors:
        if connector.transaction and connector.car:
            offer = offer_at(station, connector, station.now)
            offers.count_draw(station, connector, offer, station.now)
            connector.meter.register += connector.car.charge(offer, elapsed_s)


def reading(station: ChargePoint, connector: Connector) -> Reading:
    flowing, offer = connector.transaction is not None, offer_at(station, connector, station.now)
    shown = read_meter(connector.meter, connector.car, offer, flowing=flowing, wired=station.vices.wired)
    if not station.vices.tells_limit:
        return shown
    limit = offers.limit_at(station, connector, station.now, station.profiles)
    return msgspec.structs.replace(shown, offered_a=limit.current_a)


def _follow(station: ChargePoint, connector: Connector, now: datetime) -> None:
    """The status of a running transaction is what energy does. SuspendedEVSE wins if both hold back (section 4.9)."""
    if connector.transaction is None:
        return
    if station.vices.zero_ends and not connector.withheld and offer_at(station, connector, now).current_a == 0:
        stop(station, connector, Reason.OTHER, now)
    elif offer_at(station, connector, now).current_a < MINIMUM_A:
        station.set_status(connector, ChargePointStatus.SUSPENDED_EVSE, now)
    elif connector.car is None or connector.car.full:
        station.set_status(connector, ChargePointStatus.SUSPENDED_EV, now)
    else:
        station.set_status(connector, ChargePointStatus.CHARGING, now)


# Samples.


def sample(
    station: ChargePoint, connector: Connector, key: str, context: ReadingContext, at: datetime
) -> MeterValue | None:
    """What the configuration key asks for, now."""
    value = meter_value(reading(station, connector), station.configuration.items(key), context, whole_seconds(at))
    return value and station.vices.measured(value)


def send_sample(station: ChargePoint, connector: Connector, key: str, context: ReadingContext, at: datetime) -> None:
    """As a transaction message: it waits behind those before it, and survives a broken line."""
    value = sample(station, connector, key, context, at)
    if value is None:
        return
    transaction = connector.transaction
    station.outbox.enqueue(
        MeterValues,
        lambda: MeterValues(
            connector_id=connector.connector_id,
            transaction_id=transaction.wire_id if transaction else None,
            meter_value=(value,),
        ),
        MeterValuesResult,
        lambda _result, _then: None,
    )


def _transaction_data(
    station: ChargePoint, connector: Connector, transaction: Transaction, stopped_at: datetime
) -> tuple[MeterValue, ...] | None:
    """Begin and end, if StopTxnSampledData names anything; of the begin only the register is still known."""
    end = sample(station, connector, "StopTxnSampledData", ReadingContext.TRANSACTION_END, stopped_at)
    if end is None:
        return None
    first = Reading(transaction.meter_start_wh, power_w=0, current_a=0, voltage_v=230, phases=3, offered_a=0)
    register = ["Energy.Active.Import.Register"]
    begin = meter_value(first, register, ReadingContext.TRANSACTION_BEGIN, transaction.started_at)
    return (begin, end) if begin else (end,)


# Time.


def deadlines(station: ChargePoint) -> Iterator[datetime]:
    """When something at a connector is due by time alone. While the power is off, nothing is."""
    if station.off_until is not None:
        return
    for connector in station.connectors:
        if connector.transaction:
            yield station.now + timedelta(seconds=max(TICK_S / station.speed, SHORTEST_TICK_S))
            if due := _sample_due(station, connector):
                yield due
        if connector.awaited:
            yield connector.awaited.until
        if connector.reservation:
            yield connector.reservation.expires_at
    if interval_s := station.configuration.number("ClockAlignedDataInterval"):
        yield _aligned(station.now, interval_s) + timedelta(seconds=interval_s)


def keep_times(station: ChargePoint, since: datetime) -> None:
    """Do what has become due at the connectors between `since` and now."""
    now, interval_s = station.now, station.configuration.number("ClockAlignedDataInterval")
    if station.off_until is not None:
        return
    for connector in station.connectors[1:]:
        if connector.awaited and connector.awaited.until <= now:
            connector.awaited = None
            station.set_status(connector, ChargePointStatus.AVAILABLE, now)
        if connector.reservation and connector.reservation.expires_at <= now:
            free_reservation(station, connector, now)
        if (due := _sample_due(station, connector)) and due <= now:
            connector.sampled_at = now
            send_sample(station, connector, "MeterValuesSampledData", ReadingContext.SAMPLE_PERIODIC, now)
        if interval_s and _aligned(now, interval_s) > since:
            send_sample(station, connector, "MeterValuesAlignedData", ReadingContext.SAMPLE_CLOCK, now)
        _follow(station, connector, now)


def free_reservation(station: ChargePoint, connector: Connector, now: datetime) -> None:
    """It has expired or was cancelled; a car that stands there already may go on (G1, G2)."""
    connector.reservation = None
    if connector.status is ChargePointStatus.RESERVED:
        free = ChargePointStatus.PREPARING if connector.car else ChargePointStatus.AVAILABLE
        station.set_status(connector, free, now)


def _sample_due(station: ChargePoint, connector: Connector) -> datetime | None:
    interval_s = station.configuration.number("MeterValueSampleInterval")
    if connector.transaction is None or connector.sampled_at is None or not interval_s:
        return None
    return connector.sampled_at + timedelta(seconds=max(interval_s / station.speed, SHORTEST_SAMPLE_S))


def _aligned(at: datetime, interval_s: int) -> datetime:
    """The last moment on the raster that starts at midnight."""
    midnight = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + timedelta(seconds=(at - midnight).total_seconds() // interval_s * interval_s)
