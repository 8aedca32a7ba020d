"""Fresh figures of a charge that follows the sun or the house: without them nobody knows what the car takes.

The charger is set to sample as often as the control program wants it, and to measure power and current if it tells of
neither; once over a connection each. What does not come by itself is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tinyocpp.commands import Ask, answer_to
from tinyocpp.errands.limiting.asking import sample
from tinyocpp.errands.limiting.desk import IDLE_S
from tinyocpp.features import whole_number

if TYPE_CHECKING:
    from tinyocpp.errands.limiting.desk import Desk, Duty

INTERVAL, MEASURANDS = "MeterValueSampleInterval", "MeterValuesSampledData"
REGISTER = "Energy.Active.Import.Register"
WISHED = (
    f"{REGISTER},Power.Active.Import,Current.Import,Current.Offered",
    f"{REGISTER},Power.Active.Import,Current.Import",
    f"{REGISTER},Power.Active.Import",
)
"""Shorter from one to the next: a list that is too long, or names one it lacks, is refused whole (quirk M22)."""
OVERDUE = 1.5  # of the interval; then it is asked for


def fresh(desk: Desk) -> Duty:
    """Nothing, unless an offer wants figures of a charge that runs."""
    offer, connector = desk.connector.offer, desk.connector
    if offer is None or not offer.sample_s or desk.transaction is None:
        return IDLE_S
    if not connector.interval_set:
        connector.interval_set = True
        yield from _set_interval(desk, offer.sample_s)
    seen = desk.seen()
    if seen is not None and seen.drawn_a(1) is None and not connector.measurands_set:
        connector.measurands_set = True
        yield from _set_measurands(desk)
    last = max(filter(None, (connector.sampled_at, connector.asked_at, connector.began_at)), default=None)
    if left_s := desk.left_s(last, OVERDUE * offer.sample_s):
        return left_s
    connector.asked_at = desk.now
    yield from sample(desk)
    return OVERDUE * offer.sample_s


def _set_interval(desk: Desk, every_s: int) -> Duty:
    charger = desk.charger
    told_s = whole_number(charger.ledger.configuration(charger.id, INTERVAL))
    if told_s is None or not 0 < told_s <= every_s:
        yield _change(INTERVAL, str(every_s))
    return IDLE_S


def _set_measurands(desk: Desk) -> Duty:
    for wished in WISHED:
        answer = yield from answer_to(_change(MEASURANDS, wished))
        if answer.agreed:
            break
    return IDLE_S


def _change(key: str, value: str) -> Ask:
    return Ask("ChangeConfiguration", msgspec.json.encode({"key": key, "value": value}), timeout_s=30.0)
