"""Row counts and moments of the groups of one list, to which batches are added.

All groups of a batch are counted together: a few passes over its rows, however many there are.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from kldrift.counting.integer_counts import power_sums_of_groups
from kldrift.counting.row_cells import RowCells, RowCodes
from kldrift.counting.row_groups import Grouper, RowGroups
from kldrift.profiles.counted import Counted
from kldrift.profiles.group_keys import GroupKeys
from kldrift.profiles.moments import Moments
from kldrift.profiles.power_sums import NO_VALUES, PowerSums
from kldrift.profiles.support import NumericSupport, Support

Ints = NDArray[np.int64]

LARGE: Final = 4
"""A table with so many times the cells of a batch's rows is added to row by row."""
CODES: Final = 4
"""Rows for each code of each group, from which codes are counted before their cells are asked."""
PENDING: Final = 4096
"""Moments of batches that wait to be added up together."""


class GroupTable:
    """Row counts and moments of one list's groups, in the numbering of the task.

    Args:
        support: the cells.
    """

    def __init__(self, support: Support) -> None:
        self._support = support
        self._pivot = support.pivot if isinstance(support, NumericSupport) else None
        self.clear()

    def clear(self) -> None:
        """Forget what was added."""
        self.counts: Ints = np.zeros((0, self._support.size), dtype=np.int64)
        self._groups = 0
        self._places: list[Ints] = []
        self._moments: list[Moments] = []

    def _make_room(self, groups: int) -> None:
        more = groups - len(self.counts)
        if more > 0:
            self.counts = np.pad(self.counts, ((0, more), (0, 0)))

    def add_counted(self, number: int, groups: int, counts: Ints, sums: PowerSums) -> None:
        """Add what was counted of one group of some."""
        self._groups = groups
        self._make_room(groups)
        self.counts[number] += counts
        if self._pivot is not None:
            self._add_moments(np.array([number]), Moments.stacked([sums], self._pivot))

    def add(self, cells: RowCells | RowCodes, rows: RowGroups) -> None:
        """Add a batch."""
        self._groups = rows.groups
        self._make_room(rows.groups)
        if isinstance(cells, RowCodes):
            if len(rows.used) * len(cells.cells) * CODES <= len(cells.codes):
                self._add_codes(cells, rows)
                return
            cells = cells.of_rows
        self._add_cells(cells.cells, rows)
        self.add_moments(cells, rows)

    def add_moments(self, cells: RowCells, rows: RowGroups) -> None:
        """Add the moments of a batch alone."""
        self._groups = rows.groups
        if self._pivot is not None and cells.keys is not None and cells.apart is not None:
            keys, apart = rows.by_group(cells.keys, cells.apart)
            sizes = rows.sizes[rows.used]
            self._add_moments(rows.used, Moments.of_parts(keys, sizes, self._pivot, apart))

    def _add_cells(self, cells: Ints, rows: RowGroups) -> None:
        size, used = self._support.size, rows.used
        if len(used) * size > LARGE * len(cells):
            np.add.at(self.counts.reshape(-1), rows.numbers * size + cells, 1)
            return
        at = rows.places * size
        at += cells
        counts = np.bincount(at, minlength=len(used) * size).reshape(-1, size)
        self.counts[used] += counts

    def _add_codes(self, codes: RowCodes, rows: RowGroups) -> None:
        size, used, width = self._support.size, rows.used, len(codes.cells)
        at = rows.places * width
        at += codes.codes
        of_code = np.bincount(at, minlength=len(used) * width).reshape(-1, width)
        cells = (np.arange(len(used)) * size)[:, None] + codes.cells
        counts = np.bincount(cells.ravel(), of_code.ravel(), len(used) * size)
        self.counts[used] += counts.astype(np.int64).reshape(-1, size)
        if self._pivot is not None and codes.first is not None:
            sums = power_sums_of_groups(of_code[:, : codes.behind], codes.first, self._pivot)
            self._add_moments(used, Moments(self._pivot, *sums))

    def _add_moments(self, places: Ints, moments: Moments) -> None:
        self._places.append(places)
        self._moments.append(moments)
        if sum(map(len, self._places)) > max(PENDING, 4 * self._groups):
            self._settle()

    def _settle(self) -> Moments:
        """Add up the moments of all batches."""
        assert self._pivot is not None
        none = Moments.none(0, self._pivot)
        groups = self._groups
        places = np.concatenate([*self._places, np.empty(0, dtype=np.int64)])
        total = Moments.joined([*self._moments, none]).added_up(places, groups)
        self._places, self._moments = [np.arange(groups)], [total]
        return total

    def whole(self) -> tuple[Ints, PowerSums]:
        """The counts and sums of all rows."""
        if self._pivot is None:
            return self.counts.sum(0), NO_VALUES
        moments = self._settle()
        total = moments.added_up(np.zeros(len(moments), dtype=np.int64), 1)
        return self.counts.sum(0), PowerSums(*(values[0].item() for values in total.arrays))

    def moments(self, grouper: Grouper, k: int, keys: GroupKeys) -> Moments:
        """The moments of some groups of list ``k``, where these alone were added."""
        found = grouper.keys(k, self._groups).find(keys)
        return self._settle().take(found)

    def counted(self, grouper: Grouper, k: int) -> Counted:
        """The groups that have rows, in order."""
        there = np.flatnonzero(self.counts.any(1))
        keys = grouper.keys(k, len(self.counts))
        there = there[np.lexsort(keys.take(there).arrays[::-1])]
        moments = None if self._pivot is None else self._settle().take(there)
        return Counted(keys.take(there), self.counts[there], moments)
