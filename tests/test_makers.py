"""The table of makers: who fits a row, and what the owner says on top of it."""

from __future__ import annotations

import msgspec
import pytest

from tinyocpp.makers import MAKERS, Quirks, differing, overridden, quirks_of

ABB = Quirks(never_read=("MeterValuesSampledData",), read_all_keys=False, stack_level=0)


@pytest.mark.parametrize(
    ("vendor", "model", "firmware", "quirks"),
    [
        ("", "", "", Quirks()),
        ("Wallbe", "Pro", "1.2", Quirks()),
        ("ABB", "TACW22-4-0000-G1", "1.8.21", ABB),
        ("abb e-mobility", "Terra AC", "V1.6.6", ABB),
        ("ABB", "Terra AC", "1.8.9.55", ABB),
        ("ABB", "Terra AC", "", ABB),  # any: better not ask
        ("ABB", "Terra AC", "1.8.22", Quirks(stack_level=0)),
        ("ABB", "Terra AC", "1.8.32", Quirks(stack_level=0)),
        ("ABB", "Terra AC", "2.0", Quirks(stack_level=0)),
        ("Free2Move eSolutions", "F2ME.EPROSE01TXX", "2.9.3", Quirks(reply_delay_s=1.0)),
        ("FCA", "F2ME.EPROSE01TXX", "2.9.3", Quirks(reply_delay_s=1.0)),
        ("Star-Charge", "Artemis", "1", Quirks(trigger_boot=False)),
        ("STARCHARGE", "Artemis", "1", Quirks(trigger_boot=False)),
        ("SYNC.EV", "Compact EVCP", "1.6.3", Quirks(ask_samples_every_s=60.0)),
        ("", "SCharger-22KT-S0", "", Quirks(clear_profiles_first=True, rate_unit="W", pause="stop")),
        ("Wallbox", "Pulsar Plus", "5.17.72", Quirks(stack_level=0)),
        ("Wall Box Chargers", "Pulsar", "6.7.36", Quirks(profile_kind="Relative")),
        ("Wallbox", "Pulsar Max", "6.7.36", Quirks(profile_kind="Relative")),
    ],
)
def test_whom_a_row_fits(vendor: str, model: str, firmware: str, quirks: Quirks) -> None:
    assert quirks_of(vendor, model, firmware) == quirks


def test_every_row_differs_from_the_standard_and_names_somebody() -> None:
    assert all(differing(row.quirks) for row in MAKERS)
    assert all(row.vendor or row.model for row in MAKERS)


def test_the_owner_has_the_last_word_on_single_fields() -> None:
    assert overridden(ABB, {}) is ABB
    assert overridden(ABB, {"read_all_keys": True}) == Quirks(never_read=("MeterValuesSampledData",), stack_level=0)
    assert overridden(ABB, {"never_read": [], "reply_delay_s": 2}) == Quirks(
        read_all_keys=False, reply_delay_s=2.0, stack_level=0
    )
    assert differing(overridden(Quirks(), {"call_pause_s": 1})) == {"call_pause_s": 1.0}


def test_every_field_is_one_toml_can_say() -> None:
    said = msgspec.to_builtins(Quirks())
    assert msgspec.convert(said, Quirks) == Quirks()
