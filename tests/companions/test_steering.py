"""Sun and house meet: several chargers in one house, steered round by round under a clock that is set by hand.

The cars follow what they are given after a while, the meter tells of a moment some seconds ago.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinyocpp.companions.steering import Drawn, Given, Live, Steering
from tinyocpp.config import Config
from tinyocpp.measuring import Measured
from tinyocpp.modes import ControlConfig, Mode, SharingConfig, SolarConfig
from tinyocpp.parties import WIRED
from tinyocpp.solar import Outlet

if TYPE_CHECKING:
    from collections.abc import Callable

VOLT = 230.0
ROUND_S, METER_LATE_S, CAR_LATE_S, SAMPLED_S = 5.0, 5.0, 10.0, 10.0
HELD_S = 300.0  # a charger keeps what it was told, when it hears nothing any more


METER: Any = object()  # there is one: what kind is nobody's business here


class Car:
    """Follows what its charger was given ten seconds ago."""

    def __init__(
        self,
        name: str,
        mode: Mode = "fast",
        *,
        phases: int = 3,
        most_a: float = 16.0,
        max_power_w: float = inf,
        holds_s: float = HELD_S,
        ends_at_zero: bool = False,
        late_s: float = CAR_LATE_S,
        sampled_at_s: float = 0.0,  # of every ten seconds
        wakes_s: float = 0.0,  # so long it takes nothing after a pause
        known_s: float = 0.0,  # when we hear of it; it may charge before
        begins_s: float = -inf,  # with its charge, and for some seconds takes what it likes
        **live: Any,
    ) -> None:
        self.name = name
        self.mode: Mode = mode
        self.phases = phases
        self.most_a = most_a
        self.max_power_w = max_power_w
        self.holds_s = holds_s
        self.late_s = late_s
        self.sampled_at_s = sampled_at_s
        self.wakes_s = wakes_s
        self.known_s = known_s
        self.begins_s = begins_s
        self.ends_at_zero = ends_at_zero  # its charge, which is started again with the next current
        self.charge = 7
        self.stopped = False
        self.live = live
        self.here = begins_s == -inf
        self.away_s: float | None = None  # not connected since then: it hears nothing
        self.on_line = True  # false before anybody notices
        self.left_a = 6.0
        self.given: list[tuple[float, Given | None]] = []
        self.samples: list[Drawn] = []

    def draws(self, now_s: float) -> tuple[float, float, float]:
        """A on each phase of its own."""
        told = [what for at_s, what in self.given if at_s <= now_s - self.late_s]
        woken = [what for at_s, what in self.given if now_s - self.late_s - self.wakes_s <= at_s <= now_s - self.late_s]
        what = told[-1] if told else None
        if self.away_s is not None and now_s > self.away_s + self.holds_s:
            what = Given(self.left_a, 3, "")
        if self.here and self.begins_s <= now_s < self.begins_s + CAR_LATE_S:
            return (self.most_a, self.most_a * (self.phases > 1), self.most_a * (self.phases > 2))
        if not self.here or (what is not None and what.current_a < 6):
            return (0.0, 0.0, 0.0)
        if self.wakes_s and any(what is not None and what.current_a < 6 for what in woken):
            return (0.0, 0.0, 0.0)
        current_a = self.most_a if what is None else min(what.current_a, self.most_a)
        used = min(self.phases, what.phases or 3) if what is not None else self.phases
        return (current_a, current_a * (used > 1), current_a * (used > 2))

    def is_given(self, now_s: float, what: Given | None) -> None:
        self.given.append((now_s, what))
        stopped = self.ends_at_zero and self.here and what is not None and not what.current_a
        self.charge += self.stopped and not stopped
        self.stopped = stopped

    def as_live(self) -> Live:
        outlet = Outlet(max_current_a=max(self.most_a, 6.0), max_power_w=self.max_power_w)
        return Live(
            charger_id=self.name,
            connector_id=1,
            transaction_id=self.charge if self.here and not self.stopped else None,
            waits=self.stopped,
            mode=self.mode,
            phases=self.phases,
            outlet=outlet,
            connected=self.away_s is None,
            holds_s=self.holds_s,
            drawn=tuple(self.samples[-5:]) if self.away_s is None else (),
            **self.live,
        )


class House:
    """The rounds, and what they came to."""

    def __init__(
        self,
        *cars: Car,
        pv: Callable[[float], float] = lambda _: 0.0,
        load: Any = (0.0, 0.0, 0.0),
        meter: Any = METER,
        **config: Any,
    ) -> None:
        self.cars = {f"{car.name}/1": car for car in cars}
        self.pv = pv
        self.load = load if callable(load) else lambda _: load
        self.config = Config(control=ControlConfig(interval_s=ROUND_S), meter=meter, **config)
        self.steering = Steering(self.config)
        self.now_s = 0.0
        self.metered = True
        self.shown: list[tuple[float, tuple[float, float, float]]] = []  # A on each phase at the grid
        self.given: dict[str, Given] = {}

    def live(self, seconds: float) -> None:
        end_s = self.now_s + seconds
        while self.now_s < end_s:
            self.now_s += 1.0
            self.shown.append((self.now_s, self._grid_a()))
            for car in self.cars.values():
                if self.now_s % SAMPLED_S == car.sampled_at_s and car.on_line and car.known_s <= self.now_s:
                    drawn = car.draws(self.now_s)
                    car.samples.append(Drawn(self.now_s, sum(drawn) * VOLT, drawn))
            for car in self.cars.values():
                car.here = car.here or car.begins_s == self.now_s
            if self.now_s % ROUND_S == 0:
                self._round()

    def _round(self) -> None:
        lives = [car.as_live() for car in self.cars.values() if car.known_s <= self.now_s]
        self.given = self.steering.decide(lives, self._measured(), self.now_s)
        for key, car in self.cars.items():
            if car.away_s is None and car.on_line and car.known_s <= self.now_s:
                car.is_given(self.now_s, self.given.get(key))
                car.left_a = self.steering.left_a(key)

    def lose(self, name: str) -> None:
        self.cars[f"{name}/1"].away_s = self.now_s

    def find(self, name: str) -> None:
        car = self.cars[f"{name}/1"]
        car.away_s = None
        car.given.append((self.now_s - CAR_LATE_S, Given(car.left_a, 3, "")))

    def add(self, *cars: Car) -> None:
        self.cars |= {f"{car.name}/1": car for car in cars}

    def _grid_a(self) -> tuple[float, float, float]:
        sums = [amperes - self.pv(self.now_s) / 3 / VOLT for amperes in self.load(self.now_s)]
        for car in self.cars.values():
            for own, house in zip(car.draws(self.now_s), WIRED[car.live.get("rotation", "RST")], strict=True):
                sums[house] += own
        return (sums[0], sums[1], sums[2])

    def _measured(self) -> Measured | None:
        past = [currents for at_s, currents in self.shown if at_s <= self.now_s - METER_LATE_S]
        if not self.metered or not past:
            return None
        jitter = self.now_s % 7 / 100  # no two readings of a house are the same
        return Measured(
            read_s=self.now_s, delay_s=METER_LATE_S, grid_w=sum(past[-1]) * VOLT + jitter, currents_a=past[-1]
        )

    def drawn_a(self, name: str) -> tuple[float, float, float]:
        return self.cars[f"{name}/1"].draws(self.now_s)

    def most_a(self, since_s: float = 0.0) -> float:
        return max(max(currents) for at_s, currents in self.shown if at_s >= since_s)


def test_who_charges_fast_where_nothing_is_shared_is_given_nothing() -> None:
    house = House(Car("garage"))
    house.live(60)
    assert house.given == {}
    assert house.drawn_a("garage") == (16.0, 16.0, 16.0)


def test_off_is_off() -> None:
    house = House(Car("garage", "off"))
    house.live(60)
    assert house.given["garage/1"] == Given(0.0, 0, "off")
    assert house.drawn_a("garage") == (0.0, 0.0, 0.0)


def test_the_sun_that_is_left_goes_into_the_car() -> None:
    house = House(Car("garage", "solar"), pv=lambda _: 9000.0, load=(2.0, 2.0, 2.0))
    house.live(400)
    grid_w = sum(house.shown[-1][1]) * VOLT
    assert -150 < grid_w < 50
    assert house.given["garage/1"].phases == 3


def test_without_sun_it_waits_and_says_for_what() -> None:
    house = House(Car("garage", "solar"), pv=lambda _: 500.0, load=(1.0, 1.0, 1.0))
    house.live(200)
    assert house.drawn_a("garage") == (0.0, 0.0, 0.0)
    assert "for enough sun" in house.given["garage/1"].words


def test_the_first_in_priority_has_the_sun_and_the_next_what_is_left() -> None:
    first, second = Car("first", "solar", phases=1, priority=1), Car("second", "solar", phases=1)
    house = House(second, first, pv=lambda _: 5600.0)
    house.live(600)
    assert house.drawn_a("first")[0] == 16.0
    assert 8 - 1 <= house.drawn_a("second")[0] <= 8.5
    house.pv = lambda _: 3000.0
    house.live(600)
    assert 12.5 <= house.drawn_a("first")[0] <= 13.1
    assert house.drawn_a("second")[0] == 0.0


def test_a_car_that_takes_less_than_it_is_given_leaves_the_rest_to_the_next() -> None:
    first, second = Car("first", "solar", phases=1, most_a=7.0, priority=1), Car("second", "solar", phases=1)
    house = House(first, second, pv=lambda _: 3800.0)
    house.live(600)
    assert house.drawn_a("first")[0] == 7.0
    assert 9 - 1 <= house.drawn_a("second")[0] <= 9.6


def paused(name: str, **car: Any) -> Car:
    one = Car(name, "solar", **car)
    one.given.append((-1000.0, Given(0.0, 0, "")))
    return one


def bought_w(house: House, since_s: float = 0.0) -> float:
    return max(sum(currents) for at_s, currents in house.shown if at_s >= since_s) * VOLT


def test_the_same_sun_is_not_given_twice_while_the_first_does_not_draw_it_yet() -> None:
    first, second = paused("first", sampled_at_s=3.0), paused("second", sampled_at_s=8.0)
    house = House(first, second, pv=lambda now_s: 9000.0 if now_s > 180 else 0.0)
    house.live(600)
    assert bought_w(house, 181) < 100
    assert {what.current_a for _, what in second.given if what is not None} == {0.0}
    assert house.drawn_a("first")[0] == pytest.approx(13.0, abs=0.2)


def test_one_that_does_not_wake_leaves_the_sun_to_the_next() -> None:
    first, second = paused("first", wakes_s=2000.0), paused("second")
    house = House(first, second, pv=lambda now_s: 9000.0 if now_s > 180 else 0.0)
    house.live(400)
    assert (house.given["first/1"].current_a, house.drawn_a("first")[0]) == (pytest.approx(13.0, abs=0.1), 0.0)
    assert house.drawn_a("second")[0] == pytest.approx(13.0, abs=0.2)


def test_twelve_that_wait_for_a_meter_share_what_there_is_when_it_is_back() -> None:
    cars = [paused(f"c{number}", sampled_at_s=number % 10, late_s=2.0 + number % 7) for number in range(12)]
    house = House(*cars, pv=lambda _: 44_500.0)
    house.metered = False
    house.live(100)
    house.metered = True
    house.live(300)
    assert bought_w(house) < 100
    assert sum(house.shown[-1][1]) * VOLT > -4140


@st.composite
def cars(draw: st.DrawFn) -> list[Car]:
    return [
        paused(
            f"c{number}",
            phases=draw(st.sampled_from([1, 3])),
            most_a=draw(st.sampled_from([7.0, 11.0, 16.0, 16.0])),
            late_s=float(draw(st.integers(2, 20))),
            sampled_at_s=float(draw(st.integers(0, 9))),
            wakes_s=draw(st.sampled_from([0.0, 0.0, 15.0])),
        )
        for number in range(draw(st.integers(2, 6)))
    ]


def worth_w(car: Car, what: Given) -> float:
    """What it is given and may take, less what the law lets one buy that has the least, and what is rounded."""
    power_w, least_w = (car.phases * current_a * VOLT for current_a in (min(what.current_a, car.most_a), 6.0))
    return power_w - 0.4 * least_w * (0 < power_w <= least_w) - 0.05 * VOLT * car.phases


@given(cars=cars(), pv_w=st.integers(1000, 30_000))
@settings(max_examples=15, deadline=None)
def test_however_many_they_are_given_what_there_is_and_then_are_left_alone(cars: list[Car], pv_w: float) -> None:
    house, seen = House(*cars, pv=lambda _: pv_w), set()
    while house.now_s < 500:
        house.live(ROUND_S)
        assert sum(worth_w(car, house.given[f"{car.name}/1"]) for car in cars) <= pv_w
        if house.now_s > 300:
            seen.add(tuple(round(what.current_a) for what in house.given.values()))
    assert len(seen) <= 2


def test_a_connection_is_shared_and_never_overrun_for_long() -> None:
    house = House(
        Car("garage"),
        Car("carport"),
        load=lambda now_s: (12.0 if 600 <= now_s < 900 else 2.0, 2.0, 2.0),
        sharing=SharingConfig(limit_a=25.0),
    )
    house.live(590)
    assert house.most_a(since_s=60) <= 25.0
    assert min(sum(house.drawn_a(name)) for name in ("garage", "carport")) > 3 * 9
    house.live(60)
    assert house.most_a(since_s=640) <= 25.0  # ten amperes came on at 600: seen after 5 s, followed within ten
    house.live(600)
    assert house.most_a(since_s=660) <= 25.0
    assert min(sum(house.drawn_a(name)) for name in ("garage", "carport")) > 3 * 9


@pytest.mark.parametrize("sampled_at_s", [0.0, 2.0, 7.0])
@pytest.mark.parametrize("known_s", [5.0, 30.0, 32.0])
def test_what_cars_drew_before_they_were_heard_of_is_not_the_houses_for_long(
    known_s: float, sampled_at_s: float
) -> None:
    """Five come at once, in the middle of their charges; nothing is known of what they draw."""
    cars = [Car(f"c{number}", known_s=known_s + number, sampled_at_s=sampled_at_s) for number in range(5)]
    house = House(*cars, load=(6.0, 6.0, 6.0), sharing=SharingConfig(limit_a=32.0))
    house.live(known_s + 45)
    assert sum(sum(house.drawn_a(car.name)) for car in cars) >= 3 * 2 * 6
    house.live(150)
    assert house.most_a(known_s + 35) <= 32.5
    assert sum(sum(house.drawn_a(car.name)) for car in cars) >= 3 * 4 * 6


def test_what_cars_draw_before_they_are_told_anything_is_not_the_houses_for_long() -> None:
    cars = [Car(f"c{number}", begins_s=100.0 + number) for number in range(5)]
    house = House(*cars, load=(6.0, 6.0, 6.0), sharing=SharingConfig(limit_a=32.0))
    house.live(150)
    assert sum(sum(house.drawn_a(car.name)) for car in cars) >= 3 * 2 * 6
    house.live(150)
    assert house.most_a(140) <= 32.5
    assert sum(sum(house.drawn_a(car.name)) for car in cars) >= 3 * 4 * 6


def test_one_from_the_sun_and_one_fast_share_the_house() -> None:
    house = House(
        Car("sunny", "solar", phases=1),
        Car("fast", phases=1, priority=1),
        pv=lambda _: 9000.0,
        load=(0.0, 0.0, 0.0),
        sharing=SharingConfig(limit_a=16.0),
    )
    house.live(600)
    assert house.drawn_a("fast")[0] == 10.0  # of 16: what the sun gives is gone with the next cloud
    assert house.drawn_a("sunny")[0] == 6.0
    assert house.most_a(since_s=60) <= 16.0


@pytest.mark.parametrize("mode", ["solar", "min+solar", "fast"])
def test_a_lost_meter_gives_never_more_and_within_a_minute_the_least_or_nothing(mode: Mode) -> None:
    house = House(Car("garage", mode), pv=lambda _: 6900.0, sharing=SharingConfig(limit_a=32.0, safe_a=6.0))
    house.live(400)
    before = sum(house.drawn_a("garage"))
    assert before > 3 * 6
    house.metered = False
    for _ in range(60):
        house.live(1)
        assert sum(house.drawn_a("garage")) <= before + 0.1
    house.live(CAR_LATE_S)
    assert sum(house.drawn_a("garage")) <= 3 * 6


def test_what_is_left_with_a_charger_is_what_is_safe_when_nobody_looks() -> None:
    live = Car("garage", "solar").as_live()
    assert Steering(Config()).fallback_a(live, 1) == 6.0
    assert Steering(Config()).fallback_a(msgspec.structs.replace(live, mode="off"), 1) == 0.0
    shared = Config(sharing=SharingConfig(limit_a=25.0, safe_a=6.0))
    assert Steering(shared).fallback_a(live, 1) == 6.0
    assert Steering(shared).fallback_a(live, 2) == 0.0  # two of them would be 12 A on each phase
    assert Steering(Config(control=ControlConfig(fallback_a=0.0))).fallback_a(live, 1) == 0.0


def shared(*cars: Car, limit_a: float = 20.0, safe_a: float = 6.0) -> House:
    """Chargers alone on a connection: what one takes another has not."""
    return House(*cars, meter=None, sharing=SharingConfig(limit_a=limit_a, safe_a=safe_a))


def test_a_limit_in_watts_leaves_the_rest_to_the_others() -> None:
    house = shared(Car("garage", max_power_w=4200.0), Car("carport"))
    house.live(120)
    assert amperes(house) == {"garage": 6.0, "carport": 14.0}


def test_a_limit_in_watts_is_more_amperes_on_one_phase() -> None:
    on_second = {"phases": 1, "rotation": "SRT", "priority": 1}
    garage = Car("garage", can_swap=True, max_power_w=4200.0)
    house = shared(garage, Car("carport", **on_second), Car("yard", **on_second), limit_a=16.0)
    house.live(400)
    assert house.drawn_a("garage") == (16.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("pv_w", "limit", "expected"),
    [
        (4600.0, {"phases": 1}, (16.0, 0.0, 0.0)),  # with three it would be 6.6 A of each, and one of them flow
        (9000.0, {"max_power_w": 4200.0}, (6.0, 6.0, 6.0)),
        (9000.0, {"max_power_w": 4100.0, "can_swap": True}, (16.0, 0.0, 0.0)),
        (9000.0, {"max_power_w": 4100.0}, (0.0, 0.0, 0.0)),
    ],
)
def test_the_sun_goes_into_what_the_owners_limit_leaves(
    pv_w: float, limit: dict[str, Any], expected: tuple[float, float, float]
) -> None:
    house = House(Car("garage", "solar", **limit), pv=lambda _: pv_w)
    house.live(500)
    assert house.drawn_a("garage") == expected


def test_words_name_a_charger_as_its_owner_does_and_a_connector_only_where_it_has_several() -> None:
    house = shared(Car("garage"), Car("carport", priority=2), limit_a=6.0)
    house.live(60)
    assert house.given["garage/1"].words == "paused: priority goes to carport"
    house = shared(Car("garage"), Car("carport", priority=2, alone=False), limit_a=6.0)
    house.live(60)
    assert house.given["garage/1"].words == "paused: priority goes to connector 1 of carport"


# ------------------------------------------------------------------------------------------ chargers that are not there


def amperes(house: House) -> dict[str, float]:
    return {car.name: car.draws(house.now_s)[0] for car in house.cars.values()}


def test_one_that_is_lost_goes_on_with_what_it_was_given_until_that_is_over() -> None:
    house = shared(Car("garage"), Car("carport"))
    house.live(120)
    house.lose("garage")
    for _ in range(int(HELD_S)):
        house.live(1)
        assert amperes(house) == {"garage": 10.0, "carport": 10.0}
    house.live(60)
    assert amperes(house) == {"garage": 0.0, "carport": 16.0}  # two times 6 A are more than is safe: off was left


def test_one_that_is_lost_is_counted_with_what_was_left_with_it_when_it_was_alone() -> None:
    house = shared(Car("garage"))
    house.live(60)
    house.lose("garage")
    house.live(30)
    house.add(Car("carport"), Car("yard"))
    house.live(HELD_S + 30)
    assert amperes(house) == {"garage": 6.0, "carport": 7.0, "yard": 7.0}


def test_a_mode_that_is_typed_while_it_is_away_has_not_reached_it() -> None:
    house = shared(Car("garage"))
    house.live(60)
    house.lose("garage")
    house.cars["garage/1"].mode = "off"
    house.live(30)
    house.add(Car("carport"))
    house.live(HELD_S + 30)
    assert amperes(house) == {"garage": 6.0, "carport": 14.0}


def test_a_limit_that_does_not_expire_is_counted_for_the_whole_charge() -> None:
    house = shared(Car("garage", holds_s=inf), Car("carport"))
    house.live(120)
    house.lose("garage")
    house.live(3 * HELD_S)
    assert amperes(house) == {"garage": 10.0, "carport": 10.0}


def test_what_was_told_to_a_line_that_was_dead_already_has_not_reached_it() -> None:
    house = shared(Car("garage"))
    house.live(60)
    assert amperes(house) == {"garage": 16.0}
    house.cars["garage/1"].on_line = False
    house.add(Car("carport"))
    house.live(90)  # for three pings nobody notices
    assert amperes(house) == {"garage": 16.0, "carport": 10.0}
    house.lose("garage")
    house.live(30)
    assert amperes(house) == {"garage": 16.0, "carport": 0.0}


def test_what_was_left_with_it_may_flow_on_all_its_phases() -> None:
    """It is told without a number of them."""
    on_second = {"phases": 1, "rotation": "SRT", "priority": 1}
    house = shared(
        Car("garage", can_swap=True), Car("carport", **on_second), Car("yard", **on_second), limit_a=16.0, safe_a=18.0
    )
    house.live(400)
    house.lose("garage")
    house.live(HELD_S - 30)
    assert house.drawn_a("garage") == (16.0, 0.0, 0.0)
    assert amperes(house) == {"garage": 16.0, "carport": 8.0, "yard": 8.0}
    house.live(120)
    assert house.drawn_a("garage") == (6.0, 6.0, 6.0)
    assert sorted(amperes(house).values()) == [0.0, 6.0, 10.0]  # they take turns


def test_of_one_nobody_had_a_word_with_the_most_is_counted_and_then_the_most_that_may_be_left_with_it() -> None:
    garage = Car("garage")
    garage.away_s = 0.0
    garage.given.append((0.0, None))
    house = shared(garage, Car("carport"))
    house.live(200)
    assert amperes(house) == {"garage": 16.0, "carport": 0.0}
    house.live(HELD_S)
    assert amperes(house) == {"garage": 6.0, "carport": 14.0}


def test_what_another_gave_to_one_that_is_lost_it_still_has() -> None:
    garage = Car("garage")
    garage.away_s = 0.0
    garage.given.append((-60.0, Given(9.0, 3, "")))
    house = shared(garage, Car("carport"))
    house.steering = Steering(house.config, {"garage/1": Given(9.0, 3, "")})
    house.live(60)
    assert amperes(house) == {"garage": 9.0, "carport": 11.0}


def test_one_that_comes_back_waits_for_what_the_others_have_had_of_it() -> None:
    house = shared(Car("garage"), Car("carport"))
    house.live(120)
    house.lose("garage")
    house.live(HELD_S + 120)
    assert amperes(house) == {"garage": 0.0, "carport": 16.0}
    house.find("garage")
    began_s = house.now_s
    house.live(300)
    assert amperes(house) == {"garage": 10.0, "carport": 10.0}
    assert house.most_a(began_s) <= 20.0


def test_the_sun_that_one_who_is_lost_takes_is_nobody_elses() -> None:
    house = House(Car("first", "solar", phases=1, priority=1), Car("second", "solar", phases=1), pv=lambda _: 5600.0)
    house.live(600)
    second_a = house.drawn_a("second")[0]
    house.pv = lambda _: 4000.0
    house.lose("second")
    house.live(200)
    assert house.drawn_a("first")[0] == pytest.approx(4000 / VOLT - second_a, abs=0.6)


def test_between_two_decisions_of_the_sun_the_last_one_stands() -> None:
    steering = Steering(Config(control=ControlConfig(interval_s=10.0), solar=SolarConfig()))
    live = Car("garage", "solar").as_live()
    measured = Measured(read_s=0.0, grid_w=-9000.0)
    steering.decide([live], measured, 0.0)
    first = steering.decide([live], msgspec.structs.replace(measured, read_s=10.0), 10.0)
    again = steering.decide([live], msgspec.structs.replace(measured, read_s=12.0, grid_w=0.0), 12.0)
    assert first == again
    assert first["garage/1"].current_a > 6


def test_a_charge_goes_on_when_another_begins_to_steer_it() -> None:
    """The control program was killed, or begun anew for another configuration: no car is paused for that."""
    house = House(Car("garage", "solar"), pv=lambda _: 9000.0)
    house.live(400)
    car, before = house.cars["garage/1"], house.given["garage/1"]
    car.samples.clear()
    house.steering = Steering(house.config, house.given)
    house.live(ROUND_S)
    assert house.given["garage/1"] == Given(
        before.current_a, 3, f"{before.current_a:g} A on three phases as before: no figure yet"
    )
    for _ in range(100):
        house.live(1)
        assert abs(house.drawn_a("garage")[0] - before.current_a) < 0.5


def test_what_another_gave_is_for_the_charges_of_then_alone() -> None:
    steering = Steering(Config(meter=METER), {"garage/1": Given(16.0, 3, "")})
    car = Car("garage", "solar")
    car.here = False
    steering.decide([car.as_live()], None, 0.0)
    car.here = True
    assert steering.decide([car.as_live()], None, 10.0)["garage/1"].current_a == 0.0


def test_without_a_meter_what_another_gave_does_not_last() -> None:
    steering = Steering(Config(meter=METER), {"garage/1": Given(16.0, 3, "")})
    live = Car("garage", "solar").as_live()
    given = {at_s: steering.decide([live], None, at_s)["garage/1"].current_a for at_s in (0.0, 40.0, 60.0, 310.0)}
    assert given == {0.0: 16.0, 40.0: 16.0, 60.0: 6.0, 310.0: 0.0}


def test_a_charge_that_ends_leaves_nothing_behind_for_the_next() -> None:
    car = Car("garage", "solar")
    house = House(car, pv=lambda _: 9000.0)
    house.live(300)
    car.here = False
    house.live(30)
    assert house.given["garage/1"] == Given(0.0, 0, "waiting for a charge to begin")


def test_C9_a_charge_that_is_ended_for_want_of_sun_goes_on_with_the_sun() -> None:
    car = Car("garage", "solar", ends_at_zero=True)
    house = House(car, pv=lambda now_s: 500.0 if 400 <= now_s < 1200 else 9000.0)
    house.live(390)
    assert house.drawn_a("garage")[0] > 12
    house.live(800)
    assert (house.drawn_a("garage")[0], car.stopped) == (0.0, True)
    assert "for enough sun" in house.given["garage/1"].words
    house.live(210)
    assert house.drawn_a("garage")[0] > 12


def test_C9_one_charge_is_not_forgotten_in_the_next_when_it_was_ended_for_a_pause() -> None:
    """Else there would be no five minutes between two swaps."""
    car = Car("garage", "solar", ends_at_zero=True, can_swap=True)
    house = House(car, pv=lambda now_s: 9000.0 if 400 <= now_s < 550 else 3000.0)
    house.live(540)
    assert (house.drawn_a("garage")[2], car.charge) == (pytest.approx(13.0, abs=0.2), 9)
    house.live(160)
    assert house.given["garage/1"].phases == 3
    house.live(120)
    assert house.given["garage/1"].phases == 1


def test_C9_a_charge_that_waits_leaves_nothing_behind_when_its_car_leaves() -> None:
    car = Car("garage", "solar", ends_at_zero=True)
    house = House(car, pv=lambda _: 500.0)
    house.live(200)
    car.here = car.stopped = False
    house.live(30)
    assert house.given["garage/1"] == Given(0.0, 0, "waiting for a charge to begin")


def test_C9_a_charge_that_is_ended_for_the_house_has_its_share_again() -> None:
    car = Car("garage", ends_at_zero=True)
    house = House(
        car, load=lambda now_s: (22.0 if 300 <= now_s < 600 else 2.0,) * 3, sharing=SharingConfig(limit_a=25.0)
    )
    house.live(590)
    assert (house.drawn_a("garage")[0], car.stopped) == (0.0, True)
    house.live(400)
    assert house.drawn_a("garage")[0] == 16.0


@pytest.mark.parametrize("most_a", [16.0, 9.0])
@pytest.mark.parametrize("pv_w", [2000.0, 5200.0, 9000.0])
def test_a_constant_sun_is_followed_without_hunting(pv_w: float, most_a: float) -> None:
    """Car and meter are late, each in its own way: what was decided meanwhile is not mistaken for the house."""
    house = House(Car("garage", "solar", phases=1, most_a=most_a), pv=lambda _: pv_w)
    house.live(300)
    seen = set()
    for _ in range(60):
        house.live(10)
        seen.add(house.drawn_a("garage")[0])
    assert len(seen) == 1


def test_a_car_on_two_phases_is_charged_as_one_that_has_two() -> None:
    house = House(Car("garage", "solar", phases=2), pv=lambda _: 4600.0)
    house.live(300)
    assert 9.7 <= house.drawn_a("garage")[1] <= 10.1
    assert house.drawn_a("garage")[2] == 0.0
