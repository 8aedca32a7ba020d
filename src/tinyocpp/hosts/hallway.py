"""The hallway: connections that have not been let in yet, so few and so short that they keep no charger out.

Whoever has a TCP connection and no welcome is a guest, from the accept on: silent, slow with TLS or its request,
refused and not gone, or a first charger that has not booted yet. When there are too many, the oldest guest from the
address that has the most of them goes: a flood only pushes out its own, and a charger in the middle of its handshake is
never the oldest for long. Knows of a guest only how to send it away; admitted chargers are none.
"""

from __future__ import annotations

from typing import Protocol

import msgspec

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


class _Stay(msgspec.Struct):
    address: str
    network: str
    since_s: float
    bytes_read: int = 0


class Hallway:
    """One for a listener. `now_s` is monotonic."""

    def __init__(self, most: int = GUESTS) -> None:
        self._most = most
        self._guests: dict[Guest, _Stay] = {}  # the oldest first
        self._count: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._guests)

    def enter(self, guest: Guest, address: str, now_s: float) -> None:
        """Again changes nothing."""
        if guest in self._guests:
            return
        network = network_of(address)
        self._guests[guest] = _Stay(address, network, now_s)
        self._count[network] = self._count.get(network, 0) + 1
        while len(self._guests) > self._most:
            self._dismiss(self._oldest_of_the_most(), "too many wait to be let in")

    def leave(self, guest: Guest) -> str | None:
        """It was let in, or is gone; the address it came from, None if it is no guest."""
        stay = self._guests.pop(guest, None)
        if stay is not None:
            self._count[stay.network] -= 1
            if not self._count[stay.network]:
                del self._count[stay.network]
        return stay.address if stay is not None else None

    def read(self, guest: Guest, number: int) -> int:
        """It has sent so many bytes; how many in all."""
        stay = self._guests.get(guest)
        if stay is None:
            return 0
        stay.bytes_read += number
        return stay.bytes_read

    def tidy(self, now_s: float) -> None:
        """Send away who has been here too long."""
        for guest in [guest for guest, stay in self._guests.items() if now_s - stay.since_s > PATIENCE_S]:
            self._dismiss(guest, "it was not let in for too long")

    def _oldest_of_the_most(self) -> Guest:
        crowd = max(self._count, key=lambda network: self._count[network])
        return next(guest for guest, stay in self._guests.items() if stay.network == crowd)

    def _dismiss(self, guest: Guest, why: str) -> None:
        self.leave(guest)
        if not guest.admitted():
            guest.dismiss(why)
