"""The types of the columns of text files, so that no run has to infer them."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from kldrift.features.names import backticked

COMMAS: Final = pa.decimal128(38, 10)  # Spark reads no other numbers with a decimal comma
DDL: Final = {
    pa.bool_(): "boolean",
    pa.date32(): "date",
    pa.timestamp("us"): "timestamp_ntz",
    pa.timestamp("us", tz="UTC"): "timestamp",
    pa.string(): "string",
    pa.int64(): "bigint",
    pa.float64(): "double",
    COMMAS: "decimal(38,10)",
}
"""What Spark calls the types that text files are read as."""


def with_numbers(rows: pa.Table, decimal_commas: tuple[str, ...]) -> pa.Table:
    """Rows with numbers in place of texts with decimal commas."""
    for i, name in enumerate(rows.column_names):
        if name in decimal_commas and pa.types.is_string(rows.schema.types[i]):
            text = pc.replace_substring(rows.column(i), ".", "")
            numbers = pc.cast(pc.replace_substring(text, ",", "."), pa.float64())
            rows = rows.set_column(i, name, numbers)
    return rows


def fitting_schema(
    reference: pa.Schema, current: pa.Schema, known: Mapping[str, pa.DataType]
) -> pa.Schema | None:
    """The schema of text files that fits both sides, so that no run has to infer it.

    ``known`` are the types of columns that the reader would infer as another.
    """
    if sorted(reference.names) != sorted(current.names):
        return None
    fields = []
    for mine in reference:
        both = _both(mine.type, current.field(mine.name).type)
        kind = known.get(mine.name, both)
        if kind is None:
            return None
        fields.append(pa.field(mine.name, kind))
    return pa.schema(fields)


def _both(mine: pa.DataType, other: pa.DataType) -> pa.DataType | None:
    """The type that holds the values of two; those of keys and elements, too; None if none does."""
    if pa.types.is_null(mine):
        mine = pa.string() if pa.types.is_null(other) else other
    if pa.types.is_null(other):
        other = mine
    if pa.types.is_list(mine) and pa.types.is_list(other):
        inner = _both(mine.value_type, other.value_type)
        return inner and pa.list_(inner)
    if pa.types.is_struct(mine) and pa.types.is_struct(other):
        kinds = [{f.name: f.type for f in struct} for struct in (mine, other)]
        names = dict.fromkeys(chain(*kinds))
        fields = [(n, _both(*(k.get(n, pa.null()) for k in kinds))) for n in names]
        return pa.struct(fields) if all(kind for _, kind in fields) else None
    if pa.types.is_integer(mine) and pa.types.is_integer(other):
        return pa.int64()
    if all(pa.types.is_integer(t) or pa.types.is_floating(t) for t in (mine, other)):
        return pa.float64()
    return mine if mine == other and mine in DDL else None


def ddl(schema: pa.Schema) -> str:
    """A schema as Spark DDL.

    Examples:
        >>> ddl(pa.schema({"user": pa.struct({"id": pa.int64()}), "tags": pa.list_(pa.string())}))
        '`user` struct<`id`: bigint>, `tags` array<string>'
    """
    return ", ".join(f"{backticked(f.name)} {_type(f.type)}" for f in schema)


def _type(kind: pa.DataType) -> str:
    if pa.types.is_list(kind):
        return f"array<{_type(kind.value_type)}>"
    if pa.types.is_struct(kind):
        return f"struct<{', '.join(f'{backticked(f.name)}: {_type(f.type)}' for f in kind)}>"
    return DDL[kind]
