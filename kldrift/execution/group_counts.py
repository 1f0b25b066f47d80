"""What a task counts by segment, beside the profiles of all rows, and how that travels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from kldrift.counting.counter import Cells
from kldrift.counting.group_keys import Columns, numbers_of
from kldrift.counting.grouped_counter import SegmentCounter, SegmentProfiles, SegmentRows
from kldrift.features.plan import Feature
from kldrift.profiles.support import Support


@dataclass(frozen=True)
class SegmentList:
    """Columns whose values part the rows, as one dataset has them, and the segments to count.

    Attributes:
        columns: the columns.
        names: of the segments, in the order of their numbers; none before they are known.
    """

    columns: tuple[Feature, ...]
    names: tuple[str, ...] = ()

    def named(self, columns: Sequence[pa.Array]) -> Columns:
        """Values with the names of their columns."""
        return [(f.name, column) for f, column in zip(self.columns, columns, strict=True)]


def columns_beside(lists: Sequence[SegmentList]) -> tuple[Feature, ...]:
    """The columns of all lists, each once."""
    return tuple({f.name: f for one in lists for f in one.columns}.values())


class SegmentCounts:
    """Counts every feature by the segments of every list.

    Args:
        lists: the lists.
        supports: the cells of each feature, by its number.
    """

    def __init__(self, lists: Sequence[SegmentList], supports: Mapping[int, Support]) -> None:
        self._lists = lists
        self._known = [pa.array(one.names, pa.string()) for one in lists]
        beside = [f.name for f in columns_beside(lists)]
        self._places = [[beside.index(f.name) for f in one.columns] for one in lists]
        self._counters = {
            number: [SegmentCounter(support, len(one.names)) for one in lists]
            for number, support in supports.items()
        }
        self._rows: list[SegmentRows] = []

    def begin(self, columns: Sequence[pa.Array]) -> None:
        """The columns of all lists, for the batches of features that follow."""
        self._rows = []
        for one, known, places in zip(self._lists, self._known, self._places, strict=True):
            values = one.named([columns[i] for i in places])
            self._rows.append(SegmentRows(numbers_of(values, known), len(known)))

    def add(self, feature: int, cells: Cells) -> None:
        """Add a batch of one feature, named by its number."""
        for counter, rows in zip(self._counters[feature], self._rows, strict=True):
            counter.add(cells, rows)

    def profiles(self) -> dict[int, list[SegmentProfiles]]:
        """The profiles of each feature by each list, by the feature's number."""
        each = self._counters.items()
        return {number: [counter.profiles() for counter in counters] for number, counters in each}
