"""Columns come out of their packing as they went in: every value, every null, every type."""

from __future__ import annotations

import itertools
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import ODD_FLOATS, ODD_INTS, ODD_TEXTS, quick

from kldrift.errors import DatasetError
from kldrift.sources.dataframe.transport import (
    MOST_NUMBERS,
    MOST_TEXTS,
    Bundle,
    choose_transport,
    unbundle,
)

VALUES = {
    pa.bool_(): st.booleans(),
    pa.int8(): st.integers(-128, 127),
    pa.int16(): st.integers(-(2**15), 2**15 - 1),
    pa.int32(): st.integers(-(2**31), 2**31 - 1),
    pa.int64(): st.sampled_from(ODD_INTS) | st.integers(-(2**63), 2**63 - 1),
    pa.float32(): st.floats(width=32),
    pa.float64(): st.sampled_from(ODD_FLOATS) | st.floats(),
    pa.date32(): st.integers(-(2**31), 2**31 - 1),
    pa.timestamp("us", "UTC"): st.integers(-(2**63), 2**63 - 1),
    pa.timestamp("us"): st.integers(-(2**63), 2**63 - 1),
    pa.decimal128(38, 3): st.integers(-(10**38) + 1, 10**38 - 1).map(Decimal),
    pa.string(): st.sampled_from(ODD_TEXTS) | st.text(st.characters(codec="utf-8")),
    pa.null(): st.none(),
}


def column_of(kind: pa.DataType, values: list) -> pa.Array:
    if pa.types.is_decimal(kind):
        whole = pa.decimal128(kind.precision, 0)
        raw = pa.array(values, whole)
        return pa.Array.from_buffers(kind, len(raw), raw.buffers(), raw.null_count)
    if pa.types.is_temporal(kind):
        return pa.array(values, pa.int32() if pa.types.is_date32(kind) else pa.int64()).view(kind)
    return pa.array(values, kind)


@st.composite
def tables(draw) -> tuple[list[pa.Array], list[int]]:
    """Columns of any types, and where batches begin."""
    rows = draw(st.integers(1, 12))
    kinds = draw(st.lists(st.sampled_from(list(VALUES)), min_size=1, max_size=9))
    columns = []
    for kind in kinds:
        value = VALUES[kind] | st.none() if draw(st.booleans()) else VALUES[kind]
        values = draw(st.lists(value, min_size=rows, max_size=rows))
        columns.append(column_of(kind, values))
    cuts = sorted(draw(st.sets(st.integers(1, rows - 1)))) if rows > 1 else []
    return columns, [0, *cuts, rows]


def as_element(column: pa.Array, kind: pa.DataType) -> pa.Array:
    """A column as the numbers that Spark makes of it."""
    if column.type == kind:
        return column
    if pa.types.is_string(column.type):
        column = pc.binary_length(column)
    if pa.types.is_date32(column.type):
        column = column.view(pa.int32())
    return column.cast(kind)


def sent(bundle: Bundle, columns: list[pa.Array]) -> tuple[pa.Array, pa.Array | None]:
    """The array column and the text column of a batch, as Spark makes them."""
    rows = len(columns[0])
    elements = [as_element(columns[i], bundle.kind) for i in (*bundle.numbers, *bundle.texts)]
    by_column = pa.concat_arrays(elements)
    flat = by_column.take(pa.array(np.arange(len(by_column)).reshape(-1, rows).T.ravel()))
    arrays = pa.ListArray.from_arrays(np.arange(rows + 1, dtype=np.int32) * len(elements), flat)
    if not bundle.texts:
        return arrays, None
    texts = [columns[i].fill_null("").to_pylist() for i in bundle.texts]
    return arrays, pa.array(["".join(row) for row in zip(*texts, strict=True)], pa.string())


def bits_of(column: pa.Array) -> list:
    """Values that are equal only where their bits are; which NaN a NaN is says nothing."""
    if pa.types.is_floating(column.type):
        column = pc.if_else(pc.is_nan(column), pa.scalar(np.nan, column.type), column)
    if pa.types.is_floating(column.type) or pa.types.is_temporal(column.type):
        column = column.view(pa.int32() if column.type.bit_width == 32 else pa.int64())
    return column.to_pylist()


def assert_comes_back(columns: list[pa.Array], bounds: list[int]) -> None:
    types = [column.type for column in columns]
    transport = choose_transport(types)
    back = {}
    for bundle in transport.bundles:
        batches = [
            sent(bundle, [c.slice(a, b - a) for c in columns])
            for a, b in itertools.pairwise(bounds)
        ]
        texts = [text for _, text in batches if text is not None]
        back |= dict(unbundle(bundle, types, [array for array, _ in batches], texts))
    assert sorted([*back, *transport.alone]) == list(range(len(columns)))
    for i, column in back.items():
        assert column.type == columns[i].type
        column.validate(full=True)
        assert column.null_count == columns[i].null_count
        assert bits_of(column) == bits_of(columns[i])


@quick
@given(tables())
def test_whatever_is_packed_comes_out_as_it_went_in(table):
    assert_comes_back(*table)


@pytest.mark.parametrize("rows", [1, 255, 256, 257, 4096, 5000])
def test_many_rows_in_any_batches_come_out_as_they_went_in(rows):
    rng = np.random.default_rng(rows)
    some = rng.random((4, rows)) < 0.1
    columns = [pa.array(rng.normal(size=rows), mask=mask) for mask in some[:2]]
    columns += [pa.array(rng.integers(0, 99, rows).astype(str), pa.string(), mask=some[2])] * 3
    columns += [pa.array(rng.integers(0, 2, rows).astype(bool), mask=some[3])]
    assert_comes_back(columns, sorted({0, rows // 3, rows // 2, rows}))


@pytest.mark.parametrize("numbers", [0, 1, 500])
def test_many_columns_travel_in_several_bundles_none_of_them_large(numbers):
    rng = np.random.default_rng(0)
    columns = [pa.array(rng.normal(size=3)) for _ in range(numbers)]
    columns += [pa.array([f"{i}", None, "x" * i]) for i in range(50)]
    assert_comes_back(columns, [0, 1, 3])
    for bundle in choose_transport([c.type for c in columns]).bundles:
        assert len(bundle.numbers) <= MOST_NUMBERS
        assert len(bundle.texts) <= MOST_TEXTS


def test_a_column_that_shares_its_type_with_no_other_travels_alone():
    one_of_each = [pa.float64(), pa.string(), pa.int64(), pa.timestamp("us"), pa.list_(pa.int8())]
    assert choose_transport(one_of_each).bundles == ()
    assert choose_transport([None, *one_of_each, None]).alone == tuple(range(7))
    assert choose_transport([]).bundles == ()


def test_small_numbers_travel_with_those_that_are_there_anyway():
    with_floats = choose_transport([pa.int8(), pa.int64(), pa.float32(), pa.date32(), pa.int64()])
    assert with_floats.bundles == (
        Bundle(pa.float64(), (0, 2, 3)),
        Bundle(pa.int64(), (1, 4)),
    )
    assert choose_transport([pa.int8(), pa.int64()]).bundles == (Bundle(pa.int64(), (0, 1)),)


def test_texts_that_do_not_have_the_bytes_that_their_lengths_say_are_an_error():
    columns = [pa.array(["ab", "c"]), pa.array(["d", None])]
    (bundle,) = choose_transport([c.type for c in columns]).bundles
    array, _ = sent(bundle, columns)
    with pytest.raises(DatasetError, match="sent 5 bytes of text, but lengths that add up to 4"):
        list(unbundle(bundle, [c.type for c in columns], [array], [pa.array(["abd", "cX"])]))


def test_texts_of_large_types_and_of_slices_come_out_too():
    columns = [pa.array(["ab", "c", "é", None]), pa.array(["d", None, "", "z"])]
    (bundle,) = choose_transport([c.type for c in columns]).bundles
    array, text = sent(bundle, columns)
    for kind in (pa.string(), pa.large_string()):
        back = unbundle(bundle, [None] * 2, [array.slice(1, 3)], [text.cast(kind).slice(1, 3)])
        assert [(i, c.to_pylist()) for i, c in back] == [
            (0, ["c", "é", None]),
            (1, [None, "", "z"]),
        ]
