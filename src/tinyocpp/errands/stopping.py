"""End a charge that goes on although its tag was refused.

Most chargers end it by themselves (StopTransactionOnInvalidId); some do not (quirk X19). What has flowed is booked in
either case.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tinyocpp.commands import Ask, Pause
from tinyocpp.transactions import REGISTER_SLACK_WH, booked

if TYPE_CHECKING:
    from tinyocpp.charger import Charger
    from tinyocpp.commands import Errand
    from tinyocpp.transactions import Transaction

LOOK_EVERY_S = 60.0


def stop_refused(charger: Charger) -> Errand | None:
    """As long as such charges run, look each minute whether they deliver energy; then ask once to end each. One errand
    does for all of a connection, however often a start is repeated."""
    if charger.ending_refused or not charger.quirks.stop_refused or not _refused(charger):
        return None
    charger.ending_refused = True
    return _stop(charger)


def _stop(charger: Charger) -> Errand:
    asked: set[int] = set()
    while True:
        yield Pause(LOOK_EVERY_S)
        running = _refused(charger)
        if not running:
            charger.ending_refused = False
            return
        for transaction in running:
            if transaction.id not in asked and _delivers(transaction):
                asked.add(transaction.id)
                call = {"transactionId": transaction.claimed_id or transaction.id}
                yield Ask("RemoteStopTransaction", msgspec.json.encode(call))


def _refused(charger: Charger) -> list[Transaction]:
    return charger.ledger.running(charger.id, refused=True)


def _delivers(transaction: Transaction) -> bool:
    return bool(transaction.power_w) or booked(transaction)[0] > REGISTER_SLACK_WH
