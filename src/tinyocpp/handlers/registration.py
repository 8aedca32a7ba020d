"""Who the charger is, and that it lives: BootNotification and Heartbeat."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyocpp.admission import Standing
from tinyocpp.messages.core_boot import (
    BootNotification,
    BootNotificationResult,
    Heartbeat,
    HeartbeatResult,
    RegistrationStatus,
)
from tinyocpp.messages.payload import whole_seconds

if TYPE_CHECKING:
    from tinyocpp.charger import Charger
    from tinyocpp.transactions import Transaction

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
    charger.booted = True
    for connector in charger.connectors.values():
        connector.booted()
    charger.wake()
    return BootNotificationResult(
        status=charger.registration, current_time=whole_seconds(now), interval=charger.heartbeat_interval_s
    )


def heartbeat(call: Heartbeat, charger: Charger) -> HeartbeatResult:
    """Tell the time; many clocks are set by nothing else (quirk T10). That it lives is remembered with every frame."""
    charger.announce("heartbeat")
    return HeartbeatResult(current_time=whole_seconds(charger.clock.now()))


def _announce(changed: list[Transaction], charger: Charger) -> None:
    """Most boots touch no transaction, and need nothing of where energy is booked."""
    if changed:
        from tinyocpp.handlers.transactions import announce_transaction

        for transaction in changed:
            announce_transaction(transaction, charger)
