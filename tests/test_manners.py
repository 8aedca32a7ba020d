"""How a charger is limited: what its maker is known for, what was learnt of it, what it says itself."""

from __future__ import annotations

import pytest

from tinyocpp.dealings import Manner, Shape
from tinyocpp.makers import Quirks
from tinyocpp.manners import Facts, ends_for_gap, facts, facts_among, paused_by, surely_switches, switches_by

PLAIN = Quirks()
UNTOLD = Facts(quirks=PLAIN)
ONE_CHARGE = Manner(standing=Shape(purpose="TxProfile"))


def test_what_it_says_of_itself() -> None:
    keys = {
        "ChargeProfileMaxStackLevel": "8",
        "ChargingScheduleAllowedChargingRateUnit": "Power",
        "ACPhaseSwitchingSupported": "TRUE",
        "SupportedFeatureProfiles": "Core,SmartCharging",
    }
    quirks = Quirks(pause="stop")
    known = Facts(highest_level=8, units=("W",), says_unit=True, switches=True, promised=True, quirks=quirks)
    assert facts(keys.get, quirks) == known
    assert facts_among({key.upper(): value for key, value in keys.items()}, quirks) == known
    assert facts({}.get, quirks) == Facts(quirks=quirks)


@pytest.mark.parametrize(
    ("known", "learnt", "by", "surely"),
    [
        pytest.param(UNTOLD, Manner(), "number", False, id="nobody says anything: not tried with a car on it"),
        pytest.param(Facts(switches=True, quirks=PLAIN), Manner(), "number", True, id="it says it can"),
        pytest.param(Facts(switches=False, quirks=PLAIN), Manner(), "fixed", False, id="it says it cannot"),
        pytest.param(Facts(units=("W",), quirks=PLAIN), Manner(), "number", True, id="watts alone"),
        pytest.param(UNTOLD, Manner(phases="watts"), "watts", True, id="learnt"),
        pytest.param(Facts(switches=True, quirks=PLAIN), Manner(phases="fixed"), "fixed", False, id="it did not obey"),
        pytest.param(Facts(quirks=Quirks(phases="key")), Manner(phases="watts"), "key", True, id="maker before learnt"),
        pytest.param(Facts(quirks=Quirks(phases="key")), Manner(phases="fixed"), "fixed", False, id="not even so"),
        pytest.param(
            Facts(switches=True, quirks=PLAIN), Manner(pause="stop"), "number", False, id="C9 its charge ends"
        ),
        pytest.param(Facts(quirks=Quirks(phases="fixed")), Manner(phases="watts"), "fixed", False, id="C17"),
        pytest.param(
            Facts(switches=True, quirks=Quirks(pause="stop")), ONE_CHARGE, "fixed", False, id="no gap without an end"
        ),
    ],
)
def test_how_it_is_told_its_phases(known: Facts, learnt: Manner, by: str, surely: bool) -> None:
    assert (switches_by(known, learnt), surely_switches(known, learnt)) == (by, surely)


@pytest.mark.parametrize(
    ("quirks", "learnt", "by", "ends"),
    [
        pytest.param(PLAIN, Manner(), "zero", False, id="as the standard has it"),
        pytest.param(PLAIN, Manner(pause="stop"), "stop", True, id="C9 learnt"),
        pytest.param(Quirks(pause="lowest"), Manner(pause="stop"), "lowest", True, id="the owner's word first"),
        pytest.param(PLAIN, Manner(unbound=True), "zero", True, id="C11 no limit after it"),
    ],
)
def test_how_it_is_paused(quirks: Quirks, learnt: Manner, by: str, ends: bool) -> None:
    assert (paused_by(Facts(quirks=quirks), learnt), ends_for_gap(Facts(quirks=quirks), learnt)) == (by, ends)


def test_what_was_learnt_counts_for_one_firmware() -> None:
    learnt = Manner(firmware="1", phases="fixed")
    assert learnt.for_firmware("1") == learnt
    assert learnt.for_firmware("2") == Manner(firmware="2")
