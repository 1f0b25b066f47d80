"""Adds up batches of one feature in a task, for the whole and for each group of each list."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import numpy as np
import pyarrow as pa

from kldrift.arrays import Ints
from kldrift.counting.counter import Counter
from kldrift.counting.group_moments import GroupMoments
from kldrift.counting.group_table import GroupTable
from kldrift.counting.new_values import NewName, NewNames
from kldrift.counting.row_groups import Grouper, RowGroups
from kldrift.features.keys import KeyType
from kldrift.profiles.counted import Counted
from kldrift.profiles.group_keys import begins
from kldrift.profiles.power_sums import NO_VALUES, PowerSums, added
from kldrift.profiles.support import Support, pivot_of

LONG_RUN: Final = 16_384
"""Rows of a run of one window on average, from which no row is assigned to a cell."""
MORE_BY_WINDOW: Final = 4
"""So many times as many names of new values are kept of all windows together."""


def in_window(window: int, name: str) -> str:
    """A text that holds a value's name and its window.

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
        # All rows are those of the segments of a list: no row is counted in both.
        self._first = 1 if windows and lists > 1 else 0
        self._tables = [GroupTable(support) for _ in range(lists - self._first)]
        self._nested = not windows or lists > 1
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
        """Note, by window, the values of a batch that were never seen; ``met`` were before it."""
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
        """Reset to empty."""
        self._counts = np.zeros(self.support.size, dtype=np.int64)
        self._sums = NO_VALUES
        self._wholes = GroupMoments(pivot_of(self.support))
        for table in self._tables:
            table.clear()

    def add(
        self, column: pa.Array, groups: Sequence[RowGroups] = (), starts: Ints | None = None
    ) -> None:
        """Add a batch; ``starts`` are those of the windows that the first groups are, if any."""
        if not len(column):
            return
        runs = None if self._nested else groups[0].runs(LONG_RUN)
        if runs is not None:
            for number, rows in runs:
                counted = self._counter.count(column[rows], 0 if starts is None else starts[number])
                self._tables[0].add_counted(number, groups[0].groups, *counted)
        elif self._tables:
            cells = self._counter.cells(column, None if starts is None else groups[0], starts)
            first, *others = zip(self._tables, groups[self._first :], strict=True)
            first[0].add(cells, first[1], self._wholes if self._nested else None)
            for table, of_rows in others:
                table.add(cells, of_rows)
        else:
            counts, sums = self._counter.count(column)
            self._counts += counts
            self._sums = added(self._sums, sums)

    def whole(self) -> tuple[Ints, PowerSums]:
        """The counts and sums of all rows, where these have no windows."""
        if not self._tables:
            return self._counts, self._sums
        self._wholes.meet(1)
        (sums,) = zip(*(values.tolist() for values in self._wholes.total().arrays), strict=True)
        return self._tables[0].counts.sum(0), PowerSums(*sums)

    def counted(self, grouper: Grouper) -> Iterator[Counted]:
        """The counts of each list of segments."""
        for k, table in enumerate(self._tables, self._first):
            counts = table.counted(grouper, k)
            if k == 1 and self._first:
                yield self._of_windows(counts, grouper)
            yield counts

    def _of_windows(self, segments: Counted, grouper: Grouper) -> Counted:
        """All rows of each window: the sum of the segments of a list."""
        first = np.flatnonzero(begins([segments.keys.window]))
        windows = segments.keys.window[first]
        met = grouper.keys(0, self._wholes.groups)
        order = np.argsort(met.window)
        numbers = order[np.searchsorted(met.window, windows, sorter=order)]
        counts = np.add.reduceat(segments.counts, first, axis=0)
        moments = None if segments.moments is None else self._wholes.total().take(numbers)
        return Counted(met.take(numbers), counts, moments)
