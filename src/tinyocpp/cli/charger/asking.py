"""`tinyocpp charger availability|unlock|reset|clear-cache|data-transfer`: one call, and its answer in words."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from tinyocpp.cli.charger.dialogue import add_charger, add_connector, dialogue
from tinyocpp.cli.program import printable
from tinyocpp.cli.waiting import Wait
from tinyocpp.errors import Malformed, Refused
from tinyocpp.messages.core import DataTransfer
from tinyocpp.messages.core_central import AvailabilityType, ChangeAvailability, ClearCache, Reset, ResetType
from tinyocpp.messages.core_central import UnlockConnector as Unlock

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from tinyocpp.cli.charger.dialogue import Dialogue
    from tinyocpp.companions.commandclient import Line
    from tinyocpp.config import Config

RESTART_S = 300.0  # some chargers take minutes to come back
LONGEST_VENDOR, LONGEST_MESSAGE = 255, 50


class _Data(msgspec.Struct):
    data: msgspec.Raw = msgspec.Raw(b"null")


def availability_options(parser: ArgumentParser) -> None:
    parser.add_argument("type", choices=("operative", "inoperative"), help="in service, or out of it")
    add_connector(parser, "which of its connectors (default: the whole charger)")
    add_charger(parser)


def availability(args: Namespace, config: Config) -> int:
    """Some chargers refuse it for the whole, but not for a connector, or the reverse (quirk B3)."""
    connector_id = args.connector or 0
    if connector_id < 0:
        raise Malformed(f"--connector {connector_id}: connectors are counted from 1")
    call = ChangeAvailability(connector_id=connector_id, type=AvailabilityType(args.type.title()))
    other = "without --connector" if connector_id else "with --connector 1"
    with dialogue(args, config) as charger:
        charger.demand(
            call,
            remedy=f"see what it is doing: tinyocpp status; or try it {other}, as some chargers know only that",
            connector=f"connector {connector_id}" if connector_id else "the charger",
            type=args.type,
        )
    return 0


def clear_cache_options(parser: ArgumentParser) -> None:
    add_charger(parser)


def clear_cache(args: Namespace, config: Config) -> int:
    with dialogue(args, config) as charger:
        charger.demand(ClearCache())
    return 0


def unlock_options(parser: ArgumentParser) -> None:
    add_connector(parser)
    parser.add_argument("--anyway", action="store_true", help="also while a charge is running, which ends it")
    add_charger(parser)


def unlock(args: Namespace, config: Config) -> int:
    """An UnlockConnector ends the charge first (section 5.18); it is not meant as the way to stop one."""
    with dialogue(args, config) as charger:
        connector_id = charger.only_connector(args.connector)
        running = charger.running(connector_id)
        if running is not None and not args.anyway:
            raise Refused(
                f"transaction {running.transaction_id} is running on connector {connector_id}, and unlocking ends it;"
                " tinyocpp stop ends it properly, --anyway unlocks all the same"
            )
        charger.demand(Unlock(connector_id=connector_id), connector=f"connector {connector_id}")
    return 0


def data_transfer_options(parser: ArgumentParser) -> None:
    parser.add_argument("vendor", metavar="VENDOR", help="whose message it is, as the maker's manual spells it")
    parser.add_argument("message", metavar="MESSAGE", nargs="?", help="which of the vendor's messages")
    parser.add_argument("data", metavar="DATA", nargs="?", help="what it carries; - reads it from standard input")
    parser.add_argument("--json", action="store_true", help="the whole answer as one JSON document")
    add_charger(parser)


def data_transfer(args: Namespace, config: Config) -> int:
    for name, text, longest in (
        ("VENDOR", args.vendor, LONGEST_VENDOR),
        ("MESSAGE", args.message or "", LONGEST_MESSAGE),
    ):
        if len(text) > longest:
            raise Malformed(f"{name} is longer than the {longest} characters the standard has room for")
    data = sys.stdin.read() if args.data == "-" else args.data
    call = DataTransfer(vendor_id=args.vendor, message_id=args.message, data=data)
    with dialogue(args, config) as charger:
        if args.json:
            answer = charger.ask(call)
            print(msgspec.json.format(answer, indent=2).decode())
            return charger.verdict(answer)
        answer = charger.demand(call)
    told = msgspec.json.decode(answer, type=_Data).data
    if bytes(told) != b"null":
        print(printable(_said(told)))
    return 0


def _said(told: msgspec.Raw) -> str:
    """A text as it is, anything else as the JSON it came as."""
    try:
        return msgspec.json.decode(told, type=str)
    except msgspec.MsgspecError:
        return bytes(told).decode("utf-8", "replace")


# --- a restart, and whether the charger comes back


def reset_options(parser: ArgumentParser) -> None:
    parser.add_argument(
        "type", choices=("soft", "hard"), nargs="?", default="soft", help="soft ends charges first (default)"
    )
    parser.add_argument("--wait", action="store_true", help="until it is back")
    add_charger(parser, RESTART_S)


def reset(args: Namespace, config: Config) -> int:
    with dialogue(args, config) as charger:
        wait = Wait(config, charger.client, args.timeout) if args.wait else None
        asked_at = datetime.now(UTC)
        charger.demand(Reset(type=ResetType(args.type.title())))
        if wait is not None:
            back = _Back(charger, asked_at)
            print(wait.until(back.seen, back.looked_up, "it is not back yet: see tinyocpp status"))
    return 0


class _Back:
    """A charger is back when it has booted or connected since; not all send a BootNotification then (quirk B1)."""

    def __init__(self, charger: Dialogue, asked_at: datetime) -> None:
        self._charger = charger
        self._asked_at = asked_at

    def seen(self, event: Line) -> str | None:
        return self._sentence() if event.event == "boot" else None

    def looked_up(self) -> str | None:
        known = self._charger.registered()
        came = [at for at in (known.booted_at, known.connected_at) if at] if known else []
        return self._sentence() if came and max(came) > self._asked_at else None

    def _sentence(self) -> str:
        took_s = (datetime.now(UTC) - self._asked_at).total_seconds()
        return f"{self._charger.charger_id} is back after {took_s:.0f} s"
