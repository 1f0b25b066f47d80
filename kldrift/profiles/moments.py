"""Count, mean, spread and range of a feature's finite values, the same in whatever order they come.

Sums of floats depend on their order, and a Gaussian KL of nearly equal data shows the last digits
of its moments. So sums are kept to twice the precision of a double, about a pivot that is fixed
before the first row is seen: what is rounded then is the same for a value wherever it stands.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

CHUNK: Final = 65_536
"""Values that are summed together: they stay in a core's cache."""
BLOCK: Final = 8_192
"""Numbers of one BLAS call: of more than 10,000, each would wake all of its threads."""
SUMMED_BITS: Final = 26
"""Bits of a number that 65,536 are added up of exactly."""
SQUARED_BITS: Final = 18
"""Bits of a number that 65,536 squares are added up of exactly: 2 * 18 + 16 < 53."""
FAR: Final = 8
"""From so many times their range away, numbers need care lest their spread lose its digits."""

Floats = NDArray[np.float64]
Pair = tuple[float, float]
"""A number as the nearest double and what is left of it."""


@dataclass(frozen=True)
class Moments:
    """Sufficient statistics of a Gaussian; a commutative monoid under ``+``.

    Power sums about a pivot near the data, each as the sum of two doubles: merging is adding, and a
    mean of 1e9 with a spread of 1 keeps its digits.

    Attributes:
        rows: number of finite values.
        pivot: what is subtracted from each value first.
        sum1: sum of the deviations from the pivot.
        sum1_low: what a double loses of it.
        sum2: sum of their squares.
        sum2_low: what a double loses of it.
        minimum: smallest value; inf where there are none.
        maximum: largest value; -inf where there are none.

    Examples:
        >>> (Moments.of(np.array([1.0, 2.0])) + Moments.of(np.array([3.0]))).mean
        2.0
    """

    rows: int = 0
    pivot: float = 0.0
    sum1: float = 0.0
    sum1_low: float = 0.0
    sum2: float = 0.0
    sum2_low: float = 0.0
    minimum: float = math.inf
    maximum: float = -math.inf

    @classmethod
    def of(
        cls,
        values: NDArray[np.float64] | NDArray[np.int64],
        pivot: float = 0.0,
        between: tuple[float, float] | None = None,
    ) -> Self:
        """Moments of finite values, shape ``(n,)``.

        Args:
            values: in any order; no NaN, no infinities; integers count as doubles.
            pivot: a value near them, known before them.
            between: the smallest and the largest, if they are known.
        """
        if not len(values):
            return cls(pivot=pivot)
        low, high = between or (float(values.min()), float(values.max()))
        largest = max(abs(low - pivot), abs(high - pivot))
        far = largest > FAR * (high - low)
        total1, total2 = (0.0, 0.0), (0.0, 0.0)
        room = np.empty((3, min(len(values), CHUNK)))
        with np.errstate(over="ignore", invalid="ignore"):
            for start in range(0, len(values), CHUNK):
                chunk = values[start : start + CHUNK]
                deviations, *free = room[:, : len(chunk)]
                np.subtract(chunk, pivot, out=deviations)
                sum1, sum2 = _power_sums(deviations, largest, free, far=far)
                total1, total2 = _added(total1, sum1), _added(total2, sum2)
        return cls(len(values), pivot, *total1, *total2, low, high)

    def __add__(self, other: Self) -> Self:
        if not self.rows:
            return other
        if not other.rows:
            return self
        other = other.about(self.pivot)
        sum1 = _added((self.sum1, self.sum1_low), (other.sum1, other.sum1_low))
        sum2 = _added((self.sum2, self.sum2_low), (other.sum2, other.sum2_low))
        low, high = min(self.minimum, other.minimum), max(self.maximum, other.maximum)
        return type(self)(self.rows + other.rows, self.pivot, *sum1, *sum2, low, high)

    def about(self, pivot: float) -> Self:
        """The same moments about another pivot."""
        if pivot == self.pivot or not math.isfinite(self.sum1):
            return replace(self, pivot=pivot)
        shift = Fraction(self.pivot) - Fraction(pivot)
        s1 = _exact(self.sum1, self.sum1_low)
        sum1, sum2 = _two(s1 + self.rows * shift), (math.inf, 0.0)
        if math.isfinite(self.sum2):
            s2 = _exact(self.sum2, self.sum2_low)
            sum2 = _two(s2 + 2 * shift * s1 + self.rows * shift * shift)
        return type(self)(self.rows, pivot, *sum1, *sum2, self.minimum, self.maximum)

    def summary(self, scale: int = 1) -> Summary:
        """Mean, spread and range of the values divided by ``scale``."""
        low, high = self.minimum / scale, self.maximum / scale
        if not self.rows:
            return Summary(0, math.nan, math.nan, low, high)
        if self.minimum == self.maximum:  # a constant has no spread, not even a rounded one
            return Summary(self.rows, low, 0.0, low, high)
        if not math.isfinite(self.sum1):
            return Summary(self.rows, math.nan, math.nan, low, high)
        s1 = _exact(self.sum1, self.sum1_low)
        mean = float((Fraction(self.pivot) + s1 / self.rows) / scale)
        if not math.isfinite(self.sum2):
            return Summary(self.rows, mean, math.inf, low, high)
        m2 = (_exact(self.sum2, self.sum2_low) - s1 * s1 / self.rows) / scale**2
        return Summary(self.rows, mean, max(0.0, float(m2)), low, high)

    @property
    def mean(self) -> float:
        """Mean of the values; NaN where there are none."""
        return self.summary().mean

    @property
    def m2(self) -> float:
        """Sum of squared deviations from the mean; NaN where there are no values."""
        return self.summary().m2

    @property
    def std(self) -> float:
        """Population standard deviation; NaN where there are no values."""
        return self.summary().std


@dataclass(frozen=True)
class Summary:
    """What a reader asks of moments, in the unit of the feature.

    Attributes:
        rows: number of finite values.
        mean: their mean; NaN where there are none, or it is beyond a double.
        m2: sum of squared deviations from the mean; inf where it is beyond a double.
        minimum: smallest value; inf where there are none.
        maximum: largest value; -inf where there are none.
    """

    rows: int
    mean: float
    m2: float
    minimum: float
    maximum: float

    @property
    def std(self) -> float:
        """Population standard deviation (divided by ``rows``); NaN where there are no values."""
        return math.sqrt(self.m2 / self.rows) if self.rows else math.nan


NO_MOMENTS: Final = Moments()


def _exact(high: float, low: float) -> Fraction:
    return Fraction(high) + Fraction(low)


def _two(value: Fraction) -> Pair:
    """A number as the nearest double and the nearest double to what is left."""
    try:
        high = float(value)
    except OverflowError:
        return math.inf, 0.0
    return high, float(value - Fraction(high))


def _added(a: Pair, b: Pair) -> Pair:
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
) -> tuple[Pair, Pair]:
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
    sum2 = _added(sum2, _normal(_dot(middle, middle), 2 * _dot(upper, lower)))
    return sum1, _added(sum2, _normal(2 * _dot(middle, lower), _dot(lower, lower)))


def _sum(values: Floats, largest: float, free: Floats) -> Pair:
    """The sum of at most 65,536 doubles, to about twice a double's precision.

    Args:
        values: what to add up.
        largest: the largest of their absolute values, or more.
        free: an array of their shape that may be written to.
    """
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


def _normal(high: float, low: float) -> Pair:
    """The sum of a number and of what is left, as the nearest double and the rest."""
    total = high + low
    return total, low - (total - high)


def _dot(x: Floats, y: Floats) -> float:
    """The sum of products, block by block."""
    whole = len(x) // BLOCK * BLOCK
    rest = float(np.dot(x[whole:], y[whole:])) if whole < len(x) else 0.0
    rows, columns = x[:whole].reshape(-1, 1, BLOCK), y[:whole].reshape(-1, BLOCK, 1)
    return rest + math.fsum(np.matmul(rows, columns).ravel().tolist())
