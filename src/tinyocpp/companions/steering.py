"""What each charger is to have now, by the sun and by what the house leaves: solar.py and sharing.py at work.

Free of I/O: the control program (control.py) says what there is, and is told what to offer. Here the two laws meet. The
sun says first what a charge should have, in order of priority; then the house connection says how much of it may be.
"""

from __future__ import annotations

from collections import deque
from math import inf
from typing import TYPE_CHECKING, NamedTuple

import msgspec
from msgspec.structs import replace

from tinyocpp import sharing, solar
from tinyocpp.headroom import Reading
from tinyocpp.modes import FROM_THE_SUN
from tinyocpp.obedience import ACTIVE_A
from tinyocpp.parties import Currents, Party
from tinyocpp.solar import Decision, Outlet, Sample

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tinyocpp.config import Config
    from tinyocpp.measuring import Measured
    from tinyocpp.modes import Mode, Rotation

SETTLED_S = 45.0  # charger, car and the next sample have followed by then
TOGETHER = 0.25  # of an interval: so near to each other house and car were measured at one moment
STEADY_W, ROUGH_W = 150.0, 1500.0  # a car that changes by so little is known between two samples, or near one
READINGS_KEPT = 60
GIFTS_KEPT = 20
UNNOTICED_S = 120.0  # so long a line may be dead until three pings were missed


class Drawn(msgspec.Struct, frozen=True):
    """What a charger measured of one charge."""

    at_s: float  # when it came, by a monotonic clock
    power_w: float
    currents_a: Currents | None = None


def key_of(charger_id: str, connector_id: int) -> str:
    """By which everything about one connector is kept."""
    return f"{charger_id}/{connector_id}"


class Live(msgspec.Struct, frozen=True, kw_only=True):
    """One connector as it is now."""

    charger_id: str
    connector_id: int
    alone: bool = True  # the charger has no other
    connected: bool = True
    transaction_id: int | None = None  # a charge runs
    waits: bool = False  # none runs, for it was ended for a pause; with a current it is started again
    mode: Mode = "fast"
    priority: int = 0
    rotation: Rotation = "RST"
    phases: int = 3  # that its car uses, or its owner lets it use: one that is seen to use fewer is reckoned with these
    can_swap: bool = False
    swapped_s: float = -inf  # when it was told other phases last, by a monotonic clock
    outlet: Outlet = Outlet()  # its currents; the phases are said above
    holds_s: float = 900.0  # so long it goes on with what it was given when nobody says it again
    drawn: tuple[Drawn, ...] = ()  # the newest last

    @property
    def key(self) -> str:
        return key_of(self.charger_id, self.connector_id)

    @property
    def charges(self) -> bool:
        return self.transaction_id is not None or self.waits

    @property
    def name(self) -> str:
        """For words."""
        return self.charger_id if self.alone else f"connector {self.connector_id} of {self.charger_id}"

    def choices(self) -> Outlet:
        """With the numbers of phases there are to choose from."""
        return replace(self.outlet, phases=(1, self.phases) if self.can_swap and self.phases > 1 else (self.phases,))


class Given(msgspec.Struct, frozen=True):
    """What one connector may have from now on. 0 phases: whatever it has."""

    current_a: float
    phases: int
    words: str


class Gift(NamedTuple):
    """What was given from a moment on."""

    since_s: float
    current_a: float
    phases: int
    power_w: float


class _Drew(NamedTuple):
    """By one car at a moment; measured so far from it, where that matters."""

    power_w: float
    apart_s: float = 0.0


class _Scene(NamedTuple):
    """House and cars at one moment."""

    measured: Measured
    drew_w: dict[str, float]  # by key, those that charge from the sun
    apart_s: float


class _Connector(msgspec.Struct, kw_only=True):
    """What is remembered of one, as long as it is reckoned with."""

    charge: int | None = None  # what follows up to `decision`, and `used`, is for this one
    waited: bool = False  # or for the one that it becomes
    sun: solar.State | None = None
    decision: Decision | None = None
    share_w: float = inf  # that the house let it have at last
    given: Given | None = None  # last; by one that is lost, what it may still have
    left_a: float | None = None  # what was left with it; None: by somebody before us
    lost_s: float | None = None  # since when it is not connected
    gifts: deque[Gift] = msgspec.field(default_factory=lambda: deque(maxlen=GIFTS_KEPT))
    used: int | None = None  # phases of its car, where it was free to use all; None: no current was seen yet
    on_phases: int = 0  # that it is to use since then; 0: none, or nobody knows
    on_since_s: float = -inf

    def turn_to(self, live: Live) -> None:
        """Forget what was for a charge before; one that was ended for a pause goes on as the next."""
        goes_on = live.waits or (self.waited and live.charges)
        if not goes_on and self.charge != live.transaction_id:
            self.used, self.sun = None, None
        self.charge, self.waited = live.transaction_id, live.waits

    def in_force(self, at_s: float) -> list[Gift]:
        """Those it may have been following at that moment: the last that was given by then, and what it had so lately
        that it may not have settled since."""
        given = [gift for gift in self.gifts if gift.since_s <= at_s]
        lately = sum(gift.since_s > at_s - SETTLED_S for gift in given)
        return given[-lately - 1 :]

    def unheard(self, now_s: float) -> Given | None:
        """The most it was given while nobody may have noticed that it heard nothing any more."""
        ends_s = [gift.since_s for gift in self.gifts][1:] + [inf]
        lately = [gift for gift, end_s in zip(self.gifts, ends_s, strict=False) if end_s > now_s - UNNOTICED_S]
        if not lately:
            return None
        return Given(max(gift.current_a for gift in lately), max(gift.phases for gift in lately), "")


class Steering:
    """Decides as often as it is asked; remembers what the laws remember, and what was given since when."""

    def __init__(self, config: Config, before: Mapping[str, Given] | None = None) -> None:
        """`before`: what was given by key until just now, by one who is gone; charges that run go on with it."""
        self.config = config
        self._before = dict(before or {})
        self._connectors: dict[str, _Connector] = {}
        self._shared = sharing.State()
        self._meter: deque[Measured] = deque(maxlen=READINGS_KEPT)
        self._decided_s = -inf  # by the sun
        self._together_s = TOGETHER * config.control.interval_s

    def decide(self, lives: Sequence[Live], measured: Measured | None, now_s: float) -> dict[str, Given]:
        """By key; who is missing may have what it likes."""
        if measured is not None and (not self._meter or measured.taken_s > self._meter[-1].taken_s):
            self._meter.append(measured)
        self._connectors = {live.key: self._connectors.get(live.key, _Connector()) for live in lives}
        lives = [replace(live, phases=min(self._used(live, now_s), live.phases)) for live in lives]
        in_order = sorted(lives, key=lambda live: (-live.priority, live.key))
        wanted = self._wanted(in_order, now_s)
        for live in in_order:
            self._left_with(live, len(in_order), now_s)
        shares = self._shares(in_order, wanted, measured, now_s)
        for live in in_order:
            share = shares.get(live.key)
            share_w = inf if share is None else live.outlet.power_w(share.phases, share.current_a)
            self._connectors[live.key].share_w = share_w
        given = {live.key: _least(live, wanted[live.key], shares.get(live.key)) for live in in_order if live.connected}
        kept = {key: what for key, what in given.items() if what is not None}
        self._remember(in_order, kept, now_s)
        self._before.clear()
        return kept

    def _used(self, live: Live, now_s: float) -> int:
        """How many phases its car uses where it may use all: three until a current was seen."""
        one, newest = self._connectors[live.key], live.drawn[-1] if live.drawn else None
        one.turn_to(live)
        on_more = not live.can_swap or (one.on_phases > 1 and now_s - one.on_since_s >= SETTLED_S)
        if live.phases > 1 and on_more and newest is not None and newest.currents_a is not None:
            one.used = sum(current > ACTIVE_A for current in newest.currents_a) or one.used
        return one.used or 3

    # What the sun says.

    def _wanted(self, in_order: Sequence[Live], now_s: float) -> dict[str, Decision | None]:
        """By key; None: it may have what it likes. All are decided at once, or the same sun would be given twice."""
        wanted = {live.key: self._without_sun(live) for live in in_order}
        sunny = [live for live in in_order if live.mode in FROM_THE_SUN and live.charges and live.connected]
        ones = [self._connectors[live.key] for live in sunny]
        interval_s = self.config.control.interval_s - 1e-3
        if now_s - self._decided_s >= interval_s or any(one.sun is None for one in ones):
            self._decided_s = now_s
            for live, one in zip(sunny, ones, strict=True):
                one.sun = one.sun or self._begun(live, now_s)
            scene = self._scene(sunny)
            for number, live in enumerate(sunny):
                sample = None if scene is None else self._sample(scene, sunny, number)
                self._decide(live, sample, now_s)
        return wanted | {live.key: one.decision for live, one in zip(sunny, ones, strict=True)}

    def _without_sun(self, live: Live) -> Decision | None:
        if live.mode == "off":
            return Decision(0, 0.0, "off")
        return None if live.mode == "fast" else Decision(0, 0.0, "waiting for a charge to begin")

    def _decide(self, live: Live, sample: Sample | None, now_s: float) -> None:
        one = self._connectors[live.key]
        assert one.sun is not None
        if live.swapped_s > one.sun.swapped_s:  # who tells the charger counts the time between two swaps from there
            one.sun = replace(one.sun, swapped_s=live.swapped_s)
        one.sun, one.decision = solar.decide(one.sun, self.config.solar, live.mode, live.choices(), sample, now_s)

    def _begun(self, live: Live, now_s: float) -> solar.State:
        before = self._before.get(live.key)
        if before is None:
            return solar.State()
        power_w = live.outlet.power_w(before.phases, before.current_a)
        self._connectors[live.key].gifts.append(Gift(now_s, before.current_a, before.phases, power_w))
        return solar.resumed(before.phases, before.current_a, now_s)

    def _sample(self, scene: _Scene, sunny: Sequence[Live], number: int) -> Sample:
        """The house as one of them sees it. What those take that come after is there for who comes first: as if they
        drew nothing. What those before were given and do not draw yet is theirs: as if they drew it."""
        measured, live = scene.measured, sunny[number]
        giving_w = sum(scene.drew_w[other.key] for other in sunny[number + 1 :])
        coming_w = sum(self._coming_w(other, scene) for other in sunny[:number])
        return Sample(
            read_s=measured.read_s,
            delay_s=measured.delay_s,
            grid_w=measured.grid_w - giving_w + coming_w,
            car_w=scene.drew_w[live.key],
            battery_w=measured.battery_w,
            battery_soc=measured.battery_soc,
        )

    def _coming_w(self, live: Live, scene: _Scene) -> float:
        """What it will draw more than it did then. One that took less than it was let have all the time goes on so."""
        one, drew_w = self._connectors[live.key], scene.drew_w[live.key]
        decision = one.decision
        assert decision is not None
        had_w = min((gift.power_w for gift in one.in_force(scene.measured.taken_s)), default=0.0)
        if drew_w < had_w - STEADY_W:
            return 0.0
        current_a = decision.current_a or live.outlet.lowest_a()  # after a swap
        return max(min(live.outlet.power_w(decision.phases, current_a), one.share_w) - drew_w, 0.0)

    def _scene(self, sunny: Sequence[Live]) -> _Scene | None:
        """At the last moment at which all were measured, or had long done what they were given. A car that was given
        something else a moment ago may draw the one or the other: taken together with a meter read at another moment,
        that would be a surplus that is not there, and the next would be the opposite."""
        best: _Scene | None = None
        for measured in reversed(self._meter):
            if best is not None and best.measured.taken_s - measured.taken_s > 2 * self._together_s:
                break
            drew = {live.key: self._drew(live, measured.taken_s) for live in sunny}
            known = {key: one for key, one in drew.items() if one is not None}
            apart_s = max((one.apart_s for one in known.values()), default=0.0)
            if len(known) == len(drew) and (best is None or apart_s < best.apart_s):
                best = _Scene(measured, {key: one.power_w for key, one in known.items()}, apart_s)
        return best

    def _drew(self, live: Live, at_s: float) -> _Drew | None:
        """None: that is not known for this moment. It is where it had settled, also on what it was given where it
        measures nothing; between samples that are nearly the same, or nearly what it was given last; and beside one,
        unless it was changing by much: a start or a stop may lie on either side."""
        if live.transaction_id is None:
            return _Drew(0.0)
        one = self._connectors[live.key]
        in_force = one.in_force(at_s)
        before = [sample for sample in live.drawn if sample.at_s <= at_s + self._together_s]
        if len(in_force) == 1 or not one.gifts:
            return _Drew(before[-1].power_w if before else sum(gift.power_w for gift in in_force))
        earlier = next((sample for sample in reversed(live.drawn) if sample.at_s <= at_s), None)
        later = next((sample for sample in live.drawn if sample.at_s > at_s), None)
        meant_w = in_force[-1].power_w if in_force else inf
        if earlier is None:
            return None
        to_w = meant_w if later is None else later.power_w
        changes_w = abs(to_w - earlier.power_w)
        if changes_w <= STEADY_W:
            return _Drew(earlier.power_w)
        nearest = min((one for one in (earlier, later) if one is not None), key=lambda one: abs(one.at_s - at_s))
        apart_s = abs(nearest.at_s - at_s)
        return _Drew(nearest.power_w, apart_s) if apart_s <= self._together_s and changes_w <= ROUGH_W else None

    # What the house leaves.

    def _shares(
        self, lives: Sequence[Live], wanted: dict[str, Decision | None], measured: Measured | None, now_s: float
    ) -> dict[str, sharing.Share]:
        config = self.config.sharing
        if not config.limit_a:
            return {}
        reading = None
        if measured is not None and measured.currents_a is not None:
            reading = Reading(currents_a=measured.currents_a, read_s=measured.read_s, delay_s=measured.delay_s)
        parties = [self._party(live, wanted[live.key] if live.connected else None) for live in lives]
        metered = self.config.meter is not None
        self._shared, shares = sharing.share(self._shared, config, parties, reading, now_s, metered=metered)
        return shares

    def _party(self, live: Live, decision: Decision | None) -> Party:
        last, newest = self._connectors[live.key].given, live.drawn[-1] if live.drawn else None
        most_a = live.outlet.max_current_a
        if decision is not None and decision.phases and decision.current_a:
            most_a = min(most_a, decision.current_a)
        return Party(
            key=live.key,
            name=live.name,
            priority=live.priority,
            wants=live.charges and (decision is None or decision.phases > 0),
            phases=live.phases if decision is None or not decision.phases else decision.phases,
            rotation=live.rotation,
            can_swap=live.can_swap,
            min_a=live.outlet.min_current_a,
            max_a=most_a,
            max_w=live.outlet.max_power_w,
            step_a=live.outlet.step_a,
            allowed_a=live.outlet.max_current_a if last is None else last.current_a,  # begun anew: it may have all
            drawn_a=None if newest is None else newest.currents_a,
            drawn_s=-inf if newest is None else newest.at_s,
            fallback_a=None if live.connected or last is None else last.current_a,
            fallback_phases=live.phases if last is None else last.phases or live.phases,
        )

    def left_a(self, key: str) -> float:
        """What is left with a connected charger for the time when nobody says anything any more."""
        left_a = self._connectors[key].left_a
        assert left_a is not None
        return left_a

    def fallback_a(self, live: Live, chargers: int) -> float:
        """What is to be left with it, now that there are so many."""
        if live.mode == "off":
            return 0.0
        fallback_a, house = self.config.control.fallback_a, self.config.sharing
        if house.limit_a and house.safe_a < fallback_a * max(chargers, 1):
            return 0.0
        return fallback_a

    def _left_with(self, live: Live, chargers: int, now_s: float) -> None:
        """One that is lost goes on with what it was given until that is surely over, then with what was left with it.
        Of one we never had a word with, both may be the most there is."""
        one = self._connectors[live.key]
        if live.connected:
            one.left_a, one.lost_s = self.fallback_a(live, chargers), None
            return
        left_a = self.config.control.fallback_a if one.left_a is None else one.left_a
        if one.lost_s is None:
            one.lost_s = now_s
            one.given = one.unheard(now_s) or self._before.get(live.key) or Given(live.outlet.max_current_a, 0, "")
        if one.given is None or now_s - one.lost_s >= live.holds_s:
            one.given = Given(left_a, 0, "")
        one.given = replace(one.given, current_a=max(one.given.current_a, left_a))

    def _remember(self, lives: Sequence[Live], given: dict[str, Given], now_s: float) -> None:
        for live in lives:
            one, what = self._connectors[live.key], given.get(live.key)
            if live.connected:
                one.given = what
            if what is not None:
                phases = what.phases or live.phases
                power_w = live.outlet.power_w(phases, what.current_a)
                if not one.gifts or one.gifts[-1].power_w != power_w:
                    one.gifts.append(Gift(now_s, what.current_a, phases, power_w))
            phases = 0 if what is None or not what.current_a else what.phases or live.phases
            if live.can_swap and one.on_phases != phases:
                one.on_phases, one.on_since_s = phases, now_s


def _least(live: Live, wanted: Decision | None, share: sharing.Share | None) -> Given | None:
    """What both the sun and the house let it have."""
    if wanted is None and share is None:
        return None
    if share is None:
        assert wanted is not None
        return Given(wanted.current_a, wanted.phases, wanted.words)
    if wanted is None:
        return Given(share.current_a, share.phases, share.words)
    phases = min(wanted.phases, share.phases) if wanted.phases and share.phases else 0
    if not phases or not wanted.current_a:
        held = wanted.words if not wanted.current_a else share.words
        return Given(0.0, wanted.phases, held)
    sun_a = wanted.current_a * wanted.phases / phases
    if sun_a <= share.current_a:
        return Given(min(sun_a, live.outlet.max_current_a), phases, wanted.words)
    return Given(share.current_a, phases, f"{wanted.words}; {share.words}")
