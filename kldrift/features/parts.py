"""Parts of a column that are features of their own: the hour of a time, the length of a text."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kldrift.arrays import Floats, Ints
from kldrift.features.keys import decoded, in_microseconds
from kldrift.features.layouts import as_values, value_type
from kldrift.features.sentinels import is_number, is_text


class Part(StrEnum):
    """Which part of a column is the feature."""

    VALUE = "value"
    SIZE = "size"
    HOUR = "hour"
    WEEKDAY = "weekday"
    MONTH = "month"
    LENGTH = "length"
    NULLS = "nulls"
    LEAST = "min"
    MEAN = "mean"
    GREATEST = "max"


OF_TIMESTAMPS: Final = ("hour", "weekday", "month", "whole")
OF_DATES: Final = ("weekday", "month", "whole")
OF_TEXT: Final = ("length",)
OF_LISTS: Final = ("nulls",)
OF_NUMBERS: Final = ("nulls", "min", "mean", "max")


def parts_of(kind: pa.DataType) -> tuple[str, ...]:
    """The parts that a column of a type may be asked for."""
    types = pa.types
    if types.is_timestamp(kind):
        return OF_TIMESTAMPS
    if types.is_date(kind):
        return OF_DATES
    if is_text(kind) or is_bytes(kind):
        return OF_TEXT
    if is_list(kind):
        element = kind.item_type if types.is_map(kind) else kind.value_type
        return OF_NUMBERS if is_number(value_type(element)) else OF_LISTS
    return ()


def is_list(kind: pa.DataType) -> bool:
    """Whether the values of a type are arrays or maps."""
    types = pa.types
    return bool(types.is_list(kind) or types.is_large_list(kind) or types.is_map(kind))


def is_bytes(kind: pa.DataType) -> bool:
    """Whether the values of a type are bytes."""
    types = pa.types
    plain = types.is_binary(kind) or types.is_large_binary(kind)
    return bool(plain or types.is_fixed_size_binary(kind))


def part_of(part: Part, column: pa.Array, zone: str = "UTC") -> pa.Array:
    """A part of each value of a column, null where the value is; of instants by a zone's clock."""
    if pa.types.is_null(column.type):
        return column
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if part is Part.SIZE:
        return _sizes(column)
    if part is Part.LENGTH:
        text = is_text(column.type)
        return pc.utf8_length(column) if text else pc.binary_length(column)
    if part in (Part.NULLS, Part.LEAST, Part.MEAN, Part.GREATEST):
        return _inside(part, column)
    if pa.types.is_timestamp(column.type):
        column = in_microseconds(column, pa.timestamp("us", tz=column.type.tz and zone))
    if part is Part.HOUR:
        return pc.hour(column)
    return pc.day_of_week(column) if part is Part.WEEKDAY else pc.month(column)


def _sizes(column: pa.Array) -> pa.Array:
    """The number of elements of each array or map."""
    if not pa.types.is_map(column.type):
        return pc.list_value_length(column)
    ends = column.offsets
    sizes = pc.subtract(ends.slice(1), ends.slice(0, len(column)))
    return pc.if_else(column.is_valid(), sizes, pa.scalar(None, sizes.type))


def _inside(part: Part, column: pa.Array) -> pa.Array:
    """A number about the elements of each array, or the values of each map."""
    rows, there = column.drop_null(), column.is_valid().to_numpy(zero_copy_only=False)
    sizes = _sizes(rows).to_numpy(zero_copy_only=False).astype(np.int64)
    elements = decoded(as_values(_elements(rows)))
    of_row = np.repeat(np.flatnonzero(there), sizes)
    null = elements.is_null().to_numpy(zero_copy_only=False)
    if part is Part.NULLS:
        return pa.array(np.bincount(of_row[null], minlength=len(column)), mask=~there)
    numbers = elements.drop_null().cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    of_row = of_row[~null]
    counts = np.bincount(of_row, minlength=len(column))
    return pa.array(_each(part, numbers, of_row, counts), mask=counts == 0, from_pandas=False)


def _elements(rows: pa.Array) -> pa.Array:
    """The elements of all arrays, or the values of all maps, one after the other."""
    if not pa.types.is_map(rows.type):
        return rows.flatten()
    first, last = rows.offsets[0].as_py(), rows.offsets[-1].as_py()
    return rows.items.slice(first, last - first)


def _each(part: Part, numbers: Floats, of_row: Ints, counts: Ints) -> Floats:
    """The least, the mean or the greatest of the numbers of each row, shape ``(rows,)``."""
    out = np.zeros(len(counts))
    if part is Part.MEAN:
        sums = np.bincount(of_row, numbers, len(counts))
        return np.divide(sums, counts, out=out, where=counts > 0)
    filled = counts > 0
    first = np.cumsum(counts[filled]) - counts[filled]
    if len(first):
        least = part is Part.LEAST
        out[filled] = (np.minimum if least else np.maximum).reduceat(numbers, first)
    return out
