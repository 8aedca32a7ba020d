"""How a connector fares: StatusNotification."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tinyocpp.handlers.transactions import announce_transaction
from tinyocpp.messages.core import ChargePointErrorCode, StatusNotification, StatusNotificationResult

if TYPE_CHECKING:
    from tinyocpp.charger import Charger

CONFLICT = "the charger reports a conflict"


def _doubt_local_list(charger: Charger) -> None:
    """The charger's list says other things than we do: errands/locallist.py sends it anew (section 3.5.3)."""
    kept = charger.ledger.local_list(charger.id)
    if kept is not None and kept.problem != CONFLICT:  # with every status of some
        charger.ledger.keep_local_list(msgspec.structs.replace(kept, problem=CONFLICT))


def status_notification(call: StatusNotification, charger: Charger) -> StatusNotificationResult:
    """Keep the status; any change is possible, as short states may be left out (section 4.9)."""
    if call.error_code is ChargePointErrorCode.LOCAL_LIST_CONFLICT:
        _doubt_local_list(charger)
    changed = charger.ledger.status(charger.id, call, charger.clock.now())
    charger.announce(
        "status", connector_id=call.connector_id, status=call.status, error_code=call.error_code, info=call.info
    )
    for transaction in changed:
        announce_transaction(transaction, charger)
    if charger.limiting and call.connector_id > 0:
        charger.states(call.timestamp)
        charger.connector(call.connector_id).status = call.status
        charger.wake()
    return StatusNotificationResult()
