"""Chi-square and G-tests of row counts."""

import math

import numpy as np
import pytest
from divergence_oracles import LAWS, distance
from hypothesis import given
from hypothesis import strategies as st
from mpmath import log, mp, mpf
from scipy.stats import chi2_contingency

from kldrift.divergence import chi_square, g_statistic, kl_divergence

cells = st.integers(2, 8).flatmap(
    lambda k: st.tuples(
        *[st.lists(st.integers(0, 10**6), min_size=k, max_size=k).filter(any) for _ in "ab"]
    )
)


def expected_rows(a, b):
    a, b = [mpf(int(x)) for x in a], [mpf(int(x)) for x in b]
    n, m = sum(a), sum(b)
    sides = [(x, n * (x + y) / (n + m)) for x, y in zip(a, b, strict=True) if x + y]
    return sides + [(y, m * (x + y) / (n + m)) for x, y in zip(a, b, strict=True) if x + y]


def chi_square_oracle(a, b):
    return mp.fsum((o - e) ** 2 / e for o, e in expected_rows(a, b))


def g_oracle(a, b):
    return 2 * mp.fsum(o * log(o / e) for o, e in expected_rows(a, b) if o)


each_test = pytest.mark.parametrize(
    ("function", "name", "oracle"),
    [(chi_square, "pearson", chi_square_oracle), (g_statistic, "log-likelihood", g_oracle)],
    ids=["chi_square", "g_statistic"],
)


@pytest.mark.parametrize(
    ("function", "expected"),
    # scipy.stats.chi2_contingency, examples: the table and its values
    [
        (chi_square, (2.7777777777777777, 0.24935220877729622)),
        (g_statistic, (2.7688587616781319, 0.25046668010954165)),
    ],
    ids=["chi_square", "g_statistic"],
)
def test_published_values_are_found(function, expected):
    test = function([10, 10, 20], [20, 20, 20])
    assert (test.statistic, test.p_value) == pytest.approx(expected, rel=1e-12)
    assert test.dof == 2


@each_test
@LAWS
@given(cells)
def test_it_agrees_with_scipy(function, name, oracle, cells):
    table = np.array(cells)[:, np.any(cells, axis=0)]
    test, expected = function(*cells), chi2_contingency(table, correction=False, lambda_=name)
    assert test.statistic == pytest.approx(expected.statistic, rel=1e-9, abs=1e-9)
    assert test.p_value == pytest.approx(expected.pvalue, rel=1e-6)
    assert test.dof == expected.dof
    assert distance(test.statistic, oracle(*cells)) < 1e-9


@each_test
@pytest.mark.parametrize(
    ("current", "reference"),
    [
        ([10**15, 10**15 + 1, 10**15 - 1], [10**15 + 3, 10**15, 10**15]),
        ([10**15 + 10**8, 10**15], [10**15, 10**15 + 10**8]),
        ([10, 0, 1], [10**15, 7, 10**14]),
        ([2**53, 1], [1, 2**53]),
        ([1, 0], [0, 2**53]),
    ],
    ids=["nearly equal", "small drift", "few against many", "most rows", "one against many"],
)
def test_huge_counts_keep_nine_digits(function, name, oracle, current, reference):  # noqa: ARG001
    assert distance(function(current, reference).statistic, oracle(current, reference)) < 1e-9


@each_test
def test_equal_shares_are_no_drift_and_empty_cells_do_not_count(function, name, oracle):  # noqa: ARG001
    test = function([3, 0, 6], [1, 0, 2])
    assert (test.statistic, test.dof, test.p_value) == (0, 1, 1)


@each_test
def test_one_cell_cannot_drift(function, name, oracle):  # noqa: ARG001
    test = function([5, 0], [7, 0])
    assert (test.statistic, test.dof, test.p_value) == (0, 0, 1)


@each_test
def test_groups_are_tested_at_once(function, name, oracle):  # noqa: ARG001
    current, reference = np.array([[3, 4, 0], [5, 5, 5]]), np.array([1, 2, 0])
    tests = function(current, reference + np.array([[0, 0, 0], [0, 0, 4]]))
    assert tests.statistic.shape == tests.dof.shape == tests.p_value.shape == (2,)
    assert tests.dof.tolist() == [1, 2]
    assert tests.statistic[0] == function(current[0], reference).statistic


def test_g_is_a_divergence_times_rows():
    a, b = np.array([3, 4, 9]), np.array([10, 2, 7])
    n, m, shares = a.sum(), b.sum(), (a + b) / (a + b).sum()
    expected = 2 * (n * kl_divergence(a / n, shares) + m * kl_divergence(b / m, shares))
    assert g_statistic(a, b).statistic == pytest.approx(expected, rel=1e-12)


@each_test
@pytest.mark.parametrize(
    ("current", "message"),
    [
        ([0.5, 0.5], r"current must hold whole row counts, got 0\.5 at 0"),
        ([1, -1], r"current must not be negative or NaN, got -1\.0 at 1"),
        ([1, math.nan], r"current must not be negative or NaN, got nan at 1"),
        ([0, 0], r"current must have rows, got 0\.0"),
        ([2**54, 0], r"current must hold counts up to 2\*\*53, got 1\.8.*e\+16 at 0"),
        ([1, 2, 3], "current has 3 cells and reference has 2"),
    ],
    ids=["probabilities", "negative", "NaN", "no rows", "too many", "cells"],
)
def test_what_are_no_counts_is_refused(function, name, oracle, current, message):  # noqa: ARG001
    with pytest.raises(ValueError, match=message):
        function(current, [1, 2])
