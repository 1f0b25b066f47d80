"""Counting a batch of one feature: the kernels that every row goes through.

The cell of a number is looked up in a grid over the edges; where there are few numbers, they are
sorted and the edges are searched among them. Text is counted by dictionary code. No kernel runs
Python per value.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from kldrift.grid import Grid
from kldrift.moments import NO_MOMENTS, Moments
from kldrift.reading import Reading, Tally, numbers, plain
from kldrift.sketch import LIMIT, NumericSketch, Sketch, TextSketch
from kldrift.support import CategoricalSupport, Keys, NumericSupport, Support, pivot_of

Counts = NDArray[np.int64]

FEW: Final = 2048
"""Numbers of a batch that are sooner sorted than looked up."""


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
    """

    def __init__(self, support: Support, reading: Reading) -> None:
        self.support = support
        self.reading = reading

    @cached_property
    def _categories(self) -> pa.Array:
        assert isinstance(self.support, CategoricalSupport)
        return pa.array(self.support.categories, pa.string())

    def count(self, column: pa.Array) -> tuple[Counts, Moments]:
        """Rows per cell and moments of one batch, shape ``(support.size,)``."""
        if isinstance(self.support, CategoricalSupport):
            return self._count_text(column, self.support), NO_MOMENTS
        keys = numbers(column, self.reading)
        if len(keys) >= FEW and self._grid is not None:
            return self._by_grid(keys, len(column) - len(keys), self.support, self._grid)
        ordered = np.sort(keys)
        counts = np.zeros(self.support.size, dtype=np.int64)
        end = _end_of_numbers(ordered)
        if self.support.integral:
            finite = ordered
        else:
            first = int(np.searchsorted(ordered[:end], -np.inf, "right"))
            finite = ordered[first : int(np.searchsorted(ordered[:end], np.inf, "left"))]
            counts[-2] = len(ordered) - end
        places = np.searchsorted(ordered[:end], self.support.edges, "left")
        counts[: self.support.intervals] = np.diff(places, prepend=0, append=end)
        counts[-1] = len(column) - len(ordered)
        return counts, Moments.of(finite.astype(np.float64, copy=False), self.support.pivot)

    @cached_property
    def _grid(self) -> Grid | None:
        assert isinstance(self.support, NumericSupport)
        edges = self.support.edges
        inner = edges if self.support.integral else edges[1:-1]  # the ends are the infinities
        return Grid(inner) if len(inner) else None

    def _by_grid(
        self, keys: Keys, null: int, support: NumericSupport, grid: Grid
    ) -> tuple[Counts, Moments]:
        counts = np.zeros(support.size, dtype=np.int64)
        counts[-1] = null
        if support.integral:
            counts[: support.intervals] = grid.count(keys)
            return counts, Moments.of(keys, support.pivot)
        low, high = float(keys.min()), float(keys.max())
        between: tuple[float, float] | None = (low, high)
        if not (math.isfinite(low) and math.isfinite(high)):
            rows = len(keys)
            counts[0] = np.count_nonzero(keys == -np.inf)
            counts[support.intervals - 1] = np.count_nonzero(keys == np.inf)
            keys = keys[np.isfinite(keys)]
            between = None
            counts[-2] = rows - len(keys) - counts[0] - counts[support.intervals - 1]
        counts[1 : support.intervals - 1] = grid.count(keys)
        return counts, Moments.of(keys, support.pivot, between)

    def cells(self, column: pa.Array) -> Cells:
        """The cell of each row of one batch."""
        if isinstance(self.support, CategoricalSupport):
            return Cells(self._cells_of_text(column, self.support))
        return self._cells_of_numbers(column, self.support)

    def counted(self, cells: Cells) -> tuple[Counts, Moments]:
        """What :meth:`count` returns, where the cell of each row is known."""
        counts = np.bincount(cells.cells, minlength=self.support.size)
        if cells.keys is None:
            return counts, NO_MOMENTS
        return counts, Moments.of(cells.keys, pivot_of(self.support))

    def _count_text(self, column: pa.Array, support: CategoricalSupport) -> Counts:
        """Rows per cell: each name of the batch is looked up once."""
        counts = np.zeros(support.size, dtype=np.int64)
        other = len(support.categories)
        if self.reading is Reading.PRESENCE:
            counts[-1] = plain(column).null_count
            counts[other] = len(column) - counts[-1]
            return counts
        tally = Tally(column)
        of_name, null, nan = tally.counts()
        cells = self._cells_of_names(tally, support)
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

    def _cells_of_numbers(self, column: pa.Array, support: NumericSupport) -> Cells:
        column = plain(column)
        keys = numbers(column, self.reading)
        if support.integral:
            places = self._intervals(keys, support)
            rows = None
        else:
            places, rows = self._intervals_of_floats(keys, support)
            keys = keys if rows is None else keys[rows]
        if len(places) == len(column):
            return Cells(places, keys, rows)
        valid = np.flatnonzero(column.is_valid().to_numpy(zero_copy_only=False))
        cells = np.full(len(column), support.size - 1)
        cells[valid] = places
        return Cells(cells, keys, valid if rows is None else valid[rows])

    def _intervals(self, keys: Keys, support: NumericSupport) -> Counts:
        if self._grid is None or len(keys) < FEW:
            return np.searchsorted(support.edges, keys, "right")
        return self._grid.cells(keys) + (0 if support.integral else 1)

    def _intervals_of_floats(
        self, keys: Keys, support: NumericSupport
    ) -> tuple[Counts, Counts | None]:
        """The cell of each number, and which are finite; None if all are."""
        finite = np.isfinite(keys)
        if finite.all():
            return self._intervals(keys, support), None
        rows = np.flatnonzero(finite)
        places = np.searchsorted(support.edges, np.where(finite, 0.0, keys), "right")
        places[np.isnan(keys)] = support.size - 2
        places[rows] = self._intervals(keys[rows], support)
        return places, rows


@dataclass(frozen=True, eq=False)
class Cells:
    """The cell of each row of a batch, and its finite numbers.

    Attributes:
        cells: shape ``(n,)``.
        keys: the finite numbers, in the order of the rows, shape ``(m,)``; None for categories.
        rows: which rows they are; None if they are all.
    """

    cells: Counts
    keys: Keys | None = None
    rows: Counts | None = None


def _end_of_numbers(ordered: Keys) -> int:
    """Where the NaN begin, which sort behind everything."""
    if ordered.dtype == np.int64:
        return len(ordered)
    return int(np.searchsorted(ordered, np.inf, "right"))
