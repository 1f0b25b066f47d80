"""Random tables: schemas of all types, odd names, values at the ends of their types."""

from __future__ import annotations

import datetime as dt
import math
import random
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa

NAMES = ("a", "b", "A", "a.b", "size(a)", "", "ä", "x`y", " ", "<b>", "c\n", "a" * 70)
TEXTS = ("", "a", "b", "null", "NaN", "é", "e\u0301", "1", "true", "\x1b[31m", "x" * 300, "\0")
DAY = dt.date(2024, 2, 29)
INSTANT = dt.datetime(2024, 3, 31, 1, 30)


def _integers(bits: int, *, signed: bool) -> list[Any]:
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    return [low, low + 1, 0, 1, 5, high // 2, high // 2 + 1, high - 1, high]


FLOATS = [0.0, -0.0, 1.5, -2.25, math.nan, math.inf, -math.inf, 1e-5, 3.0, 1000.0]
DOUBLES = [*FLOATS, 0.1, 1e300, -1.7976931348623157e308, 5e-324, 2.0**53]
DECIMALS = [Decimal("0.00"), Decimal("-0.01"), Decimal("1.10"), Decimal("9999999.99")]
PLAIN: Mapping[pa.DataType, list[Any]] = {
    **{pa.type_for_alias(f"int{b}"): _integers(b, signed=True) for b in (8, 16, 32, 64)},
    **{pa.type_for_alias(f"uint{b}"): _integers(b, signed=False) for b in (8, 16, 32, 64)},
    pa.float32(): FLOATS,
    pa.float64(): DOUBLES,
    pa.decimal128(9, 2): DECIMALS,
    pa.decimal128(18, 2): [*DECIMALS, Decimal("9999999999999999.99")],
    pa.decimal128(38, 3): [*DECIMALS, Decimal("12345678901234567890.123")],
    pa.decimal256(50, 4): DECIMALS,
    pa.decimal32(9, 2): DECIMALS,
    pa.decimal64(18, 2): [*DECIMALS, Decimal("9999999999999999.99")],
    pa.bool_(): [True, False],
    pa.string(): list(TEXTS),
    pa.large_string(): list(TEXTS),
    pa.string_view(): list(TEXTS),
    pa.dictionary(pa.int8(), pa.string()): list(TEXTS),
    pa.dictionary(pa.int32(), pa.int64()): [1, 2, 2**60],
    pa.time32("s"): [dt.time(0), dt.time(18, 30), dt.time(23, 59, 59)],
    pa.time64("us"): [dt.time(0), dt.time(18, 30, 0, 7)],
    pa.duration("ms"): [dt.timedelta(0), dt.timedelta(days=-1), dt.timedelta(seconds=1.5)],
}
"""Types whose values are features as they are, and what is drawn of them."""
OTHERS: Mapping[pa.DataType, list[Any]] = {
    pa.null(): [None],
    pa.date64(): [DAY, DAY + dt.timedelta(days=9)],
    pa.date32(): [DAY, DAY + dt.timedelta(days=9), dt.date(1, 1, 1), dt.date(9999, 12, 31)],
    pa.timestamp("s"): [INSTANT, dt.datetime(1969, 12, 31, 4)],
    pa.timestamp("us", "UTC"): [INSTANT, dt.datetime(1, 1, 1)],
    pa.timestamp("ns", "Pacific/Auckland"): [INSTANT],
    pa.binary(): [b"", b"\xff"],
    pa.binary(2): [b"ab", b"\xff\xfe"],
    pa.list_(pa.int32()): [[], [1, None], [1, 2, 3]],
    pa.large_list(pa.string()): [[], ["a"], [None]],
    pa.list_(pa.float32(), 2): [[0.5, 1.0], [1.5, math.nan]],
    pa.list_view(pa.float64()): [[], [1.0, 2.0]],
    pa.map_(pa.string(), pa.int64()): [[], [("k", 1)]],
    pa.struct({"x": pa.int8(), "y.z": pa.string()}): [{"x": 1, "y.z": "a"}, {"x": None}],
    pa.struct([]): [{}],
    pa.timestamp("ms"): [INSTANT, dt.datetime(9999, 12, 31, 23, 59, 59)],
    pa.dictionary(pa.int32(), pa.decimal128(9, 2)): DECIMALS,
    pa.run_end_encoded(pa.int32(), pa.string()): ["a", "b"],
    pa.run_end_encoded(pa.int16(), pa.timestamp("us")): [INSTANT],
    pa.binary_view(): [b"", b"\xff"],
    pa.list_(pa.uint64()): [[], [2**64 - 1, None], [0]],
    pa.list_(pa.decimal64(9, 2)): [[], [*DECIMALS, None]],
    pa.list_view(pa.string_view()): [[], ["a", None]],
    pa.list_(pa.struct({"x": pa.int8()})): [[], [{"x": 1}, None], [{"x": None}]],
    pa.list_(pa.list_(pa.float64())): [[], [[1.0], None]],
    pa.map_(pa.string(), pa.map_(pa.string(), pa.int8())): [[], [("k", [("l", 1)])]],
    pa.struct({"v": pa.list_(pa.int64()), "t": pa.struct({"s": pa.string()})}): [
        {"v": [1, 2], "t": {"s": "a"}},
        {"v": None, "t": None},
    ],
    pa.uuid(): [b"0" * 16, b"\xff" * 16],
    pa.json_(): ["{}", "[1]"],
    pa.bool8(): [1, 0, 7],
    pa.month_day_nano_interval(): [],
}
"""Other types: parts of them are features, or nothing."""
OF_SPARK = (
    *(pa.type_for_alias(f"int{bits}") for bits in (8, 16, 32, 64)),
    *(pa.type_for_alias(f"uint{bits}") for bits in (8, 16, 32, 64)),
    *(pa.float32(), pa.float64(), pa.bool_(), pa.string(), pa.large_string(), pa.date32()),
    *(pa.decimal128(9, 2), pa.decimal128(18, 2), pa.decimal128(38, 3)),
    *(pa.timestamp("us", "UTC"), pa.list_(pa.int32()), pa.map_(pa.string(), pa.int64())),
    *(pa.dictionary(pa.int8(), pa.string()), pa.struct({"x": pa.int8(), "y.z": pa.string()})),
)
"""Types that Spark reads too."""
PARTS: Mapping[str, tuple[str, ...]] = {
    "date": ("whole", "weekday", "month"),
    "timestamp": ("whole", "hour", "weekday"),
    "list": ("nulls",),
    "string": ("length",),
    "binary": ("length",),
}


def column_of(kind: pa.DataType, rows: int, rng: random.Random) -> pa.Array:
    """A column: few values that repeat, some nulls."""
    pool = {**PLAIN, **OTHERS}[kind]
    some = [rng.choice(pool) for _ in range(rng.choice((1, 2, 4, 9)))] if pool else []
    nulls = rng.choice((0.0, 0.0, 0.2, 1.0))
    values = [rng.choice(some) if some and rng.random() >= nulls else None for _ in range(rows)]
    decimals = pa.types.is_dictionary(kind) and pa.types.is_decimal(kind.value_type)
    return (
        pa.array(values, kind.value_type).dictionary_encode()
        if decimals
        else pa.array(values, kind)
    )


def draw_tables(
    rng: random.Random, types: Sequence[pa.DataType] = (*PLAIN, *PLAIN, *OTHERS)
) -> tuple[pa.Table, pa.Table]:
    """A reference and a current table: mostly of one schema, with some changes."""
    kinds = [rng.choice(types) for _ in range(rng.randint(1, 4))]
    names = [rng.choice(NAMES) for _ in kinds]
    if rng.random() < 0.8:
        names = [f"{name}{i}" if name in names[:i] else name for i, name in enumerate(names)]
    reference = _table(names, kinds, rng.choice((0, 1, 2, 30, 60, 120)), rng)
    if rng.random() < 0.3:
        kinds = [rng.choice(types) if rng.random() < 0.4 else k for k in kinds]
    if rng.random() < 0.2:
        names = [rng.choice(NAMES) if rng.random() < 0.4 else name for name in names]
    current = _table(names, kinds, rng.choice((0, 1, 2, 30, 60, 120)), rng)
    return reference, current


def _table(names: list[str], kinds: list[pa.DataType], rows: int, rng: random.Random) -> pa.Table:
    columns = [column_of(kind, rows, rng) for kind in kinds]
    cut = rng.randint(0, rows)
    chunked = [
        pa.chunked_array([c.slice(0, cut), c.slice(cut)], c.type) if rng.random() < 0.3 else c
        for c in columns
    ]
    return pa.table(chunked, names=names)


def draw_override(table: pa.Table, rng: random.Random) -> dict[str, Any]:
    """Parts that the columns of a table have."""
    override: dict[str, Any] = {}
    for field in table.schema:
        for key, parts in PARTS.items():
            if str(field.type).startswith(key) and rng.random() < 0.6 and field.name:
                override[field.name] = {"parts": [rng.choice(parts)]}
    return override


Check = Callable[[pa.Table, pa.Table], None]


def smallest(reference: pa.Table, current: pa.Table, fails: Check) -> tuple[pa.Table, pa.Table]:
    """Take rows and columns away from two tables as long as a check goes on failing.

    Args:
        reference: of the failure.
        current: of the failure.
        fails: raises ``AssertionError`` while the failure is there.
    """
    tables, go_on = [reference, current], True
    while go_on:
        go_on = False
        for side, table in enumerate(tables):
            halves = (table.slice(0, table.num_rows // 2), table.slice(table.num_rows // 2))
            without = (table.remove_column(i) for i in range(table.num_columns))
            for less in (*(h for h in halves if h.num_rows < table.num_rows), *without):
                tried = [less if i == side else other for i, other in enumerate(tables)]
                try:
                    fails(*tried)
                except AssertionError:
                    tables, go_on = tried, True
                    break
    return tables[0], tables[1]
