"""What is known of one feature of one dataset: row counts over a support, and moments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from kldrift.profiles.moments import NO_MOMENTS, Moments
from kldrift.profiles.support import Support, require_same

Counts = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Profile:
    """Row counts per cell and moments; a commutative monoid under ``+``.

    Profiles of disjoint parts of a dataset add up to the profile of the whole, in any order and
    any grouping. This is what lets Spark make one per task and the tables keep one per window.

    Attributes:
        support: the cells, in order.
        counts: rows per cell, shape ``(support.size,)``, read-only.
        moments: of the finite values, in keys of the support; empty for categories.
    """

    support: Support
    counts: Counts
    moments: Moments = NO_MOMENTS

    def __post_init__(self) -> None:
        if self.counts.shape != (self.support.size,):
            raise ValueError(
                f"counts must have shape {(self.support.size,)}, got {self.counts.shape}"
            )
        if self.counts.dtype.kind not in "iu":
            raise ValueError(f"counts must be integers, got {self.counts.dtype}")
        if (self.counts < 0).any():
            cell = self.support.cells[int(self.counts.argmin())]
            raise ValueError(f"counts must not be negative, got {self.counts.min()} in {cell}")
        counts = self.counts.astype(np.int64)  # a copy: the caller keeps a writable array
        counts.flags.writeable = False
        object.__setattr__(self, "counts", counts)

    @classmethod
    def zero(cls, support: Support) -> Self:
        """The profile of no rows, the neutral element of ``+``."""
        return cls(support, np.zeros(support.size, dtype=np.int64))

    @property
    def rows(self) -> int:
        """Number of rows."""
        return int(self.counts.sum())

    def __add__(self, other: Self) -> Self:
        require_same(self.support, other.support)
        return type(self)(self.support, self.counts + other.counts, self.moments + other.moments)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Profile)
            and self.support == other.support
            and np.array_equal(self.counts, other.counts)
            and self.moments == other.moments
        )

    __hash__ = None  # type: ignore[assignment]
