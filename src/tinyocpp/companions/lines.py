"""The control program's lines to all connected chargers: who is there, what they measure, what is offered to them.

One command socket each, followed; a charger that comes or goes is noticed by itself. Nothing here waits for a charger:
an offer is answered by the host at once, and what is not read yet is read the next time.
"""

from __future__ import annotations

import time
from collections import defaultdict, deque
from typing import TYPE_CHECKING

import msgspec

from tinyocpp.companions.commandclient import open_charger, sockets_in
from tinyocpp.companions.steering import Drawn
from tinyocpp.errors import NoAnswer, NotPermitted, Unavailable
from tinyocpp.hosts.log import Throttle, log
from tinyocpp.mains import NOMINAL_V
from tinyocpp.obedience import ACTIVE_A
from tinyocpp.parties import Currents

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tinyocpp.companions.commandclient import CommandClient, Line
    from tinyocpp.connectors import Offer

LOOK_EVERY_S = 1.0  # for chargers that are new
SAMPLES_KEPT = 30
NEWS = frozenset({"transaction", "status", "boot", "connected", "disconnected"})
"""Events that may change what a charger is to have."""


class _Sample(msgspec.Struct):
    connector_id: int
    power_w: float | None = None
    currents_a: tuple[float | None, float | None, float | None] | None = None
    register_wh: int | None = None


class Lines:
    """Open as long as the control program runs. `drawn` has the last samples by folded identity and connector."""

    def __init__(self, directories: Sequence[str]) -> None:
        self.drawn: dict[tuple[str, int], deque[Drawn]] = defaultdict(lambda: deque(maxlen=SAMPLES_KEPT))
        self._directories = directories
        self._clients: dict[str, CommandClient] = {}
        self._registers: dict[tuple[str, int], tuple[float, int]] = {}
        self._looked_s = 0.0
        self._complaints = Throttle()

    @property
    def connected(self) -> frozenset[str]:
        """Folded identities, as the sockets are named."""
        return frozenset(self._clients)

    def line(self, name: str) -> CommandClient | None:
        """The one to this charger, another with each connection of it."""
        return self._clients.get(name)

    @property
    def clients(self) -> list[CommandClient]:
        """For select: readable when there is something to `hear`."""
        return list(self._clients.values())

    def look(self, now_s: float) -> bool:
        """Open a line to whoever has come. True: somebody has."""
        if now_s - self._looked_s < LOOK_EVERY_S:
            return False
        self._looked_s = now_s
        came = False
        for name in sorted(sockets_in(self._directories) - set(self._clients)):
            came = self._open(name) or came
        return came

    def _open(self, name: str) -> bool:
        try:
            client = open_charger(self._directories, name)
            client.follow()
        except Unavailable:
            return False  # a socket that was left behind, or its charger has gone this moment
        except NotPermitted as error:
            if self._complaints.due(name, time.monotonic()) is not None:
                log("no_command_socket", charger=name, why=error)
            return False
        self._clients[name] = client
        return True

    def hear(self, client: CommandClient, now_s: float) -> bool:
        """Read what has come on this line. True: it is news, and decisions may change."""
        news = False
        for line in client.lines_there():
            if line is None:
                self._close(client)
                return True
            if line.event == "sample":
                self._measured(client.charger_id, line, now_s)
            elif line.error is not None:
                log("offer_refused", charger=client.charger_id, why=line.error.description)
            news = news or line.event in NEWS
        return news

    def offer(self, name: str, offer: Offer) -> None:
        """To the charger of this folded identity, if it is there."""
        client = self._clients.get(name)
        if client is None:
            return
        try:
            client.offer(offer)
        except (Unavailable, NoAnswer):
            self._close(client)

    def close(self) -> None:
        for client in list(self._clients.values()):
            self._close(client)

    def _close(self, client: CommandClient) -> None:
        client.close()
        self._clients.pop(client.charger_id, None)
        for key in [key for key in self.drawn if key[0] == client.charger_id]:
            del self.drawn[key]

    def _measured(self, name: str, line: Line, now_s: float) -> None:
        sample = msgspec.convert(line.details, _Sample, strict=False)
        key = (name, max(sample.connector_id, 1))
        power_w = self._power_w(key, sample, now_s)
        if power_w is None:
            return
        currents = None if sample.currents_a is None else _on_phases(sample.currents_a, power_w)
        self.drawn[key].append(Drawn(now_s, power_w, currents))

    def _power_w(self, key: tuple[str, int], sample: _Sample, now_s: float) -> float | None:
        """As measured; else by the currents; else by what the register has counted since the last sample."""
        if sample.power_w is not None:
            return sample.power_w
        currents = [current for current in sample.currents_a or () if current is not None]
        if currents:
            return sum(currents) * NOMINAL_V
        before = self._registers.get(key)
        if sample.register_wh is None:
            return None
        self._registers[key] = now_s, sample.register_wh
        if before is None or now_s - before[0] < 1.0:
            return None
        return max(sample.register_wh - before[1], 0) / (now_s - before[0]) * 3600.0


def _on_phases(told: tuple[float | None, float | None, float | None], power_w: float) -> Currents:
    """Some tell one current, of L1 or of no phase, and draw on three: then the power says on how many (quirk M8)."""
    first_a, second_a, third_a = told
    if first_a is None or second_a is not None or third_a is not None or first_a <= ACTIVE_A:
        return (first_a or 0.0, second_a or 0.0, third_a or 0.0)
    phases = min(max(round(power_w / (first_a * NOMINAL_V)), 1), 3)
    return (first_a, first_a * (phases > 1), first_a * (phases > 2))
