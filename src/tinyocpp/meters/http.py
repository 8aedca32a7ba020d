"""Anything that answers to HTTP: a JSON document with figures somewhere in it, or what a program would print."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyocpp.measuring import Reading
from tinyocpp.meters import MeterTrouble
from tinyocpp.meters.fetching import Fetcher
from tinyocpp.meters.paths import sum_at
from tinyocpp.meters.polling import poll
from tinyocpp.meters.text import json, read_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from tinyocpp.meterkinds import HttpConfig
    from tinyocpp.meters.stopping import Stop


class HttpMeter:
    def __init__(self, config: HttpConfig, plain: str) -> None:
        self._config = config
        self._plain = plain
        self._fetcher = Fetcher(config.timeout_s, config.headers, config.user, config.password, config.verify)

    def run(self, tell: Callable[[Reading | MeterTrouble], None], stop: Stop) -> None:
        poll(self._read, self._config.interval_s, tell, stop)

    def _read(self, stop: Stop) -> Reading:
        body = self._fetcher.get(self._config.url, stop)
        try:
            if not self._config.figures:
                return read_text(body.decode("utf-8", "replace"), self._plain)
            document = json(body)
            found = {name: sum_at(document, where) for name, where in self._config.figures.items()}
        except MeterTrouble as trouble:
            raise MeterTrouble(f"{self._config.url}: {trouble}") from None
        figures = {name: value for name, value in found.items() if value is not None}
        if not figures:
            raise MeterTrouble(f"{self._config.url}: {', '.join(found)}: null, so there is nothing to read")
        return Reading(figures)
