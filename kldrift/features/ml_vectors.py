"""Vectors of Spark's machine learning, as Arrow sees them: a struct, dense or sparse row by row."""

from __future__ import annotations

from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

ML_FIELDS: Final = ("type", "size", "indices", "values")
DENSE: Final = 1
"""What ``type`` is where ``values`` holds every element; 0 where ``indices`` says which."""


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
