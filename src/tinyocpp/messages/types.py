"""Structures and closed sets that several messages share (section 7 of the standard).

What only one message uses lives beside that message, what meters say is in samples.
"""

from __future__ import annotations

from enum import StrEnum

from tinyocpp.messages.payload import IdToken, Payload, Timestamp


class AuthorizationStatus(StrEnum):
    """May this tag charge?"""

    ACCEPTED = "Accepted"
    BLOCKED = "Blocked"
    EXPIRED = "Expired"
    INVALID = "Invalid"  # unknown
    CONCURRENT_TX = "ConcurrentTx"  # only meaningful in the answer to StartTransaction


class IdTagInfo(Payload):
    """What we know of a tag."""

    expiry_date: Timestamp | None = None  # when the charger drops it from its cache
    parent_id_tag: IdToken | None = None
    status: AuthorizationStatus
