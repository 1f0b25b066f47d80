"""From an Arrow column to the keys that are counted.

A key is the exact value where the type allows: integers, dates (days), times of day and durations
(microseconds, or nanoseconds where they are stored), timestamps (microseconds, as Spark has them)
and decimals of up to 18 digits (their unscaled integers) are int64, and so are unsigned integers of
64 bits, 2**63 lower; other numbers are float64; everything that is compared as a category is text.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from kldrift.arrays import Ints
from kldrift.profiles.support import Keys

LONGEST_LABEL: Final = 256
LONGEST_SHOWN: Final = 48
EXACT_DECIMAL_DIGITS: Final = 18


class KeyType(StrEnum):
    """How the values of a column become keys."""

    INTEGER = "integer"
    UNSIGNED = "unsigned"  # integers of 64 bits without a sign, 2**63 lower
    FLOAT = "float"
    TEXT = "text"
    PRESENCE = "presence"  # only whether a value is there: the two sides have different types


def decoded(column: pa.Array) -> pa.Array:
    """Decode a dictionary column; the dictionary may hold nulls that the column does not show."""
    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column


def null_count(column: pa.Array) -> int:
    """Number of nulls, those in the values of a dictionary included."""
    hidden = pa.types.is_dictionary(column.type) and column.dictionary.null_count
    return int((decoded(column) if hidden else column).null_count)


def number_keys(column: pa.Array, key_type: KeyType) -> Keys:
    """The keys of the values that are not null, in the order of the rows, shape ``(n,)``."""
    column = decoded(column)
    return row_numbers(column.drop_null() if column.null_count else column, key_type)


def unordered(column: pa.Array, key_type: KeyType) -> Keys:
    """The keys of the values that are not null, in any order, which is cheaper."""
    column = decoded(column)
    return without(row_numbers(column, key_type), null_rows(column))


def without(values: NDArray[Any], gaps: Ints) -> NDArray[Any]:
    """Remove values by their places; values from the end fill the gaps.

    Examples:
        >>> without(np.array([10, 11, 12, 13, 14]), np.array([1, 3])).tolist()
        [10, 14, 12]
    """
    if not len(gaps):
        return values
    kept = len(values) - len(gaps)
    inside = int(np.searchsorted(gaps, kept))
    closed = values[:kept].copy()
    closed[gaps[:inside]] = np.delete(values[kept:], gaps[inside:] - kept)
    return closed


def null_rows(column: pa.Array) -> Ints:
    """The places of the nulls, increasing."""
    if not column.null_count or pa.types.is_null(column.type):
        return np.empty(0, dtype=np.int64)
    first, end = column.offset, column.offset + len(column)
    valid = np.frombuffer(column.buffers()[0], dtype=np.uint8)[first // 8 : -(-end // 8)]
    bits = np.unpackbits(valid, bitorder="little")[first % 8 :][: len(column)]
    return np.flatnonzero(bits == 0)


def row_numbers(column: pa.Array, key_type: KeyType) -> Keys:
    """The key of each row, shape ``(n,)``: any number where the row is null."""
    kind = column.type
    dtype = np.dtype(np.float64 if key_type is KeyType.FLOAT else np.int64)
    if column.null_count == len(column):
        return np.zeros(0 if pa.types.is_null(kind) else len(column), dtype)
    if key_type is KeyType.FLOAT:
        return _words(column.cast(pa.float64(), safe=False), dtype)
    if key_type is KeyType.UNSIGNED:
        return _words(column.cast(pa.uint64()), dtype) ^ np.iinfo(np.int64).min
    if pa.types.is_decimal(kind):
        return _unscaled(column)
    if pa.types.is_timestamp(kind):
        column = in_microseconds(column, pa.timestamp("us", tz=kind.tz))
    elif pa.types.is_time(kind) and kind != pa.time64("ns"):
        column = column.cast(pa.time64("us"))
    elif pa.types.is_duration(kind) and kind != pa.duration("ns"):
        column = in_microseconds(column, pa.duration("us"))
    elif pa.types.is_date64(kind):
        column = column.cast(pa.date32())
    if pa.types.is_temporal(kind):
        column = column.view(pa.int32() if pa.types.is_date32(column.type) else pa.int64())
    return _words(column.cast(pa.int64()), dtype)


def in_microseconds(column: pa.Array, kind: pa.DataType) -> pa.Array:
    """Instants or durations in microseconds; those beyond 64 bits are as far as these reach."""
    per_unit = {"s": 10**6, "ms": 10**3}.get(column.type.unit, 1)
    most = np.iinfo(np.int64).max // per_unit
    numbers = column.view(pa.int64())
    ends = pc.min_max(numbers) if per_unit > 1 else {}
    if any(abs(end.as_py() or 0) > most for end in ends.values()):
        numbers = pc.max_element_wise(numbers, pa.scalar(-most), skip_nulls=False)
        numbers = pc.min_element_wise(numbers, pa.scalar(most), skip_nulls=False)
    return numbers.view(column.type).cast(kind, safe=False)


def _words(column: pa.Array, dtype: np.dtype[Any]) -> NDArray[Any]:
    """The column's buffer as an array of this dtype; any number where the row is null."""
    words = np.frombuffer(column.buffers()[1], dtype=dtype)
    return words[column.offset : column.offset + len(column)]


def _unscaled(column: pa.Array) -> Ints:
    """The integers behind decimals of at most 18 digits: the low halves of their 128 bits."""
    if not pa.types.is_decimal128(column.type):
        column = column.cast(pa.decimal128(EXACT_DECIMAL_DIGITS, column.type.scale))
    words = np.frombuffer(column.buffers()[1], dtype=np.int64)
    return words[2 * column.offset : 2 * (column.offset + len(column)) : 2].copy()


@dataclass(frozen=True, eq=False)
class Labels:
    """The category names of the values of a dictionary.

    A null may be among the values; long names are shortened, see :func:`label`.
    """

    values: pa.Array
    names: pa.Array
    nulls: Ints
    nans: Ints

    @classmethod
    def of(cls, values: pa.Array) -> Self:
        """The labels of a dictionary."""
        return cls(values, label(values), null_rows(values), _nans(values))


class EncodedColumn:
    """A batch of a text feature, dictionary-encoded: distinct names and a code per row.

    Args:
        known: the labels of a batch before, which this one may have too.
    """

    __slots__ = ("_indices", "labels")

    def __init__(self, column: pa.Array, known: Labels | None = None) -> None:
        if pa.types.is_null(column.type):
            column = column.cast(pa.string())
        column = _in_one_unit(column)
        encoded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
        values = encoded.dictionary
        same = known is not None and known.values.equals(values)
        self.labels = known if known is not None and same else Labels.of(values)
        self._indices = encoded.indices

    @property
    def names(self) -> pa.Array:
        """Distinct values as text, shape ``(d,)``."""
        return self.labels.names

    @property
    def codes(self) -> Ints:
        """Index in ``names`` of every row; -1 is null, -2 is NaN; shape ``(n,)``."""
        codes = self._words().astype(np.int64)
        codes[null_rows(self._indices)] = -1
        for code, places in ((-1, self.labels.nulls), (-2, self.labels.nans)):
            if len(places):
                codes[np.isin(codes, places)] = code
        return codes

    def _words(self) -> NDArray[Any]:
        return _words(self._indices, np.dtype(self._indices.type.to_pandas_dtype()))

    def counts(self) -> tuple[Ints, int, int]:
        """Rows of each name, rows that are null, rows that are NaN."""
        nulls, nans = self.labels.nulls, self.labels.nans
        codes = without(self._words(), null_rows(self._indices)).astype(np.int64, copy=False)
        counts = np.bincount(codes, minlength=len(self.names))
        flow = self._indices.null_count + int(counts[nulls].sum()), int(counts[nans].sum())
        counts[nulls] = counts[nans] = 0
        return counts, *flow


def _nans(values: pa.Array) -> Ints:
    """The places of the NaN."""
    if not pa.types.is_floating(values.type):
        return np.empty(0, dtype=np.int64)
    is_nan = pc.is_nan(values).fill_null(fill_value=False)
    return np.flatnonzero(is_nan.to_numpy(zero_copy_only=False))


def label(values: pa.Array) -> pa.Array:
    r"""The category name of each value, by which categories are compared.

    A number is written the same whether it is an integer, a float or a decimal with more digits,
    and a time in whichever unit it is stored: an instant in UTC, a duration in seconds. Bytes that
    are no UTF-8 are written as ``\xff``; text of more than 256 bytes is shown by its beginning, its
    size and a hash, which tell it from any other.

    Examples:
        >>> label(pa.array([1.0, 0.5])).to_pylist()
        ['1', '0.5']
        >>> label(pa.array(["", "null", "x" * 1000])).to_pylist()[2][44:]
        'xxxx... (1000 bytes, 9a306b894c158617)'
    """
    values = _in_one_unit(values)
    text = values.cast(pa.string())
    if pa.types.is_decimal(values.type):
        pattern = r"(\.[0-9]*[1-9])0+(E|$)|\.0+(E|$)|^(0)E-[0-9]+$"
        text = pc.replace_substring_regex(text, pattern, r"\1\2\3\4")
    if pa.types.is_floating(values.type):
        whole = pc.and_(pc.less(pc.abs(values), 2.0**53), pc.equal(values, pc.floor(values)))
        digits = pc.if_else(whole, values, pa.scalar(0, values.type)).cast(pa.int64())
        text = pc.if_else(whole, digits.cast(pa.string()), text)  # Arrow writes 2e+10
    text = _utf8(text)
    sizes = pc.binary_length(text)
    if (pc.max(sizes).as_py() or 0) <= LONGEST_LABEL:
        return text
    long = pc.greater(sizes, LONGEST_LABEL).fill_null(fill_value=False)
    short = [_shortened(value) for value in text.filter(long).to_pylist()]
    return pc.replace_with_mask(text, long, pa.array(short, pa.string()))


def _in_one_unit(values: pa.Array) -> pa.Array:
    """Times in one unit, so that equal ones have one name; half floats as Arrow compares them."""
    kind = values.type
    if pa.types.is_float16(kind):
        return values.cast(pa.float32())
    if pa.types.is_timestamp(kind):
        return in_microseconds(values, pa.timestamp("us", tz=kind.tz and "UTC"))
    if pa.types.is_time(kind):
        return values.cast(pa.time64("us"), safe=False)
    if pa.types.is_duration(kind):
        unit = Decimal(1).scaleb(-3 * ("s", "ms", "us", "ns").index(kind.unit))
        return pc.multiply(values.cast(pa.int64()).cast(pa.decimal128(19)), unit)
    return values


def _utf8(text: pa.Array) -> pa.Array:
    """Text as valid UTF-8, which neither Parquet nor Spark ensures."""
    try:
        text.validate(full=True)
    except pa.ArrowInvalid:
        raw = text.cast(pa.binary()).to_pylist()
        readable = [None if r is None else r.decode("utf-8", "backslashreplace") for r in raw]
        return pa.array(readable, pa.string())
    return text


def _shortened(value: str) -> str:
    raw = value.encode()
    digest = hashlib.blake2b(raw, digest_size=8).hexdigest()
    return f"{value[:LONGEST_SHOWN]}... ({len(raw)} bytes, {digest})"
