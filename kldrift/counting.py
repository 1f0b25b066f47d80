"""Counting a batch of one feature: the kernels that every row goes through.

The cell of a number is looked up in a grid over the edges; where there are few numbers, they are
sorted and the edges are searched among them. Text is counted by dictionary code. No kernel runs
Python per value.
"""

from __future__ import annotations

import math
from functools import cached_property
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from kldrift.grid import Grid
from kldrift.moments import NO_MOMENTS, Moments
from kldrift.reading import Reading, Tally, numbers, plain
from kldrift.support import CategoricalSupport, Keys, NumericSupport, Support

Counts = NDArray[np.int64]

FEW: Final = 2048
"""Numbers of a batch that are sooner sorted than looked up."""


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


def _end_of_numbers(ordered: Keys) -> int:
    """Where the NaN begin, which sort behind everything."""
    if ordered.dtype == np.int64:
        return len(ordered)
    return int(np.searchsorted(ordered, np.inf, "right"))


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
