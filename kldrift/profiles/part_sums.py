"""Power sums of many groups stored side by side, in a few passes over all values.

What is summed and why to so many digits stands in :mod:`kldrift.profiles.power_sums`, which has
the kernel for one group.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np

from kldrift.arrays import Bools, Floats, Ints, Values
from kldrift.error_free import DoubleDoubles, finite_pair, pair_sum, two_sum
from kldrift.profiles.power_sums import FAR, SQUARED_BITS, moved_sums, power_sums

PART_CHUNK: Final = 16_384
"""Values of many groups that are summed together: they stay in a core's cache."""
LONG_PART: Final = 4_096
"""Doubles of a part on average, from which each is summed by the kernel for one group."""
ALIKE_PARTS: Final = 256
"""Groups whose largest values differ by less are split at the same digits."""
INTEGRAL: Final = 2.0**53
"""Whole numbers below it are doubles."""
LARGEST_INT64: Final = 2.0**63
"""Whole numbers below it are 64 bits long."""

Sums = tuple[Ints, Floats, Floats, Floats, Floats, Floats, Floats]
"""The fields of ``PowerSums`` as arrays, of shape ``(n,)`` for ``n`` parts."""


def power_sums_of_parts(
    values: Values, sizes: Ints, pivot: float = 0.0, apart: Ints | None = None
) -> Sums:
    """The sums of finite values, one part after the other.

    Where a part lies far from the pivot and its values near each other, their deviations from one
    of them are exact, and those are summed; all others are summed about the pivot. What is rounded
    is the same for a value in whatever batch it stands.

    Args:
        values: of the first part, then of the second, and so on, shape ``(m,)``.
        sizes: how many each part has, shape ``(n,)``; they add up to ``m``.
        pivot: a value near them, known before them.
        apart: the places of those that are left out, increasing.
    """
    there = np.flatnonzero(sizes)
    rows, columns = np.zeros(len(sizes), dtype=np.int64), np.zeros((6, len(sizes)))
    columns[4:] = np.array([[np.inf], [-np.inf]])
    if len(values) >= LONG_PART * len(there) > 0 and values.dtype == np.float64:
        own = [power_sums(part, pivot) for part in _split_up(values, sizes[there], apart)]
        rows[there] = [sums.rows for sums in own]
        columns[:, there] = np.array(own)[:, 1:].T
    elif len(there):
        parts = _Parts.of(values, sizes[there], pivot, apart)
        rows[there], *sums = parts.power_sums(parts.digits(parts.largest))
        columns[:, there] = sums
    return rows, *columns


def _split_up(values: Values, sizes: Ints, apart: Ints | None) -> Iterator[Values]:
    """The values of each part, without those at some indices."""
    ends = np.cumsum(sizes)
    for begin, end in zip((ends - sizes).tolist(), ends.tolist(), strict=True):
        part = values[begin:end]
        if apart is not None and len(apart):
            gone = apart[slice(*np.searchsorted(apart, [begin, end]))] - begin
            part = np.delete(part, gone)
        yield part


def power_sums_of_wholes(
    values: Values, sizes: Ints, first: Ints, pivot: float = 0.0, apart: Ints | None = None
) -> tuple[Sums, Sums]:
    """The sums of each part, and of each whole, which is a run of consecutive parts.

    The values are split once for both; both are what :func:`power_sums_of_parts` gives. ``first``
    is the index of the first part of each.
    """
    parts = _Parts.of(values, sizes, pivot, apart)
    wholes = parts.joined(first)
    reach = np.repeat(wholes.largest, np.diff(first, append=len(sizes)))
    digits = parts.digits(reach)
    coarse = (parts.largest < reach / ALIKE_PARTS) | ~_usual(reach)
    return parts.power_sums(digits, coarse), wholes.power_sums(digits.joined(first))


@dataclass(frozen=True, eq=False)
class _Digits:
    """Sums of the upper, middle and lower digits of each part, and of their squares, ``(6, n)``."""

    sums: Floats
    exact: bool

    def joined(self, first: Ints) -> Self:
        """The sums of each part at ``first`` and those behind it."""
        with np.errstate(over="ignore", invalid="ignore"):
            return type(self)(np.add.reduceat(self.sums, first, axis=1), self.exact)

    @property
    def pairs(self) -> tuple[DoubleDoubles, DoubleDoubles]:
        """The sums of the numbers and of their squares."""
        out, none = self.sums, np.zeros(self.sums.shape[1])
        sum1 = pair_sum(two_sum(out[0], out[1]), (out[2], none))
        return sum1, pair_sum(two_sum(out[3], 2 * out[4]), (out[5], none))


@dataclass(frozen=True, eq=False)
class _Parts:
    """Values part by part, some of which are left out.

    Attributes:
        pivot: what their sums are about.
        values: part by part.
        begins: the first one of each part.
        apart: the places of those that are left out, increasing.
        rows: how many of each part are not.
        least: the smallest of these, the pivot if there are none.
        most: the largest.
        largest: the largest deviation from the pivot.
    """

    pivot: float
    values: Values
    begins: Ints
    apart: Ints
    rows: Ints
    least: Floats
    most: Floats
    largest: Floats

    @classmethod
    def of(cls, values: Values, sizes: Ints, pivot: float, apart: Ints | None = None) -> Self:
        """The parts of some sizes, one at least."""
        behind = np.cumsum(sizes)
        begins, rows = behind - sizes, np.array(sizes, dtype=np.int64)
        if apart is None or not len(apart):
            apart = begins[:0]
        else:
            values = values.copy()
            rows -= np.bincount(np.searchsorted(behind, apart, "right"), minlength=len(sizes))
        limits = np.iinfo(values.dtype) if values.dtype.kind in "iu" else np.finfo(values.dtype)
        ends = []
        for end, beyond in ((np.minimum, limits.max), (np.maximum, limits.min)):
            if len(apart):
                values[apart] = beyond
            ends.append(end.reduceat(values, begins).astype(np.float64))
        least, most = (np.where(rows == 0, pivot, x) for x in ends)
        with np.errstate(over="ignore"):
            largest = np.maximum(np.abs(least - pivot), np.abs(most - pivot))
        return cls(pivot, values, begins, apart, rows, least, most, largest)

    def joined(self, first: Ints) -> Self:
        """Make one part of each part at ``first`` and those behind it."""
        filled = self.rows > 0
        rows = np.add.reduceat(self.rows, first)
        least = np.minimum.reduceat(np.where(filled, self.least, np.inf), first)
        most = np.maximum.reduceat(np.where(filled, self.most, -np.inf), first)
        least, most = (np.where(rows == 0, self.pivot, x) for x in (least, most))
        largest = np.maximum.reduceat(self.largest, first)
        begins = self.begins[first]
        return type(self)(self.pivot, self.values, begins, self.apart, rows, least, most, largest)

    def _only(self, which: Bools) -> Self:
        """Some of the parts that have rows."""
        mine = np.repeat(which, np.diff(self.begins, append=len(self.values)))
        mine[self.apart] = False
        return self.of(self.values[mine], self.rows[which], self.pivot)

    def power_sums(self, digits: _Digits, coarse: Any = False) -> Sums:
        """The sums about the pivot."""
        none = self.rows == 0
        low, high = np.where(none, np.inf, self.least), np.where(none, -np.inf, self.most)
        with np.errstate(over="ignore", invalid="ignore"):
            one, two = (finite_pair(pair) for pair in digits.pairs)
            far = self.largest > FAR * (self.most - self.least)
            again = (far | coarse | ~_usual(self.largest)) & ~none
            if again.any() and not digits.exact:
                first, second = self._only(again).own_sums(far[again])
                (one[0][again], one[1][again]), (two[0][again], two[1][again]) = first, second
        return self.rows, *one, *two, low, high

    def own_sums(self, far: Bools) -> tuple[DoubleDoubles, DoubleDoubles]:
        """The sums of numbers and their squares, each part with digits of its own."""
        middle = np.where(far, self.least / 2 + self.most / 2, self.pivot)
        reach = np.where(far, self.most - self.least, self.largest)
        sum1, sum2 = self.digits(reach, middle).pairs
        ends = np.append(self.begins[1:], len(self.values))
        for i in np.flatnonzero(~_usual(reach)).tolist():
            own = power_sums(self.values[self.begins[i] : ends[i]], float(middle[i]))
            sum1[0][i], sum1[1][i], sum2[0][i], sum2[1][i] = own[1:5]
        return moved_sums(self.rows, sum1, sum2, middle, self.pivot)

    def _chunks(self) -> Iterator[tuple[Values, Ints, slice, Ints]]:
        """Some values, which of them are left out, the parts they are of, where these begin."""
        for begin in range(0, len(self.values), PART_CHUNK):
            chunk = self.values[begin : begin + PART_CHUNK]
            end = begin + len(chunk)
            gone = self.apart[slice(*np.searchsorted(self.apart, [begin, end]))] - begin
            first = int(np.searchsorted(self.begins, begin, "right")) - 1
            last = int(np.searchsorted(self.begins, end, "left"))
            yield chunk, gone, slice(first, last), np.maximum(self.begins[first:last] - begin, 0)

    def digits(self, reach: Floats, about: Floats | None = None) -> _Digits:
        """The sums of the digits of deviations, and of those of their squares.

        ``reach`` is the largest absolute deviation of each part, or more, from the pivot or what it
        is ``about``.
        """
        about = np.full(len(reach), self.pivot) if about is None else about
        if _whole(self.values, about) and float(reach.max()) ** 2 * int(self.rows.sum()) < INTEGRAL:
            return _Digits(self._whole_sums(int(about[0])), exact=True)
        usual = _usual(reach) & (reach > 0)
        fine = _anchors(np.where(usual, reach, 1.0))
        used = fine[usual] if usual.any() else np.ones(1)
        alike = not np.ptp(about) and used.max() <= ALIKE_PARTS * used.min()
        middle, anchor = about[:1], used.max(keepdims=True)
        out = np.zeros((6, len(reach)))  # upper, middle and lower digits; the same of the squares
        room = np.empty((6, min(len(self.values), PART_CHUNK)))
        for chunk, gone, these, at in self._chunks():
            if not alike:
                sizes = np.diff(at, append=len(chunk))
                middle, anchor = np.repeat(about[these], sizes), np.repeat(fine[these], sizes)
            terms = room[:, : len(chunk)]
            with np.errstate(over="ignore", invalid="ignore"):
                np.subtract(chunk, middle, out=terms[5])
                terms[5, gone] = 0.0
                _split(terms, anchor)
                out[:, these] += np.add.reduceat(terms, at, axis=1)
        return _Digits(out, exact=False)

    def _whole_sums(self, about: int) -> Floats:
        """The digits of small whole numbers: all are upper ones."""
        out = np.zeros((6, len(self.begins)))
        room = np.empty(min(len(self.values), PART_CHUNK), dtype=np.int64)
        for chunk, gone, these, at in self._chunks():
            deviations = np.subtract(chunk, about, out=room[: len(chunk)])
            deviations[gone] = 0
            out[0, these] += np.add.reduceat(deviations, at)
            deviations *= deviations
            out[3, these] += np.add.reduceat(deviations, at)
        return out


def _usual(reach: Floats) -> Bools:
    """Which sizes of numbers have squares, and split parts, that doubles hold."""
    return np.asarray((reach == 0) | ((reach > 1e-130) & (reach < 1e145)))


def _whole(values: Values, about: Floats) -> bool:
    """Whether values are integers, and all parts are taken about the same integer."""
    first = float(about[0])
    short = first.is_integer() and abs(first) < LARGEST_INT64
    return values.dtype == np.int64 and short and not np.ptp(about)


def _anchors(reach: Floats) -> Floats:
    """Constants that, added to a number, round it to the upper digits of the largest one."""
    return np.asarray(np.ldexp(1.5, np.frexp(reach)[1] + 52 - SQUARED_BITS))


def _split(terms: Floats, anchor: Floats) -> None:
    """Upper, middle and lower digits of numbers, and their squares in three parts.

    The sums of the upper and of the middle digits, of the squares of the upper ones and of their
    products are exact; all else is so small that rounding it does not matter.
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
