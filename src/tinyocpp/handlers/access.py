"""What a charger says to a new password or security profile of its own, and so whom the door lets in.

The door must never be surer than we are: what was sent counts from before it leaves, and what was there before counts
until the charger has said yes or has come with the new one (security paper, A01 and A05). A lost answer, a CALLERROR or
RebootRequired leaves both. A password is kept as a hash only, and is in no event.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyocpp.handlers.stage import Stage
from tinyocpp.passwords import hash_password

if TYPE_CHECKING:
    from tinyocpp.charger import Charger

ACCEPTED = "accepted"
DECLINED = frozenset({"rejected", "notsupported"})
"""Everything else, also a status of its own, leaves open whether it has it."""
PROFILES = ("1", "2", "3")
PASSWORDS_KEPT = 8  # to be recognised where a charger says them back: as many calls as may be answered late


def password_changed(stage: Stage, value: str, status: str, charger: Charger) -> None:
    """AuthorizationKey, as hex digits or as a text (quirk H12)."""
    keys = charger.ledger.keys(charger.id)
    if stage is Stage.SENT and value:
        charger.passwords_sent = (*charger.passwords_sent, value)[-PASSWORDS_KEPT:]
        charger.ledger.keep_keys(charger.id, keys.sent(hash_password(value)))
    if stage is not Stage.ANSWERED or not (status == ACCEPTED or status in DECLINED):
        return
    sent = keys.under_way_as(value)
    if sent is not None:
        charger.ledger.keep_keys(charger.id, keys.accepted(sent) if status == ACCEPTED else keys.declined(sent))


def profile_changed(stage: Stage, value: str, status: str, charger: Charger) -> None:
    """SecurityProfile. Both are let in until the charger comes with the new one: it may fall back (A05.FR.08)."""
    if stage is Stage.SENT and value.strip() in PROFILES:
        charger.ledger.profile_asked(charger.id, int(value))
    if stage is Stage.ANSWERED and status in DECLINED:
        charger.ledger.profile_asked(charger.id, None)
