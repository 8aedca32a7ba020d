"""Who the charger is and how it fares: BootNotification, Heartbeat, StatusNotification."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tinyocpp.admission import Standing
from tinyocpp.messages.core import (
    BootNotification,
    BootNotificationResult,
    ChargePointErrorCode,
    Heartbeat,
    HeartbeatResult,
    RegistrationStatus,
    StatusNotification,
    StatusNotificationResult,
)
from tinyocpp.messages.payload import whole_seconds

if TYPE_CHECKING:
    from tinyocpp.charger import Charger
    from tinyocpp.transactions import Transaction

CONFLICT = "the charger reports a conflict"
COME_BACK_S = 3600
"""How long a charger that is not ours waits before it asks again."""


def boot_notification(call: BootNotification, charger: Charger) -> BootNotificationResult:
    """Welcome the charger and tell it the time (section 4.2). The first to say who it is becomes the owner's."""
    now = charger.clock.now()
    if charger.standing is Standing.CANDIDATE and not charger.incomplete:
        adopted = charger.ledger.adopt(charger.id, now)
        charger.standing = Standing.ADMITTED if adopted else Standing.REFUSED
    if charger.standing is not Standing.ADMITTED:
        return BootNotificationResult(
            status=RegistrationStatus.REJECTED, current_time=whole_seconds(now), interval=COME_BACK_S
        )
    charger.look_up_registration()
    charger.learn_maker(call)
    changed = charger.ledger.boot(charger.id, call, now)
    charger.announce(
        "boot", vendor=call.charge_point_vendor, model=call.charge_point_model, firmware=call.firmware_version
    )
    _announce(changed, charger)
    for connector in charger.connectors.values():
        connector.told.clear()  # some forget everything when they start (quirk C19)
    charger.wake()
    return BootNotificationResult(
        status=charger.registration, current_time=whole_seconds(now), interval=charger.heartbeat_interval_s
    )


def heartbeat(call: Heartbeat, charger: Charger) -> HeartbeatResult:
    """Tell the time; many clocks are set by nothing else (quirk T10). That it lives is remembered with every frame."""
    charger.announce("heartbeat")
    return HeartbeatResult(current_time=whole_seconds(charger.clock.now()))


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
    _announce(changed, charger)
    if charger.limiting and call.connector_id > 0:
        charger.connector(call.connector_id).status = call.status
        charger.wake()
    return StatusNotificationResult()


def _announce(changed: list[Transaction], charger: Charger) -> None:
    """Most boots and statuses touch no transaction, and need nothing of where energy is booked."""
    if changed:
        from tinyocpp.handlers.transactions import announce_transaction

        for transaction in changed:
            announce_transaction(transaction, charger)
