"""What is known of a charger without asking it: from the ledger, and by whose command socket answers."""

from __future__ import annotations

import sys
from contextlib import closing
from shlex import quote
from typing import TYPE_CHECKING

from tinyocpp.companions.commandclient import connected_chargers
from tinyocpp.errors import NotPermitted, Unavailable
from tinyocpp.identity import SIMULATOR, fold_identity
from tinyocpp.storage import open_reader

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Callable, Collection

    from tinyocpp.config import Config
    from tinyocpp.makers import Quirks
    from tinyocpp.storage import ChargerStatus, ConnectorStatus, Reader, Registered

NO_CHARGER = "no charger has connected yet; tinyocpp doctor says what to do"


def connected_now(config: Config) -> set[str]:
    """The identities, folded, whose command socket answers. Says so where this user may not know."""
    try:
        return set(connected_chargers(config.runtime_directories))
    except NotPermitted as error:
        print(f"tinyocpp: who is connected cannot be seen: {error}", file=sys.stderr)
        return set()


def look_up(identity: str, config: Config) -> Registered | None:
    """What the ledger has of it now, however it is spelled."""
    with closing(open_reader(config)) as reader:
        return registered(reader, identity)


def registered(reader: Reader, identity: str) -> Registered | None:
    found = _status(reader, identity)
    return found.registered if found else None


def has_been_here(one: Registered) -> bool:
    """Not one that was only refused."""
    return one.admitted_at is not None or one.last_seen_at is not None


def add_charger(parser: ArgumentParser) -> None:
    """For `chosen`."""
    words = "may be left out while one is connected, or none is and one is known"
    parser.add_argument("--charger", metavar="ID", help=words)


def chosen(typed: str | None, reader: Reader, connected: Callable[[], Collection[str]]) -> Registered:
    """The charger named, be it connected or not; else the only one connected, or where none is, the only one known.
    `connected`: the identities, folded, asked for only then. Raises Unavailable."""
    known = [one.registered for one in reader.chargers()]
    if typed is not None:
        return _named(typed, known)
    known = [one for one in known if has_been_here(one)]
    here = connected()
    found = [one for one in known if fold_identity(one.charger_id) in here]
    found = found or [one for one in known if fold_identity(one.charger_id) != SIMULATOR] or known
    if not found:
        raise Unavailable(NO_CHARGER)
    if len(found) > 1:
        several = "several chargers are connected" if here else "no charger is connected, and several are known"
        raise Unavailable(f"{several}: name one with --charger ({', '.join(one.charger_id for one in found)})")
    return found[0]


def _named(typed: str, known: list[Registered]) -> Registered:
    found = next((one for one in known if fold_identity(one.charger_id) == fold_identity(typed)), None)
    if found is None:
        names = ", ".join(one.charger_id for one in known if has_been_here(one)) or "none yet"
        raise Unavailable(f"{typed} is unknown (known: {names}); connect it first, or see: tinyocpp charger list")
    if not has_been_here(found):
        remedy = f"tinyocpp charger admit {quote(found.charger_id)}"
        raise Unavailable(f"{found.charger_id} has never been let in; let it in first: {remedy}")
    return found


def quirks(one: Registered, config: Config) -> Quirks:
    """What to mind with it, by what it said of itself when it last booted."""
    return config.quirks_of(one.charger_id, one.vendor, one.model, one.firmware)


def connectors(reader: Reader, identity: str) -> list[ConnectorStatus]:
    """Those that have been heard of; 0, the charger as a whole, is none."""
    found = _status(reader, identity)
    return [one for one in found.connectors if one.connector_id > 0] if found else []


def _status(reader: Reader, identity: str) -> ChargerStatus | None:
    wanted = fold_identity(identity)
    return next((one for one in reader.chargers() if fold_identity(one.registered.charger_id) == wanted), None)
