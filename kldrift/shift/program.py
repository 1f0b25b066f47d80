"""The program of a model shift: compare rows, and add them up by window and segment."""

from __future__ import annotations

import pickle
import zlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kldrift.errors import DatasetError
from kldrift.features.plan import Feature
from kldrift.shift.groups import NO_WINDOWS, UNTIMED, Group, groups_of, texts, window_starts
from kldrift.shift.row_divergence import Compared, compare_rows
from kldrift.shift.row_divergence_cells import Floats, Ints, split, summed
from kldrift.shift.summary import WORST, Example, Outcome, Shift
from kldrift.sources.program import RowBatch

MOST_GROUPS: Final = 10_000
BATCH_ROWS: Final = 16_384
"""Rows that are read at once: 260 MB for two models of 1,000 classes in doubles."""
PENDING: Final = 2**18
"""Entries that wait until they are merged."""

SHIFTS: Final = pa.schema(
    [
        ("bucket", pa.int32()),
        ("window", pa.int64()),
        ("segment", pa.string()),
        ("shift", pa.binary()),
    ]
)
SHIFTS_DDL: Final = "bucket int, window bigint, segment string, shift binary"


@dataclass(frozen=True)
class ShiftProgram:
    """Compare two columns of every row; sent to the executors.

    Attributes:
        features: the columns: champion, challenger, the key and the time if there are any, then
            those of segments.
        probabilities: whether the two hold probabilities and not logits.
        key: place of the key, or None.
        time: place of the time, or None.
        length: of a window; None without time.
        segments: each a list of places.
        buckets: shares in which groups are merged.
    """

    features: tuple[Feature, ...]
    probabilities: bool
    key: int | None
    time: int | None
    length: timedelta | None
    segments: tuple[tuple[int, ...], ...]
    buckets: int
    batch_rows: int = BATCH_ROWS

    @property
    def keys(self) -> tuple[Feature, ...]:
        """None: all columns stand in one set."""
        return ()

    @property
    def sets(self) -> dict[int, tuple[Feature, ...]]:
        """All columns together, because rows are compared one by one."""
        return {0: self.features}

    def start(self) -> Shifts:
        """A new accumulator, for one task."""
        return Shifts(self)

    def only(self, numbers: Collection[int]) -> ShiftProgram:  # noqa: ARG002
        """The program itself: it has one set only."""
        return self


class Shifts:
    """Adds up batches of rows, for each window and segment; columns instead of objects."""

    full = False

    def __init__(self, program: ShiftProgram) -> None:
        self._program = program
        self._ids: dict[Group, int] = {}
        self._outcomes: Ints = np.zeros((0, len(Outcome)), dtype=np.int64)
        self._changed: Ints = np.zeros(0, dtype=np.int64)
        self._cells = _Cells()
        self._worst = _Worst()

    def add(self, batch: RowBatch) -> None:
        """Add a batch."""
        for _, columns in batch.sets:
            for start in range(0, len(columns[0]), BATCH_ROWS):  # Spark may send more at once
                self._add_rows([column.slice(start, BATCH_ROWS) for column in columns])

    def _add_rows(self, columns: list[pa.Array]) -> None:
        program = self._program
        found = compare_rows(columns[0], columns[1], probabilities=program.probabilities)
        windows = np.full(len(columns[0]), NO_WINDOWS, dtype=np.int64)
        if program.time is not None and program.length is not None:
            windows = window_starts(columns[program.time], program.length)
        split_up = _Split(found)
        keys = columns[program.key] if program.key is not None else None
        for places in ((), *program.segments):
            names = [(program.features[i].name, columns[i]) for i in places]
            ids = self._numbered(*groups_of(windows, names))
            self._add(split_up, ids, keys)

    def _numbered(self, groups: Sequence[Group], place: Ints) -> Ints:
        """The number of each row's group, over all batches; those of no window have none."""
        wanted = [g for g in groups if g[0] != UNTIMED or g[1] is None]
        for group in wanted:
            self._ids.setdefault(group, len(self._ids))
        if len(self._ids) > MOST_GROUPS:
            raise too_many_groups()
        more = len(self._ids) - len(self._changed)
        if more:
            self._outcomes = np.pad(self._outcomes, ((0, more), (0, 0)))
            self._changed = np.pad(self._changed, (0, more))
        numbers = np.array([self._ids.get(g, -1) for g in groups], dtype=np.int64)
        return numbers[place] if len(numbers) else place

    def _add(self, rows: _Split, ids: Ints, keys: pa.Array | None) -> None:
        seen = ids >= 0
        np.add.at(self._outcomes, (ids[seen], rows.found.outcome[seen]), 1)
        np.add.at(self._changed, ids[seen], rows.found.changed[seen])
        finite = ids[rows.finite]
        seen = finite >= 0
        self._cells.add(finite[seen], *(part[seen] for part in rows.parts))
        if keys is not None:
            self._worst.add(ids, rows.found, keys)

    def shifts(self) -> dict[Group, Shift]:
        """The sums by window and segment."""
        cells = self._cells.by_group(len(self._ids))
        worst = self._worst.by_group(len(self._ids))
        return {
            group: Shift.counted(self._outcomes[i], int(self._changed[i]), cells[i], worst[i])
            for group, i in self._ids.items()
        }

    def results(self) -> Iterator[pa.RecordBatch]:
        """One row per window and segment."""
        shifts = self.shifts()
        columns = [
            [bucket_of(group, self._program.buckets) for group in shifts],
            [window for window, _ in shifts],
            [segment for _, segment in shifts],
            [pickle.dumps(shift, protocol=5) for shift in shifts.values()],
        ]
        arrays = [pa.array(c, f.type) for c, f in zip(columns, SHIFTS, strict=True)]
        yield pa.record_batch(arrays, schema=SHIFTS)


def bucket_of(group: Group, buckets: int) -> int:
    """The share in which a group is merged: the same in every task."""
    return zlib.crc32(repr(group).encode()) % buckets


def too_many_groups() -> DatasetError:
    """The error of data that has more windows and segments than anyone reads."""
    return DatasetError(
        f"segments and windows give more than {MOST_GROUPS:,} groups; leave out a column of "
        "segments that has many values, or make time.window longer"
    )


class _Split:
    """The rows of a batch, and the finite ones split into integers."""

    def __init__(self, found: Compared) -> None:
        self.found = found
        self.finite = np.flatnonzero(found.outcome == Outcome.FINITE)
        cell, *parts = split(found.kl[self.finite])
        self.parts = (cell, np.ones_like(cell), *parts)


class _Cells:
    """Sums by group and cell."""

    def __init__(self) -> None:
        self._waiting: list[tuple[Ints, ...]] = []
        self._size = 0
        self._merged = 0

    def add(self, ids: Ints, cell: Ints, *parts: Ints) -> None:
        """Add rows."""
        # The cell in the lower 22 bits: no double's is as far from 0 as 2 ** 21.
        self._append(summed((ids << 22) + (cell + 2**21), *parts))
        if self._size > 2 * self._merged + PENDING:
            self._merge()

    def _append(self, entries: tuple[Ints, ...]) -> None:
        self._waiting.append(entries)
        self._size += len(entries[0])

    def _merge(self) -> tuple[Ints, ...]:
        columns = zip(*self._waiting, strict=True)
        merged = summed(*(np.concatenate(column) for column in columns))
        self._waiting, self._size, self._merged = [merged], len(merged[0]), len(merged[0])
        return merged

    def by_group(self, groups: int) -> list[tuple[Ints, ...]]:
        """Cells, rows and sums of each group."""
        if not self._waiting:
            return [tuple(np.zeros((5, 0), dtype=np.int64))] * groups
        keys, *parts = self._merge()
        ends = np.searchsorted(keys >> 22, np.arange(1, groups))
        columns = [np.split(c, ends) for c in ((keys & (2**22 - 1)) - 2**21, *parts)]
        return list(zip(*columns, strict=True))


class _Worst:
    """The rows of the largest divergence of each group."""

    def __init__(self) -> None:
        self._waiting: list[pa.Table] = []
        self._size = 0
        self._merged = 0
        self._floor: Floats = np.zeros(0)

    def add(self, ids: Ints, found: Compared, keys: pa.Array) -> None:
        """Add rows; those that cannot be among the worst are dropped at once."""
        if len(ids) and ids.max() >= len(self._floor):
            self._floor = np.pad(self._floor, (0, int(ids.max()) + 1 - len(self._floor)))
        seen = (ids >= 0) & (found.kl > 0)
        seen[seen] = found.kl[seen] >= self._floor[ids[seen]]
        if not seen.any():
            return
        rows = np.flatnonzero(seen)
        table = pa.table(
            {
                "id": ids[rows],
                "kl": found.kl[rows],
                "key": texts(keys.take(pa.array(rows))),
                "champion": found.champion[rows],
                "challenger": found.challenger[rows],
            }
        )
        self._waiting.append(table)
        self._size += len(rows)
        if self._size > 2 * self._merged + PENDING // 16:
            self._merge()

    def _merge(self) -> pa.Table:
        table = pa.concat_tables(self._waiting)
        order = [("id", "ascending"), ("kl", "descending"), ("key", "ascending")]
        table = table.take(pc.sort_indices(table, sort_keys=order))
        ids = table["id"].to_numpy()
        place = np.arange(len(ids)) - np.searchsorted(ids, ids)
        self._floor[ids[place == WORST - 1]] = table["kl"].to_numpy()[place == WORST - 1]
        table = table.filter(pa.array(place < WORST))
        self._waiting, self._size, self._merged = [table], len(table), len(table)
        return table

    def by_group(self, groups: int) -> list[tuple[Example, ...]]:
        """The worst rows of each group, worst first."""
        if not self._waiting:
            return [()] * groups
        columns = self._merge().to_pydict()
        found: list[list[Example]] = [[] for _ in range(groups)]
        for i, *values in zip(*columns.values(), strict=True):
            found[i].append(Example(*values))
        return [tuple(examples) for examples in found]
