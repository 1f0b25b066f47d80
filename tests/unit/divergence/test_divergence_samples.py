"""Kullback-Leibler divergence of samples, by nearest neighbours."""

import math

import numpy as np
import pytest
from divergence_oracles import LAWS
from hypothesis import given
from hypothesis import strategies as st

from kldrift.divergence import gaussian_kl, kl_divergence_samples, multivariate_gaussian_kl

seeds = st.integers(0, 2**32 - 1)


def by_hand(x, y, k):
    """The formula of Wang, Kulkarni and Verdu, with all distances."""
    (n, d), m = x.shape, len(y)
    rho = np.sort(np.linalg.norm(x[:, None] - x, axis=2), axis=1)[:, k]
    nu = np.sort(np.linalg.norm(x[:, None] - y, axis=2), axis=1)[:, k - 1]
    return d * np.log(nu / rho).mean() + math.log(m / (n - 1))


@LAWS
@given(seeds, st.integers(1, 4), st.integers(1, 6))
def test_it_is_the_formula(seed, d, k):
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(20, d)), rng.normal(size=(30, d))
    assert kl_divergence_samples(x, y, k=k) == pytest.approx(by_hand(x, y, k), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize(
    ("p", "q"),
    [((0, 1), (0, 1)), ((1, 1), (0, 1)), ((0, 1), (0, 2)), ((0, 2), (0.5, 1.5))],
    ids=str,
)
def test_it_converges_to_the_divergence_of_the_densities(p, q):
    rng = np.random.default_rng(0)
    estimate = kl_divergence_samples(rng.normal(*p, 40_000), rng.normal(*q, 40_000))
    assert estimate == pytest.approx(gaussian_kl(*p, *q), abs=0.03)


def test_it_converges_in_two_dimensions():
    rng = np.random.default_rng(0)
    cov_p, cov_q = [[1.0, 0.8], [0.8, 1.0]], [[1.0, 0.0], [0.0, 1.0]]
    x = rng.multivariate_normal([0.5, 0], cov_p, 40_000)
    y = rng.multivariate_normal([0, 0], cov_q, 40_000)
    expected = multivariate_gaussian_kl([0.5, 0], cov_p, [0, 0], cov_q)
    assert kl_divergence_samples(x, y) == pytest.approx(expected, abs=0.05)


@LAWS
@given(seeds, st.sampled_from([0.5, 4.0]), st.sampled_from([-1e3, 64.0]))
def test_units_and_origin_do_not_matter(seed, scale, shift):
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(2, 40))
    moved = kl_divergence_samples(scale * x + shift, scale * y + shift)
    assert moved == pytest.approx(kl_divergence_samples(x, y), abs=1e-6)


def test_a_vector_is_a_column_and_bits_are_nats_divided_by_log_2():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 100))
    value = kl_divergence_samples(x, y)
    assert type(value) is float
    assert kl_divergence_samples(x[:, None], y[:, None]) == value
    assert kl_divergence_samples(x, y, base=2) * math.log(2) == pytest.approx(value)


@pytest.mark.parametrize(
    ("x", "y", "k", "message"),
    [
        (np.arange(9) // 3, np.arange(9), 2, "9 of 9 values of x have .* neighbour number 2 in x"),
        (np.arange(9), np.zeros(9), 2, "1 of 9 values of x .* in y .* or raise k above 2"),
        (np.arange(3), np.arange(9), 3, "k must be at least 1, below 3 values of x and .* got 3"),
        (np.arange(9), np.arange(3), 4, "k must be .* at most 3, got 4"),
        (np.arange(9), np.arange(9), 0, "k must be at least 1, .* got 0"),
        (np.zeros((9, 2)), np.zeros((9, 3)), 1, "x has 2 dimensions and y has 3"),
        ([0, math.nan], [0, 1], 1, "x must be finite, got nan at 1"),
        ([], [0, 1], 1, r"x must have shape \(n,\) or \(n, d\), got \(0,\)"),
        (np.zeros((2, 2, 2)), [0, 1], 1, r"x must have shape \(n,\) or \(n, d\), got \(2, 2, 2\)"),
    ],
    ids=["repeats", "repeats in y", "few x", "few y", "k", "dimensions", "NaN", "empty", "axes"],
)
def test_what_has_no_density_is_refused(x, y, k, message):
    with pytest.raises(ValueError, match=message):
        kl_divergence_samples(x, y, k=k)


def test_values_that_repeat_less_than_k_times_are_accepted():
    x, y = np.repeat(np.arange(30.0), 2), np.arange(60.0)
    assert math.isfinite(kl_divergence_samples(x, y, k=5))
