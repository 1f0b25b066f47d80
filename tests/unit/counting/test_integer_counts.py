"""Counting whole numbers one by one says the same as a search and as the sums of a double."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import quick

from kldrift.counting.integer_counts import (
    EXACT_INTEGERS,
    WIDEST,
    IntegerCounts,
    exact_about,
)
from kldrift.profiles.power_sums import power_sums

near = st.lists(st.integers(0, WIDEST - 1), min_size=1, max_size=40)
origins = st.integers(-EXACT_INTEGERS + 1, EXACT_INTEGERS - WIDEST) | st.integers(-5, 5)
cuts = st.lists(st.integers(-(2**63), 2**63 - 1) | st.integers(-9, 9), max_size=20)


def of(keys):
    return IntegerCounts.of(keys, int(keys.min()), int(keys.max()))


@quick
@given(near, origins, cuts)
def test_rows_between_edges_are_those_of_a_search(steps, origin, edges):
    keys = np.array(steps) + origin
    edges = np.unique(np.concatenate([np.array(edges, dtype=np.int64), keys[:3], keys[:3] + 1]))
    expected = np.bincount(np.searchsorted(edges, keys, "right"), minlength=len(edges) + 1)
    assert of(keys).count(edges).tolist() == expected.tolist()


def test_without_edges_all_rows_lie_together():
    assert of(np.array([3, 5, 3])).count(np.empty(0, dtype=np.int64)).tolist() == [3]


@quick
@given(near, origins, st.integers(-EXACT_INTEGERS + 1, EXACT_INTEGERS - 1) | st.integers(-9, 9))
def test_moments_are_the_exact_ones(steps, origin, pivot):
    keys = np.array(steps) + origin
    found, same = of(keys).power_sums(float(pivot)), power_sums(keys, float(pivot))
    assert found.rows == same.rows
    assert (found.minimum, found.maximum) == (same.minimum, same.maximum)
    exact = [int(k) - pivot for k in keys]
    assert Fraction(found.sum1) + Fraction(found.sum1_low) == sum(exact)
    squares = sum(v * v for v in exact)
    assert abs(Fraction(found.sum2) + Fraction(found.sum2_low) - squares) * 2**104 <= squares
    assert (found.sum1, found.sum2) == pytest.approx((same.sum1, same.sum2), rel=1e-15)


def test_sums_of_squares_of_billions_of_rows_do_not_overflow():
    rows = np.zeros(WIDEST, dtype=np.int64)
    rows[[0, 4096, WIDEST - 1]] = 2**40, 2**40, 2**40
    found = IntegerCounts(0, rows).power_sums(0.0)
    assert Fraction(found.sum1) + Fraction(found.sum1_low) == 2**40 * (4096 + WIDEST - 1)
    squares = 2**40 * (4096**2 + (WIDEST - 1) ** 2)
    assert Fraction(found.sum2) + Fraction(found.sum2_low) == squares


@pytest.mark.parametrize(
    "keys",
    [
        [0, WIDEST],
        [EXACT_INTEGERS, EXACT_INTEGERS + 1],
        [-EXACT_INTEGERS, -EXACT_INTEGERS],
        [-(2**63), 2**63 - 1],
    ],
    ids=str,
)
def test_numbers_far_apart_or_beyond_the_doubles_have_none(keys):
    assert of(np.array(keys)) is None


@pytest.mark.parametrize(
    ("pivot", "exact"), [(0.0, True), (-7.0, True), (0.5, False), (2.0**52, False)], ids=str
)
def test_a_pivot_is_a_whole_number_that_differs_from_others_by_doubles(pivot, exact):
    assert exact_about(pivot) is exact


@quick
@given(st.lists(st.none() | st.booleans(), max_size=40), st.integers(0, 9))
def test_booleans_are_counted_as_zeros_and_ones(values, start):
    column = pa.array(values, pa.bool_())[start:]
    keys = np.array([int(v) for v in values[start:] if v is not None], dtype=np.int64)
    found = IntegerCounts.of_booleans(column)
    if not len(keys):
        assert found is None
        return
    assert (found.first, found.rows.tolist()) == (of(keys).first, of(keys).rows.tolist())
