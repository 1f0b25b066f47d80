"""The rows of a window are judged beside those of the windows before it."""

from __future__ import annotations

import numpy as np
import pytest

from kldrift.statistics.volume import FEWEST, EarlierRows, Volume, levels
from kldrift.statistics.volume import volume as volume_of

NONE = np.zeros(40, dtype=np.int64)


def volume(rows, past, seasons, season, latest=0) -> Volume | None:
    """Of a day and those before it; so many of these lie on the latest level."""
    ago = np.arange(len(past), 0, -1)
    days = EarlierRows(
        np.asarray(past, dtype=np.float64), ago > 0, ago <= latest, [seasons], ago / 7
    )
    return volume_of(rows, days, [season])


def test_half_as_many_and_twice_as_many_rows_have_their_divergence():
    past = np.full(20, 1_000)
    half, twice = (volume(n, past, NONE[:20], 0) for n in (500, 2_000))
    assert half is not None
    assert twice is not None
    assert half.kl == pytest.approx(0.5 * np.log(0.5) + 0.5)
    assert twice.kl == pytest.approx(2 * np.log(2) - 1)
    assert half.p_value < 1e-9


def test_a_season_of_its_own_is_what_a_window_is_compared_with():
    days = np.arange(40)
    past = np.where(days % 7 == 6, 100, 1_000) + days % 3
    sunday, monday = (volume(102, past, days % 7, day) for day in (6, 0))
    assert sunday is not None
    assert monday is not None
    assert (sunday.windows, sunday.alike, sunday.kl < 0.001) == (5, True, True)
    assert (monday.alike, monday.kl > 0.6) == (True, True)


def test_too_few_windows_and_empty_ones_say_nothing():
    assert volume(10, np.full(FEWEST - 1, 10), NONE[: FEWEST - 1], 0) is None
    assert volume(10, np.append(np.full(FEWEST - 1, 10), 0), NONE[:FEWEST], 0) is None
    assert volume(10, np.full(FEWEST, 10), NONE[:FEWEST], 0) is not None


def test_quiet_windows_seldom_look_unusual():
    rng = np.random.default_rng(0)
    found = [
        volume(int(n), rng.poisson(500 * rng.lognormal(0, 0.2, 30)), NONE[:30], 0)
        for n in rng.poisson(500 * rng.lognormal(0, 0.2, 400))
    ]
    p_values = np.array([v.p_value for v in found if v is not None])
    assert 0.02 < (p_values < 0.05).mean() < 0.09
    assert (p_values < 0.001).mean() < 0.01


def test_two_weeks_tell_what_a_weekday_has():
    days = np.arange(14)
    past = np.where(days % 7 > 4, 300, 1_000) + 7 * (days % 3)
    sunday, half = (volume(n, past, days % 7, 6) for n in (305, 130))
    assert sunday is not None
    assert half is not None
    assert (round(sunday.expected), sunday.windows, sunday.p_value > 0.5) == (303, 2, True)
    assert (half.kl > 0.15, half.p_value < 1e-6) == (True, True)


def test_a_season_that_varies_more_than_others_is_held_to_its_own_spread():
    days = np.arange(42)
    rng = np.random.default_rng(3)
    spread = np.where(days % 7 == 6, 0.4, 0.02)
    past = 1_000 * np.exp(np.where(days % 7 == 6, -2, 0) + spread * rng.standard_normal(42))
    sunday = volume(int(1_000 * np.exp(-2.8)), past, days % 7, 6)
    assert sunday is not None
    assert sunday.p_value > 0.05


def test_what_has_no_seasons_is_compared_with_all_windows():
    rng = np.random.default_rng(4)
    days = np.arange(30)
    found = [volume(500, rng.poisson(500, 30), days % 7, 2) for _ in range(200)]
    assert sum(v is not None and v.alike for v in found) < 8


def test_a_handful_of_rows_are_told_from_chance_as_counts_are():
    rng = np.random.default_rng(5)
    days = np.arange(30)
    found = [volume(int(rng.poisson(6)), rng.poisson(6, 30), days % 7, 2) for _ in range(2_000)]
    assert sum(v is not None and v.p_value < 0.001 for v in found) < 8
    lucky = volume(2, np.full(30, 6), days % 7, 2)  # none varied by chance
    assert lucky is not None
    assert lucky.p_value > 0.05
    gone = volume(0, np.full(30, 6), days % 7, 2)
    assert gone is not None
    assert gone.p_value < 0.001


def days_of(rng, change):
    """Ninety days of about 1,000 rows, 500 on weekends, changed by a factor of each day."""
    days = np.arange(90)
    return rng.poisson(
        np.where(days % 7 > 4, 500, 1_000) * change(days) * rng.lognormal(0, 0.05, 90)
    )


@pytest.mark.parametrize("rate", [0.01, -0.01, 0.003], ids=["grows", "falls", "grows slowly"])
def test_numbers_that_grow_are_held_to_what_is_usual_now(rate):
    rng = np.random.default_rng(6)
    past = days_of(rng, lambda days: np.exp(rate * (days - 90)))
    usual, half = (volume(n, past, np.arange(90) % 7, 90 % 7) for n in (500, 240))
    assert usual is not None
    assert half is not None
    assert usual.growth == pytest.approx(7 * rate, abs=0.01)
    assert usual.expected == pytest.approx(500, rel=0.1)
    assert (usual.kl < 0.02, half.kl > 0.15, half.p_value < 1e-6) == (True, True, True)


def test_what_wanders_or_stays_has_no_growth():
    rng, growths = np.random.default_rng(7), []
    for _ in range(200):
        level = np.zeros(90)
        for day in range(1, 90):
            level[day] = 0.8 * level[day - 1] + 0.1 * rng.standard_normal()
        changes = (np.ones(90), np.exp(level))
        found = (days_of(rng, lambda _, c=change: c) for change in changes)
        growths.append([volume(500, past, np.arange(90) % 7, 6).growth != 0 for past in found])
    assert (np.mean(growths, axis=0) < (0.03, 0.1)).all()


def test_a_few_weeks_tell_no_growth():
    days = np.arange(27)
    found = volume(1_000, np.exp(0.03 * days) * 1_000, NONE[:27], 0)
    assert found is not None
    assert found.growth == 0


@pytest.mark.parametrize("growth", [0, 0.01], ids=["as many", "growing"])
def test_a_level_that_stays_is_usual_and_tells_as_much_as_the_one_before(growth):
    rng = np.random.default_rng(8)
    past = days_of(rng, lambda days: np.exp(growth * (days - 90)) * np.where(days < 80, 1, 0.5))
    usual, half, back = (volume(n, past, np.arange(90) % 7, 6, latest=10) for n in (250, 120, 500))
    assert usual is not None
    assert half is not None
    assert back is not None
    assert (usual.kl < 0.02, half.kl > 0.15, half.p_value < 1e-6) == (True, True, True)
    assert back.kl < 0.02


def test_the_level_before_is_forgotten_when_most_windows_have_the_latest():
    rng = np.random.default_rng(9)
    past = days_of(rng, lambda days: np.where(days < 40, 0.5, 1))
    back = volume(230, past, np.arange(90) % 7, 6, latest=50)
    assert back is not None
    assert (back.kl > 0.15, back.p_value < 1e-6, round(back.expected, -2)) == (True, True, 500)


def test_what_most_windows_of_a_season_have_is_usual_though_it_was_unusual():
    weekends = np.arange(28) % 7 > 4
    learnt, latest = levels(weekends, weekends, np.arange(28) % 7)
    assert learnt.all()
    assert not latest.any()


def test_no_rows_are_usual_where_half_of_the_season_had_none():
    days = np.arange(28)
    past = np.where(days % 7 == 6, 0, 1_000)
    sunday, monday = (volume(0, past, days % 7, day) for day in (6, 0))
    assert sunday is not None
    assert monday is not None
    assert (sunday.kl, sunday.windows, monday.kl) == (0, 4, 1)
