"""The exponential integral of a table against scipy's."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import exp1

from kldrift.statistics.unbiased_kl import FARTHEST, STEPS, e1


def test_it_is_that_of_scipy_to_eleven_digits_behind_the_point() -> None:
    rng = np.random.default_rng(0)
    between = (np.arange(1, FARTHEST * STEPS) + 0.5) / STEPS  # farthest from all points
    x = np.concatenate([between, 10 ** rng.uniform(-12, 2, 20_000)])
    assert e1(x) == pytest.approx(exp1(x), abs=1e-11, rel=1e-11)


def test_it_is_infinite_at_zero_and_zero_far_out() -> None:
    assert e1(np.array([0.0, FARTHEST, 1e300, np.inf])).tolist() == [np.inf, 0.0, 0.0, 0.0]
