"""One connector of one charger, with all one has to know to limit it: made anew for every look."""

from __future__ import annotations

from collections.abc import Generator
from datetime import timedelta
from typing import TYPE_CHECKING

from msgspec.structs import replace

from tinyocpp.commands import Answer, Ask, Pause
from tinyocpp.dealings import LimitState, Manner, Told
from tinyocpp.limits import Seen, facts, in_steps, one_phase_would_do, target
from tinyocpp.metering import currents, read

if TYPE_CHECKING:
    from datetime import datetime

    from tinyocpp.charger import Charger
    from tinyocpp.connectors import Connector, Offer
    from tinyocpp.dealings import Wished
    from tinyocpp.limits import Facts, Target
    from tinyocpp.transactions import Transaction

Duty = Generator[Ask | Pause, Answer | None, float]
"""A part of the errand: it returns after how many seconds it wants to look again."""
IDLE_S = 600.0


class Desk:
    """See the module. What is asked of it is as the ledger has it now."""

    def __init__(self, charger: Charger, connector: Connector, wished: Wished | None) -> None:
        self.charger = charger
        self.connector = connector
        self.wished = wished
        self.now = charger.clock.now()
        running = [one for one in charger.ledger.running(charger.id) if one.connector_id == connector.connector_id]
        self.transaction: Transaction | None = running[-1] if running else None

    @property
    def transaction_id(self) -> int | None:
        """As the charger calls it (quirk X7)."""
        return None if self.transaction is None else self.transaction.claimed_id or self.transaction.id

    # What it says of itself, and what has been learnt.

    @property
    def facts(self) -> Facts:
        charger = self.charger
        return facts(lambda key: charger.ledger.configuration(charger.id, key), charger.quirks)

    @property
    def manner(self) -> Manner:
        """Learnt with another firmware it counts no more."""
        kept = self.charger.ledger.manner(self.charger.id)
        return kept if kept.firmware == self.charger.firmware else Manner(firmware=self.charger.firmware)

    def learn(self, manner: Manner) -> None:
        if manner != self.manner:
            self.charger.ledger.keep_manner(self.charger.id, manner)

    @property
    def fixed(self) -> bool:
        """It does not change between one and three phases."""
        if self.charger.quirks.phases or self.manner.phases:
            return "fixed" in (self.charger.quirks.phases, self.manner.phases)
        return self.facts.switches is False and "W" not in self.facts.units

    @property
    def pause(self) -> str:
        """How it is paused: zero, lowest or stop."""
        return self.charger.quirks.pause or self.manner.pause or "zero"

    # What shall flow.

    def target(self, offer: Offer | None) -> Target | None:
        """The least of wish and offer, in the charger's steps; without a word of phases to one that has no choice."""
        wish = None if self.wished is None else self.wished.wish
        if self.fixed:
            wish, offer = wish and replace(wish, phases=None), offer and replace(offer, phases=None)
        else:
            wish = one_phase_would_do(wish)
        wanted = target(wish, offer, self.connector.wired)
        return wanted and replace(wanted, current_a=in_steps(wanted.current_a, self.charger.quirks))

    def offer(self) -> Offer | None:
        """What is offered; of an offer that is over, what was said it may draw then."""
        connector = self.connector
        if connector.offer is not None and connector.offered_until is not None and connector.offered_until <= self.now:
            connector.offer = replace(connector.offer, current_a=connector.offer.fallback_a)
            connector.offered_until = None
        return connector.offer

    def seen(self, since: datetime | None = None) -> Seen | None:
        """What it showed in its last sample, if that came since then."""
        connector = self.connector
        if connector.sample is None or connector.sampled_at is None:
            return None
        if since is not None and connector.sampled_at < since:
            return None
        reading = read(connector.sample.meter_value)
        return Seen(
            power_w=None if reading is None else reading.power_w,
            offered_a=None if reading is None else reading.offered_a,
            currents_a=currents(connector.sample.meter_value),
        )

    def after(self, moment: datetime, seconds: float) -> float:
        """How long yet until so many seconds after that moment; less than nothing: it is past."""
        return (moment + timedelta(seconds=seconds) - self.now).total_seconds()

    # What is kept, and told to the owner.

    @property
    def before(self) -> Told | None:
        """What it was told last, also over another connection."""
        told = self.charger.ledger.told(self.charger.id)
        return next((one for one in told if one.connector_id == self.connector.connector_id), None)

    @property
    def phases(self) -> int:
        """On how many it charges, or is to."""
        before = self.before
        return (None if before is None else before.phases) or self.connector.wired

    @property
    def answered(self) -> bool:
        """Has the wish been taken to the charger?"""
        before = self.before
        return self.wished is None or (before is not None and before.wished_at == self.wished.at)

    def keep(self, **changed: object) -> Told:
        """Keep what has changed of what it was told."""
        kept = self.before or Told(
            charger_id=self.charger.id, connector_id=self.connector.connector_id, at=self.charger.clock.now()
        )
        told = replace(kept, leftover=self.connector.offer is not None, **changed)
        if told != kept or self.before is None:
            self.charger.ledger.keep_told(told)
        return told

    def record(self, state: LimitState, wanted: Target, words: str, **changed: object) -> None:
        """Keep how far the standing limit has come, and tell whoever follows."""
        wished_at = None if self.wished is None else self.wished.at
        told = self.keep(
            wished_at=wished_at,
            current_a=None if wanted.unlimited else wanted.current_a,
            state=state,
            words=words,
            at=self.charger.clock.now(),
            **changed,
        )
        self.announce(told)

    def announce(self, told: Told) -> None:
        self.charger.announce(
            "limit",
            connector_id=told.connector_id,
            current_a=told.current_a,
            phases=told.phases,
            state=told.state,
            words=told.words,
        )


def in_words(wanted: Target) -> str:
    """`10 A`, `4,200 W`, `pause`, `no limit`; and on how many phases, where that was said."""
    on = {1: " on one phase", 2: " on two phases", 3: " on three phases"}.get(wanted.phases or 0, "")
    if wanted.pause:
        return "pause"
    if wanted.unlimited:
        return f"no limit{on}"
    return f"{wanted.power_w:,.0f} W{on}" if wanted.power_w else f"{wanted.current_a:g} A{on}"
