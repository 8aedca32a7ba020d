"""How often a password may be tried: whoever guesses is held, and never the charger it guesses at."""

from __future__ import annotations

import pytest

from tinyocpp.attempts import AT_IDENTITY, FROM_ADDRESS, FROM_ELSEWHERE, FROM_HOME, Attempts, Buckets, Rate, network_of

HOME, ELSEWHERE = "192.0.2.9", "198.51.100.7"


def guess(attempts: Attempts, now_s: float, address: str = ELSEWHERE, identity: str = "garage") -> bool:
    """One wrong password; was it looked at?"""
    home = address == HOME
    if not attempts.may_show(address, now_s, home=home) or not attempts.may_guess(identity, address, now_s, home=home):
        return False
    attempts.wrong(identity, address, now_s, home=home)
    return True


def test_so_many_at_once_then_so_many_a_second() -> None:
    buckets = Buckets(Rate(3, 0.5))
    looked_at = []
    for half in range(21):
        if buckets.has_one("a", half / 2):
            buckets.take("a", half / 2)
            looked_at.append(half / 2)
    assert looked_at == [0, 0.5, 1, 2, 4, 6, 8, 10]
    assert buckets.has_one("b", 0)


def test_a_bucket_is_never_fuller_than_full_nor_emptier_than_empty() -> None:
    buckets = Buckets(Rate(2, 1))
    for _ in range(10):
        buckets.take("a", 0)
    assert not buckets.has_one("a", 0.9)
    assert buckets.has_one("a", 1)
    for _ in range(2):
        assert buckets.has_one("a", 1000)
        buckets.take("a", 1000)
    assert not buckets.has_one("a", 1000)


def test_the_least_used_bucket_is_forgotten_first() -> None:
    buckets = Buckets(Rate(1, 0.001), kept=3)
    for key in ("a", "b", "c", "a", "d"):
        buckets.take(key, 0)
    assert len(buckets) == 3
    assert [key for key in "abcd" if buckets.has_one(key, 0)] == ["b"]


@pytest.mark.parametrize(
    ("addresses", "identities", "limit"),
    [
        pytest.param([ELSEWHERE], ["garage"], AT_IDENTITY, id="one stranger at one charger"),
        pytest.param([ELSEWHERE], [f"c{n}" for n in range(50)], FROM_ADDRESS, id="one stranger at many"),
        pytest.param([f"10.0.0.{n}" for n in range(50)], ["garage"], AT_IDENTITY, id="many strangers at one"),
        pytest.param(
            [f"10.0.0.{n}" for n in range(50)], [f"c{n}" for n in range(50)], FROM_ELSEWHERE, id="many at many"
        ),
        pytest.param([HOME], ["garage"], FROM_HOME, id="from the charger's own address"),
    ],
)
def test_guessing_costs_a_bounded_number_of_slow_hashes(
    addresses: list[str], identities: list[str], limit: Rate
) -> None:
    attempts = Attempts()
    seconds = 20
    looked_at = sum(
        guess(attempts, tick / 100, addresses[tick % len(addresses)], identities[tick * 7 % len(identities)])
        for tick in range(seconds * 100)
    )
    assert looked_at <= limit.burst + limit.per_s * seconds + 1
    assert looked_at >= limit.per_s * seconds


def test_nobody_elsewhere_can_empty_the_bucket_of_a_charger_s_own_address() -> None:
    attempts = Attempts()
    for tick in range(1000):
        guess(attempts, tick / 100, f"10.0.{tick % 250}.1")
    assert attempts.may_guess("garage", HOME, 10, home=True)
    assert attempts.may_show(HOME, 10, home=True)


def test_a_stranger_that_has_guessed_enough_may_not_even_show_one() -> None:
    """Else the quick check would let it guess as fast as it can connect."""
    attempts = Attempts()
    for number in range(20):
        guess(attempts, 0, identity=f"c{number}")
    assert not attempts.may_show(ELSEWHERE, 0, home=False)
    assert attempts.may_show(ELSEWHERE, 0, home=True)


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.9", "192.0.2.9"),
        ("", ""),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2"),
        ("2001:0DB8:1:2::6", "2001:db8:1:2"),
        ("2001:db8::6", "2001:db8:0:0"),
        ("fe80::1%eth0", "fe80:0:0:0"),
        ("::1", "0:0:0:0"),
    ],
)
def test_an_ipv6_household_is_one_address(address: str, network: str) -> None:
    assert network_of(address) == network


def test_what_was_only_shown_counts_as_a_guess_of_strangers() -> None:
    attempts = Attempts()
    for _ in range(int(FROM_ADDRESS.burst)):
        attempts.shown(ELSEWHERE, 0.0, home=False)
        attempts.shown(HOME, 0.0, home=True)
    assert not attempts.may_show(ELSEWHERE, 0.0, home=False)
    assert attempts.may_guess("garage", HOME, 0.0, home=True)
