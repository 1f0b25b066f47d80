"""What is known of a column before it is read: bounds of its values, and whether nulls occur."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from kldrift.scan.units import counts_units


@dataclass(frozen=True)
class Bounds:
    """What is known of a column's values in some rows.

    Attributes:
        low: no value is less; None if unknown.
        high: no value is greater; None if unknown.
        nulls: whether there may be nulls.
        values: whether there may be other values than nulls.
    """

    low: Any = None
    high: Any = None
    nulls: bool = True
    values: bool = True


UNKNOWN: Final = Bounds()
ALL_NULL: Final = Bounds(values=False)


def bounds_of_value(value: Any) -> Bounds:
    """The bounds of a column that is one value throughout, as of a partition."""
    if value is None:
        return ALL_NULL
    if isinstance(value, float):
        return Bounds(nulls=False)
    return Bounds(value, value, nulls=False)


def bounds_of_chunk(chunk: pq.ColumnChunkMetaData, kind: pa.DataType, rows: int) -> Bounds:
    """The bounds of a column in a row group, from its statistics.

    Args:
        chunk: the column in the row group.
        kind: its type.
        rows: rows of the row group.
    """
    statistics = chunk.statistics
    if statistics is None:
        return UNKNOWN
    nulls = statistics.null_count if statistics.has_null_count else None
    low = high = None
    if statistics.has_min_max and counts_units(kind) and not pa.types.is_unsigned_integer(kind):
        try:
            low, high = _naive(statistics.min), _naive(statistics.max)
        except (ValueError, OverflowError, NotImplementedError):  # a day that Python does not have
            low = high = None
    return Bounds(low, high, nulls != 0, nulls is None or nulls < rows)


def _naive(value: Any) -> Any:
    if isinstance(value, dt.datetime) and value.tzinfo is not None:
        return value.astimezone(dt.UTC).replace(tzinfo=None)
    return value if isinstance(value, int | Decimal | dt.date) else None
