"""Each divergence keeps what it declares. A new one is covered by being listed."""

import math
import random

import numpy as np
import pytest
from divergence_oracles import (
    LAWS,
    ORACLES,
    exact,
    near_pairs,
    normalised,
    pairs,
    wide_pairs,
)
from hypothesis import given
from hypothesis import strategies as st

from kldrift.divergence import DIVERGENCES

each_divergence = pytest.mark.parametrize("divergence", DIVERGENCES.values(), ids=lambda d: d.name)
named = lambda *names: pytest.mark.parametrize(  # noqa: E731
    "divergence", [DIVERGENCES[name] for name in names], ids=names
)
ORDINAL = [name for name, divergence in DIVERGENCES.items() if divergence.ordinal]
NOMINAL = [name for name in DIVERGENCES if name not in ORDINAL]
SYMMETRIC = [name for name, divergence in DIVERGENCES.items() if divergence.symmetric]
ASYMMETRIC = [name for name in DIVERGENCES if name not in SYMMETRIC]

# What 50 digits of rounded probabilities cannot decide.
FLOOR = dict.fromkeys(DIVERGENCES, 1e-30) | {"hellinger": 1e-15}


def assert_agrees_with_50_digits(divergence, p, q):
    expected = ORACLES[divergence.name](exact(p), exact(q))
    value = divergence.fn(p, q)
    if math.isinf(expected):
        assert value == math.inf
    else:
        assert abs(value - expected) <= 1e-9 * expected + FLOOR[divergence.name]


def test_the_dict_is_keyed_by_the_names_of_its_divergences():
    assert list(DIVERGENCES) == [divergence.name for divergence in DIVERGENCES.values()]


@each_divergence
@LAWS
@given(pairs())
def test_counts_give_what_50_digits_give(divergence, pq):
    assert_agrees_with_50_digits(divergence, *pq)


@each_divergence
@LAWS
@given(wide_pairs())
def test_probabilities_of_any_magnitude_give_what_50_digits_give(divergence, pq):
    assert_agrees_with_50_digits(divergence, *pq)


@each_divergence
@LAWS
@given(near_pairs())
def test_nearly_equal_distributions_give_what_50_digits_give(divergence, pq):
    assert_agrees_with_50_digits(divergence, *pq)


@each_divergence
@LAWS
@given(pairs())
def test_value_is_within_its_bounds(divergence, pq):
    assert 0 <= divergence.fn(*pq) <= divergence.upper + 1e-12


@each_divergence
@LAWS
@given(pairs())
def test_equal_distributions_have_no_drift(divergence, pq):
    p, _ = pq
    assert divergence.fn(p, p) == 0


@each_divergence
@LAWS
@given(pairs().filter(lambda pq: np.abs(pq[0] - pq[1]).max() > 1e-9))
def test_different_distributions_have_drift(divergence, pq):
    assert divergence.fn(*pq) > 0


@named(*SYMMETRIC)
@LAWS
@given(pairs())
def test_a_divergence_that_is_declared_symmetric_is(divergence, pq):
    p, q = pq
    assert divergence.fn(p, q) == pytest.approx(divergence.fn(q, p), rel=1e-12)


@named(*ASYMMETRIC)
def test_a_divergence_that_is_declared_asymmetric_is(divergence):
    p, q = np.array([0.4, 0.4, 0.2]), np.array([0.5, 0.1, 0.4])
    assert divergence.fn(p, q) != pytest.approx(divergence.fn(q, p))


@each_divergence
@LAWS
@given(pairs(min_size=3), st.data())
def test_merging_two_cells_never_adds_drift(divergence, pq, data):
    first = data.draw(st.integers(0, pq[0].size - 2))
    p, q = (np.r_[x[:first], x[first] + x[first + 1], x[first + 2 :]] for x in pq)
    assert divergence.fn(p, q) <= divergence.fn(*pq) * (1 + 1e-12) + 1e-12


@named(*NOMINAL)
@LAWS
@given(pairs(), st.randoms())
def test_the_order_of_cells_does_not_matter_unless_it_is_declared_to(divergence, pq, shuffle):
    p, q = pq
    order = shuffle.sample(range(p.size), p.size)
    reordered = divergence.fn(p[order], q[order])
    assert reordered == pytest.approx(divergence.fn(p, q), rel=1e-12, abs=1e-15)


@named(*ORDINAL)
def test_the_order_of_cells_matters_where_it_is_declared_to(divergence):
    p, q = np.array([0.5, 0.2, 0.2, 0.1]), np.array([0.2, 0.5, 0.1, 0.2])
    order = [0, 2, 1, 3]
    assert divergence.fn(p[order], q[order]) != pytest.approx(divergence.fn(p, q))


@each_divergence
@LAWS
@given(pairs(), st.data())
def test_a_cell_that_is_empty_on_both_sides_changes_nothing(divergence, pq, data):
    p, q = pq
    # between two cells it would push the ordered ones apart; at either end it does not
    ends = st.sampled_from([0, p.size])
    place = data.draw(ends if divergence.ordinal else st.integers(0, p.size))
    value = divergence.fn(np.insert(p, place, 0.0), np.insert(q, place, 0.0))
    assert value == pytest.approx(divergence.fn(p, q), rel=1e-12, abs=1e-15)


@each_divergence
@LAWS
@given(st.lists(pairs(min_size=4, max_size=4), min_size=1, max_size=6))
def test_many_groups_at_once_give_what_each_gives_alone(divergence, groups):
    p, q = (np.array(side) for side in zip(*groups, strict=True))
    alone = [divergence.fn(*pq) for pq in groups]
    np.testing.assert_allclose(divergence.fn(p, q), alone, rtol=1e-14)
    np.testing.assert_allclose(divergence.fn(p[:, None], q[:, None])[:, 0], alone, rtol=1e-14)


# A share so small that a product with it is 0 mixes nothing.
SHARES = st.sampled_from([0.0, 1.0]) | st.floats(1e-9, 1 - 1e-9)


@each_divergence
@LAWS
@given(pairs(min_size=4, max_size=4), pairs(min_size=4, max_size=4), SHARES)
def test_mixing_two_pairs_alike_gives_no_more_drift_than_the_worse(divergence, one, other, share):
    p, q = (share * a + (1 - share) * b for a, b in zip(one, other, strict=True))
    worse = max(divergence.fn(*one), divergence.fn(*other))
    assert divergence.fn(p, q) <= worse * (1 + 1e-12) + 1e-12


@named("kl", "kl_reverse", "js", "psi", "total_variation", "wasserstein", "ks", "bhattacharyya")
@LAWS
@given(pairs(min_size=4, max_size=4), pairs(min_size=4, max_size=4), st.floats(0.01, 0.99))
def test_mixing_two_pairs_alike_gives_no_more_drift_than_their_mean(divergence, one, other, share):
    p, q = (share * a + (1 - share) * b for a, b in zip(one, other, strict=True))
    mean = share * divergence.fn(*one) + (1 - share) * divergence.fn(*other)
    assert divergence.fn(p, q) <= mean * (1 + 1e-12) + 1e-12


@named(*(name for name, divergence in DIVERGENCES.items() if divergence.sum_of))
@LAWS
@given(pairs())
def test_a_sum_of_others_is_theirs_to_the_bit(divergence, pq):
    assert divergence.fn(*pq) == sum(DIVERGENCES[part].fn(*pq) for part in divergence.sum_of)


@named("kl", "kl_reverse", "psi", "renyi", "bhattacharyya")
@LAWS
@given(pairs(max_size=5), pairs(max_size=5))
def test_drifts_of_independent_features_add_up(divergence, one, other):
    p, q = (np.outer(a, b).ravel() for a, b in zip(one, other, strict=True))
    both = divergence.fn(*one) + divergence.fn(*other)
    assert divergence.fn(p, q) == pytest.approx(both, rel=1e-9, abs=1e-14)


@each_divergence
@LAWS
@given(st.lists(st.integers(100, 5000), min_size=2, max_size=8), st.randoms())
def test_a_score_moves_little_when_one_row_moves(divergence, rows, shuffle):
    q = normalised(random.Random(1).sample(range(100, 5000), len(rows)))
    moved = list(rows)
    source, target = shuffle.sample(range(len(rows)), 2)
    moved[source] -= 1
    moved[target] += 1
    change = divergence.fn(normalised(moved), q) - divergence.fn(normalised(rows), q)
    assert abs(change) < 0.2
