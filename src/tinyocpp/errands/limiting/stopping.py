"""The pause of a charger that does not survive 0 A: its charge is ended, and started again with the same tag.

Some end the transaction by themselves when they are told 0 A, some refuse the 0 (quirks C9, C10). That is found out
here, and what was ended is kept in the ledger, so that it goes on also after a restart of ours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tinyocpp.commands import Ask, answer_to
from tinyocpp.dealings import LimitState
from tinyocpp.errands.limiting.desk import IDLE_S, NOW_S

if TYPE_CHECKING:
    from tinyocpp.connectors import Role
    from tinyocpp.dealings import Target
    from tinyocpp.errands.limiting.desk import Desk, Duty

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
    since = max(paused_at, connector.began_at or paused_at)
    if 0 <= (ended.at - since).total_seconds() <= SURPRISING_S:
        connector.ended, connector.stop_asked_at = None, ended.at
        desk.learn(msgspec.structs.replace(desk.manner, pause="stop"))
        desk.keep(stopped_tag="" if connector.refused else ended.id_tag)


def pause_by_stop(desk: Desk, role: Role, wanted: Target) -> Duty:
    """A pause, or the gap on the way to another number of phases. What it was told of this connector before counts
    again when its charge does."""
    if role == "standing":
        desk.connector.told.clear()
        desk.connector.paused_at = None
        _record_pause(desk, wanted)
    return (yield from stop(desk))


def stop(desk: Desk) -> Duty:
    """End the charge that runs, and remember whose it is: of a refused tag nothing is ever started again."""
    transaction, connector = desk.transaction, desk.connector
    if transaction is None:
        return IDLE_S
    if left_s := desk.left_s(connector.stop_asked_at, AGAIN_S):
        return left_s
    connector.stop_asked_at, connector.starts = desk.now, 0
    desk.keep(stopped_tag="" if connector.refused else transaction.id_tag)
    call = msgspec.json.encode({"transactionId": desk.transaction_id})
    answer = yield from answer_to(Ask("RemoteStopTransaction", call))
    if answer.refused:
        connector.stop_refused = True
        desk.keep(stopped_tag="")
        return NOW_S
    return AGAIN_S


def resume(desk: Desk, wanted: Target | None) -> Duty:
    """Start again what was ended, once something may flow; not when its car has left."""
    before, connector = desk.before, desk.connector
    if before is None or not before.stopped_tag or (wanted is not None and wanted.pause):
        return IDLE_S
    if desk.transaction is not None:
        return _goes_on(desk)
    if connector.status == "Available" or connector.starts >= STARTS:
        said = "its car has left" if connector.status == "Available" else "it does not start again: show the card"
        desk.announce(desk.keep(stopped_tag="", words=f"{before.words}; {said}"))
        return IDLE_S
    ends_s = desk.left_s(connector.stop_asked_at, desk.charger.pace.pause_s)
    if left_s := max(ends_s, desk.left_s(connector.started_at, AGAIN_S)):
        return left_s
    connector.starts, connector.started_at = connector.starts + 1, desk.now
    asked = {"connectorId": connector.connector_id, "idTag": before.stopped_tag}
    yield Ask("RemoteStartTransaction", msgspec.json.encode(asked))
    return AGAIN_S


def _goes_on(desk: Desk) -> float:
    """A charge runs: ours, or that of somebody who was quicker. One that does not end yet may still be the old one."""
    connector = desk.connector
    if left_s := desk.left_s(connector.stop_asked_at, AGAIN_S):
        return left_s
    desk.keep(stopped_tag="")
    connector.starts, connector.started_at = 0, None
    return NOW_S


def _record_pause(desk: Desk, wanted: Target) -> None:
    """What the owner is told of a pause that is none by a profile; once for each step of it."""
    if not wanted.pause:
        state, what = LimitState.ACCEPTED, "the charge is ended and started again, as this charger bears no other pause"
    elif desk.transaction is not None:
        state, what = LimitState.ACCEPTED, "the charge is ended, and started again later, as it bears no other pause"
    else:
        state, what = (
            LimitState.VERIFIED,
            "no charge runs, and one that begins is ended, as it bears no other pause",
        )
    words = f"{wanted.words}: {what}"
    if not desk.answered or desk.before is None or desk.before.words != words:
        desk.record(state, wanted, words, whole=False)
