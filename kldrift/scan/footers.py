"""Footers of many files, read by the executors: each task some files, and one row from it."""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Final

import pyarrow as pa
from pyspark.sql import SparkSession

from kldrift.errors import DatasetError
from kldrift.scan.files import File
from kldrift.scan.summary import Asked, Summary, added, read_each

FEW: Final = 256
"""Files whose footers the driver reads itself: sooner done than asked for."""
FILES_PER_TASK: Final = 64


def footers_by(spark: SparkSession, files: Sequence[File], asked: Asked) -> Summary:
    """What the footers of files say, in their order.

    Raises:
        DatasetError: a file is damaged.
    """
    if len(files) <= FEW:
        return read_each(files, asked)
    starts = range(0, len(files), FILES_PER_TASK)
    shares = [pickle.dumps(files[i : i + FILES_PER_TASK], 5) for i in starts]
    tasks = spark.range(0, len(shares), 1, len(shares))
    rows = tasks.mapInArrow(partial(_read, shares, asked), "share long, footers binary").collect()
    return added(_summary(row["footers"]) for row in sorted(rows, key=lambda row: row["share"]))


def _summary(payload: bytes) -> Summary:
    read: Summary | str = pickle.loads(payload)
    if isinstance(read, str):
        raise DatasetError(read)
    return read


def _read(
    shares: Sequence[bytes], asked: Asked, ids: Iterator[pa.RecordBatch]
) -> Iterator[pa.RecordBatch]:
    for batch in ids:
        for share in batch.column(0).to_pylist():
            try:
                payload = pickle.dumps(read_each(pickle.loads(shares[share]), asked), 5)
            except DatasetError as error:
                payload = pickle.dumps(str(error), 5)  # a line for the reader, no stack trace
            yield pa.record_batch(
                {"share": pa.array([share]), "footers": pa.array([payload], pa.binary())}
            )
