"""What we do with a charger by ourselves: one generator per errand, and the tables of those that begin by themselves.

An errand yields what it wants next, an Ask or a Pause, and is given the Answer (None after a Pause). The session does
it: one call at a time, in the queue with those of people, after the answer to the charger's own call has gone out. An
errand is closed without a word when the connection ends, so what must outlive that belongs into the ledger. Like a
handler it runs inside the host's batch and looks at no clock but the charger's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from tinyocpp.admission import Standing
from tinyocpp.late import Late

if TYPE_CHECKING:
    from tinyocpp.charger import Charger
    from tinyocpp.commands import Errand


class Beginning:
    """An errand that begins by itself: the function `name` in `errands/module.py`, which may still find that there is
    nothing to do. It is imported only where there is `occasion`: most connections have none for any of them."""

    def __init__(self, module: str, name: str, occasion: Callable[[Charger], object]) -> None:
        self.begin = Late(f"{__name__}.{module}", name)
        self._occasion = occasion

    def __call__(self, charger: Charger) -> Errand | None:
        return cast("Errand | None", self.begin(charger)) if self._occasion(charger) else None


def unknown(charger: Charger) -> bool:
    """Has it never said who it is, to us?"""
    return charger.standing is Standing.CANDIDATE or not charger.introduced


def limited(charger: Charger) -> bool:
    """Is there a wish to keep, or anything of ours left on the charger?"""
    return bool(charger.ledger.wishes(charger.id) or charger.ledger.told(charger.id))


AT_CONNECTION = (Beginning("booting", "ask_to_boot", unknown),)
"""Begun with every connection that was let in."""

WHEN_ACCEPTED = (
    Beginning("certificates", "deliver_again", lambda charger: charger.ledger.certificates(charger.id)),
    Beginning("sampling", "ask_for_samples", lambda charger: charger.quirks.ask_samples_every_s),
    Beginning("stopping", "stop_refused", lambda charger: charger.ledger.running(charger.id, refused=True)),
    Beginning("limiting", "keep_limits", limited),
    Beginning("locallist", "keep_local_list", lambda charger: charger.local_list),
)
"""Begun with the first frame of a charger that is accepted: before that, nothing may be asked of it (section 4.2)."""
