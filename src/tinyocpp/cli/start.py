"""`tinyocpp start`: start a charge, and wait until it has begun or somebody says why not."""

from __future__ import annotations

import sys
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from tinyocpp.cli.known import connectors, quirks, registered
from tinyocpp.cli.waiting import Wait, add_waiting_options
from tinyocpp.commands import ANSWER_TIMEOUT_S
from tinyocpp.companions.commandclient import open_charger
from tinyocpp.errors import CallRefused, Malformed, Refused
from tinyocpp.storage import open_reader, open_tags
from tinyocpp.tags import fold

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from tinyocpp.companions.commandclient import CommandClient, Line
    from tinyocpp.config import Config
    from tinyocpp.storage import Booking, ConnectorStatus, Reader
    from tinyocpp.storage.tagfile import TagFile

TIMEOUT_S = 180.0  # enough to walk to the car and plug it in; chargers themselves give up after their ConnectionTimeOut
PLUGGED_IN = ("Preparing", "SuspendedEV", "SuspendedEVSE", "Finishing")
SLOW_CLOCK = timedelta(minutes=10)
OLD_LIMITS = b'{"chargingProfilePurpose":"TxDefaultProfile"}'
NOT_BEGUN = "no charge has begun: is the cable plugged in at both ends?"


def configure(parser: ArgumentParser) -> None:
    parser.add_argument("--tag", metavar="T", help="whose charge it is, id or name (default: the only tag there is)")
    add_waiting_options(parser, TIMEOUT_S)


def run(args: Namespace, config: Config) -> int:
    tag = tag_typed(args.tag, open_tags(config, keep=False))
    reader = open_reader(config)
    with open_charger(config.runtime_directories, args.charger) as client:
        connector_id = args.connector or _connector(connectors(reader, client.charger_id))
        begun = _Begun(tag, connector_id, client.charger_id, reader)
        _clear_old_limit(client, reader, config)
        wait = Wait(config, client, args.timeout)
        try:
            wait.ask("RemoteStartTransaction", msgspec.json.encode({"connectorId": connector_id, "idTag": tag}))
        except Refused as refused:
            raise Refused(f"{refused}{_why(connectors(reader, client.charger_id), connector_id)}") from None
        print(wait.until(begun.seen, begun.looked_up, NOT_BEGUN))
    return 0


def _clear_old_limit(client: CommandClient, reader: Reader, config: Config) -> None:
    """A limit of 0 A that a server before us has left ends the charge at once on some chargers (Huawei: quirk X25).
    Limits of the whole charger stay: they may be what keeps the fuse."""
    known = registered(reader, client.charger_id)
    if known and quirks(known, config).clear_profiles_first:
        with suppress(CallRefused):  # it knows of no limits
            client.call("ClearChargingProfile", OLD_LIMITS, timeout_s=ANSWER_TIMEOUT_S)


class _Begun:
    """Recognises the transaction that was asked for."""

    def __init__(self, tag: str, connector_id: int, charger_id: str, reader: Reader) -> None:
        self._tag = tag
        self._connector_id = connector_id
        self._charger_id = charger_id
        self._reader = reader
        self._since = datetime.now(UTC) - SLOW_CLOCK
        self._before = {booking.transaction_id for booking in self._open()}

    def seen(self, event: Line) -> str | None:
        details = event.details
        if details.get("connector_id") != self._connector_id:
            return None
        if event.event == "status":
            print(f"tinyocpp: connector {self._connector_id}: {details.get('status')}", file=sys.stderr)
        if event.event != "transaction" or details.get("state") != "open" or not self._is_ours(details.get("id_tag")):
            return None
        verdict = details.get("id_tag_status", "Accepted")
        if verdict != "Accepted":
            raise Refused(f"{self._charger_id} has begun, but the tag {self._tag} is {verdict}: see tinyocpp tag list")
        return self._sentence(details.get("transaction_id"))

    def looked_up(self) -> str | None:
        new = [one.transaction_id for one in self._open() if one.transaction_id not in self._before]
        return self._sentence(new[-1]) if new else None

    def _open(self) -> list[Booking]:
        found = self._reader.bookings(self._since, None, charger_id=self._charger_id, simulator=True)
        return [one for one in found if one.stopped_at is None and self._is_ours(one.id_tag)]

    def _is_ours(self, id_tag: object) -> bool:
        return isinstance(id_tag, str) and fold(id_tag) == fold(self._tag)

    def _sentence(self, transaction_id: object) -> str:
        return f"transaction {transaction_id} has begun on {self._charger_id}, connector {self._connector_id}"


def tag_typed(typed: str | None, tags: TagFile) -> str:
    """The id to send: what was typed, be it an id or a name, or the only tag of the file."""
    if typed is not None:
        named = [tag.id for tag in tags if tag.name and tag.name.casefold() == typed.casefold()]
        return named[0] if len(named) == 1 and tags.find(typed) is None else typed
    known = [tag.id for tag in tags]
    if len(known) != 1:
        names = ", ".join(tag.name or tag.id for tag in tags) or "there is none yet: tinyocpp tag add"
        raise Malformed(f"whose charge is it? name the tag with --tag ({names})")
    return known[0]


def _connector(known: list[ConnectorStatus]) -> int:
    """Many chargers refuse a start that names no connector (quirk X21)."""
    if len(known) <= 1:
        return known[0].connector_id if known else 1
    plugged_in = [one.connector_id for one in known if one.status in PLUGGED_IN]
    if len(plugged_in) == 1:
        return plugged_in[0]
    numbers = ", ".join(str(one.connector_id) for one in known)
    raise Malformed(f"which connector? name it with --connector ({numbers})")


def _why(known: list[ConnectorStatus], connector_id: int) -> str:
    """What the connector's status says about a refusal."""
    found = next((one for one in known if one.connector_id == connector_id), None)
    if found is None or found.status is None:
        return ""
    error = f", {found.error_code}" if found.error_code not in (None, "NoError") else ""
    hint = "; unplug and plug in again" if found.status == "Finishing" else ""
    return f": connector {connector_id} is {found.status}{error}{hint}"
