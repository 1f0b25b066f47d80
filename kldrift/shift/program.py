"""What a task does with its rows: compare them, and count what comes of it by window and segment.

The divergence and whether the top class changed are columns of the comparison, and are counted as
the features of a monitor are.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa

from kldrift.arrays import Ints
from kldrift.counting.profile_builder import ProfileBuilder
from kldrift.counting.row_groups import SegmentList, key_columns
from kldrift.counting.window_groups import WindowGrouper
from kldrift.counting.windows import Windows
from kldrift.errors import DatasetError
from kldrift.features.feature import Feature
from kldrift.features.keys import KeyType
from kldrift.profiles.group_keys import NO_WINDOW
from kldrift.profiles.support import CategoricalSupport
from kldrift.shift.class_pairs import ClassPairs, PairCounter
from kldrift.shift.list_counts import ListCounts, Names
from kldrift.shift.row_divergence import Compared, RowOutcome, compare_rows
from kldrift.shift.row_kinds import MANTISSAS, KindGrouper, kinds_of
from kldrift.shift.worst_rows import WorstRows
from kldrift.sources.program import RowBatch

MOST_GROUPS: Final = 10_000
COMPARED_AT_ONCE: Final = 16_384
"""Rows that are read at once: 260 MB for two models of 1,000 classes in doubles."""
CHANGED: Final = CategoricalSupport(("false", "true"))

PARTS: Final = pa.schema([("share", pa.int32()), ("part", pa.binary())])
PARTS_DDL: Final = "share int, part binary"


@dataclass(frozen=True)
class ShiftProgram:
    """Compare two columns of every row; sent to the executors.

    Attributes:
        champion: the column of the model that is in use.
        probabilities: whether the two hold probabilities and not logits.
        buckets: shares in which the groups of a list are merged.
        most_groups: windows and segments that a task may meet.
    """

    champion: Feature
    challenger: Feature
    probabilities: bool
    key: Feature | None
    time: Feature | None
    windows: Windows | None
    lists: tuple[SegmentList, ...]
    buckets: int
    batch_rows: int = COMPARED_AT_ONCE
    most_groups: int = MOST_GROUPS

    @property
    def keys(self) -> tuple[Feature, ...]:
        """The columns that tell the group of a row; the time comes first."""
        return (*((self.time,) if self.time else ()), *key_columns(self.lists))

    @property
    def sets(self) -> dict[int, tuple[Feature, ...]]:
        """Both models together, because rows are compared one by one."""
        return {0: (self.champion, self.challenger, *((self.key,) if self.key else ()))}

    def start(self) -> ShiftAccumulator:
        """A new accumulator, for one task."""
        return ShiftAccumulator(self)

    def only(self, numbers: Collection[int]) -> ShiftProgram:  # noqa: ARG002
        """The program itself: its columns are one set."""
        return self


class ShiftAccumulator:
    """Adds up batches of rows, for each window and segment."""

    full = False

    def __init__(self, program: ShiftProgram) -> None:
        self._program = program
        lists = 1 + len(program.lists)
        self._grouper = WindowGrouper(program.lists)
        self._kinds = KindGrouper(self._grouper, lists)
        self._divergence = ProfileBuilder(MANTISSAS, KeyType.FLOAT, 0, lists)
        self._changed = ProfileBuilder(CHANGED, KeyType.TEXT, 0, lists)
        self._worst = [WorstRows() for _ in range(lists)]
        self._pairs = PairCounter()

    def add(self, batch: RowBatch) -> None:
        """Add a batch."""
        step = self._program.batch_rows
        for _, columns in batch.sets:
            for start in range(0, len(columns[0]), step):  # Spark may send more at once
                few = [column.slice(start, step) for column in columns]
                self._add_rows(few, [column.slice(start, step) for column in batch.keys])

    def _add_rows(self, columns: Sequence[pa.Array], keys: Sequence[pa.Array]) -> None:
        program = self._program
        compared = compare_rows(columns[0], columns[1], probabilities=program.probabilities)
        if program.windows is not None:
            windows = program.windows.starts(keys[0])
            keys = keys[1:]
        else:
            windows = np.full(len(columns[0]), NO_WINDOW, dtype=np.int64)
        names = columns[2] if program.key is not None else None
        self.add_compared(compared, windows, keys, names)

    def add_compared(
        self,
        compared: Compared,
        windows: Ints,
        columns: Sequence[pa.Array] = (),
        names: pa.Array | None = None,
    ) -> None:
        """Count rows that were compared; without ``names`` there are no worst ones."""
        groups = self._grouper.group(windows, columns)
        if self._grouper.size > self._program.most_groups:
            raise too_many_groups(self._program.most_groups)
        mantissas, kinds = kinds_of(compared)
        uncounted = compared.outcome != RowOutcome.FINITE
        self._divergence.add(pa.array(mantissas, mask=uncounted), self._kinds.group(groups, kinds))
        left_out = compared.outcome > RowOutcome.INFINITE
        self._changed.add(pa.array(compared.changed, mask=left_out), groups)
        self._pairs.add(*(x[~left_out] for x in (windows, compared.champion, compared.challenger)))
        if names is not None:
            for worst, rows in zip(self._worst, groups, strict=True):
                worst.add(rows.numbers, compared, names)

    def parts(self) -> Iterator[ListCounts]:
        """What was added: by window alone, then for each list of segments."""
        names: list[Names] = [(None,), *self._grouper.names]
        divergence = self._divergence.counted(self._kinds)
        changed = self._changed.counted(self._grouper)
        for k, (n, d, c) in enumerate(zip(names, divergence, changed, strict=True)):
            worst = self._worst[k].rows(self._grouper.keys(k, self._grouper.size))
            yield ListCounts(n, d, c, worst, ClassPairs.none() if k else self._pairs.pairs())

    def results(self) -> Iterator[pa.RecordBatch]:
        """One row for each share of the groups of a list."""
        buckets = self._program.buckets
        shares = [
            (k * buckets + bucket, share.packed())
            for k, part in enumerate(self.parts())
            for bucket, share in part.shares(buckets)
        ]
        columns = zip(*shares, strict=True) if shares else ((), ())
        yield pa.record_batch([list(column) for column in columns], schema=PARTS)


def too_many_groups(most: int) -> DatasetError:
    """The error of data that has more windows and segments than anyone reads."""
    return DatasetError(
        f"segments and windows give more than {most:,} groups; leave out a column of "
        "segments that has many values, or make time.window longer"
    )
