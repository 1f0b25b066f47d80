"""What runs on the executors: plain functions and accumulators over Arrow columns.

A task sees its share of a dataset as columns, adds them to one accumulator per feature, and emits
one small batch at its end: nothing per row ever leaves it.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any, Final

import numpy as np
import pyarrow as pa

from kldrift.binning.choose import Binning, Proposal, choose
from kldrift.binning.numeric_sketch import LIMIT, NumericSketch, Sketch
from kldrift.binning.sketcher import sketcher
from kldrift.binning.text_sketch import TextSketch
from kldrift.counting.counter import REMEMBERED, Counter
from kldrift.counting.group_keys import sketch_segments
from kldrift.counting.grouped_counter import SegmentProfiles
from kldrift.counting.joint import NO_ROWS, Group, count_group
from kldrift.execution.group_counts import SegmentCounts, SegmentList, columns_beside
from kldrift.execution.wire import COUNTS, group_rows, moment_columns, packed_row
from kldrift.features.plan import Feature
from kldrift.profiles.moments import NO_MOMENTS
from kldrift.profiles.profile import Profile
from kldrift.profiles.support import Support
from kldrift.sources.program import BATCH_ROWS, Numbering

SKETCHES: Final = pa.schema([("feature", pa.int32()), ("sketch", pa.binary())])
SKETCHES_AT_ONCE: Final = 64
"""Sketches in a batch that leaves a task: bounds what is held twice meanwhile."""
SKETCHES_DDL: Final = "feature int, sketch binary"


def sketch_limit(features: int) -> int:
    """Cells that a sketch keeps, so that all of a task's sketches fit into about 128 MB.

    While they are made, they take a quarter more, three times as much where rows come in order.
    It depends on the number of features alone: the same data gives the same supports.

    Examples:
        >>> sketch_limit(40), sketch_limit(5000)
        (16384, 1024)
    """
    return int(np.clip(2**22 // max(1, features), 1_024, LIMIT))


class SketchProgram:
    """Sketch every feature, so that its support can be chosen, and the segments of every list."""

    beside: tuple[Feature, ...] = ()
    batch_rows: int = BATCH_ROWS

    def __init__(
        self,
        features: tuple[Feature, ...],
        limit: int | None = None,
        lists: tuple[SegmentList, ...] = (),
    ) -> None:
        self.features = features
        self.lists = lists
        self._limit = sketch_limit(len(features)) if limit is None else limit

    @property
    def groups(self) -> tuple[Group, ...]:
        """The columns of each list: its rows are seen once."""
        return tuple(Group("segments", one.columns, (), diagonal=True) for one in self.lists)

    @property
    def numbering(self) -> Numbering:
        """The numbers of the sketches."""
        return Numbering(len(self.features), len(self.lists))

    def start(self) -> Sketches:
        """A new accumulator, for one task."""
        return Sketches(self.features, self._limit, self.lists)

    def part(self, features: Sequence[int], groups: Sequence[int]) -> SketchProgram:
        """Sketch some of the features, as finely as all of them would be."""
        return SketchProgram(
            tuple(self.features[i] for i in features),
            self._limit,
            tuple(self.lists[j] for j in groups),
        )


class Sketches:
    """A sketch per feature, then one per list of segments."""

    def __init__(
        self, features: tuple[Feature, ...], limit: int, lists: tuple[SegmentList, ...] = ()
    ) -> None:
        self._sketchers = [sketcher(feature.reading, limit) for feature in features]
        self._lists = lists
        self._segments = [TextSketch.empty(LIMIT) for _ in lists]

    def add(self, feature: int, column: pa.Array) -> None:
        """Add a batch of one feature, named by its number."""
        self._sketchers[feature].add(column)

    def add_group(self, group: int, columns: list[pa.Array]) -> None:
        """Add a batch of the columns of one list of segments."""
        self._segments[group] += sketch_segments(self._lists[group].named(columns))

    def add_beside(self, columns: list[pa.Array]) -> None:
        """Sketches need none."""

    @property
    def sketches(self) -> list[Sketch]:
        """The sketch of each feature, then of each list."""
        return list(self._each())

    def _each(self) -> Iterator[Sketch]:
        """One after the other: a sketch is made when it is asked for."""
        yield from (each.sketch() for each in self._sketchers)
        yield from self._segments

    def results(self) -> Iterator[pa.RecordBatch]:
        """One row per feature and list, a few at a time."""
        payloads = map(pack, self._each())
        start = 0
        while some := list(islice(payloads, SKETCHES_AT_ONCE)):
            numbers = range(start, start + len(some))
            yield pa.record_batch([numbers, some], schema=SKETCHES)
            start += len(some)


def pack(sketch: Sketch) -> bytes:
    """A sketch as it travels."""
    return pickle.dumps(sketch.packed() if isinstance(sketch, NumericSketch) else sketch, 5)


def unpack(payload: bytes) -> Sketch:
    """A sketch again."""
    found: Any = pickle.loads(payload)
    return NumericSketch.unpacked(found) if isinstance(found, tuple) else found


def propose_one(feature: Feature, sketch: Sketch, binning: Binning) -> Proposal:
    """Propose the support of one feature."""
    return choose(
        sketch,
        binning,
        scale=feature.scale,
        unit=feature.unit,
        floats=feature.floats,
        keep=feature.keep,
    )


def propose_segments(sketch: Sketch, binning: Binning) -> Proposal:
    """Propose the segments of one list, as categories: the most frequent, and the rest."""
    return choose(sketch, replace(binning, max_categories=binning.max_segments))


class CountProgram:
    """Count every feature on its support, by segments too, and the moments of every group."""

    batch_rows: int = BATCH_ROWS

    def __init__(
        self,
        features: tuple[Feature, ...],
        supports: tuple[Support, ...],
        groups: tuple[Group, ...] = (),
        lists: tuple[SegmentList, ...] = (),
    ) -> None:
        self.features = features
        self.supports = supports
        self.groups = groups
        self.lists = lists

    @property
    def beside(self) -> tuple[Feature, ...]:
        """The columns that tell the segment of a row."""
        return columns_beside(self.lists)

    @property
    def numbering(self) -> Numbering:
        """The numbers of what is found."""
        return Numbering(len(self.features), len(self.groups), len(self.lists))

    def start(self) -> Profiles:
        """A new accumulator, for one task."""
        return Profiles(self.features, self.supports, self.groups, self.lists)

    def part(self, features: Sequence[int], groups: Sequence[int]) -> CountProgram:
        """Count some of the features and groups."""
        return CountProgram(
            tuple(self.features[i] for i in features),
            tuple(self.supports[i] for i in features),
            tuple(self.groups[j] for j in groups),
            self.lists,
        )


class Profiles:
    """Counts and moments per feature, per segment and per group."""

    def __init__(
        self,
        features: tuple[Feature, ...],
        supports: tuple[Support, ...],
        groups: tuple[Group, ...] = (),
        lists: tuple[SegmentList, ...] = (),
    ) -> None:
        self._segments = SegmentCounts(lists, supports) if lists else None
        self._groups = groups
        self.group_counts = [NO_ROWS] * len(groups)
        pairs = zip(features, supports, strict=True)
        share = REMEMBERED // max(1, len(supports))
        self._counters = [Counter(support, feature.reading, share) for feature, support in pairs]
        self._counts = [np.zeros(support.size, dtype=np.int64) for support in supports]
        self._moments = [NO_MOMENTS] * len(supports)

    def add(self, feature: int, column: pa.Array) -> None:
        """Add a batch of one feature, named by its number."""
        if self._segments is None:
            counts, moments = self._counters[feature].count(column)
        else:
            cells = self._counters[feature].cells(column)
            counts, moments = self._counters[feature].counted(cells)
            self._segments.add(feature, cells)
        self._counts[feature] += counts
        self._moments[feature] += moments

    def add_group(self, group: int, columns: list[pa.Array]) -> None:
        """Add a batch of one group, named by its number."""
        self.group_counts[group] += count_group(self._groups[group], columns)

    def add_beside(self, columns: list[pa.Array]) -> None:
        """Take the columns that tell the segment of a row."""
        assert self._segments is not None
        self._segments.begin(columns)

    def segment_profiles(self) -> list[list[SegmentProfiles]]:
        """The profiles of each feature by each list of segments."""
        return [] if self._segments is None else self._segments.profiles()

    def profiles(self) -> list[Profile]:
        """The profile of each feature."""
        parts = zip(self._counters, self._counts, self._moments, strict=True)
        return [Profile(counter.support, counts, moments) for counter, counts, moments in parts]

    def results(self) -> Iterator[pa.RecordBatch]:
        """One row per feature, one or more per group, one per feature and list of segments."""
        rows: list[tuple[Any, ...]] = [
            (i, counts, *moment_columns(moments), None)
            for i, (counts, moments) in enumerate(zip(self._counts, self._moments, strict=True))
        ]
        for j, found in enumerate(self.group_counts):
            rows += [(len(self._counts) + j, *row) for row in group_rows(found)]
        packed = list(map(packed_row, rows))
        if self._segments is not None:
            first = len(self._counts) + len(self.group_counts)
            none = (None,) * (len(COUNTS) - 2)
            payloads = enumerate(self._segments.packed(), first)
            packed += [(number, payload, *none) for number, payload in payloads]
        columns = zip(*packed, strict=True) if packed else [[]] * len(COUNTS)
        yield pa.record_batch([list(column) for column in columns], schema=COUNTS)
