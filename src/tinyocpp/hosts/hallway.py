"""The hallway: connections that have not been let in yet, so few and so short that they keep no charger out.

Whoever has a TCP connection and no welcome is a guest, from the accept on: silent, slow with TLS or its request,
refused and not gone, or a first charger that has not booted yet. When there are too many, the oldest guest from the
address that has the most of them goes: a flood only pushes out its own, and a charger in the middle of its handshake is
never the oldest for long. Knows of a guest only how to send it away; admitted chargers are none.
"""

from __future__ import annotations

from typing import Protocol

from tinyocpp.attempts import network_of

GUESTS = 256
PATIENCE_S = 120.0  # TLS and request have limits of their own; this is for a charger that may boot and does not


class Guest(Protocol):
    def admitted(self) -> bool:
        """It is no guest any more."""
        ...

    def dismiss(self, why: str) -> None:
        """End the connection; `Hallway.leave` follows some time later."""
        ...


class Hallway:
    """One for a listener. `now_s` is monotonic."""

    def __init__(self, most: int = GUESTS) -> None:
        self._most = most
        self._guests: dict[Guest, tuple[str, float]] = {}  # where from and since when, the oldest first
        self._count: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._guests)

    def enter(self, guest: Guest, address: str, now_s: float) -> None:
        """Again changes nothing."""
        if guest in self._guests:
            return
        network = network_of(address)
        self._guests[guest] = network, now_s
        self._count[network] = self._count.get(network, 0) + 1
        while len(self._guests) > self._most:
            self._dismiss(self._oldest_of_the_most(), "too many wait to be let in")

    def leave(self, guest: Guest) -> None:
        """It was let in, or is gone."""
        network, _ = self._guests.pop(guest, ("", 0.0))
        if network in self._count:
            self._count[network] -= 1
            if not self._count[network]:
                del self._count[network]

    def tidy(self, now_s: float) -> None:
        """Send away who has been here too long."""
        for guest in [guest for guest, (_, since_s) in self._guests.items() if now_s - since_s > PATIENCE_S]:
            self._dismiss(guest, "it was not let in for too long")

    def _oldest_of_the_most(self) -> Guest:
        crowd = max(self._count, key=lambda network: self._count[network])
        return next(guest for guest, (network, _) in self._guests.items() if network == crowd)

    def _dismiss(self, guest: Guest, why: str) -> None:
        self.leave(guest)
        if not guest.admitted():
            guest.dismiss(why)
