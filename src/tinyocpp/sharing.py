"""Rule: one house connection, shared among the house and any number of chargers.

What the rest of the house leaves on each phase (headroom.py) is divided by priority (allotment.py). Less is told at
once. More is told slowly, in steps, and only out of what nobody has been told lately: a current that was granted counts
as drawn, and one that was taken away counts until charger and car have had the time to let go of it. While the meter is
not to be believed all chargers together have the safe share. Nothing here reads a clock or a meter.
"""

from __future__ import annotations

from math import ceil, inf
from typing import TYPE_CHECKING, NamedTuple

import msgspec
from msgspec.structs import replace

from tinyocpp.allotment import NEGLIGIBLE_A, Claim, Division, Grants, Way, allot
from tinyocpp.headroom import CALM_A, House, Reading, forgotten, noticed
from tinyocpp.parties import Currents, Line, Party, Wires, added, less, spread

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tinyocpp.modes import SharingConfig


class Share(msgspec.Struct, frozen=True):
    """What to tell one charger now: 0 A is pause; fewer phases than it has, that it is to use its first only."""

    current_a: float
    phases: int
    words: str


class State(msgspec.Struct, frozen=True):
    """All the rule remembers; begin with State()."""

    house: House = House()
    sure: House | None = None  # as it was before a charge came that is not measured yet
    lines: dict[str, Line] = {}


class Moment(msgspec.Struct, frozen=True):
    """What holds while one decision is made."""

    config: SharingConfig
    parties: dict[str, Party]
    lines: dict[str, Line]
    house: House
    metered: bool
    news: bool  # a new reading has come, or none is waited for
    now_s: float

    @property
    def stale(self) -> bool:
        return self.metered and self.house.silent_s(self.now_s) > self.config.stale_after_s

    @property
    def raises(self) -> bool:
        """Nothing is raised on old news; but the safe share is safe to have."""
        return self.news or self.stale

    def all_chargers(self) -> Currents:
        """What they may take together."""
        config = self.config
        if not config.limit_a:
            return (inf, inf, inf)
        usable_a = max(config.limit_a - config.reserve_a, 0.0)
        if self.stale:
            usable_a = min(usable_a, config.safe_a)
        whole = (usable_a, usable_a, usable_a)
        return less(whole, self.house.reckoned) if self.metered and not self.stale else whole

    def free(self) -> Currents:
        """Of that, what nobody may be drawing."""
        drawing = [line.may_draw(self.now_s, self.config.lag_s) for line in self.lines.values()]
        return less(self.all_chargers(), added(drawing))

    def disobeys(self, party: Party) -> bool:
        return self.lines[party.key].disobeys(self.config.lag_s)

    def divided(self, parties: list[Party], others: list[Party]) -> Division:
        """Among these, what there is when those others have all they may be drawing."""
        taken = added(self.lines[party.key].may_draw(self.now_s, self.config.lag_s) for party in others)
        return allot([_claim(self, party) for party in parties if party.wants], less(self.all_chargers(), taken))


def share(
    state: State,
    config: SharingConfig,
    parties: Sequence[Party],
    reading: Reading | None,
    now_s: float,
    *,
    metered: bool = True,
) -> tuple[State, dict[str, Share]]:
    """What each party, by its key, is to be told from now on. `reading` is the last there is, new or not; with
    `metered` false there is no meter, and the limit is for the chargers alone. Called as often as one likes, and at
    once when a party has changed; what was not passed on to a charger shows in its `allowed_a` the next time."""
    by_key = {party.key: party for party in parties}
    lines = {
        key: state.lines.get(key, Line()).turned(party, now_s).heard(party, now_s, config.lag_s)
        for key, party in by_key.items()
    }
    before = replace(state.house, began_s=min(state.house.began_s, now_s))
    at_s = now_s if reading is None else reading.taken_s
    before, sure = _surely(before, state, lines, at_s, config)
    house = noticed(before, config, reading, lines.values(), now_s) if reading and metered else before
    news = not metered or house.believed is not before.believed
    moment = Moment(config, by_key, lines, house, metered, news, now_s)
    division = _divided(moment)
    told = _told(moment, division.grants)
    shares = {
        key: Share(what.current_a, what.phases, _words(moment, by_key[key], what.current_a, division))
        for key, what in told.items()
    }
    return State(
        house=house, sure=sure, lines={key: _line(moment, by_key[key], what) for key, what in told.items()}
    ), shares


def _surely(
    house: House, state: State, lines: dict[str, Line], at_s: float, config: SharingConfig
) -> tuple[House, House | None]:
    """What a charge draws before anybody told it anything is taken for the house's. Where that came to more than the
    limit it is forgotten when the last of them was measured. Of one that comes in the middle nobody knows since when.
    """
    if any(line.charging is not None and key not in state.lines for key, line in lines.items()):
        return forgotten(house, House()), House()
    if any(line.unknown(at_s, config.lag_s) for line in lines.values()):
        return house, state.sure or house
    if state.sure is None or max(house.reckoned) <= config.limit_a:
        return house, None
    return forgotten(house, state.sure), None


# ------------------------------------------------------------------------------------------------------------ claiming


def _divided(moment: Moment) -> Division:
    """One that does not listen is told what it would have if it did; the others have what it leaves, as they have what
    one leaves that cannot be told."""
    order = _in_order(moment)
    lost = [party for party in order if party.fallback_a is not None]
    deaf = [party for party in order if party not in lost and moment.disobeys(party)]
    division = moment.divided([party for party in order if party not in lost + deaf], lost + deaf)
    if not deaf:
        return division
    would = moment.divided([party for party in order if party not in lost], lost).grants
    theirs = {party.key: would[party.key] for party in deaf if party.key in would}
    return division._replace(grants=division.grants | theirs)


def _in_order(moment: Moment) -> list[Party]:
    """By priority; equals by turn: who charges while the turn lasts, who waits, the longest first, who had a turn."""

    def rank(party: Party) -> tuple[int, int, float, str]:
        line = moment.lines[party.key]
        turn_over = moment.now_s - line.since_s >= moment.config.rotate_after_s
        place = (2 if turn_over else 0) if line.charging else 3 if _rests_s(moment, party) else 1
        return -party.priority, place, line.since_s, party.key

    return sorted(moment.parties.values(), key=rank)


def _rests_s(moment: Moment, party: Party) -> float:
    """How long yet, before it may start again; what it will have then is kept for it."""
    line = moment.lines[party.key]
    return 0.0 if line.charging else max(line.stopped_s + moment.config.min_off_s - moment.now_s, 0.0)


def _claim(moment: Moment, party: Party) -> Claim:
    line = moment.lines[party.key]
    ways: tuple[Way, ...] = (Way(party.wires(), party.most_a()),)
    if party.can_swap and party.phases > 1:
        on_one = Way(party.wires(fallen=True), party.most_a(fallen=True))
        settling = line.fallen and moment.now_s - line.swapped_s < moment.config.dwell_s
        ways = (on_one,) if settling else (*ways, on_one)
    return Claim(party.key, party.priority, ways, party.lowest_a())


# ------------------------------------------------------------------------------------------------------------- telling


class _Next(NamedTuple):
    """What one is to be told."""

    current_a: float
    phases: int


def _told(moment: Moment, grants: Grants) -> dict[str, _Next]:
    """By key. Cuts are made whatever others do; raises out of what is free, in order."""
    free = moment.free()
    told: dict[str, _Next] = {}
    for party in _in_order(moment):
        may_draw = moment.lines[party.key].may_draw(moment.now_s, moment.config.lag_s)
        told[party.key] = current_a, phases = _next(moment, party, grants, added([free, may_draw]))
        wanted = less(spread(current_a, party.wires(phases < party.phases)), may_draw)
        free = less(free, (max(wanted[0], 0.0), max(wanted[1], 0.0), max(wanted[2], 0.0)))
    return told


def _next(moment: Moment, party: Party, grants: Grants, open_to_it: Currents) -> _Next:
    line, grant = moment.lines[party.key], grants.get(party.key)
    fallen_phases = 1 if line.fallen else party.phases
    if party.fallback_a is not None:
        return _Next(party.fallback_a, party.fallback_phases)
    if grant is None or _rests_s(moment, party):
        return _Next(0.0, fallen_phases)
    target_a = party.in_steps(grant.current_a)
    kept_a = min(party.allowed_a, target_a)
    may_be_a = party.in_steps(max(min(target_a, *(open_to_it[wire] for wire in grant.wires)), 0.0))
    if may_be_a < party.lowest_a() or not moment.raises:
        may_be_a = 0.0
    if len(grant.wires) > fallen_phases and kept_a:  # more phases: only out of what is free
        return _Next(min(kept_a, may_be_a), len(grant.wires)) if may_be_a else _Next(kept_a, fallen_phases)
    return _Next(max(kept_a, may_be_a), len(grant.wires))


def _line(moment: Moment, party: Party, told: _Next) -> Line:
    current_a, phases = told
    line, fallen = moment.lines[party.key], phases < party.phases
    swapped_s = moment.now_s if fallen is not line.fallen else line.swapped_s
    line = replace(line, fallen=fallen, swapped_s=swapped_s)
    return line.was_told(spread(current_a, party.wires(fallen)), moment.now_s, moment.config.lag_s)


# -------------------------------------------------------------------------------------------------------------- saying


def _words(moment: Moment, party: Party, current_a: float, division: Division) -> str:
    line = moment.lines[party.key]
    if party.fallback_a is not None:
        return f"not connected: may take {current_a:g} A"
    if moment.disobeys(party):
        return f"takes {max(line.seen[-1][1]):g} A whatever it is told: the others have what it leaves"
    if not party.wants:
        return "no car wants current"
    words = _charging(moment, party, current_a, division) if current_a else _paused(moment, party, division)
    if moment.stale:
        silent_s = moment.house.silent_s(moment.now_s)
        return f"{words}, until the meter is back: no figure to believe for {silent_s:.0f} s"
    return words


def _charging(moment: Moment, party: Party, current_a: float, division: Division) -> str:
    grant = division.grants[party.key]
    fallen = len(grant.wires) < party.phases
    most_a, target_a = party.most_a(), party.in_steps(grant.current_a)
    if target_a >= most_a and not fallen:
        return f"{current_a:g} A" if current_a == target_a else f"{current_a:g} A, soon {target_a:g} A"
    taken = _taken(moment, _short(party.wires()[fallen:], division.left))
    return f"{current_a:g} A on one phase: {taken}" if fallen else f"shared: {current_a:g} A of {most_a:g} A, {taken}"


def _paused(moment: Moment, party: Party, division: Division) -> str:
    lowest_a, rests_s = party.lowest_a(), _rests_s(moment, party)
    if party.most_a(fallen=party.can_swap) < lowest_a:
        return "paused: it is allowed less than a car can take"
    if party.key in division.grants:
        return f"paused: starts in {rests_s:.0f} s" if rests_s else "starts as soon as there surely is enough"
    wire = _short(party.wires(), division.left)
    others = [moment.parties[key] for key, grant in division.grants.items() if wire in grant.wires]
    first = [other.name for other in others if other.priority > party.priority]
    if division.room[wire] < lowest_a - NEGLIGIBLE_A or not others:
        return f"paused: {_taken(moment, wire)}"
    if first:
        return f"paused: priority goes to {' and '.join(first)}"
    turns_s = [moment.lines[other.key].since_s + moment.config.rotate_after_s - moment.now_s for other in others]
    return f"paused: its turn comes in {max(ceil(max(min(turns_s), rests_s) / 60), 1)} min"


def _short(wires: Wires, left: Currents) -> int:
    return min(wires, key=lambda wire: left[wire])


def _taken(moment: Moment, wire: int) -> str:
    config = moment.config
    if not moment.metered or moment.stale:
        return f"all chargers together have {moment.all_chargers()[wire]:g} A"
    reckoned_a = moment.house.reckoned[wire]
    takes = "takes" if reckoned_a <= moment.house.rest[wire] + CALM_A else "lately took"
    return f"the house {takes} {reckoned_a:.0f} A of {config.limit_a:g} A on L{wire + 1}"
