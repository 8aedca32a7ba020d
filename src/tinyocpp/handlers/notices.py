"""Requests that move no energy: kept, and answered as the standard wants it.

DataTransfer, the progress of diagnostics, firmware and logs, security events. Nothing here acts on them: who waits for
one finds it in the ledger and in the event stream.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tinyocpp.dealings import UpkeepKind
from tinyocpp.messages import ACTIONS
from tinyocpp.messages.core import DataTransfer, DataTransferResult, DataTransferStatus

if TYPE_CHECKING:
    from tinyocpp.charger import Charger
    from tinyocpp.messages.firmware import DiagnosticsStatusNotification, FirmwareStatusNotification
    from tinyocpp.messages.payload import Payload
    from tinyocpp.messages.security import LogStatusNotification, SignedFirmwareStatusNotification

    Upkeep = (
        DiagnosticsStatusNotification
        | FirmwareStatusNotification
        | LogStatusNotification
        | SignedFirmwareStatusNotification
    )


UPKEEP: dict[str, UpkeepKind] = {
    "DiagnosticsStatusNotification": UpkeepKind.DIAGNOSTICS,
    "FirmwareStatusNotification": UpkeepKind.FIRMWARE,
    "LogStatusNotification": UpkeepKind.LOG,
    "SignedFirmwareStatusNotification": UpkeepKind.FIRMWARE,
}
DATA_KEPT = 65_536  # characters, of which nobody here reads one
IDLE = "Idle"  # an answer to a trigger, no step of anything


def data_transfer(call: DataTransfer, charger: Charger) -> DataTransferResult:
    """We speak no vendor's language but what the owner has written down of it (section 4.3)."""
    charger.record("DataTransfer", msgspec.structs.replace(call, data=call.data and call.data[:DATA_KEPT]))
    charger.announce("data_transfer", vendor_id=call.vendor_id, message_id=call.message_id)
    known = charger.vendors.get(call.vendor_id.lower())
    if known is None:
        return DataTransferResult(status=DataTransferStatus.UNKNOWN_VENDOR_ID)
    if known.messages and call.message_id not in known.messages:
        return DataTransferResult(status=DataTransferStatus.UNKNOWN_MESSAGE_ID)
    return DataTransferResult(status=DataTransferStatus(known.status), data=known.data)


def notice(call: Payload, charger: Charger) -> Payload:
    """Something the charger wants to be known, whose answer says nothing. Taken also when nobody asked for a firmware
    update (section 4.5), and for any type of security event, as their list is spelled in two ways (paper A04)."""
    action = ACTIONS[type(call).__name__]
    charger.record(action.name, call)
    charger.announce("notice", action=action.name)
    return action.result()


def upkeep(call: Upkeep, charger: Charger) -> Payload:
    """How an update or an upload goes, whoever asked for it (sections 4.4, 4.5; security paper L01, N01)."""
    action = ACTIONS[type(call).__name__]
    charger.record(action.name, call)
    if call.status != IDLE:
        what, request_id = UPKEEP[action.name], getattr(call, "request_id", None)
        charger.ledger.upkeep_told(charger.id, what, call.status, charger.clock.now(), request_id)
        charger.announce("upkeep", what=what, status=call.status, request_id=request_id)
    return action.result()
