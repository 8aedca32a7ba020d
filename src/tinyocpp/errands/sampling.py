"""Ask for meter values while a charge runs and none come, for some send them only when asked (SyncEV: quirk M23)."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec

from tinyocpp.commands import Ask, Pause, answer_to

if TYPE_CHECKING:
    from tinyocpp.charger import Charger
    from tinyocpp.commands import Errand


def ask_for_samples(charger: Charger) -> Errand | None:
    """For makers known for it. It ends with the first answer that is no yes: who cannot be asked is not asked again."""
    return _ask(charger, charger.quirks.ask_samples_every_s) if charger.quirks.ask_samples_every_s else None


def _ask(charger: Charger, every_s: float) -> Errand:
    while True:
        yield Pause(every_s)
        silent_since = charger.clock.now() - timedelta(seconds=every_s)
        for transaction in charger.ledger.running(charger.id):
            if (transaction.last_sample_at or transaction.started_at) <= silent_since:
                call = {"requestedMessage": "MeterValues", "connectorId": transaction.connector_id}
                answer = yield from answer_to(Ask("TriggerMessage", msgspec.json.encode(call)))
                if not answer.agreed:
                    return
