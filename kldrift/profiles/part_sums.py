"""Power sums of the values of many groups, which stand side by side: a few passes for all.

What is summed and why to so many digits stands in :mod:`kldrift.profiles.power_sums`, which has
the kernel for one group.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from kldrift.error_free import Pair, finite_pair, pair_sum, two_sum
from kldrift.profiles.power_sums import FAR, SQUARED_BITS, moved_sums, power_sums

PART_CHUNK: Final = 16_384
"""Values of many groups that are summed together: they stay in a core's cache."""
ALIKE: Final = 256
"""Groups whose largest values differ by less are split at the same digits."""
EXACT: Final = 2.0**53
"""Whole numbers below it are doubles."""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Values = NDArray[Any]


def power_sums_of_parts(
    values: Values, sizes: Ints, pivot: float = 0.0, apart: Ints | None = None
) -> tuple[Ints, Floats, Floats, Floats, Floats, Floats, Floats]:
    """The sums of finite values that stand part by part; the fields of ``PowerSums`` as arrays.

    Where a part lies far from the pivot and its values near each other, their deviations from one
    of them are exact, and those are summed; all others are summed about the pivot. What is rounded
    is the same for a value in whatever batch it stands.

    Args:
        values: of the first part, then of the second, and so on, shape ``(m,)``.
        sizes: how many each part has, shape ``(n,)``; they add up to ``m``.
        pivot: a value near them, known before them.
        apart: the places of those that are left out, increasing.

    Returns:
        Arrays of shape ``(n,)``.
    """
    n = len(sizes)
    rows = np.array(sizes, dtype=np.int64)
    one, one_low, two, two_low = np.zeros((4, n))
    low, high = np.full(n, np.inf), np.full(n, -np.inf)
    there = np.flatnonzero(rows)
    if not len(there):
        return rows, one, one_low, two, two_low, low, high
    parts = _Parts(values, rows[there], apart)
    rows[there] = k = parts.rows
    none = k == 0
    least, most = (np.where(none, pivot, end.astype(np.float64)) for end in parts.ends)
    low[there], high[there] = np.where(none, np.inf, least), np.where(none, -np.inf, most)
    with np.errstate(over="ignore", invalid="ignore"):
        largest = np.maximum(np.abs(least - pivot), np.abs(most - pivot))
        width = most - least
        far = largest > FAR * width
        middle = np.where(far, least / 2 + most / 2, pivot)
        reach = np.where(far, width, largest)
        first, second = _sums_about(parts, middle, reach)
        if far.any():
            first, second = moved_sums(k, first, second, middle, pivot)
        else:
            first, second = finite_pair(first), finite_pair(second)
    (one[there], one_low[there]), (two[there], two_low[there]) = first, second
    return rows, one, one_low, two, two_low, low, high


class _Parts:
    """Values part by part, some of which are left out.

    Args:
        values: part by part.
        sizes: how many each part has, one at least.
        apart: the places of those that are left out, increasing.
    """

    def __init__(self, values: Values, sizes: Ints, apart: Ints | None) -> None:
        self.values = values
        self.behind = np.cumsum(sizes)
        self.begins = self.behind - sizes
        self.sizes = self.rows = sizes
        self._apart = self.begins[:0] if apart is None else apart
        if len(self._apart):
            self.values = values.copy()
            gone = np.searchsorted(self.behind, self._apart, "right")
            self.rows = sizes - np.bincount(gone, minlength=len(sizes))
        self.ends = self._ends()

    def _ends(self) -> list[Values]:
        """The smallest and the largest value of each part; any where it has none."""
        kind = self.values.dtype
        limits = np.iinfo(kind) if kind.kind in "iu" else np.finfo(kind)
        ends = []
        for end, beyond in ((np.minimum, limits.max), (np.maximum, limits.min)):
            if len(self._apart):
                self.values[self._apart] = beyond
            ends.append(end.reduceat(self.values, self.begins))
        return ends

    def one(self, i: int) -> Values:
        """The values of one part."""
        values = self.values[self.begins[i] : self.behind[i]]
        first, last = np.searchsorted(self._apart, [self.begins[i], self.behind[i]])
        return np.delete(values, self._apart[first:last] - self.begins[i])

    def chunks(self) -> Iterator[tuple[Values, Ints, slice, Ints]]:
        """Some values, which of them are left out, the parts they are of, where these begin."""
        for begin in range(0, len(self.values), PART_CHUNK):
            chunk = self.values[begin : begin + PART_CHUNK]
            end = begin + len(chunk)
            gone = self._apart[slice(*np.searchsorted(self._apart, [begin, end]))] - begin
            first = int(np.searchsorted(self.behind, begin, "right"))
            last = int(np.searchsorted(self.begins, end, "left"))
            yield chunk, gone, slice(first, last), np.maximum(self.begins[first:last] - begin, 0)


def _sums_about(parts: _Parts, middle: Floats, reach: Floats) -> tuple[Pair, Pair]:
    """Sums of the deviations of each part from its middle, and of their squares.

    Args:
        parts: the values.
        middle: what each part is taken about.
        reach: the largest absolute deviation of each part, or more.
    """
    if _whole(parts.values, middle) and float(reach.max()) ** 2 * int(parts.rows.max()) < EXACT:
        return _whole_sums(parts, int(middle[0]))
    # Beyond these, a square or a part of it is no double.
    usual = (reach == 0) | ((reach > 1e-130) & (reach < 1e145))
    coarse = _anchors(np.where(usual & (reach > 0), reach, 1.0))
    alike = not np.ptp(middle) and coarse.max() <= ALIKE * coarse.min()
    of: Ints | None = None
    about, anchor = middle[:1], coarse.max(keepdims=True)
    sizes = np.diff(parts.begins, append=len(parts.values))
    if not alike:
        of = np.repeat(np.arange(len(sizes)), sizes)
    out = np.zeros((6, len(middle)))  # upper, middle and lower digits; the same of the squares
    room = np.empty((6, min(len(parts.values), PART_CHUNK)))
    done = 0
    for chunk, gone, these, at in parts.chunks():
        if of is not None:
            own = of[done : done + len(chunk)]
            about, anchor = middle[own], coarse[own]
        done += len(chunk)
        terms = room[:, : len(chunk)]
        np.subtract(chunk, about, out=terms[5])
        terms[5, gone] = 0.0
        _split(terms, anchor)
        for total, term in zip(out, terms, strict=True):
            total[these] += np.add.reduceat(term, at)
    sum1 = pair_sum(two_sum(out[0], out[1]), (out[2], np.zeros(len(middle))))
    sum2 = pair_sum(two_sum(out[3], 2 * out[4]), (out[5], np.zeros(len(middle))))
    for i in np.flatnonzero(~usual).tolist():
        found = power_sums(parts.one(i), float(middle[i]))
        sum1[0][i], sum1[1][i], sum2[0][i], sum2[1][i] = found[1:5]
    return sum1, sum2


def _whole(values: Values, middle: Floats) -> bool:
    """Whether values are integers, and all parts have the same integer as their middle."""
    return values.dtype == np.int64 and not np.ptp(middle) and float(middle[0]).is_integer()


def _whole_sums(parts: _Parts, middle: int) -> tuple[Pair, Pair]:
    """The sums of small whole numbers: as integers."""
    out = np.zeros((2, len(parts.begins)), dtype=np.int64)
    room = np.empty(min(len(parts.values), PART_CHUNK), dtype=np.int64)
    for chunk, gone, these, at in parts.chunks():
        deviations = np.subtract(chunk, middle, out=room[: len(chunk)])
        deviations[gone] = 0
        out[0, these] += np.add.reduceat(deviations, at)
        deviations *= deviations
        out[1, these] += np.add.reduceat(deviations, at)
    one, two = out.astype(np.float64)
    return (one, np.zeros(len(one))), (two, np.zeros(len(one)))


def _anchors(reach: Floats) -> Floats:
    """Constants that, added to a number, round it to the upper digits of the largest one."""
    return np.asarray(np.ldexp(1.5, np.frexp(reach)[1] + 52 - SQUARED_BITS))


def _split(terms: Floats, anchor: Floats) -> None:
    """Upper, middle and lower digits of numbers, and their squares in three parts.

    The sums of the upper and of the middle digits, of the squares of the upper ones and of their
    products are exact; all else is so small that rounding it does not matter.

    Args:
        terms: the numbers are in the last row; all six are written to.
        anchor: one for all numbers, or one for each.
    """
    upper, middle, lower, squares, products, rest = terms
    np.add(rest, anchor, out=upper)
    upper -= anchor
    np.subtract(rest, upper, out=lower)
    finer = anchor * 2.0**-SQUARED_BITS
    np.add(lower, finer, out=middle)
    middle -= finer
    lower -= middle
    rest += upper
    rest += middle
    rest *= lower
    np.multiply(middle, middle, out=products)
    rest += products
    np.multiply(upper, upper, out=squares)
    np.multiply(upper, middle, out=products)
