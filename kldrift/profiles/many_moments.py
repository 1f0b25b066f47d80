"""Moments of many parts of a feature at once, such as its segments: arrays, one element a part.

The same sums about the same pivot as :class:`~kldrift.profiles.moments.Moments` keeps, to twice the
precision of a double. Those of a batch are taken about each part's own mean first, so that a part
that lies far from the others loses no digits, and are then moved to the pivot, which rounds
nothing that a double can show.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from kldrift.divergence.error_free import Pair, two_product, two_sum
from kldrift.profiles.moments import Moments

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class ManyMoments:
    """The fields of :class:`~kldrift.profiles.moments.Moments` as arrays; a monoid under ``+``.

    Attributes:
        pivot: what is subtracted from each value first, the same for all parts.
        rows: number of finite values of each part, shape ``(n,)``, as all others.
        sum1: sum of the deviations from the pivot.
        sum1_low: what a double loses of it.
        sum2: sum of their squares.
        sum2_low: what a double loses of it.
        minimum: smallest value; inf where there are none.
        maximum: largest value; -inf where there are none.
    """

    pivot: float
    rows: Ints
    sum1: Floats
    sum1_low: Floats
    sum2: Floats
    sum2_low: Floats
    minimum: Floats
    maximum: Floats

    @classmethod
    def none(cls, parts: int, pivot: float = 0.0) -> Self:
        """The moments of parts without rows: the neutral element of ``+``."""
        one, one_low, two, two_low = np.zeros((4, parts))
        ends = np.full(parts, np.inf)
        rows = np.zeros(parts, dtype=np.int64)
        return cls(pivot, rows, one, one_low, two, two_low, ends, -ends)

    @classmethod
    def of(cls, values: NDArray[Any], sizes: Ints, pivot: float = 0.0) -> Self:
        """Moments of finite values that stand part by part.

        Args:
            values: of the first part, then of the second, and so on, shape ``(m,)``.
            sizes: how many each part has, shape ``(n,)``; they add up to ``m``.
            pivot: a value near them, known before them.
        """
        out = cls.none(len(sizes), pivot)
        there = np.flatnonzero(sizes)
        if not len(there):
            return out
        n = sizes[there]
        starts = np.cumsum(n) - n
        low, high = (f.reduceat(values, starts) for f in (np.minimum, np.maximum))
        numbers = values.astype(np.float64, copy=False)
        with np.errstate(over="ignore", invalid="ignore"):
            middle = np.add.reduceat(numbers, starts) / n
            middle = np.where(np.isfinite(middle), middle, low / 2 + high / 2)
            deviations = numbers - np.repeat(middle, n)
            sum1 = np.add.reduceat(deviations, starts)
            sum2 = np.add.reduceat(np.square(deviations, out=deviations), starts)
            moved = _moved(n, middle, sum1, sum2, pivot)
        parts = (n, *moved, low, high)
        for field, part in zip(fields(cls)[1:], parts, strict=True):
            getattr(out, field.name)[there] = part
        return out

    def __add__(self, other: Self) -> Self:
        if self.pivot != other.pivot:
            raise ValueError(f"cannot add moments about {self.pivot!r} and {other.pivot!r}")
        with np.errstate(over="ignore", invalid="ignore"):
            sum1 = _plus((self.sum1, self.sum1_low), (other.sum1, other.sum1_low))
            sum2 = _plus((self.sum2, self.sum2_low), (other.sum2, other.sum2_low))
        return type(self)(
            self.pivot,
            self.rows + other.rows,
            *_finite(sum1),
            *_finite(sum2),
            np.minimum(self.minimum, other.minimum),
            np.maximum(self.maximum, other.maximum),
        )

    def __getitem__(self, part: int) -> Moments:
        rows, *sums = (values[part].item() for values in self.arrays)
        return Moments(rows, self.pivot, *sums)

    @property
    def arrays(self) -> tuple[NDArray[Any], ...]:
        """All but the pivot, in the order of the fields."""
        return tuple(getattr(self, field.name) for field in fields(self)[1:])

    def take(self, places: Ints) -> Self:
        """The parts at some places, in their order."""
        return type(self)(self.pivot, *(values[places] for values in self.arrays))

    def summary(self, scale: int = 1) -> Summaries:
        """Mean, spread and range of the values divided by ``scale``."""
        some = self.rows > 0
        n = np.where(some, self.rows, 1).astype(np.float64)
        sum1, sum2 = (self.sum1, self.sum1_low), (self.sum2, self.sum2_low)
        with np.errstate(over="ignore", invalid="ignore"):
            high, low = _plus(_divided(sum1, n), (np.full(len(n), self.pivot), np.zeros(len(n))))
            mean = (high + low) / scale
            square = _divided(_times(sum1, sum1), n)
            high, low = _plus(sum2, (-square[0], -square[1]))
            m2 = np.maximum(0.0, high + low) / scale**2
            least, most = self.minimum / scale, self.maximum / scale
        known = np.isfinite(self.sum1)
        m2 = np.where(np.isfinite(self.sum2), m2, np.inf)
        mean, m2 = np.where(known, mean, np.nan), np.where(known, m2, np.nan)
        constant = self.minimum == self.maximum  # has no spread, not even a rounded one
        mean, m2 = np.where(constant, least, mean), np.where(constant, 0.0, m2)
        mean, m2 = np.where(some, mean, np.nan), np.where(some, m2, np.nan)
        return Summaries(self.rows, mean, m2, least, most)


@dataclass(frozen=True, eq=False)
class Summaries:
    """The fields of :class:`~kldrift.profiles.moments.Summary` as arrays."""

    rows: Ints
    mean: Floats
    m2: Floats
    minimum: Floats
    maximum: Floats

    @property
    def std(self) -> Floats:
        """Population standard deviation; NaN where there are no values."""
        return np.sqrt(self.m2 / np.maximum(self.rows, 1))


def _moved(
    n: Ints, middle: Floats, sum1: Floats, sum2: Floats, pivot: float
) -> tuple[Floats, Floats, Floats, Floats]:
    """Sums about each part's own middle as sums about the pivot."""
    none = np.zeros(len(n))
    rows = n.astype(np.float64)
    shift = two_sum(middle, np.full(len(n), -pivot))
    moved = _times((rows, none), shift)
    doubled = _plus((2 * sum1, none), moved)
    first = _plus((sum1, none), moved)
    second = _plus((sum2, none), _times(shift, doubled))
    return *_finite(first), *_finite(second)


def _finite(value: Pair) -> Pair:
    """The same, with infinity for what is beyond a double."""
    known = np.isfinite(value[0])
    return np.where(known, value[0], np.inf), np.where(known & np.isfinite(value[1]), value[1], 0.0)


def _plus(a: Pair, b: Pair) -> Pair:
    high, low = two_sum(a[0], b[0])
    return two_sum(high, low + (a[1] + b[1]))


def _times(a: Pair, b: Pair) -> Pair:
    high, low = two_product(a[0], b[0])
    return two_sum(high, low + (a[0] * b[1] + a[1] * b[0]))


def _divided(a: Pair, n: Floats) -> Pair:
    high = a[0] / n
    product, rest = two_product(high, n)
    return two_sum(high, ((a[0] - product) - rest + a[1]) / n)
