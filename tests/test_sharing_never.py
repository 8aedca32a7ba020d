"""What sharing never does, whatever house, cars and meter do."""

from __future__ import annotations

from itertools import pairwise
from math import nan

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from shared_house import Car, Connection, Second, changes, told

from tinyocpp.modes import SharingConfig
from tinyocpp.parties import Currents

LAG_S = 25

CARS = st.lists(
    st.builds(
        Car,
        priority=st.integers(0, 1),
        phases=st.integers(1, 3),
        rotation=st.sampled_from(["RST", "STR", "TSR"]),
        can_swap=st.booleans(),
        takes_a=st.sampled_from([10.0, 16.0, 32.0]),
        max_a=st.sampled_from([16.0, 32.0]),
        min_a=st.sampled_from([6.0, 8.0]),
        step_a=st.sampled_from([0.1, 1.0]),
        deaf_s=st.integers(0, 8),
        ramp_a_s=st.sampled_from([3.0, 5.0]),
        wakes_s=st.sampled_from([0, 0, 40]),
        measured_every_s=st.sampled_from([5, 10, 30, 60]),
    ),
    min_size=1,
    max_size=3,
)
LOAD = st.tuples(*[st.floats(0, 24)] * 3)
LOADS = st.lists(st.tuples(LOAD, st.integers(1, 120), st.integers(0, 7)), min_size=1, max_size=8)
METERS = st.sampled_from([(1, 1, 0), (1, 5, 3), (5, 5, 0), (10, 10, 2), (5, 10, 5)])  # interval, meter's, delay


def lived(
    cars: list[Car], meter: tuple[int, int, int], loads: list[tuple[Currents, int, int]]
) -> tuple[Connection, list[Second]]:
    """Through all the loads; with each, one car or none comes or goes."""
    for number, car in enumerate(cars):
        car.key = f"car {number}"
    connection = Connection(cars, SharingConfig(limit_a=25), *meter)
    for load, seconds, who in loads:
        for car in cars[who : who + 1]:
            car.wants = not car.wants
        connection.live([load] * seconds)
    return connection, connection.seconds


def exceeded(seconds: list[Second]) -> int:
    """How long at a stretch, by chargers too."""
    longest_s, running_s = 0, [0, 0, 0]
    for second in seconds:
        over = [total > max(25 + 0.5, load) for total, load in zip(second.total, second.load, strict=True)]
        running_s = [before + 1 if now else 0 for before, now in zip(running_s, over, strict=True)]
        longest_s = max(longest_s, *running_s)
    return longest_s


@settings(max_examples=20, deadline=None)
@given(cars=CARS, meter=METERS, first=LOAD, then=LOAD)
def test_a_load_exceeds_the_limit_only_until_it_was_seen_and_the_cars_have_heard(
    cars: list[Car], meter: tuple[int, int, int], first: Currents, then: Currents
) -> None:
    connection, _ = lived(cars, meter, [(first, 300, 7)])
    assert exceeded(connection.seconds) == 0
    assert exceeded(connection.live([then] * 200)) <= sum(meter) + LAG_S


@settings(max_examples=20, deadline=None)
@given(cars=CARS, meter=METERS, loads=LOADS)
def test_nor_do_loads_one_upon_another_while_cars_come_and_go(
    cars: list[Car], meter: tuple[int, int, int], loads: list[tuple[Currents, int, int]]
) -> None:
    """What comes while cars still do what they were told before may be hidden by it, for that time once more."""
    _, seconds = lived(cars, meter, loads)
    patience_s = sum(meter) + 2 * LAG_S
    for phase in range(3):
        rose_s, over_since_s = 0, 0
        for before, now in pairwise(seconds):
            rose_s = now.now_s if now.load[phase] > before.load[phase] else rose_s
            over = now.total[phase] > max(25 + 0.5, now.load[phase])
            over_since_s = over_since_s if over else now.now_s
            assert now.now_s <= max(rose_s, over_since_s) + patience_s


@settings(max_examples=30, deadline=None)
@given(cars=CARS, meter=METERS, loads=LOADS)
def test_never_what_a_charger_cannot_take(
    cars: list[Car], meter: tuple[int, int, int], loads: list[tuple[Currents, int, int]]
) -> None:
    _, seconds = lived(cars, meter, loads)
    for car in cars:
        for second in seconds:
            given_a, phases = told(second)[car.key]
            assert given_a == 0 or car.min_a <= given_a <= car.max_a
            assert round(given_a / car.step_a, 6) % 1 == 0
            assert phases == car.phases or (phases == 1 and car.can_swap)
        swapped_s = [
            after.now_s for before, after in pairwise(seconds) if told(before)[car.key][1] < told(after)[car.key][1]
        ]
        assert all(later_s - earlier_s >= 300 for earlier_s, later_s in pairwise(swapped_s))


@settings(max_examples=10, deadline=None)
@given(cars=CARS, meter=METERS, loads=LOADS, load=LOAD)
def test_a_constant_load_has_constant_shares(
    cars: list[Car], meter: tuple[int, int, int], loads: list[tuple[Currents, int, int]], load: Currents
) -> None:
    """But for turns: so nobody's turn ends here."""
    connection, _ = lived(cars, meter, loads)
    connection.config = msgspec.structs.replace(connection.config, rotate_after_s=3600.0)
    connection.live([load] * 700)
    assert changes(connection.live([load] * 300)) == 0


@settings(max_examples=15, deadline=None)
@given(cars=CARS, meter=METERS, loads=LOADS, later=LOADS, wrong=st.sampled_from([None, nan, 1e9]))
def test_never_more_from_a_meter_that_fails(
    cars: list[Car],
    meter: tuple[int, int, int],
    loads: list[tuple[Currents, int, int]],
    later: list[tuple[Currents, int, int]],
    wrong: float | None,
) -> None:
    """All together no more than before, and no more than the safe share once it is stale."""
    connection, _ = lived(cars, meter, loads)
    connection.last(loads[-1][0], 30)
    connection.meter = lambda reading: wrong and msgspec.structs.replace(reading, currents_a=(wrong, wrong, wrong))
    failed_s = connection.now_s
    seconds = connection.live([load for load, duration, _ in later for _ in range(duration)])
    for second in seconds:
        for phase in range(3):
            all_a = sum(
                told(second)[car.key][0]
                for car in cars
                if phase in car.party().wires(told(second)[car.key][1] < car.phases)
            )
            assert second.now_s - failed_s <= 30 + sum(meter) or all_a <= 6 + 1e-6
    for before, after in pairwise(seconds):
        raised = [key for key, (given_a, _) in told(after).items() if given_a > told(before)[key][0]]
        assert not raised or after.now_s - failed_s > 30 - sum(meter)


@settings(max_examples=20, deadline=None)
@given(cars=CARS)
def test_equals_on_the_same_phases_differ_by_no_more_than_a_step(cars: list[Car]) -> None:
    for car in cars:
        car.priority, car.phases, car.rotation, car.can_swap, car.max_a = 0, 3, "RST", False, 16.0
    _, seconds = lived(cars, (5, 5, 0), [((3.0, 2.0, 1.0), 250, 7)])
    given = [(car, told(seconds[-1])[car.key][0]) for car in cars]
    above_a = [given_a for car, given_a in given if given_a > car.min_a]
    for car, given_a in given:
        assert given_a in (0, car.max_a) or given_a >= max(above_a, default=0) - car.step_a
