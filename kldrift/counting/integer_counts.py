"""Counts whole numbers one by one, where the numbers of a batch lie close together.

Flags, small counts, codes, dates: one pass counts each number, and what else is asked for follows
from the few different ones, exactly.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from kldrift.profiles.power_sums import PowerSums

WIDEST: Final = 8_192
"""Different numbers, of which the counts stay in a core's cache."""
EXACT: Final = 2**52
"""Below it, integers and their differences are doubles."""

Int64s = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class IntegerCounts:
    """Row counts of consecutive whole numbers, from the smallest on.

    Attributes:
        first: the first number.
        rows: rows of each, shape ``(k,)``; the first and the last have some.

    Examples:
        >>> counts = IntegerCounts.of(np.array([7, 9, 7]), 7, 9)
        >>> counts.rows.tolist(), counts.count(np.array([8, 9])).tolist()
        ([2, 0, 1], [2, 0, 1])
    """

    first: int
    rows: Int64s

    @classmethod
    def of(cls, keys: Int64s, low: int, high: int) -> Self | None:
        """Count keys between ``low`` and ``high``, both of which occur; None if far apart."""
        if high - low >= WIDEST or max(-low, high) >= EXACT:
            return None
        return cls(low, np.bincount(keys - low))

    @classmethod
    def of_booleans(cls, column: pa.BooleanArray) -> Self | None:
        """Count the values that are not null; None if there are none."""
        rows = np.array([column.false_count, column.true_count])
        used = np.flatnonzero(rows)
        return cls(int(used[0]), rows[used[0] : used[-1] + 1]) if len(used) else None

    def count(self, edges: Int64s) -> Int64s:
        """Rows below the first edge, between each two, and from the last on."""
        places = np.clip(edges, self.first, self.first + len(self.rows)) - self.first
        before = np.append(0, np.cumsum(self.rows))
        return np.diff(before[places], prepend=0, append=before[-1])

    def power_sums(self, pivot: float) -> PowerSums:
        """Sums about a pivot that :func:`exact_about` allows, exact but for the last rounding."""
        steps = np.arange(len(self.rows))
        n = int(self.rows.sum())
        fits = n * len(steps) ** 2 < 2**63  # else Python's integers, which have no end
        rows = self.rows if fits else self.rows.astype(object)
        sum1, sum2 = int(rows @ steps), int(rows @ (steps * steps))
        shift = self.first - int(pivot)
        about1, about2 = sum1 + n * shift, sum2 + 2 * shift * sum1 + n * shift * shift
        first, last = float(self.first), float(self.first + len(self.rows) - 1)
        return PowerSums(n, *_as_doubles(about1), *_as_doubles(about2), first, last)


def _as_doubles(value: int) -> tuple[float, float]:
    """Split an integer into the nearest double and the double nearest to the rest."""
    high = float(value)
    return high, float(value - int(high))


def exact_about(pivot: float) -> bool:
    """Whether differences of whole numbers from a pivot are doubles."""
    return pivot.is_integer() and abs(pivot) < EXACT
