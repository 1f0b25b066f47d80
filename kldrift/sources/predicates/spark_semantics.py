"""Spark's comparisons of one column, as Arrow expressions; what is not certain is refused.

Two things differ. In Spark, NaN equals NaN and is greater than every number; Arrow follows IEEE.
And Spark widens both sides until nothing is lost, where Arrow may cast a literal to the column's
type, so that 0.1 matches a float32 it does not equal. So each literal is turned here into a value
of the column's own type, or into a bound that keeps the same rows.

Every function gives an expression that is true exactly where the comparison is TRUE in Spark, and
false or null elsewhere.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from kldrift.features.sentinels import is_text
from kldrift.sources.predicates.units import (
    Column,
    LiteralValue,
    RefusedError,
    counts_units,
    in_units,
    unit_range,
    unit_scalar,
)

NO_ROW: Final = pc.scalar(False)
# "<=>" and "<!>" are IS NOT DISTINCT FROM and IS DISTINCT FROM.
OPPOSITE: Final = {
    "=": "!=",
    "!=": "=",
    "<": ">=",
    ">=": "<",
    ">": "<=",
    "<=": ">",
    "<=>": "<!>",
    "<!>": "<=>",
}
MIRRORED: Final = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}
COMPARISONS: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def compare(column: Column, op: str, value: LiteralValue) -> pc.Expression:
    """Compare a column with a literal."""
    if value is None:
        return {"<=>": column.field.is_null(), "<!>": column.field.is_valid()}.get(op, NO_ROW)
    if op == "<=>":
        return compare(column, "=", value)
    if op == "<!>":
        return compare(column, "!=", value) | column.field.is_null()
    if counts_units(column.type):
        return _compare_units(column, op, in_units(column, value))
    if is_text(column.type) and isinstance(value, str):
        return COMPARISONS[op](column.field, value)
    return _compare_special(column, op, value)


def compare_columns(left: Column, op: str, right: Column) -> pc.Expression:
    """Compare two columns of one type."""
    a, b = left.field, right.field
    if op == "<=>":
        return compare_columns(left, "=", right) | (a.is_null() & b.is_null())
    if op == "<!>":
        one_null = (a.is_null() & b.is_valid()) | (a.is_valid() & b.is_null())
        return compare_columns(left, "!=", right) | one_null
    if op in {">", ">="}:
        return compare_columns(right, MIRRORED[op], left)
    kind = left.type
    if kind != right.type:
        raise RefusedError(f"{left.name!r} is {kind} and {right.name!r} is {right.type}")
    if _is_float(kind):
        return _compare_floats(a, op, b)
    equality = pa.types.is_boolean(kind) and op in {"=", "!="}
    if not (equality or is_text(kind) or counts_units(kind)):
        raise RefusedError(f"{left.name!r} and {right.name!r} are {kind}")
    return COMPARISONS[op](a, b)


def contained(column: Column, values: Iterable[LiteralValue]) -> pc.Expression:
    """Ask whether the column equals one of some literals."""
    equal = [own for value in values if value is not None for own in _equals(column, value)]
    return column.field.isin(pa.array(equal, column.type)) if equal else NO_ROW


def excluded(column: Column, values: Iterable[LiteralValue]) -> pc.Expression:
    """Ask whether the column equals none of some literals; with a null among them it is unknown."""
    listed = list(values)
    within = contained(column, listed)
    return NO_ROW if None in listed else column.field.is_valid() & ~within


def like(column: Column, pattern: LiteralValue, value: bool) -> pc.Expression:
    """Ask whether ``column LIKE pattern`` is ``value``."""
    if not (is_text(column.type) and isinstance(pattern, str)):
        raise column.unlike(pattern)
    text = pattern.strip("%")
    if "_" in text or "%" in text:
        raise RefusedError(f"LIKE {pattern!r} has a wildcard that is not % at an end")
    if text == pattern:
        return compare(column, "=" if value else "!=", pattern)
    # The string kernels do not know dictionaries, which a reader may return for any string.
    plain = column.field.cast(column.type)
    if pattern.startswith("%") and pattern.endswith("%"):
        matches = pc.match_substring(plain, text)
    elif pattern.startswith("%"):
        matches = pc.ends_with(plain, text)
    else:
        matches = pc.starts_with(plain, text)
    return matches if value else ~matches


def _compare_units(column: Column, op: str, units: Fraction) -> pc.Expression:
    low, high = unit_range(column.type)
    whole = units.denominator == 1
    if op in {"=", "!="}:
        if whole and low <= units <= high:
            return COMPARISONS[op](column.field, unit_scalar(column.type, units.numerator))
        return NO_ROW if op == "=" else column.field.is_valid()
    if op in {"<", "<="}:
        most = math.floor(units) - (op == "<" and whole)
        empty, all_of_it = most < low, most >= high
        op, bound = "<=", most
    else:
        least = math.ceil(units) + (op == ">" and whole)
        empty, all_of_it = least > high, least <= low
        op, bound = ">=", least
    if empty or all_of_it:
        return NO_ROW if empty else column.field.is_valid()
    return COMPARISONS[op](column.field, unit_scalar(column.type, bound))


def _compare_special(column: Column, op: str, value: LiteralValue) -> pc.Expression:
    """Compare the types that only have equality, or an order of their own."""
    if pa.types.is_boolean(column.type) and isinstance(value, bool) and op in {"=", "!="}:
        return column.field if value == (op == "=") else ~column.field
    if _is_float(column.type):
        plain = COMPARISONS[op](column.field, pa.scalar(_double(column, value), pa.float64()))
        return plain if op in {"=", "<", "<="} else plain | pc.is_nan(column.field)
    raise column.unlike(value)


def _compare_floats(a: pc.Expression, op: str, b: pc.Expression) -> pc.Expression:
    a_nan, b_nan = pc.is_nan(a), pc.is_nan(b)
    plain = COMPARISONS[op](a, b)
    return {
        "=": plain | (a_nan & b_nan),
        "!=": plain & ~(a_nan & b_nan),
        "<": plain | (~a_nan & b_nan),
        "<=": plain | (a.is_valid() & b_nan),
    }[op]


def _equals(column: Column, value: LiteralValue) -> list[Any]:
    """The values of the column's type that equal the literal: none, one, or both zeros."""
    if counts_units(column.type):
        if isinstance(value, str) and pa.types.is_timestamp(column.type):
            # Some settings compare the texts, and '2020-01-01' is not '2020-01-01 00:00:00'.
            raise RefusedError(f"{column.name!r} is a timestamp and IN lists strings")
        units = in_units(column, value)
        low, high = unit_range(column.type)
        fits = units.denominator == 1 and low <= units <= high
        return [unit_scalar(column.type, units.numerator)] if fits else []
    if is_text(column.type) and isinstance(value, str):
        return [value]
    if _is_float(column.type):
        number = _double(column, value)
        if pa.types.is_float32(column.type) and not _fits_float32(number):
            return []
        return [number] if number else [0.0, -0.0]
    raise column.unlike(value)


def _is_float(kind: pa.DataType) -> bool:
    return bool(pa.types.is_float32(kind) or pa.types.is_float64(kind))


def _double(column: Column, value: LiteralValue) -> float:
    if isinstance(value, bool) or not isinstance(value, int | Decimal | float):
        raise column.unlike(value)
    if isinstance(value, int) and pa.types.is_float32(column.type) and not _fits_float32(value):
        # Without ANSI mode Spark casts the integer to float, with it both to double.
        raise RefusedError(f"{column.name!r} is float and {value} is not exact in it")
    return float(value)


def _fits_float32(value: float) -> bool:
    nearest = pa.scalar(float(value), pa.float64()).cast(pa.float32(), safe=False)
    return bool(nearest.as_py() == value)
