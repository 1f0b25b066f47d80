"""Do more rows share a new name than expected: are there fewer names, or fewer in use?

Where most names come about once, none is known to be gone and each new one is to be expected. But
rows that share a name tell how many names there are, as shared birthdays tell the days of the year.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from scipy.special import gammaincc

from kldrift.arrays import Bools, Counts, Floats, OfRows

MOST: Final = 4
"""Rows of the reference's names that are counted by their rows."""
LEAST_NAMES: Final = 10
"""Names of two reference rows from which rows that share a new name can be expected."""


@dataclass(frozen=True, eq=False)
class SharedNames(OfRows):
    """Current rows that share a name which the reference never had; arrays of shape ``(n,)``.

    Attributes:
        pairs: the sum of ``x (x - 1)`` over names of x rows; not more than there are.
        squares: the sum of the squares of these.
        largest: the most rows that one of the names has.
        names: how many names have 0 to 4 reference rows, shape ``(n, 5)``; those of 0 and 1 do not
            count.
        each: how many of these a name that was counted stands for.
    """

    pairs: Floats
    squares: Floats
    largest: Counts
    names: Floats
    each: Floats
    n: Counts
    m: Counts

    def __getitem__(self, rows: Counts | Bools) -> Self:
        """Select rows."""
        return self.take(rows)

    def _falling(self, rows: int) -> Floats:
        """What is expected of the sum of ``x (x - 1) .. (x - rows + 1)`` [1].

        References:
            [1] Good, I. J. (1953). The population frequencies of species and the estimation of
                population parameters. Biometrika 40(3-4), 237-264.
        """
        return np.asarray((self.n / self.m) ** rows * math.factorial(rows) * self.names[:, rows])

    @property
    def expected(self) -> Floats:
        """The number of pairs expected without drift."""
        return self._falling(2)

    @property
    def _least(self) -> Floats:
        """The fewest pairs for each share of the rows that moved to fewer names."""
        return np.asarray(2 * self.n * np.maximum(self.largest, 2))

    @property
    def share(self) -> Floats:
        """The share of the rows that moved to fewer names, at least."""
        some = self.names[:, 2] >= LEAST_NAMES
        return np.where(some, np.maximum((self.pairs - self.expected) / self._least, 0.0), 0.0)

    def above_p(self, limit: Floats) -> Floats:
        """The p-value of "this share is above the limit".

        The pairs have about a gamma distribution. Its variance is that of the rows, by what is
        expected or by what there is if that is more, and that of the reference's names.

        Args:
            limit: shape ``(n,)``.
        """
        mean = self.expected + limit * self._least
        rows = 2 * self._falling(2) + 4 * self._falling(3) + self._falling(4)
        names = (self.n / self.m) ** 4 * 4 * (self.names * self.each)[:, 2]
        variance = names + np.maximum(rows, self.squares)
        some = (self.names[:, 2] >= LEAST_NAMES) & (self.pairs > mean)
        scale = np.where(some, mean / np.maximum(variance, 1.0), 1.0)
        return np.where(some, gammaincc(np.where(some, mean, 1.0) * scale, self.pairs * scale), 1.0)
