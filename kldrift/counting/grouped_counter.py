"""The profiles of all segments of one list, for one feature: a row of counts and of moments each.

All are on the feature's own support, so that they and the rows of no segment add up to its profile.
"""

from __future__ import annotations

import operator
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, reduce
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from kldrift.counting.counter import Cells
from kldrift.errors import DatasetError
from kldrift.profiles.many_moments import ManyMoments
from kldrift.profiles.moments import NO_MOMENTS
from kldrift.profiles.profile import Profile
from kldrift.profiles.support import (
    CategoricalSupport,
    NumericSupport,
    Support,
    pivot_of,
    require_same,
)

Ints = NDArray[np.int64]

_HEADER: Final = 4
"""Whole numbers before all others: bytes of a count, segments, cells, arrays of moments."""
MOST_BYTES: Final = 512 * 2**20
"""What the counts of segments may take in a task."""


@dataclass(frozen=True, eq=False)
class SegmentProfiles:
    """Row counts and moments of each segment; a commutative monoid under ``+``.

    Attributes:
        support: the cells, in order.
        counts: rows per segment and cell, shape ``(segments, support.size)``.
        moments: of the finite values of each segment; None for categories.
    """

    support: Support
    counts: Ints
    moments: ManyMoments | None = None

    @property
    def rows(self) -> Ints:
        """Number of rows of each segment."""
        return np.asarray(self.counts.sum(-1))

    def __len__(self) -> int:
        return len(self.counts)

    def __getitem__(self, segment: int) -> Profile:
        moments = NO_MOMENTS if self.moments is None else self.moments[segment]
        return Profile(self.support, self.counts[segment], moments)

    def __add__(self, other: Self) -> Self:
        require_same(self.support, other.support)
        moments = self.moments
        if moments is not None and other.moments is not None:
            moments = moments + other.moments
        return type(self)(self.support, self.counts + other.counts, moments)

    def take(self, segments: Ints) -> Self:
        """Those of some segments, in their order."""
        moments = None if self.moments is None else self.moments.take(segments)
        return type(self)(self.support, self.counts[segments], moments)

    def moved(self, support: Support, target: NDArray[np.intp]) -> Self:
        """The same on a support that some cells were merged to; see ``Frozen.target``."""
        order = np.argsort(target, kind="stable")
        starts = np.flatnonzero(np.diff(target[order], prepend=-1))  # every cell comes from some
        counts = np.add.reduceat(self.counts[:, order], starts, axis=-1)
        moments = self.moments and replace(self.moments, pivot=pivot_of(support))
        return type(self)(support, counts, moments)

    def packed(self) -> bytes:
        """The counts and moments as they travel and are stored; the support is known there."""
        counts = self.counts.astype(np.min_scalar_type(int(self.counts.max(initial=0))))
        moments = () if self.moments is None else self.moments.arrays
        header = np.array([counts.itemsize, *counts.shape, len(moments)], dtype=np.int64)
        return zlib.compress(b"".join(a.tobytes() for a in (header, *moments, counts)), 1)

    @classmethod
    def unpacked(cls, payload: bytes, support: Support) -> Self:
        """The profiles again.

        Raises:
            ValueError, zlib.error: the bytes are damaged.
        """
        raw = zlib.decompress(payload)
        size, n, cells, several = np.frombuffer(raw, np.int64, _HEADER).tolist()
        arrays = np.frombuffer(raw, np.float64, n * several, 8 * _HEADER).reshape(several, n)
        at = 8 * (_HEADER + n * several)
        counts = np.frombuffer(raw, f"u{size}", n * cells, at).reshape(n, cells)
        moments = None
        if several:
            rows, *sums = arrays
            moments = ManyMoments(pivot_of(support), rows.view(np.int64), *sums)
        return cls(support, counts.astype(np.int64), moments)


def merge_packed(payloads: Iterable[bytes]) -> bytes:
    """The sum of packed profiles of one support, which need not be known for it."""
    unknown = CategoricalSupport(())
    parts = (SegmentProfiles.unpacked(payload, unknown) for payload in payloads)
    return reduce(operator.add, parts).packed()


class SegmentRows:
    """Which segment each row of a batch belongs to.

    Args:
        numbers: the number of each row's segment, shape ``(n,)``; ``segments`` for none.
        segments: number of segments.
    """

    def __init__(self, numbers: Ints, segments: int) -> None:
        self.numbers = numbers
        self.segments = segments

    @cached_property
    def ordered(self) -> Ints:
        """The rows of segments, segment by segment."""
        narrow = np.int16 if self.segments < 2**15 else np.int32  # these are sorted by their digits
        order = np.argsort(self.numbers.astype(narrow), kind="stable")
        return order[: len(order) - np.count_nonzero(self.numbers == self.segments)]

    @cached_property
    def sizes(self) -> Ints:
        """Rows of each segment."""
        return np.bincount(self.numbers, minlength=self.segments + 1)[:-1]

    def of(self, cells: Cells) -> tuple[Ints, Ints]:
        """Places in ``cells.keys``, segment by segment, and how many each segment has."""
        if cells.rows is None:
            return self.ordered, self.sizes
        place = np.full(len(self.numbers), -1)
        place[cells.rows] = np.arange(len(cells.rows))
        places = place[self.ordered]
        sizes = np.bincount(self.numbers[cells.rows], minlength=self.segments + 1)[:-1]
        return places[places >= 0], sizes


class SegmentCounter:
    """Adds up batches of one feature, for each segment of one list.

    Args:
        support: the cells.
        segments: number of segments.
    """

    def __init__(self, support: Support, segments: int) -> None:
        self._support = support
        self._segments = segments
        self._counts = np.zeros((segments + 1) * support.size, dtype=np.int64)
        self._moments: ManyMoments | None = None
        if isinstance(support, NumericSupport):
            self._moments = ManyMoments.none(segments, support.pivot)

    def add(self, cells: Cells, rows: SegmentRows) -> None:
        """Add a batch."""
        # One addition a row: the table of counts may be larger than the batch.
        np.add.at(self._counts, rows.numbers * self._support.size + cells.cells, 1)
        if self._moments is not None and cells.keys is not None:
            places, sizes = rows.of(cells)
            self._moments += ManyMoments.of(cells.keys[places], sizes, self._moments.pivot)

    def profiles(self) -> SegmentProfiles:
        """What was added."""
        counts = self._counts.reshape(self._segments + 1, self._support.size)[:-1]
        return SegmentProfiles(self._support, counts, self._moments)


def check_room(supports: Sequence[Support], segments: Sequence[int]) -> None:
    """Check that the counts of all segments fit into a task.

    Args:
        supports: the cells of each feature.
        segments: how many segments each list has.

    Raises:
        DatasetError: they do not.
    """
    cells, many = sum(s.size for s in supports), sum(segments)
    if 8 * cells * many > MOST_BYTES:
        raise DatasetError(
            f"segments: the counts of {many:,} segments times {cells:,} cells of "
            f"{len(supports):,} features take {8 * cells * many / 2**20:,.0f} MB in each task, "
            f"more than {MOST_BYTES // 2**20}; lower scoring.max_segments, scoring.stored_bins or "
            "scoring.max_categories, or monitor fewer features"
        )
