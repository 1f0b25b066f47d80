"""Bundles the columns of a DataFrame into few for the transfer to Python, and unbundles them.

Spark writes each value of each column for Arrow by a call of its own, which the JVM makes fast only
where nearly all calls are of one kind, and Spark 4.1 asks every column for its size at every row.
So numbers travel in arrays of one type, and texts one behind the other as one text, with their
lengths among the numbers: bytes and lengths, so that no separator could be mistaken.

Every value comes out as the one that went in, and of the same type: a double holds any integer of
32 bits, any float and any date, a bigint any integer.

See docs/decisions/dataframe-transport.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from kldrift.arrays import Bools
from kldrift.errors import DatasetError

MOST_NUMBERS: Final = 240
"""In one array: bounds what is taken apart at once, and what the JVM doubles when it grows."""
MOST_TEXTS: Final = 16
"""In one text, which may not have more than 2 GB in a batch."""
BLOCK_ROWS: Final = 512
"""Rows that are turned into columns at once: they stay in the cache."""
FLOATS: Final = frozenset({pa.float32(), pa.float64()})
SMALL: Final = frozenset({pa.bool_(), pa.int8(), pa.int16(), pa.int32(), pa.date32(), pa.string()})
"""What travels as a number of any type; texts by their lengths."""


@dataclass(frozen=True)
class Bundle:
    """Columns that are transferred together.

    ``numbers`` are places of columns that are elements of an array, ``texts`` of those that are
    parts of a text, whose lengths are further elements.
    """

    kind: pa.DataType
    numbers: tuple[int, ...]
    texts: tuple[int, ...] = ()


@dataclass(frozen=True)
class Transport:
    """Which columns are bundled together, and which are not.

    Attributes:
        types: of each column, what it is to be in the task; None if it travels alone, whatever it
            is.
        bundles: those that travel together.
        alone: places of those that do not.
    """

    types: tuple[pa.DataType | None, ...]
    bundles: tuple[Bundle, ...]
    alone: tuple[int, ...]


def choose_transport(types: Sequence[pa.DataType | None]) -> Transport:
    """Choose how columns are bundled.

    None is the type of one that has to travel alone.

    Examples:
        >>> choose_transport([pa.float64(), pa.string(), pa.int8(), pa.string(), pa.null()]).bundles
        (Bundle(kind=DataType(double), numbers=(0, 2), texts=(1, 3)),)
    """
    small = pa.float64() if FLOATS.intersection(types) else pa.int64()
    texts = [i for i, kind in enumerate(types) if kind == pa.string()]
    if len(texts) == 1:
        texts = []
    arrays: dict[pa.DataType, list[int]] = {small: []}
    for i, kind in enumerate(types):
        small_kind = small if kind in SMALL - {pa.string()} else _own_array(kind)
        if small_kind is not None:
            arrays.setdefault(small_kind, []).append(i)
    bundles = []
    for kind, numbers in arrays.items():
        beside = texts if kind == small else []
        if len(numbers) + len(beside) > 1:
            parts = zip_longest(_cut(numbers, MOST_NUMBERS), _cut(beside, MOST_TEXTS), fillvalue=())
            bundles += [Bundle(kind, places, other) for places, other in parts]
    together = {i for bundle in bundles for i in (*bundle.numbers, *bundle.texts)}
    alone = tuple(i for i in range(len(types)) if i not in together)
    return Transport(tuple(types), tuple(bundles), alone)


def _own_array(kind: pa.DataType | None) -> pa.DataType | None:
    if kind in FLOATS:
        return pa.float64()
    exact = kind is not None and (pa.types.is_timestamp(kind) or pa.types.is_decimal128(kind))
    return kind if exact or kind == pa.int64() else None


def _cut(places: Sequence[int], size: int) -> list[tuple[int, ...]]:
    return [tuple(places[i : i + size]) for i in range(0, len(places), size)]


def unbundle(
    bundle: Bundle,
    types: Sequence[pa.DataType | None],
    arrays: Sequence[pa.Array],
    texts: Sequence[pa.Array],
) -> Iterator[tuple[int, pa.Array]]:
    """Split a bundle, its arrays and texts, into its columns, each with its position."""
    width, end = len(bundle.numbers) + len(bundle.texts), len(bundle.numbers)
    flats = [_Flat(array, width) for array in arrays]
    yield from _numbers(bundle, types, flats)
    parts = [_split(text, flat, end) for text, flat in zip(texts, flats, strict=False)]
    for place, column in zip(bundle.texts, zip(*parts, strict=True), strict=False):
        yield place, pa.concat_arrays(column)


class _Flat:
    """The elements of a batch's arrays, shape ``(rows, width)``, and which of them are there."""

    def __init__(self, column: pa.Array, width: int) -> None:
        values = column.flatten()
        rows = len(column)
        # Arrow's decimals have 16 bytes; so have the complex numbers, which nobody calculates with.
        dtype = np.dtype(np.complex128 if values.type.bit_width == 128 else np.int64)
        raw = np.frombuffer(values.buffers()[1], dtype, len(values), values.offset * dtype.itemsize)
        self.kind = values.type
        self.values: NDArray[Any] = raw.reshape(rows, width)
        self.valid: Bools | None = None
        if values.null_count:
            bits = np.frombuffer(values.buffers()[0], np.uint8)
            skip, end = values.offset, values.offset + len(values)
            valid = np.unpackbits(bits, count=end, bitorder="little")[skip:]
            self.valid = valid.view(np.bool_).reshape(rows, width)


def _numbers(
    bundle: Bundle, types: Sequence[pa.DataType | None], flats: Sequence[_Flat]
) -> Iterator[tuple[int, pa.Array]]:
    rows, end = sum(len(flat.values) for flat in flats), len(bundle.numbers)
    values = _columns([flat.values[:, :end] for flat in flats], rows)
    valid = None
    if any(flat.valid is not None for flat in flats):
        there = [
            np.broadcast_to(np.True_, flat.values.shape) if flat.valid is None else flat.valid
            for flat in flats
        ]
        valid = _columns([matrix[:, :end] for matrix in there], rows)
    for j, place in enumerate(bundle.numbers):
        bits, nulls = (None, 0) if valid is None else _bitmap(valid[j])
        buffers = [bits, pa.py_buffer(values[j])]
        column = pa.Array.from_buffers(flats[0].kind, rows, buffers, nulls)
        yield place, _as(column, types[place])


def _columns(blocks: Sequence[NDArray[Any]], rows: int) -> NDArray[Any]:
    """Rows, shape ``(rows, k)`` in all, as columns, each in one piece."""
    dtype, width = blocks[0].dtype, blocks[0].shape[1]
    # A line of cache more: columns a power of two apart would push each other out of it.
    pitch = rows + 64 // dtype.itemsize
    # Of Arrow's memory, which it uses again: new memory costs as much as filling it.
    memory = pa.allocate_buffer(width * pitch * dtype.itemsize)
    columns = np.frombuffer(memory, dtype).reshape(width, pitch)[:, :rows]
    at = 0
    for block in blocks:
        for start in range(0, len(block), BLOCK_ROWS):
            slab = block[start : start + BLOCK_ROWS]
            columns[:, at : at + len(slab)] = slab.T
            at += len(slab)
    return columns


def _bitmap(valid: Bools) -> tuple[pa.Buffer | None, int]:
    nulls = len(valid) - int(np.count_nonzero(valid))
    return (pa.py_buffer(np.packbits(valid, bitorder="little")) if nulls else None), nulls


def _as(column: pa.Array, kind: pa.DataType | None) -> pa.Array:
    """Cast the numbers of an array to the type of their column."""
    if column.type == kind or kind is None or kind not in SMALL | FLOATS:
        return column
    if kind == pa.date32():
        return column.cast(pa.int32(), safe=False).view(kind)
    return column.cast(kind, safe=False)  # exact, and nobody looks behind a null


def _split(text: pa.Array, flat: _Flat, first: int) -> list[pa.Array]:
    """The texts of a batch's rows, a column each."""
    rows, width = len(text), flat.values.shape[1] - first
    lengths = flat.values[:, first:]
    if flat.kind == pa.float64():
        lengths = lengths.view(np.float64)
    bits, nulls = None, 0
    if flat.valid is not None:
        valid = flat.valid[:, first:]
        lengths = np.where(valid, lengths, 0)
        bits, nulls = _bitmap(valid.ravel())
    offset = np.dtype(np.int64 if pa.types.is_large_string(text.type) else np.int32)
    ends = np.frombuffer(text.buffers()[1], offset, rows + 1, text.offset * offset.itemsize)
    bounds = np.empty(rows * width + 1, offset)
    bounds[0] = ends[0]
    np.cumsum(lengths.astype(offset).ravel(), out=bounds[1:])
    bounds[1:] += ends[0]
    if bounds[-1] != ends[-1]:
        came, lengths = ends[-1] - ends[0], bounds[-1] - ends[0]
        raise DatasetError(
            f"Spark sent {came:,} bytes of text, but lengths that add up to {lengths:,}; "
            "what came through its Arrow stream is damaged, so nothing was counted"
        )
    buffers = [bits, pa.py_buffer(bounds), text.buffers()[2]]
    each = pa.Array.from_buffers(text.type, rows * width, buffers, nulls)
    by_column = np.arange(rows * width, dtype=np.int32).reshape(rows, width).T
    columns = each.take(pa.array(by_column.ravel()))
    return [columns.slice(j * rows, rows) for j in range(width)]
