"""Rule: what depends on the maker of a charger, as one table keyed by vendor, model and firmware.

What is true of all chargers is no row here but how the rest of the program works. Learnt at boot, kept with the
charger, and each field can be set by hand: `[charger.ID.quirks]`. The numbers are those of docs/charger-quirks.md.
"""

from __future__ import annotations

import msgspec


class Quirks(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to mind with one charger. The defaults are right for one that keeps to the standard."""

    reply_delay_s: float = 0.0  # before a StartTransaction is answered (H21)
    call_pause_s: float = 0.0  # between an answer of the charger and our next call (B18)
    never_read: tuple[str, ...] = ()  # configuration keys it fails at being asked for (M20)
    read_all_keys: bool = True  # it bears a GetConfiguration that names none (B4)
    trigger_boot: bool = True  # it bears being asked for a BootNotification (B2)


class _Row(msgspec.Struct, frozen=True):
    """Each text is the beginning of what the charger calls itself, in any case; "" is all of them."""

    vendor: str
    model: str
    firmware: str
    quirks: Quirks


MAKERS: tuple[_Row, ...] = (_Row("Free2move", "", "", Quirks(reply_delay_s=1.0)),)


def quirks_of(vendor: str, model: str, firmware: str) -> Quirks:
    """The first row that fits; defaults where none does."""
    named = vendor.lower(), model.lower(), firmware.lower()
    for row in MAKERS:
        if all(
            name.startswith(begin.lower())
            for name, begin in zip(named, (row.vendor, row.model, row.firmware), strict=True)
        ):
            return row.quirks
    return Quirks()
