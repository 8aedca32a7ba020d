"""Rule: how a charger is limited, as its maker is known for it, as it was seen to do it, as it says itself.

What the owner or the maker's row (makers.py) says counts first, then what was learnt of this charger and firmware, then
its own keys; but one that did not obey a number of phases has shown that nothing helps. The errand that tells limits,
the control program and the shell all ask here, so that they are of one mind.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tinyocpp.features import names_unit, promises, rate_units, whole_number

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tinyocpp.dealings import Manner
    from tinyocpp.makers import Quirks

KEYS = (
    "ACPhaseSwitchingSupported",  # Charge Amps' name for the third (quirk C17)
    "ChargeProfileMaxStackLevel",
    "ChargingScheduleAllowedChargingRateUnit",
    "ConnectorSwitch3to1PhaseSupported",
    "NumberOfConnectors",
    "SupportedFeatureProfiles",
)
"""What a charger is asked once, before it is told its first limit (section 9.4)."""


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What a charger says it can, and what is known of its maker."""

    highest_level: int | None = None
    units: tuple[str, ...] = ("A",)
    says_unit: bool = False  # and it says that it takes no other
    switches: bool | None = None  # between one and three phases
    promised: bool | None = None  # does it say that it has smart charging?
    quirks: Quirks


def facts(told: Callable[[str], str | None], quirks: Quirks) -> Facts:
    """`told` has the value of a configuration key."""
    units = told("ChargingScheduleAllowedChargingRateUnit")
    switches = (told("ConnectorSwitch3to1PhaseSupported") or told("ACPhaseSwitchingSupported") or "").strip().lower()
    return Facts(
        highest_level=whole_number(told("ChargeProfileMaxStackLevel"), 10_000),
        units=rate_units(units),
        says_unit=len(rate_units(units)) == 1 and names_unit(units),
        switches={"true": True, "false": False}.get(switches),
        promised=promises(told("SupportedFeatureProfiles"), "SmartCharging"),
        quirks=quirks,
    )


def facts_among(configuration: Mapping[str, str | None], quirks: Quirks) -> Facts:
    """The same, of all it has told of its keys, however it spells them."""
    told = {key.lower(): value for key, value in configuration.items()}
    return facts(lambda key: told.get(key.lower()), quirks)


def paused_by(known: Facts, learnt: Manner) -> str:
    """zero, lowest or stop."""
    return known.quirks.pause or learnt.pause or "zero"


def ends_for_gap(known: Facts, learnt: Manner) -> bool:
    """Without current it is only when no charge runs: it bears no 0 A, or has no limit when that ends."""
    return paused_by(known, learnt) != "zero" or learnt.unbound


def for_charges_alone(learnt: Manner) -> bool:
    """It took no other than a TxProfile, which before a transaction there is none of (section 3.13.1)."""
    return learnt.standing is not None and learnt.standing.purpose == "TxProfile"


def switches_by(known: Facts, learnt: Manner) -> str:
    """How it is told on how many phases to charge: number, watts, key; or fixed, as it does not change them."""
    if learnt.phases == "fixed" or (ends_for_gap(known, learnt) and for_charges_alone(learnt)):
        return "fixed"
    return known.quirks.phases or learnt.phases or ("fixed" if known.switches is False else "number")


def surely_switches(known: Facts, learnt: Manner) -> bool:
    """One that nobody says it of is not tried with a car on it, unless its owner wishes it; nor is one whose charge
    ends with each change."""
    if switches_by(known, learnt) == "fixed" or ends_for_gap(known, learnt):
        return False
    return bool(known.quirks.phases or learnt.phases) or known.switches is True or known.units == ("W",)
