"""One connector: its plug, its status, its transaction. State only; what changes it is in charging.py."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from tinyocpp.errors import ProtocolFault
from tinyocpp.messages.core import ChargePointStatus
from tinyocpp.messages.frames import ErrorCode
from tinyocpp.messages.types import AuthorizationStatus
from tinyocpp.simulator.car import Car, Meter
from tinyocpp.simulator.profiles import Running
from tinyocpp.simulator.vices import Held

if TYPE_CHECKING:
    from tinyocpp.messages.smart_charging import ChargingProfile
    from tinyocpp.simulator.charge_point import ChargePoint

_S = ChargePointStatus
_FROM_REST = frozenset({_S.AVAILABLE, _S.PREPARING, _S.CHARGING, _S.SUSPENDED_EV, _S.SUSPENDED_EVSE})

# The table of section 4.9 with erratum B6. Faulted is never entered: the simulated station does not break. The table
# forgets that a car may be plugged in, without a transaction, when a connector is taken out of service.
TRANSITIONS: dict[ChargePointStatus, frozenset[ChargePointStatus]] = {
    _S.AVAILABLE: _FROM_REST - {_S.AVAILABLE} | {_S.RESERVED, _S.UNAVAILABLE},
    _S.PREPARING: _FROM_REST - {_S.PREPARING} | {_S.FINISHING, _S.UNAVAILABLE},
    _S.CHARGING: frozenset({_S.AVAILABLE, _S.SUSPENDED_EV, _S.SUSPENDED_EVSE, _S.FINISHING, _S.UNAVAILABLE}),
    _S.SUSPENDED_EV: frozenset({_S.AVAILABLE, _S.CHARGING, _S.SUSPENDED_EVSE, _S.FINISHING, _S.UNAVAILABLE}),
    _S.SUSPENDED_EVSE: frozenset({_S.AVAILABLE, _S.CHARGING, _S.SUSPENDED_EV, _S.FINISHING, _S.UNAVAILABLE}),
    _S.FINISHING: frozenset({_S.AVAILABLE, _S.PREPARING, _S.UNAVAILABLE}),
    _S.RESERVED: frozenset({_S.AVAILABLE, _S.PREPARING, _S.UNAVAILABLE}),
    _S.UNAVAILABLE: _FROM_REST,
}


class Transaction(msgspec.Struct):
    """A transaction as the charge point knows it; it may be over here long before the central system hears of it."""

    connector_id: int
    id_tag: str
    meter_start_wh: int
    started_at: datetime
    reservation_id: int | None = None
    transaction_id: int | None = None  # None: no answer yet
    verdict: AuthorizationStatus | None = None  # of the answer to StartTransaction
    parent_id_tag: str | None = None
    meter_stop_wh: int | None = None
    acknowledged: bool = False  # the stop was answered
    given_up: bool = False  # the start or the stop was sent as often as allowed, in vain

    @property
    def wire_id(self) -> int:
        """What MeterValues and StopTransaction say: -1 when the start was never answered (errata 3.18)."""
        return -1 if self.transaction_id is None else self.transaction_id


class Reservation(msgspec.Struct, frozen=True):
    reservation_id: int
    id_tag: str
    expires_at: datetime
    parent_id_tag: str | None = None


class Awaited(msgspec.Struct, frozen=True):
    """A tag was accepted before a car was there: until when the station waits for the plug (ConnectionTimeOut)."""

    id_tag: str
    until: datetime
    profile: ChargingProfile | None = None


class HeldSince(msgspec.Struct, frozen=True):
    """A vice at work: what is offered since a limit of 0 was lifted, whatever the profiles say."""

    held: Held
    since: datetime


class Connector(msgspec.Struct):
    """Number 0 is the charge point itself: it has a status and nothing else."""

    connector_id: int
    meter: Meter
    status: ChargePointStatus = ChargePointStatus.AVAILABLE
    status_at: datetime | None = None
    reported: ChargePointStatus | None = None  # the last status that was answered
    car: Car | None = None
    transaction: Transaction | None = None  # running
    latest: Transaction | None = None  # running or over
    operative: bool = True  # survives a reset
    going_inoperative: bool = False  # Scheduled: when the transaction has ended
    reservation: Reservation | None = None
    awaited: Awaited | None = None
    withheld: bool = False  # no energy: the tag was refused
    last_verdict: AuthorizationStatus | None = None  # of the last tag that was shown here
    sampled_at: datetime | None = None
    held: HeldSince | None = None
    contactor: int = 3  # phases that are switched through
    load_a: float = 0.0  # on each of them
    flowed_at: datetime | None = None  # when there was a load last

    @property
    def running(self) -> Running | None:
        if self.transaction is None:
            return None
        return Running(self.transaction.transaction_id, self.transaction.started_at)


def connector_of(station: ChargePoint, connector_id: int, *, whole: bool = False) -> Connector:
    """The connector of that number; 0 only where the whole charge point may be meant."""
    if not (0 if whole else 1) <= connector_id < len(station.connectors):
        raise ProtocolFault(ErrorCode.PROPERTY_CONSTRAINT_VIOLATION, f"no connector {connector_id}")
    return station.connectors[connector_id]
