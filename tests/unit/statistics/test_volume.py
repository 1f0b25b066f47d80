"""The rows of a window are judged beside those of the windows before it."""

from __future__ import annotations

import numpy as np
import pytest

from kldrift.statistics.volume import FEWEST, volume

NONE = np.zeros(40, dtype=np.int64)


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
