"""What `tinyocpp simulate` tells while it goes on: a line for each thing that happens, and how the charge stands.

On a terminal the standing is one line that is written over; elsewhere it is a line every few seconds.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TextIO

from tinyocpp.cli.program import printable
from tinyocpp.simulator.charging import reading

if TYPE_CHECKING:
    from datetime import tzinfo

    from tinyocpp.simulator.charge_point import ChargePoint
    from tinyocpp.simulator.connector import Connector

TELL_EVERY_S = 5.0  # where a line cannot be rewritten
CLEAR_LINE = "\r\x1b[K"


class Narrator:
    """Call `look` after everything that may have happened, `done` at the end."""

    def __init__(self, station: ChargePoint, zone: tzinfo, out: TextIO, name: str = "") -> None:
        """`name` is for where there are several, and goes before every line."""
        self._station = station
        self._zone = zone
        self._out = out
        self._live = out.isatty() and not name
        self._name = f"{name}: " if name else ""
        self._told_at: datetime | None = None
        self._progress = ""

    def look(self) -> None:
        notices = self._station.notices
        if notices:
            self._clear()
            for notice in notices:
                print(f"{self._local(notice.at)}  {self._name}{printable(notice.text)}", file=self._out)
            notices.clear()
        self._tell_progress()
        self._out.flush()

    def done(self) -> None:
        self.look()
        self._clear()

    def _tell_progress(self) -> None:
        now = self._station.now
        progress = next(filter(None, map(self._charging, self._station.connectors)), "")
        if not progress or progress == self._progress:
            return
        if self._live:
            print(f"{CLEAR_LINE}{progress}", end="", file=self._out)
        elif self._told_at is None or now >= self._told_at + timedelta(seconds=TELL_EVERY_S):
            print(f"{self._local(now)}  {self._name}{progress}", file=self._out)
            self._told_at = now
        self._progress = progress

    def _charging(self, connector: Connector) -> str:
        if connector.transaction is None or connector.car is None:
            return ""
        car, running = connector.car, self._station.now - connector.transaction.started_at
        minutes, seconds = divmod(int(running.total_seconds()), 60)
        energy = f"{car.taken_wh / 1000:.2f} of {car.wanted_wh / 1000:.2f} kWh"
        power_kw = reading(self._station, connector).power_w / 1000
        return f"{connector.status.value}  {energy}  {power_kw:.1f} kW  {minutes}:{seconds:02}"

    def _clear(self) -> None:
        if self._live and self._progress:
            print(CLEAR_LINE, end="", file=self._out)
            self._progress = ""

    def _local(self, at: datetime) -> str:
        return f"{at.astimezone(self._zone):%H:%M:%S}"
