"""Values that stand for a missing one, such as -200 of a sensor that failed."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc

from kldrift.features.keys import decoded


def is_number(kind: pa.DataType) -> bool:
    """Whether the values of a type are numbers."""
    types = pa.types
    return bool(types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind))


def is_text(kind: pa.DataType) -> bool:
    """Whether the values of a type are text."""
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def without_sentinels(column: pa.Array, sentinels: Sequence[float | str]) -> pa.Array:
    """A column of numbers or text with nulls in place of some values.

    A value that the column's type cannot hold stands for nothing there.

    Examples:
        >>> without_sentinels(pa.array([1, -200, None]), [-200.0, 0.5, "x"]).to_pylist()
        [1, None, None]
    """
    column = decoded(column)
    values = [one for v in sentinels if (one := _as(v, column.type)) is not None]
    if not values:
        return column
    if pa.types.is_float16(column.type):  # which Arrow cannot look up
        column, values = column.cast(pa.float32()), [v.cast(pa.float32()) for v in values]
    gone = pc.is_in(column, pa.concat_arrays(values))
    return pc.if_else(gone, pa.scalar(None, column.type), column)


def _as(value: float | str, kind: pa.DataType) -> pa.Array | None:
    """A value as an array of a type; None if the type does not hold it."""
    if isinstance(value, str) != is_text(kind):
        return None
    whole = isinstance(value, float) and value.is_integer()
    plain = int(value) if whole else value
    try:
        if pa.types.is_decimal(kind):
            return pa.array([Decimal(str(plain))], kind)
        return pa.array([plain]).cast(kind)
    except pa.ArrowException:
        return None
