"""Open a configured dataset: choose how it is read, and say why."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import pyarrow as pa
from pyspark.errors import AnalysisException, ParseException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812 - as everyone writes it

from kldrift.config import Dataset
from kldrift.errors import ConfigError, DatasetError, first_line, masked, on_side
from kldrift.features.feature import Skipped
from kldrift.features.layouts import as_coded
from kldrift.features.names import backticked
from kldrift.features.plan import NO_FEATURE
from kldrift.sources.dataframe.by_footers import by_footers
from kldrift.sources.dataframe.frame import FrameSource, arrow_type
from kldrift.sources.dataframe.hybrid import HybridSource
from kldrift.sources.dataframe.load import read_frame, what_is_bad, without_twice
from kldrift.sources.dataframe.mixed_files import from_nanoseconds, orc_footers
from kldrift.sources.dataset import Source
from kldrift.sources.lakehouse.open import TABLE_OPTIONS, open_table
from kldrift.sources.parquet.files import Footers, check_format
from kldrift.sources.parquet.footer_summary import ReadEach, ask_by_name, read_each, read_footers
from kldrift.sources.parquet.footers import footers_by
from kldrift.sources.parquet.listing import list_files
from kldrift.sources.parquet.source import ArrowSource
from kldrift.sources.predicates.pruning import prune
from kldrift.sources.predicates.translate import Unsupported, columns, to_arrow


def reason_for_spark(dataset: Dataset, way: str) -> str:
    """Why a dataset cannot be read with Arrow, judged without its files; empty if it can."""
    if way == "dataframe":
        return "asked for by scan: dataframe"
    if not dataset.path:
        return f"a {'table' if dataset.table else 'SQL query'} is read by Spark"
    if dataset.format != "parquet" and dataset.format not in TABLE_OPTIONS:
        return f"{dataset.format} is read by Spark"
    known = TABLE_OPTIONS.get(dataset.format, frozenset())
    if dataset.schema or any(name.lower() not in known for name in dataset.options):
        return "its options or schema are for Spark's reader"
    return ""


def open_files(
    dataset: Dataset, side: str, spark: SparkSession | None = None
) -> ArrowSource | Unsupported:
    """Open Parquet files, or a table over such files, for Arrow; no Spark is needed.

    The session reads the footers where there are many.

    Raises:
        DatasetError: files are missing, damaged or do not fit together.
        ConfigError: an option of a table has no such value.
    """
    try:
        what, footers = _footers(dataset, partial(footers_by, spark) if spark else read_each)
    except (ConfigError, DatasetError) as error:
        raise on_side(error, side) from error
    if isinstance(footers, Unsupported):
        return footers
    access_path = f"{what}, read with Arrow in the tasks"
    for skipped in footers.mixed:
        if skipped.column.split(".")[0].lower() in {n.lower() for n in _asked(dataset.where)}:
            raise DatasetError(f"{side}: where names {skipped.column!r}: {skipped.reason}")
    if dataset.where is None:
        return ArrowSource(footers, access_path=access_path)
    where = to_arrow(dataset.where, footers.schema)
    if isinstance(where, Unsupported):
        return Unsupported(f"where: {where.reason}")
    named = tuple(sorted(columns(dataset.where, footers.schema)))
    if footers.sizes is None:  # the tasks that read the footers drop row groups
        return ArrowSource(footers, where, named, access_path, predicate=dataset.where)
    pruned = prune(footers, dataset.where)
    if len(pruned.pieces) < len(footers.pieces):
        access_path += (
            f"; {len(pruned.pieces):,} of {len(footers.pieces):,} row groups may hold rows to "
            f"count ({pruned.rows:,} of {footers.rows:,} rows)"
        )
    return ArrowSource(pruned, where, named, access_path)


def _footers(dataset: Dataset, read: ReadEach) -> tuple[str, Footers | Unsupported]:
    """The kind of a dataset's files, for readers, and their footers."""
    asked = _asked(dataset.where)
    if dataset.format == "parquet":
        files = list_files(dataset.path, dataset.filesystem)
        return "Parquet files", read_footers(files, ask_by_name(asked), read)
    table = open_table(dataset, asked)
    if isinstance(table, Unsupported):
        return "", table
    listed = kept = len(table.entries)
    if dataset.where and not isinstance(to_arrow(dataset.where, table.schema), Unsupported):
        table = table.only(dataset.where)
        kept = len(table.entries)
    which = f"{kept:,} of {listed:,} files may hold rows to count"
    if kept == listed:
        which = f"{listed:,} file{'' if listed == 1 else 's'}"
    what = f"{table.what}: {which}"
    if table.footers_needed:
        return what, table.footers(asked, read)
    size = sum(entry.size for entry in table.entries)
    return f"{what}, {size:,} bytes with all columns", table.planned()


def _asked(where: str | None) -> frozenset[str]:
    """The columns that a predicate names; none if it cannot be read."""
    try:
        return columns(where) if where else frozenset()
    except ValueError:
        return frozenset()


def open_source(
    spark: SparkSession,
    dataset: Dataset,
    derived: Mapping[str, str],
    *,
    way: str,
    side: str,
    keys: Collection[str] = (),
) -> Source:
    """Open a dataset in the best way that the configuration allows.

    ``keys`` are the columns that split the rows.

    Raises:
        DatasetError: the dataset cannot be read.
        ConfigError: ``where`` or a derived feature is no valid SQL, or ``scan: arrow`` is asked
            for where it cannot be had.
    """
    reason = reason_for_spark(dataset, way)
    opened: ArrowSource | Unsupported | None = None
    if not reason:
        opened = open_files(dataset, side, spark)
        reason = opened.reason if isinstance(opened, Unsupported) else ""
        if isinstance(opened, ArrowSource):
            reason = _other_clock(opened, spark)
            if not reason and not derived:
                return opened
            if not reason:
                frame = _frame(spark, dataset, derived, "derived features", side, opened.footers)
                return HybridSource(opened, frame, frozenset(keys))
    if way == "arrow":
        raise ConfigError(f"scan: arrow is not possible for {side}: {reason}; use scan: auto")
    by_arrow = isinstance(opened, ArrowSource)
    if dataset.path and dataset.format == "parquet" and not by_arrow:
        # This also names a missing or damaged file better than Spark does.
        opened = open_files(replace(dataset, where=None), side, spark)
    footers = opened.footers if isinstance(opened, ArrowSource) else None
    if dataset.format not in TABLE_OPTIONS and not any("://" in path for path in dataset.path):
        for file in list_files(dataset.path)[:1]:
            check_format(file.path, dataset.format, side)
    if dataset.path and dataset.format == "orc":
        footers = orc_footers(dataset.path, dataset.filesystem)
    return _frame(spark, dataset, derived, reason, side, footers)


def _other_clock(source: ArrowSource, spark: SparkSession) -> str:
    """Why a filter on time would mean something else to Arrow; empty if it means the same."""
    zone = spark.conf.get("spark.sql.session.timeZone", "UTC")
    times = [n for n in source.where_columns if pa.types.is_temporal(source.schema.field(n).type)]
    if not times or zone in ("UTC", "Etc/UTC", "GMT", "Z", "+00:00"):
        return ""
    return f"where: {times[0]!r} is compared in the session's time zone {zone}"


def _frame(
    spark: SparkSession,
    dataset: Dataset,
    derived: Mapping[str, str],
    reason: str,
    side: str,
    footers: Footers | None,
) -> FrameSource:
    differing = by_footers(spark, dataset, footers)
    frame = read_frame(spark, dataset, side, reason, differing.schema, differing.load)
    frame, twice = without_twice(frame, dataset)
    if differing.nanoseconds is not None:
        frame = from_nanoseconds(frame, differing.nanoseconds)
    if dataset.where:
        # Spark Connect takes the schema of all rows for that of those left, unread.
        frame = _or_config_error(lambda: frame.where(dataset.where).select("*"), f"{side}.where")
    source = frame_source(frame, derived, f"through a Spark DataFrame: {reason}")
    if footers is not None:
        kinds = {f.name: f.type for f in footers.schema}
        fields = [f.with_type(_of_files(f.type, kinds.get(f.name))) for f in source.schema]
        source = replace(source, schema=as_coded(pa.schema(fields), footers.coded))
    foreign = (*source.foreign, *differing.left_out, *twice)
    return replace(source, foreign=foreign, explain=partial(what_is_bad, spark, dataset))


def _of_files(kind: pa.DataType, there: pa.DataType | None) -> pa.DataType:
    """The type of a column as its files have it, where Spark has another one.

    Unsigned integers are decimals to it, which would be rounded to doubles, and durations integers.
    """
    if there is not None and pa.types.is_struct(kind) and pa.types.is_struct(there):
        inner = {f.name: f.type for f in there}
        return pa.struct([f.with_type(_of_files(f.type, inner.get(f.name))) for f in kind])
    counted = there is not None and pa.types.is_duration(there) and kind == pa.int64()
    return there if counted or there == pa.uint64() else kind


def frame_source(frame: DataFrame, derived: Mapping[str, str], access_path: str) -> FrameSource:
    """A Spark DataFrame as a source."""
    frame = _plain_vectors(frame)
    width = len(frame.columns)
    for name, sql in derived.items():
        key = f"features.derived.{name}"
        frame = _or_config_error(
            lambda f=frame, s=sql, n=name: f.select("*", F.expr(s).alias(n)), key
        )
    fields = list(frame.schema.fields)
    foreign: list[Skipped] = []
    converted = []
    for field in fields:
        kind = arrow_type(field.dataType)
        if kind is None:
            text = field.dataType.simpleString()
            foreign.append(Skipped(field.name, NO_FEATURE.format(text), text))
        # A placeholder keeps the place of a column that cannot be read.
        converted.append(pa.field(field.name, kind or pa.month_day_nano_interval()))
    return FrameSource(
        frame,
        pa.schema(converted[:width]),
        pa.schema(converted[width:]),
        tuple(foreign),
        masked(access_path),
    )


def _plain_vectors(frame: DataFrame) -> DataFrame:
    """A frame whose machine learning vectors are arrays: Spark sends Arrow no other form."""
    names = [f.name for f in frame.schema.fields if type(f.dataType).__name__ == "VectorUDT"]
    if not names:
        return frame
    from pyspark.ml.functions import vector_to_array  # noqa: PLC0415 - few datasets need it

    columns = {name: F.col(backticked(name)) for name in names}
    # The function is no friend of nulls.
    arrays = {n: F.when(c.isNotNull(), vector_to_array(c)) for n, c in columns.items()}
    return frame.withColumns(arrays)


def _or_config_error(build: Any, key: str) -> DataFrame:
    try:
        frame: DataFrame = build()
        frame.schema  # noqa: B018 - Spark Connect analyses only when asked
    except (AnalysisException, ParseException) as error:
        raise ConfigError(f"{key}: {first_line(error)}") from error
    return frame
