"""Ask a charger that has never said who it is to do so.

Some send no BootNotification when they reconnect, and so none to a server that is new to them (Wallbox Pulsar Pro 6,
Ocular IQ: quirk B1): nobody would be adopted, and nothing would be known of the maker.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyocpp.commands import Ask, Pause
from tinyocpp.errands import unknown

if TYPE_CHECKING:
    from tinyocpp.charger import Charger
    from tinyocpp.commands import Errand

BY_ITSELF_S = 30.0
"""Most boot within a second of connecting; those are asked nothing."""


def ask_to_boot(charger: Charger) -> Errand:
    yield Pause(BY_ITSELF_S)
    if unknown(charger) and charger.quirks.trigger_boot:
        yield Ask("TriggerMessage", b'{"requestedMessage":"BootNotification"}')
