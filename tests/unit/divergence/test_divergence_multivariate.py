"""Kullback-Leibler divergence and Fréchet distance of multivariate Gaussians."""

import math

import numpy as np
import pytest
from divergence_oracles import LAWS, distance, matrix_of, multivariate_kl
from hypothesis import given
from hypothesis import strategies as st
from mpmath import eigsy, mp, mpf, sqrt

from kldrift.divergence import frechet_distance, gaussian_kl, multivariate_gaussian_kl

seeds = st.integers(0, 2**32 - 1)
conditions = st.sampled_from([1.0, 1e2, 1e4, 1e6, 1e8])
dimensions = st.integers(1, 6)


def covariance(rng, k, condition, units=0.0):
    """A covariance in random directions, of features whose units differ by 10**units."""
    directions, _ = np.linalg.qr(rng.normal(size=(k, k)))
    cov = (directions * np.geomspace(1, 1 / condition, k)) @ directions.T
    scale = 10.0 ** rng.uniform(-units, units, k)
    cov = cov * np.outer(scale, scale)
    return (cov + cov.T) / 2


def frechet(mean_p, cov_p, mean_q, cov_q):
    """The trace formula at 50 digits."""

    def root(symmetric):
        values, vectors = eigsy(symmetric)
        return vectors * mp.diag([sqrt(max(v, mpf(0))) for v in values]) * vectors.T

    k, p, q = len(mean_p), matrix_of(cov_p), matrix_of(cov_q)
    product = root(root(p) * q * root(p))
    trace = mp.fsum(p[i, i] + q[i, i] - 2 * product[i, i] for i in range(k))
    shift = mp.fsum((mpf(a) - mpf(b)) ** 2 for a, b in zip(mean_p, mean_q, strict=True))
    return shift + trace


@LAWS
@given(seeds, dimensions, conditions, conditions, st.sampled_from([0.0, 6.0]))
def test_any_two_gaussians_give_what_50_digits_give(seed, k, condition_p, condition_q, units):
    rng = np.random.default_rng(seed)
    cov_p, cov_q = covariance(rng, k, condition_p), covariance(rng, k, condition_q, units)
    mean_q = rng.normal(size=k) * np.sqrt(np.diag(cov_q))
    arguments = np.zeros(k), cov_p, mean_q, cov_q
    assert distance(multivariate_gaussian_kl(*arguments), multivariate_kl(*arguments)) < 1e-9


@LAWS
@given(seeds, dimensions, conditions, st.integers(-9, -1))
def test_nearly_equal_covariances_keep_nine_digits(seed, k, condition, digits):
    rng = np.random.default_rng(seed)
    cov_q = covariance(rng, k, condition)
    noise = rng.normal(size=(k, k)) / condition
    cov_p = cov_q + 10.0**digits * (noise + noise.T) / (10 * k)
    arguments = np.zeros(k), cov_p, np.zeros(k), cov_q
    expected = multivariate_kl(*arguments)
    # where rounding made both equal, 50 digits give 1e-49
    assert abs(multivariate_gaussian_kl(*arguments) - expected) <= 1e-9 * expected + 1e-40


@pytest.mark.parametrize("condition", [1e10, 1e11])
@pytest.mark.parametrize("factor", [1 + 1e-6, 1.7, 1e-4])
def test_a_condition_that_eats_most_digits_leaves_nine(condition, factor):
    cov = covariance(np.random.default_rng(1), 5, condition)
    arguments = np.zeros(5), cov * factor, np.zeros(5), cov
    assert distance(multivariate_gaussian_kl(*arguments), multivariate_kl(*arguments)) < 1e-9


def test_thirty_features_keep_nine_digits():
    rng = np.random.default_rng(2)
    arguments = np.zeros(30), covariance(rng, 30, 1e8), np.zeros(30), covariance(rng, 30, 1e8)
    assert distance(multivariate_gaussian_kl(*arguments), multivariate_kl(*arguments)) < 1e-9


def test_means_of_a_billion_keep_their_digits():
    cov = covariance(np.random.default_rng(3), 4, 1e4) * 4
    mean_q = np.full(4, 1e9)
    arguments = mean_q + np.array([0.25, -0.5, 0.125, 1.0]), cov, mean_q, cov
    assert distance(multivariate_gaussian_kl(*arguments), multivariate_kl(*arguments)) < 1e-9


@LAWS
@given(seeds, dimensions)
def test_an_affine_map_of_both_changes_nothing(seed, k):
    rng = np.random.default_rng(seed)
    p, q = (
        (rng.normal(size=k), covariance(rng, k, 100)),
        (rng.normal(size=k), covariance(rng, k, 10)),
    )
    a, b = rng.normal(size=(k, k)) + 3 * np.eye(k), rng.normal(size=k)
    (mean_p, cov_p), (mean_q, cov_q) = ((a @ mean + b, a @ cov @ a.T) for mean, cov in (p, q))
    expected = multivariate_gaussian_kl(*p, *q)
    assert multivariate_gaussian_kl(mean_p, cov_p, mean_q, cov_q) == pytest.approx(
        expected, rel=1e-7
    )


@LAWS
@given(seeds, dimensions)
def test_equal_gaussians_have_no_drift_and_others_have(seed, k):
    rng = np.random.default_rng(seed)
    mean, cov, other = rng.normal(size=k), covariance(rng, k, 1e6), covariance(rng, k, 10) * 2
    for function in (multivariate_gaussian_kl, frechet_distance):
        assert function(mean, cov, mean, cov) == pytest.approx(0, abs=1e-25)
        assert function(mean, cov, mean, other) > 0


@LAWS
@given(seeds, dimensions, dimensions)
def test_drifts_of_independent_blocks_add_up(seed, j, k):
    rng = np.random.default_rng(seed)

    def block(a, b):
        return np.block([[a, np.zeros((j, k))], [np.zeros((k, j)), b]])

    parts = [
        (rng.normal(size=n), covariance(rng, n, 50), np.zeros(n), covariance(rng, n, 50))
        for n in (j, k)
    ]
    mean_p, mean_q = (np.concatenate([part[i] for part in parts]) for i in (0, 2))
    cov_p, cov_q = (block(parts[0][i], parts[1][i]) for i in (1, 3))
    for function in (multivariate_gaussian_kl, frechet_distance):
        both = sum(function(*part) for part in parts)
        assert function(mean_p, cov_p, mean_q, cov_q) == pytest.approx(both, rel=1e-9)


@LAWS
@given(seeds, dimensions, st.sampled_from(["full, diagonal", "diagonal, full", "diagonal"]))
def test_variances_may_stand_for_a_diagonal_covariance(seed, k, which):
    rng = np.random.default_rng(seed)
    mean_p, mean_q = rng.normal(size=(2, k))
    given_p, given_q = 10.0 ** rng.uniform(-6, 6, (2, k))
    full_p, full_q = np.diag(given_p), np.diag(given_q)
    if which == "full, diagonal":
        given_p = full_p = covariance(rng, k, 100)
    elif which == "diagonal, full":
        given_q = full_q = covariance(rng, k, 100)
    for function in (multivariate_gaussian_kl, frechet_distance):
        expected = function(mean_p, full_p, mean_q, full_q)
        assert function(mean_p, given_p, mean_q, given_q) == pytest.approx(expected, rel=1e-9)


@LAWS
@given(seeds, dimensions)
def test_variances_give_the_sum_over_the_features(seed, k):
    rng = np.random.default_rng(seed)
    mean_p, mean_q = rng.normal(size=(2, k))
    std_p, std_q = 10.0 ** rng.uniform(-6, 6, (2, k))
    value = multivariate_gaussian_kl(mean_p, std_p**2, mean_q, std_q**2)
    assert value == pytest.approx(gaussian_kl(mean_p, std_p, mean_q, std_q).sum(), rel=1e-9)
    distances = (mean_p - mean_q) ** 2 + (std_p - std_q) ** 2
    assert frechet_distance(mean_p, std_p**2, mean_q, std_q**2) == pytest.approx(distances.sum())


@pytest.mark.parametrize("change", [-0.4, 0.01, 1e-5, 1e-9, 1e-13])
def test_nearly_equal_variances_keep_nine_digits(change):
    variances = np.array([1e-8, 3.0, 7e8])
    arguments = np.zeros(3), variances * (1 + change), np.zeros(3), variances
    expected = multivariate_kl(*(np.diag(a) if i % 2 else a for i, a in enumerate(arguments)))
    assert distance(multivariate_gaussian_kl(*arguments), expected) < 1e-9


@pytest.mark.parametrize("function", [multivariate_gaussian_kl, frechet_distance])
def test_many_groups_at_once_give_what_each_gives_alone(function):
    rng = np.random.default_rng(4)
    means = rng.normal(size=(5, 3))
    covs = np.array([covariance(rng, 3, 10.0**i) for i in range(5)])
    cov_q = covariance(rng, 3, 10)
    alone = [function(m, c, np.zeros(3), cov_q) for m, c in zip(means, covs, strict=True)]
    assert all(type(value) is float for value in alone)
    np.testing.assert_allclose(function(means, covs, np.zeros(3), cov_q), alone, rtol=1e-12)
    # one covariance of many means, and variances of each mean
    shared = function(means, covs[:1], np.zeros(3), cov_q)
    np.testing.assert_allclose(shared[2], function(means[2], covs[0], np.zeros(3), cov_q))
    square = function(means[:3], means[:3] ** 2, np.zeros(3), np.ones(3))
    np.testing.assert_allclose(
        square[1], function(means[1], means[1] ** 2, np.zeros(3), np.ones(3))
    )


@LAWS
@given(seeds, dimensions, st.sampled_from([1.0, 1e2, 1e4]), st.booleans())
def test_frechet_gives_what_50_digits_give(seed, k, condition, near):
    rng = np.random.default_rng(seed)
    cov_p = covariance(rng, k, condition)
    cov_q = cov_p * 1.001 if near else covariance(rng, k, condition)
    arguments = rng.normal(size=k), cov_p, np.zeros(k), cov_q
    assert distance(frechet_distance(*arguments), frechet(*arguments)) < 1e-9


def test_frechet_of_singular_covariances_is_finite():
    # all mass on one line, and on another at a right angle: the variances of both
    assert frechet_distance([0, 0], [[4, 0], [0, 0]], [0, 0], [[0, 0], [0, 9]]) == pytest.approx(13)
    assert frechet_distance([1, 2], [0, 0], [0, 0], [0, 0]) == 5
    line, other = np.array([1.0, 2.0, 3.0]), np.array([0.3, -0.7, 0.1])
    # |a|**2 + |b|**2 - 2 * |a @ b| for covariances a a.T and b b.T
    expected = line @ line + other @ other - 2 * abs(line @ other)
    value = frechet_distance(np.zeros(3), np.outer(line, line), np.zeros(3), np.outer(other, other))
    assert value == pytest.approx(expected, rel=1e-7)


def test_rounding_that_makes_a_covariance_asymmetric_is_averaged():
    cov = covariance(np.random.default_rng(6), 3, 100)
    rounded = cov + 1e-12 * np.triu(cov, 1)
    for function in (multivariate_gaussian_kl, frechet_distance):
        value = function([0, 0, 0], rounded, [1, 1, 1], 2 * cov)
        assert value == function([0, 0, 0], rounded.T, [1, 1, 1], 2 * cov)


SINGULAR = np.array([[1.0, 1.0], [1.0, 1.0]])


@pytest.mark.parametrize(
    "cov",
    [SINGULAR, SINGULAR + np.diag([0, 1e-14]), [[1.0, 2.0], [2.0, 1.0]]],
    ids=["singular", "nearly singular", "indefinite"],
)
def test_a_covariance_that_is_not_positive_definite_is_refused_with_its_condition(cov):
    message = (
        r"cov_q is not positive definite, or .* condition number .* is (inf|[\d.e+]+) .* ridge="
    )
    with pytest.raises(ValueError, match=message):
        multivariate_gaussian_kl([0, 0], [1, 1], [0, 0], cov)


def test_the_condition_that_is_named_is_that_of_the_worst_group():
    covs = np.array([[[1.0, r], [r, 1.0]] for r in (0.0, 1 - 1e-13, 0.5)])
    with pytest.raises(ValueError, match=r"correlations is 2e\+13 \(smallest eigenvalue 1e-13\)"):
        multivariate_gaussian_kl(np.zeros((3, 2)), covs, [0, 0], [1, 1])


def test_ridge_is_added_to_every_variance_of_both_sides():
    value = multivariate_gaussian_kl([1, 0], SINGULAR, [0, 0], [2.0, 3.0], ridge=0.5)
    expected = multivariate_gaussian_kl([1, 0], SINGULAR + 0.5 * np.eye(2), [0, 0], [2.5, 3.5])
    assert value == expected


def test_units_change_no_digit():
    rng = np.random.default_rng(5)
    cov_p, cov_q = covariance(rng, 3, 1e6), covariance(rng, 3, 1e6)
    unit = np.exp2([-200, 0, 170])
    value = multivariate_gaussian_kl(
        unit, cov_p * np.outer(unit, unit), [0, 0, 0], cov_q * np.outer(unit, unit)
    )
    expected = multivariate_gaussian_kl([1, 1, 1], cov_p, [0, 0, 0], cov_q)
    assert value == pytest.approx(expected, rel=1e-14)


def test_units_are_no_ill_condition():
    cov = np.array([[1e12, 0.5], [0.5, 1e-12]])
    assert multivariate_gaussian_kl([1e6, 0], cov, [0, 0], cov) == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([0, 0], [[1, 0.5], [0.4, 1]], [0, 0], [1, 1]), r"cov_p must be symmetric: .* got 0\.09"),
        (([0, 0], np.eye(3), [0, 0], [1, 1]), r"cov_p must hold 2 variances .* got shape \(3, 3\)"),
        (([0, 0], [1, 1], [0, 0, 0], [1, 1, 1]), "mean_p has 2 features and mean_q has 3"),
        (([0, math.nan], [1, 1], [0, 0], [1, 1]), "mean_p must be finite, got nan at 1"),
        (([0, 0], [1, 1], [0, 0], [1, math.inf]), "cov_q must be finite, got inf at 1"),
        ((0.0, 1.0, 0.0, 1.0), r"mean_p must have features on its last axis, got shape \(\)"),
        ((np.zeros((2, 2)), [1, 1], np.zeros((3, 2)), [1, 1]), "shapes must be equal or broadcast"),
    ],
    ids=["asymmetric", "size", "features", "NaN", "inf", "scalar", "groups"],
)
@pytest.mark.parametrize("function", [multivariate_gaussian_kl, frechet_distance])
def test_what_is_no_gaussian_is_refused(function, arguments, message):
    with pytest.raises(ValueError, match=message):
        function(*arguments)


def test_a_variance_of_0_is_refused_by_the_divergence():
    with pytest.raises(ValueError, match=r"cov_q must have positive variances; .* got 0\.0 at 1"):
        multivariate_gaussian_kl([0, 0], [1, 1], [0, 0], [1, 0])


@pytest.mark.parametrize("cov", [[1, -1], [[1.0, 2.0], [2.0, 1.0]]], ids=["diagonal", "full"])
def test_a_negative_eigenvalue_is_refused_by_the_distance(cov):
    with pytest.raises(ValueError, match=r"cov_p must be positive semidefinite: .* got -1\.0"):
        frechet_distance([0, 0], cov, [0, 0], [1, 1])


@pytest.mark.parametrize("ridge", [-1e-9, math.nan, math.inf])
def test_a_ridge_that_is_none_is_refused(ridge):
    with pytest.raises(ValueError, match="ridge must not be negative, got"):
        multivariate_gaussian_kl([0], [1], [0], [1], ridge=ridge)
