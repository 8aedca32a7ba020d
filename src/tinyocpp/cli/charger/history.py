"""`tinyocpp charger history`: what chargers have told of themselves, from the ledger, so also of one that is away.

Samples and transactions are not in it: those are `tinyocpp report`'s. What came as a frame, `tinyocpp log` shows.
"""

from __future__ import annotations

import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from tinyocpp.cli.moments import read_moment
from tinyocpp.cli.tables import Column, add_format, local_time, print_rows
from tinyocpp.errors import Malformed
from tinyocpp.storage import open_reader

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from tinyocpp.config import Config

LATELY = timedelta(days=7)
MOST = 1000


def history_options(parser: ArgumentParser) -> None:
    parser.add_argument("--charger", metavar="ID", help="only this charger")
    parser.add_argument("--since", metavar="TIME", help="from when on (default: a week ago)")
    parser.add_argument("--limit", metavar="N", type=int, default=MOST, help=f"the last so many (default: {MOST})")
    add_format(parser)


def history(args: Namespace, config: Config) -> int:
    if args.limit < 1:
        raise Malformed(f"--limit {args.limit}: write 1 or more")
    limit = min(args.limit, sys.maxsize)
    now = datetime.now(UTC)
    since = read_moment(args.since, "--since", now, config.zone()) if args.since else now - LATELY
    with closing(open_reader(config)) as reader:
        told = reader.history(since, charger_id=args.charger, limit=limit)
    columns = (
        Column("at", "when", local_time(config.zone())),
        Column("charger_id", "charger"),
        Column("action", "told"),
        Column("said", "what", _words),
    )
    rows = [msgspec.structs.asdict(one) for one in told]
    print_rows(rows, columns, args.format, empty="no charger has told anything since then")
    return 0


def _words(said: object) -> str:
    """`connectorId 1, status Charging`"""
    assert isinstance(said, dict)
    return ", ".join(f"{key} {value}" for key, value in said.items())
