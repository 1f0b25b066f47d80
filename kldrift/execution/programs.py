"""What runs on the executors: plain functions and accumulators over Arrow columns.

A task sees its share of a dataset as columns, adds them to one accumulator per feature, and emits
one small batch at its end: nothing per row ever leaves it.
"""

from __future__ import annotations

import pickle
from collections.abc import Collection, Iterator
from copy import copy
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
from kldrift.counting.joint import NO_ROWS, Group, GroupCounts, count_group
from kldrift.execution.group_counts import SegmentCounts, SegmentList, columns_beside
from kldrift.execution.wire import COUNTS, Numbering, group_rows, moment_columns, packed_row
from kldrift.features.plan import Feature
from kldrift.profiles.moments import NO_MOMENTS
from kldrift.profiles.profile import Profile
from kldrift.profiles.support import Support
from kldrift.sources.program import BATCH_ROWS, RowBatch

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

    keys: tuple[Feature, ...] = ()
    batch_rows: int = BATCH_ROWS

    def __init__(
        self,
        features: tuple[Feature, ...],
        limit: int | None = None,
        lists: tuple[SegmentList, ...] = (),
    ) -> None:
        self.sets = dict(enumerate([*((f,) for f in features), *(one.columns for one in lists)]))
        self.lists = dict(enumerate(lists, len(features)))
        self.limit = sketch_limit(len(features)) if limit is None else limit

    def only(self, numbers: Collection[int]) -> SketchProgram:
        """Sketch some of the features and lists, as finely as all of them would be."""
        some = copy(self)
        some.sets = {n: columns for n, columns in self.sets.items() if n in numbers}
        return some

    def start(self) -> Sketches:
        """A new accumulator, for one task."""
        return Sketches(self)


class Sketches:
    """A sketch per feature, then one per list of segments."""

    full = False

    def __init__(self, program: SketchProgram) -> None:
        self._lists = {n: one for n, one in program.lists.items() if n in program.sets}
        self._segments = {n: TextSketch.empty(LIMIT) for n in self._lists}
        features = {n: fs[0] for n, fs in program.sets.items() if n not in self._lists}
        self._sketchers = {n: sketcher(f.reading, program.limit) for n, f in features.items()}

    def add(self, batch: RowBatch) -> None:
        """Add a batch."""
        for number, columns in batch.sets:
            if number in self._sketchers:
                self._sketchers[number].add(columns[0])
            else:
                named = self._lists[number].named(columns)
                self._segments[number] += sketch_segments(named)

    @property
    def sketches(self) -> list[Sketch]:
        """The sketch of each feature, then of each list."""
        return [sketch for _, sketch in self._each()]

    def _each(self) -> Iterator[tuple[int, Sketch]]:
        """One after the other, with its number: a sketch is made when it is asked for."""
        yield from ((n, each.sketch()) for n, each in self._sketchers.items())
        yield from self._segments.items()

    def results(self) -> Iterator[pa.RecordBatch]:
        """One row per feature and list, a few at a time."""
        payloads = ((number, pack(sketch)) for number, sketch in self._each())
        while some := list(islice(payloads, SKETCHES_AT_ONCE)):
            yield pa.record_batch(list(zip(*some, strict=True)), schema=SKETCHES)


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
        self.supports = supports
        self.groups = groups
        self.lists = lists
        self.sets = dict(enumerate([*((f,) for f in features), *(g.features for g in groups)]))

    @property
    def keys(self) -> tuple[Feature, ...]:
        """The columns that tell the segment of a row."""
        return columns_beside(self.lists)

    @property
    def numbering(self) -> Numbering:
        """The numbers of what is found."""
        return Numbering(len(self.supports), len(self.groups), len(self.lists))

    def only(self, numbers: Collection[int]) -> CountProgram:
        """Count some of the features and groups."""
        some = copy(self)
        some.sets = {n: columns for n, columns in self.sets.items() if n in numbers}
        return some

    def start(self) -> Profiles:
        """A new accumulator, for one task."""
        return Profiles(self)


class Profiles:
    """Counts and moments per feature, per segment and per group."""

    full = False

    def __init__(self, program: CountProgram) -> None:
        supports = {n: program.supports[n] for n in program.sets if n < len(program.supports)}
        joint = (n for n in program.sets if n not in supports)
        groups = {n: program.groups[n - len(program.supports)] for n in joint}
        readings = {n: program.sets[n][0].reading for n in supports}
        share = REMEMBERED // max(1, len(supports))
        self._segments = SegmentCounts(program.lists, supports) if program.lists else None
        self._numbering = program.numbering
        self._groups = groups
        self._group_counts = dict.fromkeys(groups, NO_ROWS)
        self._counters = {n: Counter(s, readings[n], share) for n, s in supports.items()}
        self._counts = {n: np.zeros(s.size, dtype=np.int64) for n, s in supports.items()}
        self._moments = dict.fromkeys(supports, NO_MOMENTS)

    def add(self, batch: RowBatch) -> None:
        """Add a batch."""
        if self._segments is not None:
            self._segments.begin(batch.keys)
        for number, columns in batch.sets:
            if number in self._counters:
                self._add_feature(number, columns[0])
            else:
                self._group_counts[number] += count_group(self._groups[number], columns)

    def _add_feature(self, number: int, column: pa.Array) -> None:
        counter = self._counters[number]
        if self._segments is None:
            counts, moments = counter.count(column)
        else:
            cells = counter.cells(column)
            counts, moments = counter.counted(cells)
            self._segments.add(number, cells)
        self._counts[number] += counts
        self._moments[number] += moments

    @property
    def group_counts(self) -> list[GroupCounts]:
        """The counts of each group."""
        return list(self._group_counts.values())

    def segment_profiles(self) -> list[list[SegmentProfiles]]:
        """The profiles of each feature by each list of segments."""
        return [] if self._segments is None else list(self._segments.profiles().values())

    def profiles(self) -> list[Profile]:
        """The profile of each feature."""
        return [
            Profile(counter.support, self._counts[n], self._moments[n])
            for n, counter in self._counters.items()
        ]

    def results(self) -> Iterator[pa.RecordBatch]:
        """One row per feature, one or more per group, one per feature and list of segments."""
        rows: list[tuple[Any, ...]] = [
            (n, counts, *moment_columns(self._moments[n]), None)
            for n, counts in self._counts.items()
        ]
        for n, found in self._group_counts.items():
            rows += [(n, *row) for row in group_rows(found)]
        packed = list(map(packed_row, rows))
        if self._segments is not None:
            none = (None,) * (len(COUNTS) - 2)
            for n, by_list in self._segments.profiles().items():
                numbers = (self._numbering.by_list(n, k) for k in range(len(by_list)))
                packed += [(i, p.packed(), *none) for i, p in zip(numbers, by_list, strict=True)]
        columns = zip(*packed, strict=True) if packed else [[]] * len(COUNTS)
        yield pa.record_batch([list(column) for column in columns], schema=COUNTS)
