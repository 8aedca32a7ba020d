"""`tinyocpp charger trigger`: make the charger send a message now, and wait until it has come.

A yes is no promise: chargers exist that accept and send nothing (quirk B8), and some want a connector named where
others refuse one (quirk B7), so where there is only one connector it is tried with and without.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tinyocpp.cli.charger.dialogue import add_charger, add_connector, dialogue
from tinyocpp.cli.program import printable
from tinyocpp.cli.waiting import Wait
from tinyocpp.commands import status_of
from tinyocpp.errors import Malformed, Refused, did_you_mean
from tinyocpp.messages.remote_trigger import MessageTrigger, TriggerMessage
from tinyocpp.messages.security import ExtendedMessageTrigger, ExtendedTriggerMessage

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from tinyocpp.cli.charger.dialogue import Dialogue
    from tinyocpp.companions.commandclient import Line
    from tinyocpp.config import Config

FOLLOWS_WITHIN_S = 30.0  # after the answer; what has not come by then will not

IN_THE_LEDGER = ""
SHOWN_BY = {
    "BootNotification": "boot",
    "Heartbeat": "heartbeat",
    "MeterValues": "sample",
    "StatusNotification": "status",
    "DiagnosticsStatusNotification": IN_THE_LEDGER,
    "FirmwareStatusNotification": IN_THE_LEDGER,
    "LogStatusNotification": IN_THE_LEDGER,
    "SignChargePointCertificate": IN_THE_LEDGER,
}
"""Each message that can be asked for, and the event that tells of it."""
COMES_AS = {"SignChargePointCertificate": "SignCertificate"}
OF_A_CONNECTOR = ("MeterValues", "StatusNotification")


def trigger_options(parser: ArgumentParser) -> None:
    parser.add_argument("message", metavar="MESSAGE", help=", ".join(SHOWN_BY))
    add_connector(parser, "about which of its connectors (default: all)")
    parser.add_argument("--extended", action="store_true", help="ask as the security extension does")
    parser.add_argument("--anyway", action="store_true", help="also what is known to do this charger harm")
    add_charger(parser)


def trigger(args: Namespace, config: Config) -> int:
    message = _message(args.message)
    if args.connector is not None and args.connector < 1:
        raise Malformed("--connector 0: leave it out to mean all of them; some chargers refuse 0")
    extended = args.extended or message not in list(MessageTrigger)
    if extended and message not in list(ExtendedMessageTrigger):
        raise Malformed(f"--extended: the security extension cannot ask for {message}; leave --extended out")
    with dialogue(args, config) as charger:
        if not args.anyway:
            _harmless(charger, message)
        wait = Wait(config, charger.client, args.timeout)
        came = _Came(charger, message)
        _ask(charger, message, args.connector, extended)
        wait.end_within(FOLLOWS_WITHIN_S)
        print(wait.until(came.seen, came.looked_up, f"no {message} has come; some chargers agree and send none"))
    return 0


def _harmless(charger: Dialogue, message: str) -> None:
    if message == "BootNotification" and not charger.quirks().trigger_boot:  # quirk B2
        raise Refused(
            f"{charger.charger_id} is of a make that fails when asked for a BootNotification;"
            " try StatusNotification, or ask it --anyway"
        )


def _message(typed: str) -> str:
    found = next((name for name in SHOWN_BY if name.lower() == typed.lower()), None)
    if found is None:
        raise Malformed(f"{typed}: no such message{did_you_mean(typed, SHOWN_BY) or '; one of ' + ', '.join(SHOWN_BY)}")
    return found


def _ask(charger: Dialogue, message: str, connector_id: int | None, extended: bool) -> None:
    """As it was typed, and where that is Rejected the other way. Raises Refused."""
    answer = charger.ask(_call(message, connector_id, extended))
    if (status_of(answer) or "").lower() == "rejected" and message in OF_A_CONNECTOR and len(charger.connectors()) <= 1:
        other = None if connector_id else charger.only_connector(None)
        how = f"with connector {other}" if other else "without a connector"
        print(f"tinyocpp: {charger.charger_id} answered Rejected; asking again {how}", file=sys.stderr)
        answer = charger.ask(_call(message, other, extended))
    action = "ExtendedTriggerMessage" if extended else "TriggerMessage"
    charger.tell(action, answer, remedy=_remedy(message, connector_id), message=message)


def _remedy(message: str, connector_id: int | None) -> str:
    if message == "BootNotification":  # errata 3.35 and 3.40
        return "a charger that is accepted need not register again; tinyocpp charger reset makes it"
    if message in OF_A_CONNECTOR:
        other = "without --connector" if connector_id else "with --connector 1"
        return f"try it {other} (some chargers want one, some the other)"
    return ""


def _call(message: str, connector_id: int | None, extended: bool) -> TriggerMessage | ExtendedTriggerMessage:
    if extended:
        return ExtendedTriggerMessage(requested_message=ExtendedMessageTrigger(message), connector_id=connector_id)
    return TriggerMessage(requested_message=MessageTrigger(message), connector_id=connector_id)


class _Came:
    """Recognises the message: by the event that tells of it, or as the ledger keeps it."""

    def __init__(self, charger: Dialogue, message: str) -> None:
        self._charger = charger
        self._message = message
        self._event = SHOWN_BY[message]
        self._action = COMES_AS.get(message, message)
        self._since = datetime.now(UTC)

    def seen(self, event: Line) -> str | None:
        """A message of this kind that comes by itself meanwhile counts as well (section 5.17)."""
        if self._event is IN_THE_LEDGER:
            return self.looked_up()
        if event.event != self._event:
            return None
        told = ", ".join(f"{name} {value}" for name, value in event.details.items() if value not in (None, ""))
        return f"{self._action} has come" + (f": {printable(told)}" if told else "")

    def looked_up(self) -> str | None:
        newest = self._charger.reader.calls(self._charger.charger_id, self._action, 1)
        return f"{self._action} has come" if newest and newest[0][0] >= self._since else None
