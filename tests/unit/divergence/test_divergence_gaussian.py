"""Kullback-Leibler divergence of one-dimensional Gaussians."""

import math
import sys

import numpy as np
import pytest
from divergence_oracles import LAWS, distance
from hypothesis import assume, given
from hypothesis import strategies as st
from mpmath import log, mpf

from kldrift.divergence import (
    gaussian_kl,
    gaussian_kl_parts,
    kl_divergence_continuous,
    standard_normal_kl,
)

means = st.floats(-1e9, 1e9)
stds = st.floats(-9, 9).map(lambda e: 10.0**e)


def parts(mean_p, std_p, mean_q, std_q):
    m_p, s_p, m_q, s_q = (mpf(float(x)) for x in (mean_p, std_p, mean_q, std_q))
    ratio = (s_p / s_q) ** 2
    return (m_p - m_q) ** 2 / (2 * s_q**2), (ratio - 1 - log(ratio)) / 2


@LAWS
@given(means, stds, means, stds)
def test_parts_and_sum_give_what_50_digits_give(mean_p, std_p, mean_q, std_q):
    arguments = mean_p, std_p, mean_q, std_q
    for part, expected in zip(gaussian_kl_parts(*arguments), parts(*arguments), strict=True):
        # What is below the smallest normal double has no nine digits to keep.
        assert distance(part, expected) < 1e-9 or max(part, expected) < sys.float_info.min
    assert gaussian_kl(*arguments) == sum(gaussian_kl_parts(*arguments))


@pytest.mark.parametrize("change", [0.9, 0.3, -0.3, 1e-2, -1e-2, 1e-5, -1e-9, 1e-12, 2.0**-52])
def test_nearly_equal_spreads_keep_nine_digits(change):
    arguments = 0.0, 3.7 * (1 + change), 0.0, 3.7
    assert distance(gaussian_kl_parts(*arguments)[1], parts(*arguments)[1]) < 1e-9


@pytest.mark.parametrize("ratio", [1e-300, 1e-150, 1e-20, 1e20, 1e150])
def test_extreme_spreads_neither_overflow_nor_vanish(ratio):
    assert distance(gaussian_kl(0.0, ratio, 0.0, 1.0), sum(parts(0.0, ratio, 0.0, 1.0))) < 1e-9


def test_a_mean_of_a_billion_keeps_its_digits():
    arguments = 1e9 + 0.25, 1.0, 1e9, 1.0
    assert gaussian_kl(*arguments) == 0.25**2 / 2


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((1.0, 1.0, 0.0, 2.0), 0.44314718055994530942),  # mpmath: log(2) + (1 + 1) / 8 - 1 / 2
        ((0.0, 2.0, 0.0, 1.0), 0.80685281944005469058),  # mpmath: 3 / 2 - log(2)
        ((5.0, 3.0, 5.0, 3.0), 0.0),
    ],
)
def test_closed_forms_are_found(arguments, expected):
    assert gaussian_kl(*arguments) == pytest.approx(expected, rel=1e-15)


@LAWS
@given(st.floats(-3, 3), st.floats(0.3, 3), st.floats(-3, 3), st.floats(0.3, 3), stds, means)
def test_units_and_origin_do_not_matter(mean_p, std_p, mean_q, std_q, scale, shift):
    assume(abs(shift) < 1e5 * scale)  # more than that rounds the means away
    moved = mean_p * scale + shift, std_p * scale, mean_q * scale + shift, std_q * scale
    expected = gaussian_kl(mean_p, std_p, mean_q, std_q)
    assert gaussian_kl(*moved) == pytest.approx(expected, rel=1e-8, abs=1e-9)


@LAWS
@given(means, stds, means, stds)
def test_it_is_never_negative_and_0_for_equal_ones(mean_p, std_p, mean_q, std_q):
    assert min(gaussian_kl_parts(mean_p, std_p, mean_q, std_q)) >= 0
    assert gaussian_kl(mean_p, std_p, mean_p, std_p) == 0


def test_it_agrees_with_numerical_integration():
    from statistics import NormalDist

    p, q = NormalDist(1.0, 0.7), NormalDist(-0.5, 1.9)
    integral = kl_divergence_continuous(p.pdf, q.pdf, -math.inf, math.inf)
    assert gaussian_kl(1.0, 0.7, -0.5, 1.9) == pytest.approx(integral, rel=1e-10)


def test_many_features_at_once_give_arrays_of_one_shape():
    mean, spread = gaussian_kl_parts([[0.0], [1.0]], [1.0, 2.0, 3.0], 0.0, 1.0)
    assert (
        mean.shape == spread.shape == gaussian_kl([[0.0], [1.0]], [1.0, 2.0, 3.0], 0.0, 1.0).shape
    )
    assert mean.shape == (2, 3)
    assert spread[1, 2] == gaussian_kl(0.0, 3.0, 0.0, 1.0)
    assert isinstance(gaussian_kl(0, 1, 0, 1), float)


def test_the_standard_normal_is_a_reference_like_any_other():
    assert standard_normal_kl(0.3, 1.7) == gaussian_kl(0.3, 1.7, 0.0, 1.0)
    np.testing.assert_array_equal(standard_normal_kl([0, 2], 1), [0, 2])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, 0, 0, 1), r"std_p must be positive, got 0\.0"),
        ((0, [1, 1], 0, [1, -2]), r"std_q must be positive, got -2\.0 at 1"),
        ((0, 1, math.nan, 1), r"mean_q must be finite, got nan"),
        ((0, math.inf, 0, 1), r"std_p must be finite, got inf"),
        (([0, 1], 1, [0, 1, 2], 1), r"got mean_p \(2,\), std_p \(\), mean_q \(3,\), std_q \(\)"),
    ],
    ids=["constant", "negative", "NaN", "inf", "shapes"],
)
def test_what_is_no_gaussian_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        gaussian_kl(*arguments)
