"""Parquet files in which a column changes its type, read by Spark without that column.

Spark merges the schemas of files, and fails where one column does not fit; a schema that lacks the
column reads the rest.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from pyspark.sql import SparkSession
from pyspark.sql import types as T  # noqa: N812 - as everyone writes it


def schema_without(
    spark: SparkSession, files: Sequence[str], mixed: Collection[str]
) -> T.StructType:
    """The schema of files, without what is mixed among them.

    Args:
        spark: reads the schemas.
        files: one of each schema.
        mixed: columns, and fields of structs by their dotted names.
    """
    fields: list[T.StructField] = []
    for file in files:
        fields = _merged(fields, spark.read.parquet(file).schema.fields, "", mixed)
    return T.StructType(fields)


def _merged(
    known: Sequence[T.StructField],
    more: Sequence[T.StructField],
    above: str,
    mixed: Collection[str],
) -> list[T.StructField]:
    found: dict[str, T.StructField] = {}
    for field in (*known, *more):
        name = f"{above}{field.name}"
        if name not in mixed:
            kind = field.dataType
            before = found[field.name].dataType if field.name in found else None
            if isinstance(kind, T.StructType):
                inside = before.fields if isinstance(before, T.StructType) else []
                kind = T.StructType(_merged(inside, kind.fields, f"{name}.", mixed))
            elif before is not None:
                kind = _wider(before, kind)
            found[field.name] = T.StructField(field.name, kind)
    return list(found.values())


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
