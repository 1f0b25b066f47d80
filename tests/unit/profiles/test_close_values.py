"""Values close to those of the reference are scored as these; others are new."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

import kldrift
from kldrift.profiles.close_values import around


def scores(before, now):
    frames = (pd.DataFrame({"x": side}) for side in (before, now))
    return kldrift.compare(*frames).scores.iloc[0]


@pytest.fixture
def rates():
    rng = np.random.default_rng(0)
    grid = np.round(5.32 + 0.43 * np.arange(32), 2)
    return grid[rng.integers(0, 32, 5_000)], grid[rng.integers(0, 32, 5_000)]


@pytest.mark.parametrize("moved", [-0.01, 0.01])
def test_a_grid_of_prices_that_moves_by_a_cent_has_not_drifted(rates, moved):
    before, now = rates
    found = scores(before, np.round(now + moved, 2))
    assert found.severity == "ok"
    assert found.kl < 0.02
    assert found.ks < 0.07


def test_exact_prices_are_as_close_as_floats(rates):
    before, now = ([Decimal(f"{x:.2f}") for x in side] for side in rates)
    found = scores(before, [x - Decimal("0.01") for x in now])
    assert found.severity == "ok"
    assert found.kl < 0.02


def test_a_value_between_two_of_the_grid_is_new(rates):
    before, now = rates
    found = scores(before, np.where(now < 7, now + 0.2, now))
    assert found.severity != "ok"


def test_values_that_swap_with_close_ones_of_the_reference_are_seen():
    rng = np.random.default_rng(0)
    before = np.where(rng.random(5_000) < 0.5, rng.choice([1.0, 1.001], 5_000), 9.0)
    found = scores(before, np.where(before == 1.0, 1.001, before))
    assert found.severity == "critical"


@pytest.mark.parametrize("codes", [[0, 1, 2], [100, 200, 404, 500]])
def test_whole_numbers_may_be_codes_and_are_never_close(codes):
    rng = np.random.default_rng(0)
    before, now = (rng.choice(codes, 5_000) for _ in range(2))
    found = scores(before, np.where(now == codes[-1], codes[-1] + 1, now))
    assert found.severity == "critical"


def test_one_value_with_few_others_has_no_close_values():
    before = np.where(np.arange(5_000) % 10 == 0, 7.5, 1.25)
    found = scores(before, np.where(before == 1.25, 1.26, before))
    assert found.severity == "critical"


def test_values_at_the_ends_of_doubles_have_finite_edges():
    ends = np.array([-1.7976931348623157e308, 0.0, 1.7976931348623157e308])
    for edges in around(ends, 1e307):
        assert np.isfinite(edges).all()
