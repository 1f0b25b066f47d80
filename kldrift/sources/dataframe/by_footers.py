"""How Spark is to read files whose schemas differ, or hold what it has no type for."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial, reduce

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import types as T  # noqa: N812 - as everyone writes it

from kldrift.config import Dataset
from kldrift.features.feature import Skipped
from kldrift.sources.dataframe.mixed_files import (
    from_nanoseconds,
    has_no_spark_type,
    in_nanoseconds,
    read_apart,
    schema_by_arrow,
    schema_without,
    unlike_types,
)
from kldrift.sources.dataframe.partitioned import Load, by_partition
from kldrift.sources.parquet.files import File, Footers
from kldrift.sources.parquet.listing import uri_of


@dataclass(frozen=True)
class DifferingFiles:
    """What Spark cannot find out by itself about some files.

    Attributes:
        left_out: the columns that it does not read, or not together.
        schema: makes the schema to read them by; None where it finds its own.
        load: reads files that have no schema in common; None where one is enough.
        nanoseconds: a schema with times in nanoseconds, which it reads as integers, if any.
    """

    left_out: tuple[Skipped, ...] = ()
    schema: Callable[[], T.StructType] | None = None
    load: Callable[[Load], DataFrame] | None = None
    nanoseconds: pa.Schema | None = None


def by_footers(spark: SparkSession, dataset: Dataset, footers: Footers | None) -> DifferingFiles:
    """What the footers of a dataset tell; nothing if a schema is stated for Spark."""
    if footers is None or dataset.schema:
        return DifferingFiles()
    mixed, left_out = footers.mixed, footers.mixed
    apart: Sequence[tuple[pa.Schema, Sequence[File]]] = ()
    nanoseconds = None
    if dataset.format == "parquet":
        unlike = unlike_types(footers)
        left_out = (*mixed, *(_unread(f) for f in footers.schema if f.name in unlike))
        apart = read_apart(footers)
        if any(map(in_nanoseconds, footers.schema.types)):
            nanoseconds = footers.schema
    names = frozenset(skipped.column for skipped in left_out)
    if apart:
        load = partial(_together, spark, dataset, footers.firsts, names, apart)
        return DifferingFiles(
            left_out, partial(schema_by_arrow, spark, footers.firsts, names), load
        )
    if nanoseconds or len(left_out) > len(mixed) or any(skipped.ambiguous for skipped in mixed):
        by_arrow = partial(schema_by_arrow, spark, footers.firsts, names)  # Spark has no schema
        return DifferingFiles(left_out, by_arrow, nanoseconds=nanoseconds)
    if mixed or (dataset.format == "orc" and len(footers.firsts) > 1):
        firsts = [uri_of(f, dataset.path, dataset.filesystem) for f in footers.firsts]
        return DifferingFiles(
            left_out, partial(schema_without, spark, dataset.format, firsts, names)
        )
    return DifferingFiles()


def _together(
    spark: SparkSession,
    dataset: Dataset,
    firsts: Sequence[File],
    without: Collection[str],
    apart: Sequence[tuple[pa.Schema, Sequence[File]]],
    load: Load,
) -> DataFrame:
    """Files that have times in nanoseconds, or nothing, in other columns, each kind for itself."""
    frames = []
    for times, files in apart:
        empty = {f.name for f in times if pa.types.is_null(f.type)}
        schema = schema_by_arrow(spark, [f for f in firsts if f in files], {*without, *empty})
        uri = partial(uri_of, paths=dataset.path, filesystem=dataset.filesystem)
        frames.append(from_nanoseconds(by_partition(spark, load, files, schema, uri), times))
    return reduce(partial(DataFrame.unionByName, allowMissingColumns=True), frames)


def _unread(field: pa.Field) -> Skipped:
    """The note on a column of a type that Spark lacks, or of several that it does not merge."""
    lacked = has_no_spark_type(field.type)
    what = f"type {field.type}" if lacked else "types that Spark does not read, or not together,"
    why = f"values of {what} are no feature where Spark reads; scan: arrow counts them"
    return Skipped(field.name, why, str(field.type))
