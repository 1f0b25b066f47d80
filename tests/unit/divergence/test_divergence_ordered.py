"""Wasserstein and Kolmogorov-Smirnov distances, of ordered cells and of samples."""

import math

import numpy as np
import pytest
from divergence_oracles import LAWS, ORACLES, distance, exact, normalised, pairs
from divergence_oracles import wasserstein as oracle
from hypothesis import given
from hypothesis import strategies as st
from mpmath import mpf
from scipy.stats import wasserstein_distance

from kldrift.divergence import (
    kolmogorov_smirnov,
    kolmogorov_smirnov_samples,
    total_variation,
    wasserstein,
    wasserstein_samples,
)
from kldrift.divergence.cumulative import share_difference
from kldrift.divergence.kolmogorov_smirnov import kolmogorov_smirnov_formula
from kldrift.divergence.total_variation import total_variation_formula

values = st.integers(-20, 20).map(float) | st.floats(-1e6, 1e6)
samples = st.lists(values, min_size=1, max_size=30)
P, Q = [0.4, 0.4, 0.2], [0.5, 0.1, 0.4]


@LAWS
@given(pairs(), st.data())
def test_wasserstein_of_cells_agrees_with_scipy(pq, data):
    p, q = pq
    size = {"min_size": p.size, "max_size": p.size}
    x = np.sort(data.draw(st.lists(st.floats(-1e3, 1e3), **size)))
    expected = wasserstein_distance(x, x, p, q)
    assert wasserstein(p, q, x) == pytest.approx(expected, rel=1e-9, abs=1e-9)


@LAWS
@given(st.lists(st.integers(0, 1 << 40), min_size=4, max_size=12), st.data())
def test_wasserstein_and_ks_of_exact_probabilities_give_what_50_digits_give(rows, data):
    def shares(order):  # multiples of 2**-50 that add up to exactly 1
        p = np.array(rows, dtype=float)[order] / 2.0**50
        return np.append(p, 1 - p.sum())

    p = shares(np.arange(len(rows)))
    q = shares(data.draw(st.permutations(range(len(rows)))))
    x = np.cumsum(np.r_[0.0, 10.0 ** np.arange(len(rows))])
    exact_p, exact_q = ([mpf(v) for v in side] for side in (p, q))
    assert distance(wasserstein(p, q, x), oracle(exact_p, exact_q, x)) < 1e-9
    cumulative = np.cumsum(p - q)  # exact, as all are multiples of 2**-50
    assert kolmogorov_smirnov(p, q) == np.abs(cumulative).max()


@pytest.mark.parametrize("function", [kolmogorov_smirnov, wasserstein, total_variation])
@pytest.mark.parametrize("cells", [2, 5, 40, 300])
@pytest.mark.parametrize("step", [1e-4, 1e-7, 1e-10])
def test_a_small_distance_keeps_nine_digits_although_shares_add_up_to_1_only_to_rounding(
    function, cells, step
):
    rng = np.random.default_rng(cells)
    p = normalised(rng.dirichlet(np.ones(cells)))
    q = normalised(p * (1 + step * rng.normal(size=cells)))
    expected = ORACLES[function.__name__.replace("kolmogorov_smirnov", "ks")](exact(p), exact(q))
    assert distance(function(p, q), expected) < 1e-9
    batch = function(np.array([p, q, p[::-1]]), np.array([q, q, p]))
    assert batch.tolist() == [function(p, q), 0, function(p[::-1], p)]


def test_a_side_without_rows_is_not_taken_for_rounding():
    empty, q = np.zeros(3), np.array(Q)
    assert total_variation_formula(empty, q) == 0.5
    assert kolmogorov_smirnov_formula(empty, q) == 0.5


def test_a_far_overflow_cell_does_not_blow_up_rounding():
    p = np.array([0.4, 0.15, 0.25, 0.2])
    q = np.array([0.25, 0.4, 0.15, 0.2])
    assert np.cumsum(p - q)[-1] != 0
    # 0.15 moves by 1, then 0.1 on from there by 1, and nothing moves to the overflow cell
    assert wasserstein(p, q, [0, 1, 2, 1e18]) == pytest.approx(0.25, rel=1e-12)


@LAWS
@given(pairs(), st.floats(0.01, 100), st.floats(-100, 100))
def test_wasserstein_has_the_unit_of_its_positions(pq, scale, shift):
    x = np.arange(pq[0].size) ** 2.0
    expected = scale * wasserstein(*pq, x)
    assert wasserstein(*pq, scale * x + shift) == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_cells_are_one_apart_unless_said_otherwise():
    assert wasserstein(P, Q) == pytest.approx(wasserstein(P, Q, [7, 8, 9]))
    assert wasserstein([1, 0, 0], [0, 0, 1]) == 2


def test_each_group_may_have_its_own_positions():
    x = [[0, 1, 2], [0, 10, 100]]
    np.testing.assert_allclose(wasserstein(P, Q, x), [wasserstein(P, Q, row) for row in x])


@pytest.mark.parametrize(
    ("positions", "message"),
    [
        ([0, 1], r"positions must be one for each of the 3 cells, got shape \(2,\)"),
        ([0, 2, 1], r"positions must not decrease from one cell to the next, got -1\.0 at 1"),
        ([0, 1, math.inf], r"positions must be finite, got inf at 2"),
        ([0, math.nan, 1], r"positions must be finite, got nan at 1"),
    ],
    ids=["too few", "decreasing", "infinite", "NaN"],
)
def test_positions_that_are_none_are_refused(positions, message):
    with pytest.raises(ValueError, match=message):
        wasserstein(P, Q, positions)


def test_positions_of_other_groups_are_refused():
    with pytest.raises(ValueError, match=r"got p \(3, 3\), positions \(2, 3\)"):
        wasserstein([P, P, P], Q, [[0, 1, 2], [0, 1, 2]])


@pytest.mark.parametrize(
    ("x", "y", "expected"),
    [
        # the examples of scipy.stats.wasserstein_distance
        ([0, 1, 3], [5, 6, 8], 5.0),
        ([0, 0, 0, 1], [0, 0, 1, 1], 0.25),
        ([1e9, 1e9 + 1], [1e9 + 1, 1e9 + 2], 1.0),
    ],
)
def test_wasserstein_of_samples_has_published_values(x, y, expected):
    assert wasserstein_samples(x, y) == expected


@LAWS
@given(samples, samples)
def test_samples_agree_with_scipy_and_with_the_definition(x, y):
    expected = wasserstein_distance(x, y)
    assert wasserstein_samples(x, y) == pytest.approx(expected, rel=1e-9, abs=1e-9)
    shares = [abs(np.mean(np.less_equal(x, v)) - np.mean(np.less_equal(y, v))) for v in x + y]
    assert kolmogorov_smirnov_samples(x, y) == pytest.approx(max(shares), abs=1e-12)


@LAWS
@given(st.lists(st.integers(0, 9), min_size=1), st.lists(st.integers(0, 9), min_size=1))
def test_samples_give_what_their_counts_give(x, y):
    p, q = (normalised(np.bincount(side, minlength=10)) for side in (x, y))
    assert wasserstein_samples(x, y) == pytest.approx(wasserstein(p, q), abs=1e-12)
    assert kolmogorov_smirnov_samples(x, y) == pytest.approx(kolmogorov_smirnov(p, q), abs=1e-12)


@pytest.mark.parametrize(
    ("x", "y", "x_weights", "y_weights"),
    [
        # the examples of scipy.stats.wasserstein_distance
        ([0, 1], [0, 1], [3, 1], [2, 2]),
        (
            [3.4, 3.9, 7.5, 7.8],
            [4.5, 1.4],
            [1.4, 0.9, 3.1, 7.2],
            [3.2, 3.5],
        ),
        ([3, 1, 3], [2], [1, 0, 2], None),
        ([2.0], [1, 5], None, [0, 4]),
    ],
    ids=["shares", "unequal sizes", "a weight of 0", "only y"],
)
def test_weights_of_samples_mean_what_they_mean_to_scipy(x, y, x_weights, y_weights):
    expected = wasserstein_distance(x, y, x_weights, y_weights)
    assert wasserstein_samples(x, y, x_weights, y_weights) == pytest.approx(expected, rel=1e-14)
    named = wasserstein_samples(x, y, y_weights=y_weights, x_weights=x_weights)
    assert named == wasserstein_samples(x, y, x_weights, y_weights)


weighted = st.lists(st.tuples(values, st.integers(0, 9) | st.floats(0.1, 1e6)), min_size=1).filter(
    lambda pairs: any(weight for _, weight in pairs)
)


@LAWS
@given(weighted, weighted)
def test_weighted_samples_agree_with_scipy(a, b):
    (x, v), (y, w) = zip(*a, strict=True), zip(*b, strict=True)
    expected = wasserstein_distance(x, y, v, w)
    assert wasserstein_samples(x, y, v, w) == pytest.approx(expected, rel=1e-9, abs=1e-9)


@LAWS
@given(samples, st.lists(st.tuples(values, st.integers(1, 4)), min_size=1, max_size=9))
def test_a_whole_weight_is_a_value_that_often(x, pairs):
    y, w = zip(*pairs, strict=True)
    often = wasserstein_samples(x, np.repeat(y, w))
    assert wasserstein_samples(x, y, None, w) == pytest.approx(often, rel=1e-12, abs=1e-300)
    assert wasserstein_samples(y, x, w) == pytest.approx(often, rel=1e-12, abs=1e-300)


@pytest.mark.parametrize("size", [1.0, 7.0, 1e-200, 1e300])
def test_weights_that_are_nearly_equal_keep_nine_digits_in_any_unit(size):
    rng = np.random.default_rng(0)
    x, v = np.arange(40.0), rng.random(40)
    w = v * (1 + 1e-10 * rng.normal(size=40))
    expected = oracle(exact(v), exact(size * w), x)
    assert distance(wasserstein_samples(x, x, v, size * w), expected) < 1e-9


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1.0], r"x_weights must be one for each of the 2 values of x, got shape \(1,\)"),
        ([[1.0, 2.0]], r"x_weights must be one for each .* got shape \(1, 2\)"),
        ([1.0, -1.0], r"x_weights must be finite and not negative, got -1\.0 at 1"),
        ([math.nan, 1.0], r"x_weights must be finite and not negative, got nan at 0"),
        ([1.0, math.inf], r"x_weights must be finite and not negative, got inf at 1"),
        ([0.0, 0.0], r"x_weights must not all be 0"),
    ],
    ids=["too few", "two axes", "negative", "NaN", "infinite", "none"],
)
def test_weights_that_are_none_are_refused(weights, message):
    with pytest.raises(ValueError, match=message):
        wasserstein_samples([1.0, 2.0], [1.0], weights)
    with pytest.raises(ValueError, match=message.replace("x", "y", 1).replace("of x", "of y")):
        wasserstein_samples([1.0], [1.0, 2.0], None, weights)


def test_shares_of_billions_of_rows_do_not_overflow():
    n, m = np.float64(2**33), np.float64(2**34)
    assert share_difference(np.float64(2**33), n, np.float64(2**33), m) == 0.5
    assert share_difference(np.float64(2**33 - 1), n, np.float64(2**34 - 2), m) == 0


@pytest.mark.parametrize("function", [wasserstein_samples, kolmogorov_smirnov_samples])
@pytest.mark.parametrize(
    ("x", "message"),
    [
        ([], r"x must be one or more values, got shape \(0,\)"),
        ([[1.0]], r"x must be one or more values, got shape \(1, 1\)"),
        ([1.0, math.nan], r"x must be finite, got nan at 1"),
    ],
    ids=["empty", "two axes", "NaN"],
)
def test_samples_that_are_none_are_refused(function, x, message):
    with pytest.raises(ValueError, match=message):
        function(x, [1.0])
