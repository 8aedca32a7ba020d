"""Section C, as far as a person sets limits: `tinyocpp charger profile`. What chooses them by itself comes later."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from listening import ACCEPTED, Site, charger, within

from quirks.garage import ENERGY, obeying, typed

if TYPE_CHECKING:
    from pathlib import Path

YES = {"SetChargingProfile": ACCEPTED, "ClearChargingProfile": ACCEPTED}


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path, '[chargers]\nadmit = "any"')


async def sent(site: Site, *words: str, charging: bool = False, **answers: Any) -> tuple[int | None, list[Any]]:
    """How `tinyocpp charger profile WORD ...` ended, and the payloads a charger was asked with."""
    async with site.listening() as listener, charger(listener) as garage:
        await garage.boot()
        if charging:
            now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
            start = {"connectorId": 1, "idTag": "04A2", "meterStart": 0, "timestamp": now}
            await garage.ask("StartTransaction", start)
            bucket = {"timestamp": now, "sampledValue": [{"value": "10", "measurand": ENERGY}]}
            await garage.ask("MeterValues", {"connectorId": 1, "transactionId": 9, "meterValue": [bucket]})
        async with obeying(garage, **(YES | answers)) as asked, typed(site, "charger", "profile", *words) as typing:
            pass
    return typing.code, [payload for _, payload in asked]


@within(20)
async def test_C1_C2_stack_level_0_only(site: Site) -> None:
    """ABB Terra AC, Wallbox 5 take no other (C1); go-e cannot clear it, so the next limit replaces the last (C2)."""
    _, (first,) = await sent(site, "set", "--limit", "10A")
    _, (second,) = await sent(site, "set", "--limit", "12A")
    profiles = [call["csChargingProfiles"] for call in (first, second)]
    assert [profile["stackLevel"] for profile in profiles] == [0, 0]
    assert profiles[0]["chargingProfileId"] == profiles[1]["chargingProfileId"]


@within(20)
async def test_C5_C6_absolute_and_begun_already(site: Site) -> None:
    """Autel MaxiCharger takes no Relative for the whole charger (C5); what begins now is not active yet where clocks
    differ (C6)."""
    _, (call,) = await sent(site, "set", "--limit", "16A", "--purpose", "max")
    profile = call["csChargingProfiles"]
    assert profile["chargingProfileKind"] == "Absolute"
    begun = datetime.now(UTC) - datetime.fromisoformat(profile["chargingSchedule"]["startSchedule"])
    assert timedelta(seconds=30) < begun < timedelta(minutes=5)


@within(20)
async def test_C15_refused_in_words_of_its_own(site: Site, capsys: Any) -> None:
    """Schneider EVlink, whose load balancer has to be switched on at the charger: a no, and shown as it is."""
    answer = {"status": "Rejected (Load balancer is disabled)"}
    code, _ = await sent(site, "set", "--limit", "10A", SetChargingProfile=answer)
    assert code == 1
    assert "Load balancer is disabled" in capsys.readouterr().err


@within(20)
async def test_C21_a_profile_of_the_last_server(site: Site) -> None:
    """One word clears everything there is."""
    assert await sent(site, "clear", "--all") == (0, [{}])


@within(20)
async def test_C22_the_number_the_charger_uses(site: Site) -> None:
    """EN+, Huawei: a limit of the running charge names it as they do (X7)."""
    _, (call,) = await sent(site, "set", "--limit", "10A", "--purpose", "tx", charging=True)
    assert call["csChargingProfiles"]["transactionId"] == 9


@pytest.mark.parametrize(("typed", "limit"), [("10.04A", 10.0), ("4.2kW", 4200.0), ("13.999999A", 14.0)])
@within(20)
async def test_C23_many_decimals(site: Site, typed: str, limit: float) -> None:
    """One, and never an exponent."""
    _, (call,) = await sent(site, "set", "--limit", typed)
    (period,) = call["csChargingProfiles"]["chargingSchedule"]["chargingSchedulePeriod"]
    assert period["limit"] == limit
