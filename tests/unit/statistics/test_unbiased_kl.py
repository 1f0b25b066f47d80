"""The estimate of a divergence: its digits, its error at the limit, and its interval."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
import scipy.stats
from kl_limits import above_limit_p
from scipy.special import psi

from kldrift.divergence import kl_divergence
from kldrift.statistics.significance import g_test
from kldrift.statistics.unbiased_kl import PSI_KNOWN, _psi, kl_unbiased

DRAWS = 2_000


def law(name: str, cells: int) -> np.ndarray:
    weights = np.ones(cells) if name == "flat" else 1 / np.arange(1, cells + 1)
    return weights / weights.sum()


def tilted(q: np.ndarray, kl: float) -> np.ndarray:
    """Shares whose divergence from q is as large as asked."""
    direction = np.random.default_rng(1).normal(size=len(q))
    low, high = 0.0, 60.0
    for _ in range(80):
        strength = (low + high) / 2
        p = q * np.exp(strength * (direction - direction.max()))
        p /= p.sum()
        low, high = (strength, high) if kl_divergence(p, q) < kl else (low, strength)
    return p


def test_the_estimate_is_the_sum_of_digammas():
    p, q = [3, 0, 40, 7], [5, 2, 0, 90]
    n, m = sum(p), sum(q)
    exact = mpmath.fsum(
        mpmath.mpf(x)
        / n
        * (mpmath.psi(0, x) - mpmath.psi(0, n) + mpmath.psi(0, m + 1) - mpmath.psi(0, y + 1))
        for x, y in zip(p, q, strict=True)
        if x
    )
    assert kl_unbiased(np.array(p), np.array(q)).unbiased == pytest.approx(float(exact), rel=1e-13)


@pytest.mark.parametrize("rows", [300, 2_000, 100_000])
def test_without_drift_it_is_0_on_average(rows):
    rng = np.random.default_rng(0)
    p, q = rng.multinomial(rows, law("zipf", 20), (2, DRAWS))
    plug_in = 19 / 2 * 2 / rows
    assert abs(kl_unbiased(p, q).unbiased.mean()) < 0.05 * plug_in


@pytest.mark.parametrize("cells", [5, 20, 100])
@pytest.mark.parametrize("shape", ["flat", "zipf"])
@pytest.mark.parametrize(
    ("n", "m"), [(300, 300), (300, 100_000), (20_000, 20_000), (100_000, 100_000)]
)
@pytest.mark.parametrize("limit", [0.02, 0.1, 0.6])
def test_truth_at_the_limit_is_hardly_ever_called_above_it(cells, shape, n, m, limit):
    rng = np.random.default_rng(0)
    q = law(shape, cells)
    counts = rng.multinomial(n, tilted(q, limit), DRAWS), rng.multinomial(m, q, DRAWS)
    p_values = above_limit_p(*counts, limit)
    assert (p_values < 0.05).mean() <= 0.075 + 0.01
    assert (p_values < 0.01).mean() <= 0.015 + 0.005


@pytest.mark.parametrize("n", [300, 2_000, 100_000])
@pytest.mark.parametrize("limit", [0.02, 0.1, 0.25, 0.6])
def test_the_interval_covers_the_truth_in_about_90_of_100_tables(n, limit):
    rng = np.random.default_rng(0)
    q = law("zipf", 20)
    found = kl_unbiased(rng.multinomial(n, tilted(q, limit), DRAWS), rng.multinomial(n, q, DRAWS))
    covered = ((found.low <= limit) & (limit <= found.high)).mean()
    assert 0.87 <= covered <= 0.995


def test_twice_the_limit_is_seen():
    rng = np.random.default_rng(0)
    q = law("flat", 20)
    p = rng.multinomial(10_000, tilted(q, 0.2), 500)
    assert (above_limit_p(p, rng.multinomial(10_000, q, 500), 0.1) < 0.01).mean() > 0.99


def test_a_limit_of_0_is_the_test_of_any_difference():
    p, q = np.array([[30, 70], [9, 11]]), np.array([[50, 50], [10, 10]])
    assert above_limit_p(p, q, 0.0).tolist() == g_test(p, q)[2].tolist()


def test_a_larger_limit_is_never_more_certain():
    rng = np.random.default_rng(0)
    p, q = rng.poisson(3, (2, 300, 12))
    levels = [above_limit_p(p, q, limit) for limit in (0.0, 0.01, 0.1, 0.25, 1.0)]
    assert (np.diff(levels, axis=0) >= 0).all()


def test_values_that_the_reference_never_had_are_above_a_limit():
    p, q = np.array([700, 300]), np.array([1_000, 0])
    assert above_limit_p(p, q, 0.25) < 1e-6


@pytest.mark.parametrize("rows", [2, 3])
def test_a_few_rows_are_above_no_limit(rows):
    assert above_limit_p(np.array([0, rows]), np.array([rows, 0]), 0.25) > 0.01


def test_without_rows_there_is_no_estimate():
    found = kl_unbiased(np.array([[0, 0], [1, 2]]), np.array([[1, 2], [0, 0]]))
    assert np.isnan([found.unbiased, found.low, found.high]).all()
    assert np.isnan(found.p_above(0.1)).all()


def test_in_one_cell_there_is_nothing_to_differ():
    found = kl_unbiased(np.array([5, 0]), np.array([9, 0]))
    assert (found.unbiased, found.low) == (0, 0)
    assert found.p_above(0.1) == 1


def test_leading_axes_broadcast():
    p, q = np.full((3, 1, 4), 10), np.full((2, 4), 9)
    assert kl_unbiased(p, q).low.shape == (3, 2)
    assert above_limit_p(p, q, np.array([0.1, 0.2])).shape == (3, 2)


def test_the_p_value_is_the_normal_tail_of_the_distance_in_errors():
    found = kl_unbiased(np.array([900, 2_100]), np.array([1_500, 1_500]))
    z = (found.unbiased - found.missed - 0.05) / found.error
    assert found.p_above(0.05) == pytest.approx(scipy.stats.norm.sf(z), rel=1e-12)


@pytest.mark.parametrize(("n", "m"), [(300, 300), (1_000, 1_000), (1_000, 100_000)])
def test_a_new_value_whose_share_is_at_the_limit_is_hardly_ever_above_it(n, m):
    rng = np.random.default_rng(0)
    p = np.array([0.7, 0.3])
    for q_share in (0.001, 0.01, 0.05):
        q = np.array([1 - q_share, q_share])
        limit = float(kl_divergence(p, q))
        p_values = above_limit_p(rng.multinomial(n, p, DRAWS), rng.multinomial(m, q, DRAWS), limit)
        assert (p_values < 0.05).mean() <= 0.075 + 0.01


def test_the_interval_covers_what_a_small_reference_of_many_cells_hides():
    shares = 1 / np.arange(1, 101)
    shares /= shares.sum()
    tilt = np.random.default_rng(1).normal(size=100)
    now = shares * np.exp(0.2 * tilt)
    now /= now.sum()
    rng = np.random.default_rng(0)
    found = kl_unbiased(rng.multinomial(100_000, now, 1_000), rng.multinomial(300, shares, 1_000))
    truth = float((now * np.log(now / shares)).sum())
    assert ((found.low <= truth) & (truth <= found.high)).mean() > 0.85


def test_many_rows_have_the_digamma_function_that_few_have():
    rows = np.array([0, 1, 2, PSI_KNOWN - 1, PSI_KNOWN, PSI_KNOWN + 1, 10**12])
    np.testing.assert_array_equal(_psi(rows), psi(np.maximum(rows, 1).astype(np.float64)))
