"""One connector of one charger, with all one has to know to limit it: made anew for every look."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from msgspec.structs import replace

from tinyocpp import manners
from tinyocpp.commands import Steps
from tinyocpp.dealings import LimitState, Told, Wish, wished_of
from tinyocpp.limits import by_itself, in_steps, one_phase_would_do, target
from tinyocpp.metering import currents, one_current, read
from tinyocpp.obedience import Seen

if TYPE_CHECKING:
    from datetime import datetime

    from tinyocpp.charger import Charger
    from tinyocpp.connectors import Connector, Offer
    from tinyocpp.dealings import Manner, Target, Wished
    from tinyocpp.manners import Facts
    from tinyocpp.transactions import Transaction

Duty = Steps[float]
"""A part of the errand: it returns after how many seconds it wants to look again."""
NOW_S = 0.0
IDLE_S = 600.0


class Desk:
    """See the module. What is asked of it is as the ledger has it; `now`, the charge and the wish are those the look
    began with, however long an answer takes: all duties of one look are of one moment, and `overtaken` tells when there
    is another charge or wish. What has happened meanwhile is kept with the clock's time."""

    def __init__(self, charger: Charger, connector: Connector, wished: Wished | None) -> None:
        self.charger = charger
        self.connector = connector
        self.wished = wished
        self.now = charger.clock.now()
        self.transaction = self._running()

    @property
    def transaction_id(self) -> int | None:
        """As the charger calls it (quirk X7)."""
        return None if self.transaction is None else self.transaction.claimed_id or self.transaction.id

    def _running(self, *, refused: bool = False) -> Transaction | None:
        there = self.charger.ledger.running(self.charger.id, refused=refused)
        return next((one for one in reversed(there) if one.connector_id == self.connector.connector_id), None)

    @property
    def refused(self) -> bool:
        """Does a charge run whose tag may not charge?"""
        return self._running(refused=True) is not None

    @property
    def overtaken(self) -> bool:
        """Has the charge begun or ended, or has the owner another wish, since this was made?"""
        now, then = self._running(), self.transaction
        if (now and now.id) != (then and then.id):
            return True
        return wished_of(self.charger.ledger.wishes(self.charger.id), self.connector.connector_id) != self.wished

    # What it says of itself, what has been learnt, and what manners.py makes of both.

    @property
    def facts(self) -> Facts:
        charger = self.charger
        return manners.facts(lambda key: charger.ledger.configuration(charger.id, key), charger.quirks)

    @property
    def manner(self) -> Manner:
        return self.charger.ledger.manner(self.charger.id).for_firmware(self.charger.firmware)

    def learn(self, manner: Manner) -> None:
        if manner != self.manner:
            self.charger.ledger.keep_manner(self.charger.id, manner)

    @property
    def switches_by(self) -> str:
        return manners.switches_by(self.facts, self.manner)

    @property
    def fixed(self) -> bool:
        return self.switches_by == "fixed"

    @property
    def paused_by(self) -> str:
        return manners.paused_by(self.facts, self.manner)

    @property
    def ends_for_gap(self) -> bool:
        return manners.ends_for_gap(self.facts, self.manner)

    @property
    def for_charges_alone(self) -> bool:
        return manners.for_charges_alone(self.manner)

    # What shall flow.

    def target(self, offer: Offer | None) -> Target | None:
        """The least of wish and offer, in the charger's steps; without a word of phases to one that has no choice. One
        that charges on fewer than three is to go back to three by a word, for that takes a pause."""
        wish = None if self.wished is None else self.wished.wish
        if offer is not None and self.ends_for_gap:  # no charge is ended for a cloud
            offer = replace(offer, phases=self.phases if self.reduced else None)
        if self.fixed:
            wish, offer = wish and replace(wish, phases=None), offer and replace(offer, phases=None)
        else:
            wish = one_phase_would_do(wish)
        wanted = target(wish, offer, self.connector.wired)
        if self.reduced and (wanted is None or not wanted.phases):
            wanted = target(replace(wish or Wish(), phases=3), offer, self.connector.wired)
        if wanted is not None and self.switches_by == "watts":
            wanted = by_itself(wanted)
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
            currents_a=() if self.adds_up else currents(connector.sample.meter_value),
        )

    @property
    def adds_up(self) -> bool:
        """Is the one current it tells of all phases together? So it is where watts for one phase were too few."""
        sample = self.connector.sample
        return self.starved and sample is not None and one_current(sample.meter_value)

    @property
    def starved(self) -> bool:
        """Have watts been too few for its phases, in this charge?"""
        before, running = self.before, self.transaction
        return before is not None and running is not None and before.starved_in == running.id

    def after(self, moment: datetime, seconds: float) -> float:
        """How long yet until so many seconds after that moment; less than nothing: it is past."""
        return (moment + timedelta(seconds=seconds) - self.now).total_seconds()

    def left_s(self, moment: datetime | None, seconds: float) -> float:
        """The same; 0 where it is past, or never was."""
        return 0.0 if moment is None else max(self.after(moment, seconds), 0.0)

    # What is kept, and told to the owner.

    @property
    def before(self) -> Told | None:
        """What it was told last, also over another connection."""
        told = self.charger.ledger.told(self.charger.id)
        return next((one for one in told if one.connector_id == self.connector.connector_id), None)

    @property
    def phases(self) -> int:
        """On how many it was told to charge last; of a charge before this one that counts no more where it was told
        for that charge alone."""
        before = self.before
        if before is None or not before.phases or self.fixed:
            return 3
        running = self.transaction
        over = before.told_for is not None and (running is None or running.id != before.told_for)
        return 3 if over else before.phases

    @property
    def reduced(self) -> bool:
        """A charge runs on fewer phases than it would if nobody said anything."""
        return self.transaction is not None and self.phases != 3

    def forget_phases(self) -> None:
        """It may charge on any number of them: to tell it one takes a pause."""
        if self.reduced:
            self.keep(phases=None, swapped_at=None)

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
        wish = Wish() if self.wished is None else self.wished.wish
        if wish.phases and self.fixed:
            words += "; it does not change its number of phases"
        if wish.current_a == 0 and not wanted.pause:
            words += "; it knows no pause"
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
