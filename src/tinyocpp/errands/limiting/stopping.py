"""The pause of a charger that does not survive 0 A: its charge is ended, and started again with the same tag.

Some end the transaction by themselves when they are told 0 A, some refuse the 0 (quirks C9, C10). That is found out
here, and what was ended is kept in the ledger, so that it goes on also after a restart of ours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tinyocpp.commands import Ask
from tinyocpp.dealings import LimitState
from tinyocpp.errands.limiting.desk import IDLE_S, in_words

if TYPE_CHECKING:
    from tinyocpp.errands.limiting.desk import Desk, Duty
    from tinyocpp.limits import Target

SURPRISING_S = 90.0
OWN_WILL = frozenset(
    {"DeAuthorized", "EVDisconnected", "EmergencyStop", "HardReset", "Local", "Remote", "UnlockCommand"}
)
"""Reasons for which a charge ends whatever was told it; with any other, soon after 0 A, the 0 A ended it."""
STARTS = 3
AGAIN_S = 60.0


def survived(desk: Desk) -> None:
    """Did the charge end because it was told 0 A? Then this charger is paused by ending its charge from now on."""
    connector = desk.connector
    ended, paused_at = connector.ended, connector.paused_at
    if ended is None or paused_at is None or desk.transaction is not None or ended.reason in OWN_WILL:
        return
    if 0 <= (ended.at - paused_at).total_seconds() <= SURPRISING_S:
        connector.ended = None
        desk.learn(msgspec.structs.replace(desk.manner, pause="stop"))
        desk.keep(stopped_tag=ended.id_tag)


def stop(desk: Desk) -> Duty:
    """End the charge that runs, and remember whose it is."""
    transaction, connector = desk.transaction, desk.connector
    if transaction is None:
        connector.stop_asked_at = None
        return IDLE_S
    if connector.stop_asked_at is not None and (left_s := desk.after(connector.stop_asked_at, AGAIN_S)) > 0:
        return left_s
    connector.stop_asked_at = desk.now
    asked = msgspec.json.encode({"transactionId": desk.transaction_id})
    desk.keep(stopped_tag=transaction.id_tag)
    yield Ask("RemoteStopTransaction", asked)
    return AGAIN_S


def resume(desk: Desk, wanted: Target | None) -> Duty:
    """Start again what was ended, once something may flow; not when its car has left."""
    before, connector = desk.before, desk.connector
    if before is None or not before.stopped_tag:
        return IDLE_S
    if desk.transaction is not None and not (wanted is not None and wanted.pause) and connector.starts:
        desk.keep(stopped_tag="")
        connector.starts, connector.stop_asked_at = 0, None
        return IDLE_S
    if connector.status == "Available" or connector.starts >= STARTS:
        said = "its car has left" if connector.status == "Available" else "it does not start again: show the card"
        desk.announce(desk.keep(stopped_tag="", words=f"{before.words}; {said}"))
        return IDLE_S
    if desk.transaction is not None or (wanted is not None and wanted.pause):
        return IDLE_S
    if connector.starts and (left_s := desk.after(connector.started_at or desk.now, AGAIN_S)) > 0:
        return left_s
    connector.starts, connector.started_at = connector.starts + 1, desk.now
    asked = {"connectorId": connector.connector_id, "idTag": before.stopped_tag}
    yield Ask("RemoteStartTransaction", msgspec.json.encode(asked))
    return AGAIN_S


def record_pause(desk: Desk, wanted: Target) -> None:
    """What the owner is told of a pause that is none by a profile."""
    running = desk.transaction is not None
    words = "the charge is ended, and started again later" if running else "a charge is ended as soon as it begins"
    desk.record(LimitState.ACCEPTED, wanted, f"{in_words(wanted)}: {words}, as this charger knows no other pause")
