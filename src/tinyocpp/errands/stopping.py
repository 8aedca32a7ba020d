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
    """As long as such a charge runs, look each minute whether it delivers energy; then ask once to end it."""
    return _stop(charger) if charger.quirks.stop_refused and _refused(charger) else None


def _stop(charger: Charger) -> Errand:
    asked: set[int] = set()
    while True:
        yield Pause(LOOK_EVERY_S)
        waiting = [one for one in _refused(charger) if one.id not in asked]
        if not waiting:
            return
        for transaction in waiting:
            if _delivers(transaction):
                asked.add(transaction.id)
                call = {"transactionId": transaction.claimed_id or transaction.id}
                yield Ask("RemoteStopTransaction", msgspec.json.encode(call))


def _refused(charger: Charger) -> list[Transaction]:
    return charger.ledger.running(charger.id, refused=True)


def _delivers(transaction: Transaction) -> bool:
    return bool(transaction.power_w) or booked(transaction)[0] > REGISTER_SLACK_WH
