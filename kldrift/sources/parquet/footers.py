"""Footers of many files, read by the executors: each task some files, and one row from it."""

from __future__ import annotations

import pickle
import zlib
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Final

import pyarrow as pa
from pyspark.sql import SparkSession

from kldrift.errors import DatasetError
from kldrift.sources.parquet.files import File
from kldrift.sources.parquet.footer_summary import FooterSummary, WantedBounds, read_each, summed
from kldrift.sources.parquet.source import parallelism

FEW: Final = 256
"""Files whose footers the driver reads itself: sooner done than asked for."""
FILES_PER_TASK: Final = 64
"""At least: a task costs more before it begins than the footers of some files."""
TASKS_PER_WORKER: Final = 4
TASKS: Final = 512
"""At most: each sends its schemas and the sizes of all columns."""


def footers_by(spark: SparkSession, files: Sequence[File], asked: WantedBounds) -> FooterSummary:
    """Facts from the footers of files, in the order of the files."""
    if len(files) <= FEW:
        return read_each(files, asked)
    tasks = min(TASKS, TASKS_PER_WORKER * parallelism(spark))
    size = max(FILES_PER_TASK, -(-len(files) // tasks))
    shares = [pickle.dumps(files[i : i + size], 5) for i in range(0, len(files), size)]
    numbers = spark.range(0, len(shares), 1, len(shares))
    rows = numbers.mapInArrow(partial(_read, shares, asked), "share long, footers binary").collect()
    return summed(_summary(row["footers"]) for row in sorted(rows, key=lambda row: row["share"]))


def _summary(payload: bytes) -> FooterSummary:
    read: FooterSummary | str = pickle.loads(zlib.decompress(payload))
    if isinstance(read, str):
        raise DatasetError(read)
    return read


def _read(
    shares: Sequence[bytes], asked: WantedBounds, ids: Iterator[pa.RecordBatch]
) -> Iterator[pa.RecordBatch]:
    for batch in ids:
        for share in batch.column(0).to_pylist():
            try:
                read: FooterSummary | str = read_each(pickle.loads(shares[share]), asked)
            except DatasetError as error:
                read = str(error)  # a line for the reader, no stack trace
            payload = zlib.compress(pickle.dumps(read, 5), 1)
            yield pa.record_batch(
                {"share": pa.array([share]), "footers": pa.array([payload], pa.binary())}
            )
