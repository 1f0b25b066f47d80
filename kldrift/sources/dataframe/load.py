"""Opens a configured dataset with Spark's own readers."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

import pyarrow as pa
from pyspark.errors import AnalysisException, ParseException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import types as T  # noqa: N812 - as everyone writes it

from kldrift.config import Dataset
from kldrift.config.dataset import TEXTS
from kldrift.errors import (
    ConfigError,
    DatasetError,
    NoSuchFileError,
    did_you_mean,
    first_line,
    on_side,
)
from kldrift.features.feature import Skipped
from kldrift.sources.dataframe.csv_by_name import named_twice, names_in_headers, read_csv
from kldrift.sources.dataframe.partitioned import Load, read_paths
from kldrift.sources.lakehouse.open import TABLE_OPTIONS
from kldrift.sources.parquet.listing import for_spark, list_files
from kldrift.sources.settings import raised_by_spark, settings_of
from kldrift.sources.text_files import TOLERANT, bad_rows, text_options

READ_OPTIONS: Final = {
    "csv": {"header": "true", "escape": '"'},  # a quote inside quotes is doubled, as in RFC 4180
    "parquet": {"mergeSchema": "true"},
}
MOST_FILES: Final = 100
"""Files that are tried one by one to name one of them."""
NO_SUCH_SOURCE: Final = ("DATA_SOURCE_NOT_FOUND", "Failed to find")
FORMATS: Final = (
    "parquet",
    "delta",
    "iceberg",
    "csv",
    "json",
    "orc",
    "avro",
    "text",
    "xml",
    "jdbc",
)
NO_CONNECTOR: Final = ("No FileSystem for scheme", "FileSystem not found")
NO_SUCH_TYPE: Final = ("PARQUET_TYPE_ILLEGAL", "Illegal Parquet type")

SETTINGS: Final = {
    "datetimeRebaseMode": "spark.sql.parquet.datetimeRebaseModeInRead",
    "int96RebaseMode": "spark.sql.parquet.int96RebaseModeInRead",
}
"""Options of Spark's reader of Parquet files, and the settings of a session that they replace."""


def read_frame(
    spark: SparkSession,
    dataset: Dataset,
    side: str,
    reason: str,
    schema: Callable[[], T.StructType] | None,
    load: Callable[[Load], DataFrame] | None = None,
) -> DataFrame:
    """Open a dataset with Spark.

    ``reason`` says why Spark reads it; ``schema`` is asked for where Spark cannot infer it, and
    ``load`` to read the files where it cannot read all of them at once.
    """
    try:
        if load is None:
            frame = _load(spark, dataset, schema and schema())
        else:
            frame = load(partial(_load_paths, spark, dataset.format, _options(dataset)))
        frame.schema  # noqa: B018 - Spark Connect looks at the data only when asked
    except (ConfigError, DatasetError) as error:
        raise on_side(error, side) from error
    except Exception as error:
        if not raised_by_spark(error) and not isinstance(error, OSError | pa.ArrowException):
            raise
        unread = re.search(r"== SQL ==\n(.+)", str(error)) if dataset.format == "orc" else None
        if unread and not dataset.schema:
            places = ", ".join(dataset.path)
            raise DatasetError(
                f"{side}: Spark does not read the type {unread[1]!r} of {places}; write such "
                "columns as another type, or the files as Parquet"
            ) from error
        if isinstance(error, ParseException if dataset.path else AnalysisException):
            key = "" if dataset.path else ".table" if dataset.table else ".sql"
            mistake = ConfigError if isinstance(error, ParseException) else NoSuchFileError
            raise mistake(f"{side}{key}: {first_line(error)}") from error
        if any(t in str(error) for t in NO_SUCH_SOURCE):
            text = f"this Spark has no reader for {dataset.format}"
            if dataset.format in TABLE_OPTIONS:
                raise DatasetError(f"{side}: {text}, and Arrow is not used: {reason}") from error
            near = did_you_mean(dataset.format, FORMATS)
            raise ConfigError(f"{side}.format: {text}{near}") from error
        unlike = _of_two_types(dataset) if "CANNOT_MERGE_SCHEMAS" in str(error) else ""
        malformed = "malformed" in str(error).lower()
        if bad := unlike or (what_is_bad(spark, dataset) if malformed else ""):
            raise DatasetError(f"{side}: {bad}") from error
        hint = _hint(spark, dataset, str(error))
        raise DatasetError(f"{side}: Spark cannot read it: {first_line(error)}{hint}") from error
    return frame


def _hint(spark: SparkSession, dataset: Dataset, text: str) -> str:
    """What to do about an error of Spark's; empty where its text is all that is known."""
    if dataset.format == "parquet" and any(t in text for t in NO_SUCH_TYPE):
        return f" in {', '.join(dataset.path)}; scan: auto or arrow reads such columns"
    if any(words in text for words in NO_CONNECTOR):
        return (
            f"; {dataset.format} is read by Spark, which needs a connector of its own for "
            "this store: spark.conf: {spark.jars.packages: ...}"
        )
    if "PARAMETER_VALUE.CHARSET" in text:
        return "; other encodings need spark.conf: {spark.sql.legacy.javaCharsets: true}"
    if "COLUMN_ALREADY_EXISTS" in text:
        return (
            f"{_first_refused(spark, dataset)}; rename one; for names that differ only in "
            "case, set spark.conf: {spark.sql.caseSensitive: true}"
        )
    return ""


def without_twice(frame: DataFrame, dataset: Dataset) -> tuple[DataFrame, list[Skipped]]:
    """A frame without the columns of CSV files that share a name, and notes on these.

    Spark calls them by their places; a schema that states such a name is one that knows of it.
    """
    if dataset.format != "csv":
        return frame, []
    stated = re.findall(r"\w+", dataset.schema or "")
    twice = {
        name: columns
        for name, columns in named_twice(dataset.path, _options(dataset)).items()
        if {*columns} <= {*frame.columns} - {*stated}
    }
    notes = [Skipped.named_alike(n, len(c), dataset.path[0]) for n, c in twice.items()]
    return frame.drop(*(column for columns in twice.values() for column in columns)), notes


def csv_names(dataset: Dataset) -> list[str]:
    """The names that the columns of local CSV files may have; none where Spark alone knows them."""
    names = names_in_headers(dataset.path, _options(dataset))
    folded = {name.lower() for name in names}
    stated = re.findall(r"\w+", dataset.schema or "")  # which a header may have in other letters
    return list(dict.fromkeys([*names, *(n for n in stated if n.lower() in folded)]))


def _load(spark: SparkSession, dataset: Dataset, schema: T.StructType | None) -> DataFrame:
    if dataset.sql:
        # In brackets, only a query is valid: nothing is dropped, written or set.
        return spark.sql(f"select * from (\n{dataset.sql.rstrip().rstrip(';')}\n)")
    if dataset.table:
        return spark.read.table(dataset.table)
    stated = schema
    if dataset.schema:
        stated = spark.createDataFrame([], dataset.schema).schema
    load = partial(_load_paths, spark, dataset.format, _options(dataset))
    frame = read_paths(spark, load, dataset.path, dataset.filesystem, stated)
    if dataset.format == "json" and not frame.columns:
        files = ", ".join(map(repr, dataset.path))
        text = "empty: without a row it has no columns; state schema: ... for days without rows"
        raise DatasetError(f"{files} is {text}")
    return frame


def _load_paths(
    spark: SparkSession,
    form: str,
    options: dict[str, str],
    paths: Sequence[str],
    schema: T.StructType | None,
) -> DataFrame:
    if form == "csv":
        return read_csv(spark, paths, options, schema)
    if form == "parquet":
        options = old_dates(spark) | options
    reader = spark.read.format(form).options(**options)
    if schema is not None:
        reader = reader.schema(schema)
    return reader.load([place for path in paths for place in for_spark(path)])


def _options(dataset: Dataset) -> dict[str, str]:
    options = dict(READ_OPTIONS.get(dataset.format, {}))
    if dataset.format == "csv" and not dataset.schema:
        options["inferSchema"] = "true"
    needed = text_options(dataset) if dataset.format in TEXTS else {}
    return {**options, **needed, **dataset.options}


def _of_two_types(dataset: Dataset) -> str:
    """The first column of Parquet files that has two types, with both; empty if none is found."""
    known: dict[str, tuple[pa.DataType, str]] = {}
    for file in list_files(dataset.path, dataset.filesystem)[:MOST_FILES]:
        with file.open() as parquet:
            for field in parquet.schema_arrow:
                kind, path = known.setdefault(field.name, (field.type, file.path))
                if kind != field.type:
                    both = f"{kind} in {path!r} and {field.type} in {file.path!r}"
                    text = "which this Spark does not read together; write them as one type, or"
                    return f"the column {field.name!r} is {both}, {text} use scan: auto"
    return ""


def _first_refused(spark: SparkSession, dataset: Dataset) -> str:
    """Which file of text Spark has no columns for, for messages; empty if it is not known."""
    if dataset.format not in TEXTS or any("://" in path for path in dataset.path):
        return ""
    for file in list_files(dataset.path)[:MOST_FILES]:
        try:
            # Spark Connect looks at the file only when asked.
            _load_paths(spark, dataset.format, _options(dataset), [file.path], None).schema  # noqa: B018
        except Exception as error:  # noqa: BLE001 - whatever it is, this is the file
            return f" in {file.path!r}" if raised_by_spark(error) else ""
    return ""


def what_is_bad(spark: SparkSession, dataset: Dataset) -> str:
    """What is wrong with the rows of text files that could not be read; empty if nothing is."""
    if dataset.format not in TEXTS or not dataset.path:
        return ""
    try:
        load = partial(_load_paths, spark, dataset.format, {**_options(dataset), **TOLERANT})
        stated = spark.createDataFrame([], dataset.schema) if dataset.schema else None
        return bad_rows(dataset, (stated or load(dataset.path, None)).schema, load)
    except Exception as error:
        if raised_by_spark(error):  # the first error is the one to tell
            return ""
        raise


def old_dates(spark: SparkSession) -> dict[str, str]:
    """Options to read them as Arrow and Spark 4 do, where Spark 3.5 would refuse to read them."""
    modes = settings_of(spark, SETTINGS.values())
    return {o: "CORRECTED" for o, name in SETTINGS.items() if modes[name] == "EXCEPTION"}
