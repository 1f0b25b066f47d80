"""Counts whole numbers one by one, where the numbers of a batch lie close together.

Flags, small counts, codes, dates: one pass counts each number, and what else is asked for follows
from the few different ones, exactly.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from kldrift.arrays import Floats, Ints
from kldrift.profiles.part_sums import Sums
from kldrift.profiles.power_sums import PowerSums

WIDEST: Final = 8_192
"""Different numbers, of which the counts stay in a core's cache."""
EXACT_INTEGERS: Final = 2**52
"""Below it, integers and their differences are doubles."""

LARGEST_SUMMABLE: Final = 2**62
"""Integers below it, and sums of two, are 64 bits long."""


@dataclass(frozen=True, eq=False)
class IntegerCounts:
    """Row counts of consecutive whole numbers, from the smallest on.

    The first and the last number have some.

    Examples:
        >>> counts = IntegerCounts.of(np.array([7, 9, 7]), 7, 9)
        >>> counts.rows.tolist(), counts.count(np.array([8, 9])).tolist()
        ([2, 0, 1], [2, 0, 1])
    """

    first: int
    rows: Ints

    @classmethod
    def of(cls, keys: Ints, low: int, high: int) -> Self | None:
        """Count keys between ``low`` and ``high``, both of which occur; None if far apart."""
        return cls(low, np.bincount(keys - low)) if width_of(low, high) else None

    @classmethod
    def of_booleans(cls, column: pa.BooleanArray) -> Self | None:
        """Count the values that are not null; None if there are none."""
        rows = np.array([column.false_count, column.true_count])
        used = np.flatnonzero(rows)
        return cls(int(used[0]), rows[used[0] : used[-1] + 1]) if len(used) else None

    def count(self, edges: Ints) -> Ints:
        """Rows below the first edge, between each two, and from the last on."""
        places = np.clip(edges, self.first, self.first + len(self.rows)) - self.first
        before = np.append(0, np.cumsum(self.rows))
        return np.diff(before[places], prepend=0, append=before[-1])

    def power_sums(self, pivot: float) -> PowerSums:
        """Sums about a pivot that :func:`exact_about` allows, exact but for the last rounding."""
        sums = power_sums_of_groups(self.rows[None], self.first, pivot)
        return PowerSums(*(values[0].item() for values in sums))


def power_sums_of_groups(counts: Ints, first: int, pivot: float) -> Sums:
    """The sums of each of some groups about a pivot that :func:`exact_about` allows.

    ``counts`` has a row for each group, and a column for each whole number from ``first`` on.

    Returns:
        The fields of ``PowerSums`` as arrays of shape ``(n,)``, exact but for the last rounding.
    """
    width = counts.shape[1]
    steps, n = np.arange(width), counts.sum(1)
    shift, most = first - int(pivot), int(n.max())
    rows = counts if most * width**2 < LARGEST_SUMMABLE else counts.astype(object)
    one, two, k = rows @ steps, rows @ (steps * steps), n
    if most * (abs(shift) + width) ** 2 >= LARGEST_SUMMABLE:
        one, two, k = (values.astype(object) for values in (one, two, k))
    two = two + 2 * shift * one + k * shift * shift
    one = one + k * shift
    used, none = counts > 0, n == 0
    low = np.where(none, np.inf, first + used.argmax(1))
    high = np.where(none, -np.inf, first + width - 1 - used[:, ::-1].argmax(1))
    return n, *_as_doubles(one), *_as_doubles(two), low, high


def _as_doubles(values: NDArray[Any]) -> tuple[Floats, Floats]:
    """Split integers into the nearest doubles and the doubles nearest to the rests."""
    high = values.astype(np.float64)
    whole: NDArray[Any]
    if values.dtype == np.int64:
        whole = high.astype(np.int64)
    else:  # Python's integers, which have no upper limit
        whole = np.array([int(value) for value in high.tolist()], dtype=object)
    return high, (values - whole).astype(np.float64)


def width_of(low: int, high: int) -> int:
    """The number of whole numbers in a range; 0 where it is too wide for counting one by one."""
    near = high - low < WIDEST and max(-low, high) < EXACT_INTEGERS
    return high - low + 1 if near else 0


def exact_about(pivot: float) -> bool:
    """Whether differences of whole numbers from a pivot are doubles."""
    return pivot.is_integer() and abs(pivot) < EXACT_INTEGERS
