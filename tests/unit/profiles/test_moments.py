"""Mean and spread that merge in any order without losing digits."""

from __future__ import annotations

import math
from fractions import Fraction
from functools import reduce
from operator import add

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import LARGEST, quick, trees

from kldrift.profiles.moments import BLOCK, CHUNK, NO_MOMENTS, Moments

numbers = st.floats(-1e6, 1e6) | st.integers(-5, 5).map(float)
values = st.lists(numbers, max_size=30)
some_values = st.lists(numbers, min_size=1, max_size=30)
pivots = st.sampled_from([0.0, 1.0, -100.0, 1e4])


def of(x: object, pivot: float = 0.0) -> Moments:
    return Moments.of(np.array(x, dtype=np.float64), pivot)


def same(a: Moments, b: Moments, rel: float = 1e-12, pivot: float = 0.0) -> None:
    """Equal to rounding: that of the squares, and of deviations from a pivot far away."""
    assert (a.rows, a.minimum, a.maximum) == (b.rows, b.minimum, b.maximum)
    if a.rows:
        width = max(a.maximum - a.minimum, abs(a.maximum), pivot * 2**-53 / rel)
        assert a.mean == pytest.approx(b.mean, rel=rel, abs=rel * width)
        assert a.m2 == pytest.approx(b.m2, rel=rel, abs=rel * width**2 * a.rows)


@quick
@given(st.data(), st.lists(values, min_size=1, max_size=6), pivots)
def test_moments_of_parts_in_any_order_add_up_to_the_moments_of_the_whole(data, lists, pivot):
    whole = of([x for part in lists for x in part], pivot)
    same(data.draw(trees([of(part, pivot) for part in lists])), whole)


@quick
@given(values, values, pivots, pivots)
def test_moments_add_up_in_either_order_also_about_different_pivots(x, y, one, other):
    far = max(abs(one), abs(other))
    same(of(x, one) + of(y, other), of(y, other) + of(x, one), pivot=far)
    same(of(x, one) + of(y, other), of(x + y, one), pivot=far)


@quick
@given(values)
def test_the_moments_of_nothing_change_nothing(x):
    assert of(x) + NO_MOMENTS == NO_MOMENTS + of(x) == of(x)


@quick
@given(some_values, st.integers(-30, 30))
def test_moments_are_those_of_exact_fractions(x, pivot):
    exact = [Fraction(v) for v in x]
    mean = sum(exact) / len(exact)
    m2 = sum((v - mean) ** 2 for v in exact)
    found, farthest = of(x, float(pivot)), max(abs(v - pivot) for v in x)
    assert found.rows == len(x)
    assert found.mean == pytest.approx(float(mean), rel=1e-15, abs=1e-15 * farthest)
    assert found.m2 == pytest.approx(float(m2), rel=1e-13, abs=1e-13 * farthest**2)
    assert (found.minimum, found.maximum) == (min(x), max(x))


@pytest.mark.parametrize("pivot", [0.0, 1e9, 1e9 + 3], ids=["none", "middle", "aside"])
@pytest.mark.parametrize("pieces", [1, 7, 100])
def test_a_mean_of_a_billion_with_a_spread_of_one_keeps_its_digits(pieces, pivot):
    x = np.random.default_rng(0).normal(1e9, 1, 10_000)
    exact = [Fraction(v) for v in x.tolist()]
    mean = sum(exact) / len(exact)
    variance = sum((v - mean) ** 2 for v in exact) / len(exact)
    found = reduce(add, [Moments.of(piece, pivot) for piece in np.array_split(x, pieces)])
    assert found.mean == pytest.approx(float(mean), rel=1e-16)
    assert found.std == pytest.approx(math.sqrt(variance), rel=1e-13)


@pytest.mark.parametrize("seed", [0, 1])
def test_the_order_of_the_rows_leaves_no_trace_in_the_digits(seed):
    rng = np.random.default_rng(seed)
    x = rng.lognormal(3, 2, 100_000)
    results = set()
    for pieces in (1, 3, 50):
        rows = np.array_split(rng.permutation(x), pieces)
        found = reduce(add, [Moments.of(part, 20.0) for part in rows])
        results.add((found.mean, found.std))
    assert len(results) == 1


def in_units(x: np.ndarray) -> tuple[list[int], Fraction]:
    """Doubles as whole numbers of a unit, exactly."""
    fractions, exponents = np.frexp(x)
    least = int(exponents.min())
    whole = (fractions * 2.0**53).astype(np.int64).tolist()
    shifts = (exponents - least).tolist()
    return [w << s for w, s in zip(whole, shifts, strict=True)], Fraction(2) ** (least - 53)


SHAPES = {
    "normal": lambda rng, n: rng.normal(size=n),
    "heavy tails": lambda rng, n: rng.standard_cauchy(n),
    "a little aside": lambda rng, n: 5 + rng.random(n),
    "far away": lambda rng, n: -1e9 + rng.normal(size=n),
    "hardly different": lambda rng, n: 1 + rng.random(n) * 1e-12,
    "one far out": lambda rng, n: np.append(rng.normal(1e6, 1, n - 1), 0.0),
    "cents": lambda rng, n: np.round(rng.lognormal(3, 2, n), 2),
    "whole numbers": lambda rng, n: rng.integers(-(2**40), 2**40, n),
    "tiny": lambda rng, n: rng.normal(size=n) * 1e-120,
    "large": lambda rng, n: rng.normal(size=n) * 1e140,
}


@pytest.mark.parametrize("rows", [3, BLOCK, 2 * BLOCK + 1, CHUNK + 9])
@pytest.mark.parametrize("shape", SHAPES)
def test_sums_of_many_numbers_keep_nearly_twice_the_digits_of_a_double(shape, rows):
    x = SHAPES[shape](np.random.default_rng(rows), rows)
    pivot = float(x[0])  # so that a deviation is a double
    found = Moments.of(x, pivot)
    exact, unit = in_units(x - pivot)
    for moment, high, low in ((1, found.sum1, found.sum1_low), (2, found.sum2, found.sum2_low)):
        powers = [v**moment for v in exact]
        error = (Fraction(high) + Fraction(low)) / unit**moment - sum(powers)
        assert abs(error) * 2**66 <= sum(map(abs, powers))
        assert high == high + low


@pytest.mark.parametrize("away", [10, 1e3, 1e9])
def test_sums_of_numbers_far_away_and_near_each_other_are_exact(away):
    x = np.random.default_rng(1).uniform(0.5, 1, CHUNK + 9) + away
    found = Moments.of(x)
    exact, unit = in_units(x)
    assert (Fraction(found.sum1) + Fraction(found.sum1_low)) / unit == sum(exact)
    squares = sum(v * v for v in exact)
    error = (Fraction(found.sum2) + Fraction(found.sum2_low)) / unit**2 - squares
    assert abs(error) * 2**104 <= squares  # what two doubles hold


@quick
@given(some_values, pivots)
def test_ends_that_are_known_change_nothing(x, pivot):
    array = np.array(x)
    assert Moments.of(array, pivot, (min(x), max(x))) == Moments.of(array, pivot)


@pytest.mark.parametrize("pivot", [0.0, 0.3, 1e9])
@pytest.mark.parametrize("value", [0.0, 0.1, -1e300, LARGEST])
def test_a_constant_has_no_spread_at_all_however_it_is_cut(value, pivot):
    constant = of([value] * 7, pivot) + of([value] * 3, pivot) + of([value], -1.0)
    assert (constant.mean, constant.std) == (value, 0.0)


def test_numbers_too_large_to_square_have_a_mean_and_an_infinite_spread():
    for pivot in (0.0, 1e200):
        found = of([1e200], pivot) + of([3e200], 0.0)
        assert found.mean == pytest.approx(2e200)
        assert found.std == math.inf


def test_numbers_too_large_to_add_have_neither_and_raise_nothing():
    found = of([LARGEST, LARGEST, -LARGEST, 1.0]) + of([-LARGEST])
    assert math.isnan(found.mean)
    assert math.isnan(found.std)
    assert (found.minimum, found.maximum) == (-LARGEST, LARGEST)


def test_where_there_are_no_values_there_is_neither_mean_nor_spread():
    assert math.isnan(NO_MOMENTS.mean)
    assert math.isnan(NO_MOMENTS.std)
    assert of([]) == NO_MOMENTS


def test_the_spread_is_that_of_the_population():
    assert of([1, 2, 3, 4]).std == pytest.approx(np.std([1, 2, 3, 4]), rel=1e-15)


def test_the_summary_of_scaled_values_is_in_their_unit():
    found = of([150, 250, 999]).summary(100)
    plain = of([1.5, 2.5, 9.99]).summary()
    assert found.mean == pytest.approx(plain.mean, rel=1e-15)
    assert found.std == pytest.approx(plain.std, rel=1e-15)
    assert (found.rows, found.minimum, found.maximum) == (3, 1.5, 9.99)
