"""Take back what was told, in every place it was told in, so that nothing of ours is left."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from tinyocpp.commands import Ask, answer_to, no
from tinyocpp.dealings import Target
from tinyocpp.errands.limiting.asking import composite_a
from tinyocpp.limits import UNLIMITED_A, clearings, message_of, same_place, whose_place
from tinyocpp.messages.payload import encode_payload
from tinyocpp.obedience import OFFERED_OVER_A

if TYPE_CHECKING:
    from tinyocpp.commands import Steps
    from tinyocpp.connectors import Role
    from tinyocpp.dealings import Shape
    from tinyocpp.errands.limiting.desk import Desk

ANSWER_S = 60.0
UNKNOWN = "Unknown"  # there is no such profile (section 5.16)


def clear(desk: Desk, role: Role) -> Steps[str | None]:
    """ "": nothing of it counts any more. None: it has not answered, so nobody knows; try again. Else how it refused to
    let go of it. Unknown is fine where it has forgotten; one that keeps it all the same is told so much that it limits
    nothing (quirk C2)."""
    manner = desk.manner
    shape = manner.standing if role == "standing" else manner.moving
    if shape is None:
        desk.connector.told.pop(role, None)
        return ""
    said = yield from clear_shape(desk, role, shape)
    if said is None:
        return None
    desk.connector.told.pop(role, None)
    if shape.whole:
        let_others_tell(desk, role)
    return "" if said == "" else (yield from _lift(desk, role, shape, said))


def clear_shape(desk: Desk, role: Role, shape: Shape) -> Steps[str | None]:
    """What was told in this shape. "": it is gone. Else what it says of that. None: no answer."""
    place = whose_place(shape, role, desk.manner.standing)
    for clearing in clearings(shape, desk.connector.connector_id, place):
        answer = yield from answer_to(Ask("ClearChargingProfile", encode_payload(clearing), timeout_s=ANSWER_S))
        if not answer.agreed and not answer.refused:
            return None
        if answer.agreed:
            break
    _forget_other(desk, role, shape)
    return "" if answer.agreed else no(answer)


def _forget_other(desk: Desk, role: Role, shape: Shape) -> None:
    """What was told in the same place for the other role is gone with it."""
    other: Role = "moving" if role == "standing" else "standing"
    telling = desk.connector.told.get(other)
    if telling is not None and telling.shape is not None and same_place(telling.shape, shape):
        del desk.connector.told[other]


def let_others_tell(desk: Desk, role: Role) -> None:
    """What was said for the whole charger was said for its other connectors too."""
    for connector in desk.charger.connectors.values():
        telling = connector.told.get(role)
        if telling is not None and telling.whole:
            del connector.told[role]


def _lift(desk: Desk, role: Role, shape: Shape, said: str) -> Steps[str | None]:
    """`said`: instead of taking it back."""
    left_a = yield from composite_a(desk)
    if left_a is not None and left_a >= UNLIMITED_A:
        return ""
    message = message_of(
        shape,
        Target(inf),
        desk.connector.connector_id,
        whose_place(shape, role, desk.manner.standing),
        desk.now,
        watts_of=desk.manner.watts_of,
        transaction_id=desk.transaction_id,
        ahead=desk.charger.clock_ahead,
    )
    answer = yield from answer_to(Ask("SetChargingProfile", encode_payload(message), timeout_s=ANSWER_S))
    if answer.agreed or (left_a is None and said == UNKNOWN) or (left_a is not None and _more_than_told(desk, left_a)):
        return ""
    return f"{said}, {no(answer)}" if answer.refused else None


def _more_than_told(desk: Desk, left_a: float) -> bool:
    """What it means to give is not what we told it, but the installer's or the cable's (quirk C16)."""
    before = desk.before
    return before is None or before.current_a is None or left_a > before.current_a + OFFERED_OVER_A
