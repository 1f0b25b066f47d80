"""What one pass over the reference keeps of a feature, so that its support can be chosen.

A sketch is mergeable, and its content depends neither on the order of the rows nor on how they
were partitioned. That is why it is no t-digest or sample:

- Numbers: row counts per cell of the key space, at the finest resolution at which the whole data
  fills at most ``limit`` cells. Any part of the data fills at most as many cells as the whole, so
  every merge order ends at the same resolution, with exact counts.
- Text: exact counts while there are at most ``limit`` distinct values, then the Misra-Gries
  summary [1], which keeps every value that is frequent enough. Its counts do depend on the order;
  they only nominate candidates, which the counting pass then counts exactly.

References:
    [1] Agarwal, P. K. et al. (2013). Mergeable summaries. ACM Transactions on Database Systems
        38(4), 26.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from kldrift.support import Keys

LIMIT: Final = 16_384
NOMINATION: Final = 512
"""A value that fills 2/512 of the rows is nominated for a cell of its own."""
HASHES: Final = 2_048

Int64s = NDArray[np.int64]


def order_key(values: NDArray[np.float64]) -> Int64s:
    """Integers in the order of the doubles: neighbouring doubles have neighbouring keys.

    Examples:
        >>> order_key(np.array([-1.0, 0.0, 5e-324, 1.0])).tolist()
        [-4607182418800017409, 0, 1, 4607182418800017408]
    """
    bits = (values + 0.0).view(np.int64)  # + 0.0 makes -0.0 the zero that it equals
    return bits ^ ((bits >> 63) & np.int64(0x7FFF_FFFF_FFFF_FFFF))


def scatter(values: Int64s) -> NDArray[np.uint64]:
    """A well-mixed hash of each value (splitmix64, Steele et al. 2014)."""
    h = values.view(np.uint64) + np.uint64(0x9E37_79B9_7F4A_7C15)
    h = (h ^ (h >> np.uint64(30))) * np.uint64(0xBF58_476D_1CE4_E5B9)
    h = (h ^ (h >> np.uint64(27))) * np.uint64(0x94D0_49BB_1331_11EB)
    return np.asarray(h ^ (h >> np.uint64(31)))


@dataclass(frozen=True, eq=False)
class NumericSketch:
    """Row counts per cell of the key space, fine enough to cut quantiles; a monoid under ``+``.

    Attributes:
        limit: most cells that are kept.
        level: resolution: at 0 each cell holds one value; each level halves the resolution.
        prefixes: the cells that hold rows, increasing.
        counts: rows per cell.
        lows: smallest key seen in each cell.
        highs: largest key seen in each cell.
        heavy: every key that fills 2/512 of the rows, and some that fill less: candidates for a
            cell of their own. Which others are among them depends on the batches.
        hashes: the smallest hashes of distinct integers, to estimate their number; None while
            level is 0 and the number is known, and for floats.
        null: rows that are null.
        flow: rows that are NaN, minus infinity, plus infinity.
    """

    limit: int
    level: int
    prefixes: Int64s
    counts: Int64s
    lows: Keys
    highs: Keys
    heavy: Keys
    hashes: NDArray[np.uint64] | None = None
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
        zero = ordered.dtype.type(0)  # adding it turns -0.0 into the 0.0 that it equals
        prefixes = _prefixes(ordered, level)
        starts = np.flatnonzero(np.diff(prefixes, prepend=~prefixes[:1]))
        ends = np.append(starts[1:], len(ordered))[: len(starts)]
        sketch = cls(
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
        return sketch.coarsened()

    def packed(self) -> tuple[Any, ...]:
        """The sketch as it travels: without what can be told from the rest."""
        counts = self.counts
        if not len(counts) or counts.max() < 2**32:
            counts = counts.astype(np.uint32)
        keys = (self.lows, self.highs, self.heavy)
        return self.limit, self.level, counts, *keys, self.hashes, self.null, self.flow

    @classmethod
    def unpacked(cls, packed: tuple[Any, ...]) -> Self:
        """The sketch again."""
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
        if len(self.hashes) < HASHES:
            return len(self.hashes)
        return (HASHES - 1) / (float(self.hashes[-1]) / 2.0**64)

    def coarsened(self, level: int | None = None) -> Self:
        """The same rows at a lower resolution: the given one, and few enough cells."""
        level = self.level if level is None else level
        keys = self.prefixes
        if level > self.level:
            keys = _prefixes(self.lows, level)
        if len(keys) > self.limit:
            shift = 0
            fine = keys
            if level == 0:
                level, fine = 1, _prefixes(self.lows, 1)
            # Cells only merge as the resolution falls: halve the shifts that come into question.
            differences = fine[1:] ^ fine[:-1]
            few, shift = -1, 63
            while shift - few > 1:
                middle = (few + shift) // 2
                if np.count_nonzero(differences >> middle) + 1 > self.limit:
                    few = middle
                else:
                    shift = middle
            level += shift
            keys = fine >> shift
        if level == self.level:
            return self
        starts = np.flatnonzero(np.diff(keys, prepend=~keys[:1]))
        return replace(
            self,
            level=level,
            prefixes=keys[starts],
            counts=np.add.reduceat(self.counts, starts) if len(starts) else self.counts,
            lows=self.lows[starts],
            highs=self.highs[np.append(starts[1:], len(keys))[: len(starts)] - 1],
            hashes=_hashes(self.lows) if self.hashes is None else self.hashes,
        )

    def __add__(self, other: Self) -> Self:
        level = max(self.level, other.level)
        a, b = self.coarsened(level), other.coarsened(level)
        prefixes = np.concatenate([a.prefixes, b.prefixes])
        order = np.argsort(prefixes, kind="stable")
        prefixes = prefixes[order]
        starts = np.flatnonzero(np.diff(prefixes, prepend=~prefixes[:1]))
        lows = np.concatenate([a.lows, b.lows])[order]
        highs = np.concatenate([a.highs, b.highs])[order]
        counts = np.concatenate([a.counts, b.counts])[order]
        some = len(starts) > 0
        merged = replace(
            a,
            prefixes=prefixes[starts],
            counts=np.add.reduceat(counts, starts) if some else counts,
            lows=np.minimum.reduceat(lows, starts) if some else lows,
            highs=np.maximum.reduceat(highs, starts) if some else highs,
            heavy=np.unique(np.concatenate([a.heavy, b.heavy])),
            hashes=_merge_hashes(a.hashes, b.hashes),
            null=a.null + b.null,
            flow=(a.flow[0] + b.flow[0], a.flow[1] + b.flow[1], a.flow[2] + b.flow[2]),
        )
        return merged.coarsened().weeded()

    def weeded(self) -> Self:
        """The same sketch without the nominated keys whose cell shows that they are too light.

        A key that fills 2/512 of the whole fills as much of at least one of any two parts: it
        is nominated there, and stays nominated in every sum. So the others can go, which keeps
        the nominated few.
        """
        cells = np.searchsorted(self.lows, self.heavy, "right") - 1
        weighty = self.counts[cells] * NOMINATION >= 2 * self.rows
        return replace(self, heavy=self.heavy[weighty])


def _prefixes(keys: Keys, level: int) -> Int64s:
    if keys.dtype == np.float64:
        return order_key(keys) >> level if level else order_key(keys)
    if level == 0:
        return keys.astype(np.int64, copy=False)
    return order_key(keys.astype(np.float64)) >> level


def _nominated(ordered: Keys) -> Keys:
    """Every value that fills at least 2/512 of a sorted batch (and maybe some that fill less)."""
    if len(ordered) <= NOMINATION // 2:
        return np.unique(ordered)  # a single row is as much
    stride = max(1, len(ordered) // NOMINATION)
    marks = ordered[::stride]
    return np.unique(marks[1:][marks[1:] == marks[:-1]])


def _hashes(distinct: Keys) -> NDArray[np.uint64] | None:
    if distinct.dtype == np.float64:
        return None  # floats are never identifiers: nobody asks for their number
    return np.sort(scatter(distinct.astype(np.int64, copy=False)))[:HASHES]


def _merge_hashes(
    a: NDArray[np.uint64] | None, b: NDArray[np.uint64] | None
) -> NDArray[np.uint64] | None:
    if a is None or b is None:
        return a if b is None else b
    return np.unique(np.concatenate([a, b]))[:HASHES]


@dataclass(frozen=True, eq=False)
class TextSketch:
    """Row counts of the frequent values of a text feature; a monoid under ``+``.

    Attributes:
        limit: most values that are kept.
        values: distinct values, a string array without nulls.
        counts: rows of each, at most ``deducted`` below the truth.
        deducted: what Misra-Gries may have taken from a count; 0 while all counts are exact.
        rows: rows that are neither null nor NaN.
        null: rows that are null.
        nan: rows that are NaN, for floats that are treated as categories.
    """

    limit: int
    values: pa.Array
    counts: Int64s
    deducted: int = 0
    rows: int = 0
    null: int = 0
    nan: int = 0

    @classmethod
    def empty(cls, limit: int = LIMIT) -> Self:
        """The sketch of no rows: the neutral element of ``+``."""
        return cls(limit, pa.array([], pa.string()), np.empty(0, dtype=np.int64))

    @property
    def exact(self) -> bool:
        """Whether the counts are exact and no value is missing."""
        return self.deducted == 0

    def __add__(self, other: Self) -> Self:
        both = pa.chunked_array([self.values, other.values]).combine_chunks()
        encoded = both.dictionary_encode()
        weights = np.concatenate([self.counts, other.counts])
        codes = encoded.indices.to_numpy()
        counts = np.bincount(codes, weights, len(encoded.dictionary)).astype(np.int64)
        merged = replace(
            self,
            values=encoded.dictionary,
            counts=counts,
            deducted=self.deducted + other.deducted,
            rows=self.rows + other.rows,
            null=self.null + other.null,
            nan=self.nan + other.nan,
        )
        return merged.pruned()

    def pruned(self) -> Self:
        """At most ``limit`` values: the Misra-Gries step, taken off all counts at once."""
        if len(self.counts) <= self.limit:
            return self
        off = int(np.partition(self.counts, -self.limit - 1)[-self.limit - 1])
        keep = self.counts > off
        return replace(
            self,
            values=self.values.filter(pa.array(keep)),
            counts=self.counts[keep] - off,
            deducted=self.deducted + off,
        )


Sketch = NumericSketch | TextSketch
