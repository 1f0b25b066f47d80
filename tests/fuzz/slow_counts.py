"""What a comparison must have counted, in plain Python: slow, and short enough to be believed."""

from __future__ import annotations

import datetime as dt
import math
from collections import Counter
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pandas as pd
import pyarrow as pa

from tests.fuzz.tables import PLAIN

SIDES = ("reference", "current")


def check_counts(
    scores: pd.DataFrame, cells: pd.DataFrame, reference: pa.Table, current: pa.Table
) -> None:
    """Check a comparison against its two tables.

    Raises:
        AssertionError: a number of rows, of missing values, a mean or a cell is wrong.
    """
    sides = dict(zip(SIDES, (reference, current), strict=True))
    parts = {name.strip("`") for name in scores["feature"] if name.startswith("`")}
    for row in scores.to_dict("records"):
        if row["status"] not in ("ok", "constant"):
            continue
        name = row["feature"]
        for side, table in sides.items():
            assert row[f"n_{side}"] == table.num_rows, f"{name}: rows of the {side}"
        own = cells[cells["feature"] == name]
        for side, table in sides.items():
            if len(own):
                total = int(own[f"rows_{side}"].sum())
                assert total == table.num_rows, f"{name}: cells of the {side} hold {total} rows"
        kinds = {t.schema.field(name).type for t in sides.values() if _has(t, name)}
        if name in parts:  # of another column, whose own name is written in backquotes
            continue
        if len(kinds) == 1 and kinds <= set(PLAIN) and all(_has(t, name) for t in sides.values()):
            (kind,) = kinds
            for side, table in sides.items():
                pivots = reference.column(name).to_pylist()
                _check_column(row, own, side, table.column(name).to_pylist(), kind, pivots)


def _has(table: pa.Table, name: str) -> bool:
    return table.schema.names.count(name) == 1


def _check_column(
    row: dict[str, Any],
    cells: pd.DataFrame,
    side: str,
    values: list[Any],
    kind: pa.DataType,
    pivots: list[Any],
) -> None:
    where = f"{row['feature']!r} of type {kind}, {side}"
    there = [v for v in values if v is not None]
    assert row[f"missing_{side}"] == len(values) - len(there), f"{where}: nulls"
    counts = Counter(_label(v, kind) for v in there)
    for cell_kind, label in (("nan", "nan"), ("positive_infinity", "inf")):
        found = int(cells.loc[cells["cell_kind"] == cell_kind, f"rows_{side}"].sum())
        assert not len(cells) or found == counts[label], f"{where}: {label}"
    named = cells[cells["cell_kind"].isin(["value", "category"])]
    for label, rows in named[["label", f"rows_{side}"]].itertuples(index=False):
        if len(label) < 60:
            right = rows == counts[label] or (rows > counts[label] and _has_close_values(kind))
            assert right, f"{where}: {label!r}: {rows} rows, not {counts[label]}"
    numbers = _numbers(there)
    mean = row[f"mean_{side}"]
    if row["kind"] == "numeric" and numbers and max(map(abs, numbers)) < 10**300:
        exact = sum(numbers) / len(numbers)
        # Sums are taken about a number of the reference.
        spread = max(abs(n) for n in (*numbers, *_numbers(pivots)))
        if math.isnan(mean):  # no digit of it is known
            lost = spread * Fraction(1, 2**52)
            assert max(numbers) - min(numbers) < lost, f"{where}: no mean of {numbers[:9]}"
            return
        near = spread * Fraction(1, 10**12) + Fraction(5e-324)  # there is no double between
        assert abs(Fraction(mean) - exact) <= near, f"{where}: mean {mean}"


def _label(value: Any, kind: pa.DataType) -> str:
    """What a cell of one value is called."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return repr(value + 0.0).removesuffix(".0")
    if isinstance(value, Decimal):
        if kind.precision > 18:  # counted as doubles
            return repr(float(value)).removesuffix(".0")
        return f"{value:f}"
    if isinstance(value, dt.time | dt.timedelta):
        return f"{Decimal(_microseconds(value)).scaleb(-6):f}"
    return str(value)


def _numbers(values: list[Any]) -> list[Fraction]:
    return [Fraction(n) for v in values if (n := _number(v)) is not None]


def _has_close_values(kind: pa.DataType) -> bool:
    """Whether a value is scored in the cell of another one that is close by."""
    return not (pa.types.is_integer(kind) or pa.types.is_boolean(kind))


def _number(value: Any) -> float | int | Fraction | None:
    """A value as a number, if it is a finite one."""
    if isinstance(value, dt.time | dt.timedelta):
        return Fraction(_microseconds(value), 10**6)
    if isinstance(value, bool | str) or (isinstance(value, float) and not math.isfinite(value)):
        return None
    return Fraction(value) if isinstance(value, Decimal) else value


def _microseconds(value: dt.time | dt.timedelta) -> int:
    if isinstance(value, dt.timedelta):
        return value // dt.timedelta(microseconds=1)
    return ((value.hour * 60 + value.minute) * 60 + value.second) * 10**6 + value.microsecond
