"""Moments of many parts at once are those of each part by itself."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import quick

from kldrift.profiles.many_moments import ManyMoments
from kldrift.profiles.moments import Moments

near = st.integers(-(10**6), 10**6).map(lambda i: i / 64)
parts = st.lists(
    st.tuples(st.sampled_from([0.0, 1e6, -3e9]), st.lists(near | st.floats(-1e3, 1e3), max_size=9)),
    min_size=1,
    max_size=6,
).map(lambda pieces: [middle + np.array(values, float) for middle, values in pieces])
pivots = st.sampled_from([0.0, 0.1, -7.5e5])

SMALLEST = Fraction(5e-324)
"""What a number may be off that is no double any more."""


def of(pieces, pivot=0.0):
    return ManyMoments.of(
        np.concatenate(pieces), np.array([len(p) for p in pieces], np.int64), pivot
    )


def assert_exact(found, summary, values, pivot):
    """A mean to the last digits of the values, a spread to the last digits of itself.

    Twice the digits of a double are kept of the squares about the pivot, however far it is.
    """
    exact = [Fraction(float(v)) for v in values]
    mean = sum(exact) / len(exact)
    m2 = sum((v - mean) ** 2 for v in exact)
    largest = max(abs(v) for v in exact)
    for got in (found.mean, float(summary[0])):
        assert abs(Fraction(got) - mean) <= largest * Fraction(1, 10**15) + SMALLEST
    kept = sum((v - Fraction(pivot)) ** 2 for v in exact) * Fraction(1, 10**30)
    for got in (found.m2, float(summary[1])):
        assert abs(Fraction(got) - m2) <= m2 * Fraction(1, 10**13) + kept + SMALLEST


@quick
@given(parts, pivots)
def test_each_part_has_the_moments_of_its_values(pieces, pivot):
    found = of(pieces, pivot)
    summary = found.summary()
    for i, values in enumerate(pieces):
        alone = found[i]
        assert (alone.rows, summary.rows[i]) == (len(values), len(values))
        if len(values):
            assert (alone.minimum, alone.maximum) == (values.min(), values.max())
            assert_exact(alone.summary(), (summary.mean[i], summary.m2[i]), values, pivot)
        else:
            assert alone == Moments(pivot=pivot)
            assert np.isnan([summary.mean[i], summary.m2[i], summary.std[i]]).all()


@quick
@given(st.data(), parts, pivots)
def test_batches_add_up_in_any_order(data, pieces, pivot):
    cuts = [data.draw(st.integers(0, len(p))) for p in pieces]
    first = of([p[:c] for p, c in zip(pieces, cuts, strict=True)], pivot)
    second = of([p[c:] for p, c in zip(pieces, cuts, strict=True)], pivot)
    none = ManyMoments.none(len(pieces), pivot)
    for total in (first + second, second + none + first):
        summary = total.summary()
        for i, values in enumerate(pieces):
            if len(values):
                assert_exact(total[i].summary(), (summary.mean[i], summary.m2[i]), values, pivot)


def test_a_summary_is_scaled_and_says_what_is_beyond_a_double():
    found = of([np.array([100.0, 300.0]), np.array([1e200, -1e200]), np.array([1.7e308, 1.7e308])])
    scaled = found.summary(100)
    for i in range(3):
        alone = found[i].summary(100)
        assert scaled.mean[i] == pytest.approx(alone.mean, nan_ok=True)
        assert scaled.m2[i] == alone.m2
        assert (scaled.minimum[i], scaled.maximum[i]) == (alone.minimum, alone.maximum)
    assert scaled.std[0] == 1.0
    assert scaled.m2[1] == np.inf


def test_integers_are_taken_as_doubles_and_a_constant_has_no_spread():
    found = of([np.array([2**60, 2**60 + 2]), np.array([7, 7])]).summary()
    assert found.minimum[0] == 2.0**60
    assert found.m2.tolist() == [0.0, 0.0]
    assert found.mean[1] == 7.0


def test_moments_about_two_pivots_are_not_added():
    with pytest.raises(ValueError, match=r"cannot add moments about 0\.0 and 1\.0"):
        ManyMoments.none(1) + ManyMoments.none(1, 1.0)
