"""Casts a table to its schema; errors name the column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import types

from kldrift.errors import did_you_mean
from kldrift.tables.nulls import NEVER_NULL
from kldrift.tables.schema import TABLES
from kldrift.tables.values import null_of


def conform(name: str, table: pa.Table, without: Sequence[str] = ()) -> pa.Table:
    """Return the table with exactly the columns, order and types of its schema.

    NaN and infinities become null: a table holds numbers or nothing, so that SQL's ``avg`` and
    ``max`` mean something.  A cast that would lose digits is an error. Those in ``without`` are
    left out.

    Raises:
        ValueError: a column is unknown, missing, of another kind, or null where it never is.
    """
    schema = pa.schema([field for field in TABLES[name] if field.name not in without])
    same_names(f"columns of {name}", table.column_names, schema.names)
    columns = [_column(name, field, table.column(field.name)) for field in schema]
    return pa.Table.from_arrays(columns, schema=schema)


def _column(name: str, field: pa.Field, column: pa.ChunkedArray) -> pa.ChunkedArray:
    where = f"{name}.{field.name}"
    if column.type != field.type and not _same_kind(column.type, field.type):
        raise ValueError(f"{where}: expected {field.type}, got {column.type}")
    if types.is_floating(column.type) and not pc.all(finite := pc.is_finite(column)).as_py():
        column = pc.if_else(finite, column, null_of(column.type))
    try:
        column = column if column.type == field.type else column.cast(field.type)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise ValueError(f"{where}: cannot be stored as {field.type}: {error}") from error
    if column.null_count and field.metadata[b"null"].decode() == NEVER_NULL:
        raise ValueError(f"{where}: must not be null, got {column.null_count} nulls")
    return column


def _same_kind(given: pa.DataType, wanted: pa.DataType) -> bool:
    """Whether a cast keeps the meaning; Arrow would also cast 7 to "7"."""
    if types.is_list(given) and types.is_list(wanted):
        return _same_kind(given.value_type, wanted.value_type)
    kinds = (_is_number, _is_text, _is_instant, types.is_boolean, types.is_struct)
    return types.is_null(given) or any(kind(given) and kind(wanted) for kind in kinds)


def _is_number(kind: pa.DataType) -> bool:
    return bool(types.is_integer(kind) or types.is_floating(kind))


def _is_text(kind: pa.DataType) -> bool:
    if types.is_dictionary(kind):
        return _is_text(kind.value_type)
    return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind))


def _is_instant(kind: pa.DataType) -> bool:
    return bool(types.is_timestamp(kind) and kind.tz is not None)


def same_names(what: str, given: Mapping[str, Any] | list[str], wanted: Any) -> None:
    """Check that names are the wanted ones, in any order."""
    names, wanted = list(given), list(wanted)
    unknown = [name for name in names if name not in wanted]
    if unknown:
        hint = did_you_mean(unknown[0], wanted)
        raise ValueError(f"unknown {what}: {', '.join(map(repr, unknown))}{hint}")
    missing = [name for name in wanted if name not in names]
    if missing:
        raise ValueError(f"missing {what}: {', '.join(map(repr, missing))}")
    if len(names) != len(wanted):
        raise ValueError(f"duplicate {what}: {', '.join(map(repr, names))}")
