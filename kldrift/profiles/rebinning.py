"""Merging stored cells into the fewer cells that are scored."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from kldrift.arrays import Bools, Ints, PickledFields
from kldrift.profiles.cells import CODES, CellKind, Cells
from kldrift.profiles.support import CategoricalSupport, Support

CHOSEN_ROWS: Final = 20
"""Values with fewer rows get no cell of their own: which of many rare ones come is chance, and
would look like drift everywhere else."""
FEWEST_CHOSEN: Final = 2
FEW_SCORED_ROWS: Final = 10
"""Of a reference of fewer than 200 rows, one row in so many is enough for a cell."""
FEWEST_BINS: Final = 5
ROWS_PER_BIN: Final = 40


@dataclass(frozen=True, eq=False)
class Rebinning(PickledFields):
    """How stored cells are merged into the cells that are scored.

    ``target`` is the scored cell that each stored cell belongs to, not decreasing.
    """

    target: NDArray[np.intp]
    support: Support

    @cached_property
    def starts(self) -> NDArray[np.intp]:
        """The first stored cell of each scored cell."""
        first = np.ones(len(self.target), dtype=np.bool_)
        np.not_equal(self.target[1:], self.target[:-1], out=first[1:])
        return np.flatnonzero(first)

    @cached_property
    def size(self) -> int:
        """Number of scored cells."""
        return int(self.target[-1]) + 1

    @cached_property
    def codes(self) -> NDArray[np.int8]:
        """Kind of each scored cell, as a place in ``KINDS``."""
        codes = self.support.codes
        if self.size == len(codes):
            return codes
        if isinstance(self.support, CategoricalSupport):
            return codes[self._ends]
        kinds = codes[self.starts]
        kinds[self._ends > self.starts] = CODES[CellKind.BIN]
        return kinds

    @property
    def _ends(self) -> NDArray[np.intp]:
        """The last stored cell of each scored cell."""
        return np.append(self.starts[1:], len(self.target)) - 1

    @cached_property
    def cells(self) -> Cells:
        """The scored cells."""
        support, cells = self.support, self.support.cells
        if self.size == len(cells):
            return cells
        ends = self._ends
        if isinstance(support, CategoricalSupport):
            return Cells.without_bounds(self.codes, cells.labels[ends])
        merged = self.starts != ends
        upper = cells.upper[ends]
        if support.integral:  # behind the last value, not at it
            last = np.flatnonzero(merged & (ends < len(support.edges)))
            last = last[support.points[ends[last]]]
            upper[last] = support.exact(support.edges[ends[last]]) / support.scale
        labels = cells.labels[self.starts]
        labels[merged] = None
        return Cells(self.codes, cells.lower[self.starts], upper, labels)

    def for_rows(self, rows: int, reference: Ints) -> Rebinning:
        """Merge cells further where one side has too few rows for this many cells."""
        support = self.support
        bins = max(FEWEST_BINS, rows // ROWS_PER_BIN)
        if isinstance(support, CategoricalSupport) or bins >= self.size:
            return self
        values = self.codes[: int(self.target[support.intervals - 1]) + 1] == CODES[CellKind.VALUE]
        counts = self.fold(reference)[: len(values)]
        total = int(counts.sum())
        if rows >= total:
            return self
        few = values & (counts * (rows / total) < least_rows(rows))
        key = bins, few.tobytes()
        last, further = self._last.get(key, (None, self))
        if last is None or not np.array_equal(last, counts):
            bin_or_few = few | (self.codes[: len(few)] == CODES[CellKind.BIN])
            further = _joined(self, bin_or_few, counts, bins)
            further = self._further.setdefault(further.target.tobytes(), further)
            self._last[key] = counts, further
        return further

    @cached_property
    def _further(self) -> dict[bytes, Rebinning]:
        """Cache of further merges: windows of about as many rows share one object."""
        return {}

    @cached_property
    def _last(self) -> dict[tuple[int, bytes], tuple[Ints, Rebinning]]:
        """Of as many shares and few values, the last one, and the reference rows it was made of."""
        return {}

    def fold(self, counts: Ints) -> Ints:
        """Rows per scored cell from rows per stored cell, along the last axis."""
        if self.size == counts.shape[-1]:
            return counts
        return np.add.reduceat(counts, self.starts, axis=-1)


def least_rows(rows: Any) -> Any:
    """The fewest rows that a value needs for a cell of its own, of a reference of so many rows.

    Examples:
        >>> least_rows(np.array([10, 100, 200, 10_000])).tolist()
        [2, 10, 20, 20]
    """
    return np.clip(rows // FEW_SCORED_ROWS, FEWEST_CHOSEN, CHOSEN_ROWS)


def merge_for_scoring(support: Support, reference: Ints, bins: int) -> Rebinning:
    """Merge stored bins to about ``bins`` cells of equal reference mass.

    A reference of few rows gets fewer, one for each 40 rows but 5 at least: chance alone would
    otherwise give scores as large as a threshold. A value that fills more than one such share
    keeps its own cell, as do values of a few-valued feature that have rows enough, the open tails
    and everything that is no number.
    """
    target = np.arange(support.size)
    if isinstance(support, CategoricalSupport):
        first = support.frequent
        return Rebinning(
            np.where(target < first, target, np.maximum(target - support.rare, first)), support
        )
    counts = reference[: support.intervals]
    rows = int(counts.sum())
    if not rows:
        return Rebinning(target, support)
    codes = support.codes[: support.intervals]
    bins = min(bins, max(FEWEST_BINS, rows // ROWS_PER_BIN))
    merged = codes == CODES[CellKind.BIN]
    binned = counts[merged].any()
    merged |= (codes == CODES[CellKind.VALUE]) & (counts < least_rows(rows))
    if binned:
        merged |= (codes == CODES[CellKind.VALUE]) & (counts * bins < rows)
    return _joined(Rebinning(target, support), merged, counts, bins)


def _joined(rebinning: Rebinning, merged: Bools, counts: Ints, bins: int) -> Rebinning:
    """Merge neighbours among scored cells whose middles lie in the same of some equal shares."""
    middle = np.cumsum(counts) - counts / 2
    share = np.floor(middle / counts.sum() * bins)
    cells = np.arange(rebinning.size)
    same = merged[1:] & merged[:-1] & (share[1:] == share[:-1])
    cells[1 : len(counts)] -= np.cumsum(same)
    cells[len(counts) :] -= np.count_nonzero(same)
    return Rebinning(cells[rebinning.target], rebinning.support)
