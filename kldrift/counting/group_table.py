"""Row counts and moments of the groups of one list, to which batches are added.

All groups of a batch are counted together: a few passes over its rows, however many there are.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from kldrift.arrays import Ints
from kldrift.counting.group_moments import GroupMoments
from kldrift.counting.row_cells import RowCells, RowCodes
from kldrift.counting.row_groups import Grouper, RowGroups
from kldrift.profiles.counted import Counted
from kldrift.profiles.moments import Moments
from kldrift.profiles.power_sums import PowerSums
from kldrift.profiles.support import NumericSupport, Support, pivot_of

CODES: Final = 2
"""Rows for each code of each group, from which codes are counted before their cells are asked."""
RUN: Final = 2048
"""Rows of a run of one group on average, from which runs are counted one by one."""
SPARSE: Final = 4
"""Cells of groups for each row, from which rows are added one by one: a table that is not in a
core's cache is added to another in the time of so many rows."""


class GroupTable:
    """Row counts and moments of one list's groups, in the numbering of the task."""

    def __init__(self, support: Support) -> None:
        self._support = support
        self._pivot = pivot_of(support)
        self._numeric = isinstance(support, NumericSupport)
        self.clear()

    def clear(self) -> None:
        """Reset to empty."""
        self.counts: Ints = np.zeros((0, self._support.size), dtype=np.int64)
        self._moments = GroupMoments(self._pivot)

    def _make_room(self, groups: int) -> None:
        self._moments.meet(groups)
        more = groups - len(self.counts)
        if more > 0:
            self.counts = np.pad(self.counts, ((0, more), (0, 0)))

    def add_counted(self, number: int, groups: int, counts: Ints, sums: PowerSums) -> None:
        """Add the counts of one group."""
        self._make_room(groups)
        self.counts[number] += counts
        if self._numeric:
            self._moments.add(np.array([number]), Moments.stacked([sums], self._pivot))

    def add(
        self, cells: RowCells | RowCodes, rows: RowGroups, wholes: GroupMoments | None = None
    ) -> None:
        """Add a batch; ``wholes`` gets the moments of the wholes that these groups are parts of."""
        self._make_room(rows.groups)
        if wholes is not None:
            wholes.meet(int(rows.wholes[0].max()) + 1)
        if isinstance(cells, RowCodes):
            if len(rows.used) * len(cells.cells) * CODES <= len(cells.codes):
                self._add_codes(cells, rows, wholes)
                return
            cells = cells.of_rows
        self._add_cells(cells.cells, rows)
        if cells.keys is not None and cells.apart is not None:
            keys, apart = rows.by_group(cells.keys, cells.apart)
            sizes = rows.sizes[rows.used]
            if wholes is None:
                mine = Moments.of_parts(keys, sizes, self._pivot, apart)
            else:
                numbers, first = rows.wholes
                mine, its = Moments.of_wholes(keys, sizes, first, self._pivot, apart)
                wholes.add(numbers, its)
            self._moments.add(rows.used, mine)

    def _add_cells(self, cells: Ints, rows: RowGroups) -> None:
        size = self._support.size
        if len(rows.used) * size > SPARSE * len(cells):
            np.add.at(self.counts.reshape(-1), rows.numbers * size + cells, 1)
        else:
            self._add_counts(rows, _rows_with(cells, size, rows))

    def _add_counts(self, rows: RowGroups, counts: Ints) -> None:
        if rows.every:  # without a copy of those so far
            self.counts[: rows.groups] += counts
        else:
            self.counts[rows.used] += counts

    def _add_codes(self, codes: RowCodes, rows: RowGroups, wholes: GroupMoments | None) -> None:
        size, used, width = self._support.size, rows.used, len(codes.cells)
        of_code = _rows_with(codes.codes, width, rows)
        cells = (np.arange(len(used)) * size)[:, None] + codes.cells
        counts = np.bincount(cells.ravel(), of_code.ravel(), len(used) * size)
        self._add_counts(rows, counts.astype(np.int64).reshape(-1, size))
        if codes.first is None:
            return
        of_number = of_code[:, : codes.behind]
        self._moments.add_whole_numbers(used, of_number, codes.first)
        if wholes is not None:
            numbers, first = rows.wholes
            of_number = np.add.reduceat(of_number, first, axis=0)
            wholes.add_whole_numbers(numbers, of_number, codes.first)

    def counted(self, grouper: Grouper, k: int) -> Counted:
        """The groups that have rows, in order."""
        there = np.flatnonzero(self.counts.any(1))
        keys = grouper.keys(k, len(self.counts))
        there = there[np.lexsort(keys.take(there).arrays[::-1])]
        moments = self._moments.total().take(there) if self._numeric else None
        return Counted(keys.take(there), self.counts[there], moments)


def _rows_with(codes: Ints, width: int, rows: RowGroups) -> Ints:
    """Rows of each used group with each of some codes, shape ``(used, width)``."""
    used = rows.used
    if (runs := rows.runs(RUN)) is None:
        at = rows.places * width
        at += codes
        return np.bincount(at, minlength=len(used) * width).reshape(-1, width)
    place = {number: i for i, number in enumerate(used.tolist())}
    counts = np.zeros((len(used), width), dtype=np.int64)
    for number, run in runs:
        counts[place[number]] += np.bincount(codes[run], minlength=width)
    return counts
