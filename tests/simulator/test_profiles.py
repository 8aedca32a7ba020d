"""Charging profiles: the rules, the stack, the limit at an instant, the composite schedule."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tinyocpp.messages.smart_charging import (
    ChargingProfile,
    ChargingProfileKindType,
    ChargingProfilePurposeType,
    ChargingRateUnitType,
    ChargingSchedule,
    ChargingSchedulePeriod,
    ClearChargingProfile,
    RecurrencyKindType,
)
from tinyocpp.simulator.car import Offer
from tinyocpp.simulator.profiles import Profiles, Running, what_is_wrong

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
MAX, DEFAULT, TX = (
    ChargingProfilePurposeType.CHARGE_POINT_MAX_PROFILE,
    ChargingProfilePurposeType.TX_DEFAULT_PROFILE,
    ChargingProfilePurposeType.TX_PROFILE,
)
ABSOLUTE, RECURRING, RELATIVE = (
    ChargingProfileKindType.ABSOLUTE,
    ChargingProfileKindType.RECURRING,
    ChargingProfileKindType.RELATIVE,
)
DAILY, WEEKLY = RecurrencyKindType.DAILY, RecurrencyKindType.WEEKLY
A, W = ChargingRateUnitType.A, ChargingRateUnitType.W
RUNNING = Running(7, NOW - HOUR)


def profile(*limits, unit=A, start=None, duration=None, purpose=DEFAULT, kind=ABSOLUTE, phases=None, **fields):
    """`limits`: amperes or watts, or (startPeriod, limit)."""
    pairs = [limit if isinstance(limit, tuple) else (0, limit) for limit in limits]
    schedule = ChargingSchedule(
        duration=duration,
        start_schedule=start,
        charging_rate_unit=unit,
        charging_schedule_period=tuple(
            ChargingSchedulePeriod(start_period=at, limit=float(limit), number_phases=phases) for at, limit in pairs
        ),
    )
    defaults = {"charging_profile_id": 1, "stack_level": 0}
    return ChargingProfile(
        charging_profile_purpose=purpose,
        charging_profile_kind=kind,
        charging_schedule=schedule,
        **defaults | fields,
    )


def offer_of(*installed, at=NOW, connector=1, running=RUNNING, sharing=1):
    profiles = Profiles()
    for number, (connector_id, one) in enumerate(installed):
        one = ChargingProfile(**{f: getattr(one, f) for f in one.__struct_fields__} | {"charging_profile_id": number})
        assert profiles.install(connector_id, one, RUNNING, NOW) is None
    return profiles.offer(connector, running, at, sharing=sharing)


OFFERS = {
    "nothing is the hardware": ([], Offer(32, 3)),
    "amperes": ([(1, profile(10))], Offer(10, 3)),
    "watts of three phases": ([(1, profile(6900, unit=W))], Offer(10, 3)),
    "watts of one phase": ([(1, profile(2300, unit=W, phases=1))], Offer(10, 1)),
    "above the hardware": ([(1, profile(64))], Offer(32, 3)),
    "default for all connectors": ([(0, profile(10))], Offer(10, 3)),
    "the connector's own default beats that for all": ([(0, profile(10)), (1, profile(20))], Offer(20, 3)),
    "another connector's does not count": ([(2, profile(10))], Offer(32, 3)),
    "a transaction's own beats the default": ([(1, profile(10)), (1, profile(20, purpose=TX))], Offer(20, 3)),
    "the whole charge point caps": ([(1, profile(20)), (0, profile(8, purpose=MAX))], Offer(8, 3)),
    "the higher level wins": ([(1, profile(20)), (1, profile(9, stack_level=1))], Offer(9, 3)),
    "a higher level with nothing to say leaves it to the lower": (
        [(1, profile(20)), (1, profile(9, stack_level=1, start=NOW + HOUR))],
        Offer(20, 3),
    ),
    "not yet valid": ([(1, profile(9, valid_from=NOW + HOUR))], Offer(32, 3)),
    "no longer valid": ([(1, profile(9, valid_to=NOW))], Offer(32, 3)),
    "valid": ([(1, profile(9, valid_from=NOW, valid_to=NOW + HOUR))], Offer(9, 3)),
    "second period": ([(1, profile(9, (3600, 12), start=NOW - HOUR))], Offer(12, 3)),
    "over": ([(1, profile(9, start=NOW - HOUR, duration=3600))], Offer(32, 3)),
    "relative to the transaction": ([(1, profile(9, (3600, 12), kind=RELATIVE))], Offer(12, 3)),
    "every day": (
        [(1, profile(9, (3600, 12), kind=RECURRING, recurrency_kind=DAILY, start=NOW - timedelta(days=30) - HOUR))],
        Offer(12, 3),
    ),
    "every week, today not": (
        [(1, profile(9, kind=RECURRING, recurrency_kind=WEEKLY, start=NOW - timedelta(days=30), duration=3600))],
        Offer(32, 3),
    ),
    "recurring, not begun": (
        [(1, profile(9, kind=RECURRING, recurrency_kind=DAILY, start=NOW + HOUR))],
        Offer(32, 3),
    ),
}


@pytest.mark.parametrize(("installed", "offer"), OFFERS.values(), ids=OFFERS)
def test_offer(installed, offer):
    assert offer_of(*installed) == offer


def test_a_tx_profile_needs_a_transaction():
    assert offer_of((1, profile(9, purpose=TX)), running=None) == Offer(32, 3)


def test_a_relative_default_counts_from_now_without_a_transaction():
    assert offer_of((1, profile(9, kind=RELATIVE)), running=None) == Offer(9, 3)


def test_a_limit_of_all_is_shared():
    assert offer_of((0, profile(30, purpose=MAX)), sharing=3) == Offer(10, 3)
    assert offer_of((0, profile(30, purpose=MAX)), sharing=0) == Offer(30, 3)


WRONG = {
    "stack too high": (1, profile(9, stack_level=11)),
    "stack negative": (1, profile(9, stack_level=-1)),
    "no periods": (1, profile()),
    "too many periods": (1, profile(*[(n, 9) for n in range(25)])),
    "first not at zero": (1, profile((1, 9))),
    "not in order": (1, profile((0, 9), (20, 9), (10, 9))),
    "twice the same": (1, profile((0, 9), (0, 9))),
    "negative limit": (1, profile(-1)),
    "four phases": (1, profile(9, phases=4)),
    "negative duration": (1, profile(9, duration=-1)),
    "recurring without kind": (1, profile(9, kind=RECURRING, start=NOW)),
    "kind without recurring": (1, profile(9, recurrency_kind=DAILY)),
    "recurring without start": (1, profile(9, kind=RECURRING, recurrency_kind=DAILY)),
    "max for one connector": (1, profile(9, purpose=MAX)),
    "max relative": (0, profile(9, purpose=MAX, kind=RELATIVE)),
    "default with transaction": (1, profile(9, transaction_id=7)),
    "tx for all connectors": (0, profile(9, purpose=TX)),
    "tx of another transaction": (1, profile(9, purpose=TX, transaction_id=8)),
}


@pytest.mark.parametrize(("connector_id", "given"), WRONG.values(), ids=WRONG)
def test_rules(connector_id, given):
    profiles = Profiles()
    assert (
        profiles.install(connector_id, given, RUNNING, NOW) == what_is_wrong(connector_id, given, RUNNING) is not None
    )
    assert len(profiles) == 0


def test_a_tx_profile_without_transaction_is_wrong():
    assert what_is_wrong(1, profile(9, purpose=TX), None) == "no such transaction on this connector"
    assert what_is_wrong(1, profile(9, purpose=TX, transaction_id=7), RUNNING) is None


def test_replacement_by_id_and_by_place():
    profiles = Profiles()
    profiles.install(1, profile(9, charging_profile_id=1), None, NOW)
    profiles.install(2, profile(9, charging_profile_id=1, stack_level=3), None, NOW)
    assert len(profiles) == 1
    profiles.install(2, profile(9, charging_profile_id=2, stack_level=3), None, NOW)
    assert len(profiles) == 1
    profiles.install(1, profile(9, charging_profile_id=3, stack_level=3), None, NOW)
    assert len(profiles) == 2


def test_there_is_an_end_to_how_many():
    profiles = Profiles()
    wrong = [
        profiles.install(
            connector, profile(9, charging_profile_id=connector * 100 + level, stack_level=level), None, NOW
        )
        for connector in (1, 2)
        for level in range(11)
    ]
    assert wrong == [None] * 20 + ["more than 20 profiles"] * 2


@pytest.mark.parametrize(
    ("wanted", "left"),
    [
        ({}, set()),
        ({"id": 1}, {2, 3}),
        ({"id": 1, "connector_id": 99}, {2, 3}),
        ({"connector_id": 0}, {1}),
        ({"charging_profile_purpose": DEFAULT}, {3}),
        ({"stack_level": 2}, {1, 3}),
        ({"connector_id": 1, "stack_level": 2}, {1, 2, 3}),
        ({"id": 9}, {1, 2, 3}),
    ],
)
def test_clear(wanted, left):
    profiles = Profiles()
    profiles.install(1, profile(9, charging_profile_id=1), None, NOW)
    profiles.install(0, profile(9, charging_profile_id=2, stack_level=2), None, NOW)
    profiles.install(0, profile(9, charging_profile_id=3, purpose=MAX), None, NOW)
    assert profiles.clear(ClearChargingProfile(**wanted)) is (len(left) < 3)
    assert {number for number in (1, 2, 3) if profiles.clear(ClearChargingProfile(id=number))} == left


def test_the_end_of_a_transaction_takes_its_profiles_along():
    profiles = Profiles()
    profiles.install(1, profile(9, charging_profile_id=1, purpose=TX), RUNNING, NOW)
    profiles.install(1, profile(9, charging_profile_id=2), RUNNING, NOW)
    profiles.install(2, profile(9, charging_profile_id=3, purpose=TX), RUNNING, NOW)
    profiles.transaction_ended(1)
    assert [profiles.clear(ClearChargingProfile(id=number)) for number in (1, 2, 3)] == [False, True, True]


def composite(installed, duration=7200, connector=1, unit=A, running=None, sharing=1):
    profiles = Profiles()
    for number, (connector_id, one) in enumerate(installed):
        fields = {field: getattr(one, field) for field in one.__struct_fields__} | {"charging_profile_id": number}
        profiles.install(connector_id, ChargingProfile(**fields), RUNNING, NOW)
    schedule = profiles.composite(connector, running, NOW, duration, unit, sharing=sharing)
    assert schedule.charging_rate_unit is unit
    return schedule.duration, [(p.start_period, p.limit, p.number_phases) for p in schedule.charging_schedule_period]


def test_composite_of_nothing_is_the_hardware():
    assert composite([]) == (7200, [(0, 32.0, 3)])
    assert composite([], unit=W) == (7200, [(0, 22_080.0, 3)])
    assert composite([], connector=0, sharing=2) == (7200, [(0, 64.0, 3)])


def test_composite_follows_every_change():
    installed = [
        (0, profile(20, (1800, 10), start=NOW, duration=3600)),
        (1, profile(6, start=NOW + timedelta(seconds=900), duration=300, stack_level=5)),
        (0, profile(16, purpose=MAX, valid_to=NOW + timedelta(seconds=600))),
    ]
    assert composite(installed) == (
        7200,
        [(0, 16.0, 3), (600, 20.0, 3), (900, 6.0, 3), (1200, 20.0, 3), (1800, 10.0, 3), (3600, 32.0, 3)],
    )


def test_a_connectors_default_replaces_that_for_all_only_where_it_speaks():
    installed = [(0, profile(20)), (1, profile(6, start=NOW + timedelta(seconds=900), duration=300))]
    assert composite(installed)[1] == [(0, 20.0, 3), (900, 6.0, 3), (1200, 20.0, 3)]


def test_composite_of_the_whole():
    installed = [(0, profile(20, purpose=MAX, valid_from=NOW + HOUR))]
    assert composite(installed, connector=0) == (7200, [(0, 32.0, 3), (3600, 20.0, 3)])


def test_composite_repeats_what_recurs():
    daily = profile(6, (3600, 20), kind=RECURRING, recurrency_kind=DAILY, start=NOW - timedelta(days=2), duration=7200)
    assert composite([(1, daily)], duration=2 * 86_400) == (
        172_800,
        [(0, 6.0, 3), (3600, 20.0, 3), (7200, 32.0, 3), (86_400, 6.0, 3), (90_000, 20.0, 3), (93_600, 32.0, 3)],
    )


def test_composite_of_a_recurrence_that_begins_later():
    daily = profile(6, kind=RECURRING, recurrency_kind=DAILY, start=NOW + HOUR, duration=600)
    assert composite([(1, daily)]) == (7200, [(0, 32.0, 3), (3600, 6.0, 3), (4200, 32.0, 3)])


def test_composite_of_a_relative_profile_begins_with_the_transaction():
    relative = [(1, profile(6, (3600, 20), kind=RELATIVE))]
    assert composite(relative)[1] == [(0, 6.0, 3), (3600, 20.0, 3)]
    assert composite(relative, running=Running(7, NOW - timedelta(seconds=1800)))[1] == [(0, 6.0, 3), (1800, 20.0, 3)]


@pytest.mark.parametrize("duration", [2**62, 10**7])
def test_composite_looks_a_week_ahead_at_most(duration):
    far = profile(6, (2**62, 20), duration=2**62)
    assert composite([(1, far)], duration=duration) == (7 * 86_400, [(0, 6.0, 3)])


def test_composite_of_no_time_is_that_of_a_second():
    assert composite([], duration=-5) == (1, [(0, 32.0, 3)])
