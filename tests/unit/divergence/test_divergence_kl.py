"""Kullback-Leibler divergence: published values, the laws of information, accuracy."""

import math

import numpy as np
import pytest
from divergence_oracles import LAWS, distance, exact, kl, near_pairs, normalised, pairs, wide_pairs
from hypothesis import given
from hypothesis import strategies as st
from mpmath import mpf
from scipy.stats import entropy

from kldrift.divergence import kl_contributions, kl_divergence
from kldrift.divergence.kl import kl_excess


@pytest.mark.parametrize(
    ("p", "q", "base", "expected"),
    [
        # rows {1: 2, 2: 2, 3: 1} against {1: 5, 2: 1, 3: 4}, without smoothing
        ([2 / 5, 2 / 5, 1 / 5], [5 / 10, 1 / 10, 4 / 10], 2, 0.4712),
        ([2 / 5, 2 / 5, 1 / 5], [5 / 10, 1 / 10, 4 / 10], math.e, 0.3266),
        # Cover and Thomas (2006), Elements of Information Theory, example 2.3.1
        ([1 / 2, 1 / 2], [3 / 4, 1 / 4], 2, 0.2075),
        ([3 / 4, 1 / 4], [1 / 2, 1 / 2], 2, 0.1887),
        # Wikipedia, Kullback-Leibler divergence, basic example
        ([9 / 25, 12 / 25, 4 / 25], [1 / 3, 1 / 3, 1 / 3], math.e, 0.0853),
        ([1 / 3, 1 / 3, 1 / 3], [9 / 25, 12 / 25, 4 / 25], math.e, 0.0975),
    ],
    ids=["counts, bits", "counts, nats", "cover", "cover reverse", "wikipedia", "reverse"],
)
def test_published_values_are_found(p, q, base, expected):
    assert round(kl_divergence(p, q, base=base), 4) == expected


@LAWS
@given(pairs())
def test_it_agrees_with_scipy(pq):
    assert kl_divergence(*pq) == pytest.approx(entropy(*pq), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("change", [2.0**-10, 2.0**-20, 2.0**-30, 2.0**-40, 2.0**-50])
def test_a_tiny_shift_keeps_nine_digits(change):
    p = np.array([0.125, 0.25, 0.5, 0.125])
    q = p + change * np.array([1, -2, 3, -2]) / 8  # both add up to exactly 1
    assert distance(kl_divergence(p, q), kl(exact(p), exact(q))) < 1e-9


def test_a_sum_of_contributions_would_not_keep_them():
    p = np.array([0.1, 0.2, 0.3, 0.4])
    q = normalised(p * (1 + 1e-9 * np.array([1, -1, 2, -3])))
    assert distance(kl_contributions(p, q).sum(), kl(exact(p), exact(q))) > 1e-9


@LAWS
@given(st.one_of(pairs(), wide_pairs(), near_pairs()))
def test_contributions_add_up(pq):
    total = kl_contributions(*pq).sum()
    assert total == pytest.approx(kl_divergence(*pq), rel=1e-9, abs=1e-14)


def test_contributions_name_the_cells_that_gained_and_lost():
    gained, lost, same = kl_contributions([0.6, 0.1, 0.3], [0.4, 0.3, 0.3])
    assert (gained, lost, same) == (
        pytest.approx(0.6 * math.log(1.5)),
        pytest.approx(-0.1099, abs=1e-4),
        0,
    )


def test_contributions_are_in_the_base_that_is_asked_for():
    p, q = [0.4, 0.4, 0.2], [0.5, 0.1, 0.4]
    assert kl_contributions(p, q, base=2).sum() == pytest.approx(kl_divergence(p, q, base=2))


@pytest.mark.parametrize(
    ("p", "q", "expected"),
    [
        ([0.5, 0.5], [1.0, 0.0], math.inf),
        ([1.0, 0.0], [0.5, 0.5], math.log(2)),
        ([1.0, 0.0], [1.0, 0.0], 0.0),
        ([1.0], [1.0], 0.0),
        # mpmath: log(2) * 1074, and log(0.5) + log(2) * 1074 / 2
        ([5e-324, 1.0], [1.0, 5e-324], 744.4400719213812),
        ([0.5, 0.5], [5e-324, 1.0], 371.52688878013069),
    ],
    ids=["unseen in q", "gone from p", "empty in both", "one cell", "denormals", "denormal q"],
)
def test_edge_cases_have_their_limits(p, q, expected):
    assert kl_divergence(p, q) == pytest.approx(expected, rel=1e-12)


@LAWS
@given(pairs(min_size=6, max_size=6))
def test_divergence_of_a_joint_is_that_of_one_feature_and_of_the_other_given_it(pq):
    p, q = (x.reshape(2, 3) for x in pq)
    p_one, q_one = p.sum(axis=1), q.sum(axis=1)
    within = sum(
        share * kl_divergence(normalised(a), normalised(b))
        for share, a, b in zip(p_one, p, q, strict=True)
        if share and b.sum()
    )
    whole = kl_divergence(p.ravel(), q.ravel())
    if math.isfinite(whole):
        assert whole == pytest.approx(kl_divergence(p_one, q_one) + within, rel=1e-9, abs=1e-12)


@LAWS
@given(wide_pairs())
def test_the_terms_that_are_summed_are_never_negative(pq):
    p, q = pq
    assert (kl_excess(p, q, q - p) >= 0).all()


def test_huge_counts_keep_nine_digits():
    p, q = normalised([10**15 + 3, 10**15, 7]), normalised([10**15, 10**15 + 9, 11])
    assert distance(kl_divergence(p, q), kl(exact(p), exact(q))) < 1e-9


def test_slack_in_the_sum_of_probabilities_does_not_show():
    p, q = [0.333333333, 0.333333333, 0.333333333], [0.25, 0.25, 0.5]
    expected = kl([mpf(1) / 3] * 3, exact(q))
    assert distance(kl_divergence(p, q), expected) < 1e-12
