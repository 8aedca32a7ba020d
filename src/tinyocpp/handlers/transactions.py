"""Where energy is booked: StartTransaction, MeterValues, StopTransaction. None of them can be refused (section 4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyocpp.connectors import Ended
from tinyocpp.dealings import ReservationState
from tinyocpp.errands.stopping import stop_refused
from tinyocpp.handlers.authorization import info, judge
from tinyocpp.leniency import Oddity, OddityKind
from tinyocpp.messages.core import (
    MeterValues,
    MeterValuesResult,
    StartTransaction,
    StartTransactionResult,
    StopTransaction,
    StopTransactionResult,
)
from tinyocpp.messages.types import AuthorizationStatus
from tinyocpp.metering import currents, read
from tinyocpp.transactions import booked

if TYPE_CHECKING:
    from tinyocpp.charger import Charger
    from tinyocpp.transactions import Transaction


def start_transaction(call: StartTransaction, charger: Charger) -> StartTransactionResult:
    """Record the transaction, then answer. A call sent twice gets its first answer again; a refused tag gets a number
    all the same, for the energy flows (section 4.8)."""
    transaction, verdict = charger.ledger.start(
        charger.id,
        call,
        charger.clock.now(),
        judge=lambda running_with: judge(call.id_tag, charger, running_with),
    )
    if call.reservation_id:  # 0 is none (quirk S21)
        used, now = ReservationState.USED, charger.clock.now()
        charger.ledger.reservation_ended(charger.id, call.reservation_id, used, now, transaction.id)
    if verdict.status is not AuthorizationStatus.ACCEPTED and (errand := stop_refused(charger)):
        charger.undertake(errand)
    if charger.limiting:
        connector = charger.connector(transaction.connector_id)
        connector.began(charger.clock.now(), refused=verdict.status is not AuthorizationStatus.ACCEPTED)
        charger.wake()
    announce_transaction(transaction, charger, id_tag_status=verdict.status)
    return StartTransactionResult(id_tag_info=info(verdict, charger), transaction_id=transaction.id)


def meter_values(call: MeterValues, charger: Charger) -> MeterValuesResult:
    """Keep the samples, whatever they say (section 4.7)."""
    transaction = charger.ledger.samples(charger.id, call, charger.clock.now())
    if charger.limiting:
        connector = charger.connector(call.connector_id)
        connector.sample, connector.sampled_at = call, charger.clock.now()
        charger.states(max((bucket.timestamp for bucket in call.meter_value), default=None))
        charger.wake()
    if charger.watched:
        _announce_sample(call, transaction, charger)
    return MeterValuesResult()


def stop_transaction(call: StopTransaction, charger: Charger) -> StopTransactionResult:
    """Book the energy. Information on the tag goes back only for the charger's cache (section 4.10)."""
    transaction = charger.ledger.stop(charger.id, call, charger.clock.now())
    if transaction.orphan:
        charger.note(Oddity(OddityKind.UNKNOWN_TRANSACTION, f"StopTransaction.transactionId: {call.transaction_id}"))
    if charger.limiting:
        connector = charger.connector(transaction.connector_id)
        connector.ended = Ended(transaction.id_tag, transaction.reason, charger.clock.now())
        charger.wake()
    announce_transaction(transaction, charger)
    if not call.id_tag:
        return StopTransactionResult()
    return StopTransactionResult(id_tag_info=info(judge(call.id_tag, charger), charger))


def announce_transaction(transaction: Transaction, charger: Charger, **more: object) -> None:
    """Tell followers how a transaction stands."""
    energy_wh, quality = booked(transaction)
    charger.announce(
        "transaction",
        transaction_id=transaction.id,
        connector_id=transaction.connector_id,
        id_tag=transaction.id_tag,
        state=transaction.state,
        energy_wh=energy_wh,
        quality=quality,
        reason=transaction.reason,
        **more,
    )


def _announce_sample(call: MeterValues, transaction: Transaction | None, charger: Charger) -> None:
    reading, currents_a = read(call.meter_value), currents(call.meter_value)
    charger.announce(
        "sample",
        connector_id=call.connector_id,
        transaction_id=None if transaction is None else transaction.id,
        energy_wh=None if transaction is None else booked(transaction)[0],
        register_wh=None if reading is None else reading.register_wh,
        power_w=None if reading is None else reading.power_w,
        offered_a=None if reading is None else reading.offered_a,
        currents_a=currents_a if any(current is not None for current in currents_a) else None,
    )
