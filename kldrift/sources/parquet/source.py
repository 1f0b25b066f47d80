"""A dataset that is read by Arrow inside the tasks: what moves is file splits instead of rows.

Everything that is no Parquet file, and whatever Arrow could not filter exactly as Spark would, goes
the other way, see :mod:`kldrift.sources.dataframe.frame`, and its ``access_path`` says so. Both
stream columns through the same programs and give the same profiles.

See docs/decisions/file-splits.md.
"""

from __future__ import annotations

import heapq
import pickle
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from typing import Final, Self

import numpy as np
import pyarrow as pa
from pyspark.errors import PySparkAttributeError, PySparkNotImplementedError
from pyspark.sql import DataFrame, SparkSession

from kldrift.features.feature import Feature, Skipped
from kldrift.features.layouts import as_coded
from kldrift.sources.parquet.files import Footers, Piece
from kldrift.sources.parquet.reader import Reader
from kldrift.sources.pickled import PickledPayload
from kldrift.sources.program import Program, RowBatch, run

BYTES_PER_TASK: Final = 2**30
"""Of all columns, not compressed: seconds of work, since a task costs 0.2 s before it begins."""
TASKS_PER_WORKER: Final = 8
"""More tasks than this would even nothing out, and each sends its profiles."""
CORES_IF_UNKNOWN: Final = 16
FEW_VALUES: Final = 2**22
FEW_BYTES: Final = 2**26
"""Of all columns; so many are counted in the time of a warm Spark job, a fraction of a second."""
PIECES_PER_TASK: Final = 64
"""With more row groups than this in a task, any fair share of the bytes is even."""


@dataclass(frozen=True)
class ArrowSource:
    """Parquet files, alone or of a table, read by the tasks with Arrow, row group by row group.

    Attributes:
        footers: of the files, with the row groups that are read.
        where: rows to keep, as an Arrow expression; None keeps all.
        where_columns: the columns that it reads.
        predicate: ``where`` as it is written, where the tasks read the footers.
    """

    footers: Footers
    where: object = None
    where_columns: tuple[str, ...] = ()
    access_path: str = "Parquet files, read with Arrow in the tasks"
    predicate: str = ""
    near: bool = False

    @property
    def schema(self) -> pa.Schema:
        """The columns of all files, those of partitions last."""
        return as_coded(self.footers.schema, self.footers.coded)

    @property
    def foreign(self) -> tuple[Skipped, ...]:
        """Columns whose types differ from file to file."""
        return self.footers.mixed

    @property
    def derived(self) -> pa.Schema:
        """None: derived features are Spark SQL."""
        return pa.schema([])

    @property
    def rows(self) -> int | None:
        """Rows, unless filtered."""
        return None if self.where is not None else self.footers.rows

    def size(self, features: Sequence[Feature]) -> int | None:
        """Compressed bytes of the columns that are read; footers alone know them."""
        if self.footers.sizes is None:
            return None
        wanted = {f.path[0] for f in features} | set(self.where_columns)
        return sum(size for name, size in self.footers.sizes.items() if name in wanted)

    @property
    def small(self) -> bool:
        """Whether the files are read before a task would have begun."""
        sizes, rows = self.footers.sizes, self.footers.rows
        if sizes is None or rows is None:
            return False
        values = rows * len(self.footers.schema)
        return values <= FEW_VALUES and sum(sizes.values()) <= FEW_BYTES

    def brought_near(self) -> Self:
        """The same files, read by this process."""
        access_path = self.access_path.replace("in the tasks", "in this process")
        return replace(self, near=True, access_path=access_path)

    def batches(self, program: Program) -> Iterator[RowBatch]:
        """The rows that a program wants, batch by batch, read by this process."""
        return self.reader(program).batches(self.footers.pieces)

    def reader(self, program: Program) -> Reader:
        """What reads the rows for a program in its tasks."""
        return self.reader_of(program.sets, program.batch_rows, program.keys)

    def reader_of(
        self,
        sets: Mapping[int, tuple[Feature, ...]],
        batch_rows: int,
        keys: tuple[Feature, ...] = (),
    ) -> Reader:
        """What reads the rows of some sets of columns."""
        return Reader(
            keys,
            sets,
            self.footers.schema.remove_metadata(),
            self.footers.partitions,
            self.where,
            self.where_columns,
            batch_rows,
            self.footers.mapping,
            self.predicate,
        )

    def map_tasks(self, spark: SparkSession, program: Program, schema: str) -> DataFrame:
        """The results of a program's tasks."""
        reader = self.reader(program)
        shares = deal(self.footers.pieces, parallelism(spark))
        tasks = spark.range(0, len(shares), 1, len(shares))
        # A task unpickles its own share only, however many row groups there are.
        payloads = [pickle.dumps(share, 5) for share in shares]
        mapper = partial(_read_shares, payloads, PickledPayload((reader, program)))
        return tasks.mapInArrow(mapper, schema)


def _read_shares(
    shares: Sequence[bytes],
    payload: PickledPayload[tuple[Reader, Program]],
    ids: Iterator[pa.RecordBatch],
) -> Iterator[pa.RecordBatch]:
    reader, program = payload.value
    mine = [i for batch in ids for i in batch.column(0).to_pylist()]
    pieces: list[Piece] = [piece for i in mine for piece in pickle.loads(shares[i])]
    return run(program, reader.batches(pieces))


def deal(pieces: Sequence[Piece], workers: int) -> tuple[tuple[Piece, ...], ...]:
    """Deal row groups to tasks, evenly by bytes.

    Few are dealt the largest first, each to the lightest task; many in the order of the files, so
    that a task opens few of them. At least one task, also for no row group.
    """
    total = sum(p.size for p in pieces)
    rounds = min(-(-total // (BYTES_PER_TASK * workers)), TASKS_PER_WORKER)
    tasks = max(1, min(len(pieces), max(1, rounds) * workers))
    if len(pieces) > PIECES_PER_TASK * tasks:
        ends = np.cumsum([p.size for p in pieces])
        middles = ends - np.array([p.size for p in pieces]) / 2
        places = np.minimum(middles * tasks // max(1, total), tasks - 1).astype(int)
        cuts = np.searchsorted(places, np.arange(tasks + 1))
        return tuple(tuple(pieces[a:b]) for a, b in pairwise(cuts.tolist()))
    shares: list[list[Piece]] = [[] for _ in range(tasks)]
    heap = [(0, i) for i in range(tasks)]
    for piece in sorted(pieces, key=lambda p: -p.size):
        load, i = heapq.heappop(heap)
        shares[i].append(piece)
        heapq.heappush(heap, (load + piece.size, i))
    return tuple(tuple(sorted(s, key=lambda p: (p.file.path, p.place))) for s in shares)


def parallelism(spark: SparkSession) -> int:
    """Tasks that run at once: Spark's default parallelism; Spark Connect does not tell it."""
    configured = spark.conf.get("spark.default.parallelism", None)
    if configured:
        return int(configured)
    try:
        context = spark.sparkContext
    except (PySparkAttributeError, PySparkNotImplementedError):  # Spark Connect, by its version
        return CORES_IF_UNKNOWN
    return int(context.defaultParallelism)
