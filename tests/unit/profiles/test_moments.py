"""Mean and spread that merge in any order without losing digits."""

from __future__ import annotations

import math
from fractions import Fraction
from functools import reduce
from operator import add
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import LARGEST, quick, trees

from kldrift.profiles.moments import Moments
from kldrift.profiles.part_sums import LONG_PART
from kldrift.profiles.power_sums import BLAS_BLOCK, SUMMED_AT_ONCE, power_sums

numbers = st.floats(-1e6, 1e6) | st.integers(-5, 5).map(float)
values = st.lists(numbers, max_size=30)
some_values = st.lists(numbers, min_size=1, max_size=30)
pivots = st.sampled_from([0.0, 1.0, -100.0, 1e4])


NO_MOMENTS = Moments.none(1)


def of(x: object, pivot: float = 0.0) -> Moments:
    return Moments.of(np.array(x, dtype=np.float64), pivot)


def only(moments: Moments, scale: int = 1) -> SimpleNamespace:
    """What is known of one group alone."""
    summary = moments.summary(scale)
    names = ("rows", "mean", "m2", "std", "minimum", "maximum")
    return SimpleNamespace(**{name: getattr(summary, name)[0].item() for name in names})


def same(a: Moments, b: Moments, rel: float = 1e-12, pivot: float = 0.0) -> None:
    """Equal to rounding: that of the squares, and of deviations from a pivot far away."""
    a, b = only(a), only(b)
    assert (a.rows, a.minimum, a.maximum) == (b.rows, b.minimum, b.maximum)
    if a.rows:
        width = max(a.maximum - a.minimum, abs(a.maximum), pivot * 2**-53 / rel)
        assert a.mean == pytest.approx(b.mean, rel=rel, abs=rel * width, nan_ok=True)
        if math.isnan(a.m2) or math.isnan(b.m2):  # about a pivot that leaves no digit of it
            farthest = max(-a.minimum, a.maximum, pivot)
            assert np.nanmax([0, a.m2, b.m2]) < 2**-92 * farthest**2 * a.rows
        else:
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


def unknown(values, m2, pivot):
    """Whether two doubles about a pivot hold no digit of the mean of some values, and of m2."""
    lost = Fraction(1, 2**96)
    squares = sum((v - Fraction(pivot)) ** 2 for v in values)
    return max(values) - min(values) < lost * abs(Fraction(pivot)), m2 < lost * squares


@quick
@given(some_values, st.integers(-30, 30))
def test_moments_are_those_of_exact_fractions(x, pivot):
    exact = [Fraction(v) for v in x]
    mean = sum(exact) / len(exact)
    m2 = sum((v - mean) ** 2 for v in exact)
    found, farthest = only(of(x, float(pivot))), max(abs(v - pivot) for v in x)
    assert found.rows == len(x)
    no_mean, no_spread = unknown(exact, m2, pivot)
    if not (no_mean and math.isnan(found.mean)):
        assert found.mean == pytest.approx(float(mean), rel=1e-15, abs=1e-15 * farthest)
    if not (no_spread and math.isnan(found.m2)):
        assert found.m2 == pytest.approx(float(m2), rel=1e-13, abs=1e-13 * farthest**2)
    assert (found.minimum, found.maximum) == (min(x), max(x))


@pytest.mark.parametrize("pivot", [0.0, 1e9, 1e9 + 3], ids=["none", "middle", "aside"])
@pytest.mark.parametrize("pieces", [1, 7, 100])
def test_a_mean_of_a_billion_with_a_spread_of_one_keeps_its_digits(pieces, pivot):
    x = np.random.default_rng(0).normal(1e9, 1, 10_000)
    exact = [Fraction(v) for v in x.tolist()]
    mean = sum(exact) / len(exact)
    variance = sum((v - mean) ** 2 for v in exact) / len(exact)
    found = only(reduce(add, [Moments.of(piece, pivot) for piece in np.array_split(x, pieces)]))
    assert found.mean == pytest.approx(float(mean), rel=1e-16)
    assert found.std == pytest.approx(math.sqrt(variance), rel=1e-13)


@pytest.mark.parametrize("seed", [0, 1])
def test_the_order_of_the_rows_leaves_no_trace_in_the_digits(seed):
    rng = np.random.default_rng(seed)
    x = rng.lognormal(3, 2, 100_000)
    results = set()
    for pieces in (1, 3, 50):
        rows = np.array_split(rng.permutation(x), pieces)
        found = only(reduce(add, [Moments.of(part, 20.0) for part in rows]))
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


@pytest.mark.parametrize("rows", [3, BLAS_BLOCK, 2 * BLAS_BLOCK + 1, SUMMED_AT_ONCE + 9])
@pytest.mark.parametrize("shape", SHAPES)
def test_sums_of_many_numbers_keep_nearly_twice_the_digits_of_a_double(shape, rows):
    x = SHAPES[shape](np.random.default_rng(rows), rows)
    pivot = float(x[0])  # so that a deviation is a double
    found = power_sums(x, pivot)
    exact, unit = in_units(x - pivot)
    for moment, high, low in ((1, found.sum1, found.sum1_low), (2, found.sum2, found.sum2_low)):
        powers = [v**moment for v in exact]
        error = (Fraction(high) + Fraction(low)) / unit**moment - sum(powers)
        assert abs(error) * 2**66 <= sum(map(abs, powers))
        assert high == high + low


@pytest.mark.parametrize("away", [10, 1e3, 1e9])
def test_sums_of_numbers_far_away_and_near_each_other_are_exact(away):
    x = np.random.default_rng(1).uniform(0.5, 1, SUMMED_AT_ONCE + 9) + away
    found = power_sums(x)
    exact, unit = in_units(x)
    assert (Fraction(found.sum1) + Fraction(found.sum1_low)) / unit == sum(exact)
    squares = sum(v * v for v in exact)
    error = (Fraction(found.sum2) + Fraction(found.sum2_low)) / unit**2 - squares
    assert abs(error) * 2**104 <= squares  # what two doubles hold


def test_numbers_near_each_other_keep_their_mean_also_where_the_pivot_swallows_them():
    pivot = -(2.0**53)  # 1 - pivot is no double
    alone, beside = Moments.of(np.array([0.0, 1.0]), pivot), of_parts([np.array([0.0, 1.0])], pivot)
    assert only(alone).mean == only(beside).mean == 0.5


@quick
@given(some_values, pivots)
def test_ends_that_are_known_change_nothing(x, pivot):
    array = np.array(x)
    assert power_sums(array, pivot, (min(x), max(x))) == power_sums(array, pivot)


@pytest.mark.parametrize("pivot", [0.0, 0.3, 1e9])
@pytest.mark.parametrize("value", [0.0, 0.1, -1e300, LARGEST])
def test_a_constant_has_no_spread_at_all_however_it_is_cut(value, pivot):
    constant = only(of([value] * 7, pivot) + of([value] * 3, pivot) + of([value], -1.0))
    assert (constant.mean, constant.std) == (value, 0.0)


def test_numbers_too_large_to_square_have_a_mean_and_an_infinite_spread():
    for pivot in (0.0, 1e200):
        found = only(of([1e200], pivot) + of([3e200], 0.0))
        assert found.mean == pytest.approx(2e200)
        assert found.std == math.inf


def test_numbers_too_large_to_add_have_neither_and_raise_nothing():
    found = only(of([LARGEST, LARGEST, -LARGEST, 1.0]) + of([-LARGEST]))
    assert math.isnan(found.mean)
    assert math.isnan(found.std)
    assert (found.minimum, found.maximum) == (-LARGEST, LARGEST)


def test_where_there_are_no_values_there_is_neither_mean_nor_spread():
    assert math.isnan(only(NO_MOMENTS).mean)
    assert math.isnan(only(NO_MOMENTS).std)
    assert of([]) == NO_MOMENTS


def test_the_spread_is_that_of_the_population():
    assert only(of([1, 2, 3, 4])).std == pytest.approx(np.std([1, 2, 3, 4]), rel=1e-15)


def test_the_summary_of_scaled_values_is_in_their_unit():
    found = only(of([150, 250, 999]), 100)
    plain = only(of([1.5, 2.5, 9.99]))
    assert found.mean == pytest.approx(plain.mean, rel=1e-15)
    assert found.std == pytest.approx(plain.std, rel=1e-15)
    assert (found.rows, found.minimum, found.maximum) == (3, 1.5, 9.99)


# ---------------------------------------------------------------------------- many groups

near = st.integers(-(10**6), 10**6).map(lambda i: i / 64)
parts = st.lists(
    st.tuples(st.sampled_from([0.0, 1e6, -3e9]), st.lists(near | st.floats(-1e3, 1e3), max_size=9)),
    min_size=1,
    max_size=6,
).map(lambda pieces: [middle + np.array(values, float) for middle, values in pieces])
some_pivots = st.sampled_from([0.0, 0.1, -7.5e5])

SMALLEST = Fraction(5e-324)
"""What a number may be off that is no double any more."""


def of_parts(pieces, pivot=0.0):
    return Moments.of_parts(
        np.concatenate(pieces), np.array([len(p) for p in pieces], np.int64), pivot
    )


def assert_exact(found, values, pivot):
    """A mean to the last digits of the values, a spread to the last digits of itself, or none.

    Twice the digits of a double are kept of the squares about the pivot, however far it is.
    """
    exact = [Fraction(float(v)) for v in values]
    mean = sum(exact) / len(exact)
    m2 = sum((v - mean) ** 2 for v in exact)
    largest = max(abs(v) for v in exact)
    no_mean, no_spread = unknown(exact, m2, pivot)
    if not (no_mean and math.isnan(found.mean)):
        assert abs(Fraction(found.mean) - mean) <= largest * Fraction(1, 10**15) + SMALLEST
    kept = sum((v - Fraction(pivot)) ** 2 for v in exact) * Fraction(1, 10**30)
    if not (no_spread and math.isnan(found.m2)):
        assert abs(Fraction(found.m2) - m2) <= m2 * Fraction(1, 10**13) + kept + SMALLEST


@quick
@given(parts, some_pivots)
def test_each_part_has_the_moments_of_its_values(pieces, pivot):
    found = of_parts(pieces, pivot)
    for i, values in enumerate(pieces):
        group = found.take([i])
        alone = only(group)
        assert alone.rows == len(values)
        if len(values):
            assert (alone.minimum, alone.maximum) == (values.min(), values.max())
            assert_exact(alone, values, pivot)
            same(group, Moments.of(values, pivot), rel=1e-9)
        else:
            assert group == Moments.none(1, pivot)
            assert np.isnan([alone.mean, alone.m2, alone.std]).all()


def test_long_parts_have_the_moments_of_each_of_them_alone():
    rng = np.random.default_rng(5)
    sizes = np.array([LONG_PART + 900, 0, 3 * LONG_PART, LONG_PART - 100])
    values = rng.lognormal(3, 1, sizes.sum())
    apart = np.sort(rng.choice(len(values), 500, replace=False))
    kept = np.setdiff1d(np.arange(len(values)), apart)
    found = Moments.of_parts(
        np.where(np.isin(np.arange(len(values)), apart), 1e300, values), sizes, 20.0, apart
    )
    for i, end in enumerate(np.cumsum(sizes).tolist()):
        mine = kept[(kept >= end - sizes[i]) & (kept < end)]
        assert found.take([i]) == Moments.of(values[mine], 20.0)


@quick
@given(st.data(), parts, some_pivots)
def test_batches_add_up_in_any_order(data, pieces, pivot):
    cuts = [data.draw(st.integers(0, len(p))) for p in pieces]
    first = of_parts([p[:c] for p, c in zip(pieces, cuts, strict=True)], pivot)
    second = of_parts([p[c:] for p, c in zip(pieces, cuts, strict=True)], pivot)
    none = Moments.none(len(pieces), pivot)
    for total in (first + second, second + none + first):
        for i, values in enumerate(pieces):
            if len(values):
                assert_exact(only(total.take([i])), values, pivot)


def test_a_summary_is_scaled_and_says_what_is_beyond_a_double():
    pieces = [np.array([100.0, 300.0]), np.array([1e200, -1e200]), np.array([1.7e308, 1.7e308])]
    scaled = of_parts(pieces).summary(100)
    assert scaled.mean.tolist() == [2.0, 0.0, pytest.approx(1.7e306)]
    assert scaled.minimum.tolist() == [1.0, -1e198, 1.7e306]
    assert scaled.std.tolist() == [1.0, np.inf, 0.0]


@pytest.mark.parametrize("away", [0.0, 7.0, 1e9], ids=str)
def test_the_order_of_the_rows_of_many_groups_leaves_no_trace_in_the_digits(away):
    rng = np.random.default_rng(3)
    values = rng.lognormal(3, 2, 40_000) + away
    groups = rng.integers(0, 5, len(values))
    results = set()
    for pieces in (1, 3, 40):
        order = rng.permutation(len(values))
        total = Moments.none(5, 20.0)
        for some in np.array_split(order, pieces):
            inside = some[np.argsort(groups[some], kind="stable")]
            total += Moments.of_parts(values[inside], np.bincount(groups[some], minlength=5), 20.0)
        summary = total.summary()
        results.add((*summary.mean.tolist(), *summary.std.tolist()))
    assert len(results) == 1


@quick
@given(st.data(), parts, some_pivots)
def test_wholes_have_the_moments_of_their_values_as_their_parts_have(data, pieces, pivot):
    pieces = [np.append(p, 1.0) for p in pieces]
    rows = np.array([len(p) for p in pieces])
    values = np.concatenate(pieces)
    gone = np.flatnonzero(data.draw(st.lists(st.booleans(), min_size=len(values))))
    gone = gone[gone < len(values)]
    first = np.flatnonzero([True, *data.draw(st.lists(st.booleans(), max_size=len(rows) - 1))])
    found = Moments.of_wholes(values, rows, first, pivot, gone)
    for some, sizes in zip(found, (rows, np.add.reduceat(rows, first)), strict=True):
        ends = np.cumsum(sizes)
        for i, (begin, end) in enumerate(zip(ends - sizes, ends, strict=True)):
            left = np.delete(values[begin:end], gone[(gone >= begin) & (gone < end)] - begin)
            assert some.rows[i] == len(left)
            if len(left):
                assert_exact(only(some.take([i])), left, pivot)
                assert (some.minimum[i], some.maximum[i]) == (left.min(), left.max())
            else:
                assert some.take([i]) == Moments.none(1, pivot)


def test_a_part_of_tiny_numbers_and_one_of_huge_ones_leave_each_other_their_digits():
    pieces = [
        1 + np.arange(9) * 1e-9,
        np.array([1e200, 3e200]),
        1e-140 * np.arange(1, 4),
        [7e9, 8.0],
    ]
    sizes = np.array([len(p) for p in pieces])
    none = np.zeros(0, dtype=np.int64)
    found, _ = Moments.of_wholes(np.concatenate(pieces), sizes, np.array([0]), 0.0, none)
    for i, piece in enumerate(pieces):
        alone, its = only(Moments.of(np.array(piece))), only(found.take([i]))
        assert vars(its) == vars(alone)


@quick
@given(parts, some_pivots)
def test_groups_that_come_to_one_place_are_added_up(pieces, pivot):
    found = of_parts(pieces, pivot)
    places = np.arange(len(pieces)) % 2
    total = found.added_up(places, 3)
    for place in range(2):
        mine = [p for i, p in enumerate(pieces) if i % 2 == place]
        if sum(map(len, mine)):
            assert_exact(only(total.take([place])), np.concatenate(mine), pivot)
    assert total.take([2]) == Moments.none(1, pivot)


def test_integers_are_taken_as_doubles_and_a_constant_has_no_spread():
    found = of_parts([np.array([2**60, 2**60 + 2]), np.array([7, 7])]).summary()
    assert found.minimum[0] == 2.0**60
    assert found.m2.tolist() == [0.0, 0.0]
    assert found.mean[1] == 7.0


@pytest.mark.parametrize("value", [-(2**63), 2**63 - 1])
def test_the_ends_of_the_integers_have_moments(value):
    alone = only(of_parts([np.array([value] * 3), np.array([0, 1])], 5.0).take([0]))
    assert (alone.mean, alone.m2) == (float(value), 0.0)
    assert only(of_parts([np.array([value] * 3)], 5.0)) == alone


def test_moments_of_other_numbers_of_groups_are_not_added():
    with pytest.raises(ValueError, match="cannot add moments of 1 and 2 groups"):
        Moments.none(1) + Moments.none(2)
