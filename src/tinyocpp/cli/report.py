"""`tinyocpp report`: what was booked, by tag, day, month, charger or transaction.

A transaction counts wholly on the local day it started. People get kWh and local time, programs (CSV, JSON) get Wh and
UTC under the names of the design. Sums are made where the rows are, so that a month among a million transactions is
read, not the million.
"""

from __future__ import annotations

import sys
from contextlib import closing
from typing import TYPE_CHECKING

from tinyocpp.cli.tables import Column, add_format, kwh, local_time, print_rows
from tinyocpp.errors import Malformed
from tinyocpp.identity import fold_identity
from tinyocpp.periods import EVERYTHING, Period, days, group_quarters, local_day, month
from tinyocpp.storage import open_reader, open_tags
from tinyocpp.tags import fold
from tinyocpp.transactions import Quality

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Callable, Iterable
    from datetime import tzinfo

    from tinyocpp.cli.tables import Row
    from tinyocpp.config import Config
    from tinyocpp.storage import Booking, Reader
    from tinyocpp.storage.tagfile import TagFile

ENERGY = Column("energy_wh", "kWh", kwh)
COUNT = Column("transactions")


def columns(by: str, zone: tzinfo) -> tuple[Column, ...]:
    """What a report shows; the names are the design's."""
    time = local_time(zone)
    table: dict[str, tuple[Column, ...]] = {
        "tag": (Column("id_tag", "tag", show=_or_none), Column("name"), Column("group"), COUNT, ENERGY),
        "day": (Column("day"), COUNT, ENERGY),
        "month": (Column("month"), COUNT, ENERGY),
        "charger": (Column("charger_id", "charger"), COUNT, ENERGY),
        "transaction": (
            Column("transaction_id", "number"),
            Column("charger_id", "charger"),
            Column("connector_id", "connector"),
            Column("id_tag", "tag"),
            Column("name"),
            Column("started_at", "started", time),
            Column("stopped_at", "stopped", time),
            Column("meter_start_wh", None),
            Column("meter_stop_wh", None),
            ENERGY,
            Column("quality"),
            Column("reason"),
        ),
    }
    return table[by]


DOUBTS = {
    Quality.ESTIMATED: "estimated: the stop is missing, so this is up to the last sample",
    Quality.OPEN: "open: still running",
    Quality.ORPHAN: "orphan: no start is known",
    Quality.FLAGGED: "flagged: the charger's figures contradict each other",
}


def configure(parser: ArgumentParser) -> None:
    parser.description = "What was booked. A transaction counts wholly on the local day it started."
    parser.add_argument("--month", metavar="YYYY-MM", help="only this month")
    parser.add_argument("--from", dest="first", metavar="D", help="from this day on (YYYY-MM-DD)")
    parser.add_argument("--to", dest="last", metavar="D", help="up to and including this day")
    parser.add_argument("--by", choices=tuple(ROWS), default="tag", help="what to sum by (default: tag)")
    parser.add_argument("--charger", metavar="ID", help="only this charger")
    parser.add_argument("--with-simulator", action="store_true", help="also what the simulator has charged")
    add_format(parser, csv=True)


def run(args: Namespace, config: Config) -> int:
    zone = config.zone()
    period = _period(args, zone)
    with closing(open_reader(config)) as reader:
        chosen = Chosen(reader, period, args.charger, args.with_simulator)
        about = f"{period.name}{_extent(reader, zone) if period == EVERYTHING else ''}"
        if args.format == "table":
            print(f"Energy by {args.by}, {about}")
        elif period == EVERYTHING:
            print(f"tinyocpp: {about}", file=sys.stderr)
        rows = ROWS[args.by](chosen, config)
        print_rows(rows, columns(args.by, zone), args.format, empty="Nothing was booked.")
        if args.format == "table":
            for line in _summary(chosen):
                print(line)
    return 0


class Chosen:
    """Part of what is recorded: the reader, asked always with the same limits."""

    def __init__(self, reader: Reader, period: Period, charger_id: str | None, simulator: bool) -> None:
        self.reader = reader
        self.period = period
        self._charger_id = charger_id
        self._simulator = simulator

    def totals(self, by: str) -> list[tuple[str, int, int]]:
        found = self.reader.totals(
            by, self.period.start, self.period.end, charger_id=self._charger_id, simulator=self._simulator
        )
        return [(total.key, total.transactions, total.energy_wh) for total in found]

    def bookings(self) -> Iterable[Booking]:
        return self.reader.bookings(
            self.period.start, self.period.end, charger_id=self._charger_id, simulator=self._simulator
        )

    def qualities(self) -> dict[str, int]:
        return self.reader.qualities(
            self.period.start, self.period.end, charger_id=self._charger_id, simulator=self._simulator
        )


def _by_tag(chosen: Chosen, config: Config) -> Iterable[Row]:
    tags = _tags(config)
    for id_tag, transactions, energy_wh in sorted(chosen.totals("tag"), key=lambda total: fold(total[0])):
        tag = tags.find(id_tag)
        yield {
            "id_tag": tag.id if tag else id_tag,  # the owner's spelling goes before the charger's
            "name": tag.name if tag else "",
            "group": tag.group if tag else "",
            "transactions": transactions,
            "energy_wh": energy_wh,
        }


def _by_day(chosen: Chosen, config: Config) -> Iterable[Row]:
    return _by_calendar("day", chosen, config)


def _by_month(chosen: Chosen, config: Config) -> Iterable[Row]:
    return _by_calendar("month", chosen, config)


def _by_calendar(unit: str, chosen: Chosen, config: Config) -> Iterable[Row]:
    quarters = ((int(key), transactions, energy_wh) for key, transactions, energy_wh in chosen.totals("quarter"))
    for key, transactions, energy_wh in group_quarters(quarters, config.zone(), unit):
        yield {unit: key, "transactions": transactions, "energy_wh": energy_wh}


def _by_charger(chosen: Chosen, config: Config) -> Iterable[Row]:
    spelled = {fold_identity(one.registered.charger_id): one.registered.charger_id for one in chosen.reader.chargers()}
    for charger, transactions, energy_wh in chosen.totals("charger"):
        yield {"charger_id": spelled.get(charger, charger), "transactions": transactions, "energy_wh": energy_wh}


def _by_transaction(chosen: Chosen, config: Config) -> Iterable[Row]:
    tags = _tags(config)
    for booking in chosen.bookings():
        tag = tags.find(booking.id_tag)
        yield {
            "transaction_id": booking.transaction_id,
            "charger_id": booking.charger_id,
            "connector_id": booking.connector_id,
            "id_tag": booking.id_tag,
            "name": tag.name if tag else "",
            "started_at": booking.started_at,
            "stopped_at": booking.stopped_at,
            "meter_start_wh": booking.meter_start_wh,
            "meter_stop_wh": booking.meter_stop_wh,
            "energy_wh": booking.energy_wh,
            "quality": booking.quality,
            "reason": booking.reason,
        }


ROWS: dict[str, Callable[[Chosen, Config], Iterable[Row]]] = {
    "tag": _by_tag,
    "day": _by_day,
    "month": _by_month,
    "charger": _by_charger,
    "transaction": _by_transaction,
}


def _summary(chosen: Chosen) -> list[str]:
    """What it comes to, and how much of that is not as sure as the rest."""
    qualities = chosen.qualities()
    if not qualities:
        return []
    doubts = [f"  {kwh(qualities[quality])} kWh {why}" for quality, why in DOUBTS.items() if quality in qualities]
    return [f"Together {kwh(sum(qualities.values()))} kWh{', of which' if doubts else ''}", *doubts]


def _tags(config: Config) -> TagFile:
    tags = open_tags(config, keep=False)
    if tags.trouble:
        print(f"tinyocpp: {tags.trouble}; {tags.in_force}", file=sys.stderr)
    return tags


def _period(args: Namespace, zone: tzinfo) -> Period:
    if args.month and (args.first or args.last):
        raise Malformed("--month does not go with --from and --to; leave one of them out")
    return month(args.month, zone) if args.month else days(args.first, args.last, zone)


def _extent(reader: Reader, zone: tzinfo) -> str:
    """From the first day to the last, if there is one."""
    known = reader.period()
    return f": {local_day(known[0], zone)} to {local_day(known[1], zone)}" if known else ""


def _or_none(id_tag: object) -> str:
    return str(id_tag) or "(none)"
