"""The public functions of probabilities: what they accept, return and refuse."""

import math
from itertools import pairwise

import numpy as np
import pytest
from divergence_oracles import LAWS, distance, exact, pairs, renyi, wide_pairs
from hypothesis import given
from scipy.spatial.distance import jensenshannon

from kldrift import divergence
from kldrift.divergence import (
    DIVERGENCES,
    bhattacharyya_distance,
    hellinger,
    js_distance,
    js_divergence,
    kl_contributions,
    kl_divergence,
    kolmogorov_smirnov,
    psi,
    renyi_divergence,
    total_variation,
    wasserstein,
)

PUBLIC = {
    "kl": kl_divergence,
    "kl_reverse": lambda p, q: kl_divergence(q, p),
    "js": js_divergence,
    "psi": psi,
    "hellinger": hellinger,
    "total_variation": total_variation,
    "wasserstein": wasserstein,
    "ks": kolmogorov_smirnov,
    "renyi": lambda p, q: renyi_divergence(p, q, 2),
    "bhattacharyya": bhattacharyya_distance,
}
WITH_BASE = [
    kl_divergence,
    kl_contributions,
    js_divergence,
    psi,
    bhattacharyya_distance,
    lambda p, q, base: renyi_divergence(p, q, 0.7, base=base),
]
P, Q = np.array([0.4, 0.4, 0.2]), np.array([0.5, 0.1, 0.4])

each_public = pytest.mark.parametrize("name", PUBLIC)


def test_every_divergence_has_a_public_function():
    assert PUBLIC.keys() == DIVERGENCES.keys()


def test_all_public_names_are_there_and_documented():
    for name in divergence.__all__:
        assert getattr(divergence, name).__doc__, name


def test_every_public_function_gives_formula_shapes_source_and_example():
    for name in divergence.__all__:
        function = getattr(divergence, name)
        if callable(function) and not isinstance(function, type):
            for part in ("``", "Args:", "Returns:", "Raises:", "References:", ">>> "):
                assert part in function.__doc__, (name, part)


@each_public
@LAWS
@given(pairs())
def test_the_public_function_gives_what_the_formula_gives(name, pq):
    assert PUBLIC[name](*pq) == DIVERGENCES[name].fn(*pq)


@each_public
def test_one_row_gives_a_float_and_more_an_array(name):
    assert type(PUBLIC[name](P, Q)) is float
    assert type(PUBLIC[name](list(P), list(Q))) is float
    assert PUBLIC[name]([P, P], Q).shape == (2,)
    assert PUBLIC[name](P, np.array([[Q]])).shape == (1, 1)


@each_public
def test_leading_axes_broadcast(name):
    p, q = np.array([P, Q, P])[:, None, :], np.array([Q, P])
    values = PUBLIC[name](p, q)
    assert values.shape == (3, 2)
    assert values[1, 0] == values[0, 1] == values[2, 1] == 0
    assert values[0, 0] == values[2, 0] == pytest.approx(PUBLIC[name](P, Q))


@pytest.mark.parametrize("function", WITH_BASE)
def test_bits_are_nats_divided_by_log_2(function):
    np.testing.assert_allclose(function(P, Q, base=2) * math.log(2), function(P, Q, base=math.e))


@pytest.mark.parametrize("base", [1, 0, -2, math.inf, math.nan])
def test_a_base_that_is_none_is_refused(base):
    with pytest.raises(ValueError, match="base must be a finite number above 1, got"):
        kl_divergence(P, Q, base=base)


@pytest.mark.parametrize(
    "name", [n for n in PUBLIC if n != "kl_reverse"]
)  # it has no name of its own
@pytest.mark.parametrize(
    ("p", "q", "message"),
    [
        ([0.6, -0.1, 0.5], Q, r"p must not be negative or NaN, got -0\.1 at 1"),
        (P, [0.6, math.nan, 0.4], r"q must not be negative or NaN, got nan at 1"),
        ([5, 1, 4], Q, r"p must add up to 1, .* from counts .*, got 10\.0"),
        ([P, [0.5, 0.4, 0.0]], Q, r"p must add up to 1, .* got 0\.9 at 1"),
        ([math.inf, 0, 0], Q, r"p must add up to 1, .* got inf"),
        ([0.5, 0.5], Q, "p has 2 cells and q has 3; align both on one support first"),
        ([P, P], [Q, Q, Q], r"shapes must be equal or broadcast, got p \(2, 3\), q \(3, 3\)"),
        (1.0, 1.0, r"p must have cells on its last axis, got shape \(\)"),
        ([], [], r"p must have cells on its last axis, got shape \(0,\)"),
    ],
    ids=["negative", "NaN", "counts", "sum of a row", "inf", "cells", "axes", "scalar", "no cells"],
)
def test_what_are_no_probabilities_is_refused_with_what_was_found(name, p, q, message):
    with pytest.raises(ValueError, match=message):
        PUBLIC[name](p, q)


@pytest.mark.parametrize("k", [3, 100, 10_000])
def test_nine_decimals_are_enough_and_six_are_not(k):
    p = np.random.default_rng(0).dirichlet(np.ones(k))
    assert kl_divergence(p.round(9), p.round(9)) == 0
    with pytest.raises(ValueError, match="must add up to 1"):
        kl_divergence(p * (1 + 1e-6), p)


def test_a_float32_softmax_is_accepted_as_what_it_is():
    logits = np.random.default_rng(0).normal(size=(5, 1000)).astype(np.float32)
    p = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    assert (kl_divergence(p, p[::-1]) > 0).sum() == 4


@LAWS
@given(pairs())
def test_jensen_shannon_agrees_with_scipy(pq):
    assert js_distance(*pq, base=2) == pytest.approx(jensenshannon(*pq, base=2), abs=1e-7)
    assert js_distance(*pq) ** 2 == pytest.approx(js_divergence(*pq))


@LAWS
@given(pairs(min_size=4, max_size=4), pairs(min_size=4, max_size=4))
def test_distances_keep_the_triangle_inequality(one, other):
    (a, b), (c, _) = one, other
    for metric in (js_distance, hellinger, total_variation, wasserstein, kolmogorov_smirnov):
        assert metric(a, c) <= metric(a, b) + metric(b, c) + 1e-12


@LAWS
@given(pairs())
def test_hellinger_and_total_variation_bound_each_other(pq):
    h, tv = hellinger(*pq), total_variation(*pq)
    assert h**2 <= tv + 1e-12
    assert tv <= math.sqrt(2) * h + 1e-12


@LAWS
@given(pairs())
def test_total_variation_bounds_kl_from_below(pq):
    assert 2 * total_variation(*pq) ** 2 <= kl_divergence(*pq) + 1e-12  # Pinsker


@LAWS
@given(pairs())
def test_psi_is_kl_in_both_directions(pq):
    p, q = pq
    assert psi(p, q) == kl_divergence(p, q) + kl_divergence(q, p)


@pytest.mark.parametrize(("p", "q"), [([1.0, 0.0], [0.5, 0.5]), ([0.5, 0.5], [1.0, 0.0])])
def test_psi_of_a_cell_that_is_empty_on_one_side_is_infinite(p, q):
    assert psi(p, q) == math.inf


@pytest.mark.parametrize("alpha", [1e-3, 0.3, 0.5, 0.999, 1 - 1e-9, 1 + 1e-9, 1.001, 2, 7.5, 60])
@LAWS
@given(wide_pairs())
def test_renyi_of_any_order_gives_what_50_digits_give(alpha, pq):
    expected = renyi(exact(pq[0]), exact(pq[1]), alpha)
    value = renyi_divergence(*pq, alpha)
    if math.isinf(expected):
        assert value == math.inf
    else:
        assert abs(value - expected) <= 1e-9 * expected + 1e-30


@pytest.mark.parametrize("alpha", [1e-3, 0.5, 1 - 1e-9, 1 + 1e-9, 2, 60])
def test_renyi_of_nearly_equal_distributions_keeps_nine_digits(alpha):
    p = np.array([0.125, 0.25, 0.5, 0.125])
    q = p + 1e-8 * np.array([1, -2, 3, -2])
    assert distance(renyi_divergence(p, q, alpha), renyi(exact(p), exact(q), alpha)) < 1e-9


@LAWS
@given(pairs())
def test_renyi_never_decreases_with_its_order(pq):
    orders = [0, 0.25, 0.5, 0.9, 1, 1.1, 2, 5, 50, math.inf]
    values = [renyi_divergence(*pq, alpha) for alpha in orders]
    for lower, higher in pairwise(values):
        assert lower <= higher * (1 + 1e-12) + 1e-12


@LAWS
@given(pairs())
def test_renyi_of_special_orders_is_what_it_is_called(pq):
    p, q = pq
    assert renyi_divergence(p, q, 1) == kl_divergence(p, q)
    half = renyi_divergence(p, q, 0.5)
    assert half == pytest.approx(2 * bhattacharyya_distance(p, q), rel=1e-9, abs=1e-15)


def test_renyi_of_order_0_and_infinity_have_closed_forms():
    p, q = [0.5, 0.5, 0.0], [0.25, 0.5, 0.25]
    assert renyi_divergence(p, q, 0) == pytest.approx(-math.log(0.75))
    assert renyi_divergence(p, q, math.inf) == pytest.approx(math.log(2))
    assert renyi_divergence([1.0, 0.0], [0.0, 1.0], 0) == math.inf
    assert renyi_divergence([0.5, 0.5], [0.0, 1.0], math.inf) == math.inf


@pytest.mark.parametrize("alpha", [-0.5, math.nan])
def test_an_order_below_0_is_refused(alpha):
    with pytest.raises(ValueError, match=r"alpha must be in \[0, inf\], got"):
        renyi_divergence(P, Q, alpha)
