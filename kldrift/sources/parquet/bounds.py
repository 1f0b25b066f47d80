"""Bounds of a column's values, and whether it has nulls, known before the column is read."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from kldrift.sources.predicates.units import EPOCH, counts_units


@dataclass(frozen=True)
class Bounds:
    """Bounds of a column's values in some rows; None is not known."""

    low: Any = None
    high: Any = None
    nulls: bool = True
    values: bool = True

    def __and__(self, other: Bounds) -> Bounds:
        """The bounds of rows that are within both."""
        return Bounds(
            max((b.low for b in (self, other) if b.low is not None), default=None),
            min((b.high for b in (self, other) if b.high is not None), default=None),
            self.nulls and other.nulls,
            self.values and other.values,
        )


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
    """The bounds of a column in a row group, from its statistics."""
    statistics = chunk.statistics
    if statistics is None:
        return UNKNOWN
    nulls = statistics.null_count if statistics.has_null_count else None
    low = high = None
    if statistics.has_min_max and counts_units(kind) and not pa.types.is_unsigned_integer(kind):
        try:
            low, high = _around(statistics, kind)
        except (ValueError, OverflowError, NotImplementedError):  # a day that Python does not have
            low = high = None
    return Bounds(low, high, nulls != 0, nulls is None or nulls < rows)


def _around(statistics: pq.Statistics, kind: pa.DataType) -> tuple[Any, Any]:
    """The least and the greatest value; of nanoseconds, the microseconds around them."""
    if not pa.types.is_timestamp(kind) or kind.unit != "ns":
        return exact(statistics.min), exact(statistics.max)
    least, most = statistics.min_raw // 1000, -(-statistics.max_raw // 1000)
    return EPOCH + dt.timedelta(microseconds=least), EPOCH + dt.timedelta(microseconds=most)


def bounds_in(
    metadata: pq.FileMetaData, schema: pa.Schema, inside: Mapping[str, str]
) -> Callable[[int], dict[str, Bounds]]:
    """The bounds of columns in each row group of a file.

    Returns:
        A function of a row group's number; it knows of every column that is wanted.
    """
    if not inside:
        return lambda _: {}
    wanted = frozenset(inside.values())
    leaves = map(metadata.schema.column, range(metadata.num_columns))
    places = {leaf.path: j for j, leaf in enumerate(leaves) if leaf.path in wanted}

    def known(number: int) -> dict[str, Bounds]:
        group = metadata.row_group(number)
        bounds = {}
        for name, i in inside.items():
            kind = schema.field(i).type
            flat = i in places and not pa.types.is_nested(kind)
            bounds[name] = UNKNOWN
            if flat:
                bounds[name] = bounds_of_chunk(group.column(places[i]), kind, group.num_rows)
        return bounds

    return known


def exact(value: Any) -> Any:
    """A value as bounds hold it, times in UTC without their zone; None if it is not exact."""
    if isinstance(value, dt.datetime) and value.tzinfo is not None:
        return value.astimezone(dt.UTC).replace(tzinfo=None)
    return value if isinstance(value, int | Decimal | dt.date) else None
