"""What is known of a charger without asking it: from the ledger, and by whose command socket answers."""

from __future__ import annotations

import sys
from contextlib import closing
from typing import TYPE_CHECKING

from tinyocpp.companions.commandclient import connected_chargers
from tinyocpp.errors import NotPermitted
from tinyocpp.identity import fold_identity
from tinyocpp.storage import open_reader

if TYPE_CHECKING:
    from tinyocpp.config import Config
    from tinyocpp.makers import Quirks
    from tinyocpp.storage import ChargerStatus, ConnectorStatus, Reader, Registered


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
