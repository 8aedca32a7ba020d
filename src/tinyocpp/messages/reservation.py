"""The Reservation profile: a connector kept free for a tag."""

from __future__ import annotations

from enum import StrEnum

from tinyocpp.messages.payload import IdToken, Int, Payload, Timestamp


class CancelReservation(Payload):
    """Us: it is no longer wanted (section 5.1)."""

    reservation_id: Int


class CancelReservationStatus(StrEnum):
    """Rejected: there is no such reservation."""

    ACCEPTED = "Accepted"
    REJECTED = "Rejected"


class CancelReservationResult(Payload):
    """Charger: whether it was known (section 5.1)."""

    status: CancelReservationStatus


class ReserveNow(Payload):
    """Us: keep this connector, or one as 0, for this tag (section 5.13)."""

    connector_id: Int
    expiry_date: Timestamp
    id_tag: IdToken
    parent_id_tag: IdToken | None = None
    reservation_id: Int  # the same again replaces the reservation


class ReservationStatus(StrEnum):
    """What became of the wish."""

    ACCEPTED = "Accepted"
    FAULTED = "Faulted"
    OCCUPIED = "Occupied"
    REJECTED = "Rejected"
    UNAVAILABLE = "Unavailable"


class ReserveNowResult(Payload):
    """Charger: whether it is kept (section 5.13)."""

    status: ReservationStatus
