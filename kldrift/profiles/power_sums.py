"""Power sums of a batch of values, for moments: count, sum, sum of squares, smallest, largest.

Sums of floats depend on their order, and a Gaussian KL of nearly equal data shows the last digits
of its moments. So sums are kept to twice the precision of a double, about a pivot that is fixed
before the first row is seen: what is rounded then is the same for a value wherever it stands.

This is the kernel for the values of one group; that for many groups side by side stands in
:mod:`kldrift.profiles.part_sums`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kldrift.arrays import Floats, Ints
from kldrift.error_free import DoubleDoubles, finite_pair, pair_product, pair_sum, two_sum

SUMMED_AT_ONCE: Final = 65_536
"""Values that are summed together: they stay in a core's cache."""
BLAS_BLOCK: Final = 8_192
"""Numbers of one BLAS call where there are more than one call takes."""
BLAS_ALONE: Final = 10_000
"""Numbers of one BLAS call at most: of more, each would wake all of its threads."""
SUMMED_BITS: Final = 26
"""Bits of a number that 65,536 are added up of exactly."""
SQUARED_BITS: Final = 18
"""Bits of a number that 65,536 squares are added up of exactly: 2 * 18 + 16 < 53."""
FAR: Final = 8
"""From so many times their range away, numbers need care lest their spread lose its digits."""

DoubleDouble = tuple[float, float]
"""A number as the nearest double and what is left of it."""


class PowerSums(NamedTuple):
    """Sums over the finite values of one group in one batch, about a pivot known beside them.

    The fields are those of :class:`~kldrift.profiles.moments.Moments`.
    """

    rows: int = 0
    sum1: float = 0.0
    sum1_low: float = 0.0
    sum2: float = 0.0
    sum2_low: float = 0.0
    minimum: float = math.inf
    maximum: float = -math.inf


NO_VALUES: Final = PowerSums()


def power_sums(
    values: NDArray[Any], pivot: float = 0.0, between: tuple[float, float] | None = None
) -> PowerSums:
    """The sums of finite values, shape ``(n,)``.

    Where they lie far from the pivot and near each other, their deviations from one of them are
    summed, which are exact. The pivot is a value near them; what they lie ``between`` may be known.
    """
    if not len(values):
        return NO_VALUES
    low, high = between or (float(values.min()), float(values.max()))
    largest = max(abs(low - pivot), abs(high - pivot))
    far = largest > FAR * (high - low)
    middle = low / 2 + high / 2 if far else pivot
    reach = high - low if far else largest
    total1, total2 = (0.0, 0.0), (0.0, 0.0)
    room = np.empty((3, min(len(values), SUMMED_AT_ONCE)))
    with np.errstate(over="ignore", invalid="ignore"):
        for start in range(0, len(values), SUMMED_AT_ONCE):
            chunk = values[start : start + SUMMED_AT_ONCE]
            deviations, *free = room[:, : len(chunk)]
            np.subtract(chunk, middle, out=deviations)
            sum1, sum2 = _power_sums(deviations, reach, free, far=far)
            total1, total2 = added_pair(total1, sum1), added_pair(total2, sum2)
    if far:
        total1, total2 = _moved(len(values), total1, total2, middle, pivot)
    return PowerSums(len(values), *total1, *total2, low, high)


def moved_sums(
    rows: Ints, sum1: DoubleDoubles, sum2: DoubleDoubles, middle: Floats, pivot: float
) -> tuple[DoubleDoubles, DoubleDoubles]:
    """Move sums of deviations, and of their squares, from each group's own number to one pivot."""
    shift = two_sum(middle, np.full(len(rows), -pivot))
    moved = pair_product((rows.astype(np.float64), np.zeros(len(rows))), shift)
    doubled = pair_sum((2 * sum1[0], 2 * sum1[1]), moved)
    second = pair_sum(sum2, pair_product(shift, doubled))
    return finite_pair(pair_sum(sum1, moved)), finite_pair(second)


def _moved(
    rows: int, sum1: DoubleDouble, sum2: DoubleDouble, middle: float, pivot: float
) -> tuple[DoubleDouble, DoubleDouble]:
    """Move the sums of one group to a pivot."""
    one, two = ((np.array([high]), np.array([low])) for high, low in (sum1, sum2))
    with np.errstate(over="ignore", invalid="ignore"):
        first, second = moved_sums(np.array([rows]), one, two, np.array([middle]), pivot)
    return (first[0].item(), first[1].item()), (second[0].item(), second[1].item())


def added_pair(a: DoubleDouble, b: DoubleDouble) -> DoubleDouble:
    """The sum of two numbers of twice a double's precision (Dekker 1971)."""
    high = a[0] + b[0]
    if not math.isfinite(high):
        return high, 0.0
    back = high - a[0]
    low = (a[0] - (high - back)) + (b[0] - back) + a[1] + b[1]
    total = high + low
    return total, low - (total - high)


def _power_sums(
    deviations: Floats, largest: float, free: Sequence[Floats], *, far: bool
) -> tuple[DoubleDouble, DoubleDouble]:
    """The sum of at most 65,536 doubles and that of their squares, to twice a double's precision.

    Each number is split at a common bit. The upper parts are so few bits wide that their sum and
    the sum of their squares are exact in any order; what the lower parts add is so small that
    rounding it does not matter.

    Args:
        deviations: what to add up; overwritten.
        largest: the largest of their absolute values, or more.
        free: two arrays of their shape that may be written to.
        far: whether they are far from zero and near each other. The digits in which they differ
            are then the lower ones: these are split again, and all sums are exact.
    """
    if not 1e-130 < largest < 1e145:  # a square, or a part of it, would be no double
        squares = np.multiply(deviations, deviations, out=free[1])
        sum1 = _sum(deviations, largest, free[0])
        return sum1, _sum(squares, largest * largest, free[0])
    upper = _upper(deviations, largest, SQUARED_BITS, free[0])
    lower = np.subtract(deviations, upper, out=free[1])
    sum1 = _normal(float(upper.sum()), float(lower.sum()))
    squares1 = _dot(upper, upper)
    if not far:
        return sum1, _normal(squares1, _dot(lower, deviations) + _dot(lower, upper))
    most = math.ldexp(0.5, math.frexp(largest)[1] - SQUARED_BITS)
    middle = _upper(lower, most, SQUARED_BITS, deviations)
    lower -= middle
    sum2 = _normal(squares1, 2 * _dot(upper, middle))
    sum2 = added_pair(sum2, _normal(_dot(middle, middle), 2 * _dot(upper, lower)))
    return sum1, added_pair(sum2, _normal(2 * _dot(middle, lower), _dot(lower, lower)))


def _sum(values: Floats, largest: float, free: Floats) -> DoubleDouble:
    """The sum of at most 65,536 doubles, to about twice a double's precision."""
    if not 0 < largest < 1e290:
        total = float(values.sum())
        return (total, 0.0) if math.isfinite(total) else (math.inf, 0.0)
    upper = _upper(values, largest, SUMMED_BITS, free)
    high = float(upper.sum())
    return _normal(high, float(np.subtract(values, upper, out=upper).sum()))


def _upper(values: Floats, largest: float, bits: int, out: Floats) -> Floats:
    """The values rounded to so many bits of the largest one."""
    anchor = math.ldexp(1.5, math.frexp(largest)[1] + 52 - bits)
    np.add(values, anchor, out=out)
    out -= anchor
    return out


def _normal(high: float, low: float) -> DoubleDouble:
    """Normalise a pair: the nearest double to its sum, and the rest."""
    total = high + low
    return total, low - (total - high)


def _dot(x: Floats, y: Floats) -> float:
    """The sum of products, block by block."""
    if len(x) <= BLAS_ALONE:
        return float(np.dot(x, y))
    whole = len(x) // BLAS_BLOCK * BLAS_BLOCK
    rest = float(np.dot(x[whole:], y[whole:])) if whole < len(x) else 0.0
    rows, columns = x[:whole].reshape(-1, 1, BLAS_BLOCK), y[:whole].reshape(-1, BLAS_BLOCK, 1)
    return rest + math.fsum(np.matmul(rows, columns).ravel().tolist())


def added(a: PowerSums, b: PowerSums) -> PowerSums:
    """The sums of the values of both, about one pivot."""
    if not a.rows or not b.rows:
        return a if a.rows else b
    sum1 = added_pair((a.sum1, a.sum1_low), (b.sum1, b.sum1_low))
    sum2 = added_pair((a.sum2, a.sum2_low), (b.sum2, b.sum2_low))
    low, high = min(a.minimum, b.minimum), max(a.maximum, b.maximum)
    return PowerSums(a.rows + b.rows, *sum1, *sum2, low, high)
