"""`tinyocpp charger reserve|cancel-reservation|reservations`: a connector kept free for a tag (section 5.13).

What has been asked and what became of it is in the ledger, whoever asked; here is what a person types. A reservation
always has an end: some chargers never let go of one by themselves.
"""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from tinyocpp.cli.charger.dialogue import add_charger, add_connector, dialogue
from tinyocpp.cli.moments import read_moment, read_span
from tinyocpp.cli.start import tag_typed
from tinyocpp.cli.tables import Column, add_format, local_time, print_rows
from tinyocpp.dealings import ReservationState
from tinyocpp.errors import Malformed, Refused
from tinyocpp.messages.payload import whole_seconds
from tinyocpp.messages.reservation import CancelReservation, ReserveNow
from tinyocpp.messages.types import AuthorizationStatus
from tinyocpp.storage import open_reader, open_tags
from tinyocpp.tags import LONGEST

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from tinyocpp.cli.charger.dialogue import Dialogue
    from tinyocpp.config import Config
    from tinyocpp.dealings import Reservation
    from tinyocpp.storage.tagfile import TagFile


def reserve_options(parser: ArgumentParser) -> None:
    parser.add_argument("tag", metavar="TAG", help="for whom, id or name")
    add_connector(parser, "which of its connectors, 0 for any (default: the only one)")
    until = parser.add_mutually_exclusive_group(required=True)
    until.add_argument("--until", metavar="TIME", help="such as 18:30, '2026-06-01 18:30' or with a zone")
    until.add_argument("--for", dest="span", metavar="SPAN", help="such as 30m or 1h30m")
    parser.add_argument("--group", metavar="G", help="whose members may use it too (default: the group of the tag)")
    parser.add_argument("--id", metavar="N", type=int, help="the number of a reservation to replace")
    parser.add_argument("--anyway", action="store_true", help="also for a tag that may not charge, or a refused 0")
    add_charger(parser)


def reserve(args: Namespace, config: Config) -> int:
    now = datetime.now(UTC)
    zone = config.zone()
    until = read_moment(args.until, "--until", now, zone) if args.until else now + read_span(args.span, "--for")
    if until <= now:
        raise Malformed(f"--until {args.until} is over; write a time to come, with its day if it is not today")
    id_tag, group = _whose(args, open_tags(config, keep=False), now)
    with dialogue(args, config) as charger:
        connector_id = _connector(charger, args)
        call = ReserveNow(
            connector_id=connector_id,
            expiry_date=whole_seconds(until),
            id_tag=id_tag,
            parent_id_tag=group or None,
            reservation_id=_number(charger, args.id),
        )
        charger.demand(
            call,
            connector=f"connector {connector_id}" if connector_id else "any connector",
            tag=id_tag,
            until=f"{until.astimezone(zone):%Y-%m-%d %H:%M}",
            reservation=call.reservation_id,
        )
    return 0


def _whose(args: Namespace, tags: TagFile, now: datetime) -> tuple[str, str]:
    """The tag and its group, as they go on the wire. Nobody would come in with a tag that may not charge."""
    id_tag = tag_typed(args.tag, tags)
    verdict = tags.judge(id_tag, now)
    group = args.group if args.group is not None else verdict.parent_id_tag or ""
    if not verdict.id_tag:
        raise Malformed("TAG: for whom? write an id or a name of the tags file")
    for name, text in (("TAG", verdict.id_tag), ("--group", group)):
        if len(text) > LONGEST:
            raise Malformed(f"{name} {text}: longer than the {LONGEST} characters a charger has room for")
    if verdict.status is not AuthorizationStatus.ACCEPTED and not args.anyway:
        raise Refused(
            f"the tag {id_tag} may not charge ({verdict.status}), so a connector would be kept for nobody;"
            " see tinyocpp tag list, or reserve it --anyway"
        )
    return verdict.id_tag, group


def _connector(charger: Dialogue, args: Namespace) -> int:
    """0, any of them, only where the charger says it can do that (ReserveConnectorZeroSupported)."""
    if args.connector != 0:
        return charger.only_connector(args.connector)
    if (charger.told("ReserveConnectorZeroSupported") or "").lower() != "true" and not args.anyway:
        raise Malformed(
            f"--connector 0: {charger.charger_id} has not said that it can keep any connector"
            " (ReserveConnectorZeroSupported); name one, or ask all the same with --anyway"
        )
    return 0


def _number(charger: Dialogue, typed: int | None) -> int:
    """A new one; a known one would replace that reservation."""
    if typed is not None:
        return typed
    return max((one.reservation_id for one in charger.reader.reservations(charger.charger_id)), default=0) + 1


def cancel_reservation_options(parser: ArgumentParser) -> None:
    parser.add_argument("id", metavar="ID", type=int, nargs="?", help="its number (default: the only one in force)")
    add_connector(parser, "the one on this connector")
    parser.add_argument("--anyway", action="store_true", help="also a number nobody here knows")
    add_charger(parser)


def cancel_reservation(args: Namespace, config: Config) -> int:
    with dialogue(args, config) as charger:
        known = _in_force(charger.reader.reservations(charger.charger_id))
        charger.demand(CancelReservation(reservation_id=_which(known, args, charger.charger_id)))
    return 0


def _which(known: list[Reservation], args: Namespace, charger_id: str) -> int:
    wanted = [
        one.reservation_id
        for one in known
        if args.id in (None, one.reservation_id) and args.connector in (None, one.connector_id)
    ]
    if len(wanted) == 1:
        return wanted[0]
    if args.id is not None and args.anyway:
        return int(args.id)
    if not wanted:
        said = f"reservation {args.id}" if args.id is not None else "reservation"
        where = f" on connector {args.connector}" if args.connector is not None else ""
        raise Refused(f"{charger_id} has no {said}{where}{_numbers(known)}; see tinyocpp charger reservations")
    raise Malformed(f"which reservation? name its number{_numbers(known)}")


def _numbers(known: list[Reservation]) -> str:
    """(in force: 3 on connector 1)"""
    said = ", ".join(f"{one.reservation_id} on connector {one.connector_id}" for one in known)
    return f" (in force: {said})" if said else ""


def _in_force(all_: list[Reservation]) -> list[Reservation]:
    """Those the charger keeps, or may keep: of one whose answer was lost nobody knows."""
    now = datetime.now(UTC)
    return [
        one for one in all_ if one.expires_at > now and one.state in (ReservationState.ACTIVE, ReservationState.ASKED)
    ]


def reservations_options(parser: ArgumentParser) -> None:
    parser.add_argument("--charger", metavar="ID", help="only this charger")
    parser.add_argument("--all", action="store_true", help="also those that are over, used, cancelled or refused")
    add_format(parser)


def reservations(args: Namespace, config: Config) -> int:
    with closing(open_reader(config)) as reader:
        known = reader.reservations(args.charger)
    tags = open_tags(config, keep=False)
    time = local_time(config.zone())
    columns = (
        Column("charger_id", "charger"),
        Column("reservation_id", "number"),
        Column("connector_id", "connector", lambda number: str(number or "any")),
        Column("id_tag", "tag"),
        Column("name"),
        Column("expires_at", "until", time),
        Column("state"),
        Column("transaction_id", "transaction"),
    )
    rows = [_row(one, tags) for one in (known if args.all else _in_force(known))]
    print_rows(rows, columns, args.format, empty="no connector is reserved; tinyocpp charger reserve keeps one")
    return 0


def _row(one: Reservation, tags: TagFile) -> dict[str, object]:
    known = tags.find(one.id_tag)
    over = one.state is ReservationState.ACTIVE and not one.active(datetime.now(UTC))
    return msgspec.structs.asdict(one) | {
        "name": known.name if known else "",
        "state": "over" if over else str(one.state),
    }
