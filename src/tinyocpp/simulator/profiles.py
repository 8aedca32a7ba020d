"""Charging profiles as a charge point keeps them, and the limit they amount to at an instant (OCPP 1.6 section 3.13).

Everything is reduced to an Offer: amperes per phase and a number of phases. All instants are arguments. Profiles
survive a reset; a TxProfile ends with its transaction.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from tinyocpp.messages.smart_charging import (
    ChargingProfile,
    ChargingProfileKindType,
    ChargingProfilePurposeType,
    ChargingRateUnitType,
    ChargingSchedule,
    ChargingSchedulePeriod,
    RecurrencyKindType,
)
from tinyocpp.simulator.car import HARDWARE_A, NOMINAL_V, Offer
from tinyocpp.simulator.configuration import MAX_PROFILES, MAX_SCHEDULE_PERIODS, MAX_STACK_LEVEL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tinyocpp.messages.smart_charging import ClearChargingProfile

MAX_PROFILE, TX_DEFAULT, TX = (
    ChargingProfilePurposeType.CHARGE_POINT_MAX_PROFILE,
    ChargingProfilePurposeType.TX_DEFAULT_PROFILE,
    ChargingProfilePurposeType.TX_PROFILE,
)
REPEAT_S = {RecurrencyKindType.DAILY: 86_400, RecurrencyKindType.WEEKLY: 7 * 86_400}
PHASES = (None, 1, 2, 3)
MAX_COMPOSITE_S = 7 * 86_400  # how far ahead a composite schedule looks


class Running(msgspec.Struct, frozen=True):
    """The transaction a TxProfile may belong to; the id is None until the central system has given one."""

    transaction_id: int | None
    started_at: datetime


class Installed(msgspec.Struct, frozen=True):
    connector_id: int
    profile: ChargingProfile
    installed_at: datetime  # where an Absolute schedule without startSchedule begins


class Profiles:
    """What has been installed, at most one per connector, purpose and stack level."""

    def __init__(self) -> None:
        self._installed: list[Installed] = []  # the highest stack level first

    def __len__(self) -> int:
        return len(self._installed)

    def install(
        self, connector_id: int, profile: ChargingProfile, running: Running | None, now: datetime
    ) -> str | None:
        """Install or replace. Returns what is wrong with the profile, or None when it is in force."""
        if wrong := what_is_wrong(connector_id, profile, running):
            return wrong
        kept = [one for one in self._installed if not _replaces(connector_id, profile, one)]
        if len(kept) >= MAX_PROFILES:
            return f"more than {MAX_PROFILES} profiles"
        kept.append(Installed(connector_id, profile, now))
        self._installed = sorted(kept, key=lambda one: -one.profile.stack_level)
        return None

    def clear(self, wanted: ClearChargingProfile) -> bool:
        """Drop what matches; False when nothing did."""
        kept = [one for one in self._installed if not _matches(wanted, one)]
        found = len(kept) < len(self._installed)
        self._installed = kept
        return found

    def transaction_ended(self, connector_id: int) -> None:
        self._installed = [
            one
            for one in self._installed
            if one.connector_id != connector_id or one.profile.charging_profile_purpose is not TX
        ]

    def offer(self, connector_id: int, running: Running | None, at: datetime, *, sharing: int = 1) -> Offer:
        """What the car at this connector may draw, the station's own limit included. `sharing`: among how many
        charging connectors a limit of the whole charge point is divided."""
        own = self._limit(TX, connector_id, running, at) if running else None
        own = own or self._limit(TX_DEFAULT, connector_id, running, at) or self._limit(TX_DEFAULT, 0, running, at)
        whole = self._limit(MAX_PROFILE, 0, None, at)
        offers = [Offer()]
        if own:
            offers.append(own)
        if whole:
            offers.append(Offer(whole.current_a / max(1, sharing), whole.phases))
        return Offer(min(o.current_a for o in offers), min(o.phases for o in offers))

    def composite(
        self,
        connector_id: int,
        running: Running | None,
        start: datetime,
        duration_s: int,
        unit: ChargingRateUnitType,
        *,
        sharing: int = 1,
    ) -> ChargingSchedule:
        """The limits from `start` on, equal neighbours joined (section 5.7). Connector 0 is the whole charge point.
        Without a transaction the schedule is that of one which begins at `start`."""
        duration_s = max(1, min(duration_s, MAX_COMPOSITE_S))
        running = running or Running(None, start)
        periods: list[ChargingSchedulePeriod] = []
        for offset_s in [0, *sorted(set(self._changes(running, start, duration_s)))]:
            at = start + timedelta(seconds=offset_s)
            offer = self._whole(at, sharing) if connector_id == 0 else self.offer(connector_id, running, at)
            limit = offer.current_a
            if unit is ChargingRateUnitType.W:
                limit *= NOMINAL_V * offer.phases
            period = ChargingSchedulePeriod(start_period=offset_s, limit=round(limit, 1), number_phases=offer.phases)
            if not periods or (periods[-1].limit, periods[-1].number_phases) != (period.limit, period.number_phases):
                periods.append(period)
        return ChargingSchedule(
            duration=duration_s,
            charging_rate_unit=unit,
            charging_schedule_period=tuple(periods[:MAX_SCHEDULE_PERIODS]),
        )

    def _whole(self, at: datetime, connectors: int) -> Offer:
        hardware = Offer(HARDWARE_A * max(1, connectors))
        whole = self._limit(MAX_PROFILE, 0, None, at)
        return Offer(min(whole.current_a, hardware.current_a), whole.phases) if whole else hardware

    def _limit(
        self, purpose: ChargingProfilePurposeType, connector_id: int, running: Running | None, at: datetime
    ) -> Offer | None:
        """The highest stack level that has something to say at this instant."""
        for one in self._installed:
            meant = one.connector_id == connector_id and one.profile.charging_profile_purpose is purpose
            if meant and (period := period_at(one, running, at)):
                return as_offer(one.profile.charging_schedule.charging_rate_unit, period)
        return None

    def _changes(self, running: Running | None, start: datetime, duration_s: int) -> Iterator[int]:
        """Seconds after `start` at which any profile may change its mind."""
        for one in self._installed:
            schedule = one.profile.charging_schedule
            edges = [period.start_period for period in schedule.charging_schedule_period]
            if schedule.duration is not None:
                edges.append(schedule.duration)
            begun_s = (start - _origin(one, running, start)).total_seconds()
            repeat_s = REPEAT_S[one.profile.recurrency_kind] if one.profile.recurrency_kind else None
            first = max(0, int(begun_s // repeat_s)) if repeat_s else 0
            last = max(0, int((begun_s + duration_s) // repeat_s)) if repeat_s else 0
            for turn in range(first, last + 1):
                turned_s = begun_s - turn * (repeat_s or 0)
                yield from (int(edge - turned_s) for edge in edges if 0 < edge - turned_s < duration_s)
            for moment in (one.profile.valid_from, one.profile.valid_to):
                if moment and 0 < (moment - start).total_seconds() < duration_s:
                    yield int((moment - start).total_seconds())


def what_is_wrong(connector_id: int, profile: ChargingProfile, running: Running | None) -> str | None:
    """The rules of sections 3.13, 5.16 and the errata; None for a profile that keeps them all."""
    purpose, kind = profile.charging_profile_purpose, profile.charging_profile_kind
    schedule = profile.charging_schedule
    starts = [period.start_period for period in schedule.charging_schedule_period]
    relative = kind is ChargingProfileKindType.RELATIVE
    recurring = kind is ChargingProfileKindType.RECURRING
    foreign = running is None or profile.transaction_id not in (None, running.transaction_id)
    periods = schedule.charging_schedule_period
    rules = (
        (not 0 <= profile.stack_level <= MAX_STACK_LEVEL, f"stackLevel is not 0 to {MAX_STACK_LEVEL}"),
        (not 1 <= len(starts) <= MAX_SCHEDULE_PERIODS, f"not 1 to {MAX_SCHEDULE_PERIODS} periods"),
        (starts[:1] != [0], "the first period does not start at 0"),
        (starts != sorted(set(starts)), "periods are not in order"),
        (any(period.limit < 0 for period in periods), "a limit is negative"),
        (any(period.number_phases not in PHASES for period in periods), "not 1 to 3 phases"),
        (schedule.duration is not None and schedule.duration < 0, "duration is negative"),
        (recurring != (profile.recurrency_kind is not None), "recurrencyKind goes with Recurring"),
        (recurring and schedule.start_schedule is None, "Recurring needs startSchedule"),
        (purpose is MAX_PROFILE and connector_id != 0, "ChargePointMaxProfile is for connector 0"),
        (purpose is MAX_PROFILE and relative, "ChargePointMaxProfile is never Relative"),
        (purpose is not TX and profile.transaction_id is not None, "transactionId goes with TxProfile"),
        (purpose is TX and connector_id == 0, "TxProfile is never for connector 0"),
        (purpose is TX and foreign, "no such transaction on this connector"),
    )
    return next((text for broken, text in rules if broken), None)


def period_at(one: Installed, running: Running | None, at: datetime) -> ChargingSchedulePeriod | None:
    """The period of this profile that is in force at an instant, if any."""
    profile, schedule = one.profile, one.profile.charging_schedule
    if (profile.valid_from and at < profile.valid_from) or (profile.valid_to and at >= profile.valid_to):
        return None
    offset_s = (at - _origin(one, running, at)).total_seconds()
    if offset_s < 0:
        return None
    if profile.recurrency_kind:
        offset_s %= REPEAT_S[profile.recurrency_kind]
    if schedule.duration is not None and offset_s >= schedule.duration:
        return None
    return [period for period in schedule.charging_schedule_period if period.start_period <= offset_s][-1]


def _origin(one: Installed, running: Running | None, at: datetime) -> datetime:
    """What the periods count from."""
    if one.profile.charging_profile_kind is ChargingProfileKindType.RELATIVE:
        return running.started_at if running else at
    return one.profile.charging_schedule.start_schedule or one.installed_at


def as_offer(unit: ChargingRateUnitType, period: ChargingSchedulePeriod) -> Offer:
    """Watts are of all phases together, amperes of each; without a number there are three (section 7.14)."""
    phases = period.number_phases or 3
    current_a = period.limit if unit is ChargingRateUnitType.A else period.limit / (NOMINAL_V * phases)
    return Offer(current_a, phases)


def _replaces(connector_id: int, profile: ChargingProfile, old: Installed) -> bool:
    """The same id, or the same place in the stack (section 5.16.3)."""
    same_place = (
        old.connector_id == connector_id
        and old.profile.stack_level == profile.stack_level
        and old.profile.charging_profile_purpose is profile.charging_profile_purpose
    )
    return same_place or old.profile.charging_profile_id == profile.charging_profile_id


def _matches(wanted: ClearChargingProfile, one: Installed) -> bool:
    """An id alone decides; otherwise all that is given must match, and nothing given matches all (errata 3.26)."""
    if wanted.id is not None:
        return one.profile.charging_profile_id == wanted.id
    pairs = (
        (wanted.connector_id, one.connector_id),
        (wanted.charging_profile_purpose, one.profile.charging_profile_purpose),
        (wanted.stack_level, one.profile.stack_level),
    )
    return all(asked in (None, had) for asked, had in pairs)
