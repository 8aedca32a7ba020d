"""What real chargers do otherwise with limits and meters: the table behind `tinyocpp simulate --vice`.

A vice is what it refuses, what it takes a profile for, what it makes of a limit, what it measures: pure functions and
flags, which the rest of the simulator asks for at the one place each. Without any the charge point is as the standard
has it. The numbers, such as C9, are those of docs/charger-quirks.md.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec

from tinyocpp.messages.frames import ErrorCode
from tinyocpp.messages.samples import Measurand, MeterValue, SampledValue
from tinyocpp.messages.smart_charging import (
    ChargingProfile,
    ChargingProfileKindType,
    ChargingProfilePurposeType,
    ChargingProfileStatus,
    ChargingRateUnitType,
    ChargingSchedulePeriod,
)
from tinyocpp.simulator.car import MINIMUM_A, NOMINAL_V, Offer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

MAX_PROFILE, TX_DEFAULT, TX = (
    ChargingProfilePurposeType.CHARGE_POINT_MAX_PROFILE,
    ChargingProfilePurposeType.TX_DEFAULT_PROFILE,
    ChargingProfilePurposeType.TX_PROFILE,
)
ABSOLUTE, RELATIVE = ChargingProfileKindType.ABSOLUTE, ChargingProfileKindType.RELATIVE
AMPERES, WATTS = ChargingRateUnitType.A, ChargingRateUnitType.W

CAP_A = 10.0  # what the installer has set
STEPS_A = (0, 6, 8, 10, 13, 16)  # C13
ALL_PHASES_W = 3 * MINIMUM_A * NOMINAL_V  # with less one phase must do
SLOW_S = 20.0
BEHIND_S = 60.0
AGAIN_S = 5.0
SMART_CHARGING = ("SetChargingProfile", "ClearChargingProfile", "GetCompositeSchedule")
CORE_ONLY = "Core,FirmwareManagement,LocalAuthListManagement,Reservation,RemoteTrigger"


class Held(msgspec.Struct, frozen=True):
    """What a charger offers that a profile has let on again after 0, until one comes at least `again_s` later."""

    offer: Offer
    again_s: float = 0.0


class Vice(msgspec.Struct, frozen=True, kw_only=True):
    """One row: a line for people, then what is not as usual."""

    does: str
    keys: Mapping[str, str] = {}  # configuration that says so, where a charger is as honest as that
    denies: Mapping[str, ErrorCode] = {}  # action: the CALLERROR
    refuses: Callable[[int, ChargingProfile], bool] = lambda _connector_id, _profile: False
    refusal: ChargingProfileStatus | ErrorCode = ChargingProfileStatus.REJECTED
    ignores: Callable[[ChargingProfile], bool] = lambda _profile: False  # Accepted, and then nothing
    reads: Callable[[ChargingProfile], ChargingProfile] = lambda profile: profile  # what it is taken for
    offers: Callable[[Offer], Offer] = lambda offer: offer  # what the car is really offered
    wired: int = 3  # to so many phases
    adds_up: bool = False  # its currents, into one of no phase
    tells_limit: bool = False  # in Current.Offered, instead of what it offers
    after_zero: Held | None = None
    zero_ends: bool = False
    keeps_level_0: bool = False
    forgets: bool = False  # its profiles, with the power
    slow_s: float = 0.0  # to answer
    behind_s: float = 0.0  # its clock, as schedules have it
    hides: frozenset[Measurand] = frozenset()
    says: Callable[[SampledValue], SampledValue | None] = lambda value: value


def _limits(profile: ChargingProfile) -> list[float]:
    return [period.limit for period in profile.charging_schedule.charging_schedule_period]


def _with_periods(
    profile: ChargingProfile, read: Callable[[ChargingSchedulePeriod], ChargingSchedulePeriod]
) -> ChargingProfile:
    schedule = profile.charging_schedule
    periods = tuple(map(read, schedule.charging_schedule_period))
    return msgspec.structs.replace(
        profile, charging_schedule=msgspec.structs.replace(schedule, charging_schedule_period=periods)
    )


def _without_phases(profile: ChargingProfile) -> ChargingProfile:
    return _with_periods(profile, lambda period: msgspec.structs.replace(period, number_phases=None))


def _watts_of_one(profile: ChargingProfile) -> ChargingProfile:
    if profile.charging_schedule.charging_rate_unit is AMPERES:
        return profile
    return _with_periods(profile, lambda period: msgspec.structs.replace(period, number_phases=1))


def _phases_by_watts(profile: ChargingProfile) -> ChargingProfile:
    """Its own choice, whatever was said; amperes are of three phases always."""
    if profile.charging_schedule.charging_rate_unit is AMPERES:
        return _without_phases(profile)
    return _with_periods(
        profile,
        lambda period: msgspec.structs.replace(period, number_phases=3 if period.limit >= ALL_PHASES_W else 1),
    )


def _for_ever(profile: ChargingProfile) -> ChargingProfile:
    schedule = msgspec.structs.replace(profile.charging_schedule, duration=None)
    return msgspec.structs.replace(profile, valid_to=None, charging_schedule=schedule)


def _names_phases(_connector_id: int, profile: ChargingProfile) -> bool:
    return any(period.number_phases for period in profile.charging_schedule.charging_schedule_period)


def _one_phase_unnamed(value: SampledValue) -> SampledValue | None:
    """Of the phases the first, without saying that it is one."""
    if value.measurand is not Measurand.CURRENT_IMPORT:
        return value
    return msgspec.structs.replace(value, phase=None) if value.phase == "L1" else None


def _added_up(values: Iterable[SampledValue]) -> list[SampledValue]:
    currents = [value for value in values if value.measurand is Measurand.CURRENT_IMPORT]
    others = [value for value in values if value.measurand is not Measurand.CURRENT_IMPORT]
    if not currents:
        return others
    whole_a = sum(float(value.value) for value in currents)
    return [*others, msgspec.structs.replace(currents[0], value=f"{whole_a:.1f}", phase=None)]


def _in_steps(offer: Offer) -> Offer:
    return Offer(float(max(step for step in STEPS_A if step <= offer.current_a)), offer.phases)


ALL_BUT_ENERGY = frozenset(Measurand) - {Measurand.ENERGY_ACTIVE_IMPORT_REGISTER}
CURRENT_ONLY, POWER_ONLY, ONE_LEVEL, FIXED_PHASES = (
    {"ChargingScheduleAllowedChargingRateUnit": "Current"},
    {"ChargingScheduleAllowedChargingRateUnit": "Power"},
    {"ChargeProfileMaxStackLevel": "0"},
    {"ConnectorSwitch3to1PhaseSupported": "false"},
)

VICES: dict[str, Vice] = {
    # Says yes and does nothing.
    "accepts-and-ignores": Vice(does="profiles are Accepted and change nothing", ignores=lambda _profile: True),
    "stores-and-ignores": Vice(
        does="the same, while Current.Offered and the composite schedule say the limit (C14)",
        offers=lambda offer: Offer(),
        tells_limit=True,
    ),
    "ignores-amperes": Vice(
        does="limits in amperes are Accepted and change nothing (C8)",
        keys=POWER_ONLY,
        ignores=lambda profile: profile.charging_schedule.charging_rate_unit is AMPERES,
    ),
    "ignores-max-profile": Vice(
        does="a ChargePointMaxProfile is Accepted and changes nothing (C4)",
        ignores=lambda profile: profile.charging_profile_purpose is MAX_PROFILE,
    ),
    "ignores-phases": Vice(does="numberPhases changes nothing (C17)", keys=FIXED_PHASES, reads=_without_phases),
    "forgets-duration": Vice(does="duration and validTo change nothing: a limit stays", reads=_for_ever),
    # Says no.
    "refuses-all": Vice(does="every profile is Rejected (C15)", refuses=lambda _connector_id, _profile: True),
    "watts-only": Vice(
        does="limits in amperes are Rejected",
        keys=POWER_ONLY,
        refuses=lambda _connector_id, profile: profile.charging_schedule.charging_rate_unit is AMPERES,
    ),
    "amperes-only": Vice(
        does="limits in watts are Rejected",
        keys=CURRENT_ONLY,
        refuses=lambda _connector_id, profile: profile.charging_schedule.charging_rate_unit is WATTS,
    ),
    "stack-0-only": Vice(
        does="a stackLevel above 0 is Rejected (C1)",
        keys=ONE_LEVEL,
        refuses=lambda _connector_id, profile: profile.stack_level > 0,
    ),
    "relative-only": Vice(
        does="a profile that is not Relative is Rejected (C7)",
        refuses=lambda _connector_id, profile: profile.charging_profile_kind is not RELATIVE,
    ),
    "absolute-only": Vice(
        does="a Relative profile gets a CALLERROR, PropertyConstraintViolation (C5)",
        refuses=lambda _connector_id, profile: profile.charging_profile_kind is RELATIVE,
        refusal=ErrorCode.PROPERTY_CONSTRAINT_VIOLATION,
    ),
    "no-max-profile": Vice(
        does="a ChargePointMaxProfile is Rejected (C3)",
        refuses=lambda _connector_id, profile: profile.charging_profile_purpose is MAX_PROFILE,
    ),
    "max-profile-only": Vice(
        does="any profile but a ChargePointMaxProfile is Rejected",
        refuses=lambda _connector_id, profile: profile.charging_profile_purpose is not MAX_PROFILE,
    ),
    "tx-profile-only": Vice(
        does="any profile but a TxProfile is NotSupported",
        refuses=lambda _connector_id, profile: profile.charging_profile_purpose is not TX,
        refusal=ChargingProfileStatus.NOT_SUPPORTED,
    ),
    "default-profile-only": Vice(
        does="any profile but a TxDefaultProfile is NotSupported",
        refuses=lambda _connector_id, profile: profile.charging_profile_purpose is not TX_DEFAULT,
        refusal=ChargingProfileStatus.NOT_SUPPORTED,
    ),
    "connector-0-only": Vice(
        does="a profile for any connector but 0 is Rejected",
        refuses=lambda connector_id, _profile: connector_id != 0,
    ),
    "refuses-phases": Vice(
        does="a profile with numberPhases is Rejected", keys=FIXED_PHASES, refuses=_names_phases, reads=_without_phases
    ),
    "zero-refused": Vice(
        does="a limit of 0 is Rejected (C10)", refuses=lambda _connector_id, profile: 0 in _limits(profile)
    ),
    "no-smart-charging": Vice(
        does="everything about profiles gets a CALLERROR, NotSupported",
        keys={"SupportedFeatureProfiles": CORE_ONLY},
        denies=dict.fromkeys(SMART_CHARGING, ErrorCode.NOT_SUPPORTED),
    ),
    "unknown-smart-charging": Vice(
        does="everything about profiles gets a CALLERROR, NotImplemented",
        keys={"SupportedFeatureProfiles": CORE_ONLY},
        denies=dict.fromkeys(SMART_CHARGING, ErrorCode.NOT_IMPLEMENTED),
    ),
    "no-composite-schedule": Vice(
        does="GetCompositeSchedule gets a CALLERROR, NotSupported",
        denies={"GetCompositeSchedule": ErrorCode.NOT_SUPPORTED},
    ),
    # Zero, and after it.
    "zero-ends-transaction": Vice(does="a limit of 0 ends the transaction, reason Other (C9)", zero_ends=True),
    "unlimited-after-zero": Vice(
        does="the profile that ends a 0 is not obeyed: everything is offered until the next one (C11)",
        after_zero=Held(Offer()),
    ),
    "asleep-after-zero": Vice(
        does=f"stays at 0 until a profile comes that is {AGAIN_S:.0f} s later than the one that ended the 0 (C11)",
        after_zero=Held(Offer(0.0), AGAIN_S),
    ),
    "stuck-after-zero": Vice(
        does="stays at 0 until the transaction has ended (C11)", after_zero=Held(Offer(0.0), math.inf)
    ),
    # What it makes of a limit.
    "whole-amperes": Vice(
        does="rounds down to whole amperes", offers=lambda offer: Offer(float(int(offer.current_a)), offer.phases)
    ),
    "coarse-steps": Vice(does="knows 6, 8, 10, 13 and 16 A, and rounds down (C13)", offers=_in_steps),
    "installer-cap": Vice(
        does=f"offers {CAP_A:.0f} A at most (C16)",
        offers=lambda offer: Offer(min(CAP_A, offer.current_a), offer.phases),
    ),
    "one-phase": Vice(
        does="is connected to one phase", keys=FIXED_PHASES, offers=lambda offer: Offer(offer.current_a, 1), wired=1
    ),
    "watts-of-one-phase": Vice(
        does="is connected to one phase, and takes watts to be of it",
        keys=FIXED_PHASES,
        reads=_watts_of_one,
        offers=lambda offer: Offer(offer.current_a, 1),
        wired=1,
    ),
    "phases-by-watts": Vice(
        does=f"chooses the phases itself: below {ALL_PHASES_W:.0f} W one, else three", reads=_phases_by_watts
    ),
    "late-clock": Vice(
        does=f"its clock is {BEHIND_S:.0f} s behind: what starts now starts then (C6)", behind_s=BEHIND_S
    ),
    "keeps-level-0": Vice(does="a profile of stackLevel 0 cannot be cleared by its level (C2)", keeps_level_0=True),
    "forgets-at-reboot": Vice(does="its profiles are gone after a restart (C19)", forgets=True),
    # What it tells.
    "no-offered": Vice(does="never measures Current.Offered", hides=frozenset({Measurand.CURRENT_OFFERED})),
    "no-phase-currents": Vice(does="tells one Current.Import, without a phase", says=_one_phase_unnamed),
    "adds-currents-up": Vice(does="tells one Current.Import, without a phase, of all phases together", adds_up=True),
    "no-currents": Vice(
        does="tells no current at all, only power and energy",
        hides=frozenset({Measurand.CURRENT_IMPORT, Measurand.CURRENT_OFFERED}),
    ),
    "no-import-currents": Vice(does="never measures Current.Import", hides=frozenset({Measurand.CURRENT_IMPORT})),
    "energy-only": Vice(does="measures nothing but its register", hides=ALL_BUT_ENERGY),
    "measures-nothing": Vice(does="sends no MeterValues at all", hides=frozenset(Measurand)),
    "slow-answers": Vice(does=f"takes {SLOW_S:.0f} s for every answer", slow_s=SLOW_S),
}


class Vices:
    """Those one charge point has, asked together. KeyError for a name that is none."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self.names = tuple(names)
        self._all = [VICES[name] for name in self.names]
        self.keys = {key: value for vice in self._all for key, value in vice.keys.items()}
        self.denies = {action: code for vice in self._all for action, code in vice.denies.items()}
        self.hides = frozenset().union(*(vice.hides for vice in self._all))
        self.after_zero = next((vice.after_zero for vice in self._all if vice.after_zero), None)
        self.zero_ends = any(vice.zero_ends for vice in self._all)
        self.keeps_level_0 = any(vice.keeps_level_0 for vice in self._all)
        self.forgets = any(vice.forgets for vice in self._all)
        self.tells_limit = any(vice.tells_limit for vice in self._all)
        self.slow_s = sum(vice.slow_s for vice in self._all)
        self.behind_s = sum(vice.behind_s for vice in self._all)
        self.wired = min((vice.wired for vice in self._all), default=3)
        self.adds_up = any(vice.adds_up for vice in self._all)

    def refusal(self, connector_id: int, profile: ChargingProfile) -> ChargingProfileStatus | ErrorCode | None:
        return next((vice.refusal for vice in self._all if vice.refuses(connector_id, profile)), None)

    def read(self, profile: ChargingProfile) -> ChargingProfile | None:
        """What this one is taken for; None: it is as if it had not come."""
        if any(vice.ignores(profile) for vice in self._all):
            return None
        for vice in self._all:
            profile = vice.reads(profile)
        return profile

    def offer(self, offer: Offer) -> Offer:
        for vice in self._all:
            offer = vice.offers(offer)
        return offer

    def measured(self, value: MeterValue) -> MeterValue:
        said: list[SampledValue | None] = list(value.sampled_value)
        for vice in self._all:
            said = [vice.says(one) for one in said if one]
        told = [one for one in said if one]
        return MeterValue(timestamp=value.timestamp, sampled_value=tuple(_added_up(told) if self.adds_up else told))
