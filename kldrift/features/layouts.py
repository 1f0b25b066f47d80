"""Layouts of Arrow for the same values: views, dictionaries, runs, extensions, fixed sizes, widths.

Parquet files restore the layout that they were written from, so that one side of a comparison may
have another than the other.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

BOOLEANS: Final = "arrow.bool8"
"""An extension type whose bytes are false where they are zero."""
_VIEWS: Final = {
    pa.string_view().id: pa.large_string(),  # a batch may hold more than 2 GB
    pa.binary_view().id: pa.large_binary(),
}
_LISTS: Final = frozenset(
    kind.id
    for kind in (
        pa.list_view(pa.null()),
        pa.large_list_view(pa.null()),
        pa.list_(pa.null(), 1),
    )
)
_RUNS: Final = pa.run_end_encoded(pa.int32(), pa.null()).id
_NARROW: Final = frozenset({pa.decimal32(1).id, pa.decimal64(1).id})
"""Decimals that Arrow neither rounds nor numbers."""
_OTHER: Final = frozenset({*_VIEWS, *_LISTS, _RUNS, *_NARROW})

VARIANT: Final = pa.struct({"metadata": pa.binary(), "value": pa.binary()})
_BYTES: Final = (pa.binary(), pa.large_binary(), pa.binary_view())

ML_FIELDS: Final = ("type", "size", "indices", "values")
DENSE: Final = 1
"""What ``type`` is where ``values`` holds every element; 0 where ``indices`` says which."""


def is_plain(kind: pa.DataType) -> bool:
    """Whether a type is in the layout that the rest of the package reads."""
    if pa.types.is_dictionary(kind):
        return is_plain(kind.value_type)
    return not (kind.id in _OTHER or isinstance(kind, pa.BaseExtensionType))


def value_type(kind: pa.DataType) -> pa.DataType:
    """The type of the values, however they lie there.

    Examples:
        >>> value_type(pa.dictionary(pa.int32(), pa.string_view()))
        DataType(string)
        >>> value_type(pa.list_(pa.int8(), 3))
        ListType(list<element: int8>)
    """
    types = pa.types
    if types.is_dictionary(kind) or kind.id == _RUNS:
        return value_type(kind.value_type)
    if isinstance(kind, pa.BaseExtensionType):
        return pa.bool_() if kind.extension_name == BOOLEANS else value_type(kind.storage_type)
    if types.is_string_view(kind):
        return pa.string()
    if types.is_binary_view(kind):
        return pa.binary()
    if kind.id in _LISTS:
        return pa.list_(pa.field("element", value_type(kind.value_type)))
    return pa.decimal128(kind.precision, kind.scale) if kind.id in _NARROW else kind


def is_coded(kind: pa.DataType) -> bool:
    """Whether a type is a dictionary of integers: codes of categories, such as those of pandas."""
    types = pa.types
    return bool(types.is_dictionary(kind) and types.is_integer(value_type(kind.value_type)))


def coded_paths(fields: Iterable[pa.Field]) -> frozenset[tuple[str, ...]]:
    """The paths of columns and of fields of structs that are dictionaries of integers."""
    paths: set[tuple[str, ...]] = set()
    for field in fields:
        if is_coded(field.type):
            paths.add((field.name,))
        elif pa.types.is_struct(field.type):
            paths.update((field.name, *path) for path in coded_paths(field.type))
    return frozenset(paths)


def as_coded(schema: pa.Schema, paths: AbstractSet[tuple[str, ...]]) -> pa.Schema:
    """A schema with dictionaries in place of the integers at some paths."""
    if not paths:
        return schema
    return pa.schema([_coded(field, (), paths) for field in schema], schema.metadata)


def _coded(
    field: pa.Field, above: tuple[str, ...], paths: AbstractSet[tuple[str, ...]]
) -> pa.Field:
    path, kind = (*above, field.name), field.type
    if path in paths and pa.types.is_integer(kind):
        return field.with_type(pa.dictionary(pa.int32(), kind))
    if pa.types.is_struct(kind):
        return field.with_type(pa.struct([_coded(inner, path, paths) for inner in kind]))
    return field


def as_values(column: pa.Array) -> pa.Array:
    """A column in the layout that the rest of the package reads; dictionaries stay as they are."""
    kind = column.type
    if is_plain(kind):
        return column
    if pa.types.is_dictionary(kind):
        return as_values(column.dictionary).take(column.indices)
    if isinstance(kind, pa.BaseExtensionType):
        stored = as_values(column.storage)
        return stored.cast(pa.bool_()) if kind.extension_name == BOOLEANS else stored
    if kind.id == _RUNS:
        ends = column.run_ends  # of the whole, of which this may be a slice
        numbers = pa.RunEndEncodedArray.from_arrays(ends, pa.array(range(len(ends))))
        rows = pc.run_end_decode(numbers.slice(column.offset, len(column)))
        return as_values(column.values).take(rows)
    if kind.id in _NARROW:
        return column.cast(value_type(kind))
    return column.cast(_VIEWS[kind.id]) if kind.id in _VIEWS else _lists(column)


def _lists(column: pa.Array) -> pa.Array:
    """List views and lists of a fixed size, as ordinary lists."""
    lengths = pc.fill_null(pc.list_value_length(column), 0).to_numpy(zero_copy_only=False)
    elements = as_values(pc.list_flatten(column))
    offsets = pa.array(np.concatenate([[0], np.cumsum(lengths)]), pa.int64())
    return pa.LargeListArray.from_arrays(offsets, elements, mask=column.is_null())


def is_ml_vector(kind: pa.DataType) -> bool:
    """Whether a column's type is the storage of ``pyspark.ml.linalg.VectorUDT``."""
    if not pa.types.is_struct(kind) or kind.num_fields != len(ML_FIELDS):
        return False
    fields = [kind.field(i) for i in range(kind.num_fields)]
    return tuple(f.name for f in fields) == ML_FIELDS and (
        pa.types.is_int8(fields[0].type)
        and pa.types.is_int32(fields[1].type)
        and all(pa.types.is_list(f.type) for f in fields[2:])
        and pa.types.is_float64(fields[3].type.value_type)
    )


def is_variant(kind: pa.DataType) -> bool:
    """Whether a column's type is that in which Parquet files keep values of any type."""
    if not pa.types.is_struct(kind):
        return False
    fields = {field.name: field.type for field in kind}
    stored = {name: fields.pop(name, None) in _BYTES for name in ("metadata", "value")}
    return all(stored.values()) and fields.keys() <= {"typed_value"}


def to_lists(column: pa.Array) -> pa.Array:
    """A column of such vectors as one of lists of all their elements."""
    valid = column.is_valid().to_numpy(zero_copy_only=False)
    rows = column.drop_null()
    kinds, sizes, indices, values = (pc.struct_field(rows, name) for name in ML_FIELDS)
    stored = pc.list_value_length(values).to_numpy(zero_copy_only=False)
    dense = kinds.to_numpy(zero_copy_only=False) == DENSE
    lengths = np.where(dense, stored, pc.fill_null(sizes, 0).to_numpy(zero_copy_only=False))
    ends = np.cumsum(lengths)
    first = np.repeat(ends - lengths, stored)  # where the vector of each stored element begins
    places = np.arange(len(first)) - np.repeat(np.cumsum(stored) - stored, stored)
    sparse = np.repeat(~dense, stored)
    places[sparse] = indices.filter(pa.array(~dense)).flatten().to_numpy(zero_copy_only=False)
    flat = np.zeros(int(ends[-1]) if len(ends) else 0)
    flat[first + places] = values.flatten().to_numpy(zero_copy_only=False)
    of_row = np.zeros(len(column), dtype=np.int64)
    of_row[valid] = lengths
    offsets = pa.array(np.concatenate([[0], np.cumsum(of_row)]), pa.int32())
    return pa.ListArray.from_arrays(offsets, pa.array(flat), mask=pa.array(~valid))
