"""The programs that tasks run: sketch a dataset, or count it.

A task sees its share of a dataset as columns, adds them to one accumulator per feature, and emits
one small batch at its end: nothing per row ever leaves it.

See docs/decisions/one-scan.md.
"""

from __future__ import annotations

import pickle
from collections.abc import Collection, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, NamedTuple, Self

import numpy as np
import pyarrow as pa

from kldrift.binning.numeric_sketch import LIMIT, NumericSketch, Sketch
from kldrift.binning.sketcher import sketcher
from kldrift.binning.text_sketch import TextSketch
from kldrift.counting.counter import REMEMBERED
from kldrift.counting.group_names import sketch_segments
from kldrift.counting.joint import JointColumns, count_joint
from kldrift.counting.new_values import NewNames
from kldrift.counting.profile_builder import ProfileBuilder
from kldrift.counting.row_groups import RowGrouper, RowGroups, SegmentList, key_columns
from kldrift.counting.window_groups import WindowGrouper
from kldrift.counting.windows import Windows
from kldrift.execution.wire import COUNTS, Packed, packed, packed_whole, unpacked
from kldrift.features.feature import Feature
from kldrift.profiles.counted import merged
from kldrift.profiles.joint_profile import JointProfile
from kldrift.profiles.profile import Profile
from kldrift.profiles.support import NumericSupport, Support
from kldrift.sources.program import BATCH_ROWS, RowBatch

MOST_BYTES: Final = 256 * 2**20
"""What the tables of segments may take in a task before they leave it as partial profiles."""
SKETCHES: Final = pa.schema([("feature", pa.int32()), ("sketch", pa.binary())])
SKETCHES_AT_ONCE: Final = 64
"""Sketches in a batch that leaves a task: bounds what is held twice meanwhile."""
SKETCHES_DDL: Final = "feature int, sketch binary"

Unseen = Mapping[int, NewNames]
"""By number of a feature: values that the reference never had, the most frequent ones; where
there are windows, each behind its window."""


def sketch_limit(features: int) -> int:
    """Cells that a sketch keeps, so that all of a task's sketches fit into about 128 MB.

    While they are made, they take a quarter more, three times as much where rows come in order.
    It depends on the number of features alone: the same data gives the same supports.

    Examples:
        >>> sketch_limit(40), sketch_limit(5000)
        (16384, 1024)
    """
    return int(np.clip(2**22 // max(1, features), 1_024, LIMIT))


class _ByNumber:
    """A program whose sets have numbers, so that it can be restricted to some of them."""

    sets: dict[int, tuple[Feature, ...]]

    def only(self, numbers: Collection[int]) -> Self:
        """The program restricted to some of its sets; all else is as for all of them."""
        fewer = copy(self)
        fewer.sets = {n: columns for n, columns in self.sets.items() if n in numbers}
        return fewer


class SketchProgram(_ByNumber):
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

    def start(self) -> SketchAccumulator:
        """A new accumulator, for one task."""
        return SketchAccumulator(self)


class SketchAccumulator:
    """A sketch per feature, then one per list of segments."""

    full = False

    def __init__(self, program: SketchProgram) -> None:
        self._lists = {n: one for n, one in program.lists.items() if n in program.sets}
        self._segments = {n: TextSketch.empty(LIMIT) for n in self._lists}
        features = {n: fs[0] for n, fs in program.sets.items() if n not in self._lists}
        self._sketchers = {n: sketcher(f.key_type, program.limit) for n, f in features.items()}

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
        """Each number with its sketch, which is made when the iterator gets there."""
        yield from ((n, each.sketch()) for n, each in self._sketchers.items())
        yield from self._segments.items()

    def results(self) -> Iterator[pa.RecordBatch]:
        """One row per feature and list, a few at a time."""
        payloads = ((number, pickled_sketch(sketch)) for number, sketch in self._each())
        while rows := list(islice(payloads, SKETCHES_AT_ONCE)):
            yield pa.record_batch(list(zip(*rows, strict=True)), schema=SKETCHES)


def pickled_sketch(sketch: Sketch) -> bytes:
    """Serialise a sketch to bytes."""
    return pickle.dumps(sketch.packed() if isinstance(sketch, NumericSketch) else sketch, 5)


def unpickled_sketch(payload: bytes) -> Sketch:
    """Deserialise a sketch from bytes."""
    sketch: Any = pickle.loads(payload)
    return NumericSketch.unpacked(sketch) if isinstance(sketch, tuple) else sketch


@dataclass(frozen=True)
class TimeColumn:
    """The column that says when a row was, and its windows."""

    feature: Feature
    windows: Windows


class CountProgram(_ByNumber):
    """Count every feature on its support, for the whole and by segments, and joint features.

    With a time, each window is counted as a whole would be: all in one scan, in whatever order.
    """

    batch_rows: int = BATCH_ROWS

    def __init__(
        self,
        features: tuple[Feature, ...],
        supports: tuple[Support, ...],
        joint: tuple[JointColumns, ...] = (),
        lists: tuple[SegmentList, ...] = (),
        most_bytes: int = MOST_BYTES,
        time: TimeColumn | None = None,
        *,
        naming: bool = False,
    ) -> None:
        self.time = time
        self.naming = naming
        self.supports = supports
        self.joint = joint
        self.lists = lists
        self.most_bytes = most_bytes
        self.sets = dict(enumerate([*((f,) for f in features), *(j.features for j in joint)]))

    @property
    def keys(self) -> tuple[Feature, ...]:
        """The columns that tell the group of a row; the time comes first."""
        return (*((self.time.feature,) if self.time else ()), *key_columns(self.lists))

    @property
    def numbers(self) -> int:
        """Number of features and joint features; their results travel under numbers below it."""
        return len(self.supports) + len(self.joint)

    def start(self) -> CountAccumulator:
        """A new accumulator, for one task."""
        return CountAccumulator(self)


class DatasetCounts(NamedTuple):
    """What was counted of a dataset."""

    profiles: list[Profile]
    joint: list[JointProfile]
    unseen: Unseen


class CountAccumulator:
    """Counts and moments per feature and group, and those of joint features."""

    def __init__(self, program: CountProgram) -> None:
        supports = {n: program.supports[n] for n in program.sets if n < len(program.supports)}
        joint = (n for n in program.sets if n not in supports)
        share = REMEMBERED // max(1, len(supports))
        self._most_bytes = program.most_bytes
        self._numbers = program.numbers
        self._joint = {n: program.joint[n - len(program.supports)] for n in joint}
        self._joint_profiles = dict.fromkeys(self._joint, JointProfile.zero())
        self._windows = program.time.windows if program.time else None
        self._by_window = WindowGrouper(program.lists, known=True) if program.time else None
        self._by_segment = RowGrouper(program.lists) if program.lists else None
        lists = len(program.lists) + (self._windows is not None)
        self._builders = {
            n: ProfileBuilder(
                s,
                program.sets[n][0].key_type,
                share,
                lists,
                most=sketch_limit(len(supports)) if program.naming else 0,
                windows=self._windows is not None,
            )
            for n, s in supports.items()
        }
        self._bytes = 0
        self._ready: list[tuple[int, Packed]] = []

    @property
    def full(self) -> bool:
        """Whether partial profiles are ready to leave the task."""
        return bool(self._ready)

    def add(self, batch: RowBatch) -> None:
        """Add a batch."""
        groups, starts = self._groups(batch.keys), None
        if self._by_window is not None:
            starts = self._by_window.keys(0, groups[0].groups).window
        for number, columns in batch.sets:
            if number in self._builders:
                builder = self._builders[number]
                before, met = builder.nbytes, builder.never_seen
                builder.add(columns[0], groups, starts)
                if self._by_window is not None:
                    windows = self._by_window.windows_of(groups[0])
                    mine = ((int(key.window[0]), rows) for key, rows in windows)
                    builder.note(columns[0], mine, met)
                self._bytes += builder.nbytes - before
                if self._bytes > self._most_bytes:
                    self._set_down()
            elif self._by_window is None:
                self._joint_profiles[number] += count_joint(self._joint[number], columns)
            else:
                for key, rows in self._by_window.windows_of(groups[0]):
                    profile = count_joint(self._joint[number], [c.take(rows) for c in columns])
                    self._joint_profiles[number] += profile.under(key)

    def _groups(self, keys: Sequence[pa.Array]) -> list[RowGroups]:
        """The groups of a batch of rows: by window, if there are any, then list by list."""
        if self._windows is not None and self._by_window is not None:
            return self._by_window.group(self._windows.starts(keys[0]), keys[1:])
        return [] if self._by_segment is None else self._by_segment.group(keys)

    def _set_down(self) -> None:
        """Pack the counts so far as partial profiles, and reset."""
        self._ready += self._rows()
        for builder in self._builders.values():
            builder.clear()
        self._bytes = 0

    def _rows(self) -> Iterator[tuple[int, Packed]]:
        """A row per feature for the whole, or by window, and one for each list that has rows."""
        for number, builder in self._builders.items():
            if self._by_window is None:
                counts, sums = builder.whole()
                numeric = isinstance(builder.support, NumericSupport)
                yield number, packed_whole(counts, sums if numeric else None)
            grouper = self._by_window or self._by_segment
            for counted in builder.counted(grouper) if grouper is not None else ():
                if len(counted.keys):
                    yield number, packed(counted)

    def profiles(self) -> list[Profile]:
        """The profile of each feature."""
        parts = ((number, unpacked(row)) for number, row in (*self._ready, *self._rows()))
        counted = merged(parts)
        return [
            counted[n].profile(builder.support) if n in counted else Profile.zero(builder.support)
            for n, builder in self._builders.items()
        ]

    def joint_profiles(self) -> list[JointProfile]:
        """The profile of each joint."""
        return list(self._joint_profiles.values())

    def unseen(self) -> dict[int, NewNames]:
        """The values of each feature that the reference never had, or in too few rows."""
        unseen = {n: b.unseen for n, b in self._builders.items()}
        return {n: names for n, names in unseen.items() if len(names) or len(names.known.windows)}

    def results(self) -> Iterator[pa.RecordBatch]:
        """The rows of :meth:`_rows`, one for each joint, and one for the unseen values of each."""
        rows = [(number, *row) for number, row in (*self._ready, *self._rows())]
        rows += [(n, None, pickle.dumps(j, 5), None) for n, j in self._joint_profiles.items()]
        behind = self._numbers
        rows += [(behind + n, None, pickle.dumps(s, 5), None) for n, s in self.unseen().items()]
        columns = zip(*rows, strict=True) if rows else [[]] * len(COUNTS)
        yield pa.record_batch([list(column) for column in columns], schema=COUNTS)
