"""A dataset that can be scanned: by Arrow inside the tasks, or as a Spark DataFrame.

Both ways stream columns through the same programs and give the same profiles. Parquet files go the
Arrow way, which moves file splits instead of rows; everything else, and whatever Arrow could not
filter exactly as Spark would, goes the DataFrame way, and its ``why`` says so.
"""

from __future__ import annotations

import heapq
import pickle
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Final

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812 - as everyone writes it

from kldrift.features import Feature, Part, Skipped
from kldrift.scan.files import Footers, Piece
from kldrift.scan.reader import Reader
from kldrift.scan.sent import Sent
from kldrift.scan.tasks import BESIDE, Columns, Program, run

BYTES_PER_TASK: Final = 2**30
"""Of all columns, not compressed: seconds of work, since a task costs 0.2 s before it begins."""
TASKS_PER_WORKER: Final = 8
"""More tasks than this would even nothing out, and each sends its profiles."""
BYTES_AT_ONCE: Final = 64 * 2**20
PIECES_PER_TASK: Final = 64
"""With more row groups than this in a task, any fair share of the bytes is even."""


@dataclass(frozen=True)
class ArrowSource:
    """Parquet files, alone or of a table, read by the tasks with Arrow, row group by row group."""

    footers: Footers
    where: object = None
    where_columns: tuple[str, ...] = ()
    why: str = "Parquet files, read with Arrow in the tasks"
    foreign: tuple[Skipped, ...] = ()
    predicate: str = ""

    @property
    def schema(self) -> pa.Schema:
        """The columns of all files, those of partitions last."""
        return self.footers.schema

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

    def through(self, spark: SparkSession, program: Program, schema: str) -> DataFrame:
        """The results of a program's tasks."""
        reader = Reader(
            program.features,
            self.footers.schema.remove_metadata(),
            self.footers.partitions,
            self.where,
            self.where_columns,
            program.groups,
            program.beside,
            program.batch_rows,
            self.footers.naming,
            self.predicate,
        )
        shares = spread(self.footers.pieces, parallelism(spark))
        tasks = spark.range(0, len(shares), 1, len(shares))
        # A task unpacks its own share only, however many row groups there are.
        packed = [pickle.dumps(share, 5) for share in shares]
        return tasks.mapInArrow(partial(_read_shares, packed, Sent((reader, program))), schema)


def _read_shares(
    shares: Sequence[bytes],
    sent: Sent[tuple[Reader, Program]],
    ids: Iterator[pa.RecordBatch],
) -> Iterator[pa.RecordBatch]:
    reader, program = sent.value
    mine = [i for batch in ids for i in batch.column(0).to_pylist()]
    pieces: list[Piece] = [piece for i in mine for piece in pickle.loads(shares[i])]
    return run(program, reader.columns(pieces))


def spread(pieces: Sequence[Piece], workers: int) -> tuple[tuple[Piece, ...], ...]:
    """Deal row groups to tasks, evenly by bytes.

    Few are dealt the largest first, each to the lightest task; many in the order of the files, so
    that a task opens few of them.

    Args:
        pieces: the row groups.
        workers: tasks that run at once.

    Returns:
        The row groups of each task; at least one task, also for no row group.
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
    """Tasks that run at once: Spark's default parallelism, 16 where that cannot be asked."""
    configured = spark.conf.get("spark.default.parallelism", None)
    if configured:
        return int(configured)
    try:
        return int(spark.sparkContext.defaultParallelism)
    except Exception:  # noqa: BLE001 - Spark Connect has no context, and names its error by version
        return 16


@dataclass(frozen=True)
class FrameSource:
    """Any Spark DataFrame; its batches reach the same programs through ``mapInArrow``."""

    frame: DataFrame
    schema: pa.Schema
    derived: pa.Schema
    foreign: tuple[Skipped, ...]
    why: str
    rows: int | None = None

    def size(self, features: Sequence[Feature]) -> int | None:  # noqa: ARG002 - as Source has it
        """Unknown: only Spark knows what it will read."""
        return None

    def through(self, spark: SparkSession, program: Program, schema: str) -> DataFrame:  # noqa: ARG002
        """The results of a program's tasks."""
        features = _all_features(program)
        wanted = list(dict.fromkeys(_wanted(f) for f in features))
        numbered = self.frame.toDF(*[f"c{i}" for i in range(len(self.frame.columns))])
        places = {name: i for i, name in enumerate([*self.schema.names, *self.derived.names])}
        columns = [self._column(w, places).alias(f"v{i}") for i, w in enumerate(wanted)]
        index = [wanted.index(_wanted(f)) for f in features]
        mapper = partial(_read_batches, program, index)
        return numbered.select(*columns).mapInArrow(mapper, schema)

    def _column(self, wanted: tuple[tuple[str, ...], bool], places: dict[str, int]) -> F.Column:
        path, size = wanted
        column = F.col(f"c{places[path[0]]}")
        for field in path[1:]:
            column = column.getField(field)
        # Only the size of an array or map is sent: Spark counts it where it lies.
        return F.when(column.isNotNull(), F.size(column)) if size else column


def _all_features(program: Program) -> tuple[Feature, ...]:
    grouped = (f for g in program.groups for f in g.features)
    return (*program.features, *grouped, *program.beside)


def _wanted(feature: Feature) -> tuple[tuple[str, ...], bool]:
    return feature.path, feature.part is Part.SIZE


def _read_batches(
    program: Program, index: Sequence[int], batches: Iterator[pa.RecordBatch]
) -> Iterator[pa.RecordBatch]:
    return run(program, _batch_columns(program, index, batches))


def gathered(batches: Iterator[pa.RecordBatch], limit: int) -> Iterator[pa.RecordBatch]:
    """Put small batches together: Spark's hold 10,000 rows unless its settings say otherwise.

    Args:
        batches: as Spark sends them.
        limit: rows that are enough; 64 MB are, too.
    """
    waiting: list[pa.RecordBatch] = []
    rows = size = 0
    for batch in batches:
        waiting.append(batch)
        rows, size = rows + batch.num_rows, size + batch.nbytes
        if rows >= limit or size >= BYTES_AT_ONCE:
            yield from pa.Table.from_batches(waiting).combine_chunks().to_batches()
            waiting, rows, size = [], 0, 0
    if rows:
        yield from pa.Table.from_batches(waiting).combine_chunks().to_batches()


def _batch_columns(
    program: Program, index: Sequence[int], batches: Iterator[pa.RecordBatch]
) -> Columns:
    features = _all_features(program)
    for batch in gathered(batches, program.batch_rows // 2):
        columns = [
            batch.column(i) if f.part is Part.SIZE else f.of_value(batch.column(i))
            for f, i in zip(features, index, strict=True)
        ]
        end = len(program.features)
        if program.beside:
            yield BESIDE, columns[-len(program.beside) :]
        yield 0, columns[:end]
        for j, group in enumerate(program.groups):
            start, end = end, end + len(group.features)
            yield -1 - j, columns[start:end]
