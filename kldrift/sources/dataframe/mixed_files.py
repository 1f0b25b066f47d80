"""Files in which a column changes its type or is duplicated, read by Spark without it.

Spark merges the schemas of Parquet files, and fails where one column does not fit; a schema that
lacks the column reads the rest. Of ORC files it takes the schema of any one, and reads what has
another type as nulls: there, too, the schema is that of all.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Final

import pyarrow as pa
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import types as T  # noqa: N812 - as everyone writes it
from pyspark.sql.pandas.types import from_arrow_type

from kldrift.errors import DatasetError, NoSuchFileError
from kldrift.features.layouts import is_variant, value_type
from kldrift.features.names import backticked
from kldrift.features.parts import is_bytes, is_list
from kldrift.sources.parquet.files import File, Footers
from kldrift.sources.parquet.footer_summary import (
    FooterSummary,
    SchemaFiles,
    in_threads,
    read_footers,
)
from kldrift.sources.parquet.listing import list_files

UNSIGNED: Final = {
    pa.uint8(): T.ShortType(),
    pa.uint16(): T.IntegerType(),
    pa.uint32(): T.LongType(),
    pa.uint64(): T.DecimalType(20, 0),
}
"""What Spark reads unsigned numbers as; its conversion from Arrow has none of them."""
UUIDS: Final = "arrow.uuid"
REFUSED: Final = re.compile(r"\btime(32|64)\[|\bdecimal256\((39|[4-7]\d),")
"""Types that its conversion from Arrow has, but not its reader: times of day, long decimals."""


def orc_footers(paths: Sequence[str], filesystem: Mapping[str, str]) -> Footers | None:
    """The schemas of ORC files; None where Spark alone can read them.

    Raises:
        NoSuchFileError: there are no such files.
    """
    from pyarrow import orc  # noqa: PLC0415 - other formats need it not

    def schema_of(file: File) -> FooterSummary:
        source = file.path
        if file.remote is not None:
            source = file.remote.open().open_input_file(file.path)
        return FooterSummary((SchemaFiles(orc.ORCFile(source).schema, file, {}),), (), ())

    try:
        files = list_files(paths, filesystem)
        footers = read_footers(files, read_each=lambda files, _: in_threads(schema_of, files))
        return None if any(skipped.ambiguous for skipped in footers.mixed) else footers
    except NoSuchFileError:
        raise
    except (DatasetError, pa.ArrowException, OSError):
        return None


def schema_without(
    spark: SparkSession, form: str, files: Sequence[str], mixed: Collection[str]
) -> T.StructType:
    """The schema of files, without what is mixed among them."""
    sensitive = spark.conf.get("spark.sql.caseSensitive", "false") == "true"
    fields: list[T.StructField] = []
    for file in files:
        more = spark.read.format(form).load(file).schema.fields
        fields = _merged(fields, more, "", mixed, sensitive)
    return T.StructType(fields)


def schema_by_arrow(
    spark: SparkSession, files: Sequence[File], without: Collection[str]
) -> T.StructType:
    """The schema of files that Spark cannot infer, without mixed or duplicate columns.

    Times in nanoseconds are whole numbers there: see :func:`from_nanoseconds`.

    Raises:
        PySparkException: a column is of a type that Spark does not have.
    """
    sensitive = spark.conf.get("spark.sql.caseSensitive", "false") == "true"
    fields: list[T.StructField] = []
    for file in files:
        with file.open() as parquet:
            more = [f for f in parquet.schema_arrow if f.name not in without]
        known = [
            T.StructField(f.name, T.LongType() if in_nanoseconds(f.type) else spark_type(f.type))
            for f in more
        ]
        fields = _merged(fields, known, "", without, sensitive)
    return T.StructType(fields)


def in_nanoseconds(kind: pa.DataType) -> bool:
    """Whether a type is nanosecond timestamps: Spark refuses files with such a column."""
    return bool(pa.types.is_timestamp(kind) and kind.unit == "ns")


def read_apart(footers: Footers) -> list[tuple[pa.Schema, list[File]]]:
    """Files that have the same columns in nanoseconds, or of nulls alone; none where all have."""
    kinds = {f.name: f.type for f in footers.schema}

    def of(file: File) -> pa.Schema:
        with file.open() as parquet:
            fields = [*parquet.schema_arrow]
        empty = {f.name for f in fields if pa.types.is_null(f.type) and kinds.get(f.name) != f.type}
        return pa.schema([f for f in fields if in_nanoseconds(f.type) or f.name in empty])

    if len({tuple(of(file)) for file in footers.firsts}) < 2:
        return []
    groups: dict[tuple[str, ...], tuple[pa.Schema, list[File]]] = {}
    # A file of each schema that occurs has all columns, also where no row of it is asked for.
    for file in dict.fromkeys((*footers.firsts, *(piece.file for piece in footers.pieces))):
        own = of(file)
        key = tuple(sorted(f"{pa.types.is_null(f.type)} {f.name}" for f in own))
        groups.setdefault(key, (own, []))[1].append(file)
    return list(groups.values())


def unlike_types(footers: Footers) -> set[str]:
    """The columns whose types Spark does not read together, and those that it refuses to read."""
    seen: dict[str, set[pa.DataType]] = {}
    for file in footers.firsts:
        with file.open() as parquet:
            for field in parquet.schema_arrow:
                refused = getattr(field.type, "extension_name", "") == UUIDS
                kind = pa.float16() if refused else value_type(field.type)  # as little of Spark's
                seen.setdefault(field.name, set()).add(kind)
    return {name for name, kinds in seen.items() if not _alike(kinds - {pa.null()})}


def _alike(kinds: Collection[pa.DataType]) -> bool:
    """Whether Spark reads columns of some types together."""
    if any(map(has_no_spark_type, kinds)):
        return False
    if len(kinds) < 2 or any(map(pa.types.is_nested, kinds)):
        return True
    if any(map(pa.types.is_duration, kinds)):  # Spark reads their numbers without a unit
        return False
    of_spark = {spark_type(kind) for kind in kinds}
    whole = all(isinstance(kind, T.IntegralType) for kind in of_spark)
    return len(of_spark) < 2 or whole or of_spark == {T.FloatType(), T.DoubleType()}


def from_nanoseconds(frame: DataFrame, schema: pa.Schema) -> DataFrame:
    """Convert nanosecond numbers to microsecond timestamps, as the tasks do."""
    zoned = {f.name: f.type.tz is not None for f in schema if in_nanoseconds(f.type)}
    columns = []
    for name in frame.columns:
        column = backticked(name)
        if name in zoned:
            micros = f"({column} - pmod({column}, 1000)) div 1000"
            start = "timestamp_ntz'1970-01-01 00:00:00'"
            # timestampadd takes 32 bits in Spark 3.5, and loses the others without a word
            seconds = f"cast({micros} as decimal(18, 0)) * 0.000001BD"
            instant = f"{start} + make_dt_interval(0, 0, 0, {seconds})"
            column = f"{f'timestamp_micros({micros})' if zoned[name] else instant} as {column}"
        columns.append(column)
    return frame.selectExpr(*columns)


def has_no_spark_type(kind: pa.DataType) -> bool:
    """Whether Spark has no type for a column: most such columns make it refuse a file."""
    if REFUSED.search(str(kind)):
        return True
    try:
        return spark_type(kind) is None
    except PySparkException:
        return True


def spark_type(kind: pa.DataType) -> T.DataType:  # noqa: PLR0911 - one line per type
    """The type that Spark reads values of a type of Arrow as.

    Raises:
        PySparkException: it has none.
    """
    kind = pa.int8() if kind == pa.bool8() else value_type(kind)
    if pa.types.is_duration(kind) or pa.types.is_null(kind):
        return T.LongType() if pa.types.is_duration(kind) else T.IntegerType()
    if is_bytes(kind):
        return T.BinaryType()
    if pa.types.is_interval(kind):
        return T.YearMonthIntervalType()
    if pa.types.is_struct(kind):
        if is_variant(kind) and hasattr(T, "VariantType"):  # since Spark 4
            return T.VariantType()
        return T.StructType([T.StructField(f.name, spark_type(f.type)) for f in kind])
    if pa.types.is_map(kind):
        return T.MapType(spark_type(kind.key_type), spark_type(kind.item_type))
    if is_list(kind):
        return T.ArrayType(spark_type(kind.value_type))
    return UNSIGNED.get(kind) or from_arrow_type(kind, prefer_timestamp_ntz=True)


def _merged(
    known: Sequence[T.StructField],
    more: Sequence[T.StructField],
    above: str,
    mixed: Collection[str],
    sensitive: bool,
) -> list[T.StructField]:
    fields: dict[str, T.StructField] = {}
    first: dict[str, str] = {}
    for field in (*known, *more):
        spelled = field.name if sensitive else first.setdefault(field.name.lower(), field.name)
        name = f"{above}{spelled}"
        if name not in mixed:
            kind = field.dataType
            before = fields[spelled].dataType if spelled in fields else None
            if isinstance(kind, T.StructType):
                inside = before.fields if isinstance(before, T.StructType) else []
                kind = T.StructType(_merged(inside, kind.fields, f"{name}.", mixed, sensitive))
            elif before is not None:
                kind = _wider(before, kind)
            fields[spelled] = T.StructField(spelled, kind)
    return list(fields.values())


def _wider(known: T.DataType, kind: T.DataType) -> T.DataType:
    """The type that holds the numbers of both; that of the first file for all else."""
    if known == kind or isinstance(kind, T.NullType):
        return known
    if isinstance(known, T.NullType):
        return kind
    if isinstance(known, T.IntegralType) and isinstance(kind, T.IntegralType):
        return T.LongType()
    numbers = isinstance(known, T.NumericType) and isinstance(kind, T.NumericType)
    return T.DoubleType() if numbers else known
