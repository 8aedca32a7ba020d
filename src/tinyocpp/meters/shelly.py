"""Shelly energy meters of every generation, over HTTP; which one it is shows in what it answers to.

Power is signed on all of them, import positive; currents are not, and take the sign of their phase's power. One that
measures a single clamp, or each clamp for itself, is read at `channel`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyocpp.measuring import CURRENTS, Reading
from tinyocpp.meters import MeterTrouble
from tinyocpp.meters.fetching import Fetcher
from tinyocpp.meters.paths import value_at
from tinyocpp.meters.polling import poll
from tinyocpp.meters.text import json, number

if TYPE_CHECKING:
    from collections.abc import Callable

    from tinyocpp.meterkinds import ShellyConfig
    from tinyocpp.meters.stopping import Stop

    Power = tuple[float, list[float]]
    """In all, and the current of each phase; fewer than three where there are fewer."""


class ShellyMeter:
    def __init__(self, config: ShellyConfig, plain: str) -> None:
        self._config = config
        self._plain = plain
        self._fetcher = Fetcher(config.timeout_s, None, config.user if config.password else "", config.password)
        self._page: str | None = None  # that it has answered to

    def run(self, tell: Callable[[Reading | MeterTrouble], None], stop: Stop) -> None:
        poll(self._read, self._config.interval_s, tell, stop)

    def _read(self, stop: Stop) -> Reading:
        for page, read in PAGES.items():
            if self._page not in (None, page):
                continue
            url = f"http://{self._config.host}{page.format(channel=self._config.channel)}"
            body = self._fetcher.find(url, stop)
            if body is None:
                continue
            try:
                power_w, currents_a = read(json(body), self._config.channel)
            except MeterTrouble as trouble:
                raise MeterTrouble(f"{url}: {trouble}") from None
            self._page = page
            return self._reading(power_w, currents_a)
        raise MeterTrouble(f"{self._config.host} answers, but not as an energy meter of Shelly does")

    def _reading(self, power_w: float, currents_a: list[float]) -> Reading:
        whole = self._plain == "grid_w" and len(currents_a) == len(CURRENTS)
        currents = dict(zip(CURRENTS, currents_a, strict=True)) if whole else {}
        return Reading({self._plain: power_w, **currents})


def three_phases(status: object, channel: int) -> Power:
    """EM.GetStatus, of those that measure three phases as one (Pro 3EM, 3EM Gen3)."""
    _refuse_errors(status)
    phases = [
        _signed(value_at(status, f"{phase}_current"), value_at(status, f"{phase}_act_power"))
        for phase in ("a", "b", "c")
    ]
    return number(value_at(status, "total_act_power")), phases


def one_clamp(status: object, channel: int) -> Power:
    """EM1.GetStatus, of those that measure each clamp for itself (Pro EM, EM Gen3; 3EM in profile monophase)."""
    _refuse_errors(status)
    power_w = number(value_at(status, "act_power"))
    return power_w, [_signed(value_at(status, "current"), power_w)]


def first_generation(status: object, channel: int) -> Power:
    """/status of 3EM and EM: three clamps are three phases, fewer are each their own."""
    clamps = value_at(status, "emeters")
    if not isinstance(clamps, list) or not clamps:
        raise MeterTrouble("it has no emeters")
    chosen = clamps if len(clamps) == len(CURRENTS) else clamps[channel : channel + 1]
    if not chosen:
        raise MeterTrouble(f"it has {len(clamps)} channels, and none is {channel}")
    if not all(value_at(clamp, "is_valid") for clamp in chosen):
        raise MeterTrouble("it says itself that its figures are not valid")
    powers_w = [number(value_at(clamp, "power")) for clamp in chosen]
    currents_a = [
        _signed(clamp.get("current", 0.0), power_w) for clamp, power_w in zip(chosen, powers_w, strict=True)
    ]  # the EM tells none
    return sum(powers_w), currents_a


PAGES: dict[str, Callable[[object, int], Power]] = {
    "/rpc/EM.GetStatus?id=0": three_phases,
    "/rpc/EM1.GetStatus?id={channel}": one_clamp,
    "/status": first_generation,
}
"""The first of these that it knows; what it does not know it answers with 404."""


def _signed(current_a: object, power_w: object) -> float:
    return number(current_a) if number(power_w) >= 0 else -number(current_a)


def _refuse_errors(status: object) -> None:
    errors = status.get("errors") if isinstance(status, dict) else None
    if errors:
        raise MeterTrouble(f"it tells of {', '.join(map(str, errors)) if isinstance(errors, list) else errors}")
