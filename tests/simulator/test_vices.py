"""What real chargers do otherwise, shown on the wire: a test for each vice, named after it."""

from __future__ import annotations

import pytest

from simulator.bench import Bench
from tinyocpp.messages.smart_charging import ChargingProfilePurposeType
from tinyocpp.simulator import person
from tinyocpp.simulator.car import Car
from tinyocpp.simulator.vices import VICES

ACCEPTED, REJECTED, NOT_SUPPORTED = ({"status": status} for status in ("Accepted", "Rejected", "NotSupported"))
EVERYTHING = 32.0
CAR_A = 15.9  # 11 kW on three phases
START = "2026-06-01T12:00:00Z"


def bench_with(*vices, **options):
    """A big car charges, sampled every ten seconds."""
    bench = Bench(vices=vices, **options).connect()
    bench.ask("ChangeConfiguration", key="MeterValueSampleInterval", value="10")
    person.plug_in(bench.station, bench.connector(), Car(500_000), bench.now)
    start(bench)
    bench.pass_time(20)
    bench.take()
    return bench


def start(bench):
    person.present_tag(bench.station, bench.connector(), "04A2B3C4", bench.now)
    bench.pump()


def limit(bench, figure, *, unit="A", connector=1, purpose="TxDefaultProfile", level=0, phases=None, **schedule):
    """Set a limit; the answer. `kind` and validity go into the profile, the rest into the schedule."""
    period = {"startPeriod": 0, "limit": figure}
    if phases:
        period["numberPhases"] = phases
    profile = {key: schedule.pop(key) for key in ("validTo", "transactionId") if key in schedule}
    kind = schedule.pop("kind", "Absolute")
    if kind == "Absolute":
        schedule.setdefault("startSchedule", START)
    given = {
        "chargingProfileId": 1,
        "stackLevel": level,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": kind,
        "chargingSchedule": {"chargingRateUnit": unit, "chargingSchedulePeriod": [period], **schedule},
        **profile,
    }
    return bench.ask("SetChargingProfile", connectorId=connector, csChargingProfiles=given)


def sampled(bench, wait_s=20):
    """(measurand, phase): figure of the last sample."""
    bench.take()
    bench.pass_time(wait_s)
    values = bench.take("MeterValues")[-1][1]["meterValue"][-1]["sampledValue"]
    return {(value["measurand"], value.get("phase")): float(value["value"]) for value in values}


def offered(bench, wait_s=20):
    return sampled(bench, wait_s)["Current.Offered", None]


def drawn(bench, wait_s=20):
    """Amperes on L1, L2 and L3."""
    figures = sampled(bench, wait_s)
    return [
        round(figures["Current.Import", phase]) for phase in ("L1", "L2", "L3") if ("Current.Import", phase) in figures
    ]


def key(bench, name):
    return bench.ask("GetConfiguration", key=[name])["configurationKey"][0]["value"]


def test_every_vice_is_shown():
    assert {f"test_{name.replace('-', '_')}" for name in VICES} - set(globals()) == set()


def test_without_a_vice_a_limit_is_obeyed():
    bench = bench_with()
    assert limit(bench, 10.0) == ACCEPTED
    assert (offered(bench), drawn(bench)) == (10.0, [10, 10, 10])
    assert limit(bench, 8.0, phases=1) == ACCEPTED
    assert (offered(bench), drawn(bench)) == (8.0, [8, 0, 0])


def test_a_vice_there_is_none_of():
    with pytest.raises(KeyError):
        Bench(vices=["laziness"])


# Says yes and does nothing.


def test_accepts_and_ignores():
    bench = bench_with("accepts-and-ignores")
    assert limit(bench, 10.0) == ACCEPTED
    assert (offered(bench), drawn(bench)) == (EVERYTHING, [16, 16, 16])
    assert bench.station.tally.excess_a == pytest.approx(CAR_A - 10, abs=0.1)


def test_stores_and_ignores():
    bench = bench_with("stores-and-ignores")
    assert limit(bench, 10.0) == ACCEPTED
    assert (offered(bench), drawn(bench)) == (10.0, [16, 16, 16])
    schedule = bench.ask("GetCompositeSchedule", connectorId=1, duration=60)["chargingSchedule"]
    assert schedule["chargingSchedulePeriod"][0]["limit"] == 10.0


def test_ignores_amperes():
    bench = bench_with("ignores-amperes")
    assert limit(bench, 10.0) == ACCEPTED
    assert offered(bench) == EVERYTHING
    assert limit(bench, 6900.0, unit="W") == ACCEPTED
    assert offered(bench) == 10.0
    assert key(bench, "ChargingScheduleAllowedChargingRateUnit") == "Power"


def test_ignores_max_profile():
    bench = bench_with("ignores-max-profile")
    assert limit(bench, 10.0, connector=0, purpose="ChargePointMaxProfile") == ACCEPTED
    assert offered(bench) == EVERYTHING
    assert limit(bench, 10.0) == ACCEPTED
    assert offered(bench) == 10.0


def test_ignores_phases():
    bench = bench_with("ignores-phases")
    assert limit(bench, 10.0, phases=1) == ACCEPTED
    assert drawn(bench) == [10, 10, 10]
    assert bench.station.tally.excess_a == pytest.approx(10)  # on phases that had been promised to be off
    assert key(bench, "ConnectorSwitch3to1PhaseSupported") == "false"


@pytest.mark.parametrize("end", [{"duration": 60}, {"validTo": "2026-06-01T12:01:20Z"}], ids=["duration", "validTo"])
def test_forgets_duration(end):
    for vices, then_a in (((), EVERYTHING), (["forgets-duration"], 10.0)):
        bench = bench_with(*vices)
        assert limit(bench, 10.0, **end) == ACCEPTED
        assert offered(bench) == 10.0
        assert offered(bench, wait_s=120) == then_a


# Says no.


def test_refuses_all():
    bench = bench_with("refuses-all")
    assert limit(bench, 10.0) == REJECTED
    assert offered(bench) == EVERYTHING


@pytest.mark.parametrize("connector", [0, 1])
def test_watts_only(connector):
    bench = bench_with("watts-only")
    assert limit(bench, 10.0, connector=connector) == REJECTED
    assert limit(bench, 6900.0, unit="W", connector=connector) == ACCEPTED
    assert offered(bench) == 10.0
    assert key(bench, "ChargingScheduleAllowedChargingRateUnit") == "Power"


def test_amperes_only():
    bench = bench_with("amperes-only")
    assert limit(bench, 6900.0, unit="W") == REJECTED
    assert limit(bench, 10.0) == ACCEPTED
    assert key(bench, "ChargingScheduleAllowedChargingRateUnit") == "Current"


def test_stack_0_only():
    bench = bench_with("stack-0-only")
    assert limit(bench, 10.0, level=1) == REJECTED
    assert limit(bench, 10.0, level=0) == ACCEPTED
    assert key(bench, "ChargeProfileMaxStackLevel") == "0"


def test_relative_only():
    bench = bench_with("relative-only")
    assert limit(bench, 10.0) == REJECTED
    assert limit(bench, 10.0, kind="Relative") == ACCEPTED


def test_absolute_only():
    bench = bench_with("absolute-only")
    assert limit(bench, 10.0, kind="Relative") == "PropertyConstraintViolation"
    assert limit(bench, 10.0) == ACCEPTED


def test_no_max_profile():
    bench = bench_with("no-max-profile")
    assert limit(bench, 10.0, connector=0, purpose="ChargePointMaxProfile") == REJECTED
    assert limit(bench, 10.0) == ACCEPTED


def test_max_profile_only():
    bench = bench_with("max-profile-only")
    assert limit(bench, 10.0) == REJECTED
    assert limit(bench, 10.0, connector=0, purpose="ChargePointMaxProfile") == ACCEPTED
    assert offered(bench) == 10.0


def test_tx_profile_only():
    bench = bench_with("tx-profile-only")
    assert limit(bench, 10.0) == NOT_SUPPORTED
    assert limit(bench, 10.0, purpose="TxProfile", transactionId=1) == ACCEPTED
    assert offered(bench) == 10.0


def test_default_profile_only():
    bench = bench_with("default-profile-only")
    assert limit(bench, 10.0, purpose="TxProfile", transactionId=1) == NOT_SUPPORTED
    assert limit(bench, 10.0, connector=0, purpose="ChargePointMaxProfile") == NOT_SUPPORTED
    assert limit(bench, 10.0) == ACCEPTED


def test_connector_0_only():
    bench = bench_with("connector-0-only")
    assert limit(bench, 10.0, connector=1) == REJECTED
    assert limit(bench, 10.0, connector=0) == ACCEPTED
    assert offered(bench) == 10.0


def test_refuses_phases():
    bench = bench_with("refuses-phases")
    assert limit(bench, 10.0, phases=1) == REJECTED
    assert limit(bench, 10.0) == ACCEPTED
    assert drawn(bench) == [10, 10, 10]


def test_zero_refused():
    bench = bench_with("zero-refused")
    assert limit(bench, 0.0) == REJECTED
    assert limit(bench, 6.0) == ACCEPTED
    assert offered(bench) == 6.0


@pytest.mark.parametrize(
    ("vice", "code"), [("no-smart-charging", "NotSupported"), ("unknown-smart-charging", "NotImplemented")]
)
def test_denied(vice, code):
    bench = bench_with(vice)
    assert limit(bench, 10.0) == code
    assert bench.ask("ClearChargingProfile") == code
    assert bench.ask("GetCompositeSchedule", connectorId=1, duration=60) == code
    assert "SmartCharging" not in key(bench, "SupportedFeatureProfiles")


def test_no_smart_charging():
    assert bench_with("no-smart-charging").ask("ClearChargingProfile") == "NotSupported"


def test_unknown_smart_charging():
    assert bench_with("unknown-smart-charging").ask("ClearChargingProfile") == "NotImplemented"


def test_no_composite_schedule():
    bench = bench_with("no-composite-schedule")
    assert bench.ask("GetCompositeSchedule", connectorId=1, duration=60) == "NotSupported"
    assert limit(bench, 10.0) == ACCEPTED


# Zero, and after it.


def test_zero_ends_transaction():
    bench = bench_with("zero-ends-transaction")
    assert limit(bench, 0.0) == ACCEPTED
    said = bench.take()
    assert [(p["transactionId"], p["reason"]) for action, p in said if action == "StopTransaction"] == [(1, "Other")]
    assert [p["status"] for action, p in said if action == "StatusNotification"] == ["Finishing"]
    limit(bench, 10.0)
    bench.pass_time(60)
    assert bench.statuses() == []  # the car stands there, and nothing begins by itself
    assert bench.ask("RemoteStartTransaction", idTag="04A2B3C4", connectorId=1) == ACCEPTED
    assert offered(bench) == 10.0


def test_zero_ends_transaction_but_a_refused_tag_does_not():
    bench = bench_with("zero-ends-transaction")
    bench.ask("ChangeConfiguration", key="StopTransactionOnInvalidId", value="false")
    bench.ask("RemoteStopTransaction", transactionId=1)
    bench.answers["StartTransaction"] = {"transactionId": 2, "idTagInfo": {"status": "Invalid"}}
    bench.take()
    start(bench)
    bench.pass_time(60)
    assert bench.take("StopTransaction") == []


def test_unlimited_after_zero():
    bench = bench_with("unlimited-after-zero")
    limit(bench, 0.0)
    assert offered(bench) == 0.0
    limit(bench, 10.0)
    assert offered(bench) == EVERYTHING
    limit(bench, 10.0)
    assert offered(bench) == 10.0


def test_unlimited_after_zero_until_the_transaction_has_ended():
    bench = bench_with("unlimited-after-zero")
    limit(bench, 0.0)
    limit(bench, 10.0)
    bench.ask("RemoteStopTransaction", transactionId=1)
    start(bench)
    assert offered(bench) == 10.0


def test_asleep_after_zero():
    bench = bench_with("asleep-after-zero")
    limit(bench, 0.0)
    bench.ask("ClearChargingProfile")
    bench.pass_time(4)
    limit(bench, 10.0)
    assert offered(bench) == 0.0
    limit(bench, 10.0)
    assert offered(bench) == 10.0


def test_stuck_after_zero():
    bench = bench_with("stuck-after-zero")
    limit(bench, 0.0)
    limit(bench, 10.0)
    bench.pass_time(600)
    limit(bench, 10.0)
    assert offered(bench) == 0.0
    bench.ask("RemoteStopTransaction", transactionId=1)
    bench.ask("RemoteStartTransaction", idTag="04A2B3C4", connectorId=1)
    assert offered(bench) == 10.0


# What it makes of a limit.


def test_whole_amperes():
    bench = bench_with("whole-amperes")
    limit(bench, 9.9)
    assert (offered(bench), drawn(bench)) == (9.0, [9, 9, 9])


@pytest.mark.parametrize(("given_a", "made_a"), [(5.0, 0.0), (6.0, 6.0), (9.9, 8.0), (15.9, 13.0), (32.0, 16.0)])
def test_coarse_steps(given_a, made_a):
    bench = bench_with("coarse-steps")
    limit(bench, given_a)
    assert offered(bench) == made_a


def test_installer_cap():
    bench = bench_with("installer-cap")
    limit(bench, 16.0)
    assert (offered(bench), drawn(bench)) == (10.0, [10, 10, 10])
    limit(bench, 8.0)
    assert offered(bench) == 8.0


def test_one_phase():
    bench = bench_with("one-phase")
    assert drawn(bench) == [32]
    assert key(bench, "ConnectorSwitch3to1PhaseSupported") == "false"


def test_watts_of_one_phase():
    bench = bench_with("watts-of-one-phase")
    limit(bench, 6900.0, unit="W")
    assert drawn(bench) == [30]
    limit(bench, 10.0)
    assert drawn(bench) == [10]


def test_phases_by_watts():
    bench = bench_with("phases-by-watts")
    for watts, phases, currents in ((4000.0, 3, [17, 0, 0]), (4140.0, 1, [6, 6, 6]), (2300.0, None, [10, 0, 0])):
        limit(bench, watts, unit="W", phases=phases)
        assert drawn(bench) == pytest.approx(currents, abs=1)
    limit(bench, 10.0, phases=1)
    assert drawn(bench) == [10, 10, 10]


def test_late_clock():
    bench = bench_with("late-clock")
    now = f"{bench.now:%Y-%m-%dT%H:%M:%SZ}"
    limit(bench, 10.0, startSchedule=now)
    assert offered(bench, wait_s=50) == EVERYTHING
    assert offered(bench, wait_s=20) == 10.0
    limit(bench, 8.0, kind="Relative")
    assert offered(bench) == 8.0


def test_keeps_level_0():
    bench = bench_with("keeps-level-0")
    limit(bench, 10.0)
    assert bench.ask("ClearChargingProfile", stackLevel=0) == {"status": "Unknown"}
    assert offered(bench) == 10.0
    assert bench.ask("ClearChargingProfile") == ACCEPTED
    assert offered(bench) == EVERYTHING


@pytest.mark.parametrize(("vices", "then_a"), [((), 10.0), (("forgets-at-reboot",), EVERYTHING)], ids=["well", "vice"])
def test_forgets_at_reboot(vices, then_a):
    bench = bench_with(*vices)
    limit(bench, 10.0)
    assert bench.ask("Reset", type="Hard") == ACCEPTED
    bench.disconnect()
    bench.pass_time(5)
    bench.connect()
    start(bench)
    assert offered(bench) == then_a


# What it tells.


def test_no_offered():
    bench = bench_with("no-offered")
    assert "Current.Offered" not in {measurand for measurand, _ in sampled(bench)}
    assert bench.ask("ChangeConfiguration", key="MeterValuesSampledData", value="Current.Offered") == REJECTED


def test_no_phase_currents():
    figures = sampled(bench_with("no-phase-currents"))
    assert [where for where in figures if where[0] == "Current.Import"] == [("Current.Import", None)]
    assert figures["Current.Import", None] == pytest.approx(CAR_A, abs=0.2)


def test_adds_currents_up():
    figures = sampled(bench_with("adds-currents-up"))
    assert [where for where in figures if where[0] == "Current.Import"] == [("Current.Import", None)]
    assert figures["Current.Import", None] == pytest.approx(3 * CAR_A, abs=0.6)
    assert ("Current.Import", None) not in sampled(bench_with("adds-currents-up", "no-import-currents"))


def test_no_import_currents():
    figures = sampled(bench_with("no-import-currents"))
    assert {measurand for measurand, _ in figures if measurand.startswith("Current")} == {"Current.Offered"}


def test_no_currents():
    figures = sampled(bench_with("no-currents"))
    assert {measurand for measurand, _ in figures if measurand.startswith("Current")} == set()
    assert figures["Power.Active.Import", None] == 11_000


def test_energy_only():
    assert list(sampled(bench_with("energy-only"))) == [("Energy.Active.Import.Register", None)]


def test_measures_nothing():
    bench = bench_with("measures-nothing")
    bench.pass_time(3600)
    assert bench.take("MeterValues") == []
    bench.ask("RemoteStopTransaction", transactionId=1)
    [(_, stop)] = bench.take("StopTransaction")
    assert stop["meterStop"] > 1_010_000


def test_slow_answers():
    bench = bench_with("slow-answers")
    assert limit(bench, 10.0) is None
    bench.pass_time(19)
    asked = len(bench.replies)
    bench.pass_time(2)
    assert [reply[2] for reply in bench.replies[asked:]] == [ACCEPTED]
    assert offered(bench) == 10.0


# Several at once, and a remote start's profile.


def test_vices_add_up():
    bench = bench_with("watts-only", "stack-0-only", "whole-amperes")
    assert limit(bench, 10.0) == REJECTED
    assert limit(bench, 6800.0, unit="W", level=1) == REJECTED
    assert limit(bench, 6800.0, unit="W") == ACCEPTED
    assert offered(bench) == 9.0


def test_a_remote_starts_profile_is_refused_too():
    bench = bench_with("watts-only")
    bench.ask("RemoteStopTransaction", transactionId=1)
    given = {
        "chargingProfileId": 1,
        "stackLevel": 0,
        "chargingProfilePurpose": "TxProfile",
        "chargingProfileKind": "Relative",
        "chargingSchedule": {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 10.0}]},
    }
    assert bench.ask("RemoteStartTransaction", idTag="A", chargingProfile=given) == ACCEPTED
    assert "takes no such profile" in " ".join(notice.text for notice in bench.station.notices)
    assert offered(bench) == EVERYTHING


# The tally.


def test_written_profiles_are_counted_by_purpose():
    bench = bench_with("no-max-profile")
    limit(bench, 10.0)
    limit(bench, 9.0)
    limit(bench, 9.0, purpose="TxProfile", transactionId=1)
    limit(bench, 9.0, connector=0, purpose="ChargePointMaxProfile")
    assert bench.station.tally.written == {
        ChargingProfilePurposeType.TX_DEFAULT_PROFILE: 2,
        ChargingProfilePurposeType.TX_PROFILE: 1,
    }


def test_limits_no_car_knows_are_noted():
    bench = bench_with()
    for figure, unit in ((6.0, "A"), (5.9, "A"), (0.0, "A"), (4140.0, "W"), (1380.0, "W")):
        limit(bench, figure, unit=unit)
    assert bench.station.tally.too_small_a == [5.9, 2.0]


def test_a_swap_under_load_is_damage():
    bench = bench_with()
    limit(bench, 10.0)
    bench.pass_time(60)
    limit(bench, 12.0, phases=1)
    bench.pass_time(60)
    [swap] = bench.station.tally.damage
    assert (swap.phases_before, swap.phases, swap.load_a) == (3, 1, 10.0)


def test_a_swap_in_a_pause_is_none():
    bench = bench_with()
    limit(bench, 0.0, phases=3)
    bench.pass_time(60)
    limit(bench, 10.0, phases=1)
    bench.pass_time(60)
    tally = bench.station.tally
    assert tally.damage == []
    assert [(swap.phases_before, swap.phases, round(swap.gap_s)) for swap in tally.swaps] == [(3, 1, 60)]
    assert tally.excess_a <= 0
