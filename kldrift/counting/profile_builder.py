"""Adds up batches of one feature in a task, for the whole and for each group of each list."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from kldrift.counting.counter import Counter, RowCells
from kldrift.counting.new_values import NewName, NewNames
from kldrift.counting.row_groups import Grouper, RowGroups
from kldrift.features.keys import KeyType
from kldrift.profiles.counted import Counted
from kldrift.profiles.moments import Moments
from kldrift.profiles.power_sums import NO_VALUES, PowerSums, added
from kldrift.profiles.support import NumericSupport, Support

Ints = NDArray[np.int64]
MORE_BY_WINDOW: Final = 4
"""So many times as many names of new values are kept of all windows together."""
LARGE: Final = 4
"""A table with so many times the cells of a batch's rows is added to row by row."""


def in_window(window: int, name: str) -> str:
    """How a value's name is kept together with its window.

    Examples:
        >>> in_window(-5, "a b")
        '-5 a b'
    """
    return f"{window} {name}"


def by_window(
    unseen: Iterable[NewName],
) -> Iterator[tuple[int, NewName]]:
    """The window of each name, and the new value itself.

    Examples:
        >>> list(by_window([NewName("-5 a b", 2, 1.0)]))
        [(-5, NewName(name='a b', rows=2, stands_for=1.0))]
    """
    for new in unseen:
        window, _, name = new.name.partition(" ")
        yield int(window), new._replace(name=name)


class ProfileBuilder:
    """Adds up batches of one feature; without segments no row is assigned to a cell.

    Args:
        support: the cells.
        key_type: how values become keys.
        remembered: see :class:`~kldrift.counting.counter.Counter`.
        lists: number of lists of segments.
        most: names that are kept of values that were never seen; 0 if they are not noted.
        windows: whether the first list is that of windows.
    """

    def __init__(
        self,
        support: Support,
        key_type: KeyType,
        remembered: int,
        lists: int = 0,
        *,
        most: int = 0,
        windows: bool = False,
    ) -> None:
        most *= MORE_BY_WINDOW if windows else 1
        self._counter = Counter(support, key_type, remembered, most=most, at_once=not windows)
        self._noting = most > 0 and windows and self._counter.never_seen is not None
        self._tables = [_GroupTable(support) for _ in range(lists)]
        self.clear()

    @property
    def support(self) -> Support:
        """The cells."""
        return self._counter.support

    @property
    def unseen(self) -> NewNames:
        """The most frequent values that were never seen, and their rows."""
        return self._counter.unseen

    def note(self, column: pa.Array, windows: Iterable[tuple[int, pa.Array]], met: int) -> None:
        """Note the values of a batch that were never seen, by window.

        Args:
            column: its values.
            windows: each window that it has rows of, and which these are.
            met: what :attr:`never_seen` was before it was added.
        """
        if self.never_seen > met:
            for window, rows in windows:
                self._counter.note(column.take(rows), in_window(window, ""))

    @property
    def never_seen(self) -> int:
        """Rows of values that were never seen, where they are noted by window."""
        cell = self._counter.never_seen
        return int(self._tables[0].counts[:, cell].sum()) if self._noting else 0

    @property
    def nbytes(self) -> int:
        """Bytes of the tables of segments; all else is small."""
        return sum(table.counts.nbytes for table in self._tables)

    def clear(self) -> None:
        """Forget what was added."""
        self.counts = np.zeros(self.support.size, dtype=np.int64)
        self.sums = NO_VALUES
        for table in self._tables:
            table.clear()

    def add(self, column: pa.Array, groups: Sequence[RowGroups] = ()) -> None:
        """Add a batch.

        Args:
            column: its values.
            groups: the groups of its rows, list by list.
        """
        runs = groups[0].runs if len(groups) == 1 else None
        if runs is not None:
            for number, rows in runs:
                counts, sums = self._counter.count(column[rows])
                self._tables[0].add_counted(number, groups[0].groups, counts, sums)
        elif self._tables:
            cells = self._counter.cells(column)
            counts, sums = self._counter.counted(cells)
            for table, of_rows in zip(self._tables, groups, strict=True):
                table.add(cells, of_rows)
            self._add_to_whole(counts, sums)
        else:
            self._add_to_whole(*self._counter.count(column))

    def _add_to_whole(self, counts: Ints, sums: PowerSums) -> None:
        self.counts += counts
        self.sums = added(self.sums, sums)

    def counted(self, grouper: Grouper | None = None) -> Iterator[Counted]:
        """The counts of each list of segments."""
        if grouper is not None:
            for k, table in enumerate(self._tables):
                yield table.counted(grouper, k)


class _GroupTable:
    """Row counts and moments of one list's groups, in the numbering of the task."""

    def __init__(self, support: Support) -> None:
        self._support = support
        self.clear()

    def clear(self) -> None:
        """Forget what was added."""
        self.counts: Ints = np.zeros((0, self._support.size), dtype=np.int64)
        self._moments: Moments | None = None
        if isinstance(self._support, NumericSupport):
            self._moments = Moments.none(0, self._support.pivot)

    def _make_room(self, groups: int) -> None:
        more = groups - len(self.counts)
        if more > 0:
            self.counts = np.pad(self.counts, ((0, more), (0, 0)))
            if self._moments is not None:
                fresh = Moments.none(more, self._moments.pivot)
                self._moments = Moments.joined([self._moments, fresh])

    def add_counted(self, number: int, groups: int, counts: Ints, sums: PowerSums) -> None:
        """Add what was counted of one group of some."""
        self._make_room(groups)
        self.counts[number] += counts
        if self._moments is not None:
            one = Moments.stacked([sums], self._moments.pivot)
            self._moments += one.added_up(np.array([number]), len(self.counts))

    def add(self, cells: RowCells, rows: RowGroups) -> None:
        """Add a batch."""
        self._make_room(rows.groups)
        at, flat = rows.numbers * self._support.size + cells.cells, self.counts.reshape(-1)
        if len(flat) < LARGE * len(at):
            flat += np.bincount(at, minlength=len(flat))
        else:
            np.add.at(flat, at, 1)
        if self._moments is not None and cells.keys is not None:
            places, sizes = rows.of(cells)
            self._moments += Moments.of_parts(cells.keys[places], sizes, self._moments.pivot)

    def counted(self, grouper: Grouper, k: int) -> Counted:
        """The groups that have rows, in order."""
        there = np.flatnonzero(self.counts.any(1))
        keys = grouper.keys(k, len(self.counts))
        there = there[np.lexsort(keys.take(there).arrays[::-1])]
        moments = None if self._moments is None else self._moments.take(there)
        return Counted(keys.take(there), self.counts[there], moments)
