"""What is wished of each connector's power and what came of it, the same for `limit`, `mode` and `status`.

Rules over what the ledger and the control program's notes have; what is said in words here is for people.
"""

from __future__ import annotations

from shlex import quote
from typing import TYPE_CHECKING

import msgspec

from tinyocpp.cli.findings import Finding
from tinyocpp.dealings import LimitState, Told, Wish, Wished, wished_of
from tinyocpp.identity import fold_identity
from tinyocpp.mains import limit_in_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tinyocpp.cli.findings import Circumstances
    from tinyocpp.companions.controlnotes import ConnectorNote, Notes
    from tinyocpp.config import Config
    from tinyocpp.storage import Reader

NOT_TOLD = "not told yet"
WHEN_IT_CONNECTS = "applies when it connects"
TAKEN_BACK, TAKEN_BACK_LATER = "being taken back", "taken back when it connects"


class Power(msgspec.Struct, frozen=True, kw_only=True):
    """All of one charger's."""

    charger_id: str
    wishes: list[Wished] = []
    told: list[Told] = []
    mode: str | None = None  # the owner's word; None: as configured
    configured: str = "fast"
    notes: Notes | None = None

    def wished(self, connector_id: int) -> Wished | None:
        """Its own, or the one that is for all."""
        return wished_of(self.wishes, connector_id)

    def last_told(self, connector_id: int) -> Told | None:
        return next((one for one in self.told if one.connector_id == connector_id), None)

    def note(self, connector_id: int) -> ConnectorNote | None:
        return None if self.notes is None else self.notes.of(self.charger_id, connector_id)

    def mode_at(self, connector_id: int, of_tag: str | None) -> str:
        """As the control program has it, where one runs. `of_tag`: of the tag whose charge runs there."""
        note = self.note(connector_id)
        return note.mode if note is not None else of_tag or self.mode or self.configured

    def limit_row(self, connector_id: int, *, connected: bool) -> dict[str, object]:
        """`wish`, `limit_state` and `limit_words`, as programs read them."""
        wished, told = self.wished(connector_id), self.last_told(connector_id)
        wish = None if wished is None or wished.wish.none else msgspec.structs.asdict(wished.wish)
        state, words = None, ""
        if wished is not None and wished.wish.none and told is not None and told.wished_at != wished.at:
            had = limit_in_words(told.current_a, None, told.phases)
            state, words = LimitState.ASKED, f"{had}: {TAKEN_BACK if connected else TAKEN_BACK_LATER}"
        elif wished is not None and (told is None or told.wished_at != wished.at):
            pending = NOT_TOLD if connected else WHEN_IT_CONNECTS
            state, words = LimitState.ASKED, f"{wished.wish.words}: {pending}"
        elif told is not None:
            state, words = state_of(told, wished), came_of_it(told, wished)
        words = with_all(words, self.told, connector_id)
        return {"wish": wish, "limit_state": state, "limit_words": words or None}

    def told_row(self, connector_id: int) -> dict[str, object]:
        """What it was told last: `told_a` per phase (0: a pause, null: no limit), `told_phases`, `told_at`."""
        told = self.last_told(connector_id)
        if told is None:
            return {"told_a": None, "told_phases": None, "told_at": None}
        return {"told_a": told.current_a, "told_phases": told.phases, "told_at": told.at}

    def numbers(self, known: Iterable[int]) -> list[int]:
        """Connectors there is something to say of: those known, and those something is wished of."""
        wished, told = (wish.connector_id for wish in self.wishes), (told.connector_id for told in self.told)
        return sorted({*known, *wished, *told} - {0}) or [1]


def read_powers(reader: Reader, config: Config, notes: Notes | None, chargers: Iterable[str]) -> dict[str, Power]:
    """By folded identity."""
    wishes, told, modes = reader.wishes(), reader.told(), reader.modes()
    powers = {}
    for charger_id in chargers:
        folded = fold_identity(charger_id)
        powers[folded] = Power(
            charger_id=charger_id,
            wishes=[one for one in wishes if fold_identity(one.charger_id) == folded],
            told=[one for one in told if fold_identity(one.charger_id) == folded],
            mode=modes.get(folded),
            configured=config.mode_of(charger_id),
            notes=notes,
        )
    return powers


BROKEN = {
    LimitState.REFUSED: "it is told again after its next start: tinyocpp charger reset --charger {charger}",
    LimitState.IGNORED: "set it at the charger itself, or see what docs/limits.md says",
}
"""Remedies for limits that do not hold."""
BEGIN = "restart the listener, which starts one; beside a bare backend: tinyocpp control"
UNSTEERED = "it charges with what was left with it: see docs/limits.md, or tinyocpp mode fast"


def power_findings(power: Power, here: Circumstances) -> Iterator[Finding]:
    """Limits that do not hold, and a mode that nobody sees to."""
    charger = quote(power.charger_id)
    for told in power.told:
        if told.state in BROKEN:
            remedy = BROKEN[told.state].format(charger=charger)
            yield Finding(power.charger_id, f"connector {told.connector_id} limit {told.words}", remedy, wrong=True)
        elif told.leftover and told.unsteered:
            said = f"connector {told.connector_id} cannot be steered: {told.unsteered}"
            yield Finding(power.charger_id, said, UNSTEERED, wrong=True)
    mode = power.mode or power.configured
    if mode != "fast" and power.notes is None and here.is_connected(power.charger_id):
        left = any(told.leftover for told in power.told)
        does = "it charges with what was left with it" if left else "it charges fast"
        yield Finding(power.charger_id, f"its mode is {mode}, but no control program says anything, so {does}", BEGIN)


def house_findings(notes: Notes | None, config: Config, here: Circumstances) -> Iterator[Finding]:
    """A meter that is not used, and a connection that nobody shares."""
    if notes is not None and notes.meter is not None and notes.meter.words:
        yield Finding("", f"the meter is not used: {notes.meter.words}", "see what it says: tinyocpp meter", wrong=True)
    if notes is None and config.sharing.limit_a and here.connected:
        said = "the connection is shared, but no control program says how: each charger has what was left with it"
        yield Finding("", said, BEGIN, wrong=True)


def with_all(words: str, told: Iterable[Told], connector_id: int) -> str:
    """And what another connector of the charger was told that counts here too, where it is less."""
    by_number = {one.connector_id: one for one in told if one.state not in BROKEN and one.current_a is not None}
    own = by_number.pop(connector_id, None)
    whole = [(one.current_a, number) for number, one in by_number.items() if one.whole and not one.leftover]
    least_a, number = min(whole, default=(None, 0))
    if least_a is None or (own is not None and own.current_a is not None and own.current_a <= least_a):
        return words
    least = f"{limit_in_words(least_a, None, None)}, said for connector {number}, is for the charger as a whole"
    return f"{words}; {least}" if words else least


def state_of(told: Told, wished: Wished | None) -> LimitState:
    """How far a wish has come. While something steers, what is told at most is what the wish allows: a charger that
    follows that keeps the wish."""
    steered = told.leftover and wished is not None and not wished.wish.none
    if steered and told.steered is LimitState.VERIFIED and told.state not in BROKEN:
        return LimitState.VERIFIED
    return told.state


def came_of_it(told: Told, wished: Wished | None) -> str:
    """What became of a wish. While the control program steers, what stays in the charger is not what it charges with,
    but what it falls back to."""
    wish = Wish() if wished is None else wished.wish
    followed = state_of(told, wished) is LimitState.VERIFIED is not told.state
    said = f"{wish.words}: verified, it follows" if followed else wish.words
    if told.leftover and told.current_a is not None and told.current_a == wish.current_a:
        return said if followed else told.words
    if not told.leftover:
        return told.words
    return f"{'' if wish.none else said + '; '}should nothing steer it any more, {told.words}"
