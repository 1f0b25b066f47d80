"""Count, mean, spread and range of a feature's finite values, mergeable in any order."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Moments:
    """Sufficient statistics of a Gaussian; a commutative monoid under ``+``.

    Merged as in Chan et al. [1], so that a mean of 1e9 with a spread of 1 keeps its digits.

    Attributes:
        rows: number of finite values.
        mean: their mean; 0 where there are none.
        m2: sum of squared deviations from the mean.
        minimum: smallest value; inf where there are none.
        maximum: largest value; -inf where there are none.

    References:
        [1] Chan, T. F., Golub, G. H. and LeVeque, R. J. (1983). Algorithms for computing the
            sample variance. The American Statistician 37(3), 242-247.

    Examples:
        >>> (Moments.of(np.array([1.0, 2.0])) + Moments.of(np.array([3.0]))).mean
        2.0
    """

    rows: int = 0
    mean: float = 0.0
    m2: float = 0.0
    minimum: float = math.inf
    maximum: float = -math.inf

    @classmethod
    def of(cls, values: NDArray[np.float64]) -> Self:
        """Moments of finite values, shape ``(n,)``, in two passes over them."""
        n = len(values)
        if n == 0:
            return cls()
        low, high = float(values.min()), float(values.max())
        with np.errstate(over="ignore", invalid="ignore"):
            # Deviations from a value inside the data are small: their mean loses no digits.
            pivot = low / 2 + high / 2
            deviations = values - pivot
            shift = float(deviations.mean())
            deviations -= shift
            m2 = float(np.dot(deviations, deviations))
        return cls(n, pivot + shift, m2, low, high)

    def __add__(self, other: Self) -> Self:
        if not self.rows:
            return other
        if not other.rows:
            return self
        rows = self.rows + other.rows
        delta = other.mean - self.mean
        return type(self)(
            rows,
            self.mean + delta * (other.rows / rows),
            self.m2 + other.m2 + delta * delta * (self.rows / rows * other.rows),
            min(self.minimum, other.minimum),
            max(self.maximum, other.maximum),
        )

    @property
    def std(self) -> float:
        """Population standard deviation (divided by ``rows``); NaN where there are no values."""
        return math.sqrt(self.m2 / self.rows) if self.rows else math.nan

    def scaled(self, scale: int) -> Self:
        """The moments of the values divided by ``scale``."""
        if scale == 1:
            return self
        low, high = self.minimum / scale, self.maximum / scale
        return type(self)(self.rows, self.mean / scale, self.m2 / scale**2, low, high)


NO_MOMENTS: Final = Moments()
