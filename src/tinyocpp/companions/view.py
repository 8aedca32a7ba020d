"""All chargers as the control program sees them at one moment: what the ledger knows, what their lines have said."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, cast

from msgspec.structs import replace

from tinyocpp.companions.steering import Drawn, Live
from tinyocpp.dealings import wished_of
from tinyocpp.identity import fold_identity
from tinyocpp.manners import facts_among, surely_switches
from tinyocpp.obedience import ACTIVE_A
from tinyocpp.solar import Outlet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tinyocpp.companions.lines import Lines
    from tinyocpp.config import Config
    from tinyocpp.dealings import Manner
    from tinyocpp.makers import Quirks
    from tinyocpp.manners import Facts
    from tinyocpp.modes import Mode
    from tinyocpp.storage import ChargerStatus, ConnectorStatus, Reader
    from tinyocpp.storage.tagfile import TagFile

NOTHING_FLOWS = frozenset({"Available", "Preparing", "SuspendedEV", "SuspendedEVSE", "Finishing", "Reserved"})
"""A power told before may stand there for long (quirk M17)."""
LOST_S = 6 * 3600.0  # so long a charger that went away in a charge is reckoned with


class View:
    """Asked once a round; remembers how many phases each charge was seen to use."""

    def __init__(self, config: Config, reader: Reader, tags: TagFile, lines: Lines) -> None:
        self._config = config
        self._reader = reader
        self._tags = tags
        self._lines = lines
        self._used: dict[str, tuple[int | None, int]] = {}  # by key: the charge, and its phases

    def lives(self, settled_on: Callable[[str], int]) -> list[Live]:
        """Every connector of a charger that is connected, and of one that went away in the middle of a charge.
        `settled_on`: how many phases a connector has been on for a while, by its key; 0: nobody can tell."""
        self._settled_on = settled_on
        self._tags.reload_if_changed()
        modes = self._reader.modes()
        found: list[Live] = []
        for charger in self._reader.chargers():
            name = fold_identity(charger.registered.charger_id)
            connected = name in self._lines.connected
            if connected or _left_charging(charger):
                found += self._connectors(charger, modes, connected=connected)
        return found

    def _connectors(self, charger: ChargerStatus, modes: dict[str, str], *, connected: bool) -> Iterable[Live]:
        one = charger.registered
        quirks = self._config.quirks_of(one.charger_id, one.vendor, one.model, one.firmware)
        known = facts_among(self._reader.configuration(one.charger_id), quirks)
        learnt = self._reader.manner(one.charger_id).for_firmware(one.firmware)
        for connector in charger.connectors:
            if connector.connector_id > 0:
                yield self._live(charger, connector, modes, known, learnt, connected=connected)

    def _live(
        self,
        charger: ChargerStatus,
        connector: ConnectorStatus,
        modes: dict[str, str],
        known: Facts,
        learnt: Manner,
        *,
        connected: bool,
    ) -> Live:
        one, own = charger.registered, self._config.for_charger(charger.registered.charger_id)
        name = fold_identity(one.charger_id)
        drawn = tuple(self._lines.drawn[name, connector.connector_id]) if connected else ()
        if connector.status in NOTHING_FLOWS and drawn:
            drawn = (*drawn, Drawn(drawn[-1].at_s, 0.0, (0.0, 0.0, 0.0)))
        key = f"{one.charger_id}/{connector.connector_id}"
        return Live(
            charger_id=one.charger_id,
            connector_id=connector.connector_id,
            connected=connected,
            transaction_id=connector.transaction_id,
            mode=self._mode(name, connector, modes),
            priority=own.priority,
            rotation=own.rotation,
            phases=self._phases(key, connector.transaction_id, drawn),
            can_swap=surely_switches(known, learnt),
            outlet=self._outlet(one.charger_id, connector.connector_id, known.quirks),
            drawn=drawn,
        )

    def _mode(self, name: str, connector: ConnectorStatus, modes: dict[str, str]) -> Mode:
        """The tag's while it charges, else the owner's word, else as configured."""
        tag = self._tags.find(connector.id_tag) if connector.id_tag and connector.transaction_id is not None else None
        if tag is not None and tag.mode:
            return tag.mode
        return cast("Mode", modes.get(name) or self._config.mode_of(name))

    def _phases(self, key: str, transaction_id: int | None, drawn: tuple[Drawn, ...]) -> int:
        """That its car uses where it may use all: three until a current was seen."""
        charge, used = self._used.get(key, (None, 0))
        if charge != transaction_id:
            used = 0
        if drawn and drawn[-1].currents_a is not None and self._settled_on(key) > 1:
            used = sum(current > ACTIVE_A for current in drawn[-1].currents_a) or used
        self._used[key] = transaction_id, used
        return used or 3

    def _outlet(self, charger_id: str, connector_id: int, quirks: Quirks) -> Outlet:
        """What the charger can be told, and the owner's limit."""
        own = self._config.for_charger(charger_id)
        outlet = Outlet(min_current_a=own.min_current_a, max_current_a=own.max_current_a, step_a=quirks.current_step_a)
        wished = wished_of(self._reader.wishes(charger_id), connector_id)
        if wished is not None and wished.wish.current_a is not None:
            outlet = replace(outlet, max_current_a=min(outlet.max_current_a, wished.wish.current_a))
        return outlet


def _left_charging(charger: ChargerStatus) -> bool:
    went = charger.registered.disconnected_at or charger.registered.last_seen_at
    if went is None or (datetime.now(UTC) - went).total_seconds() > LOST_S:
        return False
    return any(connector.transaction_id is not None for connector in charger.connectors)
