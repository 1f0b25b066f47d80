"""Assigns the rows of a batch to groups by window, where the windows are only known from the data.

Where nobody knows the segments before the scan either, each task gives them places as it meets
them, and its results carry their names.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import pyarrow as pa

from kldrift.arrays import Ints
from kldrift.counting.distinct import distinct, heads_of
from kldrift.counting.group_names import numbers_of, segments_of
from kldrift.counting.row_groups import RowGroups, SegmentList, key_columns
from kldrift.profiles.group_keys import ALL, REST, UNTIMED, GroupKeys

SEGMENT_CODES: Final = 2**32
"""Places of segments that a code of a group has room for."""


class Numbering:
    """Numbers codes in the order in which a task meets them."""

    def __init__(self) -> None:
        self._numbers: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._numbers)

    def numbered(self, codes: Ints, whole: RowGroups | None = None) -> RowGroups:
        """The numbers of the codes of a batch, and what the groups of one code are parts of."""
        heads = heads_of(codes)  # often rows come in order
        used, places = distinct(codes[heads])
        numbers = [self._numbers.setdefault(c, len(self._numbers)) for c in used.tolist()]
        of_head = np.array(numbers, dtype=np.int64)[places]
        if len(heads) < len(codes):
            of_head = np.repeat(of_head, np.diff(heads, append=len(codes)))
        return RowGroups(of_head, len(self._numbers), heads, whole)

    def codes(self, numbers: int) -> Ints:
        """The codes of the first numbers."""
        return np.fromiter(self._numbers, dtype=np.int64, count=len(self._numbers))[:numbers]


class WindowGrouper:
    """Assigns rows to groups, batch by batch: by window alone, then for each list of segments.

    Rows without a time are in no segment: they are the REST of each list.

    Args:
        known: whether the names of their segments are known; rows of others are the REST too.
    """

    def __init__(self, lists: Sequence[SegmentList], *, known: bool = False) -> None:
        self._lists = lists
        self._known = [pa.array(one.names, pa.string()) for one in lists] if known else None
        columns = [f.name for f in key_columns(lists)]
        self._places = [[columns.index(f.name) for f in one.columns] for one in lists]
        self._windows = Numbering()  # those of all rows, too: they have one group for each
        self._names: list[dict[str, int]] = [{} for _ in lists]
        self._segments = [Numbering() for _ in lists]

    @property
    def names(self) -> tuple[tuple[str, ...], ...]:
        """The names of the segments of each list, by place."""
        return tuple(map(tuple, self._names))

    @property
    def size(self) -> int:
        """Number of groups so far."""
        return sum(map(len, (self._windows, *self._segments)))

    def group(self, windows: Ints, columns: Sequence[pa.Array]) -> list[RowGroups]:
        """The groups of a batch of rows: of all rows by window, then list by list."""
        groups = [self._windows.numbered(windows)]
        begin = groups[0].numbers * SEGMENT_CODES
        for k, one in enumerate(self._lists):
            values = one.named([columns[i] for i in self._places[k]])
            if self._known is not None:
                segment = numbers_of(values, self._known[k])
                segment[(segment == len(self._known[k])) | (windows == UNTIMED)] = REST
                groups.append(self._segments[k].numbered(begin + segment + 1, groups[0]))
                continue
            names, places = segments_of(values)
            known = self._names[k]
            met = np.unique(places[windows != UNTIMED])
            place = np.full(len(names), REST, dtype=np.int64)
            place[met] = [
                known.setdefault(name, len(known)) for name in names.take(pa.array(met)).to_pylist()
            ]
            segment = np.where(windows == UNTIMED, REST, place[places])
            groups.append(self._segments[k].numbered(begin + segment + 1, groups[0]))
        return groups

    def windows_of(self, rows: RowGroups) -> Iterator[tuple[GroupKeys, pa.Array]]:
        """The windows that rows of a batch lie in, each as a key and the indices of its rows."""
        keys = self.keys(0, rows.groups)
        ends = np.cumsum(rows.sizes)
        for number in np.flatnonzero(rows.sizes).tolist():
            begin = ends[number] - rows.sizes[number]
            yield keys.take([number]), pa.array(rows.ordered[begin : ends[number]])

    def keys(self, k: int, groups: int) -> GroupKeys:
        """The keys of the first groups, in the order of their numbers; ``k`` 0 is all rows."""
        windows = self._windows.codes(len(self._windows))
        if k == 0:
            return GroupKeys(windows[:groups], np.full(groups, ALL), np.zeros(groups, np.int64))
        window, segment = np.divmod(self._segments[k - 1].codes(groups), SEGMENT_CODES)
        return GroupKeys(windows[window], np.full(groups, k - 1), segment - 1)
