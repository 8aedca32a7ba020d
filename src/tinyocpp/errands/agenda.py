"""What a session still has to do by itself, and when: the errands of one connection.

Only `due` runs an errand's code, and the session calls it from nowhere but `expire`: a fault of ours in an errand costs
the connection, never a frame of the charger's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyocpp.commands import Pause

if TYPE_CHECKING:
    from collections.abc import Callable

    from tinyocpp.commands import Answer, Ask, Errand


class Agenda:
    """`send` queues a call and returns its number, or the answer of one that is not sent."""

    def __init__(self, send: Callable[[Ask, float], int | Answer]) -> None:
        self._send = send
        self._ready: list[tuple[float, Errand, Answer | None]] = []  # when to go on, and with what
        self._asking: dict[int, Errand] = {}
        self._wakes: list[Errand] = []  # of those ready: who may be woken
        self._stirred: list[Errand] = []  # woken while they were at something else: they do not pause next time

    @property
    def next_deadline(self) -> float | None:
        return min((at for at, _, _ in self._ready), default=None)

    def begin(self, errand: Errand, now: float) -> None:
        """To be run with the next `due`."""
        self._ready.append((now, errand, None))

    def wake(self, now: float) -> None:
        """Whoever pauses and may be woken goes on with the next `due`; who is at something else, before it pauses."""
        woken, self._wakes = self._wakes, []
        self._stirred = [one for one in self._all() if one not in woken]
        self._ready = [(now if errand in woken else at, errand, answer) for at, errand, answer in self._ready]

    def takes(self, answer: Answer, now: float) -> bool:
        """Is this the answer an errand waits for? It goes on with the next `due`."""
        errand = self._asking.pop(answer.call_id, None)
        if errand is not None:
            self._ready.append((now, errand, answer))
        return errand is not None

    def due(self, now: float) -> None:
        """Run every errand whose time has come up to what it wants next."""
        ready = [entry for entry in self._ready if entry[0] <= now]
        self._ready = [entry for entry in self._ready if entry[0] > now]
        for _, errand, answer in ready:
            if errand in self._wakes:
                self._wakes.remove(errand)
            try:
                wish = errand.send(answer)
            except StopIteration:
                self._calm(errand)
                continue
            self._carry_out(wish, errand, now)

    def _carry_out(self, wish: Ask | Pause, errand: Errand, now: float) -> None:
        if isinstance(wish, Pause):
            stirred = wish.wakes and self._calm(errand)
            self._ready.append((now if stirred else now + wish.seconds, errand, None))
            if wish.wakes and not stirred:
                self._wakes.append(errand)
            return
        sent = self._send(wish, now)
        if isinstance(sent, int):
            self._asking[sent] = errand
        else:
            self._ready.append((now, errand, sent))

    def close(self) -> None:
        """The connection is over, and so are they."""
        for errand in self._all():
            errand.close()
        self._asking, self._ready, self._wakes, self._stirred = {}, [], [], []

    def _all(self) -> list[Errand]:
        return [*self._asking.values(), *(errand for _, errand, _ in self._ready)]

    def _calm(self, errand: Errand) -> bool:
        """Was it woken meanwhile? Not any more."""
        stirred = errand in self._stirred
        self._stirred = [one for one in self._stirred if one is not errand]
        return stirred
