"""Assigns the rows of a batch to groups, for every list of segments.

A task numbers the segments of a list in the order in which it meets them, so that its tables are
as large as what it sees and not as what there is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
import pyarrow as pa

from kldrift.arrays import Ints
from kldrift.counting.group_names import Columns, numbers_of
from kldrift.features.feature import Feature
from kldrift.profiles.group_keys import NO_WINDOW, REST, GroupKeys
from kldrift.profiles.support import Keys


@dataclass(frozen=True)
class SegmentList:
    """The columns of a list of segments, and the names of the segments that are counted.

    ``names`` are in the order of places; there are none before they are known.
    """

    columns: tuple[Feature, ...]
    names: tuple[str, ...] = ()

    def named(self, columns: Sequence[pa.Array]) -> Columns:
        """Pair the columns of a batch with their names."""
        return [(f.name, column) for f, column in zip(self.columns, columns, strict=True)]


def key_columns(lists: Sequence[SegmentList]) -> tuple[Feature, ...]:
    """The columns of all lists, each once."""
    return tuple({f.name: f for one in lists for f in one.columns}.values())


@dataclass(frozen=True, eq=False)
class RowGroups:
    """The group of each row of a batch, for one list of segments.

    Attributes:
        numbers: the task's number of each row's group, shape ``(n,)``.
        groups: how many groups the task has met so far.
        heads: the indices of the rows whose group is not that of the row before, if known.
        whole: the larger groups that these are parts of; all rows if it is not given.
    """

    numbers: Ints
    groups: int
    heads: Ints | None = None
    whole: RowGroups | None = None

    def runs(self, least: int) -> list[tuple[int, slice]] | None:
        """The rows as runs of one group; None if these have fewer rows than that on average."""
        if self.heads is None or len(self.heads) * least > len(self.numbers) + least:
            return None
        starts = self.heads.tolist()
        ends = [*starts[1:], len(self.numbers)][: len(starts)]
        return [(int(self.numbers[a]), slice(a, b)) for a, b in zip(starts, ends, strict=True)]

    @cached_property
    def sizes(self) -> Ints:
        """Rows of each group."""
        return np.bincount(self.numbers, minlength=self.groups)

    @cached_property
    def _whole_of_used(self) -> tuple[Ints, Ints]:
        used = np.flatnonzero(self.sizes)
        if self.whole is None:
            return used, np.zeros(len(used), dtype=np.int64)
        number = np.empty(self.groups, dtype=np.int64)
        number[self.numbers] = self.whole.numbers
        order = np.argsort(number[used], kind="stable")
        return used[order], number[used[order]]

    @property
    def used(self) -> Ints:
        """The groups that have rows, those of one whole side by side."""
        return self._whole_of_used[0]

    @cached_property
    def wholes(self) -> tuple[Ints, Ints]:
        """The wholes that have rows, and the index of the first group of each in :attr:`used`."""
        number = self._whole_of_used[1]
        first = np.flatnonzero(np.diff(number, prepend=-1))
        return number[first], first

    @cached_property
    def every(self) -> bool:
        """Whether :attr:`used` are all groups, in the order of their numbers."""
        return np.array_equal(self.used, np.arange(self.groups))

    @cached_property
    def places(self) -> Ints:
        """The index of each row's group in :attr:`used`."""
        if self.every:
            return self.numbers
        place = np.empty(self.groups, dtype=np.int64)
        place[self.used] = np.arange(len(self.used))
        return place[self.numbers]

    @cached_property
    def _in_order(self) -> bool:
        """Whether the rows stand group by group already."""
        return self.heads is not None and bool((np.diff(self.places[self.heads]) > 0).all())

    @cached_property
    def ordered(self) -> Ints:
        """The indices of the rows, group by group."""
        if self._in_order:
            return np.arange(len(self.numbers))
        # Narrow integers are sorted by their digits.
        return np.argsort(self.places.astype(np.min_scalar_type(len(self.used))), kind="stable")

    @cached_property
    def _turns(self) -> Ints:
        """The place of each row in :attr:`ordered`."""
        turns = np.empty(len(self.numbers), dtype=np.int64)
        turns[self.ordered] = np.arange(len(turns))
        return turns

    def by_group(self, values: Keys, rows: Ints) -> tuple[Keys, Ints]:
        """The values of all rows, and the places in them of some rows, group by group."""
        if self._in_order:
            return values, rows
        ordered = np.take(values, self.ordered, mode="clip")  # which is faster than to raise
        return ordered, np.sort(self._turns[rows]) if len(rows) else rows


class Grouper(Protocol):
    """Maps the group numbers of a task to the keys of the groups."""

    def keys(self, k: int, groups: int) -> GroupKeys:
        """The keys of the first groups of a list, in the order of their numbers."""


class RowGrouper:
    """Assigns rows to groups, batch by batch; numbers groups in the order in which they appear."""

    def __init__(self, lists: Sequence[SegmentList]) -> None:
        self._lists = lists
        self._known = [pa.array(one.names, pa.string()) for one in lists]
        columns = [f.name for f in key_columns(lists)]
        self._places = [[columns.index(f.name) for f in one.columns] for one in lists]
        self._number: list[Ints] = [np.full(len(one.names) + 1, -1) for one in lists]
        self._segments: list[list[int]] = [[] for _ in lists]

    def group(self, columns: Sequence[pa.Array]) -> list[RowGroups]:
        """The groups of a batch of rows, list by list."""
        groups = []
        for k, (one, known) in enumerate(zip(self._lists, self._known, strict=True)):
            values = one.named([columns[i] for i in self._places[k]])
            groups.append(self._numbered(k, numbers_of(values, known)))
        return groups

    def _numbered(self, k: int, segments: Ints) -> RowGroups:
        """Number the segments in this task; the index behind the last segment is REST."""
        number, met = self._number[k], self._segments[k]
        there = np.bincount(segments, minlength=len(number)) > 0
        new = np.flatnonzero(there & (number < 0))
        number[new] = np.arange(len(met), len(met) + len(new))
        met += np.where(new == len(number) - 1, REST, new).tolist()
        return RowGroups(number[segments], len(met))

    def keys(self, k: int, groups: int) -> GroupKeys:
        """The keys of the first groups of a list, in the order of their numbers."""
        segments = np.array(self._segments[k][:groups], dtype=np.int32)
        return GroupKeys(np.full(groups, NO_WINDOW), np.full(groups, k), segments)
