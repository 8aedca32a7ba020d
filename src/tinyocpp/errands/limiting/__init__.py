"""Keep a charger to the limits the owner and the control program set, and see that it does (section 3.13).

One errand does for all connectors of a connection. It begins with the connection where there is a wish in the ledger,
and else when somebody wishes or offers something (`Session.heed_wish`, `heed_offer`); it ends when nothing is wished,
offered or left.

    keeping     the duties at each connector in their order, and when to look again
    desk        one connector, with all one has to know to limit it, and what is kept of it
    telling     one limit, and what is kept of it and learnt by it
    searching   the shape in which the charger takes it
    dropping    a shape at which the charger loses its line
    swapping    between one and three phases: without current, and not too often
    stopping    the pause of a charger that does not survive 0 A: end the charge, start it again
    rousing     a charge that does not go on after a pause
    sampling    fresh figures for whoever offers
    checking    does it follow? if not, the next shape
    asking      what it means to give, a sample, and whether it still has what it was told before
    clearing    a limit is taken back

What is said to whom is the rule's, limits.py. Nothing of these is loaded for a charger without limits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tinyocpp.charger import Charger
    from tinyocpp.commands import Errand


def keep_limits(charger: Charger) -> Errand | None:
    """Unless somebody's offer has begun it before."""
    return None if charger.limiting else begin(charger)


def begin(charger: Charger) -> Errand:
    from tinyocpp.errands.limiting.keeping import keep

    charger.limiting = True
    return keep(charger)


def line_lost(charger: Charger, asked: str) -> None:
    """While the charger was asked this: learn from it, inside a batch."""
    from tinyocpp.errands.limiting.dropping import learn_loss

    if asked == "SetChargingProfile":
        learn_loss(charger)
