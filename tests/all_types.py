"""A table with every type that can be a feature, and the values that other tools trip over."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq


def all_types(rows: int = 400, seed: int = 0) -> pa.Table:
    """A table of ``rows`` rows; the same for the same seed."""
    rng = np.random.default_rng(seed)

    def some(values: list[object], kind: pa.DataType) -> pa.Array:
        return pa.array([values[i] for i in rng.integers(0, len(values), rows)], kind)

    def nulls(column: pa.Array, share: float = 0.1) -> pa.Array:
        keep = pa.array(rng.random(rows) >= share)
        return pa.compute.if_else(keep, column, pa.scalar(None, column.type))

    day = dt.date(2024, 2, 29)
    instant = dt.datetime(2024, 3, 31, 1, 30, tzinfo=dt.UTC)
    columns = {
        "byte": some([-128, 0, 127, None], pa.int8()),
        "short": some([-32768, 5, None], pa.int16()),
        "int": nulls(pa.array(rng.integers(-50, 50, rows), pa.int32())),
        "long": some([2**53, 2**53 + 1, 2**63 - 1, -(2**63), None], pa.int64()),
        "wide_long": pa.array(np.repeat(rng.integers(0, 2**40, rows // 2), 2), pa.int64()),
        "float": nulls(pa.array(rng.normal(size=rows).astype(np.float32))),
        "double": nulls(pa.array(rng.lognormal(0, 3, rows))),
        "odd_double": some([0.0, -0.0, np.nan, np.inf, -np.inf, 1e-320, None], pa.float64()),
        "decimal": some(
            [Decimal("1.10"), Decimal("-0.01"), Decimal("0.00"), None], pa.decimal128(9, 2)
        ),
        "wide_decimal": some(
            [Decimal("12345678901234567890.123"), Decimal("0.001"), None], pa.decimal128(38, 3)
        ),
        "boolean": some([True, False, None], pa.bool_()),
        "string": some(
            ["", "null", "None", "NaN", "é", "e\u0301", " ", "x" * 300, None], pa.string()
        ),
        "hostile": some(["<script>alert(1)</script>", "a'b\"c`d", "$x ${y}", "a\nb"], pa.string()),
        "date": some([day, day + dt.timedelta(days=300), None], pa.date32()),
        "instant": some(
            [instant, instant + dt.timedelta(hours=7), None], pa.timestamp("us", tz="UTC")
        ),
        "clock": some(
            [dt.datetime(2024, 1, 1, 23, 59), dt.datetime(1969, 12, 31, 4), None],
            pa.timestamp("us"),
        ),
        "person": some(
            [{"age": 7, "home": {"zip": "a"}}, {"age": None, "home": None}, None],
            pa.struct([("age", pa.int32()), ("home", pa.struct([("zip", pa.string())]))]),
        ),
        "tags": some([["a", "b"], [], [None], None], pa.list_(pa.string())),
        "attributes": some([[("k", 1)], [], None], pa.map_(pa.string(), pa.int32())),
        "constant": pa.array([7] * rows, pa.int32()),
        "empty": pa.nulls(rows, pa.float64()),
        "empty_text": pa.nulls(rows, pa.string()),
        "blob": some([b"x", b"y"], pa.binary()),
        "a.b": pa.array(rng.integers(0, 3, rows), pa.int32()),
        "back`tick": pa.array(rng.integers(0, 3, rows), pa.int32()),
        "sp ace/slash": pa.array(rng.integers(0, 3, rows), pa.int32()),
        "Case": pa.array(rng.integers(0, 3, rows), pa.int32()),
        "case": pa.array(rng.integers(0, 5, rows), pa.int32()),
    }
    return pa.table(columns)


OVERRIDES = {
    "date": {"parts": ["whole", "weekday", "month"]},
    "instant": {"parts": ["whole", "hour", "weekday"]},
    "clock": {"parts": ["hour"]},
}


def write_parts(table: pa.Table, folder: Path, parts: int, seed: int | None = None) -> Path:
    """Write a table as several Parquet files; with a seed, in a random order of rows."""
    folder.mkdir(parents=True)
    if seed is not None:
        order = np.random.default_rng(seed).permutation(table.num_rows)
        table = table.take(pa.array(order))
    size = -(-table.num_rows // parts)
    for i in range(parts):
        pq.write_table(table.slice(i * size, size), folder / f"part-{i}.parquet", row_group_size=57)
    return folder
