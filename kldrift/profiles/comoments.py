"""Means, covariances and tails of a group of features that are looked at together.

Power sums about a pivot near the data, so that merging is adding and a mean of 1e9 with a spread of
1 keeps its digits. One matrix product per batch; rows with a value missing are left out by the
caller, who counts them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

CHUNK: Final = 16_384
"""Rows that are multiplied together: bounds what a batch needs beside itself."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class CoMoments:
    """Sufficient statistics of a multivariate Gaussian, and of how heavy its tails are.

    A commutative monoid under ``+`` for one pivot. With ``x`` the deviations from the pivot:

    Attributes:
        rows: number of complete rows.
        pivot: what is subtracted from each row first, shape ``(k,)``.
        sum1: sums of x, shape ``(k,)``.
        cross: sums of products, shape ``(k, k)``; of squares, shape ``(k,)``, when diagonal.
        sum3: sums of x cubed, shape ``(k,)``.
        sum4: sums of the fourth powers.
    """

    rows: int
    pivot: Floats
    sum1: Floats
    cross: Floats
    sum3: Floats
    sum4: Floats

    @classmethod
    def zero(cls, pivot: Floats, *, diagonal: bool) -> Self:
        """The moments of no rows, the neutral element of ``+``."""
        k = len(pivot)
        cross = np.zeros(k if diagonal else (k, k))
        return cls(0, pivot, np.zeros(k), cross, np.zeros(k), np.zeros(k))

    @classmethod
    def of(cls, values: Floats, pivot: Floats, *, diagonal: bool) -> Self:
        """The moments of complete rows, shape ``(n, k)``; no NaN, no infinities."""
        found = cls.zero(pivot, diagonal=diagonal)
        with np.errstate(over="ignore", invalid="ignore"):
            for start in range(0, len(values), CHUNK):
                x = values[start : start + CHUNK] - pivot
                squares = x * x
                cross = squares.sum(0) if diagonal else x.T @ x
                powers = ((squares * x).sum(0), (squares * squares).sum(0))
                found += cls(len(x), pivot, x.sum(0), cross, *powers)
        return found

    def __add__(self, other: Self) -> Self:
        if not np.array_equal(self.pivot, other.pivot) or self.cross.shape != other.cross.shape:
            raise ValueError("joint moments must be about one pivot and of one shape")
        return type(self)(
            self.rows + other.rows,
            self.pivot,
            self.sum1 + other.sum1,
            self.cross + other.cross,
            self.sum3 + other.sum3,
            self.sum4 + other.sum4,
        )

    @property
    def diagonal(self) -> bool:
        """Whether only variances are known."""
        return self.cross.ndim == 1

    @property
    def mean(self) -> Floats:
        """Means, shape ``(k,)``."""
        return self.pivot + self.sum1 / self.rows

    @property
    def covariance(self) -> Floats:
        """Population covariance (divided by ``rows``); variances when diagonal."""
        d = self.sum1 / self.rows
        with np.errstate(over="ignore", invalid="ignore"):
            return self.cross / self.rows - (d * d if self.diagonal else np.outer(d, d))

    @property
    def variances(self) -> Floats:
        """Population variances, shape ``(k,)``."""
        return self.covariance if self.diagonal else np.diagonal(self.covariance)

    @property
    def kurtosis(self) -> Floats:
        """Fourth central moment over the squared variance, 3 for a Gaussian; shape ``(k,)``."""
        n, d = self.rows, self.sum1 / self.rows
        second = (self.cross if self.diagonal else np.diagonal(self.cross)) / n
        fourth = self.sum4 / n - 4 * d * self.sum3 / n + 6 * d * d * second - 3 * d**4
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(fourth / np.square(self.variances))
