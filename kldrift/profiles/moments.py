"""Count, mean, spread and range of a feature's finite values, for each of many groups.

Power sums about a pivot near the data, each as the sum of two doubles: merging is adding, and a
mean of 1e9 with a spread of 1 keeps its digits. How a batch is summed stands in
:mod:`kldrift.profiles.power_sums`.

See docs/decisions/moments.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from kldrift.arrays import Floats, Ints
from kldrift.error_free import finite_pair, pair_product, pair_quotient, pair_sum
from kldrift.profiles.part_sums import power_sums_of_parts, power_sums_of_wholes
from kldrift.profiles.power_sums import NO_VALUES, PowerSums, moved_sums, power_sums

FIELDS: Final = PowerSums._fields
OF_PAIR: Final = 2.0**-97
"""What a sum of two doubles may have lost; one about the pivot has lost no more than that of
values that lie far from it and near each other."""
FEW_DIGITS: Final = 2.0**-44
"""A mean that is known to so much of the values is known."""


@dataclass(frozen=True, eq=False)
class Moments:
    """Sufficient statistics of a Gaussian for each group; a commutative monoid under ``+``.

    Attributes:
        pivot: what is subtracted from each value first, the same for all groups.
        rows: number of finite values of each group, shape ``(n,)``, as all others.
        sum1: sum of the deviations from the pivot.
        sum1_low: what a double loses of it.
        sum2: sum of their squares.
        sum2_low: what a double loses of it.
        minimum: smallest value; inf where there are none.
        maximum: largest value; -inf where there are none.

    Examples:
        >>> both = Moments.of(np.array([1.0, 2.0])) + Moments.of(np.array([3.0]))
        >>> both.summary().mean.tolist()
        [2.0]
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
    def none(cls, groups: int, pivot: float = 0.0) -> Self:
        """The moments of groups without values: the neutral element of ``+``."""
        rows, *others = (np.full(groups, value) for value in NO_VALUES)
        return cls(pivot, rows, *others)

    @classmethod
    def of(cls, values: NDArray[Any], pivot: float = 0.0) -> Self:
        """The moments of one group of finite values."""
        return cls.stacked([power_sums(values, pivot)], pivot)

    @classmethod
    def of_parts(
        cls, values: NDArray[Any], sizes: Ints, pivot: float = 0.0, apart: Ints | None = None
    ) -> Self:
        """The moments of groups whose finite values are stored contiguously, group by group.

        The arguments are those of :func:`~kldrift.profiles.part_sums.power_sums_of_parts`.
        """
        return cls(pivot, *power_sums_of_parts(values, sizes, pivot, apart))

    @classmethod
    def of_wholes(
        cls, values: NDArray[Any], sizes: Ints, first: Ints, pivot: float, apart: Ints
    ) -> tuple[Self, Self]:
        """The moments of groups, as from :meth:`of_parts`, and of the larger groups that they form.

        ``first`` is the index of the first group of each; the others follow it.
        """
        parts, wholes = power_sums_of_wholes(values, sizes, first, pivot, apart)
        return cls(pivot, *parts), cls(pivot, *wholes)

    @classmethod
    def stacked(cls, sums: Sequence[PowerSums], pivot: float = 0.0) -> Self:
        """Moments with one group for each of the given sums, which have one pivot."""
        table = np.array(sums, dtype=np.float64).reshape(-1, len(FIELDS)).T
        rows = np.array([s.rows for s in sums], dtype=np.int64)
        return cls(pivot, rows, *table[1:])

    @classmethod
    def joined(cls, parts: Sequence[Moments]) -> Self:
        """The groups of several moments about one pivot, one after the other; one part at least."""
        columns = zip(*(part.arrays for part in parts), strict=True)
        return cls(parts[0].pivot, *(np.concatenate(values) for values in columns))

    def __len__(self) -> int:
        return len(self.rows)

    def __add__(self, other: Self) -> Self:
        """The sums of each group, about the pivot of the first."""
        if len(self) != len(other):
            raise ValueError(f"cannot add moments of {len(self)} and {len(other)} groups")
        other = other.about(self.pivot)
        with np.errstate(over="ignore", invalid="ignore"):
            sum1 = pair_sum((self.sum1, self.sum1_low), (other.sum1, other.sum1_low))
            sum2 = pair_sum((self.sum2, self.sum2_low), (other.sum2, other.sum2_low))
        return type(self)(
            self.pivot,
            self.rows + other.rows,
            *finite_pair(sum1),
            *finite_pair(sum2),
            np.minimum(self.minimum, other.minimum),
            np.maximum(self.maximum, other.maximum),
        )

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Moments)
            and self.pivot == other.pivot
            and len(self) == len(other)
            and all(np.array_equal(a, b) for a, b in zip(self.arrays, other.arrays, strict=True))
        )

    __hash__ = None  # type: ignore[assignment]

    def about(self, pivot: float) -> Self:
        """Convert the sums to another pivot."""
        if pivot == self.pivot:
            return self
        sum1, sum2 = (self.sum1, self.sum1_low), (self.sum2, self.sum2_low)
        with np.errstate(over="ignore", invalid="ignore"):
            middle = np.full(len(self), self.pivot)
            first, second = moved_sums(self.rows, sum1, sum2, middle, pivot)
        return type(self)(pivot, self.rows, *first, *second, self.minimum, self.maximum)

    @property
    def arrays(self) -> tuple[NDArray[Any], ...]:
        """All but the pivot, in the order of the fields."""
        sums = self.sum1, self.sum1_low, self.sum2, self.sum2_low
        return self.rows, *sums, self.minimum, self.maximum

    def take(self, places: Any) -> Self:
        """Select groups by index, in the given order."""
        return type(self)(self.pivot, *(values[places] for values in self.arrays))

    def added_up(self, places: Ints, groups: int) -> Self:
        """Sum the groups that have the same target index."""
        order = np.argsort(places, kind="stable")
        at, sums = places[order], self.take(order)
        while len(at) > 1:
            begins = np.flatnonzero(np.diff(at, prepend=-1))
            if len(begins) == len(at):
                break
            # Each second one of a place is added to the one before it: half are left.
            odd = (np.arange(len(at)) - np.repeat(begins, np.diff(begins, append=len(at)))) % 2 == 1
            second, left = np.flatnonzero(odd), np.flatnonzero(~odd)
            both = sums.take(second - 1) + sums.take(second)
            at = at[left]
            sums = sums.take(left).replaced(np.searchsorted(left, second - 1), both)
        return self.none(groups, self.pivot).replaced(at, sums)

    def replaced(self, places: Ints, others: Self) -> Self:
        """Replace the moments of some groups."""
        arrays = [values.copy() for values in self.arrays]
        for mine, its in zip(arrays, others.arrays, strict=True):
            mine[places] = its
        return type(self)(self.pivot, *arrays)

    def with_pivot(self, pivot: float) -> Self:
        """Attach the pivot to sums that were sent or stored without it."""
        return replace(self, pivot=pivot)

    def summary(self, scale: int = 1) -> Summary:
        """Mean, spread and range of the values divided by ``scale``."""
        return summaries([self], [scale])


@dataclass(frozen=True, eq=False)
class Summary:
    """Mean, spread and range in the unit of the feature; arrays of shape ``(n,)``.

    Attributes:
        rows: number of finite values.
        mean: their mean; NaN where there are none, it is beyond a double, or the values are so near
            each other and so far from the pivot that no digit of it is known.
        m2: sum of squared deviations from the mean; inf where it is beyond a double, NaN likewise.
        minimum: smallest value; inf where there are none.
        maximum: largest value; -inf where there are none.
    """

    rows: Ints
    mean: Floats
    m2: Floats
    minimum: Floats
    maximum: Floats

    @property
    def std(self) -> Floats:
        """Population standard deviation (divided by ``rows``); NaN where there are no values."""
        return np.sqrt(self.m2 / np.maximum(self.rows, 1))


def summaries(moments: Sequence[Moments], scales: Sequence[int]) -> Summary:
    """Mean, spread and range of the groups of many features, one feature after the other."""
    groups = [len(m) for m in moments]
    columns = zip(*(m.arrays for m in moments), strict=True)
    if moments:
        rows, high1, low1, high2, low2, minimum, maximum = map(np.concatenate, columns)
    else:
        rows, high1, low1, high2, low2, minimum, maximum = np.zeros((7, 0))
    zero = np.zeros(len(rows))
    pivot = np.repeat(np.array([m.pivot for m in moments], dtype=np.float64), groups)
    scale = np.repeat(np.array(scales, dtype=np.float64), groups)
    n = np.maximum(rows, 1).astype(np.float64)
    sum1, sum2 = (high1, low1), (high2, low2)
    with np.errstate(over="ignore", invalid="ignore"):
        high, low = _scaled(pair_sum(pair_quotient(sum1, n), (pivot, zero)), scale)
        mean = high + low
        square = pair_quotient(pair_product(sum1, sum1), n)
        spread = pair_sum(sum2, (-square[0], -square[1]))
        high, low = _scaled(_scaled(spread, scale), scale)
        m2 = np.maximum(0.0, high + low)
        least, most = minimum / scale, maximum / scale
        no_spread = spread[0] < OF_PAIR * high2
        lost = OF_PAIR * np.abs(pivot / scale)
        no_mean = lost > np.maximum(most - least, FEW_DIGITS * np.maximum(-least, most))
    m2 = np.where(np.isfinite(high2), m2, np.inf)
    known = np.isfinite(high1)
    mean = np.where(known & ~no_mean, mean, np.nan)
    m2 = np.where(known & ~no_spread, m2, np.nan)
    constant = minimum == maximum  # has no spread, not even a rounded one
    mean, m2 = np.where(constant, least, mean), np.where(constant, 0.0, m2)
    mean, m2 = np.where(rows > 0, mean, np.nan), np.where(rows > 0, m2, np.nan)
    return Summary(rows.astype(np.int64), mean, m2, least, most)


def _scaled(value: tuple[Floats, Floats], scale: Floats) -> tuple[Floats, Floats]:
    """A pair divided by a scale; by 1 it stays as it is, also where a product would overflow."""
    high, low = pair_quotient(value, scale)
    return np.where(scale == 1, value[0], high), np.where(scale == 1, value[1], low)
