"""One scan of the large table: kldrift's, Spark's own, and the least that reading can cost.

All in one session, on the same files. The raw decode is the floor of the Arrow way: the same tasks
read the same row groups the same way and only look at how many values there are. Spark's statistics
cover the 30 number columns alone; everything else reads all 40 columns.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812 - as everyone writes it

from kldrift.sources.parquet.files import Piece
from kldrift.sources.parquet.source import ArrowSource, deal, parallelism
from kldrift.sources.program import BATCH_ROWS
from tests.bench import data
from tests.bench.options import Options
from tests.bench.profiles import Scans, arrow, features_of, frame
from tests.bench.rounds import rounds, timed
from tests.bench.session import session
from tests.bench.table import Row, summarised

DECODE = "raw Arrow decode"
SQL = "Spark SQL min, max, avg, stddev, count (numbers only)"
NOOP = "Spark noop scan"
MAP = "Spark mapInArrow that looks at nothing"


def decode(spark: SparkSession, source: ArrowSource) -> int:
    """Values of the files that are not null, read with Arrow in the tasks."""
    names = source.schema.names
    texts = [f.path[0] for f in features_of(source) if f.family == "text"]
    shares = deal(source.footers.pieces, parallelism(spark))
    tasks = spark.range(0, len(shares), 1, len(shares))
    mapper = partial(decode_shares, shares, names, texts)
    found = tasks.mapInArrow(mapper, "n bigint").collect()
    return sum(int(row["n"]) for row in found)


def decode_shares(
    shares: Sequence[Sequence[Piece]],
    names: list[str],
    texts: list[str],
    ids: Iterator[pa.RecordBatch],
) -> Iterator[pa.RecordBatch]:
    """What a task of :func:`decode` does."""
    total = 0
    pieces = [p for batch in ids for i in batch.column(0).to_pylist() for p in shares[i]]
    for file in dict.fromkeys(p.file for p in pieces):
        groups = [p.row_group for p in pieces if p.file == file]
        with file.open(texts) as parquet:
            for batch in parquet.iter_batches(BATCH_ROWS, groups, names, use_threads=False):
                total += sum(len(column) - column.null_count for column in batch.columns)
    yield pa.record_batch([pa.array([total], pa.int64())], names=["n"])


def count_batches(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The floor of the DataFrame way: Spark sends the rows, and nobody looks at them."""
    yield pa.record_batch([pa.array([sum(b.num_rows for b in batches)], pa.int64())], names=["n"])


def statistics_of(df: DataFrame) -> object:
    """Spark's own statistics of the number columns."""
    numbers = [name for name, kind in df.dtypes if kind == "double"]
    functions = (F.min, F.max, F.avg, F.stddev, F.count)
    wanted = [fn(name).alias(f"{fn.__name__}_{name}") for name in numbers for fn in functions]
    return df.agg(*wanted).collect()


def run(folder: Path, options: Options) -> list[Row]:
    """Measure all contenders in one session."""
    path = data.table(folder, options.rows)
    with session(options.cores) as spark:
        source, df = arrow(path), spark.read.parquet(str(path))
        by_arrow, by_frame = Scans(spark, source), Scans(spark, frame(spark, path))
        features, supports = by_arrow.frozen()
        contenders = {
            DECODE: timed(lambda: decode(spark, source)),
            SQL: timed(lambda: statistics_of(df)),
            NOOP: timed(lambda: df.write.format("noop").mode("overwrite").save()),
            MAP: timed(lambda: df.mapInArrow(count_batches, "n bigint").collect()),
            "kldrift count, Arrow": timed(lambda: by_arrow.count(features, supports)),
            "kldrift propose, Arrow": timed(by_arrow.propose),
            "kldrift count, DataFrame": timed(lambda: by_frame.count(features, supports)),
            "kldrift propose, DataFrame": timed(by_frame.propose),
        }
        times = rounds("scan", contenders, options.repeats)
    width = len(source.schema.names)
    numbers = sum(pa.types.is_floating(t) for t in source.schema.types)
    values = dict.fromkeys(contenders, options.rows * width) | {SQL: options.rows * numbers}
    return summarised(
        "scan",
        times,
        case=f"{options.rows:,} x {width}, {options.cores} cores",
        ratios={"ratio_to_spark_sql": SQL, "ratio_to_decode": DECODE, "ratio_to_noop": NOOP},
        values=values,
        cores=options.cores,
    )
