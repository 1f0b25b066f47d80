"""The sketch of a text feature: what one pass over the reference keeps, to choose a support.

Exact counts while there are at most ``limit`` distinct values, then the Misra-Gries summary [1],
which keeps every value that is frequent enough. Its counts do depend on the order of the rows; they
only nominate candidates, which the counting pass then counts exactly. Beside it stands a sample of
the values: those with the smallest hashes, with the exact rows of each [2]. It does not depend on
the order of rows, and tells the values that the reference had from those that it never had.

References:
    [1] Agarwal, P. K. et al. (2013). Mergeable summaries. ACM Transactions on Database Systems
        38(4), 26.
    [2] Beyer, K. et al. (2007). On synopses for distinct-value estimation under multiset
        operations. SIGMOD 2007, 199-210.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import add
from typing import Final, Self

import numpy as np
import pyarrow as pa

from kldrift.arrays import Hashes, Ints
from kldrift.statistics.hashing import text_hashes

SAMPLED: Final = 4
"""Hashes that are kept for each value that is."""
NAMED: Final = 16
"""Of so many hashes one value is kept, too: those with the smallest ones."""


@dataclass(frozen=True, eq=False)
class HashSample:
    """The values with the smallest hashes, and the rows of each; a monoid under ``+``.

    ``names`` are the values themselves of the first hashes.
    """

    limit: int
    hashes: Hashes
    rows: Ints
    names: pa.Array

    @classmethod
    def of(cls, limit: int, hashes: Hashes, rows: Ints, names: pa.Array, named: Hashes) -> Self:
        """The sample of some values, which may come more than once, as may their names."""
        first = np.unique(named, return_index=True)[1][: limit // NAMED]
        names = names.take(pa.array(first))
        if len(hashes) > 4 * limit:  # two of each at most: what is sorted is little more than kept
            few = hashes <= np.partition(hashes, 2 * limit)[2 * limit]
            hashes, rows = hashes[few], rows[few]
        kept, places = np.unique(hashes, return_inverse=True)
        counts = np.bincount(places, rows, len(kept)).astype(np.int64)
        return cls(limit, kept[:limit], counts[:limit], names)

    def __add__(self, other: Self) -> Self:
        hashes, rows, named = (
            np.concatenate([getattr(part, name) for part in (self, other)])
            for name in ("hashes", "rows", "named")
        )
        names = pa.concat_arrays([self.names, other.names])
        return self.of(self.limit, hashes, rows, names, named)

    @property
    def named(self) -> Hashes:
        """The hashes whose names are kept."""
        return self.hashes[: len(self.names)]

    @property
    def cutoff(self) -> int:
        """The largest hash up to which the sample is complete."""
        return int(self.hashes[-1]) if len(self.hashes) >= self.limit else 2**64 - 1

    @property
    def distinct(self) -> float:
        """The number of distinct values: exact, or an estimate with an error of 1 / sqrt(limit)."""
        k = len(self.hashes)
        return float(k) if k < self.limit else (k - 1) / (self.cutoff / 2**64)


@dataclass(frozen=True, eq=False)
class TextSketch:
    """Row counts of the frequent values of a text feature; a monoid under ``+``.

    Attributes:
        values: distinct values, a string array without nulls.
        counts: rows of each, at most ``deducted`` below the truth.
        deducted: what Misra-Gries may have taken from a count; 0 while all counts are exact.
        nan: rows that are NaN, for floats that are treated as categories.
        sample: of all values, once they are too many; None while ``values`` has them all.
    """

    limit: int
    values: pa.Array
    counts: Ints
    deducted: int = 0
    rows: int = 0
    null: int = 0
    nan: int = 0
    sample: HashSample | None = None

    @classmethod
    def empty(cls, limit: int) -> Self:
        """The sketch of no rows: the neutral element of ``+``."""
        return cls(limit, pa.array([], pa.string()), np.empty(0, dtype=np.int64))

    @property
    def exact(self) -> bool:
        """Whether the counts are exact and no value is missing."""
        return self.deducted == 0

    def __add__(self, other: Self) -> Self:
        return self.plus([other])

    def plus(self, others: Sequence[Self]) -> Self:
        """The sum of several sketches, in one step."""
        parts = (self, *others)
        encoded = pa.concat_arrays([part.values for part in parts]).dictionary_encode()
        weights = np.concatenate([part.counts for part in parts])
        codes = encoded.indices.to_numpy()
        counts = np.bincount(codes, weights, len(encoded.dictionary)).astype(np.int64)
        sampled = [part.known for part in parts] if any(p.sample is not None for p in parts) else []
        merged = replace(
            self,
            sample=reduce(add, sampled) if sampled else None,
            values=encoded.dictionary,
            counts=counts,
            deducted=sum(part.deducted for part in parts),
            rows=sum(part.rows for part in parts),
            null=sum(part.null for part in parts),
            nan=sum(part.nan for part in parts),
        )
        return merged.pruned()

    @property
    def known(self) -> HashSample:
        """The sample of all values."""
        if self.sample is not None:
            return self.sample
        hashes = text_hashes(self.values)
        return HashSample.of(SAMPLED * self.limit, hashes, self.counts, self.values, hashes)

    def most(self) -> tuple[tuple[str, int], ...]:
        """Each value and the rows that it has at least; the most frequent first, then by name."""
        pairs = zip(self.values.to_pylist(), self.counts.tolist(), strict=True)
        return tuple(sorted(pairs, key=lambda pair: (-pair[1], pair[0])))

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
            sample=self.known,
        )
