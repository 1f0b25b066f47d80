"""The bounds of a column in a file, from the manifests of an Iceberg table.

Only of whole numbers, decimals, dates and times are values looked at. A manifest's bounds of these
are exact; a partition's value is one value, or the unit of time or the multiple that holds them.
"""

from __future__ import annotations

import datetime as dt
import struct
from decimal import Decimal
from typing import Any, Final

from kldrift.sources.parquet.bounds import ALL_NULL, UNKNOWN, Bounds, bounds_of_value
from kldrift.sources.predicates.units import EPOCH

ORDERED: Final = frozenset({"int", "long", "date", "timestamp", "timestamptz"})
"""The types that are looked at, beside decimals."""
NOT_NULL: Final = Bounds(nulls=False)
MICROSECOND: Final = dt.timedelta(microseconds=1)
LENGTHS: Final = {"hour": dt.timedelta(hours=1), "day": dt.timedelta(days=1)}


def bounds_of_metrics(file: Any, field: Any) -> Bounds:
    """The bounds of a column in a file, from the statistics of its manifest."""
    from pyiceberg.conversions import from_bytes  # noqa: PLC0415 - an extra

    number, rows = field.field_id, file.record_count
    nulls = (file.null_value_counts or {}).get(number)
    low = high = None
    if _ordered(field.field_type):
        encoded = [(side or {}).get(number) for side in (file.lower_bounds, file.upper_bounds)]
        try:
            low, high = (
                None if b is None else value_of(field.field_type, from_bytes(field.field_type, b))
                for b in encoded
            )
        except (struct.error, OverflowError, ValueError):  # written when the type was another
            low = high = None
    return Bounds(low, high, nulls != 0, nulls is None or nulls < rows)


def bounds_of_partition(transform: Any, kind: Any, value: Any) -> Bounds:
    """The bounds of a column in a file, from the value of a partition made of it."""
    name = str(transform)
    if name == "void":  # null whatever the column holds
        return UNKNOWN
    if value is None:
        return ALL_NULL
    try:
        if name == "identity":
            return bounds_of_value(value_of(kind, value)) & NOT_NULL
        if _ordered(kind):
            low, high = _span(name, kind, value)
            return Bounds(low, high, nulls=False)
    except (OverflowError, ValueError):  # a time that Python does not have
        pass
    return NOT_NULL


def _ordered(kind: Any) -> bool:
    return str(kind) in ORDERED or str(kind).startswith("decimal")


def value_of(kind: Any, value: Any) -> Any:
    """A value as Python has it; pyiceberg counts days and microseconds."""
    if str(kind) == "date" and isinstance(value, int):
        return EPOCH.date() + dt.timedelta(days=value)
    if str(kind) in ("timestamp", "timestamptz") and isinstance(value, int):
        return EPOCH + dt.timedelta(microseconds=value)
    return value


def _span(name: str, kind: Any, value: Any) -> tuple[Any, Any]:
    """The least and the greatest value of a column that a transform makes this value of."""
    if name.startswith("truncate["):
        width = int(name[len("truncate[") : -1])
        if isinstance(value, Decimal):
            unit = Decimal(1).scaleb(int(value.as_tuple().exponent))
            return value, value + (width - 1) * unit
        return (value, value + width - 1) if isinstance(value, int) else (None, None)
    if name not in ("year", "month", "day", "hour") or not isinstance(value, int):
        return None, None
    # Some writers rounded times before 1970 towards it, so that the unit before may be in it too.
    low, high = _begins(name, value - (value <= 0)), _begins(name, value + 1) - MICROSECOND
    return (low.date(), high.date()) if str(kind) == "date" else (low, high)


def _begins(name: str, value: int) -> dt.datetime:
    """When a unit of time begins, counted from 1970."""
    if name in LENGTHS:
        return EPOCH + value * LENGTHS[name]
    year, month = divmod(value, 12) if name == "month" else (value, 0)
    return dt.datetime(1970 + year, 1 + month, 1)
