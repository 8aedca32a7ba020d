"""Take back what was told, in every place it was told in, so that nothing of ours is left."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from tinyocpp.commands import Ask, answer_to
from tinyocpp.dealings import Target
from tinyocpp.errands.limiting.asking import composite_a
from tinyocpp.limits import UNLIMITED_A, clearings, message_of, same_place, whose_place
from tinyocpp.messages.payload import encode_payload

if TYPE_CHECKING:
    from tinyocpp.commands import Steps
    from tinyocpp.connectors import Role
    from tinyocpp.dealings import Shape
    from tinyocpp.errands.limiting.desk import Desk

ANSWER_S = 60.0


def clear(desk: Desk, role: Role) -> Steps[bool]:
    """False: it has not answered, so nobody knows; try again. Unknown is fine where it has forgotten; one that keeps it
    all the same is told so much that it limits nothing (quirk C2)."""
    manner = desk.manner
    shape = manner.standing if role == "standing" else manner.moving
    if shape is None:
        desk.connector.told.pop(role, None)
        return True
    found = yield from clear_shape(desk, role, shape)
    if found is None:
        return False
    desk.connector.told.pop(role, None)
    if shape.whole:
        let_others_tell(desk, role)
    if not found:
        yield from _lift(desk, role, shape)
    return True


def clear_shape(desk: Desk, role: Role, shape: Shape) -> Steps[bool | None]:
    """What was told in this shape. Was there any? None: no answer."""
    place = whose_place(shape, role, desk.manner.standing)
    for clearing in clearings(shape, desk.connector.connector_id, place):
        answer = yield from answer_to(Ask("ClearChargingProfile", encode_payload(clearing), timeout_s=ANSWER_S))
        if not answer.agreed and not answer.refused:
            return None
        if answer.agreed:
            break
    _forget_other(desk, role, shape)
    return answer.agreed


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


def _lift(desk: Desk, role: Role, shape: Shape) -> Steps[None]:
    left_a = yield from composite_a(desk)
    if left_a is not None and left_a >= UNLIMITED_A:
        return
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
    yield Ask("SetChargingProfile", encode_payload(message), timeout_s=ANSWER_S)
