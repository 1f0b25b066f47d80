"""From Arrow columns to keys: exact numbers, and text that names one value only."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import ODD_TEXTS, decimals, floats, integers, quick

from kldrift.features.keys import (
    LONGEST_LABEL,
    EncodedColumn,
    KeyType,
    label,
    null_count,
    number_keys,
    unordered,
    without,
)
from kldrift.profiles.support import unsigned

INSTANT = dt.datetime(2024, 2, 29, 12, 30, 0, 250_000)
MICROSECONDS = 1_709_209_800_250_000


def dictionary(codes: list[int | None], values: pa.Array) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(codes, pa.int32()), values)


@pytest.mark.parametrize(
    ("column", "keys"),
    [
        (pa.array([-128, None, 127], pa.int8()), [-128, 127]),
        (pa.array([0, 2**32 - 1], pa.uint32()), [0, 2**32 - 1]),
        (pa.array([2**53 + 1, -(2**63), 2**63 - 1]), [2**53 + 1, -(2**63), 2**63 - 1]),
        (pa.array([True, None, False]), [1, 0]),
        (pa.array([Decimal("-1.10"), None, Decimal("0.01")], pa.decimal128(9, 2)), [-110, 1]),
        (pa.array([Decimal(10**17)], pa.decimal128(18, 0)), [10**17]),
        (pa.array([Decimal("-1.10")], pa.decimal256(9, 2)), [-110]),
        (pa.array([Decimal("0.01"), Decimal("0.02")], pa.decimal128(9, 2))[1:], [2]),
        (pa.array([None, None], pa.decimal128(9, 2)), []),
        (pa.array([dt.date(1970, 1, 3), dt.date(1969, 12, 31)]), [2, -1]),
        (pa.array([dt.date(1970, 1, 3)], pa.date64()), [2]),
        (pa.array([INSTANT], pa.timestamp("us")), [MICROSECONDS]),
        (pa.array([INSTANT], pa.timestamp("ns")), [MICROSECONDS]),
        (pa.array([INSTANT], pa.timestamp("ms", tz="Asia/Tokyo")), [MICROSECONDS]),
        (pa.array([1], pa.timestamp("s")), [1_000_000]),
        (pa.array([1_001], pa.timestamp("ns")), [1]),
        (pa.nulls(3), []),
        (dictionary([1, None, 0, 1], pa.array([5, 6])), [6, 5, 6]),
        (dictionary([1, 0], pa.array([5, None])), [5]),
    ],
    ids=lambda value: str(value.type) if isinstance(value, pa.Array) else "",
)
def test_integer_keys_are_exact(column, keys):
    found = number_keys(column, KeyType.INTEGER)
    assert found.dtype == np.int64
    assert found.tolist() == keys


@pytest.mark.parametrize(
    ("column", "keys"),
    [
        (pa.array([0.1, None, np.nan, -np.inf]), [0.1, np.nan, -np.inf]),
        (pa.array([0.5], pa.float32()), [0.5]),
        (pa.array([np.float16(0.5)]), [0.5]),
        (pa.array([2**53, 3]), [2.0**53, 3.0]),
        (pa.array([2**64 - 1], pa.uint64()), [2.0**64]),
        (pa.array([Decimal("1.25"), None], pa.decimal128(38, 3)), [1.25]),
        (pa.nulls(2), []),
    ],
    ids=lambda value: str(value.type) if isinstance(value, pa.Array) else "",
)
def test_other_numbers_are_doubles(column, keys):
    found = number_keys(column, KeyType.FLOAT)
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, np.array(keys, dtype=np.float64))


@pytest.mark.parametrize("kind", [pa.uint64(), pa.decimal128(20, 0)])
def test_integers_without_a_sign_keep_their_order_and_all_digits(kind):
    values = [0, 1, 2**63 - 1, 2**63, 2**63 + 1, 2**64 - 1]
    keys = number_keys(pa.array([*values, None], pa.uint64()).cast(kind), KeyType.UNSIGNED)
    assert keys.dtype == np.int64
    assert keys.tolist() == [v - 2**63 for v in values]
    assert unsigned(keys).tolist() == values


@quick
@given(st.data(), integers | decimals)
def test_a_slice_of_a_column_has_the_keys_of_its_own_rows(data, sample):
    start = data.draw(st.integers(0, len(sample.column)))
    rows = data.draw(st.integers(0, len(sample.column)))
    keys = [sample.key(v) for v in sample.values[start : start + rows] if v is not None]
    assert number_keys(sample.column.slice(start, rows), KeyType.INTEGER).tolist() == keys


def over_garbage(valid: list[bool], words: np.ndarray, kind: pa.DataType) -> pa.Array:
    """A column whose buffer holds any bytes where it is null."""
    bits = np.packbits(valid, bitorder="little").tobytes()
    return pa.Array.from_buffers(kind, len(words), [pa.py_buffer(bits), pa.py_buffer(words)])


@quick
@given(st.data(), floats | integers | decimals)
def test_without_their_order_the_keys_are_the_same(data, sample):
    start = data.draw(st.integers(0, len(sample.column)))
    column = sample.column.slice(start, data.draw(st.integers(0, len(sample.column))))
    found, same = (f(column, sample.key_type) for f in (unordered, number_keys))
    assert found.dtype == same.dtype
    np.testing.assert_array_equal(np.sort(found), np.sort(same))


@quick
@given(st.lists(st.booleans(), min_size=1, max_size=70), st.integers(0, 20))
def test_what_stands_under_a_null_is_never_seen(valid, start):
    rows = np.arange(len(valid))
    for dtype, kind, junk in (
        (np.float64, pa.float64(), [np.nan, np.inf, -np.inf, 1e300]),
        (np.float32, pa.float32(), [np.nan, np.inf]),
        (np.int64, pa.int64(), [2**63 - 1, -(2**63)]),
        (np.int64, pa.timestamp("us"), [2**63 - 1, -(2**63)]),
        (np.int32, pa.date32(), [2**31 - 1, -(2**31)]),
        (np.int16, pa.int16(), [2**15 - 1, -(2**15)]),
    ):
        words = np.where(valid, rows, np.resize(np.array(junk, dtype), len(rows))).astype(dtype)
        column = over_garbage(valid, words, kind)[start:]
        key_type = KeyType.FLOAT if pa.types.is_floating(kind) else KeyType.INTEGER
        kept = rows[start:][np.array(valid, dtype=bool)[start:]]
        assert np.sort(unordered(column, key_type)).tolist() == kept.tolist()
        assert number_keys(column, key_type).tolist() == kept.tolist()


@quick
@given(st.data(), st.integers(0, 60))
def test_gaps_are_closed_and_nothing_else_is_lost(data, rows):
    values = np.arange(rows)
    gone = sorted(data.draw(st.sets(st.integers(0, max(0, rows - 1)), max_size=rows)))
    gaps = np.array(gone if rows else [], dtype=np.int64)
    assert sorted(without(values, gaps)) == sorted(set(range(rows)) - set(gone))
    assert values.tolist() == list(range(rows))


@pytest.mark.parametrize(
    ("column", "nulls"),
    [
        (pa.nulls(3), 3),
        (pa.array([1, None]), 1),
        (dictionary([1, None, 0], pa.array(["a", "b"])), 1),
        (dictionary([1, None, 0, 1], pa.array(["a", None])), 3),
    ],
    ids=["null", "plain", "dictionary", "hidden"],
)
def test_nulls_are_counted_wherever_they_stand(column, nulls):
    assert null_count(column) == nulls


# ------------------------------------------------------------------------------------------ text


def tallied(column: pa.Array) -> list[str]:
    """Each row's value as an encoded column has it."""
    encoded = EncodedColumn(column)
    names = [*encoded.names.to_pylist(), "-> NaN", "-> null"]
    return [names[code] for code in encoded.codes]


def test_odd_texts_and_null_are_each_what_they_are():
    names = tallied(pa.array([*ODD_TEXTS, None]))
    assert len(set(names)) == len(ODD_TEXTS) + 1
    assert names[:6] == ["", " ", "null", "None", "NaN", "é"]
    assert names[-1] == "-> null"


@pytest.mark.parametrize(
    ("column", "names"),
    [
        (pa.array([1.0, -0.0, 0.0, np.nan, None]), ["1", "0", "0", "-> NaN", "-> null"]),
        (pa.array([np.float16(1), np.float16(np.nan)]), ["1", "-> NaN"]),
        (pa.array([True, None, False]), ["true", "-> null", "false"]),
        (pa.nulls(2), ["-> null", "-> null"]),
        (pa.array(["a"], pa.large_string()), ["a"]),
        (dictionary([1, None, 2, 0], pa.array(["a", "b", None])), ["b", "-> null", "-> null", "a"]),
        (dictionary([0, 1, 2], pa.array([np.nan, 1.5, None])), ["-> NaN", "1.5", "-> null"]),
        (pa.array(["x", "a", None])[1:], ["a", "-> null"]),
    ],
    ids=lambda value: str(value.type) if isinstance(value, pa.Array) else "",
)
def test_the_tally_of_a_column_names_each_row(column, names):
    assert tallied(column) == names


def test_the_tally_counts_rows_nulls_and_nan():
    counts, null, nan = EncodedColumn(pa.array([1.5, None, np.nan, 1.5, None])).counts()
    assert counts.sum() == 2
    assert (null, nan) == (2, 1)


@pytest.mark.parametrize("index", [pa.int8(), pa.uint16(), pa.int32(), pa.int64(), pa.uint64()])
def test_codes_under_a_null_are_never_seen(index):
    words = np.array([1, 99, 0, 1, 77], dtype=index.to_pandas_dtype())
    codes = over_garbage([True, False, True, True, False], words, index)
    values = pa.array([np.nan, 1.5])
    for column in (pa.DictionaryArray.from_arrays(codes, values), pa.array([1.5, None, np.nan])):
        encoded = EncodedColumn(column)
        counts, null, nan = encoded.counts()
        named = dict(zip(encoded.names.to_pylist(), counts.tolist(), strict=True))
        rows = encoded.codes.tolist()
        assert named["1.5"] == sum(counts) == rows.count(encoded.names.to_pylist().index("1.5"))
        assert (null, nan) == (rows.count(-1), rows.count(-2)) == (column.null_count, 1)


def test_nulls_and_nan_of_a_dictionary_are_counted_apart():
    column = dictionary([0, 1, 2, 2, None], pa.array([np.nan, 1.5, None]))
    counts, null, nan = EncodedColumn(column).counts()
    assert (counts.tolist(), null, nan) == ([0, 1, 0], 3, 1)


def test_a_vocabulary_is_made_once_while_batches_share_it():
    first = EncodedColumn(dictionary([0, 1], pa.array(["a", "b"])))
    again = EncodedColumn(dictionary([1, None], pa.array(["a", "b"])), first.labels)
    other = EncodedColumn(dictionary([1, 0], pa.array(["b", "a"])), first.labels)
    assert again.labels is first.labels
    assert (again.codes.tolist(), again.counts()[0].tolist()) == ([1, -1], [0, 1])
    assert other.names.to_pylist() == ["b", "a"]


@quick
@given(st.integers(-(2**53) + 1, 2**53 - 1))
def test_a_whole_number_has_one_name_in_every_type(number):
    columns = [
        pa.array([number]),
        pa.array([float(number)]),
        pa.array([Decimal(number)], pa.decimal128(38, 0)),
        pa.array([Decimal(number)], pa.decimal128(38, 10)),
    ]
    assert {label(column)[0].as_py() for column in columns} == {str(number)}


@quick
@given(st.integers(-(10**6), 10**6), st.integers(1, 4), st.integers(0, 6))
def test_a_decimal_has_one_name_in_every_scale(digits, scale, more):
    value = Decimal(digits).scaleb(-scale)
    columns = [pa.array([value], pa.decimal128(30, scale + extra)) for extra in (0, more)]
    names = {label(column)[0].as_py() for column in columns}
    assert len(names) == 1
    assert Decimal(names.pop()) == value


@pytest.mark.parametrize(
    ("value", "kind", "name"),
    [
        (0.1, pa.float64(), "0.1"),
        (np.float32(0.1), pa.float32(), "0.1"),
        (-0.0, pa.float64(), "0"),
        (15_000_000_000.0, pa.float64(), "15000000000"),
        (1e20, pa.float64(), "1e+20"),
        (np.inf, pa.float64(), "inf"),
        ("1.0", pa.string(), "1.0"),
        (Decimal("1.50"), pa.decimal128(9, 2), "1.5"),
        (Decimal("100"), pa.decimal128(9, 0), "100"),
        (2**63 - 1, pa.int64(), "9223372036854775807"),
    ],
)
def test_a_value_is_called_what_a_reader_would_write(value, kind, name):
    assert label(pa.array([value], kind)).to_pylist() == [name]


@quick
@given(st.lists(st.integers(0, 400), min_size=2, max_size=6), st.sampled_from("xé"))
def test_long_texts_are_shortened_and_still_told_apart(sizes, letter):
    values = [letter * 260 + "y" * size for size in dict.fromkeys(sizes)]
    names = label(pa.array(values)).to_pylist()
    assert len(set(names)) == len(values)
    assert all(len(name.encode()) <= LONGEST_LABEL for name in names)
    assert all(f"({len(v.encode())} bytes, " in n for v, n in zip(values, names, strict=True))


def test_a_text_of_just_the_longest_size_stays_as_it_is():
    values = ["x" * LONGEST_LABEL, None, "x" * (LONGEST_LABEL + 1)]
    names = label(pa.array(values)).to_pylist()
    assert names[:2] == values[:2]
    assert names[2].startswith("x" * 48 + "... (257 bytes, ")


def test_bytes_that_are_no_text_are_shown_and_not_refused():
    dirty = pa.array([b"caf\xe9", b"caf\xc3\xa9", None]).view(pa.string())
    assert label(dirty).to_pylist() == ["caf\\xe9", "café", None]


@pytest.mark.parametrize("kind", [pa.float16(), pa.float32(), pa.float64()], ids=str)
def test_floats_of_every_width_have_labels(kind):
    assert label(pa.array([1.0, 0.5, None]).cast(kind)).to_pylist() == ["1", "0.5", None]
