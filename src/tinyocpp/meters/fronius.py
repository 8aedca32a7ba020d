"""Fronius inverters with a Smart Meter, by their Solar API: grid, sun and battery in one answer.

P_Grid is import positive as ours; P_Akku is positive while the battery gives, so it is turned. At night the sun is
null, which is 0. Without a Smart Meter the grid is null, which is nothing to go by. (Fronius Solar API V1,
42,0410,2012.)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyocpp.measuring import Reading
from tinyocpp.meters import MeterTrouble
from tinyocpp.meters.fetching import Fetcher
from tinyocpp.meters.paths import value_at
from tinyocpp.meters.polling import poll
from tinyocpp.meters.text import json, number

if TYPE_CHECKING:
    from collections.abc import Callable

    from tinyocpp.meterkinds import FroniusConfig
    from tinyocpp.meters.stopping import Stop

PAGE = "/solar_api/v1/GetPowerFlowRealtimeData.fcgi"


class FroniusMeter:
    def __init__(self, config: FroniusConfig, plain: str) -> None:
        self._url = f"http://{config.host}{PAGE}"
        self._interval_s = config.interval_s
        self._plain = plain
        self._fetcher = Fetcher(config.timeout_s)

    def run(self, tell: Callable[[Reading | MeterTrouble], None], stop: Stop) -> None:
        poll(self._read, self._interval_s, tell, stop)

    def _read(self, stop: Stop) -> Reading:
        body = self._fetcher.get(self._url, stop)
        try:
            figures = power_flow(json(body))
            if self._plain not in figures:
                raise MeterTrouble(WITHOUT[self._plain])
        except MeterTrouble as trouble:
            raise MeterTrouble(f"{self._url}: {trouble}") from None
        return Reading(figures)


WITHOUT = {
    "grid_w": "P_Grid is null: the inverter has no Smart Meter, or does not reach it",
    "battery_w": "P_Akku is null: there is no battery, or it is off",
}


def power_flow(answer: object) -> dict[str, float]:
    """The figures in the answer; what is null or not there is left out, but for the sun."""
    if number(value_at(answer, "Head.Status.Code")):
        raise MeterTrouble(f"it refuses: {value_at(answer, 'Head.Status.Reason')}")
    site = value_at(answer, "Body.Data.Site")
    said = {key: value for key, value in site.items() if value is not None} if isinstance(site, dict) else {}
    figures = {"pv_w": number(said.get("P_PV", 0.0))}
    if "P_Grid" in said:
        figures["grid_w"] = number(said["P_Grid"])
    if "P_Akku" in said:
        figures["battery_w"] = -number(said["P_Akku"])
        figures |= _charge(answer)
    return figures


def _charge(answer: object) -> dict[str, float]:
    """How full the battery is, as the inverter it hangs on says."""
    inverters = value_at(answer, "Body.Data.Inverters")
    found = [inverter.get("SOC") for inverter in inverters.values()] if isinstance(inverters, dict) else []
    return next(({"battery_soc": number(soc)} for soc in found if soc is not None), {})
