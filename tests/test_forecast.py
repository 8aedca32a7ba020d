"""What the surplus is by now, from samples that are a little old."""

from __future__ import annotations

import random

import pytest

from tinyocpp.forecast import Forecast


def taught(figures: list[float], every_s: float = 10, ahead_s: float = 10) -> Forecast:
    forecast = Forecast()
    for number, surplus_w in enumerate(figures):
        forecast = forecast.learnt(number * every_s, surplus_w, ahead_s)
    return forecast


def by_now(figures: list[float], every_s: float = 10, ahead_s: float = 10) -> float:
    return taught(figures, every_s, ahead_s).surplus_w((len(figures) - 1) * every_s + ahead_s)


def test_one_sample_stands_for_itself() -> None:
    assert by_now([1000]) == 1000


def test_on_a_smooth_day_the_trend_goes_on() -> None:
    assert by_now([100 * n for n in range(60)]) == 6000


@pytest.mark.parametrize(("every_s", "ahead_s"), [(10, 30), (1, 5), (60, 60), (10, 4)])
def test_as_far_as_the_sample_is_old(every_s: float, ahead_s: float) -> None:
    assert by_now([every_s * n for n in range(60)], every_s, ahead_s) == pytest.approx(59 * every_s + ahead_s)


def test_what_jumps_and_stays_is_taken_as_it_is() -> None:
    chance = random.Random(1)
    steps = [chance.choice([0, 0, 0, 0, 2000]) for _ in range(200)]
    assert by_now([*steps, 0, 2000]) == 2000


def test_half_the_change_where_that_was_nearest() -> None:
    chance, surplus_w, change_w, figures = random.Random(1), 0.0, 0.0, list[float]()
    for _ in range(300):
        change_w = chance.uniform(-800, 800) if chance.random() < 0.15 else change_w / 2
        surplus_w += change_w
        figures.append(surplus_w)
    assert by_now([*figures, surplus_w + 100]) == surplus_w + 150


def test_no_age_no_trend() -> None:
    assert by_now([100 * n for n in range(60)], ahead_s=0) == 5900


def test_it_remembers_no_more_than_it_needs() -> None:
    assert len(taught([float(n) for n in range(1000)], every_s=1, ahead_s=10).past) <= 22


def test_after_a_silence_there_is_no_trend_until_there_are_samples_again() -> None:
    forecast = taught([100 * n for n in range(60)]).learnt(5000, 300, 10)
    assert forecast.surplus_w(5010) == pytest.approx(300, abs=15)
