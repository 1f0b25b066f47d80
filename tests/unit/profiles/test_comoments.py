"""Joint moments: merging is adding, and they are numpy's moments."""

from __future__ import annotations

import numpy as np
import pytest

from kldrift.profiles.comoments import ROWS_AT_ONCE, CoMoments


def rows(n, k=3, mean=0.0, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, k)) @ rng.normal(size=(k, k)) + mean


@pytest.mark.parametrize("diagonal", [False, True])
@pytest.mark.parametrize("mean", [0.0, 1e9])
def test_they_are_the_moments_of_numpy(mean, diagonal):
    values = rows(ROWS_AT_ONCE + 77, mean=mean)
    found = CoMoments.of(values, np.full(3, mean), diagonal=diagonal)
    # numpy's own covariance loses digits at 1e9: about the pivot it has them all
    expected = np.cov((values - mean).T, bias=True)
    assert found.mean == pytest.approx(values.mean(0), rel=1e-14)
    np.testing.assert_allclose(
        found.covariance, np.diagonal(expected) if diagonal else expected, rtol=1e-11
    )


@pytest.mark.parametrize("diagonal", [False, True])
def test_the_moments_of_parts_add_up_in_any_order(diagonal):
    values, pivot = rows(1000), np.array([0.5, -1.0, 2.0])
    parts = [CoMoments.of(v, pivot, diagonal=diagonal) for v in np.split(values, [10, 10, 700])]
    whole = CoMoments.of(values, pivot, diagonal=diagonal)
    for order in ((0, 1, 2, 3), (3, 1, 0, 2)):
        merged = CoMoments.zero(pivot, diagonal=diagonal)
        for i in order:
            merged += parts[i]
        assert merged.rows == 1000
        np.testing.assert_allclose(merged.covariance, whole.covariance, rtol=1e-12)
        np.testing.assert_allclose(merged.kurtosis, whole.kurtosis, rtol=1e-10)


def test_the_kurtosis_is_that_of_the_distribution():
    values = np.random.default_rng(3).laplace(size=(200_000, 1)) + 40
    found = CoMoments.of(values, np.array([39.0]), diagonal=True)
    assert found.kurtosis[0] == pytest.approx(6, rel=0.1)


def test_moments_about_two_pivots_are_refused():
    one, two = (CoMoments.zero(np.array([x]), diagonal=True) for x in (0.0, 1.0))
    with pytest.raises(ValueError, match="one pivot"):
        one + two
