"""Joint moments of several features: means, covariances and tails.

Power sums about a pivot near the data, so that merging is adding and a mean of 1e9 with a spread of
1 keeps its digits. One matrix product per batch; rows with a value missing are left out by the
caller, who counts them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np

from kldrift.arrays import Bools, Floats, Ints

ROWS_AT_ONCE: Final = 16_384
"""Rows that are multiplied together: bounds what a batch needs beside itself."""
ROUNDING: Final = 1e-11
"""Of the mean square, a variance that rounding alone makes."""


@dataclass(frozen=True, eq=False)
class CoMoments:
    """Sufficient statistics of multivariate Gaussians, and of how heavy their tails are.

    A commutative monoid under ``+`` for one pivot. With ``x`` the deviations from the pivot; the
    leading axes ``...`` are those of groups, none for one group alone:

    Attributes:
        rows: number of complete rows, shape ``(...)``.
        pivot: what is subtracted from each row first, shape ``(k,)``.
        sum1: sums of x, shape ``(..., k)``.
        cross: sums of products, shape ``(..., k, k)``; of squares, ``(..., k)``, when diagonal.
        sum3: sums of x cubed, shape ``(..., k)``.
        sum4: sums of the fourth powers.
    """

    rows: Any
    pivot: Floats
    sum1: Floats
    cross: Floats
    sum3: Floats
    sum4: Floats

    @classmethod
    def zero(cls, pivot: Floats, *, diagonal: bool, groups: tuple[int, ...] = ()) -> Self:
        """The moments of no rows, the neutral element of ``+``."""
        k = len(pivot)
        rows = np.zeros(groups, dtype=np.int64)
        one, three, four = (np.zeros((*groups, k)) for _ in range(3))
        return cls(
            rows, pivot, one, np.zeros((*groups, k) if diagonal else (*groups, k, k)), three, four
        )

    @classmethod
    def of(cls, values: Floats, pivot: Floats, *, diagonal: bool) -> Self:
        """The moments of complete rows of one group, shape ``(n, k)``; no NaN, no infinities."""
        moments = cls.zero(pivot, diagonal=diagonal)
        with np.errstate(over="ignore", invalid="ignore"):
            for start in range(0, len(values), ROWS_AT_ONCE):
                x = values[start : start + ROWS_AT_ONCE] - pivot
                squares = x * x
                cross = squares.sum(0) if diagonal else x.T @ x
                powers = ((squares * x).sum(0), (squares * squares).sum(0))
                moments += cls(np.int64(len(x)), pivot, x.sum(0), cross, *powers)
        return moments

    @property
    def arrays(self) -> tuple[Any, Floats, Floats, Floats, Floats]:
        """All but the pivot."""
        return self.rows, self.sum1, self.cross, self.sum3, self.sum4

    def __getitem__(self, groups: Any) -> Self:
        """Index the groups as an array: an integer takes one, None adds an axis."""
        rows, *sums = (values[groups] for values in self.arrays)
        return type(self)(rows, self.pivot, *sums)

    def __add__(self, other: Self) -> Self:
        if not np.array_equal(self.pivot, other.pivot) or self.cross.shape != other.cross.shape:
            raise ValueError("joint moments must be about one pivot and of one shape")
        rows, *sums = (a + b for a, b in zip(self.arrays, other.arrays, strict=True))
        return type(self)(rows, self.pivot, *sums)

    @property
    def diagonal(self) -> bool:
        """Whether only variances are known."""
        return self.cross.ndim == self.sum1.ndim

    @property
    def _mean_deviation(self) -> Floats:
        return np.asarray(self.sum1 / np.asarray(self.rows)[..., None])

    @property
    def mean(self) -> Floats:
        """Means, shape ``(..., k)``."""
        return self.pivot + self._mean_deviation

    @property
    def covariance(self) -> Floats:
        """Population covariance (divided by ``rows``); variances when diagonal."""
        d, n = self._mean_deviation, np.asarray(self.rows)[..., None]
        with np.errstate(over="ignore", invalid="ignore"):
            if self.diagonal:
                return np.asarray(self.cross / n - d * d)
            return np.asarray(self.cross / n[..., None] - d[..., :, None] * d[..., None, :])

    @property
    def variances(self) -> Floats:
        """Population variances, shape ``(..., k)``."""
        return self.covariance if self.diagonal else _diagonal(self.covariance)

    @property
    def constant(self) -> Bools:
        """Which features have one value, but for rounding, shape ``(..., k)``."""
        squares = (self.cross if self.diagonal else _diagonal(self.cross)) / self.rows
        return np.asarray(self.variances <= ROUNDING * squares)

    def of_features(self, places: Ints) -> Self:
        """The moments of some of the features of one group."""
        rows, sum1, cross, *tails = self.arrays
        pivot = self.pivot[places] if len(self.pivot) == len(sum1) else self.pivot
        cross = cross[np.ix_(*[places] * cross.ndim)]
        return type(self)(rows, pivot, sum1[places], cross, *(sums[places] for sums in tails))

    @property
    def kurtosis(self) -> Floats:
        """Fourth central moment over the squared variance, shape ``(..., k)``.

        It is 3 for a Gaussian, and 1, the least there is, for a constant.
        """
        n, d = np.asarray(self.rows)[..., None], self._mean_deviation
        second = (self.cross if self.diagonal else _diagonal(self.cross)) / n
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            fourth = self.sum4 / n - 4 * d * self.sum3 / n + 6 * d * d * second - 3 * d**4
            of_spread = fourth / np.square(self.variances)
        return np.where(self.constant, 1.0, of_spread)


def _diagonal(matrices: Floats) -> Floats:
    return np.diagonal(matrices, axis1=-2, axis2=-1)
