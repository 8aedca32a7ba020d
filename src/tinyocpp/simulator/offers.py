"""What a connector offers its car: the profiles that were taken, as this charge point with its vices obeys them.

A profile comes in here, from SetChargingProfile or a remote start. It is kept twice: as it was accepted, which is the
promise, and as it is obeyed. What the car draws beyond the promise goes into the tally, with all else that would wear
out or break the real thing.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from tinyocpp.messages.frames import ErrorCode
from tinyocpp.messages.smart_charging import ChargingProfile, ChargingProfileStatus, ClearChargingProfile
from tinyocpp.simulator.car import MINIMUM_A, Offer
from tinyocpp.simulator.connector import HeldSince
from tinyocpp.simulator.profiles import Profiles, Running

if TYPE_CHECKING:
    from tinyocpp.simulator.charge_point import ChargePoint
    from tinyocpp.simulator.connector import Connector


class Refusal(msgspec.Struct, frozen=True):
    """A profile was not taken: why, in words, and what is answered."""

    why: str
    answer: ChargingProfileStatus | ErrorCode = ChargingProfileStatus.REJECTED


def take_profile(station: ChargePoint, connector: Connector, profile: ChargingProfile, now: datetime) -> Refusal | None:
    """In force from now on; or the refusal, and nothing is changed."""
    if answer := station.vices.refusal(connector.connector_id, profile):
        return Refusal("this charge point takes no such profile", answer)
    running = by_its_clock(station, connector.running)
    at = clock(station, now)
    if wrong := station.promised.install(connector.connector_id, profile, running, at):
        return Refusal(wrong)
    station.tally.count(profile)
    if (obeyed := station.vices.read(profile)) is not None:
        before = _limits(station, now)
        station.profiles.install(connector.connector_id, obeyed, running, at)
        _notice_the_end_of_zero(station, before, now)
    return None


def clear_profiles(station: ChargePoint, wanted: ClearChargingProfile, now: datetime) -> bool:
    """False when there was none."""
    if station.vices.keeps_level_0 and wanted.id is None and wanted.stack_level == 0:
        return False
    before = _limits(station, now)
    station.promised.clear(wanted)
    found = station.profiles.clear(wanted)
    _notice_the_end_of_zero(station, before, now)
    return found


def transaction_ended(station: ChargePoint, connector: Connector) -> None:
    connector.held, connector.load_a = None, 0.0
    for profiles in (station.profiles, station.promised):
        profiles.transaction_ended(connector.connector_id)


def clock(station: ChargePoint, at: datetime) -> datetime:
    """What time it is for schedules, in the charge point's opinion."""
    return at - timedelta(seconds=station.vices.behind_s)


def offer_at(station: ChargePoint, connector: Connector, at: datetime) -> Offer:
    """What the car may draw here now; a limit of the whole charge point is shared among those that charge."""
    if connector.withheld:
        return Offer(0.0)
    limit = connector.held.held.offer if connector.held else limit_at(station, connector, at, station.profiles)
    return station.vices.offer(limit)


def limit_at(station: ChargePoint, connector: Connector, at: datetime, profiles: Profiles) -> Offer:
    charging = sum(1 for one in station.connectors if one.transaction and one.car and not one.car.full)
    running = by_its_clock(station, connector.running)
    return profiles.offer(connector.connector_id, running, clock(station, at), sharing=charging)


def count_draw(station: ChargePoint, connector: Connector, offer: Offer, at: datetime) -> None:
    """From `at` on the car draws what it does of this offer: what of it is more than was promised, and whether the
    phases were switched, and under which load."""
    car, tally = connector.car, station.tally
    current_a = car.current_on(offer) if car else 0.0
    if connector.load_a:
        connector.flowed_at = at
    if offer.phases != connector.contactor and offer.current_a >= MINIMUM_A:
        tally.swapped(at, connector, offer.phases)
        connector.contactor = offer.phases
    connector.load_a = current_a
    if car and current_a:
        promise = limit_at(station, connector, at, station.promised)
        on_more_phases = car.phases_on(offer) > promise.phases
        tally.excess_a = max(tally.excess_a, current_a if on_more_phases else current_a - promise.current_a)


def by_its_clock(station: ChargePoint, running: Running | None) -> Running | None:
    return running and msgspec.structs.replace(running, started_at=clock(station, running.started_at))


def _limits(station: ChargePoint, now: datetime) -> list[float]:
    """A per connector, as the profiles have it."""
    return [limit_at(station, one, now, station.profiles).current_a for one in station.connectors]


def _notice_the_end_of_zero(station: ChargePoint, before: list[float], now: datetime) -> None:
    """Something has come that may have ended a limit of 0, or what the charge point does since such an end."""
    for connector, before_a, after_a in zip(station.connectors, before, _limits(station, now), strict=True):
        if connector.transaction and station.vices.after_zero and before_a < MINIMUM_A <= after_a:
            connector.held = HeldSince(station.vices.after_zero, now)
        elif connector.held and (now - connector.held.since).total_seconds() >= connector.held.held.again_s:
            connector.held = None
