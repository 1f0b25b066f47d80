"""The rows of a window are judged beside those of the windows before it."""

from __future__ import annotations

import numpy as np
import pytest

from kldrift.statistics.volume import FEWEST, volume

NONE = np.zeros(40, dtype=bool)


def test_half_as_many_and_twice_as_many_rows_have_their_divergence():
    past = np.full(20, 1_000)
    half, twice = (volume(n, past, NONE[:20]) for n in (500, 2_000))
    assert half is not None
    assert twice is not None
    assert half.kl == pytest.approx(0.5 * np.log(0.5) + 0.5)
    assert twice.kl == pytest.approx(2 * np.log(2) - 1)
    assert half.p_value < 1e-9


def test_a_season_of_its_own_is_what_a_window_is_compared_with():
    days = np.arange(40)
    past = np.where(days % 7 == 6, 100, 1_000) + days % 3
    sunday, monday = (volume(102, past, days % 7 == day) for day in (6, 0))
    assert sunday is not None
    assert monday is not None
    assert (sunday.windows, sunday.alike, sunday.kl < 0.001) == (5, True, True)
    assert (monday.alike, monday.kl > 0.6) == (True, True)


def test_too_few_windows_and_empty_ones_say_nothing():
    assert volume(10, np.full(FEWEST - 1, 10), NONE[: FEWEST - 1]) is None
    assert volume(10, np.append(np.full(FEWEST - 1, 10), 0), NONE[:FEWEST]) is None
    assert volume(10, np.full(FEWEST, 10), NONE[:FEWEST]) is not None


def test_quiet_windows_seldom_look_unusual():
    rng = np.random.default_rng(0)
    found = [
        volume(int(n), rng.poisson(500 * rng.lognormal(0, 0.2, 30)), NONE[:30])
        for n in rng.poisson(500 * rng.lognormal(0, 0.2, 400))
    ]
    p_values = np.array([v.p_value for v in found if v is not None])
    assert 0.02 < (p_values < 0.05).mean() < 0.09
    assert (p_values < 0.001).mean() < 0.01
