"""The sketch of a text feature: what one pass over the reference keeps, to choose a support.

Exact counts while there are at most ``limit`` distinct values, then the Misra-Gries summary [1],
which keeps every value that is frequent enough. Its counts do depend on the order of the rows; they
only nominate candidates, which the counting pass then counts exactly.

References:
    [1] Agarwal, P. K. et al. (2013). Mergeable summaries. ACM Transactions on Database Systems
        38(4), 26.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


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
    counts: NDArray[np.int64]
    deducted: int = 0
    rows: int = 0
    null: int = 0
    nan: int = 0

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
        merged = replace(
            self,
            values=encoded.dictionary,
            counts=counts,
            deducted=sum(part.deducted for part in parts),
            rows=sum(part.rows for part in parts),
            null=sum(part.null for part in parts),
            nan=sum(part.nan for part in parts),
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
