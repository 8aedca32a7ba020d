"""Rule: how often a password may be tried: nobody guesses one, and nobody's guessing keeps the right charger out.

Wrong passwords take tokens from buckets that fill again with time, right ones take none. A stranger is held by the
bucket of its address, by that of the identity it tries, and by one for all strangers together; who comes from where the
charger itself last came from has a bucket of its own, which nobody elsewhere can empty. Bounded in memory. Pure: time
is passed in. Asked by hosts/credentials.py, whose quick check of a password that was right before comes first.
"""

from __future__ import annotations

import re

import msgspec


class Rate(msgspec.Struct, frozen=True):
    """So many at once, then so many a second."""

    burst: float
    per_s: float


FROM_ADDRESS = Rate(10, 1.0)
AT_IDENTITY = Rate(5, 0.5)
FROM_ELSEWHERE = Rate(20, 5.0)  # all strangers together: what their guessing may cost, at 10 to 60 ms a guess
FROM_HOME = Rate(5, 2.0)
KEPT = 1000  # buckets of a kind; the one not used for longest is forgotten, and would be full again by then


class _Bucket(msgspec.Struct):
    level: float
    at_s: float


class Buckets:
    """Token buckets of one rate, by key."""

    def __init__(self, rate: Rate, kept: int = KEPT) -> None:
        self._rate = rate
        self._kept = kept
        self._buckets: dict[str, _Bucket] = {}  # the one not used for longest is first

    def __len__(self) -> int:
        return len(self._buckets)

    def has_one(self, key: str, now_s: float) -> bool:
        bucket = self._buckets.get(key)
        return bucket is None or self._level(bucket, now_s) >= 1

    def take(self, key: str, now_s: float) -> None:
        """One less, if there is one."""
        bucket = self._buckets.pop(key, None)
        level = self._rate.burst if bucket is None else self._level(bucket, now_s)
        if len(self._buckets) >= self._kept:
            del self._buckets[next(iter(self._buckets))]
        self._buckets[key] = _Bucket(max(0.0, level - 1), now_s)

    def _level(self, bucket: _Bucket, now_s: float) -> float:
        return min(self._rate.burst, bucket.level + (now_s - bucket.at_s) * self._rate.per_s)


class Attempts:
    """What is left of everybody's tries. One for a process; `now_s` is monotonic."""

    def __init__(self) -> None:
        self._address = Buckets(FROM_ADDRESS)
        self._identity = Buckets(AT_IDENTITY)
        self._elsewhere = Buckets(FROM_ELSEWHERE)
        self._home = Buckets(FROM_HOME)

    def may_show(self, address: str, now_s: float, *, home: bool) -> bool:
        """May a password be compared with one that was right before? That is quick, so it is only for strangers that
        it counts: else they could guess as fast as they can connect."""
        return home or self._address.has_one(network_of(address), now_s)

    def may_guess(self, identity: str, address: str, now_s: float, *, home: bool) -> bool:
        """May a password be hashed, which is slow? `home`: the address this charger itself last came from."""
        if home:
            return self._home.has_one(identity, now_s)
        return all(buckets.has_one(key, now_s) for buckets, key in self._of_strangers(identity, address))

    def shown(self, address: str, now_s: float, *, home: bool) -> None:
        """It was none that was right before, and may not be hashed now: that is a guess all the same."""
        if not home:
            self._address.take(network_of(address), now_s)

    def wrong(self, identity: str, address: str, now_s: float, *, home: bool) -> None:
        """It was, whether by the quick way or the slow one."""
        if home:
            self._home.take(identity, now_s)
            return
        for buckets, key in self._of_strangers(identity, address):
            buckets.take(key, now_s)

    def _of_strangers(self, identity: str, address: str) -> tuple[tuple[Buckets, str], ...]:
        return (self._address, network_of(address)), (self._identity, identity), (self._elsewhere, "")


def network_of(address: str) -> str:
    """What one household or machine has: an IPv4 address, or the first half of an IPv6 one (RFC 6177)."""
    if ":" not in address:
        return address
    head, gap, tail = address.partition("%")[0].partition("::")
    front, back = [part for part in head.split(":") if part], [part for part in tail.split(":") if part]
    groups = front + ["0"] * (8 - len(front) - len(back) if gap else 0) + back
    return ":".join(re.sub("^0+(?=.)", "", group.lower()) for group in groups[:4])
