"""The sketch of a numeric feature: what one pass over the reference keeps, to choose a support.

A sketch is mergeable. That of numbers depends neither on the order of the rows nor on how they
were partitioned, which is why it is no t-digest or sample: it holds row counts per cell of the key
space, at the finest resolution at which the whole data fills at most ``limit`` cells. Any part of
the data fills at most as many cells as the whole, so every merge order ends at the same
resolution, with exact counts. For text see :mod:`kldrift.binning.text_sketch`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Self

import numpy as np

from kldrift.arrays import Floats, Hashes, Ints
from kldrift.binning.distinct_count import (
    merged_hashes,
    number_of_distinct,
    smallest_hashes,
)
from kldrift.binning.text_sketch import TextSketch
from kldrift.profiles.support import Keys

LIMIT: Final = 16_384
NOMINATION: Final = 512
"""A value that fills 2/512 of the rows is nominated for a cell of its own."""


def order_key(values: Floats) -> Ints:
    """Integers in the order of the doubles: neighbouring doubles have neighbouring keys.

    Examples:
        >>> order_key(np.array([-1.0, 0.0, 5e-324, 1.0])).tolist()
        [-4607182418800017409, 0, 1, 4607182418800017408]
    """
    bits = (values + 0.0).view(np.int64)  # + 0.0 makes -0.0 the zero that it equals
    return bits ^ ((bits >> 63) & np.int64(0x7FFF_FFFF_FFFF_FFFF))


@dataclass(frozen=True, eq=False)
class NumericSketch:
    """Row counts per cell of the key space, fine enough to cut quantiles; a monoid under ``+``.

    Attributes:
        level: resolution: at 0 each cell holds one value; each level halves the resolution.
        prefixes: the cells that hold rows, increasing.
        heavy: every key that fills 2/512 of the rows, and some that fill less: candidates for a
            cell of their own. Which others are among them depends on the batches.
        hashes: the smallest hashes of distinct integers, to estimate their number; None while
            level is 0 and the number is known, and for floats.
        flow: rows that are NaN, minus infinity, plus infinity.
    """

    limit: int
    level: int
    prefixes: Ints
    counts: Ints
    lows: Keys
    highs: Keys
    heavy: Keys
    hashes: Hashes | None = None
    null: int = 0
    flow: tuple[int, int, int] = (0, 0, 0)

    @classmethod
    def empty(cls, dtype: np.dtype[Any], limit: int = LIMIT) -> Self:
        """The sketch of no rows: the neutral element of ``+``."""
        keys = np.empty(0, dtype=dtype)
        none = np.empty(0, dtype=np.int64)
        return cls(limit, 0, none, none, keys, keys, keys)

    @classmethod
    def of(cls, ordered: Keys, null: int, limit: int = LIMIT, level: int = 0) -> Self:
        """Sketch a batch.

        Args:
            ordered: keys in increasing order, shape ``(n,)``; floats may end with NaN.
            null: rows beside them that are null.
            limit: most cells to keep.
            level: resolution to begin with, to save work where it is known.
        """
        flow = (0, 0, 0)
        if ordered.dtype == np.float64:
            first, end = (int(i) for i in np.searchsorted(ordered, [-np.inf, np.inf], "right"))
            last = int(np.searchsorted(ordered, np.inf, "left"))
            flow = (len(ordered) - end, first, end - last)
            ordered = ordered[first:last]
        level, prefixes = _fitted(_prefixes(ordered, level), ordered, level, limit)
        starts = np.flatnonzero(np.diff(prefixes, prepend=~prefixes[:1]))
        ends = np.append(starts[1:], len(ordered))[: len(starts)]
        zero = ordered.dtype.type(0)  # adding it turns -0.0 into the 0.0 that it equals
        return cls(
            limit,
            level,
            prefixes[starts],
            ends - starts,
            ordered[starts] + zero,
            ordered[ends - 1] + zero,
            _nominated(ordered) + zero,
            _hashes(ordered[np.diff(ordered, prepend=~ordered[:1]) != 0])
            if level and ordered.dtype == np.int64
            else None,
            null,
            flow,
        )

    @classmethod
    def of_cells(
        cls,
        limit: int,
        level: int,
        counts: Ints,
        lows: Keys,
        highs: Keys,
        heavy: Keys,
        hashes: Hashes | None,
    ) -> Self:
        """The sketch of rows that were counted per cell, in the order of the cells.

        ``heavy`` has every key that fills 2/512 of the rows, and any others; all else is as the
        attributes.
        """
        zero = lows.dtype.type(0)  # adding it turns -0.0 into the 0.0 that it equals
        keys = (lows + zero, highs + zero, heavy + zero)
        sketch = cls(limit, level, _prefixes(lows, level), counts, *keys, hashes)
        return sketch.coarsened().weeded()

    def packed(self) -> tuple[Any, ...]:
        """Serialise to a tuple of arrays, without what follows from them."""
        counts = self.counts
        if not len(counts) or counts.max() < 2**32:
            counts = counts.astype(np.uint32)
        keys = (self.lows, self.highs, self.heavy)
        return self.limit, self.level, counts, *keys, self.hashes, self.null, self.flow

    @classmethod
    def unpacked(cls, packed: tuple[Any, ...]) -> Self:
        """Deserialise what :meth:`packed` gave."""
        limit, level, counts, lows, *rest = packed
        return cls(limit, level, _prefixes(lows, level), counts.astype(np.int64), lows, *rest)

    @property
    def rows(self) -> int:
        """Rows with a finite number."""
        return int(self.counts.sum())

    @property
    def exact(self) -> bool:
        """Whether every cell holds one value."""
        return self.level == 0

    @property
    def distinct(self) -> float:
        """Number of distinct finite values: exact, or an estimate for integers, else NaN."""
        if self.level == 0:
            return len(self.prefixes)
        if self.hashes is None:
            return float("nan")
        return number_of_distinct(self.hashes)

    def coarsened(self, level: int | None = None) -> Self:
        """Lower the resolution to a level, and further until the cells are few enough."""
        level = self.level if level is None else max(level, self.level)
        known = self.prefixes if level == self.level else _prefixes(self.lows, level)
        level, prefixes = _fitted(known, self.lows, level, self.limit)
        if level == self.level:
            return self
        cells = _reduced(prefixes, self.counts, self.lows, self.highs)
        return replace(self, level=level, **cells, hashes=self._all_hashes())

    def _all_hashes(self) -> Hashes | None:
        return _hashes(self.lows) if self.hashes is None else self.hashes

    def __add__(self, other: Self) -> Self:
        return self.plus([other])

    def plus(self, others: Sequence[Self]) -> Self:
        """The sum of several sketches, in one step."""
        parts = [self, *others]
        level = max(part.level for part in parts)
        prefixes_of = [p.prefixes if p.level == level else _prefixes(p.lows, level) for p in parts]
        prefixes = np.concatenate(prefixes_of)
        # Each part is in order: to sort them stably is to merge them. The cells of one prefix lie
        # side by side in each of these orders.
        order = np.argsort(prefixes, kind="stable")
        lows = np.sort(np.concatenate([part.lows for part in parts]), kind="stable")
        highs = np.sort(np.concatenate([part.highs for part in parts]), kind="stable")
        counts = np.concatenate([part.counts for part in parts])[order]
        level, prefixes = _fitted(prefixes[order], lows, level, self.limit)
        hashes = [part._all_hashes() for part in parts] if level else []  # noqa: SLF001
        known = [h for h in hashes if h is not None]
        nan, low, high = (sum(rows) for rows in zip(*(p.flow for p in parts), strict=True))
        merged = replace(
            self,
            level=level,
            **_reduced(prefixes, counts, lows, highs),
            heavy=np.unique(np.concatenate([part.heavy for part in parts])),
            hashes=merged_hashes(known) if known else None,
            null=sum(part.null for part in parts),
            flow=(nan, low, high),
        )
        return merged.weeded()

    def weeded(self) -> Self:
        """Drop the nominated keys whose cells hold too few rows.

        A key that fills 2/512 of the whole fills as much of at least one of any two parts: it
        is nominated there, and stays nominated in every sum. So the others can go, which keeps
        the nominated few.
        """
        cells = np.searchsorted(self.lows, self.heavy, "right") - 1
        weighty = self.counts[cells] * NOMINATION >= 2 * self.rows
        return replace(self, heavy=self.heavy[weighty])


def _prefixes(keys: Keys, level: int) -> Ints:
    if keys.dtype == np.float64:
        return order_key(keys) >> level if level else order_key(keys)
    if level == 0:
        return keys.astype(np.int64, copy=False)
    return order_key(keys.astype(np.float64)) >> level


def _fitted(prefixes: Ints, keys: Keys, level: int, limit: int) -> tuple[int, Ints]:
    """The finest resolution, from a level on, that fits a limit; and the prefixes there."""
    differences = prefixes[1:] ^ prefixes[:-1]
    if np.count_nonzero(differences) < limit:
        return level, prefixes
    few, shift = 0, 63
    if level == 0:
        level, prefixes = 1, _prefixes(keys, 1)
        differences = prefixes[1:] ^ prefixes[:-1]
        few = -1
    # Cells only merge as the resolution falls: halve the shifts that come into question.
    while shift - few > 1:
        middle = (few + shift) // 2
        if np.count_nonzero(differences >> middle) < limit:
            shift = middle
        else:
            few = middle
    return level + shift, prefixes >> shift


def _reduced(prefixes: Ints, counts: Ints, lows: Keys, highs: Keys) -> dict[str, Any]:
    """Merge neighbouring cells of the same prefix; cells are in order."""
    starts = np.flatnonzero(np.diff(prefixes, prepend=~prefixes[:1]))
    ends = np.append(starts[1:], len(prefixes))[: len(starts)]
    return {
        "prefixes": prefixes[starts],
        "counts": np.add.reduceat(counts, starts) if len(starts) else counts,
        "lows": lows[starts],
        "highs": highs[ends - 1],
    }


def _nominated(ordered: Keys) -> Keys:
    """Every value that fills at least 2/512 of a sorted batch (and maybe some that fill less)."""
    if len(ordered) <= NOMINATION // 2:
        return np.unique(ordered)  # a single row is as much
    stride = max(1, len(ordered) // NOMINATION)
    marks = ordered[::stride]
    return np.unique(marks[1:][marks[1:] == marks[:-1]])


def _hashes(distinct: Keys) -> Hashes | None:
    if distinct.dtype == np.float64:
        return None  # floats are never identifiers: nobody asks for their number
    return smallest_hashes(distinct.astype(np.int64, copy=False))


Sketch = NumericSketch | TextSketch
