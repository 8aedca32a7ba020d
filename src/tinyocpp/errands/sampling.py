"""Ask for meter values while a charge runs and none come, for some send them only when asked (SyncEV: quirk M23)."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec

from tinyocpp.commands import Ask, Pause, answer_to

if TYPE_CHECKING:
    from datetime import datetime

    from tinyocpp.charger import Charger
    from tinyocpp.commands import Errand


def ask_for_samples(charger: Charger) -> Errand | None:
    """For makers known for it. It ends with the first answer that is no yes: who cannot be asked is not asked again."""
    return _ask(charger, charger.quirks.ask_samples_every_s) if charger.quirks.ask_samples_every_s else None


def _ask(charger: Charger, every_s: float) -> Errand:
    known: dict[int, datetime] = {}
    while True:
        yield Pause(every_s)
        now = charger.clock.now()
        for transaction in charger.ledger.running(charger.id):
            told_at = transaction.last_sample_at or transaction.started_at
            before, known[transaction.id] = known.get(transaction.id), told_at
            same = told_at > now and told_at == before  # its clock is ahead
            if same or told_at <= now - timedelta(seconds=every_s):
                call = {"requestedMessage": "MeterValues", "connectorId": transaction.connector_id}
                answer = yield from answer_to(Ask("TriggerMessage", msgspec.json.encode(call)))
                if not answer.agreed:
                    return
