"""Our session and the simulated charge point, face to face under one clock that is set by hand: no socket, no waiting.

What each says reaches the other at once and in order; hours pass in milliseconds. The ledger is a real one, in memory.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from conversation import Conversation

from tinyocpp.connectors import Offer
from tinyocpp.dealings import LimitState, Told, Wish, Wished
from tinyocpp.messages.smart_charging import ClearChargingProfile
from tinyocpp.simulator import person
from tinyocpp.simulator.car import Car
from tinyocpp.simulator.charge_point import REBOOT_S, ChargePoint
from tinyocpp.simulator.charging import offer_at, reading
from tinyocpp.tags import Tag

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from tinyocpp.makers import Quirks

TAGS = ("04A2", "04B7", "04C3")
TAG = TAGS[0]
STEP_S = 1.0


class Pair:
    """`station` is connected, has booted and been accepted. `ahead`: its clock is, of ours."""

    def __init__(
        self,
        *,
        store: Any = None,
        station: ChargePoint | None = None,
        ahead: timedelta = timedelta(),
        **options: Any,
    ) -> None:
        self.talk = Conversation(*(Tag(tag) for tag in TAGS), watched=True, store=store)
        self.ahead = ahead
        if station is not None:
            self.talk.clock.pass_((station.now - self.there).total_seconds())
        self.station = station or ChargePoint("garage", self.there, **options)
        self.heard: list[tuple[str, dict[str, Any]]] = []  # our calls: action and payload
        self.instead: dict[str, str] = {}  # by action: what is answered, `3 {...}` or `4 "Code","",{}`; "": nothing
        self.swallowed: Callable[[str, dict[str, Any]], bool] = lambda _action, _payload: False  # never answered
        self.refused: Callable[[dict[str, Any]], bool] = lambda _payload: False  # profiles
        self.session = self.talk.session
        self.session.opened(self.talk.clock.seconds)
        self.station.connected(self.there)
        self.go(2)

    # Time and frames.

    @property
    def there(self) -> datetime:
        """What the charger's clock shows."""
        return self.talk.clock.at + self.ahead

    def go(self, seconds: float) -> None:
        """Let so much time pass, in steps of a second."""
        until = self.talk.clock.at + timedelta(seconds=seconds)
        self._exchange()
        while self.talk.clock.at < until:
            self.talk.clock.pass_(min(STEP_S, (until - self.talk.clock.at).total_seconds()))
            self.station.advance(self.there)
            self._exchange()

    def _exchange(self) -> None:
        while texts := list(self._spoken()):
            for ours, text in texts:
                if ours:
                    self._deliver(text)
                else:
                    self.session.receive_text(text, self.talk.clock.seconds)

    def _deliver(self, text: str) -> None:
        kind, message_id, *rest = json.loads(text)
        if kind == 2:
            self.heard.append((rest[0], rest[1]))
        if kind == 2 and self.swallowed(rest[0], rest[1]):
            return
        if kind == 2 and rest[0] == "SetChargingProfile" and self.refused(rest[1]):
            self.session.receive_text(f'[3,"{message_id}",{{"status":"Rejected"}}]', self.talk.clock.seconds)
            return
        if kind == 2 and rest[0] in self.instead:
            if self.instead[rest[0]]:
                number, payload = self.instead[rest[0]].split(" ", 1)
                self.session.receive_text(f'[{number},"{message_id}",{payload}]', self.talk.clock.seconds)
            return
        self.station.receive_text(text, self.there)

    def again(self, *, boot: bool = False) -> Pair:
        """The line is lost, and there is another: to the same charger, over the same ledger."""
        self.session.connection_lost()
        self.station.disconnected(self.there)
        if boot:
            self.station.power_cycle(self.there)
            self.station.advance(self.there + timedelta(seconds=2 * REBOOT_S))
        return Pair(store=self.talk.store, station=self.station, ahead=self.ahead)

    def _spoken(self) -> Iterator[tuple[bool, str]]:
        deadline = self.session.next_deadline
        if deadline is not None and deadline <= self.talk.clock.seconds:
            self.session.expire(self.talk.clock.seconds)
        yield from ((True, text) for text in self.session.text_to_send())
        yield from ((False, text) for text in self.station.text_to_send())

    # What the owner, the control program and the driver do.

    def wish(self, connector_id: int = 0, **wish: Any) -> None:
        """As `tinyocpp limit` does it: into the ledger, then a nod."""
        wished = Wished(charger_id="garage", connector_id=connector_id, wish=Wish(**wish), at=self.talk.clock.at)
        self.talk.store.ledger.keep_wish(wished)
        self.session.heed_wish(self.talk.clock.seconds)
        self._exchange()

    def offer(self, current_a: float | None, phases: int | None = None, connector_id: int = 1, **more: Any) -> None:
        offer = Offer(connector_id=connector_id, current_a=current_a, phases=phases, **more)
        self.session.heed_offer(offer, self.talk.clock.seconds)
        self._exchange()

    def plug_in(self, connector_id: int = 1, **car: Any) -> None:
        """A hungry car, and a card."""
        connector = self.station.connectors[connector_id]
        car.setdefault("wanted_wh", 60_000.0)
        person.plug_in(self.station, connector, Car(**car), self.there)
        person.present_tag(self.station, connector, TAGS[connector_id - 1], self.there)
        self.go(3)

    def leave(self, connector_id: int = 1) -> None:
        person.unplug(self.station, self.station.connectors[connector_id], self.there)
        self.go(3)

    # What one sees.

    def called(self, action: str) -> list[dict[str, Any]]:
        return [payload for name, payload in self.heard if name == action]

    def profiles(self) -> list[dict[str, Any]]:
        """Purpose, kind, stackLevel, unit, connector, limit, numberPhases of each SetChargingProfile."""
        return [short(payload) for payload in self.called("SetChargingProfile")]

    def words(self, connector_id: int = 1) -> str:
        told = self.told(connector_id)
        return "" if told is None else told.words

    def told(self, connector_id: int = 1) -> Told | None:
        told = self.talk.store.ledger.told("garage")
        return next((one for one in told if one.connector_id == connector_id), None)

    def state(self, connector_id: int = 1) -> LimitState | None:
        told = self.told(connector_id)
        return None if told is None else told.state

    def drawn_a(self, connector_id: int = 1) -> float:
        return round(reading(self.station, self.station.connectors[connector_id]).current_a, 1)

    def offered_a(self, connector_id: int = 1) -> float:
        return offer_at(self.station, self.station.connectors[connector_id], self.there).current_a

    @staticmethod
    def everything() -> ClearChargingProfile:
        """Every profile there is."""
        return ClearChargingProfile()

    def limit_events(self) -> list[dict[str, object]]:
        return [event.details for event in self.talk.events() if event.event == "limit"]


def charging(
    *vices: str,
    quirks: Quirks | None = None,
    ahead: timedelta = timedelta(),
    **car: Any,
) -> Pair:
    """A car charges there as fast as it may, for long enough to be seen."""
    pair = Pair(vices=vices, ahead=ahead)
    if quirks is not None:
        pair.talk.charger.quirks = quirks
    pair.plug_in(**car)
    pair.go(20)
    return pair


def short(payload: dict[str, Any]) -> dict[str, Any]:
    profile = payload["csChargingProfiles"]
    (period,) = profile["chargingSchedule"]["chargingSchedulePeriod"]
    return {
        "purpose": profile["chargingProfilePurpose"].removesuffix("Profile"),
        "kind": profile["chargingProfileKind"],
        "stack": profile["stackLevel"],
        "unit": profile["chargingSchedule"]["chargingRateUnit"],
        "connector": payload["connectorId"],
        "limit": period["limit"],
        "phases": period.get("numberPhases"),
    }
