"""Rule: what depends on the maker of a charger, as one table keyed by vendor, model and firmware.

What is true of all chargers is no row here but how the rest of the program works. Learnt at boot, kept with the
charger, and each field can be set by hand: `[charger.ID.quirks]`. The numbers are those of docs/charger-quirks.md.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

Seconds = Annotated[float, msgspec.Meta(ge=0, le=3600)]


class Quirks(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to mind with one charger. The defaults are right for one that keeps to the standard."""

    reply_delay_s: Seconds = 0.0  # before a StartTransaction is answered (H21)
    call_pause_s: Seconds = 0.2  # between an answer of the charger and our next call (B18)
    never_read: tuple[str, ...] = ()  # configuration keys it fails at being asked for (M20)
    read_all_keys: bool = True  # it bears a GetConfiguration that names none (B4)
    trigger_boot: bool = True  # it bears being asked for a BootNotification (B2)
    ask_samples_every_s: Seconds = 0.0  # sends meter values only when asked; 0: by itself (M23)
    clear_profiles_first: bool = False  # an old limit of 0 A would end the charge at once (X25)
    stop_refused: bool = True  # end a charge that goes on although its tag was refused (X19)
    stack_level: Annotated[int, msgspec.Meta(ge=0, le=1000)] | None = None  # None: its highest (C1)
    profile_kind: Literal["", "Absolute", "Relative"] = ""  # "": Absolute is tried first (C5, C7)
    rate_unit: Literal["", "A", "W"] = ""  # "": as it says itself (C8)
    current_step_a: Annotated[float, msgspec.Meta(ge=0.1, le=10)] = 0.1  # of a limit (section 7.13)
    current_steps_a: tuple[float, ...] = ()  # the only ones it has, where they are not even (C13)
    pause: Literal["", "zero", "lowest", "stop"] = ""  # 0 A, 6 A, or end the charge and start it again (C9, C10)
    phases: Literal["", "number", "watts", "key", "fixed"] = ""  # how it is told on how many to charge (C17)
    phase_key: str = ""  # its configuration key for that
    phase_values: tuple[str, str] = ("1", "3")  # what to set it to for one, and for three
    times_without_zone: Literal["nearest", "local", "utc"] = "nearest"  # to now, of local time and UTC (T1)


class _Row(msgspec.Struct, frozen=True):
    """Vendor and model are the beginning of what the charger says at boot, whatever the case, spaces and dashes; "" is
    all of them. The firmware too, or with "<=" the last one that does it."""

    vendor: str
    model: str
    firmware: str
    quirks: Quirks


# fmt: off
MAKERS: tuple[_Row, ...] = (
    _Row("ABB", "", "<=1.8.21", Quirks(never_read=("MeterValuesSampledData",), read_all_keys=False)),  # M20, B4
    _Row("ABB", "", "", Quirks(stack_level=0)),  # C1
    _Row("EN+", "", "", Quirks(pause="stop")),  # C9
    _Row("EN-plus", "", "", Quirks(pause="stop")),  # C9
    _Row("Free2move", "", "", Quirks(reply_delay_s=1.0)),  # H21
    _Row("", "F2ME", "", Quirks(reply_delay_s=1.0)),  # H21: the eProWallbox under other names
    _Row("Growatt", "", "", Quirks(times_without_zone="local")),  # T1
    _Row("Huawei", "", "", Quirks(clear_profiles_first=True, rate_unit="W", pause="stop")),  # X25, C8, C9
    _Row("", "SCharger", "", Quirks(clear_profiles_first=True, rate_unit="W", pause="stop")),  # says no vendor (S1)
    _Row("Mennekes", "Amtron 4You", "", Quirks(phases="fixed")),  # C17
    _Row("MG", "", "", Quirks(trigger_boot=False)),  # B2
    _Row("NEcharge", "", "", Quirks(current_steps_a=(6.0, 8.0, 10.0, 13.0, 16.0), pause="stop")),  # C13, C9
    _Row("StarCharge", "", "", Quirks(trigger_boot=False)),  # B2
    _Row("SyncEV", "", "", Quirks(ask_samples_every_s=60.0)),  # M23
    _Row("Sync Energy", "", "", Quirks(ask_samples_every_s=60.0)),  # M23
    _Row("Wallbox", "", "<=5", Quirks(stack_level=0)),  # C1
    _Row("Wallbox", "", "6", Quirks(profile_kind="Relative")),  # C7
)
# fmt: on

_DEFAULT = Quirks()


def quirks_of(vendor: str, model: str, firmware: str) -> Quirks:
    """What the rows say that fit, field by field; of two that say something of one field the first counts."""
    found: dict[str, object] = {}
    for row in MAKERS:
        if _begins(vendor, row.vendor) and _begins(model, row.model) and _firmware_fits(firmware, row.firmware):
            found = differing(row.quirks) | found
    return msgspec.structs.replace(_DEFAULT, **found) if found else _DEFAULT


def overridden(quirks: Quirks, by: Mapping[str, object]) -> Quirks:
    """With what the owner says of single fields, which is known to be possible."""
    return msgspec.convert(msgspec.structs.asdict(quirks) | dict(by), Quirks) if by else quirks


def differing(quirks: Quirks) -> dict[str, object]:
    """The fields that are not as for a charger that keeps to the standard."""
    known = msgspec.structs.asdict(_DEFAULT)
    return {name: value for name, value in msgspec.structs.asdict(quirks).items() if value != known[name]}


def _begins(said: str, begin: str) -> bool:
    return _plain(said).startswith(_plain(begin))


def _plain(name: str) -> str:
    """ "Star-Charge" and "STARCHARGE" are one."""
    return re.sub(r"[^0-9a-z]", "", name.lower())


def _firmware_fits(said: str, wanted: str) -> bool:
    """A charger that does not say its firmware may have any."""
    if not wanted.startswith("<="):
        return said.lower().startswith(wanted.lower())
    last = _version(wanted)
    return _version(said)[: len(last)] <= last


def _version(text: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d{1,9}", text)]
