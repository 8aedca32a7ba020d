"""`tinyocpp status`: what every charger is doing now, and what is wrong.

What is shown is what the ledger knows; whether a charger is connected is whether its command socket answers. With
`--watch` the picture is drawn anew when something happens, and every two seconds.
"""

from __future__ import annotations

import select
import sys
import time
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from tinyocpp.cli.findings import (
    LATELY,
    Circumstances,
    Dealings,
    Finding,
    charger_findings,
    dealing_findings,
    oddity_findings,
    refused_certificates,
    tag_findings,
)
from tinyocpp.cli.known import NO_CHARGER, connected_now, has_been_here
from tinyocpp.cli.power import Power, house_findings, power_findings, read_powers
from tinyocpp.cli.program import printable
from tinyocpp.cli.tables import Column, kwh, local_time, print_rows
from tinyocpp.companions import controlnotes
from tinyocpp.companions.commandclient import CommandClient, open_charger
from tinyocpp.errors import Malformed, OperatorError
from tinyocpp.hosts.expiry import endings
from tinyocpp.identity import fold_identity
from tinyocpp.storage import open_reader, open_tags

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Iterable, Iterator

    from tinyocpp.cli.tables import Row
    from tinyocpp.config import Config
    from tinyocpp.storage import ChargerStatus, ConnectorStatus, Reader, Registered
    from tinyocpp.storage.tagfile import TagFile

REDRAW_S = 2.0
CALM_S = 0.1  # several events in a row are one redraw
CLEAR = "\x1b[H\x1b[2J"


class Picture(msgspec.Struct, frozen=True):
    """Everything at one moment: a row per charger with its connectors, and what is wrong."""

    chargers: list[dict[str, object]]
    findings: list[Finding]


def configure(parser: ArgumentParser) -> None:
    parser.add_argument("--watch", action="store_true", help="go on showing it until Ctrl-C")
    parser.add_argument("--json", action="store_true", help="one JSON document")


def run(args: Namespace, config: Config) -> int:
    if args.json:
        if args.watch:
            raise Malformed("--watch does not go with --json; programs follow the command socket")
        print_rows(picture(config).chargers, (), "json")
    elif args.watch:
        _watch(config)
    else:
        _draw(picture(config), config)
    return 0


def picture(config: Config, now: datetime | None = None) -> Picture:
    """What is to be seen and to be said at this moment. Raises StorageError where the ledger cannot be read."""
    now = now or datetime.now(UTC)
    tags = open_tags(config, keep=False)
    broken = [Finding("", tags.trouble, tags.in_force, wrong=True)] if tags.trouble else []
    with closing(open_reader(config)) as reader:
        known, oddities = reader.chargers(), reader.oddities(now - LATELY)
        unknown = [shown for shown in reader.unknown_tags(now - LATELY) if tags.find(shown[2]) is None]
        ends = endings(config, [one.registered for one in known], reader.certificates(), now)
        dealings = {
            fold_identity(one.registered.charger_id): dealings_with(one.registered, reader, now - LATELY)
            for one in known
        }
        notes = controlnotes.read(config.runtime_directories, now)
        powers = read_powers(reader, config, notes, [one.registered.charger_id for one in known])
    here = _circumstances(config, now)
    certificates = [Finding(end.charger_id, end.text, end.remedy, end.urgent) for end in ends]
    certificates += refused_certificates(oddities)
    rows, findings = [], [*broken, *(finding for finding in certificates if not finding.charger_id)]
    for charger in known:
        folded = fold_identity(charger.registered.charger_id)
        has, power = dealings[folded], powers[folded]
        found = [*charger_findings(charger, here), *dealing_findings(has, here), *power_findings(power, here)]
        found += [finding for finding in certificates if finding.charger_id == charger.registered.charger_id]
        findings += found
        if has_been_here(charger.registered):
            rows.append(_charger_row(charger, here, found, tags, power) | _dealings_row(has, here))
    findings += house_findings(notes, config, here)
    return Picture(rows, [*findings, *oddity_findings(oddities), *tag_findings(unknown, here)])


def _circumstances(config: Config, now: datetime) -> Circumstances:
    return Circumstances(
        now=now,
        zone=config.zone(),
        heartbeat_interval_s=config.chargers.heartbeat_interval_s,
        adopts=config.chargers.admit == "first",
        connected=frozenset(connected_now(config)),
    )


def dealings_with(one: Registered, reader: Reader, since: datetime) -> Dealings:
    """What stands between this charger and us."""
    return Dealings(
        registered=one,
        local_list=next(iter(reader.local_lists(one.charger_id)), None),
        upkeep=reader.upkeep(one.charger_id),
        reservations=reader.reservations(one.charger_id),
        security_events=[
            (told.at, str(told.said.get("type")))
            for told in reader.history(since, charger_id=one.charger_id)
            if told.action == "SecurityEventNotification"
        ],
    )


def _charger_row(
    charger: ChargerStatus, here: Circumstances, findings: list[Finding], tags: TagFile, power: Power
) -> dict[str, object]:
    one = charger.registered
    connected = fold_identity(one.charger_id) in here.connected
    return {
        "charger_id": one.charger_id,
        "connected": connected,
        "vendor": one.vendor,
        "model": one.model,
        "firmware": one.firmware,
        "last_seen_at": one.last_seen_at,
        "connectors": [
            _connector_row(connector, connected, tags, power)
            for connector in charger.connectors
            if connector.connector_id
        ],
        "trouble": [f"{finding.text}; {finding.remedy}".removesuffix("; ") for finding in findings],
    }


def _dealings_row(has: Dealings, here: Circumstances) -> dict[str, object]:
    kept = has.local_list
    return {
        "registration": has.registered.registration,  # null: as configured
        "local_list": kept and {"version": kept.version, "tags": len(kept.entries), "problem": kept.problem},
        "upkeep": [{"what": job.what, "status": job.status, "status_at": job.status_at} for job in has.upkeep],
        "reservations": [msgspec.structs.asdict(one) for one in has.reservations if one.active(here.now)],
    }


def _connector_row(connector: ConnectorStatus, connected: bool, tags: TagFile, power: Power) -> dict[str, object]:
    number = connector.connector_id
    tag = tags.find(connector.id_tag) if connector.id_tag else None
    note = power.note(number)
    row = msgspec.structs.asdict(connector) | {
        "power_w": connector.power_w if connected else None,  # nobody knows what it does by now
        "name": tag.name if tag else "",
        "mode": power.mode_at(number, tag.mode if tag else None),
        "control": (note.words if note else "") or None,
    }
    return row | power.limit_row(number, connected=connected)


# --- for people


def _draw(shown: Picture, config: Config) -> None:
    columns = (
        Column("charger_id", "charger"),
        Column("connector_id", "connector"),
        Column("status"),
        Column("power_w", "kW", lambda power_w: kwh(power_w)[:-1]),
        Column("energy_wh", "kWh", kwh),
        Column("tag"),
        Column("limit_a", "limit", lambda limit_a: "" if limit_a is None else f"{limit_a:g} A"),
        Column("last_seen_at", "last seen", local_time(config.zone())),
    )
    print_rows(_lines(shown.chargers), columns, empty=NO_CHARGER)
    for sentence in _sentences(shown.chargers):
        print(printable(sentence))
    if shown.findings:
        print()
    for finding in sorted(shown.findings, key=lambda finding: not finding.wrong):
        print("!" if finding.wrong else "-", printable(str(finding)))
    sys.stdout.flush()


def _lines(chargers: Iterable[dict[str, object]]) -> list[Row]:
    """A line per connector; one all the same for a charger that has said nothing of any."""
    lines: list[Row] = []
    for charger in chargers:
        connectors = charger["connectors"]
        assert isinstance(connectors, list)
        for connector in connectors or [{}]:
            status = str(connector.get("status") or "")
            tag = " ".join(filter(None, (connector.get("name"), connector.get("id_tag"))))
            here = status if charger["connected"] else f"{status} (not connected)".lstrip()
            lines.append({**charger, **connector, "status": here, "tag": tag})
    return lines


def _sentences(chargers: Iterable[dict[str, object]]) -> Iterator[str]:
    """What each connector is let have and why; nothing of one that charges as fast as it may."""
    for charger in chargers:
        connectors = charger["connectors"]
        assert isinstance(connectors, list)
        for connector in connectors:
            mode, control = connector["mode"], connector["control"]
            steered = f"{mode}, {control}" if control and control != mode else mode
            parts = [steered] if control or mode != "fast" else []
            wanted = connector["limit_words"] and (connector["wish"] or not control)
            parts += [connector["limit_words"]] if wanted else []
            if parts:
                yield f"{charger['charger_id']}, connector {connector['connector_id']}: {'; '.join(parts)}"


def _watch(config: Config) -> None:
    heading = CLEAR if sys.stdout.isatty() else "\n"
    while True:
        print(heading, end="")
        _draw(picture(config), config)
        _wait_for_events(config)


def _wait_for_events(config: Config) -> None:
    """Until something happens to a connected charger, or it is time."""
    deadline = time.monotonic() + REDRAW_S
    with ExitStack() as open_clients:
        clients = [open_clients.enter_context(client) for client in _followed(config)]
        while (left_s := deadline - time.monotonic()) > 0:
            readable = select.select(clients, [], [], left_s)[0]
            if any(_has_news(client) for client in readable):
                time.sleep(CALM_S)
                return


def _followed(config: Config) -> list[CommandClient]:
    clients = []
    for charger_id in connected_now(config):
        try:
            client = open_charger(config.runtime_directories, charger_id)
            client.follow()
        except OperatorError:
            continue  # it went away a moment ago
        clients.append(client)
    return clients


def _has_news(client: CommandClient) -> bool:
    """The first event of a stream is that it is connected, which is no news."""
    line = client.next_event(time.monotonic() + 1)
    return line is None or line.event != "connected"
