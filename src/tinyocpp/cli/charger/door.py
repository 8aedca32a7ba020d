"""`tinyocpp charger list|admit|forget`: who may connect.

They work on the accounting database, whether or not anything runs; a running host asks it for every connection.
`writing` and `identity_typed` are for every word that writes down something about a charger.
"""

from __future__ import annotations

import os
import sys
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from tinyocpp.cli.tables import Column, add_format, local_time, print_rows
from tinyocpp.companions.commandclient import connected_chargers
from tinyocpp.errors import Malformed, NotPermitted, Refused, StorageError
from tinyocpp.identity import RULE, fold_identity, valid_identity
from tinyocpp.storage import BUSY, open_reader, open_store

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Iterator

    from tinyocpp.config import Config
    from tinyocpp.storage import Registered, Store


def connected_now(config: Config) -> set[str]:
    """The identities, folded, whose command socket answers. Says so where this user may not know."""
    try:
        return set(connected_chargers(config.runtime_directories))
    except NotPermitted as error:
        print(f"tinyocpp: who is connected cannot be seen: {error}", file=sys.stderr)
        return set()


def identity_typed(typed: str) -> str:
    if not valid_identity(typed):
        raise Malformed(f"{typed!r}: {RULE}")
    return typed


@contextmanager
def writing(config: Config) -> Iterator[Store]:
    """One batch; durable when it ends without an error."""
    with closing(open_store(config)) as store:
        if not store.begin():
            raise StorageError(f"{BUSY}; try again")
        yield store
        store.commit()


def add_identity(parser: ArgumentParser) -> None:
    parser.add_argument("id", metavar="ID")


def show_list_options(parser: ArgumentParser) -> None:
    add_format(parser)


def show_list(args: Namespace, config: Config) -> int:
    known = []
    if os.path.exists(config.paths.accounting):
        with closing(open_reader(config)) as reader:
            known = [one.registered for one in reader.chargers()]
    connected = connected_now(config)
    time = local_time(config.zone())
    rows = [_row(one, connected) for one in known]
    columns = (
        Column("charger_id", "charger"),
        Column("connected"),
        Column("admitted_at", "admitted", time),
        Column("password"),
        Column("last_seen_at", "last seen", time),
        Column("model"),
        Column("refusals", "refused", lambda times: str(times or "")),
        Column("refused_why", "why"),
    )
    print_rows(
        rows, columns, args.format, empty="no charger has connected yet; tinyocpp doctor says what to type into it"
    )
    return 0


def _row(one: Registered, connected: set[str]) -> dict[str, object]:
    row = msgspec.structs.asdict(one)
    row["password"] = row.pop("password_hash") is not None
    return row | {"connected": fold_identity(one.charger_id) in connected}


admit_options = forget_options = add_identity


def admit(args: Namespace, config: Config) -> int:
    with writing(config) as store:
        store.register.admit(identity_typed(args.id), datetime.now(UTC))
    print(f"{args.id} may connect from now on; most chargers try again by themselves within a minute or two")
    return 0


def forget(args: Namespace, config: Config) -> int:
    with writing(config) as store:
        if not store.register.forget(args.id):
            raise Refused(f"there is no charger {args.id}; see: tinyocpp charger list")
    print(f"{args.id} is forgotten; what it charged stays booked")
    if fold_identity(args.id) in connected_now(config):
        print("It is connected and stays so until its connection ends.")
    return 0
