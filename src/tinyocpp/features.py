"""Rule: what a charger can do, as its own keys say it; and they say it in every spelling there is.

SupportedFeatureProfiles and ChargingScheduleAllowedChargingRateUnit are lists in a text, in which chargers leave words
out, add their own, and write "W" for "Power" (quirks S18, S19). What is said here is a hint about what to try first:
nothing is withheld from a charger because a key does not promise it.
"""

from __future__ import annotations

import re

PROFILES = ("Core", "FirmwareManagement", "LocalAuthListManagement", "Reservation", "SmartCharging", "RemoteTrigger")
"""Section 9.1.4, in the standard's order."""

RATE_UNITS = {"current": "A", "a": "A", "amp": "A", "amps": "A", "ampere": "A", "power": "W", "w": "W", "watt": "W"}
"""What chargers write for each, and what it is called in a charging schedule (section 9.4.2)."""

_BY_WORD = {profile.lower(): profile for profile in PROFILES}
_BETWEEN = re.compile(r"[^0-9a-z]+")
LONGEST_NUMBER = 10  # digits


def whole_number(told: str | None, most: int = 2**31 - 1) -> int | None:
    """What a key says that is a number, such as GetConfigurationMaxKeys. None: it says none, or one nobody can mean."""
    digits = (told or "").strip()
    number = int(digits) if digits.isdecimal() and len(digits) <= LONGEST_NUMBER else None
    return number if number is not None and number <= most else None


def words_of(value: str | None) -> tuple[str, ...]:
    """A list in a text: at commas, semicolons or spaces, in brackets and quotes or not; in lower case."""
    return tuple(word for word in _BETWEEN.split((value or "").lower()) if word)


def feature_profiles(told: str | None) -> frozenset[str]:
    """The profiles of the standard among what SupportedFeatureProfiles says. Empty: it says nothing of use."""
    return frozenset(_BY_WORD[word] for word in words_of(told) if word in _BY_WORD)


def promises(told: str | None, profile: str) -> bool | None:
    """Does it say that it has this profile? None: it does not say, so try."""
    profiles = feature_profiles(told)
    return profile in profiles if profiles else None


def rate_units(told: str | None) -> tuple[str, ...]:
    """Units for a charging schedule, the first to be tried first: "A" where a charger says nothing one can read."""
    return tuple(dict.fromkeys(RATE_UNITS[word] for word in words_of(told) if word in RATE_UNITS)) or ("A",)


def names_unit(told: str | None) -> bool:
    """Does it say anything of units one can read?"""
    return any(word in RATE_UNITS for word in words_of(told))
