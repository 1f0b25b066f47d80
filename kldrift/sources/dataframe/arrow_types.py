"""The types of Spark's columns in Arrow, as they reach the tasks."""

from __future__ import annotations

import pyarrow as pa
from pyspark.sql import types as T  # noqa: N812 - as everyone writes it


def arrow_type(kind: T.DataType) -> pa.DataType | None:
    """The Arrow type that Spark sends a column as; None if it has none that can be counted."""
    simple = {
        T.ByteType: pa.int8(),
        T.ShortType: pa.int16(),
        T.IntegerType: pa.int32(),
        T.LongType: pa.int64(),
        T.FloatType: pa.float32(),
        T.DoubleType: pa.float64(),
        T.BooleanType: pa.bool_(),
        T.BinaryType: pa.binary(),
        T.DateType: pa.date32(),
        T.TimestampType: pa.timestamp("us", tz="UTC"),
        T.TimestampNTZType: pa.timestamp("us"),
        T.DayTimeIntervalType: pa.duration("us"),
        T.NullType: pa.null(),
    }
    if isinstance(kind, T.DecimalType):
        return pa.decimal128(kind.precision, kind.scale)
    if isinstance(kind, T.StringType | T.CharType | T.VarcharType):
        return pa.string()
    if isinstance(kind, T.ArrayType):
        return pa.list_(arrow_type(kind.elementType) or pa.null())
    if isinstance(kind, T.MapType):
        return pa.map_(pa.string(), arrow_type(kind.valueType) or pa.null())
    if isinstance(kind, T.StructType):
        fields = [(f.name, arrow_type(f.dataType)) for f in kind.fields]
        return pa.struct([pa.field(n, t or pa.month_day_nano_interval()) for n, t in fields])
    return simple.get(type(kind))
