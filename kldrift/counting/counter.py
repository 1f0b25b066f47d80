"""Counts batches of one feature on its support: the kernels that every row goes through.

The cell of a number is looked up in a grid over the edges; where there are few numbers, they are
sorted and the edges are searched among them; whole numbers close together are counted one by one.
Text is counted by dictionary code. No kernel runs Python per value.

See docs/decisions/kernels.md.
"""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cached_property
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kldrift.arrays import Counts, Ints
from kldrift.counting.frequent_names import FrequentNamesCounter, NamesOf
from kldrift.counting.grid import Grid
from kldrift.counting.integer_counts import IntegerCounts, exact_about, width_of
from kldrift.counting.new_values import NewNames
from kldrift.counting.row_cells import RowCells, RowCodes
from kldrift.counting.row_groups import RowGroups
from kldrift.features.keys import (
    EncodedColumn,
    KeyType,
    Labels,
    decoded,
    null_count,
    null_rows,
    row_numbers,
    unordered,
    without,
)
from kldrift.profiles.power_sums import NO_VALUES, PowerSums, power_sums
from kldrift.profiles.support import (
    CategoricalSupport,
    Keys,
    NumericSupport,
    Support,
    Unit,
)
from kldrift.statistics.hashing import text_hashes

FEW: Final = 2048
"""Numbers of a batch that are sooner sorted than looked up."""
REMEMBERED: Final = 2**24
"""Bytes of dictionaries that all features of a task keep for their next batch."""


class Counter:
    """Counts batches of one feature on one support.

    Args:
        key_type: how values become keys; as when the support was chosen.
        remembered: bytes of the largest dictionary that is kept for the next batch, which often
            has the same.
        most: names that are kept of values that were never seen; 0 if no names are noted.
        at_once: whether they are noted as they are counted; the frequent ones of those that have
            no cell though they are known always are.
    """

    def __init__(
        self,
        support: Support,
        key_type: KeyType,
        remembered: int = REMEMBERED // 16,
        *,
        most: int = 0,
        at_once: bool = True,
    ) -> None:
        known = support.known if isinstance(support, CategoricalSupport) else None
        self._noted = [NewNames.empty(most, known.share if known is not None else 1.0)]
        self._naming = at_once and most > 0
        self._noting = most > 0 and known is not None and len(known.hashes) > 0
        self._frequent = FrequentNamesCounter()
        self.support = support
        self.key_type = key_type
        self._remembered = remembered
        self._labels: tuple[Labels, Ints, NamesOf | None] | None = None

    @cached_property
    def _categories(self) -> pa.Array:
        assert isinstance(self.support, CategoricalSupport)
        return pa.array(self.support.categories, pa.string())

    def count(self, column: pa.Array, window: int = 0) -> tuple[Counts, PowerSums]:
        """Rows per cell of one batch, shape ``(support.size,)``, and sums about the pivot."""
        if isinstance(self.support, CategoricalSupport):
            return self._count_text(column, self.support, window), NO_VALUES
        count = self._count_whole if self.support.integral else self._count_floats
        return count(decoded(column), self.support)

    def _count_whole(self, column: pa.Array, support: NumericSupport) -> tuple[Counts, PowerSums]:
        counts = np.zeros(support.size, dtype=np.int64)
        counts[-1] = column.null_count
        if counts[-1] == len(column):
            return counts, NO_VALUES
        integer_counts = None
        exact = exact_about(support.pivot) and support.unit is not Unit.UNSIGNED
        if exact and pa.types.is_boolean(column.type):
            integer_counts = IntegerCounts.of_booleans(column)
        else:
            keys = unordered(column, self.key_type)
            low, high = keys.min().item(), keys.max().item()
            integer_counts = IntegerCounts.of(keys, low, high) if exact else None
        if integer_counts is not None:
            counts[:-1] = integer_counts.count(support.edges)
            return counts, integer_counts.power_sums(support.pivot)
        counts[:-1] = self._between_edges(keys, (low, high))
        first, last = support.exact(np.array([low, high])).tolist()
        return counts, power_sums(support.exact(keys), support.pivot, (float(first), float(last)))

    def _count_floats(self, column: pa.Array, support: NumericSupport) -> tuple[Counts, PowerSums]:
        counts = np.zeros(support.size, dtype=np.int64)
        keys = unordered(column, self.key_type)
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
        return counts, power_sums(keys, support.pivot, (low, high))

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

    def cells(
        self, column: pa.Array, windows: RowGroups | None = None, starts: Ints | None = None
    ) -> RowCells | RowCodes:
        """The cell of each row of one batch, which may have windows, and these a start."""
        if isinstance(self.support, CategoricalSupport):
            return self._cells_of_text(column, self.support, windows, starts)
        cells = self._cells_of_whole if self.support.integral else self._cells_of_floats
        return cells(decoded(column), self.support)

    def _count_text(self, column: pa.Array, support: CategoricalSupport, window: int) -> Counts:
        """Rows per cell: each name of the batch is looked up once."""
        counts = np.zeros(support.size, dtype=np.int64)
        other = len(support.categories)
        if self.key_type is KeyType.PRESENCE:
            counts[-1] = null_count(column)
            counts[other] = len(column) - counts[-1]
            return counts
        encoded, cells, known = self._encoded(column, support)
        of_name, null, nan = encoded.counts()
        behind = other + (1 if support.known is None else 2)
        counts[:behind] = np.bincount(cells, of_name, behind)
        counts[-1] += null
        counts[-2] += nan
        if self._naming and support.known is not None:
            self._note(encoded.names, cells, of_name)
        if known is not None:
            self._frequent.add(known, of_name[known.places], window)
        return counts

    def _encoded(
        self, column: pa.Array, support: CategoricalSupport
    ) -> tuple[EncodedColumn, Ints, NamesOf | None]:
        """The codes of a batch, the cell of each, and the known names without one."""
        encoded = EncodedColumn(column, self._labels and self._labels[0])
        if self._labels is not None and encoded.labels is self._labels[0]:
            return encoded, *self._labels[1:]
        looked_up = self._cells_of_names(encoded, support)
        if encoded.labels.values.nbytes <= self._remembered:
            self._labels = encoded.labels, *looked_up
        return encoded, *looked_up

    @property
    def unseen(self) -> NewNames:
        """The most frequent values that were never seen, or have no cell, and their rows."""
        first, *others = self._noted
        self._noted = [first.plus(others)]
        return replace(self._noted[0], known=self._frequent.total())

    def note(self, column: pa.Array, before: str) -> None:
        """Note the values of a window that were never seen, their names with a prefix."""
        assert isinstance(self.support, CategoricalSupport)
        encoded = EncodedColumn(column)
        (cells, _), (of_name, *_) = self._cells_of_names(encoded, self.support), encoded.counts()
        self._note(encoded.names, cells, of_name, before)

    def _note(self, names: pa.Array, cells: Counts, of_name: Counts, before: str = "") -> None:
        new = (cells == self.never_seen) & (of_name > 0)
        if new.any():
            rows, names = of_name[new], names.filter(pa.array(new))
            if before:
                names = pc.binary_join_element_wise(before, names, "")
            self._noted.append(self._noted[0].with_names(names, rows))
            if sum(map(len, self._noted[1:])) > self._noted[0].limit:
                self._noted = [self._noted[0].plus(self._noted[1:])]

    @property
    def never_seen(self) -> int | None:
        """The cell of values that were never seen; None where there is none."""
        support = self.support
        if not isinstance(support, CategoricalSupport) or support.known is None:
            return None
        return len(support.categories) + 1

    def _cells_of_names(
        self, encoded: EncodedColumn, support: CategoricalSupport
    ) -> tuple[Ints, NamesOf | None]:
        other = len(support.categories)
        places = pc.index_in(encoded.names, value_set=self._categories)
        cells = places.fill_null(other).to_numpy(zero_copy_only=False).astype(np.int64)
        known = None
        if support.known is not None:
            rest = np.flatnonzero(cells == other)
            names = encoded.names.take(pa.array(rest)).fill_null("")  # nulls are counted apart
            hashes = text_hashes(names)
            unseen = support.known.unseen(hashes)
            cells[rest] += unseen
            if self._noting:
                known = NamesOf(rest[~unseen], names.filter(pa.array(~unseen)), hashes[~unseen])
        return cells, known

    def _cells_of_text(
        self,
        column: pa.Array,
        support: CategoricalSupport,
        windows: RowGroups | None,
        starts: Ints | None,
    ) -> RowCells | RowCodes:
        other = len(support.categories)
        if self.key_type is KeyType.PRESENCE:
            valid = decoded(column).is_valid().to_numpy(zero_copy_only=False)
            return RowCells(np.where(valid, other, support.size - 1))
        encoded, cells, known = self._encoded(column, support)
        codes = encoded.codes
        if self._naming and support.known is not None:
            rows = np.bincount(codes[codes >= 0], minlength=len(cells))
            self._note(encoded.names, cells, rows)
        if known is not None:
            self._frequent.add_rows(known, codes, windows, starts)
        codes += 2  # the first are those of NaN and null
        flow = [support.size - 2, support.size - 1]
        return RowCodes(codes, np.append(flow, cells))

    def _cells_of_whole(self, column: pa.Array, support: NumericSupport) -> RowCells | RowCodes:
        if column.null_count == len(column):
            return RowCells(np.full(len(column), support.size - 1))
        nulls = null_rows(column)
        keys = row_numbers(column, self.key_type)
        if len(nulls):
            keys = keys.copy()
            keys[nulls] = keys[np.searchsorted(nulls - np.arange(len(nulls)), 0, "right")]
        low, high = keys.min().item(), keys.max().item()
        exact = exact_about(support.pivot) and support.unit is not Unit.UNSIGNED
        if exact and (width := width_of(low, high)):
            codes, of_code = keys - low, np.arange(low, low + width + 1)
            codes[nulls] = width
            of_code = np.searchsorted(support.edges, of_code, "right")
            of_code[width] = support.size - 1
            return RowCodes(codes, of_code, low)
        cells = self._intervals(keys, support, (low, high))
        cells[nulls] = support.size - 1
        return RowCells(cells, support.exact(keys), nulls)

    def _cells_of_floats(self, column: pa.Array, support: NumericSupport) -> RowCells:
        if column.null_count == len(column):
            return RowCells(np.full(len(column), support.size - 1))
        apart = nulls = null_rows(column)
        keys = row_numbers(column, self.key_type)
        if len(nulls):
            keys = keys.copy()
            keys[nulls] = support.pivot
        low, high = _ends(keys)
        odd, others = nulls[:0], keys[:0]
        if not (math.isfinite(low) and math.isfinite(high)):
            odd = np.flatnonzero(~np.isfinite(keys))
            others = keys[odd]
            keys = np.where(np.isfinite(keys), keys, support.pivot)
            low, high = _ends(keys)
            apart = np.sort(np.append(nulls, odd))
        cells = self._intervals(keys, support, (low, high))
        cells[nulls] = support.size - 1
        ends = np.where(others < 0, 0, support.intervals - 1)
        cells[odd] = np.where(np.isnan(others), support.size - 2, ends)
        return RowCells(cells, keys, apart)

    def _intervals(self, keys: Keys, support: NumericSupport, ends: tuple[float, float]) -> Counts:
        if self._grid is None or len(keys) < FEW:
            return np.searchsorted(support.edges, keys, "right")
        cells = self._grid.cells(keys, ends)
        if not support.integral:  # the outermost intervals are the infinities
            cells += 1
        return cells


def _ends(keys: Keys) -> tuple[float, float]:
    """The smallest and the largest value; NaN if there is a NaN, zeros without values."""
    return (float(keys.min()), float(keys.max())) if len(keys) else (0.0, 0.0)
