"""Counting a batch of one feature: the kernels that every row goes through.

The cell of a number is looked up in a grid over the edges; where there are few numbers, they are
sorted and the edges are searched among them; whole numbers close together are counted one by one.
Text is counted by dictionary code. No kernel runs Python per value.
"""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cached_property
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from kldrift.grid import Grid
from kldrift.moments import NO_MOMENTS, Moments
from kldrift.reading import (
    Reading,
    Tally,
    Vocabulary,
    null_count,
    numbers,
    plain,
    unordered,
    without,
)
from kldrift.sketch import LIMIT, NumericSketch, Sketch, TextSketch
from kldrift.spectrum import Spectrum, exact_about
from kldrift.support import CategoricalSupport, Keys, NumericSupport, Support

Counts = NDArray[np.int64]

FEW: Final = 2048
"""Numbers of a batch that are sooner sorted than looked up."""
REMEMBERED: Final = 2**24
"""Bytes of dictionaries that all features of a task keep for their next batch."""


def sketch_batch(column: pa.Array, reading: Reading, limit: int = LIMIT, level: int = 0) -> Sketch:
    """Sketch one batch of a feature.

    Args:
        column: the values, shape ``(n,)``.
        reading: how they become keys.
        limit: most cells or values to keep.
        level: resolution that the rest of the feature has already been brought down to.
    """
    if reading is Reading.PRESENCE:
        null = plain(column).null_count
        return replace(TextSketch.empty(limit), rows=len(column) - null, null=null)
    if reading is Reading.TEXT:
        tally = Tally(column)
        counts, null, nan = tally.counts()
        used = counts > 0  # a dictionary may hold values that no row has
        names, rows = tally.names.filter(pa.array(used)), int(counts.sum())
        batch = TextSketch(limit, names, counts[used], 0, rows, null, nan)
        # Adding nothing merges names that two different values share, and keeps the limit.
        return TextSketch.empty(limit) + batch
    keys = numbers(column, reading)
    return NumericSketch.of(np.sort(keys), len(column) - len(keys), limit, level)


class Counter:
    """Counts batches of one feature on one support.

    Args:
        support: the cells.
        reading: how values become keys; as when the support was chosen.
        remembered: bytes of the largest dictionary that is kept for the next batch, which often
            has the same.
    """

    def __init__(
        self, support: Support, reading: Reading, remembered: int = REMEMBERED // 16
    ) -> None:
        self.support = support
        self.reading = reading
        self._remembered = remembered
        self._known: tuple[Vocabulary | None, Counts] = (None, np.empty(0, dtype=np.int64))

    @cached_property
    def _categories(self) -> pa.Array:
        assert isinstance(self.support, CategoricalSupport)
        return pa.array(self.support.categories, pa.string())

    def count(self, column: pa.Array) -> tuple[Counts, Moments]:
        """Rows per cell and moments of one batch, shape ``(support.size,)``."""
        if isinstance(self.support, CategoricalSupport):
            return self._count_text(column, self.support), NO_MOMENTS
        count = self._count_whole if self.support.integral else self._count_floats
        return count(plain(column), self.support)

    def _count_whole(self, column: pa.Array, support: NumericSupport) -> tuple[Counts, Moments]:
        counts = np.zeros(support.size, dtype=np.int64)
        counts[-1] = column.null_count
        if counts[-1] == len(column):
            return counts, Moments(pivot=support.pivot)
        spectrum, exact = None, exact_about(support.pivot)
        if exact and pa.types.is_boolean(column.type):
            spectrum = Spectrum.of_booleans(column)
        else:
            keys = unordered(column, self.reading)
            low, high = keys.min().item(), keys.max().item()
            spectrum = Spectrum.of(keys, low, high) if exact else None
        if spectrum is not None:
            counts[:-1] = spectrum.count(support.edges)
            return counts, spectrum.moments(support.pivot)
        counts[:-1] = self._between_edges(keys, (low, high))
        return counts, Moments.of(keys, support.pivot, (float(low), float(high)))

    def _count_floats(self, column: pa.Array, support: NumericSupport) -> tuple[Counts, Moments]:
        counts = np.zeros(support.size, dtype=np.int64)
        keys = unordered(column, self.reading)
        counts[-1] = len(column) - len(keys)
        low, high = _ends(keys)
        if not (math.isfinite(low) and math.isfinite(high)):
            apart = np.flatnonzero(~np.isfinite(keys))
            others = keys[apart]
            counts[-2] = np.count_nonzero(np.isnan(others))
            counts[0] = np.count_nonzero(others < 0)
            counts[support.intervals - 1] = np.count_nonzero(others > 0)
            keys = without(keys, apart)
            low, high = _ends(keys)
        # The outermost intervals are the infinities.
        counts[1 : support.intervals - 1] = self._between_edges(keys, (low, high))
        return counts, Moments.of(keys, support.pivot, (low, high))

    def _between_edges(self, keys: Keys, ends: tuple[float, float]) -> Counts:
        """Rows below the first edge, between each two, and from the last on; keys are finite."""
        if len(keys) >= FEW and self._grid is not None:
            return self._grid.count(keys, ends)
        places = np.searchsorted(np.sort(keys), self._edges, "left")
        return np.diff(places, prepend=0, append=len(keys))

    @cached_property
    def _edges(self) -> Keys:
        """The finite edges."""
        assert isinstance(self.support, NumericSupport)
        return self.support.edges if self.support.integral else self.support.edges[1:-1]

    @cached_property
    def _grid(self) -> Grid | None:
        return Grid(self._edges) if len(self._edges) else None

    def count_groups(
        self, column: pa.Array, groups: NDArray[np.int64], n_groups: int
    ) -> tuple[Counts, list[Moments]]:
        """Rows per group and cell, and moments per group, of one batch.

        Args:
            column: the values, shape ``(n,)``.
            groups: the group of each row, ``0 <= g < n_groups``, shape ``(n,)``.
            n_groups: number of groups.

        Returns:
            Counts, shape ``(n_groups, support.size)``, and ``n_groups`` moments.
        """
        size = self.support.size
        if isinstance(self.support, CategoricalSupport):
            cells = self._cells_of_text(column, self.support)
            moments = [NO_MOMENTS] * n_groups
        else:
            cells, moments = self._cells_of_numbers(column, self.support, groups, n_groups)
        counts = np.bincount(groups * size + cells, minlength=n_groups * size)
        return counts.reshape(n_groups, size), moments

    def _count_text(self, column: pa.Array, support: CategoricalSupport) -> Counts:
        """Rows per cell: each name of the batch is looked up once."""
        counts = np.zeros(support.size, dtype=np.int64)
        other = len(support.categories)
        if self.reading is Reading.PRESENCE:
            counts[-1] = null_count(column)
            counts[other] = len(column) - counts[-1]
            return counts
        known, cells = self._known
        tally = Tally(column, known)
        if tally.vocabulary is not known:
            cells = self._cells_of_names(tally, support)
            if tally.vocabulary.values.nbytes <= self._remembered:
                self._known = tally.vocabulary, cells
        of_name, null, nan = tally.counts()
        counts[: other + 1] = np.bincount(cells, of_name, other + 1)
        counts[-1] += null
        counts[-2] += nan
        return counts

    def _cells_of_names(self, tally: Tally, support: CategoricalSupport) -> NDArray[np.int64]:
        found = pc.index_in(tally.names, value_set=self._categories)
        cells = found.fill_null(len(support.categories)).to_numpy(zero_copy_only=False)
        return np.asarray(cells.astype(np.int64))

    def _cells_of_text(self, column: pa.Array, support: CategoricalSupport) -> NDArray[np.int64]:
        other = len(support.categories)
        if self.reading is Reading.PRESENCE:
            valid = plain(column).is_valid().to_numpy(zero_copy_only=False)
            presence: Counts = np.where(valid, other, support.size - 1)
            return presence
        tally = Tally(column)
        flow = [support.size - 2, support.size - 1]  # codes -2 (NaN) and -1 (null) come last
        cells = np.append(self._cells_of_names(tally, support), flow)
        return np.asarray(cells[tally.codes])

    def _cells_of_numbers(
        self,
        column: pa.Array,
        support: NumericSupport,
        groups: NDArray[np.int64],
        n_groups: int,
    ) -> tuple[NDArray[np.int64], list[Moments]]:
        column = plain(column)
        cells = np.full(len(column), support.size - 1)
        valid = column.is_valid().to_numpy(zero_copy_only=False)
        keys = numbers(column, self.reading)
        places = np.searchsorted(support.edges, keys, "right")
        finite = np.isfinite(keys)
        if not support.integral:
            places[np.isnan(keys)] = support.size - 2
        cells[valid] = places
        values = keys[finite].astype(np.float64, copy=False)
        among = groups[valid][finite]
        return cells, _grouped_moments(values, among, n_groups, support.pivot)


def _ends(keys: Keys) -> tuple[float, float]:
    """The smallest and the largest; NaN where one is; zeros where there are none."""
    return (float(keys.min()), float(keys.max())) if len(keys) else (0.0, 0.0)


def _grouped_moments(
    values: NDArray[np.float64], groups: NDArray[np.int64], n_groups: int, pivot: float
) -> list[Moments]:
    """Moments of the values of each group, without a pass per group."""
    rows = np.bincount(groups, minlength=n_groups)
    low = np.full(n_groups, np.inf)
    high = np.full(n_groups, -np.inf)
    np.minimum.at(low, groups, values)
    np.maximum.at(high, groups, values)
    with np.errstate(over="ignore", invalid="ignore"):
        # A group may lie far from the pivot of all: about its own middle it loses no digits.
        own = np.where(rows > 0, low / 2 + high / 2, 0.0)
        deviations = values - own[groups]
        sum1 = np.bincount(groups, deviations, n_groups)
        sum2 = np.bincount(groups, deviations * deviations, n_groups)
    none = np.zeros(n_groups)
    columns = (rows, own, sum1, none, sum2, none, low, high)
    return [
        Moments(*row).about(pivot) for row in zip(*map(np.ndarray.tolist, columns), strict=True)
    ]
