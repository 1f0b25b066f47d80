"""The values of Arrow's columns without pandas.

Arrow imports pandas, which takes longer than all that `kldrift show` does, as soon as it makes an
array or a scalar of Python's values or of NumPy's. Buffers and lists it hands out without.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from kldrift.arrays import Bools, Floats, Ints

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def codes(column: pa.ChunkedArray) -> tuple[Ints, list[Any]]:
    """The distinct values of a column, and for each row which one it has; -1 for null."""
    if pa.types.is_null(column.type):
        return np.full(len(column), -1), []
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    chunks = column.unify_dictionaries().chunks
    if not chunks:
        return np.empty(0, np.int64), []
    parts = [_filled(chunk.indices.cast(pa.int64()), -1) for chunk in chunks]
    return np.concatenate(parts), chunks[-1].dictionary.to_pylist()


def floats_of(column: pa.ChunkedArray) -> Floats:
    """The numbers of a column; NaN for null."""
    chunks = [_filled(chunk.cast(pa.float64()), np.nan) for chunk in column.chunks]
    return np.concatenate(chunks) if chunks else np.empty(0)


def is_in(column: pa.ChunkedArray, wanted: Collection[Any]) -> Bools:
    """Which rows have one of some values, of which None is null."""
    places, values = codes(column)
    return np.array([*(value in wanted for value in values), None in wanted])[places]


def taken(table: pa.Table, places: NDArray[np.integer[Any]]) -> pa.Table:
    """Some rows of a table, in the order of the places."""
    data = pa.py_buffer(np.ascontiguousarray(places, dtype=np.int64))
    return table.take(pa.Array.from_buffers(pa.int64(), len(places), [None, data]))


def rows_where(table: pa.Table, kept: Bools) -> pa.Table:
    """The rows of a table at which a mask is true."""
    return table if kept.all() else taken(table, np.flatnonzero(kept))


def null_of(kind: pa.DataType) -> pa.Scalar:
    """A null scalar of a type."""
    return pa.nulls(1, kind)[0]


def no_rows(schema: pa.Schema) -> pa.Table:
    """A table without rows."""
    return pa.Table.from_arrays([pa.nulls(0, field.type) for field in schema], schema=schema)


def python_values(column: pa.ChunkedArray) -> list[Any]:
    """The values of a column as Python's; times are in UTC.

    Arrow looks for pandas to make a time, which may have nanoseconds: ours have microseconds.
    """
    if pa.types.is_timestamp(column.type) and column.type.unit == "us":
        stamps = column.cast(pa.int64()).to_pylist()
        return [None if us is None else EPOCH + timedelta(microseconds=us) for us in stamps]
    return list(column.to_pylist())


def _filled(array: pa.Array, nothing: float) -> NDArray[Any]:
    """The values of an array of 64-bit numbers, with a stand-in for nulls."""
    valid, data = array.buffers()
    dtype = np.float64 if pa.types.is_floating(array.type) else np.int64
    first, number = array.offset, len(array)
    if data is None:
        return np.full(number, nothing, dtype)
    values = np.frombuffer(data, dtype, number, first * 8)
    if valid is None or not array.null_count:
        return values
    bits = np.unpackbits(np.frombuffer(valid, np.uint8), count=first + number, bitorder="little")
    return np.where(bits[first:] == 1, values, dtype(nothing))
