"""What runs on the executors: plain functions and accumulators over Arrow columns.

A task sees its share of a dataset as columns, adds them to one accumulator per feature, and emits
one small batch at its end: nothing per row ever leaves it.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Sequence
from typing import Any, Final, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from kldrift.binning import Binning, Proposal, choose
from kldrift.comoments import CoMoments
from kldrift.counting import Counter
from kldrift.features import Feature
from kldrift.group import NO_ROWS, Group, GroupCounts, count_group
from kldrift.moments import NO_MOMENTS, Moments
from kldrift.profile import Profile
from kldrift.sketch import LIMIT, NumericSketch, Sketch
from kldrift.sketching import sketcher
from kldrift.support import Support

SKETCHES: Final = pa.schema([("feature", pa.int32()), ("sketch", pa.binary())])
COUNTS: Final = pa.schema(
    [
        ("feature", pa.int32()),
        ("counts", pa.binary()),
        ("moment_rows", pa.int64()),
        ("sum1", pa.float64()),
        ("sum1_low", pa.float64()),
        ("sum2", pa.float64()),
        ("sum2_low", pa.float64()),
        ("minimum", pa.float64()),
        ("maximum", pa.float64()),
        ("sums", pa.binary()),
    ]
)
SKETCHES_AT_ONCE: Final = 64
"""Sketches in a batch that leaves a task: bounds what is held twice meanwhile."""
SKETCHES_DDL: Final = "feature int, sketch binary"
COUNTS_DDL: Final = (
    "feature int, counts binary, "
    "moment_rows bigint, sum1 double, sum1_low double, sum2 double, sum2_low double, "
    "minimum double, maximum double, sums binary"
)

Columns = Iterator[tuple[int, list[pa.Array]]]
"""Batches of the features ``first, first + 1, ...``: (first, their columns).

``-1 - j`` instead of a first feature stands for group j of the program, with its columns."""


BATCH_ROWS: Final = 131_072


class Accumulator(Protocol):
    """Adds up batches of columns."""

    def add(self, feature: int, column: pa.Array) -> None:
        """Add a batch of one feature, named by its number."""

    def add_group(self, group: int, columns: list[pa.Array]) -> None:
        """Add a batch of one group, named by its number."""

    def results(self) -> Iterator[pa.RecordBatch]:
        """What leaves the task."""


class Program(Protocol):
    """What to do with a task's rows; sent to the executors."""

    @property
    def features(self) -> tuple[Feature, ...]:
        """The features, in the order of their numbers."""

    @property
    def groups(self) -> tuple[Group, ...]:
        """Groups of features that are looked at together."""

    @property
    def batch_rows(self) -> int:
        """Rows that are read from files at once."""

    def start(self) -> Accumulator:
        """A new accumulator, for one task."""

    def part(self, features: Sequence[int], groups: Sequence[int]) -> Program:
        """The same for some of the features and groups only, numbered from 0."""


def run(program: Program, columns: Columns) -> Iterator[pa.RecordBatch]:
    """Send a task's columns through a program."""
    accumulator = program.start()
    for first, batch in columns:
        if first < 0:
            accumulator.add_group(-1 - first, batch)
            continue
        for i, column in enumerate(batch, first):
            accumulator.add(i, column)
    yield from accumulator.results()


def sketch_limit(features: int) -> int:
    """Cells that a sketch keeps, so that all of a task's sketches fit into about 128 MB.

    While they are made, they take a quarter more, three times as much where rows come in order.
    It depends on the number of features alone: the same data gives the same supports.

    Examples:
        >>> sketch_limit(40), sketch_limit(5000)
        (16384, 2048)
    """
    return int(np.clip(2**22 // max(1, features), 2_048, LIMIT))


class SketchProgram:
    """Sketch every feature, so that its support can be chosen."""

    groups: tuple[Group, ...] = ()
    batch_rows: int = BATCH_ROWS

    def __init__(self, features: tuple[Feature, ...], limit: int | None = None) -> None:
        self.features = features
        self._limit = sketch_limit(len(features)) if limit is None else limit

    def start(self) -> Sketches:
        """A new accumulator, for one task."""
        return Sketches(self.features, self._limit)

    def part(self, features: Sequence[int], groups: Sequence[int]) -> SketchProgram:  # noqa: ARG002
        """Sketch some of the features, as finely as all of them would be."""
        return SketchProgram(tuple(self.features[i] for i in features), self._limit)


class Sketches:
    """A sketch per feature."""

    def __init__(self, features: tuple[Feature, ...], limit: int) -> None:
        self._sketchers = [sketcher(feature.reading, limit) for feature in features]

    def add(self, feature: int, column: pa.Array) -> None:
        """Add a batch of one feature, named by its number."""
        self._sketchers[feature].add(column)

    def add_group(self, group: int, columns: list[pa.Array]) -> None:
        """Groups need no sketch."""

    @property
    def sketches(self) -> list[Sketch]:
        """The sketch of each feature."""
        return [each.sketch() for each in self._sketchers]

    def results(self) -> Iterator[pa.RecordBatch]:
        """One row per feature, a few features at a time."""
        for start in range(0, len(self._sketchers), SKETCHES_AT_ONCE):
            some = self._sketchers[start : start + SKETCHES_AT_ONCE]
            payloads = [pack(each.sketch()) for each in some]
            numbers = range(start, start + len(payloads))
            yield pa.record_batch([numbers, payloads], schema=SKETCHES)


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


def moment_columns(moments: Moments) -> tuple[int, float, float, float, float, float, float]:
    """Moments as they travel; the pivot is known from the support."""
    m = moments
    return m.rows, m.sum1, m.sum1_low, m.sum2, m.sum2_low, m.minimum, m.maximum


class CountProgram:
    """Count every feature on its support, and the moments of every group."""

    batch_rows: int = BATCH_ROWS

    def __init__(
        self,
        features: tuple[Feature, ...],
        supports: tuple[Support, ...],
        groups: tuple[Group, ...] = (),
    ) -> None:
        self.features = features
        self.supports = supports
        self.groups = groups

    def start(self) -> Profiles:
        """A new accumulator, for one task."""
        return Profiles(self.features, self.supports, self.groups)

    def part(self, features: Sequence[int], groups: Sequence[int]) -> CountProgram:
        """Count some of the features and groups."""
        return CountProgram(
            tuple(self.features[i] for i in features),
            tuple(self.supports[i] for i in features),
            tuple(self.groups[j] for j in groups),
        )


class Profiles:
    """Counts and moments per feature and per group."""

    def __init__(
        self,
        features: tuple[Feature, ...],
        supports: tuple[Support, ...],
        groups: tuple[Group, ...] = (),
    ) -> None:
        self._groups = groups
        self.group_counts = [NO_ROWS] * len(groups)
        pairs = zip(features, supports, strict=True)
        self._counters = [Counter(support, feature.reading) for feature, support in pairs]
        self._counts = [np.zeros(support.size, dtype=np.int64) for support in supports]
        self._moments = [NO_MOMENTS] * len(supports)

    def add(self, feature: int, column: pa.Array) -> None:
        """Add a batch of one feature, named by its number."""
        counts, moments = self._counters[feature].count(column)
        self._counts[feature] += counts
        self._moments[feature] += moments

    def add_group(self, group: int, columns: list[pa.Array]) -> None:
        """Add a batch of one group, named by its number."""
        self.group_counts[group] += count_group(self._groups[group], columns)

    def profiles(self) -> list[Profile]:
        """The profile of each feature."""
        parts = zip(self._counters, self._counts, self._moments, strict=True)
        return [Profile(counter.support, counts, moments) for counter, counts, moments in parts]

    def results(self) -> Iterator[pa.RecordBatch]:
        """One row per feature, then one or more per group."""
        rows: list[tuple[Any, ...]] = [
            (i, counts, *moment_columns(moments), None)
            for i, (counts, moments) in enumerate(zip(self._counts, self._moments, strict=True))
        ]
        for j, found in enumerate(self.group_counts):
            rows += [(len(self._counts) + j, *row) for row in group_rows(found)]
        columns = zip(*map(packed_row, rows), strict=True) if rows else [[]] * len(COUNTS)
        yield pa.record_batch([list(column) for column in columns], schema=COUNTS)


def packed_row(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """A row of ``COUNTS`` whose arrays are bytes: Spark takes those as they are."""
    feature, counts, *moments, sums = row
    packed = None if sums is None else np.asarray(sums, dtype=np.float64).tobytes()
    return feature, np.asarray(counts, dtype=np.int64).tobytes(), *moments, packed


def counts_of(row: Any) -> NDArray[np.int64]:
    """The counts of a packed row."""
    return np.frombuffer(row["counts"], dtype=np.int64)


def group_rows(found: GroupCounts) -> list[tuple[Any, ...]]:
    """A group's counts as they travel: ``(counts, moments of no feature, sums)``.

    The first row holds the number of rows; each further one a width, and its complete rows.
    """
    none = (None,) * 7
    out: list[tuple[Any, ...]] = [([found.rows], *none, None)]
    for width, m in found.moments.items():
        sums = np.concatenate([m.sum1, m.cross.ravel(), m.sum3, m.sum4])
        out.append(([width, m.rows], *none, sums))
    return out


def group_from_packed(group: Group, row: Any) -> GroupCounts:
    """One packed row of a group again."""
    sums = row["sums"]
    return group_from_row(
        group, counts_of(row), None if sums is None else np.frombuffer(sums, dtype=np.float64)
    )


def group_from_row(group: Group, counts: Any, sums: Any) -> GroupCounts:
    """One row of :func:`group_rows` again."""
    if len(counts) == 1:
        return GroupCounts(int(counts[0]), {})
    k = int(counts[0])
    values = np.asarray(sums, dtype=np.float64)
    sum1, cross, sum3, sum4 = np.split(values, [k, len(values) - 2 * k, len(values) - k])
    if len(cross) != k or (k == 1 and not group.diagonal):
        cross = cross.reshape(k, k)
    return GroupCounts(0, {k: CoMoments(int(counts[1]), group.pivot(k), sum1, cross, sum3, sum4)})
