"""All chargers as the control program sees them at one moment: what the ledger knows, what their lines have said."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from math import inf
from typing import TYPE_CHECKING, cast

import msgspec
from msgspec.structs import replace

from tinyocpp.companions.steering import Drawn, Live
from tinyocpp.dealings import Wish, wished_of
from tinyocpp.identity import fold_identity
from tinyocpp.limits import EXPIRES_IN_FLASH, lasts, one_phase_would_do
from tinyocpp.manners import facts_among, surely_switches, switches_by
from tinyocpp.solar import Outlet

if TYPE_CHECKING:
    from tinyocpp.companions.lines import Lines
    from tinyocpp.config import ChargerConfig, Config
    from tinyocpp.dealings import Manner, Told, Wished
    from tinyocpp.manners import Facts
    from tinyocpp.modes import Mode
    from tinyocpp.storage import ChargerStatus, ConnectorStatus, Reader, Registered
    from tinyocpp.storage.tagfile import TagFile

NOTHING_FLOWS = frozenset({"Available", "Preparing", "SuspendedEV", "SuspendedEVSE", "Finishing", "Reserved"})
"""A power told before may stand there for long (quirk M17)."""
LOST_S = 6 * 3600.0  # so long a charger that went away in a charge is reckoned with


class _Charger(msgspec.Struct, frozen=True, kw_only=True):
    """What counts for all connectors of one charger, looked up once a round."""

    charger_id: str
    connected: bool
    own: ChargerConfig
    known: Facts
    learnt: Manner
    wishes: list[Wished]
    told: dict[int, Told]  # by connector
    mode: Mode  # unless the tag that charges has one

    @property
    def name(self) -> str:
        return fold_identity(self.charger_id)

    def stopped_tag(self, connector_id: int) -> str:
        """Of a charge that was ended for a pause, to be started again."""
        return self.told[connector_id].stopped_tag if connector_id in self.told else ""

    def swapped_s(self, connector_id: int) -> float:
        """When it was told other phases last, by the monotonic clock."""
        swapped_at = self.told[connector_id].swapped_at if connector_id in self.told else None
        return -inf if swapped_at is None else time.monotonic() - (datetime.now(UTC) - swapped_at).total_seconds()

    def wish(self, connector_id: int) -> Wish:
        """The owner's, as errands/limiting takes it to the charger: a charger that cannot choose its phases is told
        nothing of them."""
        wished = wished_of(self.wishes, connector_id)
        wish = Wish() if wished is None else wished.wish
        if switches_by(self.known, self.learnt) == "fixed":
            return replace(wish, phases=None)
        return one_phase_would_do(wish) or wish


class View:
    """Asked once a round; remembers nothing."""

    def __init__(self, config: Config, reader: Reader, tags: TagFile, lines: Lines) -> None:
        self._config = config
        self._reader = reader
        self._tags = tags
        self._lines = lines

    def lives(self) -> list[Live]:
        """Every connector of a charger that is connected, and of one that went away in the middle of a charge."""
        self._tags.reload_if_changed()
        modes = self._reader.modes()
        found: list[Live] = []
        for status in self._reader.chargers():
            connected = fold_identity(status.registered.charger_id) in self._lines.connected
            if connected or _left_charging(status):
                charger = self._charger(status.registered, modes, connected=connected)
                there = [connector for connector in status.connectors if connector.connector_id > 0]
                found += [self._live(charger, connector, alone=len(there) == 1) for connector in there]
        return found

    def _charger(self, one: Registered, modes: dict[str, str], *, connected: bool) -> _Charger:
        quirks = self._config.quirks_of(one.charger_id, one.vendor, one.model, one.firmware)
        said = modes.get(fold_identity(one.charger_id))
        return _Charger(
            charger_id=one.charger_id,
            connected=connected,
            own=self._config.for_charger(one.charger_id),
            known=facts_among(self._reader.configuration(one.charger_id), quirks),
            learnt=self._reader.manner(one.charger_id).for_firmware(one.firmware),
            wishes=self._reader.wishes(one.charger_id),
            told={told.connector_id: told for told in self._reader.told(one.charger_id)},
            mode=cast("Mode", said or self._config.mode_of(one.charger_id)),
        )

    def _live(self, charger: _Charger, connector: ConnectorStatus, *, alone: bool) -> Live:
        drawn = tuple(self._lines.drawn[charger.name, connector.connector_id]) if charger.connected else ()
        if connector.status in NOTHING_FLOWS and drawn:
            drawn = (*drawn, Drawn(drawn[-1].at_s, 0.0, (0.0, 0.0, 0.0)))
        wish = charger.wish(connector.connector_id)
        return Live(
            charger_id=charger.charger_id,
            connector_id=connector.connector_id,
            alone=alone,
            connected=charger.connected,
            transaction_id=connector.transaction_id,
            waits=connector.transaction_id is None and bool(charger.stopped_tag(connector.connector_id)),
            mode=self._mode(charger, connector),
            priority=charger.own.priority,
            rotation=charger.own.rotation,
            can_swap=surely_switches(charger.known, charger.learnt),
            swapped_s=charger.swapped_s(connector.connector_id),
            phases=wish.phases or 3,
            outlet=_outlet(charger, wish),
            holds_s=_holds_s(charger.learnt),
            drawn=drawn,
        )

    def _mode(self, charger: _Charger, connector: ConnectorStatus) -> Mode:
        """The tag's while it charges or is to charge again, else the owner's word, else as configured."""
        charges = connector.transaction_id is not None
        id_tag = connector.id_tag if charges else charger.stopped_tag(connector.connector_id)
        tag = self._tags.find(id_tag) if id_tag else None
        return (tag and tag.mode) or charger.mode


def _outlet(charger: _Charger, wish: Wish) -> Outlet:
    """What the charger can be told, and the owner's limit."""
    own = charger.own
    return Outlet(
        min_current_a=own.min_current_a,
        max_current_a=min(own.max_current_a, inf if wish.current_a is None else wish.current_a),
        max_power_w=inf if wish.power_w is None else wish.power_w,
        step_a=charger.known.quirks.current_step_a,
    )


def _holds_s(learnt: Manner) -> float:
    """How long after it was told the last time a limit that moves can count: for as long as it charges, if it took none
    that expires; and the longest there is, if it has not shown yet what it takes."""
    shape = learnt.moving
    if shape is not None and not shape.expires:
        return inf
    return (EXPIRES_IN_FLASH if shape is None else lasts(shape)).total_seconds()


def _left_charging(charger: ChargerStatus) -> bool:
    went = charger.registered.disconnected_at or charger.registered.last_seen_at
    if went is None or (datetime.now(UTC) - went).total_seconds() > LOST_S:
        return False
    return any(connector.transaction_id is not None for connector in charger.connectors)
